"""utils/explain.py: what it prints is what the methods compute, and a method that is wrong is told so."""

import random
import re
import types

import numpy as np
import pytest
from derivations import PAGE
from fasttextmodel import buckets_of, fnv

import utils.explain
import word2vec
from utils.explain import EXPLANATIONS, NEGATIVES, WRONG, explain, numeric_gradient
from utils.gradcheck import SOFTMAX_FIGURES
from utils.selftests import SELF_TESTS, getDummyObjects
from utils.utils import softmax

METHODS = list(EXPLANATIONS)
NUMBER = r"-?\d+\.\d+"
# How the page's equations begin that the explanations show (a derivative as {d numerator}{denominator}).
LEFT_SIDES = {
    9: r"\hat y_o=P(",
    11: r"J=-\log\hat y_o=",
    14: r"{d J}{\partial v_c}=\sum",
    19: r"{d J}{\partial u_w}=(\hat y_w-y_w)",
    20: r"{d J}{\partial U}=",
    23: r"\sigma(x)=",
    24: r"\sigma(-x)=",
    25: r"\sigma'(x)=",
    27: r"J=-\log\sigma(u_o^\top v_c)",
    28: r"\delta_o=",
    29: r"{d J}{\partial v_c}=\bigl(\sigma",
    30: r"{d J}{\partial u_o}=\bigl(\sigma",
    31: r"{d J}{\partial u_{w_s}}=\sigma",
    35: r"{d J}{\partial u_w}=\sum_{s",
    36: r"J_{\text{skip-gram}}=",
    37: r"{d J_{\text{skip-gram}}}{\partial U}=",
    38: r"{d J_{\text{skip-gram}}}{\partial v_c}=",
    39: r"{d J_{\text{skip-gram}}}{\partial v_w}=0",
    40: r"p(t,c)=",
    41: r"\mathrm{PMI}(t,c)=",
    42: r"\mathrm{PPMI}(t,c)=",
    43: "\\begin{aligned}\nM_k&=A_k",
    44: r"(A_kS_k)(A_kS_k)^\top=",
    45: r"\cos(x,y)=",
    70: "\\begin{aligned}\nJ&=-\\log\\sigma(u_c^\\top h)",
    72: r"J=\sum_{i,j",
    73: r"f(x)=\min",
    74: "\\begin{aligned}\n{d J}{\\partial u_i}&=2",
    78: r"x_w=\frac1{n_w}",
    79: r"z_r'=z_r-\alpha'",
}


@pytest.fixture
def explained(capsys):
    """Explain a method of a model: explained(method, model) -> (verdict, text)."""

    def call(method="all", model=word2vec):
        verdict = explain(model, method)
        return verdict, capsys.readouterr().out

    return call


def changed(**methods):
    """word2vec.py with some methods replaced."""
    names = [*SELF_TESTS, "getNegativeSamples"]
    return types.SimpleNamespace(**{**{name: getattr(word2vec, name) for name in names}, **methods})


def rows_of(text, first_word):
    """The numbers in the lines that begin with a word."""
    lines = [line for line in text.splitlines() if re.match(rf"\s*{re.escape(first_word)}\s", line)]
    return [[float(number) for number in re.findall(NUMBER, line)] for line in lines]


def test_there_is_an_explanation_for_each_method_that_has_a_self_test():
    assert METHODS[: len(SELF_TESTS)] == list(SELF_TESTS)


def test_all_are_explained_in_order_and_all_is_right(explained):
    verdict, text = explained()
    assert verdict is True
    assert WRONG not in text
    assert re.findall(r"^== (\w+)$", text, flags=re.MULTILINE) == METHODS


@pytest.mark.parametrize("method", METHODS)
def test_one_is_explained_without_the_others_and_fits_on_a_screen(explained, method):
    verdict, text = explained(method)
    assert verdict is True
    assert re.findall(r"^== (\w+)$", text, flags=re.MULTILINE) == [method]
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) <= 50
    assert not re.search(r"-0\.0+\b(?!\d)", text)


@pytest.mark.parametrize("method", METHODS)
def test_explaining_twice_prints_the_same(explained, method):
    first = explained(method)
    random.random()
    assert explained(method) == first


