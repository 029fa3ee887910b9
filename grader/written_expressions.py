"""Read and evaluate the formulas of the written part: arithmetic on numbers, vectors and matrices, and nothing else.

A formula is parsed by Python's `ast`, but never run by Python: each kind of node that is allowed has a method here, and
everything else is refused. The only attribute is `.T`; strings and comparisons are not allowed; names are those of the
question and of `FUNCTIONS`. Length, depth, numbers, powers, sizes and steps are limited.
"""

import ast
import re
import warnings
from dataclasses import dataclass, field

import numpy as np

LONGEST = 500  # characters of a formula
DEEPEST = 60  # levels of its tree
LARGEST_NUMBER, LARGEST_POWER = 1e6, 20
MOST_ENTRIES = 2_000  # of any value on the way
MOST_STEPS = 5_000  # nodes visited in one evaluation

# What students copy from a handout or a paper, and its plain spelling.
SPELLINGS = (
    (re.compile("[\u2212\u2013]"), "-"),
    (re.compile("[\u00b7\u22c5]"), "//"),  # the inner product; // itself is refused
    (re.compile("\u00d7"), "*"),
    (re.compile(r"\s*(\^\s*\{?\s*(T|\\?top|\u22a4)\b\s*\}?|[\u1d40\u22a4])"), ".T"),
)
NAMES = (
    (re.compile("^σ$|^sigmoid$"), "sigma"),
    (re.compile("^α$"), "alpha"),
    (re.compile("^(ŷ|y_hat)(?=_|$)"), "yhat"),
    (re.compile("^vc$"), "v_c"),
    (re.compile("^uo$"), "u_o"),
    (re.compile("^u_?w_?([a-z])$"), r"u_\1"),  # u_{w_s}, the vector of the s-th sample
    (re.compile("^v_c([a-z])$"), r"v_c_\1"),  # v_{c_i}
)


class Problem(ValueError):
    """A formula that cannot be read or evaluated; the text says why, to the one who wrote it."""


class Misfit(Problem):
    """The shapes of a formula do not fit together."""


@dataclass(frozen=True)
class Scope:
    """What the names of a formula stand for, at one random point.

    Attributes
    ----------
    values : dict of str to ndarray
        Numbers, vectors (one axis) and matrices (one vector per column), whatever the orientation.
    families : dict of str to list of ndarray
        What takes an index: "u" for u_w.
    indices : dict of str to int
        The indices that mean something outside a sum: {"o": 3, "w": 1}.
    length : int
        Terms of a sum whose index occurs in none of its terms.
    sizes : dict of int to str
        Letters for sizes, for messages.
    rows : bool
        Whether vectors are rows, and a matrix has one vector per row.
    flat : bool
        Whether vectors have one axis, as NumPy's often have, and not two, as in mathematics.
    """

    values: dict
    families: dict = field(default_factory=dict)
    indices: dict = field(default_factory=dict)
    length: int = 1
    sizes: dict = field(default_factory=dict)
    rows: bool = False
    flat: bool = False

    def present(self, value):
        """A value in this scope's orientation: a vector of n becomes (n, 1), (1, n) or (n,)."""
        value = np.asarray(value, dtype=float)
        if value.ndim == 2:
            return value.T if self.rows else value
        if value.ndim == 0 or self.flat:
            return value
        return value[None, :] if self.rows else value[:, None]

    def describe(self, value):
        """The kind and size of a value in words: "a column of |V|"."""
        sizes = [self.sizes.get(n, str(n)) for n in value.shape]
        if value.size == 1:
            return "a number"
        if value.ndim == 1:
            return f"a vector of {sizes[0]}"
        if value.shape[1] == 1:
            return f"a column of {sizes[0]}"
        return f"a row of {sizes[1]}" if value.shape[0] == 1 else f"a {sizes[0]} x {sizes[1]} matrix"

    @property
    def known(self):
        """The names that a formula may use, as its writer would spell them."""
        index = next((name for name in self.indices if name != "o"), "i")
        return sorted({*self.values, *(f"{name}_{index}" for name in self.families)})


