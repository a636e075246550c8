"""Where pictures come from and go to: paths, standard input and output, and what messages call them; remarks to the user."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import click

from . import saying, usage

if TYPE_CHECKING:
    import numpy as np

    from ..files.picture import Picture

STDIN, STDOUT = "standard input", "standard output"


def label(place: str, stream: str) -> str:
    """What messages call a place; `stream` is the name of the standard stream."""
    return stream if place == "-" else place


def is_terminal(stream) -> bool:
    """Whether a stream is open and a terminal."""
    return stream is not None and stream.isatty()


def place_of(output: str) -> tuple[str | BinaryIO, str | None]:
    """Where to write, and what messages call it if that is standard output."""
    return (sys.stdout.buffer, STDOUT) if output == "-" else (output, None)


def need_input() -> None:
    """Where nobody pipes anything in, show the usage and exit: the command was called without an input."""
    if is_terminal(sys.stdin):
        ctx = click.get_current_context()
        click.echo(f"{ctx.get_usage()}\n{usage.hint(ctx.command_path)}", err=True)
        ctx.exit(2)


def input_place(input: str | None, what: str = "an INPUT") -> tuple[str | BinaryIO, str]:
    """Where to read, and what messages call it; standard input where nothing is named."""
    if input is None:
        need_input()
    saying.current().name = label(input or "-", STDIN)
    if input not in (None, "-"):
        return input, input
    if sys.stdin is None:
        from ..errors import FileError

        raise FileError(f"standard input is closed; give {what}")
    return sys.stdin.buffer, STDIN


def read_picture(place: str | BinaryIO, name: str, quiet: bool, **how) -> Picture:
    """Read a picture and tell the remarks on it; `how` as for `files.read`."""
    from .. import files

    picture = files.read(place, name=name, **how)
    for note in picture.notes:
        teller(quiet)(f"{name}: {note}")
    return picture


def write_picture(output: str, picture: Picture | np.ndarray, no_clobber: bool, quiet: bool) -> None:
    """Write a picture and tell the remarks on that."""
    from .. import files

    place, name = place_of(output)
    for note in files.write(place, picture, no_clobber=no_clobber, name=name).notes:
        teller(quiet)(f"{label(output, STDOUT)}: {note}")


def checked_places(source: str | None, target: str | None, dry_run: bool) -> tuple[str, str]:
    """INPUT and OUTPUT, "-" where they are left out; usage errors where a terminal would have to give or take an image."""
    from ..errors import FileError, OptionError

    if source == "" or target == "":
        raise OptionError(f"the name of {'INPUT' if source == '' else 'OUTPUT'} is empty")
    input_place(source)
    source, target = source or "-", target or "-"
    if target == "-" and sys.stdout is None:
        raise FileError("standard output is closed; give an OUTPUT")
    if target == "-" and is_terminal(sys.stdout) and not dry_run:
        raise click.UsageError(
            "standard output is a terminal, which can't show an image; give an OUTPUT or redirect",
            click.get_current_context(),
        )
    return source, target


def teller(quiet: bool) -> Callable[[str], None]:
    """What writes remarks to standard error and keeps them for the report; what only keeps them, if it is to be quiet."""
    return lambda text: saying.note(text, quiet)