def test_sigmoid_table_holds_values_and_derivatives(explained):
    text = explained("sigmoid")[1]
    for x in (-2.0, 0.0, 1.0):
        ((value, mirrored, analytic, numeric),) = rows_of(text, f"{x:g}")
        expected = 1 / (1 + np.exp(-x))
        assert [value, mirrored] == pytest.approx([expected, expected], abs=1e-8)  # printed to 8 digits
        assert [analytic, numeric] == pytest.approx([expected * (1 - expected)] * 2, abs=1e-7)


def vectors():
    _, both, tokens = getDummyObjects()
    return both[2], both[5:], tokens


def test_naive_softmax_table_holds_the_probabilities_and_the_loss(explained):
    text = explained("naiveSoftmaxLossAndGradient")[1]
    v, U, tokens = vectors()
    y_hat = softmax(U @ v)
    for w, i in tokens.items():
        (row,) = rows_of(text, w)
        expected = [*U[i], U[i] @ v, np.exp(U[i] @ v), y_hat[i], y_hat[i] - (w == "b")]
        assert row == pytest.approx(expected, abs=1e-4)  # printed to 4 digits
    worked, returned = (float(x) for x in re.search(rf"J = ({NUMBER}) .* ({NUMBER})$", text, re.MULTILINE).groups())
    assert worked == returned == pytest.approx(-np.log(y_hat[1]), abs=1e-8)


@pytest.mark.parametrize("method", ["naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient"])
def test_gradients_of_a_pair_stand_beside_each_other(explained, method):
    text = explained(method)[1]
    for name in ("v_c", "u_a", "u_b", "u_c", "u_d", "u_e"):
        row = next(row for row in rows_of(text, name) if len(row) == 6)
        assert row[:3] == pytest.approx(row[3:], abs=1e-6)
        assert any(row)


def test_negative_samples_shown_are_those_of_the_loss_and_one_is_repeated(explained):
    text = explained("negSamplingLossAndGradient")[1]
    drawn = re.search(r"drawn: (.*)", text)[1].split()
    assert len(drawn) == NEGATIVES > len(set(drawn))
    assert "b" not in drawn
    v, U, tokens = vectors()
    loss = np.log(1 + np.exp(-U[1] @ v)) + sum(np.log(1 + np.exp(U[tokens[w]] @ v)) for w in drawn)
    worked, returned = (float(x) for x in re.search(rf"J = ({NUMBER}) .* ({NUMBER})$", text, re.MULTILINE).groups())
    assert worked == returned == pytest.approx(loss, abs=1e-8)
    ((total,),) = rows_of(text, "sum")
    terms = [row[-1] for row in rows_of(text, "outside") + rows_of(text, "negative")]
    assert sum(terms) == pytest.approx(total, abs=3e-4)  # six terms printed to 4 digits
    for k, w in enumerate(["b", *drawn]):
        score = U[tokens[w]] @ v
        p = 1 / (1 + np.exp(-score))
        row = (rows_of(text, "outside") + rows_of(text, "negative"))[k]
        assert row[3:6] == pytest.approx([score, p, p - (w == "b")], abs=1e-4)
    for w in set(drawn):
        row = next(row for row in rows_of(text, f"u_{w}") if len(row) == 6)
        expected = drawn.count(w) / (1 + np.exp(-U[tokens[w]] @ v)) * v
        assert row[:3] == pytest.approx(expected, abs=1e-7)


def test_skipgram_shows_the_pairs_and_arrives_at_the_handouts_figure(explained):
    text = explained("skipgram")[1]
    figure = SOFTMAX_FIGURES[0][3]
    (total,) = rows_of(text, "sum")
    assert total == [pytest.approx(figure, abs=1e-8)]
    v, U, _ = vectors()
    assert rows_of(text, "d") == [[pytest.approx(-np.log(softmax(U @ v)[3]), abs=1e-8)]]
    assert len(rows_of(text, "b")) == 2
    for word in "abde":
        assert rows_of(text, f"v_{word}") == [[0.0] * 6]
    assert all(rows_of(text, "v_c")[0])


