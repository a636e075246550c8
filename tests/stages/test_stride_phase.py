"""A stride samples the result at stride 1: from its start, or with the phase center in the middle of cells; everywhere alike."""

from dataclasses import replace

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from imconv.engine import drive
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.options import Options
from imconv.stages.convolution.algorithms import ALGORITHMS
from imconv.stages.convolution.plan import make_plan
from imconv.stages.ranking import algorithms as ranking
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import make_footprint
from tests.bounds import FLOAT64, scale_of
from tests.cases import BORDERS, picture

DENSE = Kernel([[1, 2, 0], [4, 0, 32], [8, 16, 64], [0, 128, 256]])
KERNELS = {"dense": DENSE, "box": box_kernel((3, 4)), "wide box": box_kernel((2, 19)), "gaussian": gaussian_kernel(1.5),
           "row": Kernel([[1, 2, 4, 8]]), "one": Kernel([[3]])}  # fmt: skip


def sampled(dense: np.ndarray, stride) -> np.ndarray:
    return dense[stride[0] // 2 :: stride[0], stride[1] // 2 :: stride[1]]


def in_bands(image: np.ndarray) -> list:
    return [band for band in np.split(image, (1, 8)) if len(band)]


def paddings():
    numbers = st.integers(0, 6)
    return st.sampled_from(["same", "valid", "full"]) | st.tuples(numbers, numbers, numbers, numbers)


GEOMETRY = {
    "shape": st.tuples(st.integers(1, 40), st.integers(1, 70)),
    "channels": st.integers(1, 5),
    "stride": st.tuples(st.integers(1, 9), st.integers(1, 9)),
    "dilation": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "border": st.sampled_from([*BORDERS, "constant:7"]),
    "pad": paddings(),
    "seed": st.integers(0, 99),
}


@settings(max_examples=150)
@given(kernel=st.sampled_from(sorted(KERNELS)), dtype=st.sampled_from(["uint8", "uint16", "float64"]), **GEOMETRY)
@example("box", "uint8", (33, 64), 1, (8, 8), (1, 1), "reflect", "valid", 0)
@example("box", "float64", (33, 64), 3, (8, 9), (1, 1), "wrap", "same", 0)
@example("one", "uint8", (9, 9), 1, (9, 9), (1, 1), "normalized", "same", 0)
def test_every_algorithm_samples_in_the_middle(kernel, dtype, shape, channels, stride, dilation, border, pad, seed):
    image, weights = picture(dtype, (*shape, channels), seed), KERNELS[kernel]
    how = (channels, image.dtype, np.dtype("float64" if dtype == "float64" else "int64"), parse_border(border))
    try:
        axes = [make_axes(shape, weights.shape, weights.anchor, pad, s, dilation, "center") for s in (1, stride)]
    except imconv.ImconvError:
        return  # no output is left
    for name in (*ALGORITHMS, "in order"):
        try:
            plan = make_plan(weights, axes[1], *how, algorithm=name)
            expected = sampled(make_plan(weights, axes[0], *how, algorithm=name).execute(image), stride)
        except imconv.ImconvError:
            continue  # not for this task, or windows without a sample
        result = plan.execute(image)
        # float sums may be added in another order: running sums begin elsewhere, and a step of 1 is allowed near a tie
        close = FLOAT64 * scale_of(weights.weights, image, 7) if dtype == "float64" else kernel == "gaussian"
        np.testing.assert_allclose(result, expected, rtol=0, atol=close)
        np.testing.assert_array_equal(np.concatenate(list(drive.stream(plan, in_bands(image)))), result)


@settings(max_examples=100)
@given(size=st.tuples(st.integers(1, 7), st.integers(1, 7)), percentile=st.sampled_from([0, 30, 50, 100]),
       dtype=st.sampled_from(["uint8", "uint16", "float32"]), **GEOMETRY)  # fmt: skip
@example((3, 3), 50, "uint8", (40, 70), 1, (9, 9), (1, 1), "wrap", "valid", 1)
@example((3, 3), 50, "uint8", (40, 70), 1, (9, 9), (2, 3), "normalized", "same", 1)
def test_every_rank_samples_in_the_middle(
    size, percentile, dtype, shape, channels, stride, dilation, border, pad, seed
):
    image = picture(dtype, (*shape, channels), seed)
    options = Options(border=border, pad=pad, dilation=dilation, stride_phase="center")
    filter = RankFilter(make_footprint(size), percentile, options)
    try:
        dense = filter.plan(image.shape, image.dtype, False).execute(image)
        filter = replace(filter, options=replace(options, stride=stride))
        filter.plan(image.shape, image.dtype, False)
    except imconv.ImconvError:
        return
    for name in ranking.BY_NAME:
        try:
            plan = replace(filter, algorithm=name).plan(image.shape, image.dtype, False)
        except imconv.ImconvError:
            continue
        np.testing.assert_array_equal(plan.execute(image), sampled(dense, stride))
        bands = list(drive.stream(plan, in_bands(image)))
        np.testing.assert_array_equal(np.concatenate(bands), sampled(dense, stride))
