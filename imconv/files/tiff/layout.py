"""TIFF: how the first picture of a file is stored. Pixels are decoded elsewhere."""

from __future__ import annotations

import struct

from .. import private_tags
from .. import tags as tiff_tags
from ..description import pages_stated
from ..header import Header, Unsupported
from ..origin import Origin
from ..picture import MOST_PLANES, PLANES, Metadata
from ..tags import MAX_BLOCK, Tags, new_entry
from .codecs import CODES, WITH_PREDICTOR
from .pages import Page, Pages, pages_of, subfile_type

COMPRESSIONS = {
    1: "none",
    2: "ccitt",
    3: "group3",
    4: "group4",
    5: "lzw",
    6: "old jpeg",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
}
# how many times a compression can shrink at best; None: no bound
_MOST_PADDING = 1 << 24  # pixels that a tile may have beyond four times the picture's: small ones have usual tiles too
_INFLATION = {"none": 1, "lzw": 2800, "deflate": 1032, "packbits": 64, "jpeg": 1 << 11, "old jpeg": 1 << 11}
BY_PILLOW = ("jpeg", "ccitt", "group3", "group4")
_PHOTOMETRIC = {
    0: "grey",
    1: "grey",
    2: "rgb",
    3: "rgb",
    4: "mask",
    5: "cmyk",
    6: "ycbcr",
    8: "lab",
    9: "lab",
    10: "lab",
}
# the tags that decide the pixels: a decoder gets no others
STORAGE = frozenset(
    (*range(254, 260), 262, 266, *range(277, 280), 273, 284, 292, 293, 317, 320, *range(322, 326), 338, 339)
)
STORAGE |= {347, 529, 530, 532}
_CODES = {
    1: "B",
    3: "H",
    4: "I",
    6: "b",
    8: "h",
    9: "i",
    11: "f",
    12: "d",
    16: "Q",
    17: "q",
}  # of numeric types, for `struct`
_LONGEST_NODATA = 64  # characters
_IPTC_MARK = 0x1C  # how each dataset begins
_COLOURS = {"grey": 1, "rgb": 3, "cmyk": 4, "ycbcr": 3, "lab": 3, "mask": 1}


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a TIFF file's first picture, checked against the file's size."""
    tags = Tags(file, size)
    return _read_directory(tags, 0, pages_of(tags), size)


def read_pages(file, size: int, numbers: range) -> list[Header]:
    """The headers of some pages, each checked against the file's size."""
    tags = Tags(file, size)
    pages, headers = pages_of(tags), []
    for page in numbers:
        try:
            headers.append(_read_directory(tags, page, pages, size))
        except Unsupported as error:
            raise Unsupported(f"page {page}: {error}") from error
        except (ValueError, struct.error) as error:
            raise ValueError(f"page {page}: {error}") from error
    return headers


def _read_directory(tags: Tags, number: int, pages: Pages, size: int) -> Header:
    place = pages.pages[number]
    offset = place.picture
    entries, _ = tags.directory(offset)

    def numbers(tag, *default):
        return tags.whole(entries.get(tag), default)

    def first(tag, default):
        return numbers(tag, default)[0]

    width, height = first(256, 0), first(257, 0)
    if width < 1 or height < 1:
        raise ValueError("its size is missing")
    bits = numbers(258, 1)
    samples = first(277, len(bits))
    formats = numbers(339, 1)
    extra = numbers(338)
    photometric, planar = first(262, 0), first(284, 1)
    compression = COMPRESSIONS.get(first(259, 1), f"compression {first(259, 1)}")
    if photometric not in _PHOTOMETRIC:
        raise Unsupported(
            f"TIFF with photometric interpretation {photometric} cannot be read; convert it to RGB or grey"
        )
    if not 1 <= samples <= 65535 or not bits or not all(1 <= b <= 64 for b in bits):
        raise ValueError("its samples are described wrongly")
    if planar not in (1, 2):
        raise ValueError("its planar configuration is unknown")
    if len(set(bits)) != 1 or len(set(formats)) != 1:
        raise Unsupported("TIFF whose channels differ in depth cannot be read; convert it to one depth")
    palette = photometric == 3
    colours = 1 if palette else _COLOURS[_PHOTOMETRIC[photometric]]
    if samples < colours:
        raise ValueError(f"{samples} samples do not make a pixel")
    mode = _PHOTOMETRIC[photometric]
    if photometric == 6 and compression in ("jpeg", "old jpeg"):
        mode = "rgb" if samples == 3 else mode
    alpha = (
        samples == colours + 1
        and mode in ("grey", "rgb")
        and (extra[:1] in ((1,), (2,), (999,)) or (mode == "rgb" and not extra))
    )
    if alpha:
        mode = {"grey": "grey+alpha", "rgb": "rgba"}.get(mode, mode)
    elif samples > colours and mode in ("grey", "rgb", "cmyk") and not palette and photometric != 0:
        mode = PLANES
    layout = {
        "bits": bits[0],
        "samples": samples,
        "colours": colours,
        "photometric": photometric,
        "compression": compression,
        "planar": planar,
        "premultiplied": alpha and extra[:1] == (1,),
        "alpha": alpha,
        "extra": (photometric, (*extra, *[0] * samples)[: samples - colours]) if mode == PLANES else None,
        "palette": numbers(320) if palette else None,
        "big_endian": tags.order == ">",
        "channels": samples,
        "directory": offset,
        "sample_format": formats[0],
        "predictor": first(317, 1) if compression in WITH_PREDICTOR else 1,  # elsewhere libtiff ignores the tag
        "reversed_bits": first(266, 1) == 2,
        "stated_range": _stated_range(tags, entries),
        "jpeg_tables": bytes(entries[347].data) if compression == "jpeg" and 347 in entries else b"",
    }
    layout |= _storage(tags, entries, layout, width, height, size)
    depth = 8 if palette else bits[0]
    origin = Origin((height, width, samples), len(pages.pages), planar == 2 and samples > 1, (height, width))
    metadata = _metadata(tags, place, entries, layout, origin)
    return Header(
        "TIFF",
        width,
        height,
        mode,
        depth,
        sample={2: "signed", 3: "float"}.get(formats[0], "unsigned"),
        palette=palette,
        frames=len(pages.pages),
        overviews=pages.overviews,
        masks=pages.masks,
        metadata=metadata,
        notes=(*pages.notes, *([place.note] if place.note else []), *_on_description(metadata, origin)),
        layout=layout,
    )


