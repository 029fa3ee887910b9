"""The map as a web page: one file that fetches nothing, every word in it as it is, labels that never overlap."""

import base64
import hashlib
import html.parser
import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utils.commands.words import MAP_GROUPS, MAP_WORDS
from utils.pictures import offline, webmap
from utils.pictures.webmap import html_map
from utils.pictures.wordmap import project_2d
from utils.system.errors import EnvironmentFailure, InputError

HOSTILE = [
    "</script><script>alert(1)</script>", "<!--", "-->", "]]>", "<b>", "</svg>", "&amp;", "&", '"', "'", "{title}",
    "%s", "\\u003c", "a\u202eb", "\u2028", "line\nbreak", "\x00", "\ud800", "", " ", "$x$", "http://example.org/x.js",
    "日本", "чай", "שלום", "می\u200cخواهم", "नमस्ते", "😀", "onload=alert(1)", "javascript:alert(1)",
]  # fmt: skip
VOID = {"meta", "input", "path", "use"}  # the last two are closed by a slash


class Page(html.parser.HTMLParser):
    """What a browser would find: elements with their attributes and text; complains where they are not nested."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))
        assert len(dict(attributes)) == len(attributes)
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID
        self.elements.append((tag, dict(attributes), []))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)

    def all(self, tag):
        return [(attributes, "".join(text)) for name, attributes, text in self.elements if name == tag]

    def data(self):
        return json.loads(next(text for attributes, text in self.all("script") if attributes.get("id") == "data"))


def normal(seed, n, d=10):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.fixture
def page(tmp_path):
    """Write a page and parse it: page(words, vectors, ...) -> Page."""

    def call(*arguments, **options):
        html_map(*arguments, path=tmp_path / "map.html", **options)
        return Page((tmp_path / "map.html").read_text(encoding="utf-8"))

    return call


# ---- what is on the page


def test_the_points_are_those_of_the_map(page):
    vectors = normal(0, 24)
    points = np.array(page(MAP_WORDS, vectors).data()["points"])
    coordinates, _ = project_2d(vectors)
    # One scale for both axes, y downwards: x = a + s x0, y = b - s y0.
    scale = np.ptp(points[:, 0]) / np.ptp(coordinates[:, 0])
    wanted = coordinates * [scale, -scale]
    np.testing.assert_allclose(points - points[0], wanted - wanted[0], rtol=0, atol=2e-4)  # rounded to 1e-4
    assert (points >= webmap.MARGIN - 1e-3).all()
    assert (points <= [webmap.WIDTH, webmap.HEIGHT] - webmap.MARGIN + 1e-3).all()
    assert np.isclose(np.ptp(points, axis=0), [webmap.WIDTH, webmap.HEIGHT] - 2 * webmap.MARGIN, atol=1e-3).any()


def test_a_far_word_leaves_the_map_to_the_others_and_has_an_arrow(page):
    vectors = np.random.default_rng(0).uniform(-1, 1, size=(24, 2))
    vectors[5] = (20, 0.5)
    parsed = page(MAP_WORDS, vectors)
    data = parsed.data()
    points = np.array(data["points"])
    rest = np.delete(points, 5, axis=0)
    assert data["outside"] == [5] and not 0 <= points[5, 0] <= webmap.WIDTH
    assert (np.ptp(rest, axis=0) >= [webmap.WIDTH, webmap.HEIGHT] - 2 * webmap.MARGIN - 1e-3).any()
    (pointer,) = [a for a, _ in parsed.all("g") if "data-word" in a]
    x, y = map(float, re.findall(r"[-.\d]+", pointer["transform"]))
    assert pointer["data-word"] == "5" and x in (webmap.EDGE, webmap.WIDTH - webmap.EDGE)
    assert y == pytest.approx(points[5, 1], abs=0.01)  # two decimals
    assert "a word farther away (1 here)" in parsed.all("footer")[0][1]
    assert [text for _, text in parsed.all("text")].count(MAP_WORDS[5]) == 2


def test_marks_and_labels_stand_at_their_points_before_any_script_runs(page):
    parsed = page(MAP_WORDS, normal(0, 24), groups=MAP_GROUPS)
    points = parsed.data()["points"]
    marks = {int(a["data-word"]): a for a, _ in parsed.all("use") if "data-word" in a}
    labels = parsed.all("text")
    assert sorted(marks) == list(range(24)) and [text for _, text in labels] == list(MAP_WORDS)
    for i, (x, y) in enumerate(points):
        assert marks[i]["transform"] == labels[i][0]["transform"] == f"translate({x:.2f} {y:.2f})"


def test_neighbours_are_the_largest_cosines(page):
    vectors = normal(3, 30, 4)
    data = page([f"word{i}" for i in range(30)], vectors).data()
    for i in range(30):
        cosines = [sum(vectors[i] * other) / (sum(vectors[i] ** 2) * sum(other**2)) ** 0.5 for other in vectors]
        best = sorted((j for j in range(30) if j != i), key=lambda j: -cosines[j])[: webmap.NEIGHBOURS]
        assert data["near"][i] == best
        np.testing.assert_allclose(data["cosines"][i], np.array(cosines)[best], rtol=0, atol=6e-5)  # rounded to 1e-4


def test_a_common_vector_changes_cosines_but_not_the_map(page):
    vectors = normal(3, 30, 4)
    words = [f"word{i}" for i in range(30)]
    plain, shifted = page(words, vectors).data(), page(words, vectors + 5).data()
    np.testing.assert_allclose(shifted["points"], plain["points"], rtol=0, atol=2e-4)
    assert shifted["near"] != plain["near"] and np.min(shifted["cosines"]) > np.min(plain["cosines"])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_words_have_few_neighbours(n, page):
    data = page(list("abcde")[:n], normal(0, n)).data()
    assert [sorted([i, *near]) for i, near in enumerate(data["near"])] == [list(range(n))] * n


@pytest.mark.parametrize("vectors", [np.zeros((3, 2)), np.ones((3, 2)), normal(0, 3) * 1e-170, normal(0, 3) * 1e140])
def test_extreme_vectors_give_numbers(vectors, page):
    data = page(["a", "b", "c"], vectors).data()
    assert np.isfinite(data["points"]).all() and np.isfinite(data["cosines"]).all() and np.isfinite(data["from"]).all()


def test_groups_have_their_colour_mark_and_name(page):
    words = ["tea", "snow", "king"]
    parsed = page(words, normal(0, 3), groups={"hot": ("tea",), "absent": ("cocoa",), "cold": ("snow",)})
    outlines = {a["id"]: (a["fill"], a["d"]) for a, _ in parsed.all("path") if "fill" in a}
    mark_of = {words[int(a["data-word"])]: a["href"].lstrip("#") for a, _ in parsed.all("use") if "data-word" in a}
    assert [outlines[mark_of[word]][0] for word in words] == ["#0072B2", "#009E73", "#777777"]
    assert outlines["m0"][1] == outlines["m2"][1] != outlines["m1"][1]  # a disc as for no group, a triangle
    assert [text for _, text in parsed.all("li")] == ["hot", "cold", "other words"]
    assert parsed.data()["groups"] == ["hot", "cold", "other words"]
    # Marks of groups lie over those of none.
    assert [a["data-word"] for a, _ in parsed.all("use") if "data-word" in a] == ["2", "0", "1"]


def test_without_groups_there_is_no_legend(page):
    parsed = page(["a", "b"], normal(0, 2))
    assert parsed.all("li") == [] and parsed.data()["groups"] == [None, None]


def test_outlines_are_those_of_the_png():
    square = webmap._outline(3, {"marker": "s", "color": "#D55E00"}, 10)
    assert square == '<path id="m3" fill="#D55E00" d="M-5.00 5.00L5.00 5.00L5.00 -5.00L-5.00 -5.00Z"/>'
    disc = webmap._outline(0, {"marker": "o", "color": "#0072B2"}, 10)
    assert re.fullmatch(r'<path id="m0" fill="#0072B2" d="M0\.00 5\.00(C[-. \d]+){8}Z"/>', disc)


def test_title_and_shares_are_said(page):
    parsed = page(["a", "b", "c"], [[0, 2], [0, -2], [1, 0]], title="Costs <$5> & more")
    assert parsed.all("title") == [({}, "Costs <$5> & more")] and parsed.all("h1") == [({}, "Costs <$5> & more")]
    assert "first direction, 92 %" in parsed.all("footer")[0][1]  # variances 8 and 2/3
    assert page(["a"], [[1.0]]).all("h1")[0][1] == "Map of 1 word: first two principal directions of the vectors"


# ---- nothing from outside, nothing from the words


def test_the_page_fetches_nothing(page):
    parsed = page(MAP_WORDS, normal(0, 24), groups=MAP_GROUPS, title="Words")
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "ul", "li", "form", "input", "button",
               "output", "main", "svg", "defs", "path", "g", "use", "text", "aside", "footer", "script"}  # fmt: skip
    assert {tag for tag, *_ in parsed.elements} == allowed
    for _, attributes, _ in parsed.elements:
        assert not {"src", "srcset", "style", "action", "background"} & set(attributes)
        assert attributes.get("href", "#").startswith("#")
    source = "".join(text for tag in ("style", "script") for _, text in parsed.all(tag))
    for way in ("//", "url(", "@import", "fetch", "XMLHttpRequest", "import(", "eval", "innerHTML"):
        assert way not in re.sub(r"(?m)(^|\s)// .*", "", source)


def test_only_the_own_script_and_style_may_run(page):
    parsed = page(HOSTILE, normal(0, len(HOSTILE)), groups={word: (word,) for word in HOSTILE[:10]}, title=HOSTILE[0])
    (policy,) = [a["content"] for a, _ in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    data, script = parsed.all("script")
    assert data[0] == {"type": "application/json", "id": "data"} and script[0] == {}

    def digest(text):
        return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")

    (style,) = parsed.all("style")
    assert policy.split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{digest(style[1])}'", f"script-src 'sha256-{digest(script[1])}'",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip


def test_hostile_words_are_text_and_nothing_else(page):
    calm = page([f"word{i}" for i in range(len(HOSTILE))], normal(0, len(HOSTILE)), title="calm")
    parsed = page(HOSTILE, normal(0, len(HOSTILE)), title=HOSTILE[0])
    assert [tag for tag, *_ in parsed.elements] == [tag for tag, *_ in calm.elements]
    assert [set(a) - {"class"} for _, a, _ in parsed.elements] == [set(a) - {"class"} for _, a, _ in calm.elements]
    assert parsed.data()["words"] == HOSTILE
    odd = ("a\u202eb", "\u2028", "line\nbreak", "\x00", "\ud800")  # they have no shape of their own
    shown = [word.encode("unicode_escape").decode() if word in odd else word for word in HOSTILE]
    assert [text for _, text in parsed.all("text")] == shown
    assert parsed.all("h1")[0][1] == HOSTILE[0]


@settings(max_examples=30)
@given(words=st.lists(st.text(max_size=20), min_size=1, max_size=6, unique=True), title=st.text(max_size=30))
@example(words=["\r", "\x1c", "\u0085"], title="\x00")
def test_any_text_is_embedded_as_it_is(words, title, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "map.html"
    html_map(words, normal(0, len(words)), path, groups={title: tuple(words[:1])}, title=title)
    parsed = Page(path.read_text(encoding="utf-8"))
    assert parsed.data()["words"] == words
    assert [text for _, text in parsed.all("text")] == [offline.shown(word) for word in words]


# ---- the labels


def boxes(points, widths, sides, zoom):
    """Left, top, right, bottom of each label at a zoom, (n, 4), from what the page says of them."""
    found = []
    for (x, y), width, side in zip(points, widths, sides, strict=True):
        label = dict(re.findall(r'([\w-]+)="([^"]*)"', webmap._label("word", (0, 0), side, False)))
        before = {"start": 0, "middle": width / 2, "end": width}[label["text-anchor"]]
        left = zoom * x + float(label["x"]) - before
        top = zoom * y + float(label["y"]) - webmap.BASELINE
        found.append((left, top, left + width, top + webmap.HIGH))
    return np.array(found)


def overlapping(found):
    low, high = np.maximum(found[:, None, :2], found[:, :2]), np.minimum(found[:, None, 2:], found[:, 2:])
    return int((high - low > 1e-6).all(axis=2).sum()) - len(found)  # each overlaps itself


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), spread=st.sampled_from([20, 100, 1000]))
def test_labels_that_are_shown_never_overlap(seed, n, spread):
    generator = np.random.default_rng(seed)
    points, widths = generator.uniform(0, spread, size=(n, 2)), generator.uniform(5, 150, size=n)
    sides, zooms = webmap._zooms(points, widths)
    for zoom in (0.2, 1, 1.5, 4, 37, *zooms[np.isfinite(zooms)][:5]):
        shown = zooms <= zoom
        assert overlapping(boxes(points[shown], widths[shown], sides[shown], zoom)) == 0
    assert zooms[0] == webmap.LEAST and (zooms >= webmap.LEAST).all()


def test_a_label_waits_no_longer_than_it_must():
    # Three points on a level, 20 apart: there is space to the left, to the right, and above the one in the middle.
    points, widths = np.array([[0.0, 0.0], [40.0, 0.0], [20.0, 0.0]]), np.full(3, 50.0)
    sides, zooms = webmap._zooms(points, widths)
    assert webmap.ANCHORS[sides[0]] == "end" and zooms[0] == webmap.LEAST  # the side that is free of marks
    assert webmap.ANCHORS[sides[1]] == "start" and zooms[1] == webmap.LEAST
    assert zooms[2] == webmap.LEAST and sides[2] == 2
    at_once = webmap._zooms(np.zeros((5, 2)), np.full(5, 50.0))[1]
    assert at_once.tolist() == [webmap.LEAST] * 4 + [np.inf]


def test_labels_that_wait_are_hidden_and_the_page_knows_for_how_long(page):
    parsed = page([f"word{i}" for i in range(200)], normal(0, 200))
    data, labels = parsed.data(), parsed.all("text")
    assert [a.get("class") == "quiet" for a, _ in labels] == [zoom > 1 for zoom in data["from"]]
    assert 20 < sum(zoom > 1 for zoom in data["from"]) < 180
    widths = np.array([webmap._width(text) for _, text in labels])
    _, zooms = webmap._zooms(np.array(data["points"]), widths)
    np.testing.assert_allclose(data["from"], zooms, rtol=0, atol=1e-3)
    assert (np.array(data["from"]) >= zooms).all()  # rounded up: never shown too early


def test_wide_letters_need_more_space():
    assert webmap._width("日本") == 26 > webmap._width("mm") > 2 * webmap._width("ll") > 0  # pixels


# ---- the file


def test_same_input_same_bytes_other_input_other_bytes(tmp_path):
    def content(seed=0, **options):
        html_map(MAP_WORDS, normal(seed, 24), tmp_path / "map.html", **options)
        return (tmp_path / "map.html").read_bytes()

    first = content()
    assert content() == first and b"\r" not in first
    assert len({first, content(1), content(groups=MAP_GROUPS), content(title="A title")}) == 4


@pytest.mark.parametrize(
    "words, vectors, groups, message",
    [
        (["a", "b", "c"], [[0.0], [1.0]], None, "got 3 words and 2 vectors"),
        (["a"] * 5001, np.zeros((5001, 1)), None, "at most 5000 words, got 5001"),
        (["a", "b"], [[0.0], [np.nan]], None, "got nan in row 1"),
        ([], np.zeros((0, 2)), None, "shape (0, 2)"),
        (["a", "a"], [[0.0], [1.0]], None, "'a'"),
        (["a", "b"], [[0.0], [1.0]], {"one": "ab"}, "must be a tuple of words"),
    ],
)
def test_the_page_says_what_it_wants(words, vectors, groups, message, tmp_path):
    with pytest.raises(InputError) as caught:
        html_map(words, vectors, tmp_path / "map.html", groups=groups)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "map.html"
    path.write_bytes(b"old")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        html_map(["a"], [[1.0]], tmp_path / "nowhere" / "map.html")

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("utils.system.files.os.fsync", fail)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        html_map(["a"], [[1.0]], path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
