"""Grade the correct solutions and all mutants, in all parts and with several seeds; say where the grader is wrong.

python tests/grader/grade_all_mutants.py              # ten seeds: some minutes
python tests/grader/grade_all_mutants.py --seeds 2
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from solutions.proof import complaints, everything  # noqa: E402

from utils.system import console  # noqa: E402


def main(arguments=None):
    """Grade everything; return 1 if the grader was wrong anywhere."""
    parser = console.ArgumentParser(description="Put the grader to the test.")
    parser.add_argument("--seeds", type=console.whole_number(1), default=10, metavar="N", help="how many (10)")
    seeds = range(parser.parse_args(arguments).seeds)
    names = everything()
    wrong = 0
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for seed in seeds:
            for name, found in zip(names, pool.map(complaints, names, [seed] * len(names)), strict=True):
                wrong += bool(found)
                if found:
                    print(f"seed {seed}, {name}: {'; '.join(found)}", flush=True)
            print(f"seed {seed}: {len(names)} solutions graded, {wrong} wrongly so far", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    console.run(main)
