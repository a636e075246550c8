from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from imconv.errors import FileError, ImconvError, LimitError, OptionError
from imconv.files import encode, inspect, read
from imconv.files.formats import FORMATS, format_for
from imconv.files.limits import available_memory, memory_limit, parse_count, parse_size
from imconv.files.picture import Picture
from tests.optional import written
from tests.refused import refused

EXACT = [
    (name, mode, dtype)
    for name, target in FORMATS.items()
    for mode, dtype in sorted(target.holds)
    if name not in ("JPEG", "WEBP", "AVIF", "ICO") and not (name == "GIF" and "a" in mode.replace("grey", ""))
]


def as_read(data: bytes) -> Picture:
    return read(io.BytesIO(data), name="x")


@pytest.mark.parametrize(("name", "mode", "dtype"), EXACT)
def test_every_mode_comes_back_bit_for_bit(make_pixels, name, mode, dtype):
    written(name)
    pixels = make_pixels(mode, dtype)
    if (name, mode) == ("GIF", "rgba"):
        pixels[..., 3] = np.where(pixels[..., 3] > 99, 255, 0)
    picture = as_read(encode(Picture(pixels, mode), name))
    expected = pixels.astype(np.uint8) * 255 if dtype == "bool" and name not in ("NPY", "NPZ") else pixels
    assert (picture.mode, picture.pixels.dtype) == (mode, expected.dtype)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.flags.writeable


@pytest.mark.parametrize("mode", ["rgb", "rgba"])
def test_lossless_webp_is_exact_under_transparent_pixels_too(make_pixels, mode):
    pixels = make_pixels(mode, "uint8")
    np.testing.assert_array_equal(as_read(encode(Picture(pixels), "webp")).pixels, pixels)


def test_webp_spreads_grey(make_pixels):
    pixels = make_pixels("grey", "uint8")
    np.testing.assert_array_equal(as_read(encode(pixels, "webp")).pixels, np.dstack([pixels] * 3))


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "BMP", "PPM", "PGM", "PFM"])
def test_opencv_reads_what_was_written(make_pixels, name):
    cv2 = pytest.importorskip("cv2")
    for mode, dtype in sorted(FORMATS[name].holds):
        if mode in ("grey+alpha", "cmyk", "planes") or dtype in ("int32", "bool"):
            continue  # OpenCV turns these into something else
        if (name, mode) in (("WEBP", "grey"), ("TIFF", "rgba")):
            continue
        pixels = make_pixels(mode, dtype)
        seen = cv2.imdecode(np.frombuffer(encode(Picture(pixels, mode), name), np.uint8), cv2.IMREAD_UNCHANGED)
        if mode in ("rgb", "rgba"):
            seen = seen[..., [2, 1, 0, 3][: seen.shape[2]]]
        np.testing.assert_array_equal(seen, pixels, err_msg=f"{name} {mode} {dtype}")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("mode", "dtype", "options"),
    [
        ("grey", "uint8", {}),
        ("grey", "uint8", {"photometric": "miniswhite"}),
        ("grey", "uint16", {}),
        ("grey", "uint16", {"compression": "deflate", "predictor": True}),
        ("grey", "uint16", {"compression": "lzw"}),
        ("grey", "uint16", {"tile": (16, 16)}),
        ("grey", "int16", {}),
        ("grey", "int32", {}),
        ("grey", "float32", {}),
        ("grey", "float32", {"compression": "deflate", "predictor": True}),
        ("rgb", "uint8", {"rowsperstrip": 2}),
        ("rgb", "uint8", {"planarconfig": "separate"}),
        ("rgb", "uint8", {"planarconfig": "separate", "compression": "deflate"}),
        ("rgb", "uint8", {"tile": (16, 16), "compression": "zstd"}),
        ("rgb", "uint8", {"bigtiff": True}),
        ("rgba", "uint8", {"extrasamples": ["unassalpha"]}),
        ("rgba", "uint8", {"extrasamples": ["unassalpha"], "planarconfig": "separate"}),
        ("cmyk", "uint8", {"photometric": "separated"}),
    ],
)
def test_tiff_by_tifffile(make_pixels, mode, dtype, options, order):
    if options.get("compression", "deflate") != "deflate" or ("predictor" in options and dtype == "float32"):
        pytest.importorskip("imagecodecs")
    pixels = make_pixels(mode, dtype, 37, 41)
    stored = pixels
    if options.get("photometric") == "miniswhite":
        stored = 255 - pixels
    if options.get("planarconfig") == "separate":
        stored = np.moveaxis(pixels, 2, 0)
    buffer = io.BytesIO()
    keywords = {"photometric": {"grey": "minisblack", "cmyk": "separated"}.get(mode, "rgb"), "metadata": None}
    wanted = {**keywords, **options}
    with tifffile.TiffWriter(buffer, byteorder=order, bigtiff=wanted.pop("bigtiff", False)) as writer:
        writer.write(stored, **wanted)
    picture = as_read(buffer.getvalue())
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.mode == mode


