"""From sums to samples: divide, offset, range policy, one rounding, saturation; with a count of what was lost."""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import dataclass, field

import numpy as np

from ..errors import ImconvError, OptionError, nearest
from .sample_types import EXACT_LIMIT, PRODUCT_LIMIT, type_range

RANGES = ("clip", "abs", "offset", "stretch", "error")

MODERATE = (1e-290, 1e290)  # differences whose quotients with the range of a type float64 holds

HALF_UP = "half up"
# other tools' ways from quotients in float64 to whole numbers, in place
ROUNDINGS = {"half to even": np.rint, "toward zero": np.trunc}


@dataclass
class Tally:
    """What a run had to change to fit the result's type; safe to add to from several threads."""

    samples: int = 0
    clipped: int = 0
    nans: int = 0
    told: bool = False  # of NaN
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, samples: int = 0, clipped: int = 0, nans: int = 0) -> None:
        with self._lock:
            self.samples += samples
            self.clipped += clipped
            self.nans += nans


def warn_of_nans(tally: Tally | None, level: int = 5) -> None:
    """Tell the caller of a public function, `level` calls up, what became of NaN, if there were any; once."""
    if tally is not None and tally.nans and not tally.told:
        tally.told = True
        warnings.warn(f"{tally.nans} results were NaN and became 0", RuntimeWarning, stacklevel=level)


def warn_of_rounded(samples: np.ndarray, level: int = 5, kind: str = "float64") -> None:
    """Tell the caller of a public function, `level` calls up, of whole numbers that the type they are calculated in rounds."""
    limit = EXACT_LIMIT[kind]
    if samples.dtype.kind not in "iu" or 8 * samples.dtype.itemsize < limit.bit_length() or not samples.size:
        return
    if int(samples.min()) < -limit or int(samples.max()) > limit:
        bits = limit.bit_length() - 1
        text = f"{samples.dtype.name} samples beyond 2^{bits} were rounded to the {bits} bits of {kind}"
        warnings.warn(text, RuntimeWarning, stacklevel=level)


