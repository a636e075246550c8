"""GIF: its header; frames taken apart, each decoded by Pillow, and put together as they are shown; and the way back."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import by_pillow
from ..channels import looked_up
from ..header import Header, Unsupported
from ..picture import EncoderOptions, Metadata, Page
from ..tags import MAX_BLOCK

if TYPE_CHECKING:
    import numpy as np

_INFLATION = 2800  # a 12-bit LZW code stands for at most 4096 pixels
_COLOURS = bytes((1, 2, 3)) * 256  # any that Pillow doesn't take for greys: it gives indices then
_GREYS = bytes(level for level in range(256) for _ in range(3))
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
_MOST = 65535
_NO_PIXELS = 2  # bytes of a frame's code where it is empty: a size of codes, and an end
_STRAY = 1 << 16  # terminators of nothing: more of them are no accident


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a GIF file."""
    file.seek(6)
    width, height = struct.unpack("<HH", file.read(4))
    first, frames, comments = None, 0, list[bytes]()
    for part in _parts(file):
        if isinstance(part, Frame):
            first, frames = first or part, frames + 1
        elif isinstance(part, bytes):
            comments.append(part)
    if first is None or len(first.coded) <= _NO_PIXELS:
        raise ValueError("it holds no picture")
    _check_size(first)
    grey = first.palette[::3] == first.palette[1::3] == first.palette[2::3]
    mode = "grey" if grey else "rgb"
    if first.transparent is not None:
        mode = {"grey": "grey+alpha", "rgb": "rgba"}[mode]
    layout = {"palette": first.palette, "transparent": first.transparent}
    width, height = max(width, first.left + first.width), max(height, first.top + first.height)
    comment = b"\n".join(comments)[:MAX_BLOCK] or None
    return Header(
        "GIF",
        width,
        height,
        mode,
        8,
        palette=not grey,
        frames=frames,
        metadata=Metadata(comment=comment),
        layout=layout,
    )


class Frame(NamedTuple):
    """One picture of a file: its place, how it is drawn, its colours, and its pixels as they are coded."""

    left: int
    top: int
    width: int
    height: int
    interlaced: int
    palette: bytes
    transparent: int | None
    disposal: int
    delay: int
    coded: bytes


def take_apart(data: bytes) -> tuple[list[Frame], int]:
    """The frames, and how often they play (0: for ever)."""
    frames, plays = [], 1
    for part in _parts(io.BytesIO(data)):
        if isinstance(part, Frame):
            frames.append(part)
        elif isinstance(part, int):
            plays = part
    return frames, plays


def _parts(file) -> Iterator[Frame | int | bytes]:
    """The frames of a file, its comments, and how often the frames play wherever that is said. Raises IndexError or
    struct.error where it is cut off."""
    file.seek(10)
    (flags,) = struct.unpack("<B2x", file.read(3))
    shared = file.read(3 << (flags & 7) + 1) if flags & 128 else None
    control: tuple[int, int, int | None] = (0, 0, None)  # disposal, delay, and the index that is transparent
    frames = stray = 0
    while (introducer := file.read(1)) not in (b"", b";"):
        if introducer == b"!":
            label, block = file.read(1), _sub_blocks(file)
            if label == b"\xf9" and block[0] >= 4:
                packed, delay, index = struct.unpack_from("<BHB", block, 1)
                control = (packed >> 2 & 7, delay, index if packed & 1 else None)
            elif label == b"\xfe" and len(block) > 1:
                yield _joined(block)
            elif (introducer + label + block).startswith(_LOOP):
                (count,) = struct.unpack_from("<H", block, len(_LOOP) - 2)
                yield count + 1 if count else 0
        elif introducer == b",":
            left, top, width, height, flags = struct.unpack("<HHHHB", file.read(9))
            own = file.read(3 << (flags & 7) + 1) if flags & 128 else None
            disposal, delay, transparent = control
            palette, coded = own or shared or _GREYS, file.read(1) + _sub_blocks(file)
            yield Frame(left, top, width, height, flags & 0x40, palette, transparent, disposal, delay, coded)
            frames, control = frames + 1, (0, 0, None)
        elif introducer == b"\0" and stray < _STRAY:
            stray += 1  # stray terminators occur and harm nobody
        elif frames:
            return  # rubbish after a picture does not concern us
        else:
            raise ValueError("an unknown block comes before the picture")


def _sub_blocks(file) -> bytes:
    """A chain of sub-blocks, each behind its length, and the 0 that ends it."""
    parts = []
    while length := file.read(1)[0]:
        parts += [bytes((length,)), file.read(length)]
    return b"".join((*parts, b"\0"))


def _joined(block: bytes) -> bytes:
    """The content of a chain of sub-blocks."""
    parts, at = [], 0
    while block[at]:
        parts.append(block[at + 1 : at + 1 + block[at]])
        at += 1 + block[at]
    return b"".join(parts)


def _with_comment(data: bytes, comment: bytes | None) -> bytes:
    """A file with a comment before its first frame."""
    if not comment:
        return data
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    parts = [comment[at : at + 255] for at in range(0, len(comment), 255)]
    block = b"!\xfe" + b"".join(bytes((len(part),)) + part for part in parts) + b"\0"
    return data[:place] + block + data[place:]


