"""Streams: looked at before they are read, read no further than needed, held once; the same pictures as from files."""

from __future__ import annotations

import dataclasses
import io
import os
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError, LimitError
from imconv.files import encode, inspect, read
from imconv.files.formats import FORMATS
from imconv.kernel.file import load
from tests.optional import written
from tests.refused import refused

MB = 1 << 20
SIGNATURES = {
    "nothing": b"",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "JPEG": b"\xff\xd8\xff",
    "TIFF": b"II*\0\x08\0\0\0",
    "BigTIFF": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    "GIF": b"GIF89a\x05\0\x05\0\0\0\0",
    "WEBP": b"RIFF\xff\xff\xff\xffWEBP",
    "BMP": b"BM",
    "JP2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "J2K": b"\xff\x4f\xff\x51",
    "AVIF": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
    "ICO": b"\0\0\1\0",
    "NPY": b"\x93NUMPY\x02\0\xff\xff\xff\xff",
    "PBM": b"P1 ",
    "PGM": b"P5 #",
    "PPM": b"P6 \n",
    "PAM": b"P7\n",
    "PFM": b"PF ",
}


class Stream(io.RawIOBase):
    """Some bytes, and then others without an end; counts what is read of it."""

    def __init__(self, start: bytes, then: bytes = b""):
        self._start, self._then, self.taken = io.BytesIO(start), then, 0

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        assert count >= 0, "all of a stream is wanted"
        data = self._start.read(count)
        data += self._then * (count - len(data))
        self.taken += len(data)
        return data


# lengths of gigabytes, which may be true: read up to the limit
LONG = ("TIFF", "BigTIFF", "WEBP", "JP2", "AVIF", "ICO")


@pytest.mark.parametrize("then", [b"\0", b"\xff", b" "])
@pytest.mark.parametrize("kind", SIGNATURES)
@pytest.mark.parametrize("look", [inspect, read])
def test_what_is_no_picture_is_refused_at_once(look, kind, then):
    stream = Stream(SIGNATURES[kind], then)
    refused((FileError, LimitError), r"^x: ", look, stream, name="x", **{"max_memory": 80 * MB} if look is read else {})
    most = {read: 80, inspect: 256}[look] if kind in LONG and then != b"\0" else 1
    assert stream.taken <= (most + 2) * MB  # pieces of a megabyte are read ahead


_IHDR = b"IHDR\0\0\x4e\x20\0\0\x4e\x20\x08\0\0\0\0"
HEADERS = {
    "PGM": b"P5 20000 20000 255\n",
    "PAM": b"P7\nWIDTH 20000\nHEIGHT 20000\nDEPTH 1\nMAXVAL 255\nENDHDR\n",
    "PFM": b"Pf\n10000 10000\n-1.0\n",
    "PBM": b"P4 60000 60000\n",
    "BMP": b"BM" + bytes(8) + b"\x36\0\0\0\x28\0\0\0\x20\x4e\0\0\x20\x4e\0\0\1\0\x18\0" + bytes(24),
    "NPY": encode(np.zeros((100, 100), np.uint8), "npy")[:128].replace(
        b"(100, 100), }        ", b"(20000, 20000), }    "
    ),
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\r" + _IHDR + zlib.crc32(_IHDR).to_bytes(4, "big") + b"\x7f\xff\xff\xffIDAT",
}


@pytest.mark.parametrize("limit", [{"max_pixels": "1M"}, {"max_memory": "200M"}])
@pytest.mark.parametrize("kind", HEADERS)
def test_a_header_that_asks_for_too_much_is_enough(kind, limit):
    stream = Stream(HEADERS[kind], b"\0")
    refused(LimitError, r"^x: \d+ x \d+ ", read, stream, name="x", **limit)
    assert stream.taken <= 2 * MB


