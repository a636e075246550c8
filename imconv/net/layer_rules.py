"""The rules of layers: output shapes and tensors, as functions of a layer's attributes and the shapes of its inputs.

Shapes are (rows, columns, channels) for maps and (numbers,) for vectors. The functions raise ValueError, with the reason, if
there can be no such layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from ..geometry.axis import Axis, balanced_padding, make_axis
from . import reads
from .attributes import MOST_SAMPLES
from .reads import Reads

Shape = tuple[int, ...]


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a layer: its role, and its axes (O, I: channels out and in; H, W: rows and columns of the window)."""

    role: str
    axes: str
    sizes: Mapping[str, int]
    trainable: bool = True
    count: int | None = None  # weights that are used, if the others are always 0

    @property
    def numbers(self) -> int:
        """How many weights are used."""
        return prod(self.sizes[axis] for axis in self.axes) if self.count is None else self.count


def nothing(attributes, shapes) -> tuple[TensorSpec, ...]:
    return ()


def biases_of(attributes, out) -> int:
    return prod(out) if attributes.get("bias") else 0


def unchanged(attributes, shapes) -> Shape:
    return shapes[0]


# --- windows ---------------------------------------------------------------------------------------------------------


def axes(attributes: Mapping, shape: Shape) -> tuple[Axis, Axis]:
    """Both axes of the window on a map: output sizes, padding, stride, dilation. Raises ValueError."""
    found = []
    if "size" in attributes:
        size = attributes["size"]
    else:  # a square, by its side
        size = (attributes["taps" if "taps" in attributes else "factor"],) * 2
    stride, dilation = attributes.get("stride") or size, attributes.get("dilation", (1, 1))
    for i, name in enumerate(("rows", "columns")):
        taps, pad = size[i], attributes.get("pad", (0, 0, 0, 0))
        if pad == "same":
            before, after = balanced_padding(shape[i], taps, stride[i], dilation[i])
        elif pad == "half":
            before = after = dilation[i] * (taps - 1) // 2
        elif pad == "blur":
            before, after = (taps - 1) // 2, taps // 2
        else:
            before, after = pad[2 * i : 2 * i + 2]
        ceil = attributes.get("ceil", False)
        found.append(make_axis(shape[i], taps, 0, (before, after), stride[i], dilation[i], name, ceil=ceil))
    return found[0], found[1]


def adaptive_shape(attributes, shapes) -> Shape:
    return (*attributes["size"], map_of(shapes)[2])


def transposed_shape(attributes, shapes) -> Shape:
    channels, out, groups, sides = map_of(shapes)[2], attributes["out"], attributes["groups"], attributes["pad"]
    if channels % groups or out % groups:
        raise ValueError(f"{groups} groups divide neither {channels} channels in and {out} out evenly")
    if isinstance(sides, str):
        raise ValueError(f'its padding is numbers, as torch has it, not "{sides}"')
    sizes = []
    for i, n in enumerate(shapes[0][:2]):
        stride, dilation, more = (attributes[name][i] for name in ("stride", "dilation", "output_pad"))
        if more >= max(stride, dilation):
            raise ValueError(f"an output_pad of {more} must be smaller than the stride or the dilation")
        size = (n - 1) * stride - sum(sides[2 * i : 2 * i + 2]) + dilation * (attributes["size"][i] - 1) + more + 1
        if size < 1:
            raise ValueError("its padding leaves nothing of the output")
        sizes.append(size)
    return sizes[0], sizes[1], out


