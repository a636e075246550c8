"""What goes into a network: colours, depths, alpha, sizes, and where in the picture it comes from."""

import numpy as np
import pytest
from PIL import Image

from imconv import Picture
from imconv.errors import OptionError
from imconv.net import load
from imconv.net.assembly import assemble
from imconv.net.description import Description
from imconv.net.preprocessing import grey_level, prepare

PIXELS = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)


def network(preprocess: str, channels: int = 3):
    text = f'input = [8, 8, {channels}]\nlayers = ["relu"]\n'
    return assemble(Description.parse(f"{text}[preprocess]\n{preprocess}\n".encode() if preprocess else text.encode()))


def test_short_side_crop_mean_and_deviation():
    prepared = prepare(load("vgg16"), PIXELS)
    resized = Image.fromarray(PIXELS).resize((341, 256), Image.Resampling.BILINEAR)  # 256 * 120 / 90, cut off
    cropped = np.asarray(resized)[16:240, 58:282]  # 117 / 2 rounded to even
    assert (prepared.shown == cropped).all()
    expected = (cropped / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(prepared.samples, expected, atol=1e-6)
    assert prepared.samples.dtype == np.float32
    assert prepared.steps == (
        "resized to 256 x 341, bilinear (Pillow's, antialiased)",
        "cropped to 224 x 224 from the middle",
        "samples divided by 255, minus 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225",
    )


@pytest.mark.parametrize(("crop", "first"), [(89, 0), (88, 1), (87, 2), (86, 2), (85, 2), (83, 4)])
def test_the_middle_is_rounded_to_even(crop, first):
    """As torchvision does, which of 3 superfluous rows cuts off 2, and of 5 also 2."""
    prepared = prepare(network(f"crop = [{crop}, {crop + 30}]\ndivide = 1"), PIXELS)
    assert (prepared.samples == PIXELS[first : first + crop, first : first + crop + 30]).all()


def test_both_sides_and_padding():
    prepared = prepare(load("lenet5"), PIXELS)
    grey = Image.fromarray(PIXELS).convert("L").resize((28, 28), Image.Resampling.BILINEAR)
    assert (prepared.shown[..., 0] == np.pad(np.asarray(grey), 2)).all()
    assert prepared.samples.shape == (32, 32, 1)
    assert prepared.samples[0, 0, 0] == pytest.approx(-0.1)  # black


@pytest.mark.parametrize("kind", ["uint16", "float32", "float64"])
def test_deep_samples_count_as_8_bit_ones(kind):
    """Resized without rounding: Pillow rounds 8-bit samples twice, behind the rows and behind the columns."""
    wide = PIXELS.astype(np.uint16) * 257 if kind == "uint16" else (PIXELS / 255).astype(kind)
    expected = prepare(network("resize = 20\ndivide = 1"), PIXELS).samples
    prepared = prepare(network("resize = 20\ndivide = 1"), wide)
    assert np.abs(prepared.samples - expected).max() <= 1.001
    assert "scaled so that white is 255" in prepared.steps[0]
    assert (prepare(network(""), wide).samples == np.float32(PIXELS)).all()


def test_one_bit():
    bits = PIXELS[..., 0] > 99
    assert (prepare(network('channels = "grey"\ndivide = 255', 1), bits).samples[..., 0] == bits).all()


def test_grey_becomes_three_channels_and_bgr_turns_them():
    samples = prepare(network("divide = 1"), PIXELS[..., 0]).samples
    assert (samples == PIXELS[..., :1]).all()
    assert (prepare(network('channels = "bgr"\ndivide = 1'), PIXELS).samples == PIXELS[..., ::-1]).all()


def test_without_preprocess_samples_go_in_as_they_are():
    prepared = prepare(network(""), PIXELS)
    assert (prepared.samples == PIXELS).all()
    assert prepared.steps == ("samples as they are, from 0 to 255",)


def test_alpha():
    opaque = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)])
    prepared = prepare(network("divide = 1"), opaque)
    assert (prepared.samples == PIXELS).all()
    assert prepared.steps[0] == "alpha left out: all is opaque"
    opaque[..., 3] = 51
    prepared = prepare(network("divide = 1"), opaque)
    assert (prepared.samples == np.floor(PIXELS * 0.2 + 255 * 0.8 + 0.5)).all()
    assert prepared.steps[0] == "transparent pixels laid over white"


def test_regions_lead_back_to_the_picture():
    prepared = prepare(load("vgg16"), PIXELS)
    assert prepared.region(((0, 224), (0, 224)), PIXELS.shape) == (slice(5, 85), slice(20, 100))
    assert prepared.region(((223, 224), (0, 1)), PIXELS.shape) == (slice(84, 85), slice(20, 21))
    padded = prepare(load("lenet5"), PIXELS)
    assert padded.region(((0, 32), (0, 32)), PIXELS.shape) == (slice(0, 90), slice(0, 120))
    assert padded.region(((0, 2), (30, 32)), PIXELS.shape) == (slice(0, 1), slice(119, 120))  # padding: the nearest


def test_grey_is_scaled_as_samples_are():
    np.testing.assert_allclose(grey_level(load("vgg16")), (0.5 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], rtol=1e-5)  # fmt: skip


def test_grey_has_the_networks_channels():
    assert grey_level(network("std = [2, 2, 2]", 3)).shape == (3,)


def test_a_long_thin_picture_is_not_made_huge():
    with pytest.raises(OptionError, match="1 x 300000 would be resized to 232 x 69600000 pixels; crop it"):
        prepare(load("resnet50"), np.zeros((1, 300_000, 3), np.uint8))


@pytest.mark.parametrize(
    ("preprocess", "channels", "image", "told"),
    [
        ("crop = 100", 3, PIXELS, "100 x 100 can't be cropped from 90 x 120"),
        ("divide = 255", 1, PIXELS, "takes 1 channels, and its .preprocess. makes 3"),
        ("mean = [1, 2]", 3, PIXELS, "2 numbers of mean for 3 channels"),
        ("", 3, Picture(np.zeros((4, 4, 4), np.uint8), "cmyk"), "not CMYK"),
        ("", 3, np.zeros((0, 4, 3), np.uint8), "needs a picture with pixels"),
        ("", 3, np.full((4, 4, 3), np.nan), "no finite numbers"),
        ("", 3, Picture(np.zeros((4, 4, 5))), "not planes"),
        ("", 3, np.zeros((4, 4, 5000)), "no picture"),
    ],
)
def test_what_is_refused(preprocess, channels, image, told):
    with pytest.raises(OptionError, match=told):
        prepare(network(preprocess, channels), image)
