"""All errors that imconv raises and its warnings: each message is one line that says what is wrong and what to do.

Messages call parameters as Python does, `pad=` or `border='normalized'`; the command line shows its options instead
(`cli/wording.py`): `--pad`, `--border normalized`.
"""

from __future__ import annotations

from collections.abc import Iterable


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


class ImconvWarning(RuntimeWarning):
    """A result or an input that may not be what the caller expects, such as NaN that became 0; the message is one line."""


def known(name: str, what: str, names) -> str:
    """`name` in lower case, without blanks around it; OptionError, which proposes the nearest name, if none of `names` is it.

    >>> known(" CSV", "format", ("text", "csv"))
    'csv'
    """
    word = str(name).strip().lower()
    if word not in names:
        raise OptionError(f"unknown {what} {name!r}; it is one of {', '.join(names)}{nearest(word, names)}")
    return word


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known word nearest to a mistyped one, or an empty string if none is near.

    Near is a word that differs in one letter, or in two if the mistyped word has at least five.

    >>> nearest("gausian", ["gaussian", "box"])
    "; did you mean 'gaussian'?"
    >>> nearest("erode", ["edges"])
    ''
    """
    typed = word.lower()
    most = 1 if len(typed) < 5 else 2
    near = [(differing, name) for name in known if (differing := _letters_that_differ(typed, name.lower())) <= most]
    return f"; did you mean {min(near, key=lambda pair: pair[0])[1]!r}?" if near else ""


def _letters_that_differ(one: str, other: str) -> int:
    """How many letters are added, left out, replaced or swapped with their neighbor; more than 2 may be reported as 3.

    Optimal string alignment distance. Source: Damerau, "A technique for computer detection and correction of spelling
    errors", Communications of the ACM 7 (1964).
    """
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, match in enumerate(other, 1):
            least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != match))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == match:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, last = last, row
    return last[-1]
