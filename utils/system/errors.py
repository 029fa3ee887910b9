"""The two errors that a person meets; everything else is a mistake of ours and keeps its traceback."""

LONGEST_QUOTE = 200  # characters


class InputError(ValueError):
    """Something given to the program is wrong and the giver can mend it: exit status 2.

    The message is one sentence that names what was got, what was wanted and the remedy.
    """


class EnvironmentFailure(RuntimeError):
    """The machine failed (disk, network, permissions), not the input: exit status 1."""


def brief(error):
    """The text of somebody else's error, fit for a part of one line: libraries quote what they could not read."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."
