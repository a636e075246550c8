"""Wheels that carry compiled loops: what is in them, that they run without Numba, and that damage is noticed."""

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import imconv
from imconv.jit import load, machine, store
from tests.packages import build, buildable, install, run_there, script

pytestmark = [
    *buildable,
    pytest.mark.skipif(not machine.links(), reason="loops are shipped for Linux with x86-64 only"),
]

NAME = "separable.correlate_separable-f4-f4-f4"  # all that a blur of a grey PFM picture needs
SMALL = "alpha.weigh-u1-u2"  # one that can be called by hand
NAMES = (NAME, SMALL)
PATTERN = f"^({'|'.join(NAMES)})$"
BLUR = ("blur", "grey.pfm", "out.pfm", "--sigma", "1.5")
LEVELS = list(machine.LEVELS)
NO_NUMBA = 'raise ImportError("no Numba today")\n'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipping")
    build(folder, "--wheel", ship=PATTERN)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A bare environment with the wheel in it, and a grey picture where commands are run."""
    home, python, site = install(wheel, tmp_path_factory.mktemp("shipped"))
    (home / "elsewhere").mkdir()
    imconv.write(home / "elsewhere" / "grey.pfm", np.random.default_rng(8).random((30, 40), np.float32))
    return home, python, site


@pytest.fixture
def without_numba(tmp_path):
    """A folder whose modules hide Numba."""
    folder = tmp_path / "without"
    folder.mkdir()
    for name in ("numba", "llvmlite"):
        (folder / f"{name}.py").write_text(NO_NUMBA)
    return folder


def blur(installed, cache, *more, **options) -> list[str]:
    """Blur the grey picture, check it; the lines on standard error."""
    home, _, _ = installed
    out = home / "elsewhere" / "out.pfm"
    out.unlink(missing_ok=True)
    done = run_there(installed, script(installed), *BLUR, *more, cache=cache, text=True, **options)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Traceback" not in done.stderr
    before, after = imconv.read(home / "elsewhere" / "grey.pfm"), imconv.read(out)
    np.testing.assert_array_equal(after.pixels, imconv.gaussian_blur(before.pixels, 1.5))
    return done.stderr.splitlines()


def test_the_wheel_holds_what_was_asked_for_at_every_level(wheel):
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name: archive.read(name) for name in archive.namelist() if name.startswith("imconv/jit/shipped/")}
    assert shipped.pop("imconv/jit/shipped/sources").decode() == machine.sources()
    assert set(shipped) == {f"imconv/jit/shipped/{level}/{name}.so" for level in LEVELS for name in NAMES}
    for data in shipped.values():
        assert store.opened(data).startswith(b"\x7fELF")
    one, other = (shipped[f"imconv/jit/shipped/{level}/{NAME}.so"] for level in LEVELS)
    assert one != other


needs_level = pytest.mark.skipif(machine.level() is None, reason="shipped loops don't run on this processor")


@needs_level
def test_a_shipped_loop_runs_without_numba_and_keeps_nothing(installed, without_numba, tmp_path):
    assert blur(installed, tmp_path / "cache", pythonpath=without_numba) == []
    lines = blur(installed, tmp_path / "cache", "--verbose", pythonpath=without_numba)
    assert lines[1:] == [f"imconv: loop {NAME}: shipped"]
    assert not (tmp_path / "cache").exists()


@needs_level
def test_shipped_loops_are_told_of(installed, tmp_path):
    done = run_there(installed, script(installed), "cache", "info", cache=tmp_path, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"shipped    {len(NAMES)} loops\n" in done.stdout
    assert "kept       0 loops" in done.stdout


def test_a_loop_that_is_not_shipped_says_what_to_do(installed, without_numba, tmp_path):
    """Without Numba, one line of help; no traceback of a build is shown."""
    command = ("median", "grey.pfm", "out2.pfm", "--size", "3")
    done = run_there(installed, script(installed), *command, cache=tmp_path, pythonpath=without_numba, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    *before, last = done.stderr.splitlines()
    assert last == "imconv: no compiled loop for this processor, and Numba can't make one (no Numba today); pip install numba"  # fmt: skip
    assert len(before) <= 1
    assert not (installed[0] / "elsewhere" / "out2.pfm").exists()


@pytest.fixture
def copy(installed, tmp_path):
    """The installed package, copied: put first on the path it is the one that runs, and may be damaged."""
    _, _, site = installed
    shutil.copytree(site / "imconv", tmp_path / "copy" / "imconv")
    return tmp_path / "copy"


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def change_a_source(file: Path) -> None:
    source = file.parents[3] / "compiler" / "known_answers.py"
    source.write_text(source.read_text() + "# changed\n")


def forget_the_sources(file: Path) -> None:
    (file.parents[1] / "sources").unlink()


@needs_level
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink, change_a_source, forget_the_sources])
def test_what_is_damaged_or_of_other_sources_is_not_used(installed, copy, tmp_path, damage):
    file = copy / "imconv" / "jit" / "shipped" / machine.level() / f"{SMALL}.so"
    script = (
        "import numpy as np; from imconv import jit\n"
        "out = np.zeros((1, 4), np.uint16)\n"
        "jit.loop('alpha.weigh')(np.array([[3, 5, 2, 7]], np.uint8), np.arange(1), 2, out)\n"
        "print(jit.__file__, out.tolist(), *jit.origins.values(), sep='\\n')"
    )

    def told() -> list[str]:
        done = run_there(installed, installed[1], "-P", "-c", script, cache=tmp_path / "cache", pythonpath=copy, text=True)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        where, result, origin = done.stdout.splitlines()
        assert Path(where).is_relative_to(copy)
        assert result == "[[15, 5, 14, 7]]"
        return origin

    assert told() == "shipped"
    damage(file)
    assert told() == "built"
    assert told() == "kept"


WITH_LEVEL = """
import sys, hashlib, numpy as np, imconv
from imconv.jit import machine
machine.level = lambda: sys.argv[1]
from imconv import jit
image = np.random.default_rng(2).random((50, 300), np.float32)
print(hashlib.sha256(b"".join(imconv.gaussian_blur(image, sigma).tobytes() for sigma in (0.6, 1.5, 3))).hexdigest())
print(*jit.origins.values())
"""


@pytest.mark.skipif(not all(map(machine.runs, LEVELS)), reason=f"this processor does not run {LEVELS[0]}")
def test_levels_give_the_same_bits(installed, without_numba, tmp_path):
    told = set()
    for level in LEVELS:
        done = run_there(installed, installed[1], "-c", WITH_LEVEL, level, cache=tmp_path, pythonpath=without_numba, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.add(done.stdout)
    (both,) = told
    assert both.split()[1] == "shipped"
    image = np.random.default_rng(2).random((50, 300), np.float32)
    results = b"".join(imconv.gaussian_blur(image, sigma).tobytes() for sigma in (0.6, 1.5, 3))
    assert both.split()[0] == hashlib.sha256(results).hexdigest()


@pytest.mark.parametrize("level", LEVELS)
def test_a_shipped_object_is_a_function_of_a_block(installed, level):
    if not machine.runs(level):
        pytest.skip(f"this processor does not run {level}")
    file = installed[2] / "imconv" / "jit" / "shipped" / level / f"{SMALL}.so"
    with store.checked(str(file), private=False) as found:
        function = load.from_file(*found)
    src, rows, out = np.array([[3, 5, 2, 7]], np.uint8), np.arange(1), np.zeros((1, 4), np.uint16)
    addresses = [array.ctypes.data for array in (src, rows, out)]
    function(struct.pack("<9q", addresses[0], 1, 4, addresses[1], 1, 2, addresses[2], 1, 4))
    assert out.tolist() == [[15, 5, 14, 7]]


def test_a_loop_that_cannot_be_built_fails_the_build(tmp_path):
    """A wheel without what was asked for is not made: `ship` ends with 1, and says which loop."""
    for name in ("numba", "llvmlite"):
        (tmp_path / f"{name}.py").write_text(NO_NUMBA)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(imconv.__file__).parents[1]), str(tmp_path)])}
    command = [sys.executable, "-P", "-m", "imconv.compiler.ship", tmp_path / "out", PATTERN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"could not be built for {LEVELS[0]}: ImportError: no Numba today\n")
    assert not (tmp_path / "out" / "sources").exists()
