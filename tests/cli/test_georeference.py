"""GeoTIFF tags of results. The samples of the pictures are ground coordinates, so that means of them say where they lie."""

import io
import struct
from fractions import Fraction

import numpy as np
import pytest
import tifffile

import imconv as library
from imconv.files import Metadata, Picture, read, write
from imconv.geometry.grid import SAME, Grid

SCALE, TIES, MATRIX, KEYS, RPC = 33550, 33922, 34264, 34735, 50844
ROWS, COLUMNS = 60, 80
AREA, POINT = 1, 2
STEPS = 2.0, -0.5  # ground coordinates between columns and between rows
ORIGIN = 500000.0, 4600000.0
BOUND = 1e-6  # of a fit to tie points, and of means of 64-bit floats; steps are a half or more


def keys(raster: int) -> tuple:
    return (KEYS, "H", 8, (1, 1, 0, 1, 1025, 0, 1, raster), True)


def doubles(tag: int, *values) -> tuple:
    return (tag, "d", len(values), tuple(map(float, values)), True)


def by_scale(column: float = 0, row: float = 0) -> list[tuple]:
    """Scale and a tie point at any raster coordinates."""
    x, y = ORIGIN[0] + column * STEPS[0], ORIGIN[1] + row * STEPS[1]
    return [doubles(SCALE, STEPS[0], -STEPS[1], 0), doubles(TIES, column, row, 0, x, y, 0)]


def by_matrix() -> list[tuple]:
    return [doubles(MATRIX, STEPS[0], 0, 0, ORIGIN[0], 0, STEPS[1], 0, ORIGIN[1], 0, 0, 0, 0, 0, 0, 0, 1)]


def by_points() -> list[tuple]:
    """Tie points at the corners and within, without a scale."""
    places = [(0, 0), (COLUMNS, 0), (0, ROWS), (COLUMNS, ROWS), (7, 11)]
    values = [(c, r, 0, ORIGIN[0] + c * STEPS[0], ORIGIN[1] + r * STEPS[1], 0) for c, r in places]
    return [doubles(TIES, *(value for point in values for value in point))]


WAYS = {"scale": by_scale(), "scale elsewhere": by_scale(40, 12), "matrix": by_matrix(), "points": by_points()}


def ground(raster: int, shape=(ROWS, COLUMNS)) -> np.ndarray:
    """The ground coordinates of the middle of each pixel, (2, rows, columns), less those of the origin."""
    middle = 0.5 if raster == AREA else 0.0
    rows, columns = np.mgrid[: shape[0], : shape[1]] + middle
    return np.stack([columns * STEPS[0], rows * STEPS[1]])


def stored(pixels: np.ndarray, tags: list[tuple], **how) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, software=False, extratags=tags, **how)
    return file.getvalue()


def tags_of(data, page: int = 0) -> dict[int, tuple]:
    with tifffile.TiffFile(io.BytesIO(data) if isinstance(data, bytes) else data) as file:
        return {tag.code: tag.value for tag in file.pages[page].tags.values()}


def stated(tags: dict[int, tuple], shape) -> np.ndarray:
    """Where a file's tags say that the middles of its pixels lie, less the origin: `ground` by another way."""
    middle = 0.0 if KEYS in tags and tags[KEYS][7] == POINT else 0.5
    rows, columns = np.mgrid[: shape[0], : shape[1]] + middle
    if MATRIX in tags:
        m = np.reshape(tags[MATRIX], (4, 4))
        x, y = (m[i, 0] * columns + m[i, 1] * rows + m[i, 3] for i in (0, 1))
    elif SCALE in tags:
        i, j, _, x, y, _ = tags[TIES]
        x, y = x + (columns - i) * tags[SCALE][0], y - (rows - j) * tags[SCALE][1]
    else:
        points = np.reshape(tags[TIES], (-1, 6))
        known = np.column_stack([points[:, :2], np.ones(len(points))])
        (x, y), *_ = (np.linalg.lstsq(known, points[:, 3:5], rcond=None)[0].T @ [columns.ravel(), rows.ravel(),
                       np.ones(columns.size)],)  # fmt: skip
        x, y = x.reshape(shape), y.reshape(shape)
    return np.stack([x - ORIGIN[0], y - ORIGIN[1]])


