"""`Network`, the public class of networks."""

from __future__ import annotations

from .graph import Graph


class Network(Graph):
    """A network, as `imconv.net.load` returns it.

    >>> from imconv.net import load
    >>> network = load("keras-vanilla")
    >>> network.parameters, network.layer("pool2").kind
    (24147, 'max')
    """

    def run(self, image, weights, *, layers=None, preprocess: bool = True, threads: int | None = None) -> dict:
        """Run the network on a picture; return the outputs of layers by name, in the network's order, its output last.

        Parameters
        ----------
        image : Picture or array (H, W) or (H, W, C)
            With `preprocess` a picture of any type, which is resized and scaled as the network declares
            (imconv/net/preprocessing.py); without it the input itself, (rows, columns, channels) as float32.
        weights : str, path or mapping
            A .safetensors or .npz file, or arrays by key; keys and shapes are those of `tensors`.
        layers : names, optional
            Layers whose outputs are returned, too.
        threads : int, optional
            Default: IMCONV_THREADS, else all cores. No output depends on it.

        Returns
        -------
        dict
            float32 (rows, columns, channels), or (numbers,).

        Raises
        ------
        OptionError
            There is no such layer, or the network can't take the picture.
        FileError
            The weights can't be read, or are not those of the network; the message lists all differences.

        Examples
        --------
        >>> import numpy as np
        >>> from imconv.net import load
        >>> network = load("lenet5-dense")
        >>> nothing = {key: np.zeros(tensor.shape) for key, tensor in network.tensors.items()}
        >>> outputs = network.run(np.zeros((28, 28), np.uint8), nothing, layers=["C3"])
        >>> {name: output.shape for name, output in outputs.items()}
        {'C3': (10, 10, 16), 'output': (10,)}
        """
        from ..pixels.arrays import as_array
        from .forward import Forward
        from .loaded_weights import Weights
        from .preprocessing import prepare

        samples = prepare(self, image).samples if preprocess else as_array(image)
        return Forward(self, Weights(self, weights), layers, threads).run(samples)

    def summary(self, shape=None):
        """The shapes, parameters and costs of every layer for an input of `shape`; see imconv.net.summary.Summary."""
        from .summary import Summary

        return Summary(self, self.parse_shape(shape), self.resolve(shape))
