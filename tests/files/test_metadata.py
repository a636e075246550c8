from __future__ import annotations

import dataclasses
import io
import itertools
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageOps

from imconv.files import encode, encoding, inspect, read, write
from imconv.files.formats import FORMATS
from imconv.files.picture import EncoderOptions, Metadata, Picture
from imconv.files.tags import Entry, Tags, orientation, serialise, with_orientation
from tests.optional import written

FULL = ("PNG", "JPEG", "TIFF", "WEBP")


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.fixture
def described(make_pixels, exif_block, icc_profile) -> Picture:
    metadata = Metadata(icc=icc_profile, exif=exif_block, xmp=b"<x:xmpmeta/>", dpi=(300.0, 300.0), orientation=6)
    return Picture(make_pixels("rgb", "uint8"), metadata=metadata)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FULL, FULL)))
def test_metadata_crosses_formats(described, exif_block, icc_profile, first, second):
    data = encode(as_read(encode(described, first)), second)
    metadata = as_read(data).metadata
    assert (metadata.icc, metadata.xmp, metadata.orientation) == (icc_profile, b"<x:xmpmeta/>", 6)
    if "WEBP" not in (first, second):
        assert metadata.dpi == pytest.approx((300, 300), abs=0.01)
    if "TIFF" not in (first, second):
        assert metadata.exif == exif_block
    # and as Pillow sees it
    image = opened(data)
    assert image.info["icc_profile"] == icc_profile
    exif = image.getexif()
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation]) == ("Acme", 6)
    assert exif.get_ifd(ExifTags.IFD.Exif)[33434] == 0.125
    assert exif.get_ifd(ExifTags.IFD.Exif)[37500] == b"\x01\x02private\xff"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 31.0, 12.5)
    assert inspect(io.BytesIO(data)).metadata == metadata if second != "JPEG" else True


def test_tifffile_sees_the_tags(described):
    with tifffile.TiffFile(io.BytesIO(encode(described, "TIFF"))) as file:
        tags = file.pages[0].tags
        assert (tags["Make"].value, tags["Orientation"].value) == ("Acme", 6)
        assert tags["ExifTag"].value["ExposureTime"] in (0.125, (1, 8))
        assert (tags["GPSTag"].value["GPSLatitudeRef"], tags["XResolution"].value) == ("N", (300, 1))
        assert tags["InterColorProfile"].value == described.metadata.icc
        np.testing.assert_array_equal(file.asarray(), described.pixels)


def test_storage_tags_of_an_exif_block_never_reach_a_tiff(make_pixels):
    exif = Image.Exif()
    exif[256], exif[257], exif[273], exif[279], exif[259], exif[271] = 4000, 3000, 8, 1 << 20, 6, "Acme"
    pixels = make_pixels("grey", "uint16")
    data = encode(Picture(pixels, metadata=Metadata(exif=exif.tobytes()[6:])), "TIFF")
    np.testing.assert_array_equal(as_read(data).pixels, pixels)
    block = as_read(data).metadata.exif
    tags = Tags.of_block(block)
    assert set(tags.directory(tags.first)[0]) == {271}


@pytest.mark.parametrize("name", FULL)
def test_strip_leaves_nothing(described, name):
    report = write(io.BytesIO(), described, format=name, strip=True)
    assert "orientation 6 stripped; auto_orient=True turns the pixels instead" in report.notes
    metadata = as_read(encode(described, name, strip=True)).metadata
    assert (metadata.icc, metadata.exif, metadata.xmp, metadata.dpi, metadata.orientation) == (
        None, None, None, None, 1,
    )  # fmt: skip
    assert metadata.chunks == ()


@pytest.mark.parametrize("name", ["BMP", "PPM", "GIF"])
def test_what_a_format_cannot_carry_is_told(described, name):
    notes = " | ".join(write(io.BytesIO(), described, format=name).notes)
    assert f"ICC profile left out: {name} holds none" in notes
    assert "EXIF with orientation 6 (auto_orient=True turns the pixels) left out" in notes
    if name == "BMP":
        assert as_read(encode(described, name)).metadata.dpi == pytest.approx((300, 300), abs=0.02)


