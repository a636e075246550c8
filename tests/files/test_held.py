"""What reading in bands holds is known from the header, for every format and every way to store pixels."""

import contextlib
import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from imconv.errors import FileError, LimitError
from imconv.files import incoming, read
from imconv.files.tiff import codecs

SIDE = 1200
FIXED = 8 << 20  # bytes that even small bands may be counted as: some wait, others are inflated ahead
RANDOM = np.random.default_rng(15)


def levels(dtype="u1", channels=1, below=200):
    shape = (SIDE, SIDE) if channels == 1 else (SIDE, SIDE, channels)
    return RANDOM.integers(0, below, shape).astype(np.uint8).astype(dtype)


def tiff(pixels, *, planar=False, order="<", **options):
    file = io.BytesIO()
    options.setdefault("photometric", "rgb" if pixels.ndim == 3 else "minisblack")
    pixels = np.moveaxis(pixels, 2, 0) if planar else pixels
    if pixels.ndim == 3:
        options["planarconfig"] = "separate" if planar else "contig"
    tifffile.imwrite(file, pixels, byteorder=order, metadata=None, **options)
    return file.getvalue()


def png(pixels, mode=None, palette=None, **options):
    image = Image.fromarray(pixels, mode)
    if palette is not None:
        image.putpalette(palette)
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def plain(head, pixels):
    return head % (SIDE, SIDE) + pixels.tobytes()


def npy(dtype):
    file = io.BytesIO()
    np.save(file, levels(dtype))
    return file.getvalue()


