"""`imconv bilateral`, `guided`, `deviation`, `contrast`, and `--nan`: the command line gives what the library gives."""

import json

import numpy as np
import pytest
from PIL import Image

import imconv as library
from imconv import file_to_file


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "rgba.png", "grey16.png", "float.tif"])
def test_the_command_line_is_the_library(succeeds, folder, load, name):
    picture = library.read(name)
    white = 1 if picture.pixels.dtype.kind == "f" else np.iinfo(picture.pixels.dtype).max
    out = "out" + name[name.index(".") :]
    for arguments, expected in (
        (("bilateral", "--sigma", 2, "--sigma-range", white / 8), library.bilateral(picture, 2, white / 8)),
        (("bilateral", "--sigma", 2, "--sigma-range", "4%", "--radius", 3), library.bilateral(picture, 2, "4%", radius=3)),
        (("guided", "--radius", 3, "--threshold", "10%"), library.guided(picture, 3, "10%")),
        (("deviation", "--size", "3x5"), library.local_deviation(picture, (3, 5))),
        (("contrast", "--sigma", 2), library.local_contrast(picture, 2)),
        (("contrast", "--sigma", 2, "--gain", 3, "--range", "clip"), library.local_contrast(picture, 2, gain=3, range="clip")),
    ):  # fmt: skip
        succeeds(arguments[0], name, out, *arguments[1:])
        np.testing.assert_array_equal(load(out), expected.pixels)


def test_a_guide(succeeds, imconv, folder, load):
    succeeds("guided", "rgb.png", "out.png", "--radius", 4, "--threshold", "3.16228%", "--guide", "grey16.png")
    expected = library.guided(library.read("rgb.png"), 4, "3.16228%", library.read("grey16.png"))
    np.testing.assert_array_equal(load("out.png"), expected.pixels)
    result = imconv("guided", "grey.png", "out.png", "--radius", 4, "--threshold", "3.16228%", "--guide", "rgb.png")
    assert (result.code, result.err) == (2, "imconv: a guide is grey, (H, W); this one has shape (24, 30, 3)\n")
    result = imconv("guided", "grey.png", "out.png", "--radius", 4, "--threshold", "3.16228%", "--guide", "none.png")
    assert result.code == 1
    assert result.err.startswith("imconv: none.png: ")


def test_missing_samples(succeeds, imconv, folder):
    image = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    image[5:9, 4:20] = np.nan
    library.write("holes.tif", image)
    succeeds("blur", "holes.tif", "out.tif", "--sigma", 2, "--nan", "ignore", "--border", "normalized")
    expected = library.gaussian_blur(image, 2, nan="ignore", border="normalized")
    np.testing.assert_array_equal(library.read("out.tif").pixels, expected)
    assert not np.isnan(expected).any()
    succeeds("apply", "holes.tif", "out.tif", "-k", "1 2 1", "--nan", "ignore", "--border", "normalized")
    for arguments in (
        ("blur", "holes.tif", "out.tif", "--sigma", 2, "--nan", "ignore"),
        ("blur", "holes.tif", "out.tif", "--sigma", 2, "--nan", "drop"),
        ("edges", "holes.tif", "out.tif", "--nan", "ignore", "--border", "normalized"),
        ("bilateral", "holes.tif", "out.tif", "--sigma", 2, "--sigma-range", 2, "--nan", "ignore"),
    ):
        result = imconv(*arguments)
        assert (result.code, result.err.count("\n")) == (2, 1), result.err
        assert "nan" in result.err


@pytest.mark.parametrize(
    "arguments",
    [("bilateral", "--sigma", 2, "--sigma-range", 20), ("guided", "--radius", 9, "--threshold", "10%"),
     ("guided", "--radius", 9, "--threshold", "10%", "--guide", "guide.png"), ("deviation", "--size", 7),
     ("contrast", "--sigma", 3)],
    ids=lambda arguments: " ".join(map(str, arguments)),
)  # fmt: skip
def test_in_bands_from_file_to_file(succeeds, folder, load, monkeypatch, arguments):
    image = np.random.default_rng(2).integers(0, 256, (300, 200, 3), np.uint8)
    Image.fromarray(image).save("large.png")
    Image.fromarray(image[..., 0]).save("guide.png")
    succeeds(arguments[0], "large.png", "whole.png", *arguments[1:])
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    told = succeeds(arguments[0], "large.png", "bands.png", *arguments[1:], "--explain", notes=True).err
    assert "in bands of rows" in told
    np.testing.assert_array_equal(load("bands.png"), load("whole.png"))


def test_the_plan_is_told(succeeds, folder):
    told = succeeds(
        "guided", "rgb.png", "out.png", "--radius", 3, "--threshold", "31.6228%", "--explain", notes=True
    ).err
    assert "guided by each channel by itself" in told
    assert told.count("algorithm ") == 2
    report = json.loads(succeeds("bilateral", "rgb.png", "out.png", "--sigma", 3, "--sigma-range", 9, "--json").out)
    assert (report["plan"]["stages"], report["clipped"]) == (["bilateral"], 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bilateral", "--sigma", "x", "--sigma-range", 9), "--sigma must be a number from 0.1 to 1000, not 'x'"),
        (("bilateral", "--sigma", 2, "--sigma-range", 9, "--radius", 999), "--radius must be a number from 0 to 100"),
        (("guided", "--radius", 3, "--threshold", -1), "--threshold must be a number"),
        (("guided", "--radius", 3, "--threshold", "50%", "--border", "constant"),
         "guided needs --border reflect or --border mirror"),
        (("deviation", "--size", "0"), "--size must be K or ROWSxCOLUMNS"),
        (("deviation", "--size", "3", "--stride", 2), "deviation has no --stride; leave it out"),
        (("contrast", "--sigma", 2, "--linear"), "a normalised contrast is no light; leave out --linear"),
    ],
)  # fmt: skip
def test_errors(imconv, folder, arguments, message):
    result = imconv(arguments[0], "rgb.png", "out.png", *arguments[1:])
    assert result.code == 2
    assert result.err.startswith(f"imconv: {message}")
    assert result.err.count("\n") == 1