def test_no_resolution_is_invented(make_pixels):
    for name in (*FULL, "BMP"):
        assert as_read(encode(make_pixels("rgb", "uint8"), name)).metadata.dpi is None


def test_png_resolution_is_exact_from_png_to_png(make_png, chunk):
    for per_metre in (1, 2834, 2835, 3937, 11811, 123457):
        data = make_png(1, 1, 8, 0, b"\0\7", before=chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre + 1, 1)))
        again = encode(as_read(data), "png")
        at = again.index(b"pHYs") + 4
        assert struct.unpack(">IIB", again[at : at + 9]) == (per_metre, per_metre + 1, 1)


def test_png_text_and_colour_chunks_are_carried_byte_for_byte(make_png, chunk):
    chunks = [
        (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", bytes(range(32))), (b"tEXt", b"Title\0first"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"second")), (b"iTXt", b"Author\0\0\0en\0\0" + "Jos\u00e9".encode()),
    ]  # fmt: skip
    after = (b"tEXt", b"Late\0after the pixels")
    data = make_png(1, 1, 8, 0, b"\0\7", b"".join(chunk(*c) for c in chunks), after=chunk(*after))
    picture = as_read(data)
    assert picture.metadata.gamma == 0.45455
    again = encode(picture, "png")
    for kind, content in [*chunks, after]:
        assert chunk(kind, content) in again
    assert as_read(again).metadata == picture.metadata
    assert b"tEXt" not in encode(picture, "png", strip=True)
    assert "gAMA" not in encode(picture.replace(metadata=Metadata()), "png").decode("latin-1")


def test_exif_after_the_pixels_of_a_png_counts(make_png, chunk, exif_block):
    data = make_png(1, 1, 8, 0, b"\0\7", after=chunk(b"eXIf", exif_block))
    assert as_read(data).metadata.exif == exif_block
    assert inspect(io.BytesIO(data)).orientation == 6


def test_a_profile_that_no_longer_fits_is_left_out(described):
    grey = described.replace(pixels=described.pixels[..., 0], mode="grey")
    report = write(io.BytesIO(), grey, format="png")
    assert "ICC profile for RGB left out: the picture is grey" in report.notes
    assert as_read(encode(grey, "png")).metadata.icc is None


def test_long_profiles_are_carried_and_too_long_exif_is_told(make_pixels):
    profile = b"\0" * 16 + b"RGB " + np.random.default_rng(0).bytes(200_000)
    exif = serialise({37510: Entry(7, 70_000, bytes(70_000), 0)}, "<")
    picture = Picture(make_pixels("rgb", "uint8"), metadata=Metadata(icc=profile, exif=exif))
    for name in FULL:
        assert as_read(encode(picture, name)).metadata.icc == profile
    report = write(io.BytesIO(), picture, format="jpeg")
    assert any("EXIF of 70026 bytes left out: too long for JPEG" in note for note in report.notes)


def _oriented(astronaut, name: str, value: int) -> bytes:
    exif = Image.Exif()
    exif[274], exif[271] = value, "Acme"
    buffer = io.BytesIO()
    Image.open(astronaut).resize((23, 17)).save(buffer, name, exif=exif, dpi=(100, 200))
    return buffer.getvalue()


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF"])
def test_orientation_is_kept_or_turned(astronaut, name, value):
    data = _oriented(astronaut, name, value)
    kept, upright = as_read(data), as_read(data, auto_orient=True)
    # Pillow's own TIFF reader turns the picture by itself: compare with the same pixels stored upright
    stored = Image.open(io.BytesIO(_oriented(astronaut, name, 1)))
    np.testing.assert_array_equal(kept.pixels, np.asarray(stored))
    assert (kept.width, kept.height, kept.metadata.orientation) == (23, 17, value)
    image = Image.fromarray(kept.pixels)
    image.getexif()[274] = value
    np.testing.assert_array_equal(upright.pixels, np.asarray(ImageOps.exif_transpose(image)))
    assert upright.metadata.orientation == 1
    assert orientation(upright.metadata.exif) == 1
    assert upright.pixels.flags.c_contiguous
    if value > 4:
        assert upright.metadata.dpi == pytest.approx((200, 100), abs=0.01)
    assert as_read(encode(upright, name)).metadata.orientation == 1
    assert inspect(io.BytesIO(data)).orientation == value


def test_setting_the_orientation_of_an_exif_block(exif_block):
    for value in range(1, 9):
        changed = with_orientation(exif_block, value)
        assert orientation(changed) == value
        assert len(changed) == len(exif_block)
        assert sum(a != b for a, b in zip(changed, exif_block, strict=True)) <= 1
    assert with_orientation(None, 1) is None
    assert orientation(with_orientation(None, 5)) == 5
    plain = Image.Exif()
    plain[271] = "Acme"
    block = plain.tobytes()[6:]
    assert with_orientation(block, 1) == block
    added = Image.Exif()
    added.load(with_orientation(block, 3))
    assert dict(added) == {271: "Acme", 274: 3}
    assert with_orientation(b"rubbish", 3) == b"rubbish"


def test_the_orientation_in_xmp_follows(make_pixels):
    packet = b'<x tiff:Orientation="6"><tiff:Orientation>6</tiff:Orientation></x>'
    metadata = Metadata(xmp=packet, orientation=6)
    data = encode(Picture(make_pixels("rgb", "uint8"), metadata=metadata), "png")
    assert as_read(data).metadata.xmp == packet
    assert as_read(data, auto_orient=True).metadata.xmp == packet.replace(b"6", b"1")


def test_damaged_exif_neither_stops_reading_nor_writing(make_pixels, exif_block):
    rng = np.random.default_rng(5)
    blocks = [exif_block[:n] for n in range(1, len(exif_block), 7)]
    for _ in range(100):
        block = bytearray(exif_block)
        for at in rng.integers(0, len(block), 4):
            block[at] = rng.integers(0, 256)
        blocks.append(bytes(block))
    pixels = make_pixels("rgb", "uint8")
    for block in blocks:
        picture = Picture(pixels, metadata=Metadata(exif=block, orientation=orientation(block)))
        for name in ("JPEG", "TIFF", "PNG"):
            again = as_read(encode(picture, name))
            if name != "JPEG":
                np.testing.assert_array_equal(again.pixels, pixels)


KEPT = [
    (b"cICP", bytes((9, 16, 0, 1))), (b"mDCV", bytes(range(24))), (b"cLLI", bytes(range(8))), (b"sRGB", b"\1"),
    (b"pHYs", struct.pack(">IIB", 2, 1, 0)),
]  # fmt: skip
LOST = [(b"tIME", struct.pack(">HBBBBB", 2020, 1, 2, 3, 4, 5)), (b"sBIT", b"\5"), (b"hIST", b"\0\1"), (b"prVt", b"x")]


@pytest.mark.parametrize("target", ["PNG", "TIFF", "JPEG", "WEBP", "PPM"])
def test_what_a_png_says_is_kept_or_named(make_png, chunk, target):
    data = make_png(1, 1, 8, 0, b"\0\7", b"".join(chunk(*c) for c in (*KEPT, *LOST)))
    file = io.BytesIO()
    notes = " | ".join(write(file, as_read(data), format=target).notes)
    again = file.getvalue()
    for kind, content in KEPT:
        assert (chunk(kind, content) in again) == (target == "PNG")
    # untagged pictures are taken for sRGB
    named = LOST if target == "PNG" else [c for c in KEPT + LOST if c[0] not in (b"sRGB", b"pHYs")]
    why = "true of the picture as it was only" if target == "PNG" else f"{target} holds none"
    assert f"{', '.join(kind.decode() for kind, _ in named)} of the PNG left out: {why}" in notes
    assert as_read(encode(as_read(data), target, strip=True)).metadata.chunks == ()


@pytest.mark.parametrize(
    ("colour", "bits", "row", "before", "stored", "background"),
    [
        (0, 8, b"\0\7", b"", b"\0\7", b"\0\7"),
        (0, 4, b"\0\x70", b"", b"\0\7", b"\0\x77"),
        (2, 8, b"\0abc", b"", b"\0a\0b\0c", b"\0a\0b\0c"),
        (2, 16, b"\0abcdef", b"", b"abcdef", b"abcdef"),
        (3, 8, b"\0\0", (b"PLTE", b"abcdef"), b"\1", b"\0d\0e\0f"),
        (3, 8, b"\0\0", (b"PLTE", b"abcdef"), b"\2", None),  # no such colour
        (0, 8, b"\0\7", b"", b"\1\0", None),  # more than 8 bits
    ],
)
def test_the_background_of_a_png_is_what_it_was(make_png, chunk, colour, bits, row, before, stored, background):
    palette = chunk(*before) if before else b""
    picture = as_read(make_png(1, 1, bits, colour, row, palette + chunk(b"bKGD", stored)))
    again = encode(picture, "png")
    assert (b"bKGD" in again) == (background is not None)
    assert background is None or chunk(b"bKGD", background) in again
    if picture.mode == "rgb" and background and bits == 8:
        wide = picture.replace(pixels=picture.pixels.astype(np.uint16) * 257)
        assert chunk(b"bKGD", bytes(np.repeat(np.frombuffer(background, np.uint8)[1::2], 2))) in encode(wide, "png")
        grey = Picture(picture.pixels[..., 0], metadata=picture.metadata)
        assert "bKGD of the PNG left out" in " ".join(write(io.BytesIO(), grey, format="png").notes)


def test_pixels_that_are_not_square_are_turned_with_the_picture(make_png, chunk, exif_block):
    before = chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0)) + chunk(b"eXIf", exif_block)
    turned = as_read(make_png(1, 1, 8, 0, b"\0\7", before), auto_orient=True)
    assert chunk(b"pHYs", struct.pack(">IIB", 1, 2, 0)) in encode(turned, "png")