@pytest.mark.parametrize("which, lines", [(0, 1), (1, 1), (2, 5)])
@pytest.mark.parametrize("method", ["naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient"])
def test_a_wrong_loss_or_gradient_is_pointed_at(explained, method, which, lines):
    def wrong(*args, **kwargs):
        answer = list(getattr(word2vec, method)(*args, **kwargs))
        answer[which] = answer[which] * 1.01 if which else answer[which] + 0.01  # a constant, which no gradient shows
        return tuple(answer)

    verdict, text = explained(method, changed(**{method: wrong}))
    assert verdict is False
    assert text.count(WRONG) == lines


def test_repeated_negatives_that_overwrite_each_other_are_pointed_at(explained):
    def overwriting(v, o, U, dataset, K):
        drawn = []

        class Recording:
            def sampleTokenIdx(self):
                drawn.append(dataset.sampleTokenIdx())
                return drawn[-1]

        loss, grad_v, grad_U = word2vec.negSamplingLossAndGradient(v, o, U, Recording(), K)
        for w in {w for w in drawn if w != o}:
            grad_U[w] /= drawn.count(w)
        return loss, grad_v, grad_U

    verdict, text = explained("negSamplingLossAndGradient", changed(negSamplingLossAndGradient=overwriting))
    repeated = {w for w in re.search(r"drawn: (.*)", text)[1].split() if text.count(f"negative   {w} ") > 1}
    wrong = [line.split()[0] for line in text.splitlines() if line.endswith(WRONG)]
    assert verdict is False
    assert wrong == sorted(f"u_{w}" for w in repeated)


WRONG_SIGMOIDS = [lambda x: x / (1 + np.abs(x)), lambda x: word2vec.sigmoid(2 * x), lambda x: x * np.nan]


@pytest.mark.parametrize("wrong", WRONG_SIGMOIDS, ids=["another curve", "too steep", "not a number"])
def test_a_wrong_sigmoid_is_pointed_at(explained, wrong):
    verdict, text = explained("sigmoid", changed(sigmoid=wrong))
    assert verdict is False
    assert WRONG in text


def test_a_gradient_of_the_wrong_shape_is_pointed_at(explained):
    def transposed(*args):
        loss, grad_v, grad_U = word2vec.naiveSoftmaxLossAndGradient(*args)
        return loss, grad_v, grad_U.T

    verdict, text = explained("naiveSoftmaxLossAndGradient", changed(naiveSoftmaxLossAndGradient=transposed))
    assert verdict is False
    assert "shape (3, 5), wanted (5, 3)" in text


def test_a_window_that_leaves_out_a_word_is_pointed_at(explained):
    def short(centre, size, outsides, *rest):
        return word2vec.skipgram(centre, size, outsides[1:], *rest)

    verdict, text = explained("skipgram", changed(skipgram=short))
    assert verdict is False
    assert f"{WRONG}\n" in text


def test_cbow_is_explained_with_the_mean_of_the_window_and_shares_its_gradient(explained):
    text = explained("cbow")[1]
    _, both, tokens = getDummyObjects()
    V, U = both[:5], both[5:]
    h = (V[tokens["a"]] + 2 * V[tokens["b"]] + V[tokens["e"]]) / 4
    drawn = re.search(r"drawn: (.*)", text)[1].split()
    assert len(drawn) == NEGATIVES and "c" not in drawn
    targets = [tokens[w] for w in ("c", *drawn)]
    delta = 1 / (1 + np.exp(-U[targets] @ h)) - (np.arange(len(targets)) == 0)
    loss = np.log(1 + np.exp(-U[tokens["c"]] @ h)) + sum(np.log(1 + np.exp(U[tokens[w]] @ h)) for w in drawn)
    worked, returned = (float(x) for x in re.search(rf"J = ({NUMBER}) .* ({NUMBER})$", text, re.MULTILINE).groups())
    assert worked == returned == pytest.approx(loss, abs=1e-8)
    for word, times in {"a": 1, "b": 2, "c": 0, "d": 0, "e": 1}.items():
        ((*analytic, x, y, z),) = [row for row in rows_of(text, f"v_{word}") if len(row) == 6]
        assert analytic == pytest.approx(times / 4 * delta @ U[targets], abs=1e-7)  # printed to 7 digits
        assert [x, y, z] == pytest.approx(analytic, abs=1e-6)
    assert rows_of(text, "u_b")[0] == [0.0] * 6  # not the window's word, but those drawn and the centre word


