"""--depth and --linear, as every filter command has them."""

import json
import re
import shlex

import numpy as np
import pytest
from PIL import Image

import imconv as library
from tests import profiles
from tests.executing import set_stripe_bytes

COMMANDS = {
    ("blur", "--sigma", "1.5"): lambda p, **o: library.gaussian_blur(p, 1.5, **o),
    ("box", "--size", "3"): lambda p, **o: library.box_blur(p, 3, **o),
    ("sharpen",): lambda p, **o: library.sharpen(p, **o),
    ("unsharp", "--sigma", "1", "--threshold", "2%"): lambda p, **o: library.unsharp_mask(p, 1, threshold="2%", **o),
    ("apply", "-k", "emboss", "--offset", "20"): lambda p, **o: library.convolve(
        p, library.Kernel.named("emboss").replace(offset=20), **o
    ),
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "grey16.png", "rgb16.png"])
@pytest.mark.parametrize(
    "more", [("--depth", "8"), ("--depth", "16"), ("--linear",), ("--linear", "--depth", "16")], ids=" ".join
)
def test_commands_do_what_functions_do(succeeds, folder, command, name, more):
    succeeds(command[0], name, "out.png", *command[1:], *more)
    options = {"linear": "--linear" in more, "depth": more[more.index("--depth") + 1] if "--depth" in more else "keep"}
    expected = COMMANDS[command](library.read(folder / name), **options)
    found = library.read(folder / "out.png")
    assert found.pixels.dtype == expected.pixels.dtype
    np.testing.assert_array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize("name", ["rgba.png", "rgb16.png", "grey.png"])
def test_pictures_in_bands_are_the_same(succeeds, folder, name, monkeypatch):
    for more in (("--linear",), ("--depth", "8"), ("--linear", "--depth", "16")):
        succeeds("unsharp", name, "whole.png", "--sigma", "2", "--threshold", "1%", *more)
        with monkeypatch.context() as patch:
            patch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
            set_stripe_bytes(patch, 500)
            patch.setattr("imconv.engine.sources.BAND_BYTES", 300)
            succeeds("unsharp", name, "bands.png", "--sigma", "2", "--threshold", "1%", *more)
        np.testing.assert_array_equal(library.read("bands.png").pixels, library.read("whole.png").pixels)


def test_the_depth_is_what_the_format_must_hold(imconv, succeeds, folder, load):
    refused = imconv("blur", "rgb16.png", "out.jpg", "--sigma", "1")
    assert (refused.code, "or convert with --depth 8" in refused.err) == (1, True)
    succeeds("blur", "rgb16.png", "out.jpg", "--sigma", "1", "--depth", "8")
    assert load("out.jpg").dtype == np.uint8
    succeeds("blur", "float.tif", "out.png", "--sigma", "1", "--depth", "16")
    expected = library.gaussian_blur(load("float.tif"), 1, depth=16)
    np.testing.assert_array_equal(load("out.png"), expected)
    refused = imconv("blur", "rgb.png", "out.png", "--sigma", "1", "--depth", "float", "--dry-run")
    assert (refused.code, "PNG cannot hold 32-bit float rgb pixels" in refused.err) == (1, True)
    refused = imconv("blur", "grey.png", "out.pfm", "--sigma", "1")
    assert "PFM cannot hold 8-bit grey pixels without loss; write PNG" in refused.err
    assert "or convert with --depth float" in refused.err
    succeeds("blur", "grey.png", "out.pfm", "--sigma", "1", "--depth", "float")
    assert library.read("out.pfm").pixels.max() <= 1


def test_several_kernels(succeeds, folder):
    """Their results are combined before they are rounded, in the result's units."""
    pixels = library.read("grey16.png").pixels.astype(float)
    x, y = (library.convolve(pixels, name) for name in ("sobel-x", "sobel-y"))
    for combine, exact in (("magnitude", np.hypot(x, y)), ("max", np.maximum(x, y)), ("sum", x + y)):
        args = ("apply", "grey16.png", "out.png", "-k", "sobel-x", "-k", "sobel-y", "--combine", combine)
        succeeds(*args, "--depth", "8")
        expected = np.clip(np.floor(exact / 257 + 0.5), 0, 255)
        assert np.abs(library.read("out.png").pixels - expected).max() <= (combine == "magnitude")
    args = ("apply", "grey.png", "out.png", "-k", "box-3", "-k", "identity", "--combine", "max", "--linear")
    succeeds(*args)
    grey = library.read("grey.png").pixels
    np.testing.assert_array_equal(
        library.read("out.png").pixels, np.maximum(library.convolve(grey, "box-3", linear=True), grey)
    )


def test_the_files_own_curve_counts(succeeds, folder, load):
    """An ICC profile in a JPEG-free way: PNG and TIFF carry it, and it goes on into the result."""
    profile = profiles.rgb(profiles.curv(256))  # gamma 1: light already
    with Image.open("rgb.png") as image:
        image.save("tagged.png", icc_profile=profile)
        image.save("tagged.tif", icc_profile=profile)
    for name in ("tagged.png", "tagged.tif"):
        succeeds("blur", name, "out.png", "--sigma", "2", "--linear")
        plain = library.gaussian_blur(load("rgb.png"), 2)
        assert np.abs(load("out.png").astype(int) - plain).max() <= 1
        assert (load("out.png") == plain).mean() > 0.999
        with Image.open("out.png") as image:
            assert image.info["icc_profile"] == profile


