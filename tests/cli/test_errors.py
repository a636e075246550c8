"""Every mistake a user can make: one line that says what is wrong, the right exit status, nothing changed on disk."""

import errno
import os

import numpy as np
import pytest
from PIL import Image

BLUR = ("blur", "rgb.png", "out.png", "--sigma", "2")
BOX = ("box", "rgb.png", "out.png", "--size", "3")
APPLY = ("apply", "rgb.png", "out.png")


@pytest.fixture
def fails(imconv, folder):
    """Run a command that has to fail: one line, no traceback, the folder as it was; returns the line."""

    def call(*args, code, stdin=b"", lines=1) -> str:
        out = folder / "out.png"
        if not out.exists():
            out.write_bytes(b"precious")
        before = contents(folder)
        result = imconv(*args, stdin=stdin)
        assert result.code in (code if isinstance(code, tuple) else (code,)), result.err
        assert result.out == b""
        assert contents(folder) == before
        assert "Traceback" not in result.err
        assert "internal error" not in result.err
        if lines == 1:
            assert result.err.startswith("imconv: "), result.err
            assert result.err.count("\n") == 1, result.err
            assert result.err.endswith("\n")
        return result.err

    return call


def contents(folder) -> dict:
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# --- names ---
@pytest.mark.parametrize(
    ("arguments", "wrong", "right"),
    [
        ((*BLUR, "--border", "mirorr"), "mirorr", "mirror"),
        ((*BLUR, "--border", "Reflct"), "Reflct", "reflect"),
        ((*BLUR, "--border", "opencv:replcate"), "replcate", "replicate"),
        ((*BLUR, "--border", "constnt:3"), "constnt", "constant"),
        ((*BLUR, "--range", "strech"), "strech", "stretch"),
        (("blur", "rgba.png", "out.png", "--sigma", "2", "--alpha", "wieght"), "wieght", "weight"),
        ((*APPLY, "-k", "identity", "--combine", "magnitud"), "magnitud", "magnitude"),
        ((*APPLY, "-k", "sobel-xx"), "sobel-xx", "sobel-x"),
        ((*APPLY, "-k", "gausian:0x2"), "gausian", "gaussian"),
        ((*BLUR, "--format", "jpge"), "jpge", "jpeg"),
        ((*BLUR, "--format", "pgn"), "pgn", "png"),
        (("blur", "rgb.png", "out.pngg", "--sigma", "2"), "pngg", ".png"),
        (("blur", "rbg.png", "out.png", "--sigma", "2"), "rbg.png", "rgb.png"),
    ],
)
def test_a_mistyped_name_is_told_with_the_nearest_right_one(fails, arguments, wrong, right):
    line = fails(*arguments, code=(1, 2))
    assert wrong in line
    assert f"did you mean '{right}'" in line.replace(right.upper(), right)


@pytest.mark.parametrize("option", ["--border", "--range", "--alpha", "--format"])
def test_a_name_like_no_other_is_told_with_the_choices(fails, option):
    line = fails("blur", "rgba.png", "out.png", "--sigma", "2", option, "xyzzy", code=2)
    assert "'xyzzy'" in line
    choice = {"--border": "nearest", "--range": "stretch", "--alpha": "separate", "--format": "webp"}[option]
    assert choice in line
    assert "did you mean" not in line


def test_unknown_commands_and_options(fails):
    for arguments, offered in (
        (("blr", "rgb.png", "out.png"), "blur"),
        (("Blur", "rgb.png", "out.png"), "blur"),
        ((*BLUR, "--bordr", "wrap"), "--border"),
        (("--verson",), "--version"),
    ):
        message = fails(*arguments, code=2, lines=None)
        assert offered in message
        assert "--help" in message
    assert "3 paths are for many pictures" in fails(
        "box", "rgb.png", "out.png", "c.png", "--size", "3", code=2, lines=None
    )


