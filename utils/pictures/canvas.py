"""What the pictures share: figure, colours, texts, and files that come out the same each time."""

import contextlib

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from utils.pictures.fonts import escape_undrawable
from utils.system.files import replacing

# Okabe & Ito 2008, "Color Universal Design", https://jfly.uni-koeln.de/color/: distinguishable with every common kind
# of colour vision. Black is left to the text. 7 and 8 have no common factor, so that cycling through colours and shapes
# together repeats no mark for 56 groups.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
NEUTRAL = "#777777"
INK, FAINT, GRID = "#1A1A1A", "#8C8C8C", "#E6E6E6"

DPI = 150  # pixels per inch
HEADING, LABEL, SMALL = 15, 11, 10  # font sizes, points
EVEN = 0.05 * 21**0.5 - 0.05  # relative luminance on which black and white have the same contrast, 4.58 to 1
LONGEST = 24  # characters of a label or a group's name


def paper(size, dpi=DPI):
    """A white figure of `size` (width, height in inches), and the renderer that measures its texts."""
    figure = Figure(size, dpi, facecolor="white")
    return figure, FigureCanvasAgg(figure).get_renderer()


@contextlib.contextmanager
def default_settings():
    """Draw inside the block with matplotlib's defaults, so that a matplotlibrc of the user's changes nothing."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def save_png(figure, path):
    """Write the figure to `path` atomically; the same figure gives the same bytes.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written.
    """
    with replacing(path, "wb") as file:
        figure.canvas.print_png(file, metadata={"Software": None})  # a version would change the bytes


def dress(axes):
    """Give the axes the plain style that all pictures share."""
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=SMALL)


def ink_on(colours):
    """The ink, "black" or "white", that is easier to read on each of the sRGB colours (..., 4): array of str, (...)."""
    return np.where(luminance(colours) > EVEN, "black", "white")


def luminance(colours):
    """Relative luminance of sRGB colours (..., 4), 0 to 1: WCAG 2.2, https://www.w3.org/TR/WCAG22/."""
    rgb = np.asarray(colours)[..., :3]  # (..., 3)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # (..., 3)
    return linear @ [0.2126, 0.7152, 0.0722]


def drawable(text, longest=LONGEST):
    """Prepare a text for drawing: characters that no font has as codes (`\\u65e5`), at most `longest` long (or None).

    To be called inside `default_settings()`, which it may give further fonts.
    """
    text = escape_undrawable(text)
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"