def test_what_linear_tells(imconv, folder):
    result = imconv("blur", "float.tif", "out.tif", "--sigma", "1", "--linear")
    assert result.err == "imconv: float.tif: float pixels are taken as linear light already\n"
    assert imconv("blur", "float.tif", "out.tif", "--sigma", "1", "--linear", "-q").err == ""
    explained = imconv("blur", "rgb.png", "out.png", "--sigma", "1", "--linear", "--explain", "--dry-run").err
    assert "light          sRGB, decoded before and encoded after" in explained
    assert "numbers        float32 -> float32 -> float32" in explained
    assert "depth          uint8 to uint16, times 257 in the weights" in imconv(
        "blur", "rgb.png", "out.png", "--sigma", "1", "--depth", "16", "--explain"
    ).err  # fmt: skip
    report = json.loads(
        imconv("apply", "rgb.png", "out.png", "-k", "sharpen", "--scale", "2", "--linear", "--json").out
    )
    assert report["clipped"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("cmyk.jpg", "out.tif", "--linear"), 1, "cmyk.jpg: CMYK has no linear light; convert the picture to RGB"),
     (("bad.png", "out.png", "--linear"), 1, "bad.png: its ICC profile maps colours by a table"),
     (("rgb.png", "out.png", "--depth", "12"), 2, "depth must be keep, 8, 16, float, not '12'"),
     (("none.png", "out.png", "--depth", "flaot"), 2, "did you mean 'float'?"),
     (("rgb.png", "out.png", "--linear", "--max-memory", "20k"), 1, "--max-memory")],
)  # fmt: skip
def test_mistakes(imconv, folder, arguments, code, words):
    with Image.open("rgb.png") as image:
        image.save("bad.png", icc_profile=profiles.profile({b"A2B0": b"mft2"}))
    result = imconv("box", *arguments, "--size", "3")
    assert (result.code, result.err.count("\n")) == (code, 1), result.err
    assert words in result.err
    assert not (folder / "out.png").exists()


def test_pages(succeeds, imconv, folder):
    frames = [Image.fromarray(np.full((4, 5), v, np.uint8)) for v in (0, 100, 255)]
    frames[0].save("pages.tif", save_all=True, append_images=frames[1:])
    succeeds("box", "pages.tif", "out.tif", "--size", "3", "--depth", "16")
    with Image.open("out.tif") as image:
        found = []
        for page in range(image.n_frames):
            image.seek(page)
            found.append(int(np.array(image).max()))
    assert found == [0, 25700, 65535]
    succeeds("box", "pages.tif", "out.tif", "--size", "3", "--linear")


# --- --dtype ---
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_a_type_keeps_the_values(succeeds, folder, command, dtype):
    for name in ("rgb.png", "grey16.png"):
        succeeds(command[0], name, "out.tif", *command[1:], "--dtype", dtype)
        found = library.read("out.tif").pixels
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, COMMANDS[command](library.read(name), dtype=dtype).pixels)


@pytest.mark.parametrize(
    "command",
    ["median --size 3", "edges", "gabor --wavelength 5", "bilateral --sigma 1 --sigma-range 8%", "guided --radius 2 --threshold 10%",
     "deviation --size 3", "contrast --sigma 2", "open --size 3", "pool --op avg --size 2", "motion --length 3", "disk --radius 2",
     "emboss", "rank --percentile 20 --size 3", "chain 'blur --sigma 1 | sharpen'", "edges --operator kirsch",
     "blur --sigma 2 --like opencv"],
)  # fmt: skip
def test_every_filter_has_types(succeeds, folder, monkeypatch, command):
    name, *options = shlex.split(command)
    steps = options[:1] if name == "chain" else []
    succeeds(name, *steps, "rgba.png", "out.tif", *options[len(steps) :], "--dtype", "float32")
    found = library.read("out.tif")
    assert found.pixels.dtype == "float32"
    assert found.pixels[..., 3].max() > 1  # alpha too
    with monkeypatch.context() as patch:
        patch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
        set_stripe_bytes(patch, 500)
        succeeds(name, *steps, "rgba.png", "bands.tif", *options[len(steps) :], "--dtype", "float32")
    np.testing.assert_array_equal(library.read("bands.tif").pixels, found.pixels)


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (("out.tif", "--dtype", "float32", "--depth", "8"), 2, "give one of the two"),
        (("out.tif", "--dtype", "float"), 2, "unknown --dtype 'float'; it is one of .*did you mean 'float"),
        (("out.tif", "--dtype", "int16"), 2, "unknown --dtype"),
        (("out.tif", "--dtype", "uint16", "--linear"), 2, "--linear goes with --depth, not with --dtype"),
        (("out.png", "--dtype", "float32"), 1, "PNG cannot hold 32-bit float rgb pixels without loss; write TIFF"),
        (("out.jpg", "--dtype", "uint16"), 1, "JPEG cannot hold 16-bit"),
    ],
)
def test_types_that_can_not_be(imconv, folder, more, status, words):
    result = imconv("blur", "rgb.png", *more, "--sigma", "1")
    assert result.code == status
    assert re.search(words, " ".join(result.err.split()))
    assert not (folder / more[0]).exists()


def test_a_type_belongs_to_the_chain(imconv, folder):
    result = imconv("chain", "blur --sigma 1 --dtype float32 | sharpen", "rgb.png", "out.tif")
    assert result.code == 2
    assert "--dtype belongs to the chain" in result.err
