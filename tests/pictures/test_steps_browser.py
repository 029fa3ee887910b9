"""The step page in a real browser: its arithmetic is that of word2vec.py, and all follows what a reader changes.

Needs Chromium and playwright (requirements-browser.txt); skipped elsewhere.
"""

import functools
import re

import numpy as np
import pytest

import word2vec
from utils.counting.pmi import pmi, ppmi, svd_vectors
from utils.pictures.steps import METHODS, step_page

WIDE, NARROW = (1200, 850), (380, 700)  # pixels
# Sums of a few dozen terms of about 1, in another order, and exponentials of two libraries: some units of the last of
# 16 digits each.
TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / "step.html"
    step_page(path)
    return path


@pytest.fixture
def opened(visit, path):
    """Open the page at a method, with all stages shown unless a stage is given: opened(method, stage, ...) -> page."""

    def call(method="skipgram", stage=99, size=WIDE, scheme="light"):
        page = visit(path, size, scheme)
        page.select_option("#method", method)
        page.evaluate("(stage) => show(stage)", stage)
        return page

    return call


class Given:
    """A data set whose negative samples are given."""

    def __init__(self, negatives):
        self.left = list(negatives)

    def sampleTokenIdx(self):
        return self.left.pop(0)


def values(page):
    """All quantities as the page shows them, with all digits: key -> array."""
    found = page.eval_on_selector_all(
        "[data-quantity]:not(:has(input))",
        "(all) => all.map((each) => [each.dataset.quantity, [...each.children].map((number) => number.title)])",
    )
    return {key: np.array([float(number) for number in numbers]) for key, numbers in found}


def cases(rng, n):
    """Random windows: vectors of any size, a centre word, outside words and negatives that may repeat."""
    for _ in range(n):
        V, d, P, K = rng.integers(2, 9), rng.integers(1, 7), rng.integers(1, 6), rng.integers(1, 8)
        scale = 10.0 ** rng.integers(-3, 2)
        outsides = rng.integers(V, size=P)
        negatives = [[int(w) for w in rng.choice(np.delete(np.arange(V), o), size=K)] for o in outsides]
        yield {
            "centre": int(rng.integers(V)), "outsides": outsides.tolist(), "negatives": negatives,
            "V": rng.normal(scale=scale, size=(V, d)).tolist(), "U": rng.normal(scale=scale, size=(V, d)).tolist(),
        }  # fmt: skip


def expected_window(case, loss, negatives=()):
    words = [str(i) for i in range(len(case["U"]))]
    tokens = {word: i for i, word in enumerate(words)}
    V, U = np.array(case["V"]), np.array(case["U"])
    outsides = [words[o] for o in case["outsides"]]
    drawn = Given(w for row in negatives for w in row)
    value, grad_V, grad_U = word2vec.skipgram(words[case["centre"]], 5, outsides, tokens, V, U, drawn, loss)
    return value, grad_V[case["centre"]], grad_U


def same(got, expected):
    """Compare a window's loss and gradients, each by its own largest component."""
    for name, wanted in zip(("loss", "gradV", "gradU"), expected, strict=True):
        largest = max(1.0, np.abs(wanted).max())
        np.testing.assert_allclose(np.array(got[name]) / largest, wanted / largest, **TOLERANCE)


def test_the_arithmetic_is_that_of_word2vec_py(opened):
    page, rng = opened(), np.random.default_rng(1)
    windows = list(cases(rng, 150))
    results = page.evaluate(
        """(windows) => windows.map(({ centre, outsides, negatives, V, U }) => ({
          softmax: windowOf(outsides.map((o) => naiveSoftmax(V[centre], o, U))),
          sampling: windowOf(outsides.map((o, i) => negativeSampling(V[centre], o, negatives[i], U))),
          cbow: cbow(outsides.map((o) => V[o]), outsides[0], negatives[0], U),
        }))""",
        windows,
    )
    for case, result in zip(windows, results, strict=True):
        same(result["softmax"], expected_window(case, word2vec.naiveSoftmaxLossAndGradient))
        loss = functools.partial(word2vec.negSamplingLossAndGradient, K=len(case["negatives"][0]))
        same(result["sampling"], expected_window(case, loss, case["negatives"]))
        h = np.array(case["V"])[case["outsides"]].mean(axis=0)
        answer = loss(h, case["outsides"][0], np.array(case["U"]), Given(case["negatives"][0]))
        same(result["cbow"], answer)
        np.testing.assert_allclose(
            np.array(result["cbow"]["gradOfEach"]) * len(case["outsides"]), result["cbow"]["gradH"], **TOLERANCE
        )


