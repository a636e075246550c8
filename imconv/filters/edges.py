"""Edge filters: gradients, compass operators and second derivatives, and the kernels they use."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache

import numpy as np

from ..composites.luma import LumaFilter
from ..errors import OptionError, known
from ..filter import Filter
from ..kernel.gaussian import TRUNCATE, gaussian_row, gaussian_weights
from ..kernel.kernel import Kernel
from ..kernel.rotations import turned_by_45
from ..options import Options, documented, options_of
from ..pixels.elementary import unit_vector
from ..pixels.exact import fraction_of
from ..stages.combined.filter import CombinedFilter
from ..stages.convolution.filter import LinearFilter
from .apply import apply
from .arguments import checked_number
from .user_kernels import embedded

GRADIENTS = ("sobel", "scharr", "prewitt", "roberts", "farid", "freichen", "gaussian")
COMPASSES = ("kirsch", "robinson")
SECONDS = ("laplacian", "log", "dog")
OPERATORS = (*GRADIENTS, *COMPASSES, *SECONDS)
DIRECTIONS = ("direction", "degrees")
SHOWS = ("magnitude", "x", "y", *DIRECTIONS, "max")
TURNING = ("sobel", "scharr", "prewitt", "freichen")  # 3 x 3 gradients, whose outer ring can be rotated by 45 degrees
POINTS = ("e", "ne", "n", "nw", "w", "sw", "s", "se")  # counter-clockwise from the right
LEAST_SIGMA, LARGEST_SIGMA = 0.1, 100.0
LARGEST_RATIO = 10.0
MAX_GAIN = 1000
MAX_ANGLE = 1e6

# H. Farid and E. P. Simoncelli, Differentiation of discrete multidimensional signals, IEEE Transactions on Image
# Processing 13(4), 2004, 5 taps, first order: differences along one axis, smoothing along the other
FARID_DIFFERENCE = (-0.109603762960254, -0.276690988455557, 0.0, 0.276690988455557, 0.109603762960254)
FARID_SMOOTH = (0.0376593171958126, 0.249153396177344, 0.426374573253687, 0.249153396177344, 0.0376593171958126)


@documented
def edges(
    image, operator="sobel", show="magnitude", *, gain=1, sigma=None, ratio=None, angle=None, order=1, grey=False,
    range=None, out=None, threads=None, **options,
):  # fmt: skip
    """Detect edges: the strength or the direction of the gradient, or a second derivative.

    {parameters:operator : str, default "sobel"
        Gradients: "sobel", "scharr", "prewitt", "roberts", "farid", "freichen" (the isotropic pair),
        "gaussian" (the derivatives of a Gaussian). Compass operators: "kirsch", "robinson". Second derivatives: "laplacian"
        (of 4 neighbours), "log" (Laplacian of a Gaussian), "dog" (a Gaussian minus a wider one, each cut at its own 4
        sigma: `gaussian_filter(f, s) - gaussian_filter(f, ratio s)` of scipy.ndimage). First derivatives are
        scaled so that a ramp of slope 1 has the result 1: Sobel's whole numbers are divided by 8, Scharr's by 32, Prewitt's
        by 6, Kirsch's by 24, Robinson's by 8. Laplacians have the result 1 for x^2 / 2. Roberts' two diagonals are rotated
        to x and y, which keeps their magnitude. Cut at 4 sigma, a Gaussian has a second moment m a little below sigma^2:
        scipy.ndimage's kernels of its derivatives keep sigma^2, and so their results are smaller, from sigma 1 on by up to
        0.1 percent for first and 0.9 percent for second derivatives, and by more below. Its first
        derivative, and gaussian_gradient_magnitude, are those of "gaussian" times m / sigma^2; its second derivatives, and
        gaussian_laplace, are not 0 for flat pictures, as "log" and all others here are. The weights are those of the library's kernels, which name their sources,
        and those of Farid and Simoncelli 2004.
    show : str, default "magnitude"
        "magnitude": `sqrt(x^2 + y^2)`; for a compass operator the largest of its eight results; for a second derivative the
        derivative itself, with its sign. "x", "y": the derivative to the right and downwards, positive where brightness
        increases. "degrees" (or "direction"): the direction of increasing brightness, 0 <= angle < 360, 0 to the right,
        counter-clockwise on the screen; float32 (float64 for float64 images), or whole degrees with the dtype uint16; 0 where
        there is no edge, except with "farid", "freichen" and "gaussian", whose weights are rounded. "max": the largest of eight directions, for 3 x 3 operators.
    gain : number or str, default 1
        Factor of the result; a decimal counts exactly. Sobel with gain 8 is scipy.ndimage's and OpenCV's.
    sigma : float, optional
        Standard deviation of the Gaussian of "gaussian", "log" and "dog", 0.1 to 100 pixels, default 1; cut off at 4 sigma.
    ratio : float, optional
        Sigma of the second Gaussian of "dog" divided by that of the first, default 1.6 (Marr and Hildreth 1980).
    angle : number, optional
        Compute a gradient's derivative in this direction, in degrees: 0 to the right, counter-clockwise on the screen. It is
        `cos(a) x - sin(a) y`, one kernel in one pass (steerable filters, Freeman and Adelson 1991).
    order : 1 or 2, default 1
        2 is the second derivative `cos(a)^2 xx - 2 cos(a) sin(a) xy + sin(a)^2 yy`, for "gaussian" with an angle. Its result
        is 1 for `u^2 / 2`, with u in that direction.
    grey : bool, default False
        Filter the luma of red, green and blue (BT.709: `0.2126 r + 0.7152 g + 0.0722 b`, not rounded before): the result has
        one channel, (H, W, 1), and alpha if the picture has it. Without it each channel is filtered by itself.}

    Results with a sign ("x", "y", with an angle, second derivatives) keep it in floats and signed integers. In unsigned
    results 0 is at mid-range: the default `range` is "offset" for them and "clip" for all others. Alpha is kept.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> ramp = np.array([[0., 1., 2., 3., 4.]] * 3)
    >>> imconv.edges(ramp)[1].tolist(), imconv.edges(ramp, show="direction")[1, 2]
    ([0.5, 1.0, 1.0, 1.0, 0.5], np.float64(0.0))
    >>> imconv.edges(np.array([[9, 9, 1, 1]], np.uint8), "prewitt", "x")
    array([[128, 124, 124, 128]], dtype=uint8)
    """
    settings = options_of("edges", options)
    work = edge_filter(
        operator, show, settings, gain=gain, sigma=sigma, ratio=ratio, angle=angle, order=order, range=range, grey=grey
    )
    return apply(work, image, out=out, threads=threads)


def edge_filter(
    operator: str, show: str, options: Options, *, gain=1, sigma=None, ratio=None, angle=None, order=1, range=None,
    grey: bool = False, hue: bool = False,
) -> Filter:  # fmt: skip
    """The filter of `edges`. With `hue`, "direction" is shown as colours whose brightness is the magnitude."""
    how = {"gain": gain, "sigma": sigma, "ratio": ratio, "angle": angle, "order": order, "range": range, "hue": hue}
    filter = _of_channels(operator, show, options, **how)
    return LumaFilter((filter,)) if grey else filter


def _of_channels(operator, show, options: Options, *, gain, sigma, ratio, angle, order, range, hue: bool) -> Filter:
    """The filter of `edges` for each channel by itself."""
    operator, show = known(operator, "operator", OPERATORS), known(show, "show", SHOWS)
    checked_number(gain, "gain", 0, MAX_GAIN)
    factor = fraction_of(gain)
    _check_extent(operator, sigma, ratio)
    _check_angle(operator, show, angle, order)
    kernel = None  # of a result with a sign
    if operator in SECONDS:
        if show != "magnitude":
            raise OptionError(f"{operator} has no {show}, only one answer; leave out show=")
        kernel = second(operator, sigma, ratio)
    elif angle is not None:
        kernel = steered(operator, angle, int(order), sigma)
    elif show in ("x", "y"):
        kernel = gradient(operator, sigma)[show == "y"]
    if kernel is not None:
        return signed_filter(kernel.scaled(factor), options, range)
    if range is not None:
        options = replace(options, range=range)
    if operator in COMPASSES or show == "max":
        kernels, combine = eight(operator), "max"
        if show in DIRECTIONS:
            combine = "compass hue" if hue and show == "direction" else "compass"
    else:
        kernels, combine = gradient(operator, sigma), show
        if show in DIRECTIONS:
            combine = "hue" if hue and show == "direction" else "direction"
    return CombinedFilter(tuple(LinearFilter(each.scaled(factor), options) for each in kernels), combine)


def _check_extent(operator: str, sigma, ratio) -> None:
    if sigma is not None and operator not in ("gaussian", "log", "dog"):
        raise OptionError(f"{operator} has no sigma; gaussian, log and dog have one")
    if ratio is not None and operator != "dog":
        raise OptionError(f"{operator} has no ratio; dog has one")


def _check_angle(operator: str, show: str, angle, order) -> None:
    if str(order) not in ("1", "2"):
        raise OptionError(f"order must be 1 or 2, not {order!r}")
    if angle is None:
        if str(order) == "2":
            raise OptionError("order 2 needs an angle: second derivatives have no one direction; give angle")
        return
    if operator not in GRADIENTS:
        raise OptionError(f"{operator} has no angle; {', '.join(GRADIENTS)} have one")
    if show != "magnitude":
        raise OptionError(f"an angle's derivative is one answer, not {show}; leave out show= or angle=")
    if str(order) == "2" and operator != "gaussian":
        raise OptionError(f"{operator} has no order 2; gaussian has one")


def signed_filter(kernel: Kernel, options: Options, range: str | None) -> LinearFilter:
    """The filter of a kernel whose results have a sign: a SignedFilter unless the user gave a range policy."""
    return SignedFilter(kernel, options) if range is None else LinearFilter(kernel, replace(options, range=range))


class SignedFilter(LinearFilter):
    """A LinearFilter whose results have a sign: in unsigned results 0 is at mid-range."""

    def plan(self, shape, image_type, has_alpha):
        return self.ranged(self.result_type(image_type)).plan(shape, image_type, has_alpha)

    def in_light(self, light) -> LinearFilter:
        return self.ranged(light.target).in_light(light)

    def ranged(self, target: np.dtype) -> LinearFilter:
        """A LinearFilter with the range policy for results of type `target`."""
        policy = "offset" if target.kind == "u" else "clip"
        return LinearFilter(self.kernel, replace(self.options, range=policy), scale=self.scale)


# --- kernels, to correlate with ------------------------------------------------------------------------------------------


def gradient(operator: str, sigma=None) -> tuple[Kernel, Kernel]:
    """The kernels of the derivatives to the right and downwards, whose result for a ramp of slope 1 is 1."""
    if operator == "gaussian":
        smooth, slope, _ = derivatives(_sigma(sigma))
        x = Kernel.from_factors(smooth, slope, name="gaussian-x")
        return x, Kernel.from_factors(slope, smooth, name="gaussian-y")
    return _gradient(operator)


@cache
def _gradient(operator: str) -> tuple[Kernel, Kernel]:
    if operator == "farid":
        x = Kernel.from_factors(FARID_SMOOTH, FARID_DIFFERENCE, name="farid-x")
        y = Kernel.from_factors(FARID_DIFFERENCE, FARID_SMOOTH, name="farid-y")
    elif operator == "roberts":
        falling, rising = (Kernel.named(f"roberts-{axis}").flipped() for axis in "xy")
        x = Kernel(falling.fractions() - rising.fractions(), anchor=falling.anchor, name="roberts")
        y = Kernel(falling.fractions() + rising.fractions(), anchor=falling.anchor, name="roberts")
    else:
        x, y = (Kernel.named(f"{operator}-{end}").flipped() for end in ("es" if operator in COMPASSES else "xy"))
    return x.scaled(1 / _slope(x, 1)), y.scaled(1 / _slope(y, 0))


def steered(operator: str, angle, order: int = 1, sigma=None) -> Kernel:
    """The kernel of the derivative at an angle, counter-clockwise from the right: a sum of the derivatives along the axes."""
    angle = checked_number(angle, "angle", -MAX_ANGLE, MAX_ANGLE)
    cosine, sine = unit_vector(angle)
    name = f"{operator}-{angle:g}"
    if order == 2:
        smooth, slope, bend = derivatives(_sigma(sigma))
        across = np.outer(slope, slope)
        weights = cosine * cosine * np.outer(smooth, bend) + sine * sine * np.outer(bend, smooth)
        return Kernel(zero_sum(weights - 2 * cosine * sine * across), name=name)
    x, y = gradient(operator, sigma)
    if x.exact and 0 in (cosine, sine):
        return Kernel(round(cosine) * x.fractions() - round(sine) * y.fractions(), anchor=x.anchor, name=name)
    return Kernel(zero_sum(cosine * x.weights - sine * y.weights), anchor=x.anchor, name=name)


@lru_cache(maxsize=16)
def derivatives(sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A Gaussian along one axis and its first and second derivative, to correlate with.

    Although they are cut off, their results are exact: 1 for a constant 1; 1 for x and 0 for a constant; 1 for x^2 / 2 and 0
    for a constant.
    """
    radius = max(1, int(TRUNCATE * sigma + 0.5))
    x, row = np.arange(-radius, radius + 1, dtype=np.float64), gaussian_row(sigma, radius)
    slope = x * row
    bend = (x * x - (x * x * row).sum()) * row
    return row, slope / (slope * x).sum(), 2 * bend / (bend * x * x).sum()


