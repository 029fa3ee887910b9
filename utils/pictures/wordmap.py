"""A map of words: their vectors projected onto the plane of their first two principal directions."""

import textwrap

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
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
    SMALL,
    default_settings,
    drawable,
    dress,
    paper,
    save_png,
)
from utils.pictures.framing import find_outliers, unit_of
from utils.pictures.labels import AIR, MARK, THOROUGH, place
from utils.system.errors import InputError
from utils.vectors.signs import fix_signs

OTHERS = "other words"

LARGEST = 1e150  # squares of larger numbers leave the range of float64

WIDTH, LEAST_HEIGHT, HEIGHT = 10, 6, 8  # inches; the height fits the words, and more is made for a long legend
LEFT, RIGHT = 0.1, 0.98  # edges of the drawing, in shares of the width
BELOW, EDGE, GAP = 0.64, 0.2, 0.12  # inches: under the frame, above the title, between title and legend
LEAST_FRAME = 3  # inches
MARGIN = (70, 40)  # between the outermost points and the frame, across and up, in pixels of 1/150 inch
FAR = 16  # a label farther from its point than this, in pixels of 1/150 inch, gets a leader
ARROW = np.array([[10, -1], [22, -1], [22, -6], [34, 0], [22, 6], [22, 1], [10, 1]])  # to the right, the same pixels
MOST_WORDS = 2000  # some 200 of them find space for their labels
MOST_GROUPS = 21  # with more the legend crowds out the map
LONGEST_NOTE = 70  # characters; a longer list of words outside the frame becomes their number
MARKSIZE = 7.5  # points
# Up to so many words: the font size of the labels, points, and the scale of the marks.
SIZES = ((40, LABEL, 1), (THOROUGH, 9.5, 0.85), (300, 8, 0.7), (np.inf, 7, 0.55))


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
    """As `project_2d`, for one vector per word and at most `most` words; `kind` names the map in messages."""
    coordinates, shares = project_2d(vectors)  # (n, 2), (2,)
    if len(words) != len(coordinates):
        raise InputError(f"expected one vector per word, got {len(words)} words and {len(coordinates)} vectors")
    if len(words) > most:
        raise InputError(f"{kind} holds at most {most} words, got {len(words)}: choose fewer")
    return coordinates, shares


