"""Fonts for what matplotlib's own font lacks: Chinese, Devanagari and other scripts, as far as the system has them."""

import contextlib
import functools
import sys
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FaceFlags, FT2Font, StyleFlags

OWN = "DejaVu Sans"  # comes with matplotlib
JOINERS = frozenset(map(chr, (0x200C, 0x200D, *range(0xFE00, 0xFE10))))  # nothing by themselves, they shape others
REMEDY = "install a font that has it, or draw a web page: python evaluate.py map FILE --out map.html"

_announced = []  # the first character that was missing


@dataclass(frozen=True)
class Font:
    """A font file and the characters that it maps."""

    path: str
    letters: np.ndarray  # of int, ascending

    def among(self, codes):
        """Those of the codes that the font can draw, a set."""
        codes = np.fromiter(codes, int)
        places = np.searchsorted(self.letters, codes).clip(max=len(self.letters) - 1)  # as many as codes
        mapped = codes[self.letters[places] == codes].tolist()
        return {code for code in mapped if _has_outline(self.path, code)}


def escape_undrawable(text):
    """Write what no font can draw as its code (`\\u65e5`); the first such character is announced on standard error.

    Fonts of the system are added to the current settings of matplotlib as the text needs them, so this is to be called
    inside `canvas.default_settings()`, before the text is drawn.
    """
    lacking = _add_fonts({ord(letter) for letter in text if letter.isprintable()} - _own_codes())
    if lacking:
        _announce(min(lacking))
    joins = any(letter.isprintable() and not letter.isspace() for letter in text)
    return "".join(
        letter
        if (letter.isprintable() and ord(letter) not in lacking) or (joins and letter in JOINERS)
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _add_fonts(codes):
    """Add to matplotlib's current fonts those that draw most of the codes; return the codes that none draws."""
    while codes:
        choices = [(font.among(codes), font.path) for font in _system_fonts()]
        drawn, path = max(choices, key=lambda choice: len(choice[0]), default=(set(), None))
        if not drawn:
            break
        family = _family(path)
        if family not in matplotlib.rcParams["font.family"]:
            matplotlib.rcParams["font.family"] = [*matplotlib.rcParams["font.family"], family]
        codes = codes - drawn
    return codes


@functools.cache
def _own_codes():
    return frozenset(FT2Font(font_manager.findfont(OWN)).get_charmap())


@functools.cache
def _system_fonts():
    """The fonts of the system that can be used, upright and of normal weight first: a list of Font."""
    fonts = []
    for path in font_manager.findSystemFonts():
        try:
            face = FT2Font(path)
        except (OSError, RuntimeError):  # cannot be read
            continue
        if FaceFlags.SCALABLE in face.face_flags and face.get_charmap():
            special = bool(face.style_flags & (StyleFlags.BOLD | StyleFlags.ITALIC)) or "Mono" in face.family_name
            fonts.append((special, path, Font(path, np.sort(list(face.get_charmap())))))
    return [font for *_, font in sorted(fonts, key=lambda entry: entry[:2])]


@functools.cache
def _has_outline(path, code):
    """Whether the font draws anything for a character: colour fonts may have no outlines."""
    try:
        face = font_manager.get_font(path)
        face.set_size(10, 72)
        glyph = face.load_char(code)
    except RuntimeError:
        return False
    return chr(code).isspace() or glyph.width > 0


@functools.cache
def _family(path):
    """The name under which matplotlib finds the font; its own list of fonts may be older than the file."""
    known = [entry for entry in font_manager.fontManager.ttflist if entry.fname == path]
    if not known:
        font_manager.fontManager.addfont(path)
        known = [entry for entry in font_manager.fontManager.ttflist if entry.fname == path]
    return known[0].name


def _announce(code):
    """Say once per process that characters are missing."""
    if _announced or sys.stderr is None:
        return
    _announced.append(code)
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"no font here draws U+{code:04X}: pictures show it and its like as codes; {REMEDY}", file=sys.stderr)