@pytest.mark.parametrize(
    ("arguments", "option"),
    [(("blur", "rgb.png", "out.png"), "--sigma"), (("box", "rgb.png", "out.png"), "--size"),
     (("unsharp", "rgb.png", "out.png"), "--sigma"), (("apply", "rgb.png", "out.png"), "--kernel"),
     (("blur", "rgb.png", "out.png", "--sigma"), "--sigma")],
)  # fmt: skip
def test_what_is_missing_is_named(fails, arguments, option):
    assert option in fails(*arguments, code=2, lines=None)


# --- numbers ---
COUNTS = ("0", "-1", "1.5", "x", "", "nan", "1,2,3", "1x2", "1e3", "99999999999999999999")
REALS = ("-1", "x", "", "nan", "inf", "1,2", "1e30")
BAD_NUMBERS = {
    "--sigma": (("blur", "rgb.png", "out.png"), ("x", "", "-1", "nan", "inf", "1e9", "1,2,3", "2;3", "%", "fwhm:x", "opencv-ksize:0", "3 px", "-5%")),
    "--truncate": (BLUR, REALS),
    "--size": (("box", "rgb.png", "out.png"), (*COUNTS[:7], "3x", "3x3x3", "x3", "8192")),
    "--amount": (("sharpen", "rgb.png", "out.png"), REALS),
    "--threshold": (("unsharp", "rgb.png", "out.png", "--sigma", "1"), REALS),
    "--stride": (BLUR, COUNTS),
    "--dilation": (BLUR, COUNTS),
    "--pad": (BLUR, ("-1", "1.5", "x", "", "1,2,3", "1,2,3,4,5", "sme", "99999999999")),
    "--threads": (BLUR, ("0", "-1", "1.5", "x", "", "1025")),
    "--max-pixels": (BLUR, ("0", "-1", "x", "", "1X")),
    "--max-memory": (BLUR, ("0", "-1", "x", "", "5%")),
    "--quality": (("blur", "rgb.png", "out.jpg", "--sigma", "2"), ("0", "101", "-1", "x", "", "90%", "9.5")),
    "--compression": (BLUR, ("10", "-1", "x", "", "1.5")),
    "--scale": ((*APPLY, "-k", "identity"), ("x", "", "1/0", "1e999", "nan", "inf")),
    "--offset": ((*APPLY, "-k", "identity"), ("x", "", "1/0", "1e999", "nan", "10%")),
    "--anchor": ((*APPLY, "-k", "box-3"), ("x", "", "-1", "1.5", "0,1,2", "3", "0,3")),
}  # fmt: skip


@pytest.mark.parametrize("option", BAD_NUMBERS)
def test_bad_numbers(fails, option):
    command, values = BAD_NUMBERS[option]
    for value in values:
        line = fails(*command, f"{option}={value}", code=(1, 2) if option == "--anchor" else 2)
        assert value.rpartition(":")[2].rstrip("%") in line, line


@pytest.mark.parametrize("option", ["--quality", "--compression", "--format"])
def test_a_bad_option_is_told_before_any_work(fails, monkeypatch, option):
    def work(*args, **kwargs):
        raise AssertionError("filtered in vain")

    monkeypatch.setattr("imconv.engine.drive.compute", work)
    fails(*BLUR, f"{option}=xyz", code=2)


@pytest.mark.parametrize("border", ["constant:x", "constant:1,2", "constant:1,2,3,4", "constant:inf", "constant:nan", "reflect:1"])  # fmt: skip
def test_bad_border_values(fails, border):
    fails(*BLUR, "--border", border, code=2)


def test_no_room_left_for_the_kernel(fails):
    line = fails("box", "rgb.png", "out.png", "--size", "25", "--pad", "valid", code=2)
    assert "24 rows" in line
    assert "25" in line
    fails("blur", "rgb.png", "out.png", "--sigma", "1", "--dilation", "4", "--pad", "valid", code=2)


def test_results_out_of_range_with_range_error(fails):
    line = fails(*APPLY, "-k", "9", "--range", "error", code=1)
    assert "0..255" in line


def test_threads_of_the_environment(fails, monkeypatch):
    monkeypatch.setenv("IMCONV_THREADS", "many")
    line = fails(*BLUR, code=2)
    assert "IMCONV_THREADS" in line
    assert "'many'" in line


