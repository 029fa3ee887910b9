"""Several workers train one set of vectors: what travels, how it is put together, losses, stopping and resuming."""

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from inturn import InTurn

from epochs import Settings, Trainer
from utils.corpus.ids import Corpus
from utils.corpus.planted import PlantedText
from utils.minibatches.chunks import Chunks
from utils.runs import exchange, rounds, shares
from utils.runs.checkpoints import Checkpoints
from utils.runs.exchange import Accounts, Exchange, put_together
from utils.system.calls import Missing
from utils.system.errors import EnvironmentFailure
from utils.system.workers import Workers

V, D = 300, 8


@pytest.fixture(scope="module")
def planted():
    """A text, its words and their counts: with `cut` and two workers, three chunks of three pieces."""
    text = PlantedText(V)
    corpus = text.draw(9000)
    return SimpleNamespace(text=text, corpus=corpus, counts=np.bincount(corpus.ids, minlength=V))


@pytest.fixture
def cut(monkeypatch):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 3000)
    monkeypatch.setattr(rounds, "LEAST_ROUNDS", 4.5)  # of 2,000 words


def trainer_of(planted, **settings):
    return Trainer(planted.counts, np.ones(len(planted.counts)), Settings(**{"dim": D, "epochs": 2, **settings}))


def fit(planted, workers, **options):
    return rounds.fit(trainer_of(planted), Chunks(planted.corpus, 2), workers=workers, **options)


# What is put together


def test_what_one_worker_has_met_is_taken_at_once_and_what_all_have_met_by_instalments():
    vectors, accounts = np.zeros((4, 1)), Accounts(4, 1, float)
    both = [(np.array([0, 1]), np.array([[3.0], [8.0]])), (np.array([1, 2]), np.array([[4.0], [5.0]]))]
    assert put_together(vectors, accounts, both).tolist() == [0, 1, 2]
    assert vectors.ravel().tolist() == [3, 6, 5, 0]
    assert accounts.owed.ravel().tolist() == [0, 6, 0, 0]
    assert accounts.usual.tolist() == [1, 2, 1, 0]
    again = [(np.array([1]), np.array([[2.0]])), (np.array([1]), np.array([[2.0]]))]
    assert put_together(vectors, accounts, again).tolist() == [1]
    assert vectors.ravel().tolist() == [3, 6 + (6 + 4) / 2, 5, 0]
    for _ in range(200):
        put_together(vectors, accounts, [(np.array([1]), np.array([[0.0]]))])
    assert vectors.ravel() == pytest.approx([3, 8 + 4 + 2 + 2, 5, 0])  # nothing is lost
    assert accounts.owed == pytest.approx(np.zeros((4, 1)))
    assert accounts.usual == pytest.approx([1, 1, 1, 0])


def test_what_many_have_left_is_not_paid_at_once_by_a_few():
    vectors, accounts = np.zeros((1, 1)), Accounts(1, 1, float)
    change = np.array([0]), np.array([[4.0]])
    put_together(vectors, accounts, [change] * 4)
    assert (vectors.item(), accounts.owed.item(), accounts.usual.item()) == (4, 12, 4)
    put_together(vectors, accounts, [change])
    usual = 4 - 0.1 * 3
    assert vectors.item() == pytest.approx(4 + 16 / usual)
    assert (accounts.owed.item(), accounts.usual.item()) == pytest.approx((16 - 16 / usual, usual))


def test_a_round_adds_up_what_each_share_changes(planted, cut):
    a_trainer, chunks = trainer_of(planted), Chunks(planted.corpus, 2)
    start = a_trainer.initial_vectors()
    start[V:] = 0.1  # so that input vectors move, too
    pieces = [chunks.pieces(number, 3)[0] for number in (0, 1)]
    ends = [start.copy(), start.copy()]
    for end, piece in zip(ends, pieces, strict=True):
        a_trainer.train(end, piece)
    vectors = start.copy()
    Exchange(a_trainer, vectors, InTurn(2)).round(pieces)
    moved = np.array([(end != start).any(axis=1) for end in ends])
    expected = start + sum(end - start for end in ends) / np.maximum(1, moved.sum(axis=0))[:, None]
    assert vectors == pytest.approx(expected, abs=1e-6)  # single precision
    assert {*moved.sum(axis=0).tolist()} == {0, 1, 2}


