"""`imconv kernels`: the list and what it shows are the library's own files."""

import json
import os
import re
import shlex
import sys

import numpy as np
import pytest

from imconv import Kernel, files
from imconv.cli.commands.kernel_report import inspected, text
from imconv.kernel.library import folder as library_folder
from imconv.kernel.library import formulas, names, rotations
from imconv.kernel.text import parse


def test_the_list_has_every_file_once(succeeds):
    files = sorted(name.removesuffix(".txt") for name in os.listdir(library_folder()) if name.endswith(".txt"))
    assert len(files) > 20
    lines = succeeds("kernels", "list").out.decode().splitlines()
    assert [line.split()[0] for line in lines if line.split()[0] in files] == files


def test_every_line_tells_size_and_purpose(succeeds):
    for line in succeeds("kernels", "list").out.decode().splitlines():
        name, rest = line.split(None, 1)
        if name in rotations():
            assert rest.split()[0] == "several"
            continue
        rows, times, columns, purpose = rest.split(None, 3)
        kernel = Kernel.named(name.partition(":")[0])
        assert (int(rows), times, int(columns)) == (kernel.shape[0], "x", kernel.shape[1])
        assert purpose.strip()


def test_words_narrow_the_list(succeeds):
    def listed(*words):
        return [line.split()[0] for line in succeeds("kernels", "list", *words).out.decode().splitlines()]

    assert {"sobel-x", "sobel-y"} <= set(listed("sobel"))
    assert listed("SOBEL") == listed("sobel")
    assert set(listed("sobel", "gradient")) == set(listed("sobel")) & set(listed("gradient"))
    assert set(listed("prewitt")) < set(listed())


def test_words_that_none_has(imconv):
    result = imconv("kernels", "list", "xyzzy")
    assert result.out == b""
    assert "xyzzy" in result.err
    assert result.err.count("\n") == 1


def test_json(succeeds):
    rows = json.loads(succeeds("kernels", "list", "--json").out)
    assert {row["name"] for row in rows} >= set(names())
    for row in rows:
        assert set(row) >= {"name", "size", "description"}
        assert row["description"]
    assert [row["name"] for row in json.loads(succeeds("kernels", "list", "sobel-x", "--json").out)] == ["sobel-x"]


@pytest.mark.parametrize("name", names())
def test_show_reads_back_to_the_same_kernel(succeeds, name):
    shown = succeeds("kernels", "show", name).out.decode()
    assert parse(shown) == Kernel.named(name)


@pytest.mark.parametrize("name", ["gaussian:0x2", "sobel:90", "disk:3", "laplacian:7", "Prewitt_Y"])
def test_show_takes_what_apply_takes(succeeds, name):
    np.testing.assert_array_equal(
        parse(succeeds("kernels", "show", name).out.decode()).weights, Kernel.named(name).weights
    )


def test_show_of_numbers_and_of_files(succeeds, folder):
    assert succeeds("kernels", "show", "0 -1 0; -1 5 -1; 0 -1 0").out == b" 0 -1  0\n-1  5 -1\n 0 -1  0\n"
    (folder / "k.txt").write_text("name: mine\n0.1,0.2\n1/3 2-1/9\n")
    assert succeeds("kernels", "show", "k.txt").out == b"name: mine\ndivisor: 90\n 9  18\n30 170\n"


def test_what_is_shown_can_be_applied(succeeds, folder, load):
    (folder / "k.txt").write_bytes(succeeds("kernels", "show", "emboss").out)
    succeeds("apply", "rgb.png", "one.png", "-k", "k.txt")
    succeeds("apply", "rgb.png", "two.png", "-k", "emboss")
    np.testing.assert_array_equal(load("one.png"), load("two.png"))


@pytest.mark.parametrize("name", ["sobl-x", "gausian", "Sobel_Z"])
def test_show_suggests_the_nearest_name(refuses, name):
    refuses("did you mean '", "kernels", "show", name, lines=1)


@pytest.mark.parametrize("arguments", [("lst",), ("show",), ("list", "--jsn"), ("show", "sobel-x", "sobel-y")])
def test_wrong_use(refuses, arguments):
    refuses("--help", "kernels", *arguments)


def test_without_a_command_it_tells_the_commands(imconv):
    result = imconv("kernels")
    text = result.err + result.out.decode()
    assert result.code == 2
    assert "list" in text
    assert "show" in text