# Reading


def read(text):
    """Parse a formula and check that it holds nothing but what can be evaluated.

    Returns
    -------
    ast.expr
        With names in their plain spelling.

    Raises
    ------
    Problem
    """
    if len(text) > LONGEST:
        raise Problem(f"it has {len(text)} characters; at most {LONGEST} are read")
    if "//" in text:
        raise Problem("// is not allowed here: write / for a quotient")
    for pattern, plain in SPELLINGS:
        text = pattern.sub(plain, text)
    try:
        with warnings.catch_warnings(action="ignore"):  # Python's own advice, on what is refused below
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Problem(_syntax(text, error)) from None
    level = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise Problem(f"it is nested more than {DEEPEST} levels deep")
    _check(tree)
    return tree


def _syntax(text, error):
    if text.count("(") != text.count(")"):
        return f"it cannot be read: {text.count('(')} opening and {text.count(')')} closing parentheses"
    if re.search(r"[\w)]\s+[\w(]|\d[A-Za-z_]", text):
        return "it cannot be read: write every product with * or @"
    if re.search(r"[\\{}∑Σ]", text):
        return "it cannot be read: write plain formulas, such as sum(w, yhat_w * u_w), not LaTeX"
    place = f" (near character {error.offset})" if isinstance(error, SyntaxError) and error.offset else ""
    return f"it cannot be read as a formula{place}"


def _check(tree):
    """Refuse what is not allowed here, and spell names plainly."""
    if isinstance(tree, ast.Name):
        for pattern, plain in NAMES:
            tree.id = pattern.sub(plain, tree.id)
    elif isinstance(tree, ast.Constant):
        if type(tree.value) not in (int, float) or not abs(tree.value) <= LARGEST_NUMBER:
            raise Problem(f"{shown(tree)} is not allowed here: wanted a number of at most {LARGEST_NUMBER:,.0f}")
    elif isinstance(tree, ast.BinOp):
        if isinstance(tree.op, ast.BitXor):
            raise Problem("write ** for a power, not ^")
        if type(tree.op) not in OPERATORS:
            raise Problem(f"the operator in {shown(tree)} is not allowed here; wanted + - * / ** or @")
    elif isinstance(tree, ast.UnaryOp):
        if not isinstance(tree.op, (ast.USub, ast.UAdd)):
            raise Problem(f"the operator in {shown(tree)} is not allowed here; wanted + - * / ** or @")
    elif isinstance(tree, ast.Attribute):
        if tree.attr != "T":
            raise Problem(f".{tree.attr} is not allowed here: only .T, the transpose, may follow a dot")
    elif isinstance(tree, ast.Call):
        _check_call(tree)
    elif type(tree) not in (ast.Subscript, ast.Tuple, ast.Slice):
        raise Problem(f"{shown(tree)} is not allowed here: wanted a formula of names, numbers and + - * / ** @")
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.expr):
            _check(child)


def _check_call(call):
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "np":
        call.func = function = ast.Name(function.attr)
    if not isinstance(function, ast.Name):
        raise Problem(f"{shown(call)} is not allowed here; write every product with * or @")
    name = {"sigmoid": "sigma", "σ": "sigma"}.get(function.id, function.id)
    if name not in FUNCTIONS and name not in SUMS:
        raise Problem(
            f"{shown(call)} calls a function {name}, but there is none: write a product with * or @; "
            f"the functions are {', '.join(sorted([*FUNCTIONS, *SUMS]))}"
        )
    for keyword in call.keywords:
        if keyword.arg != "axis" or name not in SUMS or not _is_axis(keyword.value):
            raise Problem(f"{keyword.arg or '**'} is not allowed in {name}(...)")
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        raise Problem("a * before an argument is not allowed here")


def _is_axis(node):
    return isinstance(node, ast.Constant) and node.value in (0, 1)


def shown(tree):
    """A piece of a formula as its writer knows it, shortened."""
    text = ast.unparse(tree).replace("//", "\u00b7")
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


# Evaluating


