from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

import imconv
from imconv.errors import FileError, OptionError
from imconv.files import encode, inspect, read, write
from imconv.files.formats import FORMATS
from imconv.files.picture import MODES, Metadata, Picture
from tests.optional import written
from tests.refused import refused

TYPES = ("bool", "uint8", "uint16", "int32", "float32", "float64")


def as_read(data: bytes) -> Picture:
    return read(io.BytesIO(data), name="x")


@pytest.mark.parametrize("name", FORMATS)
def test_every_pair_is_exact_or_refused_with_advice(make_pixels, name):
    """No colour model and sample type is degraded in silence: what comes back is what went in, or it is refused."""
    written(name)
    lossy = {"JPEG", "GIF", "WEBP", "AVIF", "ICO"}
    for mode in MODES:
        for dtype in TYPES:
            picture = Picture(make_pixels(mode, dtype), mode)
            try:
                data = encode(picture, name)
            except FileError as error:
                message = str(error)
                assert "\n" not in message
                assert message.startswith("output: ")
                if (mode, dtype) in {("rgb", "uint8"), ("grey", "float32"), ("grey", "uint16"), ("rgba", "uint8")}:
                    assert "PNG" in message or "TIFF" in message, message
                assert (mode, dtype) not in FORMATS[name].holds or "transparent" in message
                continue
            if name not in lossy:
                spread = dtype == "bool" and name not in ("NPY", "NPZ")
                expected = picture.pixels.astype(np.uint8) * 255 if spread else picture.pixels
                found, label = as_read(data).pixels, f"{name} {mode} {dtype}"
                if (mode, dtype) in FORMATS[name].nearly:
                    np.testing.assert_allclose(found, expected, rtol=2.0**-23, err_msg=label)
                    continue
                np.testing.assert_array_equal(found, expected, err_msg=label)


@pytest.mark.parametrize(
    ("mode", "dtype", "name", "words"),
    [
        ("rgba", "uint16", "jpg", "JPEG cannot hold an alpha channel without loss; write PNG"),
        ("grey", "uint16", "jpg", "JPEG cannot hold 16-bit grey pixels without loss; write PNG, TIFF.*or .*depth='8'"),
        ("grey", "float32", "png", "PNG cannot hold 32-bit float grey pixels without loss; write TIFF, PFM"),
        ("grey", "float64", "png",
         "PNG cannot hold 64-bit float grey pixels without loss; write TIFF, NPY, NPZ, or convert"),
        ("rgb", "bool", "pgm", "PGM cannot hold rgb pixels without loss; write .*PNG, TIFF"),
        ("grey", "int32", "png", "32-bit integer grey pixels without loss; write TIFF"),
        ("rgba", "uint8", "jpg", "JPEG cannot hold an alpha channel without loss; write PNG, TIFF, WEBP"),
        ("rgba", "uint8", "bmp", "BMP cannot hold an alpha channel without loss; write PNG, TIFF, WEBP"),
        ("rgba", "uint8", "ppm", "PPM cannot hold an alpha channel without loss; write PNG"),
        ("cmyk", "uint8", "png", "PNG cannot hold cmyk pixels without loss; write TIFF"),
        ("rgb", "uint8", "pgm", "PGM cannot hold rgb pixels without loss; write PNG, TIFF, WEBP, BMP, PPM"),
        ("rgba", "uint8", "gif", "GIF holds only fully transparent and fully opaque pixels; write PNG"),
    ],
)  # fmt: skip
def test_refusals_name_what_would_be_lost_and_what_holds_it(tmp_path, make_pixels, mode, dtype, name, words):
    path = tmp_path / f"out.{name}"
    refused(FileError, words, write, path, Picture(make_pixels(mode, dtype), mode))
    assert list(tmp_path.iterdir()) == []


def test_the_report_and_the_file(tmp_path, astronaut):
    picture = imconv.read(astronaut)
    path = tmp_path / "a.tif"
    report = imconv.write(path, picture)
    assert (report.name, report.format, report.bytes) == (str(path), "TIFF", path.stat().st_size)
    np.testing.assert_array_equal(imconv.read(path).pixels, picture.pixels)


