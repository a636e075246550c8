"""The first bytes of files that imconv does not read, and words of what is said of each."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np


def _tiff(
    *directories: dict[int, tuple[int, int | bytes]], order: str = "<", after_head: bytes = b"", big=False
) -> bytes:
    """A TIFF of directories {tag: (field type, value)}, chained; bytes and lists of offsets lie behind them."""
    start = 16
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start) + after_head.ljust(8, b"\0")
    out = bytearray(head)
    for i, tags in enumerate(directories):
        body = start + 2 + 12 * len(tags) + 4
        rows, extra = b"", b""
        for tag, (kind, value) in sorted(tags.items()):
            if isinstance(value, bytes):
                count, field = len(value), value.ljust(4, b"\0")
                if count > 4:
                    field = struct.pack(order + "I", body + len(extra))
                    extra += value
            else:
                count, field = 1, struct.pack(order + {3: "HH", 4: "I"}[kind], *((value, 0) if kind == 3 else (value,)))
            rows += struct.pack(order + "HHI", tag, kind, count) + field
        start = body + len(extra) if i + 1 < len(directories) else 0
        out += struct.pack(order + "H", len(tags)) + rows + struct.pack(order + "I", start) + extra
    return bytes(out)


def _preview(side: int = 8, **more) -> dict:
    """Tags of a sound little RGB picture, as the previews in RAW files are."""
    tags = {254: (4, 1), 256: (4, side), 257: (4, side), 258: (3, 8), 259: (3, 1), 262: (3, 2), 277: (3, 3),
            278: (4, side), 273: (4, 16), 279: (4, 3 * side * side)}  # fmt: skip
    return {**tags, **more.get("tags", {})}


def _sensor(photometric: int = 32803, compression: int = 1) -> dict:
    return {254: (4, 0), 256: (4, 4000), 257: (4, 3000), 258: (3, 14), 259: (3, compression), 262: (3, photometric),
            277: (3, 1), 273: (4, 16), 279: (4, 100)}  # fmt: skip


def _with_inner(make: bytes, inner: dict, more: dict | None = None) -> bytes:
    """A RAW file as Nikon, Sony and Adobe make it: a small preview as the page, the sensor's picture in its SubIFD."""
    first = {271: (2, make), 330: (4, 0), **_preview(), **(more or {})}
    found = _tiff(first, inner)
    at = struct.unpack_from("<I", found, 16 + 2 + 12 * len(first))[0]  # the second directory, unchained
    first[330] = (4, at)
    found = bytearray(_tiff(first, inner))
    struct.pack_into("<I", found, 16 + 2 + 12 * len(first), 0)
    return bytes(found) + bytes(4000)


def _archive(opener) -> bytes:
    buffer = io.BytesIO()
    opener(buffer)
    return buffer.getvalue()


def _zip(buffer) -> None:
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "x" * 100)


def _tar(buffer) -> None:
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"), io.BytesIO())


def _ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"isom" + brand + bytes(100)


TGA = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 5, 4, 24, 0x20) + bytes(60)

