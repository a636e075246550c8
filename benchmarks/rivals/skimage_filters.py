"""scikit-image: its Gaussian, which is scipy's in floating point; it has no dense correlation and no box of this kind."""

from __future__ import annotations

import numpy as np

from ..cases import TRUNCATE, Case
from .base import CannotDo, Rival, Way, tolerance

FLOAT32 = 1e-6  # scipy's float64 sums, rounded to float32 after each pass


class ScikitImage(Rival):
    name = "scikit-image"
    about = "scikit-image has one thread; integers go through float64 and back"

    def __init__(self, threads: int):
        import skimage
        from skimage import filters, util

        self.gaussian, self.version = filters.gaussian, skimage.__version__
        self.back = {"uint8": util.img_as_ubyte, "uint16": util.img_as_uint}

    def way(self, case: Case, image: np.ndarray) -> Way:
        if case.operation != "gaussian":
            raise CannotDo("only the Gaussian has a counterpart")
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
