"""Notes on a picture that is not what a network expects, or of which the preparation leaves little."""

from __future__ import annotations

import numpy as np

from .graph import Expects, Graph
from .layer_rules import by

COLOURED, SHARE = 32, 0.05  # a pixel has a colour if its channels differ by so much; a picture, if so many pixels have
SMALL, SHRUNK = 64, 4  # a picture shrunk to this shorter side by this factor is a thumbnail
HUGE = 32  # a factor that is worth a note at any size
STRETCHED = 1.5  # ratio of the factors of rows and columns
CUT = 0.5  # share of the picture that is cropped away
DIM = 64  # a rim that is black or white is at most this far from it, on average
SIDES = (0.6, 1.3)  # a figure is as large as expected between these factors
OFF_CENTRE = 0.3  # of the expected side


def is_coloured(pixels: np.ndarray) -> bool:
    """Whether a picture of samples from 0 to 255, (rows, columns, 3), shows colours."""
    return float((np.ptp(pixels, axis=2) >= COLOURED).mean()) > SHARE


def losses(grey: bool, size: tuple[int, int], resized: tuple[int, int], cropped: tuple[int, int]) -> str:
    """What preparing a picture left of it, if that is little, as a note; else an empty text.

    `grey` says that colours were dropped; the sizes are the picture's, before and after cropping (rows, columns).
    """
    found = ["its colours are dropped"] if grey else []
    factors = [old / new for old, new in zip(size, resized, strict=True)]
    least, most = min(factors), max(factors)
    if least >= HUGE or (least >= SHRUNK and min(resized) <= SMALL):
        found.append(f"it is shrunk from {by(size)} to {by(resized)} pixels")
    elif most <= 1 / SHRUNK:
        found.append(f"it is enlarged from {by(size)} to {by(resized)} pixels")
    if most / least > STRETCHED:
        longer = "height" if factors[0] < factors[1] else "width"
        found.append(f"its {longer} is stretched {most / least:.2g} times")
    lost = 1 - cropped[0] * cropped[1] / (resized[0] * resized[1])
    if lost > CUT:
        found.append(f"{100 * lost:.0f} % of it is cropped away, at the sides")
    return "; ".join(found)


def contradictions(network: Graph, samples: np.ndarray) -> list[str]:
    """Where a picture that is resized and cropped, samples from 0 to 255, is not what the network declares to expect."""
    expects = network.expects
    if expects is None:
        return []
    level = samples.mean(axis=2)
    level = 255 - level if expects.ground == "white" else level
    found, remedy = _found(expects, level)
    return [f"{found}, but {network.name} expects {expects.picture}{remedy}"] if found else []


def _found(expects: Expects, level: np.ndarray) -> tuple[str, str]:
    """What is otherwise in a picture that should be dark around a bright figure, and what to do."""
    if expects.ground is not None:
        rim = float(np.concatenate([level[0], level[-1], level[:, 0], level[:, -1]]).mean())
        dark, bright = ("dark", "bright") if expects.ground == "black" else ("bright", "dark")
        if rim > 255 - DIM:
            return f"the picture's rim is {bright}", "; try invert=True"
        if rim > DIM:
            return f"the picture's rim is neither {dark} nor {bright}", ""
        figure = level >= 128
        if not figure.any():
            return f"nothing in the picture is {bright}", ""
        (top, bottom), (left, right) = (np.flatnonzero(figure.any(axis))[[0, -1]] for axis in (1, 0))
        side = int(max(bottom - top, right - left)) + 1
        if expects.side and not SIDES[0] * expects.side <= side <= SIDES[1] * expects.side:
            return f"the {bright} figure measures {side} pixels after resizing", f", about {expects.side} pixels large"
        middle = [(size - 1) / 2 for size in level.shape]
        off = max(abs((top + bottom) / 2 - middle[0]), abs((left + right) / 2 - middle[1]))
        if expects.centred and off > OFF_CENTRE * (expects.side or min(level.shape)):
            return f"the {bright} figure lies {off:g} pixels off the middle after resizing", ", in the middle"
    return "", ""
