"""`Kernel`, the public class of kernels, and `as_kernel`, which accepts everything that users pass as a kernel."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache

import numpy as np

from ..errors import ImconvWarning
from ..geometry.symmetry import only_exchanged
from .weights import KernelWeights

REMEMBERED = 4096  # most weights of an array whose Kernel is cached


class Kernel(KernelWeights):
    """Weights of a 2-D correlation or convolution. Immutable.

    Parameters
    ----------
    weights : array_like, shape (rows, columns)
        Numbers; a `fractions.Fraction` keeps its exact value. Floats that all lie within 4 ulp of multiples of one 1/d,
        with d up to 4096, count as these fractions: `np.full((3, 3), 1 / 9)` is the exact box.
    anchor : (row, column), optional
        The tap that lies on the output pixel, default `size // 2` on each axis.
    offset : number, default 0
        Added to every result, in units of the result.
    name, source : str, optional
        The kernel's name, and where its weights were published.
    included : array_like of bool, optional
        False for cells that are left out of the kernel (`nan` or `-` in a kernel file); their weights must be 0.

    Raises
    ------
    KernelError
        The weights are empty, not 2-D, not finite, or more than 8191 on a side.

    Examples
    --------
    >>> Kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).rank()
    2
    >>> Kernel([[0.1, 0.2], [0.1, 0.1]]).denominator
    10
    """

    __slots__ = ()

    @classmethod
    def from_text(cls, text: str) -> Kernel:
        """A kernel from rows of numbers, `"0 -1 0; -1 5 -1; 0 -1 0"`, or any other text that a kernel file may hold.

        Warns of 9, 25, 49 ... numbers with commas in one row, which are a square in ImageMagick.
        """
        from .text import note_on, parse

        kernel = cls.of(parse(text))
        if note := note_on(kernel, text, anywhere=False):
            warnings.warn(f"kernel: {note}", ImconvWarning, stacklevel=2)
        return kernel

    @classmethod
    def load(cls, path: str | os.PathLike) -> Kernel:
        """A kernel from a file: text, ImageMagick, libvips matrix, CSV, JSON, `.npy` or a picture.

        A picture's grey levels are the weights, normalised to sum 1. Warns as `from_text`.

        Raises
        ------
        FileError
            The file does not exist or can't be opened.
        KernelError
            The file holds no kernel.
        """
        from .file import load_all
        from .rotations import only
        from .tokens import place

        notes: list[str] = []
        kernel = only(load_all(path, notes.append), place(os.fsdecode(path)))
        for note in notes:
            warnings.warn(note, ImconvWarning, stacklevel=2)
        return cls.of(kernel)

    @classmethod
    def named(cls, name: str) -> Kernel:
        """A kernel from the library that comes with imconv; `imconv kernels list` shows the names."""
        from .library import named

        return cls.of(named(name))

    def to_text(self) -> str:
        """The kernel as the text of a kernel file, which reads back with the same numbers."""
        from .text import write

        return write(self)


def symmetric(*kernels: Kernel, signs: bool = False) -> bool:
    """Whether turning by 90 degrees and mirroring, about the anchor, leaves a kernel as it is.

    Of several kernels of one shape and anchor: whether they are only exchanged; with `signs`, an exchanged one may be negative.
    """
    (rows, columns), anchor = kernels[0].shape, kernels[0].anchor
    if rows != columns or anchor != ((rows - 1) / 2, (rows - 1) / 2):
        return False
    if len(kernels) > 1 and (
        any(kernel.offset for kernel in kernels)
        or any(not np.array_equal(kernel.mask, kernels[0].mask) for kernel in kernels)
    ):
        return False
    if kernels[0].included is not None and not only_exchanged([kernels[0].mask]):
        return False
    return only_exchanged([kernel.weights for kernel in kernels], signs)


def as_kernel(kernel, *, anchor=None, offset=None) -> Kernel:
    """A Kernel from a Kernel, a name of the library or a 2-D array; `anchor` and `offset` replace its own if given."""
    if isinstance(kernel, str):
        kernel = Kernel.named(kernel)
    elif not isinstance(kernel, Kernel):
        plain = type(kernel) is np.ndarray and kernel.dtype.kind in "biuf" and kernel.itemsize <= 8
        plain = plain and kernel.size <= REMEMBERED
        kernel = _of_samples(kernel.dtype.str, kernel.shape, kernel.tobytes()) if plain else Kernel(kernel)
    return kernel if anchor is None and offset is None else kernel.replace(anchor=anchor, offset=offset)


@lru_cache(maxsize=32)
def _of_samples(dtype: str, shape: tuple[int, ...], samples: bytes) -> Kernel:
    """The Kernel for an array's content, cached: filtering many pictures with one array makes one Kernel."""
    return Kernel(np.frombuffer(samples, dtype).reshape(shape))
