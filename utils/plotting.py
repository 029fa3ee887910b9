"""A picture of words: their vectors brought to the plane by their first two principal directions."""

import functools
import textwrap

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform

from utils.errors import InputError
from utils.files import replacing

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
TIE = 1e-6  # components this close in size (relative) are told apart by rounding alone

# Okabe & Ito 2008, "Color Universal Design", https://jfly.uni-koeln.de/color/: told apart with every common kind of
# colour vision. Their black is left to the text. 7 colours and 8 shapes have no common factor, so that going round both
# at once repeats no mark.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
NEUTRAL = "#777777"
INK, FAINT, GRID = "#1A1A1A", "#8C8C8C", "#E6E6E6"

SIZE, DPI = (10, 8), 150  # inches, pixels per inch
LEFT, RIGHT, BOTTOM, TOP = 0.085, 0.975, 0.08, 0.975  # edges of the drawing, in shares of the figure
HEADING, LABEL, SMALL = 15, 11, 10  # font sizes, points
GAP = 0.015  # between title and legend, in shares of the height; twice that above the frame, for an exponent (1e6)
LONGEST = 24  # characters of a label or a group's name
MOST_WORDS = 100  # with more the leaders tangle, and the search for room takes its time
MOST_GROUPS = 21  # with more the legend crowds out the map

# Placing the labels; lengths in pixels, costs in pixels of distance between a label and its point.
MARK = 10  # half the side of the square that a mark needs
MARGIN = (70, 40)  # between the outermost points and the frame, across and up
AIR = 3  # around each label
RINGS = MARK + 1 + np.array([0, 9, 20, 33, 50, 72, 100, 136, 182, 240, 315, 410, 530, 680])
ANGLES = np.arange(32) * (2 * np.pi / 32)
SWEEPS = 8
HIDING = 1e4  # to cover a label or a mark: more than the longest way round
CROSSING = 300  # to lead a line across a label, a mark or another line
CROSSING_NEAR = 60  # to lead a line across that of a point so close by that it can hardly be helped
CLOSENESS, ELBOW = 15, 14  # to come nearer than ELBOW to the mark of another word, which might seem to be meant
FAR = 16  # a label farther from its point than this gets a leader, the line between the two


def fix_signs(directions):
    """Give each direction the sign that makes its component of largest magnitude positive.

    The SVD leaves the sign of each singular vector open, and machines differ in it; with this rule pictures and saved
    vectors do not. Of components whose sizes differ by rounding alone (relative 1e-6) the first one decides.

    Parameters
    ----------
    directions : ndarray of float, shape (k, d)
        One direction per row.

    Returns
    -------
    ndarray, shape (k, d)
        A new array of the same dtype; rows of zeros stay as they are.

    Examples
    --------
    >>> fix_signs(np.array([[0.6, -0.8], [0.8, 0.6]]))
    array([[-0.6,  0.8],
           [ 0.8,  0.6]])
    """
    magnitudes = np.abs(directions)  # (k, d)
    largest = np.argmax(magnitudes >= (1 - TIE) * magnitudes.max(axis=1, keepdims=True), axis=1)  # (k,)
    decisive = np.take_along_axis(directions, largest[:, None], axis=1)  # (k, 1)
    return np.where(decisive < 0, -directions, directions)


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
    coordinates, shares = project_2d(vectors)  # (n, 2), (2,)
    if len(words) != len(coordinates):
        raise InputError(f"each word wants one vector, got {len(words)} words and {len(coordinates)} vectors")
    if len(words) > MOST_WORDS:
        raise InputError(f"a map has room for at most {MOST_WORDS} words, got {len(words)}: choose some")
    marks = _marks(words, groups or {})
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a matplotlibrc of the reader's would move the letters
        figure, _ = _draw(words, coordinates, shares, marks, title)
        with replacing(path, "wb") as file:
            figure.canvas.print_png(file, metadata={"Software": None})  # a version would change the bytes


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


def _marks(words, groups):
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


