"""`Graph`: a network's layers with their inputs, attributes and tensors, and their shapes and costs at an input size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..errors import OptionError, nearest
from ..geometry.axis import Axis
from ..lazy import cached_property
from .layer_kinds import KINDS, Kind
from .layer_rules import Shape, TensorSpec, axes, by
from .reads import Reads, of_axis
from .receptive_field import Field

INPUT = "input"  # the name of the network's input
BYTES = 4  # of a float32


@dataclass(frozen=True)
class Layout:
    """How a library stores weights: the order of their axes, and their names."""

    window: str
    depthwise: str
    transposed: str
    matrix: str
    flatten: str  # the order of axes in which maps are flattened
    names: Mapping[str, str]
    ignored: tuple[str, ...] = ()  # ends of keys that are ignored

    def axes(self, spec: TensorSpec) -> str:
        """The order of a tensor's axes in files of this library."""
        if spec.axes == "OIHW":
            return {"depthwise": self.depthwise, "transposed": self.transposed}.get(spec.role, self.window)
        return self.matrix if spec.axes == "OI" else spec.axes


_TORCH = {
    "depthwise": "weight",
    "transposed": "weight",
    "centres": "weight",
    "scale": "weight",
    "shift": "bias",
    "mean": "running_mean",
    "variance": "running_var",
    "layer_scale": "",  # the layer's name alone
}
_KERAS = {
    "weight": "kernel",
    "depthwise": "depthwise_kernel",
    "transposed": "kernel",
    "centres": "kernel",
    "scale": "gamma",
    "shift": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
    "layer_scale": "gamma",
}
LAYOUTS = {
    "torch": Layout("OIHW", "OIHW", "IOHW", "OI", "CHW", _TORCH, (".num_batches_tracked",)),
    "keras": Layout("HWIO", "HWOI", "HWOI", "IO", "HWC", _KERAS),
    "mlx": Layout("OHWI", "OHWI", "OHWI", "OI", "HWC", _TORCH),
}


@dataclass(frozen=True)
class Tensor:
    """One array of a layer as it is stored in a file of weights.

    `axes` names the array's axes: O and I are channels out and in, H and W rows and columns of the window. `count` is the
    number of weights that are used: fewer than all if a table connects only some maps; the others are 0.
    """

    role: str  # weight, bias, depthwise, centres, scale, shift, mean, variance, layer_scale
    key: str
    axes: str
    shape: tuple[int, ...]
    trainable: bool
    count: int

    @classmethod
    def stored(cls, spec: TensorSpec, layer: str, layout: Layout) -> Tensor:
        """The tensor of a layer with its key, axes and shape in a library's files."""
        order = layout.axes(spec)
        shape = tuple(spec.sizes[axis] for axis in order)
        key = f"{layer}.{layout.names.get(spec.role, spec.role)}".removesuffix(".")
        return cls(spec.role, key, order, shape, spec.trainable, spec.numbers)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Layer:
    """One layer: its name, kind, attributes, inputs and tensors.

    `attributes` has every attribute of the kind (imconv/net/layer_kinds.py), with defaults: windows, strides and dilations
    as (rows, columns), padding as (top, bottom, left, right) or "same". `inputs` are names of layers or "input".
    """

    name: str
    kind: str
    attributes: Mapping
    inputs: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    share: str | None = None  # the layer whose tensors it has

    def __repr__(self) -> str:
        return f"Layer({self.name!r}, {self.kind!r}, {dict(self.attributes)}, {self.inputs})"

    @property
    def rules(self) -> Kind:
        return KINDS[self.kind]

    @property
    def parameters(self) -> int:
        """The number of trained weights; 0 where they are another layer's."""
        return 0 if self.share else sum(tensor.count for tensor in self.tensors if tensor.trainable)

    @property
    def fixed(self) -> int:
        """The number of weights that are not trained: running means and variances, fixed patterns."""
        return 0 if self.share else sum(tensor.count for tensor in self.tensors if not tensor.trainable)


