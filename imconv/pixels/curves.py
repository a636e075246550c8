"""Transfer functions by their published formulas, between stored samples (0 to 1) and linear light.

Every curve has `linear(x)`, which decodes, and `encoded(y)`, which encodes; both take and return float64 arrays. Samples of
float pictures may lie outside 0 to 1: below 0 a curve continues as its mirror image through the origin, above 1 by its
formula (a sampled curve: with its last slope).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lazy import cached_property
from .elementary import exp, log, power


@dataclass(frozen=True)
class Parametric:
    """`(a x + b)^g + e` where x >= d, `c x + f` below, and at least 0 everywhere (ICC.1:2022, 10.18, function type 4)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def linear(self, x: np.ndarray) -> np.ndarray:
        size = np.abs(x)
        curved = power(np.maximum(self.a * size + self.b, 0.0), self.g) + self.e
        return np.copysign(np.maximum(np.where(size >= self.d, curved, self.c * size + self.f), 0.0), x)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        size = np.abs(y)
        split = power(max(self.a * self.d + self.b, 0.0), self.g) + self.e  # where the power begins
        curved = (power(np.maximum(size - self.e, 0.0), 1 / self.g) - self.b) / self.a
        straight = (size - self.f) / self.c if self.c else 0.0
        return np.copysign(np.maximum(np.where(size >= split, curved, straight), 0.0), y)


@dataclass(frozen=True)
class Sampled:
    """A table of big-endian 16-bit numbers, 65535 for 1, evenly spaced over 0 to 1; linear interpolation between them."""

    data: bytes

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, float]:
        values = np.frombuffer(self.data, ">u2") / 65535
        return np.linspace(0, 1, values.size), values, (values[-1] - values[-2]) * (values.size - 1)

    def linear(self, x: np.ndarray) -> np.ndarray:
        at, values, slope = self._table
        size = np.abs(x)
        return np.copysign(np.interp(size, at, values) + slope * np.maximum(size - 1, 0.0), x)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        at, values, slope = self._table
        size = np.abs(y)
        beyond = np.maximum(size - values[-1], 0.0) / slope if slope > 0 else 0.0
        return np.copysign(np.interp(size, values, at) + beyond, y)


@dataclass(frozen=True)
class PerceptualQuantizer:
    """The PQ curve of SMPTE ST 2084 and ITU-R BT.2100: linear light 1 is 10,000 candelas per square metre."""

    def linear(self, x: np.ndarray) -> np.ndarray:
        root = power(np.abs(x), 1 / _M2)
        return np.copysign(power(np.maximum(root - _C1, 0.0) / (_C2 - _C3 * root), 1 / _M1), x)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        root = power(np.abs(y), _M1)
        # the formula returns a small number for no light, which `linear` would decode to 0
        return np.copysign(np.where(root > 0, power((_C1 + _C2 * root) / (1 + _C3 * root), _M2), 0.0), y)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


@dataclass(frozen=True)
class HybridLogGamma:
    """The HLG curve of ITU-R BT.2100: linear light of the scene, 1 for the brightest."""

    def linear(self, x: np.ndarray) -> np.ndarray:
        size = np.abs(x)
        bright = (exp((np.maximum(size, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
        return np.copysign(np.where(size <= 0.5, size * size / 3, bright), x)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        size = np.abs(y)
        bright = _HLG_A * log(np.maximum(12 * size, 1.0) - _HLG_B) + _HLG_C
        return np.copysign(np.where(size <= 1 / 12, np.sqrt(3 * size), bright), y)


_HLG_A = 0.17883277
_HLG_B = 1 - 4 * _HLG_A
_HLG_C = 0.5 - _HLG_A * float(log(4 * _HLG_A))


Curve = Parametric | Sampled | PerceptualQuantizer | HybridLogGamma

STRAIGHT = Parametric(1.0)
SRGB = Parametric(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1
# ITU-R BT.709 with the constants that make it continuous (ITU-T H.273)
_ALPHA, _BETA = 1.099296826809442, 0.018053968510807
BT709 = Parametric(1 / 0.45, 1 / _ALPHA, (_ALPHA - 1) / _ALPHA, 1 / 4.5, 4.5 * _BETA)

# the curve, with its name, for each code of transfer characteristics in ITU-T H.273 (PNG's cICP chunk holds such a code)
CHARACTERISTICS: dict[int, tuple[str, Curve]] = {
    1: ("BT.709", BT709),
    4: ("gamma 2.2", Parametric(2.2)),
    5: ("gamma 2.8", Parametric(2.8)),
    6: ("BT.601", BT709),
    8: ("linear", STRAIGHT),
    13: ("sRGB", SRGB),
    14: ("BT.2020", BT709),
    15: ("BT.2020", BT709),
    16: ("PQ", PerceptualQuantizer()),
    18: ("HLG", HybridLogGamma()),
}
