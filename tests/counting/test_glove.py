"""GloVe's training: a plain loop over cells as oracle, its settings, stopping and resuming, what it learns."""

import signal
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from utils.counting import glove
from utils.counting.glove import Settings, Trainer, fit
from utils.counting.tiles import Batches, Cells, Tile
from utils.runs.checkpoints import Checkpoints
from utils.runs.losses import Losses
from utils.system.errors import InputError

V, D = 60, 4


def counts_of(seed=0, density=0.4):
    """Counts of some size, each word with at least one."""
    matrix = random_array((V, V), density=density, rng=np.random.default_rng(seed)).toarray() ** 4 * 40
    return csr_array(matrix + np.eye(V))


def trainer_of(counts=None, **settings):
    """A trainer with tiles and lists."""
    counts = counts_of() if counts is None else counts
    trainer = Trainer(counts, Settings(**{"dim": D, "dtype": "float64", "iterations": 2, **settings}))
    permuted = csr_array(counts.toarray()[trainer.order][:, trainer.order])
    dtype = np.dtype(trainer.settings.dtype)
    trainer.batches = Batches(permuted, dtype, side=16, full=0.45, panel=32, batch=100)
    return trainer


# The oracle: one cell at a time


def cells_of(batch):
    if isinstance(batch, Cells):
        return zip(batch.rows[batch.row_of], batch.columns[batch.column_of], batch.values, strict=True)
    rows, columns = np.divmod(batch.places, batch.columns.stop - batch.columns.start)
    return zip(rows + batch.rows.start, columns + batch.columns.start, batch.values, strict=True)


def looped_step(words, sums, batch, settings):
    """One step on `words`, {(side, word): vector with bias}, and their sums of squares; return the cost."""
    d, eta = settings.dim, settings.step
    found, cost = {}, 0.0
    for i, j, x in cells_of(batch):
        u, v = words[0, i], words[1, j]
        error = u[:d] @ v[:d] + u[d] + v[d] - np.log(x)
        weight = min(1.0, (x / settings.x_max) ** settings.alpha)
        cost += weight * error**2 / 2
        for row, other in (((0, i), v), ((1, j), u)):
            found.setdefault(row, []).append((weight, error, np.append(other[:d], 1.0), 1 + other @ other))
    moved = {}
    for row, terms in found.items():
        g = sum(weight * error * other for weight, error, other, _ in terms)
        step = eta * g / np.sqrt(sums[row])
        if isinstance(batch, Tile):
            bend = sum(weight * (step @ other) ** 2 for weight, _, other, _ in terms)
        else:
            bend = step @ step * sum(weight * square for weight, _, _, square in terms)
        moved[row] = min(1.0, g @ step / bend) * step
        sums[row] = sums[row] + (eta * g) ** 2
    for row, step in moved.items():
        words[row] = words[row] - step
    return cost


