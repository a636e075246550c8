"""Every kind of picture, changed to every depth, into every format: the file holds exactly the pixels, as another program
reads them, or it is refused with the formats that hold them, or what is lost is told. Formats come from FORMATS."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import imconv
from imconv.errors import FileError
from imconv.files import read, write
from imconv.files.formats import FORMATS, holders
from imconv.files.picture import MODES, Picture
from imconv.pixels.depth import rescaled, white
from tests import optional
from tests.bounds import TIE_16BIT, assert_levels

TYPES = ("bool", "uint8", "uint16", "int32", "float32", "float64")
IDENTITY = imconv.Kernel([[1]])
LOSSY = {"JPEG", "AVIF"}  # by their nature; anything else lossy must say so in a note
PAM_KEYS = (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
LOSSY_ERROR = 12  # mean levels of grey noise, which they keep worst, at the default quality


def kinds():
    return [(mode, kind, depth) for mode in MODES for kind in TYPES for depth in ("keep", "8", "16", "float")]


def pixels_of(mode: str, kind: str) -> np.ndarray:
    """Noise; alpha is 0 or full, and colours under 0 are 0, so that GIF can hold them."""
    random = np.random.default_rng(5)
    shape = (16, 24) if mode == "grey" else (16, 24, MODES[mode])
    if kind.startswith("float"):
        pixels = random.random(shape).astype(kind)
    else:
        pixels = random.integers(0, 1 if kind == "bool" else np.iinfo(kind).max, shape, endpoint=True).astype(kind)
    if mode in ("grey+alpha", "rgba"):
        clear = random.random(shape[:2]) < 0.3
        pixels[..., -1] = white(kind)
        pixels[clear] = 0
    return pixels


def expected(pixels: np.ndarray, depth: str) -> np.ndarray:
    """The change of depth by whole numbers; of and to floats in float64, not rounded."""
    target, scale = rescaled(depth, pixels.dtype)
    if target == pixels.dtype:
        return pixels
    if pixels.dtype.kind == "f" or target.kind == "f":
        return pixels.astype(np.float64) * scale.numerator / scale.denominator
    top, least = white(target), white(pixels.dtype)
    return ((pixels.astype(object) * top * 2 + least) // (2 * least)).astype(target)


def by_another_program(data: bytes, name: str) -> np.ndarray:
    """The pixels as imagecodecs, tifffile, OpenCV, numpy or Pillow read them."""
    if name == "PNG":
        return pytest.importorskip("imagecodecs").png_decode(data)
    if name == "TIFF":
        pytest.importorskip("imagecodecs")  # tifffile reads the predictor of floats with it
        return pytest.importorskip("tifffile").imread(io.BytesIO(data))
    if name == "JXL":
        return pytest.importorskip("imagecodecs").jpegxl_decode(data)
    if name == "EXR":
        found = pytest.importorskip("OpenEXR").File(io.BytesIO(data), separate_channels=True).channels()
        planes = [found[channel].pixels for channel in "YRGBA" if channel in found]
        return np.dstack(planes) if len(planes) > 1 else planes[0]
    if name in ("NPY", "NPZ"):
        found = np.load(io.BytesIO(data))
        return found if name == "NPY" else found[found.files[0]]
    if name == "PAM":  # whose colours OpenCV gives in either order
        head, _, rest = data.partition(b"ENDHDR\n")
        width, height, channels, most = (int(re.search(rb"%s (\d+)" % key, head)[1]) for key in PAM_KEYS)
        found = np.frombuffer(rest, ">u2" if most > 255 else np.uint8).reshape(height, width, channels)
        return found[..., 0] if channels == 1 else found
    if name in ("JPEG", "WEBP", "BMP", "PBM", "PGM", "GIF"):
        with Image.open(io.BytesIO(data)) as image:
            if image.mode == "P":
                image = image.convert("RGBA" if "transparency" in image.info else "RGB")
            return np.array(image)
    cv2 = pytest.importorskip("cv2")
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:  # of what OpenCV does not know another test makes sure that it reads back
        return read(io.BytesIO(data), name="x").pixels
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(found.shape[2] if found.ndim == 3 else 1)
    return found if order is None else found[..., order]


def as_written(pixels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Pixels in the colour model that a format without theirs gives for the same colours: grey as RGB, bits as bytes."""
    if pixels.dtype == bool and found.dtype != bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.ndim == 2 and found.ndim == 3:
        pixels = np.dstack([pixels] * 3)
    if pixels.ndim == 3 and pixels.shape[2] == 2 and found.shape[2] == 4:
        pixels = pixels[..., [0, 0, 0, 1]]
    if found.ndim == 3 and found.shape[2] == pixels.shape[-1] + 1 and pixels.ndim == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], white(pixels.dtype), pixels.dtype)])
    return pixels


@pytest.mark.parametrize("name", FORMATS)
def test_exact_or_refused_or_told(name):
    optional.written(name)
    target, written = FORMATS[name], 0
    for mode, kind, depth in kinds():
        pixels = pixels_of(mode, kind)
        result = imconv.correlate(Picture(pixels, mode), IDENTITY, depth=depth)
        label = f"{name} {mode} {kind} {depth}"
        right = expected(pixels, depth)
        if right.dtype == np.float64 and result.pixels.dtype.kind != "f":
            assert_levels(result.pixels, right, TIE_16BIT)
        elif right.dtype == np.float64:
            np.testing.assert_allclose(result.pixels, right, rtol=2.0**-24, err_msg=label)
        else:
            np.testing.assert_array_equal(result.pixels, right, err_msg=label)
        stream = io.BytesIO()
        try:
            report = write(stream, result, format=name)
        except FileError as error:
            assert_refusal(str(error), target, mode, result.pixels.dtype.name, label)
            continue
        written += 1
        found = by_another_program(stream.getvalue(), name)
        if any("reduced" in note for note in report.notes):
            continue
        should = as_written(result.pixels, found)
        assert found.shape == should.shape, label
        if name in LOSSY:
            assert np.abs(found.astype(float) - should).mean() < LOSSY_ERROR or mode in ("rgb", "cmyk"), label
            continue
        np.testing.assert_array_equal(found, should, err_msg=label)
    assert written > 0


def assert_refusal(message: str, target, mode: str, kind: str, label: str) -> None:
    """It names formats that hold the pixels as they are, if there are any, and a depth that this format holds."""
    assert (mode, kind) not in target.holds | target.nearly, label
    assert "without loss; " in message, label
    advice = message.split("without loss; ")[1]
    able = holders(mode, kind) + (holders(mode, "uint8") if kind == "bool" else [])  # bits may become bytes
    if able:
        named = re.match(r"write ([A-Z0-9, ]+?)(, or|$)", advice)[1].split(", ")
        assert set(able) <= set(named), label
        for other in able:
            write(io.BytesIO(), Picture(pixels_of(mode, kind), mode), format=other)
    depth = re.search(r"convert with depth='(\w+)'", advice)
    if depth:
        converted = rescaled(depth[1], kind)[0].name
        others = re.search(r"and write ([A-Z0-9, ]+)", advice)
        for format_name in others[1].split(", ") if others else [target.name]:
            assert (mode, converted) in FORMATS[format_name].holds | FORMATS[format_name].nearly, label
    assert able or depth or "convert to RGB" in advice, label
