"""A picture of words: their vectors brought to the plane by their first two principal directions."""

import textwrap

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.transforms import IdentityTransform

from utils.pictures.canvas import (
    COLOURS,
    DPI,
    FAINT,
    HEADING,
    INK,
    LABEL,
    NEUTRAL,
    SHAPES,
    default_settings,
    drawable,
    dress,
    paper,
    save_png,
)
from utils.pictures.labels import AIR, place
from utils.system.errors import InputError
from utils.vectors.signs import fix_signs

# The words that the handout maps, in its order, and what they have in common.
MAP_GROUPS = {
    "praise": ("great", "cool", "brilliant", "wonderful", "well", "amazing", "worth", "sweet", "enjoyable"),
    "blame": ("boring", "bad", "dumb", "annoying"),
    "people": ("female", "male", "queen", "king", "man", "woman"),
    "weather": ("rain", "snow", "hail"),
    "drinks": ("coffee", "tea"),
}
MAP_WORDS = tuple(word for group in MAP_GROUPS.values() for word in group)

LARGEST = 1e150  # squares of larger numbers leave the range of float64

SIZE = (10, 8)  # inches
LEFT, RIGHT, BOTTOM, TOP = 0.085, 0.975, 0.08, 0.975  # edges of the drawing, in shares of the figure
GAP = 0.015  # between title and legend, in shares of the height; twice that above the frame, for an exponent (1e6)
MARGIN = (70, 40)  # between the outermost points and the frame, across and up, in pixels
FAR = 16  # a label farther from its point than this, in pixels of 1/150 inch, gets a leader
MOST_WORDS = 100  # with more the leaders tangle, and the search for room takes its time
MOST_GROUPS = 21  # with more the legend crowds out the map



def project_2d(vectors):
    """Place vectors in the plane of their first two principal directions.

    The coordinates are the handout's `temp.dot(U[:, 0:2])`, where `temp` holds the centred vectors and U comes from the
    SVD of their covariance `1 / n * temp.T.dot(temp)`; taking the SVD of `temp` itself does not square the condition
    number. Signs are those of `fix_signs`. Where two singular values are equal their directions are not determined.

    Parameters
    ----------
    vectors : array_like of float, shape (n, d)
        One vector per row; n and d at least 1.

    Returns
    -------
    coordinates : ndarray of float64, shape (n, 2)
        In the unit of the vectors; the second column is 0 where d = 1.
    shares : ndarray of float64, shape (2,)
        The part of the total variance, 0 to 1, along each of the two directions; 0 where all vectors are equal.

    Raises
    ------
    InputError
        The vectors are not a matrix with at least one row and column, or hold something else than finite numbers.

    Examples
    --------
    >>> project_2d([[0, 2], [0, -2], [1, 0], [-1, 0]])
    (array([[ 2.,  0.],
           [-2.,  0.],
           [ 0.,  1.],
           [ 0., -1.]]), array([0.8, 0.2]))
    """
    vectors = _checked(vectors)  # (n, d)
    shifted = vectors - vectors[0]  # (n, d): exactly 0 for equal rows, which their rounded mean would not give
    centred = shifted - shifted.mean(axis=0)  # (n, d)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)  # (min(n, d),), (min(n, d), d)
    plane = fix_signs(directions[:2])  # (1 or 2, d)
    coordinates = np.zeros((len(vectors), 2))
    coordinates[:, : len(plane)] = centred @ plane.T  # (n, 1 or 2)
    shares = np.zeros(2)
    if values[0] > 0:
        variances = (values / values[0]) ** 2  # (min(n, d),): relative, so that tiny vectors do not vanish
        shares[: len(plane)] = variances[:2] / variances.sum()
    return coordinates, shares


def project_words(words, vectors, most, kind):
    """As `project_2d`, for one vector per word, on a map of some kind that has room for so many words at most."""
    coordinates, shares = project_2d(vectors)  # (n, 2), (2,)
    if len(words) != len(coordinates):
        raise InputError(f"each word wants one vector, got {len(words)} words and {len(coordinates)} vectors")
    if len(words) > most:
        raise InputError(f"{kind} has room for at most {most} words, got {len(words)}: choose some")
    return coordinates, shares


