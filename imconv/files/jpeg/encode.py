"""JPEG files written: the tables and the subsampling of the input kept, metadata as segments of our own."""

from __future__ import annotations

from typing import Any

from ..picture import EncoderOptions, Metadata, Page
from .segments import SUBSAMPLINGS, described, standard_quality
from .stripped import stripped as stripped

DEFAULT_QUALITY = 92  # where neither the user nor the input says
_DEFAULT_SUBSAMPLING = 2  # 4:2:0, as libjpeg has it
_FINER = {3: 0, 4: 1}  # subsamplings that Pillow can't write, and the next that loses no more
# simplejpeg's encoder takes the fast, less exact transform below this quality, and Pillow's never does
_SAME_FROM = 96


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type uint8, grey, RGB or CMYK. By default with the metadata's tables and subsampling."""
    pixels, mode, metadata = page
    quality, tables, subsampling = options.quality, _tables(mode, metadata), _DEFAULT_SUBSAMPLING
    if quality is None and tables is None:
        quality = DEFAULT_QUALITY
    if quality is None and tables is not None:
        quality = standard_quality(tables)
        subsampling = _DEFAULT_SUBSAMPLING if metadata.subsampling is None else metadata.subsampling
    data = None
    if quality is not None and quality >= _SAME_FROM and mode != "cmyk":
        data = _encode_quickly(pixels, mode, quality, subsampling)
    if data is None:
        data = _encode_by_pillow(pixels, mode, notes, quality, tables, subsampling)
    return described(data, metadata)


def _tables(mode: str, metadata: Metadata) -> tuple[tuple[int, ...], ...] | None:
    """One table for each component, from the input's."""
    if not metadata.quantisation:
        return None
    channels = {"grey": 1, "rgb": 3}.get(mode, 4)
    tables = metadata.quantisation[:channels]
    return tables + tables[-1:] * (channels - len(tables))


def _encode_quickly(pixels, mode: str, quality: int, subsampling: int) -> bytes | None:
    """The file by simplejpeg, None where it is missing."""
    try:
        import simplejpeg
    except ImportError:
        return None
    import numpy as np

    if mode == "grey":
        return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels[..., None]), quality, "GRAY", "Gray")
    sampling = SUBSAMPLINGS[subsampling].replace(":", "")
    return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", sampling)


def _encode_by_pillow(pixels, mode: str, notes: list[str], quality, tables, subsampling: int) -> bytes:
    from .. import by_pillow

    options: dict[str, Any] = {}
    if quality is not None:
        options["quality"] = quality
    else:
        kept = [list(table) for table in tables]
        while len(kept) > 1 and kept[-1] == kept[-2]:
            kept.pop()
        options["qtables"] = kept
    if mode == "rgb":
        if subsampling in _FINER:
            finer = _FINER[subsampling]
            notes.append(f"subsampling {SUBSAMPLINGS[subsampling]} written as {SUBSAMPLINGS[finer]}")
            subsampling = finer
        options["subsampling"] = subsampling
    return by_pillow.saved(by_pillow.image_of(pixels, mode), "JPEG", "Jpeg", **options)
