"""`imconv edges`: what the function gives, and directions as colours."""

import colorsys
import json

import numpy as np
import pytest
from PIL import Image, ImageCms
from scipy import ndimage

import imconv as library
from imconv import edges, read
from imconv.filters.edges import OPERATORS


def sobel(plane):
    """x and y to the right and downwards, times 8, in whole numbers."""
    return [ndimage.sobel(plane.astype(np.int64), axis) for axis in (1, 0)]


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png", "rgb16.png"])
def test_the_magnitude_is_sobels(succeeds, folder, name):
    succeeds("edges", name, "out.png")
    before, after = (read(n).pixels.reshape(24, 30, -1) for n in (name, "out.png"))
    for c in range(before.shape[2]):
        x, y = sobel(before[..., c])
        np.testing.assert_array_equal(after[..., c], np.floor(np.sqrt(x * x + y * y) / 8 + 0.5))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", ["rgba.png", "float.tif"])
def test_equals_the_python_function(succeeds, folder, name, operator):
    out = "out" + name[-4:]
    for options, keywords in (
        ((), {}),
        (("--gain", "2.5", "--border", "wrap", "--stride", "2"), {"gain": "2.5", "border": "wrap", "stride": 2}),
        (("--range", "abs", "--depth", "float"), {"range": "abs", "depth": "float"}),
        (("--linear",), {"linear": True}),
    ):
        if "--depth" in options and name == "rgba.png":
            continue  # no float in PNG
        succeeds("edges", name, out, "--operator", operator, *options, notes=True)
        np.testing.assert_array_equal(read(out).pixels, edges(read(name), operator, **keywords).pixels)


@pytest.mark.parametrize("show", ["x", "y"])
def test_grey_is_0_unless_a_range_is_given(succeeds, folder, load, show):
    answer = sobel(load("grey.png"))[show == "y"]
    for options, exact in (
        ((), answer / 8 + 128),
        (("--range", "clip"), answer / 8),
        (("--range", "abs"), np.abs(answer) / 8),
        (("--gain", "8", "--range", "offset"), answer + 128),
    ):
        succeeds("edges", "grey.png", "out.png", "--show", show, *options)
        np.testing.assert_array_equal(load("out.png"), np.clip(np.floor(exact + 0.5), 0, 255))


def test_scales_of_log_and_dog(succeeds, folder):
    succeeds("edges", "grey.png", "out.png", "--operator", "dog", "--sigma", "1.5", "--ratio", "2", "--gain", "4")
    expected = edges(read("grey.png"), "dog", sigma=1.5, ratio=2, gain=4)
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)


def test_compass_operators_show_the_largest(succeeds, folder, load):
    succeeds("edges", "grey.png", "one.png", "--operator", "robinson")
    succeeds("edges", "grey.png", "two.png", "--operator", "sobel", "--show", "max")
    np.testing.assert_array_equal(load("one.png"), load("two.png"))


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "rgba.png", "cmyk.jpg", "palette.gif"])
@pytest.mark.parametrize("operator", ["sobel", "kirsch"])
def test_directions_are_hues(succeeds, folder, load, name, operator):
    succeeds("edges", name, "out.png", "--show", "direction", "--operator", operator, notes=True)
    before, after = read(name), load("out.png")
    colours = before.pixels.reshape(24, 30, -1)[..., : before.channels - before.has_alpha]
    strength, angle = (edges(colours, operator, show, dtype="float64") for show in ("magnitude", "direction"))
    for row in range(24):
        for column in range(30):
            c = np.argmax(strength[row, column])
            hue = colorsys.hsv_to_rgb(angle[row, column, c] / 360, 1, strength[row, column, c])
            np.testing.assert_allclose(after[row, column, :3], np.clip(hue, 0, 255), atol=0.501)
    assert after.shape[2] == 3 + before.has_alpha
    if before.has_alpha:
        np.testing.assert_array_equal(after[..., 3], before.pixels[..., 3])


def test_a_grey_profile_is_no_profile_of_colours(imconv, folder, load):
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"GRAY"
    with Image.open("grey.png") as image:
        image.save("profile.png", icc_profile=bytes(profile))
    result = imconv("edges", "profile.png", "out.png", "--show", "direction")
    assert result.code == 0
    assert "ICC profile" in result.err
    assert read("out.png").metadata.icc is None
    assert imconv("edges", "profile.png", "out.png").err == ""
    assert read("out.png").metadata.icc == bytes(profile)


