"""Which part of a picture is filtered: a region, channels or luma, and a mask."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError

LUMA = np.array([0.2126, 0.7152, 0.0722])  # of red, green and blue: ITU-R BT.709-6, 3.2
NAMES = {1: ("grey",), 2: ("grey", "a"), 3: ("r", "g", "b"), 4: ("r", "g", "b", "a")}
INKS = ("c", "m", "y", "k")
_REGION = re.compile(r"(\d+)x(\d+)\+(\d+)\+(\d+)")


@dataclass(frozen=True)
class Region:
    """A rectangle: columns x .. x + width - 1 of rows y .. y + height - 1."""

    width: int
    height: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"

    def checked(self, rows: int, columns: int) -> Region:
        """Return self; OptionError if the region reaches beyond a picture of this size."""
        if self.y + self.height > rows or self.x + self.width > columns:
            raise OptionError(f"region {self} reaches beyond the picture, which is {columns} wide and {rows} high")
        return self


@dataclass(frozen=True, eq=False)
class Selection:
    """The part of a picture that is filtered; None where an option was not given."""

    region: Region | None
    channels: tuple | None  # names and numbers of channels
    mask: np.ndarray | None
    crop: bool

    @property
    def luma(self) -> bool:
        return self.channels == ("luma",)


def selection_of(options) -> Selection:
    """The selection in `Options`; OptionError for a region, channels or a mask that make no sense."""
    region = None if options.region is None else parse_region(options.region)
    if options.crop and region is None:
        raise OptionError("crop= needs region=")
    channels = None if options.channels is None else parse_channels(options.channels)
    return Selection(region, channels, None if options.mask is None else _mask(options.mask), options.crop)


def parse_region(region) -> Region:
    """`"WxH+X+Y"`, or four numbers in that order, as a Region.

    >>> parse_region("40x30+5+0")
    Region(width=40, height=30, x=5, y=0)
    """
    if isinstance(region, str):
        found = _REGION.fullmatch(region.strip().lower())
        numbers = [int(text) for text in found.groups()] if found and len(region) < 80 else []
    else:
        given = list(region) if isinstance(region, (tuple, list, np.ndarray)) else []
        numbers = [int(n) for n in given if isinstance(n, (int, np.integer)) and n >= 0]
    if len(numbers) != 4 or 0 in numbers[:2]:
        raise OptionError(
            f"region must be WxH+X+Y (width first, then left and upper edge), such as 200x100+30+40, not {region!r}"
        )
    return Region(*numbers)


def parse_channels(channels) -> tuple:
    """`"r,g"`, `"luma"`, `"0,2"`, or a list of names and numbers, as a tuple of them."""
    given = channels.lower().split(",") if isinstance(channels, str) else channels
    given = list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]
    found = []
    for item in given:
        text = str(item).strip().lower()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
        if number is None and text not in ("luma", "grey", "gray", "r", "g", "b", "a", "alpha", *INKS):
            raise OptionError(
                f"channels must be names out of r, g, b, a, grey, c, m, y, k, or luma, or numbers from 0, not {channels!r}"
            )
        found.append({"gray": "grey", "alpha": "a"}.get(text, text) if number is None else number)
    if not found or ("luma" in found and len(found) > 1):
        raise OptionError(f"channels must be luma alone, or one or more channels, not {channels!r}")
    return tuple(dict.fromkeys(found))


def _mask(mask) -> np.ndarray:
    if hasattr(mask, "pixels"):
        if mask.has_alpha or mask.mode == "cmyk":
            raise OptionError(f"a mask is grey or RGB, without alpha; this one is {mask.mode}")
        mask = mask.in_full_range().pixels
    mask = np.asarray(mask)
    if mask.dtype.kind not in "biuf" or mask.ndim not in (2, 3):
        raise OptionError(f"a mask has numbers in shape (H, W) or (H, W, C), not {mask.dtype} {mask.shape}")
    if mask.dtype.kind in "if" and mask.size and not (mask.min() >= 0 and (mask.dtype.kind == "i" or mask.max() <= 1)):
        raise OptionError("a mask of floats holds 0 to 1, and no mask negative numbers")
    return mask if mask.ndim == 3 else mask[..., None]


def places_of(selection: Selection, channels: int, has_alpha: bool) -> tuple[int, ...]:
    """The numbers of the selected channels, in the picture's order; OptionError for a channel the picture has not."""
    names = NAMES.get(channels, ())
    if selection.luma:
        if channels - has_alpha != 3:
            raise OptionError("luma is of red, green and blue; this picture has not these three")
        return 0, 1, 2
    found = set()
    for item in selection.channels or ():
        if isinstance(item, str):
            known = INKS if channels == 4 and not has_alpha and item in INKS else names
            if item not in known:
                all_of_them = ", ".join(names) or f"0 to {channels - 1}"
                raise OptionError(f"this picture has no channel {item}; it has {all_of_them}")
            found.add(known.index(item))
        elif item >= channels:
            raise OptionError(f"this picture has no channel {item}; it has 0 to {channels - 1}")
        else:
            found.add(item)
    return tuple(sorted(found))


def check_mask(mask: np.ndarray, region: Region, rows: int, columns: int, colours: int) -> None:
    """Raise OptionError if a mask does not fit a picture."""
    size = mask.shape[:2]
    if size not in ((rows, columns), (region.height, region.width)):
        whole = (rows, columns) == (region.height, region.width)
        also = "" if whole else f", or as its region, {region.width} wide and {region.height} high"
        raise OptionError(
            f"the mask is {size[1]} wide and {size[0]} high; it must be as the picture, {columns} wide and {rows} high{also}"
        )
    if mask.shape[2] not in (1, colours):
        raise OptionError(f"the mask has {mask.shape[2]} channels; it must have one, or the picture's {colours}")
