"""JPEG held against Pillow called on its own, with simplejpeg and without."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from imconv.errors import FileError
from imconv.files import encode, inspect, jpeg_scans, read, write
from imconv.files.jpeg import decode
from imconv.files.jpeg import encode as jpeg_encode
from imconv.files.jpeg.segments import SUBSAMPLINGS, standard_quality, standard_tables
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

SIZES = [(1, 1), (8, 8), (17, 33), (64, 65), (7, 300), (131, 16)]


def as_read(data: bytes, **options) -> Picture:
    return read(io.BytesIO(data), name="x", **options)


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope="module")
def photograph(astronaut) -> np.ndarray:
    return read(astronaut).pixels


@pytest.fixture
def no_simplejpeg(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)


@pytest.fixture
def simplejpeg():
    return pytest.importorskip("simplejpeg")


def files(photograph: np.ndarray):
    """JPEG files of many kinds by Pillow: sizes, subsamplings, qualities, progressive, restart markers."""
    kinds = [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"progressive": True, "restart_marker_rows": 1}]
    for height, width in SIZES:
        colour = np.ascontiguousarray(photograph[40 : 40 + height, 100 : 100 + width])
        for quality in (1, 30, 75, 92, 97, 100):
            for kind in kinds:
                for subsampling in (0, 1, 2, None):
                    source = Image.fromarray(colour if subsampling is not None else colour[..., 1])
                    buffer = io.BytesIO()
                    source.save(buffer, "JPEG", quality=quality, subsampling=subsampling or 0, **kind)
                    yield buffer.getvalue()


def test_pixels_are_pillows_for_every_kind_of_file(photograph, simplejpeg, monkeypatch):
    monkeypatch.setattr("imconv.files.by_pillow.decode", None)  # no file of these may need it
    count = 0
    for data in files(photograph):
        picture = as_read(data)
        np.testing.assert_array_equal(picture.pixels, by_pillow(data))
        assert picture.pixels.flags.writeable
        count += 1
    assert count == 576


@pytest.mark.parametrize("sampling", ["440", "411"])
def test_rarer_subsamplings_decode_as_pillow_does(photograph, simplejpeg, sampling):
    for height, width in SIZES:
        for quality in (50, 98):
            data = simplejpeg.encode_jpeg(np.ascontiguousarray(photograph[:height, :width]), quality, "RGB", sampling)
            picture = as_read(data)
            np.testing.assert_array_equal(picture.pixels, by_pillow(data))
            assert SUBSAMPLINGS[picture.metadata.subsampling].replace(":", "") == sampling


def test_rarer_subsamplings_are_kept_or_made_finer_with_a_note(photograph, simplejpeg, monkeypatch):
    for sampling, finer in (("440", 0), ("411", 1)):
        picture = as_read(simplejpeg.encode_jpeg(photograph, 97, "RGB", sampling))
        monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)
        assert as_read(encode(picture, "jpeg")).metadata.subsampling == picture.metadata.subsampling
        monkeypatch.setitem(sys.modules, "simplejpeg", None)
        report = write(io.BytesIO(), picture, format="jpeg")
        assert report.notes == (
            f"subsampling {SUBSAMPLINGS[picture.metadata.subsampling]} written as {SUBSAMPLINGS[finer]}",
        )
        assert as_read(encode(picture, "jpeg")).metadata.subsampling == finer


def test_what_is_read_without_simplejpeg_is_the_same(photograph, no_simplejpeg):
    for data in list(files(photograph))[::17]:
        np.testing.assert_array_equal(as_read(data).pixels, by_pillow(data))


def test_both_encoders_write_the_same_bytes(photograph, simplejpeg, monkeypatch):
    """Above the quality from which they are both used; below, Pillow alone is."""
    for height, width in SIZES:
        for pixels in (photograph[:height, :width], photograph[:height, :width, 1]):
            for quality in range(jpeg_encode._SAME_FROM, 101):
                for subsampling in (0, 1, 2):
                    tables = standard_tables(quality)
                    metadata = Metadata(quantisation=tables, subsampling=subsampling)
                    picture = Picture(pixels, metadata=metadata)
                    monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)
                    first = encode(picture, "jpeg")
                    monkeypatch.setitem(sys.modules, "simplejpeg", None)
                    assert encode(picture, "jpeg") == first


def test_pixels_written_are_pillows_own(photograph):
    for quality in (1, 49, 50, 92, 95, 96, 100):
        buffer = io.BytesIO()
        Image.fromarray(photograph).save(buffer, "JPEG", quality=quality)
        np.testing.assert_array_equal(
            by_pillow(encode(photograph, "jpeg", quality=quality)), by_pillow(buffer.getvalue())
        )


def test_standard_tables_are_the_librarys(photograph):
    image = Image.fromarray(photograph[:8, :8])
    for quality in range(1, 101):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        buffer.seek(0)
        tables = Image.open(buffer).quantization
        assert tuple(map(tuple, (tables[0], tables[1]))) == standard_tables(quality)[:2]
        header = inspect(io.BytesIO(buffer.getvalue()))
        assert header.metadata.quantisation == standard_tables(quality)
        found = standard_quality(header.metadata.quantisation)
        assert standard_tables(found) == standard_tables(quality)
    assert standard_quality(((3,) * 64,) * 3) is None


def test_tables_of_ones_own_and_their_subsampling_are_kept(photograph):
    rng = np.random.default_rng(4)
    for count in (1, 2, 3):
        tables = [list(map(int, rng.integers(1, 60, 64))) for _ in range(count)]
        for subsampling in (0, 1, 2):
            buffer = io.BytesIO()
            Image.fromarray(photograph).save(buffer, "JPEG", qtables=tables, subsampling=subsampling)
            again = Image.open(io.BytesIO(encode(as_read(buffer.getvalue()), "jpeg")))
            assert [again.quantization[i] for i in range(count)] == tables
            assert get_sampling(again) == subsampling


def test_a_copy_of_pixels_that_did_not_change_keeps_the_tables_at_every_quality(photograph):
    for quality in (40, 97):
        buffer = io.BytesIO()
        Image.fromarray(photograph).save(buffer, "JPEG", quality=quality, subsampling=0)
        picture = as_read(buffer.getvalue())
        data = encode(picture, "jpeg")
        assert as_read(data).metadata == picture.metadata
        assert np.abs(as_read(data).pixels.astype(int) - picture.pixels).mean() < 1


def coded_as(data: bytes, transform: int | None, ids: bytes) -> bytes:
    """The file without JFIF, with these component ids, and an Adobe segment that names the transform."""
    body = bytearray(data[20:])
    frame = body.index(b"\xff\xc0")
    scan = body.index(b"\xff\xda")
    for i, value in enumerate(ids):
        body[frame + 10 + 3 * i] = value
        body[scan + 5 + 2 * i] = value
    adobe = b"" if transform is None else b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])
    return data[:2] + adobe + bytes(body)


def test_colours_coded_without_a_transform_are_left_to_pillow(photograph, simplejpeg, monkeypatch):
    data = encode(photograph[:40, :60], "jpeg", quality=97)
    expected = {}
    for transform, ids in ((0, b"\1\2\3"), (1, b"\1\2\3"), (None, b"RGB"), (None, b"\1\2\3"), (None, b"\5\6\7")):
        coded = coded_as(data, transform, ids)
        plain = inspect(io.BytesIO(coded)).layout["plain"]
        assert plain == ((transform, ids) not in ((0, b"\1\2\3"), (None, b"RGB")))
        np.testing.assert_array_equal(as_read(coded).pixels, by_pillow(coded))
        expected[transform, ids] = by_pillow(coded)
    assert not np.array_equal(expected[0, b"\1\2\3"], expected[1, b"\1\2\3"])


def test_cmyk_with_an_adobe_transform(make_pixels):
    cv2 = pytest.importorskip("cv2")
    pixels = np.repeat(np.repeat(make_pixels("cmyk", "uint8", 8, 8), 8, 0), 8, 1)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "CMYK").save(buffer, "JPEG", quality=100)
    direct = buffer.getvalue()
    at = direct.index(b"Adobe") + 11
    for transform in (0, 2):  # as CMYK, and the same numbers taken for YCCK
        data = direct[:at] + bytes([transform]) + direct[at + 1 :]
        picture = as_read(data)
        np.testing.assert_array_equal(picture.pixels, by_pillow(data))
        seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        ink = 255 - picture.pixels.astype(int)
        naive = ink[..., :3] * ink[..., 3:] // 255
        assert np.abs(seen[..., ::-1] - naive).mean() < 3


def test_metadata_goes_into_segments_of_both_encoders(photograph, exif_block, icc_profile, monkeypatch):
    profile = b"\0" * 16 + b"RGB " + np.random.default_rng(0).bytes(150_000)
    for icc in (icc_profile, profile):
        metadata = Metadata(icc=icc, exif=exif_block, xmp=b"<x/>", dpi=(300.0, 150.0), orientation=6)
        picture = Picture(photograph[:20, :30], metadata=metadata)
        seen = []
        for quality in (80, 98):
            for missing in (False, True):
                if missing:
                    monkeypatch.setitem(sys.modules, "simplejpeg", None)
                else:
                    monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)
                data = encode(picture, "jpeg", quality=quality)
                image = Image.open(io.BytesIO(data))
                assert (image.info["icc_profile"], image.info["exif"]) == (icc, b"Exif\0\0" + exif_block)
                assert (image.info["xmp"], image.info["dpi"]) == (b"<x/>", (300, 150))
                assert image.info["jfif_unit"] == 1
                seen.append(as_read(data).metadata)
        assert all(m.icc == icc and m.exif == exif_block and m.orientation == 6 for m in seen)


def test_resolution_of_cmyk(make_pixels):
    picture = Picture(make_pixels("cmyk", "uint8"), "cmyk", metadata=Metadata(dpi=(300.0, 300.0)))
    data = encode(picture, "jpeg")
    assert Image.open(io.BytesIO(data)).info["dpi"] == (300, 300)
    bare = encode(picture.replace(metadata=Metadata()), "jpeg")
    np.testing.assert_array_equal(as_read(data).pixels, by_pillow(bare))


def test_damage_is_judged_as_without_simplejpeg(photograph, simplejpeg, monkeypatch):
    data = encode(photograph[:40, :56], "jpeg", quality=60)
    rng = np.random.default_rng(2)
    mutants = [data[:n] for n in range(0, len(data), 29)]
    for at in rng.integers(0, len(data), 150):
        mutants.append(data[:at] + bytes([data[at] ^ 1 << rng.integers(8)]) + data[at + 1 :])
    for mutant in mutants:
        found = []
        for missing in (False, True):
            if missing:
                monkeypatch.setitem(sys.modules, "simplejpeg", None)
            else:
                monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)
            try:
                found.append(as_read(mutant).pixels)
            except FileError as error:
                found.append(str(error))
        first, second = found
        assert type(first) is type(second)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second)


ARITHMETIC = bytes.fromhex(  # 16 x 16 greys by cjpeg -arithmetic -quality 30
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565645f"
    "555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc9000b080010001001011100ffcc000600101005ffda"
    "0008010100003f00feee018d24f078d1b8bdda66ba86433e5b46f6825362adfdaaea4e4411338e86dd582362a6a1f1c9ef558da4a4246618"
    "93f1846c3df9a4b923f9fc7cedef9723aa8aa63d5661501d82411a648cffd9"
)


def test_arithmetic_coding_is_read_where_its_decoder_warns(simplejpeg, monkeypatch):
    picture = as_read(ARITHMETIC)
    np.testing.assert_array_equal(picture.pixels, by_pillow(ARITHMETIC))
    assert [note for note in picture.notes if "cut short" in note]
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    refused(FileError, "cannot be checked for damage", as_read, ARITHMETIC)


WAYS = ("by simplejpeg", "by Pillow")
KINDS = {"baseline": {}, "progressive": {"progressive": True}, "restart markers": {"restart_marker_blocks": 8}}
DAMAGES = {
    "cut off": lambda data: data[: len(data) * 6 // 10] + b"\xff\xd9",
    "cut out": lambda data: data[: len(data) * 45 // 100] + data[len(data) * 55 // 100 :],
    "zeroed": lambda data: data[: (n := len(data) * 45 // 100)] + bytes(len(data) // 10) + data[n + len(data) // 10 :],
}


@pytest.fixture(params=WAYS)
def way(request, monkeypatch) -> str:
    if request.param == "by Pillow":
        monkeypatch.setitem(sys.modules, "simplejpeg", None)
    else:
        pytest.importorskip("simplejpeg")
    return request.param


def saved(pixels: np.ndarray, mode: str = "RGB", file_format: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_an_error(photograph, way, kind, damage, mode):
    data = saved(photograph, mode, **KINDS[kind])
    np.testing.assert_array_equal(as_read(data).pixels, by_pillow(data))
    refused(FileError, r"^x: damaged or truncated JPEG file", as_read, DAMAGES[damage](data))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_a_strip_of_a_tiff_is_an_error(photograph, damage):
    data = saved(photograph, file_format="TIFF", compression="jpeg")
    np.testing.assert_array_equal(as_read(data).pixels, by_pillow(data))
    layout = inspect(io.BytesIO(data)).layout
    first, count = layout["offsets"][-1], layout["counts"][-1]
    strip = DAMAGES[damage](data[first : first + count]).ljust(count, b"\0")
    refused(FileError, r"^x: damaged or truncated TIFF file", as_read, data[:first] + strip + data[first + count :])


def test_a_progressive_file_that_ends_behind_a_scan_is_damaged(photograph, way):
    data = saved(photograph[:99, :70], progressive=True)
    scans = [at for at in range(len(data)) if data.startswith(b"\xff\xda", at)]
    assert len(scans) > 5
    for at in scans[1:]:
        refused(FileError, "scans are missing", as_read, data[: data.rindex(b"\xff\xc4", 0, at)] + b"\xff\xd9")


def without_tables_of_codes(data: bytes) -> bytes:
    """The file as pictures of a film are stored: the standard's tables are not in it."""
    while (at := data.find(b"\xff\xc4")) >= 0:
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    return data


