"""Loss curve and heat map: what is drawn is what was given, in numbers that can be read and colours that mean it."""

import itertools

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utils.pictures import canvas, charts
from utils.pictures.charts import heat_map, loss_curve
from utils.system.errors import EnvironmentFailure, InputError

WORDS = ("rain", "snow", "tea")
COSINES = np.array([[1.0, 0.5, -0.25], [0.5, 1.0, 0.0], [-0.25, 0.0, 1.0]])


# ---- the loss curve


def curve(iterations, losses, halvings=(), title="A title"):
    return charts._draw_curve(*charts._checked_losses(iterations, losses), halvings, title, "iteration", charts.LOSS)


def test_the_curve_holds_the_losses():
    axes = curve([10, 20, 40], [19.0, 21.5, 9.8125]).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[10, 19.0], [20, 21.5], [40, 9.8125]])
    assert axes.get_xlim() == (0, 40)  # what is missing before iteration 10 shows
    assert axes.get_xlabel() == "iteration" and axes.get_ylabel() == "smoothed loss, nats per window"
    assert [text.get_text() for text in axes.texts] == ["9.812"]


def test_halvings_within_the_run_are_marked(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(charts, "save_png", lambda figure, path: figures.append(figure))
    for halvings in ((), range(0, 41, 10)):
        loss_curve([10, 20, 40], [3, 2, 1], tmp_path / "loss.png", halvings=halvings)
    plain, marked = (figure.axes[0] for figure in figures)
    assert len(plain.lines) == 1 and len(plain.texts) == 1
    assert [line.get_xdata()[0] for line in marked.lines[1:]] == [10, 20, 30]
    assert "dashed: step halved" in [text.get_text() for text in marked.texts]


def test_a_single_loss_is_a_mark_and_a_million_are_drawn(tmp_path):
    assert curve([10], [19.0]).axes[0].lines[0].get_marker() == "o"
    assert curve([0], [19.0]).axes[0].get_xlim() == (0, 1)
    noise = np.random.default_rng(0).normal(size=10**6)
    loss_curve(np.arange(10**6), noise, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 10000


@pytest.mark.parametrize(
    "iterations, losses, message",
    [
        ([], [], "shapes (0,) and (0,)"),
        ([10, 20], [1.0], "shapes (2,) and (1,)"),
        ([[10]], [[1.0]], "shapes (1, 1)"),
        ([10, 20], [1.0, np.nan], "got nan at iteration 20"),
        ([10, 20], [-np.inf, 1.0], "got -inf at iteration 10"),
        ([20, 10], [1.0, 1.0], "ascend"),
        ([10, 10], [1.0, 1.0], "ascend"),
        ([-1, 10], [1.0, 1.0], "from 0"),
        ([10, np.nan], [1.0, 1.0], "ascend"),
        (["ten"], [1.0], "must be numbers"),
    ],
)
def test_the_curve_says_what_it_wants(iterations, losses, message, tmp_path):
    with pytest.raises(InputError) as caught:
        loss_curve(iterations, losses, tmp_path / "loss.png")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# ---- the heat map


def cells(
    matrix, rows=WORDS, columns=WORDS, meaning="cosine similarity", scale="diverging", largest=None, title="Title"
):
    """The figure of a heat map and the texts of its cells, by rows."""
    matrix = charts._checked_matrix(matrix, rows, columns, scale)
    figure = charts._draw_cells(matrix, rows, columns, meaning, scale, largest, title)
    texts = [text.get_text() for text in figure.axes[0].texts[: matrix.size]]
    return figure, [texts[start : start + len(columns)] for start in range(0, matrix.size, len(columns))]


def words_of(figure, matrix):
    names = [text.get_text() for text in figure.axes[0].texts[np.size(matrix) :]]
    return names[: len(matrix)], names[len(matrix) :]


def test_each_cell_has_its_value_and_each_line_its_word():
    figure, texts = cells(COSINES[:2], rows=WORDS[:2])
    assert texts == [["1.00", "0.50", "−0.25"], ["0.50", "1.00", "0.00"]]
    assert words_of(figure, COSINES[:2]) == (["rain", "snow"], ["rain", "snow", "tea"])
    mesh = figure.axes[0].collections[0]
    np.testing.assert_array_equal(mesh.get_array(), COSINES[:2])
    # The cell of row 0 and column 2 is in the upper right, and its number in its middle.
    low, high = figure.axes[0].get_window_extent().extents.reshape(2, 2)
    x, y = figure.axes[0].transData.transform(figure.axes[0].texts[2].get_position())
    assert x == pytest.approx(low[0] + (high - low)[0] * 5 / 6) and y == pytest.approx(low[1] + (high - low)[1] * 3 / 4)


@pytest.mark.parametrize(
    "value, text",
    [
        (0.123456, "0.12"), (1.0005, "1.00"), (12.345, "12.35"), (123.45, "123.5"), (1234.5, "1,234"),
        (0.0123, "0.012"), (0.00123, "0.0012"), (1.5e-7, "1.5e−07"), (-2.5e7, "−2.5e+07"), (3, "3"), (54000, "54,000"),
        (0, "0"), (-np.inf, "−∞"),
    ],
)  # fmt: skip
def test_numbers_are_as_precise_as_can_be_read(value, text):
    assert charts._written(np.array([[value]])) == [[text]]


def test_no_number_is_minus_zero():
    assert charts._written(np.array([[-0.001, 0.5]])) == [["0.00", "0.50"]]


def test_colours_mean_their_values():
    figure, _ = cells(COSINES)
    shades = figure.axes[0].collections[0]
    red, white, blue = shades.to_rgba([1.0, 0.0, -1.0])[:, :3]
    assert red[0] > 2 * red[2] and blue[2] > 2 * blue[0] and (white > 0.95).all()
    assert (shades.norm.vmin, shades.norm.vmax) == (-1, 1)  # about 0, though the smallest is -0.25
    counts, _ = cells([[0, 4]], rows=["tea"], columns=["a", "b"], scale="sequential", meaning="pairs")
    shades = counts.axes[0].collections[0]
    assert (shades.norm.vmin, shades.norm.vmax) == (0, 4) and (shades.to_rgba([0])[0, :3] > 0.95).all()
    assert counts.axes[1].get_xlabel() == "pairs" and figure.axes[1].get_xlabel() == "cosine similarity"


def test_colours_can_end_at_a_given_size():
    norm = cells(COSINES, largest=2)[0].axes[0].collections[0].norm
    assert (norm.vmin, norm.vmax) == (-2, 2)

    def pointed(**options):
        figure, _ = cells(**options)
        return len(figure.axes[1].patches)

    assert pointed(matrix=COSINES, largest=2) == 0
    assert pointed(matrix=COSINES, largest=0.8) == 2  # both ends stand for more
    assert pointed(matrix=np.abs(COSINES), largest=0.8, scale="sequential") == 1


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from(["diverging", "sequential"]))
@example(seed=0, scale="zeros")
def test_numbers_stand_off_from_their_cells(seed, scale):
    matrix = np.random.default_rng(seed).uniform(-1, 1, size=(5, 6))
    matrix = {"zeros": 0 * matrix, "sequential": np.abs(matrix)}.get(scale, matrix)
    scale = "diverging" if scale == "zeros" else scale
    figure, _ = cells(matrix, rows=list("abcde"), columns=list("uvwxyz"), scale=scale)
    shades = canvas.luminance(figure.axes[0].collections[0].to_rgba(matrix))
    for text, shade in zip(figure.axes[0].texts, shades.ravel(), strict=False):
        ink = {"black": 0, "white": 1}[text.get_color()]
        dark, light = sorted((ink, shade))
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, success criterion 1.4.3


def test_luminance_counted_on_paper():
    colours = np.array([[1, 1, 1, 1], [0, 0, 0, 1], [1, 0, 0, 1], [0, 0.04, 0, 1]])
    np.testing.assert_allclose(canvas.luminance(colours), [1, 0, 0.2126, 0.7152 * 0.04 / 12.92], rtol=1e-12)


@pytest.mark.parametrize(
    "rows, columns",
    [
        (WORDS, WORDS),
        (["w" * 40, "日本", "$x$"], ["extraordinarily", "שלום", "a_b^2"]),
        (["a"], ["b"]),
        ([f"word{i}" for i in range(60)], ["a"]),
        (["a"], [f"word{i}" for i in range(60)]),
    ],
)
def test_nothing_overlaps_and_nothing_leaves_the_paper(rows, columns):
    matrix = np.linspace(-1, 1, len(rows) * len(columns)).reshape(len(rows), len(columns))
    figure, _ = cells(matrix, rows, columns, meaning="what the values mean, and in which unit", title="a title " * 20)
    renderer = figure.canvas.get_renderer()
    bar = figure.axes[1].get_tightbbox(renderer)
    texts = [text.get_window_extent(renderer) for text in [*figure.axes[0].texts, *figure.texts]]
    for box in [*texts, bar]:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
    for one, other in itertools.combinations([*texts, bar], 2):
        assert min(one.x1, other.x1) - max(one.x0, other.x0) <= 1 or min(one.y1, other.y1) - max(one.y0, other.y0) <= 1


def test_odd_words_are_written_so_that_they_can_be_read(system_fonts):
    system_fonts([])
    figure, _ = cells([[0.5, 0.25]], rows=["$x$"], columns=["日", "чай"], meaning="$y$", title="$z$")
    assert words_of(figure, [[0.5, 0.25]]) == (["$x$"], [r"\u65e5", "чай"])
    assert figure.texts[0].get_text() == "$z$" and figure.axes[1].get_xlabel() == "$y$"
    texts = [*figure.axes[0].texts, *figure.texts, figure.axes[1].xaxis.label]
    assert not any(text.get_parse_math() for text in texts)


def test_long_words_stand_upright():
    assert {text.get_rotation() for text in cells(COSINES)[0].axes[0].texts} == {0}
    figure, _ = cells(COSINES, columns=["rain", "snow", "extraordinarily"])
    assert [text.get_rotation() for text in figure.axes[0].texts[-3:]] == [90] * 3


def test_pmi_of_what_never_occurs_is_grey():
    figure, texts = cells([[-np.inf, 0.5]], rows=["a"], columns=["b", "c"], meaning="PMI, nats")
    assert texts == [["−∞", "0.50"]]
    never, seen = figure.axes[0].collections[0].to_rgba(np.ma.masked_invalid([[-np.inf, 0.5]]))[0]
    assert never[0] == never[1] == never[2] == pytest.approx(0xE6 / 255) and seen[0] != seen[2]


def drawn_words(monkeypatch, *arguments, **options):
    figures = []
    monkeypatch.setattr(charts, "save_png", lambda figure, path: figures.append(figure))
    heat_map(*arguments, "nowhere.png", **options)
    matrix = figures[0].axes[0].collections[0].get_array()
    return np.ma.getdata(matrix), *words_of(figures[0], matrix)


def test_similar_words_come_together(monkeypatch):
    names = list("apbqcr")
    same = np.array([i % 2 for i in range(6)])  # two kinds in turn
    matrix = np.where(same[:, None] == same, 0.9, -0.8) + 0.01 * np.arange(6)
    assert drawn_words(monkeypatch, matrix, names, names)[1:] == (names, names)
    ordered, rows, columns = drawn_words(monkeypatch, matrix, names, names, order="similar")
    assert rows == columns and set(rows[:3]) in ({"a", "b", "c"}, {"p", "q", "r"})
    places = [names.index(word) for word in rows]
    np.testing.assert_array_equal(ordered, matrix[np.ix_(places, places)])


def test_the_same_words_keep_one_order_where_the_matrix_is_not_symmetric(monkeypatch):
    matrix = np.random.default_rng(0).normal(size=(8, 8))
    _, rows, columns = drawn_words(monkeypatch, matrix, list("abcdefgh"), list("abcdefgh"), order="similar")
    assert rows == columns != list("abcdefgh")
    _, rows, columns = drawn_words(monkeypatch, matrix, list("abcdefgh"), list("ABCDEFGH"), order="similar")
    assert rows != [column.lower() for column in columns]


def test_rows_and_columns_of_other_words_are_ordered_each_for_itself(monkeypatch):
    matrix = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1], [0, 1, 0.0]])
    ordered, rows, columns = drawn_words(monkeypatch, matrix, list("abcd"), list("xyz"), order="similar")
    assert {frozenset(rows[:2]), frozenset(rows[2:])} == {frozenset("ac"), frozenset("bd")}
    assert columns[1] != "y"
    for word, row in zip(rows, ordered, strict=True):
        for other, value in zip(columns, row, strict=True):
            assert value == matrix["abcd".index(word), "xyz".index(other)]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 1)])