# usual file name: (bytes, what has to be in the message)
FOREIGN: dict[str, tuple[bytes, str]] = {
    "a.fits": (b"SIMPLE  =                    T / conforms".ljust(2880), "is a FITS file; convert it: python -c"),
    "a.tga": (TGA, "is a TGA file, by what its header seems to say; convert it: magick in.tga out.png"),
    "palette.tga": (struct.pack("<BBBHHBHHHHBB", 3, 1, 9, 0, 256, 24, 0, 0, 5, 4, 8, 0) + bytes(900), "is a TGA file"),
    "a.dcm": (bytes(128) + b"DICM" + bytes(50), "is a DICOM file; convert it: python -c"),
    "a.nii": (struct.pack("<I", 348) + bytes(340) + b"n+1\0" + bytes(50), "is a NIfTI volume"),
    "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file"),
    "a.psd": (b"8BPS\0\1" + bytes(50), "is a Photoshop file; convert it: magick 'in.psd[0]' out.tif"),
    "a.psb": (b"8BPS\0\2" + bytes(50), "is a Photoshop file"),
    "a.xcf": (b"gimp xcf v011\0" + bytes(50), "is a GIMP file"),
    "a.hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 4\n", "is a Radiance HDR file; convert it: magick in.hdr"),
    "a.dds": (b"DDS |\0\0\0" + bytes(120), "is a DDS texture; convert it"),
    "a.qoi": (b"qoif\0\0\0\4\0\0\0\4\3\0", "is a QOI file"),
    "a.jxr": (b"II\xbc\x01" + bytes(50), "is a JPEG XR file"),
    "a.jls": (b"\xff\xd8\xff\xf7\0\x0b\x08\0\4\0\4\1\1\x11\0" + bytes(20), "is a JPEG-LS file; convert it: ffmpeg -i in.jls out.png"),
    "a.cur": (b"\0\0\2\0\1\0" + bytes(40), "is a cursor; convert it: magick in.cur out.png"),
    "a.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF document; convert it: pdftoppm"),
    "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript file; convert it: gs"),
    "a.djvu": (b"AT&TFORM\0\0\0\0DJVU", "is a DjVu document"),
    "a.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing; convert it: rsvg-convert"),
    "b.svg": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg/>', "is an SVG drawing"),
    "a.cr2": (_tiff(_preview(), _sensor(compression=6), after_head=b"CR\2\0"), "is a Canon RAW file (CR2); its previews are"),
    "a.cr3": (_ftyp(b"crx "), "is a Canon RAW file (CR3); its previews are not filtered; develop it: darktable-cli"),
    "a.nef": (_with_inner(b"NIKON CORPORATION\0", _sensor(compression=34713)), "is a Nikon RAW file (NEF)"),
    "a.arw": (_with_inner(b"SONY\0", _sensor(compression=32767)), "is a Sony RAW file (ARW)"),
    "a.pef": (_tiff({271: (2, b"PENTAX\0"), **_sensor()}) + bytes(99), "is a Pentax RAW file (PEF)"),
    "a.dng": (_with_inner(b"Google\0", _sensor(34892), {50706: (1, b"\1\4\0\0")}), "is a DNG file; its previews are"),
    "x.tif": (_with_inner(b"Somebody\0", _sensor()), "is a camera's RAW file; its previews are not filtered"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201" + bytes(60), "is a Fujifilm RAW file (RAF)"),
    "a.orf": (b"IIRO\x08\0\0\0" + bytes(60), "is an Olympus RAW file (ORF)"),
    "a.rw2": (b"IIU\0\x18\0\0\0" + bytes(60), "is a Panasonic RAW file (RW2)"),
    "a.x3f": (b"FOVb" + bytes(60), "is a Sigma RAW file (X3F)"),
    "a.mp4": (_ftyp(b"mp42"), "is a video; take a frame of it: ffmpeg -i in.mp4 -frames:v 1 out.png"),
    "a.mov": (_ftyp(b"qt  "), "is a video"),
    "b.mov": (b"\0\0\2\x10moov" + bytes(60), "is a video"),
    "a.mkv": (b"\x1a\x45\xdf\xa3" + bytes(60), "is a video; take a frame of it: ffmpeg -i in.mkv"),
    "a.avi": (b"RIFF\0\1\0\0AVI LIST" + bytes(60), "is a video"),
    "a.zip": (_archive(_zip), "is a ZIP archive without arrays; unpack it: unzip"),
    "empty.zip": (_archive(lambda buffer: zipfile.ZipFile(buffer, "w").close()), "is a ZIP archive; unpack it: unzip"),
    "a.png.gz": (gzip.compress(b"x" * 50), "is gzip-compressed data; unpack it: gunzip"),
    "a.bz2": (b"BZh91AY&SY" + bytes(20), "is bzip2-compressed data"),
    "a.xz": (b"\xfd7zXZ\0\0\4", "is xz-compressed data"),
    "a.zst": (b"\x28\xb5\x2f\xfd\4\0", "is Zstandard-compressed data"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive"),
    "a.rar": (b"Rar!\x1a\7\1\0", "is a RAR archive"),
    "a.tar": (_archive(_tar), "is a tar archive; unpack it: tar -xf"),
    "error.png": (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "is an HTML page, perhaps an error page saved"),
    "error.jpg": (b"\n <HTML><head>", "is an HTML page"),
    "a.xml": (b'<?xml version="1.0"?><a/>', "is an XML text; give a picture instead"),
    "text.png": (b"moved to another server\n", "is text; imconv reads .png, "),
    "lfs.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
                "is a Git LFS pointer, which stands for a file that is not here; fetch it: git lfs pull"),
    "annex.png": (b"/annex/objects/SHA256E-s3--00.png\n", "is a git-annex pointer"),
    "empty.png": (b"", "is empty; nothing was read from it"),
    "noise.png": (bytes(np.random.default_rng(5).integers(0, 256, 700, dtype=np.uint8)), "not a picture in any known format"),
}  # fmt: skip