def test_tiff_with_white_as_zero_in_16_bits(make_pixels):
    pixels = make_pixels("grey", "uint16")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, 65535 - pixels, photometric="miniswhite", byteorder="<", metadata=None)
    np.testing.assert_array_equal(as_read(buffer.getvalue()).pixels, pixels)


def test_tiff_palettes(make_pixels):
    indices = make_pixels("grey", "uint8")
    rng = np.random.default_rng(3)
    for colours, expected_type in (
        (rng.integers(0, 256, (3, 256)) * 257, np.uint8),
        (rng.integers(0, 65536, (3, 256)), np.uint16),
    ):
        buffer = io.BytesIO()
        colormap = colours.astype(np.uint16)
        tifffile.imwrite(buffer, indices, photometric="palette", colormap=colormap, metadata=None)
        picture = as_read(buffer.getvalue())
        expected = colormap.T[indices]
        expected = (expected // 257).astype(np.uint8) if expected_type == np.uint8 else expected
        assert picture.notes == ("palette expanded to RGB",)
        np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (np.zeros((4, 5), np.int64), {}, "64-bit signed grey TIFF"),
        (np.zeros((4, 5), np.uint64), {}, "64-bit grey TIFF"),
        (np.zeros((4, 5), np.float32), {"photometric": "miniswhite"}, "float TIFF with white as zero"),
        (np.zeros((4, 5, 3), np.uint8), {"photometric": "cielab"}, "LAB TIFF"),
    ],
)  # fmt: skip
def test_tiff_that_would_be_degraded_is_refused(array, options, words):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None, **{"photometric": "minisblack", **options})
    said = refused(FileError, words, as_read, buffer.getvalue())
    assert said.startswith("x: ")
    assert "; " in said
    assert inspect(io.BytesIO(buffer.getvalue())).width == 5  # the header can still be told


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_png_keeps_all_bits(make_png, colour, channels):
    values = np.arange(2 * channels) * 257 + 3
    data = make_png(2, 1, 16, colour, b"\0" + values.astype(">u2").tobytes())
    picture = as_read(data)
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, values.reshape(1, 2, channels))
    header = inspect(io.BytesIO(data))
    assert (header.depth, header.channels) == (16, channels)


@pytest.mark.parametrize(
    ("bits", "row", "key", "expected"),
    [(1, b"\xa0", 1, [[255, 0], [0, 255], [255, 0], [0, 255]]),
     (2, b"\x1b", 2, [[0, 255], [85, 255], [170, 0], [255, 255]]),
     (4, b"\x0f\x17", 1, [[0, 255], [255, 255], [17, 0], [119, 255]]),
     (8, bytes([5, 6, 5, 7]), 5, [[5, 0], [6, 255], [5, 0], [7, 255]]),
     (16, struct.pack(">4H", 256, 257, 1, 0), 257, [[256, 65535], [257, 0], [1, 65535], [0, 65535]])],
)  # fmt: skip
def test_png_grey_with_a_transparent_level(make_png, chunk, bits, row, key, expected):
    data = make_png(4, 1, bits, 0, b"\0" + row, before=chunk(b"tRNS", struct.pack(">H", key)))
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels[0], expected)
    assert picture.mode == "grey+alpha"
    assert "transparent colour turned into an alpha channel" in picture.notes


