"""All errors that imconv raises: each message is one line that says what is wrong and what to do."""

from __future__ import annotations


class ImconvError(ValueError):
    """Base class: a mistake in the request or in the input. The message is one line, fit to be shown to a user."""

    def __init__(self, message: object = ""):
        super().__init__(" ".join(str(message).split()))


class OptionError(ImconvError):
    """A parameter with an unknown name or an impossible value, or one that contradicts another parameter."""


class KernelError(ImconvError):
    """A kernel that can't be read or can't be used; for kernels in text the message names file, line and column."""


class NetworkError(ImconvError):
    """A network description that can't be read or makes no sense; the message names file and line."""


class FileError(ImconvError):
    """A picture that can't be read or written."""


class DamagedFileError(FileError):
    """A picture whose file is damaged or ends too early."""


class LimitError(ImconvError):
    """An input or a result larger than the caller allows; raised before memory is allocated for it."""


def known(name: str, what: str, names) -> str:
    """`name` in lower case, without blanks around it; OptionError, which proposes the nearest name, if none of `names` is it.

    >>> known(" CSV", "format", ("text", "csv"))
    'csv'
    """
    word = str(name).strip().lower()
    if word not in names:
        raise OptionError(f"unknown {what} {name!r}; it is one of {', '.join(names)}{nearest(word, names)}")
    return word


def nearest(word: str, known) -> str:
    """Return `; did you mean 'x'?` for the known word nearest to a mistyped one, or an empty string if none is near.

    >>> nearest("gausian", ["gaussian", "box"])
    "; did you mean 'gaussian'?"
    """
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
