"""`KernelWeights`: a kernel's weights with their exact fractions, anchor and offset, and everything computed from them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Self

import numpy as np

from ..errors import KernelError
from ..geometry.sizes import MAX_SIDE
from ..pixels.arrays import is_masked_array
from ..pixels.exact import LARGEST_INTEGER, as_fraction, common, frozen, outer_factors, recognise

MAX_TAPS = 1 << 22
HEAVY = 1 << 14  # weights; see `KernelWeights.heavy`


class KernelWeights:
    """Weights with an anchor and an offset; the readers of kernel files return them. Immutable.

    `Kernel`, the public subclass, documents parameters and errors, and adds the readers as methods.
    """

    __slots__ = ("_factors", "_hash", "_integer_factors", "_numerators", "_sealed", "_weights", "anchor", "coarse", "denominator",
                 "included", "name", "offset", "shape", "sigma", "source")  # fmt: skip

    _weights: np.ndarray | None  # None until they are asked for, where there are factors
    _factors: tuple[np.ndarray, np.ndarray] | None
    _integer_factors: tuple[np.ndarray, np.ndarray] | None
    _numerators: np.ndarray | None
    denominator: Any  # int; None where the weights are no fractions
    included: np.ndarray | None
    sigma: tuple[float, float] | None
    coarse: bool

    def __init__(self, weights, *, anchor=None, offset=0, name=None, source=None, included=None):
        array, fractions = _as_weights(weights)
        self._set(array.shape, anchor, offset, name, source)
        self._weights = array
        self._factors = self._integer_factors = None
        self._numerators, self.denominator = (common(fractions) if fractions else recognise(array)) or (None, None)
        self._check_sum()
        self.included = None
        if included is not None:
            mask = np.array(included, dtype=bool)
            if mask.shape != self.shape or np.any(array[~mask]):
                raise KernelError("a kernel's cells that are left out must have weight 0 and the kernel's shape")
            if not mask.any():
                raise KernelError("a kernel needs at least one cell that is not left out")
            if not mask.all():
                self.included = frozen(mask)
        self._sealed = True

    def __setattr__(self, name, value):
        if not name.startswith("_") and getattr(self, "_sealed", False):
            raise AttributeError("a Kernel can't be changed; use replace(), scaled(), normalized() or make a new one")
        super().__setattr__(name, value)

    def _check_sum(self) -> None:
        with np.errstate(over="ignore"):
            if not math.isfinite(self.absolute_sum()):
                raise KernelError("a kernel's weights are too large: their sum is beyond float64")

    def _set(self, shape, anchor, offset, name, source):
        self.shape = (int(shape[0]), int(shape[1]))
        self.anchor = _checked_anchor(anchor, self.shape)
        self.offset = _checked_offset(offset)
        self.name = name
        self.source = source
        self.sigma = None
        self.coarse = False
        self._hash = None

    @classmethod
    def from_factors(
        cls, column, row, *, anchor=None, offset=0, name=None, source=None, sigma=None, coarse=False
    ) -> Self:
        """The outer product of a column and a row of weights (1-D, numbers or Fractions); computed only on demand.

        `sigma` (rows, columns) marks a Gaussian, multiplied by the weights' sum: for 8 bits it may then be computed on a
        coarse grid, and for every type with `coarse`.
        """
        sides = [_as_weights([list(side)], MAX_TAPS) for side in (column, row)]
        kernel = cls.__new__(cls)
        kernel._set([side.size for side, _ in sides], anchor, offset, name, source)
        kernel.sigma, kernel.coarse = sigma, coarse
        kernel._weights = kernel._numerators = kernel.denominator = kernel.included = kernel._integer_factors = None
        kernel._factors = (frozen(sides[0][0][0]), frozen(sides[1][0][0]))
        vertical, horizontal = (common(fractions) if fractions else recognise(side) for side, fractions in sides)
        if vertical and horizontal:
            sums = [sum(abs(n) for n in numerators.ravel().tolist()) for numerators, _ in (vertical, horizontal)]
            if max(sums[0] * sums[1], vertical[1] * horizontal[1]) < LARGEST_INTEGER:
                kernel._integer_factors = (vertical[0][0], horizontal[0][0])
                kernel.denominator = vertical[1] * horizontal[1]
        kernel._check_sum()
        kernel._sealed = True
        return kernel

    # --- the same kernel, changed ----------------------------------------------------------------------------------

    @classmethod
    def of(cls, weights: KernelWeights) -> Self:
        """The same kernel as an object of this class."""
        kernel = cls.__new__(cls)
        for slot in KernelWeights.__slots__:
            object.__setattr__(kernel, slot, getattr(weights, slot))
        return kernel

    def replace(self, *, anchor=None, offset=None, name=None, coarse=None) -> Self:
        """A copy with another anchor, offset, name or `coarse` (see `from_factors`); None keeps the kernel's own."""
        kernel = type(self).of(self)
        kernel._sealed, kernel._hash = False, None
        if anchor is not None:
            kernel.anchor = _checked_anchor(anchor, self.shape)
        if offset is not None:
            kernel.offset = _checked_offset(offset)
        kernel.name = self.name if name is None else name
        kernel.coarse = self.coarse if coarse is None else coarse
        kernel._sealed = True
        return kernel

    def scaled(self, factor) -> Self:
        """A copy with every weight multiplied by `factor`. Exact weights stay exact; a factor 0.1 counts as 1/10."""
        exact = as_fraction(factor)
        if exact == 1:
            return self
        rest = {"anchor": self.anchor, "offset": self.offset, "name": self.name, "source": self.source}
        if self._factors is not None:
            rest |= {"sigma": self.sigma, "coarse": self.coarse}
            column, row = self._factors
            if self._integer_factors is not None:
                ratio = exact / self.denominator
                down, along = ([int(n) for n in factor] for factor in self._integer_factors)
                return type(self).from_factors([n * ratio for n in down], along, **rest)
            return type(self).from_factors(column * float(exact), row, **rest)
        with np.errstate(over="ignore"):  # an overflow is infinite, and infinite weights are refused
            weights = self.numbers * (exact if self.exact else float(exact))
        return type(self)(weights, included=self.included, **rest)

    def normalized(self) -> Self:
        """A copy whose weights sum to 1. Raises KernelError if they sum to 0."""
        if self.exact:
            total: Fraction | float = Fraction(self._numerator_sum(), self.denominator)
        else:
            total = self.sum()
            if abs(total) <= 1e-12 * self.absolute_sum():
                total = 0
        if total == 0:
            raise KernelError("a kernel whose weights sum to 0 can't be normalised")
        return self.scaled(1 / total)

    def flipped(self) -> Self:
        """A copy rotated by 180 degrees, with its anchor: correlation with the copy is convolution with this kernel."""
        kernel = self.replace(anchor=(self.shape[0] - 1 - self.anchor[0], self.shape[1] - 1 - self.anchor[1]))
        for slot in ("_weights", "_numerators", "included"):
            array = getattr(self, slot)
            object.__setattr__(kernel, slot, None if array is None else frozen(array[::-1, ::-1].copy()))
        for slot in ("_factors", "_integer_factors"):
            pair = getattr(self, slot)
            object.__setattr__(kernel, slot, None if pair is None else tuple(frozen(f[::-1].copy()) for f in pair))
        return kernel

    def quarter_turned(self) -> Self:
        """A copy rotated clockwise by 90 degrees, with its anchor."""
        kernel = self.replace()
        changed: dict[str, Any] = {
            "shape": self.shape[::-1],
            "anchor": (self.anchor[1], self.shape[0] - 1 - self.anchor[0]),
        }
        changed["sigma"] = self.sigma and self.sigma[::-1]
        for slot in ("_weights", "_numerators", "included"):
            array = getattr(self, slot)
            changed[slot] = None if array is None else frozen(np.rot90(array, -1).copy())
        for slot in ("_factors", "_integer_factors"):
            pair = getattr(self, slot)
            changed[slot] = None if pair is None else (pair[1], frozen(pair[0][::-1].copy()))
        for slot, value in changed.items():
            object.__setattr__(kernel, slot, value)
        return kernel

    # --- properties ------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> np.ndarray:
        """The weights as a read-only float64 array of shape (rows, columns)."""
        if self._weights is None:
            self._weights = frozen(np.outer(*self._factors or ()))
        return self._weights

    @property
    def mask(self) -> np.ndarray:
        """Bool (rows, columns): which cells belong to the kernel, that is, are not left out."""
        return np.ones(self.shape, bool) if self.included is None else self.included

    @property
    def heavy(self) -> bool:
        """Whether the kernel has so many weights that plans for it are not cached; never for a product of column and row."""
        return self._factors is None and self.shape[0] * self.shape[1] > HEAVY

    @property
    def exact(self) -> bool:
        """Whether the weights are whole numbers over one denominator: `numerators / denominator`."""
        return self.denominator is not None

    @property
    def numerators(self) -> np.ndarray | None:
        """The whole numbers that `denominator` divides, int64 (rows, columns), or None."""
        if self._numerators is None and self._integer_factors is not None:
            self._numerators = frozen(np.outer(*self._integer_factors))
        return self._numerators

    def written(self, divided: bool = False) -> tuple[list[list], int]:
        """Rows of numbers for a file, None for cells that are left out, and the number that divides them.

        They are whole numbers if their quotients are the weights to the bit. Weights recognised as fractions may lie a few
        ulp beside these: then, and if `divided`, the numbers are the weights themselves, and the divisor is 1.
        """
        numerators = None if divided else self.numerators
        if numerators is not None and not np.array_equal(numerators / self.denominator, self.weights):
            numerators = None
        rows = (self.weights if numerators is None else numerators).tolist()
        for row, column in np.argwhere(~self.mask).tolist():
            rows[row][column] = None
        return rows, 1 if numerators is None else self.denominator

    def fractions(self) -> np.ndarray:
        """The weights of an exact kernel as an object array of Fractions, (rows, columns)."""
        numerators = self.numerators
        assert numerators is not None  # it is exact
        return np.array([[Fraction(int(n), self.denominator) for n in row] for row in numerators], object)

    @property
    def numbers(self) -> np.ndarray:
        """The weights with all that is known of them: Fractions if the kernel is exact, else float64; (rows, columns)."""
        return self.fractions() if self.exact else self.weights

    def _numerator_sum(self, of=np.asarray) -> int:
        if self._integer_factors is not None:
            return int(of(self._integer_factors[0]).sum()) * int(of(self._integer_factors[1]).sum())
        return int(of(self.numerators).sum())

    @property
    def rank_one_factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The column and row that the kernel was made from, float64; None if it was made from a matrix."""
        return self._factors

    def sum(self) -> float:
        """The sum of the weights: the factor by which the filter changes a picture's brightness."""
        if self.exact:
            return self._numerator_sum() / self.denominator
        if self._factors is not None:
            return math.fsum(self._factors[0]) * math.fsum(self._factors[1])
        return math.fsum(self.weights.ravel())

    def absolute_sum(self) -> float:
        """The sum of the weights' absolute values: the largest amplification of any input."""
        if self.exact:
            return self._numerator_sum(np.abs) / self.denominator
        if self._factors is not None:
            return float(np.abs(self._factors[0]).sum() * np.abs(self._factors[1]).sum())
        return float(np.abs(self.weights).sum())

    def rank(self, tolerance: float = 1e-13) -> int:
        """The numerical rank: how many outer products add up to the kernel.

        Singular values below `tolerance` times the largest count as 0.
        """
        if self._factors is not None:
            return int(self.absolute_sum() > 0)
        values = np.linalg.svd(self.weights, compute_uv=False)
        return int(np.count_nonzero(values > tolerance * values[0])) if values[0] > 0 else 0

    def factors(self, tolerance: float = 1e-13) -> list[tuple[np.ndarray, np.ndarray]]:
        """Columns and rows whose outer products add up to the weights, `rank(tolerance)` of them.

        They come from the singular value decomposition (Eckart and Young 1936). An exact kernel of rank 1 has exact
        factors: a column of fractions and a row of whole numbers.
        """
        if self._factors is not None:
            return [self._factors]
        exact = self.integer_factors()
        if exact is not None:
            return [(exact[0] / self.denominator, exact[1].astype(np.float64))]
        u, s, vt = np.linalg.svd(self.weights, full_matrices=False)
        keep = self.rank(tolerance)
        # for empty rows and columns the decomposition returns tiny numbers, and infinity times those is not 0
        u[~self.weights.any(axis=1)] = 0
        vt[:, ~self.weights.any(axis=0)] = 0
        return [(u[:, i] * math.sqrt(s[i]), vt[i] * math.sqrt(s[i])) for i in range(keep)]

    def integer_factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Whole-number (column, row) with `outer(column, row) == numerators`, or None if there are none."""
        if self._integer_factors is None and (numerators := self.numerators) is not None:
            self._integer_factors = outer_factors(numerators)
        return self._integer_factors

    @property
    def separable(self) -> bool:
        """Whether the kernel is an outer product of one column and one row."""
        return self.rank() <= 1

    def frequency_response(self, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
        """The 2-D discrete-time Fourier transform on a grid: complex, shape `shape`, zero frequency first (numpy.fft order).

        The anchor is the origin, so that a symmetric kernel has a real response. The response of correlation is its
        conjugate.
        """
        rows, columns = (int(n) for n in shape)
        vertical = np.outer(np.fft.fftfreq(rows), np.arange(self.shape[0]) - self.anchor[0])
        horizontal = np.outer(np.arange(self.shape[1]) - self.anchor[1], np.fft.fftfreq(columns))
        return np.exp(-2j * np.pi * vertical) @ self.weights @ np.exp(-2j * np.pi * horizontal)

    def __repr__(self) -> str:
        label = f"{self.name!r}, " if self.name else ""
        return f"Kernel({label}{self.shape[0]} x {self.shape[1]}, sum {self.sum():g})"

    def __eq__(self, other) -> bool:
        if not isinstance(other, KernelWeights):
            return NotImplemented
        if self is other:
            return True
        # the denominator too: exact kernels are summed in whole numbers, floats of equal values are not
        plain = ("shape", "anchor", "offset", "sigma", "coarse", "denominator")
        same = all(getattr(self, name) == getattr(other, name) for name in plain)
        return same and np.array_equal(self.mask, other.mask) and np.array_equal(self.weights, other.weights)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.shape, self.anchor, self.sigma, self.sum(), self.absolute_sum()))
        return self._hash


def _checked_offset(offset) -> Fraction:
    try:
        return as_fraction(offset)
    except KernelError as error:
        raise KernelError(f"a kernel's offset: {error}") from None


def _checked_anchor(anchor, shape) -> tuple[int, int]:
    if anchor is None:
        return shape[0] // 2, shape[1] // 2
    try:
        row, column = (operator.index(a) for a in anchor)
    except (TypeError, ValueError):
        raise KernelError(f"anchor must be a row and a column, whole numbers, not {anchor!r}") from None
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise KernelError(
            f"anchor {row},{column} (row,column) lies outside the kernel of {shape[0]} rows and {shape[1]} columns; both count from 0"
        )
    return row, column


def _as_weights(weights, largest: int = MAX_SIDE) -> tuple[np.ndarray, list[list[Fraction]] | None]:
    """The weights as a read-only float64 array, and as fractions if all are integers or Fractions, else None."""
    fractions = None
    if is_masked_array(weights) and np.ma.is_masked(weights):
        raise KernelError(
            "a kernel's weights can't be masked; give weights.filled(0), or all with included=~weights.mask"
        )
    if isinstance(weights, np.ndarray) and weights.dtype != object:
        array = weights
    else:
        try:
            rows = list(weights)
            listed = all(isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, str) for row in rows)
            if rows and listed and all(isinstance(w, (int, Fraction, np.integer)) for row in rows for w in row):
                if len({len(row) for row in rows}) == 1:
                    fractions = [[as_fraction(w) for w in row] for row in rows]
                array = np.array([[float(w) for w in row] for row in rows])
            else:
                array = np.array(weights, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise KernelError("a kernel's weights must be numbers in rows of the same length") from None
    if array.ndim != 2 or 0 in array.shape:
        raise KernelError(f"a kernel needs rows and columns, not shape {array.shape}; a single row is [[1, 2, 1]]")
    if max(array.shape) > largest or array.size > MAX_TAPS:
        raise KernelError(
            f"a kernel of {array.shape[0]} x {array.shape[1]} is larger than imconv takes ({MAX_SIDE} on a side, {MAX_TAPS} weights)"
        )
    if array.dtype.kind not in "biuf":
        raise KernelError(f"a kernel's weights must be real numbers, not {array.dtype}")
    if array.dtype.newbyteorder("=") == np.float32:
        wide = array.astype(np.float64)
        if np.isfinite(wide).all():
            with np.errstate(over="ignore"):  # the spacing above the largest float is infinite
                found = recognise(wide, np.spacing(np.abs(array)))
            if found is not None:
                wide = found[0] / found[1]  # the float64 nearest to the fractions that the float32 weights stand for
    else:
        wide = np.array(array, dtype=np.float64)
    if not np.isfinite(wide).all():
        row, column = np.argwhere(~np.isfinite(wide))[0]
        raise KernelError(f"weight {row},{column} of the kernel is {wide[row, column]}; weights must be finite numbers")
    return frozen(wide), fractions
