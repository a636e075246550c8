"""What `kernels inspect` says about kernels, held against numpy, brute force and the filters themselves."""

from fractions import Fraction

import numpy as np
import pytest

import imconv
from imconv import Kernel
from imconv.cli.commands.kernel_report import drawn, inspected, output_range, parse_picture_size, text
from imconv.errors import OptionError
from imconv.kernel.library import names
from tests.refused import refused

DEPTHS = {"8": np.uint8, "16": np.uint16, "float": np.float32}


@pytest.mark.parametrize("name", [*names(), "gaussian:0x1.3", "disk:2.5"])
def test_figures(name):
    kernel = Kernel.named(name)
    facts = inspected(kernel)
    weights = np.array(facts["weights"])
    np.testing.assert_array_equal(weights, kernel.weights)
    assert facts["sum"] == pytest.approx(weights.sum(), abs=1e-12)
    assert facts["gain"] == pytest.approx(np.abs(weights).sum())
    assert facts["noise_gain"] == pytest.approx(np.linalg.norm(weights))
    assert facts["rank"] == np.linalg.matrix_rank(weights)
    values = np.linalg.svd(weights, compute_uv=False)[: len(facts["singular_values"])]
    np.testing.assert_allclose(facts["singular_values"], values, atol=1e-12 * values[0])
    assert np.count_nonzero(facts["singular_values"]) == facts["rank"]
    total = sum(np.outer(factor["column"], factor["row"]) for factor in facts["factors"])
    np.testing.assert_allclose(total, weights, atol=1e-12 * values[0])
    assert (len(facts["factors"]), facts["separable"]) == (facts["rank"], facts["rank"] <= 1)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", names())
def test_the_range_is_reached_and_never_left(name, depth):
    """The pictures that are worst: white under positive weights, and under negative ones."""
    kernel = Kernel.named(name)
    low, high = output_range(kernel, depth)
    top = {"8": 255, "16": 65535, "float": 1}[depth]
    for sign, bound in ((1, high), (-1, low)):
        picture = np.where(kernel.weights * sign > 0, top, 0).astype(np.float64)
        result = imconv.correlate(picture, kernel, pad="valid")
        assert result[0, 0] == pytest.approx(float(bound), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("name", names())
def test_correlation_against_convolution(name):
    picture = np.random.default_rng(2).random((12, 13))
    kernel = Kernel.named(name)
    same = np.array_equal(imconv.correlate(picture, kernel), imconv.convolve(picture, kernel))
    assert inspected(kernel)["correlation_is_convolution"] == same


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([[1, 2, 1]], ("even", "even", "even", None)), ([[1, 0, -1]], ("odd", "even", "odd", None)),
     ([[1, 2], [2, 5]], (None, None, None, "even")), ([[0, 1], [-1, 0]], (None, None, "odd", "odd")),
     ([[1, 2], [3, 4]], (None, None, None, None))],
)  # fmt: skip
def test_symmetry(weights, expected):
    assert tuple(inspected(Kernel(weights))["symmetry"].values()) == expected


def test_exact_bounds():
    low, high = output_range(Kernel([[Fraction(17, 9), Fraction(-1, 9)]], offset=Fraction(1, 2)), "8")
    assert (low, high) == (Fraction(-255, 9) + Fraction(1, 2), Fraction(17 * 255, 9) + Fraction(1, 2))


def test_the_plan_is_the_one_that_is_made():
    facts = inspected(Kernel.named("sharpen"), depth="16", size=(100, 50))["plan"]
    made = imconv.plan((100, 50, 3), "uint16", "sharpen")
    assert (facts.pop("seconds_on_one_thread"), facts) == (made.seconds, made.as_dict())


def test_drawing():
    assert drawn(Kernel.named("sharpen")) == ["  -1  -1  -1", "  -1 [17] -1", "  -1  -1  -1", " divided by 9"]
    assert drawn(Kernel([[1, 0, 2.5e-7]], included=[[1, 0, 1]]))[0].split() == ["1", "[", "-]", "2.5e-07"]
    assert "too large" in drawn(Kernel(np.ones((40, 2))))[0]
    assert "too large" in drawn(Kernel(np.ones((2, 200))))[0]


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (Kernel.named("sobel-x"),
         ("column         1 2 1", "row            1 0 -1", "of opposite sign", "-1020 to 1020")),
        (Kernel.named("sharpen"), ("are the same", "sum            1\n", "below and above")),
        (Kernel([[1, 1]]), ("shift by 0 rows and 1 columns", "above 0 to 255")),
        (Kernel([[1, 2], [3, 5]]), ("are different", "rank           2", "symmetry       none")),
        (Kernel([[0, 0]], offset=7), ("offset         7", "rank           0", "results from 7 to 7")),
        (Kernel(np.full((3, 3), 1 / 9)), ("divided by 9", "results from 0 to 255\n")),
    ],
    ids=["sobel", "sharpen", "even", "full", "zero", "box"],
)  # fmt: skip
def test_text(kernel, words):
    told = text(kernel)
    for word in words:
        assert word in told, told


def test_sizes():
    assert parse_picture_size("3000X4000") == (3000, 4000)
    for wrong in ("3000", "3000x", "0x4", "axb", "1x2x3"):
        refused(OptionError, "size", parse_picture_size, wrong)
    refused(OptionError, "depth", inspected, Kernel([[1]]), depth="keep")
