"""PNG files of every kind, made by a slow and obvious encoder here, read by imconv and by others."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError, LimitError
from imconv.files import deflate, encode, read
from imconv.files.png import chunks, still
from tests.refused import refused

KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16)]
KINDS += [(6, 8), (6, 16)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
MIXED = 5  # a filter of each kind in turn


def pack(samples: np.ndarray, bits: int) -> list[bytes]:
    """Rows of samples (height, n) as the bytes of a PNG file."""
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    places = samples[..., None] >> np.arange(bits)[::-1] & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in places]


def paeth(a: int, b: int, c: int) -> int:
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def filtered(rows: list[bytes], back: int, kind: int) -> bytes:
    out, above = bytearray(), bytes(len(rows[0]))
    for y, row in enumerate(rows):
        own = kind if kind < MIXED else (y * 3 + 1) % 5
        out.append(own)
        for x, value in enumerate(row):
            a, c = (row[x - back], above[x - back]) if x >= back else (0, 0)
            b = above[x]
            out.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[own]) % 256)
        above = row
    return bytes(out)


def stream(samples: np.ndarray, bits: int, kind: int, interlaced: bool) -> bytes:
    """What IDAT holds, before compression; samples (height, width, channels)."""
    back = max(1, samples.shape[2] * bits // 8)
    parts = [samples[y::down, x::across] for y, x, down, across in PASSES] if interlaced else [samples]
    return b"".join(filtered(pack(p.reshape(len(p), -1), bits), back, kind) for p in parts if p.size)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def build(
    samples, colour, bits, kind=MIXED, interlaced=False, before=b"", piece=None, compressed=None, size=None
) -> bytes:
    height, width = size or samples.shape[:2]
    data = zlib.compress(stream(samples, bits, kind, interlaced)) if compressed is None else compressed
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))
    pieces = [data[at : at + (piece or len(data))] for at in range(0, len(data), piece or len(data))]
    idat = b"".join(chunk(b"IDAT", p) for p in pieces)
    return b"\x89PNG\r\n\x1a\n" + head + before + idat + chunk(b"IEND", b"")


def random_samples(colour: int, bits: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + 100 * colour + bits)
    noise = rng.integers(0, 1 << bits, (height, width, SAMPLES[colour]))
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None]
    return np.where(rng.random((height, width, 1)) < 0.5, noise, slope) % (1 << bits)


PALETTE = np.random.default_rng(9).integers(0, 256, (256, 3)).astype(np.uint8)


def plte(bits: int) -> bytes:
    return chunk(b"PLTE", PALETTE[: 1 << bits].tobytes())


def expected(samples: np.ndarray, colour: int, bits: int) -> np.ndarray:
    if colour == 3:
        return PALETTE[samples[..., 0]]
    levels = samples * (255 // ((1 << bits) - 1)) if bits < 8 else samples
    levels = levels.astype(np.uint16 if bits == 16 else np.uint8)
    return levels[..., 0] if levels.shape[2] == 1 else levels


def as_read(data: bytes):
    return read(io.BytesIO(data), name="x")


def others(data: bytes, bits: int, colour: int) -> list[np.ndarray]:
    """What other readers make of a file, those that keep its depth and its channels."""
    found = []
    if bits <= 8:
        image = Image.open(io.BytesIO(data))
        if image.mode == "P":
            image = image.convert("RGB")
        elif image.mode == "1":
            image = image.convert("L")
        found.append(np.asarray(image))
    try:
        import imagecodecs

        found.append(imagecodecs.png_decode(data))
    except ImportError:
        pass
    if colour != 4:  # OpenCV makes RGBA of it
        try:
            import cv2

            seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            found.append(seen if seen.ndim == 2 else seen[..., [2, 1, 0, 3][: seen.shape[2]]])
        except ImportError:
            pass
    try:
        import pyvips

        seen = pyvips.Image.pngload_buffer(data).numpy()
        found.append(seen if seen.ndim == 2 or seen.shape[2] > 1 else seen[..., 0])
    except (ImportError, OSError):
        pass
    return found


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "bits"), KINDS)
def test_every_kind_with_every_filter(colour, bits, interlaced):
    for kind in range(MIXED + 1):
        samples = random_samples(colour, bits, 23, 19, kind)
        data = build(samples, colour, bits, kind, interlaced, plte(bits) if colour == 3 else b"")
        picture = as_read(data)
        wanted = expected(samples, colour, bits)
        assert picture.pixels.dtype == wanted.dtype
        np.testing.assert_array_equal(picture.pixels, wanted)
        assert picture.pixels.flags.writeable
        assert picture.pixels.flags.c_contiguous
        for seen in others(data, bits, colour):
            np.testing.assert_array_equal(picture.pixels, seen)


@pytest.mark.parametrize(("colour", "bits"), KINDS)
def test_sizes(colour, bits):
    """Odd widths, single rows and columns, with bands of a few rows and in one."""
    before = plte(bits) if colour == 3 else b""
    for width in range(1, 71):
        samples = random_samples(colour, bits, 1 + width % 7, width)
        for interlaced in (False, True):
            data = build(samples, colour, bits, MIXED, interlaced, before)
            np.testing.assert_array_equal(as_read(data).pixels, expected(samples, colour, bits))
    samples = random_samples(colour, bits, 70, 1)
    np.testing.assert_array_equal(
        as_read(build(samples, colour, bits, MIXED, True, before)).pixels, expected(samples, colour, bits)
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "bits"), KINDS)
def test_bands_do_not_show(monkeypatch, colour, bits, interlaced):
    """Bands of one row and more, on one thread and on two, blocks that end anywhere: the same picture."""
    samples = random_samples(colour, bits, 90, 37)
    data = build(samples, colour, bits, MIXED, interlaced, plte(bits) if colour == 3 else b"")
    for band, threads, block, piece in ((1, False, 7, 11), (300, True, 100, 1000), (1000, False, 1 << 18, 1)):
        monkeypatch.setattr(still, "BAND", band)
        monkeypatch.setattr(still, "WORTH_A_THREAD", 0 if threads else 1 << 40)
        monkeypatch.setattr(still, "PIECE", piece)
        monkeypatch.setattr(deflate, "BLOCK", block)
        np.testing.assert_array_equal(as_read(data).pixels, expected(samples, colour, bits))


@pytest.mark.parametrize(("colour", "bits"), [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16)])
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_transparent_colour(monkeypatch, colour, bits, interlaced):
    monkeypatch.setattr(still, "BAND", 400)
    samples = random_samples(colour, bits, 31, 17)
    key = samples[5, 6]
    samples[20:, 3] = key
    before = chunk(b"tRNS", key.astype(">u2").tobytes())
    picture = as_read(build(samples, colour, bits, MIXED, interlaced, before))
    top = 65535 if bits == 16 else 255
    alpha = np.where((samples == key).all(axis=2), 0, top)
    np.testing.assert_array_equal(picture.pixels, np.dstack([expected(samples, colour, bits), alpha]))
    assert "transparent colour turned into an alpha channel" in picture.notes


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_palette(bits):
    samples = random_samples(3, bits, 31, 17)
    for count in (1, (1 << bits) - 1, 1 << bits):
        alphas = np.arange(7, 7 + count).astype(np.uint8)
        picture = as_read(build(samples, 3, bits, before=plte(bits) + chunk(b"tRNS", alphas.tobytes())))
        table = np.full(256, 255)
        table[:count] = alphas
        np.testing.assert_array_equal(picture.pixels[..., :3], PALETTE[samples[..., 0]])
        np.testing.assert_array_equal(picture.pixels[..., 3], table[samples[..., 0]])


def test_an_index_beyond_the_palette_is_an_error():
    for bits in (1, 2, 4, 8):
        colours = (1 << bits) - 1
        palette = chunk(b"PLTE", PALETTE[:colours].tobytes())
        samples = np.zeros((40, 33, 1), int)
        assert as_read(build(samples, 3, bits, before=palette)).mode == "rgb"
        samples[39, 32] = colours
        for interlaced in (False, True):
            with pytest.raises(FileError, match="colour is not in the palette"):
                as_read(build(samples, 3, bits, interlaced=interlaced, before=palette))
    # the bits that fill up a row's last byte are no pixels
    row = zlib.compress(b"\0\x7f")
    np.testing.assert_array_equal(
        as_read(build(np.zeros((1, 1, 1)), 3, 1, before=chunk(b"PLTE", PALETTE[:1].tobytes()), compressed=row)).pixels,
        PALETTE[:1, None],
    )


def test_pixels_in_chunks_of_one_byte():
    samples = random_samples(2, 8, 40, 30)
    empty = chunk(b"IDAT", b"")
    data = build(samples, 2, 8, piece=1, before=empty * 3)
    np.testing.assert_array_equal(as_read(data).pixels, samples)


def test_a_file_of_tiny_chunks_takes_little_memory():
    packed = zlib.compress(stream(np.zeros((1, 1, 1), int), 8, 0, False))
    empty = chunk(b"IDAT", b"") * 50_000
    pieces = b"".join(chunk(b"IDAT", packed[at : at + 1]) + empty for at in range(2))
    data = build(None, 0, 8, compressed=packed[2:], size=(1, 1), before=pieces)
    tracemalloc.start()
    try:
        assert as_read(data).pixels.tolist() == [[0]]
        assert tracemalloc.get_traced_memory()[1] < 2 * len(data) + (1 << 20)
    finally:
        tracemalloc.stop()


def test_compressed_by_every_means():
    samples = random_samples(0, 8, 300, 200)
    rows = stream(samples, 8, MIXED, False)
    for level in range(10):
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED):
            for window in (9, 15):
                packer = zlib.compressobj(level, zlib.DEFLATED, window, 8, strategy)
                data = packer.compress(rows[:999]) + packer.flush(zlib.Z_FULL_FLUSH)
                data += packer.compress(rows[999:]) + packer.flush()
                np.testing.assert_array_equal(as_read(build(samples, 0, 8, compressed=data)).pixels, samples[..., 0])


@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_streams_too_short_too_long_and_damaged(monkeypatch, library):
    if library == "zlib":
        monkeypatch.setattr(deflate, "fast", None)
    elif deflate.fast is None:
        pytest.skip("isal is not installed")
    samples = random_samples(0, 8, 30, 20)
    rows = stream(samples, 8, MIXED, False)
    packed = zlib.compress(rows)
    for wrong in (zlib.compress(rows[:-1]), packed[:-1], packed[:-4], packed[:-5], packed[:40], packed[:2], b"\0"):
        refused(FileError, "damaged or truncated PNG", as_read, build(samples, 0, 8, compressed=wrong))
    for at in range(len(packed) - 4, len(packed)):
        with pytest.raises(FileError, match="damaged or truncated PNG"):
            as_read(build(samples, 0, 8, compressed=packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]))
    more = as_read(build(samples, 0, 8, compressed=zlib.compress(rows + bytes(5000))))
    np.testing.assert_array_equal(more.pixels, samples[..., 0])
    assert "more pixels than its size says ignored" in more.notes
    behind = as_read(build(samples, 0, 8, compressed=packed + bytes(99)))
    np.testing.assert_array_equal(behind.pixels, samples[..., 0])


def test_unknown_filters():
    for kind in (5, 6, 128, 255):
        for interlaced in (False, True):
            data = build(
                np.zeros((1, 3, 1)), 0, 8, interlaced=interlaced, compressed=zlib.compress(bytes([kind, 1] * 9))
            )
            refused(FileError, "a row has an unknown filter", as_read, data)


def test_a_size_that_cannot_be_in_the_file():
    bomb = zlib.compress(bytes(1000))
    for width, height in ((100_000, 100_000), (1 << 31, 1), (2**31 - 1, 2**31 - 1)):
        data = build(None, 0, 8, compressed=bomb, size=(height, width))
        refused(FileError, r"cannot be in|a size of", as_read, data)
    honest = build(None, 0, 8, compressed=zlib.compress(bytes(9001 * 9000)), size=(9000, 9000))
    refused(LimitError, "max_memory=", read, io.BytesIO(honest), max_memory="50M")


def test_every_flipped_byte_with_its_checksum_mended():
    """The checksum of a chunk right, its content wrong: an error or a picture of the right size, nothing else."""
    for colour, bits, interlaced in ((3, 4, True), (2, 16, False), (0, 1, True), (6, 8, False)):
        samples = random_samples(colour, bits, 9, 7)
        data = build(samples, colour, bits, MIXED, interlaced, plte(bits) if colour == 3 else b"")
        for at in range(16, len(data) - 12):
            for bit in (1, 0x80, 0xFF):
                mutant = bytearray(data)
                mutant[at] ^= bit
                position = 8
                while position < len(mutant):
                    (length,) = struct.unpack_from(">I", mutant, position)
                    end = position + 8 + length
                    if end + 4 > len(mutant):
                        break
                    struct.pack_into(">I", mutant, end, zlib.crc32(mutant[position + 4 : end]))
                    position = end + 4
                try:
                    picture = read(io.BytesIO(bytes(mutant)), name="x", max_memory="100M")
                except (FileError, LimitError) as error:
                    lines = str(error).splitlines()
                    assert len(lines) == 1
                    continue
                width, height = struct.unpack_from(">II", mutant, 16)
                assert picture.pixels.shape[:2] == (height, width)


def test_pieces_of_the_compressed_data():
    samples = random_samples(2, 8, 40, 30)
    for piece in (1, 3, 100, 10_000):
        data = build(samples, 2, 8, piece=piece)
        for size in (1, 7, 64, 1 << 16):
            pieces = list(chunks.compressed(io.BytesIO(data), data.index(b"IDAT") - 4, size))
            assert b"".join(pieces) == zlib.compress(stream(samples, 8, MIXED, False))
            assert all(len(p) <= size for p in pieces)


def test_a_large_picture_on_two_threads(astronaut):
    picture = read(astronaut)
    large = np.tile(picture.pixels, (4, 5, 1))
    np.testing.assert_array_equal(as_read(encode(large, "png", compression=1)).pixels, large)
