"""The shared options as Click gives them, as numbers and `Options`: what can be judged before any file is read."""

from __future__ import annotations

MOST_PAGES = 1 << 31
TIFF_WORDS = ("none", "deflate", "lzw", "packbits", "zstd", "lzma")


def checked(shared: dict) -> dict:
    """The shared options as numbers; bad ones are usage errors before any file is read."""
    from ..engine.threads import checked_threads
    from ..files.formats import format_named
    from ..files.limits import parse_count, parse_size

    if shared["format_"] is not None:
        format_named(shared["format_"])

    def given(name, parse):
        return None if shared[name] is None else parse(shared[name])

    return {
        "threads": given("threads", lambda n: checked_threads(n, "--threads")),
        "max_pixels": given("max_pixels", parse_count),
        "max_memory": given("max_memory", parse_size),
        "page": given("page", lambda text: whole(text, "--page", 0, MOST_PAGES)),
        "quality": given("quality", lambda text: whole(text, "--quality", 1, 100)),
        "compression": given(
            "compression", lambda text: text if text in TIFF_WORDS else whole(text, "--compression", 0, 9)
        ),
        "options": checked_options(shared, given("max_pixels", parse_count)),
    }


def checked_options(shared: dict, max_pixels=None):
    """What a filter is made with; bad values are usage errors."""
    from ..options import Options

    return Options(
        border=shared["border"],
        pad=shared["pad"],
        stride=shared["stride"],
        dilation=shared["dilation"],
        alpha=None if shared["alpha"] is None else shared["alpha"].lower(),
        range=(shared["range_"] or "clip").lower(),
        depth=shared["depth"],
        linear=shared["linear"],
        region=shared["region"],
        mask=None if shared["mask"] is None else _mask(shared, max_pixels),
        channels=shared["channels"],
        crop=shared["crop"],
        nan=shared["nan"].lower(),
    ).checked()


def _mask(shared: dict, max_pixels):
    from .. import files

    return files.read(shared["mask"], auto_orient=shared["auto_orient"], max_pixels=max_pixels)


def whole(text: str, option: str, least: int, most: int) -> int:
    """The number that an option's text is."""
    from ..errors import OptionError

    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise OptionError(f"{option} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)
