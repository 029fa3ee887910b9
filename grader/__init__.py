"""The grader: runs somebody's solution at arm's length and judges what comes back. `python grade.py` calls it."""
