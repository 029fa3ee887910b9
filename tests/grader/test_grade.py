"""The command `grade.py`: points, reports, statuses; comparing and hints; the trained parameters."""

import contextlib
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from solutions.mutants import base
from solutions.proof import grade_files, text

import grade
import run
from grader import report
from grader.compare import Outcome, failed, judge
from grader.grading import Grading, Result
from grader.losses import NaiveSoftmax, NegativeSampling, Sigmoid
from grader.mistakes import KINDS, NAIVE_SOFTMAX, NEGATIVE_SAMPLING, Case
from grader.optimiser import Sgd
from grader.reply import Answer, BadReply, Failure, Other, array, read_answers
from grader.scheme import PART_TITLES, read_scheme
from grader.training import Training
from grader.windows import Skipgram
from utils.system import console
from utils.system.paths import PROJECT


@pytest.fixture
def solution(tmp_path):
    """The folder of a correct solution without a training."""
    folder = tmp_path / "solution"
    folder.mkdir()
    for name, content in base().items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def status_of(*arguments):
    with pytest.raises(SystemExit) as leaving:
        console.run(grade.main, [str(argument) for argument in arguments])
    return leaving.value.code


# The scheme


SCHEME = read_scheme()


def test_the_points_are_the_handouts():
    points = {part: sum(line.points for line in SCHEME.lines_of(part)) for part in PART_TITLES}
    assert points == {
        "sigmoid": 1, "softmax": 4, "neg": 4, "skipgram": 3, "sgd": 4, "training": 2, "efficiency": 0
    }  # fmt: skip
    assert sum(points.values()) == 18
    assert {line.part for line in SCHEME.lines} == set(PART_TITLES)


def test_every_line_of_the_scheme_is_judged(solution):
    grading = grade.grade(grade.collect(solution), text(), list(PART_TITLES))
    assert [result.line for result in grading.results] == list(SCHEME.lines)
    assert grading.points == 16.5  # all but those of the missing training
    assert any("plain loop" in remark for remark in grading.remarks)


def test_a_skeleton_without_content_gets_no_points():
    files = base()
    head = "import numpy as np\n\n\n"
    files["word2vec.py"] = head + (
        "def sigmoid(x):\n    return s\n\n\n"
        "def naiveSoftmaxLossAndGradient(v, o, U, dataset):\n    return loss, gradCenterVec, gradOutsideVecs\n\n\n"
        "def negSamplingLossAndGradient(v, o, U, dataset, K=10):\n    return loss, gradCenterVec, gradOutsideVecs\n\n\n"
        "def skipgram(word, size, outside, ind, V, U, dataset, loss=None):\n"
        "    return 0.0, np.zeros(V.shape), np.zeros(U.shape)\n"
    )
    to_write = "        loss, grad = f(x)\n        x -= step * grad\n"
    files["sgd.py"] = files["sgd.py"].replace(to_write, "        loss = 0\n")
    grading = grade_files(files, [part for part in PART_TITLES if part not in ("training", "efficiency")], 0)
    assert grading.points == 0


# The command


def test_the_table_names_parts_points_and_what_is_wrong(solution, capsys):
    file = solution / "word2vec.py"
    file.write_text(file.read_text(encoding="utf-8").replace("np.outer(delta,", "np.outer(yhat,"), encoding="utf-8")
    assert status_of(solution, "--only", "softmax") == 0
    out = capsys.readouterr().out
    assert "naiveSoftmaxLossAndGradient   2.75 of  4.00" in out
    assert "gradOutsideVecs[" in out and "expected" in out and "got" in out
    assert "hint: y is not subtracted" in out
    assert "ok" not in out.split()
    assert "skipgram" not in out


def test_verbose_shows_what_is_right_too_and_the_seed(solution, capsys):
    assert status_of(solution, "--only", "sigmoid", "--verbose", "--seed", "7") == 0
    out = capsys.readouterr().out
    assert out.count("ok") == 3
    assert "seed 7;" in out


