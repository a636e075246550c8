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


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        (("--fail-above", "max=4"), ""),
        (("--fail-above", "max=3"), "max 4 is above 3"),
        (("--fail-above", "mean=10,rmse=0.1"), "rmse 1 is above 0.1"),
        (("--fail-above", "max=0,mean=0"), "max 4 is above 0, mean 0.25 is above 0"),
        (("--fail-below", "psnr=48"), ""),
        (("--fail-below", "psnr=49"), "psnr 48.1308 is below 49"),
        (("--fail-below", "ssim=0.5"), "ssim (undefined) is below 0.5"),
        (("--fail-above", "max=3", "--fail-below", "psnr=49"), "max 4 is above 3, psnr 48.1308 is below 49"),
    ],
)
def test_bounds(imconv, tmp_path, monkeypatch, bounds, passed):
    monkeypatch.chdir(tmp_path)
    before = np.full((4, 4), 100, np.uint8)
    after = before.copy()
    after[0, 0] = 104
    library.write("a.png", before)
    library.write("b.png", after)
    result = imconv("compare", "a.png", "b.png", *bounds)
    assert result.code == bool(passed)
    assert result.err == (f"imconv: a.png, b.png: {passed}\n" if passed else "")
    report = json.loads(imconv("compare", "a.png", "b.png", *bounds, "--json").out)
    assert report["bounds_passed"] == (passed.split(", ") if passed else [])
    assert imconv("compare", "a.png", "a.png", *bounds).code == ("ssim" in str(bounds))


def test_bounds_that_are_none(refuses, folder):
    for words in ("max", "max=", "max=ten", "psnr=3", "max=1;mean=2", "max=nan"):
        refuses("--fail-above takes max=V, mean=V, rmse=V", "compare", "rgb.png", "rgb.png", "--fail-above", words)
    refuses("--fail-below takes psnr=V, ssim=V", "compare", "rgb.png", "rgb.png", "--fail-below", "max=1")


def test_pages(imconv, tmp_path, monkeypatch):
    """The same page of both files; a trace of a page."""
    monkeypatch.chdir(tmp_path)
    pages = [np.full((12, 12), level, np.uint8) for level in (10, 20, 30)]
    library.write_pages("a.tif", pages)
    library.write_pages("b.tif", [pages[0], pages[1] + 5, pages[2]])
    for page, largest in ((0, 0), (1, 5), (2, 0)):
        assert json.loads(imconv("compare", "a.tif", "b.tif", "--page", page, "--json").out)["max_abs"] == largest
    assert imconv("compare", "a.tif", "b.tif", "--page", 3).code == 1
    assert " 20 [20] 20" in imconv("trace", "a.tif", "--page", 1, "--pixel", "4,4", "-k", "box-3").out.decode()
