"""`imconv.layer`, and weights from files: layouts, types, what doesn't go together."""

import numpy as np
import pytest

import imconv
from imconv.errors import FileError, OptionError
from imconv.net.layer import counted
from imconv.net.weights_of_layer import read_weights
from tests import naive
from tests.refused import refused

RNG = np.random.default_rng(11)
IMAGE = RNG.integers(0, 256, (9, 10, 3)).astype(np.uint8)
WEIGHTS = RNG.integers(-4, 5, (10, 3, 5, 5))
BIAS = np.arange(10)
RIGHT = naive.conv_layer(IMAGE, WEIGHTS, BIAS, (1, 1), (0, 0, 0, 0), (1, 1), 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64, ">f4"])
def test_pixels_of_every_type(dtype):
    result = imconv.layer(IMAGE.astype(dtype), WEIGHTS, BIAS)
    assert result.dtype == (np.float64 if dtype is np.float64 else np.float32)
    np.testing.assert_array_equal(result, RIGHT)


def test_layouts_pictures_and_grey():
    keras = WEIGHTS.transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(imconv.layer(IMAGE, keras, BIAS, layout="HWIO"), RIGHT)
    np.testing.assert_array_equal(imconv.layer(imconv.Picture(IMAGE), WEIGHTS, list(BIAS)), RIGHT)
    grey = imconv.layer(IMAGE[..., 0], WEIGHTS[:, :1], BIAS)
    np.testing.assert_array_equal(grey, imconv.layer(IMAGE[..., :1], WEIGHTS[:, :1], BIAS))
    many = np.repeat(IMAGE, 7, axis=2)
    assert imconv.layer(many, np.ones((4, 21, 1, 1)), padding="same").shape == (9, 10, 4)


def test_activation_after_the_bias():
    np.testing.assert_array_equal(imconv.layer(IMAGE, WEIGHTS, BIAS, activation="relu"), np.maximum(RIGHT, 0))
    np.testing.assert_array_equal(imconv.layer(IMAGE, WEIGHTS, BIAS, activation="relu6"), np.clip(RIGHT, 0, 6))
    slopes = ",".join(["0.5"] * 10)
    leaky = imconv.layer(IMAGE, WEIGHTS, BIAS, activation=f"prelu:{slopes}")
    np.testing.assert_array_equal(leaky, np.where(RIGHT < 0, 0.5 * RIGHT, RIGHT))
    shares = imconv.layer(IMAGE, WEIGHTS, BIAS, activation="softmax")
    np.testing.assert_allclose(shares.sum(axis=2), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"weights": WEIGHTS[0]}, "weights must be"),
        ({"weights": WEIGHTS[:0]}, "weights must be"),
        ({"weights": WEIGHTS[:, :2]}, "for 2 channels, the image has 3"),
        ({"weights": WEIGHTS.astype(str)}, "weights must be numbers"),
        ({"weights": WEIGHTS * np.nan}, "must be finite"),
        ({"weights": WEIGHTS * 1e300}, "must be finite"),
        ({"bias": BIAS[:3]}, "one number for each of 10 maps"),
        ({"groups": 3}, "can't be cut into 3 groups"),
        ({"groups": 0}, "groups must be"),
        ({"groups": 5}, "for 15 channels"),
        ({"layout": "NCHW"}, "unknown layout"),
        ({"stride": 0}, "stride must be"),
        ({"padding": -1}, "pad must be"),
        ({"padding": "around"}, "pad must be"),
        ({"dilation": 9}, "no output is left"),
        ({"activation": "sigmoidal"}, "did you mean 'sigmoid'"),
        ({"activation": "prelu:1,2"}, "2 slopes for 10 channels"),
        ({"image": IMAGE[0, 0]}, "an image must be"),
        ({"image": IMAGE.astype(complex)}, "pixels must be"),
        ({"image": IMAGE[:0]}, "needs pixels"),
        ({"threads": 0}, "threads must be"),
    ],
)
def test_what_does_not_go_together(given, told):
    refused(OptionError, told, imconv.layer, **{"image": IMAGE, "weights": WEIGHTS, "bias": BIAS, **given})


def test_parameters_as_the_lecture_counts_them():
    assert counted((1, 3, 5, 5), True) == "5 x 5 x 3 + 1 = 76"
    assert counted((10, 3, 5, 5), True) == "(5 x 5 x 3 + 1) x 10 = 760"
    assert counted((10, 3, 5, 5), False) == "5 x 5 x 3 x 10 = 750"
    assert counted((32, 1, 3, 3), True) == "(3 x 3 x 1 + 1) x 32 = 320"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"conv1.weight": WEIGHTS, "conv1.bias": BIAS, "conv2.weight": WEIGHTS[:2], "fc": WEIGHTS[0, 0]})
    return str(path)


def test_weights_by_name_bring_their_bias(archive, tmp_path):
    found = read_weights([f"{archive}:conv1.weight"])
    np.testing.assert_array_equal(found.values, WEIGHTS)
    np.testing.assert_array_equal(found.bias, BIAS)
    assert read_weights([f"{archive}:conv2.weight"]).bias is None
    named = read_weights([f"{archive}:conv1.weight"], f"{archive}:conv1.bias")
    np.testing.assert_array_equal(named.bias, BIAS)
    np.testing.assert_array_equal(read_weights([f"{archive}:conv1.weight"], "conv1.bias").bias, BIAS)
    np.save(tmp_path / "b.npy", BIAS + 1)
    np.testing.assert_array_equal(read_weights([f"{archive}:conv1.weight"], str(tmp_path / "b.npy")).bias, BIAS + 1)
    np.save(tmp_path / "a:b.npy", WEIGHTS)
    np.testing.assert_array_equal(read_weights([str(tmp_path / "a:b.npy")]).values, WEIGHTS)


@pytest.mark.parametrize(
    ("places", "bias", "told"),
    [(["{}"], None, "several tensors that could be the weights: conv1.weight, conv2.weight"),
     (["{}:conv3.weight"], None, "holds no tensor"),
     (["{}:conv1.weight", "sobel-x"], None, "one file of weights, or several kernels"),
     (["{}:conv1.weight"], "nothing", "neither a tensor of the weights' file"), (["w.pt"], None, "pickled weights")],
)  # fmt: skip
def test_weights_that_are_not_told(archive, places, bias, told):
    refused((FileError, OptionError), told, read_weights, [place.format(archive) for place in places], bias)


def test_kernels_are_maps_with_their_anchors_together(tmp_path):
    """Each gives the mean of the channels convolved with it; a kernel's offset is the bias."""
    (tmp_path / "k.txt").write_text("offset: 7\n1 2\n4 8\n")
    found = read_weights(["sobel-x", str(tmp_path / "k.txt"), "1 0 0 0 0"], channels=3)
    assert found.values.shape == (3, 3, 3, 5)
    np.testing.assert_array_equal(found.bias, [0, 7, 0])
    result = imconv.layer(IMAGE.astype(np.float64), found.values, found.bias)
    mean = IMAGE.mean(axis=2)
    kernels = ["sobel-x", imconv.Kernel.load(tmp_path / "k.txt"), imconv.Kernel([[1, 0, 0, 0, 0]])]
    for index, kernel in enumerate(kernels):
        right = imconv.convolve(mean, kernel)[1:-1, 2:-2]
        np.testing.assert_allclose(result[..., index], right, rtol=0, atol=1e-11)
