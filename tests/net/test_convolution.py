"""Convolution layers against the formula, exactly where sums are exact, and against torch."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imconv.errors import OptionError
from imconv.net import convolution
from imconv.net.convolution import Convolution
from tests import naive
from tests.refused import refused

# float32 sums of K products, each rounded, in float32 as torch's: errors beyond some units of the largest sum are mistakes
RELATIVE = 1e-5


def whole(shape, dtype=np.float32, seed=1) -> np.ndarray:
    """Small whole numbers, no two neighbours alike: sums are exact."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)


def case(height, width, channels, maps, taps, **how):
    return pytest.param(height, width, channels, maps, taps, how, id=f"{height}x{width}x{channels}-{maps}k{taps}-{how}")


CASES = [
    case(1, 1, 1, 1, (1, 1)),
    case(7, 6, 1, 1, (3, 2), padding=1),
    case(24, 23, 1, 1, (17, 18), padding=8),
    case(7, 6, 1, 5, (3, 3), padding=1),
    case(7, 6, 5, 1, (3, 3), padding=1),
    case(5, 6, 3, 10, (5, 5)),
    case(9, 11, 3, 70, (3, 3), padding=1),
    case(7, 9, 20, 33, (3, 3), padding=1, stride=2),
    case(6, 13, 2, 49, (1, 3), padding=(0, 2), stride=(1, 3)),
    case(8, 8, 5, 17, (3, 2), padding=(1, 2, 0, 3), dilation=(2, 1)),
    case(9, 9, 4, 6, (3, 3), padding=4, dilation=3),
    case(8, 10, 12, 24, (3, 3), padding=1, groups=4),
    case(8, 10, 6, 12, (3, 3), padding=1, groups=6),  # two maps of each channel
    case(8, 10, 6, 6, (3, 3), padding=1, groups=6),
    case(9, 7, 100, 100, (3, 3), padding=1, stride=2, groups=100),
    case(9, 7, 35, 35, (5, 3), padding=2, dilation=2, groups=35),
    case(4, 5, 130, 65, (1, 1)),
    case(4, 5, 130, 97, (1, 1), stride=2),
    case(3, 3, 300, 20, (3, 3), padding=1),  # more samples than are summed in one go
    case(9, 10, 3, 8, (3, 3), padding="same", stride=2),
    case(1, 1, 3, 8, (3, 3), padding=3, stride=4),  # windows of padding alone
]


