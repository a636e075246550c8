"""Pictures that go from file to file in bands of rows: the same file as when they are read whole."""

import errno
import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imconv import file_to_file, files
from imconv.files import streams
from imconv.files.formats import FORMATS
from imconv.files.picture import Metadata, Picture
from imconv.files.png.encode import chunk
from tests.executing import set_stripe_bytes

RANDOM = np.random.default_rng(3)
KINDS = [
    ("grey", "uint8"), ("grey+alpha", "uint8"), ("rgb", "uint8"), ("rgba", "uint8"), ("grey", "uint16"),
    ("rgb", "uint16"), ("rgba", "uint16"), ("grey", "float32"), ("rgb", "float32"), ("grey", "bool"),
]  # fmt: skip
FILTERS = {
    "blur": ["--sigma", "2"], "blur far": ["--sigma", "25"], "box": ["--size", "7x4"], "sharpen": [],
    "unsharp": ["--sigma", "1.5", "--threshold", "3"], "apply": ["-k", "1 2 3; 4 5 6; 7 8 9", "--normalize"],
}  # fmt: skip
OPTIONS = [
    ["--depth", "16"], ["--depth", "8"], ["--linear"], ["--linear", "--depth", "16"],
    ["--border", "wrap", "--stride", "2,3"], ["--border", "normalized", "--pad", "full"], ["--alpha", "keep"],
    ["--range", "abs", "--dilation", "2"], ["--threads", "1"], ["--verbose"],
]  # fmt: skip


@pytest.fixture
def both(succeeds, monkeypatch):
    """Runs a command twice, whole and in bands, and returns both files' bytes and what was said."""

    def call(name, *arguments, output):
        command = [arguments[0], name, output, *arguments[1:]]
        whole = succeeds(*command, notes=True)
        expected = Path(output).read_bytes()
        os.remove(output)
        with monkeypatch.context() as patch:
            patch.setattr(file_to_file, "WORTH_BANDS", 0)
            set_stripe_bytes(patch, 1)
            patch.setattr("imconv.files.png.still.BAND", 3000)
            patch.setattr(files, "read_pages", lambda *_, **__: pytest.fail("read as a whole"))
            bands = succeeds(*command, notes=True)
        return expected, Path(output).read_bytes(), whole.err, bands.err

    return call


def pixels(mode, dtype, shape=(150, 90)):
    channels = {"grey": 1, "grey+alpha": 2, "rgb": 3, "rgba": 4}[mode]
    levels = RANDOM.integers(0, 256, (*shape, channels))
    if dtype == "bool":
        found = levels > 100
    else:
        found = (levels / 255 if dtype == "float32" else levels * (257 if dtype == "uint16" else 1)).astype(dtype)
    return found[..., 0] if channels == 1 else found


def stored(folder, name, mode, dtype):
    metadata = Metadata(dpi=(300.0, 300.0))
    files.write(folder / f"in.{name}", Picture(pixels(mode, dtype), mode, metadata=metadata))
    return f"in.{name}"


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize(
    "name", [f.name for f in FORMATS.values() if hasattr(f.module("decoder"), "bytes_held") and streams.writer(f.name)]
)
def test_every_format_and_kind(both, folder, name, kind):
    form = FORMATS[name]
    if kind not in form.holds or (name, kind[1]) == ("NPY", "bool"):  # these are filtered as they are, as a whole
        pytest.skip("the format does not hold it")
    extension = form.extensions[0][1:]
    source = stored(folder, extension, *kind)
    to = "png" if kind[1] == "bool" else extension
    expected, found, said, told = both(source, "blur", "--sigma", "2", output=f"out.{to}")
    assert found == expected
    assert told == said


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("kind", [("rgb", "uint8"), ("rgba", "uint8"), ("grey", "uint16")], ids="-".join)
def test_every_filter(both, folder, name, kind):
    expected, found, _, _ = both(stored(folder, "png", *kind), name.split()[0], *FILTERS[name], output="out.png")
    assert found == expected


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_every_option(both, folder, options):
    for kind in (("rgba", "uint8"), ("grey", "uint16")):
        if "keep" in options and kind[0] == "grey":
            continue
        expected, found, said, told = both(
            stored(folder, "png", *kind), "blur", "--sigma", "3", *options, output="o.png"
        )
        assert found == expected
        assert told.split(" ms")[0].split(";")[0] == said.split(" ms")[0].split(";")[0]


def test_unlike_formats(both, folder):
    for name, output in (("tif", "out.png"), ("png", "out.tif"), ("ppm", "out.npy"), ("npy", "out.png")):
        expected, found, said, told = both(stored(folder, name, "rgb", "uint8"), "box", "--size", "3", output=output)
        assert found == expected
        assert told == said


