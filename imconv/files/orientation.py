"""Pictures turned as their EXIF orientation says."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from . import tags
from .picture import Metadata, Picture

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


_BACK = {6: 8, 8: 6}  # the turn that undoes another; all others undo themselves


def transposes(orientation: int) -> bool:
    """Whether a picture is displayed with its rows as columns."""
    return _TURNS[orientation][0]


def shown_width(picture: Picture) -> int:
    """The columns of the picture as it is to be displayed."""
    return picture.height if transposes(picture.metadata.orientation) else picture.width


def as_shown(picture: Picture) -> Picture:
    """The picture as it is to be displayed, with orientation 1."""
    return picture.replace(
        pixels=turned(picture.pixels, picture.metadata.orientation), metadata=upright(picture.metadata)
    )


def as_stored(picture: Picture, orientation: int) -> Picture:
    """A picture as it is displayed, turned so that a file with this orientation is displayed like that."""
    pixels = turned(picture.pixels, _BACK.get(orientation, orientation))
    return picture.replace(
        pixels=pixels, metadata=_oriented(picture.metadata, orientation, _BACK.get(orientation, orientation))
    )


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
    return _oriented(metadata, 1, metadata.orientation)


def _oriented(metadata: Metadata, orientation: int, turn: int) -> Metadata:
    """The metadata of a picture turned by `turn`, with another orientation in all its places."""
    dpi, chunks, origin, density = metadata.dpi, metadata.chunks, metadata.origin, metadata.density
    if origin is not None:
        origin = origin.turned(*_TURNS[turn])
    if transposes(turn):  # what belongs to rows is the columns' from now on
        dpi, density = dpi and dpi[::-1], density and density[::-1]
    xmp = metadata.xmp
    if xmp is not None:
        xmp = re.sub(rb"(tiff:Orientation(?:=[\"']|>))[1-8]", rb"\g<1>%d" % orientation, xmp)
    exif = tags.with_orientation(metadata.exif, orientation)
    return dataclasses.replace(
        metadata, dpi=dpi, xmp=xmp, exif=exif, orientation=orientation, chunks=chunks, origin=origin, density=density
    )
