"""What all encoders share: what a format can't hold is refused or noted here; the formats' own encoders do the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import FileError, ImconvError, LimitError, OptionError
from . import description, private_tags, renditions, streams, tags, texts
from .channels import in_full_range, spread
from .formats import FORMATS, Format, holders
from .header import Unsupported
from .picture import PLANES, EncoderOptions, Metadata, Page, Picture

# of PNG's descriptive chunks those that are still true of a filtered picture
_PNG_CHUNKS = frozenset(
    (b"tEXt", b"zTXt", b"iTXt", b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs")
)
_PROFILE_SPACES = {b"RGB ": ("rgb", "rgba"), b"GRAY": ("grey", "grey+alpha"), b"CMYK": ("cmyk",)}
_DEPTHS = {"uint8": "8", "uint16": "16", "float32": "float"}  # what depth= calls them


def check(pictures: Sequence[Picture], target: Format, name: str) -> None:
    """Raise FileError where `target` cannot hold the pictures' pixels bit for bit; the message names formats that can."""
    if not target.encoder:
        raise FileError(f"{name}: imconv reads {target.name} but does not write it; write PNG or TIFF")
    for i, picture in enumerate(pictures):
        _check_one(picture, target, name if i == 0 else f"{name} (page {i})")
    if target.missing:
        raise FileError(f"{name}: {target.missing}")
    if len(pictures) == 1:
        return
    able = ", ".join(f.name for f in FORMATS.values() if f.pages)
    if not target.several:
        raise FileError(f"{name}: {target.name} holds one picture, these are {len(pictures)}; write {able} or one page")
    if target.stacks:
        kinds = [f"{p.width} x {p.height}, {p.depth} {p.mode}" for p in pictures]
        if len(set(kinds)) > 1:
            other = next(kind for kind in kinds if kind != kinds[0])
            raise FileError(
                f"{name}: {target.name} holds pages of one size and type, as one array; these are {kinds[0]} and {other}; write "
                f"{able} or one page"
            )
    elif not target.pages:
        sizes = list(dict.fromkeys(f"{p.width} x {p.height}" for p in pictures))
        if len(sizes) > 1:
            raise FileError(
                f"{name}: {target.name} holds frames of one size, these are {sizes[0]}, {sizes[1]}; write {able} or one page"
            )


def stores_alpha(target: Format, mode: str) -> bool:
    """Whether a format stores pictures of this mode, which has alpha."""
    return mode in dict(target.instead) or any(mode == held for held, _ in target.holds | target.nearly)


def _check_one(picture: Picture, target: Format, name: str) -> None:
    mode, dtype = picture.mode, picture.pixels.dtype.name
    if picture.width == 0 or picture.height == 0:
        raise FileError(f"{name}: {picture.width} x {picture.height} pixels are no picture; nothing to write")
    if max(picture.width, picture.height) > target.longest_side:
        raise FileError(
            f"{name}: {target.name} holds at most {target.longest_side} pixels a side, this is "
            f"{picture.width} x {picture.height}; write PNG or TIFF"
        )
    if (mode, dtype) in target.holds | target.nearly or (dtype == "bool" and (mode, "uint8") in target.holds):
        return
    exact = {*holders(mode, dtype), *(holders(mode, "uint8") if dtype == "bool" else ())}
    able = [other for other in FORMATS if other in exact]
    able = able or holders(mode, "uint8")
    depths = [word for kind, word in _DEPTHS.items() if (mode, kind) in target.holds | target.nearly]
    what = f"{picture.depth} {mode} pixels"
    advice = f"write {', '.join(able)}"
    if not depths:
        what = "an alpha channel" if picture.has_alpha else f"{mode} pixels"
        advice += ", or lay it over a color with --background white" if picture.has_alpha else ""
    if mode == PLANES:
        what = f"{picture.channels} channels that are no colours"
    if depths:
        advice += f", or convert with depth={depths[0]!r}"
    raise FileError(f"{name}: {target.name} cannot hold {what} without loss; {advice}")


def prepared(
    pictures: Sequence[Picture], target: Format, options: EncoderOptions, strip: bool | str, notes: list[str], name: str
) -> list[Page]:
    """The pictures as encoders get them; what can't go into the file is noted. Raises FileError and OptionError."""
    check(pictures, target, name)
    quality = options.quality
    if quality is not None and (isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100):
        raise OptionError(f"quality {quality!r} is not a whole number from 1 to 100")
    pages = [_page(picture, target, strip, len(pictures), notes) for picture in pictures]
    if len(pages) > 1 and not target.animation and any(page.metadata.duration for page in pages):
        notes.append(f"how long each frame is shown left out: {target.name} holds pages")
    for option in ("quality", "compression"):
        if getattr(options, option) is not None and option not in target.takes:
            notes.append(f"{option} is not used for {target.name}")
    return pages