def test_names_offered_for_a_mistyped_one_are_listed(succeeds, imconv):
    """What `did you mean` offers can be found where the same message sends the user."""
    listed = succeeds("kernels", "list").out.decode()
    for word in ("gausian", "sobl", "binomal", "dissk"):
        offered = re.search(r"did you mean '(.*?)'", imconv("kernels", "show", word).err)
        if offered:
            assert re.search(rf"^{re.escape(offered[1])}\b", listed, re.MULTILINE), offered[1]


def test_inspect(succeeds, folder):
    kernel = Kernel.named("sobel-x")
    assert succeeds("kernels", "inspect", "sobel-x").out.decode() == text(kernel) + "\n"
    told = json.loads(succeeds("kernels", "inspect", "sobel-x", "--depth", "16", "--size", "30x40", "--json").out)
    assert told == {**inspected(kernel, depth="16", size=(30, 40)), "notes": []}


@pytest.mark.parametrize(("to", "name"), [("json", "k.json"), ("npy", "k.npy"), ("libvips", "k.mat"), ("csv", "k.csv")])
def test_convert(succeeds, folder, to, name):
    (folder / "mine.txt").write_text("divisor: 7\n1 2 3\n4 5 6\n")
    succeeds("kernels", "convert", "mine.txt", "-o", name)
    assert succeeds("kernels", "convert", "mine.txt", "--to", to).out == (folder / name).read_bytes()
    assert Kernel.load(folder / name) == Kernel.load(folder / "mine.txt")


def test_convert_tells_what_is_left_out(imconv, folder):
    result = imconv("kernels", "convert", "sobel-x", "--to", "imagemagick")
    assert result.out == b"3x3+1+1: 1,0,-1  2,0,-2  1,0,-1\n"
    assert result.err == "imconv: a kernel's name and source have no place in imagemagick\n"
    assert imconv("kernels", "convert", "sobel-x", "--to", "imagemagick", "-q").err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("inspect", "sobl-x"), 2, "sobel-x"),
        (("inspect", "sobel-x", "--depth", "12"), 2, "depth"),
        (("inspect", "sobel-x", "--size", "12"), 2, "size"),
        (("convert", "sobel-x", "--to", "jsn"), 2, "'json'"),
        (("convert", "sobel-x", "-o", "k.xyz"), 2, "--to"),
        (("convert", "offset: 3\n1 2", "--to", "csv"), 1, "text and json"),
        (("convert", "sobel-x", "-o", "rgb.json", "--no-clobber"), 1, "rgb.json"),
        (("plot", "sobel-x", "-o", "k.txt"), 2, ".svg"),
        (("plot", "nope.txt", "-o", "k.png"), 1, "nope.txt"),
    ],
)
def test_mistakes_at_the_workbench(imconv, folder, arguments, code, words):
    (folder / "rgb.json").write_text("mine")
    result = imconv("kernels", *arguments)
    assert (result.code, result.out) == (code, b"")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert (folder / "rgb.json").read_text() == "mine"