@pytest.mark.parametrize("kind", ["PGM", "PAM", "NPY", "PFM"])
def test_what_follows_the_picture_is_not_read(kind):
    pixels = np.arange(2_000_000, dtype=np.float32).reshape(1000, 2000)
    data = encode(pixels if kind == "PFM" else (pixels % 251).astype(np.uint8), kind)
    stream = Stream(data, b"\7")
    picture = read(stream, name="x")
    np.testing.assert_array_equal(picture.pixels, read(io.BytesIO(data)).pixels)
    assert "what follows the picture was not read" in picture.notes
    assert stream.taken <= len(data) + 2 * MB
    assert not [note for note in inspect(Stream(data, b"\7"), name="x").notes if "ignored" in note]


def noise(name: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    if name == "ICO":
        return rng.integers(0, 256, (256, 256, 4), np.uint8)
    return rng.integers(0, 256, (1100, 1200) if name != "PBM" else (3000, 3000), np.uint8)


@pytest.mark.parametrize("name", FORMATS)
def test_a_large_stream_is_what_the_file_is(tmp_path, name):
    written(name)
    pixels = noise(name)
    if name == "PBM":
        pixels = pixels > 127
    if name in ("PFM", "EXR"):
        pixels = pixels.astype(np.float32)
    if name == "EXR":
        pixels /= 3  # for 32 bits
    data = encode(pixels, name, quality=100 if name in ("JPEG", "AVIF") else None)
    if name == "TIFF":  # its directory behind the pixels
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "TIFF")
        data = buffer.getvalue()
    path = tmp_path / f"a{FORMATS[name].extensions[0]}"
    path.write_bytes(data)
    assert name == "ICO" or len(data) > MB
    from_file, from_stream = read(path), read(Stream(data), name="x")
    np.testing.assert_array_equal(from_stream.pixels, from_file.pixels)
    assert (from_stream.metadata, from_stream.notes) == (from_file.metadata, from_file.notes)
    one, other = inspect(path), inspect(Stream(data), name="x")
    assert dataclasses.replace(one, layout={}) == dataclasses.replace(other, layout={})


def test_a_page_of_a_large_stream():
    pages = [Image.fromarray(noise("TIFF")), Image.fromarray(noise("TIFF")[:50, :60])]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    picture = read(Stream(buffer.getvalue()), name="x", page=1, max_pixels=3000)
    np.testing.assert_array_equal(picture.pixels, np.asarray(pages[1]))


@pytest.mark.parametrize("kind", ["NPY", "PNG", "TIFF"])
def test_a_stream_cut_off_is_damaged(kind):
    data = encode(noise(kind), kind, compression=0)
    for length in (MB + 5, len(data) - (13 if kind == "PNG" else 1)):  # without the last 12 bytes a PNG is read
        refused(FileError, r"^x: damaged or truncated", read, Stream(data[:length]), name="x")


def test_a_stream_is_held_once():
    data = encode(np.zeros((4000, 5000), np.uint8), "npy")
    stream = Stream(data)
    tracemalloc.start()
    read(stream, name="x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.4 * len(data)  # the buffer, with an eighth of room, and the picture


@pytest.mark.parametrize("size", ["21M", "39M"])
def test_a_large_file_is_refused_by_its_header(tmp_path, size):
    path = tmp_path / "a.npy"
    path.write_bytes(encode(np.zeros((4000, 5000), np.uint8), "npy"))
    tracemalloc.start()
    refused(LimitError, "5000 x 4000 pixels need", read, path, max_memory=size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MB


@pytest.mark.parametrize("name", ["k", "k.txt", "k.npy", "k.png"])
def test_a_kernel_file_without_an_end_is_refused_at_once(tmp_path, name):
    path = tmp_path / name
    path.symlink_to("/dev/zero")
    tracemalloc.start()
    with pytest.raises((FileError, ValueError)):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MB


@pytest.mark.parametrize("kind", ["PNG", "NPY", "TIFF"])
def test_a_kernel_comes_through_a_pipe(kind):
    weights = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.uint8)
    receiving, sending = os.pipe()
    os.write(sending, encode(weights, kind))
    os.close(sending)
    try:
        kernel = load(f"/dev/fd/{receiving}")
    finally:
        os.close(receiving)
    np.testing.assert_array_equal(np.array(kernel.weights, float) * 16 / float(np.sum(kernel.weights)), weights)
