"""A map of words as a web page: zoom, pan, search, and the nearest neighbours of each word."""

import functools
import html

import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import LoadFlags
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from utils.pictures.fonts import OWN
from utils.pictures.framing import find_outliers, unit_of
from utils.pictures.offline import part, shown, write_page
from utils.pictures.wordmap import OTHERS, describe, marks_of, project_words
from utils.vectors.wordvectors import WordVectors

MOST_WORDS = 5000  # browsers move that many at once
NEIGHBOURS = 8

# Lengths in pixels of a screen on which the map is 1,200 by 800
WIDTH, HEIGHT = 1200, 800
MARGIN = np.array([110, 40])  # between the outermost points and the edge
GAP = 7  # between a point and its label; half of HIGH, so that four labels fit around a point
HIGH, BASELINE, FONTSIZE = 14, 11, 13  # of a label
MARK = 10  # half the side of the square that a mark occupies, its own label included
SIZES = ((300, 9), (1000, 6), (np.inf, 4.5))  # up to so many words: the size of a mark
LEAST, LATEST = 0.1, 1e6  # scales: smaller than that of the whole map on any screen, and one that is never reached
EDGE = 18  # from the arrow towards a word outside to the edge

# The sides of a point where its label may stand: which end of the label is there, the share of its width and height
# that comes before the point, and the way to it. As maps do it, rather right than left, rather above than below.
ANCHORS = ("start", "end", "middle", "middle")
BEFORE = np.array([[0, 0.5], [1, 0.5], [0.5, 1], [0.5, 0]])  # (4, 2)
WAYS = np.array([[1, 0], [-1, 0], [0, -1], [0, 1]])  # (4, 2)


def html_map(words, vectors, path, groups=None, title=None):
    """Write a map of words as one web page that needs no other file and no network.

    The words stand where `word_map` puts them. Wheel, fingers, keys and buttons zoom and pan; the word under the
    pointer is joined to the words on the page whose vectors have the largest cosine with its own. Labels have one size
    at any zoom, and those that would overlap are hidden until there is space. A few words far from all others start
    outside the map, with an arrow at its edge. Without JavaScript the whole map is still visible. The same input gives
    the same bytes.

    Parameters
    ----------
    words : sequence of str, length n
        At most 5,000; where space is scarce, earlier words are labelled first.
    vectors : array_like of float, shape (n, d)
        One per word. Subtracting a common vector, such as the mean, changes the cosines but not the map.
    path : str or Path
        The file to write, atomically; its folder must exist.
    groups : dict of str to tuple of str, optional
        As in `word_map`.
    title : str, optional
        The heading; by default the number of words and what the plane is.

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
    points, outside = _on_page(coordinates)  # (n, 2), (n,)
    title = title or describe(words)
    body, data = _page(words, points, outside, nearest, marks, title, _caption(shares, outside))
    write_page(path, title, body, data, ["page.css"], ["page.js"])


def _neighbours(words, vectors):
    """The words nearest to each by cosine, nearest first: their indices and cosines, (n, at most 8) each."""
    if len(words) == 1:
        return np.zeros((1, 0), dtype=int), np.zeros((1, 0))
    space = WordVectors(words, vectors)
    return space.nearest_many(space.vectors, min(NEIGHBOURS, len(words) - 1), np.arange(len(words))[:, None])


def _on_page(coordinates):
    """Where points are on the page, (n, 2), downwards as pages count, and which are outside the whole map, (n,).

    Those inside fill the page, a unit being as long across as up.
    """
    size = np.array([WIDTH, HEIGHT])  # (2,)
    outside = find_outliers(coordinates, coordinates, size - 2 * MARGIN)  # (n,)
    inside = coordinates[~outside]  # (m, 2)
    middle = (inside.min(axis=0) + inside.max(axis=0)) / 2  # (2,)
    unit = unit_of(inside, inside, size - 2 * MARGIN) or 1
    return ((coordinates - middle) / unit * [1, -1] + size / 2).round(4), outside


def _zooms(points, widths):
    """Choose for each label the side of its point, and the scale of the map from which on it is shown.

    A label keeps its size while the map grows, so two labels that overlap separate at some scale and stay separate.
    In the order of the words, each label waits until it is clear of all that are shown before it, on the side where
    that is soonest; between equally good sides it takes the one that is soonest clear of all marks.

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
        Scales, at least LEAST; 1 is that of the whole map on 1,200 by 800 pixels, infinity is never.
    """
    n = len(points)
    sides, zooms = np.zeros(n, dtype=int), np.full(n, LEAST)
    low, high = np.full((n, 2), np.nan), np.full((n, 2), np.nan)  # corners of the labels about their points
    for i in range(n):
        size = np.array([widths[i], HIGH])  # (2,)
        others = np.flatnonzero(np.arange(n) != i)  # (n - 1,)
        away, placed = points[others] - points[i], others < i  # (n - 1, 2), (n - 1,)
        first = GAP * WAYS - BEFORE * size  # (4, 2)
        box = first[:, None], (first + size)[:, None]  # (4, 1, 2) each
        free = _apart(away[placed], *box, low[:i], high[:i])  # (4, i)
        zoom = np.where(free > zooms[:i], free, LEAST).max(axis=1, initial=LEAST)  # (4,)
        side = np.argmin(zoom)
        if (zoom == zoom[side]).sum() > 1:
            clear = _apart(away, *box, -MARK, MARK).max(axis=1, initial=LEAST)  # (4,)
            side = np.lexsort((clear, zoom))[0]
        sides[i] = side
        zooms[i], low[i], high[i] = zoom[side], first[side], first[side] + size
    return sides, zooms


def _apart(away, low, high, other_low, other_high):
    """The scale from which on boxes are clear of others whose points are `away` at scale 1; infinity where never.

    Corners are relative to the point of each box; shapes (..., 2) broadcast.
    """
    after, before = high - other_low, other_high - low  # (..., 2): how far away the other must be on either side
    needed = np.where(away > 0, after, np.where(away < 0, before, np.minimum(after, before)))  # (..., 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        zooms = np.where(needed <= 0, 0, needed / np.abs(away))  # (..., 2)
    return np.minimum(zooms[..., 0], zooms[..., 1])  # (...): much faster than .min(axis=-1)


def _page(words, points, outside, nearest, marks, title, caption):
    """The page's body, as HTML, and the data of its script."""
    labels = [shown(word) for word in words]
    sides, zooms = _zooms(points, np.array([_width(label) for label in labels]))  # (n,), (n,)
    mark_of = {i: mark for mark, (_, indices, _) in enumerate(marks) for i in indices}
    named = len(marks) > 1 or marks[0][0] != OTHERS
    names = [shown(name) for name, *_ in marks] if named else [None]
    data = {
        "words": list(words),
        "groups": [names[mark_of[i]] for i in range(len(words))],
        "points": points.tolist(),
        "from": (np.ceil(np.minimum(zooms, LATEST) * 1000) / 1000).tolist(),
        "outside": np.flatnonzero(outside).tolist(),
        "near": nearest[0].tolist(),
        "cosines": nearest[1].astype(np.float64).round(4).tolist(),
    }
    size = next(size for most, size in SIZES if len(words) <= most)
    order = sorted(range(len(words)), key=lambda i: marks[mark_of[i]][0] != OTHERS)
    body = part("page.html").format(
        title=html.escape(shown(title)),
        caption=html.escape(caption),
        width=WIDTH, height=HEIGHT,
        outlines="\n".join(_outline(number, style, size) for number, (*_, style) in enumerate(marks)),
        legend="\n".join(_legend(number, name, size) for number, name in enumerate(names) if name is not None),
        marks="\n".join(_mark(i, points[i], mark_of[i]) for i in order),
        labels="\n".join(_label(labels[i], points[i], sides[i], zooms[i] > 1) for i in range(len(words))),
        pointers="\n".join(_pointer(i, labels[i], points[i]) for i in np.flatnonzero(outside)),
    )  # fmt: skip
    return body, data


