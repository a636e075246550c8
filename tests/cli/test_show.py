"""`imconv show`: what the escape sequences paint, held against means over the pixels."""

import re

import numpy as np
import pytest
from PIL import Image

from imconv.files.picture import Picture
from imconv.show.terminal import drawn, reduced

CELL = re.compile(r"(?:\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m)?▀")


def painted(text: str) -> np.ndarray:
    """The pixels that a terminal would show: (rows, columns, 3)."""
    rows = []
    for line in text.splitlines():
        assert line.endswith("\x1b[0m")
        colours, above, below = None, [], []
        for cell in CELL.finditer(line):
            colours = [int(n) for n in cell.groups()] if cell[1] else colours
            above.append(colours[:3])
            below.append(colours[3:])
        rows += [above, below]
    return np.array(rows)


@pytest.fixture(autouse=True)
def _colour(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_small_pictures_are_shown_as_they_are(succeeds, folder, load):
    for name in ("rgb.png", "grey.png"):
        expected = load(name)
        expected = expected if expected.ndim == 3 else np.dstack([expected] * 3)
        np.testing.assert_array_equal(painted(succeeds("show", name, "--width", 80).out.decode()), expected)


@pytest.mark.parametrize("columns", [30, 29, 15, 11, 7, 1])
def test_larger_ones_are_means(columns):
    pixels = np.random.default_rng(4).integers(0, 256, (23, 30, 3), np.uint8)
    factor = -(-30 // columns)
    found = reduced(Picture(pixels), columns).pixels
    assert found.shape[1] <= columns
    for i, j in np.ndindex(found.shape[:2]):
        block = pixels[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor].reshape(-1, 3)
        exact = block.astype(int).sum(axis=0)
        assert np.abs(found[i, j] - exact / len(block)).max() <= 0.5


def test_odd_heights_and_runs():
    assert drawn(Picture(np.full((3, 5), 7, np.uint8)), 80) == 2 * ("\x1b[38;2;7;7;7;48;2;7;7;7m▀▀▀▀▀\x1b[0m\n")


@pytest.mark.parametrize("name", ["rgba.png", "grey16.png", "rgb16.png", "cmyk.jpg", "float.tif", "palette.gif"])
def test_every_kind(imconv, folder, name):
    result = imconv("show", name, "--width", 12, "-q")
    assert (result.code, result.err) == (0, "")
    assert painted(result.out.decode()).shape == (8, 10, 3)


def test_transparency_and_ink():
    clear = np.zeros((4, 8, 4), np.uint8)
    assert painted(drawn(Picture(clear), 80))[0, :, 0].tolist() == [153] * 4 + [102] * 4
    half = clear.copy()
    half[..., 0], half[..., 3] = 255, 255
    assert painted(drawn(Picture(half), 80))[1, 3].tolist() == [255, 0, 0]
    ink = np.array([[[255, 0, 0, 0], [0, 0, 0, 255]]] * 2, np.uint8)
    assert painted(drawn(Picture(ink, "cmyk"), 80))[0].tolist() == [[0, 255, 255], [0, 0, 0]]


def test_no_colour(succeeds, folder, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    Image.fromarray(np.repeat(np.array([[0, 60, 128, 190, 255]], np.uint8), 2, axis=0)).save("steps.png")
    assert succeeds("show", "steps.png").out.decode() == " ░▒▓█\n"


def test_several_and_errors(imconv, folder):
    result = imconv("show", "rgb.png", "nope.png", "grey.png", "--width", 10)
    assert result.code == 1
    assert re.findall(r"(?m)^\S+\.png$", result.out.decode()) == ["rgb.png", "grey.png"]
    assert result.err.startswith("imconv: nope.png: no such file")
    assert result.err.count("\n") == 1
    result = imconv("show", "rgb.png", "--width", "0")
    assert (result.code, result.out, result.err.count("\n")) == (2, b"", 1)


def test_standard_input(succeeds, folder):
    data = (folder / "rgb.png").read_bytes()
    assert succeeds("show", stdin=data).out == succeeds("show", "rgb.png").out


@pytest.mark.parametrize("protocol", ["kitty", "sixel", "iterm"])
@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "grey16.png", "cmyk.jpg", "float.tif", "palette.gif"])
def test_every_kind_as_pixels(succeeds, folder, name, protocol):
    text = succeeds("show", name, "--protocol", protocol, "-q").out.decode()
    assert text.startswith({"kitty": "\x1b_Ga=T,", "sixel": "\x1bP", "iterm": "\x1b]1337;File="}[protocol])
    assert text.endswith({"kitty": "\x1b\\\n", "sixel": "\x1b\\\n", "iterm": "\x07\n"}[protocol])


def test_unknown_protocols(imconv, folder):
    result = imconv("show", "rgb.png", "--protocol", "ansi")
    assert result.code == 2
    assert result.err == "imconv: unknown protocol 'ansi'; it is one of blocks, kitty, sixel, iterm\n"
