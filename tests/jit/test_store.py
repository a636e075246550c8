"""Kept loops: absent, damaged, planted, unwritable, shared. Results are right, nothing unsound is run or left behind."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imconv.jit import machine, store
from tests.jit import running
from tests.jit.running import linked, posix

LOOP, TYPES, NAME = "alpha.weigh", ("u1", "u2"), "alpha.weigh-u1-u2"  # compiled in a second
SRC = np.arange(24).reshape(3, 8)
RIGHT = (SRC.reshape(3, 4, 2) * [1, 0] * SRC.reshape(3, 4, 2)[..., 1:] + SRC.reshape(3, 4, 2) * [0, 1]).reshape(3, 8)
# given a file, its bytes are what builds give: no need to compile a loop for each kind of damage
SCRIPT = f"""
import json, sys
import numpy as np
from imconv import jit
from imconv.jit import builders, load
if sys.argv[1:]:
    with open(sys.argv[1], "rb") as file:
        code = file.read()
    builders.build = lambda wanted, watch=None, found=None: [(item, code) for item in wanted]
if sys.argv[2:]:
    def refuse(descriptor, code):
        raise OSError("failed to map segment from shared object: Operation not permitted")
    load.from_file = refuse
out = np.zeros((3, 8), np.uint16)
jit.loop("{LOOP}")(np.arange(24, dtype=np.uint8).reshape(3, 8), np.arange(3), 2, out)
print(json.dumps([out.tolist(), jit.origins["{NAME}"], sorted({{"numba", "llvmlite"}} & set(sys.modules))]))
"""
EVERYONE, NOBODY = 0o666, 65534


def checked(output: str) -> str:
    """Where the loop came from; the numbers have to be right, and no compiler may have been imported."""
    numbers, origin, compilers = json.loads(output)
    assert numbers == RIGHT.tolist()
    assert compilers == []
    return origin


def origin_with(cache, *arguments, **options) -> str:
    """Run the loop on a store of loops; where it came from."""
    output, errors = running.run("-c", SCRIPT, *arguments, cache=cache, **options)
    assert errors == ""
    return checked(output)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """The file that a first run keeps, in a store that was not there yet."""
    cache = tmp_path_factory.mktemp("cache") / "not" / "there yet"
    assert origin_with(cache) == "built"
    (file,) = running.files(cache)
    return file


@pytest.fixture
def kept(sound, tmp_path) -> Path:
    """A copy of it, in a store of this test's own: the cache's folder is two above."""
    folder = tmp_path / "cache" / "imconv" / sound.parent.name
    folder.mkdir(mode=0o700, parents=True)
    return Path(shutil.copy(sound, folder))


def cache_of(kept: Path) -> Path:
    return kept.parents[2]


def test_the_first_run_keeps_one_file_with_a_trailer(sound):
    assert sound.name == NAME + store.suffix()
    data = sound.read_bytes()
    assert store.sealed(store.opened(data)) == data
    assert store.opened(data).startswith(b"\x7fELF") or not machine.links()
    assert sound.parents[1].name == "imconv"


@posix
def test_only_the_user_may_read_and_write_it(sound):
    assert (stat.S_IMODE(sound.parent.stat().st_mode), stat.S_IMODE(sound.stat().st_mode)) == (0o700, 0o600)


@posix
def test_whatever_the_umask_is(sound, tmp_path):
    script = "import os; os.umask(0)\n" + SCRIPT
    output, _ = running.run("-c", script, sound, cache=tmp_path)
    assert checked(output) == "built"
    (file,) = running.files(tmp_path)
    assert (stat.S_IMODE(file.parent.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)


def test_the_second_run_uses_it(kept):
    def written():
        found = kept.stat()  # but for when it was read
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode

    before = written()
    assert origin_with(cache_of(kept)) == "kept"
    assert written() == before


def flip(*places: float):
    """A bit turned over at each of these parts of the file, from 0 to 1."""

    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        for place in places:
            data[round(place * (len(data) - 1))] ^= 16
        path.write_bytes(data)

    return damage


def flip_in_trailer(place: int):
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)

    return damage


def as_bytes(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


def moved(put):
    """The sound file goes elsewhere, `put(path, elsewhere)` puts something in its place."""

    def damage(path: Path) -> None:
        elsewhere = path.parents[3] / "elsewhere.so"
        path.rename(elsewhere)
        put(path, elsewhere)

    return damage


def foreign(data: bytes) -> bytes:
    """A shared object that loads well, but is none of imconv's."""
    return store.sealed(Path(machine.find_spec("_ctypes").origin).read_bytes())