def full_padding(size, taps, how) -> tuple[int, int, int, int]:
    """Padding of all four sides; "same" by TensorFlow's formula."""
    padding = how.get("padding", 0)
    if padding == "same":
        sides = []
        for n, k, s in zip(size, taps, pair(how.get("stride", 1)), strict=True):
            total = max((math.ceil(n / s) - 1) * s + k - n, 0)
            sides += [total // 2, total - total // 2]
        return tuple(sides)
    numbers = [padding] if isinstance(padding, int) else list(padding)
    return tuple(numbers) if len(numbers) == 4 else (numbers[0],) * 2 + (numbers[-1],) * 2


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def expected(image, weights, bias, how):
    padding = full_padding(image.shape[:2], weights.shape[2:], how)
    return naive.conv_layer(
        image, weights, bias, pair(how.get("stride", 1)), padding, pair(how.get("dilation", 1)), how.get("groups", 1)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("height", "width", "channels", "maps", "taps", "how"), CASES)
def test_as_the_formula_says(height, width, channels, maps, taps, how, dtype):
    image, bias = whole((height, width, channels), dtype), whole(maps, dtype, 2)
    weights = whole((maps, channels // how.get("groups", 1), *taps), dtype, 3)
    before = image.copy(), weights.copy()
    layer = Convolution(weights, bias, **how)
    right = expected(image, weights, bias, how)
    for threads in (1, 2, 3):
        result = layer.apply(image, threads=threads)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, right)
    assert layer.shape(height, width) == right.shape
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(weights, before[1])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_layer(data):
    draw = data.draw
    groups = draw(st.integers(1, 3), "groups")
    channels, maps = (groups * draw(st.integers(1, n)) for n in (7, 25))
    taps = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)), "taps")
    how = {
        "stride": draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), "stride"),
        "dilation": draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), "dilation"),
        "padding": draw(st.tuples(*[st.integers(0, 5)] * 4), "padding"),
        "groups": groups,
    }
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    image, bias = whole((height, width, channels)), whole(maps, seed=2)
    view = draw(st.sampled_from(["plain", "reversed", "planes", "readonly"]), "view")
    if view == "reversed":
        image = image[::-1, ::-1]
    elif view == "planes":  # (D, H, W) seen as (H, W, D)
        image = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    elif view == "readonly":
        image.flags.writeable = False
    weights = whole((maps, channels // groups, *taps), seed=3)
    layer = Convolution(weights, bias, **how)
    try:
        right = expected(image, weights, bias, how)
    except naive.NoOutput:
        refused(OptionError, "no output is left", layer.apply, image)
        return
    np.testing.assert_array_equal(layer.apply(image, threads=draw(st.integers(1, 3))), right)


@pytest.mark.parametrize(("band", "work", "part"), [(1, 1, 5), (7, 100, 64), (10**6, 10**9, 10**6)])
@pytest.mark.parametrize("groups", [1, 40])
def test_bands_and_threads_change_no_bit(monkeypatch, band, work, part, groups):
    """Parts do: they are the order of the sums."""
    rng = np.random.default_rng(5)
    image = rng.standard_normal((23, 31, 40)).astype(np.float32)
    weights = rng.standard_normal((120 if groups == 1 else 40, 40 // groups, 3, 3)).astype(np.float32)
    results = []
    for bands in ((convolution.BAND_PIXELS, convolution.JOB_WORK), (band, work)):
        monkeypatch.setattr(convolution, "BAND_PIXELS", bands[0])
        monkeypatch.setattr(convolution, "JOB_WORK", bands[1])
        monkeypatch.setattr(convolution, "WORTH_THREADS", bands[1])
        monkeypatch.setattr(convolution, "WORTH_WAKING", 0)
        layer = Convolution(weights, padding=1, groups=groups)
        results += [layer.apply(image, threads=threads) for threads in (1, 2, 7)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    convolution._geometry.cache_clear()
    monkeypatch.setattr(convolution, "PART", part)
    other = Convolution(weights, padding=1, groups=groups).apply(image)
    np.testing.assert_allclose(other, results[0], rtol=0, atol=RELATIVE * np.abs(results[0]).max())
    convolution._geometry.cache_clear()


def test_bounds_clamp_and_keep_nan():
    image = np.array([[[-5.0, 3.0, 50.0, np.nan]]], np.float32).transpose(0, 2, 1)  # four pixels of one channel
    layer = Convolution(np.ones((1, 1, 1, 1), np.float32), low=0, high=6)
    np.testing.assert_array_equal(layer.apply(image)[0, :, 0], [0, 3, 6, np.nan])
    each = Convolution(np.ones((3, 1, 1, 1), np.float32), groups=3, low=0, high=6)
    np.testing.assert_array_equal(each.apply(np.repeat(image, 3, axis=2))[0, :, 2], [0, 3, 6, np.nan])


@pytest.mark.parametrize("groups", [1, 20])
def test_nan_stays_within_its_windows(groups):
    image = np.ones((9, 9, 20), np.float32)
    image[4, 5, 7] = np.nan
    result = Convolution(np.ones((20, 20 // groups, 3, 3), np.float32), padding=1, groups=groups).apply(image)
    wrong = np.isnan(result)
    assert wrong[3:6, 4:7].any(axis=2).all()
    wrong[3:6, 4:7] = False
    assert not wrong.any()


def test_out_is_filled():
    layer, image = Convolution(whole((5, 3, 3, 3)), padding=1), whole((8, 9, 3))
    out = np.full((8, 9, 5), 77, np.float32)
    assert layer.apply(image, out) is out
    np.testing.assert_array_equal(out, layer.apply(image))
    for wrong in (out[:7], out.astype(np.float64), np.zeros((5, 9, 8), np.float32).T):
        refused(OptionError, "out must be", layer.apply, image, wrong)
    refused(OptionError, "the layer takes float32", layer.apply, image[..., :2])
    refused(OptionError, "the layer takes float32", layer.apply, image.astype(np.float64))


def test_one_layer_for_pictures_of_many_sizes():
    layer = Convolution(whole((5, 3, 3, 3)), padding=1)
    for size in (3, 9, 4, 12, 5, 7, 9, 3):
        image = whole((size, size + 1, 3))
        right = expected(image, whole((5, 3, 3, 3)), np.zeros(5), {"padding": 1})
        np.testing.assert_array_equal(layer.apply(image), right)


def test_scratch_memory_stays_small():
    """A picture of 40 MB with padding: some rows are copied, not the picture."""
    image = np.zeros((400, 800, 32), np.float32)
    layer = Convolution(whole((16, 32, 3, 3)), padding=1)
    out = np.empty((400, 800, 16), np.float32)
    layer.apply(image, out, threads=2)
    tracemalloc.start()
    layer.apply(image, out, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("size", "channels", "maps", "taps", "how"),
    [(28, 128, 256, 3, {"padding": 1}), (29, 64, 128, 3, {"padding": 1, "stride": 2}), (14, 512, 96, 1, {}),
     (32, 144, 144, 3, {"padding": 1, "groups": 144}), (45, 3, 96, 11, {"stride": 4, "padding": 2}),
     (27, 96, 256, 5, {"padding": 2, "groups": 2}), (33, 64, 64, 3, {"padding": 2, "dilation": 2})],
)  # fmt: skip
def test_as_torch(size, channels, maps, taps, how):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(9)
    image = rng.standard_normal((size, size, channels)).astype(np.float32)
    weights = rng.standard_normal((maps, channels // how.get("groups", 1), taps, taps)).astype(np.float32)
    bias = rng.standard_normal(maps).astype(np.float32)
    given = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    right = torch.nn.functional.conv2d(given, torch.from_numpy(weights), torch.from_numpy(bias), **how)[0].numpy()
    result = Convolution(weights, bias, **how).apply(image)
    np.testing.assert_allclose(result.transpose(2, 0, 1), right, rtol=0, atol=RELATIVE * np.abs(right).max())