@pytest.mark.parametrize("step", [0.05, 2.0], ids=["short steps", "bounded steps"])
def test_an_iteration_is_that_of_a_plain_loop(step):
    trainer = trainer_of(step=step)
    x = trainer.initial()
    words = {(0, i): x[0, 0, i, : D + 1].copy() for i in range(V)}
    words |= {(1, i): np.append(x[0, 1, i, :D], x[0, 1, i, D + 1]) for i in range(V)}
    sums = {row: np.ones(D + 1) for row in words}
    kinds = set()
    for batch in trainer.shuffled(0):
        kinds.add(type(batch))
        cost = trainer.step(x, batch)
        assert cost == pytest.approx(looped_step(words, sums, batch, trainer.settings), rel=1e-12)
    assert kinds == {Tile, Cells}
    for place, wanted in ((0, words), (1, sums)):
        centre = [wanted[0, i] for i in range(V)]
        outside = [np.insert(wanted[1, i], D, 1.0) for i in range(V)]
        # An iteration of some thirty steps, each rounded at 1e-16 of numbers up to about 10.
        np.testing.assert_allclose(x[place, 0, :, : D + 1], centre, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(x[place, 1], outside, rtol=1e-12, atol=1e-12)
    assert (x[:, 0, :, D + 1] == 1).all()


def test_the_whole_training_is_its_steps_and_its_cost_their_mean():
    trainer, reports = trainer_of(), []
    x = trainer.initial()
    costs = [sum(trainer.step(x, b) for b in trainer.shuffled(n)) / trainer.cells for n in range(2)]
    found = fit(trainer, report=reports.append)
    assert found.tobytes() == x.tobytes()
    assert [report.batch for report in reports] == [n * len(trainer.batches) for n in (1, 2)]
    np.testing.assert_allclose([report.loss for report in reports], costs, rtol=1e-13)
    assert costs[0] > costs[1]


def test_words_come_back_in_the_order_of_the_counts():
    rng = np.random.default_rng(4)
    logs = rng.normal(size=(V, 2)) @ rng.normal(size=(2, V)) + 1  # not symmetric, and fit for few dimensions
    trainer = trainer_of(csr_array(np.exp(logs)), iterations=20)
    assert trainer.order.tolist() != list(range(V)) == sorted(trainer.order)
    x = fit(trainer)
    (u, v), (b, c) = np.split(trainer.stacked(x), 2), trainer.biases(x)
    scores = u @ v.T + b[:, None] + c
    assert np.corrcoef(scores.ravel(), logs.ravel())[0, 1] > 0.95  # measured: 0.99
    assert np.corrcoef(scores.T.ravel(), logs.ravel())[0, 1] < 0.5


def test_single_precision_is_the_default_and_close_to_double():
    assert Settings().dtype == "float32"
    start, found = trainer_of().initial(), []
    for dtype in ("float32", "float64"):
        trainer, x = trainer_of(dtype=dtype), start.astype(dtype)
        for batch in trainer.shuffled(0):
            trainer.step(x, batch)
        assert x.dtype == dtype
        found.append(x)
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-5)  # some seventy steps, each rounded at 1e-7
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize("changed", [{"seed": 1}, {"x_max": 5}, {"alpha": 0.5}, {"step": 0.02}, {"iterations": 1}])
def test_a_setting_changes_the_result(changed):
    first, again, other = fit(trainer_of()), fit(trainer_of()), fit(trainer_of(**changed))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_words_of_similar_frequency_are_shuffled_among_themselves(monkeypatch):
    monkeypatch.setattr(glove, "BAND", 10)
    order, cells = trainer_of().order, np.diff(counts_of().indptr)
    ranked = np.sort(-cells)
    for begin in range(0, V, 10):
        np.testing.assert_array_equal(np.sort(-cells[order[begin : begin + 10]]), ranked[begin : begin + 10])
    assert (np.diff(-cells[order]) < 0).any()  # within a band in another order


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
        ({"x_max": 0}, "x_max must be a finite number above 0, got 0"),
        ({"alpha": -1}, "alpha must be a finite number of at least 0, got -1"),
        ({"step": np.inf}, "step must be a finite number above 0, got inf"),
        ({"dtype": "float16"}, "dtype must be float32 or float64, got 'float16'"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        Settings(**wrong)


def test_a_step_too_small_for_single_precision_moves_nothing():
    trainer = trainer_of(step=1e-300, dtype="float32")
    assert fit(trainer).tobytes() == trainer.initial().tobytes()


def test_no_counts_are_refused():
    with pytest.raises(InputError, match="there is nothing to learn from"):
        Trainer(csr_array((3, 3)), Settings())


def test_what_memory_cannot_hold_is_refused(monkeypatch):
    with pytest.raises(InputError, match=r"1000000000 dimensions of 60 words would take .* give a smaller --dim"):
        Trainer(counts_of(), Settings(dim=10**9))
    monkeypatch.setattr("utils.system.memory.physical_memory", lambda: 10_000)
    with pytest.raises(InputError, match=r"[\d,]+ cells would take .* or a larger --min-count"):
        Trainer(counts_of(), Settings())


def test_a_cell_needs_no_more_memory_than_is_reckoned_with():
    counts = random_array((1500, 1500), density=0.2, format="csr", rng=np.random.default_rng(0))
    tracemalloc.start()
    try:
        trainer = Trainer(csr_array(counts), Settings(dim=1))
        next(trainer.shuffled(0))
        assert tracemalloc.get_traced_memory()[1] < glove.BYTES_PER_CELL * counts.nnz
    finally:
        tracemalloc.stop()


# Stopping and resuming


def checkpoints_in(folder, settings=None):
    return Checkpoints(folder, settings or {"seed": 0}, 2, "batch", Losses(folder / "losses.csv"))


@pytest.mark.parametrize("after", [1, 30, 100], ids=lambda n: f"after {n} batches")
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_bytes(tmp_path, after):
    whole_losses, losses = [], []
    whole = fit(trainer_of(), report=whole_losses.append)
    assert 30 < len(trainer_of().batches) < 100  # so it is stopped in the first and in the second iteration

    def interrupt(batch):
        if batch == after:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match=f"stopped after batch {after} and saved"):
        fit(trainer_of(), checkpoints_in(tmp_path), losses.append, interrupt)
    assert (tmp_path / f"saved_params_{after}.npy").exists()
    seen = []
    resumed = fit(trainer_of(), checkpoints_in(tmp_path), losses.append, seen.append)
    assert seen[0] == after + 1
    assert resumed.tobytes() == whole.tobytes()
    assert losses == whole_losses
    assert fit(trainer_of(), checkpoints_in(tmp_path), progress=seen.clear).tobytes() == whole.tobytes()
    assert seen  # nothing was left to do


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    fit(trainer_of(iterations=1), checkpoints_in(tmp_path))
    longer = fit(trainer_of(), checkpoints_in(tmp_path))
    assert longer.tobytes() == fit(trainer_of()).tobytes()


def test_a_checkpoint_is_due_once_a_minute(monkeypatch):
    clock = iter(range(0, 1000, 25))  # seconds: a batch takes 25
    monkeypatch.setattr("utils.runs.loop.time.monotonic", lambda: next(clock))
    run = glove._Iterations(trainer_of(), None, None)
    assert [run.due() for _ in range(6)] == [False, False, True, False, False, True]


def test_a_state_of_another_program_is_refused(tmp_path):
    trainer = trainer_of()
    checkpoints_in(tmp_path).save(1, trainer.initial(), {"loss": None})
    with pytest.raises(InputError, match="a run of another version of this program: use another folder"):
        fit(trainer, checkpoints_in(tmp_path))


def test_a_training_that_diverges_says_so():
    trainer = trainer_of()
    run = glove._Iterations(trainer, None, None)
    run.x[0] = np.inf
    with np.errstate(all="ignore"), pytest.raises(InputError, match="the loss went to infinity or NaN at batch 1: try"):
        run.step()
