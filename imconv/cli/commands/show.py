"""`imconv show`: pictures in the terminal."""

from __future__ import annotations

import os
import shutil
import sys

import click

from ..checked import checked_limits, whole
from ..options import ExampleCommand, max_pixels_option
from ..places import STDIN, label, teller


@click.command(
    "show",
    cls=ExampleCommand,
    examples=(
        "imconv show photo.png",
        "imconv show in.png in.tif --width 60",
        "imconv show photo.jpg --protocol sixel",
        "imconv show --width 40 < in.png",
    ),
)
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--width", default=None, metavar="N", help="Columns at most. [default: the terminal's]")
@click.option(
    "--protocol",
    default="blocks",
    show_default=True,
    metavar="blocks|kitty|sixel|iterm",
    help="How the terminal draws: text, or pixels by escape sequences.",
)
@max_pixels_option
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
def show(images, width, protocol, max_pixels, quiet):
    """Show pictures in the terminal, as half blocks or as pixels.

    IMAGES are paths, or - for standard input. Larger pictures are reduced by the mean over boxes. Half blocks need a
    terminal with 24-bit colour; where NO_COLOR is set, shades are drawn. The other protocols need a terminal that knows
    them: kitty, Ghostty and WezTerm; xterm -ti vt340, foot, mlterm and Windows Terminal (sixel); iTerm2.
    """
    from ... import files, jit
    from ...errors import FileError, ImconvError, known
    from ...show import inline, terminal
    from ..compiling import Notice

    ctx = click.get_current_context()
    if not images and sys.stdin is not None and sys.stdin.isatty():
        click.echo(ctx.get_usage() + f"\nTry '{ctx.command_path} --help' for help.", err=True)
        ctx.exit(2)
    protocol = known(protocol, "protocol", inline.PROTOCOLS)
    columns = shutil.get_terminal_size().columns
    if width is not None:
        columns = whole(width, "--width", 1, terminal.MOST_COLUMNS)
    limits = checked_limits(max_pixels)
    jit.watch = Notice(quiet)
    failed = False
    for path in images or ("-",):
        name = label(path, STDIN)
        try:
            if path == "-" and sys.stdin is None:
                raise FileError("standard input is closed; give an IMAGE")
            place = sys.stdin.buffer if path == "-" else path
            picture = files.read(place, auto_orient=True, name=name, **limits)
            told = inline.shown(picture, protocol, columns, colour=not os.environ.get("NO_COLOR"))
        except ImconvError as error:
            failed = True
            click.echo(f"imconv: {error}", err=True)
            continue
        for note in picture.notes:
            teller(quiet)(f"{name}: {note}")
        if len(images) > 1:
            click.echo(click.format_filename(name))
        sys.stdout.flush()
        sys.stdout.buffer.write(told.encode())  # whatever the locale: half blocks are UTF-8
        sys.stdout.buffer.flush()
    ctx.exit(int(failed))