def test_png_rgb_with_a_transparent_colour(make_png, chunk):
    data = make_png(2, 1, 8, 2, b"\0\1\2\3\1\2\4", before=chunk(b"tRNS", b"\0\1\0\2\0\3"))
    np.testing.assert_array_equal(as_read(data).pixels, [[[1, 2, 3, 0], [1, 2, 4, 255]]])


def test_png_palettes(make_png, chunk):
    palette = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60, 70, 80, 90]))
    picture = as_read(make_png(3, 1, 2, 3, b"\0\x18", before=palette))
    np.testing.assert_array_equal(picture.pixels, [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]])
    assert picture.notes == ("palette expanded to RGB",)
    picture = as_read(make_png(3, 1, 8, 3, b"\0\2\1\0", before=palette + chunk(b"tRNS", b"\x80")))
    np.testing.assert_array_equal(picture.pixels, [[[70, 80, 90, 255], [40, 50, 60, 255], [10, 20, 30, 128]]])
    refused(FileError, "colour is not in the palette", as_read, make_png(1, 1, 8, 3, b"\0\3", before=palette))


def test_interlaced_png(astronaut):
    pyvips = pytest.importorskip("pyvips")
    picture = read(astronaut)
    image = pyvips.Image.new_from_array(picture.pixels).copy(interpretation="srgb")
    interlaced = image.pngsave_buffer(interlace=True)
    assert interlaced[28] == 1
    np.testing.assert_array_equal(as_read(interlaced).pixels, picture.pixels)


def test_jpeg_pixels_are_libjpegs(astronaut):
    cv2 = pytest.importorskip("cv2")
    data = encode(read(astronaut), "jpeg", quality=90)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(as_read(data).pixels, seen)


def test_12_bit_jpeg_is_refused(samples):
    data = bytearray(samples["JPEG grey uint8"])
    data[data.index(b"\xff\xc0") + 4] = 12
    refused(FileError, "12-bit JPEG cannot be read", as_read, bytes(data))


@pytest.mark.parametrize(
    ("data", "pixels", "note"),
    [
        (b"P1 3 2\n010\n1 1 1", [[255, 0, 255], [0, 0, 0]], "1-bit grey expanded to 8 bits"),
        (b"P2 3 1 100\n0 50 100", [[0, 50, 100]], ""),
        (b"P5\n#a\n3 1 1000\n" + struct.pack(">3H", 0, 500, 1000), [[0, 500, 1000]], ""),
        (b"P5 2 1 65535\n" + struct.pack(">2H", 1, 65534), [[1, 65534]], ""),
        (b"P3 1 2 255\n1 2 3 4 5 6", [[[1, 2, 3]], [[4, 5, 6]]], ""),
    ],
)
def test_netpbm_variants(data, pixels, note):
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert note in " ".join(picture.notes)


def test_bmp_palettes_and_row_orders():
    indices = Image.frombytes("P", (3, 2), bytes([0, 1, 1, 1, 0, 0]))
    for palette in ([0, 0, 0, 255, 255, 255], [9, 8, 7, 200, 100, 50], [3, 3, 3, 90, 90, 90]):
        indices.putpalette(palette)
        buffer = io.BytesIO()
        indices.save(buffer, "BMP")
        picture = as_read(buffer.getvalue())
        expected = np.array(palette, np.uint8).reshape(2, 3)[[[0, 1, 1], [1, 0, 0]]]
        if picture.mode == "grey":
            expected = expected[..., 0]
        np.testing.assert_array_equal(picture.pixels, expected)


