"""Formats that hold samples as they are: the Netpbm family, PFM, .npy and .npz, held against bytes made by hand and others."""

from __future__ import annotations

import io
import re
import struct
import zipfile

import numpy as np
import pytest

from imconv.errors import FileError, LimitError
from imconv.files import encode, inspect, read, streams, write
from imconv.files.formats import FORMATS
from imconv.files.picture import EncoderOptions, Metadata, Page, Picture
from imconv.files.plain import raw
from tests.refused import refused

NETPBM = ("PBM", "PGM", "PPM", "PAM", "PFM")


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def saved(array: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def zipped(compressed=False, **arrays) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "pixels", "note"),
    [
        (b"P1\n# a\n3 2 # b\n0 1#c\n0\n111", [[255, 0, 255], [0, 0, 0]], "1-bit grey expanded to 8 bits"),
        (b"P4\n10 2\n" + bytes([0b10100000, 0b01000000, 0, 0xFF]), None, "1-bit grey"),
        (b"P2 4 1 2\n0 1\n2 # end\n1", [[0, 1, 2, 1]], ""),
        (b"P2 2 1 65535\n65535\t00001", [[65535, 1]], ""),
        (b"P3\r\n1 1\r\n65535\r\n1 2 65535\r\n", [[[1, 2, 65535]]], ""),
        (b"P5 2 1 65535\n" + struct.pack(">2H", 1, 65534), [[1, 65534]], ""),
        (b"P5 3 1 1000\n" + struct.pack(">3H", 0, 500, 1000), [[0, 500, 1000]], ""),
        (b"P6 1 1 65535\n" + struct.pack(">3H", 1, 256, 65535), [[[1, 256, 65535]]], ""),
        (b"P6 1 1 15 " + bytes([0, 7, 15]), [[[0, 7, 15]]], ""),
        (b"P5 1 1 255\n\7more", [[7]], "4 bytes after the picture ignored"),
        (b"P7\nWIDTH 1\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\n# c\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n\1\2\3\4", [[[1, 2]], [[3, 4]]], ""),
        (b"P7\nHEIGHT 1\nWIDTH 3\nMAXVAL 1\nDEPTH 1\nENDHDR\n\0\1\0", [[0, 1, 0]], ""),
        (b"Pf\n1 2\n-1.0\n" + struct.pack("<2f", 1.5, -2), [[-2], [1.5]], ""),
        (b"PF 1 2 1 " + struct.pack(">6f", 1, 2, 3, 4, 5, 6), [[[4, 5, 6]], [[1, 2, 3]]], ""),
        (b"Pf 1 1 -2.5\n" + struct.pack("<f", 4), [[4]], "scale of 2.5 is not applied"),
    ],
)  # fmt: skip
def test_bytes_made_by_hand(data, pixels, note):
    picture = as_read(data)
    if pixels is None:
        pixels = [[0, 255, 0, 255, 255, 255, 255, 255, 255, 0], [255] * 8 + [0, 0]]
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert bool(note) == bool(picture.notes)
    assert note in " ".join(picture.notes)
    assert inspect(io.BytesIO(data)).notes == picture.notes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"P2 2 1 9\n1 10", "a value above the maximum of 9"),
        (b"P5 1 1 9\n\x0a", "a value above the maximum of 9"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\nENDHDR\n\x0a", "a value above the maximum of 9"),
        (b"P2 2 1 255\n1 -1", "something else than a number"),
        (b"P2 2 1 255\n1 1_0", "something else than a number"),
        (b"P2 1 1 255\n" + b"1" * 5000, "something else than a number"),
        (b"P2 3 1 255\n1 2    ", "it ends within the pixels"),
        (b"P1 2 2\n0120", "neither 0 nor 1"),
        (b"P1 2 2\n0  1", "it ends within the pixels"),
        (b"P5 2 2 255\n123", "cannot be in 3 bytes"),
        (b"P5 2 2 65536\n12345678", "a maximum of 65536"),
        (b"P5 2 0 255\n", "a size of 2 x 0"),
        (b"P5 x 1 255\n", "'x' in the header where a number belongs"),
        (b"Pf 1 1 0\n1234", "the scale must be"),
        (b"Pf 1 1 nan\n1234", "the scale must be"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\n12345", "PAM with 5 channels cannot be read"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nENDHDR\n1", "MAXVAL is not a number"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\n", "cut off"),
        (b"P7\n" + b"# x\n" * 2000, "the header does not end"),
    ],
)
def test_damaged_netpbm(data, words):
    said = refused(FileError, words, as_read, data)
    assert re.fullmatch(r"x: [^\n]*; [^\n]*", said)


