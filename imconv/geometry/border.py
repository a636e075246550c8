"""Border modes: their names here and in other tools, diagrams, and which sample lies at a position outside the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError, nearest


class DefaultName(str):
    """The name of the default border; `is` distinguishes it from the same name given by the user."""

    __slots__ = ()


DEFAULT = DefaultName("reflect")

# canonical name (scipy.ndimage's): a diagram of a row a b c d with its border, and other tools' names
DIAGRAMS = {
    "reflect": (
        "d c b a | a b c d | d c b a",
        "numpy/MATLAB symmetric, OpenCV BORDER_REFLECT, ImageMagick/libvips mirror",
    ),
    "mirror": ("  d c b | a b c d | c b a  ", "numpy/torch reflect, OpenCV BORDER_REFLECT_101"),
    "nearest": ("  a a a | a b c d | d d d  ", "numpy/ImageMagick edge, OpenCV/torch replicate, libvips copy"),
    "constant": ("  v v v | a b c d | v v v  ", "v = 0, or constant:128, constant:255,0,0; torch zeros"),
    "wrap": ("  b c d | a b c d | a b c  ", "torch/MATLAB circular, ImageMagick tile, libvips repeat"),
    "normalized": ("        | a b c d |        ", "taps outside are left out, the rest re-weighted"),
}

_OTHER_NAMES = {
    "reflect": ("symmetric", "grid-mirror"),
    "mirror": ("reflect101", "reflect-101"),
    "nearest": ("replicate", "edge", "copy"),
    "constant": ("zeros", "zero", "grid-constant"),
    "wrap": ("circular", "grid-wrap", "tile", "repeat"),
    "normalized": ("normalised",),
}
_ALIASES = {alias: mode for mode, aliases in _OTHER_NAMES.items() for alias in aliases}

_DIALECTS = {
    "scipy": {"reflect": "reflect", "grid-mirror": "reflect", "mirror": "mirror", "nearest": "nearest",
              "constant": "constant", "grid-constant": "constant", "wrap": "wrap", "grid-wrap": "wrap"},
    "numpy": {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "constant": "constant", "wrap": "wrap"},
    "opencv": {"reflect": "reflect", "reflect-101": "mirror", "reflect101": "mirror", "default": "mirror",
               "replicate": "nearest", "constant": "constant", "wrap": "wrap"},
    "torch": {"reflect": "mirror", "replicate": "nearest", "zeros": "constant", "constant": "constant",
              "circular": "wrap"},
    "matlab": {"symmetric": "reflect", "replicate": "nearest", "circular": "wrap"},
    "imagemagick": {"mirror": "reflect", "edge": "nearest", "tile": "wrap", "black": "constant",
                    "transparent": "constant"},
    "vips": {"mirror": "reflect", "copy": "nearest", "repeat": "wrap", "black": "constant"},
    "gmic": {"dirichlet": "constant", "neumann": "nearest", "periodic": "wrap", "mirror": "reflect"},
}  # fmt: skip


@dataclass(frozen=True)
class Border:
    """A border mode by its canonical name. `values` fill the border "constant": one number, or one per channel."""

    mode: str
    values: tuple[float, ...] = (0.0,)

    def __str__(self) -> str:
        if self.mode != "constant" or self.values == (0.0,):
            return self.mode
        return "constant:" + ",".join(f"{v:g}" for v in self.values)


def parse_border(border: str | Border) -> Border:
    """The border for a name, an alias, or another tool's name such as `opencv:reflect`.

    Raises OptionError for anything else; the message proposes the nearest name.

    >>> parse_border("numpy:reflect").mode, parse_border("constant:255,0,0").values
    ('mirror', (255.0, 0.0, 0.0))
    """
    if isinstance(border, Border):
        return border
    if not isinstance(border, str):
        raise OptionError(f"border must be a name such as 'reflect', not {border!r}")
    word, _, rest = border.strip().lower().replace("_", "-").removeprefix("border-").partition(":")
    if word in _DIALECTS and rest:
        dialect = word
        word, _, rest = rest.removeprefix("border-").partition(":")
        known = _DIALECTS[dialect]
        if word not in known:
            raise OptionError(f"{dialect} has no border {word!r}; it has {', '.join(known)}{nearest(word, known)}")
        mode = known[word]
    else:
        mode = word if word in DIAGRAMS else _ALIASES.get(word, "")
        if not mode:
            near = nearest(word, [*DIAGRAMS, *_ALIASES])
            raise OptionError(f"unknown border {border!r}; borders are {', '.join(DIAGRAMS)}{near}")
    if not rest:
        return Border(mode)
    if mode != "constant":
        raise OptionError(f"border {mode!r} takes no value, but got {rest!r}; only constant:VALUE does")
    try:
        values = tuple(float(v) for v in rest.split(","))
    except ValueError:
        what = "one number, or one per channel such as constant:255,0,0"
        raise OptionError(f"constant:{rest}: expected {what}") from None
    if any(math.isinf(v) for v in values):
        raise OptionError(f"constant:{rest}: a border can't be infinite")
    return Border(mode, values)


def source_indices(border: Border, positions: np.ndarray, size: int) -> np.ndarray:
    """For each position on an axis of `size` samples the sample that lies there, -1 for none: int64, shape of `positions`.

    Far outside, the picture is reflected or repeated again and again.

    >>> source_indices(parse_border("mirror"), np.arange(-4, 6), 3).tolist()
    [0, 1, 2, 1, 0, 1, 2, 1, 0, 1]
    """
    positions = np.asarray(positions, dtype=np.int64)
    if border.mode == "nearest":
        return np.clip(positions, 0, size - 1)
    if border.mode == "wrap":
        return positions % size
    if border.mode == "reflect":
        at = positions % (2 * size)
        return np.where(at < size, at, 2 * size - 1 - at)
    if border.mode == "mirror":
        if size == 1:
            return np.zeros_like(positions)
        at = positions % (2 * size - 2)
        return np.where(at < size, at, 2 * size - 2 - at)
    return np.where((positions >= 0) & (positions < size), positions, -1)


def fill_values(border: Border, channels: int, opaque: float | None = None) -> np.ndarray:
    """The values with which "constant" fills each channel: float64 (channels,); 0 for other borders.

    One number fills every channel. With one number for each channel but alpha, alpha is filled with `opaque`.
    """
    values = border.values if border.mode == "constant" else (0.0,)
    if len(values) == 1:
        values = values * channels
    elif len(values) == channels - 1 and opaque is not None:
        values = (*values, opaque)
    if len(values) != channels:
        raise OptionError(
            f"border='constant' has {len(values)} values for {channels} channel{'s' * (channels > 1)}; give one, or one per channel"
        )
    return np.array(values, dtype=np.float64)


def drawn() -> str:
    """The table of borders as text, for help and docstrings."""
    return "\n".join(f"{name:<11}{diagram:<29}  {elsewhere}" for name, (diagram, elsewhere) in DIAGRAMS.items())
