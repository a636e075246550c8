"""convert, grey, invert, flatten, crop, rotate, flip and strip on files."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

import imconv as ic


def pixels(name) -> np.ndarray:
    return np.asarray(Image.open(name))


def shown(name) -> np.ndarray:
    """A file as a viewer shows it."""
    return np.asarray(ImageOps.exif_transpose(Image.open(name)))


@pytest.mark.parametrize("name", ["rgb.png", "grey16.png", "rgba.png", "float.tif", "rgb16.png"])
def test_convert_keeps_pixels(folder, imconv, name):
    before = ic.read(name).pixels
    for target in ("out.tif", "out.npy", "out.npz"):
        assert imconv("convert", name, target).code == 0
        result = ic.read(target).pixels
        assert result.dtype == before.dtype
        np.testing.assert_array_equal(result, before)
    assert imconv("convert", name, "deep.tif", "--depth", "float").code == 0
    white = np.iinfo(before.dtype).max if before.dtype.kind == "u" else 1
    np.testing.assert_array_equal(ic.read("deep.tif").pixels, (before / white).astype(np.float32))


def test_convert_keeps_metadata(folder, succeeds):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6
    Image.open("rgb.png").save("in.jpg", exif=exif, icc_profile=profile, dpi=(300, 300))
    succeeds("convert", "in.jpg", "out.png")
    found = Image.open("out.png")
    assert found.info["icc_profile"] == profile
    assert found.getexif()[0x010F] == "Camera"
    assert round(found.info["dpi"][0]) == 300
    np.testing.assert_array_equal(pixels("out.png"), pixels("in.jpg"))


def test_grey_and_invert(folder, succeeds):
    succeeds("grey", "rgba.png", "grey.png")
    np.testing.assert_array_equal(pixels("grey.png"), ic.grey(pixels("rgba.png"), has_alpha=True))
    succeeds("grey", "rgb.png", "blue.png", "--weights", "0,0,1")
    np.testing.assert_array_equal(pixels("blue.png"), pixels("rgb.png")[..., 2])
    succeeds("invert", "rgba.png", "negative.png")
    expected = 255 - pixels("rgba.png")
    expected[..., 3] = pixels("rgba.png")[..., 3]
    np.testing.assert_array_equal(pixels("negative.png"), expected)
    succeeds("invert", "rgb.png", "part.png", "--region", "5x4+3+2")
    expected = pixels("rgb.png").copy()
    expected[2:6, 3:8] = 255 - expected[2:6, 3:8]
    np.testing.assert_array_equal(pixels("part.png"), expected)


def test_white_of_the_file(folder, succeeds):
    with open("in.pgm", "wb") as file:
        file.write(b"P5 3 1 4095\n" + np.array([0, 5, 4095], ">u2").tobytes())
    succeeds("invert", "in.pgm", "out.pgm")
    with open("out.pgm", "rb") as file:
        assert file.read() == b"P5\n3 1\n4095\n" + np.array([4095, 4090, 0], ">u2").tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_shown(folder, imconv, orientation):
    """Rectangles, turns and mirrors are those of the picture that a viewer shows."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.open("rgb.png").save("in.png", exif=exif)
    before = shown("in.png")
    for arguments, expected in (
        (("crop", "--size", "7x5+4+9"), before[9:14, 4:11]),
        (("rotate", "--angle", 90), np.rot90(before, -1)),
        (("rotate", "--angle", 270), np.rot90(before)),
        (("flip",), before[:, ::-1]),
        (("flip", "--direction", "vertical"), before[::-1]),
        (("invert",), 255 - before),
    ):
        for more in ((), ("--auto-orient",)):
            assert imconv(*arguments, "in.png", "out.png", *more).code == 0
            np.testing.assert_array_equal(shown("out.png"), expected)
    assert imconv("strip", "in.png", "out.png").code == 0
    np.testing.assert_array_equal(pixels("out.png"), before)


def test_resolution_is_turned(folder, imconv):
    Image.open("rgb.png").save("in.png", dpi=(300, 72))
    assert imconv("rotate", "in.png", "out.png", "--angle", 90).code == 0
    assert [round(dots) for dots in Image.open("out.png").info["dpi"]] == [72, 300]


