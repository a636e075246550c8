"""The table of all kinds of layers: attributes, output shape, tensors, multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod

from .attributes import (
    LARGEST_WINDOW,
    MOST_SAMPLES,
    Attribute,
    factors,
    flag,
    number,
    padding,
    pair,
    table,
    whole,
    word,
)
from .layer_rules import (
    Shape,
    TensorSpec,
    adaptive_reads,
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
    shuffled_reads,
    shuffled_shape,
    subsample_biases,
    transposed_reads,
    transposed_shape,
    transposed_tensors,
    unchanged,
    unshuffled_shape,
    upsampled_reads,
    upsampled_shape,
    vector_shape,
    window_shape,
)
from .reads import Reads

_ACTIVATIONS = {  # the name in descriptions: the name in Keras' tables, and the formula
    "relu": ("ReLU", "max(x, 0)"),
    "relu6": ("ReLU6", "min(max(x, 0), 6)"),
    "sigmoid": ("Sigmoid", "1 / (1 + e^-x)"),
    "tanh": ("Tanh", "tanh(x)"),
    "scaled-tanh": ("ScaledTanh", "1.7159 tanh(2x / 3)"),
    "hard-sigmoid": ("HardSigmoid", "relu6(x + 3) / 6"),
    "hard-swish": ("HardSwish", "x hard-sigmoid(x)"),
    "gelu": ("GELU", "x (1 + erf(x / sqrt 2)) / 2"),
    "silu": ("SiLU", "x sigmoid(x)"),
    "mish": ("Mish", "x tanh(log(1 + e^x))"),
    "softmax": ("Softmax", "e^x, divided by its sum over the channels"),
}
ACTIVATIONS = {name: title for name, (title, _) in _ACTIVATIONS.items()}


@dataclass(frozen=True)
class Kind:
    """The rules of one kind of layer."""

    title: str  # its name in Keras' tables
    short: str  # the beginning of default names: conv1, conv2
    about: str  # what it computes, in a line
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    argument: str | None = None  # the attribute written behind the kind: { conv = 64 }
    shape: Callable[[Mapping, tuple[Shape, ...]], Shape] = unchanged
    tensors: Callable[[Mapping, tuple[Shape, ...]], tuple[TensorSpec, ...]] = nothing
    weighted: bool = False  # whether all weights of the first tensor are multiplied at each place of the output
    by_input: bool = False  # whether that is so at each place of the input
    biases: Callable[[Mapping, Shape], int] = biases_of  # connections that are not multiply-adds
    window: bool = False  # whether a window slides over the map
    reads: Callable[[Mapping, int, int, int], Reads] | None = None  # the samples read where no window slides
    whole: bool = False  # whether each output depends on the whole map
    adaptive: bool = False  # whether windows divide the map into a given number of parts
    measures: bool = False  # whether a factor depends on the whole map, and nothing else


# --- the table -------------------------------------------------------------------------------------------------------

_OUT = Attribute(whole(), about="channels of the output")
_SIZE = Attribute(pair(), about="of the window")
_STRIDE = Attribute(pair(), (1, 1), "samples from one window to the next")
_PAD = Attribute(padding, (0, 0, 0, 0), "samples added on each side")
_DILATION = Attribute(pair(), (1, 1), "distance between taps")
_GROUPS = Attribute(whole(), 1, "parts of the channels, each for its part of the output")
_BIAS = Attribute(flag, True, "whether a number is added to each channel")
_CEIL = Attribute(flag, False, "whether the size of the output is rounded up")
_ACTIVATION = Attribute(word(*ACTIVATIONS), None, "applied to the result")
_EPS = Attribute(number(0, 1), 1e-5, "added to the variance")
_AFFINE = Attribute(flag, True, "whether the result has a trained scale and shift for each channel")
_NORM = {"eps": _EPS, "affine": _AFFINE}
_POOL = {"size": _SIZE, "stride": Attribute(pair(), None, "its default is the window's size"), "pad": _PAD}
_DENSE = {"out": _OUT, "bias": _BIAS, "activation": _ACTIVATION}
_FACTOR = Attribute(whole(1, 64), about="side of the square")

_window = partial(Kind, argument="size", shape=window_shape, window=True)
_adaptive = partial(
    Kind,
    attributes={"size": Attribute(pair(), about="of the output")},
    argument="size",
    shape=adaptive_shape,
    reads=adaptive_reads,
    adaptive=True,
)
_dense = partial(Kind, argument="out", attributes=_DENSE, tensors=matrix(), weighted=True)

KINDS: dict[str, Kind] = {
    "conv": Kind(
        "Conv2D",
        "conv",
        "convolution over all channels, as networks compute it: a correlation",
        {
            "out": _OUT,
            "size": _SIZE,
            "stride": _STRIDE,
            "pad": _PAD,
            "dilation": _DILATION,
            "groups": _GROUPS,
            "bias": _BIAS,
            "table": Attribute(table, None, "the input channels of each output channel, if not all"),
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
        "convolution of each channel by itself",
        {
            "size": _SIZE,
            "stride": _STRIDE,
            "pad": _PAD,
            "dilation": _DILATION,
            "bias": _BIAS,
            "activation": _ACTIVATION,
        },
        tensors=depthwise_tensors,
        weighted=True,
    ),
    "pointwise": _dense(
        "Dense",
        "pointwise",
        "fully connected over the channels of each pixel: a 1x1 convolution stored as a matrix",
        shape=lambda a, shapes: (*map_of(shapes)[:2], a["out"]),
    ),
    "transposed": Kind(
        "Conv2DTranspose",
        "transposed",
        "transposed convolution: every sample adds its multiple of the kernel to the output",
        {
            "out": _OUT,
            "size": Attribute(pair(), about="of the kernel"),
            "stride": Attribute(pair(), (1, 1), "output samples from one kernel to the next"),
            "pad": Attribute(padding, (0, 0, 0, 0), "samples cut from each side of the output"),
            "output_pad": Attribute(pair(least=0), (0, 0), "samples added behind the output"),
            "dilation": _DILATION,
            "groups": _GROUPS,
            "bias": _BIAS,
            "activation": _ACTIVATION,
        },
        "out",
        shape=transposed_shape,
        tensors=transposed_tensors,
        weighted=True,
        by_input=True,
        reads=transposed_reads,
    ),
    "fc": _dense("Dense", "fc", "fully connected; needs a flat vector", shape=vector_shape, whole=True),
    "rbf": Kind(
        "RBF",
        "rbf",
        "LeNet's output: squared distances d to fixed patterns, whose likelihoods are exp(-d / scale)",
        {"out": _OUT, "scale": Attribute(number(1e-6), 1.0, "by which distances are divided for likelihoods")},
        "out",
        shape=vector_shape,
        tensors=matrix("centres", trainable=False),
        weighted=True,
        whole=True,
    ),
    "max": _window(
        "MaxPooling2D", "max", "the largest sample of each window", {**_POOL, "dilation": _DILATION, "ceil": _CEIL}
    ),
    "average": _window(
        "AveragePooling2D",
        "average",
        "the mean of each window",
        {**_POOL, "ceil": _CEIL, "count_pad": Attribute(flag, True, "whether padding counts as samples of 0")},
    ),
    "blur": _window(
        "BlurPool2D",
        "blur",
        "a binomial filter with reflected border, sampled at the stride (Zhang 2019)",
        {
            "taps": Attribute(whole(1, 31), about="side of the window"),
            "stride": _STRIDE,
            "pad": Attribute(word("blur"), "blur", "half the window, reflected"),
        },
        argument="taps",
    ),
    "subsample": _window(
        "Subsampling2D",
        "subsample",
        "LeNet's pooling: the sum of each window times a coefficient, plus a bias",
        {**_POOL, "activation": _ACTIVATION},
        tensors=each_channel("weight", "bias"),
        biases=subsample_biases,
    ),
    "adaptive-average": _adaptive(
        "AdaptiveAveragePooling2D", "pool", "the means of windows that divide the map into a given number of parts"
    ),
    "adaptive-max": _adaptive(
        "AdaptiveMaxPooling2D",
        "pool",
        "the largest samples of windows that divide the map into a given number of parts",
    ),
    "global-average": Kind(
        "GlobalAveragePooling2D",
        "pool",
        "the mean of each channel over the whole map",
        shape=lambda a, shapes: (1, 1, map_of(shapes)[2]),
        whole=True,
    ),
    "upsample": Kind(
        "UpSampling2D",
        "upsample",
        "more rows and columns, by repeating or interpolating, as torch's interpolate",
        {
            "factor": Attribute(factors(LARGEST_WINDOW), None, "this or a size; the output's size is rounded down"),
            "size": Attribute(pair(MOST_SAMPLES), None, "of the output"),
            "mode": Attribute(word("nearest", "bilinear"), "nearest", "how samples in between are made"),
            "corners": Attribute(
                flag, False, "bilinear: whether the corners' samples keep their places (torch's align_corners)"
            ),
        },
        "factor",
        shape=upsampled_shape,
        reads=upsampled_reads,
    ),
    "pixel-shuffle": Kind(
        "PixelShuffle",
        "shuffle",
        "factor^2 channels become a square of pixels (Shi and others 2016)",
        {"factor": _FACTOR},
        "factor",
        shape=shuffled_shape,
        reads=shuffled_reads,
    ),
    "pixel-unshuffle": Kind(
        "PixelUnshuffle",
        "unshuffle",
        "squares of pixels become factor^2 channels: the reverse of pixel-shuffle",
        {"factor": _FACTOR},
        "factor",
        shape=unshuffled_shape,
        window=True,
    ),
    "batchnorm": Kind(
        "BatchNormalization",
        "bn",
        "batch normalisation with the running mean and variance",
        _NORM,
        tensors=each_channel("scale", "shift", "mean", "variance", fixed=("mean", "variance")),
    ),
    "groupnorm": Kind(
        "GroupNormalization",
        "gn",
        "normalised over all pixels of a group of channels (Wu and He 2018)",
        {"groups": Attribute(whole(), about="parts of the channels"), **_NORM},
        "groups",
        shape=grouped_shape,
        tensors=each_channel("scale", "shift"),
        measures=True,
    ),
    "layernorm": Kind(
        "LayerNormalization",
        "ln",
        "normalised over the channels of each pixel",
        _NORM,
        tensors=each_channel("scale", "shift"),
    ),
    "lrn": Kind(
        "LRN",
        "lrn",
        "local response normalisation: a / (k + alpha sum a^2)^beta over n channels",
        {
            "n": Attribute(whole(1, 1 << 10), 5, "channels that are summed"),
            "alpha": Attribute(number(), 1e-4, "the paper's, which is torch's divided by n"),
            "beta": Attribute(number(), 0.75, "exponent"),
            "k": Attribute(number(), 2.0, "added to the sum"),
        },
        "n",
        shape=lambda a, shapes: map_of(shapes),
    ),
    "layer-scale": Kind(
        "LayerScale",
        "scale",
        "each channel times a trained number",
        shape=lambda a, shapes: map_of(shapes),
        tensors=layer_scale,
    ),
    "flatten": Kind(
        "Flatten", "flatten", "a map as a flat vector", shape=lambda a, shapes: (prod(shapes[0]),), whole=True
    ),
    "dropout": Kind(
        "Dropout",
        "dropout",
        "the input as it is: samples are dropped in training only",
        {"rate": Attribute(number(0, 1), 0.5, "share of samples that training drops")},
        "rate",
    ),
    "leaky": Kind(
        "LeakyReLU",
        "leaky",
        "x, or slope x where x is negative",
        {"slope": Attribute(number(0, 1e3), 0.01, "factor of negative samples")},
        "slope",
    ),
    "prelu": Kind("PReLU", "prelu", "as leaky, with a trained slope for each channel", tensors=each_channel("weight")),
    **{name: Kind(title, name, formula) for name, (title, formula) in _ACTIVATIONS.items()},
    "add": Kind("Add", "add", "the sum of two paths; written { residual = [...] }", shape=add_shape),
    "concat": Kind(
        "Concatenate", "concat", "the channels of all paths; written { concat = [[...], [...]] }", shape=concat_shape
    ),
    "multiply": Kind("Multiply", "multiply", "one path times another; written { gate = [...] }", shape=multiply_shape),
}
JOINS = ("add", "concat", "multiply")
