"""An animated map: how words move through the checkpoints of a run."""

import itertools

import numpy as np
from PIL import Image
from scipy.linalg import orthogonal_procrustes

from utils.pictures.canvas import INK, SMALL, default_settings, drawable
from utils.pictures.wordmap import MOST_WORDS, Sheet, marks_of, project_2d
from utils.system.errors import InputError
from utils.system.files import replacing

DPI = 100  # pixels per inch
STILL, LAST, STEP = 800, 3000, 60  # milliseconds: at a checkpoint, at the last one, in between
BETWEEN = 9  # frames from one checkpoint to the next
MOST_FRAMES = 500  # some 10 MB, all in memory while they are written
CAPTION = "every map but the last is rotated to fit the next one"
OUTSIDE = "arrows: words outside the frame"
LONGEST_TITLE = 40  # characters
TITLE = "Word vectors during training"


def animate_map(words, frames, path, groups=None, between=None, unit="iteration", title=TITLE):
    """Draw the maps of several stages of a run one after the other; save them as an animated GIF.

    Every stage is a map of its own, as `word_map` draws it, rotated or mirrored (never stretched) to fit the next one,
    so that only the words move. All have one scale, centred on the mean of the words. The frames between two stages
    interpolate and say so: where the words were in between is unknown.

    Parameters
    ----------
    words : sequence of str, length n
        At most 2,000; a label is shown between two stages that both have space for it.
    frames : dict of int to array_like of float, shape (n, d)
        The vectors of the words at each iteration, in any order.
    path : str or Path
        The file to write, atomically; its folder must exist.
    groups : dict of str to tuple of str, optional
        As in `word_map`.
    between : int, optional
        Number of interpolated frames from one stage to the next, 0 for none; by default 9, or as many as fit.
    unit : str
        What the stages are numbered by.
    title : str
        The heading, in front of the iteration.

    Raises
    ------
    InputError
        There are no stages, too many words or frames, or a stage does not have one vector per word; and as
        `word_map`.
    EnvironmentFailure
        The file cannot be written.
    """
    iterations, maps = _maps(words, frames)  # (T,), (T, n, 2)
    between = _between(len(iterations), between)
    maps = align(maps)  # (T, n, 2)
    moments = timeline(iterations, between, unit)
    marks = marks_of(words, groups or {})
    with default_settings(), replacing(path, "wb") as file:
        title = drawable(title, LONGEST_TITLE)
        moments = [(moment, f"{title}: {text}", duration) for moment, text, duration in moments]
        sheet = Sheet(words, marks, maps, moments[-1][1], DPI)
        sheet.axes.set_xlabel(CAPTION, fontsize=SMALL, color=INK)
        if sheet.outside.any():
            sheet.note(OUTSIDE)
        boxes = np.array([sheet.places(coordinates) for coordinates in maps])  # (T, n, 4)
        pictures = (_picture(sheet, maps, boxes, moment, text) for moment, text, _ in moments)
        first, *others = _reduced(pictures, _picture(sheet, maps, boxes, *moments[-1][:2]))
        durations = [duration for *_, duration in moments]
        first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0)


def align(maps):
    """Rotate each map about the origin, and mirror it if need be, so that its points come nearest to those of the next.

    The orthogonal Procrustes problem: the R that minimizes |A R - B| (Schönemann 1966, "A generalized solution of
    the orthogonal Procrustes problem"), solved from the last map, which stays as it is, back to the first.

    Parameters
    ----------
    maps : array_like of float, shape (T, n, 2)

    Returns
    -------
    ndarray of float64, shape (T, n, 2)

    Examples
    --------
    >>> align([[[1, 0], [-1, 0]], [[0, 1], [0, -1]]])[0]
    array([[ 0.,  1.],
           [ 0., -1.]])
    """
    maps = np.array(maps, dtype=np.float64)  # (T, n, 2)
    for t in range(len(maps) - 2, -1, -1):
        rotation, _ = orthogonal_procrustes(maps[t], maps[t + 1])  # (2, 2)
        maps[t] = maps[t] @ rotation
    return maps


