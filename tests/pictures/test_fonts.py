"""Characters that matplotlib's own font lacks: other fonts are found and used, or codes are shown and announced."""

import shutil
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from utils.pictures import fonts
from utils.pictures.canvas import default_settings, drawable, paper
from utils.pictures.wordmap import word_map

BUNDLED = sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("STIX*.ttf"))
SCRIPTS = {"Chinese": "日本中文", "Devanagari": "नमस्ते", "Arabic": "می\u200cخواهم", "Thai": "ไทย", "Georgian": "ქართული"}


def letters(path):
    return {chr(code) for code in FT2Font(path).get_charmap()}


@pytest.fixture
def lacking():
    """Letters that a font of matplotlib's has and its default font lacks."""
    own = letters(font_manager.findfont(fonts.OWN))
    extra = {letter for letter in letters(BUNDLED[0]) - own if letter.isprintable() and not letter.isspace()}
    assert len(extra) > 5
    return sorted(extra)[:3]


def pixels(text):
    figure, _ = paper((2, 1))
    figure.text(0.1, 0.3, text, fontsize=20, parse_math=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of glyphs that are missing
        figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_without_a_font_codes_are_shown_and_one_line_names_the_web_page(system_fonts, capsys):
    system_fonts([])
    with default_settings():
        assert drawable("日本") == r"\u65e5\u672c" and drawable("中") == r"\u4e2d" and drawable("tea") == "tea"
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "U+65E5" in told and "evaluate.py map FILE --out map.html" in told


def test_what_needs_no_font_is_not_announced(system_fonts, capsys):
    system_fonts([])
    with default_settings():
        assert drawable("a\nb \ud800 чай שלום") == r"a\nb \ud800 чай שלום"
    assert capsys.readouterr().err == ""


def test_a_font_of_the_system_is_found_and_used(system_fonts, lacking, capsys):
    system_fonts(map(str, BUNDLED))
    text = "".join(lacking)
    with default_settings():
        assert drawable(text) == text
        drawn = pixels(text)
        assert (drawn != pixels("\u25a1" * len(text))).any() and (drawn < 255).any()
        families = matplotlib.rcParams["font.family"]
    assert any("STIX" in family for family in families) and capsys.readouterr().err == ""
    with default_settings():
        drawable("tea")
        assert matplotlib.rcParams["font.family"] == families[:1]  # each picture finds its own fonts


def test_files_that_are_no_fonts_are_passed_over(system_fonts, lacking, tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"nonsense")
    shutil.copy(BUNDLED[0], tmp_path / "b.ttf")
    system_fonts([str(tmp_path / "a.ttf"), str(tmp_path / "missing.ttf"), str(tmp_path / "b.ttf")])
    with default_settings():
        assert drawable(lacking[0]) == lacking[0]


def test_joiners_stay_within_words_and_are_codes_alone():
    with default_settings():
        assert drawable("a\u200db") == "a\u200db" and drawable("\u200d") == r"\u200d"


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_of_other_scripts_are_drawn_where_the_system_has_a_font(script, tmp_path, capsys):
    word = SCRIPTS[script]
    with default_settings():
        if drawable(word) != word:
            pytest.skip(f"needs a font for {script}")
        assert (pixels(word) < 255).any()
    capsys.readouterr()
    word_map([word, "tea"], [[0.0], [1.0]], tmp_path / "map.png", title=word)
    first = (tmp_path / "map.png").read_bytes()
    word_map([word, "tea"], [[0.0], [1.0]], tmp_path / "map.png", title=word)
    assert (tmp_path / "map.png").read_bytes() == first and capsys.readouterr().err == ""


def test_a_font_without_outlines_is_not_used():
    colour = [path for path in font_manager.findSystemFonts() if "ColorEmoji" in path]
    if not colour:
        pytest.skip("needs a font of coloured bitmaps")
    assert not fonts._has_outline(colour[0], 0x1F600)