def test_a_report_and_a_dry_run(imconv, folder, monkeypatch):
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    source = stored(folder, "png", "rgb", "uint8")
    result = imconv("blur", source, "out.png", "--sigma", "2", "--json")
    report = json.loads(result.out)
    assert (report["width"], report["height"], report["channels"], report["clipped"]) == (90, 150, 3, 0)
    result = imconv("blur", source, "dry.png", "--sigma", "2", "--dry-run", "--explain")
    assert "would write dry.png (PNG, 90 x 150 pixels)" in result.err
    assert "in bands of rows" in result.err
    assert not os.path.exists("dry.png")


def test_what_is_damaged_late_leaves_the_old_file(imconv, folder, monkeypatch):
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    source = stored(folder, "png", "rgb", "uint8")
    data = Path(source).read_bytes()
    (folder / "out.png").write_bytes(b"old")
    before = sorted(os.listdir())
    for cut in (len(data) - 14, len(data) - 13, len(data) // 2, 100):
        (folder / source).write_bytes(data[:cut])
        result = imconv("blur", source, "out.png", "--sigma", "2")
        assert result.code == 1
        assert result.err.startswith(f"imconv: {source}: damaged or truncated PNG file: ")
        assert (folder / "out.png").read_bytes() == b"old"
        assert sorted(os.listdir()) == before
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    (folder / source).write_bytes(flipped)
    assert imconv("blur", source, "out.png", "--sigma", "2").code == 1
    assert (folder / "out.png").read_bytes() == b"old"
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("output", ["out.png", "out.tif"])
def test_a_failure_at_every_write_leaves_the_old_file(imconv, folder, monkeypatch, output):
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    set_stripe_bytes(monkeypatch, 1)
    monkeypatch.setattr("imconv.files.png.effort.BAND", 3000)
    source = stored(folder, "png", "rgb", "uint8")
    before = sorted({*os.listdir(), output})
    write, failed = os.write, 0
    for allowed in itertools.count():
        Path(output).write_bytes(b"old")
        left = iter(range(allowed))

        def failing(descriptor, data, left=left):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", failing)
            result = imconv("blur", source, output, "--sigma", "2")
        assert sorted(os.listdir()) == before
        if result.code == 0:
            break
        failed += 1
        assert result.code == 1
        assert result.err.startswith(f"imconv: {output}: No space left on device")
        assert Path(output).read_bytes() == b"old"
    assert failed > 1
    assert files.read(output).width == 90


def test_output_over_the_input(both, succeeds, folder, monkeypatch):
    source = stored(folder, "png", "rgb", "uint8")
    expected, *_ = both(source, "blur", "--sigma", "2", output="out.png")
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    succeeds("blur", source, source, "--sigma", "2")
    assert (folder / source).read_bytes() == expected


def test_pictures_that_do_not_fit_into_memory(succeeds, refuses, folder):
    rows = np.zeros((2000, 1500, 3), np.uint8)
    rows[::7, ::3] = 200
    files.write(folder / "in.png", rows)
    succeeds("blur", "in.png", "whole.png", "--sigma", "2")
    succeeds("blur", "in.png", "bands.png", "--sigma", "2", "--max-memory", "28M")
    assert (folder / "whole.png").read_bytes() == (folder / "bands.png").read_bytes()
    refuses("--max-memory", "blur", "in.png", "never.png", "--sigma", "2", "--max-memory", "1M", code=1)
    assert not os.path.exists("never.png")
    stretched = ["blur", "in.png", "never.png", "--sigma", "2", "--range", "stretch", "--max-memory", "20M"]
    refuses("--max-memory", *stretched, code=1)
    assert not os.path.exists("never.png")


def test_interlaced_pictures_are_read_whole(succeeds, folder, monkeypatch):
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    picture = pixels("rgb", "uint8")
    files.write(folder / "plain.png", picture)
    pyvips = pytest.importorskip("pyvips")
    pyvips.Image.new_from_array(picture).pngsave("in.png", interlace=True)
    succeeds("box", "in.png", "out.png", "--size", "3")
    succeeds("box", "plain.png", "expected.png", "--size", "3")
    np.testing.assert_array_equal(np.asarray(Image.open("out.png")), np.asarray(Image.open("expected.png")))


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
def test_to_a_descriptor_that_appends(folder, succeeds, monkeypatch):
    files.write(folder / "in.png", pixels("rgb", "uint8"))
    succeeds("box", "in.png", "expected.png", "--size", "3")
    (folder / "log").write_bytes(b"before")
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    monkeypatch.setattr(files, "read_pages", lambda *_, **__: pytest.fail("read as a whole"))
    with open(folder / "log", "ab") as log:
        succeeds("box", "in.png", f"/dev/fd/{log.fileno()}", "--size", "3")
        log.write(b"after")
    assert (folder / "log").read_bytes() == b"before" + (folder / "expected.png").read_bytes() + b"after"


def test_killed_at_any_moment_the_old_file_or_the_new_one_is_there(folder):
    files.write(folder / "in.png", np.tile(pixels("rgb", "uint8"), (14, 22, 1)))
    command = [sys.executable, "-m", "imconv", "blur", "in.png", "out.png", "--sigma", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def stopped(size: float, by) -> tuple[bytes, int]:
        """Run it until so many bytes are written, and stop it by a signal: standard error, and the exit status."""
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        while process.poll() is None and not any(file.stat().st_size >= size for file in folder.glob(".out.png.*.tmp")):
            time.sleep(0.001)
        process.send_signal(by)
        return process.communicate()[1], process.returncode

    subprocess.run(command, check=True, env=environment)
    new = (folder / "out.png").read_bytes()
    for share in (0, 0.1, 0.4, 0.7, 1):
        (folder / "out.png").write_bytes(b"old")
        stopped(share * len(new), signal.SIGKILL)
        assert (folder / "out.png").read_bytes() in (b"old", new)
        for leftover in folder.glob(".out.png.*.tmp"):
            leftover.unlink()
    errors, status = stopped(0, signal.SIGINT)
    assert errors.count(b"Traceback") == 0
    assert status in (0, 130), errors


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs a child's peak memory")
def test_memory_is_what_was_said_and_far_less_than_the_picture(folder):
    rows = np.tile(pixels("grey", "uint8", (250, 400)), (20, 20))  # 40 MB
    files.write(folder / "in.png", rows)
    files.write(folder / "small.png", rows[:20, :20])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(*arguments):
        """Peak memory in bytes, and what was said."""
        command = [sys.executable, "-m", "imconv", *arguments, "out.png"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, said
        return usage.ru_maxrss * 1024, said

    alone, _ = run("blur", "--sigma", "2", "small.png")
    for command in (("blur", "--sigma", "2"), ("box", "--size", "101")):
        peak, said = run(*command, "--explain", "in.png")
        predicted = float(re.search(r"([\d.]+) MiB of memory for them", said)[1]) * 2**20
        assert peak - alone < 1.2 * predicted + 8e6
        assert peak - alone < 30e6


@pytest.mark.parametrize(
    "command",
    [["box", "--size", "3", *more] for more in ([], ["--region", "20x20+5+5"], ["--region", "20x20+5+5", "--crop"])]
    + [["pool", "--op", "max", "--size", "2"]],
)
@pytest.mark.parametrize("output", ["out.png", "out.tif"])
def test_a_thumbnail_of_the_picture_as_it_was_stays_behind(folder, both, command, output):
    secret = b"\xff\xd8 the face that is to be blurred"
    size = struct.pack("<HHHII", 1, 0xA002, 4, 1, 90) + bytes(4)
    entries = struct.pack("<HHI4sHHII", 271, 2, 4, b"Abc\0", 34665, 4, 1, 38 + len(secret))
    exif = b"II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 38) + secret + size
    files.write("in.png", Picture(pixels("rgb", "uint8")))
    content = Path("in.png").read_bytes()
    Path("in.png").write_bytes(content[:33] + chunk(b"eXIf", exif) + content[33:])
    whole, bands, told, told_in_bands = both("in.png", *command, output=output)
    assert whole == bands
    assert secret not in whole
    assert "thumbnail in the EXIF left out" in told
    assert told == told_in_bands
    written = files.read(output)
    assert struct.pack("<HHII", 0xA002, 4, 1, written.width) in written.metadata.exif


@pytest.mark.parametrize(
    ("name", "output", "dtype"),
    [*(("in.tif", f"out.{end}", "uint32") for end in ("tif", "npy", "npz")), ("in.npy", "out.tif", "uint32"),
     ("in.npy", "out.npy", "uint64")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_unsigned_samples_of_many_bits_stay_unsigned(folder, both, succeeds, name, output, dtype, channels):
    samples = RANDOM.integers(0, 2, (60, 50, channels)).astype(dtype) * (2**32 - 1)
    samples[..., 3:] = np.iinfo(dtype).max if dtype == "uint32" else 2**53
    if name.endswith(".tif"):
        tifffile.imwrite(name, samples.squeeze(), photometric="minisblack" if channels == 1 else "rgb")
    else:
        np.save(name, samples.squeeze())
    assert files.read(name).notes == ()
    np.testing.assert_array_equal(files.read(name).pixels, samples.squeeze())
    star = ["-k", "0 -1 0; -1 5 -1; 0 -1 0"]
    if output.endswith(".npz"):  # not written in bands
        succeeds("apply", name, output, *star, notes=True)
        again = files.read(output).pixels
    else:
        whole, bands, _, _ = both(name, "apply", *star, output=output)
        assert whole == bands
        again = files.read(output).pixels
    assert again.dtype == dtype
    colours = again.reshape(60, 50, channels)[..., :3].astype(float)
    assert (colours.min(), colours.max() >= 2**32 - 1) == (0, True)
    kernel = np.zeros((3, 3))
    kernel[[0, 1, 1, 1, 2], [1, 0, 1, 2, 1]] = -1, -1, 5, -1, -1
    inside = sum(kernel[y, x] * samples[y : y + 58, x : x + 48, :3].astype(float) for y in range(3) for x in range(3))
    np.testing.assert_array_equal(colours[1:-1, 1:-1], np.clip(inside, 0, None if dtype == "uint64" else 2**32 - 1))
