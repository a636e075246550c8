"""Who may have written kept loops: each folder on the way counts; where nothing can be kept the user is told why."""

import os
import stat
from pathlib import Path

import pytest

from imconv.errors import ImconvError
from imconv.jit import machine, store
from tests.jit import running
from tests.jit.running import posix

pytestmark = posix

NOBODY = 65534
as_root = pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives folders away")
FULL = "alpha.weigh-u1-u2"
DATA = store.sealed(b"code")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A folder for kept loops three below one of this test's own, which holds a file."""
    place = tmp_path / "above" / "home" / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    assert store.write(store.path_of(FULL), DATA)
    return place


def found() -> bool:
    with store.checked(store.path_of(FULL)) as what:
        return what is not None


def is_refused(place: Path) -> None:
    """Nothing is read below, nothing written, and the folder at fault is named."""
    file = Path(store.path_of(FULL))
    before = file.stat()
    assert not found()
    assert not store.write(str(file), DATA)
    assert store.refusal() == f"{place} belongs to somebody else, or others may write to it"
    assert file.stat() == before
    assert os.listdir(file.parent) == [file.name]


FOLDERS = {"key": 0, "imconv": 1, "cache": 2, "home": 3, "above": 4}


def folder(name: str) -> Path:
    return Path(store.path_of(FULL)).parents[FOLDERS[name]]


def test_folders_that_only_the_user_writes_to_are_fine(cache):
    assert found()
    assert store.refusal() is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720, 0o702])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_others_may_write_to(cache, name, mode):
    folder(name).chmod(mode)
    is_refused(folder(name))


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_somebody_else(cache, name, mode):
    folder(name).chmod(mode)
    os.chown(folder(name), NOBODY, NOBODY)
    is_refused(folder(name))


@pytest.mark.parametrize("name", ["cache", "home", "above"])
def test_a_sticky_folder_open_to_all_is_fine(cache, name):
    """As /tmp: others can neither rename nor remove in it what is the user's."""
    folder(name).chmod(0o1777)
    assert found()
    assert store.refusal() is None


@pytest.mark.parametrize("name", ["key", "imconv"])
def test_but_none_of_those_that_imconv_makes(cache, name):
    folder(name).chmod(0o1777)
    is_refused(folder(name))


@as_root
def test_in_a_sticky_folder_a_folder_of_somebody_else(cache):
    folder("above").chmod(0o1777)
    os.chown(folder("home"), NOBODY, NOBODY)
    is_refused(folder("home"))


def behind_a_link(cache: Path, monkeypatch, target: str) -> Path:
    """The store by way of a link in a folder of its own, which leads to the `home` above."""
    link = cache.parents[2] / "links" / "link"
    link.parent.mkdir()
    link.symlink_to(target)
    monkeypatch.setenv("XDG_CACHE_HOME", str(link / "cache"))
    return link


@pytest.mark.parametrize("relative", [False, True])
def test_links_are_followed(cache, monkeypatch, relative):
    link = behind_a_link(cache, monkeypatch, "../above/./home" if relative else str(cache.parent))
    assert found()
    link.parent.chmod(0o777)
    is_refused(link.parent)
    link.parent.chmod(0o700)
    cache.parents[1].chmod(0o777)
    is_refused(cache.parents[1])


@as_root
def test_a_link_of_somebody_else_in_a_sticky_folder(cache, monkeypatch):
    link = behind_a_link(cache, monkeypatch, str(cache.parent))
    link.parent.chmod(0o1777)
    assert found()
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    is_refused(link)


def test_a_link_to_itself(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("link")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "link"))
    assert store.changeable(str(tmp_path / "link" / "cache")) == str(tmp_path / "link")
    assert not store.write(store.path_of(FULL), DATA)
    assert store.refusal()