ODD = {
    "bytes behind the end": lambda data: data + b"rubbish \xff\xd8",
    "fill bytes before each marker": lambda data: data.replace(b"\xff\xc4", b"\xff\xff\xff\xc4").replace(
        b"\xff\xd9", b"\xff\xff\xd9"
    ),
    "fill bytes before restart markers": lambda data: data.replace(b"\xff\xd3", b"\xff\xff\xff\xd3"),
    "a restart marker behind the last MCU": lambda data: data[:-2] + b"\xff\xd0\xff\xd9",
    "stray bytes before the frame": lambda data: data.replace(b"\xff\xc0", b"\0\xff\xc0").replace(
        b"\xff\xc2", b"\0\xff\xc2"
    ),
    "standard tables of codes left out": without_tables_of_codes,
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_but_whole_is_read(photograph, way, odd):
    for mode in ("L", "RGB", "CMYK"):
        for kind in KINDS.values():
            if kind.get("progressive") and ODD[odd] is without_tables_of_codes:
                continue  # Pillow makes tables of its own for these
            data = saved(photograph[:99, :70], mode, **kind)
            np.testing.assert_array_equal(as_read(ODD[odd](data)).pixels, by_pillow(data))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"progressive": True, "restart_marker_rows": 2}])
@pytest.mark.parametrize("size", [(1, 1), (8, 16), (33, 130), (255, 17)])
def test_all_codes_of_whole_pictures_are_followed(photograph, simplejpeg, options, size):
    pixels = np.ascontiguousarray(photograph[100 : 100 + size[0], 100 : 100 + size[1]])
    for mode in ("L", "RGB", "CMYK"):
        for quality in (1, 50, 100):
            for subsampling in (0, 1, 2):
                jpeg_scans.check(saved(pixels, mode, quality=quality, subsampling=subsampling, **options))
    for sampling in ("411", "440"):
        jpeg_scans.check(simplejpeg.encode_jpeg(pixels, 90, "RGB", sampling))