def test_which_format_is_written(tmp_path, make_pixels):
    picture = Picture(make_pixels("rgb", "uint8"), format="BMP")
    stream = io.BytesIO()
    assert write(stream, picture).format == "BMP"
    assert write(io.BytesIO(), picture, format="jpg").format == "JPEG"
    assert write(tmp_path / "a.png", picture, format="tiff").format == "TIFF"
    assert write("/dev/null", picture).format == "BMP"
    refused(FileError, "no extension says which format to write; add one", write, tmp_path / "picture", picture)
    refused(FileError, r"unknown format '\.xyz'.*known are \.png, \.jpg", write, tmp_path / "a.xyz", picture)
    refused(OptionError, r"unknown format 'psd'.*; known are \.png", write, tmp_path / "a.png", picture, format="psd")
    refused(FileError, "give format=", write, io.BytesIO(), make_pixels("rgb", "uint8"))
    bitmap = read(io.BytesIO(encode(make_pixels("grey", "bool"), "pbm")))
    assert write(io.BytesIO(), bitmap).format == "PGM"


def test_arrays_of_every_layout(make_pixels):
    base = make_pixels("rgb", "uint8")
    frozen = base.copy()
    frozen.flags.writeable = False
    for array in (base[::-1], base[:, ::-2], np.asfortranarray(base), base[..., ::-1], frozen, base.transpose(1, 0, 2)):
        kept = array.copy()
        for name in ("png", "tiff", "webp", "bmp", "ppm"):
            np.testing.assert_array_equal(as_read(encode(array, name)).pixels, kept)
        np.testing.assert_array_equal(array, kept)
    wide = make_pixels("grey", "uint16").astype(">u2")
    np.testing.assert_array_equal(as_read(encode(wide, "png")).pixels, wide)
    np.testing.assert_array_equal(as_read(encode(base[..., :1], "png")).pixels, base[..., 0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (1, 1, 3), (2, 7, 4)])
def test_tiny_pictures(shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    for name in ("png", "tiff", "webp"):
        seen = as_read(encode(pixels, name)).pixels
        np.testing.assert_array_equal(seen if seen.ndim == len(shape) else seen[..., 0], pixels)


def test_pictures_without_pixels_or_too_large_are_refused():
    for shape in ((0, 5), (5, 0, 3)):
        refused(FileError, "are no picture; nothing to write", encode, np.zeros(shape, np.uint8), "png")
    refused(FileError, "WEBP holds at most 16383 pixels a side", encode, np.zeros((1, 16384), np.uint8), "webp")
    refused(FileError, "JPEG holds at most 65500 pixels a side", encode, np.zeros((65501, 1), np.uint8), "jpeg")


def test_quality_and_compression(astronaut):
    picture = read(astronaut)
    assert (
        len(encode(picture, "jpeg", quality=30))
        < len(encode(picture, "jpeg"))
        < len(encode(picture, "jpeg", quality=99))
    )
    assert len(encode(picture, "webp", quality=30)) < len(encode(picture, "webp"))
    sizes = [len(encode(picture, "png", compression=level)) for level in (0, 1, 9)]
    assert sizes[0] > sizes[1] >= sizes[2]  # a photograph has nothing to gain
    for wrong in (0, 101, "best", 50.0, True):
        refused(OptionError, "is not a whole number from 1 to 100", encode, picture, "jpeg", quality=wrong)
    for wrong in (10, -1, "x"):
        refused(OptionError, "is not a whole number from 0 to 9", encode, picture, "png", compression=wrong)
    assert "quality is not used for PNG" in write(io.BytesIO(), picture, format="png", quality=5).notes
    assert "compression is not used for JPEG" in write(io.BytesIO(), picture, format="jpg", compression=5).notes


def test_tiff_keeps_the_inputs_compression(make_pixels):
    pytest.importorskip("imagecodecs")
    pixels = make_pixels("rgb", "uint8")
    for compression in ("none", "lzw", "packbits", "deflate"):
        first = read(io.BytesIO(encode(pixels, "tiff", compression=compression)))
        assert first.metadata.compression == compression
        assert inspect(io.BytesIO(encode(first, "tiff"))).metadata.compression == compression
    lossy = Picture(pixels, metadata=Metadata(compression="jpeg"))
    assert inspect(io.BytesIO(encode(lossy, "tiff"))).metadata.compression == "deflate"
    assert inspect(io.BytesIO(encode(pixels, "tiff", compression=0))).metadata.compression == "none"


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_keeps_tables_and_subsampling(astronaut, subsampling):
    buffer = io.BytesIO()
    Image.open(astronaut).save(buffer, "JPEG", quality=63, subsampling=subsampling)
    source = Image.open(buffer)
    picture = read(io.BytesIO(buffer.getvalue()))
    again = Image.open(io.BytesIO(encode(picture, "jpeg")))
    assert again.quantization == source.quantization
    assert get_sampling(again) == subsampling
    assert Image.open(io.BytesIO(encode(picture, "jpeg", quality=92))).quantization != source.quantization
    # a grey result of a colour JPEG takes the luma table, a colour result of a grey one has only that
    grey = picture.replace(pixels=picture.pixels[..., 1], mode="grey")
    assert Image.open(io.BytesIO(encode(grey, "jpeg"))).quantization == {0: source.quantization[0]}
    spread = read(io.BytesIO(encode(grey, "jpeg"))).replace(pixels=picture.pixels, mode="rgb")
    tables = Image.open(io.BytesIO(encode(spread, "jpeg"))).quantization
    assert set(map(tuple, tables.values())) == {tuple(source.quantization[0])}


def test_cmyk_jpeg_is_not_inverted():
    cv2 = pytest.importorskip("cv2")
    pixels = np.zeros((16, 48, 4), np.uint8)
    pixels[:, 16:32, 0] = 255  # cyan
    pixels[:, 32:, 3] = 255  # black
    data = encode(Picture(pixels, "cmyk"), "jpeg", quality=100)
    assert b"Adobe" in data[:200]
    picture = as_read(data)
    assert picture.mode == "cmyk"
    assert np.abs(picture.pixels.astype(int) - pixels).max() <= 3
    again = as_read(encode(picture, "jpeg"))
    assert np.abs(again.pixels.astype(int) - pixels).max() <= 6
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert (seen[8, 8] > 240).all()  # no ink is white
    assert seen[8, 24, 2] < 80  # cyan has no red
    assert seen[8, 24, 0] > 150
    assert (seen[8, 40] < 40).all()
    tiff = as_read(encode(Picture(pixels, "cmyk"), "tiff"))
    np.testing.assert_array_equal(tiff.pixels, pixels)


def test_gif_tells_when_it_reduces_colours(astronaut, make_pixels):
    report = write(io.BytesIO(), read(astronaut), format="gif")
    assert "113382 colours reduced to 256: GIF holds no more" in report.notes
    few = make_pixels("rgb", "uint8") // 64 * 64
    assert not write(io.BytesIO(), few, format="gif").notes
    np.testing.assert_array_equal(as_read(encode(few, "gif")).pixels, few)
    hidden = np.full((3, 4, 4), 77, np.uint8)
    hidden[..., 3] = [0, 255, 255, 0]
    report = write(io.BytesIO(), hidden, format="gif")
    assert report.notes == ("colours under fully transparent pixels left out: GIF holds none",)
    rng = np.random.default_rng(1)
    many = rng.integers(0, 256, (64, 64, 4), dtype=np.uint8)
    many[..., 3] = np.where(many[..., 3] > 128, 255, 0)
    np.testing.assert_array_equal(as_read(encode(many, "gif")).pixels[..., 3], many[..., 3])


def test_no_clobber(tmp_path, make_pixels):
    path = tmp_path / "a.png"
    write(path, make_pixels("grey", "uint8"), no_clobber=True)
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"a\.png: exists already; .*no_clobber="):
        write(path, make_pixels("rgb", "uint8"), no_clobber=True)
    assert path.read_bytes() == before