@pytest.mark.parametrize("show", ["magnitude", "direction", "x"])
def test_large_pictures_go_in_bands(succeeds, imconv, folder, show):
    wide = np.random.default_rng(2).integers(0, 256, (2200, 2000, 3), np.uint8)
    wide = ndimage.uniform_filter(wide, (5, 5, 1))
    library.write("large.ppm", wide)
    explained = imconv("edges", "large.ppm", "out.ppm", "--show", show, "--explain").err
    assert "in bands of rows" in explained
    succeeds("edges", "-", "whole.ppm", "--show", show, "--format", "ppm", stdin=(folder / "large.ppm").read_bytes())
    assert (folder / "out.ppm").read_bytes() == (folder / "whole.ppm").read_bytes()


def test_grey_in_bands_becomes_coloured(succeeds, folder):
    library.write("large.pgm", np.random.default_rng(2).integers(0, 256, (3000, 3000), np.uint8))
    succeeds("edges", "large.pgm", "out.ppm", "--show", "direction")
    succeeds("edges", "-", "whole.ppm", "--show", "direction", stdin=(folder / "large.pgm").read_bytes())
    np.testing.assert_array_equal(read("out.ppm").pixels, read("whole.ppm").pixels)


def test_every_page_becomes_coloured(succeeds, folder):
    pages = [library.Picture(np.random.default_rng(n).integers(0, 256, (9 + n, 8), np.uint8)) for n in range(3)]
    library.write_pages("pages.tif", pages)
    succeeds("edges", "pages.tif", "out.tif", "--show", "direction")
    for page, result in zip(pages, library.read_pages("out.tif"), strict=True):
        assert result.pixels.shape == (*page.pixels.shape, 3)
        assert np.abs(result.pixels.max(axis=2) - edges(page).pixels.astype(int)).max() <= 1


def test_a_report(succeeds, folder):
    report = json.loads(succeeds("edges", "grey.png", "out.png", "--show", "direction", "--json").out)
    assert (report["channels"], report["plan"]["combine"], report["plan"]["filters"]) == (3, "hue", 2)


def test_explain_and_dry_run(imconv, folder):
    result = imconv("edges", "grey.png", "out.png", "--show", "direction", "--explain", "--dry-run")
    assert result.code == 0
    assert "hue of 2 filters" in result.err
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--operator", "sobol"), "sobel"),
        (("--show", "z"), "magnitude"),
        (("--gain", "x"), "gain"),
        (("--sigma", "2"), "sigma"),
        (("--operator", "laplacian", "--show", "direction"), "only one answer"),
        (("--show", "direction", "--linear"), "leave out --linear"),
        (("--border", "normalized"), "border"),
        (("--range", "clop"), "clip"),
    ],
)
def test_what_is_refused(imconv, folder, options, words):
    result = imconv("edges", "grey.png", "out.png", *options)
    assert result.code in (1, 2)
    assert result.err.count("\n") == 1
    assert words in result.err
    assert not (folder / "out.png").exists()


def test_degrees_and_grey(imconv, succeeds, folder, monkeypatch):
    picture = read("rgb.png")
    succeeds("edges", "rgb.png", "out.tif", "--show", "degrees")
    expected = edges(picture, show="direction").pixels
    assert expected.dtype == "float32"
    np.testing.assert_array_equal(read("out.tif").pixels, expected)
    succeeds("edges", "rgb.png", "out.png", "--show", "degrees", "--dtype", "uint16")
    np.testing.assert_array_equal(read("out.png").pixels, np.floor(expected + 0.5) % 360)
    for options in ((), ("--show", "degrees", "--dtype", "uint16"), ("--operator", "log")):
        succeeds("edges", "rgb.png", "out.png", "--grey", *options)
        assert read("out.png").mode == "grey"
        how = {"show": "degrees", "dtype": "uint16"} if len(options) > 2 else {"operator": "log"} if options else {}
        np.testing.assert_array_equal(read("out.png").pixels, edges(picture.pixels, grey=True, **how)[..., 0])
        with monkeypatch.context() as patch:
            patch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
            succeeds("edges", "rgb.png", "bands.png", "--grey", *options)
        np.testing.assert_array_equal(read("bands.png").pixels, read("out.png").pixels)
    succeeds("edges", "rgb.png", "hue.png", "--grey", "--show", "direction")
    assert read("hue.png").mode == "rgb"
    succeeds("chain", "edges --grey | blur --sigma 1", "rgba.png", "out.png")
    assert read("out.png").mode == "grey+alpha"
    result = imconv("edges", "rgb.png", "no.png", "--show", "degrees")
    assert result.code == 1
    assert "PNG cannot hold 32-bit float" in result.err
    result = imconv("edges", "rgb.png", "no.png", "--show", "degrees", "--depth", "8")
    assert result.code == 2
    assert "dtype uint16" in result.err
    assert not (folder / "no.png").exists()