def _storage(tags: Tags, entries: dict, layout: dict, width: int, height: int, size: int) -> dict:
    """Where the strips or tiles are: size, offsets, byte counts. Every one that the picture needs is listed and lies within
    the file, and the pixels can be in them: libraries leave a missing one black without a word."""
    tiled = 324 in entries
    offsets = tags.whole(entries.get(324 if tiled else 273))
    counts = tags.whole(entries.get(325 if tiled else 279))
    if tiled:
        (across, *_), (down, *_) = (tags.whole(entries.get(tag), (0,)) for tag in (322, 323))
        if not across or not down:
            raise ValueError("its tile size is missing")
    else:
        across, down = width, min(tags.whole(entries.get(278), (height,))[0] or height, height)
    if tiled and across * down > 4 * width * height + _MOST_PADDING:
        raise ValueError(f"tiles of {across} x {down} for {width} x {height} pixels")
    needed = -(-width // across) * -(-height // down) * (layout["samples"] if layout["planar"] == 2 else 1)
    if len(offsets) < needed:
        raise ValueError(f"{needed - len(offsets)} of its {needed} strips or tiles are missing")
    if len(counts) < needed:
        if layout["compression"] != "none" or needed != 1:
            raise ValueError("the lengths of its strips are missing")
        counts = (size - offsets[0],)
    stored = 0
    for offset, count in zip(offsets[:needed], counts, strict=False):
        if offset + count > size or (count == 0 and layout["compression"] != "none"):
            raise ValueError("a strip lies outside the file")
        stored += count
    per_plane = layout["samples"] if layout["planar"] == 1 else 1
    row = (width * per_plane * layout["bits"] + 7) // 8
    inflation = _INFLATION.get(layout["compression"])
    planes = layout["samples"] // per_plane
    # chroma subsampling stores as little as half the samples
    pixels = row * height * planes // (4 if layout["photometric"] == 6 else 1)
    if inflation and pixels > stored * inflation:
        raise ValueError(f"{width} x {height} pixels cannot be in {stored} bytes")
    return {"tiled": tiled, "across": across, "down": down, "offsets": offsets[:needed], "counts": counts[:needed]}


def _metadata(tags: Tags, place: Page, entries: dict, layout: dict, origin: Origin) -> Metadata:
    kind = subfile_type(tags, entries)
    if place.page != place.picture:  # what a SubIFD does not say, its page does
        entries = tags.directory(place.page)[0] | entries

    def block(tag):
        entry = entries.get(tag)
        return entry.data if entry is not None and entry.type in (1, 7) and 0 < entry.count <= MAX_BLOCK else None

    try:
        exif = tiff_tags.descriptive(tags, entries)
    except ValueError:
        exif = None
    nodata = None if layout["bits"] < 8 else _nodata(entries, layout)  # fewer bits are spread over 8
    layout["nodata_lost"] = _stated_nodata(entries) if nodata is None else None
    own = private_tags.read(tags, entries)
    own.pop(tiff_tags.SUBFILE_TYPE, None)  # that of the picture counts, not of its page
    value = tags.number(entries.get(tiff_tags.ORIENTATION))
    return Metadata(
        icc=block(tiff_tags.ICC_PROFILE),
        exif=exif,
        xmp=block(tiff_tags.XMP),
        dpi=tiff_tags.dpi(tags, entries),
        density=tiff_tags.density(tags, entries),
        orientation=value if value in range(1, 9) else 1,
        compression=layout["compression"],
        predictor=layout["predictor"],
        iptc=_iptc(entries),
        nodata=nodata,
        maximum=(1 << layout["bits"]) - 1 if 8 < layout["bits"] < 16 and layout["sample_format"] in (1, 4) else None,
        extra=layout["extra"],
        tags=tuple((own | ({tiff_tags.SUBFILE_TYPE: new_entry(4, kind)} if kind else {})).items()),
        origin=origin,
    )


def _stated_range(tags: Tags, entries: dict) -> tuple[float, float] | None:
    """The least and the largest sample over all channels that the tags SMinSampleValue and SMaxSampleValue state, or the older
    MinSampleValue and MaxSampleValue."""
    for low, high in ((340, 341), (280, 281)):
        ends = [_values(tags, entries.get(tag)) for tag in (low, high)]
        if all(ends):
            return min(ends[0]), max(ends[1])
    return None


def _values(tags: Tags, entry) -> list[float]:
    """The numbers of an entry of any numeric type; none where there is no entry, or it holds something else."""
    code = None if entry is None else _CODES.get(entry.type)
    if code is None or len(entry.data) < entry.count * struct.calcsize(f"={code}"):
        return []
    return list(struct.unpack_from(f"{tags.order}{entry.count}{code}", entry.data))


def _iptc(entries: dict) -> bytes | None:
    """IPTC datasets. Many programs call their bytes 32-bit numbers, and some have swapped them."""
    entry = entries.get(tiff_tags.IPTC)
    if entry is None or not 0 < len(entry.data) <= MAX_BLOCK:
        return None
    either = (entry.data, tiff_tags.reordered(entry, "<", ">").data)
    return next((data for data in either if data[0] == _IPTC_MARK), None)


def _on_description(metadata: Metadata, origin: Origin) -> list[str]:
    """A note where a file holds more pictures than it has directories: they can't be read."""
    text = tiff_tags.text_of(metadata.exif, tiff_tags.DESCRIPTION) if metadata.exif else None
    stated = pages_stated(text, origin) if text else 1
    if stated > 1 and origin.pages == 1:
        return [f"first of {stated} pictures that its description states: the others have no directories of their own"]
    return []


def _nodata(entries: dict, layout: dict) -> str | None:
    """The value that GDAL's tag states, where the picture has the file's own samples: no palette, no inverted levels."""
    return None if layout["palette"] or layout["photometric"] == 0 else _stated_nodata(entries)


def _stated_nodata(entries: dict) -> str | None:
    entry = entries.get(tiff_tags.NODATA)
    if entry is None or entry.type != 2:
        return None
    return entry.data.split(b"\0")[0].decode("ascii", "replace").strip()[:_LONGEST_NODATA] or None


def refuse(header: Header) -> None:
    """Raise Unsupported for what imconv can't read, or a Picture can't hold."""
    layout, bits, sample = header.layout, header.layout["bits"], header.sample
    colours, samples, compression = layout["colours"], layout["samples"], layout["compression"]
    if header.mode in ("lab", "mask", "ycbcr"):
        raise Unsupported(f"{header.mode.upper()} TIFF cannot be read without loss; convert it to RGB")
    if compression not in CODES and compression not in BY_PILLOW:
        raise Unsupported(f"TIFF with {compression} cannot be read; store it with deflate, LZW or none")
    if samples > colours and header.mode not in ("grey+alpha", "rgba", PLANES):
        raise Unsupported(
            f"TIFF with {samples - colours} extra channels beside {header.mode} cannot be read; store them separately"
        )
    if header.mode == PLANES and (compression in BY_PILLOW or samples > MOST_PLANES):
        raise Unsupported(
            f"TIFF with {samples} channels and {compression} cannot be read; store it with deflate, LZW or none"
        )
    words = f"{bits}-bit {'' if sample == 'unsigned' else sample + ' '}"
    if layout["sample_format"] not in (1, 2, 3, 4) or not (
        bits in {"unsigned": (1, 2, 4, *range(8, 17), 32), "signed": (8, 16, 32), "float": (16, 32, 64)}[sample]
        and (not header.palette or (bits <= 8 and sample == "unsigned"))
        and not (8 < bits < 16 and (layout["alpha"] and layout["premultiplied"]))
    ):
        kind = "palette" if header.palette else header.mode
        raise Unsupported(f"{words}{kind} TIFF cannot be read; convert it to 8 or 16 bits, or 32-bit float")
    if bits < 8 and samples > 1:
        raise Unsupported(f"TIFF with {bits}-bit colour cannot be read; convert it to 8 bits")
    if layout["photometric"] == 0 and (sample != "unsigned" or bits == 32):
        raise Unsupported(f"{words}TIFF with white as zero cannot be read; convert it to black as zero")
    if layout["premultiplied"] and (sample == "signed" or bits == 32) and sample != "float":
        raise Unsupported(f"{words}TIFF with premultiplied alpha cannot be read; convert it to 16 bits")
    if compression in BY_PILLOW and (bits > 8 or sample != "unsigned"):
        raise Unsupported(f"{words}TIFF with {compression} cannot be read; store it with deflate, LZW or none")
    predictor = layout["predictor"]
    if (
        compression in CODES
        and predictor != 1
        and not ((predictor == 2 and bits in (8, 16, 32, 64)) or (predictor == 3 and sample == "float"))
    ):
        raise Unsupported(f"{words}TIFF with predictor {predictor} cannot be read; store it without predictor")