def test_subwords_are_explained_with_their_buckets_and_share_the_gradient(explained):
    verdict, text = explained("subwords")
    assert verdict is True
    _, both, tokens = getDummyObjects()
    pieces = ["<ca", "caf", "afé", "fé>"]
    for piece, bucket in zip(pieces, buckets_of("café", 3, 3, 2_000_000), strict=True):
        (line,) = [line for line in text.splitlines() if line.split()[:1] == [piece]]
        assert line.split()[1:3] == [str(fnv(piece.encode())), str(bucket)]
    x, U = both[:5].mean(axis=0), both[5:]
    assert [float(number) for number in re.search(r"x_w = \[(.*)\]", text)[1].split()] == pytest.approx(x, abs=1e-4)
    targets = [tokens[w] for w in ("b", *re.search(r"drawn: (.*)", text)[1].split())]
    delta = 1 / (1 + np.exp(-U[targets] @ x)) - (np.arange(len(targets)) == 0)
    for piece in ("café", *pieces):
        numbers = rows_of(text, f"z_{piece}")[0]
        assert numbers[:3] == pytest.approx(delta @ U[targets] / 5, abs=1e-7)  # printed to 7 digits
        assert numbers[3:] == pytest.approx(numbers[:3], abs=1e-6)


@pytest.mark.parametrize("name", ["Composed", "_hash"])
def test_subwords_that_are_wrong_are_pointed_at(explained, monkeypatch, name):
    class Wrong(utils.explain.Composed):
        def of_words(self, matrix):
            return super().of_words(matrix) * 1.01

    monkeypatch.setattr(utils.explain, name, {"Composed": Wrong, "_hash": len}[name])
    verdict, text = explained("subwords")
    assert verdict is False and WRONG in text


def test_ppmi_is_explained_with_the_precepts_table(explained):
    text = explained("ppmi")[1]
    # Counted on paper: 10/120 / (20/120 * 50/120) = 1.2 and 40/120 / (50/120 * 50/120) = 1.92.
    for (t, c), count, ratio in ((("I", "like"), 10, 1.2), (("like", "dogs"), 40, 1.92)):
        for pair in ((t, c), (c, t)):
            (line,) = [line for line in text.splitlines() if line.split()[:2] == list(pair)]
            joint, p_t, p_c, worked, returned, positive = (float(x) for x in line.split()[3:])
            assert joint == pytest.approx(count / 120, abs=1e-4)  # printed to 4 digits
            assert joint / (p_t * p_c) == pytest.approx(ratio, rel=2e-3)
            assert [worked, returned, positive] == pytest.approx([np.log(ratio)] * 3, abs=1e-4)
    for word in ("I", "like", "dogs"):
        (line,) = [line for line in text.splitlines() if line.split()[:2] == [word, word]]
        assert line.split()[-2:] == ["-inf", "0.0000"]


def test_svd_is_explained_with_singular_values_counted_on_paper(explained):
    text = explained("svd")[1]
    # M = [[0, a, a], [a, 0, b], [a, b, 0]]: (0, 1, -1) has the eigenvalue -b, the others solve x^2 - b x = 2 a^2.
    a, b = np.log(1.2), np.log(1.92)
    root = np.sqrt(b * b + 8 * a * a)
    expected = [(b + root) / 2, b, (root - b) / 2]
    shown = [float(x) for x in re.search(r"singular values S = \[(.*)\]", text)[1].split()]
    assert shown == pytest.approx(expected, abs=1e-4)  # printed to 4 digits
    lost = [float(x) for x in re.search(rf"= ({NUMBER}), the square of what is left out ({NUMBER})", text).groups()]
    assert lost == pytest.approx([expected[2] ** 2] * 2, abs=1e-8)
    by_word = {line.split()[0]: line for line in text.splitlines() if "[" in line}
    # The first vector is (2 a, s, s), scaled to length s, the second (0, 1, -1), scaled to length b.
    first = np.array([2 * a, expected[0], expected[0]])
    first *= expected[0] / np.linalg.norm(first)
    second = np.array([0, 1, -1]) * b / np.sqrt(2)
    for i, word in enumerate(("I", "like", "dogs")):
        shown = [float(x) for x in re.findall(NUMBER, by_word[word])][3:]
        assert shown == pytest.approx([first[i], second[i]], abs=1e-4)


