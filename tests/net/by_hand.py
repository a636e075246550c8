"""A forward pass by the definitions, one sample at a time, in float64: for tiny networks, and without torch."""

import math

import numpy as np


def _erf(values):
    return np.vectorize(math.erf)(values)


def _softmax(x):
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.minimum(np.maximum(x, 0), 6),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "scaled-tanh": lambda x: 1.7159 * np.tanh(2 * x / 3),
    "hard-sigmoid": lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    "hard-swish": lambda x: x * np.minimum(np.maximum(x + 3, 0), 6) / 6,
    "gelu": lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softmax": _softmax,
}


def random_arrays(network, seed: int = 0) -> dict[str, np.ndarray]:
    """Float32 values for every tensor, by key."""
    generator = np.random.default_rng(seed)
    found = {}
    for one in network.tensors.values():
        inputs = one.count / max(one.shape[one.axes.index("O")], 1)
        values = generator.standard_normal(one.shape) / max(inputs, 4) ** 0.5
        found[one.key] = (np.abs(values) + 0.5 if one.role in ("variance", "scale") else values).astype(np.float32)
    return found


def forward(network, arrays: dict, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Every layer's output by name, (rows, columns, channels) or (numbers,)."""
    found = {"input": samples.astype(np.float64)}
    for placed in network.resolve(samples.shape):
        layer = placed.layer
        tensors = {}
        for one in layer.tensors:
            order = [one.axes.index(axis) for axis in "OIHW" if axis in one.axes]
            tensors[one.role] = arrays[one.key].astype(np.float64).transpose(order)
        result = _layer(placed, [found[name] for name in layer.inputs], tensors)
        if layer.attributes.get("activation"):
            result = ACTIVATIONS[layer.attributes["activation"]](result)
        assert result.shape == placed.shape, layer
        found[layer.name] = result
    return found


def _windows(placed, x):
    """(row, column, [(tap's row, tap's column, pixel or None for padding), ...]) of every output."""
    rows, columns = placed.axes
    for i in range(rows.out):
        for j in range(columns.out):
            window = []
            for k in range(rows.taps):
                for m in range(columns.taps):
                    y = i * rows.stride - rows.before + k * rows.dilation
                    z = j * columns.stride - columns.before + m * columns.dilation
                    inside = 0 <= y < rows.size and 0 <= z < columns.size
                    window.append((k, m, y, z, x[y, z] if inside else None))
            yield i, j, window


def _mirrored(n: int, size: int) -> int:
    while not 0 <= n < size:
        n = -n if n < 0 else 2 * size - 2 - n
    return n


def _connects(layer, out: int, channels: int) -> list[int]:
    """The input channels that an output channel of a convolution sees."""
    if layer.kind == "depthwise":
        return [out]
    if layer.attributes["table"]:
        return list(layer.attributes["table"][out])
    groups, count = layer.attributes["groups"], layer.attributes["out"]
    size = channels // groups
    return list(range(out // (count // groups) * size, out // (count // groups) * size + size))


def _convolved(placed, x, tensors):
    layer, result = placed.layer, np.zeros(placed.shape)
    weights = tensors["depthwise"] if layer.kind == "depthwise" else tensors["weight"]
    for i, j, window in _windows(placed, x):
        for out in range(placed.shape[2]):
            channels = _connects(layer, out, x.shape[2])
            first = 0 if layer.attributes.get("table") else channels[0]
            for k, m, _, _, pixel in window:
                if pixel is not None:
                    result[i, j, out] += sum(pixel[c] * weights[out, c - first, k, m] for c in channels)
    return result + tensors.get("bias", 0)


def _transposed(placed, x, tensors):
    """Every sample adds its multiple of the kernel to the output."""
    attributes, result = placed.layer.attributes, np.zeros(placed.shape)
    weights, (stride, dilation) = tensors["transposed"], (attributes["stride"], attributes["dilation"])
    per_group = attributes["out"] // attributes["groups"]
    for i, j, c in np.ndindex(x.shape):
        group = c // (x.shape[2] // attributes["groups"])
        for o, _, k, m in np.ndindex(per_group, 1, *attributes["size"]):
            y = i * stride[0] - attributes["pad"][0] + k * dilation[0]
            z = j * stride[1] - attributes["pad"][2] + m * dilation[1]
            if 0 <= y < result.shape[0] and 0 <= z < result.shape[1]:
                result[y, z, group * per_group + o] += x[i, j, c] * weights[o, c, k, m]
    return result + tensors.get("bias", 0)


def _upsampled(placed, x):
    attributes, result = placed.layer.attributes, np.zeros(placed.shape)
    for i, j, c in np.ndindex(placed.shape):
        total = 0.0
        for y, down in _near(i, 0, placed, attributes):
            total += sum(down * along * x[y, z, c] for z, along in _near(j, 1, placed, attributes))
        result[i, j, c] = total
    return result


def _near(n: int, axis: int, placed, attributes) -> list[tuple[int, float]]:
    """The samples of which a new one is made, with their shares."""
    old, new = placed.inputs[0][axis], placed.shape[axis]
    step = old / new if attributes["factor"] is None or old == new else 1 / attributes["factor"][axis]
    if attributes["mode"] == "nearest":
        return [(min(math.floor(n * step + 1e-9), old - 1), 1.0)]
    place = n * (old - 1) / max(new - 1, 1) if attributes["corners"] else max((n + 0.5) * step - 0.5, 0.0)
    low = min(math.floor(place), old - 1)
    return [(low, 1 - (place - low)), (min(low + 1, old - 1), place - low)]


def _pooled(placed, x, tensors):
    kind, attributes, result = placed.layer.kind, placed.layer.attributes, np.zeros(placed.shape)
    for i, j, window in _windows(placed, x):
        inside = [pixel for *_, pixel in window if pixel is not None]
        if kind == "max":
            result[i, j] = np.max(inside, axis=0)
        elif kind == "subsample":
            result[i, j] = np.sum(inside, axis=0) * tensors["weight"] + tensors["bias"]
        elif kind == "blur":
            n = attributes["taps"] - 1
            for k, m, y, z, _ in window:
                share = math.comb(n, k) * math.comb(n, m) / 4**n
                result[i, j] += share * x[_mirrored(y, x.shape[0]), _mirrored(z, x.shape[1])]
        else:
            counted = inside
            if attributes["count_pad"]:  # the padding counts, but not what lies beyond it where the size was rounded up
                ends = [axis.size + axis.after for axis in placed.axes]
                counted = [None for _, _, y, z, _ in window if y < ends[0] and z < ends[1]]
            result[i, j] = np.sum(inside, axis=0) / len(counted)
    return result


def _layer(placed, inputs, tensors):
    layer, x = placed.layer, inputs[0]
    kind, attributes = layer.kind, layer.attributes
    match kind:
        case "conv" | "depthwise":
            return _convolved(placed, x, tensors)
        case "max" | "average" | "blur" | "subsample":
            return _pooled(placed, x, tensors)
        case "transposed":
            return _transposed(placed, x, tensors)
        case "adaptive-average" | "adaptive-max":
            result, (rows, columns) = np.zeros(placed.shape), placed.shape[:2]
            for i, j in np.ndindex(rows, columns):
                top, bottom = math.floor(i * x.shape[0] / rows), math.ceil((i + 1) * x.shape[0] / rows)
                left, right = math.floor(j * x.shape[1] / columns), math.ceil((j + 1) * x.shape[1] / columns)
                window = x[top:bottom, left:right].reshape(-1, x.shape[2])
                result[i, j] = window.mean(0) if kind == "adaptive-average" else window.max(0)
            return result
        case "upsample":
            return _upsampled(placed, x)
        case "pixel-shuffle":
            n, result = attributes["factor"], np.zeros(placed.shape)
            for i, j, c in np.ndindex(placed.shape):
                result[i, j, c] = x[i // n, j // n, c * n * n + i % n * n + j % n]
            return result
        case "pixel-unshuffle":
            n, result = attributes["factor"], np.zeros(placed.shape)
            for i, j, c in np.ndindex(x.shape):
                result[i // n, j // n, c * n * n + i % n * n + j % n] = x[i, j, c]
            return result
        case "groupnorm":
            parts = np.split(x, attributes["groups"], axis=2)
            parts = [(part - part.mean()) / np.sqrt(part.var() + attributes["eps"]) for part in parts]
            return np.concatenate(parts, axis=2) * tensors.get("scale", 1) + tensors.get("shift", 0)
        case "pointwise" | "fc":
            return x @ tensors["weight"].T + tensors.get("bias", 0)
        case "rbf":
            return ((x - tensors["centres"]) ** 2).sum(1)
        case "global-average":
            return x.mean((0, 1), keepdims=True)
        case "flatten":
            return np.array([x[y, z, c] for y, z, c in _order(x.shape, attributes["order"])])
        case "batchnorm":
            share = (x - tensors["mean"]) / np.sqrt(tensors["variance"] + attributes["eps"])
            return share * tensors.get("scale", 1) + tensors.get("shift", 0)
        case "layernorm":
            variance = x.var(-1, keepdims=True)
            share = (x - x.mean(-1, keepdims=True)) / np.sqrt(variance + attributes["eps"])
            return share * tensors.get("scale", 1) + tensors.get("shift", 0)
        case "layer-scale":
            return x * tensors["layer_scale"][:, 0, 0]
        case "lrn":
            n, result = attributes["n"], np.zeros(x.shape)
            for c in range(x.shape[2]):
                near = x[..., max(c - n // 2, 0) : c - n // 2 + n]
                total = (near**2).sum(-1)
                result[..., c] = x[..., c] / (attributes["k"] + attributes["alpha"] * total) ** attributes["beta"]
            return result
        case "dropout":
            return x
        case "leaky":
            return np.where(x < 0, x * attributes["slope"], x)
        case "prelu":
            return np.where(x < 0, x * tensors["weight"], x)
        case "add":
            return sum(inputs[1:], x)
        case "multiply":
            return x * inputs[1]
        case "concat":
            return np.concatenate(inputs, -1)
    return ACTIVATIONS[kind](x)


def _order(shape, order: str):
    rows, columns, channels = shape
    if order == "CHW":
        return [(y, z, c) for c in range(channels) for y in range(rows) for z in range(columns)]
    return [(y, z, c) for y in range(rows) for z in range(columns) for c in range(channels)]
