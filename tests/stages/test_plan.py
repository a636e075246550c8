"""Plans: what is chosen and why, as a pure function; printing, comparing, figures."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest

import imconv
from imconv import Kernel
from imconv.filters.blur_kernels import gaussian_kernel
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.pixels.alpha import check_alpha
from imconv.stages.convolution.exactness import allowed_error
from imconv.stages.convolution.plan import make_plan
from imconv.stages.convolution.separable import terms
from tests.refused import refused

OUTER = [[a * b for b in (1, 4, 7, 9, 11, 9, 7, 4, 1)] for a in (1, 2, 3, 4, 5, 4, 3, 2, 1)]
DENSE = [[0, 1, 0], [1, 4, 1], [0, 1, 0]]
IRRATIONAL = np.sqrt(np.arange(2.0, 27.0)).reshape(5, 5)


def planned(
    kernel, source="uint8", target=None, shape=(20, 30), border="reflect", pad="same", stride=1, dilation=1, **more
):
    kernel = kernel if isinstance(kernel, Kernel) else Kernel(kernel)
    axes = make_axes(shape, kernel.shape, kernel.anchor, pad, stride, dilation)
    source = np.dtype(source)
    return make_plan(kernel, axes, 3, source, np.dtype(target or source), parse_border(border), **more)


@pytest.mark.parametrize("source", ["bool", "uint8", "uint16", "int32", "float32", "float64"])
def test_large_outer_products_are_separable(source):
    numbers = np.arange(1, 16)
    assert planned(np.outer(numbers, numbers[::-1]), source).algorithm == "separable"
    assert planned(np.outer(np.sqrt(numbers), np.cbrt(numbers)), source).algorithm == "separable"
    assert planned(Kernel.from_factors(numbers, numbers), source).algorithm == "separable"


@pytest.mark.parametrize("source", ["uint8", "float32", "float64"])
def test_others_are_dense(source):
    assert planned(DENSE, source).algorithm == "dense"
    assert planned(IRRATIONAL, source).algorithm == "dense"
    assert planned([[5]], source).algorithm == "dense"


@pytest.mark.parametrize("source", ["uint8", "uint16"])
def test_large_equal_weights_are_a_box(source):
    assert planned(Kernel.from_factors([1] * 61, [1] * 61), source, shape=(300, 300)).algorithm == "box"
    assert planned(np.full((61, 61), 1 / 3721), source, shape=(300, 300)).algorithm == "box"


def test_wide_gaussians_are_decimated():
    shape = (300, 300)
    assert planned(gaussian_kernel(50), shape=shape).algorithm == "decimated"
    for truncated in (gaussian_kernel(50, 4.0), gaussian_kernel(50).replace(anchor=(0, 0))):
        assert planned(truncated, shape=shape).algorithm != "decimated"


@pytest.mark.parametrize("algorithm", ["dense", "separable", "box"])
def test_an_algorithm_can_be_asked_for(algorithm):
    assert planned([[1, 1, 1], [1, 1, 1]], algorithm=algorithm).algorithm == algorithm
    refused(imconv.ImconvError, "can't do this", planned, DENSE, algorithm="box")
    refused(imconv.ImconvError, "can't do this", planned, DENSE, algorithm="bogus")


def test_a_nearly_outer_product_is_not_taken_for_one():
    nearly = np.outer(np.arange(1.0, 20), np.sqrt(np.arange(1.0, 20)))
    assert terms(planned(nearly, "uint16")) == 1
    nearly[0, 0] *= 1.01
    plan = planned(nearly, "uint16", algorithm="separable")
    assert terms(plan) == 2
    np.testing.assert_allclose(plan.combined_weights, nearly, rtol=0, atol=1e-7 * np.abs(nearly).sum())


@pytest.mark.parametrize("source", ["uint8", "uint16", "float32"])
def test_outer_products_may_use_up_a_tenth_of_the_error(source):
    """Of the sum that is left out, and of roundings: each has its share of the bound."""
    n = np.arange(1.0, 20)
    for much in 10.0 ** np.arange(-9, -1, 0.25):
        kernel = Kernel(np.outer(np.sqrt(n), np.cbrt(n)) + much * np.outer(np.sin(n), np.cos(n * n)))
        assert not kernel.exact
        plan = planned(kernel, source, algorithm="separable")
        left = np.abs(plan.combined_weights - kernel.weights).sum()
        allowed = allowed_error(kernel, np.dtype(source), "none", 1.0)
        assert left <= allowed / 10 * kernel.absolute_sum(), much
        terms = len(plan.weights) // 2  # a column and a row each
        assert terms == (1 if much < 1e-9 else terms) <= 2


def test_rows_and_columns_alone_are_one_pass():
    for kernel in ([[1, 2, 1]], [[1], [2], [1]], [[5]], [[0.1234567, 0.7654321]]):
        plan = planned(kernel, "float32")
        assert plan.algorithm == "dense"
        assert "no outer product" not in plan.reason  # they are
        assert "not an outer product" not in plan.reason


def test_cells_left_out_are_not_multiplied_through():
    kernel = Kernel([[1, 1, 1], [1, 0, 1], [1, 1, 1]], included=[[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    assert planned(kernel).algorithm == "dense"


def test_exact_where_sums_are_whole_numbers():
    assert planned(OUTER).exact
    assert planned(np.full((3, 3), 1 / 9)).exact
    assert planned(np.full((3, 3), 1 / 9)).divisor == 9
    assert planned([[0.1, 0.2]]).divisor == 10
    assert planned(Kernel([[1, 2]], offset=Fraction(1, 3))).divisor == 3
    assert planned(OUTER, "int32").exact
    assert planned(OUTER, "int64").exact  # a list of Python ints becomes int64: it deserves exact ties too
    assert planned(OUTER, border="constant:128").exact


def test_not_exact_where_they_are_not():
    assert not planned(IRRATIONAL).exact
    assert not planned(OUTER, "float32").exact
    assert not planned(OUTER, border="constant:0.5").exact
    assert planned(IRRATIONAL).divisor == 1


@pytest.mark.parametrize(
    ("kernel", "source", "accumulator"),
    [
        (OUTER, "uint8", "float32"),
        ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "uint16", "float32"),
        (np.full((3, 3), 1 / 9), "uint16", "float32"),
        (OUTER, "uint16", "float64"),  # sums beyond 2^24
        (OUTER, "int16", "float64"),
        (OUTER, "float32", "float32"),
        (OUTER, "float64", "float64"),
        (IRRATIONAL / IRRATIONAL.sum(), "uint8", "float32"),
        (IRRATIONAL * 100, "uint8", "float64"),  # 0.001 of a level is beyond float32 there
    ],
)
def test_the_accumulator_is_as_wide_as_the_bounds_ask(kernel, source, accumulator):
    assert planned(kernel, source).accumulator == accumulator


def test_gain_widens_the_accumulator():
    assert planned(IRRATIONAL / IRRATIONAL.sum(), error_gain=1.0).accumulator == "float32"
    assert planned(IRRATIONAL / IRRATIONAL.sum(), error_gain=1000.0).accumulator == "float64"


def test_a_zero_sum_kernel_keeps_alpha():
    assert planned([[-1, 0, 1]], alpha="weight").alpha == "unweighted"
    assert planned([[-0.1234567, 0, 0.1234567]], alpha="keep").alpha == "unweighted"
    assert planned([[-1, 0, 2]], alpha="weight").alpha == "weight"


def test_the_same_question_has_the_same_answer():
    first, second = planned(OUTER, stride=2), planned(OUTER, stride=2)
    assert first == second
    assert hash(first) == hash(second)
    assert first != planned(OUTER)
    assert first != planned(DENSE, stride=2)
    assert first != planned(OUTER, stride=2, border="wrap")
    assert planned(Kernel(OUTER)) != planned(Kernel(OUTER, offset=1))


def test_a_plan_can_not_be_changed():
    plan = planned(OUTER)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.algorithm = "dense"


def test_figures():
    plan = planned(OUTER, "uint8", shape=(20, 30), algorithm="separable")
    assert (plan.shape, plan.multiply_adds) == ((20, 30), 20 * 30 * 3 * (9 + 9))
    assert planned(DENSE, "float32", shape=(20, 30)).multiply_adds == 20 * 30 * 3 * 9
    figures = plan.as_dict()
    assert figures["algorithm"] == "separable"
    assert figures["input"] == figures["output"] == [20, 30, 3]
    assert figures["types"] == ["uint8", "float32", "uint8"]
    assert figures["exact"] is True
    assert figures["multiply_adds"] == plan.multiply_adds
    assert json.loads(json.dumps(figures)) == figures


def test_printing():
    text = str(planned(OUTER, border="constant:9", pad="full", algorithm="separable"))
    for part in ("separable: an outer product", "9 x 9", "anchor 4,4", "constant:9", "20 x 30 x 3 -> 28 x 38 x 3",
                 "uint8 -> float32 -> uint8", "exact", "divided once by 1", "million"):  # fmt: skip
        assert part in text
    assert "stride" not in text
    text = str(planned(IRRATIONAL, stride=(2, 3), dilation=2, alpha="keep"))
    for part in (
        "dense: 25 taps",
        "no outer product",
        "stride 2,3",
        "dilation 2,2",
        "rounded once",
        "alpha          keep",
    ):
        assert part in text
    assert "algorithm='separable'" in repr(planned(OUTER, algorithm="separable"))


def test_the_public_function():
    plan = imconv.plan((20, 30, 3), "uint8", [[1, 2, 4]], stride=(1, 2), anchor=(0, 0))
    assert isinstance(plan, imconv.Plan)
    image = np.random.default_rng(2).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    expected = imconv.convolve(image, [[1, 2, 4]], stride=(1, 2), anchor=(0, 0))
    np.testing.assert_array_equal(plan.execute(image), expected)
    turned = imconv.plan((20, 30, 3), "uint8", [[1, 2, 4]], stride=(1, 2), anchor=(0, 0), convolve=False)
    np.testing.assert_array_equal(
        turned.execute(image), imconv.correlate(image, [[1, 2, 4]], stride=(1, 2), anchor=(0, 0))
    )


@pytest.mark.parametrize("dtype", ["uint8", "float16", ">u2", "int64", "bool"])
def test_a_plan_runs_on_the_type_it_was_made_for(dtype):
    image = np.zeros((4, 5), dtype)
    result = imconv.plan(image.shape, image.dtype, OUTER).execute(image)
    assert result.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: imconv.plan((4,), "uint8", OUTER), "shape"),
        (lambda: imconv.plan((4, 4), "bogus", OUTER), "bogus"),
        (lambda: imconv.plan((4, 4), "complex64", OUTER), "pixels must be"),
        (lambda: imconv.plan((4, 4), "uint8", OUTER).execute(np.zeros((4, 5), np.uint8)), "the plan is for"),
        (lambda: imconv.plan((4, 4), "uint8", OUTER).execute(np.zeros((4, 4), np.uint16)), "the plan is for"),
        (lambda: planned(OUTER, range="clp"), "did you mean 'clip'"),
        (lambda: check_alpha("keeep"), "did you mean 'keep'"),
        (lambda: imconv.plan((4, 4), "uint8", OUTER, range=None), "unknown range"),
    ],
)
def test_mistakes_are_one_line(call, message):
    refused(imconv.ImconvError, message, call)


def test_unknown_keywords_are_type_errors():
    with pytest.raises(TypeError, match=r"plan\(\) got an unexpected keyword argument 'bordr'"):
        imconv.plan((4, 4), "uint8", OUTER, bordr="wrap")


def test_a_loops_constants_are_the_planners():
    from imconv.loops import dense, float_box, separable
    from imconv.stages.convolution import box, lines
    from imconv.stages.convolution import separable as passes

    loops = (dense.ROWS, separable.ROWS, float_box.SEGMENT)
    assert loops == (lines.DENSE_ROWS, passes.SEPARABLE_ROWS, box.BOX_SEGMENT)