@dataclass(frozen=True)
class Preprocess:
    """How a picture is prepared for a network.

    In this order: resize, crop from the middle, pad, order the channels, divide, subtract the mean, divide by the standard
    deviation. `resize` is (n,) for the shorter side, or (rows, columns).
    """

    resize: tuple[int, ...] | None = None
    crop: tuple[int, int] | None = None
    pad: int = 0
    filter: str = "bilinear"
    channels: str = "rgb"
    divide: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Expects:
    """What a network expects to see, beyond a picture's size: notes say where a picture is otherwise.

    `picture` says it in words. `ground` is what surrounds the figure, "black" or "white"; `side` is the longer side of the
    figure, in samples of the input; `centred` says that the figure lies in the middle.
    """

    picture: str
    ground: str | None = None
    side: int | None = None
    centred: bool = False


@dataclass(frozen=True)
class Placed:
    """A layer placed in a network with an input of a given size."""

    layer: Layer
    inputs: tuple[Shape, ...]
    shape: Shape  # (rows, columns, channels), or (numbers,)
    axes: tuple[Axis, ...]  # two of a sliding window, else none; with ceil, `span` may reach beyond the padding
    reads: tuple[
        Reads, ...
    ]  # the rows and columns that outputs read, none where they read the same place or the whole map
    fields: tuple[Field, ...]  # the receptive field, rows and columns; none for the whole input
    gated: bool  # whether it or a layer before it is multiplied by a factor that depends on the whole input
    note: str  # a remark on joined branches that are misaligned
    macs: int
    connections: int  # multiply-adds and biases, as LeCun counted them

    @property
    def bytes(self) -> int:
        """Bytes of its output as float32."""
        return BYTES * prod(self.shape)


