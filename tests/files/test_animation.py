"""GIF, WebP and APNG animations, held against Pillow, OpenCV and imagecodecs, and against bytes made by hand."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageSequence

from imconv.errors import FileError, LimitError
from imconv.files import inspect, read, read_pages, write_pages
from imconv.files.animation import blended
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

ANIMATED = ("GIF", "WEBP", "PNG")


def every(data: bytes, **options) -> list[Picture]:
    return read_pages(io.BytesIO(data), name="x", **options)


def written(pictures: list[Picture], name: str, **options) -> bytes:
    stream = io.BytesIO()
    write_pages(stream, pictures, format=name, **options)
    return stream.getvalue()


def rgba(picture: Picture) -> np.ndarray:
    pixels = picture.pixels
    if picture.mode in ("grey", "grey+alpha"):
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, 2), pixels[..., 1:]], axis=2)
    if pixels.shape[2] == 3:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], np.iinfo(pixels.dtype).max)], axis=2)
    return np.where(pixels[..., 3:] == 0, 0, pixels)


def by_pillow(data: bytes) -> list[tuple[np.ndarray, float]]:
    frames = []
    for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data))):
        pixels = np.asarray(frame.convert("RGBA"))
        frames.append((np.where(pixels[..., 3:] == 0, 0, pixels), frame.info["duration"]))
    return frames


def shown(count: int, alpha: bool, height: int = 20, width: int = 30) -> list[np.ndarray]:
    """Frames of few colours, each differing from the one before in a part."""
    rng = np.random.default_rng(count)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., 3] = 255
    frames = []
    for i in range(count):
        pixels = pixels.copy()
        pixels[i : i + 9, 2 * i : 2 * i + 12, :3] = rng.integers(0, 4, (9, 12, 3)) * 80
        if alpha:
            pixels[..., 3] = 255
            pixels[i + 2 : i + 6, i : i + 5] = 0
        frames.append(pixels if alpha else np.ascontiguousarray(pixels[..., :3]))
    return frames


def pictures(frames: list[np.ndarray], times=(40.0, 100.0, 250.0), loop: int = 0) -> list[Picture]:
    found = itertools.cycle(times)
    return [Picture(frame, metadata=Metadata(duration=next(found), loop=loop)) for frame in frames]


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("name", ANIMATED)
def test_frames_come_back_with_their_times(name, alpha):
    frames = shown(6, alpha)
    data = written(pictures(frames, loop=3), name)
    again = every(data)
    assert [p.metadata.duration for p in again] == [40, 100, 250] * 2
    assert {p.metadata.loop for p in again} == {3}
    assert inspect(io.BytesIO(data)).frames == 6
    for frame, picture in zip(frames, again, strict=True):
        np.testing.assert_array_equal(rgba(picture), rgba(Picture(frame)))
    for (pixels, time), frame, expected in zip(by_pillow(data), frames, itertools.cycle((40, 100, 250)), strict=False):
        np.testing.assert_array_equal(pixels, rgba(Picture(frame)))
        assert time == expected


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("name", ANIMATED)
def test_what_pillow_writes_is_read(name, alpha):
    """Pillow stores only what changes."""
    frames = [Image.fromarray(frame) for frame in shown(8, alpha)]
    kinds = [{"lossless": True}]
    if name == "GIF":  # its 3 restores what was there before the first frame: nothing, which Pillow takes for the frame
        kinds = [{"disposal": 1}, {"disposal": 2}]
    elif name == "PNG":  # without alpha Pillow takes transparent for black; what it does with 2 OpenCV and PNG 3 do not
        kinds = [{"disposal": kind, "blend": blend} for kind in ((0, 1) if alpha else (0,)) for blend in (0, 1)]
    for options in kinds:
        buffer = io.BytesIO()
        frames[0].save(buffer, name, save_all=True, append_images=frames[1:], duration=[50, 70] * 4, loop=0, **options)
        data = buffer.getvalue()
        expected = by_pillow(data)
        again = every(data)
        assert len(again) == len(expected) == inspect(io.BytesIO(data)).frames
        for number, (picture, (pixels, time)) in enumerate(zip(again, expected, strict=True)):
            np.testing.assert_array_equal(rgba(picture), pixels, err_msg=f"{options} {number}")
            assert (picture.metadata.duration, picture.metadata.loop) == (time, 0)
            np.testing.assert_array_equal(read(io.BytesIO(data), page=number).pixels, picture.pixels)
        np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, again[0].pixels)


@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_apng_disposal_is_opencvs(tmp_path, disposal):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "imreadanimation"):
        pytest.skip("this OpenCV has no animations")
    frames = [Image.fromarray(frame) for frame in shown(8, True)]
    path = tmp_path / "a.png"
    for blend in (0, 1):
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, disposal=disposal, blend=blend)
        found, animation = cv2.imreadanimation(str(path))
        assert found
        for seen, picture in zip(animation.frames, every(path.read_bytes()), strict=True):
            np.testing.assert_array_equal(rgba(Picture(seen[..., [2, 1, 0, 3]])), rgba(picture))


@pytest.mark.parametrize("name", ANIMATED)
def test_opencv_shows_the_same_frames(tmp_path, name):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "imreadanimation"):
        pytest.skip("this OpenCV has no animations")
    frames = shown(5, False)
    path = tmp_path / f"a.{name.lower()}"
    path.write_bytes(written(pictures(frames), name))
    found, animation = cv2.imreadanimation(str(path))
    assert found
    assert len(animation.frames) == 5
    for seen, frame in zip(animation.frames, frames, strict=True):
        np.testing.assert_array_equal(seen[..., 2::-1], frame)


def test_imagecodecs_shows_the_same_frames_of_an_apng():
    imagecodecs = pytest.importorskip("imagecodecs")
    for alpha in (False, True):
        frames = shown(4, alpha)
        seen = imagecodecs.apng_decode(written(pictures(frames), "PNG"))
        np.testing.assert_array_equal(seen, np.stack(frames))
        for picture, frame in zip(every(imagecodecs.apng_encode(np.stack(frames), delay=80)), frames, strict=True):
            np.testing.assert_array_equal(rgba(picture), rgba(Picture(frame)))
            assert picture.metadata.duration == pytest.approx(80)


def test_apng_of_16_bits_and_grey(make_pixels):
    for mode in ("grey", "grey+alpha", "rgb", "rgba"):
        for dtype in ("uint8", "uint16"):
            frames = [make_pixels(mode, dtype), np.ascontiguousarray(make_pixels(mode, dtype)[::-1])]
            again = every(written([Picture(frame, mode) for frame in frames], "png"))
            for picture, frame in zip(again, frames, strict=True):
                assert picture.pixels.dtype == dtype
                if mode in ("grey", "rgb"):
                    np.testing.assert_array_equal(picture.pixels, frame)
                else:
                    np.testing.assert_array_equal(rgba(picture), rgba(Picture(frame, mode)))


def test_frames_of_several_colour_models_are_made_alike(make_pixels):
    frames = [Picture(make_pixels(mode, "uint8"), mode) for mode in ("grey", "rgb", "grey+alpha", "rgba")]
    for name in ("PNG", "WEBP"):
        for picture, frame in zip(every(written(frames, name)), frames, strict=True):
            np.testing.assert_array_equal(rgba(picture), rgba(frame))
    with pytest.raises(FileError, match="frames of a PNG file have one depth"):
        written([frames[0], Picture(make_pixels("grey", "uint16"))], "PNG")
    with pytest.raises(FileError, match="GIF holds frames of one size"):
        written([frames[0], Picture(make_pixels("grey", "uint8", 3, 3))], "GIF")


def test_times_that_a_format_cannot_hold_are_rounded_and_told():
    frames = shown(2, False)
    for name, time, kept, words in (
        ("GIF", 33.0, 30.0, "times of frames rounded to hundredths of a second"),
        ("GIF", 35.0, 40.0, "rounded to hundredths"),
        ("WEBP", 33.4, 33.0, "rounded to milliseconds"),
        ("PNG", 1000 / 30, 1000 / 30, ""),
        ("PNG", 90_000.0, 65_535_000.0 / 1000 * 90_000 / 65_535, ""),
    ):
        stream = io.BytesIO()
        report = write_pages(stream, pictures(frames, (time,)), format=name)
        assert words in " ".join(report.notes)
        assert bool(words) == bool(report.notes)
        assert every(stream.getvalue())[0].metadata.duration == pytest.approx(kept)


@pytest.mark.parametrize("name", ANIMATED)
@pytest.mark.parametrize("plays", [0, 1, 2, 5])
def test_how_often_it_plays(name, plays):
    data = written(pictures(shown(2, False), loop=plays), name)
    assert every(data)[0].metadata.loop == plays
    if name != "GIF":
        assert Image.open(io.BytesIO(data)).info["loop"] == plays
    else:
        assert Image.open(io.BytesIO(data)).info.get("loop") == {0: 0, 1: None}.get(plays, plays - 1)


def test_metadata_of_an_animated_webp(icc_profile, exif_block):
    metadata = Metadata(icc=icc_profile, exif=exif_block, xmp=b"<x/>", orientation=6, duration=50.0)
    frames = [Picture(frame, metadata=metadata) for frame in shown(3, True)]
    for name in ("WEBP", "PNG"):
        again = every(written(frames, name))[2].metadata
        assert (again.icc, again.exif, again.xmp, again.orientation) == (icc_profile, exif_block, b"<x/>", 6)


# -- made by hand


def gif(width: int, height: int, *frames: bytes, shared: bytes = bytes(range(12)), loop: bytes = b"") -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x81, 0, 0) + shared + loop + b"".join(frames) + b";"


def gif_frame(left, top, rows, *, disposal=0, delay=0, transparent=None, own: bytes = b"") -> bytes:
    """A frame of 2-bit indices, each code written out: clear codes keep the codes at 3 bits."""
    height, width = len(rows), len(rows[0])
    bits, count = 0, 0
    for value in itertools.chain.from_iterable((4, int(v)) for row in rows for v in row):
        bits, count = bits | value << count, count + 3
    bits, count = bits | 5 << count, count + 3
    coded = bits.to_bytes(-(-count // 8), "little")
    blocks = b"\2" + b"".join(bytes([len(coded[i : i + 255])]) + coded[i : i + 255] for i in range(0, len(coded), 255))
    packed = disposal << 2 | (transparent is not None)
    control = struct.pack("<BBBBHBB", 0x21, 0xF9, 4, packed, delay, transparent or 0, 0)
    return control + b"," + struct.pack("<HHHHB", left, top, width, height, 0x81 if own else 0) + own + blocks + b"\0"


def test_gif_frames_made_by_hand():
    a, b, c, d = ((3 * i, 3 * i + 1, 3 * i + 2, 255) for i in range(4))
    none, red = (0, 0, 0, 0), (255, 0, 0, 255)
    data = gif(
        3, 2, gif_frame(0, 0, ["000", "111"], delay=5, disposal=1), gif_frame(1, 0, ["23"], disposal=3, transparent=3),
        gif_frame(2, 1, ["3"], disposal=2), gif_frame(0, 0, ["0"], own=b"\xff\0\0" + bytes(9)),
    )  # fmt: skip
    again = every(data)
    expected = [[[a, a, a], [b, b, b]], [[a, c, a], [b, b, b]], [[a, a, a], [b, b, d]], [[red, a, a], [b, b, none]]]
    for picture, pixels in zip(again, expected, strict=True):
        np.testing.assert_array_equal(rgba(picture), pixels)
    assert [p.mode for p in again] == ["rgb", "rgb", "rgb", "rgba"]
    assert [p.metadata.duration for p in again] == [50, 0, 0, 0]
    assert again[0].metadata.loop == 1
    small = every(gif(3, 2, gif_frame(1, 1, ["2"]), gif_frame(0, 0, ["1"])))
    np.testing.assert_array_equal(rgba(small[0]), [[none] * 3, [none, c, none]])
    np.testing.assert_array_equal(rgba(small[1]), [[b, none, none], [none, c, none]])
    grey = bytes(v for i in (0, 90, 180, 255) for v in (i, i, i))
    again = every(gif(2, 1, gif_frame(0, 0, ["01"]), gif_frame(0, 0, ["2"]), shared=grey))
    assert [p.mode for p in again] == ["grey", "grey"]
    np.testing.assert_array_equal(again[1].pixels, [[180, 90]])
    with pytest.raises(FileError, match="x: damaged or truncated GIF file: a frame lies outside the picture"):
        every(gif(3, 2, gif_frame(0, 0, ["0"]), gif_frame(3, 0, ["0"])))


def apng(make_png_chunk, width, height, frames, colour=2, before=b"", default=None) -> bytes:
    """`frames`: (left, top, rows of pixels as an array, (num, den), disposal, blend)."""
    parts = [b"\x89PNG\r\n\x1a\n", make_png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))]
    parts += [before, make_png_chunk(b"acTL", struct.pack(">II", len(frames), 7))]
    number = 0

    def packed(pixels):
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))

    if default is not None:
        parts.append(make_png_chunk(b"IDAT", packed(default)))
    for left, top, pixels, time, disposal, blend in frames:
        control = (number, pixels.shape[1], pixels.shape[0], left, top, *time, disposal, blend)
        parts.append(make_png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        number += 1
        if default is None and number == 1:
            parts.append(make_png_chunk(b"IDAT", packed(pixels)))
        else:
            data = packed(pixels)
            for part in (data[:5], data[5:]):
                parts.append(make_png_chunk(b"fdAT", struct.pack(">I", number) + part))
                number += 1
    return b"".join((*parts, make_png_chunk(b"IEND", b"")))


def test_apng_made_by_hand(chunk):
    base = np.full((2, 3, 4), (10, 20, 30, 255), np.uint8)
    half = np.full((1, 2, 4), (200, 100, 0, 128), np.uint8)
    frames = [
        (0, 0, base, (1, 10), 0, 0), (1, 0, half, (1, 0), 2, 1), (1, 1, half, (5, 1000), 1, 0),
        (0, 0, half, (0, 7), 0, 1),
    ]  # fmt: skip
    data = apng(chunk, 3, 2, frames, colour=6)
    again = every(data)
    # (200 * 128 + 10 * 127) / 255 and so on
    mixed = (105, 60, 15, 255)
    row, old, new = [10, 20, 30, 255], [10, 20, 30, 255], [200, 100, 0, 128]
    expected = [
        [[old] * 3, [row] * 3], [[old, mixed, mixed], [row] * 3], [[old] * 3, [row, new, new]],
        [[mixed, mixed, old], [row, [0] * 4, [0] * 4]],
    ]  # fmt: skip
    for picture, pixels in zip(again, expected, strict=True):
        np.testing.assert_array_equal(picture.pixels, pixels)
    assert [p.metadata.duration for p in again] == [100, 10, 5, 0]
    assert {p.metadata.loop for p in again} == {7}
    # the picture before the animation is not part of it
    data = apng(chunk, 3, 2, frames, colour=6, default=base // 2)
    np.testing.assert_array_equal(every(data)[0].pixels, expected[0])
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, expected[0])
    # a transparent colour counts for every frame
    opaque = [(x, 0, np.full((1, 2, 3), v, np.uint8), (1, 1), 0, 1) for x, v in ((0, 9), (0, 7), (0, 8))]
    key = chunk(b"tRNS", struct.pack(">HHH", 7, 7, 7))
    again = every(apng(chunk, 2, 1, opaque, before=key))
    assert [tuple(p.pixels[0, 0]) for p in again] == [(9, 9, 9, 255), (9, 9, 9, 255), (8, 8, 8, 255)]


def test_apng_that_lies(chunk):
    base = np.full((2, 3, 3), 7, np.uint8)
    for wrong in (
        [(0, 0, base, (1, 1), 0, 0), (1, 0, base, (1, 1), 0, 0)],
        [(0, 0, base, (1, 1), 3, 0), (0, 0, base, (1, 1), 0, 0)],
        [(0, 0, base, (1, 1), 0, 2), (0, 0, base, (1, 1), 0, 0)],
    ):
        refused(FileError, "x: damaged or truncated PNG file: a frame", every, apng(chunk, 3, 2, wrong))
    two = [(0, 0, base, (1, 1), 0, 0)] * 2
    good = apng(chunk, 3, 2, two)
    more = good.replace(chunk(b"acTL", struct.pack(">II", 2, 7)), chunk(b"acTL", struct.pack(">II", 3, 7)))
    refused(FileError, "2 of its 3 frames are there", every, more)
    swapped = good.replace(struct.pack(">I", 2) + b"x", struct.pack(">I", 4) + b"x")
    with pytest.raises(FileError):
        every(swapped)
    with pytest.raises(LimitError):
        every(good, max_pixels=11)
    assert len(every(good, max_pixels=12)) == 2


def test_blending_is_exact():
    """Against fractions."""
    rng = np.random.default_rng(0)
    for largest, dtype in ((255, np.uint8), (65535, np.uint16)):
        upper, lower = (rng.integers(0, largest, (1, 300, 4), endpoint=True).astype(dtype) for _ in range(2))
        upper[0, :40, 3], lower[0, 20:60, 3] = rng.choice([0, largest], 40), rng.choice([0, largest], 40)
        found = blended(upper, lower, largest)
        for i in range(300):
            above, below = upper[0, i].tolist(), lower[0, i].tolist()
            if above[3] == 0 or below[3] == 0:
                assert found[0, i].tolist() == (below if above[3] == 0 else above)
                continue
            cover = Fraction(above[3], largest)
            rest = Fraction(below[3], largest) * (1 - cover)
            colour = [(u * cover + v * rest) / (cover + rest) for u, v in zip(above[:3], below[:3], strict=True)]
            expected = [int(v + Fraction(1, 2)) for v in (*colour, (cover + rest) * largest)]
            assert found[0, i].tolist() == expected


@pytest.mark.parametrize("name", ANIMATED)
def test_damaged_animations(name):
    data = written(pictures(shown(3, True, 14, 20)), name)
    whole = [p.pixels for p in every(data)]
    rng = np.random.default_rng(1)
    mutants = [data[:n] for n in range(0, len(data), max(1, len(data) // 60))]
    for at in rng.integers(0, len(data), 150):
        mutants.append(data[:at] + bytes([data[at] ^ 1 << rng.integers(8)]) + data[at + 1 :])
    for mutant in mutants:
        try:
            found = every(mutant, max_memory="200M")
        except (FileError, LimitError) as error:
            message = str(error)
            assert message.startswith("x")
            assert "; " in message
            assert "\n" not in message
            continue
        assert all(p.pixels.ndim in (2, 3) for p in found)
        if name == "PNG":
            assert all(np.array_equal(p.pixels, pixels) for p, pixels in zip(found, whole, strict=False))


def test_a_command_keeps_the_animation(tmp_path):
    frames = shown(4, False)
    source, target = tmp_path / "a.gif", tmp_path / "b.png"
    source.write_bytes(written(pictures(frames), "GIF"))
    command = [sys.executable, "-m", "imconv", "box", "--size", "1", str(source), str(target), "-q"]
    subprocess.run(command, check=True)
    again = every(target.read_bytes())
    assert [p.metadata.duration for p in again] == [40, 100, 250, 40]
    for picture, frame in zip(again, frames, strict=True):
        np.testing.assert_array_equal(picture.pixels, frame)
    subprocess.run([*command, "--page", "2"], check=True)
    np.testing.assert_array_equal(read(target).pixels, frames[2])
    assert inspect(target).frames == 1
