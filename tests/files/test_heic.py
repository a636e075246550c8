"""HEIC, read only; files are made by pillow-heif, whose own decoding is the oracle."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from imconv.errors import FileError, LimitError, OptionError
from imconv.files import encode, inspect, read, write
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

heif = pytest.importorskip("pillow_heif")
CLOSE = 1  # levels by which what the encoder calls lossless is off: colours are stored as Y, Cb, Cr


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def saved(file, **options) -> bytes:
    buffer = io.BytesIO()
    file.save(buffer, **{"quality": -1, "chroma": 444, **options})
    return buffer.getvalue()


def of_array(mode: str, pixels: np.ndarray, **options) -> bytes:
    return saved(heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes()), **options)


@pytest.fixture(scope="module")
def photograph(astronaut) -> np.ndarray:
    return read(astronaut).pixels[:96, :160].copy()


@pytest.fixture(scope="module")
def plain(photograph) -> bytes:
    return of_array("RGB", photograph)


@pytest.mark.parametrize(
    ("kind", "mode"), [("L", "grey"), ("LA", "grey+alpha"), ("RGB", "rgb"), ("RGBA", "rgba")]
)  # fmt: skip
def test_colour_models(photograph, kind, mode):
    pixels = {"L": photograph[..., 0], "LA": photograph[..., :2], "RGB": photograph}.get(kind)
    pixels = np.dstack([photograph, photograph[..., 0]]) if pixels is None else np.ascontiguousarray(pixels)
    data = of_array(kind, pixels)
    picture, header = as_read(data), inspect(io.BytesIO(data))
    assert (picture.format, picture.mode, header.mode, header.depth) == ("HEIC", mode, mode, 8)
    assert np.abs(picture.pixels.astype(int) - pixels).max() <= CLOSE
    assert picture.pixels.flags.writeable


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("kind", ["L", "RGB", "RGBA"])
def test_all_bits_are_kept(bits, kind):
    top = (1 << bits) - 1
    shape = (64, 96) if kind == "L" else (64, 96, len(kind))
    pixels = np.linspace(0, top, int(np.prod(shape))).reshape(shape).astype(np.uint16)
    data = of_array(f"{kind};{bits}", pixels)
    stored = np.asarray(heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)).astype(
        np.int64
    )
    picture = as_read(data)
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, (2 * stored * 65535 + top) // (2 * top))
    assert picture.notes == (f"{bits}-bit samples scaled to 16 bits",)
    assert len(np.unique(picture.pixels)) > 600


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_as_stored_with_their_orientation(photograph, orientation):
    exif = Image.Exif()
    exif[274], exif[271] = orientation, "Acme"
    data = saved(heif.from_pillow(Image.fromarray(photograph)), exif=exif.tobytes())
    picture = as_read(data)
    header = inspect(io.BytesIO(data))
    assert (header.width, header.height, header.orientation) == (160, 96, orientation)
    assert picture.metadata.orientation == orientation
    assert np.abs(picture.pixels.astype(int) - photograph).max() <= CLOSE
    upright = np.asarray(heif.open_heif(io.BytesIO(data)))
    np.testing.assert_array_equal(as_read(data, auto_orient=True).pixels, upright)
    found = Image.Exif()
    found.load(picture.metadata.exif)
    assert (found[271], found.get(274, 1)) == ("Acme", orientation)
    again = as_read(encode(picture, "png")).metadata
    assert again.orientation == orientation


def test_metadata(photograph, icc_profile, exif_block):
    image = Image.fromarray(photograph)
    image.info["icc_profile"] = icc_profile
    data = saved(heif.from_pillow(image), exif=exif_block, xmp=b"<x:xmpmeta/>")
    metadata = as_read(data).metadata
    assert metadata == inspect(io.BytesIO(data)).metadata
    assert (metadata.icc, metadata.xmp, metadata.orientation) == (icc_profile, b"<x:xmpmeta/>", 6)
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert (exif[271], exif.get_ifd(34665)[33434]) == ("Acme", 0.125)


def test_premultiplied_alpha_is_divided_out():
    rng = np.random.default_rng(4)
    alpha = np.full((64, 64, 1), 128, np.uint8)
    pixels = np.concatenate(
        [np.repeat(rng.integers(0, 128, (1, 1, 3), np.uint8), 64 * 64, 0).reshape(64, 64, 3), alpha], 2
    )
    data = of_array("RGBa", pixels)
    picture = as_read(data)
    assert picture.notes == ("premultiplied alpha divided out",)
    assert np.abs(picture.pixels[..., :3].astype(float) - pixels[..., :3] * (255 / 128)).max() <= 3


def test_further_pictures_are_named(photograph):
    file = heif.from_pillow(Image.fromarray(photograph))
    file.add_from_pillow(Image.fromarray(photograph[:64, :64]))
    picture = as_read(saved(file))
    assert picture.notes == ("further pictures of the file left out: 1",)
    assert (picture.width, picture.height) == (160, 96)
    thumbnails = saved(heif.from_pillow(Image.fromarray(np.tile(photograph, (4, 4, 1)))), thumbnails=[64])
    assert as_read(thumbnails).notes == ()


def test_colours_by_numbers(plain):
    """Those of HDR are kept as a PNG has them; sRGB's need no words."""
    assert as_read(plain).metadata.chunks == ()
    at = plain.index(b"nclx") + 4
    hdr = plain[:at] + struct.pack(">HH", 9, 16) + plain[at + 4 :]
    assert as_read(hdr).metadata.chunks == ((b"cICP", bytes((9, 16, 0, 1))),)
    assert b"cICP" in encode(as_read(hdr), "png")