def word_map(words, vectors, path, groups=None, title=None):
    """Draw words as points in the plane of their first two principal directions; save the picture as PNG.

    Both axes have the same scale. The same input gives the same bytes, and settings of matplotlib play no part.
    Characters that the font lacks are shown as their codes (`\\u65e5`), labels are cut after 24 characters.

    Parameters
    ----------
    words : sequence of str, length n
        Labels of the points, at most 100; up to about 70 are easy to read.
    vectors : array_like of float, shape (n, d)
        One vector per word.
    path : str or Path
        The file to write; its folder must exist. It is replaced whole or not at all.
    groups : dict of str to tuple of str, optional
        At most 21 sets of words that share a colour and a mark, named in a legend. They may hold words that are not on
        the map; words of no group are marked in grey.
    title : str, optional
        A heading over the picture.

    Raises
    ------
    InputError
        Words and vectors do not match, there are too many words or groups, or a word is in two groups; and as
        `project_2d`.
    EnvironmentFailure
        The file cannot be written.
    """
    coordinates, shares = project_words(words, vectors, MOST_WORDS, "a map")  # (n, 2), (2,)
    marks = marks_of(words, groups or {})
    with default_settings():
        sheet = _draw(words, coordinates, shares, marks, title)
        save_png(sheet.figure, path)


def _checked(vectors):
    try:
        vectors = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"vectors must be rows of numbers, all of one length: {error}") from error
    if vectors.ndim != 2 or vectors.size == 0:
        raise InputError(f"vectors must be a matrix with one row per word, got an array of shape {vectors.shape}")
    usable = (np.abs(vectors) < LARGEST).all(axis=1)  # (n,): False for NaN, too
    if not usable.all():
        row = np.argmin(usable)
        value = vectors[row][~(np.abs(vectors[row]) < LARGEST)][0]
        raise InputError(f"vectors must hold finite numbers below {LARGEST:g} in size, got {value} in row {row}")
    return vectors


def marks_of(words, groups):
    """Share the words out: a list of (name, indices of the words, style of the mark), groups without words left out."""
    if len(groups) > MOST_GROUPS:
        raise InputError(f"a map has room for at most {MOST_GROUPS} groups, got {len(groups)}: join some")
    group_of = {}
    for name, members in groups.items():
        if isinstance(members, str):
            raise InputError(f"the group {name!r} must be a tuple of words, got the text {members!r}")
        for word in members:
            if group_of.setdefault(word, name) != name:
                raise InputError(f"{word!r} is in the groups {group_of[word]!r} and {name!r}: take it out of one")
    marks = []
    for order, name in enumerate(groups):
        style = {"color": COLOURS[order % len(COLOURS)], "marker": SHAPES[order % len(SHAPES)], "markersize": 7.5}
        marks.append((name, [i for i, word in enumerate(words) if group_of.get(word) == name], style))
    rest = [i for i, word in enumerate(words) if word not in group_of]
    marks.append(("other words", rest, {"color": NEUTRAL, "marker": "o", "markersize": 6}))
    return [mark for mark in marks if mark[1]]


