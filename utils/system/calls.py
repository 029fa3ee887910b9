"""A call and its answer, as bytes that one process sends to another."""

import pickle
import traceback
from typing import NamedTuple


class Missing(NamedTuple):
    """The answer of a worker that lacks what an earlier call should have left there: it is new, or was away."""

    what: str


def packed(call):
    """The bytes of a call (function, *arguments)."""
    return pickle.dumps(call, pickle.HIGHEST_PROTOCOL)


def perform(call):
    """In a worker: do what `packed` has packed; return the bytes of the answer. An exception is an answer, too."""
    try:
        function, *arguments = pickle.loads(call)
        answer = function(*arguments), None
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        answer = None, error
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def unpacked(answer):
    """What the function has returned, or raised."""
    result, error = pickle.loads(answer)
    if error is not None:
        raise error
    return result
