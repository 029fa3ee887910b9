"""The web map in a real browser: nothing on its console, labels of one size, keys, search, narrow and dark windows.

Needs Chromium and playwright (requirements-browser.txt); skipped elsewhere.
"""

import re

import numpy as np
import pytest

from utils.commands.words import MAP_GROUPS, MAP_WORDS
from utils.pictures import webmap
from utils.pictures.webmap import html_map

WIDE, NARROW = (1200, 850), (380, 700)  # pixels
FAR = 7  # the word that is far from all others


@pytest.fixture
def opened(visit, tmp_path):
    """Open the map of n words: opened(n, size, scheme) -> page."""

    def call(n=50, size=WIDE, scheme="light", title="vectors.txt: a map"):
        words = [*MAP_WORDS, *(f"word{i}" for i in range(n))][:n]
        vectors = np.random.default_rng(0).uniform(-1, 1, size=(n, 4)) * [1, 0.7, 0.01, 0.01]
        vectors[FAR, 0] = 12
        html_map(words, vectors, tmp_path / "map.html", MAP_GROUPS, title)
        page = visit(tmp_path / "map.html", size, scheme)
        settle(page)
        return page

    return call


def settle(page):
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def press(page, *keys):
    page.focus("#map")
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def boxes(page, kind="#labels text"):
    """What is visible of a kind: text -> (left, top, right, bottom) in pixels of the screen."""
    found = page.eval_on_selector_all(
        kind,
        "(items) => items.map((item) => [item.textContent, item.getBoundingClientRect().toJSON()])",
    )
    return {text: (b["left"], b["top"], b["right"], b["bottom"]) for text, b in found if b["width"] > 0}


def spots(page):
    """Where the marks are on the map, (number, 2), by word; hidden ones are left out."""
    marks = page.eval_on_selector_all(
        "#marks use:not(.away)",
        "(items) => items.map((item) => [item.dataset.word, item.getAttribute('transform')])",
    )
    return {int(word): np.array(re.findall(r"[-.\d]+", place), dtype=float) for word, place in marks}


def overlapping(found):
    rectangles = np.array(list(found.values()))  # (n, 4)
    low = np.maximum(rectangles[:, None, :2], rectangles[:, :2])
    high = np.minimum(rectangles[:, None, 2:], rectangles[:, 2:])
    return int(((high - low).min(axis=2) > 3).sum()) - len(rectangles)  # 3 px: the line box is higher than the letters


@pytest.mark.parametrize("n, size, scheme", [(50, WIDE, "light"), (50, NARROW, "dark"), (2000, WIDE, "dark")])
def test_labels_are_readable_and_apart_at_any_zoom(opened, n, size, scheme):
    page = opened(n, size, scheme)
    counts = []
    for _ in range(3):
        found = boxes(page)
        counts.append(len(found))
        heights = {round(bottom - top) for _, top, _, bottom in found.values()}
        assert len(heights) == 1 and min(heights) >= 13  # pixels
        assert overlapping(found) == 0
        press(page, "+")
    first, *_, last = counts
    assert first >= 10 and (n == 50 or last != first)