def rounding_bias(offset: float, divisor: int, exact: bool) -> float:
    """What is added to a sum so that `floor(... / divisor)` rounds half up.

    For whole-number sums over a divisor `divisor // 2` does what half of it does, and stays whole.
    """
    return offset + (divisor // 2 if exact else 0.5)


def finish(
    sums: np.ndarray,
    out: np.ndarray,
    policy: str,
    offset: float,
    divisor: int,
    tally: Tally | None = None,
    exact: bool = False,
    by_product: bool = False,
    rounding: str = HALF_UP,
) -> None:
    """Write `(sums + offset) / divisor` into `out` under a range policy other than "stretch". `sums` is used up.

    Integers are rounded half up, or as one of ROUNDINGS does, and saturated, NaN becomes 0; floats keep their value.
    `exact` sums are whole numbers, and only they have a divisor other than 1; `by_product` if a product with its
    reciprocal is as good (accuracy.py).
    """
    low, high = type_range(out.dtype)
    if policy == "offset":
        # sums that float32 holds stay small enough for a product, in float64, with what is added
        by_product = by_product and sums.dtype == np.float32 and divisor * high < PRODUCT_LIMIT["float64"] / 2
        sums = sums.astype(np.float64)  # half the range times the divisor may be more than float32 counts
    number = sums.dtype.type
    if policy == "abs":
        sums += number(offset)
        np.abs(sums, out=sums)
        offset = 0.0
    elif policy == "offset":
        offset += divisor * ((high + 1) / 2 if out.dtype.kind == "u" else 0.5 if out.dtype.kind == "f" else 0.0)
    if out.dtype.kind == "f":
        sums += number(offset)
        np.divide(sums, number(divisor), out=sums)
        out[...] = sums
        return
    if not np.isfinite(sums).all():
        lost = np.isnan(sums)
        if tally is not None:
            tally.add(nans=int(np.count_nonzero(lost)))
        sums[lost] = -offset
    if rounding == HALF_UP:
        _round_half_up(sums, rounding_bias(offset, divisor, exact), divisor, by_product)
    else:
        sums = sums.astype(np.float64)
        sums += offset
        sums /= divisor  # a quotient of whole numbers up to 2^51 is on a tie, or whole, only if it truly is
        ROUNDINGS[rounding](sums, out=sums)
    outside = (sums < low) | (sums > high) if tally is not None or policy == "error" else None
    if tally is not None and outside is not None:
        tally.add(samples=sums.size, clipped=int(np.count_nonzero(outside)))
    if policy == "error" and outside is not None and outside.any():
        worst = sums[outside][np.abs(sums[outside]).argmax()]
        raise ImconvError(
            f"results leave {low:.0f}..{high:.0f} (one is {worst:.0f}); use range clip, abs, offset or stretch, or scale the kernel"
        )
    saturate(sums, out, low, high)


def _round_half_up(sums: np.ndarray, bias: float, divisor: int, by_product: bool) -> None:
    number = sums.dtype.type
    sums += number(bias)
    if by_product:
        sums += number(0.5)
        sums *= number(1 / divisor)
        np.floor(sums, out=sums)
    elif divisor == 1:
        np.floor(sums, out=sums)
    else:
        np.floor_divide(sums, number(divisor), out=sums)


def finish_sums(sums: np.ndarray, out: np.ndarray, bias: float, divisor: float, top: float) -> None:
    """What `store_sums` in the loops does, for float64 sums: `floor((sums + bias) / divisor)` in 0..top, or the quotient."""
    sums += bias
    if top < 0:
        np.divide(sums, divisor, out=sums)
        out[...] = sums
        return
    np.floor_divide(sums, divisor, out=sums)
    out[...] = np.clip(sums, 0, top, out=sums)


def saturate(values: np.ndarray, out: np.ndarray, low: float, high: float) -> None:
    """Whole numbers as floats into an integer or bool array, clipped to its range. `values` is used up."""
    highest = values.dtype.type(high)
    if out.dtype.kind in "iu" and int(highest) > np.iinfo(out.dtype).max:
        # the largest integer is no float of this type: clip below it, then put it in
        over = values >= highest
        np.clip(values, low, np.nextafter(highest, values.dtype.type(0)), out=values)
        out[...] = values.astype(out.dtype)
        out[over] = np.iinfo(out.dtype).max
        return
    np.clip(values, low, high, out=values)
    out[...] = values.astype(out.dtype)


def stretch(values: np.ndarray, out: np.ndarray) -> None:
    """Map the smallest value to the type's smallest and the largest to its largest (0..1 for floats); NaN becomes 0."""
    low, high = type_range(out.dtype)
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not MODERATE[0] < most - least < MODERATE[1] and most > least:
        # near 1, to the bit, so that neither the difference nor its reciprocal leaves float64
        exponent = math.frexp(max(-least, most))[1]
        values, least, most = np.ldexp(values, -exponent), math.ldexp(least, -exponent), math.ldexp(most, -exponent)
    scale = (high - low) / (most - least) if most > least else 0.0
    stretched = (values - least) * scale + low
    if out.dtype.kind == "f":
        out[...] = stretched
    else:
        finish(stretched, out, "clip", 0.0, 1)


def check_range(range: str) -> str:
    """`range` if it is one of the policies; OptionError, with the nearest right name, if not."""
    if range not in RANGES:
        raise OptionError(f"unknown range {range!r}; ranges are {', '.join(RANGES)}{nearest(str(range), RANGES)}")
    return range


def stretch_colours(values: np.ndarray, result: np.ndarray, colours: int, tally: Tally | None = None) -> None:
    """Float64 results of the range stretch, rounded; alpha, behind the colours, as it is."""
    stretch(values[..., :colours], result[..., :colours])
    if colours < values.shape[2]:
        finish(values[..., colours:], result[..., colours:], "clip", 0.0, 1, tally)