def test_few_words_can_be_ordered_and_so_can_what_never_occurs(shape, monkeypatch):
    matrix = np.full(shape, -np.inf)
    rows, columns = [f"r{i}" for i in range(shape[0])], [f"c{i}" for i in range(shape[1])]
    _, drawn_rows, drawn_columns = drawn_words(monkeypatch, matrix, rows, columns, order="similar")
    assert sorted(drawn_rows) == rows and sorted(drawn_columns) == columns


@pytest.mark.parametrize(
    "change, message",
    [
        ({"matrix": [[1.0]]}, "got (1, 1) and (3, 3) words"),
        ({"matrix": np.zeros((0, 3)), "row_words": []}, "got (0, 3)"),
        ({"matrix": [1.0, 2.0, 3.0]}, "got (3,)"),
        ({"matrix": [[1.0], [2.0, 3.0]]}, "all of one length"),
        ({"matrix": np.zeros((61, 3)), "row_words": ["a"] * 61}, "holds 60 words on an axis, got 61"),
        ({"matrix": COSINES + [0, np.nan, 0]}, "got nan for 'rain' and 'snow'"),
        ({"matrix": COSINES + [0, np.inf, 0]}, "got inf for 'rain' and 'snow'"),
        ({"scale": "sequential"}, "got -0.25 for 'rain' and 'tea': use a diverging scale"),
        ({"scale": "rainbow"}, "scale must be one of diverging, sequential, got 'rainbow'"),
        ({"order": "random"}, "order must be one of given, similar, got 'random'"),
        ({"largest": 0}, "largest must be a finite number above 0, got 0"),
        ({"largest": np.nan}, "largest must be a finite number above 0, got nan"),
    ],
)
def test_the_heat_map_says_what_it_wants(change, message, tmp_path):
    arguments = {"matrix": COSINES, "row_words": WORDS, "column_words": WORDS, "path": tmp_path / "heat.png", **change}
    with pytest.raises(InputError) as caught:
        heat_map(**arguments)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# ---- the files