def test_scaling_is_rounded_half_up_for_every_maximum():
    for maximum in (1, 2, 3, 7, 100, 254, 255, 256, 999, 4095, 65534, 65535):
        values = np.arange(maximum + 1)
        top = 65535 if maximum > 255 else 255
        head = b"P5 %d 1 %d\n" % (maximum + 1, maximum)
        picture = as_read(head + values.astype(">u2" if maximum > 255 else "u1").tobytes())
        expected = [(2 * int(v) * top + maximum) // (2 * maximum) for v in values]
        np.testing.assert_array_equal(picture.in_full_range().pixels[0], expected)


def test_plain_and_raw_hold_the_same(make_pixels):
    """Many numbers and a comment, over several pieces of the text."""
    for mode, dtype, kind in (("grey", "uint16", 2), ("rgb", "uint8", 3), ("rgb", "uint16", 3)):
        pixels = make_pixels(mode, dtype, 400, 500)
        text = b"\n".join(b" ".join(b"%d" % v for v in row.reshape(-1)) for row in pixels)
        head = b"P%d 500 400 %d\n" % (kind, np.iinfo(dtype).max)
        np.testing.assert_array_equal(as_read(head + text.replace(b"\n", b"#\n# 7\r", 5)).pixels, pixels)


def turned(pixels: np.ndarray, name: str) -> np.ndarray:
    """OpenCV's order of channels; PAM files it takes and gives as they are."""
    if pixels.ndim == 2 or name == "PAM":
        return pixels
    return np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])


@pytest.mark.parametrize("name", NETPBM)
def test_opencv_reads_what_was_written(tmp_path, make_pixels, name):
    cv2 = pytest.importorskip("cv2")
    for mode, dtype in sorted(FORMATS[name].holds):
        if mode in ("grey+alpha", "cmyk"):
            continue  # OpenCV has neither
        pixels = make_pixels(mode, dtype)
        path = tmp_path / f"a.{name.lower()}"
        path.write_bytes(encode(Picture(pixels, mode), name))
        seen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        expected = pixels * np.uint8(255) if dtype == "bool" else pixels
        assert seen.dtype == expected.dtype
        np.testing.assert_array_equal(turned(seen, name), expected, err_msg=f"{mode} {dtype}")


@pytest.mark.parametrize("name", NETPBM)
def test_what_opencv_writes_is_read(tmp_path, make_pixels, name):
    cv2 = pytest.importorskip("cv2")
    for mode, dtype in sorted(FORMATS[name].holds):
        if mode in ("grey+alpha", "cmyk") or (name, dtype) == ("PBM", "bool") or (name, mode) == ("PPM", "grey"):
            continue  # OpenCV has none of these
        pixels = make_pixels(mode, dtype)
        path = tmp_path / f"a.{name.lower()}"
        for options in ([], [cv2.IMWRITE_PXM_BINARY, 0]) if name in ("PGM", "PPM") else ([],):
            assert cv2.imwrite(str(path), turned(pixels, name), options)
            picture = read(path)
            assert picture.pixels.dtype == pixels.dtype
            np.testing.assert_array_equal(picture.pixels, pixels, err_msg=f"{mode} {dtype} {options}")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4), (1, 1)])