def test_backgrounds(folder, imconv, refuses):
    """Alpha is refused by a format without it, unless there is a background; where it can be kept it is."""
    refuses("--background white", "blur", "rgba.png", "out.jpg", "--sigma", 1, code=1)
    assert imconv("blur", "rgba.png", "out.ppm", "--sigma", 1, "--background", "#204060").code == 0
    smooth = ic.gaussian_blur(pixels("rgba.png").astype(np.float64), 1, has_alpha=True)
    alpha = smooth[..., 3:] / 255
    expected = np.floor(alpha * smooth[..., :3] + (1 - alpha) * np.array([0x20, 0x40, 0x60]) + 0.5)
    assert np.abs(pixels("out.ppm") - expected).max() <= 1
    assert (pixels("out.ppm") != expected).mean() < 0.01
    assert imconv("blur", "rgba.png", "kept.png", "--sigma", 1, "--background", "red").code == 0
    assert pixels("kept.png").shape[2] == 4
    assert imconv("flatten", "rgba.png", "flat.png", "--background", "black").code == 0
    np.testing.assert_array_equal(pixels("flat.png"), ic.flatten(pixels("rgba.png"), "black", has_alpha=True))
    assert imconv("convert", "rgba.png", "flat.jpg", "--background", "white").code == 0
    assert pixels("flat.jpg").shape == (24, 30, 3)


def test_to_srgb(folder, imconv, refuses):
    """As littleCMS converts, called by itself; the result has no profile of another space."""
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    profile = bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    Image.open("rgb.png").save("same.png", icc_profile=profile)
    assert imconv("convert", "same.png", "out.png", "--to-srgb").code == 0
    assert np.abs(pixels("out.png").astype(int) - pixels("rgb.png")).max() <= 1  # sRGB to sRGB, by littleCMS's tables
    assert "icc_profile" not in Image.open("out.png").info
    assert imconv("convert", "rgb.png", "out.png", "--to-srgb").code == 0
    np.testing.assert_array_equal(pixels("out.png"), pixels("rgb.png"))
    refuses("CMYK without an ICC profile", "convert", "cmyk.jpg", "out.png", "--to-srgb")
    refuses("takes RGB and CMYK of 8 bits", "convert", "grey16.png", "out.png", "--to-srgb")
    Image.open("rgb.png").save("lab.png", icc_profile=bytes(swapped.tobytes()))
    refuses("ICC profile can't be used", "convert", "lab.png", "out.png", "--to-srgb", code=1)


def test_steps_of_chains(folder, imconv):
    assert (
        imconv("chain", "crop --size 20x12+4+6 | grey | flip | rotate --angle 90 | invert", "rgb.png", "out.png").code
        == 0
    )
    grey = ic.grey(pixels("rgb.png")[6:18, 4:24].astype(np.float64))
    expected = np.floor(255 - np.rot90(grey[:, ::-1], -1) + 0.5)
    np.testing.assert_array_equal(pixels("out.png"), expected)


def test_steps_that_only_arrange_pixels(folder, imconv):
    """The last step rounds, also where it changes no samples."""
    assert imconv("chain", "flip | blur --sigma 1 | rotate --angle 90", "rgb.png", "out.png").code == 0
    assert imconv("blur", "rgb.png", "smooth.png", "--sigma", 1).code == 0
    np.testing.assert_array_equal(pixels("out.png"), np.rot90(pixels("smooth.png")[:, ::-1], -1))


def test_large_pictures_in_bands(folder, imconv, monkeypatch):
    """The same pixels where a picture is filtered from file to file."""
    image = np.random.default_rng(3).integers(0, 256, (400, 300, 3), np.uint8)
    Image.fromarray(image).save("in.png")
    monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 1)
    grey = ic.grey(image)
    for arguments, expected in (
        (("convert",), image), (("grey",), grey), (("invert",), 255 - image), (("crop", "--size", "100x200+50+120"), image[120:320, 50:150]),
        (("flip",), image[:, ::-1]), (("flip", "--direction", "vertical"), image[::-1]), (("rotate", "--angle", 90), np.rot90(image, -1)),
    ):  # fmt: skip
        assert imconv(*arguments, "in.png", "out.png").code == 0
        np.testing.assert_array_equal(pixels("out.png"), expected)


