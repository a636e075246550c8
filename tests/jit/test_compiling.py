"""What users see of compilation: one line the first time, nothing later; no compiler in a process that needs none."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imconv
from imconv.jit import machine, store
from imconv.units import human_bytes
from tests.jit import running
from tests.jit.running import posix

COMPILERS = {"numba", "llvmlite", "scipy"}
NOTICE = "imconv: compiling loops for this computer, to be kept for later runs"
NOTHING_KEPT = "imconv: compiling loops for this computer; every run does this: "
BLUR = ("blur", "grey.pgm", "out.pgm", "--sigma", "1.5")  # a format that needs no loops itself
POOL = ("pool", "grey.pgm", "out.pgm", "--op", "max", "--size", "2")  # whose loop compiles in less than a second
COMMANDS = {
    "blur": ("blur", "--sigma", "1.5"),
    "wide blur": ("blur", "--sigma", "30"),
    "box": ("box", "--size", "5"),
    "sharpen": ("sharpen",),
    "unsharp": ("unsharp", "--sigma", "1.5", "--threshold", "3"),
    "apply": ("apply", "-k", "1 2 4; 2 1 8; 1 0 3", "--normalize"),
}
# runs commands, and tells what was imported and where loops came from
SCRIPT = """
import json, sys
from imconv.cli import run
for command in json.loads(sys.argv[1]):
    assert run(command) == 0, command
from imconv import jit
print(json.dumps([sorted({name.partition(".")[0] for name in sys.modules}), jit.origins]))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with a grey picture, one with colours and one with alpha, 0 in a part."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(4).integers(0, 256, (60, 80, 4), np.uint8)
    pixels[10:50, 10:60, 3] = 0
    Image.fromarray(pixels[..., 0]).save(folder / "grey.pgm")
    Image.fromarray(pixels[..., :3]).save(folder / "rgb.png")
    Image.fromarray(pixels).save(folder / "rgba.png")
    return folder


def told(commands: list, **options) -> tuple[set[str], dict[str, str]]:
    output, _ = running.run("-c", SCRIPT, json.dumps(commands), **options)
    modules, origins = json.loads(output)
    return set(modules), origins


def commands_for(picture: str) -> dict[str, list[str]]:
    return {f"{name}, {picture}": [first, picture, f"{picture}.{name}.png", *rest] for name, (first, *rest) in COMMANDS.items()}  # fmt: skip


ALL = commands_for("rgb.png") | commands_for("rgba.png")


@pytest.fixture(scope="module")
def warmed(pictures):
    """Every command once, with the user's own store."""
    told(list(ALL.values()), cwd=pictures)
    return pictures


@pytest.mark.parametrize("name", ALL)
def test_where_loops_are_kept_no_compiler_is_imported(warmed, name):
    modules, origins = told([ALL[name]], cwd=warmed)
    assert "imconv" in modules
    assert origins
    assert set(origins.values()) <= {"kept", "shipped"}
    assert not modules & COMPILERS


def test_the_commands_meet_every_kind_of_loop(warmed):
    _, origins = told(list(ALL.values()), cwd=warmed)
    loops = {name.partition("-")[0] for name in origins}
    assert loops >= {"alpha.unweigh", "alpha.weigh", "box.sum_box", "dense.correlate_dense", "unsharp.add_detail", "interpolate.interpolate", "separable.correlate_separable"}  # fmt: skip


# --- messages ---
def is_right(pictures, name="out.pgm") -> bool:
    with Image.open(pictures / "grey.pgm") as before, Image.open(pictures / name) as after:
        return np.array_equal(np.array(after), imconv.pool(np.array(before), "max", 2))


def test_the_first_run_says_so_once_and_the_second_nothing(pictures, tmp_path):
    """A PNG file needs loops of its own; they are in the same line."""
    for name, count in (("out.pgm", 1), ("once.png", 2)):
        command, cache = [part.replace("out.pgm", name) for part in POOL], tmp_path / name
        output, errors = running.run("-m", "imconv", *command, cache=cache, cwd=pictures)
        assert (output, errors.splitlines()) == ("", [NOTICE])
        assert len(running.files(cache)) == count
        assert is_right(pictures, name)
        (pictures / name).unlink()
        assert running.run("-m", "imconv", *command, cache=cache, cwd=pictures) == ("", "")
        assert is_right(pictures, name)
    assert told([POOL], cache=cache, cwd=pictures)[1] == {"pool.extreme-u1": "kept"}


def test_a_library_says_nothing(tmp_path):
    script = "from imconv import jit; jit.loop('alpha.weigh').function(('u1', 'i8', 'u2'))"
    assert (running.run("-c", script, cache=tmp_path), len(running.files(tmp_path))) == (("", ""), 1)


