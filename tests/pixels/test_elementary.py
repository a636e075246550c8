"""Elementary functions against decimal arithmetic of 50 digits, and their answers for numbers without an ordinary result."""

import math
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from imconv.kernel.gaussian import gaussian_row
from imconv.pixels.elementary import PI, cosine_and_sine, decibels, degrees, exp, log, power, radians, unit_vector

PRECISE = Context(prec=50)
TURN, QUARTER = PRECISE.multiply(2, PI), PRECISE.divide(PI, 2)
NEARLY_ROUNDED = 0.52  # units in the last place; a correctly rounded result is off by at most a half
ONE_AND_A_HALF = 1.5


def spread(low: float, high: float, count: int = 500) -> np.ndarray:
    """Numbers without a pattern in their last digits."""
    return low + (high - low) * ((np.arange(count) * 2654435761 % 2**32) / 2**32)


def units_off(found: np.ndarray, exact: list[Decimal]) -> float:
    pairs = zip(found.tolist(), exact, strict=True)
    return float(max(abs(Decimal(value) - true) / Decimal(math.ulp(value)) for value, true in pairs))


def sine(angle: Decimal) -> Decimal:
    """By Taylor's series."""
    total = term = angle
    n = 1
    while abs(term) > Decimal("1e-45"):
        n += 2
        with localcontext(PRECISE):
            term *= -angle * angle / (n * (n - 1))
            total += term
    return total


@pytest.mark.parametrize("ends", [(-1, 1), (-30, 0), (-700, 700), (-1e-3, 1e-3), (-740, -700)])
def test_exponential(ends):
    x = spread(*ends)
    exact = [PRECISE.exp(Decimal(value)) for value in x.tolist()]
    assert units_off(exp(x), exact) < (NEARLY_ROUNDED if ends[0] > -740 else 1)


def test_exponentials_of_any_shape_and_size():
    values = [0, 709.7, 709.8, 1e300, math.inf, -745, -746, -math.inf, math.nan]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(exp(values), np.exp(values), rtol=1e-15)
    assert exp(np.zeros((0, 3))).shape == (0, 3)
    many = spread(-5, 5, 20_000).reshape(4, 5000)
    assert (exp(many) == exp(many.T).T).all()


def test_logarithm():
    x = np.concatenate([spread(1.01, 12), spread(1e-300, 1e-3), spread(1, 1e200)])
    assert units_off(log(x), [PRECISE.ln(Decimal(value)) for value in x.tolist()]) < NEARLY_ROUNDED
    near = spread(0.99, 1.01)
    away = [abs(Decimal(v) - PRECISE.ln(Decimal(x))) for v, x in zip(log(near).tolist(), near.tolist(), strict=True)]
    assert max(away) < 2.0**-58
    assert log(1.0) == 0


@pytest.mark.parametrize("exponent", [2.4, 1 / 2.4, 1 / 0.45, 78.84375, 1 / 78.84375, 0.159, 3, 1.8])
def test_power(exponent):
    x = np.concatenate([spread(0.001, 1), spread(1 - 1e-5, 1), spread(1, 4), spread(0, 1e-9)])
    exact = [PRECISE.exp(PRECISE.multiply(Decimal(exponent), PRECISE.ln(Decimal(v)))) for v in x.tolist()]
    found = power(x, exponent)
    usual = found > 1e-300
    assert units_off(found[usual], [e for e, keep in zip(exact, usual, strict=True) if keep]) < NEARLY_ROUNDED
    extreme = [0, 1, math.inf, math.nan, 5e-324, 1e-310, 1e300]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(power(extreme, exponent), np.power(extreme, exponent), rtol=2e-15)


def test_cosine_and_sine():
    x = np.concatenate([spread(-4, 4), spread(-1e5, 1e5), np.arange(-50, 50) * (math.pi / 2)])
    cosines, sines = cosine_and_sine(x)
    reduced = [PRECISE.remainder_near(Decimal(value), TURN) for value in x.tolist()]
    assert units_off(sines, [sine(angle) for angle in reduced]) < ONE_AND_A_HALF
    assert units_off(cosines, [sine(PRECISE.subtract(QUARTER, angle)) for angle in reduced]) < ONE_AND_A_HALF


@pytest.mark.parametrize("angle", [0, -0.0, 1e-300, 12.5, 30, 45, 60, 89.999, 90, 100, 180, 225.5, 270, 359, -30, 1e6])
def test_unit_vectors_are_rounded_correctly(angle):
    exact = PRECISE.multiply(Decimal(angle) % 360, PRECISE.divide(PI, Decimal(180)))
    cosine, wave = unit_vector(angle)
    if angle % 90:
        assert wave == float(sine(exact))
        assert cosine == float(sine(PRECISE.subtract(QUARTER, exact)))
    else:
        assert sorted((abs(cosine), abs(wave))) == [0, 1]
        assert math.copysign(1, cosine) > 0 or cosine == -1


def test_angles():
    y, x = spread(-1, 1, 2000), spread(-3, 2, 2000)[::-1]
    y[:3], x[:3] = (0, -0.0, 1), (-1, 2, 0)
    usual = np.arctan2(y, x) % (2 * math.pi)
    np.testing.assert_allclose(radians(y, x), usual, rtol=4e-16)
    np.testing.assert_allclose(degrees(y, x), np.degrees(usual), rtol=6e-16)


def test_angles_of_extreme_vectors():
    values = [0, -0.0, 1, -1, math.inf, -math.inf, 1e308, 5e-324, math.nan]
    y, x = np.meshgrid(values, values)
    x += 0.0  # as for directions of edges: no -0
    usual = np.degrees(np.arctan2(y, x)) % 360
    np.testing.assert_allclose(degrees(y, x), usual, atol=1e-300)
    assert degrees(0.0, 1.0) == degrees(-0.0, 1.0) == 0


@pytest.mark.parametrize(
    ("sigma", "radius"), [(1, 4), (2, 8), (0.1, 1), (0.05, 3), (1.7, 40), (20, 80), (3, 200), (1e-200, 2)]
)
def test_weights_of_gaussians_are_rounded_correctly(sigma, radius):
    with localcontext(PRECISE):
        half = [(-((Decimal(x) / Decimal(sigma)) ** 2) / 2).exp() for x in range(radius + 1)]
        total = half[0] + 2 * sum(half[1:])
        expected = [float(weight / total) for weight in half]
    with localcontext(prec=3):  # what a program sets for its own decimals changes nothing
        row = gaussian_row(sigma, radius)
    assert row[radius:].tolist() == expected
    assert (row == row[::-1]).all()


def test_decibels():
    assert decibels(255, 2.5) == pytest.approx(20 * math.log10(102))
    assert decibels(255, 0) == math.inf
    assert decibels(255, math.inf) == -math.inf
    assert math.isnan(decibels(255, math.nan))
