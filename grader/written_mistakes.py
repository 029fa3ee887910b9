"""Known wrong answers to the written part, by which a wrong one is named: the same formulas, or others of equal value.

The formulas are written as students write them, in columns. Where a document that this project was made from says the
same, its erratum in docs/derivations.md is named. The mistakes in the precept's question 2 are those of the handout's
(h), in other letters.
"""

import re
from typing import NamedTuple


class Mistake(NamedTuple):
    """One wrong answer.

    Attributes
    ----------
    question : str
    hint : str
        What it looks like.
    formula : str
    errata : str
        Numbers of docs/derivations.md, section 12.
    """

    question: str
    hint: str
    formula: str
    errata: str = ""

    @property
    def text(self):
        """The hint, with the place of the errata."""
        if not self.errata:
            return self.hint
        kind = "errata" if " " in self.errata else "erratum"
        return f"{self.hint} ({kind} {self.errata.replace(' ', ' and ')} of docs/derivations.md)"


# Abbreviations in the formulas below
LETTERS = {
    "{a}": "sigma(u_o.T @ v_c)",
    "{b}": "sigma(u_s.T @ v_c)",
    "{bi}": "sigma(u_i.T @ v_c)",
    "{outside}": "(sigma(u_o.T @ v_c) - 1) * u_o",
    "{samples}": "sum(i, sigma(u_i.T @ v_c) * u_i)",
}
# From the handout's letters to the precept's
PRECEPT = {"v_c": "u_t", "u_o": "v_c", "u_s": "v_c_j", "u_i": "v_c_i", "u": "v_c_i"}
IN_THE_PRECEPT = {"h.i.v_c": "q2.a", "h.i.u_o": "q2.b", "h.i.u_s": "q2.c"}

SIGN = "the sign is flipped"
STRAY_ZERO = "it is zero: a stray sum over the words, of which only one term depends on this vector"
ZERO = f"{STRAY_ZERO}; or y_w, which is 0 for these words, in place of yhat_w"
NOT_LOG = "this is the derivative of the probability, not of its logarithm: the factor -1 / yhat_o is missing"
NOT_LOG_SIGMA = "this differentiates sigma, not log sigma: the chain rule's factor 1 / sigma is missing"
TWICE = "the derivative of sigma appears once too often: that of log sigma is 1 - sigma"
DIVIDED = "it is divided by sigma once more, although the derivative of the logarithm contains that factor already"

