"""Usage errors: one line with what to write, and a second one to the help; messages of the library in the command's words."""

import os
import shlex

import click
import numpy as np
import pytest

import imconv as library
from imconv.cli import COMMANDS, cli, synonyms
from imconv.cli.wording import as_options
from imconv.errors import ImconvWarning, nearest
from tests.test_help import ALL, LEAVES

BLUR = ("blur", "rgb.png", "out.png")


@pytest.mark.parametrize(
    ("line", "message", "path"),
    [
        ("blur rgb.png out.png", "blur needs --sigma S, as in: imconv blur in.png out.png --sigma 2", "blur"),
        ("blur rgb.png out.png --sigma", "--sigma needs a value: --sigma S", "blur"),
        ("blur rgb.png out.png --sgima 2", "blur has no option --sgima; did you mean '--sigma'?", "blur"),
        ("blur rgb.png out.png --xyzzy 2", "blur has no option --xyzzy", "blur"),
        ("compare rgb.png", "compare needs B, as in: imconv compare in.png photo.png", "compare"),
        ("compare a b c", "got unexpected extra argument (c); compare takes A B", "compare"),
        ("kernels shwo", "no command 'shwo'; did you mean 'show'?", "kernels"),
        ("net summry", "no command 'summry'; did you mean 'summary'?", "net"),
        ("net run", "net run needs NETWORK, as in: imconv net run mobilenet-v3-small in.jpg -w w.safetensors --labels names.txt", "net run"),
        ("kernels xyzzy", "no command 'xyzzy'; they are convert, inspect, list, plot, show", "kernels"),
        ("rgb.png", "rgb.png: a command comes before files, as in imconv blur rgb.png OUTPUT --sigma 2", ""),
        ("nope.png out.png", "nope.png: a command comes before files, as in imconv blur nope.png OUTPUT --sigma 2", ""),
        ("kernels k.txt", "k.txt: a command comes before files: convert, inspect, list, plot, show", "kernels"),
        ("--verson", "imconv has no option --verson; did you mean '--version'?", ""),
        ("kernel show sobel-x", "no command 'kernel'; write: imconv kernels show sobel-x", ""),
    ],
)  # fmt: skip
def test_usage_errors_are_a_line_and_a_hint(imconv, folder, line, message, path):
    result = imconv(*line.split())
    assert (result.code, result.out) == (2, b"")
    assert result.err == f"imconv: {message}\nTry '{' '.join(['imconv', *path.split()])} --help'\n"


@pytest.mark.parametrize("name", [name for name in LEAVES if any(each.required for each in ALL[name].params)])
def test_what_is_missing_is_shown_by_an_example(imconv, folder, name):
    """One that the command understands: what is missing is in it."""
    result = imconv(*name.split())
    first, hint = result.err.splitlines()
    assert (result.code, hint) == (2, f"Try 'imconv {name} --help'")
    needed, _, example = first.removeprefix(f"imconv: {name} needs ").partition(", as in: imconv ")
    words = shlex.split(example)[len(name.split()) :]
    assert ALL[name].make_context(name, list(words), resilient_parsing=True).params
    missing = [each for each in ALL[name].params if needed.split()[0] in each.opts]
    assert all({*each.opts} & {*words} for each in missing)


def test_a_guess_is_one_or_two_letters_away():
    for word in ("erode", "photo.png", "resize", "help", "helo", "thumbnail", "xyzzy", "st", "eg"):
        assert nearest(word, COMMANDS) == ""
    for word in ("blurr", "bulr", "lbur", "lur", "Blur"):
        assert nearest(word, COMMANDS) == "; did you mean 'blur'?"
    assert nearest("bilatreall", COMMANDS) == "; did you mean 'bilateral'?"
    assert nearest("mat", ["max", "flat"]) == "; did you mean 'max'?"


# --- other tools' words ---
@pytest.mark.parametrize("word", sorted(synonyms.COMMANDS))
def test_another_tools_command_is_answered_with_one_of_these(word):
    if word in COMMANDS:
        pytest.skip("it has a command of its own")
    name, *options = synonyms.COMMANDS[word].split()
    assert name in COMMANDS
    if not isinstance(ALL[name], click.Group):
        ALL[name].make_context(name, list(options), resilient_parsing=True)
        assert {*options[::2]} <= {option for each in ALL[name].params for option in each.opts}
    assert synonyms.command_for([word.upper(), "a b.png"]) == f"write: imconv {synonyms.COMMANDS[word]} 'a b.png'"