def test_a_share_leaves_the_vectors_as_they_were_and_names_every_row_that_it_changes(planted, cut):
    for model in ("skip-gram", "cbow"):
        a_trainer = trainer_of(planted, model=model)
        (piece, *_) = Chunks(planted.corpus, 2).pieces(1, 3)
        start = a_trainer.initial_vectors()
        start[V:] = 0.1
        vectors, trained = start.copy(), start.copy()
        loss = a_trainer.train(trained, piece)
        rows, changes, *found = shares.train_apart(a_trainer, vectors, piece)
        assert tuple(found) == tuple(map(float, loss))
        assert vectors.tobytes() == start.tobytes()
        assert rows.tolist() == np.flatnonzero((trained != start).any(axis=1)).tolist()
        assert changes.tobytes() == (trained - start)[rows].tobytes()
        assert 0 < len(rows) < 2 * V


def test_pieces_hold_every_sentence_of_a_chunk_once_and_have_numbers_of_their_own(cut):
    lengths = np.random.default_rng(0).integers(0, 90, 200)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    chunks = Chunks(Corpus(np.arange(offsets[-1], dtype=np.int32), offsets), 2)
    numbers = set()
    for number in range(len(chunks)):
        chunk = chunks[number]
        for count in (1, 4):
            pieces = chunks.pieces(number, count)
            assert len(pieces) == count
            assert np.concatenate([piece.text.ids for piece in pieces]).tolist() == chunk.text.ids.tolist()
            sizes = np.concatenate([np.diff(piece.text.offsets) for piece in pieces])
            assert sizes.tolist() == np.diff(chunk.text.offsets).tolist()
            assert [pieces[0].begin, *(piece.end for piece in pieces)] == pytest.approx(
                [*(piece.begin for piece in pieces), chunk.end], abs=1e-15
            )
            assert max(len(piece.text.ids) for piece in pieces) < chunk.text.offsets[-1] / count + 90
        numbers |= {piece.number for piece in pieces}
        assert [piece.place for piece in pieces] == [(number % chunks.in_text, i) for i in range(4)]
    assert len(numbers) == 4 * len(chunks)


def test_more_pieces_than_sentences_leave_some_without_words(cut):
    corpus = Corpus(np.arange(6, dtype=np.int32), np.array([0, 6]))
    pieces = Chunks(corpus, 1).pieces(0, 3)
    assert sorted(len(piece.text.ids) for piece in pieces) == [0, 0, 6]
    a_trainer = Trainer(np.ones(6, int), np.ones(6), Settings(dim=2))
    vectors = a_trainer.initial_vectors()
    for piece in pieces:
        rows, _, _, predictions = shares.train_apart(a_trainer, vectors, piece)
        assert (len(rows) > 0) == (predictions > 0) == (len(piece.text.ids) > 0)


# What a worker keeps


