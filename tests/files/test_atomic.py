from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from imconv.errors import FileError
from imconv.files import atomic
from imconv.files.atomic import replacing, write_bytes
from tests.refused import refused

OLD, NEW = b"old" * 1000, bytes(range(256)) * 40
pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX files")


def only(folder, *names) -> None:
    assert sorted(os.listdir(folder)) == sorted(names)


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
def test_a_failure_at_every_write(tmp_path, monkeypatch, existing, failure):
    path = tmp_path / "out.png"
    monkeypatch.setattr(atomic, "CHUNK", 1000)
    real = os.write
    for allowed in range(100):
        if existing:
            path.write_bytes(OLD)
        calls = 0

        def failing(descriptor, data, allowed=allowed):
            nonlocal calls
            calls += 1
            if calls > allowed:
                raise failure
            return real(descriptor, data)

        monkeypatch.setattr(os, "write", failing)
        message = None
        try:
            write_bytes(path, NEW)
            break
        except (FileError, KeyboardInterrupt, MemoryError) as error:
            message = str(error)
        finally:
            monkeypatch.setattr(os, "write", real)
        if isinstance(failure, OSError):
            assert message == f"{path}: No space left on device; free some space or write elsewhere"
        only(tmp_path, *["out.png"] * existing)
        assert not existing or path.read_bytes() == OLD
    assert allowed == 11  # ceil(10240 / 1000): every write was made to fail once
    assert path.read_bytes() == NEW
    only(tmp_path, "out.png")


