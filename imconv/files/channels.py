"""Pixels of one colour model as another that holds all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_OPAQUE = {"uint8": 255, "uint16": 65535}


def spread(pixels: np.ndarray, mode: str, wanted: str) -> np.ndarray:
    """Grey, with alpha or without, or RGB pixels of type uint8 or uint16 with the channels of `wanted`, which lacks none."""
    import numpy as np

    if mode == wanted:
        return pixels
    alpha = pixels[..., -1:] if mode in ("grey+alpha", "rgba") else np.full_like(pixels[..., :1], _opaque(pixels))
    colours = pixels[..., None] if pixels.ndim == 2 else pixels[..., :1] if mode == "grey+alpha" else pixels
    if mode == "grey":
        alpha = np.full_like(colours, _opaque(pixels))
    if colours.shape[2] == 1 and wanted in ("rgb", "rgba"):
        colours = np.repeat(colours, 3, axis=2)
    return np.concatenate([colours, alpha], axis=2) if wanted in ("grey+alpha", "rgba") else colours


def _opaque(pixels: np.ndarray) -> int:
    return _OPAQUE[pixels.dtype.name]


def common(modes: list[str]) -> str:
    """The colour model that holds all of these."""
    colour = any(mode in ("rgb", "rgba") for mode in modes)
    alpha = any(mode in ("grey+alpha", "rgba") for mode in modes)
    return {(False, False): "grey", (False, True): "grey+alpha", (True, False): "rgb", (True, True): "rgba"}[
        colour, alpha
    ]
