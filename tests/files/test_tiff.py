"""TIFF read and written, held against tifffile, libvips, OpenCV, imagecodecs and Pillow."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import io
import itertools
import random
import struct
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tifffile
from PIL import Image

from imconv.errors import FileError, OptionError
from imconv.files import encode, inspect, outgoing, read, read_pages, streams, write_pages
from imconv.files import tags as tiff_tags
from imconv.files.formats import FORMATS
from imconv.files.header import read_header
from imconv.files.picture import MODES, PLANES, EncoderOptions, Metadata, Page, Picture
from imconv.files.tags import Tags
from imconv.files.tiff import codecs
from imconv.files.tiff import encode as tiff_encode
from tests.refused import refused

KINDS = sorted(FORMATS["TIFF"].holds - {("grey", "bool")})
COMPRESSIONS = ("none", "deflate", "lzw", "packbits", "zstd", "lzma")
PLAIN = ("none", "deflate", "lzma")  # what tifffile needs no imagecodecs for, but for the predictor of floats
_TIFFFILES = {"none": None, "deflate": "adobe_deflate"}
_PHOTOMETRIC = {"grey": "minisblack", "grey+alpha": "minisblack", "cmyk": "separated", "planes": "minisblack"}


try:
    import imagecodecs
except ImportError:
    imagecodecs = None


def needs_codec(compression: str) -> None:
    if compression not in PLAIN:
        pytest.importorskip("imagecodecs")


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def by_tifffile(pixels, mode="grey", *, order="<", bigtiff=False, compression="none", planar=False, **options) -> bytes:
    """A TIFF file by tifffile; `options` are those of its `write`."""
    buffer = io.BytesIO()
    options.setdefault("photometric", _PHOTOMETRIC.get(mode, "rgb"))
    if mode in ("grey+alpha", "rgba"):
        options.setdefault("extrasamples", ["unassalpha"])
    if mode == "planes":
        options.setdefault("extrasamples", [0] * (pixels.shape[2] - 1))
    if pixels.ndim == 3:
        options["planarconfig"] = "separate" if planar else "contig"
        pixels = np.moveaxis(pixels, 2, 0) if planar else pixels
    with tifffile.TiffWriter(buffer, byteorder=order, bigtiff=bigtiff) as writer:
        writer.write(pixels, compression=_TIFFFILES.get(compression, compression), metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("mode", "dtype"), KINDS)
def test_reads_what_tifffile_writes(make_pixels, mode, dtype):
    """Some of the combinations of compression, predictor, strips and tiles, byte order, BigTIFF, planes; another choice for
    each mode and type, the same on every run."""
    pixels = make_pixels(mode, dtype, 37, 43)
    orders = (("<", False), (">", False), ("<", True), (">", True))
    cuts = ({"rowsperstrip": 5}, {"rowsperstrip": 37}, {"tile": (16, 32)})
    planes = (False, True) if pixels.ndim == 3 else (False,)
    every = list(itertools.product(COMPRESSIONS, (False, True), cuts, orders, planes))
    if imagecodecs is None:
        every = [one for one in every if one[0] in PLAIN and not (one[1] and "float" in dtype)]
    for compression, predictor, cut, (order, big), planar in random.Random(mode + dtype).sample(
        every, min(40, len(every))
    ):
        options = {**cut, "order": order, "bigtiff": big, "compression": compression, "planar": planar}
        if compression in ("deflate", "lzw", "zstd", "lzma"):
            options["predictor"] = predictor
        picture = as_read(by_tifffile(pixels, mode, **options))
        assert (picture.mode, picture.pixels.dtype) == (mode, dtype)
        np.testing.assert_array_equal(picture.pixels, pixels, err_msg=str(options))


@pytest.mark.parametrize(("mode", "dtype"), [*KINDS, ("grey", "bool")])
def test_others_read_what_is_written(make_pixels, mode, dtype):
    pixels = make_pixels(mode, dtype, 300, 131)
    predictor = 1 if imagecodecs is None and "float" in dtype else None
    for compression in (*(COMPRESSIONS if imagecodecs else PLAIN), 0, 1, 6, 9):
        kept = compression if isinstance(compression, str) else "deflate" if compression else "none"
        metadata = Metadata(compression=kept, predictor=predictor)
        data = encode(Picture(pixels, mode, metadata=metadata), "TIFF", compression=compression)
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), pixels, err_msg=f"{compression}")
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            assert page.photometric == {"grey": 1, "grey+alpha": 1, "cmyk": 5, "planes": 1}.get(mode, 2)
            assert page.extrasamples == {"grey+alpha": (2,), "rgba": (2,), "planes": (0,) * 5}.get(mode, ())
            assert len(page.dataoffsets) > (1 if pixels.nbytes > 2 * tiff_encode.STRIP else 0)
        if compression in COMPRESSIONS:
            np.testing.assert_array_equal(as_read(data).pixels, pixels * 255 if dtype == "bool" else pixels)


@pytest.mark.parametrize("compression", ["none", "deflate", "lzw", "packbits"])
def test_libvips_and_opencv_read_what_is_written(make_pixels, compression):
    pyvips, cv2 = pytest.importorskip("pyvips"), pytest.importorskip("cv2")
    for mode, dtype in KINDS:
        pixels = make_pixels(mode, dtype, 40, 33)
        data = encode(Picture(pixels, mode), "TIFF", compression=compression)
        if dtype != "float64":  # libvips reads at most 32 bits
            seen = pyvips.Image.new_from_buffer(data, "").numpy()
            np.testing.assert_array_equal(seen, pixels, err_msg=f"libvips {mode} {dtype}")
        if mode in ("grey", "rgb") and dtype != "int32":
            seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(
                seen if seen.ndim == 2 else seen[..., ::-1], pixels, err_msg=f"{mode} {dtype}"
            )


def test_reads_what_libvips_writes(make_pixels):
    pyvips = pytest.importorskip("pyvips")
    for mode, dtype in KINDS:
        pixels = make_pixels(mode, dtype, 70, 90)
        image = pyvips.Image.new_from_array(pixels)
        interpretations = {
            "grey": "b-w",
            "grey+alpha": "b-w",
            "rgb": "srgb",
            "rgba": "srgb",
            "cmyk": "cmyk",
            "planes": "b-w",
        }
        interpretation = interpretations[mode]
        if dtype == "uint16" and mode not in ("cmyk", "planes"):
            interpretation = "rgb16" if "rgb" in mode else "grey16"
        elif dtype in ("float32", "float64") and "rgb" in mode:
            interpretation = "rgb"
        image = image.copy(interpretation=interpretation)
        for options in (
            {},
            {"compression": "lzw", "predictor": "horizontal"},
            {"compression": "deflate", "tile": True, "tile_width": 32, "tile_height": 16, "bigtiff": True},
            {"compression": "packbits"},
        ):
            data = image.tiffsave_buffer(**options)
            picture = as_read(data)
            np.testing.assert_array_equal(picture.pixels, pixels, err_msg=f"{mode} {dtype} {options}")


def test_reads_what_opencv_writes(make_pixels):
    cv2 = pytest.importorskip("cv2")
    for dtype in ("uint8", "uint16", "float32", "float64"):
        pixels = make_pixels("rgb", dtype, 30, 40)
        np.testing.assert_array_equal(as_read(cv2.imencode(".tiff", pixels[..., ::-1])[1].tobytes()).pixels, pixels)


def test_small_depths_and_reversed_bits():
    """1, 2 and 4 bits, rows that end within a byte, both bit orders, white as zero: files made by hand."""
    rng = np.random.default_rng(5)
    for bits, order, white, width in itertools.product((1, 2, 4), (1, 2), (0, 1), (1, 7, 8, 13)):
        values = rng.integers(0, 1 << bits, (3, width))
        rows = b""
        for row in values:
            text = "".join(f"{v:0{bits}b}" for v in row)
            text += "0" * (-len(text) % 8)
            packed = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
            rows += packed if order == 1 else bytes(int(f"{b:08b}"[::-1], 2) for b in packed)
        tags = [(256, width), (257, 3), (258, bits), (259, 1), (262, white), (266, order), (273, 8), (277, 1), (278, 3)]
        tags.append((279, len(rows)))
        directory = (
            struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags) + bytes(4)
        )
        data = b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + directory
        levels = values if white == 1 else (1 << bits) - 1 - values
        picture = as_read(data)
        np.testing.assert_array_equal(picture.pixels, levels * (255 // ((1 << bits) - 1)))
        assert f"{bits}-bit grey expanded to 8 bits" in picture.notes


@pytest.mark.parametrize(
    ("dtype", "expected", "note"),
    [("float16", "float32", "16-bit float samples widened to 32 bits"),
     ("int8", "int32", "signed 8-bit samples widened to 32 bits"),
     ("int16", "int32", "signed 16-bit samples widened to 32 bits")],
)  # fmt: skip
def test_types_that_are_widened(dtype, expected, note):
    rng = np.random.default_rng(1)
    for mode, order in (("grey", "<"), ("grey", ">"), ("rgb", ">")):
        shape = (20, 15, 3)[: 2 + (mode == "rgb")]
        pixels = (
            rng.normal(0, 100, shape) if dtype == "float16" else rng.integers(0, 100, shape) - 50 * ("u" not in dtype)
        ).astype(dtype)
        picture = as_read(by_tifffile(pixels, mode, order=order))
        assert (picture.pixels.dtype, picture.notes) == (expected, (note,))
        np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_premultiplied_alpha_is_divided_out_and_never_written(dtype):
    rng = np.random.default_rng(2)
    most = np.iinfo(dtype).max if dtype.startswith("u") else 1
    stored = (rng.random((30, 31, 4)) * most).astype(dtype)
    stored[:2, ..., 3] = 0
    for mode, channels in (("rgba", [0, 1, 2, 3]), ("grey+alpha", [0, 3])):
        picture = as_read(by_tifffile(stored[..., channels], mode, extrasamples=["assocalpha"]))
        assert "premultiplied alpha divided out" in picture.notes
        alpha = stored[..., 3:].astype(np.longdouble)
        with np.errstate(all="ignore"):
            exact = np.where(alpha == 0, 0, stored[..., channels[:-1]].astype(np.longdouble) * most / alpha)
        if dtype.startswith("u"):
            exact = np.minimum(np.floor(exact + 0.5), most)
            np.testing.assert_array_equal(picture.pixels[..., :-1], exact.astype(dtype))
        else:
            np.testing.assert_array_max_ulp(picture.pixels[..., :-1], exact.astype(dtype), 1)
        np.testing.assert_array_equal(picture.pixels[..., -1], stored[..., 3])
        with tifffile.TiffFile(io.BytesIO(encode(picture, "TIFF"))) as file:
            assert file.pages[0].extrasamples == (2,)


def test_jpeg_and_fax_within_tiff(make_pixels):
    pytest.importorskip("imagecodecs")
    smooth = np.add.outer(np.arange(64), np.arange(96))[..., None] + np.array([0, 30, 60])
    pixels = smooth.astype(np.uint8)
    data = by_tifffile(pixels, "rgb", compression="jpeg", tile=(32, 32), photometric="ycbcr")
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, tifffile.imread(io.BytesIO(data)))
    assert picture.metadata.compression == "jpeg"
    assert inspect(io.BytesIO(encode(picture, "TIFF"))).metadata.compression == "deflate"
    bits = make_pixels("grey", "bool", 40, 50)
    buffer = io.BytesIO()
    Image.fromarray(bits).save(buffer, "TIFF", compression="group4")
    np.testing.assert_array_equal(as_read(buffer.getvalue()).pixels, bits * 255)


WITHOUT = """
import io, sys
sys.modules["imagecodecs"] = None
import numpy as np
from imconv.errors import FileError, OptionError
from imconv.files import Metadata, Picture, encode, read
folder = sys.argv[1]
for name in ("none", "deflate", "packbits", "lzma", "lzw8"):
    picture = read(f"{folder}/{name}.tif")
    assert (picture.pixels == np.load(f"{folder}/{'lzw8' if name == 'lzw8' else 'pixels'}.npy")).all(), name
