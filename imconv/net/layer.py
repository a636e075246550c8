"""`imconv.layer`: a single convolution layer for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engine.threads import checked_threads, default_threads
from ..errors import OptionError, nearest
from ..files.picture import samples_of
from ..geometry.sizes import parse_pair
from ..pixels.arrays import as_array, readable
from ..pixels.rounding import warn_of_rounded
from .activations import BOUNDS, UNBOUNDED, Activation, parse_activation
from .convolution import Convolution

LAYOUTS = ("OIHW", "HWIO")


def layer(
    image,
    weights,
    bias=None,
    *,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    activation=None,
    layout="OIHW",
    threads=None,
) -> np.ndarray:
    """Compute the feature maps of a convolution layer: `sum f(i s + k d - p, j s + l d - p, m) h(k, l, m, n) + b(n)`, then the activation.

    Parameters
    ----------
    image : array (H, W) or (H, W, D), or Picture
        Any number of channels. Sums are float64 for float64, else float32, which rounds integers beyond 2^24, with a
        warning.
    weights : array (N, D / groups, K, L)
        In torch's order; they are correlated, not convolved. With layout "HWIO", (K, L, D / groups, N) as in Keras.
    bias : array (N,), optional
        Added to each map; default none.
    stride, dilation : int or (int, int), default 1
    padding : int, (rows, columns), (top, bottom, left, right), "same" or "valid", default 0
        Zeros around the picture. "same" is TensorFlow's: ceil(size / stride) results, and of an odd number of zeros the
        larger half lies behind.
    groups : int, default 1
        Channels and maps are divided into so many parts; each part of the maps depends on its part of the channels only.
    activation : str, optional
        relu, relu6, leaky[:slope], prelu[:slope,...], sigmoid, tanh, scaled-tanh (1.7159 tanh(2x / 3)), hard-sigmoid,
        hard-swish, gelu (with erf), softmax (over the maps), or none.
    layout : "OIHW" or "HWIO", default "OIHW"
        The order of the weights' axes.
    threads : int, optional
        Number of threads; default IMCONV_THREADS, else all cores. The result does not depend on it.

    Returns
    -------
    array (rows, columns, N)
        Rows and columns are floor((n + padding - dilation (K - 1) - 1) / stride) + 1.

    Raises
    ------
    OptionError
        Shapes that do not fit each other, weights that are not finite, or no output left.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(12.0).reshape(3, 4)
    >>> layer(image, np.array([[[[-1.0, 1.0]]], [[[1.0, -1.0]]]]), [0, 5], activation="relu")[0]
    array([[1., 4.],
           [1., 4.],
           [1., 4.]])
    """
    pixels = as_array(samples_of(image))
    readable(pixels.dtype)
    if pixels.ndim not in (2, 3):
        raise OptionError(f"an image must be (H, W) or (H, W, D), not {pixels.shape}")
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    float_type = np.dtype(np.float64 if pixels.dtype.itemsize == 8 and pixels.dtype.kind == "f" else np.float32)
    warn_of_rounded(pixels, 3, float_type.name)
    prepared = prepare(
        weights, bias, stride=stride, padding=padding, dilation=dilation, groups=groups, activation=activation, layout=layout, dtype=float_type
    )  # fmt: skip
    if pixels.shape[2] != prepared.convolution.channels:
        raise OptionError(
            f"the weights are for {prepared.convolution.channels} channels, the image has {pixels.shape[2]} "
            f"(shape {pixels.shape})"
        )
    return prepared.apply(pixels.astype(float_type, copy=False), threads=threads)


@dataclass(frozen=True)
class PreparedLayer:
    """A convolution and its activation, for any number of pictures."""

    convolution: Convolution
    activation: Activation

    def apply(self, image: np.ndarray, out=None, threads=None) -> np.ndarray:
        """The maps (rows, columns, N) of a picture (H, W, D) that has the type of the weights; see `Convolution.apply`."""
        workers = default_threads() if threads is None else checked_threads(threads)
        result = self.convolution.apply(image, out, workers)
        if self.activation.name not in BOUNDS:
            self.activation.apply(result, workers)
        return result


def prepare(
    weights, bias=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, layout="OIHW", dtype=np.float32
) -> PreparedLayer:
    """Prepare a layer for samples of type float32 or float64; parameters and errors are those of `layer`."""
    dtype = np.dtype(dtype)
    values = _numbers(weights, "weights", dtype)
    if str(layout).upper() not in LAYOUTS:
        raise OptionError(
            f"unknown layout {layout!r}; it is one of {', '.join(LAYOUTS)}{nearest(str(layout), LAYOUTS)}"
        )
    if values.ndim != 4 or 0 in values.shape:
        raise OptionError(f"weights must be (N, D, K, L), or (K, L, D, N) with layout HWIO, not {values.shape}")
    if str(layout).upper() == "HWIO":
        values = values.transpose(3, 2, 0, 1)
    groups = parse_pair(groups, "groups")[0]
    if len(values) % groups:
        raise OptionError(f"{len(values)} maps can't be cut into {groups} groups")
    offsets = None if bias is None else _numbers(bias, "bias", dtype)
    if offsets is not None and offsets.shape != (len(values),):
        raise OptionError(f"bias must be one number for each of {len(values)} maps, not of shape {offsets.shape}")
    chosen = parse_activation(activation).checked(len(values))
    low, high = BOUNDS.get(chosen.name, UNBOUNDED)
    convolution = Convolution(
        values, offsets, stride=stride, padding=padding, dilation=dilation, groups=groups, low=low, high=high
    )
    return PreparedLayer(convolution, chosen)


def counted(shape: tuple[int, ...], bias: bool) -> str:
    """The number of parameters of weights (N, D / groups, K, L), as a formula.

    >>> counted((1, 3, 5, 5), True)
    '5 x 5 x 3 + 1 = 76'
    >>> counted((10, 3, 5, 5), True)
    '(5 x 5 x 3 + 1) x 10 = 760'
    """
    maps, depth, height, width = shape
    one = f"{height} x {width} x {depth}" + (" + 1" if bias else "")
    total = (height * width * depth + bias) * maps
    return f"{one} = {total}" if maps == 1 else f"({one}) x {maps} = {total}" if bias else f"{one} x {maps} = {total}"


def _numbers(values, name: str, dtype: np.dtype) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise OptionError(f"{name} must be numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        array = array.astype(dtype)
    if not np.isfinite(array).all():
        raise OptionError(f"{name} must be finite numbers within {dtype}")
    return array
