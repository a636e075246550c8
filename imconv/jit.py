"""The only room that knows how a loop is compiled, kept and loaded again.

A loop is a plain function in `imconv/loops/`; `loop("dense", "correlate_dense")` is its compiled form: specialised to
the argument types at its first call, run with the GIL released, kept on disk for the next process.
"""

from __future__ import annotations

import os
import threading
import zlib
from functools import cache
from importlib import import_module
from pathlib import Path

_LOOPS = Path(__file__).with_name("loops")
_lock = threading.RLock()


def cache_folder() -> Path:
    """Where compiled loops are kept: under the user's cache folder, one folder per state of the loops' sources.

    Numba looks at the time stamp of a loop's own file only; a checksum over all of them notices a changed inner function.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    checksum = 0
    for source in sorted(_LOOPS.glob("*.py")):
        checksum = zlib.crc32(source.read_bytes(), checksum)
    return Path(base) / "imconv" / f"numba-{checksum:08x}"


@cache
def loop(module: str, name: str):
    """The compiled form of function `name` of `imconv.loops.<module>`."""
    with _lock:
        import numba

        numba.config.CACHE_DIR = str(_writable(cache_folder()))
        function = getattr(import_module(f"imconv.loops.{module}"), name)
        options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
        if not numba.config.CACHE_DIR:
            return numba.njit(**options)(function)
        return _Cached(numba.njit(cache=True, **options)(function), numba.njit(**options)(function))


class _Cached:
    """A loop with a cache on disk that may be damaged or full: then the uncached twin is compiled and used."""

    def __init__(self, cached, uncached):
        self._call, self._uncached = cached, uncached

    def __call__(self, *arguments):
        try:
            return self._call(*arguments)
        except KeyboardInterrupt:
            raise
        except Exception:
            # loops raise nothing themselves: what comes out is the cache's (truncated index, no space, bad pickle)
            if self._call is self._uncached:
                raise
            self._call = self._uncached
            return self._call(*arguments)


def _writable(folder: Path) -> Path | str:
    """The folder, made private if need be; "" where nothing can be kept, since Numba would fail there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return ""
    owned = not hasattr(os, "geteuid") or folder.stat().st_uid == os.geteuid()
    return folder if owned and os.access(folder, os.W_OK | os.X_OK) else ""
