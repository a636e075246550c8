"""Which directories of a TIFF are its pages: all but smaller copies of other pictures (overviews) and transparency masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..tags import OLD_SUBFILE_TYPE, SUBFILE_TYPE, Tags
from . import camera

REDUCED, MASK = 1, 4  # bits of SUBFILE_TYPE
_MASK_COLOURS = 4  # the photometric interpretation of transparency masks
_INNER = 330  # where SubIFDs are
_OUTLINE = frozenset((SUBFILE_TYPE, OLD_SUBFILE_TYPE, 256, 257, 262, _INNER))
_OLD_TYPES = {2: REDUCED, 3: 2}  # OLD_SUBFILE_TYPE as bits of SUBFILE_TYPE
_MOST_INNER = 4096  # SubIFDs that are looked at


class Page(NamedTuple):
    """Where the directory of a picture is, and that of the page to which it belongs: another one for a SubIFD."""

    picture: int
    page: int
    note: str | None = None


@dataclass(frozen=True)
class Pages:
    """The pages of a file, and how many other pictures it holds: overviews, transparency masks, and others in SubIFDs."""

    pages: list[Page]
    overviews: int
    masks: int
    others: int

    @property
    def notes(self) -> list[str]:
        """What is left out, for the user."""
        counts = {
            "smaller copies of its pictures": self.overviews,
            "transparency masks": self.masks,
            "further pictures in SubIFDs": self.others,
        }
        return [f"{words} left out: {count}" for words, count in counts.items() if count]


class _Outline(NamedTuple):
    """What decides whether a directory's picture is read: its number of pixels, whether it is a smaller copy of another
    or a transparency mask, and where its SubIFDs are."""

    pixels: int
    reduced: bool
    mask: bool
    inner: tuple[int, ...]

    @property
    def full(self) -> bool:
        return not self.reduced and not self.mask


def pages_of(tags: Tags) -> Pages:
    """The file's pages, each the largest picture among its own and its SubIFDs. In a file of nothing but overviews and masks
    the overviews are its pages, in one of masks the masks."""
    chain = tags.chain() or [tags.first]
    camera.refuse(tags, chain)
    outlines = {offset: _outline(tags, offset) for offset in chain}
    full = [offset for offset in chain if outlines[offset].full]
    full = full or [offset for offset in chain if not outlines[offset].mask] or chain
    left_out = [outlines[offset] for offset in chain if offset not in set(full)]
    looked_at: dict[int, _Outline] = {}
    pages = []
    for offset in full:
        own = outlines[offset]
        for inner in own.inner:
            if inner not in looked_at and len(looked_at) < _MOST_INNER:
                looked_at[inner] = _outline(tags, inner)
        pages.append(_largest(offset, own, looked_at))
    taken = {page.picture for page in pages}
    inside = [
        outline for offset, outline in looked_at.items() if offset not in taken | outlines.keys() and outline.pixels
    ]
    left_out += [outline for outline in inside if not outline.full]
    masks = sum(outline.mask for outline in left_out)  # smaller copies of masks are masks
    return Pages(pages, len(left_out) - masks, masks, sum(outline.full for outline in inside))


def _largest(offset: int, own: _Outline, looked_at: dict[int, _Outline]) -> Page:
    """A page with the largest picture among its own, at `offset`, and its SubIFDs."""
    found = [inner for inner in own.inner if inner in looked_at and not looked_at[inner].mask]
    largest = max(found, key=lambda inner: looked_at[inner].pixels, default=offset)
    if largest == offset or looked_at[largest].pixels <= own.pixels:
        return Page(offset, offset)
    return Page(largest, offset, f"picture of a SubIFD, larger than the page's own of {own.pixels} pixels")


def _outline(tags: Tags, offset: int) -> _Outline:
    try:
        entries, _ = tags.directory(offset, _OUTLINE)
        width, height, colours = (tags.whole(entries.get(tag), (0,))[0] for tag in (256, 257, 262))
        kind = subfile_type(tags, entries)
        mask = bool(kind & MASK) or colours == _MASK_COLOURS
        return _Outline(width * height, bool(kind & REDUCED), mask, tags.whole(entries.get(_INNER)))
    except ValueError:
        return _Outline(0, False, False, ())  # told where it is read


def subfile_type(tags: Tags, entries: dict) -> int:
    """What a directory's picture is to the file, as bits of SUBFILE_TYPE: an overview, one page of several, a mask."""
    new = tags.whole(entries.get(SUBFILE_TYPE), (0,))[0]
    old = tags.whole(entries.get(OLD_SUBFILE_TYPE), (0,))[0]
    return new | _OLD_TYPES.get(old, 0)
