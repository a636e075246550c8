"""Picture: pixels and what their file said about them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import OptionError

if TYPE_CHECKING:
    import numpy as np

    from ..geometry.grid import Grid
    from .origin import Origin
    from .tags import Entry

PLANES = "planes"  # any number of channels without a colour model: satellites' bands, stains, depths
MODES = {"grey": 1, "grey+alpha": 2, "rgb": 3, "rgba": 4, "cmyk": 4}
MOST_PLANES = 4096  # channels of a picture
_WHITES = {"uint8": 255, "uint16": 65535}
_MODE_OF_CHANNELS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_DEPTHS = {
    "bool": "1-bit",
    "uint8": "8-bit",
    "uint16": "16-bit",
    "int32": "32-bit integer",
    "uint32": "32-bit unsigned integer",
    "int64": "64-bit integer",
    "uint64": "64-bit unsigned integer",
    "float32": "32-bit float",
    "float64": "64-bit float",
}


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels; every field has a default.

    icc           ICC profile, bytes or None
    exif          EXIF as a TIFF block, starting with II or MM (no "Exif" prefix), bytes or None
    xmp           XMP packet, bytes or None
    iptc          IPTC datasets (IIM 4: captions, credits, keywords), bytes or None
    comment       text of a file's own comment, bytes or None
    dpi           (horizontal, vertical) in dots per inch, or None
    density       pixels across and down in the same length, whatever that is, where a file states no dpi: (2, 1) for pixels
                  twice as high as wide; or None
    orientation   EXIF orientation 1 to 8: how the stored pixels are to be turned for display
    gamma         exponent a PNG's gAMA chunk states (0.45455 for 1/2.2), or None
    chunks        what else describes the picture in a PNG, as (type, data): text, colour, ...; carried from PNG to PNG byte
                  for byte, but for bKGD, which has 16 bits a channel here
    quantisation  a JPEG's quantisation tables, one tuple of 64 for each component, or None
    subsampling   a JPEG's chroma subsampling (0: 4:4:4, 1: 4:2:2, 2: 4:2:0, 3: 4:4:0, 4: 4:1:1), or None
    compression   a TIFF's compression ("deflate", "lzw", "packbits", "none", ...), or None
    predictor     a TIFF's predictor (1 none, 2 differences of samples, 3 of floating point), or None
    duration      how long this frame of an animation is shown, in milliseconds, or None
    loop          how often the animation plays, 0: for ever, or None
    extra         of a TIFF with planes: its photometric interpretation and what its extra samples are, as numbers of TIFF 6.0,
                  or None
    maximum       of uint8 and uint16 pixels: the value of white, where the file states one that is not the type's largest (Netpbm's
                  maxval, TIFFs of 9 to 15 bits), or None
    nodata        the value of samples that are no measurements, as a TIFF states it for GDAL (text), or None
    tags          a TIFF page's georeferencing and other private tags, as (number, entry), as the file holds them
    origin        what these refer to: the picture in the file, and where this one's pixels lie in it
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    orientation: int = 1
    gamma: float | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    quantisation: tuple[tuple[int, ...], ...] | None = None
    subsampling: int | None = None
    compression: str | None = None
    predictor: int | None = None
    duration: float | None = None
    loop: int | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    nodata: str | None = None
    extra: tuple[int, tuple[int, ...]] | None = None
    maximum: int | None = None
    tags: tuple[tuple[int, Entry], ...] = ()
    origin: Origin | None = field(default=None, compare=False)
    density: tuple[int, int] | None = None

    def __repr__(self):
        shown = []
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value != item.default:
                shown.append(f"{item.name}={len(value)} bytes" if isinstance(value, bytes) else f"{item.name}={value}")
        text = ", ".join(s if len(s) < 60 else s[:57] + "..." for s in shown)
        return f"Metadata({text})"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: pixels, colour model, and what its file said.

    pixels    numpy array (H, W) or (H, W, C): bool, uint8, uint16, int32, uint32, int64, uint64,
              float32 or float64; anything else is an error
    mode      "grey", "grey+alpha", "rgb", "rgba", "cmyk", or "planes" for any number of channels that are no colours; by default
              what the number of channels says (4: rgba; 5 and more: planes)
    format    the format it was read from ("PNG", "JPEG", ...), or None
    metadata  see Metadata
    notes     one-line remarks for the user ("palette expanded to RGB", "first of 12 frames")

    Raises OptionError for pixels of another type or shape, or a mode that contradicts the channels.

    >>> import numpy as np
    >>> Picture(np.zeros((2, 3, 4), np.uint8))
    <Picture 3 x 2, rgba, 8-bit>
    """

    pixels: np.ndarray
    mode: str = ""
    format: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        from ..pixels.arrays import as_array

        pixels = as_array(self.pixels, "a picture")
        if pixels.dtype.name not in _DEPTHS:
            known = ", ".join(_DEPTHS)
            raise OptionError(f"pixels of type {pixels.dtype.name} cannot make a picture; convert to one of {known}")
        if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= MOST_PLANES):
            raise OptionError(
                f"an array of shape {pixels.shape} is no picture; give (height, width) or (height, width, 1 to {MOST_PLANES} channels)"
            )
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        mode = self.mode or _MODE_OF_CHANNELS.get(channels, PLANES)
        if MODES.get(mode) != channels and mode != PLANES:
            raise OptionError(
                f"{channels} channels do not make a {mode!r} picture; modes are {', '.join((*MODES, PLANES))}"
            )
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "mode", mode)

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def channels(self) -> int:
        return MODES.get(self.mode) or (self.pixels.shape[2] if self.pixels.ndim == 3 else 1)

    @property
    def has_alpha(self) -> bool:
        return self.mode in ("grey+alpha", "rgba")

    @property
    def depth(self) -> str:
        """The sample type in words: "1-bit", "8-bit", "16-bit", "32-bit float", "32-bit unsigned integer", ..."""
        return _DEPTHS[self.pixels.dtype.name]

    def replace(self, **changes) -> Picture:
        """A copy with some fields changed, usually `pixels`. The new pixels must have as many channels as the mode;
        give `mode=` too ("": what the shape says) where a filter changes them. Raises OptionError."""
        return dataclasses.replace(self, **changes)

    @property
    def maximum(self) -> int | None:
        """The value of white, where it is not the largest of the pixels' type: `metadata.maximum`, if it can be."""
        stated, most = self.metadata.maximum, _WHITES.get(self.pixels.dtype.name, 0)
        return stated if stated is not None and 0 < stated < most else None

    def in_full_range(self) -> Picture:
        """A copy in which white is the type's largest value: samples multiplied, rounded half up. What is above white is white."""
        if self.maximum is None:
            return self
        from .channels import in_full_range

        metadata = dataclasses.replace(self.metadata, maximum=None)
        return self.replace(pixels=in_full_range(self.pixels, self.maximum), metadata=metadata)

    def filtered(self, pixels: np.ndarray, maximum: int | None = None) -> Picture:
        """A copy with a filter's result, whose white is `maximum` where it is not the type's largest value. Where its channels
        are not this picture's, what is known of those is left out: the ICC profile, a JPEG's tables."""
        metadata = self.metadata
        if metadata.maximum != maximum:
            metadata = dataclasses.replace(metadata, maximum=maximum)
        if (pixels.shape[2] if pixels.ndim == 3 else 1) == self.channels:
            return self.replace(pixels=pixels, metadata=metadata)
        metadata = dataclasses.replace(metadata, icc=None, gamma=None, quantisation=None, subsampling=None, extra=None)
        return self.replace(pixels=pixels, mode="", metadata=metadata)

    def placed(self, grid: Grid | None, rescaled: bool = False) -> Picture:
        """A copy of a filter's result which knows that its pixels lie on `grid` among those of the picture before, and
        whether they have been converted to another depth."""
        metadata, origin = self.metadata, self.metadata.origin
        if grid is not None and grid.transposes and (metadata.dpi or metadata.density):
            dpi, density = metadata.dpi, metadata.density
            metadata = dataclasses.replace(metadata, dpi=dpi and dpi[::-1], density=density and density[::-1])
        if origin is not None:
            origin = origin.filtered(grid, (self.height, self.width), rescaled)
            metadata = dataclasses.replace(metadata, origin=origin)
        return self if metadata is self.metadata else self.replace(metadata=metadata)

    def __array__(self, dtype=None, copy=None):
        import numpy as np

        return np.array(self.pixels, dtype=dtype) if copy else np.asarray(self.pixels, dtype=dtype)

    def __repr__(self):
        source = f"{self.format}, " if self.format else ""
        return f"<Picture {source}{self.width} x {self.height}, {self.mode}, {self.depth}>"


def samples_of(image):
    """A Picture's pixels; anything else as it is."""
    return image.pixels if isinstance(image, Picture) else image


class Page(NamedTuple):
    """One picture as an encoder gets it: what can't go into the file has been taken away, and noted."""

    pixels: np.ndarray
    mode: str
    metadata: Metadata


class EncoderOptions(NamedTuple):
    """What the user asks of an encoder, None where nothing: see `imconv.files.write`."""

    quality: int | None = None
    compression: Any = None
    threads: int | None = None
