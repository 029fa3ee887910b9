"""Formulas for web pages: MathML, which browsers set by themselves, from the part of TeX that the derivations use."""

import html
import re

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+|\s+|.")
LETTERS = {"alpha": "α", "delta": "δ", "sigma": "σ"}
OPERATORS = {
    "partial": "∂", "top": "⊤", "in": "∈", "neq": "≠", "le": "≤", "gt": ">", "cdot": "⋅", "mid": "∣",
    "lVert": "‖", "rVert": "‖",
}  # fmt: skip
FUNCTIONS = {"log", "exp", "max", "cos"}
SPACES = {"\\,": 0.17, "\\qquad": 2}  # em
NO_BREAK = "\u00a0"  # browsers leave out other spaces at the end of a text
SIZES = {"\\bigl", "\\bigr"}  # of brackets, which all have one size here
SCRIPTS = {  # which of below and above there are -> element, for the limits of a sum and for everything else
    (True, True): ("munderover", "msubsup"),
    (True, False): ("munder", "msub"),
    (False, True): ("mover", "msup"),
}


def mathml(tex):
    """Set a formula.

    Parameters
    ----------
    tex : str
        TeX of one line, from the commands that docs/derivations.md needs in the explained equations.

    Returns
    -------
    str
        A `math` element in display style, with the TeX as its annotation.

    Raises
    ------
    ValueError
        A command that is not known, or a bracket without its other half.

    Examples
    --------
    >>> mathml("x_1").split("<annotation")[0]
    '<math display="block"><semantics><mrow><msub><mi>x</mi><mn>1</mn></msub></mrow>'
    """
    reader = _Reader(tex)
    row = reader.row()
    annotation = f'<annotation encoding="application/x-tex">{html.escape(tex)}</annotation>'
    return f'<math display="block"><semantics>{row}{annotation}</semantics></math>'


class _Reader:
    def __init__(self, tex):
        self.tex, self.tokens = tex, TOKEN.findall(tex)

    def row(self, end=None):
        """Everything up to the token `end`, which is taken too; None is the end of the formula."""
        items = []
        while (token := self._next()) != end:
            if token is None:
                raise ValueError(f"there is no {end} in {self.tex}")
            items.append(self._with_scripts(self._take()))
        if end is not None:
            self._take()
        return f"<mrow>{''.join(items)}</mrow>"

    def _next(self):
        while self.tokens and (self.tokens[0].isspace() or self.tokens[0] in SIZES):
            del self.tokens[0]
        return self.tokens[0] if self.tokens else None

    def _take(self):
        token = self._next()
        if token is None:
            raise ValueError(f"something is missing at the end of {self.tex}")
        return self.tokens.pop(0)

    def _argument(self):
        return self._item(self._take())

    def _with_scripts(self, token):
        base, below, above = self._item(token), None, None
        while self._next() in ("_", "^", "'"):
            script = self._take()
            if script == "_":
                below = self._argument()
            else:
                above = "<mo>′</mo>" if script == "'" else self._argument()
        if below is None and above is None:
            return base
        element = SCRIPTS[below is not None, above is not None][token != "\\sum"]
        return f"<{element}>{base}{below or ''}{above or ''}</{element}>"

    def _item(self, token):
        name = token.removeprefix("\\")
        if token == "{":
            return self.row("}")
        if token in SPACES:
            return f'<mspace width="{SPACES[token]}em"/>'
        if token == "\\frac":
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if token == "\\hat":
            return f'<mover accent="true">{self._argument()}<mo>^</mo></mover>'
        if token == "\\sum":
            return "<mo>∑</mo>"
        if token in ("\\text", "\\mathrm"):
            return f"<mtext>{html.escape(self._raw()).replace(' ', NO_BREAK)}</mtext>"
        if token == "\\mathcal":
            return f"<mi>{html.escape(self._raw())}</mi>"
        if token == "\\substack":
            return self._stack()
        if token.startswith("\\") and name in FUNCTIONS:
            space = "" if self._next() in ("(", None) else '<mspace width="0.17em"/>'
            return f"<mrow><mi>{name}</mi>{space}</mrow>"
        if token.startswith("\\") and name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if token.startswith("\\"):
            if name not in OPERATORS:
                raise ValueError(f"{token} is not known, in {self.tex}")
            return f"<mo>{html.escape(OPERATORS[name])}</mo>"
        if token.isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in "()":
            return f'<mo stretchy="false">{token}</mo>'
        return f"<mo>{html.escape({'-': '−'}.get(token, token))}</mo>"

    def _raw(self):
        """The text of an argument, with its spaces."""
        if (token := self._take()) != "{":
            return token
        end = self.tokens.index("}") if "}" in self.tokens else len(self.tokens)
        text = "".join(self.tokens[:end])
        del self.tokens[: end + 1]
        return text

    def _stack(self):
        """Lines above each other, such as the conditions under a sum."""
        if self._take() != "{":
            raise ValueError(f"\\substack without a bracket in {self.tex}")
        first, second = self.row("\\\\"), self.row("}")
        return f"<mtable><mtr><mtd>{first}</mtd></mtr><mtr><mtd>{second}</mtd></mtr></mtable>"