def evaluate(tree, scope):
    """The value of a formula that was `read`.

    Returns
    -------
    ndarray of float
        With up to two axes; it may hold infinities and NaN.

    Raises
    ------
    Misfit
        Shapes do not fit.
    Problem
        An unknown name, or more work than allowed.
    """
    with np.errstate(all="ignore"):
        return _Evaluation(scope).value(tree)


class _Evaluation:
    def __init__(self, scope):
        self.scope, self.indices, self.steps = scope, dict(scope.indices), 0

    def value(self, node):
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Problem("it takes too many steps: are there sums within sums within sums?")
        visit = getattr(self, type(node).__name__, None)
        if visit is None:
            raise Problem(f"{shown(node)} cannot stand here")
        value = np.asarray(visit(node), dtype=float)
        if value.size > MOST_ENTRIES:
            raise Problem(f"{shown(node)} has more than {MOST_ENTRIES:,} entries")
        return value

    def Constant(self, node):
        return node.value

    def Name(self, node):
        family, _, index = node.id.rpartition("_")
        if family in self.scope.families and index in self.indices:
            return self.scope.present(self.scope.families[family][self.indices[index]])
        if node.id in self.scope.values:
            return self.scope.present(self.scope.values[node.id])
        if node.id in self.indices:
            raise Problem(f"{node.id} is an index, not a number: write it after a name, as in u_{node.id}")
        if family in self.scope.families:
            raise Problem(f"the index {index} of {node.id} has no meaning outside sum({index}, ...)")
        raise Problem(f"the name {node.id} is unknown here; known are {', '.join(self.scope.known)}")

    def Attribute(self, node):
        return self.value(node.value).T

    def UnaryOp(self, node):
        value = self.value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def BinOp(self, node):
        left, right = self.value(node.left), self.value(node.right)
        symbol, operation = OPERATORS[type(node.op)]
        if symbol == "**" and (right.size != 1 or not abs(right) <= LARGEST_POWER):
            raise Problem(f"the power {shown(node.right)} is too large: wanted a number of at most {LARGEST_POWER}")
        if symbol == "@" and 0 in (left.ndim, right.ndim):
            raise Misfit(f"{shown(node)} multiplies by a number: write * for that")
        try:
            return operation(left, right)
        except ValueError:
            raise Misfit(
                f"the shapes do not fit in {shown(node)}: {shown(node.left)} is {self.scope.describe(left)}, "
                f"{shown(node.right)} is {self.scope.describe(right)}"
            ) from None

    def Subscript(self, node):
        value = self.value(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(parts) == 1 and value.ndim == 2 and 1 in value.shape:
            value = value.ravel()
        try:
            found = value[tuple(self._index(part) for part in parts)]
        except IndexError:
            raise Misfit(f"{shown(node)}: {shown(node.value)} is {self.scope.describe(value)}") from None
        return self.scope.present(found) if found.ndim == 1 else found

    def _index(self, node):
        if isinstance(node, ast.Slice) and node.step is None:
            ends = (node.lower, node.upper)
            return slice(*(None if end is None else self._index(end) for end in ends))
        if isinstance(node, ast.Name) and node.id in self.indices:
            return self.indices[node.id]
        sign, number = (-1, node.operand) if isinstance(node, ast.UnaryOp) else (1, node)
        if isinstance(number, ast.Constant) and isinstance(number.value, int):
            return sign * number.value
        known = ", ".join(self.indices) or "none"
        raise Problem(f"{shown(node)} is not an index; wanted a whole number, : or an index of the question ({known})")

    def Call(self, node):
        name = node.func.id
        if name in SUMS:
            return self._sum(node, name)
        function, least, most = FUNCTIONS[name]
        arguments = [part for a in node.args for part in (a.elts if isinstance(a, ast.Tuple) else [a])]
        if not least <= len(arguments) <= most:
            wanted = least if least == most else f"{least} to {most}"
            raise Problem(f"{name}(...) takes {wanted} argument{'s' if most > 1 else ''}, got {len(arguments)}")
        values = [self.value(argument) for argument in arguments]
        try:
            value = np.asarray(function(*values), dtype=float)
        except ValueError as error:
            told = "; ".join(f"{shown(a)} is {self.scope.describe(v)}" for a, v in zip(arguments, values, strict=True))
            raise Misfit(f"{name}(...) does not fit: {error if type(error) is Problem else told}") from None
        return self.scope.present(value) if value.ndim == 1 else value

    def _sum(self, node, name):
        """sum(w, term), over all values of the index w; or sum(x), sum(x, axis=0), as in NumPy."""
        arguments, axis = node.args, next((k.value.value for k in node.keywords), None)
        indexed = len(arguments) == 2 and isinstance(arguments[0], ast.Name) and arguments[0].id.isalpha()
        if indexed and not (_is_axis(arguments[1]) and arguments[0].id in self.scope.values):
            terms = self._terms(arguments[0].id, arguments[1])
            total = sum(terms[1:], terms[0])
            return total / len(terms) if name == "mean" else total
        if len(arguments) == 2 and _is_axis(arguments[1]) and axis is None:
            arguments, axis = arguments[:1], arguments[1].value
        if len(arguments) != 1:
            raise Problem(f"{name}(...) wants an index and a term, as in {name}(w, yhat_w * u_w), or one argument")
        value = self.value(arguments[0])
        if axis is not None and axis >= value.ndim:
            raise Misfit(f"{shown(node)}: {shown(arguments[0])} is {self.scope.describe(value)}")
        value = getattr(value, name)(axis=axis)
        return self.scope.present(value) if value.ndim == 1 else value

    def _terms(self, index, term):
        lengths = {
            len(self.scope.families[name.id.rpartition("_")[0]])
            for name in ast.walk(term)
            if isinstance(name, ast.Name)
            and name.id.endswith(f"_{index}")
            and name.id.rpartition("_")[0] in self.scope.families
        }
        outside = self.indices.get(index)
        values = []
        for i in range(min(lengths, default=self.scope.length)):
            self.indices[index] = i
            values.append(self.value(term))
        if outside is None:
            del self.indices[index]
        else:
            self.indices[index] = outside
        return values


def _sigma(x):
    return np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x)))


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def _dot(a, b):
    """The inner product of two vectors, whatever their orientation; otherwise that of matrices."""
    vectors = all(x.ndim == 1 or 1 in x.shape for x in (a, b))
    return a.ravel() @ b.ravel() if vectors else a @ b


