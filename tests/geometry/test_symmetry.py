"""Which kernels, footprints, options and filters count as symmetric."""

import numpy as np
import pytest

from imconv.geometry.symmetry import only_exchanged
from imconv.kernel.kernel import Kernel, symmetric
from imconv.options import Options
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.ranking.footprint import make_footprint

BOX = Kernel(np.ones((3, 3)))
X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def test_exchanges():
    assert only_exchanged([X, X.T], signs=True)
    assert not only_exchanged([X, X.T])
    assert not only_exchanged([X, X, X.T], signs=True)  # two of one, one of the other: a sum of squares changes
    assert not only_exchanged([np.ones((3, 5))])
    ring = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert only_exchanged([ring])
    assert only_exchanged([ring * (1 + 1e-16 * X)])
    assert not only_exchanged([ring + 1e-9 * X])
    assert only_exchanged([np.zeros((3, 3))])


def test_kernels():
    assert symmetric(BOX)
    assert symmetric(Kernel.from_factors([1, 2, 1], [0.5, 1, 0.5]))
    assert not symmetric(Kernel(np.ones((3, 3)), anchor=(0, 1)))
    assert not symmetric(Kernel(np.ones((4, 4))))
    assert not symmetric(Kernel(np.ones((3, 5))))
    assert not symmetric(Kernel([[0, 1, 0]] * 3, included=np.array([[0, 1, 0]] * 3)))
    corner = np.ones((3, 3), bool)
    corner[0, 0] = False
    assert not symmetric(Kernel(corner * np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), included=corner))
    assert symmetric(Kernel(X), Kernel(X.T), signs=True)
    assert not symmetric(Kernel(X, offset=1), Kernel(X.T), signs=True)
    assert not symmetric(Kernel(X), Kernel(X.T, included=X.T != 0), signs=True)


@pytest.mark.parametrize(
    ("size", "shape", "anchor", "alike"),
    [(3, "square", None, True), (5, "disk", None, True), (5, "cross", None, True), (4, "square", None, False),
     ((3, 5), "square", None, False), (3, "square", (0, 1), False), (None, [[1, 1, 0], [0, 1, 0], [0, 0, 0]], None, False)],
    ids=str,
)  # fmt: skip
def test_footprints(size, shape, anchor, alike):
    assert make_footprint(size, shape, anchor).symmetric is alike


@pytest.mark.parametrize(
    ("options", "alike"),
    [({}, True), ({"border": "wrap"}, True), ({"pad": "valid"}, True), ({"pad": 2}, True), ({"pad": (1, 1, 1, 1)}, True),
     ({"pad": (1, 2)}, False), ({"pad": (1, 2, 1, 2)}, False), ({"stride": 2}, False), ({"dilation": 2}, True),
     ({"dilation": (1, 2)}, False), ({"region": "2x2+0+0"}, False), ({"mask": np.ones((4, 4), np.uint8)}, False),
     ({"channels": "luma"}, True), ({"linear": True}, True), ({"nodata": 3}, True)],
    ids=str,
)  # fmt: skip
def test_options(options, alike):
    options = Options(**options)
    assert options.symmetric is alike
    linear = LinearFilter(BOX, options)
    assert linear.symmetric is alike
