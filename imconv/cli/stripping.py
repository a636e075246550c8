"""`imconv strip` of JPEG files, without decoding them."""

from __future__ import annotations

import json

import click

from .checked import checked
from .places import STDOUT, checked_places, label, on_stdout, place_of, teller


def strip_jpeg(shared: dict) -> bool:
    """Copy INPUT to OUTPUT without metadata, if both are JPEG and nothing asks for other pixels. False, with nothing done, if not.

    `shared` are the shared options as Click gives them; `strip` is "icc" where the colour profile is kept.
    """
    from ..files.formats import format_named
    from ..files.stripping import copy_bare_jpeg, is_jpeg_name

    asked = checked(shared)
    source, target = checked_places(shared["input"], shared["output"], asked.dry_run)
    named = is_jpeg_name(target) or target == "-" if asked.format is None else format_named(asked.format).name == "JPEG"
    if source == "-" and named and not asked.dry_run:
        teller(asked.quiet)("JPEG from standard input is encoded anew; give its path, and the coded pixels are copied")
    if source == "-" or not named or asked.quality is not None or asked.dry_run or asked.page:
        return False
    place, _ = place_of(target)
    keep, limit = asked.strip == "icc", asked.max_memory
    notes = copy_bare_jpeg(source, place, keep_icc=keep, no_clobber=asked.no_clobber, max_memory=limit)
    if notes is None:
        return False
    for note in notes:
        teller(asked.quiet)(f"{label(target, STDOUT)}: {note}")
    if asked.json:
        click.echo(json.dumps({"input": source, "output": target}), err=on_stdout(target))
    return True
