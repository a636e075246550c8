"""The compiled loops' cache: absent, unwritable, damaged, shared. Results are right, and no traceback is seen."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imconv import jit
from tests import naive

WEIGHTS = [[1, 2, 4], [2, 1, 8], [1, 0, 3]]
SCRIPT = f"""
import numpy as np, imconv
image = np.arange(12, dtype=np.uint8).reshape(3, 4)
print(imconv.correlate(image, {WEIGHTS}).tolist())
"""
RIGHT = str(naive.correlate(np.arange(12, dtype=np.uint8).reshape(3, 4), WEIGHTS).tolist())
ENTRY = "*.nbc"  # compiled code
INDEX = "*.nbi"  # which code is for which types


def start(folder) -> subprocess.Popen:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(process: subprocess.Popen) -> None:
    """The right numbers, a clean end; a hint of one line is welcome, a traceback is not."""
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output.strip()) == (0, RIGHT), errors[-500:]
    assert "Traceback" not in errors
    assert len(errors.splitlines()) <= 1


def files(folder: Path, pattern: str) -> list[Path]:
    found = [path for path in Path(folder).rglob(pattern) if path.is_file()]
    assert found, f"no {pattern} in the cache: these tests damage nothing"
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A cache as the first run on a new machine leaves it."""
    folder = tmp_path_factory.mktemp("cache") / "not" / "there yet"
    check(start(folder))
    return folder


def test_the_first_run_keeps_its_loops_in_a_private_folder(filled):
    assert files(filled, ENTRY)
    assert files(filled, INDEX)
    folder = next((filled / "imconv").iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    """Bits turned over here and there, in the machine code where there is some: nothing one should run."""
    data = bytearray(path.read_bytes())
    first = max(data.find(b"\x7fELF"), 0)
    for at in range(first + 64, min(first + 4096, len(data)), 16):
        data[at] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "index emptied": (INDEX, empty),
    "index scrambled": (INDEX, scramble),
    "code halved": (ENTRY, halve),
    "code scrambled": (ENTRY, scramble),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_cache_is_noticed_and_made_anew(filled, tmp_path, name):
    """After one run on it, nothing damaged is left for the next."""
    folder = tmp_path / "cache"
    shutil.copytree(filled, folder)
    pattern, damage = DAMAGE[name]
    damaged = {}
    for path in files(folder, pattern):
        damage(path)
        damaged[path] = path.read_bytes()
    check(start(folder))
    left = [path.name for path, data in damaged.items() if path.exists() and path.read_bytes() == data]
    assert left == []


def test_nowhere_to_keep_anything(tmp_path):
    """A file where the folder should be: not even root can write there."""
    (tmp_path / "file").write_text("")
    check(start(tmp_path / "file"))


def test_two_first_runs_at_once(tmp_path):
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        check(process)
    assert files(tmp_path, ENTRY)


def test_the_folders_name_changes_with_the_loops_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = jit.cache_folder()
    assert before.is_relative_to(tmp_path)
    copy = tmp_path / "loops"
    shutil.copytree(Path(jit.__file__).with_name("loops"), copy)
    monkeypatch.setattr(jit, "_LOOPS", copy)
    assert jit.cache_folder() == before
    with (copy / "line.py").open("a") as source:
        source.write("# changed\n")
    assert jit.cache_folder() != before
