"""A call that has to be refused, in one line."""

import pytest


def refused(error, words: str, call, *arguments, **options) -> str:
    """`call` raises `error` with a message of one line, which is returned; `words`, if any, is a regular expression for it."""
    with pytest.raises(error, match=words or None) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)
