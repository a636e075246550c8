"""`imconv show`: pictures in the terminal."""

from __future__ import annotations

import os
import shutil
import sys

import click

from ..checked import checked_limits, whole
from ..compiling import watch
from ..options import command, flag, reading_options, setting
from ..places import input_place, need_input, teller
from ..saying import complain


@command(
    "show",
    "imconv show photo.png",
    "imconv show in.png in.tif --width 60",
    "imconv show photo.jpg --protocol sixel",
    "imconv show --width 40 < in.png",
)
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(allow_dash=True))
@setting("--width", "N", "Largest width, in columns. [default: the terminal's]")
@setting(
    "--protocol",
    "blocks|kitty|sixel|iterm",
    "How the terminal draws: text, or pixels by escape sequences.",
    default="blocks",
)
@reading_options
@flag("-q --quiet", "No notes.")
def show(images, width, protocol, max_pixels, truncated, quiet):
    """Show pictures in the terminal, as half blocks or as pixels.

    IMAGES are paths, or - for standard input. Larger pictures are reduced by the mean over boxes. Half blocks need a
    terminal with 24-bit colour; if NO_COLOR is set, shades are drawn instead. Terminals for the other protocols: kitty,
    Ghostty and WezTerm (kitty); xterm -ti vt340, foot, mlterm and Windows Terminal (sixel); iTerm2 (iterm).
    """
    from ... import files
    from ...errors import ImconvError, known
    from ...show import inline, terminal

    if not images:
        need_input()
    protocol = known(protocol, "protocol", inline.PROTOCOLS)
    columns = shutil.get_terminal_size().columns
    if width is not None:
        columns = whole(width, "--width", 1, terminal.MOST_COLUMNS)
    limits = checked_limits(max_pixels, truncated=truncated)
    watch(quiet)
    failed = False
    for path in images or ("-",):
        try:
            place, name = input_place(path, "an IMAGE")
            picture = files.read(place, auto_orient=True, name=name, **limits)
            told = inline.shown(picture, protocol, columns, colour=not os.environ.get("NO_COLOR"))
        except ImconvError as error:
            failed = True
            complain(error)
            continue
        for note in picture.notes:
            teller(quiet)(f"{name}: {note}")
        if len(images) > 1:
            click.echo(click.format_filename(name))
        sys.stdout.flush()
        sys.stdout.buffer.write(told.encode())  # whatever the locale: half blocks are UTF-8
        sys.stdout.buffer.flush()
    click.get_current_context().exit(int(failed))
