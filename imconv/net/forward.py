"""`Forward`: computes a network's layers for an input, in float32.

Convolutions are prepared once, for any number of inputs. Batch normalisation behind a convolution is folded into its weights, a
ReLU into the loop of a convolution or a sum, unless the output between them is wanted. An output is dropped as soon as no layer
needs it, or overwritten by the last layer that needs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from ..engine.threads import checked_threads, default_threads
from ..errors import OptionError
from .activations import BOUNDS, UNBOUNDED
from .convolution import Convolution
from .graph import INPUT, Graph, Layer, Placed
from .loaded_weights import Weights
from .operations import OPERATIONS, activate, add, scale_and_shift

CONVOLUTIONS = ("conv", "depthwise", "pointwise")
FIRST = (*CONVOLUTIONS, "add")  # layers that are computed together with the normalisation or activation behind them
ALIASES = ("flatten", "dropout")  # their outputs are their inputs


_Step = tuple[Layer, ...]  # layers that are computed together: the first, and those folded into it


class Forward:
    """Runs a network with given weights.

    Parameters
    ----------
    network : Graph
    weights : Weights
    layers : names, optional
        Layers whose outputs are returned beside the last one's.
    threads : int, optional
        Default: IMCONV_THREADS, else all cores. No output depends on it.
    """

    def __init__(
        self, network: Graph, weights: Weights, layers: Iterable[str] | None = None, threads: int | None = None
    ):
        if isinstance(layers, str):
            raise OptionError(f"layers must be a list of names, such as [{layers!r}]")
        self.network, self.weights = network, weights
        self.threads = None if threads is None else checked_threads(threads)
        self.wanted = {network.layer(name).name for name in layers or ()} | {network.layers[-1].name}
        self.uses = Counter(name for layer in network.layers for name in layer.inputs)
        self.steps = self._steps()
        self.shape: tuple[int, ...] = ()  # of the last input, for which layers are placed; the next mostly has the same
        self.placed: dict[str, Placed] = {}
        self.convolutions: dict[str, tuple[Convolution, str | None]] = {}
        self.prepared: dict[tuple, Convolution] = {}  # the first of those that share weights
        self.tensors: dict[str, dict[str, np.ndarray]] = {}  # of other layers, by the layer that owns them, once read

    def run(self, samples: np.ndarray, progress: Callable[[int, int], None] | None = None) -> dict[str, np.ndarray]:
        """Compute the outputs of the wanted layers, by name in the network's order; the network's output is the last.

        Parameters
        ----------
        samples : array (rows, columns, channels), or (rows, columns) for one channel
            The input; it is not changed.
        progress : callable, optional
            Called with the multiply-adds done and all of them; an exception that it raises ends the run.

        Returns
        -------
        dict of float32 arrays
            (rows, columns, channels) or (numbers,).
        """
        samples = np.ascontiguousarray(samples, np.float32)
        samples = samples[..., None] if samples.ndim == 2 else samples
        if samples.ndim != 3:
            raise OptionError(f"an input is an array (rows, columns, channels), not of shape {samples.shape}")
        if self.shape != samples.shape:
            self.placed = {one.layer.name: one for one in self.network.resolve(samples.shape)}
            self.shape = samples.shape
        placed = self.placed
        total, done = sum(one.macs for one in placed.values()), 0
        outputs: dict[str, np.ndarray] = {INPUT: samples}
        found: dict[str, np.ndarray] = {}
        left, kept = Counter(self.uses), {INPUT, *self.wanted}  # outputs that must not be overwritten
        for step in self.steps:
            first, name = step[0], step[-1].name
            inputs = [outputs[name] for name in first.inputs]
            main = first.inputs[0]
            own = left[main] == 1 and main not in kept
            outputs[name] = self._computed(step, placed[first.name], inputs, own)
            if first.kind in ALIASES and not own:
                kept.update((name, main))  # both names are one array
            for read in first.inputs:
                left[read] -= 1
                if not left[read]:
                    outputs.pop(read, None)
            if name in self.wanted:
                found[name] = outputs[name]
            done += sum(placed[layer.name].macs for layer in step)
            if progress is not None:
                progress(done, max(total, 1))
        return found

    def _steps(self) -> list[_Step]:
        """The layers in order, grouped into steps that are computed together."""
        readers = {name: layer for layer in self.network.layers for name in layer.inputs}
        steps: list[_Step] = []
        taken: set[str] = set()
        for layer in self.network.layers:
            if layer.name in taken:
                continue
            chain = [layer]
            while layer.kind in FIRST and (following := self._folded(chain, readers)):
                chain.append(following)
            taken.update(one.name for one in chain)
            steps.append(tuple(chain))
        return steps

    def _folded(self, chain: list[Layer], readers: dict[str, Layer]) -> Layer | None:
        """The next layer if it can be computed together with those of a chain, else None."""
        last = chain[-1]
        if last.name in self.wanted or self.uses[last.name] != 1 or last.kind in BOUNDS:
            return None
        following = readers[last.name]
        if last.kind in CONVOLUTIONS and following.kind == "batchnorm" and not last.attributes["activation"]:
            return following
        return following if following.kind in BOUNDS and not last.attributes.get("activation") else None

    def _computed(self, step: _Step, placed: Placed, inputs: list[np.ndarray], own: bool) -> np.ndarray:
        first, name = step[0], step[0].name
        workers = default_threads() if self.threads is None else self.threads
        activation = first.attributes.get("activation")
        if first.kind in CONVOLUTIONS:
            if name not in self.convolutions:
                self.convolutions[name] = self._prepared(step)
            convolution, activation = self.convolutions[name]
            result = convolution.apply(inputs[0], threads=workers)
        else:
            out = inputs[0] if own and placed.shape == inputs[0].shape else None
            if len(step) > 1:
                return add(inputs, out, workers, *BOUNDS[step[1].kind])
            owner = first.share or name
            if owner not in self.tensors:
                self.tensors[owner] = {role: np.ascontiguousarray(one) for role, one in self.weights[name].items()}
            result = OPERATIONS[first.kind](placed, inputs, self.tensors[owner], out, workers)
        return activate(activation, result, result, workers=workers) if activation else result

    def _prepared(self, step: _Step) -> tuple[Convolution, str | None]:
        """A step's convolution, and the activation to apply after it, or None."""
        layer = step[0]
        norms = tuple(one for one in step[1:] if one.kind == "batchnorm")
        activation = next((one.kind for one in step[1:] if one.kind != "batchnorm"), layer.attributes["activation"])
        low, high = BOUNDS.get(activation, UNBOUNDED)
        # what the tables depend on: layers that share weights mostly share these, too
        table, groups = layer.attributes.get("table"), layer.attributes.get("groups")
        key = (layer.share or layer.name, table, groups, *(one.share or one.name for one in norms))
        if key not in self.prepared:
            tensors, scale = self.weights[layer.name], None
            weights, bias = connected_weights(layer, tensors), tensors.get("bias")
            for one in norms:
                scale, shift = scale_and_shift(one, self.weights[one.name])
                bias = shift if bias is None else bias * scale + shift
            settings = convolution_options(layer, len(weights))
            self.prepared[key] = Convolution(weights, bias, low=low, high=high, scale=scale, **settings)
        convolution = self.prepared[key]
        if layer.share:
            settings = convolution_options(layer, convolution.count)
            settings.pop("groups", None)
            convolution = convolution.again(low=low, high=high, **settings)
        return convolution, None if activation in BOUNDS else activation


