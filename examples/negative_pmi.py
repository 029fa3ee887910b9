"""When is PMI negative, and why is it floored at zero? The precept's first exercise, answered by data.

    python examples/negative_pmi.py              # on the Stanford Sentiment Treebank
    python examples/negative_pmi.py --sample     # on the built-in sample treebank

PMI is negative where two words meet less often than if they were independent. To see that, one must expect them to
meet: of two rare words, that they never did says nothing, though it makes their PMI minus infinity. And where PMI is
negative and finite it rests on few meetings, so that the two halves of a text disagree about it.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from utils.commands import options  # noqa: E402
from utils.commands.inputs import read_treebank  # noqa: E402
from utils.corpus.ids import Corpus  # noqa: E402
from utils.corpus.reading import encode  # noqa: E402
from utils.counting.cooccurrence import cooccurrence  # noqa: E402
from utils.counting.pmi import pmi  # noqa: E402
from utils.system import console  # noqa: E402

EXPECTED = (1, 4, 16, 64, np.inf)  # borders of the classes of pairs


class Census(NamedTuple):
    """Of all cells of a matrix of counts, how many there are of each kind.

    Attributes
    ----------
    above, equal, below : int
        Whose PMI is positive, exactly 0, or negative and finite.
    unseen : int
        That were never seen, so that their PMI is minus infinity ...
    hopeless : int
        ... and of these, the ones that would be seen less than once if their words were independent.
    """

    above: int
    equal: int
    below: int
    unseen: int
    hopeless: int


class Scatter(NamedTuple):
    """How far two halves of a text agree on the PMI of some pairs.

    Attributes
    ----------
    pairs : int
        Cells that were seen in the whole text.
    unseen : float
        The share of them that one of the halves has not seen: there their PMI is minus infinity.
    spread : float
        Root mean square of the difference between the two halves' PMI of the others, in nats.
    """

    pairs: int
    unseen: float
    spread: float


def expected_counts(counts):
    """What the stored cells would count if their words were independent: csr_array, shape (V, V)."""
    expected = counts.copy()
    expected.data = np.repeat(counts.sum(axis=1), np.diff(counts.indptr)) * counts.sum(axis=0)[counts.indices]
    expected.data /= counts.sum()
    return expected


def census(counts):
    """Tell positive, negative and infinite PMI apart in all cells: a Census."""
    targets, contexts = counts.sum(axis=1), np.sort(counts.sum(axis=0))  # (V,), (V,)
    # target * context / total < 1, for all cells, without making them
    with np.errstate(divide="ignore"):
        rare = int(np.searchsorted(contexts, counts.sum() / targets, side="left").sum())
    rare_but_seen = int((expected_counts(counts).data < 1).sum())
    values = pmi(counts).data  # (nnz,)
    signs = np.sign(values)
    above, equal, below = (int((signs == sign).sum()) for sign in (1, 0, -1))
    return Census(above, equal, below, counts.shape[0] * counts.shape[1] - counts.nnz, rare - rare_but_seen)


def half_and_half(corpus, rng):
    """Deal the sentences of a corpus to two corpora at random."""
    chosen = rng.permutation(len(corpus)) < len(corpus) / 2  # (S,)
    lengths = np.diff(corpus.offsets)  # (S,)
    return [
        Corpus(corpus.ids[np.repeat(which, lengths)], np.concatenate(([0], np.cumsum(lengths[which]))))
        for which in (chosen, ~chosen)
    ]


def scatter(counts, halves, low, high):
    """Compare two halves' PMI of the pairs that are expected `low` to `high` times in the whole.

    Parameters
    ----------
    counts : csr_array, shape (V, V)
    halves : sequence of csr_array, shape (V, V)
        What each half of the text counts; `counts` is their sum.
    low, high : float

    Returns
    -------
    below, above : Scatter
        Of the pairs whose PMI in the whole is negative, and of those where it is positive.
    """
    expected = expected_counts(counts).data  # (nnz,)
    whole = pmi(counts)
    rows, columns = whole.tocoo().coords
    among = (low <= expected) & (expected < high)  # (nnz,)
    results = []
    for sign in (-1, 1):
        which = among & (np.sign(whole.data) == sign)
        seen = [half[rows[which], columns[which]] > 0 for half in halves]
        values = [pmi(half)[rows[which], columns[which]] for half in halves]
        both = seen[0] & seen[1]
        spread = np.sqrt(np.mean((values[0] - values[1])[both] ** 2)) if both.any() else np.nan
        unseen = 1 - both.mean() if both.size else np.nan
        results.append(Scatter(len(both), float(unseen), float(spread)))
    return results


def main(arguments=None):
    """Print the two tables; return the exit status."""
    parser = console.ArgumentParser(description="When is PMI negative, and why does PPMI floor it?")
    options.add_treebank(parser)
    options.add(parser, "--window", default=2)
    options.add(parser, "--seed")
    args = parser.parse_args(arguments)
    corpus, words = encode(read_treebank(args.data, args.sample, "examples/negative_pmi.py").sentences())
    V = len(words)
    halves = [cooccurrence(half, args.window, V=V) for half in half_and_half(corpus, np.random.default_rng(args.seed))]
    counts = halves[0] + halves[1]

    kinds, cells = census(counts), V * V
    print(f"{len(corpus.ids):,} words, vocabulary {V:,}, window {args.window}: {cells:,} pairs (target, context)")
    print(f"  {kinds.unseen:13,}  {100 * kinds.unseen / cells:7.3f} %  never together: PMI is minus infinity; of these")
    print(f"  {kinds.hopeless:13,}  {100 * kinds.hopeless / cells:7.3f} %  would be expected less than once anyway")
    print(f"  {kinds.below:13,}  {100 * kinds.below / cells:7.3f} %  less often than if independent: PMI below 0")
    print(f"  {kinds.above + kinds.equal:13,}  {100 * (kinds.above + kinds.equal) / cells:7.3f} %  the others")
    print()
    print("The text in two halves: how many pairs one half has not seen, and how far apart the halves' PMI is, in nats")
    print(f"  {'expected':>10}  {'PMI below 0':^30}  {'PMI above 0':^30}")
    print(f"  {'in all':>10}" + 2 * f"  {'pairs':>10}  {'unseen':>8}  {'apart':>8}")
    for low, high in zip(EXPECTED[:-1], EXPECTED[1:], strict=True):
        cells = "".join(
            f"  {s.pairs:10,}  {100 * s.unseen:6.1f} %  {s.spread:8.2f}" for s in scatter(counts, halves, low, high)
        )
        print(f"  {f'{low} to {high}' if high < np.inf else f'{low} and up':>10}{cells}")
    return 0


if __name__ == "__main__":
    console.run(main)
