"""What control groups leave to this process: in a container the machine's own figures say nothing about its limit.

Source: the kernel's documentation of cgroup v1 (memory.rst) and v2 (cgroup-v2.rst), and proc(5) on mountinfo. A group's
use contains the page cache of what it reads and writes, most of which the kernel gives up where memory is wanted.
"""

from __future__ import annotations

from typing import NamedTuple


class _Names(NamedTuple):
    """Files of a group, and the fields of its memory.stat that can be given up, and those of them that can't at once."""

    limits: tuple[str, ...]
    used: str
    reclaimable: tuple[str, ...]
    busy: tuple[str, ...]


_V2 = _Names(
    ("memory.max", "memory.high"),
    "memory.current",
    ("inactive_file", "active_file", "slab_reclaimable"),
    ("file_dirty", "file_writeback"),
)
_V1 = _Names(  # with "total_" as the use is: together with groups inside
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
    ("total_dirty", "total_writeback"),
)


def free_memory(proc: str = "/proc/self") -> list[int]:
    """Bytes that the group of this process, and each around it that has a limit and can be seen, may still take."""
    try:
        return [free for names, folder in _groups(proc) if (free := _free(folder, names)) is not None]
    except (OSError, ValueError, IndexError):  # no such system, or one that writes these files in another way
        return []


def _groups(proc: str) -> list[tuple[_Names, str]]:
    with open(f"{proc}/cgroup") as file:
        paths = {
            name: path
            for _, names, path in (line.rstrip("\n").split(":", 2) for line in file)
            for name in names.split(",")
        }
    with open(f"{proc}/mountinfo") as file:
        mounts = [line.split() for line in file]
    found = []
    for mount in mounts:
        kind, _, options = mount[mount.index("-") + 1 :][:3]
        if kind == "cgroup2":
            names, path = _V2, paths.get("")
        elif kind == "cgroup" and "memory" in options.split(","):
            names, path = _V1, paths.get("memory")
        else:
            continue
        root, folder = (part.replace("\\040", " ") for part in mount[3:5])
        found += [(names, group) for group in _folders(folder, root, path or "")]
    return found


def _folders(mounted: str, root: str, path: str) -> list[str]:
    """The folders of the group at `path` and of those around it, where the group `root` is what is mounted."""
    root, folders = root.rstrip("/"), [mounted]
    if f"{path}/".startswith(f"{root}/") and ".." not in path.split("/"):  # else it lies outside of what can be seen
        for part in filter(None, path[len(root) :].split("/")):
            folders.append(f"{folders[-1]}/{part}")
    return folders


def _free(folder: str, names: _Names) -> int | None:
    """Bytes that one group may still take; None where it has no limit."""
    limits = [limit for name in names.limits if (limit := _number(f"{folder}/{name}")) is not None]
    used = _number(f"{folder}/{names.used}")
    if not limits or used is None:
        return None
    stat = {}
    try:
        with open(f"{folder}/memory.stat") as file:
            stat = {name: int(value) for name, value in map(str.split, file)}
    except (OSError, ValueError):
        pass
    reclaimable = sum(stat.get(name, 0) for name in names.reclaimable) - sum(stat.get(name, 0) for name in names.busy)
    # version 1 tells the least limit of all groups around, of which a container sees none
    return min(*limits, stat.get("hierarchical_memory_limit", limits[0])) - used + max(0, min(reclaimable, used))


def _number(path: str) -> int | None:
    """The number in a file; None where there is no such file, or no limit ("max")."""
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
