"""Where the figures were taken: nothing that names a person, a path or a host."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version


def describe() -> dict:
    """CPU, cores, system, date and the versions imconv itself stands on."""
    return {
        "cpu": cpu_model(),
        "cores": physical_cores(),
        "logical_cpus": os.cpu_count(),
        "usable_cpus": usable_cpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("imconv", "numpy", "numba")},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def usable_cpus() -> int:
    """What "all cores" means: those this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    for record in _cpuinfo():
        if record.get("model name"):
            return record["model name"]
    return platform.processor() or platform.machine()


def physical_cores() -> int | None:
    """Cores without hyper-threads, None where the system does not say."""
    places = {(r.get("physical id"), r["core id"]) for r in _cpuinfo() if "core id" in r}
    return len(places) or None


def _cpuinfo() -> list[dict[str, str]]:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            blocks = file.read().strip().split("\n\n")
    except OSError:
        return []
    pairs = ([line.partition(":") for line in block.splitlines()] for block in blocks)
    return [{key.strip(): value.strip() for key, _, value in block} for block in pairs]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
