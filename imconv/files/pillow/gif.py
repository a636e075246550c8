"""GIF: its header; frames taken apart, each decoded by Pillow, and put together as they are shown; and the way back."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...errors import FileError, LimitError
from .. import by_pillow
from ..channels import looked_up
from ..header import Header, Unsupported, damaged
from ..picture import EncoderOptions, Page

if TYPE_CHECKING:
    import numpy as np

_INFLATION = 2800  # a 12-bit LZW code stands for at most 4096 pixels
_COLOURS = bytes((1, 2, 3)) * 256  # any that Pillow doesn't take for greys: it gives indices then
_GREYS = bytes(level for level in range(256) for _ in range(3))
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
_MOST = 65535
_STRAY = 1 << 16  # terminators of nothing: more of them are no accident


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a GIF file."""
    file.seek(0)
    width, height, flags = struct.unpack("<6xHHB2x", file.read(13))
    palette = file.read(3 << (flags & 7) + 1) if flags & 128 else None
    frames, transparent, first_palette, pixels_in, stray = 0, None, palette, 0, 0
    frame_transparent = None
    while (introducer := file.read(1)) not in (b"", b"\x3b"):
        if introducer == b"\x21":
            place = file.tell()
            block = file.read(6)
            if block[0] == 0xF9 and block[1] >= 4:
                frame_transparent = block[5] if block[2] & 1 else None
            file.seek(place + 1)
            _pass_sub_blocks(file)
        elif introducer == b"\x2c":
            x, y, w, h, local = struct.unpack("<HHHHB", file.read(9))
            own = file.read(3 << (local & 7) + 1) if local & 128 else None
            file.seek(1, 1)
            stored = _pass_sub_blocks(file)
            if frames == 0:
                transparent, first_palette = frame_transparent, own if own is not None else palette
                width, height = max(width, x + w), max(height, y + h)
                pixels_in = stored
                if w * h > stored * _INFLATION:
                    raise ValueError(f"{w} x {h} pixels cannot be in {stored} bytes")
            frames += 1
            frame_transparent = None
        elif introducer == b"\0" and stray < _STRAY:
            stray += 1  # stray terminators occur and harm nobody
        elif frames:
            break  # rubbish after the first picture does not concern us
        else:
            raise ValueError("an unknown block comes before the picture")
    if frames == 0 or pixels_in == 0:
        raise ValueError("it holds no picture")
    if first_palette is None:
        first_palette = bytes(level for level in range(256) for _ in range(3))
    if len(first_palette) < 6 or len(first_palette) % 3:
        raise ValueError("it ends within the palette")
    grey = first_palette[::3] == first_palette[1::3] == first_palette[2::3]
    mode = "grey" if grey else "rgb"
    if transparent is not None:
        mode = {"grey": "grey+alpha", "rgb": "rgba"}[mode]
    layout = {"palette": first_palette, "transparent": transparent}
    return Header("GIF", width, height, mode, 8, palette=not grey, frames=frames, layout=layout)


def _pass_sub_blocks(file) -> int:
    """Go to behind a chain of sub-blocks; the bytes in it."""
    stored = 0
    while length := file.read(1)[0]:
        stored += length
        file.seek(length, 1)
    return stored


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
    """The frames, and how often they play (0: for ever). Raises ValueError where the file is cut off."""
    frames: list[Frame] = []
    plays, control = 1, (0, 0, None)
    flags = data[10]
    shared = data[13 : 13 + (3 << (flags & 7) + 1)] if flags & 128 else None
    at = 13 + len(shared or b"")
    try:
        while at < len(data) and data[at] != 0x3B:
            if data[at] == 0x21:
                if data[at + 1] == 0xF9 and data[at + 2] >= 4:
                    packed, delay = struct.unpack_from("<BH", data, at + 3)
                    control = (packed >> 2 & 7, delay, data[at + 6] if packed & 1 else None)
                elif data.startswith(_LOOP, at):
                    (count,) = struct.unpack_from("<H", data, at + len(_LOOP))
                    plays = count + 1 if count else 0
                at = _after_blocks(data, at + 2)
            elif data[at] == 0x2C:
                left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
                at += 10
                own = data[at : at + (3 << (flags & 7) + 1)] if flags & 128 else None
                start = at + len(own or b"")
                at = _after_blocks(data, start + 1)
                disposal, delay, transparent = control
                palette = own or shared or _GREYS
                place = (left, top, width, height, flags & 0x40)
                frames.append(Frame(*place, palette, transparent, disposal, delay, data[start:at]))
                control = (0, 0, None)
            elif data[at] == 0:
                at += 1  # stray terminators occur and harm nobody
            elif frames:
                break  # rubbish after a picture does not concern us
            else:
                raise ValueError("an unknown block comes before the picture")
    except (IndexError, struct.error):
        raise ValueError("it ends within a frame") from None
    return frames, plays


