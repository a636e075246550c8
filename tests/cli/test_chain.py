"""`imconv chain`: steps as commands, options that are theirs and the chain's, files of steps, pages, bands."""

import json

import numpy as np
import pytest

from imconv import edges, file_to_file, gaussian_blur, read, sharpen, write


def test_one_step_is_the_command_itself(succeeds, folder):
    for step in ("blur --sigma 2", "edges --show x", "edges --show direction", "unsharp --sigma 1 --threshold 4",
                 "apply -k sobel-x --offset 128", "box --size 3 --stride 2 --border wrap"):  # fmt: skip
        name, *options = step.split()
        for source in ("rgb.png", "rgba.png", "grey16.png"):
            succeeds(name, source, "one.png", *options, notes=True)
            succeeds("chain", step, source, "chain.png", notes=True)
            np.testing.assert_array_equal(read("chain.png").pixels, read("one.png").pixels)


@pytest.mark.parametrize("banded", [False, True])
@pytest.mark.parametrize("source", ["rgb.png", "rgba.png", "float.tif"])
def test_steps_in_floats(succeeds, folder, monkeypatch, banded, source):
    if banded:
        monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    out = "out" + source[-4:]
    succeeds("chain", "blur --sigma 1.5 | sharpen --amount 2 | edges --gain 2", source, out)
    wide = read(source)
    wide = wide.replace(pixels=wide.pixels.astype(np.float64))
    expected = edges(sharpen(gaussian_blur(wide, 1.5), 2), gain=2).pixels
    found = read(out).pixels
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    else:
        assert np.abs(found - np.clip(expected, 0, 255)).max() < 0.53


def test_border_and_alpha_are_the_chains_unless_a_step_has_its_own(succeeds, folder):
    succeeds("chain", "blur --sigma 2 | box --size 5", "rgba.png", "a.png", "--border", "wrap", "--alpha", "separate")
    succeeds("chain", "blur --sigma 2 --border wrap --alpha separate | box --size 5 --border wrap --alpha separate",
             "rgba.png", "b.png", "--border", "nearest")  # fmt: skip
    np.testing.assert_array_equal(read("a.png").pixels, read("b.png").pixels)


def test_file_of_steps(succeeds, folder):
    (folder / "look.txt").write_text("# a look\nsigma = 1\nblur --sigma $sigma\nedges --gain 2\n")
    succeeds("chain", "look.txt", "rgb.png", "a.png", "--set", "sigma=3")
    succeeds("chain", "blur --sigma 3 | edges --gain 2", "rgb.png", "b.png")
    np.testing.assert_array_equal(read("a.png").pixels, read("b.png").pixels)


def test_parts_of_the_picture(succeeds, folder):
    """A step's region is its own, the chain's is that of all."""
    source = read("rgb.png")
    succeeds("chain", "blur --sigma 2 --region 10x8+3+4", "rgb.png", "a.png")
    expected = gaussian_blur(source, 2, region="10x8+3+4").pixels
    np.testing.assert_array_equal(read("a.png").pixels, expected)
    succeeds("chain", "blur --sigma 2 | sharpen", "rgb.png", "whole.png")
    succeeds("chain", "blur --sigma 2 | sharpen", "rgb.png", "a.png", "--region", "10x8+3+4", "--crop")
    np.testing.assert_array_equal(read("a.png").pixels, read("whole.png").pixels[4:12, 3:13])


def test_depth_range_and_linear_are_the_chains(succeeds, folder):
    succeeds("chain", "blur --sigma 1 | edges --show x", "grey.png", "a.png", "--range", "abs", "--depth", "16")
    assert read("a.png").pixels.dtype == np.uint16
    succeeds("chain", "blur --sigma 1", "rgb.png", "a.png", "--linear")
    np.testing.assert_array_equal(read("a.png").pixels, gaussian_blur(read("rgb.png"), 1, linear=True).pixels)


def test_pages_and_json(succeeds, folder):
    told = json.loads(succeeds("chain", "blur --sigma 2 | blur --sigma 3 | edges", "rgb.png", "out.png", "--json").out)
    assert (told["plan"]["fused"], len(told["plan"]["filters"])) == ([1], 2)
    write("two.tif", np.zeros((9, 9), np.uint8))
    said = succeeds("chain", "blur --sigma 2 | edges", "two.tif", "out.tif", "--dry-run", notes=True).err
    assert "would write out.tif" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("blurr --sigma 2",), "blurr: no such filter; did you mean 'blur'?"),
        (("info",), "info: no filter"),
        (("chain edges",), "chain: no filter"),
        (("blur",), "step 1, blur: it needs --sigma S"),
        (("edges | blur --sgma 2",), "step 2, blur: it has no option --sgma; did you mean '--sigma'?"),
        (("blur --sigma x",), "sigma must be a number"),
        (("blur --sigma 2 --depth 16",), "--depth belongs to the chain"),
        (("blur --sigma 2 a.png",), "a step names no files"),
        (("blur --sigma 2 --range stretch | edges",), "range stretch belongs to the chain"),
        (("apply -k sobel-x -k sobel-y --combine each",), "--combine each writes several files"),
        (("",), "at least one step"),
        (("blur --sigma 2", "--stride", "2"), "stride belongs to a step"),
        (("blur --sigma 1 | edges --show direction", "--linear"), "a direction is no light; leave out --linear"),
        (("blur --sigma $s",), "$s has no value"),
        (("blur --sigma 2", "--set", "s=2"), "no $s in this chain"),
    ],
)
def test_wrong_chains(refuses, folder, arguments, message):
    before = sorted(folder.iterdir())
    refuses(message, "chain", arguments[0], "rgb.png", "out.png", *arguments[1:], lines=1)
    assert sorted(folder.iterdir()) == before


