"""Pictures turned as their EXIF orientation says."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from . import tags
from .picture import Metadata

if TYPE_CHECKING:
    import numpy as np

# orientation: (transpose first, then flip the rows' order, flip the columns' order), as EXIF 2.3 defines 1 to 8
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels (H, W[, C]) as they are to be displayed, contiguous. `orientation` is 1 to 8."""
    import numpy as np

    transpose, flip_rows, flip_columns = _TURNS[orientation]
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    if flip_rows:
        pixels = pixels[::-1]
    if flip_columns:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def upright(metadata: Metadata) -> Metadata:
    """The metadata of a picture whose pixels have been turned: orientation 1, in EXIF and XMP too."""
    dpi, chunks = metadata.dpi, metadata.chunks
    if _TURNS[metadata.orientation][0]:
        dpi = dpi and dpi[::-1]
        # pixels per unit across and down, 4 bytes each
        chunks = tuple((k, d[4:8] + d[:4] + d[8:]) if k == b"pHYs" else (k, d) for k, d in chunks)
    xmp = metadata.xmp
    if xmp is not None:
        xmp = re.sub(rb"(tiff:Orientation(?:=[\"']|>))[2-8]", rb"\g<1>1", xmp)
    exif = tags.with_orientation(metadata.exif, 1)
    return dataclasses.replace(metadata, dpi=dpi, xmp=xmp, exif=exif, orientation=1, chunks=chunks)
