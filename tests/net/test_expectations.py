"""What notes say about pictures that are not what a network expects, or of which little is left."""

import re

import numpy as np
import pytest

from imconv.errors import NetworkError
from imconv.net import load
from imconv.net.preprocessing import prepare
from tests.net.test_forward import made

COLOURS = np.random.default_rng(2).integers(0, 256, (90, 120, 3), np.uint8)


def digit(rows: slice, columns: slice, ground: int = 0) -> np.ndarray:
    picture = np.full((28, 28), ground, np.uint8)
    picture[rows, columns] = 255 - ground
    return picture


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (digit(np.s_[4:24], np.s_[8:20]), None),
        (digit(np.s_[6:22], np.s_[7:25]), None),  # as far from the middle as in MNIST
        (digit(np.s_[4:24], np.s_[8:20], 255), "the picture's rim is bright, but lenet5 expects one handwritten digit, white on black; try invert=True"),
        (digit(np.s_[4:24], np.s_[8:20], 100), "rim is neither dark nor bright"),
        (digit(np.s_[0:0], np.s_[0:0]), "nothing in the picture is bright"),
        (digit(np.s_[1:27], np.s_[1:27]), None),
        (digit(np.s_[10:18], np.s_[12:16]), "the bright figure measures 8 pixels after resizing, but .*, about 20 pixels large"),
        (digit(np.s_[1:21], np.s_[1:10]), "the bright figure lies 8.5 pixels off the middle after resizing, but .*, in the middle"),
    ],
)  # fmt: skip
def test_a_digit(picture, words):
    notes = prepare(load("lenet5"), picture).notes
    assert len(notes) == (words is not None)
    if words:
        assert re.search(words, notes[0])


def test_black_on_white_is_the_other_way_round():
    network = made('input = [28, 28, 1]\nlayers = ["relu"]\nexpects = { picture = "ink", ground = "white", side = 20 }\npreprocess = { channels = "grey" }')  # fmt: skip
    assert not prepare(network, digit(np.s_[4:24], np.s_[8:20], 255)).notes
    assert prepare(network, digit(np.s_[4:24], np.s_[8:20])).notes == (
        "the picture's rim is dark, but tiny expects ink; try invert=True",
    )
    assert not prepare(network, digit(np.s_[4:24], np.s_[8:20]), invert=True).notes


def test_inverting_comes_behind_transparency():
    """A black digit on nothing is one on white."""
    ink = digit(np.s_[4:24], np.s_[8:20])
    drawn = np.dstack([np.zeros((28, 28, 3), np.uint8), ink])
    assert (prepare(load("lenet5"), drawn, invert=True).samples == prepare(load("lenet5"), ink).samples).all()
    assert "inverted: black becomes white" in prepare(load("lenet5"), drawn, invert=True).steps


@pytest.mark.parametrize(
    ("preprocess", "picture", "notes"),
    [
        ('channels = "grey"', COLOURS, ("its colours are dropped",)),
        ('channels = "grey"', COLOURS[..., :1].repeat(3, 2), ()),
        ("resize = 20", COLOURS, ("it is shrunk from 90 x 120 to 20 x 26 pixels",)),
        ("resize = 30", COLOURS, ()),  # a third
        ("resize = 360", COLOURS, ("it is enlarged from 90 x 120 to 360 x 480 pixels",)),
        ("resize = [90, 60]", COLOURS, ("its height is stretched 2 times",)),
        ("resize = [60, 120]", COLOURS, ()),
        ("crop = [80, 110]", COLOURS, ()),
        ("crop = [60, 80]", COLOURS, ("56 % of it is cropped away, at the sides",)),
        ('channels = "grey"\nresize = [10, 10]', COLOURS, ("its colours are dropped; it is shrunk from 90 x 120 to 10 x 10 pixels",)),
    ],
)  # fmt: skip
def test_what_is_left_of_a_picture(preprocess, picture, notes):
    channels = 1 if "grey" in preprocess else 3
    network = made(f'input = [8, 8, {channels}]\nlayers = ["relu"]\n[preprocess]\n{preprocess}')
    assert prepare(network, picture).notes == notes


def test_usual_photographs_need_no_note():
    """4:3 from a camera, as torchvision's networks take them."""
    assert prepare(load("vgg16"), np.broadcast_to(COLOURS[:1, :1], (1500, 2000, 3))).notes == ()


@pytest.mark.parametrize(
    ("table", "words"),
    [("{ ground = 'black' }", "expects needs a picture"), ("{ picture = 'a', ground = 'grey' }", "one of black, white"),
     ("{ picture = 'a', centered = true }", "did you mean 'centred'"), ("{ picture = 'a', side = 0 }", "a whole number from 1")],
)  # fmt: skip
def test_wrong_expectations(table, words):
    with pytest.raises(NetworkError, match=words):
        made(f'input = [8, 8, 1]\nlayers = ["relu"]\nexpects = {table}')
