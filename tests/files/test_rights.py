"""A replaced file hands on owner, group, permissions and attributes; nobody gets rights that the old file did not give."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import tempfile
from pathlib import Path

import pytest

from imconv.files import rights
from imconv.files.atomic import write_bytes

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
ANN, BOB, TEAM, OTHERS = 41001, 41002, 42000, 42001  # users, who have groups of these numbers, and groups
OWNER, NAMED, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20


def access_list(*entries) -> bytes:
    """As Linux keeps it: entries of tag, permissions and user."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


ACCESS = access_list((OWNER, 6, -1 & 0xFFFFFFFF), (NAMED, 6, BOB), (GROUP, 4, -1 & 0xFFFFFFFF),
                     (MASK, 6, -1 & 0xFFFFFFFF), (OTHER, 0, -1 & 0xFFFFFFFF))  # fmt: skip


@pytest.fixture
def path():
    """A file in a folder that every user can reach and write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    (folder / "x.png").write_bytes(b"old")
    yield folder / "x.png"
    shutil.rmtree(folder)


def set_attribute(path, name: str, value: bytes) -> None:
    if not hasattr(os, "setxattr"):
        pytest.skip("no extended attributes here")
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"the file system refuses {name}: {error}")


def replaced_by(user: int, groups: list[int], path) -> list[str]:
    """Have a user who is in these groups, too, replace the file; the notes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if user:
                os.setgroups(groups)
                os.setgid(user)
                os.setuid(user)
            os.write(writing, "\n".join(write_bytes(path, b"new")).encode())
        except BaseException as failure:
            os.write(writing, f"failed: {failure!r}".encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as said:
        notes = said.read().splitlines()
    os.waitpid(child, 0)
    return notes


def kept(path) -> tuple:
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("old", "user", "groups", "new", "lost"),
    [
        ((BOB, TEAM, 0o664), 0, [], (BOB, TEAM, 0o664), ""),
        ((ANN, ANN, 0o640), ANN, [], (ANN, ANN, 0o640), ""),
        ((ANN, TEAM, 0o660), ANN, [TEAM], (ANN, TEAM, 0o660), ""),
        ((BOB, TEAM, 0o664), ANN, [TEAM], (ANN, TEAM, 0o664), "owner"),
        ((BOB, TEAM, 0o4664), ANN, [TEAM], (ANN, TEAM, 0o664), "owner, permissions (4664, now 664)"),
        ((BOB, TEAM, 0o666), ANN, [], (ANN, ANN, 0o666), "owner, group"),
        ((ANN, TEAM, 0o2775), ANN, [OTHERS], (ANN, ANN, 0o755), "group, permissions (2775, now 755)"),
        ((ANN, TEAM, 0o660), ANN, [], (ANN, ANN, 0o600), "group, permissions (660, now 600)"),
        ((ANN, TEAM, 0o604), ANN, [], (ANN, ANN, 0o600), "group, permissions (604, now 600)"),
    ],
)
def test_owner_group_and_permissions(path, old, user, groups, new, lost):
    os.chown(path, *old[:2])
    path.chmod(old[2])
    notes = replaced_by(user, groups, path)
    assert notes == ([f"could not keep the old file's {lost}"] if lost else [])
    assert path.read_bytes() == b"new"
    assert kept(path) == new
    assert os.listdir(path.parent) == ["x.png"]


def test_attributes_are_copied(path):
    set_attribute(path, "user.comment", b"from\0bytes")
    set_attribute(path, "user.empty", b"")
    assert write_bytes(path, b"new") == []
    assert {name: os.getxattr(path, name) for name in os.listxattr(path) if name.startswith("user.")} == {
        "user.comment": b"from\0bytes",
        "user.empty": b"",
    }


@pytest.mark.parametrize("failing", ["getxattr", "setxattr"])
def test_an_attribute_that_cannot_be_copied_is_named(path, monkeypatch, failing):
    set_attribute(path, "user.comment", b"1")

    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)
    assert write_bytes(path, b"new") == ["could not keep the old file's attribute user.comment"]
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not ROOT, reason="only root may give a file capabilities")
def test_what_vouches_for_the_old_content_is_not_copied(path):
    set_attribute(path, "security.capability", struct.pack("<5I", 0x02000000, 1 << 10, 0, 0, 0))
    assert write_bytes(path, b"new") == []
    assert "security.capability" not in os.listxattr(path)


def test_an_access_list_is_copied(path):
    set_attribute(path, rights.ACCESS_LIST, ACCESS)
    before = kept(path)
    assert write_bytes(path, b"new") == []
    assert os.getxattr(path, rights.ACCESS_LIST) == ACCESS
    assert kept(path) == before
    assert before[2] == 0o660


def test_a_folders_access_list_gives_no_new_rights(path):
    """The folder's default is for new files: one that had no such list has none afterwards."""
    path.chmod(0o664)
    set_attribute(path.parent, "system.posix_acl_default", ACCESS)
    assert write_bytes(path, b"new") == []
    assert rights.ACCESS_LIST not in os.listxattr(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    write_bytes(path.with_name("fresh"), b"new")
    assert os.getxattr(path.with_name("fresh"), rights.ACCESS_LIST)


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_an_access_list_of_another_group_is_not_copied(path):
    os.chown(path, ANN, TEAM)
    set_attribute(path, rights.ACCESS_LIST, ACCESS)
    (note,) = replaced_by(ANN, [], path)
    assert note == "could not keep the old file's group, access list, permissions (660, now 600)"
    assert rights.ACCESS_LIST not in os.listxattr(path)
    assert kept(path) == (ANN, ANN, 0o600)


def test_other_names_keep_the_old_content_and_the_user_is_told(path):
    other = path.with_name("other")
    os.link(path, other)
    assert write_bytes(path, b"new") == ["other names of the old file (hard links) still hold what it held"]
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")
    assert write_bytes(path, b"new") == []
