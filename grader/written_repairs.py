"""Find what is wrong with a formula by changing one thing in it: where that makes it right, that was the mistake."""

import ast
import copy
import itertools

from grader.written_expressions import SUMS, shown

MOST_REPAIRS = 300  # tried for one formula
# Letters that are taken for each other, in both directions
CONFUSED = (
    *(("y", "yhat"), ("y_w", "yhat_w"), ("y_o", "yhat_o"), ("yhat_o", "yhat_w"), ("u_o", "u_w"), ("v_c", "u_o")),
    *(("v_c", "u_w"), ("v_c", "u_s"), ("u_o", "u_s"), ("u_t", "v_c"), ("u_t", "v_c_j"), ("v_c", "v_c_j")),
    *(("W", "U_ow"), ("s", "x"), ("K", "n"), ("dU_j", "dv_j")),
)


def repairs(tree, scope):
    """Yield formulas that differ from `tree` in one thing: pairs (what was wrong, formula)."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    found = (change for number in range(len(nodes)) for change in _changes_at(tree, number, scope))
    factors = (f for f in ("v_c", "u_t", "s", "n") if f in scope.values)
    missing = ((f"the factor {f} is missing", ast.BinOp(tree, ast.Mult(), ast.Name(f))) for f in factors)
    for number, (told, changed) in enumerate(itertools.chain(missing, found)):
        if number == MOST_REPAIRS:
            return
        yield told, ast.fix_missing_locations(changed)


def _changes_at(tree, number, scope):
    """The changes to the node with this number: (what was wrong, the whole formula)."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name)]
    indices = {call.args[0].id for call in calls if call.func.id in SUMS and len(call.args) == 2}
    for told, new in _changes(nodes[number], scope, indices | set(scope.indices)):
        yield told, _replaced(tree, number, new)


def _replaced(tree, number, new):
    whole = ast.Expression(copy.deepcopy(tree))
    old = [node for node in ast.walk(whole.body) if isinstance(node, ast.expr)][number]

    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return new if node is old else self.generic_visit(node)

    return Replace().visit(whole).body


def _changes(node, scope, indices):
    """What could be wrong with one node: (in words, what should stand there)."""
    if isinstance(node, ast.BinOp):
        yield from _operations(node)
    elif isinstance(node, ast.UnaryOp):
        yield f"a sign: {shown(node)} should be {shown(node.operand)}", node.operand
    elif isinstance(node, ast.Attribute):
        yield f"a transposition: {shown(node)} should be {shown(node.value)}", node.value
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Name):
        yield from _names(node, scope, indices)


def _operations(node):
    left, right, operation = node.left, node.right, type(node.op)
    if operation in (ast.Add, ast.Sub):
        turned = ast.BinOp(left, ast.Sub() if operation is ast.Add else ast.Add(), right)
        yield f"a sign: {shown(node)} should be {shown(turned)}", turned
    if operation is ast.Sub:
        exchanged = ast.BinOp(right, ast.Sub(), left)
        yield f"a sign: {shown(node)} should be {shown(exchanged)}", exchanged
    if operation in (ast.Mult, ast.Div, ast.MatMult):
        yield f"a stray factor: {shown(node)} should be {shown(left)}", left
    if operation in (ast.Mult, ast.MatMult):
        yield f"a stray factor: {shown(node)} should be {shown(right)}", right
        for a, b in ((_transposed(left), right), (left, _transposed(right)), (_transposed(right), _transposed(left))):
            turned = ast.BinOp(a, ast.MatMult(), b)
            yield f"a transposition: {shown(node)} should be {shown(turned)}", turned
        exchanged = ast.BinOp(right, node.op, left)
        yield f"the order of factors: {shown(node)} should be {shown(exchanged)}", exchanged
        other = ast.BinOp(left, ast.MatMult() if operation is ast.Mult else ast.Mult(), right)
        yield f"the kind of product: {shown(node)} should be {shown(other)}", other


def _transposed(node):
    return node.value if isinstance(node, ast.Attribute) else ast.Attribute(node, "T")


def _calls(node):
    name, arguments = node.func.id, node.args
    if name == "mean":
        total = ast.Call(ast.Name("sum"), arguments, node.keywords)
        yield f"a mean for a sum: {shown(node)} should be {shown(total)}", total
    if name in ("sum", "mean") and arguments:
        yield f"a stray {name}: {shown(node)} should be {shown(arguments[-1])}", arguments[-1]
    if name == "sigma" and len(arguments) == 1:
        rest = ast.BinOp(ast.Constant(1), ast.Sub(), node)
        yield f"s for 1 - s: {shown(node)} should be {shown(rest)}", rest
    if name in ("exp", "log", "sigma", "softmax") and len(arguments) == 1:
        yield f"a stray {name}: {shown(node)} should be {shown(arguments[0])}", arguments[0]


def _names(node, scope, indices):
    if node.id == "s" and "s" in scope.values:
        yield "s for 1 - s: `s` should be `1 - s`", ast.BinOp(ast.Constant(1), ast.Sub(), node)
    if node.id in scope.values:
        turned = ast.Attribute(node, "T")
        yield f"a transposition: {shown(node)} should be {shown(turned)}", turned
    family, _, index = node.id.rpartition("_")
    if family in scope.families and index in indices:
        others = sorted(indices - {index})
        yield from ((f"the index: {node.id} should be {family}_{i}", ast.Name(f"{family}_{i}")) for i in others)
    for pair in CONFUSED:
        if node.id in pair:
            other = ast.Name(pair[pair[0] == node.id])
            yield f"{node.id} for {other.id}: {other.id} should stand in place of one {node.id}", other
