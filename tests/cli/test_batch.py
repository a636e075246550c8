"""Batches: many pictures with one command, each as the command for one picture makes it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imconv as ic
from tests.schema import faults

SIZES = {"a.png": (9, 12), "b.png": (20, 7), "in/c.png": (15, 15), "in/deep/d.jpg": (16, 24), "in/deep/e.tif": (8, 8)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with small pictures and a file that is none, in the folder "photos"."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(7)
    for name, size in SIZES.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(path)
    (tmp_path / "photos/notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture(params=["fork", "spawn"])
def started(request, monkeypatch):
    """Both ways in which processes start."""
    if request.param == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork here")
    monkeypatch.setenv("IMCONV_START_METHOD", request.param)


def files(place=".") -> list[str]:
    """All files in a folder but the manifest, as paths from it."""
    found = (path for path in Path(place).rglob("*") if path.is_file() and path.name != ".imconv-manifest.jsonl")
    return sorted(path.relative_to(place).as_posix() for path in found)


def test_every_picture_is_as_by_itself(folder, imconv, started):
    result = imconv("blur", "photos", "--recursive", "--sigma", 1.5, "--output-dir", "out", "--jobs", 2)
    assert result.code == 0
    assert result.err.startswith("imconv: 5 written; ")
    assert files("out") == sorted(SIZES)
    for name in SIZES:
        alone = Path("alone" + Path(name).suffix)
        assert imconv("blur", f"photos/{name}", alone, "--sigma", 1.5).code == 0
        assert alone.read_bytes() == Path("out", name).read_bytes()


def test_what_is_an_input(folder, imconv):
    """A folder is its pictures, a pattern its matches, a list its lines or what NUL bytes separate."""

    def written(*places, **how):
        result = imconv("min", *places, "--size", 3, "--output-dir", "out", **how)
        assert result.code == 0, result.err
        found = files("out")
        for name in found:
            os.unlink(Path("out", name))
        return found

    assert written("photos") == ["a.png", "b.png"]
    assert written("photos/in", "--recursive") == ["c.png", "deep/d.jpg", "deep/e.tif"]
    assert written("photos/**/*.[jt][pi][gf]") == ["d.jpg", "e.tif"]
    assert written("photos/a.png") == ["a.png"]
    Path("list").write_text("photos/a.png\nphotos/in/c.png\n")
    assert written("--from-list", "list") == ["a.png", "c.png"]
    assert written("photos/b.png", "--from-list", "-", stdin=b"photos/a.png\0photos/in/c.png\0") == [
        "a.png",
        "b.png",
        "c.png",
    ]
    Path("photos/[x].png").write_bytes(Path("photos/a.png").read_bytes())
    assert written("photos/[x].png") == ["[x].png"]
    assert written("photos", "--recursive", "--format", "npy") == sorted(
        [str(Path(n).with_suffix(".npy")) for n in SIZES] + ["[x].npy"]
    )


def test_names_by_template(folder, imconv):
    assert (
        imconv(
            "max",
            "photos",
            "--recursive",
            "--size",
            3,
            "--output",
            "{parent}/{stem}-max{n:03}{ext}",
        ).code
        == 0
    )
    made = [
        f"photos/{n}"
        for n in ("a-max001.png", "b-max002.png", "in/c-max003.png", "in/deep/d-max004.jpg", "in/deep/e-max005.tif")
    ]
    assert set(made) <= set(files())
    os.mkdir("flat")
    assert imconv("max", "photos/in", "--recursive", "--size", 3, "--output", "flat/{name}.npy").code == 0
    assert all(name.endswith(".npy") for name in files("flat"))


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("--recursive is for many pictures", ["photos", "o.png", "--recursive"]),
        ("3 paths are for many pictures", ["a", "b", "c"]),
        ("exclude each other", ["photos", "--output-dir", "o", "--in-place"]),
        ("--backup keeps what --in-place replaces", ["photos", "--output-dir", "o", "--backup", ".orig"]),
        ("write an ending such as .orig", ["photos", "--in-place", "--backup", "a/b"]),
        ("use --resume", ["photos", "--in-place", "--newer"]),
        ("no INPUT", ["--output-dir", "o"]),
        ("no field is called 'foo'", ["photos", "--output", "{foo}.png"]),
        ("no field is called 'stem.x'", ["photos", "--output", "{stem.x}.png"]),
        ("--output '{n:x'", ["photos", "--output", "{n:x"]),
        ("would be written twice", ["photos", "--output", "photos/x.png"]),
        ("would be written twice", ["photos/a.png", "other/a.png", "--output-dir", "o"]),
        ("named twice", ["photos", "photos/a.png", "--output-dir", "o"]),
        ("is an input too", ["photos", "--output-dir", "photos"]),
        ("is an input too", ["photos/a.png", "photos/b.png", "--output", "photos/../photos/{stem}.png"]),
        ("folder for results does not exist", ["photos", "--output", "no/{name}"]),
        ("does not exist; create it first", ["photos", "--output-dir", "no/o"]),
        ("is no folder", ["photos/a.png", "--output-dir", "photos/notes.txt"]),
        ("--jobs must be a whole number", ["photos", "--output-dir", "o", "--jobs", "0"]),
        ("sigma must be a number", ["photos", "--output-dir", "o", "--sigma", "-1"]),
    ],
)  # fmt: skip
def test_refused_before_any_work(folder, imconv, words, arguments):
    os.mkdir("other")
    Path("other/a.png").write_bytes(Path("photos/a.png").read_bytes())
    before = files()
    result = imconv("blur", *arguments, *([] if "--sigma" in arguments else ["--sigma", 1]))
    assert (result.code, result.out) == (2, b""), result.err
    assert words in result.err
    assert files() == before
    assert not os.path.exists("o")


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("no.png: no such file or folder", ["no.png"]),
        ("no*.png: no file matches this pattern", ["no*.png"]),
        ("photos/in/deep: no pictures in this folder", ["photos/in/deep", "--recursive"]),
        ("list: holds no paths", ["--from-list", "list"]),
        ("nolist: No such file", ["--from-list", "nolist"]),
    ],
)
def test_inputs_that_are_not_there(folder, imconv, words, arguments):
    Path("list").write_text("\n")
    for name in ("d.jpg", "e.tif"):
        os.unlink(f"photos/in/deep/{name}")
    result = imconv("blur", *arguments, "--sigma", 1, "--output-dir", "o")
    assert (result.code, result.out) == (1, b""), result.err
    assert words in result.err
    assert not os.path.exists("o")


def test_bad_pictures_fail_alone(folder, imconv, started):
    Path("photos/bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    Path("photos/text.jpg").write_text("no picture at all")
    result = imconv("blur", "photos", "--sigma", 1, "--output-dir", "out", "--json")
    assert result.code == 1
    assert files("out") == ["a.png", "b.png"]
    lines = result.err.splitlines()
    assert lines[0].startswith("imconv: photos/bad.png: ")
    assert lines[1].startswith("imconv: photos/text.jpg: ")
    assert lines[2].startswith("imconv: 2 written, 2 failed; ")
    *each, sums = map(json.loads, result.out.splitlines())
    schema = json.loads((Path(ic.__file__).parent / "cli" / "report.schema.json").read_text(encoding="utf-8"))
    for report, kind in ((sums, "batch"), *((one, "failure" if "error" in one else "filter") for one in each)):
        assert faults(report, schema["$defs"][kind], schema) == []
    assert (sums["done"], sums["skipped"]) == (2, 0)
    assert {entry["input"]: entry["error"] for entry in sums["failed"]} == {
        entry["input"]: entry["error"] for entry in each if "error" in entry
    }
    done = {entry["input"]: entry for entry in each if "error" not in entry}
    assert done["photos/a.png"]["output"] == os.path.join("out", "a.png")
    assert (done["photos/a.png"]["width"], done["photos/a.png"]["height"]) == (12, 9)


def test_fail_fast(folder, imconv):
    for name in ("0.png", "1.png"):
        Path("photos", name).write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    result = imconv("blur", "photos", "--sigma", 1, "--output-dir", "out", "--jobs", 1, "--fail-fast")
    assert result.code == 1
    assert re.search(r"0 written, [12] failed, [23] not begun", result.err)  # the second may have begun
    assert files("out") == []


def test_resumed(folder, imconv):
    """Only what is missing, has changed, or was made by another filter or kernel is done again."""

    def done(*arguments) -> int:
        result = imconv(
            "apply", "photos", "-k", "k.txt", "--recursive", "--output-dir", "out", "--resume", "--json", *arguments
        )
        assert result.code == 0, result.err
        return json.loads(result.out.splitlines()[-1])["done"]

    Path("k.txt").write_text("divisor: 8\n0 1 0\n1 4 1\n0 1 0\n")
    assert done() == 5
    assert done() == 0
    os.unlink("out/a.png")
    os.utime("photos/b.png", ns=(5, 5))
    assert done() == 2
    Path("out/a.png").write_bytes(b"somebody else's")
    assert done() == 1
    assert done("--threads", 1, "--jobs", 1) == 0
    assert done("--border", "wrap") == 5
    Path("k.txt").write_text("divisor: 9\n0 1 0\n1 5 1\n0 1 0\n")
    assert done("--border", "wrap") == 5
    with open("out/.imconv-manifest.jsonl", "r+b") as file:  # as a crash of the machine may leave it
        file.seek(-20, os.SEEK_END)
        file.truncate()
    assert done("--border", "wrap") == 1
    assert done("--border", "wrap") == 0


def test_newer(folder, imconv):
    def skipped() -> int:
        result = imconv("min", "photos", "--size", 3, "--output-dir", "out", "--newer", "--json")
        assert result.code == 0
        return json.loads(result.out.splitlines()[-1])["skipped"]

    assert skipped() == 0
    assert skipped() == 2
    line = json.loads(
        imconv("min", "photos", "--size", 3, "--output-dir", "out", "--newer", "--json").out.splitlines()[0]
    )
    assert line["skipped"] == "the result is newer"
    later = os.stat("out/a.png").st_mtime_ns + 10**9
    os.utime("photos/a.png", ns=(later, later))
    assert skipped() == 1


def test_existing_results(folder, imconv):
    os.mkdir("out")
    Path("out/a.png").write_bytes(b"old")
    assert "1 written, 1 skipped" in imconv("min", "photos", "--size", 3, "--output-dir", "out", "--no-clobber").err
    assert Path("out/a.png").read_bytes() == b"old"
    assert imconv("min", "photos", "--size", 3, "--output-dir", "out").code == 0
    assert Path("out/a.png").read_bytes() != b"old"


def test_in_place(folder, imconv, started):
    """The originals are kept where that is asked for, and never overwritten; nothing is filtered twice with --resume."""
    before = {name: Path("photos", name).read_bytes() for name in ("a.png", "b.png")}
    wanted = {name: ic.median(np.asarray(Image.open(f"photos/{name}")), 3) for name in before}
    how = ("median", "photos", "--size", 3, "--in-place", "--backup", ".orig", "--resume")
    result = imconv(*how)
    assert result.code == 0
    assert "hard link" not in result.err
    for name, data in before.items():
        assert Path("photos", name + ".orig").read_bytes() == data
        np.testing.assert_array_equal(np.asarray(Image.open(f"photos/{name}")), wanted[name])
    assert "0 written, 2 skipped" in imconv(*how).err
    again = imconv(*how[:-1])
    assert again.code == 1
    assert again.err.count("exists and may hold the original") == 2
    for name in before:
        np.testing.assert_array_equal(np.asarray(Image.open(f"photos/{name}")), wanted[name])
    Path("photos/bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    assert imconv("median", "photos/bad.png", "--size", 3, "--in-place", "--backup", ".orig").code == 1
    assert not os.path.exists("photos/bad.png.orig")


@pytest.mark.parametrize(
    "command",
    [
        ("chain", "blur --sigma 1 | edges"),
        ("apply", "-k", "sobel-x", "-k", "sobel-y", "--combine", "each"),
        ("pool", "--op", "max", "--size", 2),
    ],
)
def test_other_commands(folder, imconv, command):
    assert imconv(*command, "photos", "--output-dir", "out").code == 0
    assert imconv(*command, "photos/a.png", "a.png").code == 0
    for path in Path().glob("a*.png"):
        assert path.read_bytes() == Path("out", path.name).read_bytes()


def test_steps_have_no_batches(folder, imconv):
    result = imconv("chain", "blur --sigma 1 --output-dir x", "photos/a.png", "o.png")
    assert result.code == 2
    assert "--output-dir belongs to the chain" in result.err


def test_dry_run_writes_nothing(folder, imconv):
    result = imconv("blur", "photos", "--sigma", 1, "--output-dir", "out", "--dry-run")
    assert result.code == 0
    assert result.err.count("would write") == 2
    assert not os.path.exists("out")


def test_notes_are_gathered(folder, imconv):
    """A note on many pictures is one line; -v has a line for each picture."""
    for name in ("a", "b"):
        Image.open(f"photos/{name}.png").convert("P").save(f"photos/{name}.png")
    result = imconv("blur", "photos", "--sigma", 1, "--output-dir", "out")
    assert "imconv: 2 pictures, such as photos/" in result.err
    detailed = imconv("blur", "photos", "--sigma", 1, "--output-dir", "out", "-v")
    assert (
        f"imconv: {os.path.join('photos', 'a.png')}: wrote {os.path.join('out', 'a.png')}, 12 x 9 pixels, "
        in detailed.err
    )
    assert imconv("blur", "photos", "--sigma", 1, "--output-dir", "out", "-q").err == ""


CHILDREN = """
import os, signal, sys
from imconv.cli.batch import crew

