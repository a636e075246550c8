"""The table of all kinds of layers: attributes, output shape, tensors, multiply-adds.

Shapes are (rows, columns, channels) for maps and (numbers,) for vectors. The rules are functions of a layer's attributes and the
shapes of its inputs; they raise ValueError, with the reason, if there can be no such layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod

from ..geometry.axis import Axis, balanced_padding, make_axis
from .attributes import MOST_SAMPLES, Attribute, flag, number, padding, pair, table, whole, word

Shape = tuple[int, ...]
ACTIVATIONS = {  # the name in descriptions: the name in Keras' tables
    "relu": "ReLU",
    "relu6": "ReLU6",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "scaled-tanh": "ScaledTanh",  # 1.7159 tanh(2x/3)
    "hard-sigmoid": "HardSigmoid",  # ReLU6(x + 3) / 6
    "hard-swish": "HardSwish",  # x hard-sigmoid(x)
    "gelu": "GELU",  # x (1 + erf(x / sqrt 2)) / 2
    "silu": "SiLU",  # x sigmoid(x)
    "mish": "Mish",  # x tanh(log(1 + e^x))
    "softmax": "Softmax",
}


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


def _nothing(attributes, shapes) -> tuple[TensorSpec, ...]:
    return ()


def _biases(attributes, out) -> int:
    return prod(out) if attributes.get("bias") else 0


def _unchanged(attributes, shapes) -> Shape:
    return shapes[0]


@dataclass(frozen=True)
class Kind:
    """The rules of one kind of layer."""

    title: str  # its name in Keras' tables
    short: str  # the beginning of default names: conv1, conv2
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    argument: str | None = None  # the attribute written behind the kind: { conv = 64 }
    shape: Callable[[Mapping, tuple[Shape, ...]], Shape] = _unchanged
    tensors: Callable[[Mapping, tuple[Shape, ...]], tuple[TensorSpec, ...]] = _nothing
    weighted: bool = False  # whether all weights of the first tensor are multiplied at each place of the output
    by_input: bool = False  # whether that is so at each place of the input
    biases: Callable[[Mapping, Shape], int] = _biases  # connections that are not multiply-adds
    window: bool = False  # whether a window slides over the map
    whole: bool = False  # whether each output depends on the whole map
    adaptive: bool = False  # whether windows divide the map into so many rows and columns as are wanted
    enlarges: bool = False  # whether which samples an output depends on repeats only after several outputs
    measures: bool = False  # whether a factor depends on the whole map, and nothing else


# --- windows ---------------------------------------------------------------------------------------------------------


def axes(attributes: Mapping, shape: Shape) -> tuple[Axis, Axis]:
    """Both axes of the window on a map: output sizes, padding, stride, dilation. Raises ValueError."""
    found = []
    size = attributes["size"] if "size" in attributes else (attributes["taps"], attributes["taps"])
    stride, dilation = attributes["stride"] or size, attributes.get("dilation", (1, 1))
    for i, name in enumerate(("rows", "columns")):
        taps, pad = size[i], attributes["pad"]
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


def adaptive_ranges(size: int, count: int) -> list[tuple[int, int]]:
    """First and last + 1 of the samples of each of `count` windows on an axis of `size`: torch's, which may overlap."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def adaptive_axes(attributes: Mapping, shape: Shape) -> tuple[Axis, ...]:
    """Both axes of adaptive windows, where they are all of one size; none otherwise."""
    found = []
    for name, size, count in zip(("rows", "columns"), shape, attributes["size"], strict=False):
        if size % count:
            return ()
        found.append(make_axis(size, size // count, 0, (0, 0), size // count, 1, name))
    return tuple(found)


def _adaptive_shape(attributes, shapes) -> Shape:
    return (*attributes["size"], _map(shapes)[2])


def _transposed_shape(attributes, shapes) -> Shape:
    channels, out, groups, sides = _map(shapes)[2], attributes["out"], attributes["groups"], attributes["pad"]
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


def _transposed_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), out = attributes["size"], attributes["out"]
    sizes = {"O": out // attributes["groups"], "I": shapes[0][2], "H": rows, "W": columns}
    return (TensorSpec("transposed", "OIHW", sizes), *_bias(attributes, out))


def _upsampled_shape(attributes, shapes) -> Shape:
    rows, columns, channels = _map(shapes)
    factor, size = attributes["factor"], attributes["size"]
    if (factor is None) == (size is None):
        raise ValueError("it needs a factor or a size, one of the two")
    if attributes["corners"] and attributes["mode"] != "bilinear":
        raise ValueError("corners go with the mode bilinear")
    size = (rows * factor[0], columns * factor[1]) if size is None else size
    if max(size) > MOST_SAMPLES:
        raise ValueError(f"{by(size)} samples are too many")
    return (*size, channels)


def _shuffled_shape(attributes, shapes) -> Shape:
    (rows, columns, channels), factor = _map(shapes), attributes["factor"]
    if channels % factor**2:
        raise ValueError(f"{channels} channels are no multiple of {factor**2}")
    return rows * factor, columns * factor, channels // factor**2


def _unshuffled_shape(attributes, shapes) -> Shape:
    (rows, columns, channels), factor = _map(shapes), attributes["factor"]
    if rows % factor or columns % factor:
        raise ValueError(f"{by((rows, columns))} samples are no multiple of {factor}")
    return rows // factor, columns // factor, channels * factor**2


def _grouped_shape(attributes, shapes) -> Shape:
    channels, groups = _map(shapes)[2], attributes["groups"]
    if channels % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels evenly")
    return shapes[0]


def _map(shapes) -> Shape:
    (shape,) = shapes
    if len(shape) != 3:
        raise ValueError("it needs maps, but gets a flat vector; put it before the flatten")
    return shape


def _window_shape(attributes, shapes) -> Shape:
    rows, columns = axes(attributes, _map(shapes))
    return rows.out, columns.out, attributes["out"] if "out" in attributes else shapes[0][2]


def _conv_shape(attributes, shapes) -> Shape:
    channels, out, groups, connected = _map(shapes)[2], attributes["out"], attributes["groups"], attributes["table"]
    if channels % groups or out % groups:
        raise ValueError(f"{groups} groups divide neither {channels} channels in and {out} out evenly")
    if connected and (groups > 1 or len(connected) != out or max(map(max, connected)) >= channels):
        raise ValueError(f"its table needs a list for each of {out} maps, of maps 0 to {channels - 1}, and no groups")
    return _window_shape(attributes, shapes)


def _conv_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), out = attributes["size"], attributes["out"]
    inputs = shapes[0][2] // attributes["groups"]
    count = rows * columns * sum(map(len, attributes["table"])) if attributes["table"] else None
    sizes = {"O": out, "I": inputs, "H": rows, "W": columns}
    return (TensorSpec("weight", "OIHW", sizes, count=count), *_bias(attributes, out))


def _depthwise_tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
    (rows, columns), channels = attributes["size"], shapes[0][2]
    sizes = {"O": channels, "I": 1, "H": rows, "W": columns}
    return (TensorSpec("depthwise", "OIHW", sizes), *_bias(attributes, channels))


def _subsample_biases(attributes, out) -> int:
    return prod(out) * (prod(attributes["size"]) + 1)  # as LeCun counts: every sample read, and the bias


def _bias(attributes, channels) -> tuple[TensorSpec, ...]:
    return (_vector("bias", channels),) if attributes["bias"] else ()


def _vector(role: str, channels: int, trainable: bool = True) -> TensorSpec:
    return TensorSpec(role, "O", {"O": channels}, trainable)


# --- vectors and matrices --------------------------------------------------------------------------------------------


def _vector_shape(attributes, shapes) -> Shape:
    (shape,) = shapes
    if len(shape) != 1:
        raise ValueError(f'it needs a flat vector, but gets {by(shape)}; put "flatten" before it')
    return (attributes["out"],)


def _matrix(role: str = "weight", trainable: bool = True) -> Callable:
    def tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
        out, inputs = attributes["out"], shapes[0][-1]
        bias = _bias(attributes, out) if "bias" in attributes else ()
        return (TensorSpec(role, "OI", {"O": out, "I": inputs}, trainable), *bias)

    return tensors


def _each_channel(*roles: str, fixed: tuple[str, ...] = ()) -> Callable:
    def tensors(attributes, shapes) -> tuple[TensorSpec, ...]:
        return tuple(_vector(role, shapes[0][-1], role not in fixed) for role in roles)

    return tensors


def _layer_scale(attributes, shapes) -> tuple[TensorSpec, ...]:
    return (TensorSpec("layer_scale", "OHW", {"O": shapes[0][-1], "H": 1, "W": 1}),)


# --- joins -----------------------------------------------------------------------------------------------------------


def _add_shape(attributes, shapes) -> Shape:
    if len(set(shapes)) > 1:
        raise ValueError(f"only equal shapes can be added, and these are {' and '.join(map(by, shapes))}")
    return shapes[0]


def _concat_shape(attributes, shapes) -> Shape:
    if len({shape[:-1] for shape in shapes}) > 1:
        raise ValueError(f"only maps of one size can be stacked, and these are {' and '.join(map(by, shapes))}")
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


def _multiply_shape(attributes, shapes) -> Shape:
    main, gate = shapes
    if gate not in (main, (1, 1, main[-1])):
        raise ValueError(f"a gate of {by(gate)} doesn't fit {by(main)}: it needs a number for each channel or sample")
    return main


def by(shape: Shape) -> str:
    """A shape as text: `224 x 224 x 3`."""
    return " x ".join(map(str, shape)) + (" numbers" if len(shape) == 1 else "")


# --- the table -------------------------------------------------------------------------------------------------------

_SIZE, _STRIDE, _ONE = Attribute(pair()), Attribute(pair(), (1, 1)), Attribute(pair(), (1, 1))
_PAD, _TRUE, _FALSE = Attribute(padding, (0, 0, 0, 0)), Attribute(flag, True), Attribute(flag, False)
_OUT, _ACTIVATION = Attribute(whole()), Attribute(word(*ACTIVATIONS), None)
_EPS = {"eps": Attribute(number(0, 1), 1e-5)}
_POOL = {"size": _SIZE, "stride": Attribute(pair(), None), "pad": _PAD}  # the default stride is the window's size
_DENSE = {"out": _OUT, "bias": _TRUE, "activation": _ACTIVATION}

_window = partial(Kind, argument="size", shape=_window_shape, window=True)
_adaptive = partial(
    Kind, short="pool", attributes={"size": _SIZE}, argument="size", shape=_adaptive_shape, adaptive=True
)
_dense = partial(Kind, "Dense", argument="out", attributes=_DENSE, tensors=_matrix(), weighted=True)

KINDS: dict[str, Kind] = {
    "conv": Kind(
        "Conv2D",
        "conv",
        {
            "out": _OUT,
            "size": _SIZE,
            "stride": _STRIDE,
            "pad": _PAD,
            "dilation": _ONE,
            "groups": Attribute(whole(), 1),
            "bias": _TRUE,
            "table": Attribute(table, None),
            "activation": _ACTIVATION,
        },
        "out",
        shape=_conv_shape,
        tensors=_conv_tensors,
        weighted=True,
        window=True,
    ),
    "depthwise": _window(
        "DepthwiseConv2D",
        "depthwise",
        {"size": _SIZE, "stride": _STRIDE, "pad": _PAD, "dilation": _ONE, "bias": _TRUE, "activation": _ACTIVATION},
        tensors=_depthwise_tensors,
        weighted=True,
    ),
    "max": _window("MaxPooling2D", "max", {**_POOL, "dilation": _ONE, "ceil": _FALSE}),
    "average": _window("AveragePooling2D", "average", {**_POOL, "ceil": _FALSE, "count_pad": _TRUE}),
    "blur": _window(  # a binomial filter with reflected border: Zhang 2019
        "BlurPool2D",
        "blur",
        {"taps": Attribute(whole(1, 31)), "stride": _STRIDE, "pad": Attribute(word("blur"), "blur")},
        argument="taps",
    ),
    "subsample": _window(  # LeNet: the sum of a window times a coefficient, plus a bias
        "Subsampling2D",
        "subsample",
        {**_POOL, "activation": _ACTIVATION},
        tensors=_each_channel("weight", "bias"),
        biases=_subsample_biases,
    ),
    "global-average": Kind(
        "GlobalAveragePooling2D", "pool", shape=lambda a, shapes: (1, 1, _map(shapes)[2]), whole=True
    ),
    # torch's: window i of n has the samples from i size / n, rounded down, up to (i + 1) size / n, rounded up
    "adaptive-average": _adaptive("AdaptiveAveragePooling2D"),
    "adaptive-max": _adaptive("AdaptiveMaxPooling2D"),
    "transposed": Kind(  # every sample adds its multiple of the kernel to the output
        "Conv2DTranspose",
        "transposed",
        {
            "out": _OUT,
            "size": _SIZE,
            "stride": _STRIDE,
            "pad": _PAD,
            "output_pad": Attribute(pair(least=0), (0, 0)),
            "dilation": _ONE,
            "groups": Attribute(whole(), 1),
            "bias": _TRUE,
            "activation": _ACTIVATION,
        },
        "out",
        shape=_transposed_shape,
        tensors=_transposed_tensors,
        weighted=True,
        by_input=True,
        enlarges=True,
    ),
    "upsample": Kind(
        "UpSampling2D",
        "upsample",
        {
            "factor": Attribute(pair(), None),
            "size": Attribute(pair(MOST_SAMPLES), None),
            "mode": Attribute(word("nearest", "bilinear"), "nearest"),
            "corners": _FALSE,  # bilinear: whether the corners' pixels keep their values (torch's align_corners)
        },
        "factor",
        shape=_upsampled_shape,
        enlarges=True,
    ),
    "pixel-shuffle": Kind(  # Shi and others 2016: factor^2 channels become a square of pixels
        "PixelShuffle", "shuffle", {"factor": Attribute(whole(1, 64))}, "factor", shape=_shuffled_shape, enlarges=True
    ),
    "pixel-unshuffle": Kind(
        "PixelUnshuffle",
        "unshuffle",
        {"factor": Attribute(whole(1, 64))},
        "factor",
        shape=_unshuffled_shape,
        enlarges=True,
    ),
    # a fully connected layer over the channels of each pixel: a 1x1 convolution stored as a matrix
    "pointwise": _dense("pointwise", shape=lambda a, shapes: (*_map(shapes)[:2], a["out"])),
    "flatten": Kind("Flatten", "flatten", shape=lambda a, shapes: (prod(shapes[0]),), whole=True),
    "fc": _dense("fc", shape=_vector_shape, whole=True),
    "rbf": Kind(  # LeNet's output: squared distances d to fixed patterns, whose likelihoods are exp(-d / scale)
        "RBF",
        "rbf",
        {"out": _OUT, "scale": Attribute(number(1e-6), 1.0)},
        "out",
        shape=_vector_shape,
        tensors=_matrix("centres", trainable=False),
        weighted=True,
        whole=True,
    ),
    "batchnorm": Kind(
        "BatchNormalization",
        "bn",
        _EPS,
        tensors=_each_channel("scale", "shift", "mean", "variance", fixed=("mean", "variance")),
    ),
    "groupnorm": Kind(  # Wu and He 2018: normalised over all pixels of a group of channels
        "GroupNormalization",
        "gn",
        {"groups": Attribute(whole()), **_EPS},
        "groups",
        shape=_grouped_shape,
        tensors=_each_channel("scale", "shift"),
        measures=True,
    ),
    "layernorm": Kind("LayerNormalization", "ln", _EPS, tensors=_each_channel("scale", "shift")),
    "layer-scale": Kind("LayerScale", "scale", shape=lambda a, shapes: _map(shapes), tensors=_layer_scale),
    "lrn": Kind(  # a / (k + alpha sum a^2)^beta over n channels; alpha is the paper's, which is torch's divided by n
        "LRN",
        "lrn",
        {
            "n": Attribute(whole(1, 1 << 10), 5),
            "alpha": Attribute(number(), 1e-4),
            "beta": Attribute(number(), 0.75),
            "k": Attribute(number(), 2.0),
        },
        "n",
        shape=lambda a, shapes: _map(shapes),
    ),
    "dropout": Kind("Dropout", "dropout", {"rate": Attribute(number(0, 1), 0.5)}, "rate"),
    "leaky": Kind("LeakyReLU", "leaky", {"slope": Attribute(number(0, 1e3), 0.01)}, "slope"),
    "prelu": Kind("PReLU", "prelu", tensors=_each_channel("weight")),
    **{name: Kind(title, name) for name, title in ACTIVATIONS.items()},
    "add": Kind("Add", "add", shape=_add_shape),
    "concat": Kind("Concatenate", "concat", shape=_concat_shape),
    "multiply": Kind("Multiply", "multiply", shape=_multiply_shape),
}
JOINS = ("add", "concat", "multiply")
