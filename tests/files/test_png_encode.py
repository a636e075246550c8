"""PNG files written by imconv, read by imconv and by others; compression in bands, chunks in order."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zlib
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError
from imconv.files import deflate, encode, read, streams
from imconv.files.formats import FORMATS
from imconv.files.overlap import InOrder, ahead
from imconv.files.picture import EncoderOptions, Metadata, Page, Picture
from imconv.files.png import effort
from imconv.files.png import encode as png_encode
from tests.refused import refused

KINDS = sorted(FORMATS["PNG"].holds)


@pytest.fixture(params=["isal", "zlib"])
def library(request, monkeypatch):
    if request.param == "zlib":
        monkeypatch.setattr(deflate, "fast", None)
    elif deflate.fast is None:
        pytest.skip("isal is not installed")
    return request.param


def as_read(data: bytes) -> np.ndarray:
    return read(io.BytesIO(data), name="x").pixels


def written(pixels: np.ndarray, heights: list[int], mode: str = "rgb", **options) -> bytes:
    """The file whose rows come so many at a time, in an array that is used again."""
    file, notes = io.BytesIO(), []
    writer = streams.writer("PNG")(file, Page(pixels, mode, Metadata()), EncoderOptions(**options), notes)
    first = 0
    for height in heights:
        band = pixels[first : first + height].copy()
        writer.write(band)
        band[:] = 0
        first += height
    writer.finish()
    return file.getvalue()


def shown(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        content = data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length)[0] == zlib.crc32(kind + content)
        found.append((kind, content))
        position += 12 + length
    return found


def inflated(data: bytes) -> bytes:
    """By zlib, in one go, and nothing left over."""
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(content for kind, content in chunks(data) if kind == b"IDAT"))
    assert stream.eof
    assert not stream.unused_data
    return rows


def check_elsewhere(data: bytes, pixels: np.ndarray, mode: str) -> None:
    """The other readers that are installed, where they keep the depth and the channels, see the same."""
    if pixels.dtype != np.uint16 or pixels.ndim == 2:
        image = Image.open(io.BytesIO(data))
        image.load()
        np.testing.assert_array_equal(np.asarray(image), pixels)
    try:
        import imagecodecs

        np.testing.assert_array_equal(imagecodecs.png_decode(data), shown(pixels))
    except ImportError:
        pass
    try:
        import cv2

        if mode != "grey+alpha":  # it would make RGBA of it
            seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            seen = seen if seen.ndim == 2 else seen[..., [2, 1, 0, 3][: seen.shape[2]]]
            np.testing.assert_array_equal(seen, shown(pixels))
    except ImportError:
        pass
    try:
        import pyvips

        seen = pyvips.Image.pngload_buffer(data).numpy()
        np.testing.assert_array_equal(seen.reshape(pixels.shape), shown(pixels))
    except (ImportError, OSError):
        pass


@pytest.mark.parametrize("compression", [None, *range(10)])
@pytest.mark.parametrize(("mode", "dtype"), KINDS)
def test_every_kind_at_every_level(make_pixels, library, mode, dtype, compression):
    noise = make_pixels(mode, dtype, 41, 37)
    flat = np.zeros_like(noise)
    flat[10:20, 5:30] = noise[0, 0]
    slope = (np.add.outer(np.arange(41), np.arange(37)) * 3).astype(np.uint8)
    slope = np.broadcast_to(slope.reshape(41, 37, *(1,) * (noise.ndim - 2)), noise.shape)
    for pixels in (noise, flat, slope > 99 if dtype == "bool" else slope.astype(dtype) * 9):
        data = encode(Picture(pixels, mode), "png", compression=compression)
        np.testing.assert_array_equal(as_read(data), shown(pixels))
        check_elsewhere(data, pixels, mode)


@pytest.mark.parametrize(("mode", "dtype"), KINDS)
def test_sizes(make_pixels, mode, dtype):
    for width in range(1, 71):
        pixels = make_pixels(mode, dtype, 1 + width % 9, width)
        np.testing.assert_array_equal(as_read(encode(Picture(pixels, mode), "png")), shown(pixels))
    pixels = make_pixels(mode, dtype, 70, 1)
    np.testing.assert_array_equal(as_read(encode(Picture(pixels, mode), "png")), shown(pixels))


@pytest.mark.parametrize("kind", range(6))
@pytest.mark.parametrize(("mode", "dtype"), KINDS)
def test_every_filter(monkeypatch, make_pixels, mode, dtype, kind):
    way = effort.Way(kind, deflate.Packing("isal", 1))
    monkeypatch.setattr(effort, "choose", lambda *band: way)
    monkeypatch.setattr(effort, "BAND", 500)
    pixels = make_pixels(mode, dtype, 40, 33)
    data = encode(Picture(pixels, mode), "png")
    np.testing.assert_array_equal(as_read(data), shown(pixels))
    check_elsewhere(data, pixels, mode)
    rows = inflated(data)
    assert set(rows[:: len(rows) // 40]) <= ({kind, 1, 0} if kind < 5 else set(range(5)))


@pytest.mark.parametrize("compression", [0, None, 6])
def test_bands_and_threads_do_not_show(monkeypatch, astronaut, library, compression):
    """Bands that don't divide the height; the file depends neither on the threads nor on how rows come."""
    pixels = read(astronaut).pixels[:203, :151]
    for size in (1, 900, 5000, 40_000):
        monkeypatch.setattr(effort, "BAND", size)
        monkeypatch.setattr(effort, "LARGE_BAND", size)
        files = set()
        for threads in (1, 3):
            monkeypatch.setattr(png_encode, "usable_threads", lambda threads=threads: threads)
            files.add(encode(pixels, "png", compression=compression))
            for heights in ([203], [1] * 203, [7, 0, 190, 6], [100, 100, 3]):
                files.add(written(pixels, heights, compression=compression, threads=threads))
        (data,) = files
        assert len([kind for kind, _ in chunks(data) if kind == b"IDAT"]) == -(-203 // max(1, size // 454))
        assert len(inflated(data)) == 203 * 454
        np.testing.assert_array_equal(as_read(data), pixels)


def test_the_joined_checksum():
    rng = np.random.default_rng(1)
    for first, second in ((0, 5), (5, 0), (0, 0), (1, 1), (70_000, 131_073), (65_521, 65_521)):
        one, two = rng.bytes(first), b"\xff" * second
        joined = deflate.adler32_of_both(zlib.adler32(one), zlib.adler32(two), len(two))
        assert joined == zlib.adler32(one + two)


def drawn() -> dict[str, np.ndarray]:
    """Pictures that compress well, each in another way."""
    rows, columns = np.mgrid[:400, :600]
    flat = np.full((400, 600, 3), 250, np.uint8)
    flat[::10], flat[50:90, 100:300] = 200, (10, 200, 30)
    disk = np.hypot(rows - 200, columns - 300)
    letters = np.random.default_rng(5).integers(0, 2, (12, 9, 7), np.uint8)
    text = np.kron(letters[np.random.default_rng(6).integers(0, 12, (30, 60))], np.uint8([[[[200]]]]))
    return {
        "flat": flat,
        "slope": np.dstack([rows * 255 // 399, columns * 255 // 599, (rows + columns) * 255 // 998]).astype(np.uint8),
        "disk": np.clip(255 - disk, 0, 255).astype(np.uint8),
        "deep slope": (rows * 40 + columns * 13).astype(np.uint16),
        "text": text.swapaxes(1, 2).reshape(270, 420),
        "bitmap": (disk % 50 < 25),
    }


@pytest.mark.parametrize("name", [*drawn(), "photograph"])
def test_what_a_level_means(astronaut, name):
    """The higher the smaller; by default at most a tenth larger than Pillow's, which shows how rows are filtered."""
    pixels = read(astronaut).pixels if name == "photograph" else drawn()[name]
    sizes = [len(encode(pixels, "png", compression=level)) for level in range(10)]
    assert sizes[0] > (pixels.size // 8 if pixels.dtype == bool else pixels.nbytes)
    assert all(after <= 1.02 * before for before, after in pairwise(sizes))
    assert len(encode(pixels, "png")) == sizes[effort.DEFAULT]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    assert sizes[effort.DEFAULT] < 1.1 * len(buffer.getvalue())
    assert sizes[9] < 1.02 * len(buffer.getvalue())


def runs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    frequencies = [1, 1]
    while len(frequencies) < 24:
        frequencies.append(frequencies[-1] + frequencies[-2])
    return {
        "one byte": np.zeros(1, np.uint8),
        "two bytes": np.zeros(2, np.uint8),
        "one of each": np.arange(256, dtype=np.uint8),
        "one run over blocks": np.full(200_001, 7, np.uint8),
        "noise": rng.integers(0, 256, 200_000, np.uint8),
        "a block and a byte": rng.integers(0, 3, (1 << 16) + 1, np.uint8),
        "rare bytes": rng.geometric(0.3, 100_000).astype(np.uint8),
        "runs of every length": np.repeat(np.arange(700) % 5, np.arange(700) + 1).astype(np.uint8),
        "short runs": np.repeat(rng.integers(0, 256, 30_000), rng.integers(1, 9, 30_000)).astype(np.uint8),
        "codes that would be too long": rng.permutation(
            np.repeat(np.arange(24), frequencies).astype(np.uint8)[:65_536]
        ),
    }


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("name", runs())
def test_runs_are_inflated_by_others(name, last):
    data = runs()[name]
    packed = deflate.Packing("runs").packed(data, last)
    for module in filter(None, (zlib, deflate.fast)):
        stream = module.decompressobj(-15)
        assert (stream.decompress(packed), stream.eof) == (data.tobytes(), last)
        assert not stream.unused_data
    if not last:
        again = zlib.decompressobj(-15)
        follows = deflate.Packing("runs").packed(data[::-1].copy(), True)
        assert again.decompress(packed + follows) == data.tobytes() + data[::-1].tobytes()
        assert again.eof
    by_zlib = deflate.Packing("zlib", 1, zlib.Z_RLE).packed(data, last)
    assert len(packed) < 1.06 * len(by_zlib) + 60


@pytest.mark.parametrize("seed", range(6))
def test_any_division_into_rows(monkeypatch, make_pixels, seed):
    rng = np.random.default_rng(seed)
    mode, dtype = KINDS[rng.integers(len(KINDS))]
    pixels = make_pixels(mode, dtype, int(rng.integers(1, 90)), int(rng.integers(1, 90)))
    monkeypatch.setattr(effort, "BAND", int(rng.integers(1, 3000)))  # often less than a row
    whole = encode(Picture(pixels, mode), "png")
    np.testing.assert_array_equal(as_read(whole), shown(pixels))
    for _ in range(8):
        cuts = np.sort(rng.integers(0, len(pixels) + 1, rng.integers(0, 9)))
        heights = np.diff([0, *cuts, len(pixels)]).tolist()
        assert written(pixels, heights, mode, threads=int(rng.integers(1, 4))) == whole


def test_too_few_or_too_many_rows():
    pixels = np.zeros((9, 5, 3), np.uint8)
    refused(ValueError, "2 rows are missing", written, pixels, [7])
    writer = streams.writer("PNG")(io.BytesIO(), Page(pixels[:7], "rgb", Metadata()), EncoderOptions(), [])
    refused(ValueError, "more rows", writer.write, pixels)


def test_a_writer_that_is_left_leaves_no_thread(make_pixels):
    pixels = make_pixels("rgb", "uint8", 1500, 1111)
    before = set(threading.enumerate())
    writer = streams.writer("PNG")(io.BytesIO(), Page(pixels, "rgb", Metadata()), EncoderOptions(threads=4), [])
    writer.write(pixels[:1200])
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert set(threading.enumerate()) <= before


def test_order_of_chunks(make_pixels, icc_profile, exif_block):
    carried = [(kind, bytes([n]) * 4) for n, kind in enumerate((b"gAMA", b"sRGB", b"cHRM", b"gAMA"))]
    carried += [(b"tEXt", b"a\0b"), (b"iTXt", b"c\0\0\0\0\0d"), (b"tEXt", b"a\0b")]
    metadata = Metadata(chunks=tuple(carried), xmp=b"<x/>", dpi=(300, 72), exif=exif_block, orientation=6)
    for icc, colour in ((None, [b"gAMA", b"sRGB", b"cHRM"]), (icc_profile, [b"iCCP", b"gAMA", b"cHRM"])):
        described = Picture(make_pixels("rgb", "uint16"), metadata=metadata)
        data = encode(described.replace(metadata=Metadata(**{**vars(metadata), "icc": icc})), "png")
        texts = [b"tEXt", b"iTXt", b"tEXt", b"iTXt"]
        assert [kind for kind, _ in chunks(data)] == [
            b"IHDR", *colour, *texts, b"pHYs", b"eXIf", b"IDAT", b"IEND"
        ]  # fmt: skip
    grey = Picture(make_pixels("grey", "uint8"), metadata=metadata)
    assert b"sRGB" in dict(chunks(encode(grey, "png")))


def test_arrays_in_any_order_and_read_only(make_pixels):
    for dtype in ("uint8", "uint16"):
        base = make_pixels("rgb", dtype, 40, 33)
        frozen = base.copy()
        frozen.flags.writeable = False
        for array in (base[::-1], base[:, ::2], np.asfortranarray(base), base[..., ::-1], frozen, base.swapaxes(0, 1)):
            np.testing.assert_array_equal(as_read(encode(array, "png")), array)


def test_pictures_of_more_than_a_band(make_pixels):
    for mode, dtype in KINDS:
        pixels = make_pixels(mode, dtype, 1500, 1111)
        data = encode(Picture(pixels, mode), "png")
        assert dtype == "bool" or len([kind for kind, _ in chunks(data) if kind == b"IDAT"]) > 1
        np.testing.assert_array_equal(as_read(data), shown(pixels))


def test_float_and_cmyk_are_refused(make_pixels):
    for mode, dtype in (("grey", "float32"), ("cmyk", "uint8"), ("rgb", "int32")):
        refused(FileError, "PNG cannot hold", encode, Picture(make_pixels(mode, dtype), mode), "png")


def test_errors_in_threads_arrive():
    def fails_at(place):
        for i in range(100):
            if i == place:
                raise MemoryError
            yield i

    with pytest.raises(MemoryError):
        list(ahead(fails_at(50)))
    assert list(ahead(range(100))) == list(range(100))
    unfinished = ahead(fails_at(50))
    assert next(unfinished) == 0
    unfinished.close()
    for threads in (1, 2, 3):
        for most in (0, 1, 5, 30):
            assert worked(lambda i: i * i, threads, most) == [i * i for i in range(20)]
            with pytest.raises(ZeroDivisionError):
                worked(lambda i: 1 // (7 - i), threads, most)


def worked(function, threads: int, most: int) -> list:
    """What `InOrder` makes of 0 .. 19 where at most so many are under way."""
    work, found = InOrder(threads), []
    for i in range(20):
        work.add(partial(function, i))
        found += work.results(most)
    return found + list(work.results(0))


def test_pillow_is_not_imported_from_png_to_png(tmp_path, astronaut):
    code = (
        "import sys; from imconv.cli import main\n"
        f"sys.argv = ['imconv', 'blur', {str(astronaut)!r}, {str(tmp_path / 'a.png')!r}, '--sigma', '2']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'PIL', 'numba', 'imconv.files.by_pillow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "a.png").stat().st_size > 1000