@pytest.mark.parametrize(
    ("stored", "expected"),
    [("bool", "bool"), ("uint8", "uint8"), ("uint16", "uint16"), ("int32", "int32"), ("float32", "float32"),
     ("float64", "float64"), ("float16", "float32"), ("int8", "int32"), ("int16", "int32"), ("uint32", "uint32"),
     ("int64", "int64"), ("uint64", "uint64")],
)  # fmt: skip
def test_arrays_of_every_type_and_layout(stored, expected, shape, order):
    rng = np.random.default_rng(1)
    dtype = np.dtype(stored)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        array = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    else:
        array = (rng.normal(0, 100, shape)).astype(dtype)
    array = array.astype(dtype.newbyteorder(order))
    for layout in (array, np.asfortranarray(array)):
        for data in (saved(layout), zipped(image=layout), zipped(True, other=layout)):
            picture = as_read(data)
            assert picture.pixels.dtype == expected
            assert picture.pixels.dtype.isnative
            assert picture.pixels.flags.c_contiguous
            assert picture.pixels.flags.writeable
            np.testing.assert_array_equal(picture.pixels, array.reshape(shape[:2] if shape[2:] == (1,) else shape))
            assert picture.mode == {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}[(*shape, 1)[2]]
            noted = [f"{stored} samples converted to {expected}"] if stored != expected else []
            assert list(picture.notes) == noted


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[object()]]), "holds Python objects, which are never unpickled"),
        (np.zeros((2, 2), complex), "holds samples of type complex128; convert"),
        (np.zeros((2, 2), [("a", "u1")]), "holds samples of type"),
        (np.zeros((2, 2), "S3"), "holds samples of type"),
        (np.zeros((2, 2), "M8[s]"), "holds samples of type"),
        (np.zeros(3), r"an array of shape \(3,\) is no picture"),
        (np.zeros(()), r"an array of shape \(\) is no picture"),
        (np.zeros((2, 2, 5)), r"an array of shape \(2, 2, 5\) is no picture"),
        (np.zeros((0, 5)), "a size of 5 x 0"),
    ],
)
def test_arrays_that_are_no_pictures(array, words):
    for data in (saved(array, allow_pickle=True), zipped(image=array)):
        said = refused(FileError, words, as_read, data)
        assert said.startswith("x: ")
        assert "; " in said


def npy_head(text: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    head = text.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(head)) + head + data


def test_headers_of_arrays_that_lie():
    good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}"
    np.testing.assert_array_equal(as_read(npy_head(good, b"abcdef")).pixels, [[97, 98, 99], [100, 101, 102]])
    np.testing.assert_array_equal(as_read(npy_head(good, b"abcdef", b"\2\0")).pixels[0], [97, 98, 99])
    assert as_read(npy_head(good, b"abcdefgh")).notes == ("2 bytes after the array ignored",)
    for wrong in (
        npy_head(good, b"abcde"),
        npy_head(good.replace("2", "99999999999"), b"abcdef"),
        npy_head(good.replace("2", "-2"), b"abcdef"),
        npy_head(good.replace("2", "10**9"), b"abcdef"),
        npy_head(good.replace("(2, 3)", "__import__('os')"), b"abcdef"),
        npy_head("(" * 3000, b"abcdef"),
        npy_head("{}", b"abcdef"),
        npy_head(good, b"abcdef", b"\3\0"),
        npy_head(good, b"abcdef")[:9],
        b"\x93NUMPY\1\0\xff\xff" + b" " * 65535,
    ):
        with pytest.raises((FileError, LimitError)):
            as_read(wrong)


def test_which_array_of_an_archive_is_read():
    first, second = np.zeros((2, 3), np.uint8), np.ones((2, 3), np.uint8)
    np.testing.assert_array_equal(as_read(zipped(a=first, image=second)).pixels, second)
    np.testing.assert_array_equal(as_read(zipped(whatever=second)).pixels, second)
    refused(FileError, "x: holds several arrays: a, b; name one of them image", as_read, zipped(a=first, b=second))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(FileError, "is a ZIP archive without arrays; unpack it: unzip in.zip", as_read, text.getvalue())
    with pytest.raises(FileError):
        as_read(empty.getvalue())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("image.npy", saved(first))
    refused(FileError, "compressed in another way than numpy does", as_read, packed.getvalue())


