"""Prepares a picture for a network: resizes, crops, pads, orders channels and scales samples, as the network declares.

Resizing uses Pillow's antialiased filters, as torchvision does for pictures from files: 8-bit pictures stay 8-bit, so that the
network reads the same numbers; others are resized as float32. Before the network's own division, white is 255 for every depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..files.picture import PLANES, Picture
from ..pixels.depth import white
from .expectations import contradictions, is_coloured, losses
from .graph import Graph, Preprocess
from .layer_rules import by

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, which Pillow uses for grey
AS_IT_IS = Preprocess(divide=1.0)
MOST_PIXELS = 1 << 26  # largest resized picture


@dataclass(frozen=True)
class Prepared:
    """A network's input, and the place in the picture that it comes from.

    `samples` is float32 (rows, columns, channels); `shown` is the same as uint8 before the division, RGB or grey. Row `y` of
    the input begins at row `(y + shift[0]) * step[0]` of the picture; columns likewise. `steps` describes the preparation,
    `notes` say where it left little of the picture, or where the picture is not what the network expects.
    """

    samples: np.ndarray
    shown: np.ndarray
    shift: tuple[int, int]
    step: tuple[float, float]
    steps: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def region(self, field: tuple[tuple[int, int], tuple[int, int]], shape) -> tuple[slice, slice]:
        """The part of a picture of `shape` under ranges (first, last + 1) of the input's rows and columns; at least one pixel."""
        parts = []
        for axis, (begin, end) in enumerate(field):
            first = int(np.floor((begin + self.shift[axis]) * self.step[axis]))
            last = int(np.ceil((end + self.shift[axis]) * self.step[axis]))
            first = min(max(first, 0), shape[axis] - 1)
            parts.append(slice(first, min(max(last, first + 1), shape[axis])))
        return parts[0], parts[1]


def prepare(network: Graph, image, *, invert: bool = False) -> Prepared:
    """Prepare a picture as the network declares.

    Parameters
    ----------
    network : Graph
        Without [preprocess], samples are used as they are, from 0 to 255.
    image : array (H, W) or (H, W, C), or Picture
        Grey or RGB, with or without alpha; transparent pixels are laid over white.
    invert : bool
        Whether black and white are exchanged first, as for a digit that is black on white.

    Raises OptionError for a picture that is too small to be cropped, or CMYK.
    """
    rules = network.preprocess or AS_IT_IS
    picture = image if isinstance(image, Picture) else Picture(image)
    if 0 in picture.pixels.shape:
        raise OptionError("a network needs a picture with pixels")
    steps: list[str] = []
    opaque = _opaque(picture, steps)
    if invert:
        opaque = 255 - opaque
        steps.append("inverted: black becomes white")
    grey = rules.channels == "grey" and opaque.shape[2] == 3 and is_coloured(opaque)
    samples = _coloured(opaque, rules, steps)
    before = samples.shape[:2]
    samples = _resized(samples, rules, steps)
    resized = samples.shape[:2]
    step = before[0] / resized[0], before[1] / resized[1]
    samples, top, left = _cropped(samples, rules, steps)
    lost = losses(grey, before, resized, samples.shape[:2])
    notes = [*([lost] if lost else []), *contradictions(network, samples)]
    if rules.pad:
        samples = np.pad(samples, [(rules.pad, rules.pad)] * 2 + [(0, 0)])
        steps.append(f"padded by {rules.pad} to {by(samples.shape[:2])}")
    shown = np.floor(np.clip(samples, 0, 255) + 0.5).astype(np.uint8)
    samples = samples.astype(np.float32)
    if rules.channels == "bgr":
        samples = samples[..., ::-1]
        steps.append("channels: blue, green, red")
    if samples.shape[2] != network.input_shape[2]:
        channels = network.input_shape[2]
        raise OptionError(f"{network.name} takes {channels} channels, and its [preprocess] makes {samples.shape[2]}")
    samples = np.ascontiguousarray(_scaled(samples, rules, steps))
    return Prepared(samples, shown, (top - rules.pad, left - rules.pad), step, tuple(steps), tuple(notes))


def grey_level(network: Graph, level: float = 127.5) -> np.ndarray:
    """A grey level from 0 to 255 as the network's input: float32, a value for each channel."""
    rules = network.preprocess or AS_IT_IS
    return _scaled(np.full(network.input_shape[2], level, np.float32), rules, [])


