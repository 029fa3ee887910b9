"""Explain exceptions of a solution, with the remedy where it is known."""

import re

REMOVED_FROM_NUMPY = {
    "float": "float",
    "int": "int",
    "object": "object",
    "complex": "complex",
    "str": "str",
    "long": "int",
    "float_": "np.float64",
    "Inf": "np.inf",
    "Infinity": "np.inf",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "alltrue": "np.all",
    "sometrue": "np.any",
    "asscalar": "x.item()",
    "row_stack": "np.vstack",
    "mat": "np.asmatrix",
    "in1d": "np.isin",
    "trapz": "np.trapezoid",
}

ADVICE = (
    # type, what its text matches, what the line of code matches, the hint
    ("SyntaxError", r"Missing parentheses in call to 'print'", "", "this is Python 2: write print(...)"),
    ("SyntaxError", r"multiple exception types|leading zeros|invalid decimal literal", "", "is this Python 2?"),
    ("TabError|IndentationError", "", "", "tabs and spaces are mixed, or a block is empty or wrongly indented"),
    ("NameError", r"'(xrange|raw_input|unicode|reduce)'", "", "this name is from Python 2"),
    (
        "NameError|UnboundLocalError",
        r"'(s|loss|gradCenterVec|gradOutsideVecs|grad)'",
        "",
        "is this still to be written?",
    ),
    ("NotImplementedError", "", "", "this is still to be written"),
    (
        "TypeError",
        r"[Oo]nly .* arrays can be converted to Python scalars",
        r"\bmath\.|(?<![.\w])(exp|log)\(",
        "the functions of `math` take one number: NumPy's (np.exp, np.log) take arrays",
    ),
    (
        "TypeError",
        r"[Oo]nly .* arrays can be converted to Python scalars",
        "",
        "NumPy 2 does not convert an array to a number by itself: use .item()",
    ),
    ("OverflowError", r"math range error", "", "math.exp overflows above 709: np.exp gives infinity there"),
    ("ValueError", r"setting an array element with a sequence", "", "an array is assigned where one number belongs"),
    ("TypeError", r"can't multiply sequence|unsupported operand.*'list'", "", "make an array of the list first"),
    (
        "ValueError",
        r"could not be broadcast|shapes .* not aligned|mismatch in its core dimension",
        "",
        "look at the shapes",
    ),
    (
        "TypeError",
        r"unexpected keyword argument|positional argument",
        "",
        "keep the handout's parameters and their names",
    ),
    ("TypeError", r"cannot unpack non-iterable NoneType", "", "a function returns nothing: is the `return` missing?"),
    ("TypeError", r"operand.*'NoneType'", "", "this is None: is a `return` missing, or something still to be written?"),
    ("ValueError", r"truth value of an array", "", "`if` wants one answer, an array gives many: use np.where"),
    (
        "ModuleNotFoundError",
        "",
        "",
        "only the standard library, NumPy, what the starter code uses and the modules handed in can be imported here",
    ),
    (
        "RuntimeError",
        r"negative samples were drawn",
        "",
        "draw until there are K; does a loop wait for distinct samples?",
    ),
    ("RecursionError", "", "", "a function calls itself without end"),
    ("SystemExit", "", "", "the code calls exit(): leave by `return`"),
    ("MemoryError", "", "", "it asks for more than the grader's 2 GB"),
    ("Timeout", "", "", "an endless loop, or Python loops over large arrays?"),
    ("OSError", r"File too large|No space left", "", "it writes more than the grader's scratch folder holds"),
    ("OSError", r"Read-only file system", "", "write into the current folder or a temporary one"),
)
WITHOUT_TYPE = ("Timeout", "Ended", "NotRun", "BadReply", "Start", "Missing")  # their text says it all


def describe(failure):
    """One line: what happened, and where in the solution."""
    if failure.type in WITHOUT_TYPE:
        return failure.text
    place = ""
    if failure.file:
        place = f"{failure.file}, line {failure.line}: " if failure.line else f"{failure.file}: "
    return f"{place}{failure.type}" + (f": {failure.text}" if failure.text else "")


def advise(failure):
    """A hint on how to fix it, or None."""
    if removed := re.search(r"module 'numpy' has no attribute '(\w+)'", failure.text):
        name = removed[1]
        if name in REMOVED_FROM_NUMPY:
            return f"np.{name} is gone from NumPy 2: write {REMOVED_FROM_NUMPY[name]}"
        return f"np.{name} is not in NumPy 2"
    for kind, text, code, hint in ADVICE:
        if re.fullmatch(kind, failure.type) and re.search(text, failure.text) and re.search(code, failure.code):
            return hint
    return None
