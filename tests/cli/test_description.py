"""Image descriptions that state an array's shape, as tifffile reads them again: the result is one array, of the right axes."""

import io
import json

import numpy as np
import pytest
import tifffile

from imconv.files import Metadata, Picture, read, read_pages, write, write_pages
from imconv.files.description import Result, adjusted
from imconv.files.origin import Origin
from imconv.files.tags import DESCRIPTION, text_of, with_text

ROWS, COLUMNS = 24, 30
RNG = np.random.default_rng(3)
LEFT_OUT = "image description left out: it states the shape of the array as it was"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def series(name: str) -> list[tuple]:
    with tifffile.TiffFile(name) as file:
        return [(each.shape, each.axes, each.kind) for each in file.series]


def description(name: str, page: int = 0) -> str | None:
    with tifffile.TiffFile(name) as file:
        tag = file.pages[page].tags.get(DESCRIPTION)
        return tag and tag.value


def samples(*shape: int, dtype="uint8") -> np.ndarray:
    return RNG.integers(0, 255, shape).astype(dtype)


KINDS = {
    "tifffile": ((), "YX", {"metadata": {"axes": "YX", "who": "me"}}),
    "tifffile, colour": ((3,), "YXS", {"metadata": {"axes": "YXS"}, "photometric": "rgb"}),
    "tifffile, pages": ((4,), "TYX", {"metadata": {"axes": "TYX"}, "photometric": "minisblack"}),
    "tifffile, more axes": ((2, 3), "TZYX", {"metadata": {"axes": "TZYX"}, "photometric": "minisblack"}),
    "ImageJ": ((4,), "TYX", {"imagej": True, "metadata": {"axes": "TYX", "unit": "um"}}),
    "ImageJ, more axes": ((2, 3), "TCYX", {"imagej": True, "metadata": {"axes": "TCYX"}}),
    "OME": ((4,), "TYX", {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}}),
    "OME, more axes": ((2, 3), "TCYX", {"ome": True, "metadata": {"axes": "TCYX"}}),
    "OME, colour": ((3,), "YXS", {"ome": True, "photometric": "rgb", "metadata": {"axes": "YXS"}}),
}
SIZES = {
    "stride": (["box", "--size", 3, "--stride", 2], (12, 15)),
    "crop": (["box", "--size", 3, "--region", "20x11+3+2", "--crop"], (11, 20)),
    "valid": (["box", "--size", 3, "--pad", "valid"], (22, 28)),
    "full": (["box", "--size", "3x1", "--pad", "full"], (26, 30)),
    "pool": (["pool", "--op", "max", "--size", 2], (12, 15)),
    "same": (["box", "--size", 3], (ROWS, COLUMNS)),
}


def made(kind: str, name: str = "in.tif", **how) -> tuple[tuple, str]:
    """A file of a kind; the axes' lengths but for rows and columns, and the axes."""
    others, axes, options = KINDS[kind]
    own = (ROWS, COLUMNS, *others) if axes.endswith("S") else (*others, ROWS, COLUMNS)
    tifffile.imwrite(name, samples(*own), software=False, **options, **how)
    return others, axes


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_results_are_arrays_of_the_same_axes(succeeds, folder, kind, size, order):
    others, axes = made(kind, byteorder=order)
    (name, *options), (rows, columns) = SIZES[size]
    succeeds(name, "in.tif", "out.tif", *options)
    shape = (rows, columns, *others) if axes.endswith("S") else (*others, rows, columns)
    ((found, *rest),) = series("out.tif")
    assert (found, rest) == (shape, [axes, {"t": "shaped", "I": "imagej", "O": "ome"}[kind[0]]])
    if size == "same":
        assert description("out.tif") == description("in.tif")
    if "who" in str(KINDS[kind]):
        assert json.loads(description("out.tif"))["who"] == "me"
    np.testing.assert_array_equal(tifffile.imread("out.tif").reshape(-1), tifffile.imread("out.tif", series=0).ravel())
    back = [page.pixels for page in read_pages("out.tif")]
    np.testing.assert_array_equal(np.squeeze(back).reshape(shape), tifffile.imread("out.tif"))


def test_the_size_of_pixels_in_ome(succeeds, folder):
    made("OME")
    succeeds("pool", "in.tif", "out.tif", "--op", "avg", "--size", "2x3")
    text = description("out.tif")
    assert 'PhysicalSizeX="0.75"' in text
    assert 'PhysicalSizeY="1.0"' in text
    assert 'Type="uint8"' in text
    succeeds("box", "in.tif", "out.tif", "--size", 3, "--depth", "float")
    assert 'Type="float"' in description("out.tif")
    assert series("out.tif") == [((4, ROWS, COLUMNS), "TYX", "ome")]


