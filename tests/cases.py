"""What the property tests draw: pictures of every type and layout, kernels whose taps all differ, every geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

WHOLE = ("bool", "uint8", "uint16", "int8", "int16", "int32", "uint32", "int64", "uint64", ">u2", ">i4")
FLOATS = ("float16", "float32", "float64", ">f4", ">f8")
BORDERS = ("reflect", "mirror", "nearest", "constant", "wrap", "normalized")
LAYOUTS = ("plain", "fortran", "flipped", "sliced", "transposed", "read-only")
LARGEST_DRAWN = 1 << 20  # so that whole-number sums fit in float64 whatever the type: up to 2^20 times 2^25
POWERS = [1 << n for n in range(25)]
PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
DENOMINATORS = (1, 2, 3, 7, 9, 10, 16, 100, 256)


def laid_out(array: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers, otherwise in memory."""
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "flipped":
        return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
    if layout == "sliced":
        wide = np.zeros((array.shape[0] * 2 + 1, array.shape[1] * 3 + 2, *array.shape[2:]), array.dtype)
        view = wide[1::2, 1:-1:3]
        view[...] = array
        return view
    if layout == "transposed":
        return np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


def picture(dtype, shape, seed: int, zeros: bool = False) -> np.ndarray:
    """Samples over the type's range, its ends among them; with `zeros`, many zeros too."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        info = np.iinfo(kind)
        low, high = max(info.min, -LARGEST_DRAWN), min(info.max, LARGEST_DRAWN)
        array = rng.integers(low, high, shape, endpoint=True)
        ends = rng.random(shape)
        array = np.where(ends < 0.1, low, np.where(ends > 0.9, high, array))
    else:
        array = rng.standard_normal(shape) * 10.0 ** rng.integers(-2, 3)
    if zeros:
        array[rng.random(shape) < 0.4] = 0
    return array.astype(kind)


@dataclass(frozen=True)
class Geometry:
    """The options that say where windows lie, under the names that imconv and the reference share."""

    pad: object = "same"
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    anchor: tuple[int, int] | None = None
    border: str = "reflect"
    fill: object = 0

    def options(self) -> dict:
        """As imconv takes them."""
        values = self.fill if isinstance(self.fill, (list, tuple)) else [self.fill]
        border = "constant:" + ",".join(str(v) for v in values) if self.border == "constant" else self.border
        return {"pad": self.pad, "stride": self.stride, "dilation": self.dilation, "anchor": self.anchor,
                "border": border}  # fmt: skip

    def naive(self) -> dict:
        """As the reference takes them."""
        return {**self.options(), "border": self.border, "fill": self.fill}


@dataclass(frozen=True)
class Case:
    image: np.ndarray
    weights: list  # of lists of ints, Fractions or floats
    geometry: Geometry = field(default_factory=Geometry)


sides = st.integers(1, 7)
seeds = st.integers(0, 2**32 - 1)
steps = st.sampled_from([(1, 1)] * 3 + [(2, 2), (1, 2), (3, 1), (2, 3)])
spreads = st.sampled_from([(1, 1)] * 3 + [(2, 2), (1, 3), (2, 1)])
pads = st.one_of(
    st.sampled_from(["same"] * 3 + ["valid", "full"]), st.integers(0, 4),
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.tuples(*[st.integers(0, 3)] * 4),
)  # fmt: skip


@st.composite
def kernels(draw, exact=True, positive=False):
    """Rows of weights that all differ: signed powers of two or primes over a denominator; floats if not exact."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(seeds))
    order = rng.permutation(rows * columns)
    numbers = [draw(st.sampled_from([POWERS, PRIMES]))[n] for n in order]
    signs = np.ones(order.size, int) if positive else rng.choice([-1, 1], order.size)
    numbers = [int(sign) * n for sign, n in zip(signs, numbers, strict=True)]
    if exact:
        divisor = draw(st.sampled_from(DENOMINATORS))
        numbers = [Fraction(n, divisor) for n in numbers]
    else:
        size = sum(abs(n) for n in numbers)
        numbers = [n / size * draw(st.sampled_from([1.0, 0.7310585786300049, 3.1])) for n in numbers]
    return [numbers[r * columns : (r + 1) * columns] for r in range(rows)]


@st.composite
def outer_kernels(draw, exact=True):
    """Kernels of rank 1: an outer product of a column and a row whose weights all differ."""
    column = draw(st.permutations([1, 2, 3, -5, 7]))[: draw(st.integers(2, 5))]
    row = draw(st.permutations([1, 4, 11, 13, -17]))[: draw(st.integers(2, 5))]
    scale = Fraction(1, draw(st.sampled_from(DENOMINATORS))) if exact else 0.0123456789012345
    return [[a * b * scale for b in row] for a in column]


@st.composite
def geometries(draw, weights, borders=BORDERS, channels=1, whole=True):
    rows, columns = len(weights), len(weights[0])
    anchor = draw(st.none() | st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)))
    border = draw(st.sampled_from(borders))
    number = st.integers(-40, 300) if whole else st.sampled_from([0.0, 0.1, -2.75])
    fill = draw(number | st.lists(number, min_size=channels, max_size=channels)) if border == "constant" else 0
    return Geometry(draw(pads), draw(steps), draw(spreads), anchor, border, fill)


@st.composite
def cases(draw, dtypes, exact=True, borders=BORDERS, positive=False, rank_one=False, zeros=False):
    """A picture, a kernel and a geometry; border "normalized" only with positive weights."""
    dtype = draw(st.sampled_from(dtypes))
    channels = draw(st.sampled_from([None, 1, 2, 3, 4]))
    shape = (draw(sides), draw(sides)) + (() if channels is None else (channels,))
    weights = draw(outer_kernels(exact) if rank_one else kernels(exact, positive))
    if not positive:
        borders = [b for b in borders if b != "normalized"]
    whole = np.dtype(dtype).kind in "biu"
    geometry = draw(geometries(weights, borders, channels or 1, whole))
    image = laid_out(picture(dtype, shape, draw(seeds), zeros), draw(st.sampled_from(LAYOUTS)))
    return Case(image, weights, geometry)