def test_in_place(tmp_path, astronaut):
    path = tmp_path / "a.png"
    path.write_bytes(astronaut.read_bytes())
    picture = read(path)
    write(path, picture.replace(pixels=255 - picture.pixels))
    np.testing.assert_array_equal(read(path).pixels, 255 - picture.pixels)


def test_streams_that_fail(make_pixels):
    class Broken(io.RawIOBase):
        def write(self, data):
            raise OSError(28, "No space left on device")

    class Closed(io.RawIOBase):
        def write(self, data):
            raise BrokenPipeError

    class Slow(io.BytesIO):
        def write(self, data):
            return super().write(data[:7])

    pixels = make_pixels("grey", "uint8")
    with pytest.raises(FileError, match="-: No space left on device; not everything was written"):
        write(Broken(), pixels, format="png", name="-")
    with pytest.raises(BrokenPipeError):
        write(Closed(), pixels, format="png", name="-")
    slow = Slow()
    write(slow, pixels, format="png")
    np.testing.assert_array_equal(as_read(slow.getvalue()).pixels, pixels)


def test_writing_imports_one_plugin(tmp_path):
    code = (
        "import sys, numpy, imconv\n"
        f"imconv.write({str(tmp_path / 'a.jpg')!r}, numpy.zeros((4, 4), 'uint8'))\n"
        "loaded = {m for m in sys.modules if m.startswith('PIL.') and m.endswith('Plugin')}\n"
        "assert 'PIL.PngImagePlugin' not in loaded and 'PIL.GifImagePlugin' not in loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
