"""Charts: the loss curve of a run, and the heat map of a matrix whose rows and columns are words."""

import math
import textwrap

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from utils.pictures.canvas import (
    COLOURS,
    DPI,
    FAINT,
    GRID,
    HEADING,
    INK,
    LABEL,
    LONGEST,
    SMALL,
    default_settings,
    drawable,
    dress,
    ink_on,
    paper,
    save_png,
)
from utils.system.errors import InputError

CURVE_SIZE = (10, 5.5)  # inches
SCALES = {"diverging": "RdBu_r", "sequential": "Blues"}  # colour maps; white at 0, safe for the colour-blind
LOSS = "smoothed loss, nats per window"  # of the handout's training
ORDERS = ("given", "similar")
MOST_CELLS = 60  # words on an axis: a picture some 6,000 pixels wide
MOST_DECIMALS = 4  # of values that differ little
LARGEST = 1e150  # squares of larger numbers leave the range of float64

TEXT = {"color": INK, "parse_math": False}

# Lengths of the heat map, pixels
AIR = 9  # around the number in a cell, and between words and cells
EDGE = 30  # around the whole, and between cells and colour bar
BAR_WIDTH, BAR_NUMBERS = 26, 110  # thickness of the colour bar, and the space for its ticks and label
BAR_LEAST = 190  # length of a colour bar below the cells
BAR_TICK = (50, 100)  # between ticks, on a bar at the side and on one below
BAR_BESIDE = 300  # cells at least so high have their colour bar at the side
LETTER = 17  # mean width of one in a heading
LEAST_LETTERS = 30  # on a line of a heading, however narrow the picture would be without


def loss_curve(iterations, losses, path, halvings=(), title="Loss during training", across="iteration", meaning=LOSS):
    """Draw the losses of a run against its iterations; save the picture as PNG.

    The axis starts at iteration 0, so that a part of the run with unknown losses shows as a gap.

    Parameters
    ----------
    iterations : array_like of int, shape (n,)
        Ascending, at least 0.
    losses : array_like of float, shape (n,)
        The loss at each of them, in nats.
    path : str or Path
        The file to write, atomically; its folder must exist.
    halvings : iterable of int
        Iterations after which the step was halved; those within the run are marked.
    title : str
        The heading.
    across, meaning : str
        Labels of the axes: what the iterations count, and what a loss is.

    Raises
    ------
    InputError
        There are no losses, not one per iteration, or some are not finite; or the iterations do not ascend.
    EnvironmentFailure
        The file cannot be written.
    """
    iterations, losses = _checked_losses(iterations, losses)  # (n,), (n,)
    with default_settings(), matplotlib.rc_context({"agg.path.chunksize": 10000}):  # a million in 0.5 s, not in 12
        within = [halving for halving in halvings if 0 < halving < iterations[-1]]
        save_png(_draw_curve(iterations, losses, within, title, across, meaning), path)