SOFTMAX = (
    ("b.i", "the sign is flipped: yhat - y, not y - yhat", "U @ (y - yhat)", ""),
    (
        "b.i",
        "a stray sum: the product U @ (yhat - y) is the sum over the words, another one multiplies it by |V|",
        "sum(w, U @ (yhat - y))",
        "E2",
    ),
    ("b.i", "y is missing: yhat - y, not yhat", "U @ yhat", ""),
    ("b.i", "yhat is missing: only the term of the outside word, -u_o, is there", "-U @ y", ""),
    ("b.i", "y is added to yhat, not subtracted", "U @ (yhat + y)", ""),
    ("b.i", "the vector in the first term should be u_o: the letter w belongs to the sum", "-u_w + U @ yhat", "E17"),
    ("b.i", "1 is subtracted from every probability, not only from that of the outside word", "U @ (yhat - 1)", ""),
    ("b.i", "it should be a sum over the words, not a mean", "mean(w, (yhat_w - y_w) * u_w)", ""),
    ("b.i", "a sum is missing: only the outside word's term is there", "(yhat_o - 1) * u_o", ""),
    ("b.i", "the outside word's term is missing", "U @ yhat - yhat_o * u_o", ""),
    ("b.i", "this is the derivative with respect to u_o: v_c in place of u", "(yhat_o - 1) * v_c", ""),
    ("b.i", "the scores in place of yhat: the softmax is missing", "U @ (U.T @ v_c - y)", ""),
    ("b.i", "the exponentials are not divided by their sum", "U @ (exp(U.T @ v_c) - y)", ""),
    ("b.i", "it takes the sigmoid of the scores, not their softmax", "U @ (sigma(U.T @ v_c) - y)", ""),
    ("b.i", "the log of a sum is not the sum of the logs: yhat is missing in the sum", "-u_o + sum(w, u_w)", "E25"),
    ("b.i", NOT_LOG, "yhat_o * (u_o - U @ yhat)", ""),
    ("d.o", "the sign is flipped: yhat_o - 1, not 1 - yhat_o", "(1 - yhat_o) * v_c", ""),
    ("d.o", "1 is not subtracted: y_o is 1 for the outside word", "yhat_o * v_c", ""),
    ("d.o", "u_o in place of v_c", "(yhat_o - 1) * u_o", ""),
    ("d.o", "the derivative of the log of the sum is missing: yhat_o - 1, not -1", "-v_c", ""),
    ("d.o", STRAY_ZERO, "sum(w, (yhat_w - y_w) * v_c)", "E5 E7"),
    ("d.o", NOT_LOG, "yhat_o * (1 - yhat_o) * v_c", ""),
    ("d.o", "one cannot divide by a vector: differentiate with respect to it", "-log(yhat_o) / u_o", "E4"),
    ("d.o", "yhat and y are vectors: take their entries yhat_o and y_o = 1", "(yhat - y) * v_c", "E29"),
    (
        "d.o",
        "the derivative of log z is 1 / z times that of z: the score does not belong in the numerator",
        "(u_o.T @ v_c) * yhat_o * v_c - v_c",
        "E26",
    ),
    ("d.other", SIGN, "-yhat_w * v_c", ""),
    ("d.other", "1 is subtracted, but y_w is 0 for these words", "(yhat_w - 1) * v_c", "E18 E27"),
    ("d.other", "1 is subtracted, but y_w is 0 for these words, and the sign is flipped", "(1 - yhat_w) * v_c", ""),
    ("d.other", "u_w in place of v_c", "yhat_w * u_w", ""),
    ("d.other", "the probability should be that of the word itself: yhat_w, not yhat_o", "yhat_o * v_c", ""),
    ("d.other", ZERO, "sum(w, (yhat_w - y_w) * v_c)", "E7"),
    (
        "d.other",
        "a stray sum in the numerator: only one of its terms depends on u_w",
        "sum(x, exp(u_x.T @ v_c) * v_c) / sum(x, exp(u_x.T @ v_c))",
        "E5",
    ),
    ("d.other", NOT_LOG, "-yhat_o * yhat_w * v_c", ""),
    ("d.other", "this is the derivative of yhat_w: the loss contains yhat_o", "yhat_w * (1 - yhat_w) * v_c", ""),
    ("d.other", "one cannot divide by a vector: differentiate with respect to it", "-log(yhat_o) / u_w", "E4"),
    (
        "d.other",
        "exp is missing in the numerator",
        "(u_w.T @ v_c) / sum(x, exp(u_x.T @ v_c)) * v_c",
        "E28",
    ),
    ("d.other", "yhat is a vector: take its entry yhat_w", "yhat * v_c", "E29"),
    ("e", "the sign is flipped: yhat - y, not y - yhat", "v_c @ (y - yhat).T", ""),
    ("e", "a stray sum: it multiplies by |V|", "sum(w, v_c @ (yhat - y).T)", "E8"),
    ("e", "y is missing: the outside word's column is that of any other word", "v_c @ yhat.T", ""),
    ("e", "only the outside word's column is there: yhat is missing", "-v_c @ y.T", ""),
    ("e", "the sign of the first column is flipped", "v_c @ stack(y[0] - yhat[0], (yhat - y)[1:]).T", "E19"),
    ("e", "the columns should be multiples of v_c, not of u_o", "u_o @ (yhat - y).T", ""),
    ("e", "1 is subtracted in every column, not only in that of the outside word", "v_c @ (yhat - 1).T", ""),
    ("e", "it is divided by the number of words, but nothing is averaged here", "v_c @ (yhat - y).T / len(y)", ""),
    ("e", "each column should be a multiple of v_c, not of its own u_w", "U * (yhat - y).T", ""),
)

FUNCTIONS = (
    ("f.positive", "the two cases are swapped: f(x) = x where x > 0", "alpha", ""),
    ("f.positive", "this is the function, not its derivative", "x", ""),
    ("f.positive", "max(alpha x, x) is x here, not alpha x, and its derivative is a constant", "alpha * x", ""),
    ("f.positive", "f(x) = x where x > 0, and the derivative of x is not 0", "0", ""),
    ("f.negative", "the two cases are swapped: f(x) = alpha x where x < 0", "1", ""),
    ("f.negative", "this is the derivative of the plain ReLU, not of the leaky one", "0", ""),
    ("f.negative", "this is the function, not its derivative", "alpha * x", ""),
    ("f.negative", "max(alpha x, x) is alpha x here, not x, and its derivative is a constant", "x", ""),
    ("f.negative", SIGN, "-alpha", ""),
    ("g", "this is the sigmoid itself, not its derivative", "s", "E9"),
    ("g", "the sign is flipped: there are two minus signs, of the power -1 and of exp(-x)", "-s * (1 - s)", "E20"),
    ("g", "a sign: 1 - s, not 1 + s", "s * (1 + s)", ""),
    ("g", "this is the derivative of log sigma: the factor s is missing", "1 - s", ""),
    ("g", "this is the derivative of -log sigma, not of sigma", "s - 1", ""),
    ("g", "the factor 1 - s is missing; the other one is s once, not twice", "s ** 2", ""),
    ("g", "the factor s is missing; the other one is 1 - s once, not twice", "(1 - s) ** 2", ""),
    ("g", "x in place of sigma(x)", "x * (1 - x)", ""),
    ("g", "the inner derivative, that of exp(-x), is missing", "-1 / (1 + exp(-x)) ** 2", ""),
)

