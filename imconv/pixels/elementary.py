"""Elementary functions of float64 arrays, within 2 ulp (units in the last place): the same bits on every processor.

NumPy's and the C library's functions return other last bits on other processors. These consist of additions,
multiplications, divisions and square roots, which IEEE 754 defines to the last bit, and of tables computed in decimals.

Sources: P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic" and "... of the
logarithm function ...", ACM TOMS 15 and 16 (1989, 1990); W. J. Cody and W. Waite, "Software Manual for the Elementary
Functions" (1980), for the reduction of arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import cache

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # a sum of two float64; the second is small

PRECISE = Context(prec=60)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
LN2 = PRECISE.ln(Decimal(2))
LN2_WHOLE, LN2_STEP, QUARTER = "ln 2", "ln 2 / STEPS", "pi / 2"
STEPS = 64  # of the tables: for each power of 2, for the mantissas from 1 to 2, and for the tangents from 0 to 1
SHORT = 33  # bits of a constant's parts: their products with whole numbers up to 2^20 are exact
UPPER = ~((1 << 27) - 1)  # the upper half of a float64's bits
SIMPLE: dict[float, Callable] = {0.5: np.sqrt, 1.0: np.copy, 2.0: np.square}  # powers that numpy rounds correctly
CHUNK = 1 << 13  # values computed at a time: temporary arrays stay in a core's cache

# Taylor's series, from the second term on
EXPONENTIAL = tuple(1 / math.factorial(n) for n in range(2, 7))
LOGARITHM = tuple((-1) ** (n + 1) / n for n in range(2, 10))
SINE = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(1, 9))
COSINE = tuple((-1) ** n / math.factorial(2 * n) for n in range(1, 9))
ARCTANGENT = (-1 / 3, 1 / 5, -1 / 7, 1 / 9)


def exp(x) -> np.ndarray:
    """`e^x` for values of any shape."""
    return _chunked(lambda part: _exp(part, 0.0), x)


def log(x) -> np.ndarray:
    """The natural logarithm of positive, normal, finite values of any shape; beside 1 with an absolute error of 2^-59."""
    return _chunked(lambda part: np.add(*_log(part)), x)


def power(x, exponent: float) -> np.ndarray:
    """`x^exponent` for values of any shape that are not negative, and a positive exponent."""
    x, simple = np.asarray(x, np.float64), SIMPLE.get(exponent)
    if simple is not None:
        return simple(x)
    return _chunked(lambda part: _power(part, exponent), x)


def cosine_and_sine(x) -> Pair:
    """The cosine and sine of angles in radians, of any shape, up to 2^20 in size."""
    x = np.asarray(x, np.float64)
    return _chunked(lambda part: _wave(part, 1), x), _chunked(lambda part: _wave(part, 0), x)


def unit_vector(degrees: float) -> tuple[float, float]:
    """The cosine and sine of an angle; exact for multiples of 90 degrees."""
    quarters, rest = divmod(Fraction(degrees) % 360, 90)
    # of two angles that add up to 90 degrees one's cosine is the other's sine
    turned = _cosine_and_sine_up_to_45(rest) if rest <= 45 else _cosine_and_sine_up_to_45(90 - rest)[::-1]
    for _ in range(quarters):
        turned = -turned[1], turned[0]
    return turned[0] + 0.0, turned[1] + 0.0  # no -0


def degrees(y, x) -> np.ndarray:
    """The angle of the vector (x, y) from the x axis towards the y axis, in degrees from 0 to 360; 0 for (0, 0)."""
    return _angle(y, x, 360.0)


def radians(y, x) -> np.ndarray:
    """The angle of the vector (x, y) in radians, from 0 to 2 pi; 0 for (0, 0)."""
    return _angle(y, x, 2 * math.pi)


def decibels(span: float, error: float) -> float:
    """The peak signal-to-noise ratio, `20 log10(span / error)`; infinite for an error of 0."""
    if not error or not math.isfinite(error):
        return math.inf if not error else -math.inf if error > 0 else math.nan
    with localcontext(PRECISE):
        return float(20 * (Decimal(span) / Decimal(error)).log10())


# --- how they are computed -----------------------------------------------------------------------------------------------


def _chunked(function: Callable[[np.ndarray], np.ndarray], x) -> np.ndarray:
    """A function of contiguous 1-D arrays, applied to an array of any shape."""
    x = np.asarray(x, np.float64)
    flat = x.ravel()
    if flat.size <= CHUNK:
        return function(flat).reshape(x.shape)
    result = np.empty_like(flat)
    for at in range(0, flat.size, CHUNK):
        result[at : at + CHUNK] = function(flat[at : at + CHUNK])
    return result.reshape(x.shape)


def _exp(high: np.ndarray, low: np.ndarray | float) -> np.ndarray:
    """`e^(high + low)`: 2^(k / STEPS) from a table, and a polynomial for the rest."""
    high = np.clip(high, -746.0, 711.0)  # beyond, the result is 0 or infinite
    step = parts(LN2_STEP)
    steps = np.rint(high * (1 / step[0]))
    rest = (high - steps * step[0]) + (low - steps * step[1])
    rest += _polynomial(rest, EXPONENTIAL) * (rest * rest)
    with np.errstate(invalid="ignore"):  # NaN
        place = steps.astype(np.int64)
    factor, more = (table.take(place & (STEPS - 1)) for table in _powers_of_two())
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(factor + (factor * rest + more), (place >> 6).astype(np.int32))


def _log(x: np.ndarray) -> Pair:
    """The logarithm of normal numbers, with an absolute error of 2^-59.

    x is `2^k (1 + r) / c` with a number c from a table, which has 8 bits, so that r is hardly rounded.
    """
    bits = x.view(np.int64)
    exponent = ((bits >> 52) - 1023).astype(np.float64)
    mantissa = (bits & ((1 << 52) - 1)) | (1023 << 52)
    reciprocals, high_logs, low_logs = _mantissas()
    place = (mantissa >> 46) & (STEPS - 1)
    factor = reciprocals.take(place)
    upper = (mantissa & UPPER).view(np.float64)
    rest = (upper * factor - 1.0) + (mantissa.view(np.float64) - upper) * factor
    step = parts(LN2_WHOLE)
    whole = exponent * step[0] + high_logs.take(place)  # both have few bits: this is exact
    total = whole + rest
    low = low_logs.take(place) + exponent * step[1]
    low += rest - (total - whole)
    low += _polynomial(rest, LOGARITHM) * (rest * rest)
    return total, low


def _power(x: np.ndarray, exponent: float) -> np.ndarray:
    normal = (x >= 2.0**-1022) & (x < np.inf)
    every = normal.all()
    high, low = _log(x if every else np.where(normal, x, 1.0))
    top = (high.view(np.int64) & UPPER).view(np.float64)
    product, head = high * exponent, float(np.float32(exponent))
    error = (top * head - product) + top * (exponent - head) + (high - top) * exponent
    result = _exp(product, error + low * exponent)
    if not every:  # zeros, subnormals, infinity and NaN
        few = x[~normal]
        tiny = (few > 0) & (few < 1)
        larger = power(np.where(tiny, few * 2.0**54, 1.0), exponent) * power(0.5**54, exponent) if tiny.any() else few
        result[~normal] = np.where(tiny, larger, few)
    return result


def _wave(x: np.ndarray, shift: int) -> np.ndarray:
    """The sine of x plus `shift` quarters of a turn."""
    step = parts(QUARTER)
    steps = np.rint(x * (1 / step[0]))
    with np.errstate(invalid="ignore"):  # infinities and NaN
        first = x - steps * step[0]
        middle, last = steps * step[1], steps * step[2]
        high = first - middle
        low = ((first - high) - middle) - last
        quarter = steps.astype(np.int64) + shift
        square = high * high
        sine = high + (low + _polynomial(square, SINE) * square * high)
        cosine = 1.0 + (_polynomial(square, COSINE) * square - high * low)
        return np.where(quarter & 1, cosine, sine) * (1 - (quarter & 2))


@cache
def _cosine_and_sine_up_to_45(degrees: Fraction) -> tuple[float, float]:
    with localcontext(PRECISE):
        angle = PI * degrees.numerator / (180 * degrees.denominator)
        sums, term, n = [Decimal(0), Decimal(0)], Decimal(1), 0
        while n < 2 or term > Decimal("1e-40") * angle:
            sums[n % 2] += -term if n & 2 else term
            n += 1
            term *= angle / n
        return float(sums[0]), float(sums[1])


def _angle(y, x, turn: float) -> np.ndarray:
    """The angle, where a whole turn is `turn`."""
    y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
    flat, result = (y.ravel(), x.ravel()), np.empty(y.size)
    for at in range(0, y.size, CHUNK):
        result[at : at + CHUNK] = _angle_of(flat[0][at : at + CHUNK], flat[1][at : at + CHUNK], turn)
    return result.reshape(y.shape)


def _angle_of(y: np.ndarray, x: np.ndarray, turn: float) -> np.ndarray:
    above, beside = np.abs(y), np.abs(x)
    small, large = np.minimum(above, beside), np.maximum(above, beside)
    if not (large < 2.0**1000).all():
        small, large = _moderate(small, large)
    large = np.where(large == 0, 1.0, large)
    with np.errstate(invalid="ignore"):  # NaN
        place = np.rint(small / large * STEPS).astype(np.int64)
        tangent = place * (1 / STEPS)
        rest = (small - tangent * large) / (large + tangent * small)
        rest += _polynomial(rest * rest, ARCTANGENT) * (rest * rest) * rest
        angle = _arctangents(turn).take(place, mode="clip") + rest * (turn / (2 * math.pi))
        angle = np.where(above > beside, turn / 4 - angle, angle)
        angle = np.where(x < 0, turn / 2 - angle, angle)
        return np.where((y < 0) & (angle > 0), turn - angle, angle)


def _moderate(small: np.ndarray, large: np.ndarray) -> Pair:
    """Numbers with the same quotients, where some are huge, infinite or NaN."""
    infinite, scale = np.isinf(large), np.where(large < 2.0**1000, 1.0, 2.0**-100)
    small = np.where(infinite & ~np.isnan(small), np.isinf(small), small * scale)
    return small, np.where(infinite, 1.0, large * scale)


def _polynomial(x: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total


# --- tables --------------------------------------------------------------------------------------------------------------


@cache
def parts(constant: str) -> tuple[float, float, float]:
    """A constant as a sum of three float64, of which the first two are short."""
    number, divisor = {LN2_WHOLE: (LN2, 1), LN2_STEP: (LN2, STEPS), QUARTER: (PI, 2)}[constant]
    rest, found = Fraction(number) / divisor, []
    for _ in range(2):
        unit = Fraction(2) ** (math.frexp(float(rest))[1] - SHORT)
        found.append(float(rest // unit * unit))
        rest -= Fraction(found[-1])
    return found[0], found[1], float(rest)


def _in_two(numbers: list[Decimal]) -> Pair:
    """Numbers as sums of two float64."""
    high = [float(number) for number in numbers]
    return np.array(high), np.array([float(Fraction(n) - Fraction(h)) for n, h in zip(numbers, high, strict=True)])


@cache
def _powers_of_two() -> Pair:
    """2^(k / STEPS) for k from 0 to STEPS - 1."""
    with localcontext(PRECISE):
        return _in_two([(LN2 * k / STEPS).exp() for k in range(STEPS)])


@cache
def _mantissas() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each part of the numbers from 1 to 2 a reciprocal of 8 bits, and minus its logarithm as a sum of two float64.

    The first of the two has 33 binary places.
    """
    reciprocals = [round(2**8 * 2 * STEPS / (2 * STEPS + 2 * i + 1)) / 2**8 for i in range(STEPS)]
    reciprocals[0] = 1.0  # so that the logarithm of 1 is 0
    logarithms = [-Fraction(PRECISE.ln(Decimal(reciprocal))) for reciprocal in reciprocals]
    high = [math.floor(logarithm * 2**SHORT) / 2**SHORT for logarithm in logarithms]
    low = [float(number - Fraction(part)) for number, part in zip(logarithms, high, strict=True)]
    return np.array(reciprocals), np.array(high), np.array(low)


@cache
def _arctangents(turn: float) -> np.ndarray:
    """The arctangents of k / STEPS, where a whole turn is `turn`, 360 or 2 pi."""
    angles = [Decimal(0)]
    with localcontext(PRECISE):
        for k in range(STEPS):  # the difference of two arctangents is the arctangent of (b - a) / (1 + a b)
            ratio = Decimal(STEPS) / (STEPS**2 + k * (k + 1))
            terms = ((-1) ** n * ratio ** (2 * n + 1) / (2 * n + 1) for n in range(12))
            angles.append(sum(terms, angles[-1]))
        return np.array([float(angle * 180 / PI if turn == 360 else angle) for angle in angles])
