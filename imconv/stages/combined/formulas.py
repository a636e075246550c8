"""Ways in which several filters' results become one: the largest, their magnitude, a direction, a direction as a colour.

Each takes the results one by one, float64 (rows, columns, colours), and may use them up.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

DEGREES = ("direction", "compass")  # ways to combine whose results are angles


def largest(values: Iterable[np.ndarray]) -> np.ndarray:
    """The largest of all."""
    values = iter(values)
    total = next(values)
    for each in values:
        np.maximum(total, each, out=total)
    return total


def magnitude(values: Iterable[np.ndarray]) -> np.ndarray:
    """The root of the sum of squares."""
    rest = iter(values)
    first = next(rest)
    total = np.multiply(first, first, out=first)
    for each in rest:
        total += np.multiply(each, each, out=each)
    return np.sqrt(total, out=total)


def direction(values: Iterable[np.ndarray]) -> np.ndarray:
    """Where it gets brighter: of x to the right and y downwards the angle in degrees, 0 <= angle < 360, 0 to the right,
    counter-clockwise as seen; 0 where both are 0."""
    x, y = values
    x += 0.0  # of -0 and 0 the angle would be 180
    angle = np.degrees(np.arctan2(-y, x)) % 360
    angle[angle == 360] = 0
    return angle


def compass(values: Iterable[np.ndarray]) -> np.ndarray:
    """Where it gets brighter: of eight answers from the right on counter-clockwise the largest's angle in degrees, the first
    one's of several."""
    values = iter(values)
    best = next(values)
    angle = np.zeros(best.shape)
    for number, each in enumerate(values, 1):
        angle[each > best] = 45 * number
        np.maximum(best, each, out=best)
    return angle


def hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """Directions as red, green and blue: the hue is the angle (0 red, 120 green, 240 blue), the brightness the magnitude, of
    the channel where that is largest."""
    x, y = values
    return _coloured(direction((x.copy(), y)), magnitude((x, y)))


def compass_hue(values: Iterable[np.ndarray]) -> np.ndarray:
    """As `hue`, of eight answers."""
    values = [each.copy() for each in values]
    return _coloured(compass(values), largest(values))


def _coloured(angle: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    channel = np.argmax(brightness, axis=2)[..., None]
    brightness = np.take_along_axis(brightness, channel, axis=2)
    place = np.take_along_axis(angle, channel, axis=2) / 60
    red = np.abs(place - 3) - 1
    green, blue = 2 - np.abs(place - 2), 2 - np.abs(place - 4)
    return np.clip(np.concatenate([red, green, blue], axis=2), 0, 1) * brightness


WAYS = {
    "max": largest,
    "magnitude": magnitude,
    "direction": direction,
    "compass": compass,
    "hue": hue,
    "compass hue": compass_hue,
}
HUES = ("hue", "compass hue")
