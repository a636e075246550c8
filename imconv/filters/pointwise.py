"""Filters of single pixels: `grey`, `invert`, `flatten`, and `ConvertFilter`, which leaves them as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from ..errors import KernelError, OptionError, nearest
from ..options import Options, documented, options_of
from ..pixels.colours import WHITE, Background, parse_background
from ..pixels.exact import as_fraction
from ..stages.pointwise.filter import PointwiseFilter
from ..stages.pointwise.operations import Flattening, Mixing, Operation, diagonal, same
from .apply import apply

# the luminance of linear light, or the luma of encoded samples, from red, green and blue
WEIGHTS = {
    "bt709": (Fraction(2126, 10000), Fraction(7152, 10000), Fraction(722, 10000)),  # ITU-R BT.709-6, 3.2; sRGB's too
    "bt601": (Fraction(299, 1000), Fraction(587, 1000), Fraction(114, 1000)),  # ITU-R BT.601-7, 2.5.1
    "mean": (Fraction(1, 3),) * 3,
}


@documented
def grey(image, *, weights="bt709", out=None, threads=None, **options):
    """Make a picture grey: one channel, the weighted sum of red, green and blue.

    {parameters:weights : "bt709", "bt601", "mean" or (red, green, blue), default "bt709"
        The weights: of ITU-R BT.709 (0.2126, 0.7152, 0.0722), which are sRGB's too, of BT.601 (0.299, 0.587, 0.114), a third
        each, or your own, which are divided by their sum. As text: `"3,6,1"`.}

    Results are rounded half up once: sums of whole numbers are exact. Alpha stays as it is. A grey picture stays as it is.
    With `linear` the sum is of light (luminance), without it of encoded samples (luma), as most tools have it. An array
    without alpha becomes (H, W). `border`, `pad`, `stride` and `dilation` have no meaning here.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.grey(np.array([[[255, 0, 0], [0, 255, 0], [9, 9, 9]]], np.uint8))
    array([[ 54, 182,   9]], dtype=uint8)
    """
    settings = options_of("grey", options)
    result = apply(GreyFilter(settings, weights=parse_weights(weights)), image, out=out, threads=threads)
    flat = out is None and not hasattr(image, "pixels") and result.ndim == 3 and 1 in result.shape[::2]
    if not flat:
        return result
    axis = 0 if settings.channel_axis == 0 else 2
    return result.squeeze(axis) if result.shape[axis] == 1 else result


@documented
def invert(image, *, out=None, threads=None, **options):
    """Invert a picture, as a negative: `white - sample`, exact.

    {parameters:}

    White is the type's largest value, 1 for floats, and a Picture's own `maximum`. Alpha stays as it is.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.invert(np.array([[0, 10, 255]], np.uint8))
    array([[255, 245,   0]], dtype=uint8)
    """
    return apply(InvertFilter(options_of("invert", options)), image, out=out, threads=threads)


@documented
def flatten(image, background="white", *, out=None, threads=None, **options):
    """Lay a picture with alpha over a background: `alpha c + (1 - alpha) background`; alpha goes.

    {parameters:background : str, number or sequence of numbers, default "white"
        A name of CSS, `"#rrggbb"` or `"#rgb"`, per cents of white such as `"50%,0%,0%"`, or numbers in sample units, one for all
        colours or one for each.}

    Results are rounded half up once: products of whole numbers are exact. Colours that can't be seen, where alpha is 0, do
    not count, even if they are NaN. With `linear` light is mixed. An array needs `has_alpha=True`; a picture without alpha
    stays as it is.

    Source: T. Porter and T. Duff, Compositing Digital Images, SIGGRAPH 1984: the operator over.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.flatten(np.array([[[9, 0], [9, 255], [100, 51]]], np.uint8), has_alpha=True)[..., 0]
    array([[255,   9, 224]], dtype=uint8)
    """
    settings = options_of("flatten", options)
    return apply(FlattenFilter(settings, background=parse_background(background)), image, out=out, threads=threads)


def parse_weights(weights) -> tuple[Fraction, Fraction, Fraction]:
    """Weights of red, green and blue, whose sum is 1, from a name, text or numbers. OptionError for others."""
    if isinstance(weights, str) and weights.strip().lower() in WEIGHTS:
        return WEIGHTS[weights.strip().lower()]
    parts = weights.split(",") if isinstance(weights, str) else list(weights)
    wrong = f"weights must be {', '.join(WEIGHTS)}, or three numbers for red, green and blue, not {weights!r}"
    try:
        red, green, blue = (as_fraction(part) for part in parts)
    except (KernelError, ValueError, TypeError):
        near = nearest(str(weights), WEIGHTS) if isinstance(weights, str) else ""
        raise OptionError(wrong + near) from None
    if red + green + blue <= 0:
        raise OptionError(f"weights {weights!r} have no positive sum, by which they would be divided")
    total = red + green + blue
    return red / total, green / total, blue / total


@dataclass(frozen=True)
class ConvertFilter(PointwiseFilter):
    """Leaves pixels as they are; only the result's type and depth may change them."""

    name = "convert"
    light_matters = False

    @property
    def summary(self) -> str:
        return "samples as they are"

    def operation(self, channels: int, has_alpha: bool, top: int) -> Operation:
        return same(channels)


