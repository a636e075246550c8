"""Files that imconv does not read: what their first bytes say they are, and how a picture is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .formats import sniff

LOOKED_AT = 512  # bytes of a file that decide
_TGA_PALETTE = {1: 1, 2: 0, 3: 0, 9: 1, 10: 0, 11: 0}  # kind of picture: whether it has a palette


class Foreign(NamedTuple):
    """What a file is, what to do with it, and the bytes that show it: (place, bytes) pairs, any of which are enough."""

    what: str
    advice: str
    marks: tuple[tuple[int, bytes], ...] = ()
    marked: Callable[[bytes], bool] | None = None

    def is_in(self, head: bytes) -> bool:
        return any(head.startswith(mark, place) for place, mark in self.marks) or bool(
            self.marked and self.marked(head)
        )


def _starts(*marks: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple((0, mark) for mark in marks)


def _convert(command: str) -> str:
    return f"convert it: {command}"


def _unpack(command: str) -> str:
    return f"unpack it: {command}"


def develop(extension: str) -> str:
    """What to do with the RAW file of a camera."""
    return f"its previews are not filtered; develop it: darktable-cli in.{extension} out.tif"


def _is_tga(head: bytes) -> bool:
    """TGA files have no first bytes of their own: whether all fields of the header fit together."""
    if len(head) < 18 or _TGA_PALETTE.get(head[2]) != head[1] or (not head[1] and any(head[3:8])):
        return False
    entries = head[7] in (15, 16, 24, 32) and any(head[5:7]) if head[1] else True
    sized = any(head[12:14]) and any(head[14:16])
    bits = head[16] == 8 if head[2] in (1, 3, 9, 11) else head[16] in (15, 16, 24, 32)
    return entries and sized and bits and not head[17] & 0xC0


def _is_cursor(head: bytes) -> bool:
    return head[:4] == b"\0\0\2\0" and any(head[4:6])  # a TGA file may have the first four bytes as well


def _words(head: bytes) -> bytes:
    """The first characters of a text in lower case, without what may come before them."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _is_html(head: bytes) -> bool:
    return _words(head).startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _is_svg(head: bytes) -> bool:
    words = _words(head)
    return words.startswith(b"<svg") or (words.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in words)


def _is_text(head: bytes) -> bool:
    return bool(head) and not any(byte < 9 or 13 < byte < 32 for byte in head)


_MAGICK = "magick in.{0} out.png"
_TO_ARRAY = "python -c \"import numpy, {0}; numpy.save('out.npy', {1})\""
_VIDEO = "take a frame of it: ffmpeg -i in.{0} -frames:v 1 out.png"
_TEXT = "give a picture instead"

