"""Maps as pictures, the strongest unit and what it sees, classes, occlusion."""

import numpy as np
import pytest

from imconv.errors import FileError, OptionError
from imconv.net import load, maps
from imconv.net.forward import Forward
from imconv.net.loaded_weights import Weights
from imconv.net.occlusion import drawn, occlude
from imconv.net.preprocessing import prepare
from imconv.net.scores import class_number, probabilities, read_labels, top
from tests.net.test_forward import made
from tests.refused import refused


def test_maps_are_stretched_and_enlarged():
    values = np.stack([np.arange(12.0).reshape(3, 4), np.zeros((3, 4))], axis=2)
    shown = maps.pictures(values)
    assert [one.shape for one in shown] == [(66, 88), (66, 88)]  # 22 times as large
    assert (shown[0].min(), shown[0].max(), shown[1].max()) == (0, 255, 0)
    assert (shown[0][::22, ::22] == np.floor(values[..., 0] * 255 / 11 + 0.5)).all()
    assert maps.pictures(-values)[0].shape == (66, 88, 3)  # in colours
    together = maps.pictures(np.stack([values[..., 0], values[..., 0] * 2], axis=2), "all")
    assert (together[0].max(), together[1].max()) == (128, 255)


def test_the_strongest_unit_sees_what_its_field_says():
    """A network of one pixel: the unit that sees a bright spot is the strongest, and its patch has the spot."""
    network = made("input = [40, 40, 1]\nlayers = [{ conv = 2, size = 5, stride = 3 }, { max = 2 }]")
    arrays = {"conv1.weight": np.stack([np.ones((1, 5, 5)), -np.ones((1, 5, 5))]), "conv1.bias": np.zeros(2)}
    samples = np.zeros((40, 40, 1), np.float32)
    samples[20, 31] = 7
    values = network.run(samples, arrays, preprocess=False)["max1"]
    found = maps.strongest(network.resolve()[-1], values, samples.shape)
    assert (found.channel, found.value, found.whole) == (0, 7, False)
    (top_, bottom), (left, right) = found.field
    assert (bottom - top_, right - left) == (8, 8)
    assert top_ <= 20 < bottom
    assert left <= 31 < right


def test_only_layers_with_maps():
    network = load("keras-vanilla")
    placed = {one.layer.name: one for one in network.resolve()}
    assert maps.check(placed, network, ["pool1", " conv2d_20"]) == ["conv2d_20", "pool1"]
    refused(OptionError, r"dense_6 has no maps: its output is 3 numbers", maps.check, placed, network, ["dense_6"])
    refused(OptionError, r"did you mean 'pool", maps.check, placed, network, ["pol1"])


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("", [0.0900306, 0.2447285, 0.6652410]),
        ('"softmax",', [1, 2, 3]),
        ('"sigmoid", "dropout",', [1, 2, 3]),
        ("{ rbf = 3 },", [0.6652410, 0.2447285, 0.0900306]),  # distances
    ],
)
def test_probabilities(end, expected):
    network = made(f'input = [1, 1, 3]\nlayers = ["relu", "flatten", {end}]')
    np.testing.assert_allclose(probabilities(network, np.array([1, 2, 3], np.float32)), expected, rtol=1e-6)


def test_the_most_probable_classes():
    network = made('input = [1, 1, 4]\nlayers = ["relu", "flatten"]')
    found = top(network, np.array([1, 3, 3, 0], np.float32), 3, ["a", "b", "c", "d"])
    assert [(score.number, score.label, score.output) for score in found] == [(1, "b", 3), (2, "c", 3), (0, "a", 1)]
    assert sum(score.probability for score in top(network, np.ones(4, np.float32))) == pytest.approx(1)
    refused(OptionError, r"3 labels and 4 classes", top, network, np.ones(4, np.float32), 3, ["a", "b", "c"])


def test_classes_on_a_map_are_told_where_they_are_most_probable():
    network = made('input = [2, 2, 2]\nlayers = ["softmax"]')
    output = np.array([[[0.1, 0.9], [0.8, 0.2]], [[0.3, 0.7], [0.4, 0.6]]], np.float32)
    first, second = top(network, output)
    assert (first.number, first.at, second.number, second.at) == (1, (0, 0), 0, (0, 1))


def test_labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes("\ufeffcat\r\n  dog \nb\x07d\n\n".encode())
    assert read_labels(str(path)) == ["cat", "dog", "b?d"]
    path.write_bytes(b"\xff\xfe")
    refused(FileError, r"labels\.txt: no text file", read_labels, str(path))
    refused(FileError, r"nothing\.txt: no such file", read_labels, str(tmp_path / "nothing.txt"))
    assert (class_number("2", 3, None), class_number("dog", 3, ["cat", "dog", "b"])) == (2, 1)
    for word, told in (("3", "from 0 to 2"), ("dgo", "did you mean 'dog'")):
        refused(OptionError, told, class_number, word, 3, ["cat", "dog", "b"])


def spot(square=None, **options):
    """A network whose first class needs the upper left quarter to be white; covered by grey it loses half of that."""
    network = made('input = [12, 16, 1]\nlayers = [{ conv = 2, size = [12, 16] }, "sigmoid"]\npreprocess = { channels = "grey" }')  # fmt: skip
    weights = np.zeros((2, 1, 12, 16))
    weights[0, 0, :6, :8] = 1 / 48
    forward = Forward(network, Weights(network, {"conv1.weight": weights, "conv1.bias": np.array([0.0, -9.0])}))
    prepared = prepare(network, np.full((12, 16), 255, np.uint8))
    return occlude(forward, prepared, square=square, **options), prepared


def test_occlusion_finds_what_matters():
    found, prepared = spot()
    assert (found.number, found.square) == (0, 2)
    assert (found.probability, found.drops.shape) == (pytest.approx(1 / (1 + np.exp(-1))), (11, 15))
    assert (found.map[:6, :8] > 0).all()
    assert (found.map[7:] == 0).all()
    assert (found.map[:, 9:] == 0).all()
    share = 1 / (1 + np.exp(-(1 - 4 / 48 / 2)))  # a square of 4 of 48 samples at half their weight
    assert found.drops[0, 0] == pytest.approx(found.probability - share, rel=1e-4)
    picture = drawn(found, prepared)
    assert (picture.dtype, picture.shape) == (np.uint8, (204, 3 * 272 + 8, 3))
    assert found.as_dict()["at"] == [0, 0]


def test_the_last_square_ends_with_the_input():
    seen = []
    found, _ = spot(5, step=3, number=1, progress=lambda done, total: seen.append((done, total)))
    assert found.places == ([0, 3, 6, 7], [0, 3, 6, 9, 11])
    assert seen == [(n, 20) for n in range(1, 21)]
    assert found.number == 1
    assert np.abs(found.map).max() < 1e-6


@pytest.mark.parametrize(("square", "step"), [(13, None), (0, None), (2, 0)])
def test_squares_that_are_none(square, step):
    refused(OptionError, r"must (have|be)", spot, square, step=step)