def test_a_worker_says_what_it_lacks(planted, cut):
    a_trainer, chunks = trainer_of(planted), Chunks(planted.corpus, 2)
    piece = chunks.pieces(0, 3)[0]
    start, none = a_trainer.initial_vectors(), np.empty(0, np.int32)
    nothing = none, np.empty((0, D), np.float32)

    def train(run, number, piece=piece, keep=False, update=nothing):
        return shares.train(run, number, *update, piece, keep)

    shares.begin("one", a_trainer, start.shape, start.dtype)
    shares.fill("one", 0, start[:100], None)
    assert train("one", 0) == Missing(shares.VECTORS)  # only a part of them is there
    shares.fill("one", 100, start[100:], 0)
    found = train("one", 0)
    assert found[0].tobytes() == train("one", 0)[0].tobytes()  # asked again, it answers the same
    assert train("other", 0) == train("one", 2) == Missing(shares.VECTORS)
    update = np.array([5], np.int32), np.full((1, D), 7, np.float32)
    without = piece._replace(text=None)
    assert train("one", 1, without, update=update) == Missing(shares.TEXT)
    changed = start.copy()
    changed[5] = 7
    expected = shares.train_apart(a_trainer, changed, piece)
    assert train("one", 1, piece, keep=True)[1].tobytes() == expected[1].tobytes()
    assert train("one", 1, without)[1].tobytes() == expected[1].tobytes()
    assert train("one", 0) == Missing(shares.VECTORS)
    shares.forget("other")
    assert train("one", 1, without)[1].tobytes() == expected[1].tobytes()
    shares.forget("one")
    assert train("one", 1) == Missing(shares.VECTORS)


def test_processes_find_what_one_after_the_other_finds_and_a_lost_one_is_brought_up_to_date(planted, cut, monkeypatch):
    monkeypatch.setattr(exchange, "PORTION", 1000)  # bytes: the vectors come in many parts
    workers, seen = Workers(2), []

    def progress(done):
        seen.append(done)
        if len(seen) in (2, 5):
            os.kill(workers._engine._running[len(seen) % 2][0].pid, signal.SIGKILL)

    found = fit(planted, workers, progress=progress)
    assert workers.losses == 2
    assert seen == [0, 0, 2, 2, 3, 3, 3, 5, 5, 6]
    assert found.tobytes() == fit(planted, InTurn(2)).tobytes()
    assert found.tobytes() != fit(planted, InTurn(3)).tobytes()


def test_what_travels_in_a_round_is_hardly_more_than_the_rows_touched(cut):
    text = PlantedText(20_000)
    corpus = text.draw(6000)
    counts = np.bincount(corpus.ids, minlength=20_000)
    a_trainer = Trainer(counts, np.ones(20_000), Settings(dim=100, epochs=1))
    workers, travelled, touched = Workers(2), [], []
    put = exchange.put_together

    def noted(vectors, accounts, results):
        rows = put(vectors, accounts, results)
        touched.append(len(rows) * vectors[0].nbytes)
        travelled.append(workers.sent + workers.received)
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "put_together", noted)
        rounds.fit(a_trainer, Chunks(corpus, 1), workers=workers)
    assert len(touched) == 4
    whole = 2 * 20_000 * 400  # bytes
    assert travelled[0] > 2 * whole  # all the vectors for each
    for i in (1, 2, 3):
        both_ways = travelled[i] - travelled[i - 1]
        assert touched[i] < both_ways <= 2.2 * 2 * max(touched[i - 1], touched[i]) < whole  # for two workers


# Stopping and resuming