def test_sigmoid_and_softplus_are_exact_at_any_size(opened):
    x = [*np.random.default_rng(2).normal(scale=10, size=200), 0.0, 750.0, -750.0, 1e300, -1e300]
    got = np.array(opened("sigmoid").evaluate("(xs) => xs.map((x) => [sigmoid(x), softplus(x)])", x))
    np.testing.assert_allclose(got.T, word2vec.sigmoid_and_softplus(np.array(x)), rtol=1e-12)


def test_counting_is_that_of_the_package(opened):
    rng = np.random.default_rng(3)
    counts = [rng.integers(0, 9, size=(n, n)) + np.eye(n, dtype=int) for n in rng.integers(2, 7, size=60)]
    got = opened("svd").evaluate(
        "(all) => all.map((counts) => [pmi(counts).map((row) => row.map(String)), ppmi(counts)])",
        [matrix.tolist() for matrix in counts],
    )
    for matrix, (information, positive) in zip(counts, got, strict=True):
        wanted = pmi(matrix).toarray()
        information = np.array([[float(x) for x in row] for row in information])
        np.testing.assert_allclose(information[matrix > 0], wanted[matrix > 0], **TOLERANCE)
        assert (information[matrix == 0] == -np.inf).all()
        np.testing.assert_allclose(positive, ppmi(matrix).toarray(), **TOLERANCE)


def test_singular_vectors_are_those_of_the_package(opened):
    rng = np.random.default_rng(4)
    matrices = []
    for n in rng.integers(2, 7, size=60):
        left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
        values = np.cumsum(rng.uniform(0.2, 1, size=n))[::-1] * (np.arange(n) < rng.integers(1, n + 1))  # any rank
        matrices.append(left * values @ right)
    got = opened("svd").evaluate("(all) => all.map(svd)", [matrix.tolist() for matrix in matrices])
    for matrix, answer in zip(matrices, got, strict=True):
        n, values = len(matrix), np.array(answer["values"])
        vectors = np.array(answer["left"]).T * values
        np.testing.assert_allclose(vectors, svd_vectors(matrix, n, eig=1), **TOLERANCE)
        np.testing.assert_allclose(vectors @ np.array(answer["right"]), matrix, **TOLERANCE)


def window_of_state(page):
    """What word2vec.py computes for the state of the page: loss, gradients, tokens, and the state."""
    state = page.evaluate("structuredClone(state)")
    words = list(dict.fromkeys(state["sentence"]))
    centre, tokens = state["sentence"][state["centre"]], {word: i for i, word in enumerate(words)}
    V, U = (np.array([state["vectors"][word][kind] for word in words], dtype=float) for kind in "vu")
    near = range(state["centre"] - state["window"], state["centre"] + state["window"] + 1)
    outsides = [state["sentence"][i] for i in near if 0 <= i < len(state["sentence"])]
    outsides = [word for word in outsides if word != centre]
    softmaxed = state["loss"] == "softmax"
    loss = functools.partial(word2vec.negSamplingLossAndGradient, K=state["K"])
    answer = word2vec.skipgram(
        centre, state["window"], outsides, tokens, V, U,
        Given(tokens[word] for row in state["negatives"] for word in row),
        word2vec.naiveSoftmaxLossAndGradient if softmaxed else loss,
    )  # fmt: skip
    return *answer, tokens, centre, state