def test_bmp_with_an_undeclared_alpha_channel_is_noted(make_pixels):
    pixels = make_pixels("rgba", "uint8")
    for fourth, noted in ((pixels[..., 3], True), (255, False), (0, False)):
        pixels[..., 3] = fourth
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "BMP")
        picture = as_read(buffer.getvalue())
        np.testing.assert_array_equal(picture.pixels, pixels[..., :3])
        assert any("may have been meant as alpha" in note for note in picture.notes) == noted


def test_premultiplied_tiff_is_divided_and_noted():
    buffer = io.BytesIO()
    stored = np.array([[[64, 32, 0, 128], [7, 8, 9, 255], [0, 0, 0, 0]]], np.uint8)
    tifffile.imwrite(buffer, stored, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    picture = as_read(buffer.getvalue())
    assert "premultiplied alpha divided out" in picture.notes
    np.testing.assert_allclose(picture.pixels[0, 0], [127.5, 63.75, 0, 128], atol=1)
    np.testing.assert_array_equal(picture.pixels[0, 1:], stored[0, 1:])


def test_gif_frames_and_transparency():
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "green", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    picture = as_read(buffer.getvalue())
    assert (picture.pixels == (255, 0, 0)).all()
    assert "first of 3 frames; page= chooses" in picture.notes
    assert inspect(io.BytesIO(buffer.getvalue())).frames == 3
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[1] = (10, 20, 30, 255)
    picture = as_read(encode(pixels, "GIF"))
    np.testing.assert_array_equal(picture.pixels, pixels)


def test_multi_page_tiff_reads_the_first(make_pixels):
    pixels = make_pixels("grey", "uint8")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for step in range(3):
            writer.write(pixels // (step + 1), metadata=None)
    picture = as_read(buffer.getvalue())
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert "first of 3 pages; page= chooses" in picture.notes


def test_errors_of_opening_are_clear_lines(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture at all\n")
    cases = {
        "phto.png": r"phto\.png: no such file; did you mean 'photo\.png'\?",
        "photo.png": r"photo\.png: is empty; nothing was read from it",
        "text.png": r"text\.png: is text; imconv reads \.png, \.jpg",
        "": r"is a folder; give a file in it",
        "nowhere/a.png": r"no such file; the folder .*nowhere does not exist",
        "photo.png/a.png": r"no such file",
    }
    for name, words in cases.items():
        for function in (read, inspect):
            refused(FileError, words, function, tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    path.chmod(0)
    refused(FileError, "no permission to read it", read, path)


def test_streams_and_names(astronaut):
    data = astronaut.read_bytes()
    picture = read(io.BytesIO(data), name="-")
    assert (picture.width, picture.height, picture.channels, picture.depth) == (512, 512, 3, "8-bit")
    refused(FileError, r"^-: damaged or truncated PNG file: ", read, io.BytesIO(data[:5000]), name="-")
    refused(FileError, "open as text", read, io.StringIO("x"), name="-")
    refused(FileError, "cannot read from a int", read, 3)
    read_end, write_end = os.pipe()
    threading.Thread(target=lambda: (os.write(write_end, data[:60000]), os.close(write_end))).start()
    with os.fdopen(read_end, "rb") as pipe, pytest.raises(FileError, match="it ends within"):
        read(pipe, name="-")


def test_a_misleading_name_is_noted(tmp_path, samples):
    path = tmp_path / "a.png"
    path.write_bytes(samples["JPEG rgb uint8"])
    assert read(path).notes == ("the name says PNG, the content is JPEG",)
    assert read(path).format == "JPEG"


def test_limits(astronaut):
    with pytest.raises(LimitError, match=r"512 x 512 is 262144 pixels, more than the 100000 allowed; .*max_pixels="):
        read(astronaut, max_pixels=100_000)
    with pytest.raises(LimitError, match=r"need .* of memory, more than the 1 MiB allowed; .*max_memory="):
        read(astronaut, max_memory="1M")
    refused(LimitError, r"the file alone is .*max_memory=", read, astronaut, max_memory=1000)
    refused(LimitError, "the file alone", read, io.BytesIO(astronaut.read_bytes()), max_memory=1000, name="-")
    read(astronaut, max_pixels="0.3M", max_memory="100M")


def test_sizes_and_counts():
    assert [parse_size(t) for t in ("500M", "2g", "1.5 KiB", "800", 7)] == [500 << 20, 2 << 30, 1536, 800, 7]
    assert [parse_count(t) for t in ("20M", 7, "1.5k")] == [20_000_000, 7, 1500]
    for wrong in ("", "M", "-1", "1e9", "2X", 0, True, "0"):
        with pytest.raises(OptionError):
            parse_size(wrong)
        with pytest.raises(OptionError):
            parse_count(wrong)
    assert 0 < memory_limit() < available_memory() * 1.5
    assert memory_limit("3M") == 3 << 20


def test_picture_derives_its_mode_and_checks_it():
    for shape, mode in (((2, 3), "grey"), ((2, 3, 1), "grey"), ((2, 3, 2), "grey+alpha"), ((2, 3, 4), "rgba")):
        assert Picture(np.zeros(shape)).mode == mode
    picture = Picture(np.zeros((2, 3, 4), np.uint8), "cmyk")
    assert not picture.has_alpha
    assert picture.replace(pixels=np.ones((5, 6, 4))).mode == "cmyk"
    refused(OptionError, "3 channels do not make a 'cmyk' picture", picture.replace, pixels=np.zeros((2, 3, 3)))
    assert picture.replace(pixels=np.zeros((2, 3)), mode=None).mode == "grey"
    for wrong in (np.zeros(3), np.zeros((2, 2, 5000)), np.zeros((2, 2), complex), np.zeros((2, 2), np.int8)):
        with pytest.raises(ImconvError):
            Picture(wrong)
    assert Picture(np.zeros((2, 2), ">u2")).pixels.dtype.isnative


def test_inspect_agrees_with_read(samples):
    for key, data in samples.items():
        header, picture = inspect(io.BytesIO(data)), as_read(data)
        assert (header.format, header.width, header.height) == (picture.format, picture.width, picture.height), key
        assert (header.mode, header.channels, header.alpha) == (picture.mode, picture.channels, picture.has_alpha), key
        assert header.metadata.dpi == picture.metadata.dpi


def test_format_for_names_extensions_and_paths():
    assert format_for("a/b.JPG") == format_for(".jpeg") == format_for("jpg") == "JPEG"
    refused(FileError, r"unknown format '\.pgn'; did you mean '\.png'\?; known are \.png", format_for, "x.pgn")
    refused(FileError, "no extension says which format", format_for, "picture")


def test_several_threads_at_once(samples, monkeypatch):
    expected = {key: as_read(data).pixels for key, data in samples.items()}
    filters, limit = list(warnings.filters), Image.MAX_IMAGE_PIXELS
    wrong = []

    def work(keys):
        for key in keys:
            try:
                if not np.array_equal(as_read(samples[key]).pixels, expected[key]):
                    wrong.append(key)
            except Exception as error:
                wrong.append((key, error))

    keys = list(samples) * 4
    threads = [threading.Thread(target=work, args=(keys[i::8] + keys,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS) == (filters, limit)


def test_pillows_own_pixel_limit_does_not_interfere(samples, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for data in samples.values():
        as_read(data)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_imports_are_lean(astronaut):
    code = (
        "import sys, imconv, imconv.files\n"
        "assert not {'PIL', 'numpy'} & set(sys.modules), 'import'\n"
        f"imconv.files.inspect({str(astronaut)!r})\n"
        "assert not {'PIL', 'numpy'} & set(sys.modules), 'inspect'\n"
        f"imconv.read({str(astronaut)!r})\n"
        "assert not {'PIL', 'numba'} & set(sys.modules), 'read'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