IPTC = b"\x1c\x02\x78\x00\x07caption"
GAIN_MAP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    b'hdrgm:Version="1.0" dc:title="kept"><hdrgm:GainMapMax><rdf:Seq><rdf:li>2</rdf:li></rdf:Seq></hdrgm:GainMapMax>'
    b'<Container:Directory><rdf:Seq><rdf:li Item:Semantic="Primary"/><rdf:li Item:Semantic="GainMap"/></rdf:Seq>'
    b"</Container:Directory></rdf:Description></x:xmpmeta>"
)
KINDS_OF_METADATA = {
    "ICC profile": "icc", "EXIF": "exif", "XMP": "xmp", "IPTC": "iptc", "comment": "comment",
}  # fmt: skip


def told(picture: Picture, name: str) -> tuple[bytes, list[str]]:
    """The file, and the notes on it."""
    return encoding.encode([picture], FORMATS[name], EncoderOptions(None, None), False, "output")


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"PBM", "PGM", "PFM"}))
@pytest.mark.parametrize("words", KINDS_OF_METADATA)
def test_every_kind_of_metadata_is_kept_or_named(make_pixels, exif_block, icc_profile, name, words):
    values = {"icc": icc_profile, "exif": exif_block, "xmp": b"<x:xmpmeta/>", "iptc": IPTC, "comment": b"my comment"}
    written(name)
    kind = KINDS_OF_METADATA[words]
    if (name, kind) == ("JXL", "icc"):
        pytest.importorskip("pillow_jxl")
    dtype = "uint8" if ("rgb", "uint8") in FORMATS[name].holds else "float32"
    data, notes = told(Picture(make_pixels("rgb", dtype), metadata=Metadata(**{kind: values[kind]})), name)
    left_out = any(note.startswith(f"{words} left out") for note in notes)
    found = as_read(data).metadata
    in_it = {"icc": found.icc, "exif": found.exif, "xmp": found.xmp, "iptc": found.iptc, "comment": found.comment}[kind]
    kept = in_it == values[kind] or (kind in ("iptc", "comment", "exif") and in_it is None and values[kind] in data)
    if kind == "exif" and not left_out:
        kept = b"Acme" in data
    assert kept != left_out, (notes, found)


