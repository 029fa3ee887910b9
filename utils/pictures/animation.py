"""An animated map: how words move through the checkpoints of a run."""

import itertools

import numpy as np
from PIL import Image
from scipy.linalg import orthogonal_procrustes

from utils.pictures.canvas import INK, SMALL, default_settings
from utils.pictures.wordmap import MOST_WORDS, Sheet, marks_of, project_2d
from utils.system.errors import InputError
from utils.system.files import replacing

SIZE, DPI = (10, 8), 100  # inches, pixels per inch
STILL, LAST, STEP = 800, 3000, 60  # milliseconds: at a checkpoint, at the last one, in between
BETWEEN = 9  # frames from one checkpoint to the next
MOST_FRAMES = 500  # some 10 MB, and all in memory at once while they are written
CAPTION = "every map but the last is turned to fit the one after it"


def animate_map(words, frames, path, groups=None, between=None, unit="iteration"):
    """Draw the maps of several stages of a run one after the other; save them as an animated GIF.

    Every stage is a map of its own, as `word_map` draws it, turned or mirrored (never stretched) so that it fits the
    next one: what moves is the words. All have one scale, about the mean of the words. The frames between two stages
    glide from one to the other and say so: nothing is known of where the words were in between.

    Parameters
    ----------
    words : sequence of str, length n
        At most 100.
    frames : dict of int to array_like of float, shape (n, d)
        The vectors of the words at each iteration, in any order.
    path : str or Path
        The file to write; its folder must exist. It is replaced whole or not at all.
    groups : dict of str to tuple of str, optional
        As in `word_map`.
    between : int, optional
        Number of gliding frames from one stage to the next, 0 for none; by default 9, or as many as there is room for.
    unit : str
        What the stages are numbered by.

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
        sheet = Sheet(words, marks, maps.reshape(-1, 2), moments[-1][1], SIZE, DPI)
        sheet.axes.set_xlabel(CAPTION, fontsize=SMALL, color=INK)
        boxes = np.array([sheet.places(coordinates) for coordinates in maps])  # (T, n, 4)
        pictures = (_picture(sheet, maps, boxes, moment, text) for moment, text, _ in moments)
        first, *others = _reduced(pictures, _picture(sheet, maps, boxes, *moments[-1][:2]))
        durations = [duration for *_, duration in moments]
        first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0)


def align(maps):
    """Turn each map, about the origin and mirrored if need be, so that its points come nearest to those of the next.

    The orthogonal Procrustes problem: the R that minimizes |A R - B| (Schönemann 1966, "A generalized solution of
    the orthogonal Procrustes problem"), solved from the last map, which stays, to the first.

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
        raise InputError("an animation wants the vectors of at least one iteration, got none")
    if not 1 <= len(words) <= MOST_WORDS:
        raise InputError(f"a map has room for 1 to {MOST_WORDS} words, got {len(words)}: choose some")
    iterations = sorted(frames)
    maps = [project_2d(frames[iteration])[0] for iteration in iterations]
    for iteration, coordinates in zip(iterations, maps, strict=True):
        if len(coordinates) != len(words):
            raise InputError(
                f"each word wants one vector, got {len(words)} words and {len(coordinates)} vectors at iteration "
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
        raise InputError(f"an animation has room for {MOST_FRAMES} frames, got {count}: take fewer stages or between")
    return between


def _picture(sheet, maps, boxes, moment, text):
    """Draw one frame. Labels glide from where they have room at one stage to where they have it at the next."""
    stage = min(int(moment), max(len(maps) - 2, 0))
    share = moment - stage
    share = share * share * (3 - 2 * share)  # set off and come to rest gently
    after = min(stage + 1, len(maps) - 1)
    coordinates = (1 - share) * maps[stage] + share * maps[after]  # (n, 2)
    points = [np.tile(sheet.pixels(maps[t]), 2) for t in (stage, after)]  # (n, 4) each
    offsets = (1 - share) * (boxes[stage] - points[0]) + share * (boxes[after] - points[1])  # (n, 4)
    sheet.heading.set_text(text)
    sheet.show(coordinates, np.tile(sheet.pixels(coordinates), 2) + offsets)
    sheet.figure.canvas.draw()
    return Image.fromarray(np.asarray(sheet.figure.canvas.buffer_rgba())).convert("RGB")


def _reduced(pictures, pattern):
    """Bring each picture to the 256 most frequent colours of `pattern`: with a palette each, colours would flicker."""
    boxes = {}
    for _, colour in sorted(pattern.getcolors(pattern.width * pattern.height), reverse=True):
        # Pillow looks for the colour nearest to the corner of a box 4 shades wide: white would turn grey. So it gets
        # the corners to choose among, and the colours that they stand for take their place afterwards.
        boxes.setdefault(tuple(channel & ~3 for channel in colour), colour)
    corners, colours = (bytes(sum(list(part)[:256], ())) for part in (boxes.keys(), boxes.values()))
    palette = Image.new("P", (1, 1))
    palette.putpalette(corners)
    for picture in pictures:
        reduced = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        reduced.putpalette(colours)
        yield reduced