SAMPLING = (
    ("h.i.v_c", "the sign of the outside word's term is flipped", "(1 - {a}) * u_o + {samples}", ""),
    (
        "h.i.v_c",
        "the sign of the samples' term is flipped: the inner derivative of sigma(-u . v_c) is -u",
        "{outside} - {samples}",
        "E21",
    ),
    ("h.i.v_c", "the sign of the whole is flipped", "-({outside} + {samples})", ""),
    (
        "h.i.v_c",
        "1 - s in place of s in the samples' term, s = sigma(u . v_c)",
        "{outside} + sum(i, (1 - {bi}) * u_i)",
        "E30",
    ),
    ("h.i.v_c", "1 is not subtracted from sigma(u_o . v_c)", "{a} * u_o + {samples}", ""),
    ("h.i.v_c", "1 is subtracted in the samples' term, too", "{outside} + sum(i, ({bi} - 1) * u_i)", ""),
    ("h.i.v_c", "the samples' term is missing", "{outside}", ""),
    ("h.i.v_c", "the outside word's term is missing", "{samples}", ""),
    ("h.i.v_c", "the sum over the samples is missing: this is right only for K = 1", "{outside} + {b} * u_s", ""),
    ("h.i.v_c", "the samples' term should be a sum, not a mean", "{outside} + mean(i, {bi} * u_i)", ""),
    ("h.i.v_c", "the outside word's term is inside the sum, so it counts K times", "K * {outside} + {samples}", ""),
    ("h.i.v_c", "v_c in place of vectors u", "({a} - 1) * v_c + sum(i, {bi} * v_c)", ""),
    ("h.i.v_c", "u_o in place of u_s in the samples' term", "{outside} + sum(i, {bi} * u_o)", ""),
    ("h.i.v_c", TWICE, "({a} - 1) * {a} * (1 - {a}) * u_o + sum(i, {bi} * {bi} * (1 - {bi}) * u_i)", "E34"),
    ("h.i.v_c", NOT_LOG_SIGMA, "-{a} * (1 - {a}) * u_o + sum(i, {bi} * (1 - {bi}) * u_i)", ""),
    ("h.i.v_c", DIVIDED, "({outside} + {samples}) / {a}", "E10"),
    ("h.i.u_o", "the sign is flipped", "(1 - {a}) * v_c", ""),
    ("h.i.u_o", "1 is not subtracted from sigma(u_o . v_c)", "{a} * v_c", ""),
    ("h.i.u_o", "u_o in place of v_c", "({a} - 1) * u_o", ""),
    ("h.i.u_o", "sigma is missing: the factor is sigma(u_o . v_c) - 1, not -1", "-v_c", ""),
    ("h.i.u_o", "the samples' terms do not depend on u_o", "({a} - 1) * v_c + sum(i, {bi} * v_c)", ""),
    ("h.i.u_o", NOT_LOG_SIGMA, "-{a} * (1 - {a}) * v_c", ""),
    ("h.i.u_o", TWICE, "({a} - 1) * {a} * (1 - {a}) * v_c", "E35"),
    ("h.i.u_o", DIVIDED, "({a} - 1) * v_c / {a}", "E11"),
    ("h.i.u_s", "the sign is flipped", "-{b} * v_c", ""),
    (
        "h.i.u_s",
        "1 - s in place of s, s = sigma(u_s . v_c): 1 - sigma(-x) is sigma(x)",
        "(1 - {b}) * v_c",
        "E22",
    ),
    ("h.i.u_s", "1 is subtracted, as for the outside word", "({b} - 1) * v_c", ""),
    ("h.i.u_s", "u_s in place of v_c", "{b} * u_s", ""),
    ("h.i.u_s", "u_o in place of v_c", "{b} * u_o", ""),
    ("h.i.u_s", "a stray sum over the samples: only one term depends on u_s", "sum(i, {bi} * v_c)", "E31"),
    ("h.i.u_s", DIVIDED, "{b} * v_c / (1 - {b})", "E12 E23"),
    ("h.i.u_s", TWICE, "{b} * {b} * (1 - {b}) * v_c", "E36"),
    ("h.i.u_s", NOT_LOG_SIGMA, "{b} * (1 - {b}) * v_c", ""),
    (
        "h.i.u_s",
        "this is a number, the loss divided by sigma: wanted its derivative, a vector",
        "-sum(i, log(sigma(-u_i.T @ v_c))) / sigma(-u_s.T @ v_c)",
        "E13",
    ),
    (
        "h.i.u_s",
        "this is a number, the loss divided by sigma: wanted its derivative, a vector",
        "-sum(i, log(sigma(-u_i.T @ v_c)) / sigma(-u_i.T @ v_c))",
        "E13",
    ),
)

