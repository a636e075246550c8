"""Standard input and output, pipes, terminals: where pictures and words go."""

import io
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imconv import box_blur, files
from imconv.cli import run

IMCONV = [sys.executable, "-m", "imconv"]


def format_of(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return image.format


@pytest.mark.parametrize("places", [(), ("-",), ("-", "-")])
def test_from_standard_input_to_standard_output(succeeds, folder, load, places):
    data = (folder / "rgb.png").read_bytes()
    result = succeeds("box", *places, "--size", 3, stdin=data)
    assert format_of(result.out) == "PNG"
    np.testing.assert_array_equal(load(result.out), box_blur(load("rgb.png"), 3))


@pytest.mark.parametrize(
    ("name", "format_name"), [("rgb.png", "PNG"), ("rgb.jpg", "JPEG"), ("palette.gif", "GIF"), ("float.tif", "TIFF")]
)
def test_the_format_stays_the_inputs(succeeds, folder, name, format_name):
    data = (folder / name).read_bytes()
    assert format_of(succeeds("box", "--size", 1, stdin=data, notes=True).out) == format_name
    assert format_of(succeeds("box", name, "--size", 1, notes=True).out) == format_name
    assert format_of(succeeds("box", name, "-", "--size", 1, notes=True).out) == format_name


@pytest.mark.parametrize("wanted", ["tif", "TIFF", ".tiff", "Tif"])
def test_format_option_for_standard_output(succeeds, folder, load, wanted):
    result = succeeds("box", "--size", 3, "--format", wanted, stdin=(folder / "rgb.png").read_bytes())
    assert format_of(result.out) == "TIFF"
    np.testing.assert_array_equal(load(result.out), box_blur(load("rgb.png"), 3))


def test_format_option_goes_before_the_extension(succeeds, folder):
    succeeds("box", "rgb.png", "out.dat", "--size", 3, "--format", "bmp")
    assert format_of((folder / "out.dat").read_bytes()) == "BMP"
    succeeds("box", "rgb.png", "without", "--size", 3, "--format", "webp")
    assert format_of((folder / "without").read_bytes()) == "WEBP"


def test_from_standard_input_to_a_file_and_back(succeeds, folder, load):
    assert succeeds("box", "-", "out.bmp", "--size", 3, stdin=(folder / "rgb.png").read_bytes()).out == b""
    assert format_of((folder / "out.bmp").read_bytes()) == "BMP"
    np.testing.assert_array_equal(load("out.bmp"), box_blur(load("rgb.png"), 3))


def test_words_never_mix_with_the_picture(imconv, folder, load):
    data = (folder / "palette.gif").read_bytes()
    result = imconv("box", "--size", 3, "--format", "png", "-v", "--json", "--explain", stdin=data)
    assert result.code == 0
    assert load(result.out).shape == (24, 30, 3)
    assert "imconv: standard input: palette expanded to RGB\n" in result.err
    assert "algorithm" in result.err
    (report,) = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
    assert (report["input"], report["output"]) == ("-", "-")


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\0" * 100])
def test_no_picture_on_standard_input(imconv, data):
    result = imconv("box", "--size", 3, stdin=data)
    assert (result.code, result.out) == (1, b"")
    assert result.err.startswith("imconv: standard input: ")
    assert result.err.count("\n") == 1


def test_a_chain_of_commands(folder, load):
    """imconv blur < rgb.png | imconv sharpen > out.png, with real pipes."""
    with open("rgb.png", "rb") as source, open("out.png", "wb") as target:
        first = subprocess.Popen([*IMCONV, "box", "--size", "3"], stdin=source, stdout=subprocess.PIPE)
        second = subprocess.Popen([*IMCONV, "box", "--size", "5"], stdin=first.stdout, stdout=target)
        first.stdout.close()
        assert (first.wait(), second.wait()) == (0, 0)
    np.testing.assert_array_equal(load("out.png"), box_blur(box_blur(load("rgb.png"), 3), 5))


@pytest.mark.parametrize(
    "arguments", [("box", "noise.bmp", "--size", "1"), ("kernels", "list"), ("blur", "--help"), ("--help",)]
)
def test_a_reader_that_goes_away(folder, arguments):
    """As `imconv ... | head -c 10`: no word about it."""
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save("noise.bmp")  # more than a pipe holds
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen([*IMCONV, *arguments], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate()
    assert err == b""
    assert process.returncode != 2


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_standard_streams(folder, closed):
    """`<&-`, `>&-` and `2>&-`: Python has no such stream then. Only what needs it fails, with one line."""
    shell = f"exec {closed}>&-; exec {sys.executable} -m imconv box rgb.png out.png --size 3"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "out.png").exists()


TALKATIVE = [("-v",), ("--explain",), ("-v", "--explain", "--json"), ("--dry-run",)]


@pytest.mark.parametrize("options", TALKATIVE, ids=" ".join)
@pytest.mark.parametrize("gone", ["closed", "left"])
def test_nobody_reads_standard_error(succeeds, folder, options, gone):
    """As `imconv ... 2>&1 | head -1` and `2>&-`: nothing is lost with the words, so the exit status is 0."""
    if "--dry-run" not in options:
        succeeds("box", "palette.gif", "expected.png", "--size", 3, notes=True)
    shell = f"{'exec 2>&-; ' if gone == 'closed' else ''}exec {sys.executable} -m imconv box palette.gif out.png --size 3 {' '.join(options)}"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(["sh", "-c", shell], stdout=subprocess.PIPE, stderr=writing, check=False)
    os.close(writing)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, "--json" in options)
    if "--dry-run" not in options:
        assert Path("out.png").read_bytes() == Path("expected.png").read_bytes()


