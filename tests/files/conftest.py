"""Pictures and files for the tests of imconv.files: generated, small, the same on every run."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imconv.files import encode
from imconv.files.formats import FORMATS
from imconv.files.picture import Picture

HEIGHT, WIDTH = 9, 13
_CHANNELS = {"grey": (), "grey+alpha": (2,), "rgb": (3,), "rgba": (4,), "cmyk": (4,), "planes": (6,)}


def _pixels(mode: str, dtype: str, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    rng = np.random.default_rng(len(mode) * 100 + len(dtype))
    shape = (height, width, *_CHANNELS[mode])
    if dtype == "bool":
        return rng.random(shape) > 0.5
    if dtype.startswith("float"):
        return rng.normal(0, 100, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width, height, bits, colour, rows: bytes, before: bytes = b"", after: bytes = b"", stream=None) -> bytes:
    """A PNG file made by hand; `rows` is the filtered data, `before` and `after` whole chunks around IDAT."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress(rows) if stream is None else stream)
    return b"\x89PNG\r\n\x1a\n" + head + before + data + after + _chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def make_pixels():
    return _pixels


@pytest.fixture(scope="session")
def chunk():
    return _chunk


@pytest.fixture(scope="session")
def make_png():
    return _png


@pytest.fixture(scope="session")
def astronaut() -> Path:
    return Path(__file__).parents[2] / "examples" / "astronaut.png"


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    """One small file for every format, colour model and sample type that can be written; JPEG a little larger."""
    files = {}
    for target in FORMATS.values():
        if target.missing:
            continue
        for mode, dtype in sorted(target.holds):
            if target.name in ("NPY", "NPZ") and (mode, dtype) not in FORMATS["PFM"].holds:
                continue  # its types differ in nothing that damage could find
            pixels = _pixels(mode, dtype)
            if target.name == "GIF" and mode in ("grey+alpha", "rgba"):
                pixels[..., -1] = np.where(pixels[..., -1] > 128, 255, 0)
                pixels[pixels[..., -1] == 0] = 0
            files[f"{target.name} {mode} {dtype}"] = encode(Picture(pixels, mode), target.name)
    return files


@pytest.fixture(scope="session")
def exif_block() -> bytes:
    """A big-endian EXIF block: make, orientation 6, resolution, an Exif directory with exposure and a maker note, GPS."""
    exif = Image.Exif()
    exif[271], exif[274], exif[305] = "Acme", 6, "made up"
    exif[282], exif[283], exif[296] = 72.0, 72.0, 2
    exif.get_ifd(34665).update({33434: 0.125, 37500: b"\x01\x02private\xff", 36867: "2020:02:03 04:05:06"})
    exif.get_ifd(34853).update({1: "N", 2: (52.0, 31.0, 12.5)})
    return exif.tobytes()[6:]


@pytest.fixture(scope="session")
def icc_profile(astronaut) -> bytes:
    return Image.open(io.BytesIO(astronaut.read_bytes())).info["icc_profile"]