# --- kernels ---
KERNEL_FILES = {
    "letters.txt": ("1 2 3\n4 x 6\n", "line 2, column 3", "'x'"),
    "ragged.txt": ("1 2 3\n# comment\n4 5\n", "line 3, column 4", "2 numbers"),
    "header.txt": ("nmae: mine\n1 2 1\n", "line 1, column 1", "name"),
    "late.txt": ("1 2 1\nscale: 2\n", "line 2, column 1", "scale"),
    "comma.csv": ("1,,3\n", "line 1, column 3", "','"),
    "divided.txt": ("1 1/0\n", "line 1, column 3", "1/0"),
    "empty.txt": ("", "line 1, column 1", "rows"),
    "comments.txt": ("# nothing\n\n", "line", "rows"),
    "huge.txt": ("1e999999999\n", "line 1, column 1", "exponent"),
    "nan.txt": ("nan -\n", "nan.txt", "cell"),
    "latin.txt": (b"1 \xe9 1\n", "line 1, column 3", "UTF-8"),
    "binary.txt": (b"\0\1\2\3", "binary.txt", "text"),
    "short.mat": ("3 2\n1 2 3\n", "line 2", "2"),
    "lies.npy": (b"\x93NUMPY\x01\0\x46\0", "lies.npy", ".npy"),
    "broken.png": (b"\x89PNG\r\n\x1a\n", "broken.png", "PNG"),
}


@pytest.mark.parametrize("name", KERNEL_FILES)
def test_kernel_files(fails, folder, name):
    content, where, what = KERNEL_FILES[name]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    line = fails(*APPLY, "--kernel", name, code=(1, 2))
    assert name in line
    assert where in line
    assert what in line


@pytest.mark.parametrize("kernel", ["1 2; 3", "0 -1 0; -1 x -1", "3x3: 1,2,3", "", ".", "-", "1 2;; 3 4", "sobel:17", "laplacian:4"])  # fmt: skip
def test_kernels_as_they_are_typed(fails, kernel):
    fails(*APPLY, "--kernel", kernel, code=(1, 2))


def test_a_kernel_file_that_is_not_there(fails, folder):
    (folder / "sharp.txt").write_text("1\n")
    line = fails(*APPLY, "--kernel", "shrap.txt", code=(1, 2))
    assert "shrap.txt: no such file" in line
    assert "did you mean 'sharp.txt'" in line
    (folder / "k.txt").mkdir()
    assert "folder" in fails(*APPLY, "--kernel", "k.txt", code=(1, 2))


def test_kernels_that_cannot_be_used(fails):
    assert "sum to 0" in fails(*APPLY, "-k", "sobel-x", "--normalize", code=(1, 2))
    assert "border" in fails(*APPLY, "-k", "sobel-x", "--border", "normalized", code=(1, 2))
    assert "OUTPUT" in fails("apply", "rgb.png", "-k", "1", "-k", "2", "--combine", "each", code=2)


# --- files ---
def test_inputs_that_are_no_pictures(fails, folder):
    (folder / "text.png").write_text("just words\n")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "rgb.png").read_bytes()[:600])
    (folder / "cut.jpg").write_bytes((folder / "rgb.jpg").read_bytes()[:600])
    (folder / "some.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "folder.png").mkdir()
    for name, word in (
        ("missing.png", "no such file"),
        ("nowhere/rgb.png", "nowhere"),
        ("text.png", "text"),
        ("empty.png", "empty"),
        ("cut.png", "truncated"),
        ("cut.jpg", "truncated"),
        ("some.pdf", "PDF"),
        ("folder.png", "folder"),
    ):
        line = fails("box", name, "out.png", "--size", "3", code=1)
        assert line.startswith(f"imconv: {name}: "), line
        assert word in line


def test_a_byte_changed_in_a_png(fails, folder):
    data = bytearray((folder / "rgb.png").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "flipped.png").write_bytes(data)
    assert "flipped.png" in fails("box", "flipped.png", "out.png", "--size", "3", code=1)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [("rgba.png", "out.jpg", ("alpha", "PNG")), ("rgba.png", "out.bmp", ("alpha", "PNG")),
     ("grey16.png", "out.jpg", ("16-bit", "PNG")), ("float.tif", "out.png", ("float", "TIFF")),
     ("cmyk.jpg", "out.png", ("cmyk", "TIFF")), ("rgb.png", "out.pgm", ("rgb", "PNG"))],
)  # fmt: skip
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_formats_that_would_lose_something(fails, source, target, words, dry):
    line = fails("box", source, target, "--size", "3", *dry, code=1)
    assert line.startswith(f"imconv: {target}: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "target", ["out", "out.", "out.xyz", "nowhere/out.png", "here.png", "folder", ".", "folder/", ""]
)
def test_outputs_that_cannot_be(fails, folder, target):
    (folder / "here.png").mkdir()
    (folder / "folder").mkdir()
    line = fails("box", "rgb.png", target, "--size", "3", code=(1, 2))
    if target in ("here.png", "folder", ".", "folder/"):
        assert "folder" in line


