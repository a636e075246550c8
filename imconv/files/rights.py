"""What a replaced file hands on to the new one: owner, group, permissions, access list and other extended attributes."""

from __future__ import annotations

import contextlib
import os
import stat

OTHER_LINKS = "other names of the old file (hard links) still hold what it held"
ACCESS_LIST = "system.posix_acl_access"
OF_CONTENT = ("security.capability", "security.evm", "security.ima")  # they vouch for the old content


def hand_on(path: str, old: os.stat_result, descriptor: int) -> list[str]:
    """Give an open new file all of these that the old one at `path` has. Notes for the user on what could not be kept.

    Nobody gets rights that the old file did not give. Raises OSError where permissions can't be set.
    """
    before = mode = stat.S_IMODE(old.st_mode)
    lost = _hand_on_owner(old, descriptor) if hasattr(os, "fchown") else []
    if "owner" in lost:
        mode &= ~stat.S_ISUID
    if "group" in lost:
        # members of either group and all others get what both the old group and the others had
        both = mode & mode >> 3 & 0o7
        mode = mode & stat.S_IRWXU | both << 3 | both
    if hasattr(os, "listxattr"):
        missing = _hand_on_attributes(path, descriptor, "group" not in lost)
        if ACCESS_LIST in missing:
            mode &= stat.S_IRWXU
        lost += ["access list" if name == ACCESS_LIST else f"attribute {name}" for name in missing]
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)
        if mode != before:
            lost.append(f"permissions ({before:o}, now {mode:o})")
    notes = [f"could not keep the old file's {', '.join(lost)}"] if lost else []
    if old.st_nlink > 1:
        notes.append(OTHER_LINKS)
    return notes


def _hand_on_owner(old: os.stat_result, descriptor: int) -> list[str]:
    """Give it the old owner and group, or the group alone; which of them it has not got."""
    wanted = (old.st_uid, old.st_gid)
    for owner, group in (wanted, (-1, old.st_gid)):
        now = os.fstat(descriptor)
        if (now.st_uid, now.st_gid) == wanted:
            break
        with contextlib.suppress(OSError):  # only root may give files away, and others only to groups of theirs
            os.fchown(descriptor, owner, group)
    now = os.fstat(descriptor)
    return [*["owner"] * (now.st_uid != old.st_uid), *["group"] * (now.st_gid != old.st_gid)]


def _hand_on_attributes(path: str, descriptor: int, same_group: bool) -> list[str]:
    """Copy the old file's extended attributes; names of those that could not be copied.

    An access list holds the group's rights too: for another group it is not copied. One that the folder gave to the new
    file alone goes.
    """
    try:
        names = [name for name in os.listxattr(path) if name not in OF_CONTENT]
        own = os.listxattr(descriptor)
    except OSError:  # this file system has none
        return []
    missing = []
    if ACCESS_LIST in own and ACCESS_LIST not in names:
        try:
            os.removexattr(descriptor, ACCESS_LIST)
        except OSError:
            missing.append(ACCESS_LIST)
    for name in names:
        try:
            value = os.getxattr(path, name)
            if name == ACCESS_LIST and not same_group:
                missing.append(name)
            elif name not in own or os.getxattr(descriptor, name) != value:
                os.setxattr(descriptor, name, value)
        except OSError:
            missing.append(name)
    return missing
