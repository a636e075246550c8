"""SIGTERM and SIGHUP, as from make, systemd, Kubernetes or a terminal that closes: cleaned up as after Ctrl-C, which test_options.py interrupts."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

ENDS = [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated"), (signal.SIGHUP, "hung up")]
PIPE = 1 << 16  # bytes; a pipe holds no more

# imconv, where every picture is large enough for bands
IN_BANDS = "import sys; from imconv import file_to_file, cli; file_to_file.WORTH_BANDS = 0; cli.main(sys.argv[1:])"


@pytest.fixture
def slow(folder, succeeds):
    """A command that takes minutes, whose loop is compiled already, and whose output exists."""
    Image.fromarray(np.zeros((1000, 1000, 3), np.uint8)).save("large.png")
    np.save("kernel.npy", np.random.default_rng(4).random((40, 8000)))
    succeeds("apply", "rgb.png", "out.png", "-k", "kernel.npy", "--dilation", "2")
    (folder / "out.png").write_bytes(b"precious")
    return ["apply", "large.png", "out.png", "-k", "kernel.npy", "--dilation", "2"]


@pytest.mark.parametrize(("number", "word"), ENDS)
def test_nothing_is_left_of_a_picture_half_written(folder, slow, number, word):
    before = sorted(folder.iterdir())
    command = [sys.executable, "-c", IN_BANDS, *slow, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not list(folder.glob(".out.png.*.tmp")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate()
    finally:
        process.kill()
    assert (process.returncode, err.splitlines()[-1:]) == (128 + number, [f"imconv: {word}"])
    assert json.loads(out)["error"] == {"message": word, "status": 128 + number}
    assert sorted(folder.iterdir()) == before
    assert (folder / "out.png").read_bytes() == b"precious"


def started(folder, *command):
    """A run that waits for the rest of its standard input, of which it has read so much that it is at work; and that rest."""
    picture = np.random.default_rng(2).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(picture).save("noise.bmp")
    data = (folder / "noise.bmp").read_bytes()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(data[: 3 * PIPE])  # returns when the pipe holds the rest of it
    process.stdin.flush()
    return process, data[3 * PIPE :]


@pytest.mark.parametrize(("number", "word"), ENDS)
def test_ended_while_waiting_for_its_input(folder, number, word):
    process, _ = started(folder, sys.executable, "-m", "imconv", "box", "-", "out.png", "--size", "3")
    process.send_signal(number)
    _, err = process.communicate()
    assert (process.returncode, err.decode()) == (128 + number, f"imconv: {word}\n")
    assert not (folder / "out.png").exists()


def test_signals_that_were_ignored_stay_ignored(folder):
    """As by nohup, and by shells for jobs in the background."""
    shell = f"trap '' HUP INT TERM; exec {sys.executable} -m imconv box - out.png --size 3"
    process, rest = started(folder, "sh", "-c", shell)
    for number, _ in ENDS:
        process.send_signal(number)
    _, err = process.communicate(rest)
    assert (process.returncode, err) == (0, b"")
    assert (folder / "out.png").exists()
