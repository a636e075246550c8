"""Every option that all filters share has its effect, and the figures that are told are right."""

import importlib
import io
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from imconv import box_blur, files

BOX = ("box", "rgb.png", "out.png", "--size", "3")


def test_explain_prints_the_plan(imconv, folder):
    result = imconv(*BOX, "--explain")
    assert (result.code, result.out) == (0, b"")
    assert (folder / "out.png").exists()
    for word in ("algorithm", "box", "exact", "multiply-adds", "memory", "border reflect"):
        assert word in result.err
    assert "stride 2,3" in imconv(*BOX, "--explain", "--stride", "2,3").err
    assert "dense" in imconv("apply", "rgb.png", "out.png", "-k", "1 2; 3 5", "--explain").err


def test_dry_run_writes_nothing(imconv, folder):
    before = sorted(folder.iterdir())
    result = imconv(*BOX, "--dry-run", "--stride", "3")
    assert (result.code, result.out) == (0, b"")
    assert result.err == "imconv: would write out.png (PNG, 10 x 8 pixels)\n"
    result = imconv("box", "rgb.png", "--size", "3", "--dry-run", "--format", "gif")
    assert (result.code, result.out, "GIF" in result.err) == (0, b"", True)
    assert sorted(folder.iterdir()) == before


def test_dry_run_tells_every_output(imconv, folder):
    before = sorted(folder.iterdir())
    result = imconv("apply", "rgb.png", "out.png", "-k", "1", "-k", "box-3", "--combine", "each", "--dry-run")
    assert [re.search(r"would write (\S+)", line)[1] for line in result.err.splitlines()] == [
        "out-1.png",
        "out-box-3.png",
    ]
    assert sorted(folder.iterdir()) == before


def told(text: str) -> tuple[int, int]:
    """The clipped samples and all samples that --verbose tells."""
    return tuple(map(int, re.search(r"(\d+) of (\d+) samples clipped", text).groups()))


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png"])
def test_verbose_counts_what_was_clipped(imconv, folder, load, name):
    pixels = load(name).astype(np.int64)
    top = 65535 if name == "grey16.png" else 255
    for kernel, results in (
        ("3", 3 * pixels),
        ("1", pixels),
        ("-1", -pixels),
    ):
        expected = int(np.count_nonzero((results < 0) | (results > top)))
        assert told(imconv("apply", name, "out.png", "-k", kernel, "-v").err) == (expected, pixels.size)
    offset = imconv("apply", name, "out.png", "-k", "2", "--offset", "-100", "-v").err
    results = 2 * pixels - 100
    assert told(offset)[0] == np.count_nonzero((results < 0) | (results > top))


def test_verbose_counts_for_every_number_of_threads_and_kernels(imconv, folder):
    noise = np.random.default_rng(2).integers(0, 256, (300, 200, 3), np.uint8)
    Image.fromarray(noise).save("noise.png")
    expected = int(np.count_nonzero(noise > 85))
    for threads in (1, 2, 7):
        assert told(imconv("apply", "noise.png", "out.png", "-k", "3", "-v", "--threads", threads).err)[0] == expected
    several = imconv("apply", "noise.png", "out.png", "-k", "3", "-k", "1", "--combine", "max", "-v").err
    assert told(several) == (expected, noise.size)


def test_verbose_tells_sizes_and_time(imconv, folder):
    line, *loops = imconv(*BOX, "--verbose", "--pad", "5,0").err.splitlines()
    assert line.startswith("imconv: 28 x 32 pixels, 3 channels of uint8; ")
    assert re.search(r"; \d+ ms$", line)
    assert any(re.fullmatch(r"imconv: loop box\.sum_box-u1-\S+: (shipped|kept|built|numba)", text) for text in loops)


