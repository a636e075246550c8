"""scipy.ndimage: the same definitions as imconv's, in double precision, on one thread."""

from __future__ import annotations

import numpy as np

from ..cases import LOCAL, SOBEL_SLOPE, TRUNCATE, Case
from .base import CannotDo, Rival, Way, full_array, then_take_every, tolerance

CANCELLED = 1e-6  # the root of what is left of float64
FLOAT32 = 1e-6  # both sum within about this; scipy in float64, rounded to float32 after each pass
TRUNCATED_ONCE = "scipy truncates integer results where imconv rounds"
TRUNCATED_TWICE = "scipy truncates integer results after each of its two passes"


class ScipyNdimage(Rival):
    name = "scipy"
    about = "scipy.ndimage has one thread, and truncates integer results where imconv rounds"

    def __init__(self, threads: int):
        import scipy
        from scipy import ndimage

        self.ndimage, self.version = ndimage, scipy.__version__

    def way(self, case: Case, image: np.ndarray) -> Way:
        ndimage = self.ndimage
        if case.operation in LOCAL:
            return self._deviation(case, image)
        if case.operation == "sharpen" and case.frame.is_integer:
            return self._rounded(case, image)
        out = full_array(case)
        shared = {"output": out, "mode": case.border}
        spatial = {"axes": (0, 1)}
        if case.operation == "gaussian":
            return Way(
                lambda: ndimage.gaussian_filter(image, case.sigma, truncate=TRUNCATE, **spatial, **shared),
                "gaussian_filter(truncate=4, output=)",
                tolerance(case, 2, FLOAT32),
                TRUNCATED_TWICE,
                to_array=lambda _: out,
            )
        if case.operation == "box":
            return Way(
                lambda: ndimage.uniform_filter(image, case.size, **spatial, **shared),
                "uniform_filter(output=)",
                # scipy's running sum collects rounding errors along the whole row
                tolerance(case, 2, FLOAT32),
                TRUNCATED_TWICE,
                to_array=lambda _: out,
            )
        if case.operation == "sobel":
            return self._sobel(case, image)
        if case.ranks:
            ranked = getattr(ndimage, f"{case.operation}_filter")
            call = f"{case.operation}_filter(output=)"
            return Way(lambda: ranked(image, case.size, **spatial, **shared), call, 0, to_array=lambda _: out)
        weights = _like(case.dilated_weights, image)
        run = then_take_every(case, lambda: ndimage.correlate(image, weights, **shared), out)
        return Way(run, "correlate(output=)" + _after(case), tolerance(case, 1, FLOAT32), TRUNCATED_ONCE)

    def _sobel(self, case: Case, image: np.ndarray) -> Way:
        x, y, out = full_array(case, np.float32), full_array(case, np.float32), full_array(case)
        whole = case.frame.is_integer
        channels = [...] if image.ndim == 2 else [np.s_[..., c] for c in range(image.shape[2])]

        def run():
            for channel in channels:  # it would smooth along them
                self.ndimage.sobel(image[channel], 1, output=x[channel], mode=case.border)
                self.ndimage.sobel(image[channel], 0, output=y[channel], mode=case.border)
            np.hypot(x, y, out=x)
            np.multiply(x, np.float32(1 / SOBEL_SLOPE), out=x if whole else out)
            if whole:
                np.add(x, 0.5, out=x)
                np.clip(x, 0, np.iinfo(out.dtype).max, out=x)
                np.copyto(out, x, casting="unsafe")
            return out

        reason = "float32 between the sums and the rounding can turn a tie"
        call = "sobel(output=float32), twice, numpy.hypot" + (", + 0.5, clip, to integers" if whole else "")
        return Way(run, call, tolerance(case, 1, FLOAT32), reason)

    def _deviation(self, case: Case, image: np.ndarray) -> Way:
        """By the textbook formula, in float64."""
        if case.operation != "deviation":
            raise CannotDo("no such filter")
        out, how = full_array(case), {"size": case.size, "mode": case.border, "axes": (0, 1), "output": np.float64}

        def run():
            mean = self.ndimage.uniform_filter(image, **how)
            squares = self.ndimage.uniform_filter(np.square(image, dtype=np.float64), **how)
            values = np.sqrt(np.maximum(squares - mean * mean, 0))
            np.copyto(out, np.floor(values + 0.5) if case.frame.is_integer else values, casting="unsafe")
            return out

        accepted = tolerance(case, 1, CANCELLED)
        return Way(run, "uniform_filter of samples and squares, sqrt", accepted, "the difference of squares cancels")

    def _rounded(self, case: Case, image: np.ndarray) -> Way:
        """scipy lets integers overflow, so that sharpening needs a float result, rounded and saturated by numpy."""
        weights, top = _like(case.weights, image), np.iinfo(case.frame.dtype).max
        values, out = full_array(case, np.float32), full_array(case)

        def run():
            self.ndimage.correlate(image, weights, output=values, mode=case.border)
            np.add(values, 0.5, out=values)
            np.clip(values, 0, top, out=values)
            np.copyto(out, values, casting="unsafe")
            return out

        reason = "float32 between the sum and the rounding can turn a tie"
        return Way(run, "correlate(output=float32), + 0.5, clip, to integers", tolerance(case, 1, FLOAT32), reason)


def _like(weights: np.ndarray, image: np.ndarray) -> np.ndarray:
    return weights if image.ndim == 2 else weights[..., None]


def _after(case: Case) -> str:
    return f" of all pixels, then [::{case.stride}, ::{case.stride}]" if case.stride > 1 else ""
