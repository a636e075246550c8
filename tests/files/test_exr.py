"""OpenEXR; what is written is read by the library called on its own, and the other way round."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from imconv.errors import FileError, LimitError
from imconv.files import encode, inspect, read, write
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

OpenEXR = pytest.importorskip("OpenEXR")
LAST_PLACE = 2.0**-23  # of float32: one product and one quotient


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def saved(channels: dict[str, np.ndarray], **header) -> bytes:
    stream = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(header, {name: np.ascontiguousarray(pixels) for name, pixels in channels.items()}).write(stream)
    return stream.getvalue()


def channels_of(data: bytes) -> dict[str, np.ndarray]:
    file = OpenEXR.File(io.BytesIO(data), separate_channels=True)
    return {name: channel.pixels for name, channel in file.channels().items()}


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).normal(0.4, 2, (40, 30, 4)).astype(np.float32)


COMPRESSIONS = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "HTJ2K32", "HTJ2K256", "ZSTD")


@pytest.mark.parametrize("name", [name for name in COMPRESSIONS if hasattr(OpenEXR, name + "_COMPRESSION")])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_every_lossless_compression(pixels, name, dtype):
    compression = getattr(OpenEXR, name + "_COMPRESSION")
    colours = pixels[..., :3].astype(dtype)
    picture = as_read(saved({"RGB": colours}, compression=compression))
    assert (picture.mode, picture.pixels.dtype) == ("rgb", np.float32)
    np.testing.assert_array_equal(picture.pixels, colours)
    assert picture.notes == (("16-bit float samples widened to 32 bits",) if dtype == "f2" else ())
    header = inspect(io.BytesIO(saved({"Y": colours[..., 0]}, compression=compression)))
    assert (header.mode, header.depth, header.sample) == ("grey", 8 * int(dtype[1]), "float")


def test_tiles(pixels):
    data = saved({"RGB": pixels[..., :3]}, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    np.testing.assert_array_equal(as_read(data).pixels, pixels[..., :3])


def test_whole_numbers_are_exact():
    numbers = np.random.default_rng(2).integers(0, 1 << 32, (20, 30), np.uint32)
    picture = as_read(saved({"id": numbers}))
    assert (picture.mode, picture.pixels.dtype, picture.notes) == ("grey", np.uint32, ("channel id read as grey",))
    np.testing.assert_array_equal(picture.pixels, numbers)


def test_colours_are_divided_by_alpha(pixels):
    alpha = np.random.default_rng(1).random((40, 30)).astype(np.float32)
    alpha[:5] = 0
    alpha[5:9] = 1
    straight = np.dstack([pixels[..., :3], alpha])
    straight[:5, :, :3] = 0
    picture = as_read(saved({"RGBA": np.dstack([straight[..., :3] * alpha[..., None], alpha])}))
    assert picture.mode == "rgba"
    assert picture.notes == ("premultiplied alpha divided out",)
    np.testing.assert_allclose(picture.pixels, straight, rtol=LAST_PLACE)
    glowing = as_read(saved({"RGBA": np.full((2, 3, 4), [0.5, 0.5, 0.5, 0], np.float32)}))
    assert "colours of 6 pixels without alpha left out" in glowing.notes
    opaque = straight.copy()
    opaque[..., 3] = 1
    picture = as_read(saved({"RGBA": opaque}))
    np.testing.assert_array_equal(picture.pixels, opaque)
    assert picture.notes == ()


@pytest.mark.parametrize("mode", ["grey+alpha", "rgba"])
def test_alpha_is_written_as_others_read_it(pixels, mode):
    picture = Picture(np.abs(pixels[..., : 2 if mode == "grey+alpha" else 4]), mode)
    stream = io.BytesIO()
    notes = write(stream, picture, format="exr").notes
    assert len(notes) == 1
    assert notes[0].startswith("colours stored multiplied by alpha")
    found = channels_of(stream.getvalue())
    np.testing.assert_array_equal(found["A"], picture.pixels[..., -1])
    np.testing.assert_array_equal(
        found["Y" if mode == "grey+alpha" else "R"], picture.pixels[..., 0] * picture.pixels[..., -1]
    )
    np.testing.assert_allclose(as_read(stream.getvalue()).pixels, picture.pixels, rtol=LAST_PLACE)


def test_samples_take_16_bits_where_that_is_exact(pixels):
    for colours, dtype in ((pixels[..., :3], np.float32), (pixels[..., :3].astype("f2").astype("f4"), np.float16)):
        found = channels_of(encode(colours, "exr"))
        assert {channel.dtype for channel in found.values()} == {np.dtype(dtype)}
        np.testing.assert_array_equal(np.dstack([found[name] for name in "RGB"]), colours)
    special = np.array([[np.nan, np.inf, -np.inf, -0.0, 65504.0]], np.float32)
    np.testing.assert_array_equal(as_read(encode(special, "exr")).pixels, special)
    assert channels_of(encode(special, "exr"))["Y"].dtype == np.float16
    assert channels_of(encode(np.float32([[65536.0]]), "exr"))["Y"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64", "int32"])
def test_other_types_are_refused_with_advice(make_pixels, dtype):
    words = "EXR cannot hold .* rgb pixels without loss; write .*, or convert with depth='float'"
    refused(FileError, words, encode, make_pixels("rgb", dtype), "exr")


def test_layers_and_further_channels(pixels):
    data = saved({"RGB": pixels[..., :3], "Z": pixels[..., 3], "diffuse.R": pixels[..., 0]})
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3])
    assert picture.notes == ("channels left out: Z, diffuse.R",)
    layer = {f"beauty.{name}": pixels[..., i] for i, name in enumerate("RGB")}
    picture = as_read(saved({**layer, **{f"n{i}": pixels[..., 0] for i in range(9)}}))
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3])
    assert picture.notes == ("layer beauty read", "channels left out: n0, n1, n2, n3, n4, n5 and 3 more")
    words = r"OpenEXR with channels U, V cannot be read: they are neither R, G, B nor Y; take one of them: oiiotool"
    refused(FileError, words, as_read, saved({"U": pixels[..., 0], "V": pixels[..., 1]}))


def test_parts_windows_and_attributes_are_named(pixels):
    part = {"type": OpenEXR.scanlineimage}
    parts = [
        OpenEXR.Part({**part, "name": name}, {"RGB": pixels[..., :3] * k}) for k, name in ((1, "left"), (2, "right"))
    ]
    stream = io.BytesIO()
    OpenEXR.File(parts).write(stream)
    picture = as_read(stream.getvalue())
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3])
    assert picture.notes == ("first of 2 parts",)
    window = (np.array([5, 7], "i4"), np.array([34, 46], "i4"))
    display = (np.array([0, 0], "i4"), np.array([99, 79], "i4"))
    picture = as_read(saved({"Y": pixels[..., 0]}, dataWindow=window, displayWindow=display, owner="somebody"))
    np.testing.assert_array_equal(picture.pixels, pixels[..., 0])
    assert picture.notes == (
        "pixels of the data window alone, which begins at 5,7 of a display of 100 x 80",
        "left out of the header: owner",
    )


def test_resolution_and_comment(pixels):
    metadata = Metadata(dpi=(300.0, 150.0), comment=b"hello")
    data = encode(Picture(pixels[..., :3], metadata=metadata), "exr")
    assert as_read(data).metadata == inspect(io.BytesIO(data)).metadata == metadata
    header = OpenEXR.File(io.BytesIO(data)).header()
    assert (header["xDensity"], header["comments"]) == (300.0, "hello")
    notes = write(io.BytesIO(), Picture(pixels, metadata=Metadata(xmp=b"<x/>", icc=b"\0" * 200)), format="exr").notes
    assert "ICC profile left out: EXR holds none" in notes
    assert "XMP left out: EXR holds none" in notes


@pytest.mark.parametrize("name", ["ZIP", "PIZ", "PXR24", "DWAA", "B44", "RLE"])
def test_damage_is_one_error_and_nothing_is_printed(pixels, capfd, name):
    smooth = np.cumsum(np.ones((40, 30, 3), np.float32), axis=0)
    data = saved({"RGB": smooth}, compression=getattr(OpenEXR, name + "_COMPRESSION"))
    for length in range(0, len(data), max(1, len(data) // 100)):
        with pytest.raises(FileError, match=r"^x: "):
            as_read(data[:length])
    errors = 0
    for at in range(0, len(data), max(1, len(data) // 200)):
        try:
            as_read(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], max_memory="100M")
        except (FileError, LimitError) as error:
            errors += 1
            message = str(error)
            assert message.startswith("x: ")
            assert "\n" not in message
    assert errors > 0
    assert capfd.readouterr() == ("", "")


def test_a_file_that_was_not_finished(pixels):
    data = bytearray(saved({"RGB": pixels[..., :3]}))
    table = data.index(b"type\0") + 5 + len(b"string\0") + 4 + len(b"scanlineimage") + 1
    data[table + 8 : table + 16] = bytes(8)
    refused(FileError, "damaged or truncated EXR file: 1 of its 3 chunks are missing", as_read, bytes(data))


def test_deep_and_vast_ones_are_refused(pixels):
    data = bytearray(saved({"Y": pixels[..., 0]}))
    deep = data.copy()
    struct.pack_into("<I", deep, 4, 0x802)
    refused(FileError, "x: deep OpenEXR cannot be read", as_read, bytes(deep))
    for tag in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        struct.pack_into("<iiii", data, data.index(tag) + len(tag) + 4, 0, 0, 99_999_999, 39)
    refused(LimitError, "x: 100000000 x 40 pixels need", as_read, bytes(data), max_memory="500M")
