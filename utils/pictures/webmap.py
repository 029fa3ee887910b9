"""A map of words as a web page: to zoom, to move, and to ask each word for its nearest neighbours."""

import base64
import hashlib
import html
import json
import unicodedata

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from utils.pictures.webpage import PAGE, SCRIPT, STYLE
from utils.pictures.wordmap import marks_of, project_words
from utils.system.files import replacing
from utils.vectors.wordvectors import WordVectors

MOST_WORDS = 5000  # browsers move that many at once
NEIGHBOURS = 8

# Lengths in the units of the page's map, about a pixel of the screen each
WIDTH, HEIGHT = 1200, 800
MARGIN = np.array([110, 40])  # between the outermost points and the edge
GAP = 7  # between a point and its label; half of HIGH, so that four labels fit around a point
HIGH, BASELINE, LETTER = 14, 11, 7.8  # of a label, and a letter's width, rather too large than too small
MARK = 10  # half the side of the square that a mark needs, with room for a label of its own
SIZE, SMALL, MANY = 9, 6, 300  # of a mark, also where there are many of them
LATEST = 1e6  # a zoom that is never reached

# The sides of a point where its label may stand: which end of the label is there, the share of its width and height
# that comes before the point, and the way to it. As maps do it, rather right than left, rather above than below.
ANCHORS = ("start", "end", "middle", "middle")
BEFORE = np.array([[0, 0.5], [1, 0.5], [0.5, 1], [0.5, 0]])  # (4, 2)
WAYS = np.array([[1, 0], [-1, 0], [0, -1], [0, 1]])  # (4, 2)
JOINERS = "\u200c\u200d"  # not printable by themselves, but Persian and Hindi are not written without them


def html_map(words, vectors, path, groups=None, title=None):
    """Write a map of words as one web page that needs no other file and no network.

    The words stand where `word_map` puts them. The wheel, two fingers or the buttons zoom, dragging moves; the word
    under the pointer is joined to the words whose vectors have the largest cosine with its own, of those on the page.
    Labels that would overlap wait until there is room; without JavaScript the whole map is still to be seen. The same
    input gives the same bytes.

    Parameters
    ----------
    words : sequence of str, length n
        At most 5,000; where room is scarce the label of an earlier word comes first.
    vectors : array_like of float, shape (n, d)
        One per word. To take away a vector common to all, such as the mean, changes the cosines but not the map.
    path : str or Path
        The file to write; its folder must exist. It is replaced whole or not at all.
    groups : dict of str to tuple of str, optional
        As in `word_map`.
    title : str, optional
        A heading over the map.

    Raises
    ------
    InputError
        Words and vectors do not match, there are too many words or groups, or a word is in two groups; and as
        `project_2d`.
    EnvironmentFailure
        The file cannot be written.
    """
    coordinates, shares = project_words(words, vectors, MOST_WORDS, "a web map")  # (n, 2), (2,)
    marks = marks_of(words, groups or {})
    nearest = _neighbours(words, vectors)
    page = _page(words, _on_page(coordinates), nearest, marks, title or "Map of words", _caption(shares))
    with replacing(path) as file:
        file.write(page)


def _neighbours(words, vectors):
    """Each word's nearest ones by cosine, the nearest first: their numbers and cosines, (n, at most 8) each."""
    if len(words) == 1:
        return np.zeros((1, 0), dtype=int), np.zeros((1, 0))
    space = WordVectors(words, vectors)
    return space.nearest_many(space.vectors, min(NEIGHBOURS, len(words) - 1), np.arange(len(words))[:, None])