@pytest.mark.parametrize("n, stops", [(2, [1, 3, 3]), (3, [1, 1, 3])])
def test_stopped_between_two_rounds_and_resumed_equals_uninterrupted(planted, cut, tmp_path, n, stops):
    (tmp_path / "whole").mkdir()
    whole = fit(planted, InTurn(n), checkpoints=Checkpoints(tmp_path / "whole"))
    (tmp_path / "parts").mkdir()
    checkpoints = Checkpoints(tmp_path / "parts", keep=2)
    for stop in stops:
        seen = []

        def progress(done, seen=seen, stop=stop):
            seen.append(done)
            if len(seen) == stop:
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            fit(planted, InTurn(n), checkpoints=checkpoints, progress=progress)
    assert checkpoints.newest()[2]["rounds"] > 0  # on chunks that are under way
    assert fit(planted, InTurn(n), checkpoints=checkpoints).tobytes() == whole.tobytes()
    for name in ("saved_params_6.npy", "saved_state_6.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_is_still_owed_belongs_to_a_checkpoint(planted, cut, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path)
    whole = fit(planted, InTurn(2))

    def stop(done):
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    monkey = pytest.MonkeyPatch()
    monkey.setattr("utils.runs.loop.SAVE_EVERY", -1)
    with pytest.raises(KeyboardInterrupt):
        fit(planted, InTurn(2), checkpoints=checkpoints, progress=stop)
    monkey.undo()
    rest = tmp_path / "saved_rest_3.npy"
    assert checkpoints.newest()[2]["rest"].any()
    data = rest.read_bytes()
    rest.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert fit(planted, InTurn(2), checkpoints=checkpoints).tobytes() == whole.tobytes()
    assert "checkpoint 3" in (err := capsys.readouterr().err) and "saved_rest_3.npy" in err


class Failing(InTurn):
    """Workers that are gone after some rounds."""

    left = 4

    def map(self, function, tasks, supply=None):
        if not self.left:
            raise EnvironmentFailure("all workers are gone")
        self.left -= 1
        return super().map(function, tasks, supply)


def test_when_all_workers_are_gone_every_round_before_is_saved(planted, cut, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(EnvironmentFailure, match="^all workers are gone; what was done before is saved, run it again"):
        fit(planted, Failing(2), checkpoints=checkpoints)
    assert checkpoints.newest()[0] == 2 and checkpoints.newest()[2]["rounds"] == 1
    assert fit(planted, InTurn(2), checkpoints=checkpoints).tobytes() == fit(planted, InTurn(2)).tobytes()
    with pytest.raises(EnvironmentFailure, match="^all workers are gone$"):
        fit(planted, Failing(2))


def test_another_number_of_workers_goes_on_from_a_checkpoint(planted, cut, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(EnvironmentFailure):
        fit(planted, Failing(2), checkpoints=checkpoints)
    assert np.isfinite(fit(planted, InTurn(3), checkpoints=checkpoints)).all()


# How much is learnt


@pytest.mark.parametrize("lengths, n, count", [([5] * 200, 2, 10), ([5] * 7, 3, 5), ([5] * 25 + [1], 2, 5)])
def test_rounds_have_as_many_words_as_set_and_take_every_piece_once(monkeypatch, lengths, n, count):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 50)
    monkeypatch.setattr(rounds, "ROUND", 100)
    monkeypatch.setattr(rounds, "LEAST_ROUNDS", 5)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    chunks, seen, done = Chunks(Corpus(np.arange(offsets[-1], dtype=np.int32), offsets), 2), [], 0
    while done < len(chunks):
        numbers = rounds._next_chunks(done, chunks, n)
        seen += rounds._pieces(chunks, numbers)
        done = numbers[-1] + 1
    words = [sorted(i for piece in pieces for i in piece.text.ids.tolist()) for pieces in seen]
    half = len(seen) // 2  # an epoch
    for epoch in (words[:half], words[half:]):
        assert sorted(i for ids in epoch for i in ids) == [*range(offsets[-1])]
    assert half == count
    assert max(map(len, words)) <= min(100, offsets[-1] / 5) + 5 * n
    assert max(map(len, seen)) == min(n, chunks.in_text)


def test_several_workers_learn_nearly_as_much_as_one(monkeypatch):
    monkeypatch.setattr("utils.minibatches.chunks.CHUNK", 15_000)
    monkeypatch.setattr(rounds, "ROUND", 4000)
    text = PlantedText(500)
    corpus = text.draw(60_000)
    counts = np.bincount(corpus.ids, minlength=500)

    def recovery(workers):
        a_trainer = Trainer(counts, np.ones(500), Settings(dim=16, epochs=2))
        return text.recovery(rounds.fit(a_trainer, Chunks(corpus, 2), workers=workers)[:500], most_frequent=200)

    one, two, four = recovery(None), recovery(InTurn(2)), recovery(InTurn(4))
    # 0.91, 0.90 and 0.87; seeds differ by some 0.01.
    assert two > one - 0.03
    assert four > one - 0.06