def test_a_quiet_first_run_says_nothing_and_imports_nothing_of_the_current_folder(pictures, tmp_path):
    """Whoever filters pictures of a folder does not run that folder's programs."""
    for name in ("numba", "llvmlite", "numpy", "imconv"):
        text = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\nraise ImportError('not this one')\n"
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "grey.pgm").write_bytes((pictures / "grey.pgm").read_bytes())
    assert running.run("-m", "imconv", *POOL, "--quiet", cache=tmp_path / "cache", cwd=tmp_path) == ("", "")
    assert is_right(tmp_path)
    assert not (tmp_path / "ran").exists()
    (kept,) = running.files(tmp_path / "cache")
    assert store.opened(kept.read_bytes()) is not None


# --- imconv cache ---
FEW = [("alpha.weigh", ("u1", "u2")), ("alpha.fill_empty", ("f4", "u1"))]
# `imconv cache warm` would take minutes with all common loops
CACHE = f"""
import sys
import imconv.compiler.prebuilt
imconv.compiler.prebuilt.prebuilt = lambda everything=False: {FEW!r}
from imconv.cli import main
main(["cache", *sys.argv[1:]])
"""


def cache_command(*arguments, **options) -> str:
    output, errors = running.run("-c", CACHE, *arguments, **options)
    assert errors == ""
    return output


def info(cache) -> dict:
    return json.loads(cache_command("info", "--json", cache=cache))


def test_warm_info_and_clear_tell_the_truth(tmp_path):
    cache = tmp_path / "cache"
    (tmp_path / "beside").write_text("precious")
    empty = info(cache)
    assert (empty["kept"], empty["bytes"], empty["loops"]) == (0, 0, {})
    assert not cache.exists()

    output, errors = running.run("-c", CACHE, "warm", cache=cache)
    assert output == "2 loops at hand, 2 of them compiled now\n"
    assert errors == NOTICE + "\n"
    assert cache_command("warm", cache=cache) == "2 loops at hand, 0 of them compiled now\n"

    kept = {path.name: path.stat().st_size for path in running.files(cache)}
    full = info(cache)
    assert {f"{name}{store.suffix()}": size for name, size in full["loops"].items()} == kept
    assert set(full["loops"]) == {"alpha.weigh-u1-u2", "alpha.fill_empty-f4-u1"}
    assert (full["kept"], full["bytes"]) == (2, sum(kept.values()))
    assert {path.parent for path in running.files(cache)} == {Path(full["folder"])}
    assert Path(full["folder"]).parent == cache / "imconv"
    assert full["level"] in {None, *machine.LEVELS}
    text = cache_command("info", cache=cache)
    assert f"folder     {full['folder']}\n" in text
    assert "kept       2 loops" in text
    assert "alpha.weigh-u1-u2\n" in text

    (cache / "imconv" / "of another state").mkdir()
    (cache / "imconv" / "of another state" / "old.so").write_bytes(bytes(1000))
    (cache / "other").mkdir()
    (cache / "other" / "file").write_text("precious")
    assert cache_command("clear", cache=cache) == f"removed 3 files, {human_bytes(sum(kept.values()) + 1000)}\n"
    assert running.files(tmp_path) == [tmp_path / "beside", cache / "other" / "file"]
    assert info(cache) == empty
    assert cache_command("clear", cache=cache) == "removed 0 files, 0 B\n"


@posix
def test_clear_follows_no_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious")
    folder = tmp_path / "cache" / "imconv" / "key"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    (folder / "loop.so").symlink_to(outside / "file")
    assert cache_command("clear", cache=tmp_path / "cache").startswith("removed ")
    assert (outside / "file").read_text() == "precious"
    assert not (folder / "loop.so").is_symlink()


def test_warm_fails_where_nothing_can_be_kept(tmp_path):
    (tmp_path / "imconv").write_text("a file")
    process = running.start("-c", CACHE, "warm", cache=tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 1
    notice, error = errors.splitlines()
    why = notice.removeprefix(NOTHING_KEPT)
    assert why.startswith(str(tmp_path / "imconv"))
    assert error.startswith("imconv: 2 loops can't be kept here, such as alpha.")
    assert error.endswith(f": {why}")
    assert json.loads(cache_command("info", "--json", cache=tmp_path))["kept"] == 0


# --- Ctrl-C ---
def children_of(number: int) -> set[int]:
    """The processes that process `number` started, as long as they run."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == number and state != "Z":
            found.add(int(folder.name))
    return found


def runs(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("whole_group", [False, True], ids=["to the process", "to its children as well, by a terminal"])
def test_ctrl_c_while_a_loop_compiles(pictures, tmp_path, whole_group):
    """Ended with 130 before the build is; no build goes on, and nothing is left in the store."""
    out = pictures / "out.pgm"
    out.write_bytes(b"precious")
    process = running.start("-m", "imconv", *BLUR, cache=tmp_path, cwd=pictures, session=True)
    try:
        assert process.stderr.readline().strip() == NOTICE
        while not (children := children_of(process.pid)):
            assert process.poll() is None
        time.sleep(0.3)  # Numba is being imported, or compiles
        assert process.poll() is None
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    finally:
        process.kill()
    assert (process.returncode, errors.lstrip("\n")) == (130, "imconv: interrupted\n")
    assert not [child for child in children if runs(child)]
    assert running.files(tmp_path) == []
    assert out.read_bytes() == b"precious"