def timeline(iterations, between, unit="iteration"):
    """Lay out the frames: a list of (moment, text, duration in milliseconds).

    A moment of 2.5 is half-way from stage 2 to stage 3, counted from 0.
    """
    moments = []
    for stage, (first, second) in enumerate(itertools.pairwise(iterations)):
        moments.append((stage, f"{unit} {first:,}", STILL))
        text = f"between {unit}s {first:,} and {second:,}"
        moments += [(stage + k / (between + 1), text, STEP) for k in range(1, between + 1)]
    return [*moments, (len(iterations) - 1, f"{unit} {iterations[-1]:,}", LAST)]


def _maps(words, frames):
    """Return the iterations in order and the map of each, (T, n, 2)."""
    if not frames:
        raise InputError("an animation needs the vectors of at least one iteration, got none")
    if not 1 <= len(words) <= MOST_WORDS:
        raise InputError(f"an animation holds 1 to {MOST_WORDS} words, got {len(words)}: choose fewer")
    iterations = sorted(frames)
    maps = [project_2d(frames[iteration])[0] for iteration in iterations]
    for iteration, coordinates in zip(iterations, maps, strict=True):
        if len(coordinates) != len(words):
            raise InputError(
                f"expected one vector per word, got {len(words)} words and {len(coordinates)} vectors at iteration "
                f"{iteration}"
            )
    return iterations, maps


def _between(stages, wanted):
    """The number of frames between two stages, given how many are wanted (None: as many as look well)."""
    steps = max(stages - 1, 1)
    between = min(BETWEEN, max(MOST_FRAMES - stages, 0) // steps) if wanted is None else wanted
    if between < 0:
        raise InputError(f"between must be a number of frames of at least 0, got {between}")
    if (count := stages + steps * between) > MOST_FRAMES:
        raise InputError(f"an animation holds {MOST_FRAMES} frames, got {count}: use fewer stages or a smaller between")
    return between


def _picture(sheet, maps, boxes, moment, text):
    """Draw one frame. Labels move from their place at one stage to that at the next; without both they are hidden."""
    stage = min(int(moment), max(len(maps) - 2, 0))
    share = moment - stage
    share = share * share * (3 - 2 * share)  # ease in and out
    after = min(stage + 1, len(maps) - 1)
    coordinates = (1 - share) * maps[stage] + share * maps[after]  # (n, 2)
    points = [np.tile(sheet.pixels(sheet.framed(at)), 2) for at in (maps[stage], maps[after], coordinates)]  # (n, 4)
    offsets = (1 - share) * (boxes[stage] - points[0]) + share * (boxes[after] - points[1])  # (n, 4)
    sheet.heading.set_text(text)
    sheet.show(coordinates, points[2] + offsets)
    sheet.figure.canvas.draw()
    return Image.fromarray(np.asarray(sheet.figure.canvas.buffer_rgba())).convert("RGB")


def _reduced(pictures, pattern):
    """Reduce each picture to the 256 most frequent colours of `pattern`: with a palette each, colours would flicker."""
    boxes = {}
    for _, colour in sorted(pattern.getcolors(pattern.width * pattern.height), reverse=True):
        # Pillow looks for the colour nearest to the corner of a box 4 shades wide, so white would turn grey. It
        # therefore chooses among the corners, which are then replaced by the colours that they stand for.
        boxes.setdefault(tuple(channel & ~3 for channel in colour), colour)
    corners, colours = (bytes(sum(list(part)[:256], ())) for part in (boxes.keys(), boxes.values()))
    palette = Image.new("P", (1, 1))
    palette.putpalette(corners)
    for picture in pictures:
        reduced = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        reduced.putpalette(colours)
        yield reduced
