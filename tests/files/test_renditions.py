"""Smaller pictures of the picture as it was, within its metadata: none is left in any file, by any way."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imconv.files import encode, read, write
from imconv.files.picture import Metadata, Picture
from imconv.files.renditions import in_exif, in_xmp, resources
from imconv.files.tags import Entry, Tags, new_entry, serialise

CARRIERS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JP2")


def _jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


JPEG = _jpeg()
SECRET = JPEG[-200:]  # of its pixels
THUMBNAIL = "thumbnail in the EXIF left out: it shows the picture as it was"


def with_thumbnail(order: str = "<", first: dict | None = None, nested: dict | None = None) -> bytes:
    """An EXIF block as cameras write it: the thumbnail in a second directory behind everything else."""
    make = {271: Entry(2, 5, b"Acme\0", 0)}
    sizes = {0xA002: new_entry(3, 4000, order=order), 0xA003: new_entry(4, 3000, order=order)}
    block = serialise(
        {**make, **(first or {}), 34665: {**sizes, 37500: Entry(7, 9, b"maker bit", 0), **(nested or {})}}, order
    )
    count = struct.unpack(order + "H", block[8:10])[0]
    following = 10 + 12 * count
    second = len(block) + len(block) % 2
    where = {513: new_entry(4, second + 2 + 24 + 4, order=order), 514: new_entry(4, len(JPEG), order=order)}
    directory = serialise(where, order)[8:]
    pointer = struct.pack(order + "I", second)
    return block[:following] + pointer + block[following + 4 :].ljust(second - following - 4, b"\0") + directory + JPEG


def tags_of(block: bytes) -> tuple[dict, dict, int]:
    """The first directory, its Exif directory, and where the next one is."""
    tags = Tags.of_block(block)
    first, following = tags.directory(tags.first)
    nested, _ = tags.directory(tags.number(first[34665]))
    return first, {tag: tags.number(entry) for tag, entry in nested.items()}, following


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_thumbnail_goes_and_all_else_stays_in_its_place(order):
    block, notes = with_thumbnail(order), []
    assert Image.open(io.BytesIO(block[-len(JPEG) :])).size == (16, 16)
    result = in_exif(block, 13, 9, notes)
    first, nested, following = tags_of(result)
    assert (nested[0xA002], nested[0xA003], following) == (13, 9, 0)
    assert first[271].data == b"Acme\0"
    assert block.index(b"maker bit") == result.index(b"maker bit")
    assert len(result) <= len(block) - len(JPEG)
    assert notes == [THUMBNAIL]
    assert in_exif(result, 13, 9, notes) is result


@pytest.mark.parametrize("name", CARRIERS)
def test_no_format_carries_the_thumbnail(make_pixels, name):
    packet = (
        b'<x xmp:a="1"><xmp:Thumbnails><a>'
        + base64.b64encode(JPEG)
        + b"</a></xmp:Thumbnails><exif:PixelXDimension>40</exif:PixelXDimension></x>"
    )
    picture = Picture(make_pixels("rgb", "uint8"), metadata=Metadata(exif=with_thumbnail(), xmp=packet))
    data = encode(picture, name)
    assert SECRET not in data
    found = read(io.BytesIO(data)).metadata
    _, nested, following = tags_of(found.exif)
    assert (nested[0xA002], nested[0xA003], following) == (13, 9, 0)
    assert found.xmp == b'<x xmp:a="1"><exif:PixelXDimension>13</exif:PixelXDimension></x>'
    notes = write(io.BytesIO(), picture, format=name).notes
    assert THUMBNAIL in notes
    assert "preview in the XMP left out: it shows the picture as it was" in notes


@pytest.mark.parametrize("source", CARRIERS)
@pytest.mark.parametrize("target", CARRIERS)
def test_nor_does_one_that_is_read(make_pixels, source, target):
    """The sources as other tools write them, with the thumbnail in the EXIF, or in whatever they have for it."""
    file = io.BytesIO()
    image, block = Image.fromarray(make_pixels("rgb", "uint8")), with_thumbnail()
    if source == "TIFF":
        thumbnails = struct.pack(">4sHHI", b"8BIM", 1036, 0, len(JPEG)) + JPEG + bytes(len(JPEG) % 2)
        image.save(file, "TIFF", tiffinfo={34377: thumbnails})
    else:
        image.save(
            file, {"JP2": "JPEG2000"}.get(source, source), exif=b"Exif\0\0" + block if source == "JPEG" else block
        )
    data = file.getvalue()
    if source == "JP2":
        data += struct.pack(">I4s16s", 24 + len(block), b"uuid", b"JpgTiffExif->JP2") + block
    if source == "JPEG":  # thumbnails of JFIF (an extension segment), Photoshop, and a second picture (MPF)
        more = _segment(0xE0, b"JFXX\0\x10" + JPEG)
        more += _segment(0xED, b"Photoshop 3.0\0" + struct.pack(">4sHHI", b"8BIM", 1036, 0, len(JPEG)) + JPEG)
        more += _segment(0xE2, b"MPF\0" + serialise({45056: Entry(7, 4, b"0100", 0)}, ">"))
        data = data[:20] + more + data[20:] + JPEG
    assert SECRET in data
    assert SECRET not in encode(read(io.BytesIO(data)), target)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 255, marker, len(content) + 2) + content


@pytest.mark.parametrize(
    ("first", "nested"),
    [
        ({330: new_entry(4, 8)}, {}),
        ({513: new_entry(4, 40), 514: new_entry(4, 9)}, {}),
        ({273: new_entry(4, 40), 279: new_entry(4, 9)}, {}),
        ({37724: Entry(7, 9, b"layers...", 0)}, {}),
        ({34377: Entry(7, len(JPEG), JPEG, 0)}, {}),
        ({}, {37500: Entry(7, len(JPEG) + 4, b"Cam\0" + JPEG, 0)}),
        ({}, {37500: Entry(7, len(JPEG) + 4, b"Cam\0\0" + JPEG[1:], 0)}),
        ({}, {40965: {4096: Entry(7, len(JPEG), JPEG, 0)}}),
    ],
)
def test_previews_in_other_tags_go_too(first, nested):
    block, notes = with_thumbnail("<", first, nested), []
    result = in_exif(block, 13, 9, notes)
    found, inner, _ = tags_of(result)
    assert not set(first) & set(found)
    assert not {37500} & set(nested) & set(inner)
    assert SECRET not in result
    assert b"layers" not in result
    assert notes[0].endswith("the picture as it was")


def test_bytes_between_tags_are_blanked():
    """Maker notes point to previews that belong to no tag; tools leave old thumbnails behind."""
    block = serialise({271: Entry(2, 5, b"Acme\0", 0)}, "<") + JPEG
    assert in_exif(block, 13, 9, []).rstrip(b"\0") == block[: -len(JPEG)].rstrip(b"\0")


def test_photoshop_keeps_its_other_resources():
    def resource(number: int, content: bytes) -> bytes:
        name = b"\3abc"
        return (
            struct.pack(">4sH", b"8BIM", number)
            + name
            + struct.pack(">I", len(content))
            + content
            + bytes(len(content) % 2)
        )

    caption, old, new = resource(1028, b"caption"), resource(1033, JPEG), resource(1036, JPEG)
    assert resources(old + caption + new) == caption
    assert resources(caption) == caption
    assert resources(caption[:-2]) is None
    assert resources(b"rubbish!") is None
    whole = old + caption
    first = {34377: Entry(7, len(whole), whole, 0)}
    found, _, _ = tags_of(in_exif(with_thumbnail("<", first), 1, 1, []))
    assert (found[34377].data, found[34377].count) == (caption, len(caption))


@pytest.mark.parametrize(
    ("packet", "kept"),
    [
        (b"<x><xap:Thumbnails/>a</x>", b"<x>a</x>"),
        (b"<x><xmp:Thumbnails>b</xmp:Thumbnails >a<xmp:Thumbnails>c</xmp:Thumbnails></x>", b"<x>a</x>"),
        (b'<x G:image="%s"/>', b'<x G:image=""/>'),
        (b"<x><G:Data>%s</G:Data></x>", b"<x><G:Data></G:Data></x>"),
        (b"<x><xmp:Thumbnails>a</x>", None),
        ("<x><xmp:Thumbnails/>a</x>".encode("utf-16"), None),
        ("<x>a</x>".encode("utf-16"), "<x>a</x>".encode("utf-16")),
        (b"<x>/9j/ is no picture</x>", b"<x>/9j/ is no picture</x>"),
        (b"<x tiff:ImageWidth='7' tiff:ImageLength = \"8\"/>", b"<x tiff:ImageWidth='13' tiff:ImageLength = \"9\"/>"),
    ],
)
def test_previews_in_xmp(packet, kept):
    notes: list[str] = []
    lines = base64.encodebytes(JPEG).replace(b"\n", b"&#xA;")
    assert in_xmp(packet.replace(b"%s", lines), 13, 9, notes) == kept
    assert bool(notes) == (kept is None or (b"ImageWidth" not in packet and kept != packet))


def test_profiles_in_the_text_of_a_png(make_png, chunk):
    def raw(name: str, content: bytes, kind: bytes = b"zTXt") -> tuple[bytes, bytes]:
        text = f"\n{name}\n{len(content):8}\n{content.hex()}\n".encode()
        text = b"\0" + zlib.compress(text) if kind == b"zTXt" else text
        return kind, f"Raw profile type {name}".encode() + b"\0" + text

    harmless = Image.Exif()
    harmless[271] = "Acme"
    kept = [raw("iptc", b"8BIM\4\4\0\0\0\0\0\2ab"), raw("APP1", harmless.tobytes(), b"tEXt")]
    gone = [
        raw("exif", b"Exif\0\0" + with_thumbnail()),
        raw("8bim", b"8BIM\4\f\0\0" + struct.pack(">I", len(JPEG)) + JPEG),
    ]
    gone += [raw("xmp", b"<x><xmp:Thumbnails/></x>", b"tEXt"), (b"zTXt", b"Raw profile type exif\0\0rubbish")]
    data = make_png(1, 1, 8, 0, b"\0\7", b"".join(chunk(*c) for c in (*kept, *gone)))
    file = io.BytesIO()
    notes = write(file, read(io.BytesIO(data)), format="png").notes
    assert read(io.BytesIO(file.getvalue())).metadata.chunks == tuple(kept)
    assert sum("Raw profile type" in note for note in notes) == 3  # two of them are called exif


def test_damaged_exif_is_left_out_and_told(make_pixels):
    block = with_thumbnail()
    broken = block[:8] + b"\xff\xff" + block[10:]
    picture = Picture(make_pixels("rgb", "uint8"), metadata=Metadata(exif=broken))
    assert "EXIF left out: it is damaged" in write(io.BytesIO(), picture, format="png").notes
    at = block.index(struct.pack("<HHI", 37500, 7, 9)) + 8  # the maker note lies outside
    notes: list[str] = []
    result = in_exif(block[:at] + b"\xff\xff\xff\xff" + block[at + 4 :], 13, 9, notes)
    assert "a directory of the EXIF left out: it is damaged" in notes
    assert set(Tags.of_block(result).directory(8)[0]) == {271}


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_lets_the_thumbnail_through(seed):
    rng = np.random.default_rng(seed)
    block = with_thumbnail("<>"[seed % 2])
    for _ in range(50):
        changed = bytearray(block)
        for at in rng.integers(0, len(block) - len(JPEG), 3):
            changed[at] = rng.integers(0, 256)
        assert SECRET not in (in_exif(bytes(changed), 13, 9, []) or b"")