REUSED = (
    (
        "h.ii",
        "the signs of the samples' columns are missing: they are sigma(-u . v_c) - 1",
        "stack({a} - 1, sigma(W.T @ v_c) - 1)",
        "E14",
    ),
    ("h.ii", "1 is missing: all three gradients contain 1 - sigma(...), not sigma(...)", "sigma(U_ow.T @ v_c)", ""),
    ("h.ii", "these are the scores: sigma and 1 are missing", "U_ow.T @ v_c", ""),
    ("h.ii", "the outside word is missing: K + 1 numbers are shared", "sigma(W.T @ v_c)", ""),
    ("h.ii", "the outside word and the samples' signs are missing: take U_ow", "1 - sigma(W.T @ v_c)", ""),
    (
        "h.ii",
        "the derivative of sigma appears once too often: that of log sigma is 1 - sigma",
        "sigma(U_ow.T @ v_c) * (1 - sigma(U_ow.T @ v_c))",
        "",
    ),
    ("i", "this is right only for distinct samples: each draw of the word counts", "{b} * v_c", ""),
    ("i", "the sum runs over all samples: only those that are w_s depend on u_s", "sum(i, {bi} * v_c)", "E31"),
    ("i", "it counts all K samples: only those that are w_s count", "K * {b} * v_c", ""),
    ("i", "it should be a sum over the samples that are w_s, not a mean over all", "mean(i, same_i * {bi} * v_c)", ""),
    ("i", SIGN, "-n * {b} * v_c", ""),
    ("i", "1 - s in place of s, s = sigma(u_s . v_c)", "n * (1 - {b}) * v_c", ""),
    ("i", "u_s in place of v_c", "n * {b} * u_s", ""),
    ("i", "n should multiply the gradient, not the score inside sigma", "sigma(n * (u_s.T @ v_c)) * v_c", ""),
)

WINDOW = (
    ("j.i", SIGN, "-sum(j, dU_j)", "E24"),
    ("j.i", "the sum over the window is missing", "dU_j", ""),
    ("j.i", "it should be a sum over the window, not a mean", "mean(j, dU_j)", ""),
    ("j.i", "this is the derivative with respect to v_c", "sum(j, dv_j)", ""),
    ("j.ii", SIGN, "-sum(j, dv_j)", "E24"),
    ("j.ii", "the sum over the window is missing", "dv_j", ""),
    ("j.ii", "it should be a sum over the window, not a mean", "mean(j, dv_j)", ""),
    ("j.ii", "this is the derivative with respect to U", "sum(j, dU_j)", ""),
    ("j.iii", "v_w does not occur in the loss of this window: only the centre word's v_c does", "dv_j", ""),
    ("j.iii", "this is the derivative with respect to v_c: v_w does not occur in the loss", "sum(j, dv_j)", ""),
)


def _in_full(formula):
    for letter, meaning in LETTERS.items():
        formula = formula.replace(letter, meaning)
    return formula


def _in_the_precepts_letters(text):
    return re.sub(r"\b(v_c|u_[ois]|u)\b", lambda found: PRECEPT[found[0]], text)


def _all_mistakes():
    found = [Mistake(q, hint, _in_full(f), errata) for q, hint, f, errata in SOFTMAX + FUNCTIONS + SAMPLING]
    for question, hint, formula, _ in SAMPLING:
        letters = [_in_the_precepts_letters(text) for text in (hint, _in_full(formula))]
        found.append(Mistake(IN_THE_PRECEPT[question], *letters))
    return (*found, *(Mistake(q, hint, _in_full(f), errata) for q, hint, f, errata in REUSED + WINDOW))


MISTAKES = _all_mistakes()
