"""Confusion matrices as a picture: which classes are taken for which."""

import math

import numpy as np

from utils.pictures.canvas import INK, LABEL, SMALL, default_settings, drawable, paper, save_png

ACROSS = 3  # panels beside each other
PANEL, ROOM = 4.2, 1.2  # inches: a panel's side, and what the names of the classes need beside it
HALF = 50  # per cent; numbers on darker cells are white
TITLE = 40  # characters


def confusion_picture(matrices, classes, path):
    """Draw one panel for each confusion matrix and save them as one PNG; the same input gives the same bytes.

    Parameters
    ----------
    matrices : list of (str, array_like of int, shape (k, k))
        Titles and counts: true classes down, taken ones across.
    classes : sequence of str, length k
    path : str or Path
        The file to write, replaced whole or not at all. Each cell shows its share of its row in per cent.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written.
    """
    across, down = min(len(matrices), ACROSS), math.ceil(len(matrices) / ACROSS)
    with default_settings():
        figure, _ = paper((across * PANEL + ROOM, down * PANEL + ROOM))
        panels = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes in panels.flat[len(matrices) :]:
            axes.set_axis_off()
        for axes, (title, counts) in zip(panels.flat, matrices, strict=False):
            _draw(axes, title, row_shares(counts), classes)
        for axes in panels[:, 0]:
            axes.set_ylabel("true class", fontsize=LABEL, color=INK)
        figure.tight_layout()
        save_png(figure, path)


def row_shares(counts):
    """Each count in per cent of its row, shape (k, k); a row of zeros stays zero."""
    counts = np.asarray(counts)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (k, k)


def _draw(axes, title, shares, classes):
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > HALF else INK
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=LABEL)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=35, ha="right", fontsize=SMALL, color=INK)
    axes.set_yticks(ticks, classes, fontsize=SMALL, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(drawable(title, TITLE), fontsize=LABEL, color=INK, parse_math=False)
    axes.set_xlabel("taken for, % of the true class", fontsize=LABEL, color=INK)