@pytest.mark.parametrize("word", sorted(synonyms.NEAREST))
def test_the_nearest_thing_that_works_works(imconv, succeeds, folder, word):
    if word in COMMANDS:
        pytest.skip("it has a command of its own")
    result = imconv(word, "rgb.png", "out.png")
    assert (result.code, result.err.count("\n")) == (2, 2)
    told = result.err.splitlines()[0].partition("; imconv ")[2].replace("INPUT", "rgb.png").replace("OUTPUT", "out.png")
    words = told.split()
    last = max(i for i, each in enumerate(words) if each.startswith("--")) + 2
    succeeds(*words[:last])
    assert (folder / "out.png").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("blur rgb.png out.png -s 2", "blur has no option -s; write --sigma 2"),
        ("blur rgb.png out.png -s2", "blur has no option -s; write --sigma 2"),
        ("box rgb.png out.png -s 5", "box has no option -s; write --size 5"),
        ("blur rgb.png out.png --radius 2", "blur has no option --radius; write --sigma 2"),
        ("box rgb.png out.png -r 2", "box has no option -r; write --size 5"),
        ("median rgb.png out.png --radius=3", "median has no option --radius; write --size 7"),
        ("disk rgb.png out.png -r 2", "disk has no option -r; write --radius 2"),
        ("box rgb.png --size 3 -o out.png", "box has no option -o; it takes OUTPUT as a word of its own, without an option"),
        ("rgb.png -blur 0x2 out.png", "-blur is ImageMagick's; write: imconv blur rgb.png out.png --sigma 2"),
        ("blur rgb.png -blur 0x2 out.png", "-blur is ImageMagick's; write: imconv blur rgb.png out.png --sigma 2"),
        ("convert rgb.png -gaussian-blur 3x1.5 out.png", "-gaussian-blur is ImageMagick's; write: imconv blur rgb.png out.png --sigma 1.5"),
        ("rgb.png -median 2 out.png", "-median is ImageMagick's; write: imconv median rgb.png out.png --size 5"),
        ("erode rgb.png out.png --size 3", "no command 'erode'; write: imconv min rgb.png out.png --size 3"),
        ("laplace rgb.png out.png", "no command 'laplace'; write: imconv edges --operator laplacian rgb.png out.png"),
    ],
)  # fmt: skip
def test_what_is_told_to_be_written(imconv, succeeds, folder, typed, told):
    result = imconv(*typed.split())
    assert (result.code, result.err.splitlines()[0]) == (2, f"imconv: {told}")
    if "write: imconv" in told:
        succeeds(*told.partition("write: imconv ")[2].split())
        assert (folder / "out.png").exists()


@pytest.mark.parametrize(
    ("sigma", "told"),
    [("0x8", "ImageMagick's 0x8 is 8 here"), ("2px", "write 2, its unit is the pixel"),
     ("2 pixels", "write 2, its unit is the pixel"), ("two", "write 2, or 2,3 (rows,columns), 3% of the width, fwhm:7")],
)  # fmt: skip
def test_other_ways_to_write_a_sigma(refuses, folder, sigma, told):
    words = f"--sigma must be a number from 0 to 10000, not '{sigma}'; {told}"
    refuses(words, *BLUR, "--sigma", sigma, lines=1)
    refuses(f"step 2, blur: {words}", "chain", f"edges | blur --sigma '{sigma}'", *BLUR[1:], lines=1)


@pytest.mark.parametrize("name", [*LEAVES, "net"])
def test_help_for_a_command(capsys, name):
    from imconv.cli import run

    assert run(["help", *name.split()]) == 0
    shown = capsys.readouterr().out
    assert run([*name.split(), "--help"]) == 0
    assert capsys.readouterr().out == shown
    assert f"Usage: imconv {name}" in shown


def test_help_for_all_and_for_none(imconv):
    assert imconv("help").out == imconv("--help").out
    assert "no command 'blru'; did you mean 'blur'?" in imconv("help", "blru").err