class Sheet:
    """The sheet of a map: frame, heading, legend, and a mark and a label for each word, which `show` sets in place.

    Parameters
    ----------
    words : sequence of str, length n
    marks : list
        As `marks_of` shares the words out.
    coordinates : ndarray of float64, shape (m, 2)
        All that the frame shall hold.
    title : str, optional
    size : (float, float)
        Width and height, inches.
    dpi : int
        Pixels per inch.
    """

    def __init__(self, words, marks, coordinates, title=None, size=SIZE, dpi=DPI):
        self.figure, self.renderer = paper(size, dpi)
        self.axes = self.figure.add_axes((LEFT, BOTTOM, RIGHT - LEFT, TOP - BOTTOM))
        self.marks = marks
        self.finer = DPI / dpi  # `place` thinks in pixels of the PNG map
        for _, _, style in marks:
            self.axes.plot([], [], linestyle="none", markeredgecolor="white", markeredgewidth=0.8, **style)
        dress(self.axes)
        self.heading, top = _head(self.figure, self.renderer, title)
        if [name for name, *_ in marks] != ["other words"]:
            top = _legend(self.figure, self.renderer, self.axes.lines, [name for name, *_ in marks], top)
        self.axes.set_position((LEFT, BOTTOM, RIGHT - LEFT, top - 2 * GAP - BOTTOM))
        _set_scale(self.axes, coordinates)
        self._write(words)

    def _write(self, words):
        style = {"transform": IdentityTransform(), "fontsize": LABEL, "color": INK, "va": "bottom", "parse_math": False}
        self.labels = [self.axes.text(0, 0, drawable(word), zorder=4, **style) for word in words]
        extents = [label.get_window_extent(self.renderer) for label in self.labels]
        self.sizes = np.array([(extent.width, extent.height) for extent in extents]) + 2 * AIR / self.finer  # (n, 2)
        style = {"transform": IdentityTransform(), "colors": FAINT, "linewidths": 0.7}
        self.leaders = LineCollection([], zorder=1.8, **style)
        self.axes.add_collection(self.leaders, autolim=False)

    def pixels(self, coordinates):
        """Where coordinates (n, 2) are on the sheet, (n, 2)."""
        return self.axes.transData.transform(coordinates)

    def places(self, coordinates):
        """Find room for the labels; return their boxes, (n, 4): left, bottom, right, top in pixels, with their air."""
        lengths = self.pixels(coordinates), self.sizes, self.axes.bbox.extents
        return place(*(self.finer * length for length in lengths)) / self.finer

    def show(self, coordinates, boxes):
        """Set the marks at their coordinates, (n, 2), and the labels into their boxes, (n, 4)."""
        for line, (_, indices, _) in zip(self.axes.lines, self.marks, strict=True):
            line.set_data(*coordinates[indices].T)
        for label, box in zip(self.labels, boxes, strict=True):
            label.set_position(box[:2] + AIR / self.finer)
        points = self.pixels(coordinates)  # (n, 2)
        ends = np.clip(points, boxes[:, :2], boxes[:, 2:])  # (n, 2)
        far = np.linalg.norm(ends - points, axis=1) > FAR / self.finer  # (n,)
        self.leaders.set_segments(np.stack((points, ends), axis=1)[far])  # (number of far ones, 2, 2)


def _draw(words, coordinates, shares, marks, title):
    sheet = Sheet(words, marks, coordinates, title)
    sheet.axes.set_xlabel(f"first direction ({100 * shares[0]:.0f} % of the variance)", fontsize=LABEL, color=INK)
    sheet.axes.set_ylabel(f"second direction ({100 * shares[1]:.0f} % of the variance)", fontsize=LABEL, color=INK)
    sheet.show(coordinates, sheet.places(coordinates))
    return sheet


def _head(figure, renderer, title):
    """Write the title, at most two lines; return it and where the room below begins, in shares of the height."""
    lines = textwrap.wrap(drawable(title or "", None), 78, max_lines=2, placeholder=" …")
    text = figure.text(LEFT, TOP, "\n".join(lines), fontsize=HEADING, color=INK, va="top", parse_math=False)
    return text, text.get_window_extent(renderer).y0 / figure.bbox.height if lines else TOP


def _legend(figure, renderer, handles, names, top):
    """Write the legend in as many columns as fit under `top`; return where the room below it begins."""
    for columns in range(min(len(names), 8), 0, -1):
        legend = figure.legend(
            handles, [drawable(name) for name in names], loc="upper left", bbox_to_anchor=(LEFT, top - GAP),
            ncols=columns, columnspacing=1.8, handlelength=1.0, handletextpad=0.4, borderpad=0, borderaxespad=0,
            frameon=False, fontsize=LABEL,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set(parse_math=False, color=INK)
        extent = legend.get_window_extent(renderer)
        if extent.x1 <= RIGHT * figure.bbox.width:
            break
        legend.remove()
    return extent.y0 / figure.bbox.height


def _set_scale(axes, coordinates):
    """Let the points fill the frame, a unit being as long across as up."""
    frame = np.array(axes.bbox.size)  # (2,), pixels
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)  # (2,), (2,)
    unit = ((high - low) / (frame - 2 * np.array(MARGIN))).max() or 1 / frame.max()  # per pixel
    middle = (low + high) / 2  # (2,)
    axes.set_xlim(middle[0] - unit * frame[0] / 2, middle[0] + unit * frame[0] / 2)
    axes.set_ylim(middle[1] - unit * frame[1] / 2, middle[1] + unit * frame[1] / 2)
