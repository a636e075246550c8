"""Pictures encoded by Pillow: all formats but PNG and TIFF."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any

from ..formats import FORMATS, Format
from ..header import Unsupported
from .decode import quiet

if TYPE_CHECKING:
    import numpy as np

_PLUGINS = {"WEBP": "WebP", "BMP": "Bmp", "GIF": "Gif"}
_PIL_MODES = {"grey": "L", "grey+alpha": "LA", "rgb": "RGB", "rgba": "RGBA", "cmyk": "CMYK"}


def encode(pixels, target: Format, mode, metadata, notes, quality, compression) -> bytes:
    """The file's bytes; what can't go into it has been taken away, and noted, by `encoding`."""
    importlib.import_module(f"PIL.{_PLUGINS[target.name]}ImagePlugin")
    with quiet():
        return _ENCODERS[target.name](pixels, mode, metadata, notes, quality, compression)


def _image(pixels: np.ndarray, mode: str):
    """A Pillow image of an array that Pillow can hold exactly."""
    import numpy as np
    from PIL import Image

    pil_mode = {"bool": "1", "uint16": "I;16", "int32": "I", "float32": "F"}.get(pixels.dtype.name, _PIL_MODES[mode])
    size = (pixels.shape[1], pixels.shape[0])
    if pil_mode == "1":
        grey = np.where(pixels, np.uint8(255), np.uint8(0))
        return Image.frombuffer("L", size, grey, "raw", "L", 0, 1).convert("1", dither=Image.Dither.NONE)
    raw = {"I": "I;32N", "F": "F;32NF"}.get(pil_mode, pil_mode)
    little = pixels.astype("<u2", copy=False) if pil_mode == "I;16" else pixels
    return Image.frombuffer(pil_mode, size, np.ascontiguousarray(little), "raw", raw, 0, 1)


class _Named(io.BytesIO):
    """A buffer with a name: from its extension Pillow imports the one plugin it needs, given a format it imports five."""

    name = ""


def _save(image, target: str, **options) -> bytes:
    buffer = _Named()
    buffer.name = "picture" + FORMATS[target].extensions[0]
    image.save(buffer, **options)
    return buffer.getvalue()


def jpeg(pixels, mode: str, **options) -> bytes:
    """A JPEG file without metadata. Options are Pillow's: quality, qtables, subsampling."""
    return _by_plugin(pixels, mode, "JPEG", "Jpeg", options)


def jpeg2000(pixels, mode: str, **options) -> bytes:
    """A JPEG 2000 file without metadata, lossless. Options are Pillow's: no_jp2, mct."""
    return _by_plugin(pixels, mode, "JP2", "Jpeg2K", options)


def avif(pixels, mode: str, **options) -> bytes:
    """An AVIF file. Options are Pillow's."""
    return _by_plugin(pixels, mode, "AVIF", "Avif", options)


def _by_plugin(pixels, mode: str, target: str, plugin: str, options: dict[str, Any]) -> bytes:
    try:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    except ImportError:
        raise Unsupported(f"this Pillow cannot write {target}; install a newer one") from None
    with quiet():
        return _save(_image(pixels, mode), target, **options)


def _webp(pixels, mode, metadata, notes, quality, compression) -> bytes:
    options: dict[str, Any] = {"quality": quality} if quality is not None else {"lossless": True, "exact": True}
    for key, value in (("icc_profile", metadata.icc), ("exif", metadata.exif), ("xmp", metadata.xmp)):
        if value:
            options[key] = value
    return _save(_image(pixels, mode), "WEBP", **options)


def _bmp(pixels, mode, metadata, notes, quality, compression) -> bytes:
    return _save(_image(pixels, mode), "BMP", dpi=metadata.dpi or (0, 0))


def _gif(pixels, mode, metadata, notes, quality, compression) -> bytes:
    import numpy as np
    from PIL import Image

    if mode == "grey":
        return _save(_image(pixels, mode), "GIF")
    if mode == "grey+alpha":
        pixels = pixels[..., [0, 0, 0, 1]]
    colours, transparent = pixels[..., :3], None
    if mode in ("grey+alpha", "rgba"):
        alpha = pixels[..., 3]
        if not np.isin(alpha, (0, 255)).all():
            raise Unsupported("GIF holds only fully transparent and fully opaque pixels; write PNG, TIFF, WEBP")
        transparent = alpha == 0
        if colours[transparent].any():
            notes.append("colours under fully transparent pixels left out: GIF holds none")
        colours = np.where(transparent[..., None], 0, colours).astype(np.uint8)
    codes = colours.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    opaque = codes if transparent is None else codes[~transparent]
    table = np.unique(opaque)
    room = 256 if transparent is None else 255
    if len(table) <= room:
        indices = np.searchsorted(table, codes).clip(0, max(0, len(table) - 1)).astype(np.uint8)
        palette = np.stack([table >> 16, table >> 8 & 255, table & 255], 1).astype(np.uint8)
    else:
        notes.append(f"{len(table)} colours reduced to {room}: GIF holds no more")
        reduced = _image(np.ascontiguousarray(colours), "rgb").quantize(room, Image.Quantize.MEDIANCUT)
        indices = np.asarray(reduced).copy()
        palette = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[:room]
    options = {}
    if transparent is not None:
        indices[transparent] = len(palette)
        palette = np.vstack([palette, np.zeros((1, 3), np.uint8)])
        options["transparency"] = len(palette) - 1
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), indices.tobytes())
    image.putpalette(palette.tobytes())
    return _save(image, "GIF", optimize=False, **options)


_ENCODERS = {"WEBP": _webp, "BMP": _bmp, "GIF": _gif}
