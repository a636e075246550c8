"""`--like`: the same as the functions' `like`, with options beside it."""

import json

import numpy as np
import pytest

import imconv as library
from imconv import file_to_file
from imconv.filters.other_tools import TOOLS


@pytest.mark.parametrize("tool", TOOLS)
def test_blur_and_box(succeeds, folder, load, tool):
    image = load("rgb.png")
    succeeds("blur", "rgb.png", "out.png", "--sigma", 1.5, "--like", tool)
    np.testing.assert_array_equal(load("out.png"), library.gaussian_blur(image, 1.5, like=tool))
    succeeds("box", "rgb.png", "out.png", "--size", "3x4", "--like", tool.upper())
    np.testing.assert_array_equal(load("out.png"), library.box_blur(image, (3, 4), like=tool))


@pytest.mark.parametrize("tool", TOOLS)
def test_apply_takes_the_tools_direction(succeeds, folder, load, tool):
    image, kernel = load("rgb.png"), np.arange(9.0).reshape(3, 3) / 36
    text = "0 1 2; 3 4 5; 6 7 8"
    succeeds("apply", "rgb.png", "out.png", "-k", text, "--normalize", "--like", tool)
    if TOOLS[tool].direction == "bottom up":
        expected = library.correlate(image, kernel[::-1], like=tool)
    else:
        function = library.convolve if TOOLS[tool].direction == "either" else library.correlate
        expected = function(image, kernel, like=tool)
    np.testing.assert_array_equal(load("out.png"), expected)
    succeeds("apply", "rgb.png", "out.png", "-k", text, "--normalize", "--like", tool, "--correlate")
    np.testing.assert_array_equal(load("out.png"), library.correlate(image, kernel, like=tool))


def test_options_beside_it_win(succeeds, folder, load):
    image = load("rgb.png")
    succeeds("blur", "rgb.png", "out.png", "--sigma", 2, "--like", "opencv", "--border", "nearest", "--truncate", 2)
    expected = library.gaussian_blur(image, 2, like="opencv", border="nearest", truncate=2)
    np.testing.assert_array_equal(load("out.png"), expected)
    assert (expected != library.gaussian_blur(image, 2, like="opencv", truncate=2)).any()
    succeeds("apply", "rgb.png", "out.png", "-k", "1 2", "--normalize", "--like", "torch", "--anchor", "0,1")
    np.testing.assert_array_equal(
        load("out.png"), library.correlate(image, [[1 / 3, 2 / 3]], like="torch", anchor=(0, 1))
    )


def test_alpha(imconv, succeeds, folder, load):
    image = load("rgba.png")
    succeeds("blur", "rgba.png", "out.png", "--sigma", 1, "--like", "pillow")
    np.testing.assert_array_equal(load("out.png"), library.gaussian_blur(image, 1, like="pillow"))
    succeeds("blur", "rgba.png", "out.png", "--sigma", 1, "--like", "pillow", "--alpha", "unweighted")
    np.testing.assert_array_equal(load("out.png")[..., 3], image[..., 3])
    np.testing.assert_array_equal(load("out.png")[..., :3], library.gaussian_blur(image[..., :3], 1, like="pillow"))
    result = imconv("blur", "rgba.png", "no.png", "--sigma", 1, "--like", "pillow", "--alpha", "keep")
    assert result.code == 2
    assert "several passes" in result.err
    succeeds("apply", "rgba.png", "out.png", "-k", "1 2 1", "--normalize", "--like", "torch", "--alpha", "keep")
    np.testing.assert_array_equal(load("out.png")[..., 3], image[..., 3])


def test_explain_and_json(succeeds, folder):
    result = succeeds("blur", "rgb.png", "out.png", "--sigma", 1, "--like", "vips", "--explain", "--json", notes=True)
    assert result.err.startswith("like           vips gaussblur: border nearest, alpha separate, support until")
    plan = json.loads(result.out)["plan"]
    assert (plan["like"], plan["steps"]) == ("vips", 2)


def test_a_large_file_in_bands(succeeds, folder, monkeypatch):
    image = np.random.default_rng(2).integers(0, 256, (300, 211, 3), np.uint8)
    library.write("large.png", image)
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 1)
    for tool in TOOLS:
        result = succeeds("blur", "large.png", "out.png", "--sigma", 2, "--like", tool, "--explain", notes=True)
        assert "read, filtered and written in bands of rows" in result.err
        np.testing.assert_array_equal(library.read("out.png").pixels, library.gaussian_blur(image, 2, like=tool))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["blur", "--sigma", 1, "--like", "opencw"], "unknown tool 'opencw'; like is one of"),
     (["blur", "--sigma", 1, "--like", "scipy", "--linear"], "leave out --like or --linear"),
     (["blur", "--sigma", 1, "--like", "pillow", "--truncate", 2], "no --truncate"),
     (["apply", "-k", "1 2 1", "-k", "1", "--like", "scipy"], "like goes with one kernel"),
     (["apply", "-k", "1 2 1", "--like", "pillow"], "3x3 and 5x5, not 1x3")],
)  # fmt: skip
def test_errors(imconv, folder, arguments, message):
    command, *options = arguments
    result = imconv(command, "rgb.png", "out.png", *options)
    assert result.code in (1, 2)
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize("tool", ["scipy", "opencv", "pillow", "imagemagick", "vips"])
def test_median(succeeds, folder, load, tool):
    image = load("rgb.png")
    succeeds("median", "rgb.png", "out.png", "--size", 5, "--like", tool)
    np.testing.assert_array_equal(load("out.png"), library.median(image, 5, like=tool))
    succeeds("median", "rgb.png", "out.png", "--size", 5, "--like", tool, "--border", "wrap")
    np.testing.assert_array_equal(load("out.png"), library.median(image, 5, border="wrap"))


def test_torch_has_no_median(refuses, folder):
    refuses("torch has no median of pictures", "median", "rgb.png", "out.png", "--size", 5, "--like", "torch")