@pytest.mark.parametrize("page", [0, 2])
@pytest.mark.parametrize("kind", ["tifffile, pages", "ImageJ", "tifffile, more axes", "OME"])
def test_one_page_of_several(succeeds, folder, kind, page):
    made(kind)
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--page", page, notes=True).err
    ((shape, axes, _),) = series("out.tif")
    assert (shape, axes) == ((ROWS, COLUMNS), "YX")
    assert said == (f"imconv: out.tif: {LEFT_OUT}\n" if kind == "OME" and page == 0 else "")
    if kind == "ImageJ" and page == 0:
        text = description("out.tif")
        assert "unit=um" in text
        assert "images=" not in text


def test_planes_are_written_pixel_by_pixel(succeeds, folder):
    """So an array of planes is described otherwise, though its size stays."""
    pixels = samples(3, ROWS, COLUMNS)
    how = {"photometric": "rgb", "planarconfig": "separate", "metadata": {"axes": "SYX"}}
    tifffile.imwrite("in.tif", pixels, **how)
    succeeds("box", "in.tif", "out.tif", "--size", 1)
    assert series("out.tif") == [((ROWS, COLUMNS, 3), "YXS", "shaped")]
    np.testing.assert_array_equal(tifffile.imread("out.tif"), pixels.transpose(1, 2, 0))


def test_pictures_without_directories_are_told(succeeds, folder):
    """tifffile and ImageJ can store a whole stack behind one directory."""
    tifffile.imwrite(
        "in.tif", samples(5, ROWS, COLUMNS), photometric="minisblack", metadata={"truncate": True, "axes": "TYX"}
    )
    if len(tifffile.TiffFile("in.tif").pages) > 1:
        text = '{"shape": [5, 24, 30], "axes": "TYX", "truncated": true}'
        tifffile.imwrite("in.tif", samples(ROWS, COLUMNS), metadata=None, description=text)
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--stride", 2, notes=True).err
    assert (
        "in.tif: first of 5 pictures that its description states: the others have no directories of their own" in said
    )
    assert series("out.tif") == [((12, 15), "YX", "shaped")]


OTHER_TEXTS = {
    "a cat": "a cat",
    "scan, 30x24, 0.5 um": None,
    "30 pixels": "30 pixels",
    "130x240": "130x240",
    "shape=(24, 30)": "shape=(12, 15)",
    '{"shape": [30, 24]}': None,
    '{"shape": 7}': None,
    '{"shape": [24, 30}': None,
    '{"shape": [24, 30, "a"]}': None,
    '{"shape": ' + "[" * 50_000: None,
    "ImageJ=1.5\nimages=x": None,
    "ImageJ=1.5\nmin=0": "ImageJ=1.5\nmin=0",
    '<OME><Pixels SizeX="5" SizeY="24"/></OME>': None,
    "<OME><Pixels SizeX='30' SizeY='24'/></OME>": "<OME><Pixels SizeX='15' SizeY='12'/></OME>",
    '<OME><Pixels SizeX="30" SizeY="24" PhysicalSizeX="x"/></OME>': None,
    '<OME><Pixels SizeX="30" SizeY="24"/><UUID FileName="a"/><UUID FileName="b"/></OME>': None,
}


@pytest.mark.parametrize("text", OTHER_TEXTS, ids=lambda text: text[:30])
def test_other_descriptions(succeeds, folder, text):
    """Whatever a description says, it is adjusted, or left out with a note, where the shape changes, and else stays."""
    tifffile.imwrite("in.tif", samples(ROWS, COLUMNS), metadata=None, software=False, description=text)
    succeeds("box", "in.tif", "same.tif", "--size", 3)
    assert description("same.tif") == text
    expected = OTHER_TEXTS[text]
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--stride", 2, notes=True).err
    assert description("out.tif") == expected
    assert said == ("" if expected else f"imconv: out.tif: {LEFT_OUT}\n")


def test_other_tags_stay_beside_it(succeeds, folder):
    tifffile.imwrite(
        "in.tif", samples(ROWS, COLUMNS), software="a word", metadata={"axes": "YX"}, resolution=(72, 72, 2)
    )
    for name in ("out.tif", "out.png", "out.jpg"):
        succeeds("box", "in.tif", name, "--size", 3, "--stride", 2, notes=True)
        exif = read(name).metadata.exif
        assert b"a word" in exif
        assert text_of(exif, DESCRIPTION) == b'{"shape": [12, 15], "axes": "YX"}'


