"""Motion and disk blurs, whose weights are exact areas; and emboss."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..kernel.kernel import Kernel
from ..options import Options, documented, options_of
from ..pixels.elementary import radians, unit_vector
from ..pixels.exact import fraction_of
from ..stages.convolution.filter import LinearFilter
from .apply import apply
from .arguments import checked_number
from .correlate import linear_filter
from .edges import signed_filter

LONGEST = 1000.0  # longest motion blur, in pixels
LARGEST_RADIUS = 1000.0
MAX_ANGLE = 1e6
MAX_AMOUNT = 1000


@documented
def motion_blur(image, length, angle=0.0, *, out=None, threads=None, **options):
    """Blur like a camera that moves at constant speed: the mean along a line.

    {parameters:length : number
        In pixels, above 0, up to 1000; 1 along an axis changes nothing.
    angle : number, default 0
        Angle of the line in degrees: 0 is horizontal, 45 rises to the right (counter-clockwise on the screen).}

    Each weight is the area of a pixel that is covered by a rectangle of `length` x 1 around the centre.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.motion_blur(np.array([[0, 0, 0, 90, 0, 0, 0]], np.uint8), 3)
    array([[ 0,  0, 30, 30, 30,  0,  0]], dtype=uint8)
    """
    filter = linear_filter(motion_kernel(length, angle), options_of("motion_blur", options))
    return apply(filter, image, out=out, threads=threads)


@documented
def disk_blur(image, radius, *, out=None, threads=None, **options):
    """Blur like a lens out of focus: the mean over a disk.

    {parameters:radius : number
        In pixels, above 0, up to 1000; up to 0.5 changes nothing.}

    Each weight is the area of a pixel that is covered by the disk.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> spot = np.zeros((3, 3)); spot[1, 1] = 1
    >>> imconv.disk_blur(spot, 1).round(3).tolist()
    [[0.025, 0.145, 0.025], [0.145, 0.318, 0.145], [0.025, 0.145, 0.025]]
    """
    filter = linear_filter(disk_kernel(radius), options_of("disk_blur", options))
    return apply(filter, image, out=out, threads=threads)


@documented
def emboss(image, amount=1.0, *, relief=False, range=None, out=None, threads=None, **options):
    """A relief lit from the upper left: the picture plus its slope, or the slope alone.

    {parameters:amount : number or str, default 1
        Factor of the slope; a decimal counts exactly.
    relief : bool, default False
        Return the slope alone, with 0 at mid-range in unsigned results (`range="offset"`, unless another is given).}

    Source: GIMP documentation team, GIMP user manual, Convolution Matrix, 2002 and later; the library's kernel emboss.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.emboss(np.array([[10, 10, 20, 20]], np.uint8)).tolist()
    [[10, 40, 50, 20]]
    """
    settings = options_of("emboss", options)
    return apply(emboss_filter(amount, relief, settings, range), image, out=out, threads=threads)


def emboss_filter(amount, relief: bool, options: Options, range=None) -> LinearFilter:
    """The filter of `emboss`."""
    checked_number(amount, "amount", 0, MAX_AMOUNT)
    share = fraction_of(amount)
    kernel = Kernel.named("emboss").flipped()
    weights = kernel.fractions()
    weights[kernel.anchor] -= 1
    weights *= share
    if not relief:
        weights[kernel.anchor] += 1
    kernel = Kernel(weights, name="emboss", source=kernel.source)
    return signed_filter(kernel, options, range if relief else range or options.range)


def motion_kernel(length, angle=0.0) -> Kernel:
    """The kernel of `motion_blur`."""
    length = checked_number(length, "length", 1e-3, LONGEST)
    return _motion(length, checked_number(angle, "angle", -MAX_ANGLE, MAX_ANGLE) % 180)


@lru_cache(maxsize=16)
def _motion(length: float, angle: float) -> Kernel:
    cosine, sine = unit_vector(angle)
    along = cosine, -sine  # x, y downwards
    reach = [int(math.ceil((length * abs(a) + abs(b)) / 2 + 0.5) - 1) for a, b in (along[::-1], along)]
    weights = np.zeros([2 * r + 1 for r in reach])
    for row in range(-reach[0], reach[0] + 1):
        for column in range(-reach[1], reach[1] + 1):
            u = column * along[0] + row * along[1]
            v = column * along[1] - row * along[0]
            if abs(u) < length / 2 + 0.75 and abs(v) < 1.25:  # half a pixel's diagonal is 0.71
                weights[row + reach[0], column + reach[1]] = _covered(column, row, along, length)
    weights += weights[::-1, ::-1]  # symmetric to the last bit
    return _normalised(weights, "motion")


def _covered(x: float, y: float, along: tuple[float, float], length: float) -> float:
    """The area of the pixel at (x, y) that is covered by a rectangle of `length` x 1 around the origin."""
    corners = [(x + dx, y + dy) for dx, dy in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
    a, b = along
    for nx, ny, limit in ((a, b, length / 2), (-a, -b, length / 2), (b, -a, 0.5), (-b, a, 0.5)):
        corners = _cut(corners, nx, ny, limit)
    turned = corners[1:] + corners[:1]
    return abs(math.fsum(p[0] * q[1] - q[0] * p[1] for p, q in zip(corners, turned, strict=True))) / 2


def _cut(corners: list, nx: float, ny: float, limit: float) -> list:
    """The part of a convex polygon where `nx x + ny y <= limit`."""
    kept = []
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        before, after = nx * px + ny * py - limit, nx * qx + ny * qy - limit
        if before <= 0:
            kept.append((px, py))
        if before * after < 0:
            share = before / (before - after)
            kept.append((px + share * (qx - px), py + share * (qy - py)))
    return kept


def disk_kernel(radius) -> Kernel:
    """The kernel of `disk_blur`."""
    return _disk(checked_number(radius, "radius", 1e-3, LARGEST_RADIUS))


@lru_cache(maxsize=16)
def _disk(radius: float) -> Kernel:
    reach = math.ceil(radius + 0.5) - 1
    edges = np.arange(-reach, reach + 2) - 0.5
    corner = _area(np.abs(edges)[:, None], np.abs(edges), radius) * np.sign(edges)[:, None] * np.sign(edges)
    weights = np.diff(np.diff(corner, axis=0), axis=1)
    far = np.abs(np.arange(-reach, reach + 1)) + 0.5
    near = np.maximum(far - 1, 0)
    weights[np.square(far)[:, None] + np.square(far) <= radius * radius] = (
        1  # exactly: differences of large areas are rounded
    )
    weights[np.square(near)[:, None] + np.square(near) >= radius * radius] = 0
    weights = np.maximum(weights, 0)
    for turn in (np.flipud, np.fliplr, np.transpose):  # symmetric to the last bit
        weights = weights + turn(weights)
    return _normalised(weights, "disk")


def _area(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """The area of the rectangle from (0, 0) to (x, y) that is covered by a disk around the origin."""
    x, y = np.minimum(x, radius), np.minimum(y, radius)
    left = np.minimum(np.sqrt(radius * radius - y * y), x)  # up to here the rectangle's upper side lies in the disk

    def below(x):
        height = np.sqrt(radius * radius - x * x)
        return (x * height + radius * radius * radians(x, height)) / 2

    return np.where(x * x + y * y <= radius * radius, x * y, left * y + below(x) - below(left))


def _normalised(weights: np.ndarray, name: str) -> Kernel:
    return Kernel(weights / math.fsum(weights.ravel()), name=name)