def transposed_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), out = attributes["size"], attributes["out"]
    sizes = {"O": out // attributes["groups"], "I": shapes[0][2], "H": rows, "W": columns}
    return (TensorSpec("transposed", "OIHW", sizes), *bias_of(attributes, out))


def upsampled_shape(attributes, shapes) -> Shape:
    rows, columns, channels = map_of(shapes)
    factor, size = attributes["factor"], attributes["size"]
    if (factor is None) == (size is None):
        raise ValueError("it needs a factor or a size, one of the two")
    if attributes["corners"] and attributes["mode"] != "bilinear":
        raise ValueError("corners go with the mode bilinear")
    size = (math.floor(rows * factor[0]), math.floor(columns * factor[1])) if size is None else size
    if max(size) > MOST_SAMPLES:
        raise ValueError(f"{by(size)} samples are too many")
    return (*size, channels)


def shuffled_shape(attributes, shapes) -> Shape:
    (rows, columns, channels), factor = map_of(shapes), attributes["factor"]
    if channels % factor**2:
        raise ValueError(f"{channels} channels are no multiple of {factor**2}")
    return rows * factor, columns * factor, channels // factor**2


def unshuffled_shape(attributes, shapes) -> Shape:
    (rows, columns, channels), factor = map_of(shapes), attributes["factor"]
    if rows % factor or columns % factor:
        raise ValueError(f"{by((rows, columns))} samples are no multiple of {factor}")
    return rows // factor, columns // factor, channels * factor**2


# --- the samples that outputs read: functions of the attributes, the number of an axis, its size, and that of the output ---


def adaptive_reads(attributes: Mapping, axis: int, old: int, new: int) -> Reads:
    return reads.divided(old, new)


def transposed_reads(attributes: Mapping, axis: int, old: int, new: int) -> Reads:
    taps, stride, dilation = (attributes[name][axis] for name in ("size", "stride", "dilation"))
    return reads.transposed(taps, attributes["pad"][2 * axis], stride, dilation)


def upsampled_reads(attributes: Mapping, axis: int, old: int, new: int) -> Reads:
    factor = attributes["factor"] and attributes["factor"][axis]
    if attributes["mode"] == "nearest":
        return reads.nearest(old, new, factor)
    return reads.bilinear(old, new, factor, attributes["corners"])


def shuffled_reads(attributes: Mapping, axis: int, old: int, new: int) -> Reads:
    return reads.repeated(attributes["factor"])


# --- normalisation ---------------------------------------------------------------------------------------------------


def grouped_shape(attributes, shapes) -> Shape:
    channels, groups = map_of(shapes)[2], attributes["groups"]
    if channels % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels evenly")
    return shapes[0]


def map_of(shapes) -> Shape:
    (shape,) = shapes
    if len(shape) != 3:
        raise ValueError("it needs maps, but gets a flat vector; put it before the flatten")
    return shape


def window_shape(attributes, shapes) -> Shape:
    rows, columns = axes(attributes, map_of(shapes))
    return rows.out, columns.out, attributes["out"] if "out" in attributes else shapes[0][2]


def conv_shape(attributes, shapes) -> Shape:
    channels, out, groups, connected = map_of(shapes)[2], attributes["out"], attributes["groups"], attributes["table"]
    if channels % groups or out % groups:
        raise ValueError(f"{groups} groups divide neither {channels} channels in and {out} out evenly")
    if connected and (groups > 1 or len(connected) != out or max(map(max, connected)) >= channels):
        raise ValueError(f"its table needs a list for each of {out} maps, of maps 0 to {channels - 1}, and no groups")
    return window_shape(attributes, shapes)


def conv_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), out = attributes["size"], attributes["out"]
    inputs = shapes[0][2] // attributes["groups"]
    count = rows * columns * sum(map(len, attributes["table"])) if attributes["table"] else None
    sizes = {"O": out, "I": inputs, "H": rows, "W": columns}
    return (TensorSpec("weight", "OIHW", sizes, count=count), *bias_of(attributes, out))


def depthwise_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), channels = attributes["size"], shapes[0][2]
    sizes = {"O": channels, "I": 1, "H": rows, "W": columns}
    return (TensorSpec("depthwise", "OIHW", sizes), *bias_of(attributes, channels))


def subsample_biases(attributes, out) -> int:
    return prod(out) * (prod(attributes["size"]) + 1)  # as LeCun counts: every sample read, and the bias


def bias_of(attributes, channels) -> tuple[TensorSpec, ...]:
    return (vector("bias", channels),) if attributes["bias"] else ()


def vector(role: str, channels: int, trainable: bool = True) -> TensorSpec:
    return TensorSpec(role, "O", {"O": channels}, trainable)


# --- vectors and matrices --------------------------------------------------------------------------------------------


def vector_shape(attributes, shapes) -> Shape:
    (shape,) = shapes
    if len(shape) != 1:
        raise ValueError(f'it needs a flat vector, but gets {by(shape)}; put "flatten" before it')
    return (attributes["out"],)


def matrix(role: str = "weight", trainable: bool = True) -> Callable:
    def tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
        out, inputs = attributes["out"], shapes[0][-1]
        bias = bias_of(attributes, out) if "bias" in attributes else ()
        return (TensorSpec(role, "OI", {"O": out, "I": inputs}, trainable), *bias)

    return tensors


def each_channel(*roles: str, fixed: tuple[str, ...] = ()) -> Callable:
    """A number for each channel and role; without `affine` only the fixed ones."""

    def tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
        own = roles if attributes.get("affine", True) else fixed
        return tuple(vector(role, shapes[0][-1], role not in fixed) for role in own)

    return tensors


def layer_scale(attributes, shapes) -> tuple[TensorSpec, ...]:
    return (TensorSpec("layer_scale", "OHW", {"O": shapes[0][-1], "H": 1, "W": 1}),)


# --- joins -----------------------------------------------------------------------------------------------------------


def add_shape(attributes, shapes) -> Shape:
    if len(set(shapes)) > 1:
        raise ValueError(f"only equal shapes can be added, and these are {' and '.join(map(by, shapes))}")
    return shapes[0]


def concat_shape(attributes, shapes) -> Shape:
    if len({shape[:-1] for shape in shapes}) > 1:
        raise ValueError(f"only maps of one size can be stacked, and these are {' and '.join(map(by, shapes))}")
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


def multiply_shape(attributes, shapes) -> Shape:
    main, gate = shapes
    if gate not in (main, (1, 1, main[-1])):
        raise ValueError(f"a gate of {by(gate)} doesn't fit {by(main)}: it needs a number for each channel or sample")
    return main


def by(shape: Shape) -> str:
    """A shape as text: `224 x 224 x 3`."""
    return " x ".join(map(str, shape)) + (" numbers" if len(shape) == 1 else "")