def connected_weights(layer: Layer, tensors: dict[str, np.ndarray]) -> np.ndarray:
    """A convolution's weights, OIHW, with 0 for maps that its table does not connect."""
    if layer.kind == "depthwise":
        return tensors["depthwise"]
    weights = tensors["weight"]
    if layer.kind == "pointwise":
        return weights[:, :, None, None]
    if layer.attributes["table"]:
        connected = np.zeros(weights.shape[:2], np.float32)
        for out, maps in enumerate(layer.attributes["table"]):
            connected[out, list(maps)] = 1
        return np.where(connected[:, :, None, None] == 1, weights, np.float32(0))
    return weights


def convolution_options(layer: Layer, channels: int) -> dict:
    """The arguments of `Convolution` for a layer, without weights; `channels` is the number of the result's."""
    attributes = layer.attributes
    if layer.kind == "pointwise":
        return {}
    padding = attributes["pad"]
    if padding == "half":
        rows, columns = (d * (k - 1) // 2 for k, d in zip(attributes["size"], attributes["dilation"], strict=True))
        padding = rows, rows, columns, columns
    groups = channels if layer.kind == "depthwise" else attributes["groups"]
    return {"stride": attributes["stride"], "dilation": attributes["dilation"], "padding": padding, "groups": groups}