def follows(page):
    """Assert that the page shows what word2vec.py computes from its state; return the loss, and that after the step."""
    page.evaluate("show(99)")
    loss, grad_V, grad_U, tokens, centre, state = window_of_state(page)
    shown = values(page)
    np.testing.assert_allclose(shown["J"], [loss], **TOLERANCE)
    np.testing.assert_allclose(shown["dv"], grad_V[tokens[centre]], **TOLERANCE)
    moved = [word for word in tokens if grad_U[tokens[word]].any()]
    assert moved == [word for word in tokens if f"du:{word}" in shown]
    for word in moved:
        np.testing.assert_allclose(shown[f"du:{word}"], grad_U[tokens[word]], **TOLERANCE)
        after = np.array(state["vectors"][word]["u"]) - state["step"] * grad_U[tokens[word]]
        np.testing.assert_allclose(shown[f"new:u:{word}"], after, **TOLERANCE)
    return *shown["J"], *shown["after"]


@pytest.mark.parametrize("loss", ["softmax", "negatives"])
def test_all_follows_what_the_reader_changes(opened, loss):
    page = opened()
    page.select_option("#loss", loss)
    seen = [follows(page)]
    changes = [
        (page.fill, "[data-name='v:dogs#1']", "0.75"),
        (page.fill, "[data-name='u:like#0']", "-1.25"),
        (page.fill, "#sentence", "we like dogs and we like cats"),
        (page.fill, "#window", "1"),
        (page.click, "[data-name='word4']"),
    ]
    if loss == "negatives":
        changes += [(page.fill, "#K", "5"), (page.select_option, "[data-name='negative0:0']", "cats")]
    for change, *arguments in changes:
        change(*arguments)
        seen.append(follows(page))
        assert seen[-1][0] != seen[-2][0]
    page.fill("#step", "0.125")
    assert follows(page)[0] == seen[-1][0] and follows(page)[1] != seen[-1][1]
    page.click("#reset")
    page.select_option("#loss", loss)
    assert follows(page) == seen[0]


def test_counts_and_their_words_follow_the_reader(opened):
    page = opened("svd")
    counts = np.array([[0, 10, 10], [10, 0, 40], [10, 40, 0]])

    def follow(words, k):
        page.evaluate("show(99)")
        shown, M = values(page), ppmi(counts).toarray()
        assert page.locator("#stages section").first.locator("thead th").all_text_contents() == ["", *words]
        for t, c in np.ndindex(counts.shape):
            np.testing.assert_allclose(shown[f"M:{t}:{c}"], [M[t, c]], **TOLERANCE)
        vectors = svd_vectors(M, k, eig=1)
        np.testing.assert_allclose([shown[f"x:{t}"] for t in range(len(words))], vectors, **TOLERANCE)
        lost = (np.linalg.svd(M, compute_uv=False)[k:] ** 2).sum()
        np.testing.assert_allclose(shown["lost"], [lost], **TOLERANCE)

    follow(["I", "like", "dogs"], 2)
    page.fill("[data-name='W:0:0#0']", "5")
    counts[0, 0] = 5
    follow(["I", "like", "dogs"], 2)
    page.fill("#countedWords", "I like dogs cats")
    counts = np.pad(counts, (0, 1))
    for t, count in enumerate((7, 30, 2)):
        page.fill(f"[data-name='W:{t}:3#0']", str(count))
        counts[t, 3] = count
    page.fill("[data-name='W:3:1#0']", "25")
    counts[3, 1] = 25
    page.fill("#k", "3")
    follow(["I", "like", "dogs", "cats"], 3)
    page.fill("#countedWords", "I I dogs")
    assert page.locator("#countedWords").get_attribute("aria-invalid") == "true"
    follow(["I", "like", "dogs", "cats"], 3)


def test_drawing_again_gives_other_negatives_and_never_the_target(opened):
    page = opened("negSamplingLossAndGradient")
    page.fill("#K", "10")
    draws = set()
    for _ in range(3):
        page.click("[data-name='draw']")
        drawn = page.eval_on_selector_all("[data-name^='negative']", "(found) => found.map((each) => each.value)")
        assert len(drawn) == 10 and "like" not in drawn
        draws.add(tuple(drawn))
    assert len(draws) == 3


