"""The map of words: against points counted on paper, the handout's covariance formula, the renderer's measures."""

import doctest
import itertools
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utils.commands.words import MAP_GROUPS, MAP_WORDS
from utils.pictures import canvas, wordmap
from utils.pictures.canvas import drawable
from utils.pictures.labels import AIR
from utils.pictures.wordmap import project_2d, word_map
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.paths import PROJECT
from utils.vectors.signs import fix_signs

ROUNDING = 1e-12  # float64 on numbers of size 1 to 10: a few hundred roundings
HANDOUT = """great cool brilliant wonderful well amazing worth sweet enjoyable boring bad dumb annoying
female male queen king man woman rain snow hail coffee tea"""
FILMS = [f"film{i}" for i in range(16)]


def normal(seed, n, d=10):
    return np.random.default_rng(seed).normal(size=(n, d))


def handout_projection(vectors):
    """The handout's own lines."""
    temp = vectors - np.mean(vectors, axis=0)
    covariance = 1.0 / len(vectors) * temp.T.dot(temp)
    U, S, _ = np.linalg.svd(covariance)
    return temp.dot(U[:, 0:2]), S[:2] / S.sum()


def drawn(words, vectors, groups=None, title="A title"):
    """The figure of a map, the boxes of its labels as placed and as the renderer measures them, and the points."""
    coordinates, shares = project_2d(vectors)
    sheet = wordmap._draw(words, coordinates, shares, wordmap.marks_of(words, groups or {}), title)
    low = np.array([label.get_position() for label in sheet.labels]) - AIR
    boxes = np.hstack((low, low + sheet.sizes))
    measured = np.array([label.get_window_extent(sheet.renderer).extents for label in sheet.labels])
    return sheet.figure, boxes, measured, sheet.pixels(sheet.framed(coordinates))