def test_pages_of_several_files(folder):
    """Files of one page make the pages of another; those of a longer array no longer say what they are."""
    made("tifffile", "a.tif")
    pages = [read("a.tif"), read("a.tif")]
    assert write_pages("out.tif", pages).notes == ()
    assert series("out.tif")[0][0] == (ROWS, COLUMNS)
    made("tifffile, pages", "b.tif")
    pages = [*read_pages("b.tif"), read("a.tif")]
    assert write_pages("out.tif", pages).notes == (LEFT_OUT,)


def test_pictures_from_elsewhere_keep_their_description(folder):
    """Only what was read from a TIFF is known to describe its array."""
    text = b'{"shape": [9, 9]}'
    exif = with_text(b"II*\0\x08\0\0\0\x01\0\x31\x01\x02\0\x02\0\0\0a\0\0\0\0\0\0\0", DESCRIPTION, text)
    picture = Picture(samples(5, 6), metadata=Metadata(exif=exif))
    write("out.tif", picture)
    assert description("out.tif") == text.decode()
    origin, result, notes = Origin((5, 6, 1)), Result(5, 6, 1, "uint8", 1), []
    assert adjusted(exif, None, result, notes) is adjusted(exif, origin, result, notes) is exif
    assert adjusted(b"II", origin, result, notes) == b"II"
    assert adjusted(None, origin, result, notes) is None
    assert notes == []
    file = io.BytesIO()
    write(file, picture, format="png")


ROI = b"Iout" + bytes(60)
LUTS = [np.arange(768, dtype=np.uint8).reshape(3, 256), np.zeros((3, 256), np.uint8)]
OF_IMAGEJ = {"axes": "TYX", "Info": "a w\u00f6rd", "Labels": ["one", "two"], "Ranges": (0.5, 7.0), "LUTs": LUTS,
             "ROI": ROI, "Overlays": [ROI, ROI], "Properties": {"key": "value"}}  # fmt: skip


def of_imagej(name: str) -> dict:
    with tifffile.TiffFile(name) as file:
        return file.imagej_metadata


@pytest.mark.parametrize("order", ["<", ">"])
def test_texts_labels_and_regions_of_imagej(succeeds, folder, order):
    """They are in the file's order of bytes. Regions refer to pixels, labels to pages, ranges to samples."""
    tifffile.imwrite("in.tif", samples(2, ROWS, COLUMNS), imagej=True, byteorder=order, metadata=OF_IMAGEJ)
    before = of_imagej("in.tif")
    assert {"Info", "Labels", "Ranges", "LUTs", "ROI", "Overlays", "Properties"} <= before.keys()
    succeeds("box", "in.tif", "same.tif", "--size", 3)
    after = of_imagej("same.tif")
    assert before.keys() == after.keys()
    for key, value in before.items():
        np.testing.assert_equal(after[key], value)
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--stride", 2, notes=True).err
    assert said == "imconv: out.tif: regions and overlays of ImageJ left out: true of the stack as it was only\n"
    after = of_imagej("out.tif")
    assert before.keys() - after.keys() == {"ROI", "Overlays"}
    assert after["Labels"] == before["Labels"]
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--page", 0, notes=True).err
    assert said == "imconv: out.tif: labels, ranges and palettes of ImageJ left out: true of the stack as it was only\n"
    assert before.keys() - of_imagej("out.tif").keys() >= {"Labels", "Ranges", "LUTs"}
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, "--depth", 16, notes=True).err
    assert said == "imconv: out.tif: ranges of ImageJ left out: true of the stack as it was only\n"


@pytest.mark.parametrize("change", [b"XJIJ", b"JIJIofni\xff\xff\xff\xff", b"JIJI"])
def test_damaged_tags_of_imagej_are_named(succeeds, folder, change):
    lengths = (4 + 8 * (len(change) > 4), 10)
    tags = [(50838, "I", 2, lengths, True), (50839, "B", len(change), change, True)]
    tifffile.imwrite("in.tif", samples(ROWS, COLUMNS), metadata=None, extratags=tags)
    said = succeeds("box", "in.tif", "out.tif", "--size", 3, notes=True).err
    assert said == "imconv: out.tif: private tags 50838, 50839 left out: true of the picture as it was only\n"