def test_photoshop_resources_lose_their_thumbnail_and_keep_the_captions(make_pixels):
    """The resource with the datasets of a JPEG stays, and its thumbnail goes."""
    data = encode(Picture(make_pixels("rgb", "uint8"), metadata=Metadata(iptc=IPTC, comment=b"one")), "JPEG")
    thumbnail = b"8BIM" + struct.pack(">HHI", 1036, 0, 8) + b"\xff\xd8\xff\xe0abcd"
    at = data.index(b"8BIM")
    length = int.from_bytes(data[at - 16 : at - 14], "big")
    whole = data[: at - 16] + struct.pack(">H", length + len(thumbnail)) + data[at - 14 : at] + thumbnail + data[at:]
    picture = as_read(whole)
    assert (picture.metadata.iptc, picture.metadata.comment) == (IPTC, b"one")
    again = encode(picture, "JPEG")
    assert b"abcd" not in again
    assert IPTC in again


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_gain_map_no_longer_fits(make_pixels, name):
    data, notes = told(Picture(make_pixels("rgb", "uint8"), metadata=Metadata(xmp=GAIN_MAP)), name)
    assert any("HDR gain map left out" in note for note in notes)
    packet = as_read(data).metadata.xmp
    assert b"hdrgm" not in packet
    assert b"GainMap" not in packet
    assert b'dc:title="kept"' in packet


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        (b"MPF\0MM\0*\0\0\0\x08", "further pictures (MPF)"),
        (b"urn:iso:std:iso:ts:21496:-1\0\0\0", "HDR gain map (ISO 21496-1)"),
    ],
)
def test_further_pictures_of_a_jpeg_are_named(make_pixels, segment, words):
    data = encode(Picture(make_pixels("rgb", "uint8")), "JPEG")
    marked = data[:2] + b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + data[2:] + data
    found = as_read(marked)
    assert f"{words} left out: only the picture itself is read" in found.notes
    assert encode(found, "JPEG").count(b"\xff\xd8\xff") == 1