def test_an_empty_input_name_is_not_standard_input(fails, folder):
    """`imconv box "$unset" out.png` must not sit and wait, nor filter what happens to be there."""
    fails("box", "", "out.png", "--size", "3", stdin=(folder / "rgb.png").read_bytes(), code=(1, 2))


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(fails, folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    assert "closed/out.png" in fails("box", "rgb.png", "closed/out.png", "--size", "3", code=1)


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_file_system_that_refuses(fails, monkeypatch, number):
    def refuse(*args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        line = fails(*BOX, code=1)
    assert line.startswith("imconv: out.png: ")
    assert os.strerror(number) in line


def test_no_clobber(fails):
    assert "exists" in fails(*BOX, "--no-clobber", code=1)
    assert "exists" in fails(*BOX, "--no-clobber", "--dry-run", code=1)


def test_no_clobber_with_several_outputs_checks_all_before_any(fails, folder):
    (folder / "out-2.png").write_bytes(b"precious")
    fails(*APPLY, "-k", "1", "-k", "2", "--combine", "each", "--no-clobber", code=(1, 2))


def test_too_large(fails, folder):
    Image.fromarray(np.zeros((500, 500), np.uint8)).save("large.png")
    assert "--max-pixels" in fails("box", "large.png", "out.png", "--size", "3", "--max-pixels", "249999", code=1)
    assert "--max-memory" in fails("box", "large.png", "out.png", "--size", "3", "--max-memory", "100K", code=1)
    line = fails("box", "rgb.png", "out.png", "--size", "3", "--pad", "1000000", code=1)
    assert "--max-memory" in line


def test_several_kernels_stretched_need_memory(imconv, fails, folder):
    """The results of several kernels are combined in bands; to be stretched they are held as float64, eight times an 8-bit picture."""
    Image.fromarray(np.zeros((500, 500), np.uint8)).save("large.png")
    several = ("apply", "large.png", "out.png", "-k", "1", "-k", "2", "--combine", "max", "--max-memory", "2M")
    assert imconv(*several).code == 0
    (folder / "out.png").unlink()
    fails(*several, "--range", "stretch", code=1)


@pytest.mark.parametrize("command", [("blur", "--sigma", "2"), ("compare",), ("show",), ("layer", "-w", "sobel-x", "--sheet", "s.png"), ("trace", "--pixel", "3,3", "-k", "lecture"), ("chain", "box --size 3 | sharpen")], ids=lambda c: c[0])  # fmt: skip
def test_commands_take_the_option(command, imconv, folder):
    with open("rgb.jpg", "rb") as file, open("cut.jpg", "wb") as cut:
        data = file.read()
        cut.write(data[: len(data) * 19 // 20])
    places = {"blur": ("out.png",), "chain": ("out.png",), "compare": ("cut.jpg",)}
    name, *options = command
    given = (name, *options, "cut.jpg") if name == "chain" else (name, "cut.jpg")
    given = (*given, *places.get(name, ()), *([] if name == "chain" else options))
    assert imconv(*given).code == 1
    result = imconv(*given, "--truncated", "fill")
    assert (result.code, "rows are missing" in result.err) == (0, True)
    result = imconv(*given, "--truncated", "filled")
    assert (result.code, "did you mean" in result.err) == (2, True)
