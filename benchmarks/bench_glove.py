"""GloVe: cells, processor seconds per iteration, cost and scores, beside the figures of the authors' program.

    python benchmarks/bench_glove.py TEXT --sets FOLDER
    python benchmarks/bench_glove.py TEXT --sets FOLDER --small        # two million characters, two iterations

TEXT is counted as the authors' demonstration counts it: words that occur at least five times, harmonic weights, window
10, lines as borders. The cost is theirs: half the weighted square, mean of all cells. One core, one BLAS thread.
"""

import argparse
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from bench import Report, in_process, machine  # noqa: E402
from bench_epochs import beginning, read, scores  # noqa: E402

WINDOW, DIM, ITERATIONS = 10, 100, 15


def here(text, sets, dim, iterations, seed):
    """Words, cells, seconds of counting, preparing and each iteration, its cost, and the scores of the sums."""
    import time

    from utils.counting import glove
    from utils.counting.cooccurrence import cooccurrence
    from utils.vectors.files import select
    from utils.vectors.wordvectors import WordVectors

    text, clock = read(text), [time.process_time()]
    counts = cooccurrence(text.corpus, WINDOW, "harmonic", V=len(text.words))
    clock.append(time.process_time())
    trainer, costs = glove.Trainer(counts, glove.Settings(dim, iterations=iterations, seed=seed)), []
    clock.append(time.process_time())

    def report(found):
        costs.append(found.loss)
        clock.append(time.process_time())

    vectors = select(trainer.stacked(glove.fit(trainer, report=report)), "sum")
    counting, preparing, *seconds = (after - before for before, after in zip(clock, clock[1:], strict=False))
    found = {"V": len(text.words), "cells": counts.nnz, "counting": counting, "preparing": preparing}
    return {**found, "seconds": seconds, "costs": costs, "scores": scores(WordVectors(text.words, vectors), sets, text)}


def main():
    """Train, score and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="one sentence a line; also .gz, .bz2, .xz")
    parser.add_argument("--sets", metavar="FOLDER", required=True, help="evaluation sets")
    parser.add_argument("--dim", type=int, default=DIM, metavar="N")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--small", action="store_true", help="the text's beginning, two iterations")
    parser.add_argument("--write", metavar="FILE", help="write the report there as Markdown, too")
    args = parser.parse_args()
    report = Report()
    report.say("# GloVe")
    report.say()
    report.say(f"{machine()}. BLAS on one thread.")
    report.say()
    with tempfile.TemporaryDirectory() as folder:
        text = args.text
        if args.small:
            args.iterations, text = 2, Path(folder, "small.txt")
            text.write_text(beginning(args.text), encoding="utf-8")
        found = in_process(here, str(text), args.sets, args.dim, args.iterations, args.seed)
    size = f"{found['V']:,} words, {found['cells']:,} cells, d = {args.dim}"
    report.say(f"{size}; counting {found['counting']:.1f} s, putting cells in order {found['preparing']:.1f} s.")
    report.say()
    rows = enumerate(zip(found["seconds"], found["costs"], strict=True), 1)
    report.table(["iteration", "CPU s", "cost"], [(n, f"{s:.1f}", f"{cost:.4f}") for n, (s, cost) in rows])
    report.table(list(found["scores"]), [[f"{score or 0:.3f}" for score in found["scores"].values()]])
    if args.write:
        Path(args.write).write_text("\n".join(report.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
