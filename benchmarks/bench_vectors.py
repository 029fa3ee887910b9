"""Files of word vectors: how long saving, loading and scoring take, in turn with gensim.

    python benchmarks/bench_vectors.py --sets FOLDER         # a million words of 100 dimensions; 3 GB on disk meanwhile
    python benchmarks/bench_vectors.py --small               # check that everything runs

Seconds are those of the processor (one core, one BLAS thread); scoring, which several cores share, has the elapsed ones
beside them. The words are random letters, but those of the evaluation sets in FOLDER are among them.
"""

import argparse
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine, spread  # noqa: E402

WORDS, SMALL_WORDS, DIM = 1_000_000, 2_000, 100
FORMATS = (".txt", ".bin", ".npz")
ROUNDS = 3


# What is measured: each function runs in a process of its own, which prints the result as JSON


def save(path, n, sets):
    """CPU seconds to save vectors of `n` words."""
    import numpy as np

    from utils.vectors.wordvectors import WordVectors

    rng = np.random.default_rng(0)
    words = words_of(sets)
    letters = rng.integers(ord("a"), ord("z") + 1, (2 * n, 10), dtype=np.uint8)
    others = (row.tobytes()[:length].decode() for row, length in zip(letters, rng.integers(4, 11, 2 * n), strict=True))
    words = list(dict.fromkeys([*words, *others]))[:n]
    vectors = WordVectors(words, rng.standard_normal((len(words), DIM), dtype=np.float32))
    begun = time.process_time()
    vectors.save(path)
    return time.process_time() - begun


def words_of(sets):
    """The words of the evaluation sets in a folder, those of analogies first, which are asked of frequent words."""
    if sets is None:
        return []
    from utils.scoring.sets import find_sets, read_pairs, read_questions

    pairs, questions = find_sets(sets)
    of_questions = (word for path in questions.values() for several in read_questions(path).values() for four in several
                    for word in four)  # fmt: skip
    of_pairs = (word for path in pairs.values() for pair in read_pairs(path) for word in pair[:2])
    return [word.lower() for several in (of_questions, of_pairs) for word in several]


def load(path):
    """CPU seconds to load them."""
    from utils.vectors.wordvectors import WordVectors

    begun = time.process_time()
    WordVectors.load(path)
    return time.process_time() - begun


def gensim(path):
    """CPU seconds that gensim takes to load and to save the same text."""
    from gensim.models import KeyedVectors

    begun = time.process_time()
    vectors = KeyedVectors.load_word2vec_format(path)
    loaded = time.process_time()
    vectors.save_word2vec_format(f"{path}.again")
    saved = time.process_time()
    Path(f"{path}.again").unlink()
    return loaded - begun, saved - loaded


def score(path, sets):
    """CPU and elapsed seconds to score them on all sets, beyond loading."""
    from utils.scoring import table
    from utils.scoring.sets import find_sets, read_pairs, read_questions
    from utils.vectors.wordvectors import WordVectors

    vectors = WordVectors.load(path)
    cpu, elapsed = time.process_time(), time.perf_counter()
    pairs, questions = find_sets(sets)
    pairs = {title: read_pairs(file) for title, file in pairs.items()}
    data = table.Data(pairs, {title: read_questions(file) for title, file in questions.items()}, {})
    columns = table.compare([table.find(path, vectors, data)], data)
    table.table(columns, table.Settings())
    return time.process_time() - cpu, time.perf_counter() - elapsed


# The report


def compare(report, n, sets, rounds, folder):
    """A row for each format and for gensim; then what scoring takes."""
    report.say(f"## Files of {n:,} words, {DIM} dimensions: CPU seconds, median (range) of {rounds}")
    report.say()
    text = str(Path(folder, f"vectors{FORMATS[0]}"))
    rows = []
    for ending in FORMATS:
        path = str(Path(folder, f"vectors{ending}"))
        saved = [in_process(save, path, n, sets) for _ in range(rounds)]
        loaded = [in_process(load, path) for _ in range(rounds)]
        rows.append((ending, spread(saved), spread(loaded), f"{Path(path).stat().st_size / 1e6:.0f}"))
    if find_spec("gensim"):
        loaded, saved = zip(*(in_process(gensim, text) for _ in range(rounds)), strict=True)
        rows.append((f"{FORMATS[0]}, gensim", spread(saved), spread(loaded), ""))
    report.table(["", "saving", "loading", "MB"], rows)
    if sets is not None:
        cores = 2
        cpu, elapsed = zip(*(in_process(score, text, sets, cores=cores) for _ in range(rounds)), strict=True)
        report.say(f"Scoring on all similarity and analogy sets, beyond loading: {statistics.median(cpu):.1f} CPU")
        report.say(f"seconds, {statistics.median(elapsed):.1f} elapsed on at most {cores} cores.")
        report.say()


def main():
    """Save, load, score and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", metavar="FOLDER", help="evaluation sets (default: nothing is scored)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="repetitions of each measurement")
    parser.add_argument("--small", action="store_true", help=f"{SMALL_WORDS:,} words, one round")
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    n, rounds = (SMALL_WORDS, 1) if args.small else (WORDS, args.rounds)
    report = Report()
    report.say("# Files of word vectors")
    report.say()
    report.say(f"{machine()}. BLAS on one thread.")
    report.say()
    with tempfile.TemporaryDirectory() as folder:
        compare(report, n, args.sets, rounds, folder)
    if args.write:
        Path(args.write).write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