def _after_blocks(data: bytes, at: int) -> int:
    """Where a chain of sub-blocks ends."""
    while data[at]:
        at += data[at] + 1
    return at + 1


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: for an animation the canvas, what it was before, and what is shown besides."""
    canvases = 5 * 4 * header.width * header.height if header.frames > 1 else 0
    return by_pillow.bytes_needed(header) + canvases


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels, notes and metadata of the only picture, or of the first frame. Raises FileError and LimitError."""
    if header.frames == 1:
        return by_pillow.decode(data, header, name, "Gif", finish=_finished)
    return next(pages(data, header, name))


def _finished(pixels: np.ndarray, header: Header, data: bytes) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    notes: list[str] = []
    transparent = header.layout["transparent"]
    palette = np.frombuffer(header.layout["palette"], np.uint8).reshape(-1, 3)
    colours = looked_up(pixels, palette if header.palette else palette[:, 0], notes, transparent)
    if transparent is None:
        return colours, notes
    alpha = np.where(pixels == transparent, 0, 255).astype(np.uint8)
    words = "palette expanded to RGBA" if header.palette else "transparent colour turned into an alpha channel"
    return np.dstack([colours, alpha]), [words]


def pages(data: bytes, header: Header, name: str) -> Iterator[tuple[np.ndarray, list[str], dict]]:
    """Pixels, notes and metadata of each frame, as it is shown. What no frame covers is transparent, as browsers have it."""
    import numpy as np

    from ..animation import CLEAR, KEEP, RESTORE, Canvas, reduced

    try:
        frames, plays = take_apart(data)
        canvas = Canvas(header.height, header.width, np.uint8)
        for frame in frames:
            colours = _colours(frame)
            after = {2: CLEAR, 3: RESTORE}.get(frame.disposal, KEEP)
            shown = canvas.show(colours, frame.top, frame.left, True, after)
            pixels = reduced(shown, header.mode)
            notes = [f"palette expanded to {'RGBA' if pixels.shape[-1] == 4 else 'RGB'}"] if header.palette else []
            yield pixels, notes, {"duration": 10.0 * frame.delay, "loop": plays}
    except MemoryError:
        raise LimitError(f"{name}: not enough memory for its frames; choose one with --page") from None
    except Exception as error:  # Pillow raises all kinds for damaged files
        raise FileError(damaged(name, "GIF", str(error) or type(error).__name__)) from error


def _colours(frame: Frame) -> np.ndarray:
    """The frame's pixels, RGBA."""
    import numpy as np

    if frame.width * frame.height > len(frame.coded) * _INFLATION:
        raise ValueError(f"{frame.width} x {frame.height} pixels cannot be in {len(frame.coded)} bytes")
    head = b"GIF89a" + struct.pack("<HHBBB", frame.width, frame.height, 0xF7, 0, 0) + _COLOURS
    place = b"," + struct.pack("<HHHHB", 0, 0, frame.width, frame.height, frame.interlaced)
    with by_pillow.quiet():
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
    rounded, told = False, {}
    for page in pages:
        own: list[str] = []
        single = encode(page, options, own)
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
    return b"".join((*parts, b";"))