def test_json_report(succeeds, folder, load):
    started = time.perf_counter()
    sobel = "1 0 -1; 2 0 -2; 1 0 -1"
    result = succeeds("apply", "rgb.png", "out.png", "-k", sobel, "--pad", "valid", "--json")
    report = json.loads(result.out)
    assert (report["input"], report["output"]) == ("rgb.png", "out.png")
    assert (report["width"], report["height"], report["channels"]) == (28, 22, 3)
    assert load("out.png").shape == (22, 28, 3)
    pixels = load("rgb.png").astype(int)
    across = pixels[:, 2:] - pixels[:, :-2]
    sums = across[:-2] + 2 * across[1:-1] + across[2:]
    assert report["clipped"] == np.count_nonzero((sums < 0) | (sums > 255))
    assert 0 < report["seconds"] < time.perf_counter() - started
    plan = report["plan"]
    assert plan["algorithm"] == "separable"
    assert plan["exact"] is True
    assert (plan["input"], plan["output"]) == ([24, 30, 3], [22, 28, 3])
    assert plan["types"][0] == plan["types"][2] == "uint8"
    assert plan["multiply_adds"] == 22 * 30 * 3 * 3 + 22 * 28 * 3 * 3


def test_json_with_a_dry_run(imconv, folder):
    """A script that asks for JSON gets JSON."""
    report = json.loads(imconv(*BOX, "--json", "--dry-run", "--pad", "valid").out)
    assert (report["width"], report["height"], report["output"]) == (28, 22, "out.png")
    assert not (folder / "out.png").exists()


def test_quiet(succeeds, folder):
    assert succeeds("box", "palette.gif", "out.png", "--size", "3", "--quiet").out == b""
    succeeds("box", "palette.gif", "out.png", "--size", "3", "-q", "-v")
    succeeds(*BOX, "-q", "--dry-run")


def test_no_clobber_writes_what_is_not_there(succeeds, imconv, folder, load):
    succeeds(*BOX, "--no-clobber")
    np.testing.assert_array_equal(load("out.png"), box_blur(load("rgb.png"), 3))
    assert imconv(*BOX, "--no-clobber").code == 1
    succeeds("box", "rgb.png", "--size", "3", "--no-clobber")


def prepare(folder) -> None:
    np.save(folder / "weights.npy", np.ones((2, 3, 3, 3), np.float32))
    files.write_pages(folder / "pages.tif", [files.read("rgb.png"), files.read("grey.png")])


WRITERS = [
    BOX,
    ("chain", "box --size 3 | sharpen", "rgb.png", "out.png"),
    ("box", "pages.tif", "out.tif", "--size", "3"),
    ("compare", "rgb.png", "rgb.png", "-o", "out.png"),
    ("layer", "rgb.png", "-w", "weights.npy", "--sheet", "out.png"),
    ("layer", "rgb.png", "-w", "weights.npy", "--maps", "out"),
]


@pytest.mark.parametrize(
    ("command", "moment"),
    [*itertools.product(WRITERS, ("files.check_target", "files.encoding.encode")),
     (BOX, "file_to_file.write_filtered")],
    ids=lambda words: "".join(words[:1]) if isinstance(words, tuple) else words,
)  # fmt: skip
def test_no_clobber_against_a_file_that_appears_meanwhile(imconv, folder, monkeypatch, command, moment):
    """After the look at the place, before the file is written or while it is: what appears stays."""
    if moment == "file_to_file.write_filtered":
        monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
    prepare(folder)
    out = folder / next((word for word in command if word.startswith("out.")), "out/map-000.png")
    module, name = f"imconv.{moment}".rsplit(".", 1)
    module = importlib.import_module(module)
    real = getattr(module, name)

    def appears(*args, **kwargs):
        found = real(*args, **kwargs)
        out.write_bytes(b"precious")
        return found

    monkeypatch.setattr(module, name, appears)
    result = imconv(*command, "--no-clobber")
    assert result.code == 1
    assert f"{out.relative_to(folder)}: exists already" in result.err
    assert out.read_bytes() == b"precious"
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.skipif(not hasattr(os, "link"), reason="no hard links here")
@pytest.mark.parametrize(
    "command", [*WRITERS, ("kernels", "convert", "sobel-x", "-o", "out.png", "--to", "csv"), "bands"]
)
def test_what_a_replaced_file_loses_is_told(succeeds, folder, monkeypatch, command):
    if command == "bands":
        monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
        command = BOX
    prepare(folder)
    out = folder / next((word for word in command if word.startswith("out.")), "out/map-000.png")
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(b"old")
    os.link(out, "other")
    assert "other names of the old file (hard links) still hold what it held\n" in succeeds(*command, notes=True).err
    assert (folder / "other").read_bytes() == b"old"