# --- messages of the library ---
@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("leave out pad= or range=", "leave out --pad or --range"),
        ("nan='ignore' needs border='normalized'", "--nan ignore needs --border normalized"),
        ("linear=True decodes; nodata=-9999 or nodata=nan", "--linear decodes; --nodata -9999 or --nodata nan"),
        ("the limit with max_memory=, or", "the limit with --max-memory, or"),
        ("pad='1 2' is odd", "--pad '1 2' is odd"),
        ("sigma must be a number", "--sigma must be a number"),
        ("pad=2.png: no such file", "pad=2.png: no such file"),  # a word of the command line
        ("no such file; did you mean 'pad=3.png'?", "no such file; did you mean 'pad=3.png'?"),
        ("it can't; give pad=, don't give it", "it can't; give --pad, don't give it"),
        ("out= and white= are no options", "out= and white= are no options"),
        ("--set sigma=3 is as it was", "--set sigma=3 is as it was"),
    ],
)
def test_parameters_are_options_in_messages(message, told):
    command = cli.get_command(click.Context(cli), "blur" if "--set" not in message else "chain")
    assert as_options(message, [command], ["pad=2.png", "x.png"]) == told


def test_the_same_mistake_in_python_and_in_the_shell(refuses, folder):
    picture = library.read("rgb.png")
    for option, words, keywords in (
        ("--nan ignore needs --border normalized", ("--nan", "ignore"), {"nan": "ignore"}),
        ("--region can't be combined with --pad valid: the result would have another size", ("--region", "5x5+0+0", "--pad", "valid"), {"region": "5x5+0+0", "pad": "valid"}),
        ("--region must be WxH+X+Y (width first, then left and upper edge)", ("--region", "5,5"), {"region": "5,5"}),
        ("--stride must be one whole number from 1 to 1048576, or two (rows,columns), not '0'", ("--stride", "0"), {"stride": "0"}),
    ):  # fmt: skip
        refuses(option, *BLUR, "--sigma", "2", *words, lines=1)
        with pytest.raises(library.ImconvError) as raised:
            library.gaussian_blur(picture, 2, **keywords)
        assert "--" not in str(raised.value)
    with pytest.raises(library.ImconvError, match=r"raise the limit with max_pixels="):
        library.read("rgb.png", max_pixels=9)
    refuses("raise the limit with --max-pixels", *BLUR, "--sigma", "2", "--max-pixels", "9", code=1, lines=1)
    with pytest.raises(library.ImconvError, match=r"convert with depth='8'"):
        library.write("x.jpg", np.zeros((9, 9), np.uint16))
    refuses("or convert with --depth 8", "blur", "grey16.png", "x.jpg", "--sigma", "2", code=1, lines=1)


# --- warnings ---
NAN = {
    ("box", "nan.tif", "out.png", "--size", "3", "--depth", "8"): "nan.tif: 16 results were NaN and became 0",
    ("show", "nan.tif", "--width", "9"): "nan.tif: 4 results were NaN and became 0",
    ("show", "nan.tif", "--width", "9", "--protocol", "sixel"): "nan.tif: 4 results were NaN and became 0",
}


@pytest.mark.parametrize("command", NAN, ids=" ".join)
def test_warnings_are_notes(imconv, folder, command):
    pixels = np.zeros((9, 9), np.float32)
    pixels[3:5, 3:5] = np.nan
    library.write("nan.tif", pixels)
    for _ in range(2):  # not only the first time, as warnings are
        result = imconv(*command)
        assert (result.code, result.err) == (0, f"imconv: {NAN[command]}\n")
    assert imconv(*command, "-q").err == ""
    with pytest.warns(ImconvWarning, match="results were NaN"):
        library.box_blur(pixels, 3, depth=8)


def test_any_other_warning_is_a_line_too(imconv, folder, monkeypatch):
    import warnings

    def warned(*args, **kwargs):
        warnings.warn("something\nis odd", RuntimeWarning, stacklevel=2)
        return original(*args, **kwargs)

    from imconv.engine import threads

    original = threads.run_bands
    monkeypatch.setattr(threads, "run_bands", warned)
    assert imconv("box", "rgb.png", "out.png", "--size", "3").err == "imconv: rgb.png: something is odd\n"
    assert os.path.exists("out.png")
