"""Turns sums into samples: offset, division, range policy, one rounding, saturation; and counts what was lost."""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import dataclass, field

import numpy as np

from ..errors import ImconvError, ImconvWarning, OptionError, nearest
from .sample_types import EXACT_LIMIT, PRODUCT_LIMIT, type_range

RANGES = ("clip", "abs", "offset", "stretch", "error")

MODERATE = (1e-290, 1e290)  # spans that can be divided by a type's range, and it by them, without overflow or underflow

HALF_UP = "half up"
# how other tools round: functions that round a float64 array in place
ROUNDINGS = {"half to even": np.rint, "toward zero": np.trunc}


@dataclass
class Tally:
    """Counts how many results had to be changed to fit the result's type. Several threads may add to it."""

    samples: int = 0
    clipped: int = 0
    nans: int = 0
    warned: bool = False  # whether the user was warned of NaN
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, samples: int = 0, clipped: int = 0, nans: int = 0) -> None:
        with self._lock:
            self.samples += samples
            self.clipped += clipped
            self.nans += nans


def warn_of_nans(tally: Tally | None, level: int = 5) -> None:
    """Warn that NaN became 0, if there were any and no warning was given yet; `level` calls up is the user's own code."""
    if tally is not None and tally.nans and not tally.warned:
        tally.warned = True
        warnings.warn(f"{tally.nans} results were NaN and became 0", ImconvWarning, stacklevel=level)


def warn_of_rounded(samples: np.ndarray, level: int = 5, float_type: str = "float64") -> None:
    """Warn if integers are too large for the float type they are computed in; `level` calls up is the user's own code."""
    limit = EXACT_LIMIT[float_type]
    if samples.dtype.kind not in "iu" or 8 * samples.dtype.itemsize < limit.bit_length() or not samples.size:
        return
    if int(samples.min()) < -limit or int(samples.max()) > limit:
        bits = limit.bit_length() - 1
        text = f"{samples.dtype.name} samples beyond 2^{bits} were rounded to the {bits} bits of {float_type}"
        warnings.warn(text, ImconvWarning, stacklevel=level)


def rounding_bias(offset: float, divisor: int, exact: bool) -> float:
    """The number to add to a sum so that `floor((sum + number) / divisor)` rounds half up, the offset included.

    For exact, whole-number sums `divisor // 2` has the same effect as half the divisor and is a whole number, too.
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
    """Write `(sums + offset) / divisor` into `out`, under a range policy. Overwrites `sums`.

    Integer results are rounded and saturated, and NaN becomes 0; float results keep their value.

    policy      any of RANGES but "stretch"
    exact       sums are whole numbers; only then may `divisor` differ from 1
    by_product  multiplying by 1 / divisor has the same result as dividing, as shown at PRODUCT_LIMIT
    rounding    HALF_UP or one of ROUNDINGS
    tally       counts samples, clipped samples and NaN
    """
    low, high = type_range(out.dtype)
    if policy == "offset":
        # float32 sums, with half the range added in float64, are still small enough for a product
        by_product = by_product and sums.dtype == np.float32 and divisor * high < PRODUCT_LIMIT["float64"] / 2
        sums = sums.astype(np.float64)  # float32 may be too short for half the range times the divisor
    cast = sums.dtype.type
    if policy == "abs":
        sums += cast(offset)
        np.abs(sums, out=sums)
        offset = 0.0
    elif policy == "offset":
        offset += divisor * ((high + 1) / 2 if out.dtype.kind == "u" else 0.5 if out.dtype.kind == "f" else 0.0)
    if out.dtype.kind == "f":
        sums += cast(offset)
        np.divide(sums, cast(divisor), out=sums)
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
        sums /= divisor  # for whole numbers up to 2^51, a rounded quotient is a tie or whole only if the true one is
        ROUNDINGS[rounding](sums, out=sums)
    outside = (sums < low) | (sums > high) if tally is not None or policy == "error" else None
    if tally is not None and outside is not None:
        tally.add(samples=sums.size, clipped=int(np.count_nonzero(outside)))
    if policy == "error" and outside is not None and outside.any():
        worst = sums[outside][np.abs(sums[outside]).argmax()]
        raise ImconvError(
            f"results leave {low:.0f}..{high:.0f} (one is {worst:.0f}); use range= (clip, abs, offset or stretch), or scale the kernel"
        )
    saturate(sums, out, low, high)


def _round_half_up(sums: np.ndarray, bias: float, divisor: int, by_product: bool) -> None:
    cast = sums.dtype.type
    sums += cast(bias)
    if by_product:
        sums += cast(0.5)
        sums *= cast(1 / divisor)
        np.floor(sums, out=sums)
    elif divisor == 1:
        np.floor(sums, out=sums)
    else:
        np.floor_divide(sums, cast(divisor), out=sums)


def finish_sums(sums: np.ndarray, out: np.ndarray, bias: float, divisor: float, top: float) -> None:
    """Store float64 sums as `store_sums` in the loops does: `floor((sums + bias) / divisor)` clipped to 0 .. top.

    For a negative `top`: the quotient itself. Overwrites `sums`.
    """
    sums += bias
    if top < 0:
        np.divide(sums, divisor, out=sums)
        out[...] = sums
        return
    np.floor_divide(sums, divisor, out=sums)
    out[...] = np.clip(sums, 0, top, out=sums)


def saturate(values: np.ndarray, out: np.ndarray, low: float, high: float) -> None:
    """Store whole numbers held as floats in an integer or bool array, clipped to low .. high. Overwrites `values`."""
    highest = values.dtype.type(high)
    if out.dtype.kind in "iu" and int(highest) > np.iinfo(out.dtype).max:
        # this float type can't hold the largest integer: clip to the float below it, then store the integer
        over = values >= highest
        np.clip(values, low, np.nextafter(highest, values.dtype.type(0)), out=values)
        out[...] = values.astype(out.dtype)
        out[over] = np.iinfo(out.dtype).max
        return
    np.clip(values, low, high, out=values)
    out[...] = values.astype(out.dtype)


def stretch(values: np.ndarray, out: np.ndarray, top: int | None = None) -> None:
    """Map the smallest value to the type's smallest and the largest to its largest (0..1 for floats), or 0 .. `top`; NaN
    becomes 0."""
    low, high = type_range(out.dtype) if top is None else (0.0, float(top))
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not MODERATE[0] < most - least < MODERATE[1] and most > least:
        # scaled by a power of two, which rounds nothing, so that neither the span nor its reciprocal overflows
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


def stretch_colours(values: np.ndarray, result: np.ndarray, colours: int, tally=None, top: int | None = None) -> None:
    """Stretch the colours of float64 `values` into `result`, up to `top` if given; alpha, behind the colours, is rounded without stretching."""
    stretch(values[..., :colours], result[..., :colours], top)
    if colours < values.shape[2]:
        finish(values[..., colours:], result[..., colours:], "clip", 0.0, 1, tally)