@pytest.mark.parametrize(("given", "environment", "expected"), [("3", None, 3), (None, "2", 2), ("1", "4", 1)])
def test_threads(succeeds, folder, monkeypatch, load, given, environment, expected):
    helpers = []

    def share(work, count):
        helpers.append(count)
        work()

    monkeypatch.setattr("imconv.engine.threads.share", share)
    if environment:
        monkeypatch.setenv("IMCONV_THREADS", environment)
    noise = np.random.default_rng(3).integers(0, 256, (400, 300, 3), np.uint8)
    Image.fromarray(noise).save("noise.png")
    option = ("--threads", given) if given else ()
    succeeds("box", "noise.png", "out.png", "--size", "5", *option)
    assert helpers == [expected - 1]  # the main thread works too
    np.testing.assert_array_equal(load("out.png"), box_blur(noise, 5, threads=1))


def test_limits_are_inclusive(succeeds, imconv, folder):
    succeeds(*BOX, "--max-pixels", "720")
    assert imconv(*BOX, "--max-pixels", "719").code == 1
    succeeds(*BOX, "--max-pixels", "0.72K")
    succeeds(*BOX, "--max-pixels", "1G", "--max-memory", "1.5 MiB")
    assert imconv(*BOX, "--max-memory", "5K").code == 1


def test_strip(succeeds, folder):
    text = PngInfo()
    text.add_text("Author", "somebody")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    with Image.open("rgb.png") as image:
        image.save("full.png", pnginfo=text, dpi=(300, 300), exif=exif)
    succeeds("box", "full.png", "kept.png", "--size", "3")
    succeeds("box", "full.png", "stripped.png", "--size", "3", "--strip")
    with Image.open("kept.png") as kept, Image.open("stripped.png") as stripped:
        kept.load()
        assert kept.info["Author"] == "somebody"
        assert round(kept.info["dpi"][0]) == 300
        assert kept.getexif()[0x010F] == "a camera"
        stripped.load()
        assert not set(stripped.info) & {"Author", "dpi", "exif", "icc_profile"}


