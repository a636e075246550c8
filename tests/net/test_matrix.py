"""Fully connected layers' products against numpy in float64, whatever the sizes; the same on any number of threads."""

import numpy as np
import pytest

from imconv.net import matrix

CLOSE = 2e-6  # of the sum of the products' sizes: float32 sums of up to some thousand terms in sixteen parts


@pytest.mark.parametrize(("rows", "count"), [(1, 1), (3, 15), (4, 16), (5, 17), (10, 84), (33, 1000), (1000, 1281)])
@pytest.mark.parametrize("biased", [True, False])
def test_any_size(rows, count, biased):
    random = np.random.default_rng(rows)
    weights = random.standard_normal((rows, count)).astype(np.float32)
    values = random.standard_normal(count).astype(np.float32)
    bias = random.standard_normal(rows).astype(np.float32) if biased else None
    result = matrix.multiply(weights, values, bias, 1)
    expected = weights.astype(float) @ values + (0 if bias is None else bias)
    assert result.dtype == np.float32
    assert (np.abs(result - expected) <= CLOSE * (np.abs(weights.astype(float)) @ np.abs(values) + 3)).all()


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(threads, monkeypatch):
    monkeypatch.setattr(matrix, "WORTH_THREADS", 0)
    monkeypatch.setattr(matrix, "BAND_BYTES", 3 * 4 * 130)  # bands of three rows
    random = np.random.default_rng(0)
    weights, values = random.random((50, 130), np.float32), random.random(130, np.float32)
    expected = matrix.multiply(weights, values, None, 1)
    np.testing.assert_array_equal(matrix.multiply(weights, values, None, threads), expected)


def test_nan_and_infinity_stay_in_their_rows():
    weights = np.ones((5, 20), np.float32)
    weights[1, 3], weights[3, 18] = np.nan, np.inf
    np.testing.assert_array_equal(
        matrix.multiply(weights, np.ones(20, np.float32), None, 1), [20, np.nan, 20, np.inf, 20]
    )