# what is told apart by more bytes comes first
_TABLE = (
    Foreign("a Git LFS pointer, which stands for a file that is not here", "fetch it: git lfs pull",
            _starts(b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")),
    Foreign("a git-annex pointer, which stands for a file that is not here", "fetch it: git annex get FILE",
            _starts(b"/annex/objects/")),
    Foreign("a Photoshop file", _convert("magick 'in.psd[0]' out.tif"), _starts(b"8BPS")),
    Foreign("a GIMP file", _convert("magick in.xcf -flatten out.tif"), _starts(b"gimp xcf")),
    Foreign("a FITS file", _convert(_TO_ARRAY.format("astropy.io.fits", "astropy.io.fits.getdata('in.fits')")),
            _starts(b"SIMPLE  =", b"XTENSION=")),
    Foreign("a DICOM file", _convert(_TO_ARRAY.format("pydicom", "pydicom.dcmread('in.dcm').pixel_array")),
            ((128, b"DICM"),)),
    Foreign("a NIfTI volume", _convert(_TO_ARRAY.format("nibabel", "nibabel.load('in.nii').get_fdata()[..., 0]")),
            ((344, b"n+1\0"), (344, b"ni1\0"))),
    Foreign("an HDF5 file", _convert(_TO_ARRAY.format("h5py", "h5py.File('in.h5')['NAME'][()]")),
            _starts(b"\x89HDF\r\n\x1a\n")),
    Foreign("a Radiance HDR file", _convert("magick in.hdr out.pfm"), _starts(b"#?RADIANCE", b"#?RGBE")),
    Foreign("a DDS texture", _convert(_MAGICK.format("dds")), _starts(b"DDS ")),
    Foreign("a QOI file", _convert(_MAGICK.format("qoi")), _starts(b"qoif")),
    Foreign("a JPEG XR file", _convert("JxrDecApp -i in.jxr -o out.tif"), _starts(b"II\xbc\x01")),
    Foreign("a cursor", _convert(_MAGICK.format("cur")), marked=_is_cursor),
    Foreign("a Canon RAW file (CR3)", develop("cr3"), ((4, b"ftypcrx "),)),
    Foreign("a Canon RAW file (CRW)", develop("crw"), ((6, b"HEAPCCDR"),)),
    Foreign("a Fujifilm RAW file (RAF)", develop("raf"), _starts(b"FUJIFILMCCD-RAW")),
    Foreign("an Olympus RAW file (ORF)", develop("orf"), _starts(b"IIRO", b"IIRS", b"MMOR")),
    Foreign("a Panasonic RAW file (RW2)", develop("rw2"), _starts(b"IIU\0")),
    Foreign("a Sigma RAW file (X3F)", develop("x3f"), _starts(b"FOVb")),
    Foreign("a Minolta RAW file (MRW)", develop("mrw"), _starts(b"\0MRM")),
    Foreign("a PDF document", _convert("pdftoppm -r 300 -png in.pdf out"), _starts(b"%PDF")),
    Foreign("a PostScript file", _convert("gs -sDEVICE=png16m -r300 -o out.png in.eps"),
            _starts(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    Foreign("a DjVu document", _convert("ddjvu -format=tiff in.djvu out.tif"), _starts(b"AT&TFORM")),
    Foreign("a video", _VIDEO.format("mp4"),
            ((4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (4, b"free"))),
    Foreign("a video", _VIDEO.format("mkv"), _starts(b"\x1a\x45\xdf\xa3")),
    Foreign("a video", _VIDEO.format("avi"), ((8, b"AVI "),)),
    Foreign("a video", _VIDEO.format("mpg"), _starts(b"\0\0\1\xba", b"\0\0\1\xb3")),
    Foreign("a ZIP archive", _unpack("unzip in.zip"), _starts(b"PK\5\6", b"PK\7\x08")),
    Foreign("gzip-compressed data", _unpack("gunzip in.gz"), _starts(b"\x1f\x8b")),
    Foreign("bzip2-compressed data", _unpack("bunzip2 in.bz2"), _starts(b"BZh")),
    Foreign("xz-compressed data", _unpack("unxz in.xz"), _starts(b"\xfd7zXZ\0")),
    Foreign("Zstandard-compressed data", _unpack("unzstd in.zst"), _starts(b"\x28\xb5\x2f\xfd")),
    Foreign("a 7z archive", _unpack("7z x in.7z"), _starts(b"7z\xbc\xaf\x27\x1c")),
    Foreign("a RAR archive", _unpack("unrar x in.rar"), _starts(b"Rar!\x1a\7")),
    Foreign("a tar archive", _unpack("tar -xf in.tar"), ((257, b"ustar"),)),
    Foreign("an SVG drawing", _convert("rsvg-convert in.svg -o out.png"), marked=_is_svg),
    Foreign("an HTML page, perhaps an error page saved under the picture's name", "get the picture itself",
            marked=_is_html),
    Foreign("an XML text", _TEXT, marked=lambda head: _words(head).startswith(b"<?xml")),
    Foreign("a TGA file, by what its header seems to say", _convert(_MAGICK.format("tga")), marked=_is_tga),
)  # fmt: skip


def recognized(head: bytes) -> str | None:
    """What a file is that imconv does not read, and what to do: `is a PDF document; convert it: pdftoppm ...`.

    None for pictures in formats that it reads, for a text, and where nothing is known of such bytes. `head`: the file's first
    LOOKED_AT bytes, or all of it.
    """
    found = None if sniff(head) else next((one for one in _TABLE if one.is_in(head)), None)
    return found and f"is {found.what}; {found.advice}"


def described(head: bytes, known: str) -> str:
    """The same for every file, as an error says it. `known`: the formats that imconv reads."""
    found = recognized(head)
    if found is None:
        what = "is text" if _is_text(head) else "not a picture in any known format"
        found = f"{what}; imconv reads {known}"
    return found
