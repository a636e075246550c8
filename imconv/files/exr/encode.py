"""OpenEXR files by the OpenEXR library, compressed without loss (ZIP)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ..picture import EncoderOptions, Page

if TYPE_CHECKING:
    import numpy as np


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type float32, in 16 bits where that is exact for all samples, else in 32. Colours are multiplied
    by alpha, as readers expect."""
    import OpenEXR

    pixels, mode, metadata = page
    header: dict[str, Any] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if metadata.dpi:
        header |= {"xDensity": metadata.dpi[0], "pixelAspectRatio": metadata.dpi[1] / metadata.dpi[0]}
    if metadata.comment:
        header["comments"] = metadata.comment.decode("utf-8", "replace")
    if mode in ("rgba", "grey+alpha"):
        pixels = _multiplied(pixels, notes)
    pixels = _narrowed(pixels)
    names = {"grey": "Y", "grey+alpha": "YA", "rgb": "RGB", "rgba": "RGBA"}[mode]
    planes = pixels.reshape(*pixels.shape[:2], -1)
    channels = {name: planes[..., i].copy() for i, name in enumerate(names)}
    file = io.BytesIO()
    OpenEXR.File(header, channels).write(file)
    return file.getvalue()


def _multiplied(pixels: np.ndarray, notes: list[str]) -> np.ndarray:
    import numpy as np

    alpha = pixels[..., -1:]
    if (alpha == 1).all():
        return pixels
    notes.append("colours stored multiplied by alpha, as EXR has them: rounded to the last place, 0 where alpha is 0")
    with np.errstate(all="ignore"):
        return np.concatenate([np.where(alpha == 0, np.float32(0), pixels[..., :-1] * alpha), alpha], axis=2)


def _narrowed(pixels: np.ndarray) -> np.ndarray:
    """In float16 where all samples are exactly so."""
    import numpy as np

    with np.errstate(all="ignore"):
        half = pixels.astype(np.float16)
    exact = (half.astype(np.float32) == pixels) | np.isnan(pixels)
    return half if exact.all() else pixels.astype(np.float32, copy=False)