def word_map(words, vectors, path, groups=None, title=None):
    """Draw words as points in the plane of their first two principal directions; save the picture as PNG.

    Both axes have the same scale. A few words far from all others are drawn at the edge of the frame, with an arrow and
    a note of where they are. Labels that find no space are left out, later words first, and a note counts them. The
    same input gives the same bytes, whatever the user's settings of matplotlib. Characters that no installed font has
    are shown as their codes (`\\u65e5`), labels are cut after 24 characters.

    Parameters
    ----------
    words : sequence of str, length n
        Labels of the points, at most 2,000. Where there is not enough space, earlier words are labelled first.
    vectors : array_like of float, shape (n, d)
        One vector per word.
    path : str or Path
        The file to write, atomically; its folder must exist.
    groups : dict of str to tuple of str, optional
        At most 21 sets of words that share a colour and a mark, named in a legend. They may contain words that are not
        on the map; words of no group are grey.
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
    coordinates, shares = project_words(words, vectors, MOST_WORDS, "a map")  # (n, 2), (2,)
    marks = marks_of(words, groups or {})
    with default_settings():
        sheet = _draw(words, coordinates, shares, marks, title or describe(words))
        save_png(sheet.figure, path)


def describe(words):
    """The title of a map that was given none."""
    return f"Map of {len(words):,} word{'s' * (len(words) != 1)}: first two principal directions of the vectors"


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
    """Assign words to groups: a list of (name, indices of the words, style of the mark), empty groups left out."""
    if len(groups) > MOST_GROUPS:
        raise InputError(f"a map holds at most {MOST_GROUPS} groups, got {len(groups)}: merge some")
    group_of = {}
    for name, members in groups.items():
        if isinstance(members, str):
            raise InputError(f"the group {name!r} must be a tuple of words, got the text {members!r}")
        for word in members:
            if group_of.setdefault(word, name) != name:
                raise InputError(f"{word!r} is in the groups {group_of[word]!r} and {name!r}: remove it from one")
    marks = []
    for order, name in enumerate(groups):
        style = {"color": COLOURS[order % len(COLOURS)], "marker": SHAPES[order % len(SHAPES)], "markersize": MARKSIZE}
        marks.append((name, [i for i, word in enumerate(words) if group_of.get(word) == name], style))
    rest = [i for i, word in enumerate(words) if word not in group_of]
    marks.append((OTHERS, rest, {"color": NEUTRAL, "marker": "o", "markersize": 0.8 * MARKSIZE}))
    return [mark for mark in marks if mark[1]]


class Scatter:
    """Axes with a mark and a label for each word, which `show` moves to their places.

    Parameters
    ----------
    axes : Axes
        Those of a figure from `paper`, in their final place or, before another call of `fit`, near it.
    renderer : Renderer
        Of the same figure.
    words : sequence of str, length n
    marks : list
        As from `marks_of`.
    coordinates : ndarray of float64, shape (n, 2) or (T, n, 2)
        The points that the axes have to hold, of one map or several; `outside`, (n,), tells the words left out.
    fontsize, shrunk : float
        Of the labels, points; the scale of the marks.
    """

    def __init__(self, axes, renderer, words, marks, coordinates, fontsize, shrunk):
        self.axes, self.renderer, self.marks, self.mark = axes, renderer, marks, MARK * shrunk
        self.finer = DPI / axes.figure.dpi  # `place` and the constants count in pixels of the PNG map
        for _, _, style in marks:
            style = style | {"markersize": style["markersize"] * shrunk}
            axes.plot([], [], linestyle="none", markeredgecolor="white", markeredgewidth=0.8, **style)
        dress(axes)
        points = coordinates.reshape(-1, *coordinates.shape[-2:])  # (T, n, 2)
        self.extents = points.min(axis=0), points.max(axis=0)  # (n, 2), (n, 2)
        self.outside = find_outliers(*self.extents, self._space())  # (n,)
        self.fit()
        self._write(words, fontsize)

    def _space(self):
        """Width and height for the points inside, pixels, (2,)."""
        return np.array(self.axes.bbox.size) * self.finer - 2 * np.array(MARGIN)

    def fit(self):
        """Let the points inside fill the axes, a unit being as long across as up; return their unit and extent."""
        low, high = (corners[~self.outside] for corners in self.extents)  # (m, 2), (m, 2)
        size = self._space() + 2 * np.array(MARGIN)  # (2,)
        unit = unit_of(low, high, self._space()) or 1 / size.max()
        middle = (low.min(axis=0) + high.max(axis=0)) / 2  # (2,)
        self.low, self.high = middle - unit * size / 2, middle + unit * size / 2  # (2,), (2,)
        self.inset = unit * np.array(MARGIN)  # (2,)
        self.axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]))
        return unit, high.max(axis=0) - low.min(axis=0)

    def _write(self, words, fontsize):
        style = {"fontsize": fontsize, "color": INK, "va": "bottom", "parse_math": False}
        style["transform"] = IdentityTransform()
        self.labels = [self.axes.text(0, 0, drawable(word), zorder=4, **style) for word in words]
        extents = [label.get_window_extent(self.renderer) for label in self.labels]
        self.sizes = np.array([(extent.width, extent.height) for extent in extents]) + 2 * AIR / self.finer  # (n, 2)
        style = {"transform": IdentityTransform(), "colors": FAINT, "linewidths": 0.7}
        self.leaders = LineCollection([], zorder=1.8, **style)
        self.arrows = PolyCollection([], zorder=3, transform=IdentityTransform(), facecolors=INK, linewidths=0)
        for collection in (self.leaders, self.arrows):
            self.axes.add_collection(collection, autolim=False)

    def framed(self, coordinates):
        """Where the marks of coordinates (n, 2) are drawn, (n, 2): those of words outside, at the edge of the frame."""
        edge = np.clip(coordinates, self.low + self.inset, self.high - self.inset)  # (n, 2)
        return np.where(self.outside[:, None], edge, coordinates)

    def pixels(self, coordinates):
        """Where coordinates (n, 2) are on the figure, (n, 2), pixels."""
        return self.axes.transData.transform(coordinates)

    def places(self, coordinates):
        """Place the labels; return their boxes, (n, 4): left, bottom, right, top in pixels with their air, or NaN."""
        n, arrows = len(coordinates), self.pointers(coordinates).mean(axis=1)  # (m, 2)
        points = np.vstack((self.pixels(self.framed(coordinates)), arrows))  # (n + m, 2)
        sizes = np.vstack((self.sizes, np.zeros_like(arrows)))  # (n + m, 2): an arrow takes as much space as a mark
        lengths = points * self.finer, sizes * self.finer, np.array(self.axes.bbox.extents) * self.finer
        return place(*lengths, self.mark)[:n] / self.finer

    def pointers(self, coordinates):
        """The arrows from marks at the edge towards their words outside, (m, 7, 2), pixels."""
        framed = self.framed(coordinates)  # (n, 2)
        away = coordinates - framed  # (n, 2): 0 for words inside
        beyond = away.any(axis=1)  # (n,)
        x, y = (away[beyond] / np.linalg.norm(away[beyond], axis=1, keepdims=True)).T  # (m,), (m,)
        turns = np.array([[x, y], [-y, x]]).transpose(2, 0, 1)  # (m, 2, 2)
        return self.pixels(framed[beyond])[:, None] + ARROW / self.finer @ turns

    def show(self, coordinates, boxes):
        """Move the marks to their coordinates, (n, 2), and the labels into their boxes, (n, 4); NaN hides a label."""
        framed = self.framed(coordinates)  # (n, 2)
        for line, (_, indices, _) in zip(self.axes.lines, self.marks, strict=True):
            line.set_data(*framed[indices].T)
        for label, box in zip(self.labels, boxes, strict=True):
            label.set_visible(bool(np.isfinite(box).all()))
            if label.get_visible():
                label.set_position(box[:2] + AIR / self.finer)
        points = self.pixels(framed)  # (n, 2)
        ends = np.clip(points, boxes[:, :2], boxes[:, 2:])  # (n, 2)
        far = np.linalg.norm(ends - points, axis=1) > FAR / self.finer  # (n,): False for NaN
        self.leaders.set_segments(np.stack((points, ends), axis=1)[far])  # (number of far ones, 2, 2)
        self.arrows.set_verts(self.pointers(coordinates))


class Sheet(Scatter):
    """A map on a figure of its own, with title and legend.

    Parameters
    ----------
    words, marks, coordinates
        As in `Scatter`.
    title : str
    dpi : int
        Pixels per inch.
    """

    def __init__(self, words, marks, coordinates, title, dpi=DPI):
        self.figure, renderer = paper((WIDTH, HEIGHT), dpi)
        axes = self.figure.add_axes((LEFT, 0.1, RIGHT - LEFT, 0.8))
        sizes = next(sizes for most, *sizes in SIZES if len(words) <= most)
        super().__init__(axes, renderer, words, marks, coordinates, *sizes)
        self.heading = self._head(title)
        self._arrange(self._legend() if [name for name, *_ in marks] != [OTHERS] else None)

    def _head(self, title):
        """Write the title, at most two lines."""
        lines = textwrap.wrap(drawable(title, None), 78, max_lines=2, placeholder=" …")
        return self.figure.text(LEFT, 1, "\n".join(lines), fontsize=HEADING, color=INK, va="top", parse_math=False)

    def _legend(self):
        """Write the legend in as many columns as fit."""
        names = [drawable(name) for name, *_ in self.marks]
        for columns in range(min(len(names), 8), 0, -1):
            legend = self.figure.legend(
                self.axes.lines, names, loc="upper left", ncols=columns, columnspacing=1.8, handlelength=1.0,
                handletextpad=0.4, borderpad=0, borderaxespad=0, frameon=False, fontsize=LABEL,
            )  # fmt: skip
            for text in legend.get_texts():
                text.set(parse_math=False, color=INK)
            for handle, (_, _, style) in zip(legend.legend_handles, self.marks, strict=True):
                handle.set_markersize(style["markersize"])
            if columns == 1 or legend.get_window_extent(self.renderer).width <= (RIGHT - LEFT) * self.figure.bbox.width:
                break
            legend.remove()
        return legend

    def _arrange(self, legend):
        """Give the figure the height that the words need, and set everything in its place."""
        title, rows = (
            part.get_window_extent(self.renderer).height / self.figure.dpi + GAP if part else 0
            for part in (self.heading, legend)
        )
        above = EDGE + title + rows + GAP  # inches
        unit, extent = self.fit()
        wanted = (extent[1] / unit + 2 * MARGIN[1]) / DPI  # inches
        frame = max(min(max(above + wanted + BELOW, LEAST_HEIGHT), HEIGHT) - above - BELOW, LEAST_FRAME)
        height = above + frame + BELOW
        self.figure.set_size_inches(WIDTH, height)
        self.heading.set_y(1 - EDGE / height)
        if legend:
            legend.set_bbox_to_anchor((LEFT, 1 - (EDGE + title) / height))
        self.axes.set_position((LEFT, BELOW / height, RIGHT - LEFT, frame / height))
        self.fit()

    def note(self, text):
        """Write a note above the frame, at the right."""
        style = {"fontsize": SMALL, "color": INK, "ha": "right", "parse_math": False}
        self.axes.annotate(text, (1, 1), (0, 4), "axes fraction", "offset points", **style)


def _draw(words, coordinates, shares, marks, title):
    sheet = Sheet(words, marks, coordinates, title)
    sheet.axes.set_xlabel(f"first direction ({100 * shares[0]:.0f} % of the variance)", fontsize=LABEL, color=INK)
    sheet.axes.set_ylabel(f"second direction ({100 * shares[1]:.0f} % of the variance)", fontsize=LABEL, color=INK)
    boxes = sheet.places(coordinates)  # (n, 4)
    sheet.show(coordinates, boxes)
    notes = [outside_note(words, coordinates, sheet.outside)] if sheet.outside.any() else []
    if hidden := int(np.isnan(boxes[:, 0]).sum()):
        notes.append(f"{len(words) - hidden:,} of {len(words):,} words have space for their labels")
    if notes:
        sheet.note("; ".join(notes))
    return sheet


def outside_note(words, coordinates, outside):
    """Say where the words outside the frame are."""
    named = []
    for i in np.flatnonzero(outside):
        x, y = (f"{value:.3g}".replace("-", "−") for value in coordinates[i])
        named.append(f"{drawable(words[i])} ({x}, {y})")
    note = f"outside, where the arrow points: {', '.join(named)}"
    return note if len(note) <= LONGEST_NOTE else f"{len(named)} words are outside, where the arrows point"