@pytest.mark.parametrize(("words", "code"), [(("nope.png", "out.png", "--size", "3"), 1), (("rgb.png", "out.png"), 2)])
def test_errors_that_nobody_reads(folder, words, code):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*IMCONV, "box", *words, "--json"], stdout=subprocess.PIPE, stderr=writing, check=False)
    os.close(writing)
    assert (done.returncode, json.loads(done.stdout)["error"]["status"]) == (code, code)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc here")
def test_no_picture_takes_the_place_of_standard_error(folder):
    """Libraries write their words to descriptor 2, whatever has been opened under that number."""
    code = "import os, sys; from imconv import cli; cli.run = lambda args: print(os.readlink('/proc/self/fd/2')) or 0; cli.main()"
    done = subprocess.run(
        ["sh", "-c", f'exec 2>&-; exec {sys.executable} -c "{code}"'], capture_output=True, check=False
    )
    assert done.stdout == b"/dev/null\n"


@pytest.mark.parametrize(("closed", "what"), [(0, "standard input"), (1, "standard output")])
def test_a_closed_stream_that_is_needed(folder, closed, what):
    names = "- out.png" if closed == 0 else "rgb.png -"
    shell = f"exec {closed}>&-; exec {sys.executable} -m imconv box {names} --size 3"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert "internal error" not in done.stderr
    assert what in done.stderr


def on_a_terminal(arguments, stream: str, **others):
    """Run with one of the standard streams being a terminal; exit status, stdout, stderr (of those that are not)."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    try:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **others}
        done = subprocess.run([*IMCONV, *arguments], **{**streams, stream: slave}, check=False)
        os.set_blocking(master, False)
        try:
            shown = os.read(master, 1 << 16)
        except OSError:
            shown = b""
    finally:
        os.close(master)
        os.close(slave)
    return done, shown


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
@pytest.mark.parametrize(
    "command",
    [("box", "rgb.png", "OUT", "--size", "3"), ("box", "rgb.png", "OUT", "--size", "3", "--no-clobber", "--json"),
     ("box", "pages.tif", "OUT", "--size", "3"), ("compare", "rgb.png", "same.png", "-o", "OUT"),
     ("layer", "rgb.png", "--weights", "weights.npy", "--sheet", "OUT"),
     ("kernels", "convert", "sobel-x", "-o", "OUT")],
    ids=lambda command: " ".join(command[:2]),
)  # fmt: skip
@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/3"])
def test_a_path_that_is_a_descriptor_is_appended_to(folder, command, place):
    """`imconv ... /dev/stdout >> log`: what others write to it, before and after, stays. Words go elsewhere."""
    np.save("weights.npy", np.ones((2, 3, 3, 3), np.float32))
    shutil.copy("rgb.png", "same.png")
    files.write_pages("pages.tif", [files.read("rgb.png"), files.read("grey.png")])

    def run(shell, out):
        words = [out if word == "OUT" else word for word in command]
        shell = shell.replace("IMCONV", shlex.join([*IMCONV, *words]))
        return subprocess.run(["sh", "-c", shell], check=True, capture_output=True)

    run("IMCONV > expected", "-")
    to = "3" if place == "/dev/fd/3" else "1"
    run(f"(echo before >&{to}; IMCONV; echo after >&{to}) {to}>> log; (echo again >&{to}) {to}>> log", place)
    assert Path("log").read_bytes() == b"before\n" + Path("expected").read_bytes() + b"after\nagain\n"


def test_without_an_input_on_a_terminal(folder):
    done, shown = on_a_terminal(("box", "--size", "3"), "stdin")
    assert (done.returncode, done.stdout, shown) == (2, b"", b"")
    assert b"Usage: imconv box" in done.stderr
    assert b"--help" in done.stderr


def test_a_terminal_gets_no_picture(folder):
    for places in (("rgb.png",), ("rgb.png", "-")):
        done, shown = on_a_terminal(("box", *places, "--size", "3"), "stdout")
        assert done.returncode == 2
        assert shown == b""
        assert b"terminal" in done.stderr
        assert b"OUTPUT" in done.stderr


def test_a_dry_run_may_have_a_terminal(folder):
    done, shown = on_a_terminal(("box", "rgb.png", "--size", "3", "--dry-run"), "stdout")
    assert (done.returncode, shown) == (0, b"")
    assert b"would write" in done.stderr


def test_the_entry_point_can_be_called_again(folder):
    """From Python, `main` is an ordinary function: a second call does what the first did."""
    code = "from imconv.cli import main\nfor name in 'ab':\n try: main(['box', 'rgb.png', name + '.png', '--size', '3'])\n except SystemExit as end: print(end.code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n0\n", "")


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "quiet", "shown"), [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)]
)
def test_progress_on_a_terminal_only(folder, monkeypatch, stream, quiet, shown):
    """After a second of work there is a bar, and it is gone in the end."""
    ticks = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: 2.0 * next(ticks))
    error = stream()
    monkeypatch.setattr(sys, "stderr", error)
    assert run(["box", "rgb.png", "out.png", "--size", "3", *(["--quiet"] if quiet else [])]) == 0
    assert ("100 %" in error.getvalue()) == shown
    if shown:
        assert error.getvalue().endswith("\r\x1b[K")
    else:
        assert error.getvalue() == ""