def test_taking_the_step_makes_the_vectors_the_new_ones_and_the_loss_smaller(opened):
    page, losses = opened(), []
    for _ in range(5):
        before = values(page)
        losses.append(before["J"][0])
        page.click("[data-name='take']")
        assert values(page)["J"] == before["after"]
        np.testing.assert_array_equal(page.evaluate("state.vectors.dogs.v"), before["new:v:dogs"])
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 5
    assert page.locator(".history").text_content().count("→") == 4


def test_each_method_goes_forward_and_back(opened):
    page = opened()
    sections, chosen = page.locator("#stages section:not([hidden])"), page.locator("#list [aria-current=step]")
    for method in METHODS:
        page.select_option("#method", method)
        count = page.locator("#list button").count()
        assert sections.count() == 1 and page.locator("#back").is_disabled() and count >= 4
        page.evaluate("document.activeElement.blur()")
        for shown in range(2, count + 1):
            page.keyboard.press("ArrowRight")
            assert sections.count() == shown
        assert chosen.text_content() == page.locator("section.current h2").text_content()
        assert page.locator("#forward").is_disabled()
        page.click("#back")
        assert sections.count() == count - 1
        page.keyboard.press("Home")
        assert sections.count() == 1


def test_playing_goes_on_to_the_last_stage_and_stops(opened):
    page = opened(stage=0)
    sections, button = page.locator("#stages section:not([hidden])"), page.locator("#play")
    page.clock.install()
    button.click()
    assert sections.count() == 2 and button.get_attribute("aria-pressed") == "true"
    button.click()
    page.clock.run_for(60_000)
    assert sections.count() == 2 and button.get_attribute("aria-pressed") == "false"
    button.click()
    page.clock.run_for(60_000)
    assert sections.count() == page.locator("#list button").count()
    assert button.get_attribute("aria-pressed") == "false"


def test_every_quantity_says_what_it_is_computed_from(opened):
    """What is computed has sources, all of which the page shows, and what is given has none."""
    page = opened()
    for method in METHODS:
        page.select_option("#method", method)
        found = page.evaluate("[...quantities.values()].map((each) => [each.key, each.from, Boolean(each.input)])")
        keys = {key for key, _, _ in found}
        shown = set(page.eval_on_selector_all("[data-quantity]", "(all) => all.map((each) => each.dataset.quantity)"))
        assert keys == shown and len(keys) > 10
        for key, sources, given in found:
            assert set(sources) <= keys and key not in sources
            assert bool(sources) != (given or key == "alpha")


def test_a_number_moves_what_it_feeds_and_nothing_else(opened):
    """The arrows are those of the arithmetic: changing u_like changes just what can be reached from it."""
    page = opened()
    before, arrows = (
        dict(page.evaluate(f"[...quantities.values()].map((q) => [q.key, {what}])")) for what in ("q.value", "q.from")
    )
    page.fill("[data-name='u:like#0']", "-0.7")
    after = dict(page.evaluate("[...quantities.values()].map((q) => [q.key, q.value])"))
    reached, size = {"u:like"}, 0
    while len(reached) > size:
        size = len(reached)
        reached |= {key for key, sources in arrows.items() if reached & set(sources)}
    assert {key for key in after if after[key] != before[key]} == reached


def test_pointing_and_focusing_light_up_sources_and_what_is_fed(opened):
    page = opened()

    def lit(kind):
        return set(page.eval_on_selector_all(f"[data-quantity].{kind}", "(a) => a.map((e) => e.dataset.quantity)"))

    page.locator("[data-quantity='s:like']").first.hover()
    assert (lit("here"), lit("from"), lit("feeds")) == ({"s:like"}, {"u:like", "v:dogs"}, {"e:like"})
    said = page.locator("#relation")
    assert said.get_attribute("role") == "status"
    assert said.text_content() == "slike is computed from ulike, vdogs and feeds exp slike."
    page.locator("[data-quantity='e:like'][tabindex]").focus()
    assert (lit("here"), lit("from")) == ({"e:like"}, {"s:like"}) and "Z" in lit("feeds")
    page.locator("[data-name='u:like#0']").focus()
    assert lit("here") == {"u:like"} and lit("from") == set() and "s:like" in lit("feeds")
    page.keyboard.press("Escape")
    assert lit("here") == lit("feeds") == set()