def test_glove_is_explained_with_terms_that_can_be_worked_out_again(explained):
    verdict, text = explained("glove")
    assert verdict is True
    terms = []
    for (i, j), count in {("I", "like"): 10, ("like", "I"): 10, ("like", "dogs"): 40, ("dogs", "like"): 40}.items():
        (line,) = [line for line in text.splitlines() if line.split()[:3] == [i, j, str(count)]]
        log, weight, score, error, term = (float(x) for x in line.split()[3:])
        assert (log, weight) == pytest.approx((np.log(count), (count / 100) ** 0.75), abs=1e-4)
        assert error == pytest.approx(score - log, abs=2e-4)
        assert term == pytest.approx(weight * error**2, rel=2e-3)
        terms.append(term)
    total = float(re.search(rf"^ +sum +({NUMBER})$", text, re.MULTILINE)[1])
    assert total > sum(terms)
    assert float(re.search(rf"J = ({NUMBER}) as worked out", text)[1]) == pytest.approx(total, abs=1e-4)


def test_a_wrong_gradient_of_glove_is_pointed_at(explained, monkeypatch):
    right = utils.explain.Trainer.weights
    monkeypatch.setattr(utils.explain.Trainer, "weights", lambda self, values: 1.01 * right(self, values))
    verdict, text = explained("glove")
    assert verdict is False and WRONG in text


@pytest.mark.parametrize("name, method", [("pmi", "ppmi"), ("ppmi", "ppmi"), ("svd_vectors", "svd")])
def test_counting_that_is_wrong_is_pointed_at(explained, monkeypatch, name, method):
    right = getattr(utils.explain, name)
    monkeypatch.setattr(utils.explain, name, lambda *args, **options: right(*args, **options) * 1.01)
    verdict, text = explained(method)
    assert verdict is False and WRONG in text


def test_a_wrong_loss_of_cbow_is_pointed_at(explained):
    def wrong(*args, **kwargs):
        loss, grad_v, grad_U = word2vec.negSamplingLossAndGradient(*args, **kwargs)
        return loss, 2 * grad_v, grad_U

    verdict, text = explained("cbow", changed(negSamplingLossAndGradient=wrong))
    assert verdict is False
    assert text.count(WRONG) == 3  # v_a, v_b and v_e


def test_a_page_is_written_instead(tmp_path, capsys):
    assert word2vec.main(["explain", "svd", "--page", str(tmp_path / "step.html")]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'step.html'}: open it in a browser\n"
    assert '"method":"svd"' in (tmp_path / "step.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--page", "step.html"], "--page is written by `explain`; got all --page step.html"),
        (["skipgram", "--page", "step.html"], "--page is written by `explain`; got skipgram --page step.html"),
        (["explain", "--page", "word2vec.py"], "--page must name a file that ends in .html, got word2vec.py"),
        (["explain", "skipgram", "--page", "step"], "--page must name a file that ends in .html, got step"),
    ],
)
def test_a_page_that_cannot_be_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        word2vec.main(arguments)
    assert exit.value.code == 2 and message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_numeric_gradient_of_a_polynomial_and_its_draws():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    random.seed(5)
    state = random.getstate()
    gradient = numeric_gradient(lambda x: (x**2).sum() + random.random(), x)  # the same draw on both sides cancels
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-9)
    assert (x == before).all()
    assert random.getstate() == state


def test_the_equation_numbers_are_those_of_the_page(explained):
    equations = re.findall(r"^```math\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    shown = {int(number) for number in re.findall(r"\((\d\d?)\)", explained()[1])}
    assert shown == set(LEFT_SIDES)
    for number, left_side in LEFT_SIDES.items():
        assert equations[number - 1].replace(r"\frac{\partial", "{d").startswith(left_side)