def _on_page(coordinates):
    """Let the points fill the page, a unit being as long across as up; (n, 2), downwards as pages count."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)  # (2,), (2,)
    size = np.array([WIDTH, HEIGHT])  # (2,)
    unit = ((high - low) / (size - 2 * MARGIN)).max() or 1
    return ((coordinates - (low + high) / 2) / unit * [1, -1] + size / 2).round(4)


def _zooms(points, widths):
    """Choose for each label the side of its point, and the zoom from which on it is shown.

    A label keeps its size while the map grows, so two labels that overlap come apart at some zoom and stay apart. The
    words take their turns in order: each one's label waits until it is free of those that are shown before, on the
    side where that is soonest; between sides equally good it looks for the one that is soonest free of all marks.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
    widths : ndarray of float64, shape (n,)
        Of the labels.

    Returns
    -------
    sides : ndarray of int, shape (n,)
        Index into ANCHORS.
    zooms : ndarray of float64, shape (n,)
        1 for a label that is shown on the whole map, infinity for one that is never shown.
    """
    n = len(points)
    sides, zooms = np.zeros(n, dtype=int), np.ones(n)
    low, high = np.full((n, 2), np.nan), np.full((n, 2), np.nan)  # corners of the labels about their points
    for i in range(n):
        size = np.array([widths[i], HIGH])  # (2,)
        reach = size + [widths.max(), HIGH] + 2 * GAP  # (2,): labels farther off never meet on the map
        near = np.flatnonzero((np.abs(points - points[i]) < reach).all(axis=1) & (np.arange(n) != i))  # (m,)
        away, placed = points[near] - points[i], near < i  # (m, 2), (m,)
        first = GAP * WAYS - BEFORE * size  # (4, 2)
        box = first[:, None], (first + size)[:, None]  # (4, 1, 2) each
        free = _apart(away[placed], *box, low[near[placed]], high[near[placed]])  # (4, number placed)
        zoom = np.where(free > zooms[near[placed]], free, 1).max(axis=1, initial=1)  # (4,)
        side = np.argmin(zoom)
        if (zoom == zoom[side]).sum() > 1:
            clear = _apart(away, *box, -MARK, MARK).max(axis=1, initial=1)  # (4,)
            side = np.lexsort((clear, zoom))[0]
        sides[i] = side
        zooms[i], low[i], high[i] = zoom[side], first[side], first[side] + size
    return sides, zooms


def _apart(away, low, high, other_low, other_high):
    """The zoom from which on boxes are free of others whose points are `away` at zoom 1; infinity where never.

    Corners are about the own point of each box; shapes (..., 2) broadcast.
    """
    after, before = high - other_low, other_high - low  # (..., 2): how far off the other must be on either side
    needed = np.where(away > 0, after, np.where(away < 0, before, np.minimum(after, before)))  # (..., 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        zooms = np.where(needed <= 0, 0, needed / np.abs(away))  # (..., 2)
    return np.minimum(zooms[..., 0], zooms[..., 1])  # (...): much faster than .min(axis=-1)


def _page(words, points, nearest, marks, title, caption):
    shown = [_shown(word) for word in words]
    sides, zooms = _zooms(points, np.array([_width(word) for word in shown]))  # (n,), (n,)
    mark_of = {i: mark for mark, (_, indices, _) in enumerate(marks) for i in indices}
    named = len(marks) > 1 or marks[0][0] != "other words"
    names = [_shown(name) for name, *_ in marks] if named else [None]
    data = {
        "words": list(words),
        "groups": [names[mark_of[i]] for i in range(len(words))],
        "points": points.tolist(),
        "from": (np.ceil(np.minimum(zooms, LATEST) * 1000) / 1000).tolist(),
        "near": nearest[0].tolist(),
        "cosines": nearest[1].astype(np.float64).round(4).tolist(),
    }
    size = SIZE if len(words) <= MANY else SMALL
    order = sorted(range(len(words)), key=lambda i: marks[mark_of[i]][0] != "other words")
    return PAGE.format(
        title=html.escape(_shown(title)),
        caption=html.escape(caption),
        style=STYLE, style_hash=_hash(STYLE), script=SCRIPT, script_hash=_hash(SCRIPT),
        width=WIDTH, height=HEIGHT,
        outlines="\n".join(_outline(number, style, size) for number, (*_, style) in enumerate(marks)),
        legend="\n".join(_legend(number, name, size) for number, name in enumerate(names) if name is not None),
        marks="\n".join(_mark(i, points[i], mark_of[i]) for i in order),
        labels="\n".join(_label(shown[i], points[i], sides[i], zooms[i] > 1) for i in range(len(words))),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),  # no word ends the script element
    )  # fmt: skip


def _caption(shares):
    first, second = 100 * shares
    return (
        f"Across: first direction, {first:.0f} % of the variance. Up: second direction, {second:.0f} %, in the same "
        "scale. Point at a word to see its nearest neighbours and their cosines."
    )


def _hash(text):
    """How a Content-Security-Policy names the one script (or style) that may run: nothing that a word brings does."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(text):
    """Write what has no shape of its own, or would turn the text around it, as its code."""
    return "".join(
        letter if letter.isprintable() or letter in JOINERS else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _width(text):
    """How wide a label is at most, as a rule."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return LETTER * (len(text) - wide) + 2 * LETTER * wide


def _outline(number, style, size):
    """The outline of a mark of matplotlib's as SVG."""
    marker = MarkerStyle(style["marker"])
    outline = marker.get_path().transformed(marker.get_transform().scale(size, -size))
    letters = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}
    steps = [
        "Z" if code == Outline.CLOSEPOLY else letters[code] + " ".join(f"{value:.2f}" for value in values)
        for values, code in outline.iter_segments(simplify=False)
    ]
    return f'<path id="m{number}" fill="{style["color"]}" d="{"".join(steps)}"/>'


def _legend(number, name, size):
    box = f"{-0.9 * size:g} {-0.9 * size:g} {1.8 * size:g} {1.8 * size:g}"
    return f'<li><svg viewBox="{box}"><use href="#m{number}"/></svg>{html.escape(name)}</li>'


def _mark(i, point, number):
    return f'<use href="#m{number}" data-word="{i}" transform="{_translate(point)}"/>'


def _label(text, point, side, waits):
    x, y = GAP * WAYS[side] - [0, BEFORE[side][1] * HIGH - BASELINE]
    quiet = ' class="quiet"' if waits else ""
    place = f'x="{x:g}" y="{y:g}" text-anchor="{ANCHORS[side]}" transform="{_translate(point)}"{quiet}'
    return f"<text {place}>{html.escape(text)}</text>"


def _translate(point):
    return f"translate({point[0]:.2f} {point[1]:.2f})"