ONE = {"rowsperstrip": SIDE}
ALPHA = {"extrasamples": ["assocalpha"], "compression": "deflate", **ONE}
COLOURS = RANDOM.integers(0, 65536, (3, 256)).astype(np.uint16)
FILES = {
    "tiff raw": lambda: tiff(levels()),
    "tiff big-endian": lambda: tiff(levels("u2"), order=">"),
    "tiff floats by bytes": lambda: tiff(levels("f4"), compression="deflate", predictor=3, **ONE),
    "tiff differences": lambda: tiff(levels("u2"), compression="deflate", predictor=2, rowsperstrip=64),
    "tiff one strip": lambda: tiff(levels(), compression="deflate", **ONE),
    "tiff tiles": lambda: tiff(levels(channels=3), compression="deflate", tile=(512, 512)),
    "tiff raw tiles": lambda: tiff(levels(channels=3), tile=(512, 512)),
    "tiff planes": lambda: tiff(levels(channels=3), compression="lzw", planar=True, rowsperstrip=100),
    "tiff halves": lambda: tiff(levels("f2"), compression="zstd", **ONE),
    "tiff signed": lambda: tiff(levels("i1"), compression="packbits", **ONE),
    "tiff lzma": lambda: tiff(levels(), compression="lzma", compressionargs={"level": 0}, **ONE),
    "tiff palette": lambda: tiff(levels(), photometric="palette", colormap=COLOURS, compression="deflate", **ONE),
    "tiff alpha": lambda: tiff(levels(channels=4), **ALPHA),
    "tiff float alpha": lambda: tiff(levels("f4", 4), **ALPHA),
    "tiff bits": lambda: tiff(levels() > 99, photometric="miniswhite", compression="deflate", **ONE),
    "png": lambda: png(levels()),
    "png palette": lambda: png(levels(below=4), "P", bytes(range(12)), bits=2, transparency=bytes([1, 2, 3])),
    "png bits": lambda: png(levels() > 99),
    "png key": lambda: png(levels(channels=3), transparency=(1, 2, 3)),
    "pbm": lambda: plain(b"P4 %d %d\n", np.packbits(levels() > 99, axis=1)),
    "pgm": lambda: plain(b"P5 %d %d 255\n", levels()),
    "ppm scaled": lambda: plain(b"P6 %d %d 500\n", levels(">u2", 3)),
    "pam scaled": lambda: plain(b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 3\nMAXVAL 250\nENDHDR\n", levels(channels=3)),
    "pfm": lambda: plain(b"Pf %d %d 1.0\n", levels(">f4")),
    **{f"npy {dtype}": lambda dtype=dtype: npy(dtype) for dtype in ("f2", "i1", "u4", "i8", ">f8", "?")},
}


@pytest.fixture
def peak():
    """Calls a function; the bytes it took at most."""

    def call(function) -> int:
        tracemalloc.start()
        try:
            function()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return call


@pytest.mark.parametrize("threads", ["1", "4"])
@pytest.mark.parametrize("kind", FILES)
def test_reading_in_bands_holds_what_it_says(kind, threads, peak, tmp_path, monkeypatch):
    if kind.startswith("tiff"):
        pytest.importorskip("imagecodecs")
    monkeypatch.setenv("IMCONV_THREADS", threads)
    path = tmp_path / "in"
    path.write_bytes(FILES[kind]())
    told = []

    def rows():
        with incoming.reading(path) as picture:
            told.append(picture.bytes_held)
            assert sum(map(len, picture)) == SIDE

    rows()  # what is imported and compiled is no part of it
    taken = peak(rows)
    assert taken <= told[0] <= 2 * taken + FIXED


def one_tile(picture, tile, data, compression=8):
    """A grey TIFF of one tile."""
    values = {256: picture[1], 257: picture[0], 258: 8, 259: compression, 262: 1, 277: 1, 322: tile[1], 323: tile[0], 324: 0, 325: len(data)}  # fmt: skip
    values[324] = 8 + 2 + 12 * len(values) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + bytes(4) + data


def test_a_tile_far_larger_than_the_picture_is_refused(tmp_path):
    path = tmp_path / "in.tif"
    path.write_bytes(one_tile((300, 300), (3000, 60_000), zlib.compress(bytes(10_000))))
    with pytest.raises(FileError, match="tiles of 60000 x 3000 for 300 x 300 pixels"):
        read(path)
    # small pictures have tiles of a usual size
    path.write_bytes(one_tile((3, 5), (1024, 1024), zlib.compress(bytes(1 << 20))))
    assert read(path).pixels.shape == (3, 5)


@pytest.mark.parametrize("kind", ["one strip", "tiles"])
def test_what_the_reader_holds_counts_before_it_reads(kind, peak, tmp_path):
    path = tmp_path / "in.tif"
    how = {"rowsperstrip": 6000} if kind == "one strip" else {"tile": (4096, 4096)}
    path.write_bytes(tiff(np.zeros((6000, 6000), np.uint8), compression="deflate", **how))

    def rows():
        with pytest.raises(LimitError, match="6000 x 6000 pixels need"), incoming.reading(path, max_memory="20M"):
            pass

    rows()
    assert peak(rows) < 1 << 20


@pytest.mark.parametrize("codec", ["own", "imagecodecs"])
def test_packed_runs_stay_within_their_strip(codec, peak, monkeypatch):
    """Two bytes make 128: a strip that goes on and on is cut off, or refused."""
    if codec == "own":
        monkeypatch.setattr(codecs, "_codec", lambda *_: codecs._runs)
        monkeypatch.setattr(codecs._runs, "__module__", "tifffile")
    else:
        pytest.importorskip("imagecodecs")
    long = b"\x81\x07" * 200_000

    def unpack():
        with pytest.raises(ValueError, match="packbits") if codec == "imagecodecs" else contextlib.nullcontext():
            assert bytes(codecs.unpacked("packbits", long, 1000, 2000)[:1000]) == b"\x07" * 1000

    assert peak(unpack) < 2 * len(long)
    parts = b"\x02abc\x80\xfdx\x00y"  # literal bytes, nothing, four times x, one y
    assert bytes(codecs.unpacked("packbits", parts, 8, 8)[:8]) == b"abcxxxxy"


def test_the_first_band_is_let_go(peak, tmp_path, monkeypatch):
    """A reader's first band is no longer held when the last one is read."""
    monkeypatch.setenv("IMCONV_THREADS", "1")
    path, band = tmp_path / "in.tif", 2048 * 2048
    path.write_bytes(tiff(np.zeros((8192, 2048), np.uint8), tile=(2048, 1024)))

    def rows():
        with incoming.reading(path) as picture:
            for _ in picture:
                pass

    rows()
    assert peak(rows) < 3.2 * band
    assert os.path.getsize(path) > 4 * band