at = int(sys.argv.pop(1))
class Crew(crew.Crew):
    "Ends a process, or this one, when so many results are there."
    def do(self, tasks, begun):
        for number, said in enumerate(super().do(tasks, begun)):
            yield said
            if number == at:
                {act}
import imconv.cli.batch.run as run
run.Crew = Crew
from imconv.cli import main
main(sys.argv[1:])
"""


def run_with(act: str, at: int, *arguments) -> subprocess.CompletedProcess:
    """The command line in a process of its own, in which something happens after so many results."""
    code = CHILDREN.replace("{act}", act)
    environment = {**os.environ, "PYTHONPATH": str(Path(ic.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code, str(at), *map(str, arguments)], capture_output=True, text=True, env=environment
    )


@pytest.fixture
def many(folder):
    os.mkdir("many")
    for number in range(30):
        Image.fromarray(np.full((16, 16), number, np.uint8)).save(f"many/{number:02}.png")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="signals of POSIX")
def test_interrupted_and_resumed(many, imconv):
    """Whatever is there is whole, and noted; what is left is done by --resume."""
    result = run_with(
        "os.kill(os.getpid(), signal.SIGINT)", 9, "blur", "many", "--sigma", 1, "--output-dir", "out", "--jobs", 2
    )
    assert result.returncode == 130, result.stderr
    assert "--resume does the rest" in result.stderr
    there = files("out")
    assert 10 <= len(there) < 30
    for name in there:
        Image.open(f"out/{name}").load()
    again = imconv("blur", "many", "--sigma", 1, "--output-dir", "out", "--resume", "--json")
    assert json.loads(again.out.splitlines()[-1])["skipped"] == len(there)
    assert len(files("out")) == 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="signals of POSIX")
def test_a_process_that_is_killed_costs_its_picture(many):
    kill = "[open(f'out/.{n:02}.png.0123456789ab.tmp', 'w').close() for n in range(30)]; os.kill(next(iter(self._processes.values())).pid, signal.SIGKILL)"
    result = run_with(kill, 9, "blur", "many", "--sigma", 1, "--output-dir", "out", "--jobs", 2)
    assert result.returncode == (1 if "failed" in result.stderr else 0)
    lost = [line for line in result.stderr.splitlines() if "was ended by SIGKILL" in line]
    assert len(lost) == 1, result.stderr
    assert "29 written, 1 failed" in result.stderr
    assert len([name for name in files("out") if name.startswith(".")]) == 29  # what it had begun is gone, nothing else
