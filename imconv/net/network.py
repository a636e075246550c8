"""`Network`, which users load, run and summarise."""

from __future__ import annotations

from .graph import Graph


class Network(Graph):
    """A network as its description says; `imconv.net.load` makes it.

    >>> from imconv.net import load
    >>> network = load("keras-vanilla")
    >>> network.parameters, network.layer("pool2").kind
    (24147, 'max')
    """

    def run(self, image, weights, *, layers=None, preprocess: bool = True, threads: int | None = None) -> dict:
        """The outputs of layers for a picture: arrays by the layers' names, in the network's order, the output last.

        Parameters
        ----------
        image : Picture or array (H, W) or (H, W, C)
            With `preprocess` a picture of any type, to which is done what the network declares (imconv/net/preprocessing.py);
            without it the input itself, (rows, columns, channels) as float32.
        weights : str, path or mapping
            A .safetensors or .npz file, or arrays by key; keys and shapes are those of `tensors`.
        layers : names, optional
            Layers whose outputs are wanted as well.
        threads : int, optional
            Default: IMCONV_THREADS, else all cores. No output depends on it.

        Returns
        -------
        dict
            float32 (rows, columns, channels), or (numbers,).

        Raises
        ------
        OptionError
            No such layer, or a picture that the network can't take.
        FileError
            Weights that can't be read, or aren't the network's; all differences are listed.

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
        from .forward import Forward
        from .loaded_weights import Weights
        from .preprocessing import prepare

        samples = prepare(self, image).samples if preprocess else image
        return Forward(self, Weights(self, weights), layers, threads).run(samples)

    def summary(self, shape=None):
        """What there is to know about every layer, for an input of `shape`; see imconv.net.summary.Summary."""
        from .summary import Summary

        return Summary(self, self.parse_shape(shape), self.resolve(shape))
