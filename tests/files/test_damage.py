"""Damaged, truncated and hostile files: a FileError that names the file, or a picture of the size the header says."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest

from imconv.errors import FileError, LimitError
from imconv.files import encode, inspect, limits, read
from imconv.files.formats import FORMATS
from tests.optional import needs

MUTANTS = 120  # for each sample; more with IMCONV_MUTANTS


@pytest.fixture(autouse=True)
def known_memory(monkeypatch):
    """The system is not asked for its free memory at each of many thousand reads."""
    monkeypatch.setattr(limits, "available_memory", lambda: 1 << 30)


def outcome(data: bytes) -> str:
    """'picture' or 'error'; anything else than these two is an exception that fails the test."""
    try:
        picture = read(io.BytesIO(data), name="x.img", max_memory="200M")
    except (FileError, LimitError) as error:
        message = str(error)
        assert message.startswith("x.img: "), message
        assert "; " in message
        assert "\n" not in message
        assert len(message) < 400
        return "error"
    header = inspect(io.BytesIO(data))
    assert picture.pixels.shape[:2] == (header.height, header.width)
    return "picture"


def inspected(data: bytes) -> None:
    try:
        inspect(io.BytesIO(data), name="x.img")
    except FileError as error:
        message = str(error)
        assert message.startswith("x.img: ")


@pytest.mark.parametrize("name", FORMATS)
def test_every_prefix(samples, capfd, name):
    needs(name)
    for key, data in samples.items():
        if key.split()[0] != name:
            continue
        whole = read(io.BytesIO(data)).pixels
        for length in range(0, len(data), max(1, len(data) // 400)):
            prefix = data[:length]
            inspected(prefix)
            if outcome(prefix) == "picture":
                # only what follows the picture may be missing: a trailer, or a directory that is not needed
                np.testing.assert_array_equal(read(io.BytesIO(prefix)).pixels, whole, err_msg=f"{key} {length}")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bytes_and_bits(samples, capfd, name):
    needs(name)
    for key, data in samples.items():
        if key.split()[0] != name:
            continue
        rng = random.Random(key)
        for at in range(0, len(data), max(1, len(data) // 200)):
            outcome(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        for _ in range(int(os.environ.get("IMCONV_MUTANTS", MUTANTS))):
            mutant = bytearray(data)
            for _ in range(rng.choice((1, 1, 2, 5, 20))):
                at = rng.randrange(len(mutant) if rng.random() < 0.5 else min(len(mutant), 200))
                mutant[at] = rng.choice((0, 1, 0xFF, 0x7F, 0x80, mutant[at] ^ 1 << rng.randrange(8)))
            if rng.random() < 0.2:
                del mutant[rng.randrange(len(mutant)) :]
            outcome(bytes(mutant))
            inspected(bytes(mutant))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("name", ["WEBP", "AVIF", "JP2", "J2K"])
@pytest.mark.parametrize("quality", [70, None])
def test_a_lossy_file_with_a_part_missing_is_an_error(astronaut, name, quality):
    """Overwritten bytes cannot be noticed: these formats keep no sum of them."""
    pixels = read(astronaut).pixels[:200, :300]
    data = encode(pixels, name, quality=quality if name in ("WEBP", "AVIF") else None)
    assert outcome(data) == "picture"
    for percent in (5, 20, 45, 60, 90, 99):
        at = len(data) * percent // 100
        for end in (b"", data[-2:], data[-12:]):
            assert outcome(data[:at] + end) == "error", (percent, end)
        for missing in (1, 100, len(data) // 10):
            if at + missing < len(data):
                assert outcome(data[:at] + data[at + missing :]) == "error", (percent, missing)


def test_every_flipped_byte_of_a_png_is_noticed(samples):
    """Each byte of a PNG file is under a checksum, so none changes the picture unnoticed."""
    for key in ("PNG rgb uint8", "PNG grey uint16", "PNG grey bool"):
        data = samples[key]
        for at in range(len(data)):
            assert outcome(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]) == "error", (key, at)


def test_a_wrong_adler_sum_in_a_png_is_noticed(make_png):
    rows = b"".join(b"\0" + bytes(range(200)) for _ in range(300))
    stream = zlib.compress(rows)
    assert outcome(make_png(200, 300, 8, 0, rows)) == "picture"
    assert outcome(make_png(200, 300, 8, 0, rows, stream=stream[:-1] + bytes([stream[-1] ^ 1]))) == "error"
    assert outcome(make_png(200, 300, 8, 0, rows, stream=zlib.compress(rows[:-1]))) == "error"


def test_png_chunks_out_of_order(make_png, chunk):
    rows = b"\0\0\1"
    palette = chunk(b"PLTE", bytes(6))
    good = make_png(2, 1, 8, 3, rows, before=palette)
    assert outcome(good) == "picture"
    assert outcome(make_png(2, 1, 8, 3, rows)) == "error"  # no palette
    assert outcome(make_png(2, 1, 8, 3, rows, after=palette)) == "error"
    assert outcome(make_png(2, 1, 8, 3, rows, before=palette * 2)) == "error"
    assert outcome(make_png(2, 1, 8, 3, rows, before=palette + chunk(b"ABCD", b""))) == "error"  # critical, unknown
    assert outcome(make_png(2, 1, 8, 3, rows, before=palette + chunk(b"abcd", b"private"))) == "picture"
    split = chunk(b"tEXt", b"k\0v") + chunk(b"IDAT", b"")
    assert outcome(make_png(2, 1, 8, 3, rows, before=palette, after=split)) == "error"
    assert outcome(good[:-12]) == "picture"  # no IEND, but all pixels
    assert outcome(good[:-13]) == "error"
    assert outcome(make_png(2, 1, 8, 5, rows)) == "error"
    assert outcome(make_png(2, 1, 3, 0, rows)) == "error"
    trailing = read(io.BytesIO(good + b"rubbish"))
    assert "7 bytes after the end of the PNG ignored" in trailing.notes


def test_metadata_bombs_in_a_png(make_png, chunk):
    bomb = zlib.compress(bytes(300 << 20), 9)
    for extra in (chunk(b"iCCP", b"name\0\0" + bomb), chunk(b"zTXt", b"key\0\0" + bomb)):
        tracemalloc.start()
        picture = read(io.BytesIO(make_png(1, 1, 8, 0, b"\0\7", before=extra)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert picture.metadata.icc is None
        assert peak < 100 << 20


def test_tiff_directories_that_lie(samples):
    data = bytearray(samples["TIFF rgb uint8"])
    (first,) = struct.unpack_from("<I", data, 4)
    count = struct.unpack_from("<H", data, first)[0]
    looping = bytearray(data)
    struct.pack_into("<I", looping, first + 2 + 12 * count, first)
    assert outcome(bytes(looping)) == "picture"  # a chain that bites its tail has one frame
    assert inspect(io.BytesIO(bytes(looping))).frames == 1
    for i in range(count):
        entry = first + 2 + 12 * i
        for value in (0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
            for field, form in ((4, "<I"), (8, "<I"), (2, "<H")):
                lying = bytearray(data)
                struct.pack_into(form, lying, entry + field, value & (0xFFFF if form == "<H" else 0xFFFFFFFF))
                outcome(bytes(lying))


def test_a_missing_strip_is_no_black_one():
    pixels = np.full((40, 3000), 200, np.uint8)
    data = encode(pixels, "tiff", compression="none")
    assert outcome(data) == "picture"
    for height in (41, 80, 1 << 20):
        lying = bytearray(data)
        (first,) = struct.unpack_from("<I", lying, 4)
        for i in range(struct.unpack_from("<H", lying, first)[0]):
            if struct.unpack_from("<H", lying, first + 2 + 12 * i)[0] == 257:
                struct.pack_into("<HII", lying, first + 4 + 12 * i, 4, 1, height)
        assert outcome(bytes(lying)) == "error"


def test_a_strip_too_short_for_its_rows_is_noticed():
    data = encode(np.full((40, 3000), 200, np.uint8), "tiff", compression="none")
    lying = bytearray(data)
    (first,) = struct.unpack_from("<I", lying, 4)
    for i in range(struct.unpack_from("<H", lying, first)[0]):
        if struct.unpack_from("<H", lying, first + 2 + 12 * i)[0] in (257, 278):  # height, rows in a strip
            struct.pack_into("<HII", lying, first + 4 + 12 * i, 4, 1, 41)
    assert outcome(bytes(lying) + bytes(10_000)) == "error"  # the bytes after the strip are no pixels


BOMBS = """
import io, resource, struct, sys, time, zlib
from imconv.errors import FileError, LimitError
from imconv.files import encode, read
import numpy
import PIL.PngImagePlugin, PIL.TiffImagePlugin, PIL.JpegImagePlugin, PIL.WebPImagePlugin, PIL.GifImagePlugin
import PIL.BmpImagePlugin, PIL.PpmImagePlugin
chunk = lambda k, d: struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
def png(w, h, bits, colour, stream):
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, 0))
            + chunk(b"IDAT", stream) + chunk(b"IEND", b""))