def _draw(words, coordinates, shares, marks, title):
    """Draw the map; return the figure and the boxes of the labels, (n, 4): left, bottom, right, top in pixels."""
    figure = Figure(SIZE, DPI, facecolor="white")
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_axes((LEFT, BOTTOM, RIGHT - LEFT, TOP - BOTTOM))
    for _, indices, style in marks:
        axes.plot(*coordinates[indices].T, linestyle="none", markeredgecolor="white", markeredgewidth=0.8, **style)
    _dress(axes, shares)
    top = _heading(figure, renderer, title)
    if [name for name, *_ in marks] != ["other words"]:
        top = _legend(figure, renderer, axes.lines, [name for name, *_ in marks], top)
    axes.set_position((LEFT, BOTTOM, RIGHT - LEFT, top - 2 * GAP - BOTTOM))
    _set_scale(axes, coordinates)
    return figure, _write(axes, renderer, words, axes.transData.transform(coordinates))


def _dress(axes, shares):
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=SMALL)
    axes.set_xlabel(f"first direction ({100 * shares[0]:.0f} % of the variance)", fontsize=LABEL, color=INK)
    axes.set_ylabel(f"second direction ({100 * shares[1]:.0f} % of the variance)", fontsize=LABEL, color=INK)


def _heading(figure, renderer, title):
    """Write the title, at most two lines; return where the room below it begins, in shares of the figure's height."""
    if not title:
        return TOP
    lines = textwrap.wrap(_drawable(title, None), 78, max_lines=2, placeholder=" …")
    text = figure.text(LEFT, TOP, "\n".join(lines), fontsize=HEADING, color=INK, va="top", parse_math=False)
    return text.get_window_extent(renderer).y0 / figure.bbox.height


