"""LeNet-5's shipped weights, and the script that trained them: gradients, repeatability, digits classified rightly."""

import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import imconv
from imconv.net import load, shipped_weights

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = Path(shipped_weights("lenet5"))
DIGITS = sorted((ROOT / "examples" / "digits").glob("*.png"))
STEP = 1e-5
GRADIENT = 1e-7  # of a tensor's largest derivative: central differences of float64 with this step
CLOSE = 1e-5  # of the largest value: float32 sums in another order


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_lenet5", ROOT / "examples" / "train_lenet5.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_safetensors(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What the file says about itself, and its tensors, all of them float32, one behind the other."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, numbers = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    about, found, place = header.pop("__metadata__"), {}, 0
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        assert (entry["dtype"], begin) == ("F32", place)
        found[key] = np.frombuffer(numbers[begin:end], "<f4").reshape(entry["shape"])
        place = end
    assert place == len(numbers)
    assert length % 8 == 0
    return about, found


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return read_safetensors(WEIGHTS)[1]


def prepared(path: Path) -> np.ndarray:
    """As the description says, 28 x 28 in the middle of 32 x 32."""
    digit = np.full((32, 32), -0.1)
    digit[2:30, 2:30] = imconv.read(path).pixels / 255 * 1.275 - 0.1
    return digit


# --- a forward pass with nothing but sums: LeCun 1998, II.B ---
def activated(values) -> np.ndarray:
    return 1.7159 * np.tanh(2 * np.asarray(values) / 3)


def convolved(maps, weight, bias, table) -> np.ndarray:
    found = []
    for kernels, constant, connected in zip(weight, bias, table, strict=True):
        total = constant
        for one in connected:
            windows = np.lib.stride_tricks.sliding_window_view(maps[one], (5, 5))
            total = total + (windows * kernels[one].astype(float)).sum((2, 3))
        found.append(total)
    return np.array(found)


def subsampled(maps, weight, bias) -> np.ndarray:
    sums = sum(maps[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
    return sums * weight[:, None, None] + bias[:, None, None]


def distances(digit: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    table = load("lenet5").layer("C3").attributes["table"]
    maps = activated(convolved(digit[None], w["C1.weight"], w["C1.bias"], [[0]] * 6))
    maps = activated(subsampled(maps, w["S2.weight"], w["S2.bias"]))
    maps = activated(convolved(maps, w["C3.weight"], w["C3.bias"], table))
    maps = activated(subsampled(maps, w["S4.weight"], w["S4.bias"]))
    maps = activated(convolved(maps, w["C5.weight"], w["C5.bias"], [range(16)] * 120))
    f6 = activated(w["F6.weight"].astype(float) @ maps.reshape(-1) + w["F6.bias"])
    return ((f6 - w["output.weight"]) ** 2).sum(1)


# --- the weights ---
def test_the_tensors_are_the_descriptions(weights):
    network = load("lenet5")
    assert {key: tensor.shape for key, tensor in network.tensors.items()} == {k: v.shape for k, v in weights.items()}
    assert list(weights) == list(network.tensors)
    for values in weights.values():
        assert np.isfinite(values).all()
    assert np.unique(weights["output.weight"]).tolist() == [-1, 1]
    assert WEIGHTS.stat().st_size < 260_000


def test_what_the_table_of_c3_leaves_out_is_zero(weights):
    connected = np.zeros((16, 6), bool)
    for out, maps in enumerate(load("lenet5").layer("C3").attributes["table"]):
        connected[out, list(maps)] = True
    assert (weights["C3.weight"][~connected] == 0).all()
    assert (weights["C3.weight"][connected] != 0).all()


@pytest.mark.parametrize("name", ["lenet5-dense", "lenet5.toml", "mine/lenet5", "../weights/lenet5", ""])
def test_other_networks_have_none(name):
    assert shipped_weights(name) is None


def test_names_in_capital_letters():
    assert shipped_weights(" LeNet5") == str(WEIGHTS)


def test_the_error_is_what_is_told():
    about, _ = read_safetensors(WEIGHTS)
    percent = float(about["error"].partition(" %")[0])
    assert percent < 4
    for name in ("README.md", "examples/README.md"):
        assert f"{percent} %" in (ROOT / name).read_text(encoding="utf-8")


def test_there_are_digits():
    assert [path.name for path in DIGITS] == ["2.png", "3.png", "5.png", "8.png"]


@pytest.mark.parametrize("path", DIGITS, ids=lambda path: path.name)
def test_digits_held_out(weights, path):
    found = distances(prepared(path), weights)
    assert str(found.argmin()) == path.stem
    assert found.min() < 0.5 * np.sort(found)[1]


@pytest.mark.parametrize("path", DIGITS, ids=lambda path: path.name)
def test_f6_draws_the_digit(weights, path):
    """Its distance to the code of its class is that of a few points of 84."""
    assert distances(prepared(path), weights).min() < 84 / 4


def test_torchs_forward_pass(weights):
    torch = pytest.importorskip("torch")
    from tests.net.by_torch import forward

    network = load("lenet5")
    tensors = {key: torch.from_numpy(values.copy()) for key, values in weights.items()}
    for path in DIGITS:
        digit = prepared(path)
        result = forward(network, tensors, torch.from_numpy(digit[None, None]).float())["output"].numpy()[0]
        expected = distances(digit, weights)
        assert np.abs(result - expected).max() <= CLOSE * expected.max()


# --- the script ---
def test_codes_are_ten_pictures(script, weights):
    codes = script.digit_codes()
    assert codes.shape == (10, 84)
    assert len(np.unique(codes, axis=0)) == 10
    np.testing.assert_array_equal(codes, weights["output.weight"])


def test_the_scripts_forward_pass(script, weights):
    network = script.LeNet5(np.random.default_rng(0))
    for name, layer in network.layers.items():
        for role in layer.parameters:
            layer.parameters[role] = weights[f"{name}.{role}"]
    pixels = np.stack([imconv.read(path).pixels for path in DIGITS])
    found = network.forward(script.prepare(pixels))
    for path, mine in zip(DIGITS, found, strict=True):
        expected = distances(prepared(path), weights)
        assert np.abs(mine - expected).max() <= CLOSE * expected.max()


def test_gradients_are_differences_of_the_loss(script):
    """For some weights of every tensor: (loss(w + step) - loss(w - step)) / (2 step), in double precision."""
    random = np.random.default_rng(5)
    network = script.LeNet5(random, np.float64)
    digits, labels = random.standard_normal((3, 1, 32, 32)), np.array([3, 1, 4])
    network.backward(script.loss(network.forward(digits), labels)[1])
    layers = {name: layer for name, layer in network.layers.items() if layer.parameters}
    assert list(layers) == ["C1", "S2", "C3", "S4", "C5", "F6"]
    for name, layer in layers.items():
        assert layer.gradients.keys() == layer.parameters.keys() == {"weight", "bias"}
        for role, gradient in list(layer.gradients.items()):
            weights = layer.parameters[role].reshape(-1)
            used = np.flatnonzero(layer.parameters[role]) if role == "weight" else np.arange(weights.size)
            for i in random.choice(used, 5, replace=False):
                losses, kept = [], weights[i]
                for weights[i] in (kept + STEP, kept - STEP):
                    losses.append(script.loss(network.forward(digits), labels)[0])
                weights[i] = kept
                slope = (losses[0] - losses[1]) / (2 * STEP)
                assert abs(slope - gradient.flat[i]) <= GRADIENT * np.abs(gradient).max(), (name, role, i)


def test_the_loss_is_the_probabilitys_logarithm_and_a_share_of_the_distance(script):
    scale = load("lenet5").layer("output").attributes["scale"]
    distances, labels = np.random.default_rng(4).uniform(0, 50, (6, 10)), np.array([0, 9, 3, 3, 1, 5])
    likely = np.exp(-distances / scale)
    probabilities = likely / likely.sum(1, keepdims=True)
    rows = np.arange(6)
    expected = script.PULL * distances[rows, labels] / scale - np.log(probabilities[rows, labels])
    assert script.loss(distances, labels)[0] == pytest.approx(expected.mean(), rel=1e-12)
    far = script.loss(distances + 1e5, labels)[0] - script.PULL * 1e5 / scale
    assert far == pytest.approx(expected.mean(), rel=1e-9)


def test_no_gradient_where_the_table_connects_nothing(script):
    random = np.random.default_rng(6)
    network = script.LeNet5(random)
    network.backward(script.loss(network.forward(random.standard_normal((2, 1, 32, 32))), np.array([0, 9]))[1])
    layer = network.layers["C3"]
    assert ((layer.parameters["weight"] == 0) == (layer.gradients["weight"] == 0)).all()


def test_training_lowers_the_loss_and_can_be_repeated(script, tmp_path, capsys):
    """On ten patterns that are easily told apart."""
    random = np.random.default_rng(7)
    labels = np.arange(80) % 10
    digits = script.prepare(random.integers(0, 256, (10, 28, 28))[labels].astype(np.uint8))
    networks = [script.train(digits, labels, np.random.default_rng(8), epochs=4) for _ in range(2)]
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert losses[:4] == losses[4:]
    assert losses[3] < 0.7 * losses[0]
    for i, network in enumerate(networks):
        script.write_weights(tmp_path / f"{i}.safetensors", network, {"error": "none"})
    assert (tmp_path / "0.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()
    about, tensors = read_safetensors(tmp_path / "0.safetensors")
    assert about == {"error": "none"}
    for key, values in networks[0].tensors().items():
        np.testing.assert_array_equal(tensors[key], values)


def test_digits_are_read_and_shifted(script, tmp_path):
    random = np.random.default_rng(9)
    pictures, labels = random.integers(0, 256, (4, 28, 28)), np.array([3, 0, 9, 3])
    np.savetxt(tmp_path / "few.csv.gz", np.column_stack([pictures.reshape(4, -1), labels]), "%d", ",")
    read = script.read_digits(tmp_path / "few.csv.gz")
    np.testing.assert_array_equal(read[0], pictures)
    np.testing.assert_array_equal(read[1], labels)
    digits = script.prepare(read[0])
    assert digits.shape == (4, 1, 32, 32)
    assert digits[0, 0, 0, 0] == pytest.approx(-0.1)
    for before, after in zip(digits, script.shifted(digits, random), strict=True):
        assert (
            np.sort(before, None).tolist() == np.sort(after, None).tolist()
        )  # nothing is lost, nothing comes in twice
        places = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if (after[0, i : i + 28, j : j + 28] == before[0, 2:30, 2:30]).all()
        ]
        assert len(places) == 1