def tiff(w, h, compression, stored):
    entries = [(256, 4, w), (257, 4, h), (258, 3, 8), (259, 3, compression), (262, 3, 1), (273, 4, 8), (277, 3, 1),
               (278, 4, h), (279, 4, stored)]
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    return b"II*\\0" + struct.pack("<I", 8 + stored) + bytes(stored) + ifd + bytes(4)
gif = bytearray(encode(numpy.zeros((9, 9), "u1"), "gif")); at = gif.index(b",", 13)
gif[6:10] = struct.pack("<HH", 65535, 65535); gif[at + 5:at + 9] = struct.pack("<HH", 65535, 65535)
jpeg = bytearray(encode(numpy.zeros((9, 9, 3), "u1"), "jpeg")); at = jpeg.index(b"\\xff\\xc0")
jpeg[at + 5:at + 9] = struct.pack(">HH", 65500, 65500)
bmp = bytearray(encode(numpy.zeros((9, 9, 3), "u1"), "bmp")); bmp[18:26] = struct.pack("<ii", 100000, 100000)
rle = bytearray(encode(numpy.zeros((9, 9), "u1"), "bmp")); rle[18:26] = struct.pack("<ii", 100000, 100000); rle[30] = 1
pictures = {
    "png": png(100000, 100000, 8, 6, zlib.compress(bytes(1000))),
    "png, honest": png(60000, 60000, 1, 0, zlib.compress(bytes(60000 * 7501), 9)),
    "tiff, raw": tiff(100000, 100000, 1, 100),
    "tiff, deflate": tiff(100000, 100000, 8, 100),
    "tiff, lzma": tiff(100000, 100000, 34925, 100),
    "tiff, widest": tiff(2**32 - 1, 2**32 - 1, 1, 100),
    "ppm": b"P6 100000 100000 255\\n" + bytes(100),
    "pbm": b"P4 1000000 1000000\\n" + bytes(100),
    "pgm, plain": b"P2 99999999 99999999 255\\n1 2 3",
    "gif": bytes(gif), "jpeg": bytes(jpeg), "bmp": bytes(bmp), "bmp, rle": bytes(rle),
    "webp": encode(numpy.zeros((16383, 2000), "u1"), "webp"),
}
assert all(len(data) < 600000 for data in pictures.values()), {k: len(v) for k, v in pictures.items()}
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + (100 << 20),) * 2)
for name, data in pictures.items():
    start = time.thread_time()
    try:
        picture = read(io.BytesIO(data), name=name)
        print("READ", name, picture)
    except (FileError, LimitError) as error:
        print(type(error).__name__, error)
    if time.thread_time() - start > 1:
        print("SLOW", name)
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS and /proc")
def test_bombs_are_refused_with_little_memory():
    result = subprocess.run([sys.executable, "-c", BOMBS], capture_output=True, text=True)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert (lines[-1], len(lines)) == ("done", 15)
    assert not [line for line in lines if line.startswith(("READ", "SLOW"))]
    for line in lines[:-1]:
        assert line.startswith(("FileError", "DamagedFileError", "LimitError")), line
