"""What has been found, as a table for people, as JSON, and as the results file of Gradescope's autograder."""

from grader.scheme import PART_TITLES


def as_text(grading, verbose=False):
    """The table: a line for each part, below it what is wrong; with `verbose` every line of the scheme."""
    parts = list(dict.fromkeys(result.line.part for result in grading.results))
    width = max(len(PART_TITLES[part]) for part in parts)
    out = []
    for part in parts:
        results = grading.of_part(part)
        got, most = sum(r.points for r in results), sum(r.line.points for r in results)
        out.append(f"{PART_TITLES[part]:{width}}  {got:5.2f} of {most:5.2f}")
        out += [line for result in _told(results, verbose) for line in _lines(result, verbose)]
    out.append(f"{'total':{width}}  {grading.points:5.2f} of {grading.possible:5.2f}")
    out += [f"remark: {remark}" for remark in grading.remarks]
    if verbose:
        out.append(f"seed {grading.seed}; {grading.measures}; {grading.seconds:.1f} s")
    return "\n".join(out)


def _told(results, verbose):
    return [result for result in results if verbose or not result.outcome.passed]


def _lines(result, verbose=False):
    """What became of one line of the scheme: itself, what was seen, what it looks like."""
    outcome, line = result.outcome, result.line
    state = "ok  " if outcome.passed else f"-{line.points:g}".ljust(4)
    texts = [f"  {state}  {line.check}: {line.meaning}"]
    texts += [f"          {outcome.message}"] if outcome.message else []
    return texts + [f"          hint: {hint}" for hint in outcome.hints]


def as_json(grading):
    """Everything, as a dict for JSON."""
    return {
        "points": grading.points,
        "possible": grading.possible,
        "seed": grading.seed,
        "measures": grading.measures,
        "seconds": round(grading.seconds, 2),
        "remarks": grading.remarks,
        "lines": [
            {
                "part": result.line.part,
                "check": result.line.check,
                "meaning": result.line.meaning,
                "points": result.points,
                "possible": result.line.points,
                "passed": result.outcome.passed,
                "message": result.outcome.message,
                "hints": result.outcome.hints,
            }
            for result in grading.results
        ],
    }


def as_gradescope(grading):
    """The content of Gradescope's results.json: a test for each part, with what is wrong as its output."""
    parts = dict.fromkeys(result.line.part for result in grading.results)
    tests = []
    for part in parts:
        results = grading.of_part(part)
        tests.append(
            {
                "name": PART_TITLES[part],
                "score": sum(result.points for result in results),
                "max_score": sum(result.line.points for result in results),
                "output": "\n".join(line for result in results for line in _lines(result)),
            }
        )
    return {
        "score": grading.points,
        "execution_time": round(grading.seconds),
        "output": "\n".join(f"remark: {remark}" for remark in grading.remarks),
        "tests": tests,
    }
