"""Plots a kernel: its weights as a heat map, and its frequency response. Needs matplotlib (extra `plot`)."""

from __future__ import annotations

import io

import numpy as np

from ..errors import ImconvError
from .kernel import Kernel

GRID = 256  # frequencies on each axis
MOST_LABELLED = 9  # most rows or columns of a kernel whose cells show their weights as numbers
FORMATS = ("png", "svg", "pdf")


def plot(kernel: Kernel, format: str = "png") -> bytes:
    """Encode a file with two drawings: the weights, with the anchor framed, and the magnitude of the frequency response.

    Frequencies are in cycles per pixel, from -1/2 to 1/2 on both axes, 0 in the middle. `format` is one of FORMATS.
    Raises ImconvError if matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise ImconvError("plotting needs matplotlib; install it with pip install 'imconv[plot]'") from None
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)  # this canvas never opens a window
    left, right = figure.subplots(1, 2)
    figure.suptitle(f"{kernel.name or 'kernel'}: {kernel.shape[0]} x {kernel.shape[1]}, sum {kernel.sum():g}")

    largest = float(np.abs(kernel.weights).max()) or 1.0
    drawn = np.ma.array(kernel.weights, mask=~kernel.mask)
    figure.colorbar(left.imshow(drawn, cmap="RdBu_r", vmin=-largest, vmax=largest), ax=left)
    left.set(title="weights", xlabel="column", ylabel="row")
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    left.add_patch(Rectangle((kernel.anchor[1] - 0.5, kernel.anchor[0] - 0.5), 1, 1, fill=False, linewidth=2))
    if max(kernel.shape) <= MOST_LABELLED:
        for (row, column), weight in np.ndenumerate(kernel.weights):
            if kernel.mask[row, column]:
                shade = "white" if abs(weight) > 0.6 * largest else "black"
                left.text(column, row, f"{weight:.3g}", ha="center", va="center", color=shade, fontsize=8)

    response = np.abs(np.fft.fftshift(kernel.frequency_response((GRID, GRID))))
    edge = 0.5 + 0.5 / GRID  # the first sample is -1/2, in the middle of its cell
    extent = (-edge, 1 - edge, 1 - edge, -edge)
    figure.colorbar(right.imshow(response, cmap="viridis", vmin=0, extent=extent), ax=right)
    right.set(title="frequency response, magnitude", xlabel="cycles per pixel, along rows", ylabel="down columns")
    if response.max() - response.min() > 1e-9 * response.max():
        right.contour(np.fft.fftshift(np.fft.fftfreq(GRID)), np.fft.fftshift(np.fft.fftfreq(GRID)), response, levels=6, colors="white", linewidths=0.5)  # fmt: skip

    file = io.BytesIO()
    figure.savefig(file, format=format, dpi=120)
    return file.getvalue()