def test_what_cannot_be_used_is_marked_and_changes_nothing(opened):
    page = opened()
    before = page.evaluate("structuredClone(state)")
    sentence = " ".join(before["sentence"])
    for field, wrong, right in (
        ("#sentence", "dogs", sentence), ("#sentence", "dogs dogs", sentence),
        ("#window", "0", "2"), ("#window", "", "2"), ("#step", "-1", "0.5"),
        ("[data-name='v:dogs#0']", "", str(before["vectors"]["dogs"]["v"][0])),
    ):  # fmt: skip
        page.fill(field, wrong)
        assert page.locator(field).get_attribute("aria-invalid") == "true"
        assert page.evaluate("structuredClone(state)") == before
        page.fill(field, right)
        assert page.locator(field).get_attribute("aria-invalid") == "false"
        assert page.evaluate("structuredClone(state)") == before


def test_a_centre_word_among_its_own_copies_is_told_so(opened):
    page = opened()
    page.fill("#sentence", "no no no yes")
    page.fill("#window", "1")
    page.click("[data-name='word0']")
    assert "no outside word" in page.locator("section p").first.text_content()
    page.click("[data-name='word3']")
    follows(page)


def test_hostile_words_do_nothing(opened):
    page = opened()
    page.fill("#sentence", "<img/src=x> __proto__ constructor a'b\" [x]")
    page.evaluate("show(99)")
    assert page.locator("img").count() == 0
    assert page.evaluate("wordsOf(state.sentence).every((word) => Object.hasOwn(state.vectors, word))")
    assert np.isfinite(values(page)["J"]).all()


def test_the_page_fits_a_narrow_window(opened):
    page = opened(size=NARROW)
    for method in METHODS:
        page.select_option("#method", method)
        page.evaluate("show(99)")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
        assert page.locator("section.current").bounding_box()["width"] > 340


def luminance(colour):
    """Relative luminance of WCAG 2, section 'relative luminance', of a colour of three shares."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def shares(text):
    numbers = np.array([float(x) for x in re.findall(r"[\d.]+(?:e-?\d+)?", text)][:3])
    return numbers / 255 if text.startswith("rgb") else numbers  # color(srgb r g b) has shares


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_are_readable_on_their_colours_and_signs_differ_in_more_than_red_and_green(opened, scheme):
    page = opened(scheme=scheme)
    found = page.eval_on_selector_all(
        "span.number, input.number",
        "(all) => all.map((each) => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor,"
        " each.classList.contains('positive') ? 1 : each.classList.contains('negative') ? -1 : 0])",
    )
    blues = {1: [], -1: []}
    for ink, paper, sign in found:
        if sign == 0:
            continue
        light, dark = sorted((luminance(shares(ink)), luminance(shares(paper))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, level AA
        red, _, blue = shares(paper)
        blues[sign].append(blue - red)
    assert len(blues[1]) > 20 and len(blues[-1]) > 20
    assert max(blues[1]) < min(blues[-1])  # blue against orange, which all kinds of colour blindness tell apart
    background = luminance(shares(page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert background > 0.9 if scheme == "light" else background < 0.05


def test_formulas_are_set_by_the_browser_itself(opened):
    page = opened()
    boxes = page.eval_on_selector_all(
        "section .formula math", "(all) => all.map((each) => each.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == page.locator("section .formula").count() >= 8
    assert all(box["width"] > 40 and box["height"] > 10 for box in boxes)
    fraction = page.locator("section .formula mfrac").first.bounding_box()
    numerator = page.locator("section .formula mfrac > :first-child").first.bounding_box()
    assert fraction["height"] > 1.5 * numerator["height"]  # what is above is above


def test_every_field_and_button_has_a_name(opened):
    page = opened("negSamplingLossAndGradient")
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, select, button")].filter((each) =>
          !(each.getAttribute("aria-label") || each.labels?.length || each.textContent.trim())).length"""
    )
    assert nameless == 0


def test_without_scripts_it_says_what_is_missing(browser, path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("noscript p").is_visible()
    assert [page.locator(part).is_visible() for part in ("#controls", "nav", "footer")] == [False] * 3
    context.close()