def test_it_is_not_written(tmp_path, photograph):
    for name in ("a.heic", "a.heif", "a.hif"):
        words = "imconv reads HEIC but does not write it; write PNG or TIFF"
        refused(FileError, words, write, tmp_path / name, photograph)
    refused(FileError, "reads HEIC but does not write it", write, tmp_path / "a.png", photograph, format="heic")
    refused(FileError, "reads HEIC", write, io.BytesIO(), Picture(photograph, format="HEIC"))
    refused(OptionError, r"known are \.png, (?!.*heic)", write, tmp_path / "a.png", photograph, format="xyz")
    assert list(tmp_path.iterdir()) == []


def test_every_part_missing_is_noticed(plain):
    for length in range(0, len(plain) - 1, max(1, len(plain) // 150)):
        with pytest.raises(FileError, match=r"^x: "):
            as_read(plain[:length])


def test_mutants(plain, capfd):
    rng = np.random.default_rng(3)
    for _ in range(150):
        mutant = bytearray(plain)
        for at in rng.integers(0, 600, 3):
            mutant[at] ^= 1 << int(rng.integers(8))
        try:
            picture = as_read(bytes(mutant), max_memory="300M")
        except (FileError, LimitError) as error:
            message = str(error)
            assert message.startswith("x: ")
            assert "\n" not in message
        else:
            header = inspect(io.BytesIO(bytes(mutant)))
            assert picture.pixels.shape[:2] == (header.height, header.width)
    assert capfd.readouterr() == ("", "")


def test_a_vast_size_is_refused_before_memory_is_taken(plain):
    at = plain.index(b"ispe") + 8
    refused(LimitError, "60000 x 60000 pixels need", as_read,
            plain[:at] + struct.pack(">II", 60000, 60000) + plain[at + 8 :], max_memory="2G")  # fmt: skip


def test_other_compressions_are_named(plain):
    data = plain.replace(b"hvc1", b"avc1", 1)
    refused(FileError, "x: HEIF with H.264 compression cannot be read; convert it: heif-convert", as_read, data)


def test_a_film_without_a_picture():
    stsz = struct.pack(">I4sIII", 20, b"stsz", 0, 0, 5)
    inner = stsz
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        inner = struct.pack(">I4s", 8 + len(inner), kind) + inner
    data = struct.pack(">I", 20) + b"ftyphevc" + bytes(4) + b"hevc" + inner
    refused(FileError, "x: holds a film, and no still picture; take a frame of it: ffmpeg", as_read, data)


def test_metadata_of_a_heic_goes_on(plain):
    picture = as_read(plain)
    assert isinstance(picture.metadata, Metadata)
    assert as_read(encode(picture, "tiff")).pixels.shape == picture.pixels.shape
