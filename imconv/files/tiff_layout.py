"""TIFF: how the first picture of a file is stored. Pixels are decoded elsewhere."""

from __future__ import annotations

import struct

from imconv.files import tiff_tags
from imconv.files.header import Header, Unsupported
from imconv.files.picture import Metadata
from imconv.files.tiff_tags import MAX_BLOCK, Tags

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
_INFLATION = {"none": 1, "lzw": 2800, "deflate": 1032, "packbits": 64, "jpeg": 1 << 11, "old jpeg": 1 << 11}
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
_COLOURS = {"grey": 1, "rgb": 3, "cmyk": 4, "ycbcr": 3, "lab": 3, "mask": 1}


def read(file, size: int, format_name: str, *, whole: bool = False) -> Header:
    """The header of a TIFF file's first picture, checked against the file's size."""
    tags = Tags(file, size)
    return _read_directory(tags, tags.first, tags.frames(), size)


def read_pages(file, size: int, format_name: str, numbers: range) -> list[Header]:
    """The headers of some pages, each checked against the file's size."""
    tags = Tags(file, size)
    offsets = tags.chain()
    headers = []
    for page in numbers:
        try:
            headers.append(_read_directory(tags, offsets[page], len(offsets), size))
        except Unsupported as error:
            raise Unsupported(f"page {page}: {error}") from error
        except (ValueError, struct.error) as error:
            raise ValueError(f"page {page}: {error}") from error
    return headers


def _read_directory(tags: Tags, offset: int, frames: int, size: int) -> Header:
    entries, _ = tags.directory(offset)

    def number(tag, default=None):
        return tags.number(entries.get(tag), default)

    width, height = number(256), number(257)
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        raise ValueError("its size is missing")
    bits = tags.numbers(entries.get(258), (1,))
    samples = number(277, len(bits))
    formats = tags.numbers(entries.get(339), (1,))
    extra = tags.numbers(entries.get(338), ())
    photometric, planar = number(262, 0), number(284, 1)
    compression = COMPRESSIONS.get(number(259, 1), f"compression {number(259, 1)}")
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
    alpha = samples == colours + 1 and (extra[:1] in ((1,), (2,), (999,)) or (mode == "rgb" and not extra))
    if alpha:
        mode = {"grey": "grey+alpha", "rgb": "rgba"}.get(mode, mode)
    layout = {
        "bits": bits[0],
        "samples": samples,
        "colours": colours,
        "photometric": photometric,
        "compression": compression,
        "planar": planar,
        "premultiplied": alpha and extra[:1] == (1,),
        "alpha": alpha,
        "palette": tags.numbers(entries.get(320)) if palette else None,
        "big_endian": tags.order == ">",
        "channels": samples,
        "directory": offset,
    }
    _check_storage(tags, entries, layout, width, height, size)
    depth = 8 if palette else bits[0]
    return Header(
        "TIFF",
        width,
        height,
        mode,
        depth,
        sample={2: "signed", 3: "float"}.get(formats[0], "unsigned"),
        palette=palette,
        frames=frames,
        metadata=_metadata(tags, offset, entries, compression),
        layout=layout,
    )


def _check_storage(tags: Tags, entries: dict, layout: dict, width: int, height: int, size: int) -> None:
    """Every strip or tile that the picture needs is listed and lies within the file, and the pixels can be in them.
    Decoders leave a missing one black without a word."""
    tiled = 324 in entries
    offsets = tags.numbers(entries.get(324 if tiled else 273), ())
    counts = tags.numbers(entries.get(325 if tiled else 279), ())
    if tiled:
        across, down = tags.number(entries.get(322)), tags.number(entries.get(323))
        if not across or not down or across < 1 or down < 1:
            raise ValueError("its tile size is missing")
    else:
        across, down = width, min(tags.number(entries.get(278), height) or height, height)
    needed = -(-width // across) * -(-height // down) * (layout["samples"] if layout["planar"] == 2 else 1)
    if len(offsets) < needed:
        raise ValueError(f"{needed - len(offsets)} of its {needed} strips or tiles are missing")
    if len(counts) < needed:
        if layout["compression"] != "none" or needed != 1:
            raise ValueError("the lengths of its strips are missing")
        counts = (size - offsets[0],)
    stored = 0
    for offset, count in zip(offsets[:needed], counts, strict=False):
        if offset + count > size or count < 0 or (count == 0 and layout["compression"] != "none"):
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


def _metadata(tags: Tags, offset: int, entries: dict, compression: str) -> Metadata:
    def block(tag):
        entry = entries.get(tag)
        return entry.data if entry is not None and entry.type in (1, 7) and 0 < entry.count <= MAX_BLOCK else None

    try:
        exif = tiff_tags.descriptive(tags, offset)
    except ValueError:
        exif = None
    value = tags.number(entries.get(tiff_tags.ORIENTATION))
    return Metadata(
        icc=block(tiff_tags.ICC_PROFILE),
        exif=exif,
        xmp=block(tiff_tags.XMP),
        dpi=tiff_tags.dpi(tags, entries),
        orientation=value if value in range(1, 9) else 1,
        compression=compression,
    )


def refuse_what_pillow_degrades(header: Header) -> None:
    """Raise Unsupported for what Pillow reads wrongly, in fewer bits, or not at all."""
    layout, bits, sample = header.layout, header.layout["bits"], header.sample
    colours, samples, compression = layout["colours"], layout["samples"], layout["compression"]
    if header.mode in ("lab", "mask", "ycbcr"):
        raise Unsupported(f"{header.mode.upper()} TIFF cannot be read without loss; convert it to RGB")
    if compression.startswith("compression") or compression in ("webp", "old jpeg"):
        raise Unsupported(f"TIFF with {compression} cannot be read; store it with deflate, LZW or none")
    if samples > colours + 1 or (samples == colours + 1 and not layout["alpha"]):
        raise Unsupported(
            f"TIFF with {samples - colours} extra channels would lose them; remove or store them separately"
        )
    if layout["alpha"] and header.mode not in ("grey+alpha", "rgba"):
        raise Unsupported("TIFF with alpha in this colour model would lose it; convert it to RGB")
    if bits in (1, 2, 4, 8) and sample == "unsigned":
        if bits < 8 and samples > 1:
            raise Unsupported(f"TIFF with {bits}-bit colour cannot be read; convert it to 8 bits")
        return
    grey = samples == 1 and not header.palette
    if grey and (bits, sample) in ((16, "unsigned"), (16, "signed"), (32, "unsigned"), (32, "signed"), (32, "float")):
        if layout["photometric"] == 0 and (bits, sample) != (16, "unsigned"):
            raise Unsupported(
                f"{bits}-bit {sample} TIFF with white as zero cannot be read; convert it to black as zero"
            )
        if layout["big_endian"] and compression != "none" and (bits, sample) != (16, "unsigned"):
            # Pillow 13 swaps the bytes of these twice
            raise Unsupported(
                f"compressed big-endian {bits}-bit {sample} TIFF cannot be read yet; store it little-endian or uncompressed"
            )
        return
    words = f"{bits}-bit {'' if sample == 'unsigned' else sample + ' '}"
    kind = "palette" if header.palette else header.mode
    what = "losing the low 8 bits" if bits == 16 and sample == "unsigned" else "loss"
    raise Unsupported(f"{words}{kind} TIFF cannot be read yet without {what}; convert it to 8 bits or one grey channel")
