"""What the pictures share: paper, inks, letters, and files that come out the same each time."""

import contextlib
import functools

import matplotlib
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from utils.system.files import replacing

# Okabe & Ito 2008, "Color Universal Design", https://jfly.uni-koeln.de/color/: told apart with every common kind of
# colour vision. Their black is left to the text. 7 colours and 8 shapes have no common factor, so that going round both
# at once repeats no mark.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
NEUTRAL = "#777777"
INK, FAINT, GRID = "#1A1A1A", "#8C8C8C", "#E6E6E6"

DPI = 150  # pixels per inch
HEADING, LABEL, SMALL = 15, 11, 10  # font sizes, points
LONGEST = 24  # characters of a label or a group's name


def paper(size, dpi=DPI):
    """Return a white figure of `size` (width, height in inches), and the renderer that measures its texts."""
    figure = Figure(size, dpi, facecolor="white")
    return figure, FigureCanvasAgg(figure).get_renderer()


@contextlib.contextmanager
def default_settings():
    """Draw inside the block with matplotlib's own settings: a matplotlibrc of the reader's would move the letters."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def save_png(figure, path):
    """Write the figure to `path`, whole or not at all; the same figure gives the same bytes.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written.
    """
    with replacing(path, "wb") as file:
        figure.canvas.print_png(file, metadata={"Software": None})  # a version would change the bytes


def dress(axes):
    """Give the axes the quiet looks that all pictures share."""
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=SMALL)


def drawable(text, longest=LONGEST):
    """Write what the font lacks as its code (`\\u65e5`), and cut what is longer than `longest` characters (or None)."""
    known = _characters()
    text = "".join(
        letter if letter.isprintable() and ord(letter) in known else letter.encode("unicode_escape").decode()
        for letter in text
    )
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


@functools.cache
def _characters():
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())