def test_the_page_fits_a_narrow_window(opened):
    page = opened(50, NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert page.evaluate("document.documentElement.scrollHeight") <= NARROW[1]
    frame = page.locator("#map").bounding_box()
    assert frame["width"] > 340 and frame["height"] > 200
    places = np.array([place for word, place in spots(page).items() if word != FAR])
    assert len(places) == 49 and (places > 0).all() and (places < [frame["width"], frame["height"]]).all()
    assert np.ptp(places, axis=0)[0] > 0.5 * frame["width"]  # the far word does not squeeze them


def test_the_window_may_change_its_size(opened):
    page = opened()
    before = spots(page)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    settle(page)
    after = spots(page)
    assert before[0][0] != after[0][0] and len(after) == 49
    assert min(bottom - top for _, top, _, bottom in boxes(page).values()) >= 13


def test_dark_mode_has_light_letters_on_dark(opened):
    def shades(page):
        style = "getComputedStyle(document.querySelector('#labels text')).fill"
        return [
            sum(map(int, re.findall(r"\d+", page.evaluate(asked))[:3]))
            for asked in (style, "getComputedStyle(document.body).backgroundColor")
        ]

    ink, paper = shades(opened(scheme="light"))
    assert paper == 3 * 255 and ink < 150
    ink, paper = shades(opened(scheme="dark"))
    assert paper < 150 and ink > 600


def test_pointing_shows_neighbours(opened):
    page = opened()
    data = page.evaluate("JSON.parse(document.getElementById('data').textContent)")
    page.locator("#labels text", has_text=re.compile("^king$")).hover()
    settle(page)
    i = data["words"].index("king")
    assert page.locator("#card h2").text_content() == "king"
    assert page.locator("#card td:first-child").all_text_contents() == [data["words"][j] for j in data["near"][i]]
    cosines = [float(text) for text in page.locator("#card td:last-child").all_text_contents()]
    np.testing.assert_allclose(cosines, data["cosines"][i], rtol=0, atol=0.0051)  # two decimals
    assert page.locator("#links").get_attribute("d").count("M") == 1 + webmap.NEIGHBOURS
    card, word = page.locator("#card").bounding_box(), boxes(page)["king"]
    assert word[0] > card["x"] + card["width"] or word[2] < card["x"]  # the card is on the other side
    press(page, "Escape")
    assert page.locator("#card").is_hidden()


def test_the_wheel_zooms_at_the_pointer_and_dragging_moves(opened):
    page = opened()
    frame = page.locator("#map").bounding_box()
    before = spots(page)
    x, y = before[0]
    page.mouse.move(frame["x"] + x, frame["y"] + y)
    near = min((i for i in before if i != 0), key=lambda i: np.linalg.norm(before[i] - before[0]))
    spot = f"document.querySelector(\"#marks use[data-word='{near}']\").getAttribute('transform')"
    was = page.evaluate(spot)
    page.mouse.wheel(0, -500)
    page.wait_for_function(f"(was) => {spot} !== was", arg=was)  # the browser hands the wheel on later
    settle(page)
    after = spots(page)
    assert np.linalg.norm(after[0] - before[0]) < 2  # pixels: the mouse is at a whole one
    common = [word for word in after if word in before and word != 0]
    factors = [np.linalg.norm(after[i] - after[0]) / np.linalg.norm(before[i] - before[0]) for i in common]
    np.testing.assert_allclose(factors, 1.0015**500, rtol=0.02)  # two decimals of a pixel
    page.mouse.move(frame["x"] + 5, frame["y"] + 5)
    page.mouse.down()
    page.mouse.move(frame["x"] + 45, frame["y"] + 25)
    page.mouse.up()
    settle(page)
    np.testing.assert_allclose(spots(page)[0] - after[0], [40, 20], atol=0.1)


@pytest.mark.parametrize(
    "key, way", [("ArrowLeft", (1, 0)), ("ArrowRight", (-1, 0)), ("ArrowUp", (0, 1)), ("ArrowDown", (0, -1))]
)
def test_arrow_keys_move_the_map(opened, key, way):
    page = opened()
    before = spots(page)
    press(page, key)
    np.testing.assert_allclose(spots(page)[0] - before[0], np.array(way) * 60, atol=0.1)  # pixels
    press(page, "0")
    np.testing.assert_allclose(spots(page)[0], before[0], atol=0.1)


def test_plus_and_minus_zoom_and_back(opened):
    page = opened()
    before = spots(page)
    press(page, "+")
    nearer = spots(page)
    common = [word for word in nearer if word in before and word != 0]
    factors = [np.linalg.norm(nearer[i] - nearer[0]) / np.linalg.norm(before[i] - before[0]) for i in common]
    np.testing.assert_allclose(factors, 1.5, rtol=0.02)  # two decimals of a pixel
    press(page, "-")
    np.testing.assert_allclose(spots(page)[0], before[0], atol=0.1)
    page.click("#closer")
    page.click("#whole")
    settle(page)
    np.testing.assert_allclose(spots(page)[0], before[0], atol=0.1)


def test_the_map_can_be_reached_by_keyboard_and_shows_it(opened):
    page = opened()
    for _ in range(5):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "map"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_search_answers(opened):
    page = opened()
    said = page.locator("#found")
    assert said.get_attribute("role") == "status"  # read out by screen readers
    page.fill("#search", "KING")
    settle(page)
    assert page.locator("#card h2").text_content() == "king" and said.text_content() == "1 word"
    page.fill("#search", "word1")
    settle(page)
    first = page.locator("#card h2").text_content()
    assert first == "word1" and re.fullmatch(r"1 of \d+ words, Enter for the next", said.text_content())
    page.press("#search", "Enter")
    settle(page)
    assert page.locator("#card h2").text_content() == "word10"
    page.fill("#search", "zebra")
    settle(page)
    assert said.text_content() == "no word contains “zebra”" and page.locator("#card").is_hidden()
    page.fill("#search", "")
    assert said.text_content() == ""


def test_a_word_outside_the_map_has_an_arrow_that_leads_to_it(opened):
    page = opened()
    pointer = page.locator(f"#pointers g[data-word='{FAR}']")
    frame, box = page.locator("#map").bounding_box(), pointer.bounding_box()
    assert box["x"] >= frame["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
    pointer.click()
    settle(page)
    assert page.locator("#card h2").text_content() == MAP_WORDS[FAR]
    np.testing.assert_allclose(spots(page)[FAR], [frame["width"] / 2, frame["height"] / 2], atol=0.1)
    assert pointer.is_hidden()


def test_hostile_words_do_nothing(browser, tmp_path):
    words = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "a\u202eb"]
    html_map(words, np.random.default_rng(0).normal(size=(4, 3)), tmp_path / "map.html", title="<b>bold</b>")
    page = browser.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    page.goto((tmp_path / "map.html").as_uri())
    settle(page)
    assert page.locator("h1").text_content() == page.title() == "<b>bold</b>"
    assert page.locator("img").count() == 0 and complaints == []
    page.close()


def test_without_scripts_the_map_is_there(browser, tmp_path):
    html_map(MAP_WORDS, np.random.default_rng(0).normal(size=(24, 3)), tmp_path / "map.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "map.html").as_uri())
    assert page.locator("#labels text", has_text=re.compile("^great$")).is_visible()
    assert page.locator("#controls").is_hidden()
    context.close()