def heat_map(
    matrix, row_words, column_words, path, meaning="cosine similarity", scale="diverging", order="given", largest=None,
    title=None,
):  # fmt: skip
    """Draw a matrix as coloured cells with their values, words on both axes; save the picture as PNG.

    Parameters
    ----------
    matrix : array_like of float, shape (r, c)
        At most 60 rows and columns; in a diverging scale -inf, the PMI of what never occurs together, is left grey.
    row_words, column_words : sequence of str, lengths r and c
    path : str or Path
        The file to write, atomically; its folder must exist.
    meaning : str
        What the values are, with their unit: written at the colour bar.
    scale : {"diverging", "sequential"}
        Colours about 0, for cosines and PMI, or from 0 up, for counts and PPMI.
    order : {"given", "similar"}
        "similar" puts rows that are alike next to each other, and columns likewise: the leaves of the clustering by
        mean Euclidean distance, in the order that keeps neighbours nearest (Bar-Joseph et al. 2001, "Fast optimal
        leaf ordering for hierarchical clustering"). Where rows and columns are the same words they keep one order.
    largest : float, optional
        The size of value at which the colours end, so that several pictures compare; by default that of the matrix.
    title : str, optional
        The heading; by default what the values are, and of how many words.

    Raises
    ------
    InputError
        Words and matrix do not match, are none or too many, an option is unknown, or a value does not go with the
        scale.
    EnvironmentFailure
        The file cannot be written.
    """
    matrix = _checked_matrix(matrix, row_words, column_words, scale)  # (r, c)
    if order not in ORDERS:
        raise InputError(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    if largest is not None and not 0 < largest < LARGEST:
        raise InputError(f"largest must be a finite number above 0, got {largest}")
    if order == "similar":
        rows, columns = _similar_order(matrix, list(row_words) == list(column_words))  # (r,), (c,)
        matrix = matrix[rows][:, columns]  # (r, c)
        row_words, column_words = [row_words[i] for i in rows], [column_words[i] for i in columns]
    with default_settings():
        title = title or _describe(meaning, row_words, column_words)
        save_png(_draw_cells(matrix, row_words, column_words, meaning, scale, largest, title), path)


def _describe(meaning, row_words, column_words):
    """The title of a heat map that was given none."""
    same = list(row_words) == list(column_words)
    words = f"{len(row_words)} words" if same else f"{len(row_words)} words, {len(column_words)} contexts"
    return f"{meaning[:1].upper()}{meaning[1:]}: {words}"


def _checked_losses(iterations, losses):
    try:
        iterations, losses = np.asarray(iterations, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"iterations and losses must be numbers: {error}") from error
    if iterations.ndim != 1 or iterations.shape != losses.shape or not len(losses):
        raise InputError(f"expected one loss per iteration, got arrays of shapes {iterations.shape} and {losses.shape}")
    if not (np.abs(losses) < LARGEST).all():
        first = np.argmin(np.abs(losses) < LARGEST)
        finite = np.isfinite(losses[first])
        trouble = f"losses beyond {LARGEST:g} cannot be drawn" if finite else "losses must be finite"
        raise InputError(f"{trouble}, got {losses[first]} at iteration {iterations[first]:.0f}: use a smaller step")
    if not (iterations[0] >= 0 and (np.diff(iterations) > 0).all() and np.isfinite(iterations[-1])):
        raise InputError("iterations must ascend from 0 or more without repeats: sort them first")
    return iterations, losses


def _draw_curve(iterations, losses, halvings, title, across, meaning):
    figure, _ = paper(CURVE_SIZE)
    axes = figure.add_axes((0.085, 0.12, 0.85, 0.78))
    style = {"marker": "o", "markersize": 6, "clip_on": False} if len(losses) == 1 else {}
    axes.plot(iterations, losses, color=COLOURS[0], linewidth=1.4, **style)
    dress(axes)
    axes.set_xlim(0, iterations[-1] or 1)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel(across, fontsize=LABEL, color=INK)
    axes.set_ylabel(meaning, fontsize=LABEL, color=INK)
    for halving in halvings:
        axes.axvline(halving, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
    if halvings:
        style = {"color": INK, "fontsize": SMALL, "ha": "right"}
        axes.annotate("dashed: step halved", (1, 1), (0, 4), "axes fraction", "offset points", **style)
    style = {"color": INK, "fontsize": LABEL, "va": "center"}
    axes.annotate(f"{losses[-1]:.4g}", (iterations[-1], losses[-1]), (6, 0), textcoords="offset points", **style)
    text = textwrap.shorten(drawable(title, None), 78, placeholder=" …")
    figure.text(0.085, 0.97, text, fontsize=HEADING, color=INK, va="top", parse_math=False)
    return figure


def _checked_matrix(matrix, row_words, column_words, scale):
    try:
        matrix = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the matrix must be rows of numbers, all of one length: {error}") from error
    shape = (len(row_words), len(column_words))
    if matrix.shape != shape or matrix.size == 0:
        raise InputError(f"the matrix must have a row and a column per word, got {matrix.shape} and {shape} words")
    if max(shape) > MOST_CELLS:
        raise InputError(f"a heat map holds {MOST_CELLS} words on an axis, got {max(shape)}: choose fewer")
    if scale not in SCALES:
        raise InputError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    usable = np.abs(matrix) < LARGEST  # (r, c): False for NaN, too
    wanted = usable & (matrix >= 0) if scale == "sequential" else usable | np.isneginf(matrix)  # (r, c)
    if not wanted.all():
        row, column = np.argwhere(~wanted)[0]
        remedy = ": use a diverging scale" if matrix[row, column] < 0 else ""
        raise InputError(
            f"values in a {scale} scale must be finite numbers{' of at least 0' if scale == 'sequential' else ''}, got "
            f"{matrix[row, column]} for {row_words[row]!r} and {column_words[column]!r}{remedy}"
        )
    return matrix


def _similar_order(matrix, same_words):
    """Order rows and columns so that those alike are neighbours: two permutations, (r,) and (c,)."""
    finite = np.where(np.isneginf(matrix), np.nan, matrix)  # (r, c)
    lowest = 0 if np.isnan(finite).all() else np.nanmin(finite)
    filled = np.where(np.isnan(finite), lowest, finite)  # (r, c): what never occurs is at least as far as any
    rows = _leaves(filled)
    return rows, rows if same_words else _leaves(filled.T)


def _leaves(rows):
    if len(rows) < 3:
        return np.arange(len(rows))
    from scipy.cluster import hierarchy  # a fifth of a second to import: only for this chart

    return hierarchy.leaves_list(hierarchy.linkage(rows, method="average", optimal_ordering=True))


def _written(matrix):
    """The values as texts, equally precise: three digits or so of the largest one."""
    sizes = np.abs(matrix[np.isfinite(matrix)])
    top = sizes.max(initial=0)
    if 0 < top < 1e-4 or top >= 1e6:
        form = ".1e"
    elif (sizes == np.floor(sizes)).all():
        form = ",.0f"
    else:
        exponent = math.floor(math.log10(top))
        decimals = max(2, 1 - exponent) if exponent < 2 else max(0, 3 - exponent)
        if 0 < (spread := np.ptp(matrix[np.isfinite(matrix)])) < top / 10:  # digits in which the values differ
            decimals = max(decimals, min(MOST_DECIMALS, -math.floor(math.log10(spread))))
        form = f",.{decimals}f"
    texts = [[f"{value:z{form}}" if np.isfinite(value) else "-∞" for value in row] for row in matrix]
    return [[text.replace("-", "−") for text in row] for row in texts]


def _draw_cells(matrix, row_words, column_words, meaning, scale, largest, title):
    """Draw the heat map on a figure as large as its texts need; return the figure."""
    numbers = _written(matrix)
    rows, columns = [drawable(word) for word in row_words], [drawable(word) for word in column_words]
    meaning = drawable(meaning, 2 * LONGEST)
    cell, upright = _cell_size(numbers, columns)
    left, over = _measure(rows, LABEL)[0] + AIR, _measure(columns, LABEL, upright)[1] + AIR
    across, down = cell * matrix.shape[::-1]
    label = _measure([meaning], LABEL)[0]
    beside = down >= max(BAR_BESIDE, label)
    bar = (BAR_WIDTH, down) if beside else (max(across, BAR_LEAST), BAR_WIDTH)  # width, height
    width, height = left + across, over + down
    if beside:
        width += EDGE + BAR_WIDTH + BAR_NUMBERS
    else:
        width, height = left + max(bar[0] + EDGE, label), height + EDGE + BAR_WIDTH + 0.8 * BAR_NUMBERS
    letters = max(int(width / LETTER), LEAST_LETTERS)
    heading = "\n".join(textwrap.wrap(drawable(title, None), letters, max_lines=3, placeholder=" …"))
    above = _measure([heading], HEADING) + EDGE  # (2,)
    size = np.array([max(width, above[0]), above[1] + height]) + 2 * EDGE  # (2,)
    figure, _ = paper(size / DPI)

    def add_axes(x, y, width, height):
        """Axes at (x, y) to the right of and below the corner of the cells, pixels."""
        x, y = EDGE + left + x, size[1] - EDGE - above[1] - over - y - height
        return figure.add_axes((x / size[0], y / size[1], width / size[0], height / size[1]))

    figure.text(EDGE / size[0], 1 - EDGE / size[1], heading, fontsize=HEADING, va="top", **TEXT)
    norm, colours = _colours(matrix, scale, largest)
    axes = add_axes(0, 0, across, down)
    _fill(axes, np.ma.masked_invalid(matrix), numbers, norm, colours)
    _name(axes, rows, columns, AIR / cell, upright)
    beyond = np.abs(matrix[np.isfinite(matrix)]).max(initial=0) > norm.vmax
    corner = (across + EDGE, 0) if beside else (0, down + EDGE)
    _add_bar(figure, add_axes(*corner, *bar), norm, colours, meaning, beyond)
    return figure


def _measure(texts, fontsize, upright=False):
    """Width and height that the largest of the texts take, pixels, (2,)."""
    figure, renderer = paper((1, 1))
    texts = [figure.text(0, 0, text, fontsize=fontsize, rotation=90 * upright, **TEXT) for text in texts]
    return np.max([text.get_window_extent(renderer).size for text in texts], axis=0)


def _cell_size(numbers, columns):
    """Return width and height of a cell, pixels, (2,), and whether the columns' words must stand upright over it."""
    inside = _measure(sum(numbers, []), SMALL) + 2 * AIR  # (2,)
    word = _measure(columns, LABEL)  # (2,)
    upright = bool(word[0] + AIR > 1.5 * inside[0])
    return np.maximum(inside, word[[1, 1]] + AIR if upright else word + AIR), upright


def _colours(matrix, scale, largest):
    """Return the norm and the colour map of a scale."""
    top = largest or np.abs(matrix[np.isfinite(matrix)]).max(initial=0) or 1
    norm = Normalize(-top if scale == "diverging" else 0, top)
    return norm, matplotlib.colormaps[SCALES[scale]].with_extremes(bad=GRID)


def _fill(axes, matrix, numbers, norm, colours):
    """Draw the cells, the first row uppermost, and write each one's number in what is better seen on it."""
    axes.pcolormesh(matrix, norm=norm, cmap=colours, edgecolors="white", linewidth=1)
    axes.invert_yaxis()
    axes.set_axis_off()
    shades = colours(norm(matrix))  # (r, c, 4)
    for (row, column), ink in np.ndenumerate(ink_on(shades)):
        style = {**TEXT, "color": str(ink), "fontsize": SMALL, "ha": "center", "va": "center_baseline"}
        axes.text(column + 0.5, row + 0.5, numbers[row][column], **style)


def _name(axes, rows, columns, gap, upright):
    """Write the words beside and above the cells; `gap`, (2,), is in cells."""
    for row, word in enumerate(rows):
        axes.text(-gap[0], row + 0.5, word, fontsize=LABEL, ha="right", va="center_baseline", **TEXT)
    for column, word in enumerate(columns):
        style = {"rotation": 90 * upright, "ha": "center", "va": "bottom", **TEXT}
        axes.text(column + 0.5, -gap[1], word, fontsize=LABEL, **style)


def _add_bar(figure, axes, norm, colours, meaning, beyond):
    """Draw the colour bar, along the longer side of its axes, with pointed ends where values lie beyond them."""
    across = axes.bbox.width > axes.bbox.height
    extend = ("both" if norm.vmin < 0 else "max") if beyond else "neither"
    ticks = MaxNLocator(max(2, int(max(axes.bbox.size) / BAR_TICK[int(across)])), steps=[1, 2, 2.5, 5, 10])
    orientation = "horizontal" if across else "vertical"
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=axes, extend=extend, orientation=orientation, ticks=ticks)
    bar.outline.set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=SMALL)
    if across:
        axes.set_xlabel(meaning, fontsize=LABEL, loc="left", **TEXT)
    else:
        axes.set_ylabel(meaning, fontsize=LABEL, **TEXT)