def encode(
    pictures: Sequence[Picture], target: Format, options: EncoderOptions, strip: bool | str, name: str
) -> tuple[bytes, list[str]]:
    """The file's bytes and notes on what changed. Raises FileError and OptionError."""
    notes: list[str] = []
    pages = prepared(pictures, target, options, strip, notes, name)
    largest, module = max(pictures, key=lambda picture: picture.pixels.nbytes), target.module("encoder")
    with explained(name, f" as {target.name}", f"to encode {largest.width} x {largest.height} pixels"):
        pages = [in_range(page, scaled_from(picture, target)) for page, picture in zip(pages, pictures, strict=True)]
        if len(pages) > 1:
            data = module.encode_pages(pages, options, notes)
        elif hasattr(module, "encode"):
            data = module.encode(pages[0], options, notes)
        else:
            data = streams.written(module.Writer, pages[0], options, notes)
    return data, list(dict.fromkeys(notes))


@contextlib.contextmanager
def explained(name: str, target: str, memory: str) -> Iterator[None]:
    """What an encoder raises, in the one line that users get, but for errors of the file system. `memory` says what it was
    too little for."""
    try:
        yield
    except MemoryError:
        raise LimitError(f"{name}: not enough memory {memory}") from None
    except (ImconvError, OSError):
        raise
    except Unsupported as error:
        raise FileError(f"{name}: {error}") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FileError(f"{name}: cannot be encoded{target}: {reason}; try another format") from error


