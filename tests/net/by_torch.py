"""A forward pass by torch, layer by layer: the slow, obvious way, and proof that a network's layers say all that it needs."""

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "scaled-tanh": lambda x: 1.7159 * torch.tanh(2 * x / 3),
    "hard-sigmoid": F.hardsigmoid,
    "hard-swish": F.hardswish,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softmax": lambda x: F.softmax(x, 1),
}


def forward(network, tensors: dict, picture: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every layer's output by name, (1, channels, rows, columns) or (1, numbers), from tensors as they are kept."""
    found = {"input": picture}
    for placed in network.resolve(picture.shape[2:]):
        layer = placed.layer
        inputs = [found[name] for name in layer.inputs]
        weights = {one.role: _in_torchs_order(tensors[one.key], one.axes) for one in layer.tensors}
        result = _layer(placed, inputs, weights)
        if layer.attributes.get("activation"):
            result = ACTIVATIONS[layer.attributes["activation"]](result)
        shape = tuple(result.shape[1:])
        assert (shape[1:] + shape[:1] if len(shape) == 3 else shape) == placed.shape, layer
        found[layer.name] = result
    return found


def random_tensors(network, seed: int = 0) -> dict[str, torch.Tensor]:
    """Values for every tensor, of a size that neither dies out nor explodes on the way."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for one in network.tensors.values():
        inputs = one.count / max(one.shape[one.axes.index("O")], 1)
        values = torch.randn(one.shape, generator=generator) / max(inputs, 4) ** 0.5
        found[one.key] = values.abs() + 0.5 if one.role in ("variance", "scale") else values
    return found


def _in_torchs_order(tensor, axes: str):
    order = [axes.index(axis) for axis in "OIHW" if axis in axes]
    return tensor.permute(order)


def _padded(placed, x, value: float = 0.0):
    """With what the windows read beyond the map, and without what they don't."""
    rows, columns = placed.axes
    x = F.pad(x, (columns.before, columns.span, rows.before, rows.span), value=value)
    return x[:, :, : rows.span, : columns.span]


def _pixels(x):
    return x.permute(0, 2, 3, 1)


def _maps(x):
    return x.permute(0, 3, 1, 2)


def _layer(placed, inputs, weights):
    layer, x = placed.layer, inputs[0]
    kind, attributes, bias = layer.kind, layer.attributes, weights.get("bias")
    stride = [axis.stride for axis in placed.axes]
    match kind:
        case "conv":
            weight = weights["weight"]
            if attributes["table"]:
                connected = torch.zeros(weight.shape[:2])
                for out, maps in enumerate(attributes["table"]):
                    connected[out, list(maps)] = 1
                weight = weight * connected[:, :, None, None]
            x = _padded(placed, x)
            return F.conv2d(x, weight, bias, stride, dilation=attributes["dilation"], groups=attributes["groups"])
        case "depthwise":
            x = _padded(placed, x)
            return F.conv2d(x, weights["depthwise"], bias, stride, dilation=attributes["dilation"], groups=x.shape[1])
        case "max":
            x = _padded(placed, x, -torch.inf)
            return F.max_pool2d(x, attributes["size"], stride, dilation=attributes["dilation"])
        case "average":
            before = [axis.before for axis in placed.axes]
            return F.avg_pool2d(x, attributes["size"], stride, before, attributes["ceil"], attributes["count_pad"])
        case "blur":
            row = torch.ones(1)
            while len(row) < attributes["taps"]:
                row = F.pad(row, (1, 0)) + F.pad(row, (0, 1))
            before, after = placed.axes[0].before, placed.axes[0].after
            x = F.pad(x, (before, after, before, after), mode="reflect")
            kernel = (row[:, None] * row / row.sum() ** 2).expand(x.shape[1], 1, -1, -1)
            return F.conv2d(x, kernel, None, stride, groups=x.shape[1])
        case "subsample":
            summed = F.avg_pool2d(_padded(placed, x), attributes["size"], stride, divisor_override=1)
            return summed * weights["weight"][:, None, None] + bias[:, None, None]
        case "transposed":
            weight = weights["transposed"].transpose(0, 1)
            top, bottom, left, right = attributes["pad"]
            assert (top, left) == (bottom, right)
            return F.conv_transpose2d(
                x, weight, bias, attributes["stride"], (top, left), attributes["output_pad"], attributes["groups"],
                attributes["dilation"],
            )  # fmt: skip
        case "adaptive-average":
            return F.adaptive_avg_pool2d(x, attributes["size"])
        case "adaptive-max":
            return F.adaptive_max_pool2d(x, attributes["size"])
        case "upsample":
            corners = attributes["corners"] if attributes["mode"] == "bilinear" else None
            how = {"size": placed.shape[:2]} if attributes["factor"] is None else {"scale_factor": attributes["factor"]}
            return F.interpolate(x, **how, mode=attributes["mode"], align_corners=corners)
        case "pixel-shuffle":
            return F.pixel_shuffle(x, attributes["factor"])
        case "pixel-unshuffle":
            return F.pixel_unshuffle(x, attributes["factor"])
        case "groupnorm":
            return F.group_norm(x, attributes["groups"], weights.get("scale"), weights.get("shift"), attributes["eps"])
        case "global-average":
            return x.mean((2, 3), keepdim=True)
        case "flatten":
            return (x if attributes["order"] == "CHW" else _pixels(x)).flatten(1)
        case "fc":
            return F.linear(x, weights["weight"], bias)
        case "pointwise":
            return _maps(F.linear(_pixels(x), weights["weight"], bias))
        case "rbf":
            return (x[:, None] - weights["centres"]).square().sum(2)
        case "batchnorm":
            mean, variance = weights["mean"], weights["variance"]
            return F.batch_norm(x, mean, variance, weights.get("scale"), weights.get("shift"), eps=attributes["eps"])
        case "layernorm":
            scale, shift = weights.get("scale"), weights.get("shift")
            return _maps(F.layer_norm(_pixels(x), x.shape[1:2], scale, shift, attributes["eps"]))
        case "layer-scale":
            return x * weights["layer_scale"]
        case "lrn":
            n = attributes["n"]
            return F.local_response_norm(x, n, n * attributes["alpha"], attributes["beta"], attributes["k"])
        case "dropout":
            return x
        case "leaky":
            return F.leaky_relu(x, attributes["slope"])
        case "prelu":
            return F.prelu(x, weights["weight"])
        case "add":
            return sum(inputs[1:], x)
        case "multiply":
            return x * inputs[1]
        case "concat":
            return torch.cat(inputs, 1)
    return ACTIVATIONS[kind](x)
