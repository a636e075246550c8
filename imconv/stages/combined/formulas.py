"""Formulas that combine several filters' results into one: largest, magnitude, direction, direction as a colour.

Each takes an iterable of float64 arrays (rows, columns, colours), which it may overwrite, and returns one array.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...pixels.elementary import degrees

DEGREES = ("direction", "compass")  # formulas whose results are angles


def largest(values: Iterable[np.ndarray]) -> np.ndarray:
    """The largest of the results."""
    values = iter(values)
    total = next(values)
    for each in values:
        np.maximum(total, each, out=total)
    return total


def magnitude(values: Iterable[np.ndarray]) -> np.ndarray:
    """The square root of the sum of the results' squares."""
    rest = iter(values)
    first = next(rest)
    total = np.multiply(first, first, out=first)
    for each in rest:
        total += np.multiply(each, each, out=each)
    return np.sqrt(total, out=total)


def direction(values: Iterable[np.ndarray]) -> np.ndarray:
    """The direction of increasing brightness in degrees, 0 <= angle < 360, from two results: x (right) and y (down).

    0 is to the right; angles grow counter-clockwise on the screen. 0 where both are 0.
    """
    x, y = values
    x += 0.0  # turns -0 into 0: the angle of (-0, 0) would be 180
    return degrees(-y, x)


def compass(values: Iterable[np.ndarray]) -> np.ndarray:
    """The direction of increasing brightness in degrees, from eight results for 0, 45, ... 315 degrees.

    It is the angle of the largest result, the first of equal ones.
    """
    values = iter(values)
    best = next(values)
    angle = np.zeros(best.shape)
    for number, each in enumerate(values, 1):
        angle[each > best] = 45 * number
        np.maximum(best, each, out=best)
    return angle


def hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """Directions as colours, red, green and blue: the hue is the angle (0 red, 120 green, 240 blue), the brightness the magnitude.

    Both are those of the channel with the largest magnitude.
    """
    x, y = values
    return _coloured(direction((x.copy(), y)), magnitude((x, y)))


def compass_hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """As `hue`, from eight results as in `compass`."""
    values = [each.copy() for each in values]
    return _coloured(compass(values), largest(values))


def _coloured(angle: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    channel = np.argmax(brightness, axis=2)[..., None]
    brightness = np.take_along_axis(brightness, channel, axis=2)
    place = np.take_along_axis(angle, channel, axis=2) / 60
    red = np.abs(place - 3) - 1
    green, blue = 2 - np.abs(place - 2), 2 - np.abs(place - 4)
    return np.clip(np.concatenate([red, green, blue], axis=2), 0, 1) * brightness


FORMULAS = {
    "max": largest,
    "magnitude": magnitude,
    "direction": direction,
    "compass": compass,
    "hue": hue,
    "compass hue": compass_hue,
}
HUES = ("hue", "compass hue")
