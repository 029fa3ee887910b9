"""docs/derivations.md as a page: every number has its test, every formula will be typeset, every name exists."""

import ast
import itertools
import re

import pytest
from derivations import PAGE

PROJECT = PAGE.parent.parent
TEXT = PAGE.read_text(encoding="utf-8")
SOURCES = [*PROJECT.glob("*.py"), *(PROJECT / "utils").rglob("*.py")]

DISPLAYED = re.findall(r"^```math\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"\$`([^`]+)`\$", TEXT)
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
PLAIN = re.sub(r"\$`[^`]+`\$", "", PROSE)  # without any mathematics
# Commands that GitHub's typesetting knows; a new one is to be tried there (or in MathJax 3) before it joins the list.
KNOWN_COMMANDS = """
    alpha beta delta ell eta sigma tau partial hat mathcal mathbb mathbf mathrm text top times cdot cdots dots vdots
    quad qquad frac tfrac sqrt sum max min log exp cos le ge lt gt neq in notin mid iff Leftarrow Rightarrow to infty
    approx bullet lvert rvert lVert rVert lbrace rbrace lfloor rfloor left right bigl bigr Bigl Bigr begin end substack
    tag Sigma sim tanh cosh sinh lambda rho mp
"""


def numbers_of_tests(kind):
    """The numbers in the names test_<kind>_<number>_... of all test files of the page."""
    found = set()
    for file in sorted((PROJECT / "tests/derivations").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (match := re.match(rf"test_{kind}_(\d+)_", node.name)):
                found.add(int(match[1]))
    return found


def test_the_page_has_equations():
    assert len(DISPLAYED) > 60
    assert len(INLINE) > 200


def test_equations_are_numbered_from_1_on_each_once_and_in_order():
    tags = [re.findall(r"\\tag\{(\d+)\}", equation) for equation in DISPLAYED]
    assert [len(tag) for tag in tags] == [1] * len(DISPLAYED)
    assert [int(tag[0]) for tag in tags] == list(range(1, len(DISPLAYED) + 1))
    assert not any("\\tag" in formula for formula in INLINE)


def test_every_equation_has_a_test_and_every_test_an_equation():
    assert numbers_of_tests("equation") == set(range(1, len(DISPLAYED) + 1))


def test_every_erratum_has_a_test_and_every_test_an_erratum():
    errata = [int(number) for number in re.findall(r"^\| E(\d+) \|", TEXT, flags=re.MULTILINE)]
    assert errata == list(range(1, len(errata) + 1))
    assert numbers_of_tests("erratum") == set(errata)


def test_references_in_the_text_are_to_equations_that_exist():
    # Numbers that stand for a source document's equations follow the word "handout" or stand in the errata's places.
    of_others = r"handout \(\d+\)(?:(?:,| to| and)? ?\(\d+\))*|^\| E\d+ \|[^|]*\||^Besides.*?\n\n|^In \(19\).*?\n\n"
    ours = re.sub(of_others, "", PLAIN, flags=re.IGNORECASE | re.MULTILINE | re.DOTALL)
    numbers = [int(number) for number in re.findall(r"\((\d{1,3})\)", ours)]  # no years
    assert len(numbers) > 60
    assert all(1 <= number <= len(DISPLAYED) for number in numbers)


def faults(formula):
    """What keeps a formula from being typeset by GitHub: a list of texts."""
    depths = list(itertools.accumulate(1 if brace == "{" else -1 for brace in re.findall(r"(?<!\\)[{}]", formula)))
    commands = re.findall(r"\\([A-Za-z]+)", formula)
    environments = [re.findall(rf"\\{word}\{{(\w+)\}}", formula) for word in ("begin", "end")]
    found = {
        "braces": depths and (min(depths) < 0 or depths[-1] != 0),
        "left and right": commands.count("left") != commands.count("right"),
        "begin and end": environments[0] != environments[1][::-1],
        "unknown command": not set(commands) <= set(re.findall(r"\w+", KNOWN_COMMANDS)),
        "read as Markdown or HTML": set("$`|<>") & set(formula),
        "wants lbrace and rbrace": re.search(r"\\[{}]", formula),
        "two scripts": re.search(r"[_^]\s*[_^]", formula),
    }
    return [name for name, fault in found.items() if fault]


def test_formulas_can_be_typeset():
    assert {formula: faults(formula) for formula in [*DISPLAYED, *INLINE] if faults(formula)} == {}


@pytest.mark.parametrize(
    "formula, fault",
    [
        (r"\frac{1}{2", "braces"),
        (r"}x{", "braces"),
        (r"\left(x", "left and right"),
        (r"\begin{cases}x\end{aligned}", "begin and end"),
        (r"\operatorname{sign}x", "unknown command"),
        (r"|x|", "read as Markdown or HTML"),
        (r"x<y", "read as Markdown or HTML"),
        (r"\{x\}", "wants lbrace and rbrace"),
        (r"x_^2", "two scripts"),
    ],
)
def test_formulas_that_cannot_be_typeset_are_found(formula, fault):
    assert fault in faults(formula)


def test_all_mathematics_is_fenced_or_between_dollar_and_backtick():
    assert TEXT.count("```math\n") == len(DISPLAYED) == TEXT.count("```") / 2
    assert "$" not in PLAIN
    assert "\\" not in re.sub(r"`[^`\n]+`", "", PLAIN)


def test_inline_mathematics_and_code_stay_on_their_lines():
    assert not any("\n" in formula for formula in INLINE)
    assert all(line.count("`") % 2 == 0 for line in PROSE.splitlines())


def test_a_blank_line_stands_around_each_displayed_equation():
    assert len(re.findall(r"(?<=\n\n)```math\n(?:.+\n)+```\n(?=\n)", TEXT)) == len(DISPLAYED)


def test_rows_of_a_table_have_as_many_cells_as_its_head():
    tables = re.findall(r"(?:^\|.*\|\n)+", TEXT, flags=re.MULTILINE)
    assert len(tables) >= 9
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_names_of_the_code_exist():
    names = {name for file in SOURCES for name in re.findall(r"\w+", file.read_text(encoding="utf-8"))}
    spans = re.findall(r"`([^`\n]+)`", PLAIN)
    files = [span for span in spans if "/" in span]
    assert all(list(PROJECT.glob(file)) for file in files)
    mentioned = {name for span in spans if span not in files for name in re.findall(r"[A-Za-z_]\w+", span)}
    assert {"centerWordVec", "outsideVectors", "delta", "RowGradient", "sampleTable"} <= mentioned
    assert mentioned <= names
