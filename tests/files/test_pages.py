"""Files of several pages: each read and written by itself, all within one limit."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from imconv.errors import FileError, LimitError, OptionError
from imconv.files import inspect, pages, read, read_pages, write, write_pages
from imconv.files.formats import FORMATS
from imconv.files.picture import Metadata, Picture
from imconv.files.tags import Tags
from tests.refused import refused


@pytest.fixture
def book(make_pixels) -> list[Picture]:
    """Pages that differ in size, type, mode and metadata."""
    return [
        Picture(make_pixels("rgb", "uint8", 20, 31), metadata=Metadata(dpi=(300.0, 300.0), compression="none")),
        Picture(make_pixels("grey", "float32", 9, 5), metadata=Metadata(compression="deflate", orientation=6)),
        Picture(make_pixels("rgba", "uint16", 7, 40), metadata=Metadata(xmp=b"<x/>", compression="lzw")),
    ]


@pytest.fixture
def bound(book) -> bytes:
    buffer = io.BytesIO()
    assert write_pages(buffer, book, format="tiff").format == "TIFF"
    return buffer.getvalue()


def as_read(data: bytes, **options) -> list[Picture]:
    return read_pages(io.BytesIO(data), name="x", **options)


def test_pages_come_back_as_they_were(book, bound):
    pytest.importorskip("imagecodecs")  # tifffile reads the predictor of floats with it
    found = as_read(bound)
    with tifffile.TiffFile(io.BytesIO(bound)) as file:
        assert len(file.pages) == 3
        for page, picture, seen in zip(book, found, file.pages, strict=True):
            np.testing.assert_array_equal(picture.pixels, page.pixels)
            np.testing.assert_array_equal(seen.asarray(), page.pixels)
            assert (picture.mode, picture.pixels.dtype) == (page.mode, page.pixels.dtype)
            for name in ("dpi", "xmp", "compression", "orientation"):
                assert getattr(picture.metadata, name) == getattr(page.metadata, name)
            assert picture.notes == ()
    assert inspect(io.BytesIO(bound)).frames == 3
    turned = as_read(bound, auto_orient=True)
    assert [p.pixels.shape[:2] for p in turned] == [(20, 31), (5, 9), (7, 40)]


def test_one_page_is_chosen(book, bound):
    for number, page in enumerate(book):
        picture = read(io.BytesIO(bound), page=number)
        np.testing.assert_array_equal(picture.pixels, page.pixels)
        assert picture.notes == ()
    first = read(io.BytesIO(bound))
    np.testing.assert_array_equal(first.pixels, book[0].pixels)
    assert first.notes == ("first of 3 pages; page= chooses",)
    refused(FileError, r"^x: has no page 3; its 3 pages are 0 to 2$", read, io.BytesIO(bound), name="x", page=3)
    with pytest.raises(FileError, match="has no page 1; it holds one picture, page 0"):
        read(io.BytesIO(tifffile_of(book[0].pixels)), page=1)
    for wrong in (-1, 1.0, True, "1"):
        refused(OptionError, "is not a whole number from 0", read, io.BytesIO(bound), page=wrong)


def tifffile_of(*arrays) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, byteorder=">", bigtiff=True) as writer:
        for pixels in arrays:
            writer.write(pixels, metadata=None, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    return buffer.getvalue()


def test_pages_that_others_wrote(make_pixels):
    arrays = [
        make_pixels("rgb", "uint16", 5, 6), make_pixels("grey", "uint8", 50, 60), make_pixels("grey", "float64", 2, 3),
    ]  # fmt: skip
    for picture, pixels in zip(as_read(tifffile_of(*arrays)), arrays, strict=True):
        np.testing.assert_array_equal(picture.pixels, pixels)


def test_a_format_of_one_picture(tmp_path, book, bound):
    with pytest.raises(FileError, match=r"PAM holds one picture, these are 2; write TIFF or one page"):
        write_pages(tmp_path / "x.pam", [book[0], book[0]])
    refused(FileError, "no picture to write", write_pages, tmp_path / "x.tif", [])
    refused(FileError, r"\(page 1\): PAM cannot hold 32-bit float", write_pages, tmp_path / "x.pam", book)
    assert list(tmp_path.iterdir()) == []
    write_pages(tmp_path / "x.pam", book[:1])
    np.testing.assert_array_equal(read(tmp_path / "x.pam").pixels, book[0].pixels)
    (picture,) = as_read(bound, into="pam")
    assert picture.notes == ("first of 3 pages, since PAM holds one; page= chooses",)
    assert len(as_read(bound, into="tif")) == 3


def test_the_limits_hold_for_all_pages_together(bound):
    total = 20 * 31 + 9 * 5 + 7 * 40
    assert len(as_read(bound, max_pixels=total + 40)) == 3  # counted in whole rows of the widest page
    refused(LimitError, "allowed; raise the limit with max_pixels=", as_read, bound, max_pixels=total - 1)
    assert read(io.BytesIO(bound), page=1, max_pixels=45).width == 5
    many = tifffile_of(*[np.zeros((500, 500), np.uint8)] * 20)
    refused(LimitError, "max_memory=", as_read, many, max_memory="8M")


def outcome(data: bytes) -> list[Picture]:
    """The pages of a damaged file, none where it is refused in one line."""
    try:
        return as_read(data, max_memory="100M")
    except (FileError, LimitError) as error:
        message = str(error)
        assert message.startswith(("x: ", "x (page "))
        assert "\n" not in message
        return []


def test_damage_in_a_later_page(book, bound):
    whole = as_read(bound)
    for length in range(0, len(bound), 11):
        found = outcome(bound[:length])
        assert all((a.pixels == b.pixels).all() for a, b in zip(found, whole, strict=bool(found)))
    for at in range(0, len(bound), 7):
        outcome(bound[:at] + bytes([bound[at] ^ 0xFF]) + bound[at + 1 :])
    tags = Tags.of_block(bound)
    broken = bytearray(bound)
    position = tags.directory(tags.chain()[1])[0][273].position  # where the second page's strip begins
    struct.pack_into("<I", broken, position, 1 << 30)
    refused(FileError, "page 1: a strip lies outside the file", as_read, bytes(broken))
    np.testing.assert_array_equal(read(io.BytesIO(bytes(broken)), page=2).pixels, book[2].pixels)


def test_a_chain_of_pages_that_breaks_off_is_no_shorter_book(bound):
    tags = Tags.of_block(bound)
    lost = bytearray(bound)
    end = tags.chain()[1] + 2 + 12 * len(tags.directory(tags.chain()[1])[0])
    struct.pack_into("<I", lost, end, len(bound) + 5)
    refused(FileError, "page 2: a directory points outside the file", as_read, bytes(lost))


def test_pages_of_another_kind(book, monkeypatch):
    """A decoder with `pages` gives frames that build on each other; a format with `animation` holds only one size."""
    frames = [np.full((3, 4, 3), value, np.uint8) for value in (1, 2, 3)]

    class Decoder:
        bytes_needed = staticmethod(lambda header: 100)
        decode = staticmethod(lambda data, header, notes: frames[0])

        @staticmethod
        def pages(data, header):
            for frame in frames[:broken]:
                yield frame, [], {"duration": 40.0, "loop": 0}

    buffer = io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:])
    monkeypatch.setattr(pages, "decoder", lambda format_name, animated=False: Decoder)
    monkeypatch.setitem(FORMATS, "GIF", replace(FORMATS["GIF"], animation=True))
    broken = 3
    found = as_read(buffer.getvalue())
    assert [p.pixels[0, 0, 0] for p in found] == [1, 2, 3]
    assert found[1].metadata.duration == 40.0
    assert read(io.BytesIO(buffer.getvalue()), page=2).pixels[0, 0, 0] == 3
    assert len(as_read(buffer.getvalue(), into="tif")) == 3
    (first,) = as_read(buffer.getvalue(), into="ppm")
    assert first.notes == ("first of 3 frames, since PPM holds one; page= chooses",)
    broken = 2
    refused(FileError, "2 of its 3 frames are there", as_read, buffer.getvalue())
    words = "GIF holds frames of one size, these are 4 x 3, 31 x 20; write TIFF or one page"
    refused(FileError, words, write_pages, io.BytesIO(), [found[0], book[0]], format="gif")
    report = write_pages(io.BytesIO(), found, format="tiff")
    assert "how long each frame is shown left out: TIFF holds pages" in report.notes
    assert not pages.holds_all(FORMATS["GIF"], "TIFF")  # no animation is made of a document


def test_a_single_page_is_written_as_by_write(tmp_path, make_pixels):
    pixels = make_pixels("rgb", "uint16")
    write(tmp_path / "a.tif", pixels)
    write_pages(tmp_path / "b.tif", [pixels])
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
