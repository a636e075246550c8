"""JPEG XL, held against imagecodecs (libjxl) and pillow-jxl-plugin called on their own."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError, LimitError, OptionError
from imconv.files import encode, inspect, read, write, write_pages
from imconv.files.formats import FORMATS
from imconv.files.jxl.bits import Bits, Written
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

imagecodecs = pytest.importorskip("imagecodecs")
QUALITY_90 = 2.0  # mean levels by which quality 90 may be off in a photograph


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


@pytest.fixture(scope="module")
def photograph(astronaut) -> np.ndarray:
    return read(astronaut).pixels[:120, :150]


@pytest.mark.parametrize(("mode", "dtype"), sorted(FORMATS["JXL"].holds))
def test_what_is_written_is_exact_for_libjxl(make_pixels, mode, dtype):
    for height, width in ((1, 1), (1, 3), (5, 2), (61, 70)):
        pixels = make_pixels(mode, dtype, height, width)
        data = encode(Picture(pixels, mode), "jxl")
        seen = imagecodecs.jpegxl_decode(data)
        assert seen.dtype == pixels.dtype
        np.testing.assert_array_equal(seen, pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4"])
@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"distance": 1.0}, {"lossless": True, "usecontainer": True}], ids=str
)
def test_files_of_another_encoder(channels, dtype, options):
    rng = np.random.default_rng(channels)
    pixels = rng.random((20, 30, channels))[..., : channels if channels > 1 else None].squeeze()
    pixels = pixels.astype(dtype) if dtype[0] == "f" else (pixels * np.iinfo(dtype).max).astype(dtype)
    data = imagecodecs.jpegxl_encode(pixels, **options)
    header = inspect(io.BytesIO(data))
    assert (header.width, header.height, header.channels) == (30, 20, channels)
    assert (header.depth, header.sample) == (8 * int(dtype[1]), "float" if dtype[0] == "f" else "unsigned")
    if dtype == "u2":  # this encoder calls them linear
        pytest.importorskip("pillow_jxl")
    found = as_read(data)
    seen = imagecodecs.jpegxl_decode(data)
    np.testing.assert_array_equal(found.pixels, seen.astype(np.float32) if dtype == "f2" else seen)


@pytest.mark.parametrize("values", [[np.nan, np.inf, -np.inf, -0.0], [1e-40, 3e38, -65504.0, 1 / 3]])
def test_every_float_survives(values):
    pixels = np.array([values], np.float32)
    assert as_read(encode(pixels, "jxl")).pixels.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("bits", [1, 4, 7, 9, 10, 12, 15])
def test_samples_of_any_depth_fill_the_type(bits):
    pytest.importorskip("pillow_jxl")
    top = (1 << bits) - 1
    pixels = np.random.default_rng(bits).integers(0, top, (20, 30, 3), endpoint=True).astype("u1" if bits < 9 else "u2")
    picture = as_read(imagecodecs.jpegxl_encode(pixels, lossless=True, bitspersample=bits))
    full = 255 if bits < 9 else 65535
    np.testing.assert_array_equal(picture.pixels, (2 * pixels.astype(np.int64) * full + top) // (2 * top))
    assert picture.notes == (f"{bits}-bit samples scaled to {8 if bits < 8 else 16} bits",)


def test_quality_and_effort(photograph):
    lossy = encode(photograph, "jxl", quality=90)
    assert 0 < np.abs(as_read(lossy).pixels.astype(int) - photograph).mean() < QUALITY_90
    sizes = [len(encode(photograph, "jxl", quality=q)) for q in (10, 30, 60, 90)]
    assert sizes == sorted(sizes)
    np.testing.assert_array_equal(as_read(encode(photograph, "jxl", quality=100)).pixels, photograph)
    efforts = [encode(photograph, "jxl", compression=level) for level in (1, 3, 7)]
    assert len(efforts[0]) > len(efforts[1]) > len(efforts[2])
    for data in efforts:
        np.testing.assert_array_equal(as_read(data).pixels, photograph)
    assert encode(photograph, "jxl") == efforts[1]
    refused(OptionError, "is not a whole number from 0 to 9", encode, photograph, "jxl", compression=11)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_quality_takes_no_depth(make_pixels, dtype):
    picture, stream = Picture(make_pixels("rgb", dtype)), io.BytesIO()
    report = write(stream, picture, format="jxl", quality=50)
    assert report.notes == ("quality is not used for pixels with more than 8 bits: stored without loss",)
    np.testing.assert_array_equal(as_read(stream.getvalue()).pixels, picture.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("quality", [None, 90])
def test_orientation_is_that_of_the_codestream(photograph, exif_block, orientation, quality):
    """Viewers turn by what the codestream says, and read no EXIF for it."""
    for pixels in (photograph, photograph[..., 0].copy(), np.dstack([photograph, photograph[..., 0]])):
        metadata = Metadata(exif=exif_block, orientation=orientation)
        data = encode(Picture(pixels, metadata=metadata), "jxl", quality=quality)
        picture = as_read(data)
        assert picture.metadata.orientation == orientation
        assert picture.pixels.shape == pixels.shape
        turned = imagecodecs.jpegxl_decode(data)
        upright = as_read(data, auto_orient=True).pixels
        np.testing.assert_allclose(upright.astype(int), turned, atol=1 if quality else 0)  # libjxl dithers
        exif = Image.Exif()
        exif.load(picture.metadata.exif)
        assert (exif[271], exif.get(274, 1)) == ("Acme", orientation)
        if quality is None:
            np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_profiles_are_kept_byte_for_byte(make_pixels, icc_profile, dtype):
    pillow_jxl = pytest.importorskip("pillow_jxl")
    grey = icc_profile[:16] + b"GRAY" + icc_profile[20:]
    makers = [
        icc_profile[:40] + maker + icc_profile[44:] for maker in (b"APPL", b"MSFT", b"SGI ", b"SUNW", b"\0\0\0\0")
    ]
    for mode, profiles in (
        ("rgb", [icc_profile, *makers]),
        ("rgba", [icc_profile]),
        ("grey", [grey]),
        ("grey+alpha", [grey]),
    ):
        for profile in profiles:
            pixels = make_pixels(mode, dtype)
            stream = io.BytesIO()
            report = write(
                stream, Picture(pixels, metadata=Metadata(icc=profile, orientation=3)), format="jxl", quality=80
            )
            assert "stored without loss" in report.notes[0]
            picture = as_read(stream.getvalue())
            assert picture.metadata.icc == profile
            np.testing.assert_array_equal(picture.pixels, pixels)
            assert bytes(pillow_jxl.Decoder(num_threads=1)(stream.getvalue())[3]) == profile
            header = inspect(io.BytesIO(stream.getvalue()))
            assert header.icc
            assert header.metadata.icc is None


@pytest.mark.parametrize("length", [129, 1000, 273 + 128, 70_000, 1_500_000])
def test_profiles_of_any_length(icc_profile, length):
    pytest.importorskip("pillow_jxl")
    profile = (icc_profile * (length // len(icc_profile) + 1))[:length]
    profile = len(profile).to_bytes(4, "big") + profile[4:]
    data = encode(Picture(np.zeros((2, 3, 3), np.uint8), metadata=Metadata(icc=profile)), "jxl")
    assert as_read(data).metadata.icc == profile


def test_colours_without_a_profile_are_srgb_or_linear_floats(make_pixels):
    """As a PNG without one, and a float TIFF: what libjxl says of the colours of each."""
    pillow_jxl = pytest.importorskip("pillow_jxl")
    for mode in ("grey", "rgb"):
        for dtype, word in (("uint8", "SRGB" if mode == "rgb" else "SRG"), ("uint16", ""), ("float32", "Lin")):
            data = encode(Picture(make_pixels(mode, dtype)), "jxl")
            assert as_read(data).metadata.icc is None
            icc = bytes(pillow_jxl.Decoder(num_threads=1)(data)[3])
            same = bytes(pillow_jxl.Decoder(num_threads=1)(encode(Picture(make_pixels(mode, "uint8")), "jxl"))[3])
            assert (icc == same) == (dtype != "float32"), (mode, dtype, word)


def test_other_colours_come_with_a_profile():
    """This encoder calls 16-bit samples linear: read without a word, they would be taken for sRGB's."""
    pillow_jxl = pytest.importorskip("pillow_jxl")
    data = imagecodecs.jpegxl_encode(np.full((4, 5, 3), 9000, np.uint16), lossless=True)
    picture = as_read(data)
    assert picture.metadata.icc == bytes(pillow_jxl.Decoder(num_threads=1)(data)[3])
    assert as_read(encode(picture, "png")).metadata.icc == picture.metadata.icc


