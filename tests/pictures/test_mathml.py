"""utils/pictures/mathml.py: formulas as browsers set them."""

import re
import xml.etree.ElementTree as xml

import pytest

from utils.pictures.mathml import mathml


def tree(tex):
    """The formula without its annotation."""
    return xml.fromstring(mathml(tex))[0][0]


def outline(element):
    """Elements as nested lists: [tag, child, ...], leaves as their text."""
    return element.text if len(element) == 0 else [element.tag, *map(outline, element)]


@pytest.mark.parametrize(
    "tex, expected",
    [
        ("x", ["mrow", "x"]),
        ("-1", ["mrow", "−", "1"]),
        ("u_w^\\top v", ["mrow", ["msubsup", "u", "w", "⊤"], "v"]),
        ("\\frac1m", ["mrow", ["mfrac", "1", "m"]]),
        ("\\frac{a b}{c}", ["mrow", ["mfrac", ["mrow", "a", "b"], ["mrow", "c"]]]),
        ("\\sum_k x", ["mrow", ["munder", "∑", "k"], "x"]),
        ("\\sum_{s=1}^K x", ["mrow", ["munderover", "∑", ["mrow", "s", "=", "1"], "K"], "x"]),
        ("\\hat y_o", ["mrow", ["msub", ["mover", "y", "^"], "o"]]),
        ("c'", ["mrow", ["msup", "c", "′"]]),
        ("\\text{for } w", ["mrow", "for\u00a0", "w"]),
        ("v_{o_k}", ["mrow", ["msub", "v", ["mrow", ["msub", "o", "k"]]]]),
    ],
)
def test_the_parts_of_a_formula(tex, expected):
    assert outline(tree(tex)) == expected


def test_a_function_stands_apart_from_a_letter_but_not_from_a_bracket():
    assert [child.tag for child in tree("\\log x")[0]] == ["mi", "mspace"]
    assert outline(tree("\\exp(x)"))[1] == ["mrow", "exp"]
    assert outline(tree("\\max\\bigl(x\\bigr)"))[1:] == [["mrow", "max"], "(", "x", ")"]


def test_conditions_below_a_sum_are_lines_of_a_table():
    below = tree("\\sum_{\\substack{a\\\\ b}}x").find("munder/mrow/mtable")
    assert ["".join(line.itertext()) for line in below] == ["a", "b"]


def test_the_tex_is_kept_and_escaped():
    math = xml.fromstring(mathml("a<b"))
    assert math.find("semantics/annotation").text == "a<b" and math.get("display") == "block"


@pytest.mark.parametrize("tex", ["\\nonsense x", "{x", "x_", "\\frac{a}", "\\substack x", "\\sum_{\\substack{a}}"])
def test_what_cannot_be_read_is_refused(tex):
    with pytest.raises(ValueError, match=re.escape(tex)):
        mathml(tex)