def _with_density(name: str, across: int, down: int) -> bytes:
    """A picture whose file states a ratio of pixel densities without a unit."""
    pixels = np.zeros((4, 5), np.uint8)
    metadata = Metadata(density=(across, down))
    return encode(Picture(pixels, metadata=metadata), name)


@pytest.mark.parametrize("source", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("target", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("density", [(2, 1), (12, 11), (10, 11), (100, 300)])
def test_pixels_that_are_not_square_stay_so(source, target, density):
    picture = as_read(_with_density(source, *density))
    assert picture.metadata.dpi is None
    assert Fraction(*picture.metadata.density) == Fraction(*density)
    again = as_read(encode(picture, target)).metadata
    assert (again.dpi, Fraction(*again.density)) == (None, Fraction(*density))
    with Image.open(io.BytesIO(encode(picture, target))) as other:
        if target == "JPEG":
            assert other.info["jfif_unit"] == 0
            assert Fraction(*other.info["jfif_density"]) == Fraction(*density)
        elif target == "PNG":
            assert Fraction(other.info["aspect"][0], other.info["aspect"][1]) == Fraction(*density)
        else:
            assert other.tag_v2[296] == 1
            assert Fraction(other.tag_v2[282]) / Fraction(other.tag_v2[283]) == Fraction(*density)


def test_where_there_is_no_room_for_the_shape_of_pixels():
    picture = as_read(_with_density("JPEG", 2, 1))
    for name in ("WEBP", "BMP", "PGM"):
        notes: list[str] = []
        notes += write(io.BytesIO(), picture, format=name).notes
        assert "pixels of 1:2, width to height, left out" in " ".join(notes)
    assert write(io.BytesIO(), picture, format="png", strip=True).notes == ()


def test_squares_and_ratios_without_numbers_are_nothing():
    plain = encode(np.zeros((4, 5), np.uint8), "JPEG")
    at = plain.index(b"JFIF\0") + 7
    for unit, x, y in ((0, 1, 1), (0, 0, 1), (0, 3, 3)):
        data = plain[:at] + struct.pack(">BHH", unit, x, y) + plain[at + 5 :]
        assert as_read(data).metadata.density is None


def test_turned_pixels_are_turned():
    picture = as_read(_with_density("PNG", 2, 1))
    turned = as_read(
        encode(picture.replace(metadata=dataclasses.replace(picture.metadata, orientation=6)), "PNG"), auto_orient=True
    )
    assert turned.metadata.density == (1, 2)


def test_comments_of_a_gif():
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(buffer, "GIF", comment=b"by hand, " * 60)
    picture = as_read(buffer.getvalue())
    assert picture.metadata.comment == b"by hand, " * 60
    for name in ("GIF", "JPEG", "PNG"):
        assert b"by hand, by hand" in encode(picture, name)
    with Image.open(io.BytesIO(encode(picture, "GIF"))) as again:
        assert again.info["comment"] == b"by hand, " * 60
    assert "comment left out: TIFF holds none" in write(io.BytesIO(), picture, format="tiff").notes


def test_further_resources_of_photoshop_are_named():
    plain = encode(np.zeros((4, 5), np.uint8), "JPEG")
    resources = b"".join(
        b"8BIM" + struct.pack(">HHI", number, 0, 4) + b"data" for number in (0x03ED, 0x0409, 0x040B, 0x0419)
    )
    content = b"Photoshop 3.0\0" + resources
    data = plain[:2] + b"\xff\xed" + struct.pack(">H", len(content) + 2) + content + plain[2:]
    assert as_read(data).notes == ("2 image resources of Photoshop left out",)


TEXTS = (
    (b"tEXt", b"Author\0Bj\xf6rk"),
    (b"zTXt", b"Description\0\0" + zlib.compress(b"a long one")),
    (b"iTXt", b"Title\0\0\0en\0\0" + "Größe".encode()),
    (b"iTXt", b"Copyright\0\1\0\0\0" + zlib.compress("© me".encode())),
)


@pytest.mark.parametrize("name", ["jpg", "gif"])
def test_texts_of_a_png_are_a_comment(tmp_path, name):
    """All of them, in their order; a comment alone as it is, there and back."""
    pixels = np.zeros((8, 8), np.uint8)
    report = write(tmp_path / f"a.{name}", Picture(pixels, metadata=Metadata(chunks=TEXTS)))
    found = read(tmp_path / f"a.{name}").metadata.comment
    assert found.decode() == "Author: Björk\nDescription: a long one\nTitle: Größe\nCopyright: © me"
    assert not any("tXt" in note or "tEXt" in note for note in report.notes)
    alone = Picture(pixels, metadata=Metadata(chunks=((b"tEXt", b"Comment\0just this"),)))
    write(tmp_path / f"b.{name}", alone)
    back = read(tmp_path / f"b.{name}")
    assert back.metadata.comment == b"just this"
    write(tmp_path / "b.png", back)
    assert (b"tEXt", b"Comment\0just this") in read(tmp_path / "b.png").metadata.chunks


def test_texts_that_can_not_be_read_are_named(tmp_path):
    bad = (
        (b"zTXt", b"Author\0\0no deflate"),
        (b"iTXt", b"Title\0"),
        (b"zTXt", b"Long\0\0" + zlib.compress(bytes(1 << 21))),
    )
    picture = Picture(np.zeros((8, 8), np.uint8), metadata=Metadata(chunks=bad))
    report = write(tmp_path / "a.jpg", picture)
    assert any("zTXt, iTXt of the PNG left out" in note for note in report.notes)
    assert read(tmp_path / "a.jpg").metadata.comment is None
    picture = Picture(np.zeros((8, 8), np.uint8), metadata=Metadata(chunks=(*bad, *TEXTS[:1])))
    assert any("zTXt, iTXt of the PNG left out" in note for note in write(tmp_path / "a.jpg", picture).notes)
