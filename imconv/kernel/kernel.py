"""`Kernel`, what users make, read and write; and kernels from whatever they hand in."""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

from .weights import KernelWeights

REMEMBERED = 4096  # weights of an array whose Kernel is kept


class Kernel(KernelWeights):
    """Weights of a 2-D correlation or convolution. Immutable.

    Parameters
    ----------
    weights : array_like, shape (rows, columns)
        Numbers; `fractions.Fraction`s keep their exact value. Floats that all lie within 4 ulp of multiples of one
        1/d, d up to 4096, are taken as those fractions, so that `np.full((3, 3), 1 / 9)` is the exact box.
    anchor : (row, column), optional
        The tap that lies on the output pixel, default `size // 2` on each axis.
    offset : number, default 0
        Added to every result, in output units.
    name, source : str, optional
        What it is called and where its weights were published.
    included : array_like of bool, optional
        False where a cell is no part of the kernel (`nan` or `-` in a kernel file); its weight must be 0.

    Raises
    ------
    KernelError
        Empty, not 2-D, NaN or infinite, or larger than 8191 on a side.

    Examples
    --------
    >>> Kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).rank()
    2
    >>> Kernel([[0.1, 0.2], [0.1, 0.1]]).denominator
    10
    """

    __slots__ = ()

    @classmethod
    def of(cls, weights: KernelWeights) -> Kernel:
        """The same weights as a Kernel."""
        kernel = cls.__new__(cls)
        for slot in KernelWeights.__slots__:
            object.__setattr__(kernel, slot, getattr(weights, slot))
        return kernel

    @classmethod
    def from_text(cls, text: str) -> Kernel:
        """A kernel from rows of numbers, `"0 -1 0; -1 5 -1; 0 -1 0"`, or any text form kernel files have."""
        from .text import parse

        return cls.of(parse(text))

    @classmethod
    def load(cls, path: str | os.PathLike) -> Kernel:
        """A kernel from a file: text, ImageMagick, libvips matrix, CSV, JSON, `.npy` or a picture.

        A picture's grey levels are the weights, normalised to sum 1.

        Raises
        ------
        FileError
            There is no such file, or it can't be opened.
        KernelError
            It holds no kernel.
        """
        from .file import load

        return cls.of(load(path))

    @classmethod
    def named(cls, name: str) -> Kernel:
        """A kernel from the library that comes with imconv; `imconv kernels list` shows the names."""
        from .library import named

        return cls.of(named(name))

    def to_text(self) -> str:
        """The kernel as a kernel file; read again it has the same numbers."""
        from .text import write

        return write(self)


def as_kernel(kernel, *, anchor=None, offset=None) -> Kernel:
    """A Kernel from a Kernel, a name of the library or a 2-D array; anchor and offset replace its own where given."""
    if isinstance(kernel, str):
        kernel = Kernel.named(kernel)
    elif not isinstance(kernel, Kernel):
        plain = type(kernel) is np.ndarray and kernel.dtype.kind in "biuf" and kernel.itemsize <= 8
        kernel = (
            _of_samples(kernel.dtype.str, kernel.shape, kernel.tobytes())
            if plain and kernel.size <= REMEMBERED
            else Kernel(kernel)
        )
    return kernel if anchor is None and offset is None else kernel.replace(anchor=anchor, offset=offset)


@lru_cache(maxsize=32)
def _of_samples(kind: str, shape: tuple[int, ...], samples: bytes) -> Kernel:
    """A Kernel of an array's content: whoever filters many pictures with one array gets the same one each time."""
    return Kernel(np.frombuffer(samples, kind).reshape(shape))