def _caption(shares, outside):
    first, second = 100 * shares
    far = f" An arrow at the edge points to a word farther away ({outside.sum()} here)." if outside.any() else ""
    return (
        f"Across: first direction, {first:.0f} % of the variance. Up: second direction, {second:.0f} %, in the same "
        f"scale.{far} Point at a word to see its nearest neighbours and their cosines. "
        "Keys on the map: arrows, +, −, 0."
    )


def _width(text):
    """The width of a label in pixels, or more: DejaVu Sans is wider than most fonts of browsers."""
    return sum(map(_advance, text))


@functools.cache
def _advance(letter):
    font = font_manager.get_font(font_manager.findfont(OWN))
    font.set_size(FONTSIZE, 72)  # points that are pixels
    if not font.get_char_index(ord(letter)):
        return FONTSIZE
    return font.load_char(ord(letter), LoadFlags.NO_HINTING).linearHoriAdvance / 65536


def _outline(number, style, size):
    """The outline of one of matplotlib's marks as SVG."""
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


def _pointer(i, text, point):
    """An arrow at the edge of the map towards a word outside."""
    size = np.array([WIDTH, HEIGHT])  # (2,)
    edge = np.clip(point, EDGE, size - EDGE)  # (2,)
    turn = np.degrees(np.arctan2(*(point - edge)[::-1]))
    x, anchor = (-EDGE, "end") if edge[0] > WIDTH / 2 else (EDGE, "start")
    arrow = f'<path transform="rotate({turn:.1f})" d="M14 0L0 -6L0 6Z"/>'
    word = f'<text x="{x}" y="4" text-anchor="{anchor}">{html.escape(text)}</text>'
    return f'<g data-word="{i}" transform="{_translate(edge)}">{arrow}{word}</g>'


def _translate(point):
    return f"translate({point[0]:.2f} {point[1]:.2f})"
