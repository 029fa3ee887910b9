"""Present a grading: as a table, as JSON, and as the results file of Gradescope's autograder."""

import math
from collections import Counter
from datetime import datetime

from grader.compare import CONSEQUENCES
from grader.scheme import PART_TITLES

DAY = 86_400  # seconds
FOLLOWING = {"numeric", "figures"}  # checks that a mistake in another one fails too


def as_text(grading, verbose=False):
    """The table: a line for each part, below it what is wrong; with `verbose` every line of the scheme.

    What is wrong for the same reason is reported once.
    """
    parts = list(dict.fromkeys(result.line.part for result in grading.results))
    width = max((len(PART_TITLES[part]) for part in parts), default=5)
    out, told = [], set()
    for part in parts:
        results = grading.of_part(part)
        got, most = sum(r.points for r in results), sum(r.line.points for r in results)
        out.append(f"{PART_TITLES[part]:{width}}  {got:5.2f} of {most:5.2f}")
        if verbose:
            out += [f"  ok    {r.line.check}: {r.line.meaning}" for r in results if r.outcome.passed]
        out += failures(results, told)
    out.append(f"{'total':{width}}  {grading.points:5.2f} of {grading.possible:5.2f}")
    out += [f"remark: {remark}" for remark in grading.remarks]
    out.append(f"protection: {grading.protection}")
    if verbose:
        out.append(f"seed {grading.seed}; {grading.seconds:.1f} s")
    return "\n".join(out)


def failures(results, told=None, expected_values=True):
    """What is wrong in some lines, those of one reason together: points and checks, the reason, what it looks like."""
    told, reasons, out = set() if told is None else told, {}, []
    for result in results:
        if not result.outcome.passed:
            reason = (result.outcome.shown(expected_values), *result.outcome.hints)
            reasons.setdefault(reason, []).append(result)
    for reason, failed in reasons.items():
        message, *hints = reason
        lost = sum(result.line.points for result in failed)
        points = f"-{lost:g}" if lost else ""
        what = ", ".join(result.line.check for result in failed)
        if len(failed) == 1:
            what += f": {failed[0].line.meaning}"
        elif len(failed) == len(results):
            what = "everything"
        if reason in told:
            out.append(f"  {points:4}  {what} (the same as above)")
            continue
        told.add(reason)
        out.append(f"  {points:4}  {what}")
        out += [f"          {message}"] if message else []
        out += [f"          hint: {hint}" for hint in hints]
    return out


def as_json(grading):
    """Everything, as a dict for JSON."""
    return {
        "points": grading.points,
        "possible": grading.possible,
        "seed": grading.seed,
        "protection": grading.protection,
        "seconds": round(grading.seconds, 2),
        "remarks": grading.remarks,
        "lines": lines_as_json(grading.results),
    }


def lines_as_json(results):
    """The lines of a report: a list of dicts for JSON."""
    return [
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
        for result in results
    ]


def as_gradescope(grading, metadata=None):
    """The content of Gradescope's results.json.

    Parameters
    ----------
    grading : Grading
    metadata : dict, optional
        The submission's, as Gradescope writes it: when it was handed in, and when it was due.
    """
    scheme, remarks = grading.scheme, list(grading.remarks)
    late = days_late(metadata or {})
    penalty = min(grading.points, scheme.points_per_day * max(0, math.ceil((late or 0) - scheme.free_days)))
    if penalty:
        remarks.append(f"{late} days late, {scheme.free_days:g} of them free: {penalty:g} points less")
    return {
        "score": grading.points - penalty,
        "execution_time": round(grading.seconds),
        "output": "\n".join([*(f"remark: {remark}" for remark in remarks), f"protection: {grading.protection}"]),
        "output_format": "text",
        "test_output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {
            "seed": grading.seed,
            "protection": grading.protection,
            "days_late": late,
            "late_penalty": penalty,
            "mistakes": [list(mistake) for mistake in mistakes_of(as_json(grading)["lines"])],
        },
        "tests": [_test(scheme, *named) for named in _units(grading)],
    }


def _units(grading):
    """What becomes one test each: (name, results, whether hidden); hidden checks are a test of their own."""
    for part in dict.fromkeys(result.line.part for result in grading.results):
        results, title = grading.of_part(part), PART_TITLES[part]
        if grading.scheme.tests == "check":
            for result in results:
                yield f"{title}: {result.line.check}", [result], grading.scheme.is_hidden(result.line)
            continue
        hidden = [result for result in results if grading.scheme.is_hidden(result.line)]
        if shown := [result for result in results if result not in hidden]:
            yield title, shown, False
        if hidden:
            yield f"{title} (hidden)", hidden, True


def _test(scheme, name, results, is_hidden):
    passed = all(result.outcome.passed for result in results)
    output = failures(results, expected_values=scheme.expected_values) or [
        f"{result.line.check}: {result.line.meaning}" for result in results
    ]
    return {
        "name": name,
        "name_format": "text",
        "score": sum(result.points for result in results),
        "max_score": sum(result.line.points for result in results),
        "status": "passed" if passed else "failed",
        "output": "\n".join(output),
        "output_format": "text",
        "visibility": scheme.hidden_visibility if is_hidden else "visible",
        "extra_data": {
            "checks": {result.line.check: "passed" if result.outcome.passed else "failed" for result in results}
        },
    }


def days_late(metadata):
    """How many days after its due date something was handed in, begun ones in full; None where that is not known.

    A due date of the student's own (an extension) goes before that of the assignment.
    """
    try:
        users = metadata.get("users") or [{}]
        own = [user.get("assignment", {}).get("due_date") for user in users]
        due = max(filter(None, own), key=datetime.fromisoformat, default=None) or metadata["assignment"]["due_date"]
        seconds = (datetime.fromisoformat(metadata["created_at"]) - datetime.fromisoformat(due)).total_seconds()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return max(0, math.ceil(seconds / DAY))


def mistakes_of(lines):
    """The mistakes in the lines of a report: a list of (part, what it looks like, or else what was wrong).

    What several parts share, such as a missing file, is one mistake, of the first of them; what only follows from
    another mistake in its part is none.
    """
    found, told = [], set()
    failures = [line for line in lines if not line["passed"] and line["message"] not in CONSEQUENCES.values()]
    shared = Counter(line["message"] for line in failures)
    for line in failures:
        others = {other["check"] for other in failures if other["part"] == line["part"]} - FOLLOWING
        if line["check"] in FOLLOWING and others and not line["hints"]:
            continue
        is_message = shared[line["message"]] > 1 or " is missing" in line["message"]
        name = next(iter(line["hints"]), line["message"] if is_message else f"{line['check']}: {line['meaning']}")
        if line["message"] not in told and (line["part"], name) not in found:
            found.append((line["part"], name))
        told.add(line["message"])
    return found
