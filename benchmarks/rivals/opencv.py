"""OpenCV (cv2), with as many threads as imconv."""

from __future__ import annotations

import numpy as np

from ..cases import EPS, LOCAL, RANGE, SOBEL_SLOPE, Case
from .base import CannotDo, Rival, Way, full_array, then_take_every, tolerance

# float32 throughout, large kernels by a DFT; ten times what was seen (4e-7)
FLOAT32 = 4e-6
WEIGHTS = 2e-3  # tables of weights are linear between 4096 places; roots of cancelled float32
CANCELLED = 1e-4
FIXED_POINT = "OpenCV's integer Gaussian works in fixed point: up to 1.5 levels off in 8 bits, 2.3 in 16"
# With weights of a few 256ths each, a wide 8-bit Gaussian is hardly one: 5 levels off at sigma 100 on noise.
WIDE_GAUSSIAN = 6
HALF_EVEN = "OpenCV rounds half to even, and its sums are float32"


class OpenCV(Rival):
    name = "OpenCV"
    about = "OpenCV has no stride (all pixels are computed, then every second one kept); a dilated kernel is given with its zeros"

    def __init__(self, threads: int):
        import cv2

        cv2.setNumThreads(threads)
        self.cv2, self.version, self.threads = cv2, cv2.__version__, threads
        self.borders = {
            "nearest": cv2.BORDER_REPLICATE,
            "reflect": cv2.BORDER_REFLECT,
            "mirror": cv2.BORDER_REFLECT_101,
            "constant": cv2.BORDER_CONSTANT,
        }

    def way(self, case: Case, image: np.ndarray) -> Way:
        cv2 = self.cv2
        if case.border not in self.borders:
            raise CannotDo(f"no border {case.border} for filters")
        out = full_array(case)
        shared = {"dst": out, "borderType": self.borders[case.border]}
        if case.operation in LOCAL:
            return self._local(case, image, self.borders[case.border], out)
        if case.operation == "gaussian":
            side = 2 * case.radius + 1  # its own choice would be 3 sigma for 8 bits
            levels, ceiling = (2, WIDE_GAUSSIAN) if case.frame.dtype == "uint8" else (3, None)
            return Way(
                lambda: cv2.GaussianBlur(image, (side, side), case.sigma, **shared),
                f"GaussianBlur(ksize={side}, dst=)",
                tolerance(case, levels, FLOAT32),
                FIXED_POINT,
                ceiling=ceiling,
            )
        if case.operation == "box":
            size, accepted = (case.size, case.size), tolerance(case, 1, FLOAT32)
            return Way(lambda: cv2.blur(image, size, **shared), "blur(dst=)", accepted, HALF_EVEN)
        if case.operation == "sobel":
            return self._sobel(case, image, out)
        if case.operation == "median":
            if case.border != "nearest" or (case.size > 5 and case.frame.dtype != "uint8"):
                raise CannotDo("medians repeat the edge pixels, and beyond 5x5 are for 8 bits")
            return Way(lambda: cv2.medianBlur(image, case.size, dst=out), "medianBlur(dst=)", 0)
        if case.ranks:
            morphology, kernel = {"minimum": cv2.erode, "maximum": cv2.dilate}[case.operation], np.ones((case.size,) * 2, np.uint8)  # fmt: skip
            return Way(lambda: morphology(image, kernel, **shared), f"{morphology.__name__}(dst=)", 0)
        weights = case.dilated_weights
        run = then_take_every(case, lambda: cv2.filter2D(image, -1, weights, **shared), out)
        return Way(run, "filter2D(dst=)", tolerance(case, 1, FLOAT32), HALF_EVEN)

    def _sobel(self, case: Case, image: np.ndarray, out: np.ndarray) -> Way:
        cv2 = self.cv2
        shared = {"ddepth": cv2.CV_32F, "scale": 1 / SOBEL_SLOPE, "borderType": self.borders[case.border]}
        x, y = full_array(case, np.float32), full_array(case, np.float32)
        size = out if case.frame.dtype == "float32" else full_array(case, np.float32)

        def run():
            cv2.Sobel(image, dx=1, dy=0, dst=x, **shared)
            cv2.Sobel(image, dx=0, dy=1, dst=y, **shared)
            cv2.magnitude(x, y, magnitude=size)
            if case.frame.dtype == "uint8":
                cv2.convertScaleAbs(size, dst=out)
            elif case.frame.dtype == "uint16":
                cv2.add(size, 0.0, dst=out, dtype=cv2.CV_16U)
            return out

        return Way(run, "Sobel(CV_32F), twice, magnitude, to integers", tolerance(case, 1, FLOAT32), HALF_EVEN)

    def _local(self, case: Case, image: np.ndarray, border: int, out: np.ndarray) -> Way:
        """Where there is no function, its float32 boxes and numpy, as one would write it."""
        cv2, size = self.cv2, (case.size, case.size)
        if case.operation == "bilateral":
            settings = (case.size, RANGE * case.white, case.sigma)
            grey = case.frame.channels == 1
            return Way(
                lambda: cv2.bilateralFilter(image, *settings, dst=out, borderType=border),
                "bilateralFilter(dst=)",
                tolerance(case, 1, WEIGHTS) if grey else None,
                "its weights are a table" if grey else "distances of colours are sums of absolute differences",
            )

        def mean(values):
            return cv2.boxFilter(values, cv2.CV_32F, size, borderType=border)

        def deviation():
            average = mean(image)
            variance = cv2.sqrBoxFilter(image, cv2.CV_32F, size, borderType=border)
            variance -= average * average
            return finished(cv2.sqrt(np.maximum(variance, 0, out=variance)))

        def guided():
            values = image.astype(np.float32)
            average = mean(values)
            variance = mean(values * values) - average * average
            a = variance / (variance + np.float32(EPS * case.white**2))
            return finished(mean(a) * values + mean(average - a * average))

        def finished(values):
            if case.frame.is_integer:
                np.clip(values + np.float32(0.5), 0, case.white, out=values)
            np.copyto(out, values, casting="unsafe")
            return out

        run = {"deviation": deviation, "guided": guided}[case.operation]
        accepted, reason = tolerance(case, 1, CANCELLED), "float32: the difference of squares cancels"
        return Way(run, "boxFilter, numpy", accepted, reason, ceiling=tolerance(case, 2, WEIGHTS))
