"""Files that end too early: what is only without its end mark is read, what lacks pixels is refused, or filled where asked."""

import io

import numpy as np
import pytest
from PIL import Image

import imconv
from imconv.errors import FileError, OptionError
from imconv.files import read

SIDE = (75, 53)
WITH_END = {  # formats with an end mark, and its bytes
    "PNG": 12,
    "JPEG": 2,
    "GIF": 1,
}
FILLED = ["JPEG", "progressive JPEG", "4:4:4 JPEG", "grey JPEG", "CMYK JPEG", "restarted JPEG", "PNG", "grey PNG", "palette PNG",
          "16-bit PNG", "PPM", "PGM", "PBM", "PAM", "PFM", "NPY"]  # fmt: skip
NOT_FILLED = ["interlaced PNG", "plain PGM", "TIFF", "WEBP", "JP2", "BMP"]


def photograph(channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(3)
    rows, columns = SIDE
    smooth = np.add.outer(np.arange(rows) * 2, np.arange(columns))[..., None] + [0, 40, 80]
    return (
        np.clip(smooth + rng.integers(-20, 20, (rows, columns, 3)), 0, 255).astype(np.uint8)[..., :channels].squeeze()
    )


def stored(kind: str) -> bytes:
    """A sound file."""
    file, colour = io.BytesIO(), photograph()
    image = Image.fromarray(colour)
    options = {"quality": 90, "subsampling": "4:4:4" if "4:4:4" in kind else "4:2:0"}
    if kind.endswith("JPEG"):
        image = image.convert("L" if "grey" in kind else "CMYK" if "CMYK" in kind else "RGB")
        if "restarted" in kind:
            options["restart_marker_rows"] = 1
        image.save(file, "JPEG", progressive="progressive" in kind, **options)
    elif kind == "palette PNG":
        image.quantize(32).save(file, "PNG")
    elif kind == "interlaced PNG":
        return interlaced(colour[..., 0])
    elif kind == "plain PGM":
        grey = colour[..., 0]
        file.write(b"P2\n%d %d\n255\n" % grey.shape[::-1] + b"\n".join(b"%d" % v for v in grey.ravel()))
    elif kind in ("16-bit PNG", "grey PNG", "PGM"):
        grey = colour[..., 0].astype(np.uint16) * 257 if kind == "16-bit PNG" else colour[..., 0]
        imconv.write(file, grey, format=kind.split()[-1])
    elif kind == "PFM":
        imconv.write(file, colour.astype(np.float32), format=kind)
    elif kind == "PBM":
        imconv.write(file, colour[..., 0] > 128, format=kind)
    else:
        imconv.write(file, colour, format=kind)
    return file.getvalue()


def interlaced(grey: np.ndarray) -> bytes:
    import struct
    import zlib

    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = (row for y, x, down, across in passes for row in grey[y::down, x::across])
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "CMYK JPEG", "PNG", "interlaced PNG", "GIF"])
def test_a_missing_end_mark_is_told(kind, tmp_path):
    data = stored(kind)
    whole = read(io.BytesIO(data))
    for missing in range(1, WITH_END[kind.split()[-1]] + 1):
        found = read(io.BytesIO(data[:-missing]))
        np.testing.assert_array_equal(found.pixels, whole.pixels)
        if kind != "GIF":
            assert [note for note in found.notes if "end" in note and "missing" in note]


def test_an_end_chunk_is_missing_behind_a_picture_read_in_bands(tmp_path):
    from imconv.files.incoming import reading

    path, data = tmp_path / "x.png", stored("PNG")
    path.write_bytes(data[:-7])
    with reading(path) as picture:
        rows = np.concatenate(list(picture))
        assert [note for note in picture.notes if "IEND" in note]
    np.testing.assert_array_equal(rows, photograph())


@pytest.mark.parametrize("part", [0.45, 0.6, 0.8, 0.97])
@pytest.mark.parametrize("kind", FILLED)
def test_rows_that_are_whole_are_read(kind, part):
    data = stored(kind)
    whole = read(io.BytesIO(data)).pixels
    cut = data[: round(len(data) * part)]
    with pytest.raises(FileError):
        read(io.BytesIO(cut), name="x")
    found = read(io.BytesIO(cut), truncated="fill")
    (note,) = [note for note in found.notes if "too early" in note]
    if "progressive" in kind:  # rows come again and again, in more and more detail
        assert found.pixels.shape == whole.shape
        return
    missing = int(note.split(": ")[1].split()[0])
    assert f"{missing} of {SIDE[0]} rows" in note
    assert 0 < missing <= SIDE[0] * (1 - part) + 40
    there = SIDE[0] - missing
    if kind == "PFM":  # its rows are stored from the last to the first
        found, whole = found.replace(pixels=found.pixels[::-1]), whole[::-1]
    np.testing.assert_array_equal(found.pixels[:there], whole[:there])
    assert not found.pixels[there:].any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "PPM"])
def test_a_file_without_a_whole_row_is_damaged(kind):
    data = stored(kind)
    start = data.find({"JPEG": b"\xff\xda", "PNG": b"IDAT", "PPM": b"255"}[kind]) + 20
    for cut in (5, start):
        with pytest.raises(FileError, match=r"^x: "):
            read(io.BytesIO(data[:cut]), name="x", truncated="fill")


@pytest.mark.parametrize("at", range(1, 40, 3))
def test_a_cut_where_a_restart_marker_is_due(at):
    data = stored("restarted JPEG")
    place = data.index(b"\xff\xd2") + at - 20
    picture = read(io.BytesIO(data[:place]), truncated="fill")
    assert [note for note in picture.notes if "rows are missing" in note]


@pytest.mark.parametrize("kind", NOT_FILLED)
def test_formats_whose_parts_cannot_be_read(kind):
    data = stored(kind)
    with pytest.raises(FileError, match=r"^x: "):
        read(io.BytesIO(data[: len(data) // 2]), name="x", truncated="fill")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "PPM"])
def test_sound_files_are_read_as_ever(kind):
    data = stored(kind)
    assert read(io.BytesIO(data), truncated="fill").notes == read(io.BytesIO(data)).notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_damage_in_the_middle_stays_an_error(kind):
    data = bytearray(stored(kind))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xa5" * 40
    with pytest.raises(FileError, match=r"^x: damaged"):
        read(io.BytesIO(data), name="x", truncated="fill")


def test_limits_hold_for_what_is_filled():
    data = stored("PPM")
    with pytest.raises(imconv.ImconvError, match="pixels"):
        read(io.BytesIO(data[:3000]), truncated="fill", max_pixels=100)


def test_another_word():
    with pytest.raises(OptionError, match="truncated"):
        read(io.BytesIO(stored("PPM")), truncated="yes")