def _opaque(picture: Picture, steps: list[str]) -> np.ndarray:
    """The picture as grey or RGB without alpha, (rows, columns, 1 or 3): uint8, or float32 from 0 to 255."""
    if picture.mode in ("cmyk", PLANES):
        raise OptionError(
            f"a network takes grey or RGB pictures, not {'CMYK' if picture.mode == 'cmyk' else 'planes'}; convert it first"
        )
    picture = picture.in_full_range()
    pixels = picture.pixels.reshape(picture.height, picture.width, -1)
    if pixels.dtype != np.uint8:
        steps.append(f"{picture.depth} samples scaled so that white is 255")
        pixels = (pixels * (255 / white(pixels.dtype))).astype(np.float32)
        if not np.isfinite(pixels).all():
            raise OptionError("the picture has samples that are no finite numbers")
    if not picture.has_alpha:
        return pixels
    colours, alpha = pixels[..., :-1], pixels[..., -1:]
    if (alpha == 255).all():
        steps.append("alpha left out: all is opaque")
        return colours
    steps.append("transparent pixels laid over white")
    share = alpha.astype(np.float32) / 255
    mixed = colours * share + 255 * (1 - share)
    return np.floor(mixed + 0.5).astype(np.uint8) if pixels.dtype == np.uint8 else mixed


def _coloured(samples: np.ndarray, rules: Preprocess, steps: list[str]) -> np.ndarray:
    wanted = 1 if rules.channels == "grey" else 3
    if samples.shape[2] == wanted:
        return samples
    if wanted == 3:
        steps.append("grey as three equal channels")
        return np.repeat(samples, 3, axis=2)
    steps.append("made grey: " + " + ".join(f"{w} {c}" for w, c in zip(LUMA, "RGB", strict=True)))
    if samples.dtype == np.uint8:
        from ..files.pillow.in_memory import grey

        return grey(samples)[..., None]
    return (samples @ np.array(LUMA, np.float32))[..., None]


def _resized(samples: np.ndarray, rules: Preprocess, steps: list[str]) -> np.ndarray:
    if rules.resize is None:
        return samples
    rows, columns = samples.shape[:2]
    short, *rest = rules.resize
    if rest:
        size = short, rest[0]
    else:  # the shorter side; the longer one is rounded as torchvision does
        size = (short, int(short * columns / rows)) if rows <= columns else (int(short * rows / columns), short)
    if size == (rows, columns):
        return samples
    if math.prod(size) > MOST_PIXELS:
        raise OptionError(f"its sides of {by((rows, columns))} would be resized to {by(size)} pixels; crop it first")
    steps.append(f"resized to {by(size)}, {rules.filter} (Pillow's, antialiased)")
    from ..files.pillow.in_memory import resized

    return resized(samples, size, rules.filter)


def _cropped(samples: np.ndarray, rules: Preprocess, steps: list[str]) -> tuple[np.ndarray, int, int]:
    if rules.crop is None:
        return samples, 0, 0
    rows, columns = rules.crop
    height, width = samples.shape[:2]
    if height < rows or width < columns:
        raise OptionError(
            f"{by((rows, columns))} can't be cropped from {by((height, width))} pixels; give a larger one"
        )
    top, left = round((height - rows) / 2), round((width - columns) / 2)  # half to even, as torchvision does
    if (height, width) != (rows, columns):
        steps.append(f"cropped to {by((rows, columns))} from the middle")
    return samples[top : top + rows, left : left + columns], top, left


def _scaled(samples: np.ndarray, rules: Preprocess, steps: list[str]) -> np.ndarray:
    for name, values in (("mean", rules.mean), ("std", rules.std)):
        if len(values) not in (1, samples.shape[-1]):
            raise OptionError(f"its [preprocess] has {len(values)} numbers of {name} for {samples.shape[-1]} channels")
    samples = samples / np.float32(rules.divide)
    samples -= np.array(rules.mean, np.float32)
    samples /= np.array(rules.std, np.float32)
    done = [f"divided by {rules.divide:g}"] if rules.divide != 1 else []
    done += [f"minus {_numbers(rules.mean)}"] if any(rules.mean) else []
    done += [f"divided by {_numbers(rules.std)}"] if set(rules.std) != {1.0} else []
    steps.append("samples " + ", ".join(done or ["as they are, from 0 to 255"]))
    return samples


def _numbers(values) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