def draw_curve(path, seed=0, **options):
    loss_curve([10, 20, 30], np.random.default_rng(seed).normal(size=3), path, **options)


def draw_heat(path, seed=0, **options):
    heat_map(np.random.default_rng(seed).normal(size=(3, 3)), WORDS, WORDS, path, **options)


@pytest.mark.parametrize(
    "draw, choices",
    [
        (draw_curve, [{"seed": 1}, {"title": "A title"}, {"halvings": [15]}]),
        (draw_heat, [{"seed": 1}, {"title": "A title"}, {"meaning": "PMI"}, {"largest": 5}, {"order": "similar"}]),
    ],
)
def test_same_input_same_bytes_other_input_other_bytes(draw, choices, tmp_path):
    def content(**options):
        draw(tmp_path / "picture.png", **options)
        return (tmp_path / "picture.png").read_bytes()

    first = content()
    assert first.startswith(b"\x89PNG\r\n\x1a\n") and b"Software" not in first
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 50}):
        assert content() == first
        assert matplotlib.rcParams["font.size"] == 30
    assert len({first, *(content(**options) for options in choices)}) == 1 + len(choices)


@pytest.mark.parametrize("draw", [draw_curve, draw_heat])
def test_a_failure_leaves_the_old_file_and_nothing_else(draw, tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        draw(tmp_path / "nowhere" / "picture.png")

    def fail(self, file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(canvas.FigureCanvasAgg, "print_png", fail)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        draw(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