@cache
def eight(operator: str) -> tuple[Kernel, ...]:
    """The eight kernels of a compass operator, or of a 3 x 3 gradient rotated in steps of 45 degrees.

    The first is for the right, the others follow counter-clockwise.
    """
    if operator in COMPASSES:
        kernels = [Kernel.named(f"{operator}-{point}").flipped() for point in POINTS]
    elif operator in TURNING:
        turned = [gradient(operator)[0].weights]
        for _ in POINTS[1:]:
            turned.insert(1, turned_by_45(turned[1] if len(turned) > 1 else turned[0]))
        kernels = [Kernel(weights, name=f"{operator}-{p}") for weights, p in zip(turned, POINTS, strict=True)]
    else:
        raise OptionError(f"{operator} is not turned; max goes with {', '.join((*COMPASSES, *TURNING))}")
    return tuple(kernel.scaled(1 / _slope(kernels[0], 1)) for kernel in embedded(kernels))


def _slope(kernel: Kernel, axis: int):
    """The kernel's result for a ramp of slope 1 along an axis; a Fraction for an exact kernel."""
    weights = kernel.numbers
    distance = np.arange(kernel.shape[axis]) - kernel.anchor[axis]
    return (weights * (distance if axis == 1 else distance[:, None])).sum()


def second(operator: str, sigma=None, ratio=None) -> Kernel:
    """The kernel of a second derivative, or of a difference of two Gaussians."""
    if operator == "laplacian":
        return Kernel.named("laplacian-4")
    sigma = _sigma(sigma)
    if operator == "log":
        return _log(sigma)
    return _dog(sigma, 1.6 if ratio is None else checked_number(ratio, "ratio", 1.01, LARGEST_RATIO))


