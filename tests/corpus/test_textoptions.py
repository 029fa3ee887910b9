"""TextOptions: which values they take."""

import pytest

from utils.corpus.tokens import TextOptions
from utils.system.errors import InputError


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_count": 0}, "min_count must be at least 1, got 0"),
        ({"max_vocab": 1}, "max_vocab must be at least 2, got 1"),
        ({"longest": 1}, "longest must be at least 2, got 1"),
        ({"encoding_errors": "guess"}, "encoding_errors must be one of strict, replace, ignore, got guess"),
        ({"token_pattern": "("}, r"the token pattern '\(' is not a regular expression \(.+\): give a regular"),
        ({"token_pattern": "a{99999999999999}"}, "is not a regular expression"),
        ({"token_pattern": "a*"}, r"the token pattern 'a\*' matches the empty string"),
        ({"token_pattern": ""}, "matches the empty string"),
        ({"token_pattern": "(a)(b)"}, "has 2 groups, at most one can be the word"),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_line(options, message):
    with pytest.raises(InputError, match=message) as caught:
        TextOptions(**options)
    assert "\n" not in str(caught.value)


def test_groups_that_capture_nothing_are_no_groups():
    assert TextOptions(token_pattern=r"(?:a|b)(c)").token_pattern
