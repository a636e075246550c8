"""`imconv strip` of files whose pixels need not be encoded anew."""

from __future__ import annotations

from .checked import checked
from .places import STDOUT, checked_places, label, place_of, teller
from .saying import report


def strip_copying(shared: dict) -> bool:
    """Copy INPUT to OUTPUT without metadata, if its format allows that and nothing asks for other pixels. False, with nothing
    done, if not.

    `shared` are the shared options as Click gives them; `strip` is "icc" where the color profile is kept.
    """
    from ..errors import FileError
    from ..files import format_for
    from ..files.formats import format_named
    from ..files.stripping import copy_bare

    asked = checked(shared)
    source, target = checked_places(shared["input"], shared["output"], asked.dry_run)
    if asked.quality is not None or asked.dry_run or asked.page:
        return False
    if source == "-":
        teller(asked.quiet)("standard input is encoded anew; give a path, and the coded pixels of a JPEG are copied")
        return False
    try:
        into = format_named(asked.format).name if asked.format else None if target == "-" else format_for(target)
    except FileError:
        return False
    place, _ = place_of(target)
    keep, limit = asked.strip == "icc", asked.max_memory
    notes = copy_bare(source, place, into, keep_icc=keep, no_clobber=asked.no_clobber, max_memory=limit)
    if notes is None:
        return False
    for note in notes:
        teller(asked.quiet)(f"{label(target, STDOUT)}: {note}")
    if asked.json:
        report({"input": source, "output": target}, target)
    return True