@pytest.mark.parametrize("kernel", ["sobel-x", "gaussian:0x3", "identity", "1 - 2; 3 4 5", "0 0 0"])
def test_plot(succeeds, folder, load, kernel):
    pytest.importorskip("matplotlib")
    succeeds("kernels", "plot", kernel, "-o", "k.png")
    pixels = load("k.png")
    assert pixels.shape[:2] == (552, 1320)
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_plot_without_matplotlib(imconv, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = imconv("kernels", "plot", "sobel-x", "-o", "k.png")
    assert result.code == 1
    assert result.err == "imconv: plotting needs matplotlib; install it with pip install 'imconv[plot]'\n"
    assert not (folder / "k.png").exists()


ARGUMENTS = {"RADIUSxSIGMA1,SIGMA2": "0x1,1.6", "RADIUSxSIGMA,ANGLE": "0x1,90", "RADIUSxSIGMA": "0x1"}  # fmt: skip
ARGUMENTS |= {"TYPE,ANGLE": "2,45", "RADIUS": "2", "ANGLE": "45", "RADIUS,SCALE": "2.5,1/2", "SCALE": "3"}
ARGUMENTS |= {"WxH+X+Y": "4x3+3+0", "RADIUS1,RADIUS2,SCALE": "1.5,2.5,2"}


@pytest.mark.parametrize("form", formulas())
def test_every_advertised_form_goes_into_every_command(imconv, tmp_path, form):
    base, _, arguments = form.partition(":")
    name, astronaut = f"{base}:{ARGUMENTS[arguments]}", os.path.join(library_folder("examples"), "astronaut.png")
    for command in (
        ("apply", astronaut, tmp_path / "out.png", "--kernel", name, "--region", "40x30+5+5"),
        ("kernels", "show", name),
        ("kernels", "inspect", name),
        ("kernels", "convert", name, "--to", "json"),
        ("trace", astronaut, "--pixel", "20,30", "--kernel", name),
        ("chain", f"apply --kernel {name}", astronaut, tmp_path / "chain.png"),
    ):
        result = imconv(*command)
        assert result.code == 0, result.err


@pytest.fixture
def small(tmp_path):
    """A picture without metadata, on which no command has a remark."""
    files.write(tmp_path / "small.png", np.random.default_rng(1).integers(0, 256, (40, 50), np.uint8))
    return tmp_path / "small.png"


@pytest.mark.parametrize("form", [form.replace("KERNEL", kernel) for form in rotations() for kernel in ("sobel:", "kirsch-n")] + ["3x3@: 1,2,4 8,16,32 64,128,256", "freichen:10"])  # fmt: skip
def test_rotations_are_combined_or_refused(imconv, small, tmp_path, form):
    out = tmp_path / "out.png"
    for command in (
        ("apply", small, out, "--kernel", form, "--combine", "max", "--region", "40x30+5+5"),
        ("chain", f"apply --kernel {shlex.quote(form)} --combine magnitude | box --size 3", small, out),
        ("trace", small, "--pixel", "20,30", "--filter", f"apply --kernel {shlex.quote(form)} --combine max"),
        ("layer", small, "-w", form, "--sheet", out),
    ):
        result = imconv(*command)
        assert (result.code, result.err) == (0, ""), result.err
    for command in (
        ("kernels", "show", form),
        ("kernels", "inspect", form),
        ("kernels", "convert", form),
        ("trace", small, "--pixel", "20,30", "--kernel", form),
        ("median", small, out, "--shape", form),
    ):
        result = imconv(*command)
        assert (result.code, result.out) == (1, b"")
        assert result.err.count("\n") == 1
        assert (
            "kernels, and one is needed here; name one of them, or combine them with imconv apply --combine"
            in result.err
        )


def test_each_rotation_into_a_file_of_its_own(succeeds, small, tmp_path):
    succeeds("apply", small, tmp_path / "o.png", "-k", "sobel:>", "--combine", "each", "--region", "9x9+5+5", "--crop")
    names = ["o-sobel.png", "o-sobel_180.png", "o-sobel_270.png", "o-sobel_90.png"]
    assert sorted(set(os.listdir(tmp_path)) - {"small.png"}) == names


@pytest.mark.parametrize("text", ["0,-1,0,-1,5,-1,0,-1,0", "0 -1 0 -1 5 -1 0 -1 0"])
def test_a_square_of_imagemagick_in_one_row_is_told_once(imconv, small, tmp_path, text):
    out = tmp_path / "out.png"
    note = (
        "imconv: kernel: 9 numbers in one row are a row here, and a square of 3 x 3 in ImageMagick: "
        "write '3x3: 0,-1,0,...' for the square, '9x1: 0,-1,0,...' for the row\n"
    )
    for command in (
        ("apply", small, out, "--kernel", text),
        ("chain", f"apply --kernel '{text}' | box --size 3", small, out),
        ("trace", small, "--pixel", "20,30", "--kernel", text),
        ("median", small, out, "--shape", text),
        ("tophat", small, out, "--shape", text),
        ("layer", small, "-w", text, "--sheet", out),
        ("kernels", "convert", text),
    ):
        result = imconv(*command)
        assert (result.code, result.err) == (0, note)
        assert imconv(*command, "-q").err == ""
    for command in (("show",), ("inspect",)):
        assert imconv("kernels", *command, text).err == note
    assert imconv("kernels", "show", f"9x1: {text}").err == imconv("kernels", "show", f"3x3: {text}").err == ""
    (tmp_path / "k.txt").write_text(text)
    found = imconv("kernels", "show", tmp_path / "k.txt").err
    assert found == (note.replace("kernel:", f"{tmp_path / 'k.txt'}:") if "," in text else "")
