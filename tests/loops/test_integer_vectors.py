"""Vectors of unsigned integers, one register or sixteen lanes long: every operation against numpy.

For older processors too: `test_vector.py` runs these tests there.
"""

import os

import numpy as np
import pytest

if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
    pytest.skip("vectors exist in compiled code only", allow_module_level=True)

from numba import njit
from numba.core.errors import TypingError

from imconv.loops import vector
from imconv.loops.lanewise import count_less, maximum, minimum, where_less
from imconv.loops.running import sum_by_running
from imconv.loops.vector import filled, lanes, load, register, sixteen, store

WHOLE = (np.uint8, np.uint16, np.uint32, np.uint64)
RANDOM = np.random.default_rng(23)


@njit
def combine(values, number, out):
    """One row of `out` for each operation on the first rows of `values`; how many lanes there are."""
    zero = register(values[0, 0])
    a, b, c, d = load(zero, values, 0, 3), load(zero, values, 1, 3), load(zero, values, 2, 3), load(zero, values, 3, 3)
    store(out, 0, 1, a + b)
    store(out, 1, 1, a - b)
    store(out, 2, 1, a | b)
    store(out, 3, 1, minimum(a, b))
    store(out, 4, 1, maximum(a, b))
    store(out, 5, 1, where_less(a, b, c, d))
    store(out, 6, 1, filled(zero, number))
    store(out, 7, 1, zero)
    store(out, 8, 1, a & b)
    store(out, 9, 1, a ^ b)
    return lanes(zero)


@njit
def count(narrow, like, limit):
    """Of sixteen samples, widened to the type of `like`, how many are less than `limit`."""
    values = load(sixteen(like), narrow, 0, 2)
    return count_less(values, filled(values, limit))


@pytest.mark.parametrize("kind", WHOLE)
def test_operations(kind):
    top = np.iinfo(kind).max
    values = RANDOM.integers(0, top, (4, 80), kind, endpoint=True)
    values[0, ::3], values[1, ::5], values[1, 1::7] = top, 0, values[0, 1::7]
    out = np.full((10, 80), 77, kind)
    size = combine(values, 200, out)
    assert size == vector.REGISTER_BYTES // kind(0).nbytes
    a, b, c, d = values[:, 3 : 3 + size]
    with np.errstate(over="ignore"):
        expected = [a + b, a - b, a | b, np.minimum(a, b), np.maximum(a, b), np.where(a < b, c, d)]
    for row, wanted in zip(out, [*expected, np.full(size, 200), np.zeros(size), a & b, a ^ b], strict=True):
        np.testing.assert_array_equal(row[1 : 1 + size], wanted)
        assert (row[:1] == 77).all()
        assert (row[1 + size :] == 77).all()


@pytest.mark.parametrize("kind", WHOLE)
def test_numbers_are_cut_to_the_lanes_size(kind):
    out = np.zeros((10, 80), kind)
    combine(np.zeros((4, 80), kind), (1 << 62) + 300, out)
    assert out[6, 1] == ((1 << 62) + 300) % (np.iinfo(kind).max + 1)


@pytest.mark.parametrize("like", WHOLE)
def test_how_many_of_sixteen_are_less(like):
    samples = RANDOM.integers(0, 200, (1, 20), np.uint8)
    for limit in (0, 1, 77, 199, 200):
        assert count(samples, like(0), limit) == (samples[0, 2:18] < limit).sum()


@njit
def running(line, width, channels, samples):
    sum_by_running(line, width, channels, samples)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
def test_sums_of_a_row(kind, channels):
    for pixels, width in ((1, 1), (2, 2), (9, 9), (40, 1), (41, 9), (150, 37), (501, 101), (77, 77)):
        samples = pixels * channels
        line = RANDOM.integers(0, np.iinfo(kind).max, (2, samples + 64), kind, endpoint=True)  # sums wrap around
        windows = np.lib.stride_tricks.sliding_window_view(line[0, :samples].reshape(-1, channels), width, axis=0)
        expected = windows.sum(axis=-1, dtype=kind)
        before = line.copy()
        running(line, width, channels, samples)
        np.testing.assert_array_equal(line[1, : expected.size], expected.ravel())
        np.testing.assert_array_equal(line[0], before[0])


def test_registers_hold_unsigned_integers():
    @njit
    def begin(like):
        return lanes(register(like))

    for value in (1, 1.0, np.float32(1)):
        with pytest.raises(TypingError):
            begin(value)
