"""The table of all kinds of layers: attributes, output shape, tensors, multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod

from .attributes import MOST_SAMPLES, Attribute, flag, number, padding, pair, table, whole, word
from .layer_rules import (
    Shape,
    TensorSpec,
    adaptive_shape,
    add_shape,
    biases_of,
    concat_shape,
    conv_shape,
    conv_tensors,
    depthwise_tensors,
    each_channel,
    grouped_shape,
    layer_scale,
    map_of,
    matrix,
    multiply_shape,
    nothing,
    shuffled_shape,
    subsample_biases,
    transposed_shape,
    transposed_tensors,
    unchanged,
    unshuffled_shape,
    upsampled_shape,
    vector_shape,
    window_shape,
)

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
class Kind:
    """The rules of one kind of layer."""

    title: str  # its name in Keras' tables
    short: str  # the beginning of default names: conv1, conv2
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    argument: str | None = None  # the attribute written behind the kind: { conv = 64 }
    shape: Callable[[Mapping, tuple[Shape, ...]], Shape] = unchanged
    tensors: Callable[[Mapping, tuple[Shape, ...]], tuple[TensorSpec, ...]] = nothing
    weighted: bool = False  # whether all weights of the first tensor are multiplied at each place of the output
    by_input: bool = False  # whether that is so at each place of the input
    biases: Callable[[Mapping, Shape], int] = biases_of  # connections that are not multiply-adds
    window: bool = False  # whether a window slides over the map
    whole: bool = False  # whether each output depends on the whole map
    adaptive: bool = False  # whether windows divide the map into so many rows and columns as are wanted
    enlarges: bool = False  # whether which samples an output depends on repeats only after several outputs
    measures: bool = False  # whether a factor depends on the whole map, and nothing else


# --- the table -------------------------------------------------------------------------------------------------------

_SIZE, _STRIDE, _ONE = Attribute(pair()), Attribute(pair(), (1, 1)), Attribute(pair(), (1, 1))
_PAD, _TRUE, _FALSE = Attribute(padding, (0, 0, 0, 0)), Attribute(flag, True), Attribute(flag, False)
_OUT, _ACTIVATION = Attribute(whole()), Attribute(word(*ACTIVATIONS), None)
_EPS = {"eps": Attribute(number(0, 1), 1e-5)}
_POOL = {"size": _SIZE, "stride": Attribute(pair(), None), "pad": _PAD}  # the default stride is the window's size
_DENSE = {"out": _OUT, "bias": _TRUE, "activation": _ACTIVATION}

_window = partial(Kind, argument="size", shape=window_shape, window=True)
_adaptive = partial(
    Kind, short="pool", attributes={"size": _SIZE}, argument="size", shape=adaptive_shape, adaptive=True
)
_dense = partial(Kind, "Dense", argument="out", attributes=_DENSE, tensors=matrix(), weighted=True)

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
        shape=conv_shape,
        tensors=conv_tensors,
        weighted=True,
        window=True,
    ),
    "depthwise": _window(
        "DepthwiseConv2D",
        "depthwise",
        {"size": _SIZE, "stride": _STRIDE, "pad": _PAD, "dilation": _ONE, "bias": _TRUE, "activation": _ACTIVATION},
        tensors=depthwise_tensors,
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
        tensors=each_channel("weight", "bias"),
        biases=subsample_biases,
    ),
    "global-average": Kind(
        "GlobalAveragePooling2D", "pool", shape=lambda a, shapes: (1, 1, map_of(shapes)[2]), whole=True
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
        shape=transposed_shape,
        tensors=transposed_tensors,
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
        shape=upsampled_shape,
        enlarges=True,
    ),
    "pixel-shuffle": Kind(  # Shi and others 2016: factor^2 channels become a square of pixels
        "PixelShuffle", "shuffle", {"factor": Attribute(whole(1, 64))}, "factor", shape=shuffled_shape, enlarges=True
    ),
    "pixel-unshuffle": Kind(
        "PixelUnshuffle",
        "unshuffle",
        {"factor": Attribute(whole(1, 64))},
        "factor",
        shape=unshuffled_shape,
        window=True,
    ),
    # a fully connected layer over the channels of each pixel: a 1x1 convolution stored as a matrix
    "pointwise": _dense("pointwise", shape=lambda a, shapes: (*map_of(shapes)[:2], a["out"])),
    "flatten": Kind("Flatten", "flatten", shape=lambda a, shapes: (prod(shapes[0]),), whole=True),
    "fc": _dense("fc", shape=vector_shape, whole=True),
    "rbf": Kind(  # LeNet's output: squared distances d to fixed patterns, whose likelihoods are exp(-d / scale)
        "RBF",
        "rbf",
        {"out": _OUT, "scale": Attribute(number(1e-6), 1.0)},
        "out",
        shape=vector_shape,
        tensors=matrix("centres", trainable=False),
        weighted=True,
        whole=True,
    ),
    "batchnorm": Kind(
        "BatchNormalization",
        "bn",
        _EPS,
        tensors=each_channel("scale", "shift", "mean", "variance", fixed=("mean", "variance")),
    ),
    "groupnorm": Kind(  # Wu and He 2018: normalised over all pixels of a group of channels
        "GroupNormalization",
        "gn",
        {"groups": Attribute(whole()), **_EPS},
        "groups",
        shape=grouped_shape,
        tensors=each_channel("scale", "shift"),
        measures=True,
    ),
    "layernorm": Kind("LayerNormalization", "ln", _EPS, tensors=each_channel("scale", "shift")),
    "layer-scale": Kind("LayerScale", "scale", shape=lambda a, shapes: map_of(shapes), tensors=layer_scale),
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
        shape=lambda a, shapes: map_of(shapes),
    ),
    "dropout": Kind("Dropout", "dropout", {"rate": Attribute(number(0, 1), 0.5)}, "rate"),
    "leaky": Kind("LeakyReLU", "leaky", {"slope": Attribute(number(0, 1e3), 0.01)}, "slope"),
    "prelu": Kind("PReLU", "prelu", tensors=each_channel("weight")),
    **{name: Kind(title, name) for name, title in ACTIVATIONS.items()},
    "add": Kind("Add", "add", shape=add_shape),
    "concat": Kind("Concatenate", "concat", shape=concat_shape),
    "multiply": Kind("Multiply", "multiply", shape=multiply_shape),
}
JOINS = ("add", "concat", "multiply")
