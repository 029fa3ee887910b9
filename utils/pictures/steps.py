"""A page that steps through one update of a method: every number, what it is computed from and what it feeds.

What the page computes is in arithmetic.js, what it shows in stages.js, and how in steps.js.
"""

import html

import numpy as np

from utils.pictures.mathml import mathml
from utils.pictures.offline import part, write_page
from utils.system.errors import InputError

METHODS = {
    "sigmoid": "sigmoid",
    "naiveSoftmaxLossAndGradient": "naive softmax, one pair",
    "negSamplingLossAndGradient": "negative sampling, one pair",
    "skipgram": "skip-gram, one window",
    "cbow": "CBOW, one window",
    "ppmi": "counts to PPMI",
    "svd": "PPMI to vectors by SVD",
}
SENTENCE = "I like dogs and you like cats"
CENTRE, OUTSIDE = 2, 1  # positions in it
DIMENSION, NEGATIVES, WINDOW, STEP = 3, 3, 2, 0.5
SEED = 7
COUNTED = ("I", "like", "dogs")  # the precept's example
COUNTS = ((0, 10, 10), (10, 0, 40), (10, 40, 0))

# Parts of the equations of docs/derivations.md: name -> (number, TeX). Notation and unnumbered formulas have no number.
FORMULAS = {
    "score": ("", r"s_w=u_w^\top v_c"),
    "9": ("9", r"\hat y_o=P(O=o\mid C=c)=\frac{\exp(u_o^\top v_c)}{\sum_{w\in\mathcal V}\exp(u_w^\top v_c)}"),
    "11": ("11", r"J=-\log\hat y_o=-u_o^\top v_c+\log\sum_{w\in\mathcal V}\exp(u_w^\top v_c)"),
    "13": ("13", r"\frac{\partial J}{\partial s}=\hat y-y"),
    "14": ("14", r"\frac{\partial J}{\partial v_c}=\sum_{w\in\mathcal V}(\hat y_w-y_w)\,u_w=U(\hat y-y)"),
    "step": ("", r"x-\alpha\,\partial J/\partial x"),
    "16": ("16", r"v_c-\alpha\,\frac{\partial J}{\partial v_c}="
                 r"v_c+\alpha\,u_o-\alpha\sum_{w\in\mathcal V}\hat y_w\,u_w"),
    "19": ("19", r"\frac{\partial J}{\partial u_w}=(\hat y_w-y_w)\,v_c"),
    "23": ("23", r"\sigma(x)=\frac{1}{1+e^{-x}}=\frac{e^x}{e^x+1}"),
    "24": ("24", r"\sigma(-x)=\frac{1}{1+e^{x}}=\frac{e^x+1-e^x}{1+e^x}=1-\sigma(x)"),
    "25": ("25", r"\frac{1}{1+e^{-x}}\cdot\frac{e^{-x}}{1+e^{-x}}=\sigma(x)\,\bigl(1-\sigma(x)\bigr)"),
    "26": ("26", r"\frac{d}{dx}\log\sigma(x)=\frac{\sigma'(x)}{\sigma(x)}=1-\sigma(x)=\sigma(-x)"),
    "27": ("27", r"J=-\log\sigma(u_o^\top v_c)-\sum_{s=1}^K\log\sigma(-u_{w_s}^\top v_c)"),
    "28": ("28", r"\delta_o=\frac{\partial J}{\partial s_o}=\sigma(u_o^\top v_c)-1"),
    "28-negative": ("28", r"\delta_{s}=\frac{\partial J}{\partial s_{w_s}}=\sigma(u_{w_s}^\top v_c)"),
    "29": ("29", r"\frac{\partial J}{\partial v_c}=\bigl(\sigma(u_o^\top v_c)-1\bigr)\,u_o"
                 r"+\sum_{s=1}^K\sigma(u_{w_s}^\top v_c)\,u_{w_s}"),
    "30": ("30", r"\frac{\partial J}{\partial u_o}=\bigl(\sigma(u_o^\top v_c)-1\bigr)\,v_c"),
    "35": ("35", r"\frac{\partial J}{\partial u_w}=\sum_{s\,:\,w_s=w}\sigma(u_{w_s}^\top v_c)\,v_c"
                 r"=n_w\,\sigma(u_w^\top v_c)\,v_c"),
    "36": ("36", r"J_{\text{skip-gram}}=\sum_{\substack{-m\le j\le m\\ j\neq0}}J(v_c,w_{t+j},U)"),
    "37": ("37", r"\frac{\partial J_{\text{skip-gram}}}{\partial U}="
                 r"\sum_{\substack{-m\le j\le m\\ j\neq0}}\frac{\partial J(v_c,w_{t+j},U)}{\partial U}"),
    "38": ("38", r"\frac{\partial J_{\text{skip-gram}}}{\partial v_c}="
                 r"\sum_{\substack{-m\le j\le m\\ j\neq0}}\frac{\partial J(v_c,w_{t+j},U)}{\partial v_c}"),
    "39": ("39", r"\frac{\partial J_{\text{skip-gram}}}{\partial v_w}=0\qquad\text{for } w\neq c"),
    "mean": ("", r"h=\frac1m\sum_kv_{o_k}"),
    "cbow-loss": ("70", r"-\log\sigma(u_c^\top h)-\frac KN\sum_{n:\,w_n\neq c}\log\sigma(-u_{w_n}^\top h)"),
    "cbow-h": ("70", r"\bigl(\sigma(u_c^\top h)-1\bigr)\,u_c"
                     r"+\frac KN\sum_{n:\,w_n\neq c}\sigma(u_{w_n}^\top h)\,u_{w_n}"),
    "cbow-v": ("70", r"\frac{\partial J}{\partial v_{o_k}}=\frac1m\,\frac{\partial J}{\partial h}"),
    "40": ("40", r"p(t,c)=\frac{W[t,c]}{\sum_{t',c'}W[t',c']}"),
    "40-targets": ("40", r"p(t)=\sum_{c'}p(t,c')"),
    "40-contexts": ("40", r"p(c)=\sum_{t'}p(t',c)"),
    "41": ("41", r"\mathrm{PMI}(t,c)=\log\frac{p(t,c)}{p(t)\,p(c)}"),
    "42": ("42", r"\mathrm{PPMI}(t,c)=\max\bigl(\mathrm{PMI}(t,c),\,0\bigr)"),
    "43": ("43", r"M_k&=A_k\,S_k\,C_k^\top"),
    "43-lost": ("43", r"\lVert M-M_k\rVert_F^2&=\sum_{i\gt k}S_{ii}^2"),
    "44": ("44", r"(A_kS_k)(A_kS_k)^\top=A_kS_kC_k^\top C_kS_kA_k^\top=M_kM_k^\top"),
    "45": ("45", r"\cos(x,y)=\frac{x^\top y}{\lVert x\rVert\,\lVert y\rVert}"),
}  # fmt: skip