def test_metadata_in_boxes(photograph, exif_block):
    metadata = Metadata(exif=exif_block, xmp=b"<x:xmpmeta/>", orientation=6, dpi=(72.0, 72.0))
    data = encode(Picture(photograph, metadata=metadata), "jxl")
    found = as_read(data).metadata
    assert (found.exif, found.xmp, found.orientation, found.dpi) == (exif_block, b"<x:xmpmeta/>", 6, (72.0, 72.0))
    assert inspect(io.BytesIO(data)).metadata == found
    assert encode(Picture(photograph, metadata=metadata), "jxl", strip=True) == encode(photograph, "jxl")


def test_metadata_that_another_program_wrote(photograph, exif_block):
    pillow_jxl = pytest.importorskip("pillow_jxl")
    encoder = pillow_jxl.Encoder(mode="RGB", lossless=True, quality=100, decoding_speed=0, effort=3, use_container=True,
                                 use_original_profile=True, num_threads=1)  # fmt: skip
    for packed in (False, True):
        data = encoder(photograph.tobytes(), 150, 120, jpeg_encode=False, exif=exif_block, jumb=None, xmp=b"<x/>" * 9,
                       compress=packed)  # fmt: skip
        assert (b"brob" in data) == packed
        picture = as_read(data)
        np.testing.assert_array_equal(picture.pixels, photograph)
        assert picture.metadata.xmp == b"<x/>" * 9
        exif = Image.Exif()
        exif.load(picture.metadata.exif)
        assert (exif[271], exif[274]) == ("Acme", 1)  # the codestream says that it is upright


