"""How large a picture may be: refused from the header, before memory is taken."""

from __future__ import annotations

import os
import re

from ..errors import LimitError, OptionError
from ..units import human_bytes
from . import cgroups

DEFAULT_SHARE = 0.75  # of the memory that is free: the rest is for the result and for other programs
_FALLBACK_BYTES = 2 << 30  # where the system does not tell
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str | int) -> int:
    """Bytes in a size as `--max-memory` takes it: "500M", "2G", "1.5 GiB", "800000". Raises OptionError.

    >>> parse_size("500M")
    524288000
    """
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return text
    match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?\s*", str(text), re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size <= 0:
        raise OptionError(f"{text!r} is not a size of memory; write it as 800000, 500M or 2G")
    return size


def parse_count(text: str | int) -> int:
    """Pixels in a number as `--max-pixels` takes it: 1000000, "20M" (millions), "1.5G". Raises OptionError."""
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return text
    match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([KMGT]?)\s*", str(text), re.IGNORECASE)
    count = int(float(match[1]) * 1000 ** "_KMGT".index(match[2].upper() or "_")) if match else 0
    if count <= 0:
        raise OptionError(f"{text!r} is not a number of pixels; write it as 1000000, 20M or 1.5G")
    return count


def available_memory() -> int:
    """Bytes of memory this process can still take: what the machine has free, less where a limit is set."""
    free = _free_by_meminfo() or _free_by_sysconf() or _FALLBACK_BYTES
    return max(1, min(free, *_process_limits(), *cgroups.free_memory()))


def memory_limit(max_memory: str | int | None = None) -> int:
    """The limit in bytes: what was asked for, else DEFAULT_SHARE of the available memory."""
    return parse_size(max_memory) if max_memory is not None else int(available_memory() * DEFAULT_SHARE)


def check(name: str, width: int, height: int, bytes_needed: int, *, max_pixels=None, max_memory=None) -> None:
    """Raise LimitError where width x height or the memory needed for it is more than allowed."""
    if max_pixels is not None and width * height > parse_count(max_pixels):
        raise LimitError(
            f"{name}: {width} x {height} is {width * height} pixels, more than the {parse_count(max_pixels)} allowed; "
            "raise the limit with max_pixels="
        )
    allowed = memory_limit(max_memory)
    if bytes_needed > allowed:
        raise LimitError(
            f"{name}: {width} x {height} pixels need {human_bytes(bytes_needed)} of memory, more than the {human_bytes(allowed)} "
            "allowed; raise the limit with max_memory="
        )


def _free_by_meminfo() -> int | None:
    try:
        with open("/proc/meminfo", "rb") as file:
            match = re.search(rb"^MemAvailable:\s*(\d+) kB", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def _free_by_sysconf() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _process_limits() -> list[int]:
    try:
        import resource
    except ImportError:
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return []
    try:
        with open("/proc/self/statm", "rb") as file:
            soft -= int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        pass
    return [soft]