@dataclass(frozen=True)
class InvertFilter(PointwiseFilter):
    """The filter of `invert`."""

    name = "invert"

    @property
    def summary(self) -> str:
        return "white minus each sample"

    def operation(self, channels: int, has_alpha: bool, top: int) -> Operation:
        colours = channels - has_alpha
        factors = [Fraction(-1)] * colours + [Fraction(1)] * has_alpha
        return diagonal(factors, [Fraction(top)] * colours + [Fraction(0)] * has_alpha)


@dataclass(frozen=True)
class GreyFilter(PointwiseFilter):
    """The filter of `grey`."""

    weights: tuple[Fraction, Fraction, Fraction] = WEIGHTS["bt709"]

    name = "grey"

    @property
    def summary(self) -> str:
        red, green, blue = (f"{float(weight):g}" for weight in self.weights)
        return f"{red} red + {green} green + {blue} blue"

    def operation(self, channels: int, has_alpha: bool, top: int) -> Operation:
        colours = channels - has_alpha
        if colours == 1:
            return same(channels)
        if colours != 3:
            raise OptionError(f"grey needs red, green and blue; this picture has {channels} channels")
        zero, one = Fraction(0), Fraction(1)
        rows = ((*self.weights, zero), (zero, zero, zero, one)) if has_alpha else (self.weights,)
        return Mixing(rows, (zero,) * len(rows))


@dataclass(frozen=True)
class FlattenFilter(PointwiseFilter):
    """The filter of `flatten`."""

    background: Background = WHITE

    name = "flatten"

    @property
    def summary(self) -> str:
        return f"over the background {self.background.text}"

    def keeps_alpha(self, has_alpha: bool) -> bool:
        return False

    def operation(self, channels: int, has_alpha: bool, top: int) -> Operation:
        if not has_alpha:
            return same(channels)
        return Flattening(self.background.samples(channels - 1, top), top)

    def in_light(self, light) -> FlattenFilter:
        changed = super().in_light(light)
        if light.transfer is None:
            return changed
        encoded = self.background.samples(light.channels - light.has_alpha, light.image_white)
        curves = light.transfer.curves
        linear = (curve.linear(float(each / light.image_white)) for curve, each in zip(curves, encoded, strict=False))
        return replace(changed, background=Background(samples_of=tuple(Fraction(float(each)) for each in linear)))


def flattened(filter, background: Background, options: Options):
    """A filter whose result is laid over a background; the options' depth, type and range are those of both together."""
    from ..composites.chain import ChainFilter

    plain = Options(range="clip")
    whole = replace(options, region=None, mask=None, channels=None, crop=False, range=filter.options.range)
    return ChainFilter((filter.with_options(range="clip"), FlattenFilter(plain, background=background)), whole)
