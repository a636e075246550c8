"""`imconv info`: what files say about themselves before their pixels are touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import saying
from ..options import command, flag
from ..places import input_place, need_input

if TYPE_CHECKING:
    from ...files.header import Header

FACTS = ("format", "width", "height", "channels", "mode", "depth", "sample", "palette", "alpha", "icc", "orientation", "dpi",
         "frames", "maximum", "stated_range", "overviews", "masks")  # fmt: skip
TURNS = (
    "upright",
    "mirrored left to right",
    "turned by 180 degrees",
    "mirrored top to bottom",
    "mirrored along the diagonal",
    "to be turned right by 90 degrees",
    "mirrored along the other diagonal",
    "to be turned left by 90 degrees",
)


@command("info", "imconv info photo.jpg", "imconv info in.png in.tif --json", "imconv info < in.png")
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path(allow_dash=True))
@flag("--json json_", "As JSON: an object, or a list of them for several pictures.")
def info(images, json_):
    """Print size, depth, channels and metadata from the header alone.

    IMAGES are paths, or - for standard input. A file that can't be read is reported on standard error, and the exit
    status is 1; the other files are still printed.
    """
    from ... import files
    from ...errors import ImconvError

    if not images:
        need_input()
    found: list[dict] = []
    failed = False
    for path in images or ("-",):
        try:
            place, name = input_place(path, "an IMAGE")
            header = files.inspect(place, name=name)
        except ImconvError as error:
            failed = True
            found.append({"input": path, **saying.failed(saying.complain(error), 1), "notes": []})
            continue
        notes = [*header.notes, *([] if path == "-" else files.notes_on_name(path, header.format))]
        found.append({"input": path, **{name: getattr(header, name) for name in FACTS}, "notes": notes})
        if not json_:
            click.echo(f"{click.format_filename(name)}\n{_text(found[-1], header)}")
    if json_:
        saying.report(found if len(found) > 1 else found[0])
    click.get_current_context().exit(int(failed))


def _text(facts: dict, header: Header) -> str:
    """The same for people, without what is as usual."""
    bits = "1 bit" if facts["depth"] == 1 else f"{facts['depth']} bits"
    palette = ", by a palette" if facts["palette"] else ""
    rows = [
        ("format", facts["format"] + (f", {facts['frames']} frames" if facts["frames"] > 1 else "")),
        ("size", f"{facts['width']} x {facts['height']} pixels"),
        (
            "samples",
            f"{bits}, {facts['sample']}{palette}" + (f", white is {facts['maximum']}" if facts["maximum"] else ""),
        ),
        *(
            [("range", "{:g} to {:g}, as the file states".format(*facts["stated_range"]))]
            if facts["stated_range"]
            else []
        ),
        ("channels", f"{facts['channels']}, {facts['mode']}"),
        ("alpha", "yes" if facts["alpha"] else "no"),
        (
            "ICC profile",
            f"{len(header.metadata.icc)} bytes" if header.metadata.icc else "yes" if header.icc else "none",
        ),
        ("orientation", f"{facts['orientation']}, {TURNS[facts['orientation'] - 1]}"),
        ("dpi", "not given" if header.dpi is None else "{:g} x {:g}".format(*header.dpi)),
        *((name, str(facts[name])) for name in ("overviews", "masks") if facts[name]),
        *(("note", note) for note in facts["notes"]),
    ]
    return "\n".join(f"  {name:<13}{value}" for name, value in rows)
