"""`imconv compare`: the library's figures, a sheet on request, mistakes in one line."""

import json

import numpy as np
import pytest
from PIL import Image

import imconv as library

FIELDS = ["max_abs", "mean_abs", "rmse", "psnr", "ssim", "data_range", "notes"]


@pytest.fixture
def blurred(succeeds, folder):
    succeeds("blur", "rgb.png", "soft.png", "--sigma", 1)
    return "soft.png"


def test_json(succeeds, blurred, load):
    facts = json.loads(succeeds("compare", "rgb.png", blurred, "--json").out)
    assert list(facts) == FIELDS
    assert facts == {**library.compare(load("rgb.png"), load(blurred)).as_dict(), "notes": []}


def test_text(succeeds, blurred):
    lines = succeeds("compare", "rgb.png", blurred).out.decode().splitlines()
    assert [line[:15].strip() for line in lines] == ["largest error", "mean error", "RMSE", "PSNR", "SSIM", "range"]
    assert lines[-1].split() == ["range", "0", "to", "255"]


def test_another_range(succeeds, blurred, load):
    facts = json.loads(succeeds("compare", "rgb.png", blurred, "--json", "--range", "-5,4095").out)
    assert facts == library.compare(load("rgb.png"), load(blurred), data_range=(-5, 4095)).as_dict() | {"notes": []}
    assert facts["data_range"] == [-5, 4095]


def test_floats_outside_of_0_to_1(imconv, folder):
    for name, factor in (("near.npy", 1.0), ("far.npy", 4000.0)):
        np.save(name, np.linspace(0, factor, 400).reshape(20, 20))
    assert imconv("compare", "near.npy", "near.npy").err == ""
    result = imconv("compare", "far.npy", "far.npy")
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert "0 and 4000" in result.err
    assert "0 to 1" in result.err
    assert "--range" in result.err
    assert imconv("compare", "far.npy", "far.npy", "--range", "0,4000").err == ""
    assert imconv("compare", "far.npy", "far.npy", "-q").err == ""


@pytest.mark.parametrize("given", ["5", "1,0", "0,0", "a,b", "0,nan", "0,inf", "1,2,3", ""])
def test_what_is_no_range(imconv, blurred, given):
    result = imconv("compare", "rgb.png", blurred, "--range", given)
    assert (result.code, "two numbers" in result.err) == (2, True)


def test_equal_pictures(succeeds, folder):
    assert json.loads(succeeds("compare", "rgb.png", "rgb.png", "--json").out)["psnr"] is None
    assert b"inf dB" in succeeds("compare", "rgb.png", "rgb.png").out


def test_the_sheet(imconv, blurred, load):
    result = imconv("compare", "rgb.png", blurred, "-o", "sheet.png", "--amplify", 4)
    assert (result.code, result.err) == (0, "imconv: sheet.png: the difference is shown times 4\n")
    before, after = load("rgb.png"), load(blurred)
    apart = np.minimum(4 * np.abs(before.astype(int) - after), 255)
    np.testing.assert_array_equal(load("sheet.png"), np.hstack([before, after, apart]))


def test_the_sheet_to_standard_output(imconv, blurred, load):
    result = imconv("compare", "rgb.png", blurred, "-o", "-", "--json", "-q")
    assert load(result.out).shape == (24, 90, 3)
    assert list(json.loads(result.err)) == FIELDS


@pytest.mark.parametrize("name", ["grey16.png", "rgb16.png", "rgba.png", "float.tif", "cmyk.jpg"])
def test_other_kinds_have_sheets_too(imconv, folder, name):
    out = "sheet.tif"
    assert imconv("compare", name, name, "-o", out).code == 0
    assert library.read(out).pixels.shape[:2] == (24, 90)


def test_pictures_are_turned_upright_first(succeeds, folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.arange(600, dtype=np.uint8).reshape(20, 30)
    Image.fromarray(stored).save("turned.png", exif=exif)
    Image.fromarray(np.rot90(stored, -1)).save("upright.png")
    assert json.loads(succeeds("compare", "turned.png", "upright.png", "--json").out)["max_abs"] == 0


def test_standard_input(succeeds, folder):
    data = (folder / "rgb.png").read_bytes()
    assert json.loads(succeeds("compare", "-", "rgb.png", "--json", stdin=data).out)["max_abs"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rgb.png", "grey.png"), 1, "rgb.png, grey.png: one picture is 30 x 24 pixels, rgb, uint8, the other"),
        (("grey.png", "grey16.png"), 1, "uint16"),
        (("rgb.png", "nope.png"), 1, "nope.png: no such file"),
        (("-", "-"), 2, "standard input"),
        (("rgb.png", "rgb.png", "--amplify", "0"), 2, "--amplify"),
        (("rgb.png", "rgb.png", "-o", "out.xyz"), 1, "out.xyz"),
        (("rgb16.png", "rgb16.png", "-o", "out.jpg"), 1, "out.jpg"),
        (("rgb.png", "rgb.png", "-o", "grey.png", "--no-clobber"), 1, "exists already"),
        (("rgb.png", "rgb.png", "--max-pixels", "10"), 1, "rgb.png"),
    ],
)
def test_mistakes_are_one_line(imconv, folder, arguments, code, words):
    result = imconv("compare", *arguments)
    assert (result.code, result.out) == (code, b"")
    assert words in result.err
    assert result.err.count("\n") == 1
