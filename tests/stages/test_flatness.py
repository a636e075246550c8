"""Flat pictures stay flat to the bit, and means between their window's samples, in float32 and float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imconv
from tests.bounds import FLOAT32, FLOAT64

RNG = np.random.default_rng(17)


def kernel(side: int, signed: bool = False) -> np.ndarray:
    weights = RNG.random((side, side)) - 0.3 * signed
    return weights / weights.sum()


KERNELS = {
    **{k: kernel(k) for k in (3, 4, 7, 20, 90)},
    "signed": kernel(5, True),
    "signed 90": kernel(90, True),
}
MEANS = {
    **{f"gaussian {s}": lambda image, s=s: imconv.gaussian_blur(image, s) for s in (0.5, 2, 3.3, (0, 7), 21)},
    **{f"box {k}": lambda image, k=k: imconv.box_blur(image, k) for k in (2, 3, (1, 9), 11, 31, 101)},
    **{f"dense {k}": lambda image, k=k: imconv.correlate(image, KERNELS[k]) for k in (3, 4, 7, 20, 90)},
    "disk": lambda image: imconv.disk_blur(image, 6),
    "motion": lambda image: imconv.motion_blur(image, 9, 30),
    "stride": lambda image: imconv.gaussian_blur(image, 2, stride=2),
    "binomial": lambda image: imconv.correlate(image, np.outer([1, 4, 6, 4, 1], [1, 2, 1]) / 64),
    "thirds": lambda image: imconv.correlate(image, np.outer([1, 2, 1], [1, 1, 1]) / 12),
}
FILTERS = {
    **MEANS,
    "sharpen": imconv.sharpen,
    "unsharp": lambda image: imconv.unsharp_mask(image, 2),
    "signed": lambda image: imconv.correlate(image, KERNELS["signed"]),
    "signed 90": lambda image: imconv.correlate(image, KERNELS["signed 90"]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FILTERS)
def test_flat_stays_flat(name, dtype):
    for value in (0, 1, 3, 255, 65535, 0.1, 1 / 3, -np.pi, 1e30, 1e-30):
        for shape in ((41, 67), (33, 30, 3)):
            flat = np.full(shape, value, dtype)
            np.testing.assert_array_equal(np.unique(FILTERS[name](flat)), np.unique(flat))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MEANS)
@settings(max_examples=15, deadline=None)
@given(
    base=st.floats(2.0**-90, 1e6, width=32)
    | st.floats(-1e6, -(2.0**-90), width=32),  # without the least of all numbers
    steps=st.sampled_from([1, 2, 5, 1000, 10**6]),
    flat=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_means_lie_between_the_samples(name, dtype, base, steps, flat, seed):
    """Pictures whose samples lie a few last places apart, in part flat."""
    rng = np.random.default_rng(seed)
    image = np.full((40, 70), base, dtype)
    spacing = np.spacing(np.abs(image[0, 0]))
    image += (spacing * rng.integers(0, steps + 1, image.shape) * (rng.random(image.shape) >= flat)).astype(dtype)
    result = MEANS[name](image)
    assert image.min() <= result.min()
    assert result.max() <= image.max()


@pytest.mark.parametrize(("dtype", "bound"), [("float32", FLOAT32), ("float64", FLOAT64)])
def test_sums_near_a_sample_stay_within_the_bound(dtype, bound):
    """A ramp and a checkerboard: every mean lies next to the sample it is compared with, though its window is not flat."""
    y, x = np.mgrid[:60, :80]
    for image in (y + 3.0 * x, (y + x) % 2 * 2 - 1.0, 1e5 + (y + x) % 2):
        image = image.astype(dtype)
        for sigma in (1, 4, 21):
            exact = imconv.gaussian_blur(image.astype(np.longdouble).astype(np.float64), sigma, truncate=4)
            found = imconv.gaussian_blur(image, sigma)
            np.testing.assert_allclose(found, exact, rtol=0, atol=2 * bound * np.abs(image).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_without_sum_answers_flat_pictures_with_nothing(dtype):
    flat = np.full((30, 80), 0.1, dtype)
    for weights in ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], [[-1, 0.5, 0.5]], RNG.random((5, 5)) @ (np.eye(5) - 0.2)):
        assert not imconv.correlate(flat, np.array(weights)).any()
    for value in (0.1, 1e9 / 3, -7, 5e-10):  # sums of two outer products
        for operator, sigma in (("log", 1), ("log", 2.5), ("dog", 0.5), ("dog", 1.4), ("dog", 9)):
            assert not imconv.edges(np.full((30, 80), value, dtype), operator, sigma=sigma).any()
