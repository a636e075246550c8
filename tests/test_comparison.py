"""`imconv.compare`: every figure against scikit-image and against its formula, whatever the strips."""

import math

import numpy as np
import pytest

import imconv
from imconv import comparison
from imconv.comparison import amplification, sheet
from imconv.errors import OptionError
from imconv.files.picture import Picture

TYPES = ("uint8", "uint16", "float32", "float64", "bool", "int32")
AGREEMENT = 1e-12  # two float64 computations of one mean over windows, in another order


def pair(dtype, shape=(40, 31, 3), seed=1):
    """Two pictures that differ a little, over the whole range of the type."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    smooth = np.add.outer(np.linspace(0, 0.6, shape[0]), np.linspace(0, 0.3, shape[1]))
    smooth = smooth.reshape(*shape[:2], *[1] * (len(shape) - 2)) + random.random(shape) * 0.1
    other = np.clip(smooth + random.normal(0, 0.03, shape), 0, 1)
    if dtype.kind == "b":
        return smooth > 0.5, other > 0.5
    if dtype.kind == "f":
        return smooth.astype(dtype), other.astype(dtype)
    info = np.iinfo(dtype)
    span = int(info.max) - int(info.min)
    return tuple((picture * 0.9 * span + info.min).astype(dtype) for picture in (smooth, other))


def span_of(dtype) -> float:
    dtype = np.dtype(dtype)
    return float(int(np.iinfo(dtype).max) - int(np.iinfo(dtype).min)) if dtype.kind in "iu" else 1.0


@pytest.mark.parametrize("shape", [(40, 31), (40, 31, 3), (11, 11), (13, 60, 4)], ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_figures_are_those_of_scikit_image(dtype, shape):
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pair(dtype, shape)
    found = imconv.compare(a, b)
    wide = [picture.astype(np.float64) for picture in (a, b)]
    expected = metrics.structural_similarity(
        *wide, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, K1=0.01, K2=0.03,
        data_range=span_of(dtype), channel_axis=2 if len(shape) == 3 else None,
    )  # fmt: skip
    assert found.ssim == pytest.approx(expected, abs=AGREEMENT)
    assert found.psnr == pytest.approx(metrics.peak_signal_noise_ratio(*wide, data_range=span_of(dtype)), abs=1e-9)
    assert found.rmse == pytest.approx(math.sqrt(metrics.mean_squared_error(*wide)), rel=1e-12)
    assert found.max_abs == np.abs(wide[0] - wide[1]).max()
    assert found.mean_abs == pytest.approx(np.abs(wide[0] - wide[1]).mean(), rel=1e-12)


def test_ssim_by_its_formula():
    """Equation 13 of the paper, one window at a time, with the window normalised to 1."""
    a, b = pair("uint8", (15, 13))
    distance = np.arange(-5, 6)
    window = np.exp(-np.add.outer(distance**2, distance**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for i in range(5):
        for j in range(3):
            x, y = (p[i : i + 11, j : j + 11].astype(float) for p in (a, b))
            mx, my = (window * x).sum(), (window * y).sum()
            sx, sy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            sxy = (window * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2)))
    assert imconv.compare(a, b).ssim == pytest.approx(np.mean(values), abs=AGREEMENT)


@pytest.mark.parametrize("rows", [1, 2, 7, 29, 30, 39])
def test_strips_change_nothing(monkeypatch, rows):
    a, b = pair("uint8")
    whole = imconv.compare(a, b)
    monkeypatch.setattr(comparison, "STRIP_SAMPLES", rows * a.shape[1])
    strips = imconv.compare(a, b)
    assert (strips.max_abs, strips.mean_abs, strips.rmse) == (whole.max_abs, whole.mean_abs, whole.rmse)
    assert strips.ssim == pytest.approx(whole.ssim, abs=AGREEMENT)


@pytest.mark.parametrize("dtype", TYPES)
def test_equal_pictures(dtype):
    a, _ = pair(dtype)
    found = imconv.compare(a, a.copy())
    assert (found.max_abs, found.mean_abs, found.rmse, found.psnr) == (0, 0, 0, math.inf)
    assert found.ssim == pytest.approx(1, abs=AGREEMENT)
    assert found.as_dict()["psnr"] is None


@pytest.mark.parametrize(
    ("given", "width"), [(4095, 4095), (0.5, 0.5), ((-1, 1), 2), (np.array([10, 300]), 290)], ids=str
)
@pytest.mark.parametrize("dtype", TYPES)
def test_another_range(dtype, given, width):
    a, b = pair(dtype)
    found, wide = imconv.compare(a, b, data_range=given), [picture.astype(np.float64) for picture in (a, b)]
    assert found.data_range[1] - found.data_range[0] == width
    assert found.psnr == pytest.approx(20 * math.log10(width / found.rmse), abs=1e-9)
    scaled = imconv.compare(*(picture / width for picture in wide))  # floats, whose range is 1
    assert found.ssim == pytest.approx(scaled.ssim, abs=AGREEMENT)


@pytest.mark.parametrize(
    "given", [0, -1, math.nan, math.inf, (1, 0), (1, 1), (1, 2, 3), "ab", None, (0, math.nan)], ids=str
)
def test_what_is_no_range(given):
    a, b = pair("uint8")
    if given is None:
        assert imconv.compare(a, b).data_range == (0, 255)
    else:
        with pytest.raises(OptionError, match="data_range"):
            imconv.compare(a, b, data_range=given)


def test_small_pictures_have_no_ssim():
    for shape in [(10, 40), (40, 10), (1, 1)]:
        assert imconv.compare(*pair("uint8", shape)).ssim is None


def test_nan_and_infinity():
    a, b = pair("float64", (20, 20))
    a[3, 4] = b[3, 4] = np.nan
    a[5, 6] = b[5, 6] = np.inf
    assert imconv.compare(a, b).max_abs == np.nanmax(np.abs(np.where(np.isinf(a), 0, a) - np.where(np.isinf(b), 0, b)))
    b[0, 0] = np.nan
    found = imconv.compare(a, b).as_dict()
    assert [name for name in found if found[name] is not None] == ["data_range"]
    far = imconv.compare(np.array([[0.0]]), np.array([[np.inf]]))
    assert (far.max_abs, far.psnr) == (math.inf, -math.inf)


def test_any_memory_layout():
    a, b = pair("uint8")
    assert imconv.compare(a[::-1, ::2], b[::-1, ::2]) == imconv.compare(a[::-1, ::2].copy(), b[::-1, ::2].copy())
    a.flags.writeable = False
    imconv.compare(a, b)


@pytest.mark.parametrize(
    "other",
    [np.zeros((4, 6), np.uint8), np.zeros((5, 4), np.uint8), np.zeros((4, 5, 3), np.uint8),
     np.zeros((4, 5), np.uint16), np.zeros((4, 5), complex), np.zeros(5, np.uint8), [[1], [2, 3]]],
    ids=lambda other: str(np.shape(other) if isinstance(other, np.ndarray) else "ragged"),
)  # fmt: skip
def test_what_can_not_be_compared(other):
    with pytest.raises(OptionError):
        imconv.compare(np.zeros((4, 5), np.uint8), other)


def test_pictures_of_different_modes():
    pixels = np.zeros((3, 3, 4), np.uint8)
    with pytest.raises(OptionError, match="cmyk"):
        imconv.compare(Picture(pixels, "rgba"), Picture(pixels, "cmyk"))


@pytest.mark.parametrize(
    ("largest", "dtype", "factor"),
    [(1, "uint8", 255), (100, "uint8", 2), (255, "uint8", 1), (3, "uint16", 21845), (0.3, "float32", 3), (0, "uint8", 1),
     (1, "bool", 1), (7.0, "float32", 1), (math.nan, "float32", 1), (math.inf, "float32", 1)],
)  # fmt: skip
def test_amplification(largest, dtype, factor):
    assert amplification(largest, dtype) == factor


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3)], ids=str)
def test_the_sheet(dtype, shape):
    a, b = pair(dtype, shape)
    top = {"b": 1, "f": 1}.get(np.dtype(dtype).kind) or np.iinfo(dtype).max
    made = sheet(a, b, 3)
    assert made.dtype == a.dtype
    np.testing.assert_array_equal(made[:, :4], a)
    np.testing.assert_array_equal(made[:, 4:8], b)
    apart = np.minimum(3 * np.abs(a.astype(np.float64) - b.astype(np.float64)), top)
    np.testing.assert_array_equal(made[:, 8:], apart.astype(dtype))


def test_the_sheet_shows_differences_in_alpha():
    a = np.zeros((2, 2, 4), np.uint8)
    b = a.copy()
    b[0, 0, 3], b[1, 1, 1] = 40, 9
    made = sheet(Picture(a), Picture(b), 2)
    assert made.mode == "rgba"
    assert made.pixels[:, 4:].tolist() == [[[80, 80, 80, 255], [0, 0, 0, 255]], [[0, 0, 0, 255], [0, 18, 0, 255]]]
