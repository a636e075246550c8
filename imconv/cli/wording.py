"""Messages of the library in the words of the command line: `pad=` is `--pad` there, `border='wrap'` is `--border wrap`."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

_QUOTED = r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`"  # an apostrophe begins no quotation
_PARAMETER = r"(?<![\w'\"/.$=-])(?P<name>[a-z][a-z_]*)=(?:'(?P<quoted>[^']*)'|(?P<value>[\w.,:+-]*[\w%]))?"

# what reading and writing advise, whatever command does it
SHARED = ("--page", "--format", "--depth", "--auto-orient", "--max-pixels", "--max-memory", "--no-clobber")


def as_options(message: str, commands: Iterable[click.Command], args: Iterable[str] = ()) -> str:
    """A message with the commands' options in the place of the parameters that it names.

    Parameters
    ----------
    message : str
        Names parameters as `name=` or `name=value`, or begins with `name must be`.
    commands : click.Commands
        Whose options these are, beside SHARED.
    args : strings
        The words of the command line: what the user wrote stays as it is, and so does whatever is in quotes.
    """
    if "=" not in message and " must be " not in message:
        return message
    options = _options_of(commands)
    written = sorted({word for word in args if "=" in word}, key=len, reverse=True)
    kept = "|".join([*map(re.escape, written), _QUOTED])

    def option(found: re.Match) -> str:
        name = found["name"]
        if not name or name not in options:
            return found[0]
        value = found["quoted"] if found["quoted"] is not None else found["value"]
        if value in (None, "True"):  # flags have no value
            return options[name]
        value = repr(value) if not value or re.search(r"[^\w.,:+%-]", value) else value
        return f"{options[name]} {value}"

    changed = re.sub(f"(?:{kept})|{_PARAMETER}", option, message)
    first, _, rest = changed.partition(" must be ")
    return f"{options[first]} must be {rest}" if rest and first in options else changed


def _options_of(commands: Iterable[click.Command]) -> dict[str, str]:
    """The options by the names of the library's parameters: `max_memory` for `--max-memory`."""
    options = [each for command in commands for each in command.params if isinstance(each, click.Option)]
    longest = (*SHARED, *(max(each.opts, key=len) for each in options))
    return {name.lstrip("-").replace("-", "_"): name for name in longest}
