"""The two errors shown to users as one line; anything else is a bug and keeps its traceback."""

LONGEST_QUOTE = 200  # characters


class InputError(ValueError):
    """The input is wrong and the user can fix it: exit status 2.

    The message is one sentence that names what was got, what was wanted and the remedy.
    """


class EnvironmentFailure(RuntimeError):
    """The machine failed (disk, network, permissions), not the input: exit status 1."""


def quoted(text):
    """A piece of the user's text in quotation marks, shortened to fit in one line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def brief(error):
    """The text of a library's error, shortened to fit in one line: libraries quote what they could not read."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."
