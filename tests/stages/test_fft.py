"""Very large kernels by Fourier transform: the same samples as tap by tap."""

from fractions import Fraction

import numpy as np
import pytest

import imconv
from imconv import Kernel
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.options import Options
from imconv.stages.convolution.fft import _good_size
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.convolution.plan import make_plan
from tests.bounds import FLOAT32, FLOAT64
from tests.executing import execute


def planned(image, kernel, algorithm, border="reflect", pad="same"):
    axes = make_axes(image.shape[:2], kernel.shape, kernel.anchor, pad, 1, 1)
    return make_plan(kernel, axes, image.shape[2], image.dtype, image.dtype, parse_border(border), algorithm=algorithm)


def whole_kernel(shape) -> Kernel:
    numbers = np.random.default_rng(sum(shape)).integers(-5, 9, shape)
    return Kernel([[Fraction(int(n), 997) for n in row] for row in numbers])


@pytest.mark.parametrize("border", ["reflect", "constant:7", "wrap", "nearest"])
@pytest.mark.parametrize("pad", ["same", "valid", "full"])
@pytest.mark.parametrize("shape", [(41, 40), (3, 90)])
def test_whole_numbers_are_exact(shape, pad, border):
    image = np.random.default_rng(1).integers(0, 256, (100, 121, 2), dtype=np.uint8)
    kernel = whole_kernel(shape)
    expected = execute(planned(image, kernel, "dense", border, pad), image)
    plan = planned(image, kernel, "fft", border, pad)
    for threads, band_rows in ((1, None), (2, 7), (3, 1)):
        np.testing.assert_array_equal(execute(plan, image, threads=threads, band_rows=band_rows), expected)


@pytest.mark.parametrize(("dtype", "error"), [("float32", FLOAT32), ("float64", FLOAT64)])
def test_floats_are_within_the_bounds(dtype, error):
    rng = np.random.default_rng(2)
    image, weights = rng.random((600, 70, 1)).astype(dtype), rng.random((33, 31))
    result = execute(planned(image, Kernel(weights), "fft"), image)
    expected = imconv.correlate(image.astype(np.float64), weights)
    np.testing.assert_allclose(result, expected, rtol=0, atol=error * weights.sum())


def test_a_nan_stays_within_its_window():
    image = np.ones((90, 80, 1), np.float32)
    image[40, 40] = np.nan
    kernel = Kernel(np.random.default_rng(3).random((11, 13)))
    result = execute(planned(image, kernel, "fft"), image)
    assert np.count_nonzero(np.isnan(result)) == 11 * 13


def test_only_very_large_kernels_are_transformed():
    rng = np.random.default_rng(4)
    image = np.zeros((3000, 4000, 1), np.uint8)
    assert planned(image, Kernel(rng.random((63, 63))), None).algorithm == "dense"
    assert planned(image, Kernel(rng.random((101, 101))), None).algorithm == "fft"


def test_sizes_are_products_of_small_primes():
    for least in (1, 7, 97, 1000, 4099):
        rest = size = _good_size(least)
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        assert rest == 1
        assert least <= size < 1.2 * least + 2


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("border", ["reflect", "constant:7", "wrap", "normalized"])
def test_sums_in_a_given_order(dtype, border):
    """Each term by itself, in Python's floats: not a bit differs."""
    random = np.random.default_rng(2)
    image = (random.random((9, 11, 2)) * 200).astype(dtype)
    half = random.random(3)
    for kernel, order in (
        (Kernel(random.random((4, 3))), "in order"),
        (Kernel([[*half, 0.7, *half[::-1]]]), "in pairs"),
        (Kernel([[*half, 0.7, *half[::-1]]]).flipped(), "in order"),
    ):
        for stride, dilation in ((1, 1), ((2, 3), (1, 2))):
            options = Options(border=border, stride=stride, dilation=dilation, dtype="float64")
            work = LinearFilter(kernel, options, order=order)
            plan = work.plan(image.shape, image.dtype, False)
            found = execute(plan, image, threads=2, band_rows=3)
            expected = np.array([[[_summed(plan, image, i, j, c, order) for c in (0, 1)] for j in range(plan.columns.out)]
                                 for i in range(plan.rows.out)])  # fmt: skip
            if border == "normalized":
                np.testing.assert_allclose(found, imconv.correlate(image.astype(float), kernel, border=border,
                                           stride=stride, dilation=dilation), rtol=1e-12)  # fmt: skip
            else:
                np.testing.assert_array_equal(found, expected)


def _summed(plan, image, i, j, c, order) -> float:
    rows, columns, weights = plan.rows, plan.columns, plan.kernel.weights

    def sample(k, m):
        y = plan.row_sources[i * rows.stride + k * rows.dilation]
        x = plan.column_sources[j * columns.stride + m * columns.dilation]
        return plan.border.values[0] if min(x, y) < 0 else float(image[y, x, c])

    if order == "in order":
        total = 0.0
        for k, m in np.ndindex(weights.shape):
            total += float(weights[k, m]) * sample(k, m)
        return total
    last = weights.size - 1
    total = float(weights[0, last // 2]) * sample(0, last // 2)
    for m in range(last // 2):
        total += float(weights[0, m]) * (sample(0, m) + sample(0, last - m))
    return total