def test_folders_are_made_for_the_user_alone(tmp_path, monkeypatch):
    """Whatever the umask is: in a folder open to all, others could put their loops in the place of these."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a" / "b"))
    before = os.umask(0)
    try:
        assert store.write(store.path_of(FULL), DATA)
    finally:
        os.umask(before)
    made = [tmp_path / "a", tmp_path / "a" / "b", *(folder(name) for name in ("imconv", "key"))]
    assert [stat.S_IMODE(place.stat().st_mode) for place in made] == [0o700] * 4
    assert found()


def test_nothing_is_removed_behind_a_folder_of_others(cache):
    folder("home").chmod(0o777)
    with pytest.raises(ImconvError, match="home belongs to somebody else, or others may write to it; nothing was"):
        store.clear()
    assert Path(store.path_of(FULL)).exists()
    folder("home").chmod(0o700)
    assert store.clear() == (1, len(DATA))


def test_what_was_checked_is_read_whatever_lies_there_now(cache):
    """A file put in the place of one that is open is not what the descriptor leads to."""
    path = Path(store.path_of(FULL))
    with store.checked(str(path)) as (descriptor, code):
        path.rename(path.with_name("elsewhere"))
        path.write_bytes(b"other")
        assert os.pread(descriptor, 1000, 0) == DATA
        assert code == b"code"
    with pytest.raises(OSError):  # noqa: PT011 - it was closed
        os.fstat(descriptor)


def test_temporary_names_are_nobody_elses(tmp_path, monkeypatch):
    """Two containers that share a folder have the same process numbers: a file that is there is left as it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store.os, "urandom", lambda count: bytes(count))
    path = store.path_of(FULL)
    assert store.write(path, DATA)
    other = Path(f"{path}.{'00' * 8}.new")
    other.write_bytes(b"half of another one's")
    assert not store.write(path, DATA)
    assert other.read_bytes() == b"half of another one's"
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.write(path, DATA)


# --- no folder at all ---
HOMES = {
    "no home": {},
    "a relative home": {"HOME": "home"},
    "a relative cache": {"XDG_CACHE_HOME": "cache"},
    "both relative": {"XDG_CACHE_HOME": "cache", "HOME": "."},
}
HOMELESS = """
import os, pwd, json
def nobody(number):
    raise KeyError(number)
pwd.getpwuid = nobody
from imconv.cli import run
from imconv.jit import builders, store
builders.build = lambda wanted, watch, found: watch.begin(1, store.refusal()) or [(item, "no code today") for item in wanted]
import imconv.jit
imconv.jit._numba_function = lambda name: lambda *arguments: None
assert run(["blur", "grey.pgm", "out.pgm", "--sigma", "1"]) == 0
assert run(["cache", "info"]) == 0
assert run(["cache", "clear"]) == 0
"""


@pytest.mark.parametrize("case", HOMES)
def test_without_a_home_no_folder_is_made_and_nothing_kept(tmp_path, case):
    (tmp_path / "grey.pgm").write_bytes(b"P5 3 2 255\n" + bytes(6))
    environment = {
        name: value for name, value in running.environment().items() if name not in ("HOME", "XDG_CACHE_HOME")
    }
    process = running.start_with(environment | HOMES[case], "-c", HOMELESS, cwd=tmp_path)
    output, errors = running.finish(process)
    why = "there is no home folder; set HOME or XDG_CACHE_HOME"
    assert errors.splitlines()[0] == f"imconv: compiling loops for this computer; every run does this: {why}"
    assert f"folder     none: {why}\n" in output
    assert output.endswith("removed 0 files, 0 kB\n")
    assert sorted(os.listdir(tmp_path)) == ["grey.pgm", "out.pgm"]


def test_a_relative_cache_is_ignored_where_there_is_a_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert store.base() == str(tmp_path / ".cache" / "imconv")


def test_an_unknown_processor_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "key", lambda: None)
    assert store.refusal() == "the processor is not known"
    assert store.path_of(FULL) is None
    assert os.listdir(tmp_path) == []
