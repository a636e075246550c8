"""The numbers behind one output sample lead to what the forward pass gives, for every kind of layer and every sample."""

import json
import math

import numpy as np
import pytest

from imconv.errors import OptionError
from imconv.net import load
from imconv.net.loaded_weights import Weights
from imconv.net.tracing import trace
from tests.net.by_hand import forward, random_arrays
from tests.net.test_forward import TINY, made


@pytest.mark.parametrize("name", TINY)
def test_every_layer_leads_to_its_result(name):
    network = made(TINY[name])
    arrays = random_arrays(network)
    weights = Weights(network, arrays)
    generator = np.random.default_rng(1)
    samples = generator.standard_normal(network.input_shape).astype(np.float32)
    expected = forward(network, arrays, samples)
    for layer in network.layers:
        values = expected[layer.name]
        corners = [tuple(0 for _ in values.shape), tuple(n - 1 for n in values.shape)]
        for at in [*corners, tuple(int(generator.integers(n)) for n in values.shape)]:
            found = trace(network, weights, samples, layer.name, at)
            close = {"rel": 1e-4, "abs": 1e-4 * np.abs(values).max()}
            assert found.steps[-1][1] == pytest.approx(found.result, **close), found
            own = [value for step, value in found.steps if not step.startswith(tuple(expected))]
            assert own[-1] == pytest.approx(values[at], **close), found
            json.dumps(found.as_dict(), allow_nan=False)
            names = ("row", "column", "channel") if len(at) == 3 else ("number",)
            place = ", ".join(f"{name} {n}" for name, n in zip(names, at, strict=True))
            assert str(found).splitlines()[0] == f"{layer.name} ({layer.kind}) at {place}"


def test_a_window_with_distinct_taps():
    """Powers of two: every misplaced tap shows."""
    network = made("input = [4, 4, 2]\nlayers = [{ conv = 1, size = 3, pad = 1, stride = 2 }]")
    arrays = {"conv1.weight": 2.0 ** np.arange(18).reshape(1, 2, 3, 3), "conv1.bias": np.array([0.5])}
    samples = np.arange(32, dtype=np.float32).reshape(4, 4, 2)
    found = trace(network, Weights(network, arrays), samples, "conv1", (0, 1, 0))
    assert (found.rows, found.columns) == ([-1, 0, 1], [1, 2, 3])
    assert found.parts[1].window == [[0, 0, 0], [3, 5, 7], [11, 13, 15]]
    assert found.parts[1].weights == [[512, 1024, 2048], [4096, 8192, 16384], [32768, 65536, 131072]]
    assert found.parts[1].products[1] == [3 * 4096, 5 * 8192, 7 * 16384]
    assert found.steps[0] == ("sum of all 2", sum(part.sum for part in found.parts))
    assert (found.steps[1], found.result) == (("plus bias 0.5", found.steps[0][1] + 0.5), found.steps[1][1])


def test_a_window_of_a_transposed_convolution():
    """Powers of two: of each kernel that reaches the sample, the tap that does."""
    text = "input = [3, 4, 2]\nlayers = [{ transposed = 2, size = 3, stride = 2, pad = 1, groups = 2 }]"
    network = made(text)
    weights = 2.0 ** np.arange(18).reshape(2, 1, 3, 3)  # channels in, out of a group
    arrays = {"transposed1.weight": weights, "transposed1.bias": np.array([0.5, 0.25])}
    samples = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    found = trace(network, Weights(network, arrays), samples, "transposed1", (1, 3, 1))
    assert (found.rows, found.columns, len(found.parts)) == ([0, 1], [1, 2], 1)
    assert (found.parts[0].channel, found.parts[0].window) == (1, [[3, 5], [11, 13]])
    assert found.parts[0].weights == [
        [2**17, 2**15],
        [2**11, 2**9],
    ]  # row 0 reaches 1 by its last tap, row 1 by its first
    assert found.steps == [("sum", found.parts[0].sum), ("plus bias 0.25", found.parts[0].sum + 0.25)]
    assert found.result == found.steps[1][1]
    found = trace(network, Weights(network, arrays), samples, "transposed1", (2, 4, 0))
    assert (found.rows, found.columns, found.parts[0].weights) == ([1], [2], [[16]])


def test_samples_that_no_kernel_reaches():
    network = made("input = [3, 4, 1]\nlayers = [{ transposed = 1, size = 1, stride = 2 }]")
    arrays = {"transposed1.weight": np.ones((1, 1, 1, 1)), "transposed1.bias": np.array([0.5])}
    found = trace(network, Weights(network, arrays), np.ones((3, 4, 1), np.float32), "transposed1", (1, 2, 0))
    assert (found.rows, found.columns, found.parts) == ([], [1], [])
    assert (found.steps, found.result) == ([("sum", 0), ("plus bias 0.5", 0.5)], 0.5)
    assert "result" in str(found)