def test_the_json_and_gradescope_files(solution, tmp_path):
    assert status_of(solution, "--only", "sgd", "--json", tmp_path / "a.json", "--gradescope", tmp_path / "b.json") == 0
    whole = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (whole["points"], whole["possible"], len(whole["lines"])) == (4, 4, 5)
    for_gradescope = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert for_gradescope["score"] == 4
    assert for_gradescope["execution_time"] >= 0
    (test,) = for_gradescope["tests"]
    assert (test["name"], test["score"], test["max_score"]) == ("sgd", 4, 4)
    assert "halving" in test["output"]


def test_gradescopes_total_is_the_sum_of_its_tests_and_tells_what_is_wrong():
    lines = [line for line in SCHEME.lines if line.part in ("sigmoid", "sgd")]
    results = [Result(line, failed("seen", "looks") if line.check == "large" else Outcome()) for line in lines]
    content = report.as_gradescope(Grading(results, SCHEME, ["by the way"]))
    assert content["score"] == sum(test["score"] for test in content["tests"]) == 4.75
    assert [test["score"] for test in content["tests"]] == [0.75, 4]
    assert "seen" in content["tests"][0]["output"] and "looks" in content["tests"][0]["output"]
    assert "by the way" in content["output"]


def test_wrong_use_is_status_2_and_one_line(solution, tmp_path, capsys):
    for arguments in (
        [tmp_path / "nowhere"],
        [solution, "--only", "nothing"],
        [solution, "--data", tmp_path / "nowhere", "--only", "training"],
        [solution, "--only", "sigmoid", "--json", tmp_path / "nowhere" / "a.json"],
        [solution, "--sample", "--data", tmp_path],
    ):
        assert status_of(*arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_bad_zip_is_graded_with_no_points(tmp_path, capsys):
    (tmp_path / "assignment2.zip").write_bytes(b"PK no zip")
    assert status_of(tmp_path / "assignment2.zip", "--only", "sgd", "--gradescope", tmp_path / "r.json") == 0
    assert "cannot be unpacked" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["score"] == 0


def test_a_folder_without_the_two_files_is_graded_with_no_points(tmp_path, capsys):
    assert status_of(tmp_path, "--only", "sigmoid") == 0
    assert "word2vec.py is missing" in capsys.readouterr().out


def test_as_a_process_it_grades_and_leaves_the_solution_as_it_was(solution, command):
    before = {path.name: path.read_bytes() for path in solution.iterdir()}
    called = command("grade.py", solution, "--only", "sigmoid")
    assert (called.returncode, called.stderr) == (0, "")
    assert "1.00 of  1.00" in called.stdout
    assert {path.name: path.read_bytes() for path in solution.iterdir()} == before


def test_the_seed_goes_with_the_code_and_changes_the_cases(solution):
    one, other = grade.collect(solution), grade.collect(solution)
    other.code["word2vec.py"] += b"\n"
    seeds = [grade.grade(s, None, ["sigmoid"]).seed for s in (one, one, other)]
    assert seeds[0] == seeds[1] != seeds[2]
    cases = [NaiveSoftmax(np.random.default_rng(seed), []).plain[0].U for seed in (1, 1, 2)]
    assert (cases[0] == cases[1]).all() and (cases[0] != cases[2]).all()


# Our own solution, and the training


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A copy of this project with a short training on the sample treebank that passes for a long one."""
    folder = tmp_path_factory.mktemp("ours")
    for name in ("word2vec.py", "sgd.py", "run.py"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / "utils", folder / "utils", ignore=shutil.ignore_patterns("__pycache__", "datasets"))
    run.main(["--sample", "--iterations", "4000", "--out", str(folder), "--quiet"])
    (folder / "saved_params_4000.npy").rename(folder / "saved_params_40000.npy")
    return folder


def test_our_own_solution_gets_all_points(ours, tmp_path, capsys):
    scheme = tmp_path / "scheme.toml"
    scheme.write_text("[bounds]\nsample = 3.5\n", encoding="utf-8")  # what 4,000 iterations reach: 3.3
    assert status_of(ours, "--sample", "--scheme", scheme) == 0
    assert "total                        18.00 of 18.00" in capsys.readouterr().out


def graded_training(folder, capsys, *arguments):
    assert status_of(folder, "--only", "training", *arguments) == 0
    return capsys.readouterr().out


def test_a_training_that_was_too_short_loses_the_fit(ours, capsys):
    out = graded_training(ours, capsys, "--sample")
    assert "1.50 of  2.00" in out and "at most 3.23" in out


def test_parameters_of_the_sample_do_not_pass_for_those_of_sst(ours, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(grade, "DEFAULT_FOLDER", tmp_path / "nowhere")
    out = graded_training(ours, capsys)
    assert "has shape (2304, 10), expected (39078, 10)" in out and "1.00 of  2.00" in out


@pytest.fixture(scope="module")
def picture():
    """A picture of words, as PNG."""
    from matplotlib.figure import Figure

    figure, out = Figure(figsize=(4, 3)), io.BytesIO()
    for n, word in enumerate(("coffee", "tea", "queen", "king")):
        figure.text(0.2 * n, 0.2 * n, word)
    figure.savefig(out, format="png")
    return out.getvalue()


def like_trained(shape=(39078, 10)):
    """Numbers with what training does to vectors: those of early words, which are frequent, are longer."""
    x = np.random.default_rng(0).normal(size=shape)
    return x * np.tile(np.linspace(2, 1, len(x) // 2), 2)[:, None]


@pytest.mark.parametrize(
    "parameters, change, said",
    [
        (lambda x: np.zeros_like(x), None, "all outside vectors are zero"),
        (lambda x: x * np.repeat((1e-3, 1), len(x) // 2)[:, None], None, "as small as before any training"),
        (lambda x: np.where(x > 1, np.nan, x), None, "not finite"),
        (lambda x: x.T, None, "transposed"),
        (lambda x: np.array([None]), None, "cannot be read"),
        (lambda x: np.random.default_rng(1).normal(size=x.shape), None, "not trained vectors"),
        (lambda x: np.random.default_rng(1).random(x.shape), None, "not trained vectors"),
        (lambda x: x, lambda png: b"no picture", "not a PNG"),
        (lambda x: x, lambda png: png[:8] + bytes(2000), "damaged PNG"),
        (lambda x: x, lambda png: png[: len(png) // 2], "damaged PNG"),
        (lambda x: x, lambda png: png[:8], "not a whole PNG"),
        (lambda x: x, lambda png: blank_png(), "is blank"),
    ],
)
def test_what_is_wrong_with_the_products_is_told(picture, parameters, change, said):
    saved = io.BytesIO()
    np.save(saved, parameters(like_trained()), allow_pickle=True)
    files = {"saved_params_40000.npy": saved.getvalue(), "word_vectors.png": change(picture) if change else picture}
    training = Training(np.random.default_rng(0), [], text(), files, SCHEME.bounds)
    lost = {check: o for check, o in training.judge_products().items() if not o.passed}
    assert set(lost) == ({"plot"} if change else {"parameters", "fit"})
    assert all(said in " ".join((outcome.message, *outcome.hints)) for outcome in lost.values())


def blank_png():
    from matplotlib.figure import Figure

    out = io.BytesIO()
    Figure(figsize=(4, 3)).savefig(out, format="png")
    return out.getvalue()


def test_without_a_treebank_it_says_that_no_loss_was_computed(tmp_path, capsys, monkeypatch, solution, picture):
    monkeypatch.setattr(grade, "DEFAULT_FOLDER", tmp_path / "nowhere")
    np.save(solution / "saved_params_40000.npy", like_trained())
    (solution / "word_vectors.png").write_bytes(picture)
    out = graded_training(solution, capsys)
    assert "2.00 of  2.00" in out
    assert "no loss was computed" in out


def test_on_sst_parameters_that_were_not_trained_do_not_fit(sst_folder, solution, capsys):
    np.save(solution / "saved_params_40000.npy", np.random.default_rng(0).normal(size=(39078, 10)))
    out = graded_training(solution, capsys, "--data", sst_folder)
    assert "before any training 7.62" in out
    assert "-0.5  trial" not in out


def test_a_printed_loss_that_hides_a_wrong_gradient_is_found_by_the_parameters():
    files = base()
    # The outside vectors' gradient forgets repeated negatives; at first that hardly shows in the loss.
    old = "np.add.at(gradOutsideVecs, negatives, np.outer(1 - p_k, centerWordVec))"
    new = "gradOutsideVecs[negatives] += np.outer(1 - p_k, centerWordVec)"
    files["word2vec.py"] = files["word2vec.py"].replace(old, new)
    grading = grade_files(files, ["training"], 0)
    assert "parameters after 60 iterations[" in grading.results[0].outcome.message


# Comparing, and hints


def test_a_hint_needs_an_exact_match_of_all_values():
    right = [np.array([1.0, 2.0]), np.array([3.0, 5.0])]
    mistaken = [np.array([1.5, 2.5]), np.array([3.5, 5.5])]
    known = [("half too much", mistaken)]
    got = list(zip([m + 1e-12 for m in mistaken], right, strict=True))
    assert judge(got, "x", [], known).hints == ["half too much"]
    assert judge([(m + 1e-8, r) for m, r in zip(mistaken, right, strict=True)], "x", [], known).hints == []
    assert judge([(mistaken[0], right[0]), (mistaken[1] + 1, right[1])], "x", [], known).hints == []


@pytest.mark.parametrize(
    "change, hint",
    [
        (lambda x: -x, "except for the sign"),
        (lambda x: x.T, "transposed"),
        (lambda x: 0 * x, "zero everywhere"),
        (lambda x: 2.5 * x, "2.5 times"),
        (lambda x: x + np.nan, "NaN"),
    ],
)
def test_general_hints(change, hint):
    right = np.random.default_rng(0).normal(size=(3, 2))
    outcome = judge([(change(right), right)], "x", [])
    assert not outcome.passed
    assert hint in outcome.hints[0]


def test_index_expected_and_got_are_told():
    right = np.zeros((2, 3))
    wrong = right.copy()
    wrong[1, 2] = 4
    assert judge([(wrong, right)], "grad", []).message == "grad[1, 2]: expected 0, got 4 (1 of 6 entries differ)"


@pytest.mark.parametrize("got, right", [(np.array([2.0]), 2.0), (np.ones((1, 3)), np.ones(3)), (1 + 1e-8, 1.0)])
def test_harmless_differences_are_remarks(got, right):
    remarks = []
    assert judge([(np.asarray(got), right)], "x", remarks).passed
    assert len(remarks) == 1


@pytest.mark.parametrize("got", [None, Other("str"), (), np.ones((3, 1)), np.array(np.nan), np.array(np.inf)])
def test_other_differences_are_not(got):
    assert not judge([(got, np.ones(3) if np.ndim(got) == 2 else 1.0)], "x", []).passed


@pytest.mark.parametrize("mistakes, K", [(NAIVE_SOFTMAX, None), (NEGATIVE_SAMPLING, 4)])
def test_no_known_mistake_is_right_and_no_two_hints_mean_the_same(mistakes, K):
    rng = np.random.default_rng(3)
    case = Case(rng.normal(size=3), 2, rng.normal(size=(7, 3)), (0, 2, 3, 3, 5, 1, 0, 4, 6, 1, 5, 3, 0, 1), K)
    grader = (NaiveSoftmax if K is None else NegativeSampling)(rng, [])
    expected = grader.right(case)

    def same(one, other):  # the smallest mistake, an epsilon of 1e-6, changes the loss by about as much
        return np.allclose(one, other, rtol=1e-9, atol=1e-9)

    seen = {kind: [] for kind in KINDS}
    with np.errstate(all="ignore"):
        for hint, formula in mistakes:
            given_values = formula(case)
            differs = [v is not None and not same(v, e) for v, e in zip(given_values, expected, strict=True)]
            assert any(differs), hint
            for kind, value, wrong in zip(KINDS, given_values, differs, strict=True):
                if wrong and np.isfinite(value).all():
                    assert not any(same(value, other) for other in seen[kind]), (hint, kind)
                    seen[kind].append(value)


# What comes back from a child may be anything

WEIRD = st.one_of(
    st.none(),
    st.just(Other("str")),
    st.sampled_from([np.zeros(()), np.zeros(0), np.full((2, 2), np.nan), np.array([np.inf, 1e300]), np.zeros((0, 3))]),
    st.tuples(st.just(np.zeros(())), st.just(np.zeros(3)), st.just(Other("x"))),
    st.just(()),
)
KEYS = ["value", "array", "shape", "tuple", "error", "args", "printed", "warnings"]
TEXTS = st.sampled_from(["", "iter 8: 1.0", "iter 99999999999: 1e999", "iter: \n" * 9])
ANSWERS = st.one_of(
    st.builds(Failure, st.just("ValueError"), st.just("x")),
    st.builds(
        Answer,
        value=WEIRD,
        printed=TEXTS,
        draws=st.integers(-1, 2**70),
        called=st.integers(0, 30),
        postprocessed=st.integers(0, 8),
        calls=st.lists(st.lists(WEIRD, max_size=4).map(tuple), max_size=3),
        seen=WEIRD,
        drawn=WEIRD,
    ),
)


@pytest.mark.parametrize("make", [Sigmoid, NaiveSoftmax, NegativeSampling, Skipgram, Sgd])
@settings(max_examples=25, phases=[Phase.generate])
@given(data=st.data())
def test_no_answer_whatever_breaks_the_grader(make, data):
    grader = make(np.random.default_rng(0), [])
    for job in grader.jobs:
        job.answers = [data.draw(ANSWERS) for _ in job.steps]
        for answer, (_, arguments) in zip(job.answers, job.steps, strict=True):
            if isinstance(answer, Answer):
                answer.args[:] = [data.draw(WEIRD) for _ in arguments.get("args", [])]
    assert all(isinstance(outcome, Outcome) for outcome in grader.judge().values())


@settings(max_examples=60)
@given(st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner)),
))  # fmt: skip
def test_no_reply_whatever_breaks_the_reading(answer):
    line = json.dumps({"id": "a", "answers": [answer]}).encode()
    with contextlib.suppress(BadReply):
        assert isinstance(read_answers(line, "a", [("call", {"args": []})])[0], Answer | Failure)


@given(st.lists(st.floats(allow_nan=False), max_size=6))
def test_arrays_come_back_as_they_were_sent(values):
    from grader.child import decode, encode

    values = np.array(values)
    answer = {"value": encode(decode(array(values), {})), "printed": "", "warnings": []}
    line = json.dumps({"id": "a", "answers": [answer]}).encode()
    assert np.array_equal(read_answers(line, "a", [("look", {})])[0].value, values)


# Results are written whatever happens


@pytest.mark.parametrize("where", ["grade.collect", "grader.grading.Sandbox", "grader.losses.Sigmoid.judge"])
def test_a_mistake_of_the_graders_own_still_gives_results(where, solution, tmp_path, capsys, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError("a mistake of the grader's own")

    monkeypatch.setattr(where, fail)
    assert status_of(solution, "--only", "sigmoid", "--gradescope", tmp_path / "r.json") == 1
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["score"] == 0
    out, err = capsys.readouterr()
    assert "please tell your instructor" in out
    assert "ZeroDivisionError: a mistake of the grader's own" in err


MALFORMED = {
    "unclosed": b"\x93NUMPY\x01\x00\x36\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (39078, 10\n",
    "lying": b"\x93NUMPY\x01\x00\x4a\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 10), }".ljust(73)
    + b"\n",
    "empty": b"",
    "magic": b"\x93NUMPY",
    "version": b"\x93NUMPY\x09\x09\x00\x00",
    "code": b"\x93NUMPY\x01\x00\x2a\x00" + b"{'descr': __import__('os').getcwd(), }".ljust(41) + b"\n",
    "deep": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_parameters_cost_their_lines(name):
    products = {"saved_params_40000.npy": MALFORMED[name]}
    training = Training(np.random.default_rng(0), [], text(), products, SCHEME.bounds)
    training.jobs[0].answers = [Failure("NotRun", "for this test")]
    outcomes = training.judge()
    assert "saved_params_40000.npy cannot be read" in outcomes["parameters"].message
    assert not outcomes["fit"].passed


def test_with_malformed_parameters_results_are_written(solution, tmp_path):
    (solution / "saved_params_40000.npy").write_bytes(MALFORMED["unclosed"])
    assert status_of(solution, "--only", "training", "--gradescope", tmp_path / "r.json") == 0
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["score"] == 0.5