COMMANDS = {
    "same": ["box", "--size", "3"],
    "crop": ["box", "--size", "3", "--region", "30x25+11+7", "--crop"],
    "crop at the corner": ["box", "--size", "3", "--region", "30x25+0+0", "--crop"],
    "stride": ["box", "--size", "3", "--stride", "2"],
    "strides": ["box", "--size", "3x5", "--stride", "3,2"],
    "valid": ["blur", "--sigma", "1", "--pad", "valid"],
    "full": ["box", "--size", "5", "--pad", "full"],
    "number": ["box", "--size", "5", "--pad", "1"],
    "numbers": ["box", "--size", "3", "--pad", "0,1,2,3"],
    "dilated": ["apply", "-k", "1 1 1; 1 1 1; 1 1 1", "--normalize", "--dilation", "2", "--pad", "valid", "--stride", "2"],
    "pool": ["pool", "--op", "avg", "--size", "4"],
    "odd pool": ["pool", "--op", "avg", "--size", "3x5", "--stride", "2"],
    "padded pool": ["pool", "--op", "avg", "--size", "4", "--stride", "3", "--padding", "1", "--exclude-pad"],
    "median pool": ["pool", "--op", "median", "--size", "2", "--dilation", "3"],
    "pool without no-data": ["pool", "--op", "avg", "--size", "4", "--nodata", "-9999"],
    "blur pool": ["pool", "--op", "blur", "--size", "4", "--stride", "2"],
    "antialias": ["pool", "--op", "avg", "--size", "2", "--antialias", "4"],
    "median": ["median", "--size", "3", "--stride", "2", "--pad", "valid"],
    "local": ["bilateral", "--sigma", "1", "--sigma-range", "100%"],
    "chain": ["chain", "box --size 3 --pad valid | pool --op avg --size 2 | box --size 3 --stride 2"],
    "composed chain": ["chain", "box --size 3 | box --size 3 --stride 3", "--border", "wrap"],
    "linear chain": ["chain", "box --size 3 | box --size 5 --stride 2", "--border", "mirror"],
    "like": ["blur", "--sigma", "1", "--like", "scipy"],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture_of(raster: int) -> np.ndarray:
    """Ground coordinates as samples: columns' in the first channel, rows' in the second."""
    return np.concatenate([ground(raster), np.ones((1, ROWS, COLUMNS))]).transpose(1, 2, 0).copy()


def check(name: str, margin: int = 4) -> dict[int, tuple]:
    """The samples of a result, but for those at its border, are where its tags say they are. The tags."""
    result, tags = read(name), tags_of(name)
    inside = np.s_[margin:-margin, margin:-margin]
    found = stated(tags, result.pixels.shape[:2]).transpose(1, 2, 0)[inside]
    np.testing.assert_allclose(result.pixels[..., :2][inside], found, rtol=0, atol=BOUND)
    return tags


@pytest.mark.parametrize("raster", [AREA, POINT], ids=["area", "point"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", COMMANDS)
def test_results_lie_where_their_tags_say(succeeds, folder, command, way, raster):
    """By every way to say it, with every command that changes the grid."""
    (folder / "in.tif").write_bytes(stored(picture_of(raster), [*WAYS[way], keys(raster)], photometric="rgb"))
    name, *options = COMMANDS[command]
    places = ["in.tif", "out.tif"]
    succeeds(name, *([options[0], *places, *options[1:]] if name == "chain" else [*places, *options]))
    tags, before = check("out.tif"), tags_of("in.tif")
    assert tags[KEYS] == before[KEYS]
    if read("out.tif").pixels.shape == read("in.tif").pixels.shape:
        assert {t: tags[t] for t in (SCALE, TIES, MATRIX) if t in tags} == {
            t: before[t] for t in (SCALE, TIES, MATRIX) if t in before
        }


STORED = {
    "raw": {},
    "deflate": {"compression": "deflate", "predictor": True},
    "lzma": {"compression": "lzma"},
    "BigTIFF": {"bigtiff": True},
    "big-endian": {"byteorder": ">"},
    "big-endian BigTIFF, tiled": {"bigtiff": True, "byteorder": ">", "tile": (32, 32), "compression": "deflate"},
    "planes": {"planarconfig": "separate"},
}
METADATA = '<GDALMetadata>\n  <Item name="SOURCE">a survey</Item>\n</GDALMetadata>'
OWN = [(42112, "s", 0, METADATA, True), (42113, "s", 0, "-9999", True), (65001, "H", 3, (1, 2, 3), True),
       (65002, "d", 2, (0.1, 1e300), True), (65003, "s", 0, "a word", True)]  # fmt: skip


@pytest.mark.parametrize("how", STORED)
@pytest.mark.parametrize("command", ["same", "stride", "crop"])
def test_in_bands_as_in_memory(succeeds, folder, monkeypatch, how, command):
    """Whatever the file's order of bytes and its compression are."""
    if "predictor" in STORED[how]:
        pytest.importorskip("imagecodecs")
    pixels = picture_of(AREA).transpose(2, 0, 1) if how == "planes" else picture_of(AREA)
    tags = [*by_scale(), keys(AREA), *OWN]
    (folder / "in.tif").write_bytes(stored(np.ascontiguousarray(pixels), tags, photometric="rgb", **STORED[how]))
    name, *options = COMMANDS[command]
    notes = command != "same"
    said = succeeds(name, "in.tif", "memory.tif", *options, notes=notes).err
    monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 1)
    explained = succeeds(name, "in.tif", "bands.tif", *options, "--explain", notes=True).err
    assert "in bands of rows" in explained
    assert (folder / "memory.tif").read_bytes() == (folder / "bands.tif").read_bytes()
    tags = check("memory.tif")
    assert (tags[42112], tags[42113]) == (METADATA, "-9999")
    assert read("memory.tif").metadata.nodata == "-9999"
    if notes:
        words = "memory.tif: private tags 65001, 65002, 65003 left out: true of the picture as it was only"
        assert said == f"imconv: {words}\n"
        assert not {65001, 65002, 65003} & tags.keys()
    else:
        assert (tags[65001], tags[65002], tags[65003]) == ((1, 2, 3), (0.1, 1e300), "a word")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("upright", [False, True])
def test_turned_pictures(succeeds, folder, orientation, way, upright):
    """Georeferencing is of the pixels as they are stored, while regions are of the picture as it is shown."""
    tags = [*WAYS[way], keys(AREA), (274, "H", 1, orientation, True)]
    (folder / "in.tif").write_bytes(stored(picture_of(AREA), tags, photometric="rgb"))
    options = ["--auto-orient"] if upright else []
    succeeds("box", "in.tif", "out.tif", "--size", 3, "--region", "30x25+11+7", "--crop", *options)
    check("out.tif", margin=0)
    succeeds("pool", "in.tif", "out.tif", "--op", "avg", "--size", "2x3", *options)
    check("out.tif", margin=0)


def test_rational_polynomials(succeeds, folder):
    """Their rows and columns are counted from the middle of the first pixel, whatever the keys say."""
    values = [-1.0, -1, 30, 40, 10, 20, 5, 31, 41, *range(83)]
    (folder / "in.tif").write_bytes(stored(picture_of(AREA), [keys(AREA), doubles(RPC, *values)], photometric="rgb"))
    succeeds("pool", "in.tif", "out.tif", "--op", "avg", "--size", "2x4")
    expected = [*values[:2], (30 - 0.5) / 2, (40 - 1.5) / 4, *values[4:7], 31 / 2, 41 / 4, *values[9:]]
    assert list(tags_of("out.tif")[RPC]) == expected
    succeeds("box", "in.tif", "out.tif", "--size", "3")
    assert list(tags_of("out.tif")[RPC]) == values


def test_pixels_without_a_place(succeeds, folder):
    """A sheet of several results, a turned picture with several tie points besides a scale, an array of another size."""
    tags = [*by_scale(), keys(AREA)]
    (folder / "in.tif").write_bytes(stored(picture_of(AREA), tags, photometric="rgb"))
    said = succeeds("gabor", "in.tif", "out.tif", "--sigma", 2, "--wavelength", 4, "--bank", 4, notes=True).err
    assert "out.tif: georeferencing left out: the result's pixels have no place in it\n" in said
    assert not {SCALE, TIES, KEYS} & tags_of("out.tif").keys()
    picture = read("in.tif")
    report = write("out.tif", picture.replace(pixels=picture.pixels[3:, 5:]))
    assert report.notes == ("georeferencing left out: the result's pixels have no place in it",)
    assert write("out.tif", library.box_blur(picture, 3)).notes == ()
    check("out.tif", margin=1)
    again = library.pool(library.box_blur(read("out.tif"), 3, stride=2), "avg", 2)
    assert write("out.tif", again).notes == ()
    check("out.tif", margin=1)


DAMAGED = {
    "a scale of two": [(SCALE, "d", 2, (1.0, 1.0), True), by_scale()[1]],
    "a scale of 0": [doubles(SCALE, 0, 1, 0), by_scale()[1]],
    "no tie point": [by_scale()[0]],
    "half a tie point": [by_scale()[0], doubles(TIES, 0, 0, 0, 1)],
    "floats": [(SCALE, "f", 3, (1.0, 1.0, 0.0), True), by_scale()[1]],
    "not finite": [by_scale()[0], doubles(TIES, 0, 0, 0, float("nan"), 1, 0)],
    "too large": [doubles(SCALE, 1e308, 1, 0), by_scale()[1]],
    "a matrix of 15": [doubles(MATRIX, *range(15))],
    "polynomials of 91": [doubles(RPC, *range(91))],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_tags_are_left_out_once(succeeds, folder, damage):
    (folder / "in.tif").write_bytes(stored(picture_of(AREA), [*DAMAGED[damage], keys(AREA)], photometric="rgb"))
    said = succeeds("box", "in.tif", "out.tif", "--size", "3", "--stride", "2", notes=True).err
    assert said.count("\n") == 1
    assert said.startswith("imconv: out.tif: georeferencing left out: it")
    assert not {SCALE, TIES, MATRIX, KEYS, RPC} & tags_of("out.tif").keys()


def test_other_formats_say_so_in_one_note(succeeds, folder):
    tags = [*by_scale(), keys(AREA), *OWN[:2]]
    (folder / "in.tif").write_bytes(stored(np.zeros((6, 5), np.uint8), tags))
    words = "georeferencing, no-data value -9999, GDAL metadata left out"
    for name, format in (("png", "PNG"), ("jpg", "JPEG"), ("npy", "NPY"), ("pgm", "PGM")):
        said = succeeds("box", "in.tif", f"out.{name}", "--size", "3", notes=True).err
        assert said == f"imconv: out.{name}: {words}: {format} holds none\n"
    succeeds("box", "in.tif", "out.png", "--size", "3", "--strip")
    succeeds("box", "in.tif", "out.tif", "--size", "3", "--strip")
    assert not {SCALE, TIES, KEYS, 42112, 42113} & tags_of("out.tif").keys()


def test_gdal_metadata_that_is_no_longer_true(succeeds, folder):
    items = (
        '<Item name="STATISTICS_MEAN" sample="0">3</Item>', '<Item name="OFFSET" sample="0" role="offset">-5</Item>',
        '<Item name="UNITS">m</Item>',
    )  # fmt: skip
    xml = "<GDALMetadata>\n  {}\n  {}\n  {}\n</GDALMetadata>".format(*items)
    tags = [(42112, "s", 0, xml, True), (42113, "s", 0, "7", True)]
    (folder / "in.tif").write_bytes(stored(np.zeros((6, 5), np.uint8), tags))
    said = succeeds("box", "in.tif", "out.tif", "--size", "3", notes=True).err
    assert said == "imconv: out.tif: statistics in the GDAL metadata left out: true of the picture as it was only\n"
    assert tags_of("out.tif")[42112] == "<GDALMetadata>\n  {}\n  {}\n</GDALMetadata>".format(*items[1:])
    said = succeeds("box", "in.tif", "out.tif", "--size", "3", "--depth", 16, notes=True).err
    assert "scale and offset in the GDAL metadata left out" in said
    assert "no-data value 7 left out: samples are of another depth" in said
    assert tags_of("out.tif")[42112] == f"<GDALMetadata>\n  {items[2]}\n</GDALMetadata>"
    assert 42113 not in tags_of("out.tif")


def test_no_data_of_a_palette_is_no_sample(succeeds, folder):
    colours = np.zeros((3, 256), np.uint16)
    data = stored(np.zeros((6, 5), np.uint8), [OWN[1]], photometric="palette", colormap=colours)
    (folder / "in.tif").write_bytes(data)
    said = succeeds("box", "in.tif", "out.tif", "--size", "3", notes=True).err
    assert "in.tif: no-data value -9999 left out: samples are not as the file holds them" in said
    assert 42113 not in tags_of("out.tif")


def test_tags_that_belong_to_the_file_are_named(succeeds, folder):
    """What points into the file, holds a preview, or has a type that a usual TIFF lacks."""
    tags = [(34412, "B", 4, b"abcd", True), (65010, "B", 8, b"\xff\xd8\xff\xdb\0\0\0\0", True),
            (65011, "Q", 1, 5, True), (306, "s", 0, "2024:01:01 00:00:00", True)]  # fmt: skip
    (folder / "in.tif").write_bytes(stored(np.zeros((6, 5), np.uint8), tags, bigtiff=True))
    said = succeeds("box", "in.tif", "out.tif", "--size", "3", notes=True).err
    assert said == ("imconv: out.tif: private tags 34412, 65010, 65011 left out: true of the picture as it was only\n")
    assert tags_of("out.tif")[306] == "2024:01:01 00:00:00"


def test_every_page_has_its_own(succeeds, folder):
    """Its place, whether it is a page of several, and its number."""
    with tifffile.TiffWriter("in.tif") as file:
        for number in range(3):
            own = [*by_scale(number, 2 * number), keys(AREA), (297, "H", 2, (number, 3), True)]
            file.write(picture_of(AREA)[number:], photometric="rgb", metadata=None, subfiletype=2, extratags=own)
    succeeds("pool", "in.tif", "out.tif", "--op", "avg", "--size", 2)
    for number in range(3):
        tags = tags_of("out.tif", number)
        assert (tags[254], tags[297]) == (2, (number, 3))
        assert tags[SCALE] == (4, 1, 0)
        assert tags[TIES][:2] == (number, 2 * number)
    succeeds("box", "in.tif", "one.tif", "--size", 3, "--page", 2)
    assert tags_of("one.tif")[TIES] == tags_of("in.tif", 2)[TIES]


def test_iptc_and_photoshop(succeeds, folder):
    """Captions, as bytes or as 32-bit numbers, and image resources without their thumbnail."""
    caption = b"\x1c\x02\x78\0\x05hello\0\0"
    resource = b"8BIM" + struct.pack(">H", 1036) + b"\0\0" + struct.pack(">I", 4) + b"\xff\xd8\xff\xdb"
    other = b"8BIM" + struct.pack(">H", 1035) + b"\0\0" + struct.pack(">I", 2) + b"ab"
    for kind, count in (("B", len(caption)), ("I", len(caption) // 4)):
        value = caption if kind == "B" else struct.unpack(f"<{count}I", caption)
        tags = [(33723, kind, count, value, True), (34377, "B", len(resource + other), resource + other, True)]
        (folder / "in.tif").write_bytes(stored(np.zeros((6, 5), np.uint8), tags))
        succeeds("box", "in.tif", "out.tif", "--size", "3")
        assert read("out.tif").metadata.iptc == caption
        assert bytes(tags_of("out.tif")[34377]) == other
    succeeds("box", "in.tif", "out.jpg", "--size", "3", notes=True)
    assert read("out.jpg").metadata.iptc.startswith(caption[:10])


def test_grids_of_grids():
    """Positions through two grids are positions through their composition."""
    first = Grid.along_axes((2, Fraction(1, 2)), (3, -1))
    second = Grid.turned((5, 7), True, False, True)
    both = second.of(first)
    for i, j in ((0, 0), (4, 6), (2, 1)):
        row, column = j * 0 + second.rows[0] * i + second.rows[1] * j + second.rows[2], 0
        column = second.columns[0] * i + second.columns[1] * j + second.columns[2]
        assert both.rows[0] * i + both.rows[1] * j + both.rows[2] == 2 * row + Fraction(1, 2)
        assert both.columns[0] * i + both.columns[1] * j + both.columns[2] == 3 * column - 1
    assert (both.steps, first.steps, SAME.of(first)) == (None, (2, 3), first)


def test_metadata_made_by_hand_needs_no_origin(folder):
    """Tags without the file they were read from can't be placed; a no-data value can be stated."""
    picture = Picture(np.zeros((4, 5), np.uint8), metadata=Metadata(nodata="3"))
    assert write("out.tif", picture).notes == ()
    assert tags_of("out.tif")[42113] == "3"