def test_an_animation_is_named():
    frames = np.random.default_rng(1).integers(0, 256, (3, 20, 30, 3), np.uint8)
    data = imagecodecs.jpegxl_encode(frames, lossless=True)
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, frames[0])
    assert picture.notes == ("an animation: only its first frame is read",)
    refused(
        FileError, "JXL holds one picture, these are 3; write", write_pages, io.BytesIO(), list(frames), format="jxl"
    )


def with_header(put, rest: bytes = bytes(30)) -> bytes:
    """A codestream of 8 x 8 pixels with a header of which `put` writes what comes behind the size."""
    bits = Written()
    bits.put(0x0AFF, 16)
    bits.put(1, 1)
    bits.put(0, 5)
    bits.put(1, 3)
    put(bits)
    return bits.finished() + rest


def test_what_would_be_lost_is_refused():
    def channels(*kinds: int, lossy: int = 0, icc: bool = False, bits_more: int = 0):
        def put(bits: Written) -> None:
            bits.put(0, 2)  # not all as usual; nothing that is seldom said
            if bits_more:
                bits.put(0b11_0, 3)
                bits.put(7 + bits_more, 6)
                bits.put(1, 1)
            else:
                bits.put(0b1_00_0, 4)  # 8 bits
            bits.put({0: 0, 1: 1}.get(len(kinds), 2), 2)
            if len(kinds) > 1:
                bits.put(len(kinds) - 2, 4)
            for kind in kinds:
                bits.put(0, 1)
                bits.put(min(kind, 2), 2)
                if kind > 1:
                    bits.put(kind - 2, 4)
                bits.put(0, 3 + 2 + 2)
                bits.put(0, 1 if kind == 0 else 64 if kind == 2 else 0)
            bits.put(lossy, 1)
            bits.put(0b00_1_0 if icc else 1, 4 if icc else 1)

        return with_header(put)

    for data, words in (
        (channels(4), r"extra channels \(black\)"),
        (channels(0, 1), r"extra channels \(depth\)"),
        (channels(2, 0), r"extra channels \(spot colour\)"),
        (channels(0, 0), r"extra channels \(several alphas\)"),
        (channels(bits_more=12), "20-bit samples"),
        (channels(lossy=1, icc=True), "lossy colours of an ICC profile"),
    ):
        refused(FileError, f"x: JPEG XL with {words} cannot be read without loss; convert it .*djxl", as_read, data)
        assert inspect(io.BytesIO(data)).width == 8


def test_numbers_in_bits():
    for value in (0, 1, 16, 17, 272, 273, 4095, 4096, 1 << 20, (1 << 28) - 1):
        bits = Written()
        bits.put(5, 3)
        bits.u64(value)
        found = Bits(bits.finished() + bytes(4))
        assert (found.u(3), found.u64()) == (5, value)


def test_a_vast_size_is_refused_before_memory_is_taken():
    bits = Written()
    bits.put(0x0AFF, 16)
    bits.put(0, 1)
    bits.put(3, 2)
    bits.put(59_999, 30)
    bits.put(1, 3)
    bits.put(1, 1)
    data = bits.finished() + bytes(50)
    assert inspect(io.BytesIO(data)).width == 60_000
    refused(LimitError, "60000 x 60000 pixels need", as_read, data, max_memory="2G")
    refused(LimitError, "3600000000 pixels, more than the 1000000 allowed", as_read, data, max_pixels="1M")


@pytest.mark.parametrize("quality", [70, None])
def test_a_part_missing_is_an_error(photograph, quality):
    data = encode(photograph, "jxl", quality=quality)
    for percent in (5, 20, 45, 60, 90, 99):
        refused(FileError, "x: damaged or truncated JXL file: ", as_read, data[: len(data) * percent // 100])


def test_boxes_that_lie(photograph, exif_block):
    data = encode(Picture(photograph, metadata=Metadata(exif=exif_block)), "jxl")
    for kind in (b"ftyp", b"Exif", b"jxlc"):
        at = data.index(kind)
        for length in (0, 1, 7, 8, 0x7FFFFFFF, 0xFFFFFFFF):
            try:
                as_read(data[: at - 4] + struct.pack(">I", length) + data[at:])
            except FileError as error:
                message = str(error)
                assert message.startswith("x: ")