def test_a_file_of_steps_that_is_not_there(refuses, folder):
    (folder / "look.txt").write_text("edges\n")
    refuses(
        "lok.txt: no such file; did you mean 'look.txt'?", "chain", "lok.txt", "rgb.png", "out.png", code=1, lines=1
    )
    refuses("erode: no such filter; write: imconv min", "chain", "erode --size 3", "rgb.png", "out.png", lines=1)


@pytest.mark.parametrize(
    "step", ["guided --radius 4 --threshold 10%", "contrast --sigma 2", "bilateral --sigma 2 --sigma-range 8%"]
)
@pytest.mark.parametrize("source", ["rgb.png", "rgba.png", "grey16.png"])
def test_white_is_the_pictures_in_every_step(succeeds, folder, step, source):
    """A median gives samples of the picture, so that nothing is rounded between it and the next step."""
    name, *options = step.split()
    succeeds("chain", f"median --size 3 | {step}", source, "chain.png")
    succeeds("median", source, "median.png", "--size", "3")
    succeeds(name, "median.png", "both.png", *options)
    found, expected = (read(each).pixels.astype(int) for each in ("chain.png", "both.png"))
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.99
    succeeds("chain", f"median --size 3 | {step}", "grey16.png", "chain.png", "--depth", "8")
    succeeds("median", "grey16.png", "median.png", "--size", "3")
    succeeds(name, "median.png", "both.png", *options, "--depth", "8")
    found, expected = (read(each).pixels.astype(int) for each in ("chain.png", "both.png"))
    assert np.abs(found - expected).max() <= 1


def test_the_chains_range_is_that_of_its_end(succeeds, folder):
    floats = read("rgb.png")
    floats = floats.replace(pixels=floats.pixels.astype(np.float64))
    slope = edges(gaussian_blur(floats, 1.5), "sobel", "x", gain=2).pixels
    succeeds("chain", "blur --sigma 1.5 | edges --show x --gain 2", "rgb.png", "a.png", "--range", "offset")
    assert np.abs(read("a.png").pixels - np.clip(slope + 128, 0, 255)).max() < 0.53
    succeeds("chain", "blur --sigma 1.5 | edges --show x --gain 2", "rgb.png", "a.png", "--range", "stretch")
    share = (slope - slope.min()) / (slope.max() - slope.min())
    assert np.abs(read("a.png").pixels - 255 * share).max() < 0.6


def test_the_border_reaches_steps_like_other_tools(succeeds, folder):
    for step in ("blur --sigma 2 --like opencv", "box --size 3 --like pillow", "median --size 3 --like opencv"):
        name, *options = step.split()
        succeeds("chain", step, "rgb.png", "a.png", "--border", "wrap")
        succeeds(name, "rgb.png", "b.png", *options, "--border", "wrap")
        np.testing.assert_array_equal(read("a.png").pixels, read("b.png").pixels)


def test_a_chain_leaves_nan_out_of_every_step(imconv, succeeds, folder):
    import imconv as library

    image = np.random.default_rng(6).random((20, 30)).astype(np.float32)
    image[3:9, 4:12] = np.nan
    library.write("holes.tif", image)
    how = ("--nan", "ignore", "--border", "normalized")
    succeeds("chain", "median --size 3 | box --size 5 | deviation --size 3", "holes.tif", "out.tif", *how)
    expected = library.median(image, 3, nan="ignore", border="normalized")
    expected = library.box_blur(expected, 5, nan="ignore", border="normalized")
    assert np.isnan(expected).sum() < np.isnan(image).sum()
    expected = library.local_deviation(expected, 3, nan="ignore", border="normalized")
    np.testing.assert_array_equal(library.read("out.tif").pixels, expected)
    result = imconv("chain", "median --size 3 | sharpen", "holes.tif", "no.tif", *how)
    assert result.code == 2
    assert "nan ignore goes with means and ranks" in result.err
