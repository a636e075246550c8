"""Activation functions, applied to a layer's sums value by value; softmax is over the channels of each pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..engine.threads import run_bands
from ..errors import OptionError, nearest
from .gelu import gelu

LEAKY_SLOPE, PRELU_SLOPE = 0.01, 0.25  # torch's defaults
MAX_SLOPE = 1e3
# activations that only clamp values, which the convolution's loop does
BOUNDS = {"relu": (0.0, math.inf), "relu6": (0.0, 6.0)}
UNBOUNDED = -math.inf, math.inf
BLOCK_BYTES = 1 << 18  # values processed at a time, so that they stay in a core's cache


@dataclass(frozen=True)
class Activation:
    """An activation and its slopes for negative values: none, one, or one for each channel."""

    name: str
    slopes: tuple[float, ...] = ()

    def checked(self, channels: int) -> Activation:
        """Return self; OptionError if the number of slopes does not fit the channels."""
        if len(self.slopes) not in (0, 1, channels):
            raise OptionError(
                f"{self.name} has {len(self.slopes)} slopes for {channels} channels; give one, or one each"
            )
        return self

    def apply(self, values: np.ndarray, workers: int = 1) -> None:
        """Apply the activation in place to values (..., channels), float32 or float64 and contiguous."""
        function = _FUNCTIONS[self.name]
        if function is None:
            return
        pixels = values.reshape(-1, values.shape[-1])
        slopes = np.array(self.slopes, values.dtype)

        def work(first: int, block: np.ndarray, scratch: dict) -> None:
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # NumPy's settings belong to the thread
                function(block, slopes)

        run_bands(work, 0, pixels, max(1, BLOCK_BYTES // max(values.itemsize * values.shape[-1], 1)), workers)


def parse_activation(given) -> Activation:
    """The Activation for None, an Activation, or a name that may be followed by a colon and slopes.

    Raises
    ------
    OptionError
        The name is unknown (the message proposes the nearest one), or the slopes are wrong.

    >>> parse_activation("leaky:0.2")
    Activation(name='leaky', slopes=(0.2,))
    """
    if given is None or isinstance(given, Activation):
        return given or Activation("none")
    name, colon, text = str(given).strip().lower().partition(":")
    name = name.replace("_", "-")
    if name not in _FUNCTIONS:
        known = ", ".join(_FUNCTIONS)
        raise OptionError(f"unknown activation {given!r}; it is one of {known}{nearest(name, _FUNCTIONS)}")
    if name not in _SLOPES:
        if colon:
            raise OptionError(f"{name} takes nothing after a colon, not {text!r}")
        return Activation(name)
    if not colon:
        return Activation(name, (_SLOPES[name],))
    try:
        slopes = tuple(float(part) for part in text.split(","))
    except ValueError:
        slopes = ()
    if not slopes or not all(abs(slope) <= MAX_SLOPE for slope in slopes) or (name == "leaky" and len(slopes) > 1):
        what = "a slope such as leaky:0.1" if name == "leaky" else "slopes such as prelu:0.25, or one for each channel"
        raise OptionError(f"{name} takes {what}, not {text!r}")
    return Activation(name, slopes)


def _leaky(values, slopes):
    np.multiply(values, slopes, out=values, where=values < 0)


def _sigmoid(values, slopes):
    np.negative(values, out=values)
    np.exp(values, out=values)
    values += 1
    np.reciprocal(values, out=values)


def _scaled_tanh(values, slopes):
    values *= values.dtype.type(2 / 3)
    np.tanh(values, out=values)
    values *= values.dtype.type(1.7159)


def _hard_sigmoid(values, slopes):
    values += 3
    np.clip(values, 0, 6, out=values)
    values /= 6


def _hard_swish(values, slopes):
    gates = values.copy()
    _hard_sigmoid(gates, slopes)
    values *= gates


def _silu(values, slopes):
    gates = values.copy()
    _sigmoid(gates, slopes)
    values *= gates


def _mish(values, slopes):
    """tanh(log(1 + e)) is n / (n + 2) with n = e (e + 2); beyond 20 it is 1."""
    powers = np.exp(np.minimum(values, 20))
    powers *= powers + 2
    values *= powers / (powers + 2)


def _softmax(values, slopes):
    values -= values.max(axis=-1, keepdims=True)
    np.exp(values, out=values)
    values /= values.sum(axis=-1, keepdims=True)


def _clamped(low: float, high: float):
    def clamp(values, slopes):
        np.clip(values, low, high, out=values)

    return clamp


_SLOPES = {"leaky": LEAKY_SLOPE, "prelu": PRELU_SLOPE}
# Formulas as in the papers: ReLU6 and hard-swish of MobileNet V2 and V3, GELU with erf (Hendrycks 2016), SiLU (Elfwing 2017), Mish
# (Misra 2019), the scaled tanh of LeNet-5 (LeCun 1998). leaky and prelu multiply negative values.
_FUNCTIONS = {
    "none": None,
    **{name: _clamped(*bounds) for name, bounds in BOUNDS.items()},
    "leaky": _leaky,
    "prelu": _leaky,
    "sigmoid": _sigmoid,
    "tanh": lambda values, slopes: np.tanh(values, out=values),
    "scaled-tanh": _scaled_tanh,
    "hard-sigmoid": _hard_sigmoid,
    "hard-swish": _hard_swish,
    "gelu": lambda values, slopes: gelu(values),
    "silu": _silu,
    "mish": _mish,
    "softmax": _softmax,
}
NAMES = tuple(_FUNCTIONS)