def overlap(a, b):
    """Whether two boxes share more than an edge."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 1e-6 and min(a[3], b[3]) - max(a[1], b[1]) > 1e-6  # 1e-6 px: rounding


def assert_readable(words, vectors, groups=None, title="A title"):
    figure, boxes, measured, points = drawn(words, vectors, groups, title)
    frame = figure.axes[0].get_window_extent().extents
    assert len(measured) == len(words)
    for label, box in zip(measured, boxes, strict=True):
        assert (box[:2] <= label[:2] + 1).all() and (label[2:] <= box[2:] + 1).all()  # 1 px: text snaps to pixels
    for label in measured:
        assert (label[:2] > frame[:2]).all() and (label[2:] < frame[2:]).all()
    for one, other in itertools.combinations(measured, 2):
        assert not overlap(one, other)
    for label, (x, y) in itertools.product(measured, points):
        assert not overlap(label, (x - 8, y - 8, x + 8, y + 8))  # marks are 7.5 points = 15.6 px wide


# ---- the signs


def test_largest_component_becomes_positive():
    directions = np.array([[0.6, -0.8, 0.0], [-0.1, 0.2, -0.9], [3.0, -2.0, 1.0], [0.0, 0.0, 0.0]])
    wanted = np.array([[-0.6, 0.8, 0.0], [0.1, -0.2, 0.9], [3.0, -2.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(fix_signs(directions), wanted)


def test_signs_of_rows_that_tie_up_to_rounding_follow_the_first():
    half = np.sqrt(0.5)
    for noise in (-1e-15, 0, 1e-15):
        fixed = fix_signs(np.array([[-half, half + noise]]))
        assert fixed[0, 0] == half


@given(seed=st.integers(0, 2**32 - 1), flips=st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4))
def test_signs_do_not_depend_on_the_signs_given(seed, flips):
    directions = normal(seed, 4, 6)
    np.testing.assert_array_equal(fix_signs(directions), fix_signs(directions * np.array(flips)[:, None]))


def test_signs_keep_the_dtype_and_the_input():
    directions = np.array([[-1.0, 0.5]], dtype=np.float32)
    assert fix_signs(directions).dtype == np.float32
    np.testing.assert_array_equal(directions, [[-1.0, 0.5]])


# ---- the projection


def test_a_cross_counted_on_paper():
    # Arms of 2 along y and of 1 along x, off the origin: variances 8/4 and 2/4, so shares 4/5 and 1/5.
    vectors = np.array([[0.0, 2.0], [0.0, -2.0], [1.0, 0.0], [-1.0, 0.0]]) + [5.0, -3.0]
    coordinates, shares = project_2d(vectors)
    np.testing.assert_allclose(coordinates, [[2, 0], [-2, 0], [0, 1], [0, -1]], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(shares, [0.8, 0.2], rtol=0, atol=ROUNDING)


def test_chosen_directions_are_found():
    # Singular values 6, 3 and 2 along the rows of a rotation; the left vectors, from a Hadamard matrix, have mean 0.
    left = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]]) / 2
    rotation = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3
    coordinates, shares = project_2d(left * [6, 3, 2] @ rotation + 7)
    # Row 1 of the rotation has its largest component (2) twice, positive; so has row 2.
    np.testing.assert_allclose(coordinates, (left * [6, 3, 2])[:, :2], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(shares, [36 / 49, 9 / 49], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("n, d", [(24, 10), (5, 10), (3, 2), (100, 3)])
def test_agrees_with_the_handouts_covariance_up_to_sign(n, d):
    vectors = normal(n * d, n, d) * np.linspace(3, 1, d)  # variances apart determine the directions
    coordinates, shares = project_2d(vectors)
    wanted, wanted_shares = handout_projection(vectors)
    signs = np.sign((coordinates * wanted).sum(axis=0))
    np.testing.assert_allclose(coordinates, wanted * signs, rtol=0, atol=1e-10)  # the covariance squares the condition
    np.testing.assert_allclose(shares, wanted_shares, rtol=0, atol=1e-12)


@given(
    n=st.integers(1, 12), d=st.integers(1, 12), seed=st.integers(0, 2**32 - 1), power=st.sampled_from([-160, 0, 140])
)
def test_shares_are_parts_of_a_whole(n, d, seed, power):
    coordinates, shares = project_2d(normal(seed, n, d) * 10.0**power)
    assert coordinates.shape == (n, 2) and shares.shape == (2,)
    assert np.isfinite(coordinates).all()
    assert 0 <= shares[1] <= shares[0] <= shares.sum() <= 1 + 1e-15  # one rounding of the sum
    if d <= 2 and n > 1:
        assert shares.sum() == pytest.approx(1, abs=1e-15)  # the plane holds everything


def test_projection_does_not_depend_on_the_directions_sign():
    vectors = normal(3, 20, 6)
    np.testing.assert_array_equal(project_2d(vectors)[1], project_2d(-vectors)[1])
    # Mirrored words are mirrored on the map: the directions keep their signs.
    np.testing.assert_allclose(project_2d(-vectors)[0], -project_2d(vectors)[0], rtol=0, atol=ROUNDING)


def test_one_dimension_has_no_second_coordinate():
    coordinates, shares = project_2d([[1], [4], [7]])
    np.testing.assert_array_equal(coordinates, [[-3, 0], [0, 0], [3, 0]])
    np.testing.assert_array_equal(shares, [1, 0])


@pytest.mark.parametrize("vectors", [[[0.1, 0.2, 0.3]], [[0.1, 0.7]] * 3, [[0.1]] * 7, np.zeros((4, 5))])
def test_equal_vectors_have_no_variance(vectors):
    coordinates, shares = project_2d(vectors)
    assert not coordinates.any() and not shares.any()


def test_float32_is_computed_in_float64():
    vectors = normal(1, 8, 4).astype(np.float32)
    coordinates, _ = project_2d(vectors)
    assert coordinates.dtype == np.float64
    np.testing.assert_array_equal(coordinates, project_2d(vectors.astype(np.float64))[0])


@pytest.mark.parametrize(
    "vectors, message",
    [
        (np.zeros((0, 3)), "shape (0, 3)"),
        (np.zeros((3, 0)), "shape (3, 0)"),
        ([], "shape (0,)"),
        ([1.0, 2.0], "shape (2,)"),
        (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
        ([[1.0, 2.0], [3.0, np.nan]], "got nan in row 1"),
        ([[np.inf, 2.0], [3.0, 4.0]], "got inf in row 0"),
        ([[1.0], [-1e200]], "got -1e+200 in row 1"),
        ([[1.0], [2.0, 3.0]], "all of one length"),
        ([["tea"]], "rows of numbers"),
    ],
)
def test_projection_says_what_it_wants(vectors, message):
    with pytest.raises(InputError) as caught:
        project_2d(vectors)
    assert message in str(caught.value)


def test_examples_in_the_docstrings():
    assert doctest.testmod(wordmap).failed == 0


# ---- the picture


def test_words_and_groups_are_the_handouts():
    assert list(MAP_WORDS) == HANDOUT.split()
    assert {name: len(group) for name, group in MAP_GROUPS.items()} == {
        "praise": 9, "blame": 4, "people": 6, "weather": 3, "drinks": 2,
    }  # fmt: skip
    assert MAP_GROUPS["people"] == ("female", "male", "queen", "king", "man", "woman")


@pytest.mark.parametrize("seed", range(4))
def test_the_24_words_are_readable(seed):
    assert_readable(MAP_WORDS, normal(seed, 24), MAP_GROUPS, "A title")


@pytest.mark.parametrize("seed", range(3))
def test_40_words_are_readable(seed):
    assert_readable([*MAP_WORDS, *FILMS], normal(seed, 40), MAP_GROUPS)


def test_words_in_one_place_on_a_line_or_in_a_tight_cluster_are_readable():
    assert_readable(["coffee", "tea"], np.ones((2, 3)))
    assert_readable(MAP_WORDS, np.ones((24, 3)), MAP_GROUPS)
    assert_readable(MAP_WORDS, normal(0, 24, 1))
    cluster = normal(0, 24) / 50
    cluster[0] += 3
    assert_readable(MAP_WORDS, cluster)


@settings(max_examples=12)
@given(
    places=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=16),
    scale=st.sampled_from([1e-170, 1e-8, 1.0, 1e9, 1e140]),
)
@example(places=[(0, 0)], scale=1.0)
@example(places=[(0, 0), (0, 0), (3, 3)], scale=1.0)
def test_any_few_words_are_readable(places, scale):
    assert_readable([f"word{i}" for i in range(len(places))], np.array(places) * scale)


def test_a_label_in_the_corner_stays_inside():
    assert_readable(["w" * 60, "w" * 60], [[0, 0], [1, 1]])


def test_too_many_words_are_refused(tmp_path):
    words = [f"word{i}" for i in range(wordmap.MOST_WORDS + 1)]
    with pytest.raises(InputError, match="at most 2000 words, got 2001"):
        word_map(words, normal(0, len(words)), tmp_path / "map.png")
    assert list(tmp_path.iterdir()) == []


def test_a_lone_label_stands_to_the_right_and_a_far_one_has_a_leader():
    figure, _, measured, points = drawn(["king"], [[0.0, 0.0]])
    assert measured[0, 0] > points[0, 0] and figure.axes[0].collections[0].get_segments() == []

    figure, boxes, _, points = drawn(MAP_WORDS, np.ones((24, 3)))
    gaps = np.linalg.norm(np.clip(points, boxes[:, :2], boxes[:, 2:]) - points, axis=1)
    leaders = figure.axes[0].collections[0].get_segments()
    assert len(leaders) == (gaps > wordmap.FAR).sum() > 12
    for (start, end), box in zip(leaders, boxes[gaps > wordmap.FAR], strict=True):
        np.testing.assert_array_equal(start, points[0])
        assert (box[:2] <= end).all() and (end <= box[2:]).all()


def test_a_unit_is_as_long_across_as_up():
    figure, _, _, points = drawn(["a", "b", "c", "d"], [[0, 2], [0, -2], [1, 0], [-1, 0]])
    across, up = points[0] - points[1], points[2] - points[3]
    assert across[1] == pytest.approx(0, abs=1e-6) and up[0] == pytest.approx(0, abs=1e-6)  # pixels
    assert across[0] == pytest.approx(2 * up[1], rel=1e-9)  # positions of 1e3 px, float64


def cluster_with_one_far_word():
    """Places of 24 words, the last of them far to the right and a little below the middle."""
    places = np.array([(x, y) for x in (-3, -1, 1, 3, -2, 2) for y in (-2, -1, 1, 2)], dtype=float)
    places[-1] = (40, -0.5)
    return places


def test_a_far_word_is_at_the_edge_with_an_arrow_and_a_note_of_its_place():
    places = cluster_with_one_far_word()
    assert_readable(MAP_WORDS, places)
    figure, _, _, points = drawn(MAP_WORDS, places)
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    coordinates, _ = project_2d(places)
    assert MAP_WORDS[-1] == "tea" and points[-1, 0] == pytest.approx(frame.x1 - wordmap.MARGIN[0])
    assert np.ptp(points[:-1, 0]) > frame.width / 2  # the others have the map for themselves
    (arrow,) = [path.vertices for path in axes.collections[1].get_paths()]
    assert points[-1, 0] < arrow[:, 0].min() and arrow[:, 0].max() < frame.x1
    inner = axes.transData.transform(coordinates[:-1])
    np.testing.assert_allclose(points[:-1], inner, rtol=0, atol=1e-6)  # pixels
    (note,) = [text.get_text() for text in axes.texts if "outside" in text.get_text()]
    x, y = (f"{value:.3g}".replace("-", "−") for value in coordinates[-1])
    assert note == f"outside, where the arrow points: tea ({x}, {y})"


def test_without_far_words_there_is_no_note_and_no_arrow():
    figure, *_ = drawn(MAP_WORDS, cluster_with_one_far_word()[:-1].tolist() + [[0, 0]])
    assert len(figure.axes[0].texts) == 24 and figure.axes[0].collections[1].get_paths() == []


def test_many_words_are_dots_where_their_labels_find_no_space():
    words = [f"word{i}" for i in range(300)]
    figure, boxes, measured, points = drawn(words, normal(0, 300))
    labels = figure.axes[0].texts[:300]
    shown = np.array([label.get_visible() for label in labels])
    assert 60 < shown.sum() < 250 and len(points) == 300
    for one, other in itertools.combinations(measured[shown], 2):
        assert not overlap(one, other)
    assert figure.axes[0].texts[300].get_text().endswith(f"{shown.sum()} of 300 words have space for their labels")
    assert shown[:30].sum() > shown[-30:].sum()  # earlier words come first


def test_every_map_has_a_title(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(wordmap, "save_png", lambda figure, path: figures.append(figure))
    word_map(["a", "b"], [[0.0], [1.0]], tmp_path / "map.png")
    word_map(["a", "b"], [[0.0], [1.0]], tmp_path / "map.png", title="vectors.txt")
    titles = [figure.texts[0].get_text() for figure in figures]
    assert titles == ["Map of 2 words: first two principal directions of the vectors", "vectors.txt"]


def test_axes_and_legend_say_what_is_drawn():
    groups = {"hot": ("coffee", "tea"), "absent": ("cocoa",), "_cold $1": ("snow",)}
    figure, *_ = drawn(["tea", "snow", "king"], [[0, 2], [0, -2], [1, 0]], groups, "Costs $5 or $6")
    axes, legend = figure.axes[0], figure.legends[-1]
    assert axes.get_xlabel() == "first direction (92 % of the variance)"  # variances 8 and 2/3
    assert axes.get_ylabel() == "second direction (8 % of the variance)"
    assert [text.get_text() for text in legend.get_texts()] == ["hot", "_cold $1", "other words"]
    assert [text.get_text() for text in figure.texts] == ["Costs $5 or $6"]
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert looks == {("#0072B2", "o"), ("#009E73", "^"), ("#777777", "o")}  # an absent group keeps its mark


def test_without_groups_there_is_no_legend():
    assert drawn(["a", "b"], [[0.0], [1.0]])[0].legends == []


def test_the_most_and_longest_groups_have_different_marks_and_leave_space():
    words = [f"word{i}" for i in range(21)]
    groups = {"W" * 40 + word: (word,) for word in words}
    figure, *_ = drawn(words, normal(0, 21), groups, "title " * 50)
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == 21
    assert len(figure.legends) == 1  # the ones tried and found too wide are gone
    legend = figure.legends[-1].get_window_extent()
    frame = figure.axes[0].get_window_extent()
    assert legend.x1 <= figure.bbox.x1 and frame.y1 < legend.y0 and frame.height > 300
    assert figure.texts[0].get_window_extent().y0 > legend.y1


@pytest.mark.parametrize(
    "words, groups, message",
    [
        (["a", "b", "c"], None, "got 3 words and 2 vectors"),
        (["a", "b"], {"one": ("a",), "two": ("b", "a")}, "'a' is in the groups 'one' and 'two'"),
        (["a", "b"], {"one": "ab"}, "must be a tuple of words, got the text 'ab'"),
        (["a", "b"], {str(i): () for i in range(22)}, "at most 21 groups, got 22"),
    ],
)
def test_map_says_what_it_wants(words, groups, message, tmp_path):
    with pytest.raises(InputError, match=message):
        word_map(words, [[0.0, 1.0], [1.0, 0.0]], tmp_path / "map.png", groups=groups)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "word, shown",
    [
        ("$x$", "$x$"),
        ("a_b^2", "a_b^2"),
        ("cliché", "cliché"),
        ("日本", r"\u65e5\u672c"),
        ("two\nlines", r"two\nlines"),
        ("\ud800", r"\ud800"),
        ("\xa0\u200b", r"\xa0\u200b"),
        ("x" * 24, "x" * 24),
        ("x" * 25, "x" * 23 + "…"),
    ],
)
def test_odd_words_are_written_so_that_they_can_be_read(word, shown, tmp_path, system_fonts):
    system_fonts([])
    assert drawable(word) == shown
    word_map([word, "tea"], [[0.0], [1.0]], tmp_path / "map.png", groups={word: (word,)}, title=word)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_no_dollar_starts_a_formula():
    figure, *_ = drawn(["$x$"], [[0.0]], {"$y$": ("$x$",)}, "$z$")
    texts = [*figure.axes[0].texts, *figure.legends[0].get_texts(), *figure.texts]
    assert [text.get_text() for text in texts] == ["$x$", "$y$", "$z$"]
    assert not any(text.get_parse_math() for text in texts)


@settings(max_examples=12)
@given(words=st.lists(st.text(max_size=30), min_size=1, max_size=6), title=st.text(max_size=200))
@example(words=["", " "], title=" ")
def test_any_text_can_be_drawn(words, title):
    figure, *_ = drawn(words, normal(0, len(words)), {title: tuple(words[:1])}, title)
    figure.canvas.draw()  # a warning here is an error
    assert len(figure.axes[0].texts) == len(words)


# ---- the file


@pytest.mark.parametrize("squeeze, least, most", [(1.0, 1100, 1200), (0.1, 900, 900)])
def test_the_file_is_a_png_as_high_as_the_words_need(squeeze, least, most, tmp_path):
    places = np.array(list(itertools.product((-1.0, 0, 1), (-1.0, 0, 1)))) * [1, squeeze]
    word_map([f"word{i}" for i in range(9)], places, tmp_path / "map.png")
    content = (tmp_path / "map.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(content[16:20]) == 1500 and least <= int.from_bytes(content[20:24]) <= most
    assert b"Software" not in content and b"matplotlib" not in content.lower()


def test_same_input_same_bytes_other_input_other_bytes(tmp_path):
    def content(seed, **options):
        word_map(MAP_WORDS, normal(seed, 24), tmp_path / "map.png", **options)
        return (tmp_path / "map.png").read_bytes()

    first = content(0)
    assert content(0) == first
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 50}):
        assert content(0) == first
        assert matplotlib.rcParams["font.size"] == 30  # and the reader's settings stay
    different = [content(1), content(0, groups=MAP_GROUPS), content(0, title="A title"), first]
    assert len(set(different)) == 4


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    path.write_bytes(b"old")
    with pytest.raises(InputError):
        word_map(["a"], [[np.nan]], path)

    def fail(self, file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(canvas.FigureCanvasAgg, "print_png", fail)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        word_map(["a"], [[1.0]], path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        word_map(["a"], [[1.0]], tmp_path / "nowhere" / "map.png")


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense", "", "qtagg"])
def test_any_mplbackend_draws_and_stays_for_others_while_pyplot_stays_out(backend, tmp_path):
    script = (
        "import os, sys; from utils.pictures.wordmap import word_map; word_map(['a'], [[1.0]], sys.argv[1]);"
        "assert 'matplotlib.pyplot' not in sys.modules;"
        "import matplotlib; print(os.environ['MPLBACKEND'], matplotlib.rcParams._get_backend_or_none(), sep='|')"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "map.png")], cwd=PROJECT, check=True, capture_output=True,
        text=True, env={**os.environ, "MPLBACKEND": backend},
    )  # fmt: skip
    # The notebook's is as good as any where its package is installed.
    known = backend.endswith("agg") or ("matplotlib_inline" in backend and find_spec("matplotlib_inline"))
    kept = backend if known else None
    assert told.stdout.strip() == f"{backend}|{kept}" and told.stderr == ""
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_matplotlib_is_imported_by_the_pictures_only_and_never_its_windows():
    # Elsewhere an import would fail where MPLBACKEND names what is not installed.
    parts = ("*.py", "utils/**/*.py", "grader/**/*.py", "examples/*.py")
    sources = [path for part in parts for path in PROJECT.glob(part)]
    importing = {path for path in sources if re.search(r"(?m)^\s*(import|from) matplotlib", path.read_text("utf-8"))}
    assert importing and {path.parent for path in importing} == {PROJECT / "utils" / "pictures"}
    assert not [path for path in sources if re.search(r"import.*pyplot", path.read_text("utf-8"))]
