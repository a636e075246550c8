"""`imconv info`: the header, held against the pixels that another reader gives."""

import io
import json
import re
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from scipy import ndimage

from imconv.cli import run
from imconv.cli.commands.info import TURNS

FIELDS = {"width", "height", "channels", "depth", "format", "alpha", "icc", "orientation", "dpi"}
EXPECTED = {
    "rgb.png": ("PNG", 3, "rgb", 8, "unsigned", False), "grey.png": ("PNG", 1, "grey", 8, "unsigned", False),
    "rgba.png": ("PNG", 4, "rgba", 8, "unsigned", True), "grey16.png": ("PNG", 1, "grey", 16, "unsigned", False),
    "rgb16.png": ("PNG", 3, "rgb", 16, "unsigned", False), "palette.gif": ("GIF", 3, "rgb", 8, "unsigned", False),
    "cmyk.jpg": ("JPEG", 4, "cmyk", 8, "unsigned", False), "float.tif": ("TIFF", 1, "grey", 32, "float", False),
    "rgb.jpg": ("JPEG", 3, "rgb", 8, "unsigned", False),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_every_kind(succeeds, folder, name):
    facts = json.loads(succeeds("info", name, "--json").out)
    assert facts.keys() >= FIELDS
    assert (facts["width"], facts["height"]) == (30, 24)
    keys = ("format", "channels", "mode", "depth", "sample", "alpha")
    assert tuple(facts[key] for key in keys) == EXPECTED[name]
    assert facts["input"] == name
    assert (facts["icc"], facts["orientation"], facts["frames"]) == (False, 1, 1)
    assert facts["palette"] == (name == "palette.gif")


def test_metadata(succeeds, folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (7, 5))
    profile = bytes(range(200))
    picture.save("tagged.jpg", exif=exif, dpi=(300, 150), icc_profile=profile)
    facts = json.loads(succeeds("info", "tagged.jpg", "--json").out)
    assert (facts["icc"], facts["orientation"], facts["dpi"]) == (True, 6, [300, 150])
    assert (facts["width"], facts["height"]) == (7, 5)  # as stored
    text = succeeds("info", "tagged.jpg").out.decode()
    assert "300 x 150" in text
    assert "6, to be turned right by 90 degrees" in text
    assert "200 bytes" in text


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_in_words(orientation):
    """What each word promises brings the stored picture upright as Pillow does it."""
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3)
    undo = {
        "upright": lambda a: a,
        "mirrored left to right": np.fliplr,
        "turned by 180 degrees": lambda a: a[::-1, ::-1],
        "mirrored top to bottom": np.flipud,
        "mirrored along the diagonal": np.transpose,
        "to be turned right by 90 degrees": lambda a: np.rot90(a, -1),
        "mirrored along the other diagonal": lambda a: a[::-1, ::-1].T,
        "to be turned left by 90 degrees": np.rot90,
    }
    image = Image.fromarray(upright)
    image.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(np.array(ImageOps.exif_transpose(image)), undo[TURNS[orientation - 1]](upright))


def test_frames(succeeds, folder):
    frames = [Image.new("L", (4, 4), shade) for shade in (0, 100, 200)]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    assert json.loads(succeeds("info", "moving.gif", "--json").out)["frames"] == 3
    assert "3 frames" in succeeds("info", "moving.gif").out.decode()


@pytest.mark.parametrize("inner", [False, True])
def test_overviews_and_masks_of_a_tiff(succeeds, folder, inner):
    """Of other sizes and types than the picture, as further directories or as SubIFDs: they are counted, and left out."""
    scene = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30)
    options = {"metadata": None, "photometric": "minisblack"}
    with tifffile.TiffWriter("map.tif") as file:
        file.write(scene, subifds=4 if inner else None, **options)
        file.write(scene > 7, subfiletype=4, metadata=None, photometric=4)
        file.write(scene[::2, ::2].astype(np.float32), subfiletype=1, **options)
        file.write(scene[::4, ::4, None].repeat(3, 2).astype(np.uint8), subfiletype=1, metadata=None, photometric="rgb")
        file.write(scene[::2, ::2] > 7, subfiletype=5, metadata=None, photometric=4)
    facts = json.loads(succeeds("info", "map.tif", "--json").out)
    assert (facts["frames"], facts["overviews"], facts["masks"]) == (1, 2, 2)
    text = succeeds("info", "map.tif").out.decode()
    assert re.search(r"(?m)^  overviews +2$", text)
    assert re.search(r"(?m)^  masks +2$", text)
    assert not re.search("overviews|masks", succeeds("info", "rgb.png").out.decode())
    notes = ["smaller copies of its pictures left out: 2", "transparency masks left out: 2"]
    assert facts["notes"] == notes
    said = succeeds("min", "map.tif", "out.tif", "--size", 3, notes=True).err
    assert said.splitlines() == [f"imconv: map.tif: {note}" for note in notes]
    np.testing.assert_array_equal(tifffile.imread("out.tif"), ndimage.minimum_filter(scene, 3))
    assert len(tifffile.TiffFile("out.tif").pages) == 1


def test_the_header_alone_is_read(succeeds, folder):
    data = (folder / "rgb.png").read_bytes()
    (folder / "cut.png").write_bytes(data[:60])  # ends within the pixels
    assert b"30 x 24" in succeeds("info", "cut.png").out


def test_standard_input(succeeds, folder):
    data = (folder / "rgba.png").read_bytes()
    assert json.loads(succeeds("info", "--json", stdin=data).out)["alpha"] is True
    assert b"standard input\n" in succeeds("info", "-", stdin=data).out


def test_a_wrong_extension_is_noted(succeeds, folder):
    (folder / "rgb.png").rename(folder / "wrong.jpg")
    assert json.loads(succeeds("info", "wrong.jpg", "--json").out)["notes"]
    assert b"note" in succeeds("info", "wrong.jpg").out


def test_errors_are_per_file(imconv, folder):
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    result = imconv("info", "rgb.png", "nope.png", "bad.png", ".", "grey.png")
    assert (result.code, result.out.decode().count("PNG")) == (1, 2)
    assert [line.split(":")[1].strip() for line in result.err.splitlines()] == ["nope.png", "bad.png", "."]
    rows = json.loads(imconv("info", "rgb.png", "nope.png", "--json").out)
    assert [("error" in row, row["input"]) for row in rows] == [(False, "rgb.png"), (True, "nope.png")]


def test_nothing_given_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert run(["info"]) == 2


def test_every_prefix_and_every_flipped_byte(imconv, folder):
    data = (folder / "grey.png").read_bytes()[:90]
    for length in range(len(data)):
        assert imconv("info", stdin=data[:length]).code in (0, 1)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x41
        result = imconv("info", stdin=bytes(changed))
        assert result.code in (0, 1)
        assert "internal error" not in result.err