def test_the_samples_of_enlarged_maps():
    text = (
        "input = [3, 4, 4]\nlayers = [{ upsample = 2, mode = 'bilinear' }, { pixel-shuffle = 2 }, { upsample = 1.5 }]"
    )
    network = made(text)
    samples = np.arange(48, dtype=np.float32).reshape(3, 4, 4)
    found = trace(network, Weights(network, {}), samples, "upsample1", (1, 2, 0))
    assert (found.rows, found.columns) == ([0, 1], [0, 1])
    assert (found.parts[0].window, found.parts[0].weights) == ([[0, 4], [16, 20]], [[0.1875, 0.5625], [0.0625, 0.1875]])
    assert trace(network, Weights(network, {}), samples, "upsample1", (0, 7, 3)).parts[0].weights == [[1]]
    assert trace(network, Weights(network, {}), samples, "shuffle1", (3, 5, 0)).parts[0].channel == 3
    found = trace(network, Weights(network, {}), samples, "upsample2", (4, 23, 0))
    assert (found.rows, found.columns, found.steps[0][1]) == ([2], [15], found.result)


def test_text_as_it_stands():
    network = made('input = [2, 2, 1]\nlayers = [{ conv = 1, size = 2 }, "batchnorm", "relu"]')
    arrays = {
        "conv1.weight": np.array([[[[1.0, -2.0], [0.5, 0.25]]]]),
        "conv1.bias": np.array([0.125]),
        **{f"bn1.{key}": np.array([v]) for key, v in (("weight", 1.0), ("bias", -9.0), ("running_mean", 0.0))},
        "bn1.running_var": np.array([1 - 1e-5]),
    }
    found = trace(network, Weights(network, arrays), np.array([[[1.0], [2]], [[3], [4]]]), "conv1", (0, 0, 0))
    assert str(found) == (
        "conv1 (conv) at row 0, column 0, channel 0\n"
        "rows     0 1\n"
        "columns  0 1\n"
        "\n"
        "channel 0: sum -0.5\n"
        "window   weights        products\n"
        " 1  2        1    -2       1   -4\n"
        " 3  4      0.5  0.25     1.5    1\n"
        "\n"
        "sum                       -0.5\n"
        "plus bias 0.125           -0.375\n"
        "bn1 (BatchNormalization)  -9.375\n"
        "relu1 (ReLU)              0\n"
        "result                    0"
    )


def test_many_channels_are_cut_to_those_that_count_most():
    network = load("keras-vanilla")
    weights = Weights(network, random_arrays(network))
    found = trace(network, weights, np.ones((64, 64, 3), np.float32), "dense_6", (1,))
    assert len(found.parts) == 1728
    lines = str(found).splitlines()
    assert lines[2].startswith("the 8 largest of 1728 inputs; the others' sum is ")
    shown = [float(line.split()[-1]) for line in lines[5:13]]
    assert [abs(n) for n in shown] == sorted((abs(n) for n in shown), reverse=True)
    rest = float(lines[2].split()[-1])
    assert sum(shown) + rest == pytest.approx(found.steps[0][1], abs=1e-4)


def test_infinite_weights_are_null_in_json():
    network = made("input = [2, 2, 1]\nlayers = [{ conv = 1, size = 1 }]")
    weights = Weights(network, {"conv1.weight": np.full((1, 1, 1, 1), math.inf), "conv1.bias": np.zeros(1)})
    found = trace(network, weights, np.ones((2, 2, 1), np.float32), "conv1", (0, 0, 0)).as_dict()
    assert (found["result"], found["parts"][0]["weights"]) == (None, [[None]])


@pytest.mark.parametrize(
    ("layer", "at", "told"),
    [("conv1", (0, 4, 0), "no sample 0,4,0: its output is 7 x 4 x 4; write row,column,channel, counted from 0"),
     ("conv1", (3,), "write row,column,channel"), ("fc1", (0, 0, 0), "its output is 3 numbers; write one number"),
     ("conv2", (0, 0, 0), "no layer 'conv2'; did you mean 'conv1'")],
)  # fmt: skip
def test_what_is_refused(layer, at, told):
    network = made(TINY["mlx"])
    weights = Weights(network, random_arrays(network))
    with pytest.raises(OptionError, match=told):
        trace(network, weights, np.zeros(network.input_shape, np.float32), layer, at)
