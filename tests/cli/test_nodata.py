"""`--nodata` on rasters as other tools write them."""

import numpy as np
import pytest

import imconv as library

tifffile = pytest.importorskip("tifffile")

GEO = [(33550, "d", 3, (30.0, 30.0, 0.0), True), (33922, "d", 6, (0.0, 0.0, 0.0, 5e5, 4e6, 0.0), True)]


@pytest.fixture
def raster(folder):
    """Write a raster of heights with holes, and the tag that says which value they have."""

    def write(name, dtype="float32", nodata="-9999", shape=(60, 70), **how):
        random = np.random.default_rng(1)
        heights = (random.normal(500, 100, shape)).clip(1, 250 if dtype == "uint8" else 9000).astype(dtype)
        heights[random.random(shape) < 0.1] = heights[10:20, 10:40] = float(nodata)
        tags = GEO + ([] if how.pop("untagged", False) else [(42113, "s", 0, nodata, True)])
        tifffile.imwrite(folder / name, heights, extratags=tags, photometric="minisblack", **how)
        return heights

    return write


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("float32", "-9999"), ("float32", "nan"), ("float64", "-3.4028234663852886e+38"), ("int16", "-32768"), ("uint16", "0"), ("uint8", "255")]
)  # fmt: skip
def test_the_value_that_a_file_states(succeeds, folder, raster, dtype, nodata):
    heights = raster("dem.tif", dtype, nodata, compression="deflate")
    hidden = np.isnan(heights) if nodata == "nan" else heights == heights.dtype.type(float(nodata))
    for command, call in (
        (("blur", "--sigma", 2), lambda f, **o: library.gaussian_blur(f, 2, **o)),
        (("median", "--size", 3), lambda f, **o: library.median(f, 3, **o)),
        (("apply", "-k", "1 2 1", "--normalize"), lambda f, **o: library.convolve(f, np.array([[1, 2, 1]]) / 4, **o)),
    ):
        for value in ("auto", nodata):
            succeeds(command[0], "dem.tif", "out.tif", *command[1:], "--nodata", value, "-q")
            read = library.read("dem.tif").pixels
            found = library.read("out.tif").pixels
            np.testing.assert_array_equal(found, call(read, nodata=float(nodata)))
            np.testing.assert_array_equal(found[hidden], read[hidden])
            assert (found[~hidden] > 0).all()
    succeeds("pool", "dem.tif", "out.tif", "--op", "max", "--size", "4", "--nodata", "auto", "-q")
    np.testing.assert_array_equal(library.read("out.tif").pixels, library.pool(read, "max", 4, nodata=float(nodata)))


def test_in_bands_chains_and_parts(succeeds, folder, raster, monkeypatch):
    from imconv import file_to_file

    heights = raster("dem.tif", shape=(700, 300), rowsperstrip=16)
    expected = library.gaussian_blur(heights, 2, nodata=-9999)
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    succeeds("blur", "dem.tif", "out.tif", "--sigma", 2, "--nodata", "auto")
    np.testing.assert_array_equal(library.read("out.tif").pixels, expected)
    succeeds("blur", "dem.tif", "out.tif", "--sigma", 2, "--nodata", "auto", "--region", "100x90+20+300", "--crop")
    np.testing.assert_array_equal(library.read("out.tif").pixels, expected[300:390, 20:120])
    succeeds("chain", "blur --sigma 2 | max --size 3", "dem.tif", "out.tif", "--nodata", "auto")
    np.testing.assert_allclose(library.read("out.tif").pixels, library.maximum(expected, 3, nodata=-9999), rtol=1e-6)


def test_each_page_has_its_own(succeeds, folder):
    pages = [np.arange(1, 82, dtype=np.uint8).reshape(9, 9) for _ in range(2)]
    with tifffile.TiffWriter(folder / "two.tif") as file:
        for number, page in enumerate(pages):
            file.write(page, extratags=[(42113, "s", 0, str(5 + number), True)], photometric="minisblack")
    succeeds("box", "two.tif", "out.tif", "--size", 3, "--nodata", "auto")
    for number, page in enumerate(pages):
        found = library.read("out.tif", page=number).pixels
        np.testing.assert_array_equal(found, library.box_blur(page, 3, nodata=5 + number))
        assert (found.flat[4], found.flat[5])[number] == 5 + number


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("blur", "bare.tif", "out.tif", "--sigma", 2, "--nodata", "auto"), 1, "bare.tif: it states no no-data value (TIFF tag 42113)"),
        (("blur", "dem.tif", "out.tif", "--sigma", 2, "--nodata", "none"), 2, "--nodata must be a number, nan or auto, not 'none'"),
        (("blur", "u8.tif", "out.tif", "--sigma", 2, "--nodata", "-1"), 2, "--nodata -1 is no sample of a picture of uint8"),
        (("edges", "dem.tif", "out.tif", "--nodata", "auto"), 2, "--nodata goes with blur, box"),
        (("sharpen", "dem.tif", "out.tif", "--nodata", "auto"), 2, "weights that are not negative"),
        (("chain", "blur --sigma 2 | edges", "dem.tif", "out.tif", "--nodata", "auto"), 2, "step 2: --nodata goes with blur"),
        (("blur", "dem.tif", "out.tif", "--sigma", 2, "--nodata", "auto", "--linear"), 2, "--linear decodes"),
        (("blur", "dem.tif", "out.tif", "--sigma", 2, "--nodata", "auto", "--depth", "16"), 2, "--depth would rescale"),
    ],
)  # fmt: skip
def test_mistakes(imconv, folder, raster, arguments, code, words):
    raster("dem.tif")
    raster("u8.tif", "uint8", "0")
    raster("bare.tif", untagged=True)
    result = imconv(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (code, b"", 1)
    assert words in result.err
    assert not (folder / "out.tif").exists()


def test_a_value_that_no_sample_can_have(succeeds, raster):
    """A file may state one: then all samples are data."""
    heights = raster("u8.tif", "uint8", "0", untagged=True)
    tifffile.imwrite("u8.tif", heights, extratags=[(42113, "s", 0, "-9999", True)], photometric="minisblack")
    succeeds("box", "u8.tif", "out.tif", "--size", 3, "--nodata", "auto")
    np.testing.assert_array_equal(library.read("out.tif").pixels, library.box_blur(heights, 3))


def test_a_value_that_is_no_number(imconv, folder):
    for text in ("abc", "auto", "1,2"):
        tifffile.imwrite(
            folder / "odd.tif",
            np.ones((9, 9), np.uint8),
            extratags=[(42113, "s", 0, text, True)],
            photometric="minisblack",
        )
        result = imconv("box", "odd.tif", "out.tif", "--size", 3, "--nodata", "auto")
        assert (result.code, result.err) == (
            1,
            f"imconv: odd.tif: it states {text!r} as no-data value (TIFF tag 42113), which is no number; give the value\n",
        )


def test_what_the_tag_may_hold():
    from imconv.files.tags import Entry
    from imconv.files.tiff.layout import _nodata

    layout = {"palette": None, "photometric": 1}
    for data, expected in (
        (b"-9999\0", "-9999"),
        (b" nan \0", "nan"),
        (b"0", "0"),
        (b"\0", None),
        (b"", None),
        (b"1\0002\0", "1"),
    ):
        assert _nodata({42113: Entry(2, len(data), data, 0)}, layout) == expected
    assert _nodata({42113: Entry(3, 1, b"\1\0", 0)}, layout) is None
    assert _nodata({42113: Entry(2, 2, b"0\0", 0)}, {**layout, "photometric": 0}) is None
    assert _nodata({}, layout) is None
