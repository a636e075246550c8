"""Which computer this is, and which state of the sources: what compiled code depends on. Runs at every start."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec, source_hash

HERE = os.path.dirname(os.path.abspath(__file__))
LOOPS, COMPILER = (os.path.join(os.path.dirname(HERE), folder) for folder in ("loops", "compiler"))
_CPU_FIELDS = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags",  # x86
               "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features")  # fmt: skip  # ARM
_THEIR_MACHINES = ("x86", "i386", "i486", "i586", "i686", "aarch64", "arm")
_CHANGING = ("mhz", "bogo", "clk", "clock", "timebase", "hart", "#")  # names of what differs between two runs elsewhere
_NUMBA_OPTIONS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE")
_VERSION_FILES = {"numba": "_version.py", "llvmlite": "_version.py", "numpy": "version.py"}  # what compiles
_VERSION = re.compile(r"""version\w*["']?\s*[=:]\s*["']([^"']+)""")

# What a level of the x86-64 ABI has, by the names in /proc/cpuinfo.
_LEVEL_3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}
_LEVEL_4 = _LEVEL_3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
LEVELS = {"x86-64-v4": _LEVEL_4, "x86-64-v3": _LEVEL_3}  # the best first


@cache
def links() -> bool:
    """Whether loops are kept as shared objects here; elsewhere as the object files LLVM makes."""
    return sys.platform == "linux" and os.uname().machine == "x86_64"


@cache
def cpu() -> dict[str, str]:
    """What the system says about the first processor; empty where it says nothing."""
    try:
        with open("/proc/cpuinfo", "rb") as file:  # only its beginning: on large machines it is long
            first = file.read(16384).split(b"\n\n", 1)[0].decode(errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in lines if value}
    if os.uname().machine.startswith(_THEIR_MACHINES):
        return {name: value for name, value in fields.items() if name in _CPU_FIELDS}
    return {name: value for name, value in fields.items() if not any(word in name.lower() for word in _CHANGING)}


@cache
def level() -> str | None:
    """The x86-64 level whose shipped loops run here, None for none."""
    flags = set(cpu().get("flags", "").split())
    return next((name for name, needed in LEVELS.items() if links() and needed <= flags), None)


def runs(name: str | None) -> bool:
    """Whether code for a level of LEVELS runs here; any other name, and None, is this processor's own."""
    return LEVELS.get(name or "", set()) <= set(cpu().get("flags", "").split())


@cache
def sources() -> str:
    """A checksum over the loops and over what compiles them."""
    parts = []
    for folder in (LOOPS, COMPILER, HERE):
        for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
            with open(os.path.join(folder, name), "rb") as file:
                parts += [name.encode(), file.read()]
    return source_hash(b"\0".join(parts)).hex()


@cache
def key() -> str | None:
    """What must be the same for kept code to be used; None where the processor can't be told: then nothing is kept.

    Neither paths nor times are in it: environments with the same versions share their loops.
    """
    processor = cpu() or _elsewhere()
    if not processor:
        return None
    options = {name: os.environ[name] for name in _NUMBA_OPTIONS if name in os.environ}
    versions = [tuple(sys.version_info), *(_version(name, file) for name, file in _VERSION_FILES.items())]
    everything = repr((sys.platform, sys.maxsize, processor, options, versions, sources()))
    return source_hash(everything.encode()).hex()


def _elsewhere() -> dict[str, str]:
    """The processor's name where there is no /proc/cpuinfo."""
    if sys.platform == "win32":
        return {"name": os.environ.get("PROCESSOR_IDENTIFIER", "")} if os.environ.get("PROCESSOR_IDENTIFIER") else {}
    if sys.platform == "darwin":
        import platform

        return {"name": platform.machine(), "version": platform.version()}
    return {}


def _version(package: str, file: str) -> str:
    """A package's version by its own file: importing it, or reading its metadata, would take 30 ms and more."""
    spec = find_spec(package)
    text = ""
    if spec is not None and spec.origin:
        with suppress(OSError), open(os.path.join(os.path.dirname(spec.origin), file), "rb") as opened:
            text = opened.read().decode(errors="replace")
    found = _VERSION.search(text)
    if found:
        return found[1]
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
