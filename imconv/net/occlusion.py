"""Occlusion maps: how much a class's probability drops while a grey square covers parts of the picture.

M. Zeiler and R. Fergus 2014, Visualizing and understanding convolutional networks, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..sheet import contact_sheet, diverging
from .forward import Forward
from .maps import enlarged, zoom_for_sheet
from .preprocessing import Prepared, grey_level
from .scores import probabilities

LEAST = 128  # pixels; a smaller input is shown enlarged
SHARE = 6  # default size of the square: the shorter side divided by this
MOST_PLACES = 1 << 14


@dataclass(frozen=True)
class Occlusion:
    """How much a class's probability depends on each part of the input.

    `drops` is (rows, columns) of places: the probability without a square minus that with it, negative where the square
    makes the class more probable. `map` is the mean drop of the squares that cover each sample of the input.
    """

    number: int
    probability: float
    square: int
    places: tuple[list[int], list[int]]  # where squares begin: rows, columns
    drops: np.ndarray
    map: np.ndarray

    def as_dict(self) -> dict:
        """The figures for JSON."""
        row, column = (int(n) for n in np.unravel_index(self.drops.argmax(), self.drops.shape))
        return {
            "class": self.number,
            "probability": self.probability,
            "square": self.square,
            "places": list(self.drops.shape),
            "largest_drop": float(self.drops[row, column]),
            "at": [self.places[0][row], self.places[1][column]],
        }


def occlude(
    forward: Forward,
    prepared: Prepared,
    number: int | None = None,
    *,
    square: int | None = None,
    step: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Occlusion:
    """Cover the input by a grey square, place by place, and measure the probability of a class.

    Parameters
    ----------
    forward : Forward
        The network with its weights.
    prepared : Prepared
    number : int, optional
        The class; default: the most probable one.
    square : int, optional
        Side in samples of the input; default: a sixth of the shorter side.
    step : int, optional
        Distance between places; default: half the square. The last square is moved to end with the input.
    progress : callable, optional
        Called with the places done and all of them.

    If the network's output is a map of classes, the probability of a class is its highest on the map.
    """
    samples = prepared.samples
    rows, columns = samples.shape[:2]
    square = max(1, min(rows, columns) // SHARE) if square is None else square
    step = max(1, square // 2) if step is None else step
    if not 1 <= square <= min(rows, columns):
        raise OptionError(f"the square must have from 1 to {min(rows, columns)} samples, not {square}")
    if step < 1:
        raise OptionError(f"the step must be at least 1, not {step}")
    places = [_places(size, square, step) for size in (rows, columns)]
    total = len(places[0]) * len(places[1])
    if total > MOST_PLACES:
        raise OptionError(f"{total} places are more than {MOST_PLACES}; take a larger step or square")
    whole = _shares(forward, samples)
    number = int(whole.argmax()) if number is None else number
    grey = grey_level(forward.network)
    drops = np.empty((len(places[0]), len(places[1])))
    summed, covered = np.zeros((rows, columns)), np.zeros((rows, columns))
    for place, (i, j) in enumerate(np.ndindex(*drops.shape)):
        part = np.s_[places[0][i] : places[0][i] + square, places[1][j] : places[1][j] + square]
        changed = samples.copy()
        changed[part] = grey
        drops[i, j] = whole[number] - _shares(forward, changed)[number]
        summed[part] += drops[i, j]
        covered[part] += 1
        if progress is not None:
            progress(place + 1, total)
    heat = np.divide(summed, covered, out=np.zeros_like(summed), where=covered > 0)
    return Occlusion(number, float(whole[number]), square, (places[0], places[1]), drops, heat)


def drawn(found: Occlusion, prepared: Prepared, zoom: int | None = None) -> np.ndarray:
    """The input, the map, and the input lit by the map, side by side; uint8.

    They are enlarged `zoom` times, by default so that all are at least 800 pixels wide. The map is red where the input speaks for the class and blue where it speaks against it.
    """
    shown = np.broadcast_to(prepared.shown, (*prepared.shown.shape[:2], 3))
    coloured = diverging(found.map, float(np.abs(found.map).max()))
    need = np.maximum(found.map, 0)
    light = 0.15 + 0.85 * (need / need.max() if need.max() > 0 else need)
    lit = np.floor(shown * light[..., None] + 0.5).astype(np.uint8)
    zoom = zoom_for_sheet(3, shown.shape, 3, LEAST) if zoom is None else zoom
    return contact_sheet([enlarged(one, zoom) for one in (shown, coloured, lit)], columns=3)


def _places(size: int, square: int, step: int) -> list[int]:
    places = list(range(0, size - square + 1, step))
    return places if places[-1] == size - square else [*places, size - square]


def _shares(forward: Forward, samples: np.ndarray) -> np.ndarray:
    """The probability of every class."""
    *_, output = forward.run(samples).values()
    shares = probabilities(forward.network, output)
    return shares.reshape(-1, shares.shape[-1]).max(0)