def test_pages(folder, imconv):
    stack = np.random.default_rng(4).integers(0, 60000, (3, 9, 12), np.uint16)
    tifffile.imwrite("in.tif", stack, photometric="minisblack")
    assert imconv("rotate", "in.tif", "out.tif", "--angle", 180).code == 0
    np.testing.assert_array_equal(tifffile.imread("out.tif"), stack[:, ::-1, ::-1])


@pytest.fixture
def private(folder):
    """A JPEG with all kinds of metadata, and the bytes of its coded pixels."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "Camera", {1: "N", 2: (51.0, 30.0, 0.0)}
    image = Image.open("rgb.png")
    for progressive in (False, True):
        image.save(f"private{progressive:d}.jpg", exif=exif, icc_profile=profile, comment=b"secret", xmp=b"<x:xmpmeta/>", progressive=progressive)  # fmt: skip
        with open(f"private{progressive:d}.jpg", "ab") as file:
            image.resize((8, 8)).save(file, "JPEG")  # a further picture behind
    return profile


@pytest.mark.parametrize("name", ["private0.jpg", "private1.jpg"])
def test_strip_copies_coded_pixels(private, succeeds, name):
    succeeds("strip", name, "out.jpg", notes=True)
    found = Image.open("out.jpg")
    np.testing.assert_array_equal(np.asarray(found), pixels(name))
    with open("out.jpg", "rb") as file:
        data = file.read()
    assert not any(word in data for word in (b"Exif", b"secret", b"xmpmeta", b"ICC_PROFILE", b"Camera"))
    assert data.count(b"\xff\xd8\xff") == 1
    assert data[data.index(b"\xff\xda") :] in Path(name).read_bytes()
    succeeds("strip", name, "icc.jpg", "--keep", "icc", notes=True)
    assert Image.open("icc.jpg").info["icc_profile"] == private
    assert b"Exif" not in Path("icc.jpg").read_bytes()


def test_strip_keeps_how_it_looks(private, imconv):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    Image.open("rgb.png").save("in.jpg", exif=exif)
    result = imconv("strip", "in.jpg", "out.jpg")
    assert "orientation 6 kept" in result.err
    assert dict(Image.open("out.jpg").getexif()) == {0x0112: 6}
    assert imconv("strip", "private0.jpg", "out.png", "--keep", "icc").code == 0
    info = Image.open("out.png").info
    assert info.pop("icc_profile") == private
    assert not info
    assert imconv("strip", "private0.jpg", "-", "--format", "jpg", "--json").code == 0
    with open("cut.jpg", "wb") as file:
        file.write(Path("private0.jpg").read_bytes()[:900])
    assert "damaged or truncated JPEG" in imconv("strip", "cut.jpg", "out.jpg").err


def test_strip_from_standard_input(private, imconv):
    data = Path("private0.jpg").read_bytes()
    result = imconv("strip", "-", "out.jpg", stdin=data)
    assert "encoded anew" in result.err
    assert b"secret" not in Path("out.jpg").read_bytes()
    assert Image.open(io.BytesIO(imconv("strip", "private0.jpg", "-").out)).size == (30, 24)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("weights must be", ("grey", "--weights", "pal")),
        ("background must be", ("flatten", "--background", "mauve")),
        ("background must be", ("convert", "--background", "mauve")),
        ("the angle must be", ("rotate", "--angle", "45")),
        ("unknown direction", ("flip", "--direction", "up")),
        ("region", ("crop", "--size", "5x5")),
        ("unknown kind of metadata to keep 'exif'", ("strip", "--keep", "exif")),
        ("has no option --depth", ("rotate", "--angle", "90", "--depth", "16")),
        ("has no option --sigma", ("grey", "--sigma", "1")),
    ],
)
def test_refused(folder, refuses, words, arguments):
    refuses(words, *arguments, "rgb.png", "out.png")


def test_reports(folder, imconv):
    report = json.loads(imconv("crop", "rgb.png", "out.png", "--size", "7x5+0+0", "--json").out)
    assert (report["width"], report["height"]) == (7, 5)
    assert "0.2126 red" in imconv("grey", "rgb.png", "out.png", "--explain").err
