"""scikit-image: its Gaussian, which is scipy's in floating point, and Sobel; it has no dense correlation and no such box."""

from __future__ import annotations

import math

import numpy as np

from ..cases import RANGE, TRUNCATE, Case
from .base import CannotDo, Rival, Way, tolerance

MODES = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap", "constant": "constant"}
FLOAT32 = 1e-6  # scipy's float64 sums, rounded to float32 after each pass


class ScikitImage(Rival):
    name = "scikit-image"
    about = "scikit-image has one thread; integers go through float64 and back"

    def __init__(self, threads: int):
        import skimage
        from skimage import filters, restoration, util

        self.gaussian, self.sobel, self.version = filters.gaussian, filters.sobel, skimage.__version__
        self.denoise = restoration.denoise_bilateral
        self.back = {"uint8": util.img_as_ubyte, "uint16": util.img_as_uint}

    def way(self, case: Case, image: np.ndarray) -> Way:
        if case.operation == "sobel":
            return self._sobel(case, image)
        if case.operation == "bilateral":
            return self._bilateral(case, image)
        if case.operation != "gaussian":
            raise CannotDo("only the Gaussian and Sobel have a counterpart")
        settings = {"sigma": case.sigma, "mode": case.border, "truncate": TRUNCATE}
        if case.frame.channels > 1:
            settings["channel_axis"] = -1
        back = self.back.get(case.frame.dtype)
        if back is None:
            out = np.zeros_like(image)
            run, call = (lambda: self.gaussian(image, out=out, **settings)), "gaussian(out=)"
        else:
            run, call = (lambda: back(self.gaussian(image, **settings))), f"{back.__name__}(gaussian())"
        return Way(run, call, tolerance(case, 1, FLOAT32), "float64 and another rounding rule can turn a tie")

    def _sobel(self, case: Case, image: np.ndarray) -> Way:
        if case.frame.channels > 1:
            raise CannotDo("smooths and derives along the channels too")
        out, top = np.zeros_like(image), np.iinfo(image.dtype).max if case.frame.is_integer else 1

        def run():
            values = self.sobel(image, mode=case.border)  # of integers as shares of their largest
            values *= top / math.sqrt(2)  # its mean square of two derivatives, not their sum, of twice ours
            if case.frame.is_integer:
                values += 0.5
                np.clip(values, 0, top, out=values)
            np.copyto(out, values, casting="unsafe")
            return out

        return Way(run, "sobel(), scaled", tolerance(case, 1, FLOAT32), "float64 can turn a tie")

    def _bilateral(self, case: Case, image: np.ndarray) -> Way:
        if case.frame.megapixels > 1:
            raise CannotDo("takes minutes")
        if case.border not in MODES:
            raise CannotDo(f"no border {case.border}")
        channels = {"channel_axis": -1} if case.frame.channels > 1 else {}
        settings = {
            "win_size": case.size,
            "sigma_color": RANGE,
            "sigma_spatial": case.sigma,
            "mode": MODES[case.border],
        }
        back = self.back.get(case.frame.dtype, np.asarray)
        own = image.copy()  # it takes no read-only one
        run = lambda: back(self.denoise(own, **settings, **channels))  # noqa: E731
        return Way(run, "denoise_bilateral()", None, "its window is square, and its weights by distance lie askew")
