"""Confusion matrices as a picture: which classes are mistaken for which."""

import math
import textwrap

import numpy as np

from utils.pictures.canvas import HEADING, INK, LABEL, SMALL, default_settings, drawable, ink_on, paper, save_png

ACROSS = 3  # panels side by side
PANEL, SPACE = 4.2, 1.2  # inches: side of a panel, and what the names of the classes need beside it
NAME, LETTERS = 40, 32  # characters of the title of a panel; of a line of the heading, per panel
TITLE = "Predicted against true classes"


def confusion_picture(matrices, classes, path, title=TITLE):
    """Draw one panel for each confusion matrix and save them as one PNG; the same input gives the same bytes.

    Scikit-learn's ConfusionMatrixDisplay would need pyplot, which chooses a backend.

    Parameters
    ----------
    matrices : list of (str, array_like of int, shape (k, k))
        Title and counts: true classes down, predicted ones across.
    classes : sequence of str, length k
    path : str or Path
        The file to write, atomically. Each cell shows its share of its row in per cent.
    title : str
        The heading over all panels.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written.
    """
    across, down = min(len(matrices), ACROSS), math.ceil(len(matrices) / ACROSS)
    with default_settings():
        figure, _ = paper((across * PANEL + SPACE, down * PANEL + SPACE))
        figure.set_layout_engine("constrained", h_pad=0.1, w_pad=0.1)
        style = {"fontsize": HEADING, "color": INK, "parse_math": False}
        figure.suptitle(textwrap.fill(drawable(title, None), LETTERS * across), x=0.02, ha="left", **style)
        panels = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes in panels.flat[len(matrices) :]:
            axes.set_axis_off()
        for axes, (name, counts) in zip(panels.flat, matrices, strict=False):
            _draw(axes, name, row_shares(counts), classes)
        for axes in panels[:, 0]:
            axes.set_ylabel("true class", fontsize=LABEL, color=INK)
        save_png(figure, path)


def row_shares(counts):
    """Each count in per cent of its row, shape (k, k); a row of zeros stays zero."""
    counts = np.asarray(counts)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (k, k)


def _draw(axes, name, shares, classes):
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    inks = ink_on(image.to_rgba(shares))  # (k, k)
    for (row, column), share in np.ndenumerate(shares):
        style = {"ha": "center", "va": "center", "color": str(inks[row, column]), "fontsize": LABEL}
        axes.text(column, row, f"{share:.0f}", **style)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=35, ha="right", fontsize=SMALL, color=INK)
    axes.set_yticks(ticks, classes, fontsize=SMALL, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(drawable(name, NAME), fontsize=LABEL, color=INK, parse_math=False)
    axes.set_xlabel("predicted class, % of the true class", fontsize=LABEL, color=INK)
