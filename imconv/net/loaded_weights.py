"""`Weights`: a network's weights from a file, checked against its tensors; all differences are listed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

import numpy as np

from ..errors import FileError, OptionError
from .graph import Graph, Tensor
from .tensors import Entry, Tensors, open_tensors

EXTENSIONS = (".npz", ".safetensors")


class Weights:
    """The tensors of a network, layer by layer.

    Parameters
    ----------
    network : Graph
    weights : str, path or mapping
        A .safetensors or .npz file, or arrays by key. Keys and shapes must be the network's (`Graph.tensors`).

    Raises
    ------
    FileError
        The file can't be read, or its tensors are not those of the network; the message lists all differences. Pickled files
        (.pt, .pth) are refused, since they can run any code.
    """

    def __init__(self, network: Graph, weights):
        self.network = network
        self.name = "weights"
        self.entries: dict[str, Entry] = {}  # of a file
        self.arrays: Mapping[str, np.ndarray]
        if isinstance(weights, Mapping):
            self.arrays = {key: np.asarray(value) for key, value in weights.items()}
        else:
            self.arrays = tensors = _opened(weights)
            self.name, self.entries = tensors.path, tensors.entries
        _check(network, {key: one.shape for key, one in (self.entries or self.arrays).items()}, self.name)

    def __getitem__(self, layer: str) -> dict[str, np.ndarray]:
        """Read a layer's tensors, by role: float32, with axes in the order O, I, H, W."""
        return {one.role: self._ordered(one) for one in self.network.layer(layer).tensors}

    @property
    def bytes_beside(self) -> int:
        """The most memory that reading a tensor takes, beside its float32 values."""
        found = [one for key, one in self.entries.items() if key in self.network.tensors and one.type != "float32"]
        return max((one.bytes + 4 * math.prod(one.shape) * (one.type == "bfloat16") for one in found), default=0)

    def _ordered(self, tensor: Tensor) -> np.ndarray:
        array = self.arrays[tensor.key]
        if array.dtype.kind != "f":
            raise FileError(f"{self.name}: {tensor.key} is of type {array.dtype}; weights are floating point numbers")
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        return array.transpose([tensor.axes.index(axis) for axis in "OIHW" if axis in tensor.axes])


def advice(network: Graph) -> str:
    """The message for a user who has no weights."""
    return (
        f"{network.name} needs trained weights, which imconv doesn't bring for it: weights=FILE, a .safetensors or .npz file with "
        f"its {len(network.tensors)} tensors, such as {next(iter(network.tensors), '')!r}; torchvision's are saved by "
        '"safetensors.torch.save_file(model.state_dict(), FILE)"'
    )


def _opened(path) -> Tensors:
    try:
        name = os.fspath(path)
    except TypeError:
        raise OptionError(f"weights are a file or arrays by key, not {type(path).__name__}") from None
    tensors = open_tensors(name)
    if not tensors.path.lower().endswith(EXTENSIONS):
        raise FileError(f"{tensors.path}: a network's weights are named tensors; give a .safetensors or .npz file")
    return tensors


def _check(network: Graph, given: Mapping[str, tuple[int, ...]], name: str) -> None:
    """Raise FileError with all differences between a network's tensors and those given."""
    wanted = network.tensors
    missing = [f"{key} {_shown(one.shape)}" for key, one in wanted.items() if key not in given]
    odd = [f"{key} {_shown(shape)}" for key, shape in given.items() if key not in wanted and not network.ignores(key)]
    wrong = [
        f"{key} is {_shown(given[key])}, not {_shown(one.shape)}"
        for key, one in wanted.items()
        if key in given and tuple(given[key]) != one.shape
    ]
    parts = [
        f"{len(found)} {title}: {', '.join(found)}"
        for title, found in (("missing", missing), ("of another shape", wrong), ("not in the network", odd))
        if found
    ]
    if parts:
        raise FileError(f"{name}: these tensors are not those of {network.name}: {'; '.join(parts)}")


def _shown(shape) -> str:
    return "x".join(map(str, shape)) or "a number"
