"""Motion and lens blur against areas measured by sampling, and emboss against its kernel."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv.filters.oriented import disk_kernel, motion_kernel
from imconv.kernel.kernel import Kernel
from tests import naive
from tests.cases import picture
from tests.refused import refused

FINE = 64  # sample points along a pixel's side
SAMPLED = (
    0.01  # how far an area so sampled may be off: a boundary crosses 2 * FINE of FINE^2 cells, off by half at worst
)
SUM = 1e-15


def sampled(inside, reach):
    """The share of each pixel's sample points that is inside, rows and columns -reach .. reach; over their sum."""
    fine = (np.arange((2 * reach + 1) * FINE) + 0.5) / FINE - reach - 0.5
    points = inside(fine[None, :], fine[:, None])
    areas = points.reshape(2 * reach + 1, FINE, 2 * reach + 1, FINE).mean(axis=(1, 3))
    return areas


def centred(kernel, reach):
    """The weights in the middle of a square of zeros."""
    rows, columns = ((2 * reach + 1 - n) // 2 for n in kernel.shape)
    return np.pad(kernel.weights, ((rows, rows), (columns, columns)))


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.7, 1, 1.5, 2.2, 4.5, 7.9])
def test_a_disk_is_the_area_it_covers(radius):
    reach = int(radius + 1)
    areas = sampled(lambda x, y: x * x + y * y <= radius * radius, reach)
    np.testing.assert_allclose(centred(disk_kernel(radius), reach) * math.pi * radius**2, areas, atol=SAMPLED)


@pytest.mark.parametrize("angle", [0, 10, 30, 45, 60, 90, 135, 170, -20])
@pytest.mark.parametrize("length", [0.5, 1, 3, 4, 7.3])
def test_motion_is_the_area_a_line_covers(length, angle):
    a, b = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    areas = sampled(lambda x, y: (abs(x * a + y * b) <= length / 2) & (abs(x * b - y * a) <= 0.5), 6)
    np.testing.assert_allclose(centred(motion_kernel(length, angle), 6) * length, areas, atol=2 * SAMPLED)


@given(st.floats(0.01, 40), st.floats(-400, 400))
def test_sums_are_1_and_shapes_are_symmetric(size, angle):
    for kernel in (motion_kernel(size, angle), disk_kernel(size)):
        assert abs(kernel.sum() - 1) <= SUM
        assert (kernel.weights >= 0).all()
        assert all(n % 2 for n in kernel.shape)
        np.testing.assert_array_equal(kernel.weights, kernel.weights[::-1, ::-1])
    weights = disk_kernel(size).weights
    np.testing.assert_array_equal(weights, weights.T)
    np.testing.assert_array_equal(weights, weights[::-1])
    assert weights[0].any()


def test_large_ones():
    for kernel in (disk_kernel(1000), motion_kernel(1000, 33)):
        assert abs(kernel.sum() - 1) <= SUM
    assert disk_kernel(300).weights[0].any()
    middle = disk_kernel(300).weights[300]
    assert (middle[1:-1] == middle[300]).all()


@pytest.mark.parametrize(("angle", "name"), [(0, "motion-9-horizontal"), (90, "motion-9-vertical")])
def test_along_the_axes_motion_is_the_librarys(angle, name):
    assert motion_kernel(9, angle).exact
    np.testing.assert_array_equal(motion_kernel(9, angle).weights, np.trim_zeros(Kernel.named(name).weights))


def test_45_degrees_rise_to_the_right():
    weights = motion_kernel(9, 45).weights
    assert weights[1, -2] > 0.01
    assert weights[1, 1] == 0
    np.testing.assert_allclose(weights, motion_kernel(9, -135).weights)


def test_pictures_are_correlated_with_the_kernel():
    image = picture("uint8", (9, 12, 3), 1)
    np.testing.assert_array_equal(imconv.motion_blur(image, 7, 25), imconv.correlate(image, motion_kernel(7, 25)))
    np.testing.assert_array_equal(imconv.disk_blur(image, 2.5), imconv.correlate(image, disk_kernel(2.5)))
    for call in (lambda i: imconv.disk_blur(i, 0.5), lambda i: imconv.motion_blur(i, 1, 90)):
        np.testing.assert_array_equal(call(image), image)
    flat = np.full((9, 9), 200, np.uint8)
    assert (imconv.disk_blur(flat, 3.3) == 200).all()


def test_emboss():
    image = picture("uint8", (9, 12), 1)
    np.testing.assert_array_equal(imconv.emboss(image), imconv.convolve(image, "emboss"))
    slope = [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]
    exact = naive.correlate(image.astype(np.int64), slope, dtype="int64")
    relief = np.clip(exact + 128, 0, 255)
    np.testing.assert_array_equal(imconv.emboss(image, relief=True), relief)
    half = np.clip(np.floor(exact * 0.5 + 0.5) + image, 0, 255)
    np.testing.assert_array_equal(imconv.emboss(image, "0.5"), half)
    np.testing.assert_array_equal(imconv.emboss(image, relief=True, range="abs"), np.clip(abs(exact), 0, 255))
    np.testing.assert_array_equal(imconv.emboss(image.astype(float), relief=True), exact)
    np.testing.assert_array_equal(imconv.emboss(image, 0), image)


@pytest.mark.parametrize("bad", [0, -1, math.nan, 1e9, "x", None])
def test_what_is_refused(bad):
    image = np.zeros((3, 3))
    for call, word in (
        (lambda: imconv.motion_blur(image, bad), "length"),
        (lambda: imconv.disk_blur(image, bad), "radius"),
        (lambda: imconv.motion_blur(image, 3, bad if bad not in (0, -1) else "right"), "angle"),
        (lambda: imconv.emboss(image, bad if bad != 0 else -2), "amount"),
    ):
        refused(imconv.ImconvError, word, call)
