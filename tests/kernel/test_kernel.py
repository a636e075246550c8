"""The kernel: fractions recognised and kept, factors, changes, errors, frequency response against the sum itself."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imconv
from imconv.errors import KernelError, OptionError
from imconv.kernel.kernel import Kernel, as_kernel
from imconv.kernel.weights import MAX_SIDE
from imconv.pixels.exact import LARGEST_DENOMINATOR, as_fraction
from tests.refused import refused

SVD_TOLERANCE = 1e-13  # of the largest weight: what the factors of a decomposition may lose in float64
SUM_TOLERANCE = 1e-12  # of the weights' absolute sum: order of a few hundred float64 additions

SOBEL = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
LAPLACIAN = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]


# --- fractions ---
@pytest.mark.parametrize(
    ("weights", "denominator", "numerators"),
    [
        (np.full((3, 3), 1 / 9), 9, np.ones((3, 3))),
        (np.full((3, 3), 1 / 9, np.float32), 9, np.ones((3, 3))),
        ([[0.1, 0.2, 0.1]], 10, [[1, 2, 1]]),
        (np.array([[0.1, 0.2, 0.1]], np.float32), 10, [[1, 2, 1]]),
        ([[0.1, 0.2, 0.1 + 0.2]], 10, [[1, 2, 3]]),
        ([[Fraction(17, 9), Fraction(-1, 9)]], 9, [[17, -1]]),
        ([[Fraction(1, 100_003), 1]], 100_003, [[1, 100_003]]),
        (SOBEL, 1, SOBEL),
        (np.array(SOBEL, np.int8), 1, SOBEL),
        (np.eye(2, dtype=bool), 1, np.eye(2)),
        ([[0, 0]], 1, [[0, 0]]),
        ([[1 / LARGEST_DENOMINATOR, 1]], LARGEST_DENOMINATOR, [[1, LARGEST_DENOMINATOR]]),
    ],
)
def test_fractions_are_recognised(weights, denominator, numerators):
    kernel = Kernel(weights)
    assert kernel.exact
    assert kernel.denominator == denominator
    np.testing.assert_array_equal(kernel.numerators, numerators)


@pytest.mark.parametrize(
    "weights",
    [
        [[1 / 4099]],  # a prime beyond the largest denominator
        [[math.pi]],
        [[1 / 3 + 1e-14]],
        [[1 / 64, 1 / 81]],  # both are fractions, their common denominator is 5184
        [[Fraction(1, 2**60)]],
        [[Fraction(2**53)]],
    ],
)
def test_other_weights_stay_floats(weights):
    kernel = Kernel(weights)
    assert not kernel.exact
    assert kernel.numerators is None
    np.testing.assert_array_equal(kernel.weights, np.array([[float(w) for w in row] for row in weights]))


@given(st.integers(1, LARGEST_DENOMINATOR), st.lists(st.integers(-5000, 5000), min_size=1, max_size=12))
def test_multiples_of_any_denominator_are_recognised(denominator, numerators):
    kernel = Kernel([[n / denominator for n in numerators]])
    assert kernel.denominator is not None
    assert denominator % kernel.denominator == 0
    assert [Fraction(int(n), kernel.denominator) for n in kernel.numerators[0]] == [
        Fraction(n, denominator) for n in numerators
    ]


def test_float32_is_read_as_what_was_meant():
    assert Kernel(np.float32([[0.1, 1 / 3]])).weights.tolist() == [[0.1, 1 / 3]]
    odd = np.float32([[0.1234567, math.pi]])
    np.testing.assert_array_equal(Kernel(odd).weights, odd.astype(np.float64))


def test_as_fraction():
    assert as_fraction(0.1) == Fraction(1, 10)
    assert as_fraction(np.float64(2 / 3)) == Fraction(2, 3)
    assert as_fraction(np.int64(7)) == 7
    for number in (math.nan, math.inf):
        refused(KernelError, "finite", as_fraction, number)


# --- sums and factors ---
def test_sums():
    assert Kernel(SOBEL).sum() == 0
    assert Kernel(SOBEL).absolute_sum() == 8
    assert Kernel([[0.1] * 10]).sum() == 1  # ten times 0.1 in floats is not 1
    assert Kernel([[1e16, 1, -1e16]]).sum() == 1
    factored = Kernel.from_factors([1, 2, 1], [0.25, -0.5])
    assert (factored.sum(), factored.absolute_sum()) == (-1, 3)


@pytest.mark.parametrize(
    ("weights", "rank"),
    [(SOBEL, 1), (LAPLACIAN, 2), (np.eye(5), 5), (np.zeros((2, 3)), 0), ([[3]], 1), (np.full((4, 6), 1 / 24), 1)],
)
def test_rank_and_factors(weights, rank):
    kernel = Kernel(weights)
    assert (kernel.rank(), kernel.separable) == (rank, rank <= 1)
    factors = kernel.factors()
    assert len(factors) == rank
    total = sum((np.outer(c, r) for c, r in factors), np.zeros(kernel.shape))
    np.testing.assert_allclose(total, kernel.weights, rtol=0, atol=SVD_TOLERANCE * max(1, np.abs(kernel.weights).max()))


def test_integer_factors():
    column, row = Kernel(SOBEL).integer_factors()
    assert column.tolist() == [1, 2, 1]
    assert row.tolist() == [1, 0, -1]
    assert Kernel(LAPLACIAN).integer_factors() is None
    assert Kernel([[math.pi]]).integer_factors() is None
    column, row = Kernel(np.outer([0, 2, 4], [0, 3, 9]) / 8).integer_factors()
    np.testing.assert_array_equal(np.outer(column, row) / 4, np.outer([0, 2, 4], [0, 3, 9]) / 8)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6), st.lists(st.integers(-50, 50), min_size=1, max_size=6))
def test_every_outer_product_is_found_again(column, row):
    kernel = Kernel(np.outer(column, row))
    if not any(column) or not any(row):
        assert kernel.rank() == 0
        return
    found = kernel.integer_factors()
    np.testing.assert_array_equal(np.outer(*found), np.outer(column, row))


def test_from_factors():
    kernel = Kernel.from_factors([1, 2, 1], [Fraction(1, 4)] * 4, name="k", offset=3, anchor=(0, 0))
    assert (kernel.shape, kernel.denominator) == ((3, 4), 4)
    assert kernel.numerators.tolist() == [[1] * 4, [2] * 4, [1] * 4]
    assert (kernel, kernel.rank()) == (Kernel(np.outer([1, 2, 1], [0.25] * 4), offset=3, anchor=(0, 0)), 1)
    assert [f.tolist() for f in kernel.factors()[0]] == [[1, 2, 1], [0.25] * 4]
    assert Kernel.from_factors([math.pi], [1]).numerators is None
    assert Kernel.from_factors([0], [1, 2]).rank() == 0
    for bad in ([], [[1, 2]], [math.nan]):
        with pytest.raises(KernelError):
            Kernel.from_factors(bad, [1])


# --- changes ---
@pytest.fixture(params=["matrix", "floats", "factors", "float factors", "holes"])
def kernel(request):
    options = {"anchor": (0, 2), "offset": Fraction(1, 3), "name": "k", "source": "here"}
    return {
        "matrix": Kernel([[1, 2, 4], [8, 16, 32]], **options),
        "floats": Kernel(np.random.default_rng(0).standard_normal((2, 3)), **options),
        "factors": Kernel.from_factors([1, 2], [1, 4, Fraction(1, 9)], **options),
        "float factors": Kernel.from_factors([1, math.pi], [1, 4, math.e], **options),
        "holes": Kernel([[1, 2, 0], [8, 16, 32]], included=[[1, 1, 0], [1, 1, 1]], **options),
    }[request.param]


def kept(changed, kernel):
    assert (changed.name, changed.source, changed.offset) == (kernel.name, kernel.source, kernel.offset)
    if kernel.included is not None:
        assert changed.included.sum() == kernel.included.sum()


def test_replace(kernel):
    changed = kernel.replace(anchor=(1, 0), offset=-2, name="other")
    assert (changed.anchor, changed.offset, changed.name, changed.source) == ((1, 0), -2, "other", "here")
    np.testing.assert_array_equal(changed.weights, kernel.weights)
    assert (kernel.replace(), kernel.anchor) == (kernel, (0, 2))
    refused(KernelError, "outside", kernel.replace, anchor=(2, 0))


@pytest.mark.parametrize("factor", [2, Fraction(1, 3), 0.1, 0.123456789, 0, -1])
def test_scaled(kernel, factor):
    changed = kernel.scaled(factor)
    np.testing.assert_allclose(changed.weights, kernel.weights * float(factor), rtol=1e-15)
    kept(changed, kernel)
    assert changed.anchor == kernel.anchor
    if kernel.exact and factor in (2, Fraction(1, 3), 0.1):
        assert changed.exact
        expected = kernel.fractions() * (Fraction(1, 10) if factor == 0.1 else Fraction(factor))
        assert (changed.fractions() == expected).all()


def test_normalized(kernel):
    changed = kernel.normalized()
    assert changed.sum() == (1 if kernel.exact else pytest.approx(1, abs=SUM_TOLERANCE))
    kept(changed, kernel)


@pytest.mark.parametrize(
    "weights", [SOBEL, [[math.pi, -math.pi]], [[0.0]], np.random.default_rng(0).random((9, 9)) * 0]
)
def test_no_sum_can_not_be_normalised(weights):
    refused(KernelError, "sum to 0", Kernel(weights).normalized)


def test_flipped(kernel):
    flipped = kernel.flipped()
    np.testing.assert_array_equal(flipped.weights, kernel.weights[::-1, ::-1])
    assert (flipped.anchor, flipped.flipped(), flipped.sum()) == ((1, 0), kernel, kernel.sum())
    kept(flipped, kernel)
    if kernel.exact:
        np.testing.assert_array_equal(flipped.numerators, kernel.numerators[::-1, ::-1])
        if kernel.integer_factors() is not None:
            np.testing.assert_array_equal(np.outer(*flipped.integer_factors()), flipped.numerators)
    if kernel.included is not None:
        np.testing.assert_array_equal(flipped.included, kernel.included[::-1, ::-1])


def test_nothing_is_shared_or_writable():
    array = np.array(SOBEL, float)
    kernel = Kernel(array)
    array[0, 0] = 99
    assert kernel.weights[0, 0] == 1
    made = Kernel.from_factors(array[0], array[1])
    array[1, 0] = 99
    assert made.weights[0, 0] == 198
    holes = Kernel([[1, 0]], included=[[True, False]])
    for values in (
        kernel.weights,
        kernel.numerators,
        made.weights,
        made.numerators,
        holes.included,
        *made.factors()[0],
    ):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_equality_and_hash():
    assert Kernel(SOBEL) == Kernel(np.array(SOBEL, np.float32), name="other")
    assert hash(Kernel(SOBEL)) == hash(Kernel(np.array(SOBEL, np.float32)))
    assert Kernel(SOBEL) != Kernel(SOBEL, anchor=(0, 0))
    assert Kernel(SOBEL) != Kernel(SOBEL, offset=1)
    assert Kernel([[1, 0]]) != Kernel([[1, 0]], included=[[1, 0]])
    assert Kernel([[1, 0]]) != Kernel([[1], [0]])
    assert Kernel(SOBEL) != "sobel"
    assert Kernel([[0.0]]) == Kernel([[-0.0]])
    assert repr(Kernel(SOBEL, name="sobel")) == "Kernel('sobel', 3 x 3, sum 0)"


def test_anchors():
    assert Kernel(np.ones((4, 5))).anchor == (2, 2)  # size // 2, for even sizes too
    assert Kernel(np.ones((1, 2))).anchor == (0, 1)
    assert Kernel(np.ones((4, 5)), anchor=np.array([0, 4])).anchor == (0, 4)


def test_as_kernel():
    kernel = Kernel(SOBEL)
    assert as_kernel(kernel) is kernel
    assert as_kernel(kernel, anchor=(0, 0)).anchor == (0, 0)
    assert as_kernel(SOBEL, offset=3).offset == 3
    assert as_kernel("sobel-x") == kernel
    refused(OptionError, "did you mean 'sobel-x'", as_kernel, "sobl-x")


# --- errors ---
@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([], "rows and columns"),
        ([[]], "rows and columns"),
        ([1, 2, 1], "a single row is"),
        (np.ones((2, 2, 2)), "shape"),
        (5, "rows"),
        (None, "numbers in rows"),
        ([[1, 2], [3]], "same length"),
        ([["a"]], "numbers"),
        ([[1j]], "numbers"),
        (np.array([[1j]]), "real numbers"),
        ([[math.nan]], "weight 0,0"),
        ([[0, 1], [math.inf, 0]], "weight 1,0 of the kernel is inf"),
        (np.float32([[0, math.nan]]), "weight 0,1"),
        ([[10**400]], "numbers"),
        (np.ones((1, MAX_SIDE + 1)), "larger than"),
        (np.ones((2049, 2048), np.uint8), "larger than"),
    ],
)
def test_weights_that_are_none(weights, expected):
    refused(KernelError, expected, Kernel, weights)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"anchor": (3, 0)}, "outside"),
        ({"anchor": (-1, 0)}, "outside"),
        ({"anchor": 1}, "a row and a column"),
        ({"anchor": (0, 0, 0)}, "a row and a column"),
        ({"anchor": "xy"}, "a row and a column"),
        ({"offset": math.nan}, "offset"),
        ({"offset": "x"}, "offset"),
        ({"included": [[True]]}, "shape"),
        ({"included": np.zeros((3, 3))}, "weight 0|at least one"),
    ],
)
def test_options_that_are_none(options, expected):
    refused(KernelError, expected, Kernel, SOBEL, **options)


def test_a_kernel_of_holes():
    refused(KernelError, "at least one", Kernel, [[0, 0]], included=[[False, False]])
    assert Kernel([[0, 1]], included=[[True, True]]).included is None


# --- frequency response ---
@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_frequency_response_is_the_sum(rows, columns, height, width, random):
    weights = np.array([[random.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)])
    anchor = random.randrange(rows), random.randrange(columns)
    response = Kernel(weights, anchor=anchor).frequency_response((height, width))
    assert response.shape == (height, width)
    for u in range(height):
        for v in range(width):
            direct = sum(
                weights[k, m] * np.exp(-2j * np.pi * (u / height * (k - anchor[0]) + v / width * (m - anchor[1])))
                for k in range(rows)
                for m in range(columns)
            )
            assert abs(response[u, v] - direct) <= SUM_TOLERANCE * max(1, np.abs(weights).sum())


def test_frequency_response_of_known_kernels():
    symmetric = Kernel(np.full((3, 3), 1 / 9)).frequency_response()
    assert (symmetric.shape, symmetric[0, 0]) == ((64, 64), pytest.approx(1))
    assert np.abs(symmetric.imag).max() < SUM_TOLERANCE
    # a circular convolution is a product of spectra
    image = np.random.default_rng(0).random((16, 12))
    shifted = np.fft.ifft2(np.fft.fft2(image) * Kernel([[0, 0, 1]]).frequency_response((16, 12))).real
    np.testing.assert_allclose(shifted, np.roll(image, 1, axis=1), atol=SUM_TOLERANCE)


def test_a_kernel_can_not_be_changed():
    kernel = Kernel([[1, 2], [3, 4]])
    for name in ("anchor", "offset", "name", "shape", "denominator"):
        with pytest.raises(AttributeError):
            setattr(kernel, name, (0, 0))
    for array in (kernel.weights, kernel.numerators, Kernel.from_factors([1, 2], [3, 4]).weights):
        with pytest.raises(ValueError):  # noqa: PT011 - numpy's own word
            array.flags.writeable = True
    assert (kernel.replace(anchor=(0, 0)).anchor, kernel.flipped().flipped()) == ((0, 0), kernel)


def test_fractions_are_another_kernel_than_floats_of_the_same_values():
    """Sums of fractions are exact: what was planned for one must not be taken for the other."""
    floats, fractions = Kernel(np.array([[0.5002]])), Kernel.from_text("0.5002")
    assert floats.exact is False
    assert fractions.exact is True
    assert floats != fractions
    image = np.full((20, 70), 2500, np.uint16)
    for kernel in (floats, fractions, floats, fractions):
        assert imconv.correlate(image, kernel)[3, 3] == (1251 if kernel is fractions else 1250)


def test_byte_order_does_not_hide_fractions():
    assert Kernel(np.full((3, 3), 1 / 9, ">f4")) == Kernel(np.full((3, 3), 1 / 9, "<f4"))
    assert Kernel(np.full((3, 3), 1 / 9, ">f4")).denominator == 9
