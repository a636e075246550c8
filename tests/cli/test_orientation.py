"""Places, sizes and directions refer to the picture as it is shown, whatever the orientation in which it is stored."""

import json

import numpy as np
import pytest
from PIL import Image, ImageOps

import imconv as library
from imconv.files.orientation import as_shown, as_stored, turned

COMMANDS = {
    "region": ("box", "--size", "5", "--region", "7x6+3+2"),
    "crop": ("blur", "--sigma", "2", "--region", "7x6+3+2", "--crop"),
    "mask": ("blur", "--sigma", "2", "--mask", "mask.png"),
    "stride": ("box", "--size", "3", "--stride", "2,3"),
    "pad": ("box", "--size", "3", "--pad", "1,2,3,0", "--border", "constant:9"),
    "two sigmas": ("blur", "--sigma", "3,0.5"),
    "share of the width": ("blur", "--sigma", "5%"),
    "rows and columns": ("median", "--size", "1x5"),
    "asymmetric": ("apply", "-k", "1 2 3; 4 5 60; 7 8 9", "--normalize"),
    "anchor": ("apply", "-k", "1 1 1; 1 1 1; 1 1 1", "--normalize", "--anchor", "0,2"),
    "x": ("edges", "--show", "x", "--range", "offset"),
    "direction": ("edges", "--show", "direction"),
    "motion": ("motion", "--length", "5", "--angle", "30"),
    "gabor": ("gabor", "--wavelength", "4", "--orientation", "20"),
    "bank": ("gabor", "--wavelength", "4", "--bank", "3"),
    "emboss": ("emboss",),
    "pool": ("pool", "--op", "max", "--size", "2x3"),
    "guided": ("guided", "--radius", "2", "--threshold", "10%", "--guide", "guide-turned.png"),
    "symmetric": ("blur", "--sigma", "2"),
    "chain": ("chain", "box --size 1x3 | blur --sigma 1 | edges --show y", "--range", "abs"),
    "chain of symmetric steps": ("chain", "box --size 3 | blur --sigma 1"),
    "like": ("blur", "--sigma", "1.5", "--like", "opencv"),
}


@pytest.fixture(params=range(1, 9))
def orientation(request, folder):
    """Stores a scene upright, and as it is shown with this orientation; a mask likewise, always upright."""
    scene = np.asarray(Image.open("rgb.png").convert("RGB"))
    exif = Image.Exif()
    exif[0x0112] = request.param
    Image.fromarray(scene).save("upright.png")
    stored = as_stored(library.Picture(scene), request.param)
    Image.fromarray(stored.pixels).save("turned.png", exif=exif, dpi=(300, 150))
    for name, picture in (
        ("upright", library.Picture(scene[..., 0])),
        ("turned", as_stored(library.Picture(scene[..., 0]), request.param)),
    ):
        options = {"exif": exif} if name == "turned" else {}
        Image.fromarray(picture.pixels).save(f"guide-{name}.png", **options)
    Image.fromarray(np.tile(np.arange(scene.shape[1], dtype=np.uint8) * 8, (scene.shape[0], 1))).save("mask.png")
    return request.param


@pytest.mark.parametrize("name", COMMANDS)
def test_the_result_is_that_of_the_upright_picture(succeeds, orientation, name):
    command, *options = COMMANDS[name]
    text = [options.pop(0)] if command == "chain" else []
    succeeds(command, *text, "turned.png", "out.png", *options)
    expected = [each.replace("turned", "upright") for each in options]
    succeeds(command, *text, "upright.png", "expected.png", *expected)
    with Image.open("out.png") as out, Image.open("expected.png") as upright:
        assert out.getexif().get(0x0112, 1) == orientation
        np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(out)), np.asarray(upright))


def test_all_that_is_said_of_the_orientation_is_kept(succeeds, orientation):
    before = library.read("turned.png").metadata
    succeeds("edges", "turned.png", "out.png", "--show", "x")
    after = library.read("out.png").metadata
    assert (after.orientation, after.exif, after.dpi) == (before.orientation, before.exif, before.dpi)


def test_auto_orient_writes_it_upright(succeeds, orientation):
    succeeds("edges", "turned.png", "out.png", "--show", "x", "--auto-orient")
    succeeds("edges", "upright.png", "expected.png", "--show", "x")
    with Image.open("out.png") as out, Image.open("expected.png") as upright:
        assert out.getexif().get(0x0112, 1) == 1
        np.testing.assert_array_equal(np.asarray(out), np.asarray(upright))


@pytest.mark.parametrize(
    "filter", [("-k", "1 2 3; 4 5 6; 7 8 9"), ("--filter", "median --size 1x3")], ids=lambda f: f[0]
)
def test_a_traced_pixel(succeeds, orientation, filter):
    traces = [
        json.loads(succeeds("trace", name, "--pixel", "5,2", *filter, "--json").out)
        for name in ("turned.png", "upright.png")
    ]
    assert traces[0] == traces[1]


def test_maps_of_a_layer(succeeds, orientation):
    for name in ("turned", "upright"):
        succeeds("layer", f"{name}.png", "-w", "sobel-x", "--sheet", f"{name}-maps.png")
    np.testing.assert_array_equal(library.read("turned-maps.png").pixels, library.read("upright-maps.png").pixels)


def test_the_plan_says_what_is_turned(imconv, orientation):
    result = imconv("box", "turned.png", "out.png", "--size", "1x3", "--explain")
    assert ("turned upright before" in result.err) == (orientation != 1)
    assert "turned upright before" not in imconv("box", "turned.png", "out.png", "--size", "3", "--explain").err


def test_bands_are_read_where_nothing_depends_on_the_orientation(imconv, orientation, monkeypatch):
    from imconv import file_to_file

    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    assert "in bands" in imconv("blur", "turned.png", "out.png", "--sigma", "2", "--explain").err
    result = imconv("blur", "turned.png", "out.png", "--sigma", "2,1", "--explain").err
    assert ("in bands" in result) == (orientation == 1)


def test_turning_there_and_back(orientation):
    picture = library.read("turned.png")
    back = as_stored(as_shown(picture), orientation)
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.metadata == picture.metadata
    assert turned(picture.pixels, orientation).shape[:2] == np.asarray(Image.open("upright.png")).shape[:2]
