"""imconv through its public functions, with their defaults."""

from __future__ import annotations

import numpy as np

import imconv

from ..cases import RANGE, THRESHOLD, Case
from .base import Rival, Way, result_array


class Imconv(Rival):
    name = "imconv"

    def __init__(self, threads: int):
        self.version, self.threads = imconv.__version__, threads

    def way(self, case: Case, image: np.ndarray) -> Way:
        out = result_array(case)
        shared = {"border": case.border, "out": out, "threads": self.threads}
        if case.operation == "gaussian":
            return Way(lambda: imconv.gaussian_blur(image, case.sigma, **shared), "imconv.gaussian_blur(out=)")
        if case.operation == "box":
            return Way(lambda: imconv.box_blur(image, case.size, **shared), "imconv.box_blur(out=)")
        if case.ranks:
            ranked = getattr(imconv, case.operation)
            return Way(lambda: ranked(image, case.size, **shared), f"imconv.{case.operation}(out=)")
        if case.operation == "sharpen":
            return Way(lambda: imconv.sharpen(image, **shared), "imconv.sharpen(out=)")
        if case.operation == "sobel":
            return Way(lambda: imconv.edges(image, **shared), "imconv.edges(out=)")
        if case.operation == "bilateral":
            how = {"radius": case.radius, **shared}
            run = lambda: imconv.bilateral(image, case.sigma, RANGE * case.white, **how)  # noqa: E731
            return Way(run, "imconv.bilateral(out=)")
        if case.operation == "guided":
            return Way(lambda: imconv.guided(image, case.radius, THRESHOLD, **shared), "imconv.guided(out=)")
        if case.operation == "deviation":
            return Way(lambda: imconv.local_deviation(image, case.size, **shared), "imconv.local_deviation(out=)")
        weights, steps = case.weights, {"stride": case.stride, "dilation": case.dilation}
        return Way(lambda: imconv.correlate(image, weights, **steps, **shared), "imconv.correlate(out=)")
