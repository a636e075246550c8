"""The shared options as Click gives them, as numbers and `Options`: what can be judged before any file is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .places import teller

if TYPE_CHECKING:
    from ..options import Options
    from ..pixels.colours import Background

MOST_PAGES = 1 << 31
FLAGS = ("auto_orient", "strip", "no_clobber", "quiet", "verbose", "explain", "dry_run")
_PLAIN = (
    "border",
    "pad",
    "stride",
    "stride_phase",
    "dilation",
    "depth",
    "linear",
    "region",
    "channels",
    "crop",
)  # as `Options` takes them
TIFF_WORDS = ("none", "deflate", "lzw", "packbits", "zstd", "lzma")


@dataclass(frozen=True)
class Asked:
    """The shared options of a filter command, checked; None where one was left out."""

    threads: int | None
    max_pixels: int | None
    max_memory: int | None  # bytes
    truncated: str
    page: int | None
    quality: int | None
    compression: int | str | None
    background: Background | None
    to_srgb: bool
    options: Options  # what filters are made with
    format: str | None
    auto_orient: bool
    strip: bool | str
    no_clobber: bool
    quiet: bool
    verbose: bool
    explain: bool
    dry_run: bool
    json: bool


def checked(shared: dict) -> Asked:
    """The shared options as numbers; bad ones are usage errors before any file is read."""
    from ..files.formats import format_named
    from ..pixels.colours import parse_background

    if shared["format_"] is not None:
        format_named(shared["format_"])

    def number(name: str, least: int, most: int) -> int | None:
        return None if shared[name] is None else whole(shared[name], f"--{name}", least, most)

    threads = checked_threads(shared["threads"])
    limits = checked_limits(shared["max_pixels"], shared["max_memory"], shared["truncated"])
    words = shared["compression"] in TIFF_WORDS
    return Asked(
        threads=threads,
        **limits,
        page=checked_page(shared["page"]),
        quality=number("quality", 1, 100),
        compression=shared["compression"] if words else number("compression", 0, 9),
        options=checked_options(shared, limits["max_pixels"]),
        to_srgb=shared.get("to_srgb", False),
        background=None if shared.get("background") is None else parse_background(shared["background"]),
        format=shared["format_"],
        json=shared["json_"],
        **{name: shared[name] for name in FLAGS},
    )


def checked_threads(text: str | None) -> int | None:
    """The number of threads that --threads asks for."""
    from ..engine.threads import checked_threads

    return None if text is None else checked_threads(text, "--threads")


def checked_limits(max_pixels: str | None, max_memory: str | None = None, truncated: str = "error") -> dict:
    """What --max-pixels, --max-memory and --truncated say, as `files.read` takes it: pixels and bytes, None where nothing is said."""
    from ..errors import known
    from ..files.limits import parse_count, parse_size
    from ..files.salvage import WORDS

    return {
        "max_pixels": None if max_pixels is None else parse_count(max_pixels),
        "max_memory": None if max_memory is None else parse_size(max_memory),
        "truncated": known(truncated, "--truncated", WORDS),
    }


def checked_page(text: str | None) -> int | None:
    """The page that --page asks for."""
    return None if text is None else whole(text, "--page", 0, MOST_PAGES)


def checked_options(shared: dict, max_pixels: int | None = None) -> Options:
    """What a filter is made with, by those of the shared options that the command has; bad values are usage errors."""
    from ..errors import OptionError, known
    from ..options import Options
    from ..pixels.depth import SAMPLE_TYPES, parse_depth

    given = {name: shared[name] for name in _PLAIN if name in shared}
    if shared.get("dtype") is not None:
        given["dtype"] = known(shared["dtype"], "--dtype", SAMPLE_TYPES)
        if parse_depth(shared["depth"]) != "keep":
            raise OptionError("--dtype keeps sample values, --depth rescales them; give one of the two")
    if shared.get("mask") is not None:
        given["mask"] = _mask(shared, max_pixels)
    alpha, policy, nan = shared["alpha"], shared["range_"] or "clip", shared["nan"]
    alpha = None if alpha is None else alpha.lower()
    return Options(**given, alpha=alpha, range=policy.lower(), nan=nan.lower(), nodata=shared.get("nodata")).checked()


def _mask(shared: dict, max_pixels):
    from .. import files
    from ..options import as_mask

    mask, note = as_mask(files.read(shared["mask"], auto_orient=True, max_pixels=max_pixels))
    if note:
        teller(shared["quiet"])(f"{shared['mask']}: {note}")
    return mask


def whole(text: str, option: str, least: int, most: int) -> int:
    """The number that an option's text is."""
    from ..errors import OptionError

    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise OptionError(f"{option} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)
