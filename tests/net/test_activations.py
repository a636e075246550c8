"""Activations against their formulas in Python's own numbers, and against torch."""

import math

import numpy as np
import pytest

from imconv.errors import OptionError
from imconv.net.activations import NAMES, parse_activation
from imconv.net.gelu import erf, gelu
from tests.refused import refused

FORMULAS = {
    "none": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky": lambda x: x if x > 0 else 0.01 * x,
    "prelu": lambda x: x if x > 0 else 0.25 * x,
    "leaky:0.3": lambda x: x if x > 0 else 0.3 * x,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "scaled-tanh": lambda x: 1.7159 * math.tanh(2 * x / 3),
    "hard-sigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "hard-swish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
}
VALUES = np.concatenate([np.linspace(-9, 9, 4000), [0.0, -0.0, 1e-20, -1e-20, 30, -30, 88, -88]])
# float32: some roundings of values up to 10; float64 likewise
BOUNDS = {np.float32: 1e-6, np.float64: 3e-15}
GELU_ERROR = 0.55  # of the distance to the next float32: half of it is its rounding


def applied(name, values, workers=1):
    result = np.ascontiguousarray(values).copy()
    parse_activation(name).apply(result, workers)
    return result


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name, dtype):
    values = VALUES.astype(dtype).reshape(-1, 3)
    right = np.array([FORMULAS[name](float(x)) for x in values.reshape(-1)]).reshape(values.shape)
    result = applied(name, values)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, right, rtol=BOUNDS[dtype], atol=BOUNDS[dtype])
    np.testing.assert_array_equal(result, applied(name, values, workers=3))


def test_every_activation_is_tested():
    assert {name.partition(":")[0] for name in FORMULAS} | {"softmax"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_infinity_and_nan(name):
    """As IEEE arithmetic says; nothing warns."""
    result = applied(name, np.array([[np.inf], [-np.inf], [np.nan]]))
    if name == "softmax":
        return
    assert np.isnan(result[2, 0])
    assert result[0, 0] == FORMULAS[name](math.inf)
    assert math.isnan(result[1, 0]) or result[1, 0] <= 0


def test_gelu_is_the_exact_one():
    assert applied("gelu", np.array([[1.0]]))[0, 0] == pytest.approx(0.8413447460685429, abs=2e-16)


def test_gelu_of_float32_is_rounded_once():
    """Of values of every size, down to those whose GELU is no normal number any more."""
    values = np.concatenate([
        np.linspace(-13, 13, 200_001), np.geomspace(1e-38, 13, 20_000), -np.geomspace(1e-38, 13, 20_000), [0.0, -0.0, 300.0]
    ]).astype(np.float32)  # fmt: skip
    wide = values.astype(np.float64)
    exact = np.array([0.5 * x * math.erfc(-x * math.sqrt(0.5)) for x in wide])
    spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    gelu(values)
    errors = np.abs(values - exact) / spacing
    assert errors.max() <= GELU_ERROR
    values = np.array([-14.5, -20, -1e38, -np.inf, np.inf, np.nan], np.float32)
    gelu(values)
    np.testing.assert_array_equal(values, [0, 0, 0, 0, np.inf, np.nan])


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_gelu_of_any_number_of_values(count):
    values = np.linspace(-5, 5, count + 2, dtype=np.float32)[1:-1]
    padded = np.concatenate([values, np.zeros(640 - count % 640, np.float32)])
    gelu(padded)
    gelu(values)
    np.testing.assert_array_equal(values, padded[:count])


def test_erf():
    values = np.concatenate([np.linspace(-7, 7, 20001), [0.0, -0.0, 1e-300, 100, np.inf, -np.inf]])
    right = np.array([math.erf(x) for x in values])
    assert np.abs(erf(values) - right).max() <= 3e-16
    assert np.isnan(erf(np.array([np.nan]))[0])
    np.testing.assert_array_equal(np.signbit(erf(values)), np.signbit(right))


def test_softmax_runs_over_channels_and_does_not_overflow():
    values = np.array([[[1.0, 2.0, 3.0], [1000.0, 1000.0, -1000.0]]])
    result = applied("softmax", values)
    np.testing.assert_allclose(result[0, 0], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum(), rtol=1e-14)
    np.testing.assert_array_equal(result[0, 1], [0.5, 0.5, 0])


def test_a_slope_for_each_channel():
    result = applied("prelu:0.5,0.25", np.array([[-4.0, -4.0], [4.0, 4.0]]))
    np.testing.assert_array_equal(result, [[-2, -1], [4, 4]])
    refused(OptionError, "3 slopes for 2 channels", parse_activation("prelu:1,2,3").checked, 2)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("rellu", "did you mean 'relu'"), ("", "unknown activation"), ("relu:2", "takes nothing after a colon"),
     ("leaky:x", "a slope such as"), ("leaky:1,2", "a slope such as"), ("prelu:", "slopes such as"),
     ("prelu:nan", "slopes such as")],
)  # fmt: skip
def test_wrong_activations(wrong, told):
    refused(OptionError, told, parse_activation, wrong)


def test_as_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    values = VALUES.astype(np.float32).reshape(-1, 3)
    given = torch.from_numpy(values)
    for name, right in {
        "relu6": functional.relu6(given),
        "leaky": functional.leaky_relu(given),
        "hard-sigmoid": functional.hardsigmoid(given),
        "hard-swish": functional.hardswish(given),
        "gelu": functional.gelu(given),
        "softmax": functional.softmax(given, dim=1),
    }.items():
        np.testing.assert_allclose(applied(name, values), right.numpy(), rtol=1e-6, atol=2e-6)