@pytest.mark.parametrize("step", ["fsync", "close", "replace", "fchmod", "open"])
def test_a_failure_of_every_other_step(tmp_path, monkeypatch, step):
    path = tmp_path / "out.png"
    path.write_bytes(OLD)
    real = getattr(os, step)

    def failing(*arguments):
        if step == "close":
            real(*arguments)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, step, failing)
    refused(FileError, r"out\.png: Input/output error; what was there before is untouched", write_bytes, path, NEW)
    monkeypatch.setattr(os, step, real)
    assert path.read_bytes() == OLD
    only(tmp_path, "out.png")


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    write_bytes(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_bytes() == NEW
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    refused(FileError, "nothing was written", write_bytes, tmp_path / "a", OLD)
    assert (tmp_path / "a").read_bytes() == NEW


def test_an_exception_in_the_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(OLD)

    def write_half():
        with replacing(path) as output:
            output.write(NEW)
            temporary = [n for n in os.listdir(tmp_path) if n != "a"]
            assert len(temporary) == 1
            assert temporary[0].startswith(".a.")
            assert stat.S_IMODE((tmp_path / temporary[0]).stat().st_mode) == 0o600
            raise RuntimeError("the filter failed")

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_bytes() == OLD
    only(tmp_path, "a")


KILLED = """
import sys
from imconv.files.atomic import write_bytes
print("ready", flush=True)
for _ in range(100000):
    write_bytes(sys.argv[1], b"1" * 3000000)
    write_bytes(sys.argv[1], b"2" * 3000000)
"""


def test_killed_at_random_moments(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"0" * 3_000_000)
    rng = random.Random(7)
    for _ in range(30):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        content = path.read_bytes()
        assert (len(content), len(set(content))) == (3_000_000, 1)
    for name in os.listdir(tmp_path):
        assert name == "out.png" or name.startswith(".out.png.")


def test_a_limit_on_the_files_size(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(OLD)
    code = (
        "import resource, sys\n"
        "from imconv.errors import FileError\n"
        "from imconv.files.atomic import write_bytes\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500000, 500000))\n"
        "try:\n    write_bytes(sys.argv[1], bytes(2000000))\n"
        "except FileError as error:\n    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"{path}: File too large; ")
    assert result.stderr == ""
    assert path.read_bytes() == OLD
    only(tmp_path, "out.png")


def test_mode_bits(tmp_path):
    path = tmp_path / "a"
    previous = os.umask(0o027)
    try:
        write_bytes(path, OLD)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o600, 0o666, 0o755, 0o604):
            path.chmod(mode)
            write_bytes(path, NEW)
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(previous)


def test_symbolic_links_stay_and_their_target_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real", tmp_path / "link"
    link.symlink_to(os.path.join("folder", "real"))
    write_bytes(link, OLD)  # dangling: the target is made
    assert real.read_bytes() == OLD
    write_bytes(link, NEW)
    assert link.is_symlink()
    assert real.read_bytes() == NEW
    only(tmp_path / "folder", "real")
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    refused(FileError, "circle", write_bytes, circle, NEW)


def test_a_fifo_and_devices_are_written_directly(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(fifo.read_bytes()))
    reader.start()
    write_bytes(fifo, NEW)
    reader.join()
    assert seen == [NEW]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    write_bytes("/dev/null", NEW, no_clobber=True)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    if os.path.exists("/dev/full"):
        refused(FileError, "/dev/full: No space left on device", write_bytes, "/dev/full", NEW)


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
@pytest.mark.parametrize(
    "form",
    ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}", "/proc/{pid}/fd/{}", "/dev/../dev/fd/{}", "link"],
)
@pytest.mark.parametrize("append", [True, False])
def test_a_descriptor_is_written_to_as_it_is(tmp_path, monkeypatch, form, append):
    """After what others wrote there, and before what they write next; nothing is replaced, so --no-clobber is content."""
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "log"
    log.write_bytes(OLD)
    descriptor = os.open(log, os.O_WRONLY | (os.O_APPEND if append else 0))
    try:
        os.symlink(f"/dev/fd/{descriptor}", "linked")
        os.symlink("linked", "link")
        path = form.format(descriptor, pid=os.getpid())
        if not os.path.exists(path):
            pytest.skip(f"no {path} here")
        os.write(descriptor, b"before")
        write_bytes(path, NEW, no_clobber=True)
        os.write(descriptor, b"after")
    finally:
        os.close(descriptor)
    assert log.read_bytes() == OLD * append + b"before" + NEW + b"after"
    only(tmp_path, "link", "linked", "log")


def test_a_descriptor_that_cannot_be_written_to(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(OLD)
    with open(path, "rb") as file, pytest.raises(FileError, match=r"is open for reading only; give a descriptor"):
        write_bytes(f"/dev/fd/{file.fileno()}", NEW)
    for number in (987654, 10**30):
        with pytest.raises(FileError, match=f"/dev/fd/{number}: .*; give a descriptor that is open for writing"):
            write_bytes(f"/dev/fd/{number}", NEW)
    assert path.read_bytes() == OLD


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc here")
def test_another_process_file_is_appended_to(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(OLD)
    with open(path, "r+b") as file:
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=file)
    try:
        write_bytes(f"/proc/{other.pid}/fd/1", NEW)
    finally:
        other.communicate(b"\n")
    assert path.read_bytes() == OLD + NEW
    with open(path, "rb") as file:
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=file)
    try:
        refused(FileError, "is open for reading only", write_bytes, f"/proc/{other.pid}/fd/0", b"wrong")
    finally:
        other.kill()
        other.wait()
    assert path.read_bytes() == OLD + NEW


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
def test_a_pipe_that_refuses_to_wait_and_one_whose_reader_has_gone():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    taken = []
    reader = threading.Thread(target=lambda: taken.append(os.fdopen(reading, "rb").read()))
    reader.start()
    write_bytes(f"/dev/fd/{writing}", NEW * 100)
    os.close(writing)
    reader.join()
    assert taken == [NEW * 100]
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        write_bytes(f"/dev/fd/{writing}", NEW)
    os.close(writing)


def test_a_rename_is_made_to_last(tmp_path, monkeypatch):
    """The file is synced before it gets its name, the folder afterwards: a crash of the machine forgets neither."""
    steps = []

    def noted(name):
        real = getattr(os, name)

        def step(*arguments):
            what = os.fstat(arguments[0]).st_ino if name == "fsync" else name
            steps.append({(tmp_path / "real").stat().st_ino: "folder synced"}.get(what, what))
            return real(*arguments)

        monkeypatch.setattr(os, name, step)

    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("fsync", "replace", "link"):
        noted(name)
    for no_clobber, verb in ((True, "link"), (False, "replace")):
        steps.clear()
        write_bytes(tmp_path / "link" / "a", NEW, no_clobber=no_clobber)
        assert steps == [(tmp_path / "real" / "a").stat().st_ino, verb, "folder synced"]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(OLD)
    cases = {
        "folder": "is a folder; give the name of a file in it",
        "folder/": "is a folder",
        "new/": "is a folder",
        "nowhere/out.png": r"the folder .*nowhere does not exist; create it first",
        "x" * 300: "File name too long; choose a shorter name",
        "file/out.png": "Not a directory|does not exist",
        "a\0b": "is not a file name",
    }
    for name, words in cases.items():
        refused(FileError, words, write_bytes, os.path.join(tmp_path, name), NEW)
    with pytest.raises(FileError):
        write_bytes("", NEW)
    only(tmp_path, "file", "folder")
    write_bytes(tmp_path / ("y" * 250), NEW)  # a long name leaves room for the temporary one


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_write_protected_file_is_respected(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(OLD)
    path.chmod(0o444)
    refused(FileError, "is write-protected; change its permissions", write_bytes, path, NEW)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("links", [True, False])
def test_no_clobber_wins_or_loses_at_once(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *a: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    path = tmp_path / "a"
    write_bytes(path, OLD, no_clobber=True)
    refused(FileError, "exists already", write_bytes, path, NEW, no_clobber=True)
    path.unlink()

    def lose():  # the file appears while the new one is being written
        with replacing(path, no_clobber=True) as output:
            output.write(NEW)
            path.write_bytes(OLD)

    refused(FileError, "exists already", lose)
    assert path.read_bytes() == OLD
    only(tmp_path, "a")


def test_of_many_writers_with_no_clobber_one_wins(tmp_path):
    path = tmp_path / "a"
    won = []

    def work(i):
        try:
            write_bytes(path, bytes([i]) * 5000, no_clobber=True)
            won.append(i)
        except FileError:
            pass

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert path.read_bytes() == bytes(won) * 5000
    only(tmp_path, "a")