def test_memory_needed_counts_the_coefficients_of_a_progressive_file(photograph):
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG")
    plain = decode.bytes_needed(inspect(io.BytesIO(buffer.getvalue())))
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG", progressive=True)
    assert decode.bytes_needed(inspect(io.BytesIO(buffer.getvalue()))) == plain + 2 * photograph.size


def test_density_units(photograph):
    data = encode(photograph[:8, :8], "jpeg")
    for unit, expected in ((0, None), (1, (72, 96)), (2, (72 * 2.54, 96 * 2.54))):
        changed = data[:13] + struct.pack(">BHH", unit, 72, 96) + data[18:]
        assert inspect(io.BytesIO(changed)).dpi == (expected and pytest.approx(expected))


def test_pillow_is_not_imported_where_simplejpeg_does_it(tmp_path, photograph, simplejpeg):
    path = tmp_path / "a.jpg"
    write(path, photograph, quality=97)
    code = (
        "import sys, imconv\n"
        f"picture = imconv.read({str(path)!r})\n"
        f"imconv.write({str(path)!r}, picture)\n"
        "assert 'PIL' not in sys.modules\n"
        "assert 'simplejpeg' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def segments(data: bytes) -> list[bytes]:
    """The marker segments before the scan; the last is the rest of the file."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append(data[at : at + length])
        at += length
    return [*found, data[at:]]


def test_a_profile_is_put_together_by_number_or_dropped_with_a_note(make_pixels):
    profile = b"\0" * 16 + b"RGB " + np.random.default_rng(0).bytes(200_000)
    whole = segments(encode(Picture(make_pixels("rgb", "uint8"), metadata=Metadata(icc=profile)), "JPEG"))
    parts = [segment for segment in whole if segment[4:16] == b"ICC_PROFILE\0"]
    others = [segment for segment in whole if segment not in parts]
    assert len(parts) == 4

    def found(*chosen: int):
        header = inspect(io.BytesIO(b"\xff\xd8" + b"".join([*(parts[i] for i in chosen), *others])))
        assert (header.metadata.icc is None) == ("ICC profile dropped: parts of it are missing" in header.notes)
        return header.metadata.icc

    assert found(0, 1, 2, 3) == found(3, 1, 0, 2) == profile
    for missing in range(4):
        assert found(*(i for i in range(4) if i != missing)) is None


@pytest.mark.parametrize(
    ("factors", "subsampling"),
    [((0x22, 0x11, 0x11), 2), ((0x21, 0x11, 0x11), 1), ((0x22, 0x11, 0x21), None), ((0x22, 0x21, 0x11), None),
     ((0x21, 0x11, 0x21), None), ((0x22, 0x11, 0x12), None), ((0x22, 0x10, 0x10), None), ((0x31, 0x11, 0x11), None)],
)  # fmt: skip
def test_chroma_of_two_samplings_has_no_name(make_pixels, factors, subsampling):
    parts = segments(encode(make_pixels("rgb", "uint8"), "JPEG"))
    frame = next(i for i, segment in enumerate(parts) if segment[1] == 0xC0)
    head = bytearray(parts[frame])
    head[11:20:3] = factors
    parts[frame] = bytes(head)
    assert inspect(io.BytesIO(b"\xff\xd8" + b"".join(parts))).metadata.subsampling == subsampling


@pytest.mark.parametrize(("dots", "stored"), [(70_000, 65_535), (65_535, 65_535), (0.2, 1), (0.6, 1), (72.5, 72)])
def test_resolutions_that_jfif_cannot_state(make_pixels, dots, stored):
    data = encode(Picture(make_pixels("rgb", "uint8"), metadata=Metadata(dpi=(dots, 300))), "JPEG")
    assert struct.unpack(">BHH", segments(data)[0][11:16]) == (1, stored, 300)
    assert as_read(data).metadata.dpi == (stored, 300)
