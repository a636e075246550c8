"""The errors imconv raises: each is one line that says what is wrong and what to do. Imports nothing."""

from __future__ import annotations


class ImconvError(ValueError):
    """Any mistake in what was asked for or given. The message is one line, fit to be shown to a user."""

    def __init__(self, message: object = ""):
        super().__init__(" ".join(str(message).split()))


class OptionError(ImconvError):
    """A parameter that names nothing or contradicts another: a border, a size, a stride, a kernel's name."""


class KernelError(ImconvError):
    """A kernel that can't be read or can't be used; for text the message gives file, line and column."""


class NetworkError(ImconvError):
    """A network's description that can't be read or makes no sense; the message gives file and line."""


class FileError(ImconvError):
    """A picture that can't be read or written."""


class LimitError(ImconvError):
    """Something larger than the caller allowed, refused before memory was taken for it."""


def nearest(word: str, known) -> str:
    """`; did you mean 'x'?` for the known word nearest to a mistyped one, else an empty string.

    >>> nearest("gausian", ["gaussian", "box"])
    "; did you mean 'gaussian'?"
    """
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
