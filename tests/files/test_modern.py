"""JPEG 2000, AVIF and ICO, held against imagecodecs, OpenCV and Pillow called on its own."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError, LimitError
from imconv.files import encode, inspect, read, write
from imconv.files.formats import FORMATS
from imconv.files.picture import Metadata, Picture
from tests.refused import refused


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def saved(image: Image.Image, name: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photograph(astronaut) -> np.ndarray:
    return read(astronaut).pixels[:120, :150]


@pytest.fixture
def described(photograph, exif_block, icc_profile) -> Picture:
    metadata = Metadata(icc=icc_profile, exif=exif_block, xmp=b"<x:xmpmeta/>", dpi=(300.0, 150.0), orientation=6)
    return Picture(photograph, metadata=metadata)


@pytest.mark.parametrize("name", ["JP2", "J2K"])
def test_jpeg_2000_is_lossless_for_others_too(make_pixels, name):
    imagecodecs = pytest.importorskip("imagecodecs")
    for mode, dtype in sorted(FORMATS[name].holds):
        pixels = make_pixels(mode, dtype, 60, 70)
        seen = imagecodecs.jpeg2k_decode(encode(Picture(pixels, mode), name))
        assert seen.dtype == pixels.dtype
        np.testing.assert_array_equal(seen, pixels, err_msg=mode)


@pytest.mark.parametrize("form", ["jp2", "j2k"])
@pytest.mark.parametrize("bits", [1, 5, 8, 10, 12, 15, 16])
def test_jpeg_2000_of_any_depth(form, bits):
    imagecodecs = pytest.importorskip("imagecodecs")
    rng = np.random.default_rng(bits)
    top = (1 << bits) - 1
    pixels = rng.integers(0, top, (40, 50), endpoint=True).astype("u1" if bits <= 8 else "u2")
    data = imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=bits, codecformat=form)
    picture = as_read(data)
    full = 255 if bits <= 8 else 65535
    np.testing.assert_array_equal(picture.pixels, (2 * pixels.astype(np.int64) * full + top) // (2 * top))
    assert picture.notes == (() if top == full else (f"{bits}-bit samples scaled to {8 if bits < 8 else 16} bits",))


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [((9, 8, 3), "u2", "16-bit rgb samples"), ((9, 8, 2), "u2", r"16-bit grey\+alpha samples"),
     ((9, 8, 4), "u2", "16-bit rgba samples"), ((9, 8), "i2", "signed samples"), ((9, 8), "i4", "signed samples")],
)  # fmt: skip
def test_jpeg_2000_that_would_be_degraded_is_refused(shape, dtype, words):
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpeg2k_encode(np.zeros(shape, dtype), level=0, reversible=True)
    refused(FileError, f"x: JPEG 2000 with {words} cannot be read without loss; convert", as_read, data)
    assert (inspect(io.BytesIO(data)).width, inspect(io.BytesIO(data)).height) == (8, 9)


def test_jpeg_2000_in_tiles_lossy_or_without_alpha_marked(photograph):
    imagecodecs = pytest.importorskip("imagecodecs")
    tiled = saved(Image.fromarray(photograph), "JPEG2000", tile_size=(32, 48))
    np.testing.assert_array_equal(as_read(tiled).pixels, photograph)
    lossy = imagecodecs.jpeg2k_encode(photograph, level=35)
    np.testing.assert_array_equal(as_read(lossy).pixels, imagecodecs.jpeg2k_decode(lossy))
    # each tile's bytes are needed
    for cut in (1, 2, 10, len(tiled) // 2):
        refused(FileError, "damaged or truncated JP2", as_read, tiled[:-cut])


def test_metadata_of_jpeg_2000(described, exif_block, icc_profile):
    data = encode(described, "jp2")
    metadata = as_read(data).metadata
    assert metadata.exif == exif_block
    assert (metadata.icc, metadata.xmp, metadata.orientation) == (icc_profile, b"<x:xmpmeta/>", 6)
    assert metadata.dpi == pytest.approx((300, 150), rel=1e-4)
    image = Image.open(io.BytesIO(data))
    assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-4)
    np.testing.assert_array_equal(np.asarray(image), described.pixels)
    bare = as_read(encode(described, "jp2", strip=True)).metadata
    assert (bare.icc, bare.exif, bare.xmp, bare.dpi, bare.orientation) == (None, None, None, None, 1)
    notes = " | ".join(write(io.BytesIO(), described, format="j2k").notes)
    assert "ICC profile left out: J2K holds none" in notes
    for dpi in (1.0, 72.0, 96.0, 118.11, 2540.0, 100_000.0):
        again = as_read(encode(described.replace(metadata=Metadata(dpi=(dpi, dpi))), "jp2")).metadata.dpi
        assert again == pytest.approx((dpi, dpi), rel=1e-3)


def test_avif_is_what_pillow_decodes(photograph, make_pixels):
    pytest.importorskip("PIL.AvifImagePlugin")
    alpha = np.dstack([photograph, photograph[..., 0]])
    for pixels, mode in ((photograph, "RGB"), (photograph[..., 1], "L"), (alpha, "RGBA")):
        for options in ({}, {"quality": 30}, {"quality": 100}):
            data = saved(Image.fromarray(np.ascontiguousarray(pixels)), "AVIF", **options)
            picture = as_read(data)
            image = Image.open(io.BytesIO(data))
            np.testing.assert_array_equal(picture.pixels, np.asarray(image))
            assert image.mode == mode
    odd = make_pixels("rgb", "uint8", 31, 17)
    assert as_read(encode(odd, "avif")).pixels.shape == odd.shape


def test_avif_quality(photograph):
    grey = np.ascontiguousarray(photograph[..., 1])
    np.testing.assert_array_equal(as_read(encode(grey, "avif", quality=100)).pixels, grey)
    worst = np.abs(as_read(encode(photograph, "avif", quality=100)).pixels.astype(int) - photograph).max()
    assert worst <= 2
    sizes = [len(encode(photograph, "avif", quality=q)) for q in (30, None, 100)]
    assert sizes[0] < sizes[1] < sizes[2]
    pixels = np.dstack([grey, grey])
    report = write(io.BytesIO(), Picture(pixels), format="avif", quality=100)
    assert report.notes == ("AVIF has no grey+alpha: written as RGBA",)
    seen = as_read(encode(pixels, "avif", quality=100)).pixels
    assert np.abs(seen.astype(int) - pixels[..., [0, 0, 0, 1]]).max() <= 2


def test_opencv_sees_the_same_avif(photograph):
    cv2 = pytest.importorskip("cv2")
    data = np.frombuffer(encode(photograph, "avif", quality=100), np.uint8)
    seen = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if seen is None:
        pytest.skip("this OpenCV reads no AVIF")
    assert np.abs(seen[..., ::-1].astype(int) - photograph).max() <= 3


def test_metadata_of_avif(described, exif_block, icc_profile):
    data = encode(described, "avif")
    header = inspect(io.BytesIO(data))
    metadata = as_read(data).metadata
    assert metadata == header.metadata
    assert (metadata.icc, metadata.xmp, metadata.orientation) == (icc_profile, b"<x:xmpmeta/>", 6)
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert (exif[271], exif[274], exif.get_ifd(34665)[33434]) == ("Acme", 6, 0.125)
    again = as_read(encode(as_read(data), "png")).metadata
    assert (again.icc, again.exif, again.orientation) == (icc_profile, metadata.exif, 6)


@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_of_avif(photograph, value):
    exif = Image.Exif()
    exif[274] = value
    data = saved(Image.fromarray(photograph), "AVIF", exif=exif, quality=100)
    picture = as_read(data)
    assert picture.metadata.orientation == Image.open(io.BytesIO(data)).getexif().get(274, 1) == value
    assert picture.pixels.shape == photograph.shape
    upright = as_read(data, auto_orient=True)
    assert upright.pixels.shape[0] == (150 if value > 4 else 120)
    assert as_read(encode(picture, "avif")).metadata.orientation == value


def test_avif_of_more_than_8_bits_is_refused(photograph):
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.avif_encode(photograph.astype(np.uint16) * 4, bitspersample=10)
    refused(FileError, "x: 10-bit AVIF cannot be read without losing bits; convert", as_read, data)
    assert inspect(io.BytesIO(data)).depth == 10


def test_avif_by_another_encoder(photograph):
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.avif_encode(photograph, level=100)
    np.testing.assert_array_equal(as_read(data).pixels, photograph)


def test_an_animated_avif_gives_its_first_frame(photograph):
    frames = [Image.fromarray(np.ascontiguousarray(photograph[i : i + 64, :64])) for i in range(3)]
    data = saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=100)
    picture = as_read(data)
    assert "first of 3 frames" in " ".join(picture.notes)
    np.testing.assert_array_equal(picture.pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_boxes_that_lie(samples):
    for key in ("AVIF rgba uint8", "JP2 rgb uint8"):
        data = samples[key]
        for kind in (b"meta", b"iloc", b"ipco", b"ipma", b"ispe", b"jp2h", b"ihdr", b"jp2c", b"colr"):
            at = data.find(kind)
            for length in (0, 1, 7, 8, 9, 0x7FFFFFFF, 0xFFFFFFFF) if at > 0 else ():
                lying = data[: at - 4] + struct.pack(">I", length) + data[at:]
                try:
                    picture = as_read(lying, max_memory="200M")
                except (FileError, LimitError) as error:
                    message = str(error)
                    assert message.startswith("x: ")
                else:
                    assert picture.pixels.shape[:2] == as_read(data).pixels.shape[:2]


def test_a_vast_size_is_refused_before_memory_is_taken(samples):
    data = samples["AVIF rgb uint8"]
    at = data.index(b"ispe") + 8
    with pytest.raises(LimitError, match="60000 x 60000 pixels need"):
        as_read(data[:at] + struct.pack(">II", 60000, 60000) + data[at + 8 :])
    data = samples["J2K rgb uint8"]
    vast = data[:8] + struct.pack(">IIIIII", 60000, 60000, 0, 0, 60000, 60000) + data[32:]
    refused(LimitError, "60000 x 60000 pixels need", as_read, vast, max_memory="10G")


# -- ICO


def bitmap(width: int, height: int, bits: int, palette: bytes, rows: bytes, mask: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, bits, 0, 0, 0, 0, len(palette) // 4, 0)
    return head + palette + rows + mask


def icon(*pictures: tuple[int, int, int, bytes]) -> bytes:
    start = 6 + 16 * len(pictures)
    head, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for width, height, bits, data in pictures:
        head += struct.pack("<BBBBHHII", width % 256, height % 256, 0, 0, 1, bits, len(data), start + len(body))
        body += data
    return head + body


@pytest.mark.parametrize("bits", [1, 4, 8, 24, 32])
def test_bitmaps_in_icons_with_their_mask(bits):
    rng = np.random.default_rng(bits)
    height, width = 5, 11
    line = (width * bits + 31) // 32 * 4
    palette = rng.integers(0, 256, (1 << bits, 4)).astype("u1") if bits < 24 else np.zeros((0, 4), "u1")
    rows = rng.integers(0, 256, (height, line)).astype("u1")
    if bits == 32:
        rows[:, 3::4] = 0  # no alpha: the mask counts
    hidden = rng.random((height, width)) > 0.5
    mask = np.pad(np.packbits(hidden, axis=1), ((0, 0), (0, 2)))
    data = icon((width, height, bits, bitmap(width, height, bits, palette.tobytes(), rows.tobytes(), mask.tobytes())))
    pixels = as_read(data).pixels
    for y in range(height):
        for x in range(width):
            if bits >= 24:
                blue, green, red = rows[y, x * bits // 8 : x * bits // 8 + 3]
            else:
                value = int.from_bytes(rows[y].tobytes(), "big") >> (8 * line - bits * (x + 1)) & ((1 << bits) - 1)
                blue, green, red, _ = palette[value]
            expected = (red, green, blue, 0 if hidden[y, x] else 255)
            assert tuple(pixels[height - 1 - y, x]) == expected
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    if bits < 32:
        np.testing.assert_array_equal(pixels, np.asarray(image))
    for length in range(0, len(data), 3):
        with pytest.raises(FileError):
            as_read(data[:length])


def test_icons_by_pillow(photograph):
    image = Image.fromarray(np.dstack([photograph, photograph[..., 0]])[:100, :100])
    for form in ("png", "bmp"):
        data = saved(image, "ICO", sizes=[(16, 16), (64, 64), (100, 100)], bitmap_format=form)
        picture = as_read(data)
        np.testing.assert_array_equal(picture.pixels, np.asarray(image))
        assert picture.notes == ("largest of 3 pictures",)
        header = inspect(io.BytesIO(data))
        assert (header.format, header.width, header.frames) == ("ICO", 100, 1)


def test_of_pictures_of_one_size_the_one_of_most_bits_is_read(make_png):
    grey = make_png(2, 1, 8, 0, b"\0\1\2")
    colour = make_png(2, 1, 8, 2, b"\0\1\2\3\4\5\6")
    picture = as_read(icon((2, 1, 8, grey), (2, 1, 24, colour), (1, 1, 32, make_png(1, 1, 8, 0, b"\0\7"))))
    np.testing.assert_array_equal(picture.pixels, [[[1, 2, 3], [4, 5, 6]]])


def test_icons_written(make_pixels):
    for mode in ("grey", "grey+alpha", "rgb", "rgba"):
        pixels = make_pixels(mode, "uint8", 256, 255)
        data = encode(Picture(pixels, mode), "ico")
        image = Image.open(io.BytesIO(data))
        assert image.size == (255, 256)
        expected = np.asarray(Image.fromarray(pixels, {"grey+alpha": "LA"}.get(mode)).convert("RGBA"))
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), expected)
        picture = as_read(data)
        assert picture.mode == "rgba"
        np.testing.assert_array_equal(picture.pixels, expected)
        np.testing.assert_array_equal(as_read(encode(picture, "ico")).pixels, expected)
    refused(FileError, "ICO holds at most 256 pixels a side", encode, np.zeros((257, 3), np.uint8), "ico")
    refused(FileError, "ICO cannot hold 16-bit rgb pixels without loss", encode, make_pixels("rgb", "uint16"), "ico")