def test_a_flipped_byte_among_an_archives_samples_is_noticed(make_pixels):
    pixels = make_pixels("rgb", "uint8", 40, 50)
    for compressed in (False, True):
        data = bytearray(zipped(compressed, image=pixels))
        data[len(data) // 2] ^= 1
        refused(FileError, "damaged or truncated NPZ file", as_read, bytes(data))


def test_numpy_reads_what_was_written(make_pixels):
    for mode, dtype in sorted(FORMATS["NPY"].holds):
        pixels = make_pixels(mode, dtype)
        seen = np.load(io.BytesIO(encode(Picture(pixels, mode), "npy")))
        assert seen.dtype == pixels.dtype
        np.testing.assert_array_equal(seen, pixels)
        for compression in (None, 0, 1, 9):
            archive = np.load(io.BytesIO(encode(Picture(pixels, mode), "npz", compression=compression)))
            assert archive.files == ["image"]
            np.testing.assert_array_equal(archive["image"], pixels)
    flat = np.zeros((90, 90))
    assert len(encode(flat, "npz", compression=1)) < 2000 < len(encode(flat, "npz"))
    assert encode(flat, "npz") == encode(flat, "npz")
    np.testing.assert_array_equal(np.load(io.BytesIO(encode(flat.astype(">f8").T[::-1], "npy"))), flat)


@pytest.mark.parametrize(
    "name",
    [f.name for f in FORMATS.values() if f.decoder.startswith("plain.") and hasattr(f.module("decoder"), "bytes_held")],
)
def test_rows_are_what_read_gives(make_pixels, monkeypatch, name):
    monkeypatch.setattr(raw, "BAND", 4000)
    for mode, dtype in sorted(FORMATS[name].holds):
        for height, width in ((1, 1), (9, 13), (50, 401)):
            if mode == "planes" and height == 1:
                continue  # an array of one pixel and six channels may be a stack
            pixels = make_pixels(mode, dtype, height, width)
            data = encode(Picture(pixels, mode), name)
            expected = as_read(data).pixels
            file = io.BytesIO(data)
            header = inspect(file)
            bands = list(streams.rows(file, header, []))
            assert all(band.nbytes <= max(8 * 4000, expected[0].nbytes) for band in bands)
            assert all(band.dtype == expected.dtype for band in bands)
            np.testing.assert_array_equal(np.concatenate(bands), expected)
            early = streams.rows(io.BytesIO(data), header, [])
            next(early)
            early.close()
            if height > 1:
                with pytest.raises(ValueError, match="it ends within the pixels"):
                    list(streams.rows(io.BytesIO(data[: len(data) // 2]), header, []))


def test_what_has_no_rows_one_behind_the_other_is_read_whole():
    for data in (b"P2 1 2 255 1 2", saved(np.asfortranarray(np.zeros((2, 3))))):
        assert streams.bytes_held(inspect(io.BytesIO(data))) is None


@pytest.mark.parametrize(
    "name", [f.name for f in FORMATS.values() if f.encoder.startswith("plain.") and streams.writer(f.name)]
)
def test_writers_of_rows_write_what_encode_does(make_pixels, name):
    for mode, dtype in sorted(FORMATS[name].holds):
        pixels = make_pixels(mode, dtype, 50, 37)
        expected = encode(Picture(pixels, mode), name)
        file, notes = io.BytesIO(), []
        page = Page(pixels, mode, Metadata())
        writer = streams.writer(name)(file, page, EncoderOptions(), notes)
        for first, last in ((0, 1), (1, 30), (30, 30), (30, 50)):
            writer.write(pixels[first:last])
        writer.finish()
        assert file.getvalue() == expected
        refused(ValueError, "more rows than", writer.write, pixels[:1])
        writer = streams.writer(name)(io.BytesIO(), page, EncoderOptions(), notes)
        refused(ValueError, "50 rows are missing", writer.finish)


def test_a_colour_result_of_a_netpbm_stream_finds_its_format(make_pixels):
    picture = as_read(encode(make_pixels("rgb", "uint16"), "ppm"))
    stream = io.BytesIO()
    assert write(stream, picture).format == "PPM"
    np.testing.assert_array_equal(as_read(stream.getvalue()).pixels, picture.pixels)


def test_an_archive_that_swells_is_refused_before_it_is_inflated():
    data = zipped(True, image=np.zeros((2000, 2000), np.uint8))
    assert len(data) < 6000
    with pytest.raises(LimitError, match=r"2000 x 2000 pixels need .* of memory, more than the 1 MiB allowed"):
        as_read(data, max_memory="1M")
    refused(LimitError, "more than the 1000 allowed", as_read, data, max_pixels=1000)
