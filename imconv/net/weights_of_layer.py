"""Reads the weights of a single layer, from a file of tensors or from kernels, one for each map."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import FileError, LimitError, OptionError
from ..units import human_bytes
from .tensors import EXTENSIONS, PICKLED, Tensors, open_tensors

# a file of tensors, and the name of one of them
_FILE = re.compile(rf"(.*(?:{'|'.join(map(re.escape, EXTENSIONS))}))(?::(.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class LayerWeights:
    """A layer's weights (N, D / groups, K, L), its bias (N,) or None, and a name for each map."""

    values: np.ndarray
    bias: np.ndarray | None = None
    names: tuple[str, ...] = ()


def read_weights(
    places: list[str],
    bias: str | None = None,
    channels: int = 1,
    max_memory: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> LayerWeights:
    """Read a layer's weights from a file of tensors, or from kernels, one for each map.

    Parameters
    ----------
    places : list of str
        One `FILE.npy`, `FILE.npz` or `FILE.safetensors`, followed by `:NAME` if it holds several tensors of four
        dimensions; or kernels: files, names of the library, rows of numbers. A kernel is rotated by 180 degrees and divided
        by the number of channels, so that its map is the mean of the channels convolved with it; its offset is the bias.
    bias : str, optional
        A file, or the name of a tensor in the weights' file. Default for weights NAME.weight: NAME.bias, if there is one.
    channels : int
        The number of the picture's channels, for kernels.
    max_memory : int, optional
        Most bytes that reading, converting and arranging a tensor may take.
    tell : callable, optional
        Takes remarks on kernels; by default they are warnings.

    Raises
    ------
    FileError, KernelError, OptionError
        A file can't be read, holds no such tensor, or holds several and no name is given.
    LimitError
        A tensor would need more than `max_memory`.
    """
    if any(_FILE.fullmatch(place) or place.lower().endswith(PICKLED) for place in places):
        if len(places) > 1:
            raise OptionError("give one file of weights, or several kernels")
        return _from_tensors(places[0], bias, max_memory)
    kernels, names = _kernels(places, tell)
    values = np.stack([np.repeat(k[None] / channels, channels, axis=0) for k, _ in kernels])
    own = np.array([offset for _, offset in kernels])
    offsets = _bias_file(bias, max_memory) if bias is not None else own if own.any() else None
    return LayerWeights(values, offsets, names)


def _from_tensors(place: str, bias: str | None, max_memory: int | None) -> LayerWeights:
    found = _FILE.fullmatch(place)
    tensors = open_tensors(found[1] if found else place)
    name = (found and found[2]) or _only(tensors, 4, "weights")
    values = _read(tensors, name, max_memory)
    if bias is None:
        beside = name.removesuffix("weight") + "bias"
        offsets = _read(tensors, beside, max_memory) if name.endswith("weight") and beside in tensors else None
    else:
        offsets = _read(tensors, bias, max_memory) if bias in tensors else _bias_file(bias, max_memory)
    return LayerWeights(values, offsets)


def _read(tensors: Tensors, name: str, max_memory: int | None) -> np.ndarray:
    """Read a tensor; LimitError if that would need more memory than allowed.

    The memory is that of the stored values, their float copies, and a mask of finite ones.
    """
    entry = tensors.entries.get(name)
    if entry is not None and max_memory is not None:
        needed = entry.bytes + (2 * (8 if entry.type.endswith("64") else 4) + 1) * math.prod(entry.shape)
        if needed > max_memory:
            raise LimitError(
                f"{tensors.path}: {name or 'the array'} of shape {entry.shape} needs {human_bytes(needed)} of memory, more "
                f"than the {human_bytes(max_memory)} allowed; raise the limit with max_memory="
            )
    return tensors.tensor(name)


def _bias_file(place: str, max_memory: int | None) -> np.ndarray:
    found = _FILE.fullmatch(place)
    if not found:
        raise OptionError(f"bias={place!r} is neither a tensor of the weights' file nor a file of tensors")
    tensors = open_tensors(found[1])
    return _read(tensors, found[2] or _only(tensors, 1, "bias"), max_memory)


def _only(tensors: Tensors, dimensions: int, what: str) -> str:
    found = [name for name, entry in tensors.entries.items() if len(entry.shape) == dimensions]
    if len(found) == 1:
        return found[0]
    if not found:
        shapes = ", ".join(f"{name} {entry.shape}" for name, entry in list(tensors.entries.items())[:5])
        raise FileError(f"{tensors.path}: holds no {what} of {dimensions} dimensions, but {shapes:.200}")
    names = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    raise FileError(f"{tensors.path}: holds several tensors that could be the {what}: {names:.300}; add :NAME")


def _kernels(
    places: list[str], tell: Callable[[str], None] | None
) -> tuple[list[tuple[np.ndarray, float]], tuple[str, ...]]:
    """Kernels extended to one size with a common anchor, each with its offset, and their names."""
    from ..kernel.argument import resolve_all

    # a layer correlates; rotated kernels are convolved
    kernels = [kernel.flipped() for place in places for kernel in resolve_all(place, tell)]
    before = [max(kernel.anchor[i] for kernel in kernels) for i in (0, 1)]
    after = [max(kernel.shape[i] - kernel.anchor[i] for kernel in kernels) for i in (0, 1)]
    found = []
    for kernel in kernels:
        window = np.zeros((before[0] + after[0], before[1] + after[1]))
        top, left = before[0] - kernel.anchor[0], before[1] - kernel.anchor[1]
        window[top : top + kernel.shape[0], left : left + kernel.shape[1]] = kernel.weights
        found.append((window, float(kernel.offset)))
    return found, tuple(kernel.name or f"kernel {number}" for number, kernel in enumerate(kernels))
