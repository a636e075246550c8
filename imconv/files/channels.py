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


def in_full_range(samples: np.ndarray, maximum: int) -> np.ndarray:
    """Samples of type uint8 or uint16 whose white is `maximum`, as 0 .. 255 or 65535: rounded half up, white where above it."""
    import numpy as np

    top = _OPAQUE[samples.dtype.name]
    levels = (np.arange(top + 1, dtype=np.uint64).clip(max=maximum) * (2 * top) + maximum) // (2 * maximum)
    return levels.astype(samples.dtype)[samples]


def scaled(values: np.ndarray, maximum: int) -> np.ndarray:
    """The same for samples of 0 .. `maximum` that a decoder returns. Raises ValueError beyond it."""
    if values.size and values.max() > maximum:
        raise ValueError(f"a value above the maximum of {maximum}")
    return in_full_range(values, maximum)


def looked_up(indices: np.ndarray, palette: np.ndarray, notes: list[str], holes: int | None = None) -> np.ndarray:
    """The palette's rows for 8-bit indices; an index beyond it is an error, except the transparent one (`holes`)."""
    import numpy as np

    table = np.zeros((256, *palette.shape[1:]), palette.dtype)
    table[: len(palette)] = palette
    if indices.size and indices.max() >= len(palette):
        beyond = indices[indices >= len(palette)]
        if holes is None or (beyond != holes).any():
            raise ValueError("a pixel's colour is not in the palette")
    if palette.ndim == 2:
        notes.append(f"palette expanded to {'RGBA' if palette.shape[1] == 4 else 'RGB'}")
    return table[indices]


def divided(band: np.ndarray) -> np.ndarray:
    """Pixels (rows, columns, channels) with the colours divided by alpha, the last channel: rounded half up, at most the type's
    maximum, and 0 where alpha is 0."""
    import numpy as np

    if band.dtype.kind == "f":
        wide = band.astype("f8" if band.itemsize == 8 else "f4")
        alpha = wide[..., -1:]
        with np.errstate(all="ignore"):
            wide[..., :-1] = np.where(alpha == 0, 0, wide[..., :-1] / alpha)
        return wide
    most = np.iinfo(band.dtype).max
    alpha = band[..., -1:].astype(np.uint32)
    colours = (band[..., :-1] * np.uint32(most) + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.where(alpha == 0, 0, np.minimum(colours, most)), alpha], axis=2).astype(band.dtype)
