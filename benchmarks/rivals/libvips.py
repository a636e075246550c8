"""libvips through pyvips, twice: with float precision, which is exact, and with its fast 8-bit path, which is not."""

from __future__ import annotations

import os

import numpy as np

from ..cases import LOCAL, SOBEL_SLOPE, Case
from .base import CannotDo, Rival, Way, tolerance

FORMATS = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
FLOAT32 = 1e-6  # sums in double, one rounding to float32 after each pass
LEAST_AMPLITUDE = 0.001  # the smallest gaussblur accepts: it cuts where the Gaussian falls below, at 3.7 sigma

ROUNDED_WEIGHTS = "rounded weights: another filter"


class Libvips(Rival):
    name = "libvips"
    about = "libvips with precision float and imconv's own weights"

    def __init__(self, threads: int):
        os.environ["VIPS_CONCURRENCY"] = str(threads)  # read once, when the library starts
        import pyvips

        pyvips.cache_set_max(0)  # or the second round would find the first one's result
        self.pyvips, self.threads = pyvips, threads
        self.version = ".".join(str(pyvips.version(part)) for part in range(3))

    def way(self, case: Case, image: np.ndarray) -> Way:
        if case.operation in LOCAL:
            raise CannotDo("no such filter")
        source, step = self._open(case, image), case.stride
        if case.operation == "gaussian":
            mask = self._mask([case.gaussian_weights.tolist()])
            return self._way(case, lambda: source.convsep(mask, precision="float"), "convsep(float)", 1)
        if case.operation == "box":
            mask = self._mask([[1] * case.size], scale=case.size)
            return self._way(case, lambda: source.convsep(mask, precision="float"), "convsep(float)", 1)
        if case.operation == "sobel":
            x = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
            masks = [self._mask(rows, scale=SOBEL_SLOPE) for rows in (x, np.transpose(x).tolist())]

            def magnitude():
                x, y = (source.conv(mask, precision="float") for mask in masks)
                return (x * x + y * y) ** 0.5

            return self._way(case, magnitude, "conv(float), twice, (x * x + y * y) ** 0.5", 1)
        if case.ranks:
            number = {"median": case.size**2 // 2, "minimum": 0, "maximum": case.size**2 - 1}[case.operation]
            return self._way(case, lambda: source.rank(case.size, case.size, number), "rank", 0)
        mask = self._mask(case.dilated_weights.tolist())
        if step == 1:
            return self._way(case, lambda: source.conv(mask, precision="float"), "conv(float)", 1)
        call = f"conv(float).subsample({step}, {step})"
        return self._way(case, lambda: source.conv(mask, precision="float").subsample(step, step), call, 1)

    def _open(self, case: Case, image: np.ndarray):
        frame = case.frame
        if case.border != "nearest":
            raise CannotDo("repeats the edge pixels, nothing else")
        if frame.rows % case.stride or frame.columns % case.stride:
            raise CannotDo("its subsample drops an incomplete last step")
        return self.pyvips.Image.new_from_memory(image, frame.columns, frame.rows, frame.channels, FORMATS[frame.dtype])

    def _mask(self, rows: list, scale: float = 1.0):
        return self.pyvips.Image.new_from_array(rows, scale=scale)

    def _way(self, case: Case, image_of_it, call: str, levels, reason: str = "rounds half to even") -> Way:
        """A lazy image, rounded, saturated and written to memory."""
        kind = FORMATS[case.frame.dtype]

        def run():
            filtered = image_of_it()
            if filtered.format != kind:  # a cast truncates
                filtered = filtered.rint().cast(kind)
            return filtered.write_to_memory()

        def to_array(memory):
            return np.frombuffer(memory, case.frame.dtype).reshape(case.result_shape)

        accepted = None if levels is None else tolerance(case, levels, FLOAT32)
        return Way(run, call + ", write_to_memory()", accepted, reason, to_array=to_array)


class LibvipsInteger(Libvips):
    """libvips as most people call it on 8-bit pictures: small whole numbers instead of the weights."""

    name = "libvips int"
    about = "libvips with precision integer (gaussblur's default): rounded weights, and a Gaussian cut at 3.7 sigma"

    def way(self, case: Case, image: np.ndarray) -> Way:
        if case.operation in LOCAL:
            raise CannotDo("no such filter")
        if case.frame.dtype != "uint8":
            raise CannotDo("integer precision is for 8-bit pictures")
        if case.stride > 1:
            raise CannotDo("no faster than libvips' own column")
        if case.operation == "sobel":
            raise CannotDo("its sobel is the sum of absolute derivatives")
        if case.ranks:
            raise CannotDo("ranks have no weights to round")
        source = self._open(case, image)
        if case.operation == "gaussian":
            blur, call = {"min_ampl": LEAST_AMPLITUDE, "precision": "integer"}, "gaussblur(min_ampl=0.001)"
            return self._way(case, lambda: source.gaussblur(case.sigma, **blur), call, None, ROUNDED_WEIGHTS)
        if case.operation == "box":
            mask, call = self._mask([[1] * case.size], scale=case.size), "convsep(integer)"
            return self._way(case, lambda: source.convsep(mask, precision="integer"), call, None, ROUNDED_WEIGHTS)
        scale = 9 if case.operation == "sharpen" else 1  # ninths are whole numbers, which it keeps
        mask, call = self._mask((scale * case.dilated_weights).round(12).tolist(), scale), "conv(integer)"
        return self._way(case, lambda: source.conv(mask, precision="integer"), call, None, ROUNDED_WEIGHTS)