for name in ("lzw", "zstd"):
    try:
        read(f"{folder}/{name}.tif")
    except FileError as error:
        assert "pip install imconv[tiff]" in str(error), error
    else:
        raise AssertionError(name)
    try:
        encode(picture, "tiff", compression=name)
    except OptionError as error:
        assert "pip install imconv[tiff]" in str(error), error
    else:
        raise AssertionError(name)
from imconv.files import write
report = write(io.BytesIO(), picture, format="tiff")
assert any("written with deflate: LZW" in note for note in report.notes), report
"""


def test_without_imagecodecs(tmp_path, make_pixels):
    """Raw, deflate, packbits and LZMA with both predictors need nothing more; of LZW Pillow reads 8 bits."""
    pytest.importorskip("imagecodecs")
    pixels = make_pixels("rgb", "float32", 20, 30)
    np.save(tmp_path / "pixels.npy", pixels)
    for name in COMPRESSIONS:
        (tmp_path / f"{name}.tif").write_bytes(encode(pixels, "tiff", compression=name))
    eight = make_pixels("rgba", "uint8", 20, 30)
    np.save(tmp_path / "lzw8.npy", eight)
    (tmp_path / "lzw8.tif").write_bytes(encode(eight, "tiff", compression="lzw"))
    run = subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("compression", "predictor"), [("deflate", 1), ("deflate", 2), ("lzw", 2), ("zstd", 1), ("none", 1)]
)
def test_compression_and_predictor_are_kept(make_pixels, compression, predictor):
    needs_codec(compression)
    picture = as_read(
        by_tifffile(make_pixels("rgb", "uint16"), "rgb", compression=compression, predictor=predictor > 1)
    )
    assert (picture.metadata.compression, picture.metadata.predictor) == (compression, predictor)
    metadata = inspect(io.BytesIO(encode(picture, "TIFF"))).metadata
    assert (metadata.compression, metadata.predictor) == (compression, predictor)
    wide = picture.replace(pixels=picture.pixels.astype(np.float32))  # the predictor follows the type
    assert inspect(io.BytesIO(encode(wide, "TIFF"))).metadata.predictor == (3 if predictor == 2 else 1)
    asked = inspect(io.BytesIO(encode(picture, "TIFF", compression="lzma" if compression == "deflate" else "deflate")))
    assert asked.metadata.predictor == 2  # the default, where the input's compression is not kept


def test_wrong_compressions_are_refused(make_pixels):
    for wrong in ("jpeg", 10, -1, True, 2.5, "zip"):
        with pytest.raises(OptionError, match="not a whole number from 0 to 9, nor one of none, lzw, deflate"):
            encode(make_pixels("rgb", "uint8"), "tiff", compression=wrong)


def test_bigtiff_where_four_gigabytes_are_too_few(make_pixels, exif_block, icc_profile, monkeypatch):
    monkeypatch.setattr(tiff_encode, "_CLASSIC", 1000)
    pixels = make_pixels("rgb", "uint16", 40, 30)
    metadata = Metadata(icc=icc_profile, exif=exif_block, xmp=b"<x/>", dpi=(300.0, 150.5), orientation=6)
    pages = [Picture(pixels, metadata=metadata), Picture(pixels[:7, :9])]
    buffer = io.BytesIO()
    write_pages(buffer, pages, format="tiff")
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as file:
        assert file.is_bigtiff
        assert len(file.pages) == 2
        np.testing.assert_array_equal(file.pages[0].asarray(), pixels)
        np.testing.assert_array_equal(file.pages[1].asarray(), pixels[:7, :9])
        assert file.pages[0].tags["ExifTag"].value["ExposureTime"] in (0.125, (1, 8))
        assert file.pages[0].tags["YResolution"].value == (301, 2)
    picture = as_read(buffer.getvalue())
    np.testing.assert_array_equal(picture.pixels, pixels)
    monkeypatch.undo()
    found, alone = picture.metadata, as_read(encode(pages[0], "tiff")).metadata
    assert dataclasses.replace(found, origin=alone.origin) == alone


@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_of_both_byte_orders(make_pixels, order):
    pixels = make_pixels("rgb", "uint16")
    data = by_tifffile(
        pixels, "rgb", order=order, description="a picture", software="made up", datetime="2020:02:03 04:05:06",
        resolution=(118, 118), resolutionunit="CENTIMETER", iccprofile=b"\0" * 16 + b"RGB " + b"\0" * 108,
        extratags=[(274, 3, 1, 6, True), (700, 1, 4, b"<x/>", True), (33432, 2, 0, "somebody", True)],
    )  # fmt: skip
    picture = as_read(data)
    assert (picture.metadata.orientation, picture.metadata.dpi) == (6, pytest.approx((299.72, 299.72)))
    with tifffile.TiffFile(io.BytesIO(encode(picture, "tiff"))) as file:
        tags = file.pages[0].tags
        assert (tags["ImageDescription"].value, tags["Software"].value) == ("a picture", "made up")
        assert (tags["Copyright"].value, tags["Orientation"].value) == ("somebody", 6)
        assert (tags["XMP"].value, tags["InterColorProfile"].value[16:20]) == (b"<x/>", b"RGB ")
        x, y = tags["XResolution"].value
        assert x / y == pytest.approx(299.72)
    assert as_read(data, auto_orient=True).pixels.shape == (13, 9, 3)


def test_bands_are_the_picture(make_pixels):
    """Rows in bands, from files cut in every way, are what `read` gives."""
    pixels = make_pixels("rgb", "uint16", 700, 401)
    files = [encode(pixels, "tiff", compression=compression) for compression in ("none", "deflate")]
    files += [
        by_tifffile(pixels, "rgb", order=">", rowsperstrip=3),
        by_tifffile(pixels, "rgb", rowsperstrip=700, planar=True),
        by_tifffile(pixels, "rgb", tile=(64, 128), compression="lzma", predictor=True, planar=True),
        by_tifffile(make_pixels("grey", "uint8", 90, 80), photometric="miniswhite"),
    ]
    for data in files:
        header = read_header(io.BytesIO(data), len(data), "x")
        bands = list(streams.rows(io.BytesIO(data), header, []))
        np.testing.assert_array_equal(np.concatenate(bands), as_read(data).pixels)
        assert len(bands) > 1 or header.height < 100 or header.layout["planar"] == 2


def test_jpeg_within_tiff_is_read_whole(make_pixels):
    pytest.importorskip("imagecodecs")
    data = by_tifffile(make_pixels("rgb", "uint8", 200, 131), "rgb", tile=(64, 64), compression="jpeg")
    assert streams.bytes_held(read_header(io.BytesIO(data), len(data), "x")) is None


@pytest.mark.parametrize("compression", ["none", "deflate", "lzw"])
def test_a_file_written_in_bands_is_the_same(make_pixels, icc_profile, compression):
    needs_codec(compression)
    for mode, dtype in (("grey", "bool"), ("grey", "uint16"), ("rgba", "float32")):
        pixels = make_pixels(mode, dtype, 400, 201)
        metadata = Metadata(icc=icc_profile if mode == "rgba" else None, dpi=(300.0, 300.0))
        whole = encode(Picture(pixels, mode, metadata=metadata), "tiff", compression=compression)
        for step in (1, 33, 400):
            buffer = io.BytesIO()
            page, options = Page(pixels, mode, metadata), EncoderOptions(compression=compression)
            writer = tiff_encode.Writer(buffer, page, options, [])
            for top in range(0, 400, step):
                writer.write(pixels[top : top + step])
            writer.finish()
            assert buffer.getvalue() == whole
    writer = tiff_encode.Writer(
        io.BytesIO(), Page(np.zeros((4, 5), np.uint8), "grey", Metadata()), EncoderOptions(), []
    )
    writer.write(np.zeros((3, 5), np.uint8))
    refused(ValueError, "1 rows are missing", writer.finish)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_cut_strips_are_noticed(make_pixels, compression):
    """A byte count that is one too small, and a strip whose last bytes are missing, are errors with every codec."""
    needs_codec(compression)
    data = encode(make_pixels("rgb", "uint8", 30, 40), "tiff", compression=compression)
    tags = Tags.of_block(data)
    entry = tags.directory(tags.first)[0][279]
    (count,) = tags.numbers(entry)
    for less in (5, 20, count // 2):
        short = bytearray(data)
        struct.pack_into("<I", short, entry.position, count - less)
        refused(FileError, "damaged or truncated TIFF", as_read, bytes(short))


def test_predictors_undo_themselves():
    rng = np.random.default_rng(3)
    for dtype, predictor in itertools.product(("u1", "<u2", "<i4", "<f4", "<f8"), (1, 2, 3)):
        if predictor == 3 and "f" not in dtype:
            continue
        rows = rng.integers(0, 256, (4, 9 * 3 * np.dtype(dtype).itemsize), dtype=np.uint8).view(dtype).reshape(4, 9, 3)
        stored = np.frombuffer(codecs.differences(rows, predictor).tobytes(), dtype).reshape(rows.shape)
        assert codecs.summed(stored, predictor).tobytes() == rows.tobytes()


def test_a_predictor_without_compression_is_ignored(make_pixels):
    """As libtiff does: only its compressors with a dictionary have predictors."""
    pyvips = pytest.importorskip("pyvips")
    pixels = make_pixels("rgb", "uint8")
    for compression in (None, "packbits"):
        data = by_tifffile(pixels, "rgb", compression=compression, extratags=[(317, 3, 1, 2, True)])
        np.testing.assert_array_equal(pyvips.Image.new_from_buffer(data, "").numpy(), pixels)
        np.testing.assert_array_equal(as_read(data).pixels, pixels)


def test_every_mode_is_in_the_matrix():
    assert {mode for mode, _ in KINDS} == {*MODES, PLANES}
    assert len(KINDS) == 36


def assembled(*pages: tuple[np.ndarray, dict, list]) -> bytes:
    """A TIFF of 8-bit grey pictures: (pixels, further entries, SubIFDs, which are the same again)."""
    body, at = bytearray(b"II*\0\0\0\0\0"), {}

    def add(pixels, more, inner) -> int:
        places = [add(*one) for one in inner]
        strip, (height, width) = len(body), pixels.shape
        body.extend(pixels.tobytes() + bytes(pixels.size % 2))
        tree = {256: (4, width), 257: (4, height), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, strip), 277: (3, 1)}
        tree |= {278: (4, height), 279: (4, pixels.size), **({330: (4, *places)} if places else {})}
        place = len(body)
        entries = {tag: tiff_tags.new_entry(*value) for tag, value in tree.items()}
        body.extend(tiff_tags.directory_bytes(entries | more, "<", place, 0))
        at[place] = place + 2 + 12 * len(entries | more)
        return place

    link = 4
    for page in pages:
        place = add(*page)
        body[link : link + 4] = struct.pack("<I", place)
        link = at[place]
    return bytes(body)


RNG = np.random.default_rng(8)
LARGE, MIDDLE, SMALL = (RNG.integers(0, 256, (n, n + 1), np.uint8) for n in (40, 20, 10))
REDUCED, MASK, REDUCED_MASK = ({254: tiff_tags.new_entry(4, kind)} for kind in (1, 4, 5))
COLOURS_OF_A_MASK = {262: tiff_tags.new_entry(3, 4)}
MAKE = {271: tiff_tags.Entry(2, 5, b"Acme\0", 0), 274: tiff_tags.new_entry(3, 6)}
IN_SUBIFD = "picture of a SubIFD, larger than the page's own of 110 pixels"


@pytest.mark.parametrize(
    ("pages", "read_as", "notes"),
    [
        ([(SMALL, REDUCED | MAKE, [(MIDDLE, REDUCED, []), (LARGE, {}, [])])], [LARGE],
         ("smaller copies of its pictures left out: 1", IN_SUBIFD)),
        ([(SMALL, MAKE, [(LARGE, {}, [])])], [LARGE], (IN_SUBIFD,)),
        ([(LARGE, MAKE, [(MIDDLE, REDUCED, []), (SMALL, REDUCED, [])])], [LARGE],
         ("smaller copies of its pictures left out: 2",)),
        ([(LARGE, MAKE, []), (LARGE, MASK, []), (SMALL, REDUCED, []), (SMALL, REDUCED_MASK, [])], [LARGE],
         ("smaller copies of its pictures left out: 1", "transparency masks left out: 2")),
        ([(LARGE, MAKE, [(LARGE, MASK, []), (MIDDLE, REDUCED, [])]), (LARGE, COLOURS_OF_A_MASK, [])], [LARGE],
         ("smaller copies of its pictures left out: 1", "transparency masks left out: 2")),
        ([(SMALL, MAKE | MASK, [])], [SMALL], ()),
        ([(SMALL, MASK, []), (MIDDLE, MAKE | REDUCED, [])], [MIDDLE], ("transparency masks left out: 1",)),
        ([(LARGE, MAKE, []), (MIDDLE, REDUCED, []), (SMALL, REDUCED, [])], [LARGE],
         ("smaller copies of its pictures left out: 2",)),
        ([(SMALL, REDUCED, []), (LARGE, MAKE, [])], [LARGE], ("smaller copies of its pictures left out: 1",)),
        ([(SMALL, MAKE, []), (LARGE, {}, [])], [SMALL, LARGE], ()),
        ([(SMALL, MAKE | REDUCED, []), (LARGE, REDUCED, [])], [SMALL, LARGE], ()),
        ([(SMALL, MAKE | {255: tiff_tags.new_entry(3, 1)}, []), (MIDDLE, {255: tiff_tags.new_entry(3, 2)}, [])],
         [SMALL], ("smaller copies of its pictures left out: 1",)),
        ([(SMALL, MAKE, [(LARGE, {}, [])]), (MIDDLE, {}, [(SMALL, {}, [])])], [LARGE, MIDDLE],
         ("further pictures in SubIFDs left out: 1", IN_SUBIFD)),
    ],
)  # fmt: skip
def test_the_largest_picture_of_a_page_is_read(pages, read_as, notes):
    data = assembled(*pages)
    found = read_pages(io.BytesIO(data))
    assert len(found) == len(read_as) == inspect(io.BytesIO(data)).frames
    for picture, expected in zip(found, read_as, strict=True):
        np.testing.assert_array_equal(picture.pixels, expected)
    assert found[0].notes == notes
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, read_as[0])
    assert found[0].metadata.orientation == 6  # the page says it, where its SubIFD does not
    assert b"Acme" in found[0].metadata.exif


def test_subifds_that_lead_nowhere_are_not_followed():
    data = assembled((SMALL, {330: tiff_tags.new_entry(4, 8, 10**9, 0)}, []))
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, SMALL)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("target", ["file", "stream"])
def test_strips_wait_beside_the_output(tmp_path, monkeypatch, target, full):
    """Not where temporary files usually are, which is often memory; and the place that is full is the one that is named."""
    places, real = [], tempfile.TemporaryFile

    def temporary(*arguments, **options):
        places.append(options["dir"])
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "usual"))
    (tmp_path / "usual").mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (1500, 1000), np.uint8)
    path = tmp_path / "out.tif"

    def write():
        if target == "file":
            with outgoing.writing(path, Picture(pixels), "TIFF", compression="deflate") as output:
                output.write(pixels)
            return
        page, options = Page(pixels, "grey", Metadata()), EncoderOptions(compression="deflate")
        writer = tiff_encode.Writer(io.BytesIO(), page, options, [])
        writer.write(pixels)
        writer.finish()

    place = f"{path}: No space" if target == "file" else f"{tmp_path / 'usual'}: No space left on device; .* set TMPDIR"
    with pytest.raises(FileError, match=place) if full else contextlib.nullcontext():
        write()
    assert set(places) == {str(tmp_path) if target == "file" else None}
    assert path.exists() == (target == "file" and not full)