@dataclass(frozen=True)
class Graph:
    """A network's layers, and their shapes and costs at any input size. The subclass `Network` also runs it."""

    name: str
    about: str
    source: str
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    preprocess: Preprocess | None = None
    expects: Expects | None = None
    shipped: str | None = None  # the path of the weights that come with imconv
    ignored: tuple[str, ...] = ()  # beginnings of keys in files of weights that are ignored
    ignored_ends: tuple[str, ...] = ()

    @cached_property
    def _index(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    def layer(self, name: str) -> Layer:
        """The layer of that name. Raises OptionError, which proposes the nearest name."""
        if name not in self._index:
            raise OptionError(f"{self.name} has no layer {name!r}{nearest(name, self._index)}")
        return self._index[name]

    @property
    def parameters(self) -> int:
        """The number of trained weights of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its key."""
        return {tensor.key: tensor for layer in self.layers for tensor in layer.tensors}

    def ignores(self, key: str) -> bool:
        """Whether a key in a file of weights is not needed to run the network, such as torch's counts of batches."""
        own = tuple(
            f"{layer.name}." for layer in self.layers if layer.share
        )  # torch stores shared weights under every name
        return key.startswith((*self.ignored, *own)) or key.endswith(self.ignored_ends)

    def parse_shape(self, shape) -> tuple[int, int, int]:
        """An input's shape from None (the network's own), (rows, columns) or (rows, columns, channels)."""
        if shape is None:
            return self.input_shape
        try:
            numbers = tuple(int(n) for n in shape)
            right = all(a == b for a, b in zip(numbers, shape, strict=True))
        except (TypeError, ValueError, OverflowError):
            numbers, right = (), False
        channels = self.input_shape[2]
        if not right or len(numbers) not in (2, 3) or not all(1 <= n <= 1 << 20 for n in numbers):
            raise OptionError(f"an input is (rows, columns, {channels}), each from 1 to {1 << 20}, not {shape!r}")
        if numbers[2:] not in ((), (channels,)):
            raise OptionError(f"{self.name} takes {channels} channels, not {numbers[2]}")
        return numbers[0], numbers[1], channels

    def resolve(self, shape=None, *, until: str | None = None) -> tuple[Placed, ...]:
        """Every layer placed for an input of `shape`, in order, up to the layer `until`.

        Raises OptionError if the input is too small, or if a fully connected layer is made for another size.
        """
        shape = self.parse_shape(shape)
        placed: dict[str, Placed] = {}
        if until is not None:
            self.layer(until)
        for layer in self.layers:
            try:
                placed[layer.name] = place(layer, shape, [placed.get(name) for name in layer.inputs])
            except ValueError as error:
                made = by(self.input_shape)
                raise OptionError(
                    f"{self.name}, which is made for {made}, can't take {by(shape)}: {layer.name} ({layer.kind}): {error}"
                ) from None
            if layer.name == until:
                break
        return tuple(placed.values())

    def receptive_field(self, layer: str, shape=None) -> tuple[Field, Field] | None:
        """The receptive field of a layer's outputs: a `Field` with size, jump and start for rows and for columns.

        None if an output depends on the whole input. The factors of squeeze and excitation, which depend on the whole map,
        are not counted. `shape` matters only if padding, or the size of a layer's output, depends on it.

        >>> from imconv.net import load
        >>> rows, columns = load("keras-vanilla").receptive_field("pool2")
        >>> rows.size, rows.jump, rows.start
        (22, 8, 11.0)
        """
        fields = self.resolve(shape, until=layer)[-1].fields
        return (fields[0], fields[1]) if fields else None


def place(layer: Layer, shape: Shape, before: list[Placed | None]) -> Placed:
    """Place a layer behind its inputs; None stands for the network's input, of `shape`. ValueError if it does not fit."""
    rules, attributes = layer.rules, layer.attributes
    shapes = tuple(shape if one is None else one.shape for one in before)
    out = rules.shape(attributes, shapes)
    if layer.tensors and len(shapes[0]) == 1:  # the length of a vector depends on the input's size
        made = layer.tensors[0].count // attributes.get("out", 1)
        if made != shapes[0][0]:
            raise ValueError(
                f"it is fully connected to {made} numbers and would get {shapes[0][0]}; only networks without such a layer "
                "behind maps take any size"
            )
    sliding = axes(attributes, shapes[0]) if rules.window else ()
    reads = tuple(map(of_axis, sliding))
    if rules.reads is not None:
        reads = tuple(rules.reads(attributes, axis, shapes[0][axis], out[axis]) for axis in (0, 1))
    fields, gated, note = _seen(layer, reads, before, out)
    macs = prod((shapes[0] if rules.by_input else out)[:-1]) * layer.tensors[0].count if rules.weighted else 0
    connections = macs + rules.biases(attributes, out)
    return Placed(layer, shapes, out, sliding, reads, fields, gated, note, macs, connections)


def _seen(
    layer: Layer, reads: tuple[Reads, ...], before: list[Placed | None], shape: Shape
) -> tuple[tuple[Field, ...], bool, str]:
    """The receptive field, whether it is gated, and a note."""
    inputs = [(Field(), Field()) if one is None else one.fields for one in before]
    gated = any(one is not None and one.gated for one in before)
    if layer.kind == "multiply" and not inputs[1]:  # squeeze and excitation: only a factor depends on the whole input
        return inputs[0], True, ""
    if layer.rules.measures:
        return inputs[0], True, ""
    if layer.rules.whole or not all(inputs):
        return (), gated, ""
    if reads:
        through = zip(inputs[0], reads, shape[:2], strict=True)
        return tuple(one.behind(read, outputs) for one, read, outputs in through), gated, ""
    found: list[Field] = []
    notes: list[tuple[float, str]] = []
    for axis, outputs in enumerate(shape[:2]):
        paths = [one[axis] for one in inputs]
        field = paths[0]
        for other in paths[1:]:
            field = field.joined(other, outputs)
        found.append(field)
        jumps = list(dict.fromkeys(str(one.jump) for one in paths))
        shift = max(one.centre for one in paths) - min(one.centre for one in paths)
        if len(jumps) > 1 and outputs > 1:
            notes.append((1, f"the fields of joined branches lie {' and '.join(jumps)} pixels apart"))
        elif shift:
            notes.append((shift, f"joined branches are misaligned by {shift:g} pixels"))
    return tuple(found), gated, max(notes)[1] if notes else ""