DAMAGE = {
    "cut in half": as_bytes(lambda data: data[: len(data) // 2]),
    "one byte less": as_bytes(lambda data: data[:-1]),
    "its first byte gone": as_bytes(lambda data: data[1:]),
    "empty": as_bytes(lambda data: b""),
    "the trailer only": as_bytes(lambda data: data[-20:]),
    "no trailer": as_bytes(lambda data: data[:-20]),
    "sealed without code": as_bytes(lambda data: store.sealed(b"")),
    "a bit at the start": flip(0),
    "a bit in the code": flip(0.6),
    "two bits": flip(0.3, 0.7),
    "a bit in the magic": flip_in_trailer(-20),
    "a bit in the length": flip_in_trailer(-12),
    "a bit in the checksum": flip_in_trailer(-1),
    "zeros": as_bytes(lambda data: bytes(len(data))),
    "garbage": as_bytes(lambda data: np.random.default_rng(3).bytes(len(data))),
    "a byte more": as_bytes(lambda data: data + b"\0"),
    "twice": as_bytes(lambda data: data + data[:-20]),
    "text, sealed": as_bytes(lambda data: store.sealed(b"int imconv_loop(void) { return 1; }\n" * 99)),
    "half, sealed": as_bytes(lambda data: store.sealed(data[:50])),
}
ELF_DAMAGE = {"a foreign library, sealed": as_bytes(foreign)}
POSIX_DAMAGE = {
    "writable by the group": lambda path: path.chmod(0o660),
    "writable by everyone": lambda path: path.chmod(EVERYONE),
    "a link to it": moved(lambda path, elsewhere: path.symlink_to(elsewhere)),
    "a link to nothing": moved(lambda path, elsewhere: path.symlink_to("nothing")),
    "a link to itself": moved(lambda path, elsewhere: path.symlink_to(path.name)),
    "a pipe": moved(lambda path, elsewhere: os.mkfifo(path)),
}


def is_made_anew(kept: Path, sound: Path, damage) -> None:
    damage(kept)
    assert origin_with(cache_of(kept), sound) == "built"
    assert not kept.is_symlink()
    assert kept.read_bytes() == sound.read_bytes()
    assert running.files(kept.parent) == [kept]
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_not_used_and_made_anew(kept, sound, case):
    is_made_anew(kept, sound, DAMAGE[case])


@linked
@pytest.mark.parametrize("case", ELF_DAMAGE)
def test_a_library_that_is_no_loop_is_made_anew(kept, sound, case):
    is_made_anew(kept, sound, ELF_DAMAGE[case])


@posix
@pytest.mark.parametrize("case", POSIX_DAMAGE)
def test_what_others_could_have_put_there_is_not_used_and_made_anew(kept, sound, case):
    is_made_anew(kept, sound, POSIX_DAMAGE[case])


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
def test_another_users_file_is_made_anew(kept, sound):
    is_made_anew(kept, sound, lambda path: os.chown(path, NOBODY, NOBODY))
    assert kept.stat().st_uid == os.geteuid()


def test_a_real_build_replaces_a_damaged_file(kept):
    flip(0.5)(kept)
    damaged = kept.read_bytes()
    assert origin_with(cache_of(kept)) == "built"
    assert kept.read_bytes() != damaged
    assert origin_with(cache_of(kept)) == "kept"


def test_a_folder_in_its_place_is_left_alone(kept, sound):
    """Nothing can be kept then, but the loop runs."""
    kept.unlink()
    (kept / "precious").mkdir(parents=True)
    assert origin_with(cache_of(kept), sound) == "built"
    assert [path.name for path in kept.iterdir()] == ["precious"]
    assert list(kept.parent.iterdir()) == [kept]


@posix
@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(kept, sound, mode):
    kept.parent.chmod(mode)
    assert origin_with(cache_of(kept), sound) == "built"
    kept.unlink()
    assert origin_with(cache_of(kept), sound) == "built"
    assert running.files(cache_of(kept)) == []


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives folders away")
def test_another_users_folder_is_not_used(kept, sound):
    os.chown(kept.parent, NOBODY, NOBODY)
    before = kept.stat()
    assert origin_with(cache_of(kept), sound) == "built"
    assert kept.stat() == before


@pytest.mark.parametrize("place", ["cache", "imconv", "key"])
def test_nowhere_to_keep_anything(sound, tmp_path, place):
    """A file where a folder should be: not even root can write there."""
    blocked = {"cache": "", "imconv": "imconv", "key": f"imconv/{sound.parent.name}"}[place]
    file = tmp_path / "cache" / blocked
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("precious")
    assert origin_with(tmp_path / "cache", sound) == "built"
    assert file.read_text() == "precious"
    assert running.files(tmp_path) == [file]


@linked
def test_where_nothing_may_be_executed_it_runs_from_memory(kept, sound):
    assert origin_with(cache_of(kept), sound, "no loading from files") == "kept"
    kept.unlink()
    assert origin_with(cache_of(kept), sound, "no loading from files") == "built"
    assert kept.read_bytes() == sound.read_bytes()


@linked
def test_a_file_system_where_nothing_may_be_executed(sound, tmp_path):
    """The same with a real one, in a name space of its own, so that nobody else sees it."""
    mount = f"mount -t tmpfs -o noexec,mode=700 none '{tmp_path}'"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:  # fmt: skip
        pytest.skip("needs the right to mount")
    told = 'exec 3>&1; "$0" -c "$1" "$2" && "$0" -c "$1"'
    command = ["unshare", "-m", "sh", "-c", f"{mount} && {told}", sys.executable, SCRIPT, str(sound)]
    done = subprocess.run(command, env=running.environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [checked(line) for line in done.stdout.splitlines()] == ["built", "kept"]
    assert running.files(tmp_path) == []


SWAPPED = """
import os
from imconv.jit import load
def nothing(code):
    raise OSError("not from memory today")
def late(descriptor, code, known=load.from_file):
    os.replace({other!r}, {kept!r})
    return known(descriptor, code)
load.from_file, load.from_memory = late, nothing
"""


@linked
def test_what_was_checked_is_what_is_loaded(kept, tmp_path):
    """Whatever lies at its path by the time it is loaded; and it is open no longer than that."""
    other = tmp_path / "other"
    other.write_bytes(b"other")
    opened = "\nassert not [f for f in os.listdir('/proc/self/fd') if os.path.realpath('/proc/self/fd/' + f).endswith('.so')]"
    script = SWAPPED.format(other=str(other), kept=str(kept)) + SCRIPT + opened
    output, _ = running.run("-c", script, cache=cache_of(kept))
    assert checked(output) == "kept"
    assert kept.read_bytes() == b"other"


def test_several_first_runs_at_once(tmp_path):
    processes = [running.start("-c", SCRIPT, cache=tmp_path) for _ in range(3)]
    assert {checked(running.finish(process)[0]) for process in processes} <= {"built", "kept"}
    (file,) = running.files(tmp_path)
    assert store.opened(file.read_bytes()) is not None
    assert origin_with(tmp_path) == "kept"


def test_an_old_trace_of_a_killed_run_harms_nobody(kept, sound):
    kept.rename(kept.with_name(f"{kept.name}.123.new"))
    assert origin_with(cache_of(kept), sound) == "built"
    assert origin_with(cache_of(kept)) == "kept"
