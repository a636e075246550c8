"""Pillow: 8-bit pictures, one thread."""

from __future__ import annotations

import numpy as np

from ..cases import LOCAL, Case
from .base import CannotDo, Rival, Way


class Pillow(Rival):
    name = "Pillow"
    about = "Pillow has one thread; its Gaussian is three boxes, another filter; its kernels leave the border pixels as they were"

    def __init__(self, threads: int):
        import PIL
        from PIL import Image, ImageFilter

        self.Image, self.ImageFilter, self.version = Image, ImageFilter, PIL.__version__

    def way(self, case: Case, image: np.ndarray) -> Way:
        if case.operation in LOCAL:
            raise CannotDo("no such filter")
        filters = self.ImageFilter
        if case.frame.dtype != "uint8":
            raise CannotDo(f"no filters for {case.frame.dtype}")
        if case.stride > 1 or case.dilation > 1:
            raise CannotDo("no stride, no dilation")
        if case.operation in ("gaussian", "box") and case.border != "nearest":
            raise CannotDo("repeats the edge pixels, nothing else")
        if case.operation == "gaussian":
            reason = "three extended boxes instead of a Gaussian"
            return self._way(image, filters.GaussianBlur(case.sigma), "GaussianBlur", None, reason)
        if case.operation == "box":
            reason = "rounds after each of its two passes"
            return self._way(image, filters.BoxBlur(case.size // 2), "BoxBlur", 1, reason)
        if case.operation == "sobel":
            raise CannotDo("its results have no sign, and no magnitude")
        if case.ranks:
            if case.border != "nearest" or case.size % 2 == 0:
                raise CannotDo("ranks repeat the edge pixels, in windows of odd size")
            kind = {"median": filters.MedianFilter, "minimum": filters.MinFilter, "maximum": filters.MaxFilter}
            return self._way(image, kind[case.operation](case.size), kind[case.operation].__name__, 0, "")
        if case.size not in (3, 5):
            raise CannotDo("kernels are 3x3 or 5x5")
        # its kernels are given bottom row first
        weights = case.weights[::-1].ravel().tolist()
        kernel = filters.Kernel((case.size, case.size), weights, scale=1)
        return self._way(image, kernel, "Kernel", 1, "float32 sums can turn a tie", margin=case.radius)

    def _way(self, image: np.ndarray, kind, name: str, tolerance, reason: str, margin: int = 0) -> Way:
        picture = self.Image.fromarray(image)
        picture.load()
        return Way(lambda: picture.filter(kind), f"filter({name})", tolerance, reason, margin=margin)