_WORDS = {"icc": "ICC profile", "exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "comment": "comment"}


def _page(picture: Picture, target: Format, strip: bool | str, count: int, notes: list[str]) -> Page:
    pixels = picture.pixels[..., 0] if picture.pixels.ndim == 3 and picture.channels == 1 else picture.pixels
    if pixels.dtype == bool and (picture.mode, "bool") not in target.holds:
        pixels = pixels.astype("uint8") * 255
    metadata = _white_for(picture, target, _metadata_for(picture, target, strip, count, notes), notes)
    mode = picture.mode
    if (wanted := dict(target.instead).get(mode)) is not None:
        notes.append(f"{target.name} has no {mode}: written as {wanted.upper()}")
        pixels, mode = spread(pixels, mode, wanted), wanted
    return Page(pixels, mode, metadata)


def scaled_from(picture: Picture, target: Format) -> int | None:
    """The value of white where samples have to be scaled, for in the format it is the type's largest value; else None."""
    return picture.maximum if target.whites == "type" else None


def in_range(page: Page, maximum: int | None) -> Page:
    """The page with samples scaled from 0 .. `maximum` to the type's range."""
    return page if maximum is None else page._replace(pixels=in_full_range(page.pixels, maximum))


def _white_for(picture: Picture, target: Format, metadata: Metadata, notes: list[str]) -> Metadata:
    """The metadata with what the format can say of a white that is not the type's largest value: Netpbm's formats all, a PNG how
    many bits are significant; what happens to the samples is noted."""
    top, most = picture.maximum, {"uint8": 255, "uint16": 65535}.get(picture.pixels.dtype.name)
    if top is not None and target.whites == "numbers":
        notes.append(f"that white is {top} left out: {target.name} holds numbers only; they stay as they are")
    if top is not None and target.whites == "type":
        notes.append(f"samples scaled from 0..{top} to 0..{most}: {target.name} has no other white")
        if "chunks" in target.carries and top & (top + 1) == 0:
            significant = b"sBIT", bytes([top.bit_length()]) * picture.channels
            metadata = replace(metadata, chunks=(significant, *metadata.chunks))
    if metadata.maximum is None and top is None:
        return metadata
    return replace(metadata, maximum=top if target.whites == "maximum" else None)


def _metadata_for(picture: Picture, target: Format, strip: bool | str, count: int, notes: list[str]) -> Metadata:
    """What of the picture's metadata goes into the file, which will have `count` pages; what cannot go is noted."""
    source = picture.metadata
    if strip == "icc":  # all but the profile
        bare = _metadata_for(picture, target, True, count, notes)
        whole = picture.replace(metadata=replace(bare, icc=source.icc))
        return replace(bare, icc=_metadata_for(whole, target, False, count, notes).icc)
    if strip:
        if source.orientation != 1:
            notes.append(f"orientation {source.orientation} stripped; auto_orient=True turns the pixels instead")
        return replace(source, icc=None, exif=None, xmp=None, dpi=None, density=None, orientation=1, gamma=None, chunks=(), iptc=None,
                       comment=None, nodata=None, tags=private_tags.kind_of_page(source.tags))  # fmt: skip
    size = picture.width, picture.height
    result = description.Result(*size[::-1], picture.channels, picture.pixels.dtype.name, count)
    exif = description.adjusted(source.exif, source.origin, result, notes) if "exif" in target.carries else source.exif
    exif = renditions.in_exif(tags.with_orientation(exif, source.orientation), *size, notes)
    xmp = renditions.in_xmp(source.xmp, *size, notes)
    icc = source.icc
    if icc is not None and picture.mode not in _PROFILE_SPACES.get(icc[16:20], (picture.mode,)):
        notes.append(f"ICC profile for {icc[16:20].decode().strip()} left out: the picture is {picture.mode}")
        icc = None
    if icc is not None and icc[16:20] == b"GRAY" and "icc" in target.carries and "grey" in dict(target.instead):
        notes.append(f"ICC profile for GRAY left out: {target.name} has no grey")
        icc = None
    in_comment: texts.Chunks = ()
    comment = source.comment
    if comment is None and "comment" in target.carries and "chunks" not in target.carries:
        comment, in_comment = texts.as_comment(source.chunks)
    kept: dict[str, bytes | None] = {
        "icc": icc,
        "exif": exif,
        "xmp": xmp,
        "iptc": source.iptc,
        "comment": comment,
    }
    longest = dict(target.longest)
    for key, value in kept.items():
        words = _WORDS[key]
        if value is None:
            continue
        if key not in target.carries:
            kept[key] = None
            if key == "exif" and source.orientation != 1:
                words += f" with orientation {source.orientation} (auto_orient=True turns the pixels)"
            notes.append(f"{words} left out: {target.name} holds none")
        elif len(value) > longest.get(key, len(value)):
            kept[key] = None
            notes.append(f"{words} of {len(value)} bytes left out: too long for {target.name}")
    dpi = source.dpi if "dpi" in target.carries else None
    density = source.density if "density" in target.carries else None
    if source.density and not density:
        across, down = source.density
        notes.append(f"pixels of {down}:{across}, width to height, left out: {target.name} holds no such ratio")
    chunks = _chunks_for(picture, target, in_comment if kept["comment"] else (), notes)
    if kept["comment"] and "chunks" in target.carries:  # a text among its chunks
        chunks = (*chunks, texts.as_chunk(kept["comment"]))
    own, nodata = _tags_for(picture, target, count, notes)
    icc, exif, xmp, iptc, comment = kept.values()
    return replace(source, icc=icc, exif=exif, xmp=xmp, dpi=dpi, density=density, chunks=chunks, iptc=iptc, comment=comment,
                   nodata=nodata, tags=own)  # fmt: skip


def _tags_for(picture: Picture, target: Format, count: int, notes: list[str]) -> tuple[tuple, str | None]:
    """A TIFF's private tags and no-data value as they go into the file."""
    source = picture.metadata
    if "tags" not in target.carries:
        private_tags.left_out(source.tags, source.nodata, target.name, notes)
        return (), None
    nodata = source.nodata
    if nodata is not None and source.origin is not None and source.origin.rescaled:
        notes.append(f"no-data value {nodata} left out: samples are of another depth")
        nodata = None
    size = picture.height, picture.width
    return private_tags.carried(source.tags, source.origin, size, picture.channels, count, notes), nodata


def _chunks_for(
    picture: Picture, target: Format, elsewhere: texts.Chunks, notes: list[str]
) -> tuple[tuple[bytes, bytes], ...]:
    """The PNG chunks that go into the file. Only what an unmarked picture means anyway is left out without a note, and those
    that are kept `elsewhere`."""
    chunks = renditions.in_chunks(picture.metadata.chunks, notes)
    chunks = tuple(chunk for chunk in chunks if chunk not in elsewhere)
    colours = 1 if picture.mode in ("grey", "grey+alpha") else 3
    kept = tuple(
        (kind, data)
        for kind, data in chunks
        if kind in _PNG_CHUNKS
        and (kind != b"bKGD" or len(data) == 2 * colours)
        and (kind != b"pHYs" or not picture.metadata.dpi)
    )
    if "chunks" not in target.carries:
        left, why = chunks, f"{target.name} holds none"
        if any(kind == b"sRGB" for kind, _ in chunks):
            left = tuple((kind, data) for kind, data in chunks if kind not in (b"sRGB", b"gAMA", b"cHRM"))
        kept = ()
    else:
        left, why = tuple(chunk for chunk in chunks if chunk not in kept), "true of the picture as it was only"
    if left:
        names = ", ".join(dict.fromkeys(kind.decode("latin-1") for kind, _ in left))
        notes.append(f"{names} of the PNG left out: {why}")
    return kept