def _legend(figure, renderer, handles, names, top):
    """Write the legend in as many columns as fit under `top`; return where the room below it begins."""
    for columns in range(min(len(names), 8), 0, -1):
        legend = figure.legend(
            handles, [_drawable(name) for name in names], loc="upper left", bbox_to_anchor=(LEFT, top - GAP),
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


def _write(axes, renderer, words, points):
    """Write the words beside their points (n, 2) in pixels; return the boxes of the labels, (n, 4), with their air."""
    style = {"transform": IdentityTransform(), "fontsize": LABEL, "color": INK, "va": "bottom", "parse_math": False}
    labels = [axes.text(0, 0, _drawable(word), zorder=4, **style) for word in words]
    extents = [label.get_window_extent(renderer) for label in labels]
    sizes = np.array([(extent.width, extent.height) for extent in extents]) + 2 * AIR  # (n, 2)
    boxes, ends = _place(points, sizes, axes.bbox.extents)  # (n, 4), (n, 2)
    for label, box in zip(labels, boxes, strict=True):
        label.set_position(box[:2] + AIR)
    far = np.linalg.norm(ends - points, axis=1) > FAR  # (n,)
    leaders = np.stack((points, ends), axis=1)[far]  # (number of far ones, 2, 2)
    style = {"transform": IdentityTransform(), "colors": FAINT, "linewidths": 0.7}
    axes.add_collection(LineCollection(leaders, zorder=1.8, **style), autolim=False)
    return boxes


@functools.cache
def _characters():
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def _drawable(text, longest=LONGEST):
    """Write what the font lacks as its code, and cut what is too long."""
    known = _characters()
    text = "".join(
        letter if letter.isprintable() and ord(letter) in known else letter.encode("unicode_escape").decode()
        for letter in text
    )
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def _place(points, sizes, frame):
    """Find room for a label beside each point.

    Every label may stand at 32 places on each of 14 squares around its point. It takes the cheapest one, the most
    crowded point first; then all choose again, knowing the others, until nobody moves.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Pixels.
    sizes : ndarray of float64, shape (n, 2)
        Width and height of each label, pixels.
    frame : ndarray of float64, shape (4,)
        Left, bottom, right, top, pixels; no label leaves it.

    Returns
    -------
    boxes : ndarray of float64, shape (n, 4)
        Left, bottom, right, top of each label.
    ends : ndarray of float64, shape (n, 2)
        The point of each box that is nearest to the label's own point.
    """
    distances = np.linalg.norm(points[:, None] - points, axis=2)  # (n, n)
    apart = distances > 3 * MARK  # (n, n): a leader cannot help meeting what lies closer to its start
    choices = [_choices(points, i, apart[i], sizes[i], frame) for i in range(len(points))]
    boxes = np.full((len(points), 4), np.nan)  # (n, 4); NaN, not placed yet, meets nothing
    ends = np.full((len(points), 2), np.nan)  # (n, 2)
    crowding = (1 / (distances + MARK)).sum(axis=1)  # (n,)
    for _ in range(SWEEPS):
        before = boxes.copy()
        for i in np.argsort(-crowding, kind="stable"):
            others = np.arange(len(points)) != i
            places, tips, costs = choices[i]  # (c, 4), (c, 2), (c,)
            total = costs + HIDING * _covered(places, boxes[others])  # (c,)
            total += CROSSING * _crossed(points[i], tips[:, None], boxes[others]).sum(axis=1)
            total += CROSSING * _crossed(points[others], ends[others], places[:, None]).sum(axis=1)
            weights = np.where(apart[i], CROSSING, CROSSING_NEAR)  # (n,)
            total += _intersect(points[i], tips[:, None], points, ends) @ weights
            best = np.argmin(total)
            boxes[i], ends[i] = places[best], tips[best]
        if np.array_equal(boxes, before, equal_nan=True):
            break
    return boxes, ends


def _choices(points, i, apart, size, frame):
    """Return the places for label i, (c, 4), their points nearest to its point, (c, 2), and what each costs, (c,)."""
    point, marks = points[i], np.hstack((points - MARK, points + MARK))  # (2,), (n, 4)
    rings, angles = (grid.ravel() for grid in np.meshgrid(RINGS, ANGLES, indexing="ij"))  # (c,), (c,)
    rays = np.stack((np.cos(angles), np.sin(angles)), axis=1)  # (c, 2)
    squared = rays / np.abs(rays).max(axis=1, keepdims=True)  # (c, 2): on the square around the point
    corner = point + squared * (rings[:, None] + size / 2) - size / 2  # (c, 2)
    corner = np.clip(corner, frame[:2] + AIR, frame[2:] - AIR - size)  # (c, 2)
    places, tips = np.hstack((corner, corner + size)), np.clip(point, corner, corner + size)  # (c, 4), (c, 2)
    # As maps do it: rather right than left, rather above than below (Imhof 1975, "Positioning names on maps").
    costs = np.linalg.norm(tips - point, axis=1) - 4 * rays[:, 0] - rays[:, 1]  # (c,)
    costs += HIDING * _covered(places, marks) + CROSSING * _crossed(point, tips[:, None], marks[apart]).sum(axis=1)
    costs += CLOSENESS * _covered(places, np.delete(marks, i, axis=0) + ELBOW * np.array([-1, -1, 1, 1]))
    return places, tips, costs


def _covered(places, boxes):
    """Count the boxes (m, 4) that each place (c, 4) covers, and add a little for the area, to decide ties."""
    low = np.maximum(places[:, None, :2], boxes[:, :2])  # (c, m, 2)
    high = np.minimum(places[:, None, 2:], boxes[:, 2:])  # (c, m, 2)
    sides = high - low  # (c, m, 2)
    overlap = np.where((sides > 0).all(axis=2), 1 + sides.prod(axis=2) / 1e4, 0)  # (c, m)
    return overlap.sum(axis=1)


def _crossed(starts, ends, boxes):
    """Tell which segments meet which boxes, by the separating axis theorem; shapes (..., 2) and (..., 4) broadcast."""
    slope = (ends - starts) / 2  # (..., 2)
    half = np.abs(slope)  # (..., 2): of the segment's extent
    reach = (boxes[..., 2:] - boxes[..., :2]) / 2  # (..., 2): half the sides of the box
    between = (starts + ends) / 2 - (boxes[..., :2] + boxes[..., 2:]) / 2  # (..., 2): the middles
    across = np.abs(slope[..., 0] * between[..., 1] - slope[..., 1] * between[..., 0])  # (...)
    near = (np.abs(between) < reach + half).all(axis=-1)  # (...)
    return near & (across < reach[..., 0] * half[..., 1] + reach[..., 1] * half[..., 0])


def _intersect(starts, ends, other_starts, other_ends):
    """Tell which segments cross which others; shapes (..., 2) broadcast. To share an end is not to cross."""
    return _divides(starts, ends, other_starts, other_ends) & _divides(other_starts, other_ends, starts, ends)


def _divides(starts, ends, first, second):
    """Tell whether the line through `starts` and `ends` runs between the points `first` and `second`."""
    x, y = np.moveaxis(ends - starts, -1, 0)
    sides = [x * (point - starts)[..., 1] - y * (point - starts)[..., 0] for point in (first, second)]
    return sides[0] * sides[1] < 0