@lru_cache(maxsize=16)
def _log(sigma: float) -> Kernel:
    """`d^2/dx^2 + d^2/dy^2` of a Gaussian. Although it is cut off, its result is exactly 0 for a constant and 1 for x^2 / 2."""
    row, _, bend = derivatives(sigma)
    return Kernel(zero_sum(np.outer(row, bend) + np.outer(bend, row)), name="log")


@lru_cache(maxsize=16)
def _dog(sigma: float, ratio: float) -> Kernel:
    """`gaussian(sigma) - gaussian(ratio * sigma)`, each with sum 1 and cut at its own 4 sigma: positive at bright spots."""
    narrow, wide = gaussian_weights(sigma), gaussian_weights(sigma * ratio)
    narrow = np.pad(narrow, (wide.size - narrow.size) // 2)
    return Kernel(zero_sum(np.outer(narrow, narrow) - np.outer(wide, wide)), name="dog")


def _sigma(sigma) -> float:
    return 1.0 if sigma is None else checked_number(sigma, "sigma", LEAST_SIGMA, LARGEST_SIGMA)


def zero_sum(weights: np.ndarray) -> np.ndarray:
    """Correct the middle weight so that the sum, 0 except for rounding, is 0. Changes `weights`."""
    weights[weights.shape[0] // 2, weights.shape[1] // 2] -= weights.sum()
    return weights