def step_page(path, method="all"):
    """Write a page on which a reader goes through one update, forward and back, and may change every number.

    It works offline, and computes everything by itself. The same method gives the same bytes.

    Parameters
    ----------
    path : str or Path
        The file to write, atomically; its folder must exist.
    method : str
        A key of `METHODS`, which the page begins with, or "all" for the first; the reader may choose another there.

    Raises
    ------
    InputError
        The method has no page.
    EnvironmentFailure
        The file cannot be written.
    """
    if method not in (*METHODS, "all"):
        raise InputError(f"there is no page of {method}: leave out --page, or choose one of {', '.join(METHODS)}")
    title = "word2vec, step by step"
    first = next(iter(METHODS)) if method == "all" else method
    body = part("steps.html").format(
        title=title,
        methods="\n".join(f'<option value="{name}">{html.escape(text)}</option>' for name, text in METHODS.items()),
        formulas="\n".join(_formula(name, number, tex) for name, (number, tex) in FORMULAS.items()),
    )
    write_page(path, title, body, _start(first), ["steps.css"], ["arithmetic.js", "stages.js", "steps.js"])


def _formula(name, number, tex):
    shown = f'<span class="number-of">({number})</span>' if number else ""
    return f'<div id="formula-{name}">{mathml(tex.replace("&", ""))}{shown}</div>'


def _start(method):
    """The state that the page starts from; vectors have one decimal, so that everything can be computed on paper."""
    words = SENTENCE.split()
    rng = np.random.default_rng(SEED)
    vectors = {}
    for word in dict.fromkeys(words):
        vectors[word] = {kind: rng.uniform(-1, 1, DIMENSION).round(1).tolist() for kind in "vu"}
    return {
        "method": method, "loss": "softmax", "dimension": DIMENSION,
        "sentence": words, "vectors": vectors, "centre": CENTRE, "outside": OUTSIDE, "window": WINDOW,
        "K": NEGATIVES, "negatives": [], "step": STEP, "numbers": [-5, -2, -1, 0, 1, 2, 5],
        "countedWords": COUNTED, "counts": COUNTS, "k": 2,
    }  # fmt: skip
