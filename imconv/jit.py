"""The only room that knows how a loop is compiled, kept and loaded again.

A loop is a plain function in `imconv/loops/`; `loop("dense", "correlate_dense")` is its compiled form: specialised to
the argument types at its first call, run with the GIL released, kept on disk for the next process.
"""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from functools import cache
from importlib import import_module
from pathlib import Path

_LOOPS = Path(__file__).with_name("loops")
_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}
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

        folder = _writable(cache_folder())
        function = getattr(import_module(f"imconv.loops.{module}"), name)
        if folder is None:
            return numba.njit(**_OPTIONS)(function)
        numba.config.CACHE_DIR = str(folder)
        kept = _Kept(folder, f"{module}.{name}-")
        kept.drop_damaged()
        return _Cached(numba.njit(cache=True, **_OPTIONS)(function), numba.njit(**_OPTIONS)(function), kept)


class _Cached:
    """A loop with a cache on disk that may be full or swept away: then the uncached twin is compiled and used."""

    def __init__(self, cached, uncached, kept: _Kept):
        self._call, self._uncached, self._kept = cached, uncached, kept
        self._known = 0

    def __call__(self, *arguments):
        try:
            self._call(*arguments)
        except KeyboardInterrupt:
            raise
        except Exception:
            # loops raise nothing themselves: what comes out is the cache's (truncated index, no space, bad pickle)
            if self._call is self._uncached:
                raise
            self._call = self._uncached
            self._call(*arguments)
        if len(self._call.overloads) != self._known:
            with _lock:
                self._known = len(self._call.overloads)
                if self._call is not self._uncached:
                    self._kept.note()


class _Kept:
    """Numba's files for one loop, with their checksums beside them: damaged machine code must never be run."""

    def __init__(self, folder: Path, prefix: str):
        self.folder, self.prefix = folder, prefix
        self.sums = folder / f"{prefix}sums"

    def files(self) -> dict[str, Path]:
        found = self.folder.glob(f"*/{self.prefix}*")
        return {path.name: path for path in found if path.suffix in (".nbi", ".nbc")}

    def note(self) -> None:
        """Write down the checksums of the files as they are now."""
        with contextlib.suppress(OSError):
            text = "".join(f"{zlib.crc32(path.read_bytes()):08x} {name}\n" for name, path in self.files().items())
            temporary = self.sums.with_name(f"{self.sums.name}.{os.getpid()}")
            temporary.write_text(text)
            temporary.replace(self.sums)

    def drop_damaged(self) -> None:
        """Remove the files if any of them is not as it was noted; they are compiled anew."""
        try:
            noted = dict(reversed(line.split(" ", 1)) for line in self.sums.read_text().splitlines())
        except (OSError, ValueError):
            noted = {}
        found = self.files()
        with contextlib.suppress(OSError):
            if all(noted.get(name) == f"{zlib.crc32(path.read_bytes()):08x}" for name, path in found.items()):
                return
        for path in found.values():
            with contextlib.suppress(OSError):
                path.unlink()


def _writable(folder: Path) -> Path | None:
    """The folder, made private if need be; None where nothing can be kept, or where others could put code."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    private = not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)
    return folder if private and os.access(folder, os.W_OK | os.X_OK) else None
