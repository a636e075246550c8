"""Torch's own layers in the order of one of imconv's networks: eager, for inference, activations in place as in torchvision."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F

from .base import CannotDo

ACTIVATIONS = {
    "relu": lambda x: F.relu(x, inplace=True),
    "relu6": lambda x: F.relu6(x, inplace=True),
    "gelu": F.gelu,
}
LAYOUTS = {"torch": torch.contiguous_format, "torch, channels last": torch.channels_last}


class TorchNetwork:
    """A network with weights, for pictures of one size; CannotDo where it has another kind of layer.

    Parameters
    ----------
    network : imconv.net.Network
        With weights as torch keeps them.
    arrays : mapping
        By the tensors' keys.
    shape : (rows, columns)
    layout : a torch.memory_format
    """

    def __init__(self, network, arrays: dict[str, np.ndarray], shape, layout=torch.contiguous_format):
        self.layout = layout
        self.last = network.layers[-1].name
        self.uses = Counter(name for layer in network.layers for name in layer.inputs)
        self.steps = []
        for placed in network.resolve(shape):
            tensors = {one.role: torch.from_numpy(arrays[one.key].copy()) for one in placed.layer.tensors}
            for role in ("weight", "depthwise"):
                if role in tensors and tensors[role].ndim == 4:
                    tensors[role] = tensors[role].contiguous(memory_format=layout)
            self.steps.append((placed.layer, _operation(placed, tensors)))

    def run(self, picture: torch.Tensor) -> np.ndarray:
        """The output for a picture (1, channels, rows, columns)."""
        found, left = {"input": picture}, Counter(self.uses)
        with torch.inference_mode():
            for layer, operation in self.steps:
                found[layer.name] = operation(*(found[name] for name in layer.inputs))
                for name in layer.inputs:
                    left[name] -= 1
                    if not left[name]:
                        del found[name]
            return found[self.last][0].numpy()


def convolution(samples: np.ndarray, weights: np.ndarray, bias: np.ndarray, layer: dict, layout):
    """What computes one convolution of samples (rows, columns, channels): a function that gives (rows, columns, N)."""
    picture = torch.from_numpy(samples).permute(2, 0, 1)[None].contiguous(memory_format=layout)
    tensor, offsets = torch.from_numpy(weights).contiguous(memory_format=layout), torch.from_numpy(bias)
    padding = layer["padding"][0], layer["padding"][2]

    def run() -> np.ndarray:
        with torch.inference_mode():
            maps = F.conv2d(picture, tensor, offsets, layer["stride"], padding, layer["dilation"], layer["groups"])
        return maps[0].permute(1, 2, 0).numpy()

    return run


def _operation(placed, tensors):
    """A function of the inputs' tensors."""
    layer = placed.layer
    kind, attributes, bias = layer.kind, layer.attributes, tensors.get("bias")
    if attributes.get("activation"):
        raise CannotDo(f"{layer.name} has its activation within")
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind]
    if kind in ("conv", "depthwise", "max"):
        if any(axis.before != axis.after for axis in placed.axes):
            raise CannotDo(f"{layer.name} is padded by more on one side")
        stride, padding = [axis.stride for axis in placed.axes], [axis.before for axis in placed.axes]
    if kind == "conv":
        groups = attributes["groups"]
        return lambda x: F.conv2d(x, tensors["weight"], bias, stride, padding, attributes["dilation"], groups)
    if kind == "depthwise":
        channels = placed.shape[-1]
        return lambda x: F.conv2d(x, tensors["depthwise"], bias, stride, padding, attributes["dilation"], channels)
    if kind == "max":
        return lambda x: F.max_pool2d(x, attributes["size"], stride, padding, attributes["dilation"])
    if kind == "pointwise":
        return lambda x: F.linear(x.permute(0, 2, 3, 1), tensors["weight"], bias).permute(0, 3, 1, 2)
    if kind == "batchnorm":
        told = tensors["mean"], tensors["variance"], tensors["scale"], tensors["shift"]
        return lambda x: F.batch_norm(x, *told, eps=attributes["eps"])
    if kind == "layernorm":
        scale, shift, eps = tensors["scale"], tensors["shift"], attributes["eps"]
        return lambda x: F.layer_norm(x.permute(0, 2, 3, 1), scale.shape, scale, shift, eps).permute(0, 3, 1, 2)
    others = {
        "global-average": lambda x: F.adaptive_avg_pool2d(x, 1),
        "flatten": lambda x: x.flatten(1),
        "fc": lambda x: F.linear(x, tensors["weight"], bias),
        "layer-scale": lambda x: x * tensors["layer_scale"],
        "dropout": lambda x: x,
        "add": lambda x, y: x + y,
    }
    if kind not in others:
        raise CannotDo(f"no layer of the kind {kind!r} is put together here")
    return others[kind]