def _filled(number):
    def make(*sizes):
        if any(size.size != 1 or not 1 <= size.item() <= MOST_ENTRIES or size.item() % 1 for size in sizes):
            raise Problem(f"its sizes must be whole numbers from 1 to {MOST_ENTRIES:,}")
        return np.full([int(size.item()) for size in sizes], float(number))

    return make


OPERATORS = {
    ast.Add: ("+", np.add),
    ast.Sub: ("-", np.subtract),
    ast.Mult: ("*", np.multiply),
    ast.Div: ("/", np.divide),
    ast.Pow: ("**", np.power),
    ast.MatMult: ("@", np.matmul),
    ast.FloorDiv: ("\u00b7", _dot),
}
SUMS = ("sum", "mean")
FUNCTIONS = {  # name: function, fewest and most arguments
    "exp": (np.exp, 1, 1),
    "log": (np.log, 1, 1),
    "sqrt": (np.sqrt, 1, 1),
    "sigma": (_sigma, 1, 1),
    "softmax": (_softmax, 1, 1),
    "transpose": (np.transpose, 1, 1),
    "outer": (np.outer, 2, 2),
    "dot": (_dot, 2, 2),
    "stack": (lambda *parts: np.concatenate([np.ravel(part) for part in parts]), 1, 10),
    "ones": (_filled(1), 1, 2),
    "zeros": (_filled(0), 1, 2),
    "ones_like": (np.ones_like, 1, 1),
    "zeros_like": (np.zeros_like, 1, 1),
    "len": (lambda x: max(x.shape, default=1), 1, 1),
}
