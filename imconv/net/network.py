"""`Network`, the public class of networks."""

from __future__ import annotations

import warnings

from .graph import Graph


class Network(Graph):
    """A network, as `imconv.net.load` returns it.

    >>> from imconv.net import load
    >>> network = load("keras-vanilla")
    >>> network.parameters, network.layer("pool2").kind
    (24147, 'max')
    """

    def run(
        self,
        image,
        weights=None,
        *,
        layers=None,
        preprocess: bool = True,
        invert: bool = False,
        threads: int | None = None,
    ) -> dict:
        """Run the network on a picture; return the outputs of layers by name, in the network's order, its output last.

        Parameters
        ----------
        image : Picture or array (H, W) or (H, W, C)
            With `preprocess` a picture of any type, which is resized and scaled as the network declares
            (imconv/net/preprocessing.py); without it the input itself, (rows, columns, channels) as float32.
        weights : str, path or mapping, optional
            A .safetensors or .npz file, or arrays by key; keys and shapes are those of `tensors`. Default: the weights that
            come with imconv, as for lenet5.
        layers : names, optional
            Layers whose outputs are returned, too.
        invert : bool
            Exchange black and white first. Needs `preprocess`.
        threads : int, optional
            Default: IMCONV_THREADS, else all cores. No output depends on it.

        Returns
        -------
        dict
            float32 (rows, columns, channels), or (numbers,).

        Raises
        ------
        OptionError
            There is no such layer, the network can't take the picture, or no weights are given and none come with imconv.
        FileError
            The weights can't be read, or are not those of the network; the message lists all differences.

        Warns
        -----
        RuntimeWarning
            The picture is not what the network expects, or preparing it left little of it.

        Examples
        --------
        >>> import numpy as np
        >>> from imconv.net import load
        >>> network = load("lenet5-dense")
        >>> nothing = {key: np.zeros(tensor.shape) for key, tensor in network.tensors.items()}
        >>> outputs = network.run(np.zeros((32, 32, 1)), nothing, layers=["C3"], preprocess=False)
        >>> {name: output.shape for name, output in outputs.items()}
        {'C3': (10, 10, 16), 'output': (10,)}
        """
        from ..errors import OptionError
        from ..pixels.arrays import as_array
        from .forward import Forward
        from .loaded_weights import Weights, advice
        from .preprocessing import prepare

        weights = self.shipped if weights is None else weights
        if weights is None:
            raise OptionError(advice(self))
        if invert and not preprocess:
            raise OptionError("invert goes with preprocess: exchange black and white in the samples themselves")
        if preprocess:
            prepared = prepare(self, image, invert=invert)
            for note in prepared.notes:
                warnings.warn(note, RuntimeWarning, stacklevel=2)
            samples = prepared.samples
        else:
            samples = as_array(image)
        return Forward(self, Weights(self, weights), layers, threads).run(samples)

    def summary(self, shape=None):
        """The shapes, parameters and costs of every layer for an input of `shape`; see imconv.net.summary.Summary."""
        from .summary import Summary

        return Summary(self, self.parse_shape(shape), self.resolve(shape))
