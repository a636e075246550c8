"""A picture that comes in bands: the same bits as the whole one, and no more rows held than are needed."""

import itertools

import numpy as np
import pytest

from imconv.engine.drive import stream
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.filters.sharpen import unsharp_filter
from imconv.kernel.kernel import Kernel
from imconv.options import Options
from imconv.stages.convolution.algorithms import ALGORITHMS
from imconv.stages.convolution.filter import LinearFilter
from tests.executing import execute, set_stripe_bytes

RANDOM = np.random.default_rng(5)
KERNELS = {
    "dense": Kernel(RANDOM.random((5, 4))),
    "separable": gaussian_kernel(2.3),
    "box": box_kernel(9),
    "decimated": gaussian_kernel(17, fast=True),
    "even box": box_kernel((4, 6)),
    "tall": Kernel(np.ones((41, 1))),
    "off centre": Kernel(RANDOM.random((9, 3)), anchor=(8, 0)),
    "fft": Kernel(RANDOM.random((80, 80))),
}
OPTIONS = {
    "plain": {}, "constant": {"border": "constant:7"}, "mirror": {"border": "mirror"}, "wrap": {"border": "wrap"},
    "normalized": {"border": "normalized"}, "valid": {"pad": "valid"}, "full": {"pad": "full"},
    "stride": {"stride": (3, 2)}, "dilation": {"dilation": (2, 1)}, "both": {"stride": (2, 1), "dilation": (3, 1)},
    "range": {"range": "abs"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def short_stripes(monkeypatch):
    set_stripe_bytes(monkeypatch, 1)


def picture(dtype, channels=1, rows=203):
    shape = (rows, 70) if channels == 1 else (rows, 70, channels)
    image = RANDOM.integers(0, 256, shape)
    if np.dtype(dtype).kind == "f":
        return (image / 255).astype(dtype)
    return (image * (257 if dtype == "uint16" else 1)).astype(dtype)


def in_bands(image, sizes=(1, 7, 30, 2)):
    start, k = 0, 0
    while start < len(image):
        size = sizes[k % len(sizes)]
        yield image[start : start + size].copy()
        start, k = start + size, k + 1


def assert_same(work: LinearFilter, image, has_alpha=False, threads=2):
    plan = work.plan(image.shape, image.dtype, has_alpha)
    expected = execute(plan, image, threads=threads)
    bands = list(stream(plan, in_bands(image), threads=threads))
    found = np.concatenate(bands)
    assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
    return plan, bands


def test_every_algorithm_is_here():
    chosen = {
        LinearFilter(kernel).plan((203, 400, 1), np.dtype("uint8"), False).algorithm for kernel in KERNELS.values()
    }
    assert chosen >= set(ALGORITHMS) - {"fft"}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_bits(kernel, options):
    if (kernel, options) == ("fft", "valid") or (kernel == "decimated" and options == "valid"):
        pytest.skip("the kernel is larger than the picture")
    work = LinearFilter(KERNELS[kernel], Options(**OPTIONS[options]))
    for dtype in ("uint8", "float32"):
        assert_same(work, picture(dtype, 3))


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
@pytest.mark.parametrize("kernel", ["dense", "separable", "box", "decimated"])
def test_other_types(kernel, dtype):
    assert_same(LinearFilter(KERNELS[kernel]), picture(dtype))


@pytest.mark.parametrize("alpha", ["weight", "keep", "unweighted", "separate"])
@pytest.mark.parametrize("kernel", ["dense", "separable", "box", "decimated"])
def test_alpha(kernel, alpha):
    image = picture("uint8", 4)
    image[50:120, :40, 3] = 0
    assert_same(LinearFilter(KERNELS[kernel], Options(alpha=alpha)), image, has_alpha=True)


@pytest.mark.parametrize("sigma", [1, 30])
def test_an_unsharp_mask_with_a_threshold(sigma):
    work = unsharp_filter(sigma, 1.5, 4, None, 70, Options()).blur
    for channels, has_alpha in ((1, False), (3, False), (4, True)):
        assert_same(work, picture("uint8", channels), has_alpha)


def test_infinities_stay_within_the_window():
    image = picture("float32", rows=600)
    image[300, 20], image[2, 3] = np.inf, np.nan
    plan, _ = assert_same(LinearFilter(gaussian_kernel(17, fast=True)), image)
    assert plan.algorithm == "decimated"


@pytest.mark.parametrize("rows", [1, 2, 5, 16])
def test_pictures_smaller_than_the_kernel(rows):
    for kernel in ("dense", "separable", "box", "decimated"):
        for border in ("reflect", "mirror", "wrap", "nearest"):
            assert_same(LinearFilter(KERNELS[kernel], Options(border=border)), picture("uint8", rows=rows))


def test_threads_and_stripes_change_nothing(monkeypatch):
    image = picture("uint8", 3, rows=500)
    for kernel in ("dense", "separable", "box", "decimated"):
        for size in (1, 20_000, 1 << 20):
            set_stripe_bytes(monkeypatch, size)
            for threads in (1, 2, 7):
                assert_same(LinearFilter(KERNELS[kernel]), image, threads=threads)


@pytest.mark.parametrize("kernel", ["dense", "separable", "box", "decimated"])
def test_few_rows_are_held(kernel):
    plan = LinearFilter(KERNELS[kernel]).plan((20_000, 1000), np.dtype("uint8"), False)
    parts = plan.stripes()
    assert (parts[0].first, parts[-1].last, parts[-1].high) == (0, 20_000, 20_000)
    assert all(a.last == b.first and a.low <= b.low and a.high <= b.high for a, b in itertools.pairwise(parts))
    assert max(part.high - part.low for part in parts) < 600
    assert plan.bytes_held(2) < 4e6


def test_a_large_sigma_holds_a_grid_and_not_the_rows_it_reaches():
    plan = LinearFilter(gaussian_kernel(1000)).plan((30_000, 30_000), np.dtype("uint8"), False)
    assert max(part.high - part.low for part in plan.stripes()) < 6200  # 4 sigma reflected
    assert plan.bytes_held(2) < 300e6