@pytest.mark.parametrize("orientation", range(2, 9))
def test_auto_orient(succeeds, folder, load, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open("rgb.png") as image:
        image.save("turned.png", exif=exif)
    succeeds("box", "turned.png", "out.png", "--size", "1x3", "--auto-orient")
    with Image.open("turned.png") as image, Image.open("out.png") as out:
        upright = np.array(ImageOps.exif_transpose(image))
        assert out.getexif().get(0x0112, 1) == 1
    np.testing.assert_array_equal(load("out.png"), box_blur(upright, (1, 3)))
    succeeds("box", "turned.png", "out.png", "--size", "1x3")
    with Image.open("out.png") as out:
        assert out.getexif()[0x0112] == orientation
        np.testing.assert_array_equal(np.array(ImageOps.exif_transpose(out)), box_blur(upright, (1, 3)))


@pytest.mark.parametrize("quality", [1, 30, 100])
def test_quality(succeeds, folder, load, quality):
    succeeds("box", "rgb.png", "out.jpg", "--size", "3", "--quality", quality)
    again = io.BytesIO()
    Image.fromarray(box_blur(load("rgb.png"), 3)).save(again, "JPEG", quality=quality)
    with Image.open("out.jpg") as ours, Image.open(again) as theirs:
        assert ours.quantization == theirs.quantization
    np.testing.assert_array_equal(load("out.jpg"), load(again.getvalue()))


def test_quality_turns_webp_lossy(succeeds, folder, load):
    succeeds("box", "rgb.png", "exact.webp", "--size", "3")
    np.testing.assert_array_equal(load("exact.webp"), box_blur(load("rgb.png"), 3))
    succeeds("box", "rgb.png", "small.webp", "--size", "3", "--quality", 20)
    assert os.path.getsize("small.webp") < os.path.getsize("exact.webp")


def test_a_jpegs_own_quality_is_kept(succeeds, folder):
    succeeds("box", "rgb.jpg", "out.jpg", "--size", "3")
    with Image.open("rgb.jpg") as before, Image.open("out.jpg") as after:
        assert before.quantization == after.quantization


def test_compression(succeeds, folder, load):
    sizes = []
    for level in (0, 1, 9):
        succeeds(*BOX, "--compression", level)
        np.testing.assert_array_equal(load("out.png"), box_blur(load("rgb.png"), 3))
        sizes.append(os.path.getsize("out.png"))
    assert sizes[0] > 24 * 30 * 3  # stored
    assert sizes[0] > sizes[1] >= sizes[2]


def test_what_an_option_cannot_do_is_told(imconv, folder):
    result = imconv(*BOX, "--quality", "50")
    assert (result.code, "quality" in result.err) == (0, True)
    result = imconv("box", "rgb.png", "out.jpg", "--size", "3", "--compression", "5")
    assert (result.code, "compression" in result.err) == (0, True)


def run_outside(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "imconv", *arguments], env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_debug_shows_the_traceback(folder):
    with_it = run_outside("box", "missing.png", "out.png", "--size", "3", IMCONV_DEBUG="1")
    assert with_it.returncode != 0
    assert "Traceback" in with_it.stderr
    assert "FileError" in with_it.stderr
    without = run_outside("box", "missing.png", "out.png", "--size", "3", IMCONV_DEBUG="")
    assert without.returncode == 1
    assert "Traceback" not in without.stderr


def test_an_internal_error_is_one_line(imconv, folder, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr("imconv.engine.drive.compute", broken)
    result = imconv(*BOX)
    assert (result.code, result.out) == (1, b"")
    assert result.err.count("\n") == 1
    assert result.err.startswith("imconv: internal error: ")
    assert "IMCONV_DEBUG=1" in result.err
    assert not (folder / "out.png").exists()


def test_no_memory_is_one_line(imconv, folder, monkeypatch):
    def hungry(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("imconv.engine.drive.compute", hungry)
    result = imconv(*BOX)
    assert result.code == 1
    assert result.err.startswith("imconv: not enough memory")
    assert result.err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c(folder, threads, succeeds):
    """Ended soon, with 130 and without a file, however long the work would have taken (here: minutes)."""
    Image.fromarray(np.zeros((1000, 1000, 3), np.uint8)).save("large.png")
    np.save("kernel.npy", np.random.default_rng(4).random((40, 8000)))
    # the loop is there already: tests/jit/test_compiling.py interrupts its compilation
    succeeds("apply", "rgb.png", "out.png", "-k", "kernel.npy", "--dilation", "2")
    (folder / "out.png").write_bytes(b"precious")
    before = sorted(folder.iterdir())
    command = [
        "apply", "large.png", "out.png", "-k", "kernel.npy", "--dilation", "2", "--explain", f"--threads={threads}",
    ]  # fmt: skip
    spent_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    process = subprocess.Popen([sys.executable, "-m", "imconv", *command], stderr=subprocess.PIPE, text=True)
    while not process.stderr.readline().startswith("memory"):
        assert process.poll() is None
    time.sleep(0.3)  # it computes by then, and would for minutes
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent_before
    assert spent < 10  # processor seconds; all of the work takes several times as many
    assert err.strip() == "imconv: interrupted"
    assert sorted(folder.iterdir()) == before
    assert (folder / "out.png").read_bytes() == b"precious"


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.default_int_handler, signal.SIG_DFL])
def test_a_signal_is_ignored_where_it_was(imconv, folder, monkeypatch, number, before):
    """As scripts let their background jobs do; afterwards signals are handled as before."""
    code = 0 if before is signal.SIG_IGN else 128 + number
    from imconv.engine import threads

    real = threads.run_bands

    def interrupted(*args, **kwargs):
        os.kill(os.getpid(), number)
        return real(*args, **kwargs)

    monkeypatch.setattr(threads, "run_bands", interrupted)
    handler = signal.signal(number, before)
    try:
        assert imconv(*BOX).code == code
        assert signal.getsignal(number) is before
    finally:
        signal.signal(number, handler)
    assert (folder / "out.png").exists() == (code == 0)


def test_ctrl_c_in_process(imconv, folder, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("imconv.engine.drive.compute", interrupted)
    result = imconv(*BOX)
    assert (result.code, result.out, result.err.strip()) == (130, b"", "imconv: interrupted")
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize("error", [ImportError("numpy.core.multiarray failed to import"), OSError("cut off")])
def test_an_error_after_an_interrupt_is_the_interrupt(imconv, folder, monkeypatch, error):
    def interrupted(*args, **kwargs):
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException:
            raise error from None

    monkeypatch.setattr("imconv.engine.drive.compute", interrupted)
    result = imconv(*BOX)
    assert (result.code, result.out, result.err.strip()) == (130, b"", "imconv: interrupted")
    assert not (folder / "out.png").exists()
