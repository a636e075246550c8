"""Pictures for terminals that draw pixels: each stream is taken apart again as its specification says."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import imconv
from imconv.errors import known
from imconv.files.picture import Picture
from imconv.show import inline
from imconv.show.inline import CHUNK, shown
from imconv.show.sixel import encoded
from imconv.show.terminal import drawn, on_ground

PERCENT = 255 / 200 + 1e-9  # sixel colours are whole percents: half of one, in levels


def kitty(text: str) -> bytes:
    commands = re.findall(r"\x1b_G(.*?);(.*?)\x1b\\", text, re.S)
    assert text == "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in commands) + "\n"
    assert commands[0][0].startswith("a=T,f=100,q=2,m=")
    assert [keys[-1] for keys, _ in commands] == ["1"] * (len(commands) - 1) + ["0"]
    assert all(keys in ("m=0", "m=1") for keys, _ in commands[1:])
    assert all(len(data) == CHUNK for _, data in commands[:-1])
    return base64.b64decode("".join(data for _, data in commands), validate=True)


def iterm(text: str) -> bytes:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+):(.*)\x07\n", text)
    content = base64.b64decode(found[2], validate=True)
    assert len(content) == int(found[1])
    return content


def sixel(text: str) -> np.ndarray:
    """The pixels (rows, columns, 3); every one has to be drawn, and none outside the size that is announced."""
    columns, rows, data = re.fullmatch(r'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.S).groups()
    columns, rows = int(columns), int(rows)
    drawn = np.full((rows, columns, 3), -1.0)
    palette, colour, x, y, end = {}, None, 0, 0, 0
    token = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)"
    for found in re.finditer(token, data):
        assert found.start() == end
        end = found.end()
        number, red, green, blue, chosen, count, many, one, back, down = found.groups()
        if number:
            palette[int(number)] = [int(v) * 2.55 for v in (red, green, blue)]
        elif chosen:
            colour = palette[int(chosen)]
        elif back or down:
            x, y = 0, y + 6 * bool(down)
        else:
            length, bits = int(count or 1), ord(many or one) - 63
            for bit in range(6):
                if bits >> bit & 1:
                    assert y + bit < rows
                    drawn[y + bit, x : x + length] = colour
            x += length
            assert x <= columns
    assert end == len(data)
    assert len(palette) <= 256
    assert drawn.min() >= 0
    return drawn


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def noise():
    return np.random.default_rng(3).integers(0, 256, (40, 70, 3), np.uint8)


@pytest.mark.parametrize(("protocol", "decode"), [("kitty", kitty), ("iterm", iterm)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_inside(noise, protocol, decode, channels):
    pixels = np.dstack([noise, noise[..., 0]])[..., :channels]
    pixels = pixels[..., 0] if channels == 1 else pixels
    np.testing.assert_array_equal(opened(decode(shown(Picture(pixels), protocol, 80))), pixels)


def test_png_is_cut_into_chunks(noise):
    assert shown(Picture(noise), "kitty", 80).count("\x1b_G") > 2
    assert shown(Picture(noise[:1, :1]), "kitty", 80).count("\x1b_G") == 1


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (6, 4), (7, 300), (40, 5)])
@pytest.mark.parametrize("colours", [1, 2, 200])
def test_sixels_of_few_colours_are_exact(shape, colours):
    random = np.random.default_rng(4)
    pixels = random.integers(0, 256, (colours, 3), np.uint8)[random.integers(0, colours, shape)]
    assert np.abs(sixel(encoded(pixels)) - pixels).max() <= PERCENT


def test_sixels_of_a_photograph():
    with Image.open("examples/astronaut.png") as photograph:
        pixels = np.asarray(photograph.convert("RGB"))[::4, ::4]
    error = sixel(encoded(pixels)) - pixels
    assert 10 * np.log10(255**2 / (error**2).mean()) > 32


def test_sixels_count_runs():
    flat = encoded(np.zeros((6, 100, 3), np.uint8))
    assert flat == '\x1bP0;1q"1;1;100;6#0;2;0;0;0#0!100~\x1b\\'
    assert "#0~~~" in encoded(np.zeros((6, 3, 3), np.uint8))


def test_transparent_parts_show_the_ground(noise):
    picture = Picture(np.dstack([noise, np.zeros((40, 70), np.uint8)]))
    drawn = sixel(shown(picture, "sixel", 80).removesuffix("\n"))
    assert np.abs(drawn - on_ground(picture)).max() <= PERCENT


@pytest.mark.parametrize("protocol", ["kitty", "iterm", "sixel"])
def test_pictures_are_reduced_to_the_terminals_pixels(noise, protocol, monkeypatch):
    monkeypatch.setattr(inline, "cell_width", lambda: 5)
    text = shown(Picture(noise), protocol, 7)
    result = (
        sixel(text.removesuffix("\n"))
        if protocol == "sixel"
        else opened({"kitty": kitty, "iterm": iterm}[protocol](text))
    )
    assert result.shape == (20, 35, 3)


def test_half_blocks_are_as_before(noise):
    assert shown(Picture(noise), "blocks", 30) == drawn(Picture(noise), 30)


def test_protocols_are_found_by_name():
    with pytest.raises(imconv.ImconvError, match="did you mean 'sixel'"):
        known("sixels", "protocol", inline.PROTOCOLS)
    assert known(" Kitty", "protocol", inline.PROTOCOLS) == "kitty"