def _check_size(frame: Frame) -> None:
    if frame.width * frame.height > len(frame.coded) * _INFLATION:
        raise ValueError(f"{frame.width} x {frame.height} pixels cannot be in {len(frame.coded)} bytes")


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: for an animation the canvas, what it was before, and what is shown besides."""
    canvases = 5 * 4 * header.width * header.height if header.frames > 1 else 0
    return by_pillow.bytes_needed(header) + canvases


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels of the only picture. Raises ValueError for damage."""
    import numpy as np

    pixels = by_pillow.decode(data, header, "Gif")
    transparent = header.layout["transparent"]
    palette = np.frombuffer(header.layout["palette"], np.uint8).reshape(-1, 3)
    told = notes if transparent is None else []
    colours = looked_up(pixels, palette if header.palette else palette[:, 0], told, transparent)
    if transparent is None:
        return colours
    notes += ["palette expanded to RGBA" if header.palette else "transparent colour turned into an alpha channel"]
    return np.dstack([colours, np.where(pixels == transparent, 0, 255).astype(np.uint8)])


def pages(data: bytes, header: Header) -> Iterator[tuple[np.ndarray, list[str], dict[str, Any]]]:
    """Pixels, notes and metadata of each frame, as it is shown. What no frame covers is transparent, as browsers have it."""
    import numpy as np

    from ..animation import CLEAR, KEEP, RESTORE, Canvas, reduced

    frames, plays = take_apart(data)
    canvas = Canvas(header.height, header.width, np.uint8)
    for frame in frames:
        after = {2: CLEAR, 3: RESTORE}.get(frame.disposal, KEEP)
        pixels = reduced(canvas.show(_colours(frame), frame.top, frame.left, True, after), header.mode)
        notes = [f"palette expanded to {'RGBA' if pixels.shape[-1] == 4 else 'RGB'}"] if header.palette else []
        yield pixels, notes, {"duration": 10.0 * frame.delay, "loop": plays}


def _colours(frame: Frame) -> np.ndarray:
    """The frame's pixels, RGBA."""
    import numpy as np

    _check_size(frame)
    head = b"GIF89a" + struct.pack("<HHBBB", frame.width, frame.height, 0xF7, 0, 0) + _COLOURS
    place = b"," + struct.pack("<HHHHB", 0, 0, frame.width, frame.height, frame.interlaced)
    with by_pillow.at_work():
        image = by_pillow.reader("Gif")(io.BytesIO(head + place + frame.coded + b";"))
        image.load()
        indices = np.asarray(image)
    table = np.zeros((256, 4), np.uint8)
    count = len(frame.palette) // 3
    table[:count, :3] = np.frombuffer(frame.palette, np.uint8, 3 * count).reshape(-1, 3)
    table[:, 3] = 255
    used = np.unique(indices)
    if frame.transparent is not None:
        table[frame.transparent] = 0
        used = used[used != frame.transparent]
    if len(used) and used[-1] >= count:
        raise ValueError("a pixel's colour is not in the palette")
    return table[indices]


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file of one picture; see `_encoded`."""
    return _with_comment(_encoded(page, notes), page.metadata.comment)


def _encoded(page: Page, notes: list[str]) -> bytes:
    """The file for pixels of type uint8 in any mode but CMYK: with at most 256 colours, else they are reduced to so many."""
    import numpy as np
    from PIL import Image

    pixels, mode, _ = page
    if mode == "grey":
        return by_pillow.saved(by_pillow.image_of(pixels, mode), "GIF", "Gif")
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
        reduced = by_pillow.image_of(np.ascontiguousarray(colours), "rgb").quantize(room, Image.Quantize.MEDIANCUT)
        indices = np.asarray(reduced).copy()
        palette = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[:room]
    settings = {}
    if transparent is not None:
        indices[transparent] = len(palette)
        palette = np.vstack([palette, np.zeros((1, 3), np.uint8)])
        settings["transparency"] = len(palette) - 1
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), indices.tobytes())
    image.putpalette(palette.tobytes())
    return by_pillow.saved(image, "GIF", "Gif", optimize=False, **settings)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """The file: every frame whole, with colours of its own."""
    height, width = pages[0].pixels.shape[:2]
    # where something is transparent the frame before it must be gone
    disposal = 2 if any(page.mode in ("grey+alpha", "rgba") for page in pages) else 1
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0x70, 0, 0)]
    plays = pages[0].metadata.loop or 0
    if plays != 1:
        parts += [_LOOP, struct.pack("<HB", min(max(plays - 1, 0), _MOST), 0)]
    rounded = False
    told: dict[str, str] = {}
    for page in pages:
        own: list[str] = []
        single = _encoded(page, own)
        for note in own:  # the first of its kind, whatever number it begins with
            told.setdefault(note.lstrip("0123456789"), note)
        (frame,), _ = take_apart(single)
        time = page.metadata.duration or 0
        delay = min(int(time / 10 + 0.5), _MOST)
        rounded |= delay * 10 != time
        packed = disposal << 2 | (frame.transparent is not None)
        parts.append(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, packed, delay, frame.transparent or 0, 0))
        bits = (len(frame.palette) // 3 - 1).bit_length() or 1
        parts.append(b"," + struct.pack("<HHHHB", 0, 0, width, height, 0x80 | frame.interlaced | bits - 1))
        parts += [frame.palette, frame.coded]
    notes += told.values()
    if rounded:
        notes.append("times of frames rounded to hundredths of a second: GIF holds no finer ones")
    return _with_comment(b"".join((*parts, b";")), pages[0].metadata.comment)
