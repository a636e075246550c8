"""The vector type the loops are written with: every operation on tiny arrays, against numpy and exact arithmetic.

All of it once more for older x86-64 processors (fewer lanes, no fma), in processes of their own, together with whole
filters: the same bits come out everywhere.
"""

import json
import os
import platform
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import imconv

if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
    pytest.skip("vectors exist in compiled code only", allow_module_level=True)

import llvmlite.binding as llvm
from numba import njit
from numba.core.errors import TypingError

from imconv.loops import vector
from imconv.loops.lanewise import HAS_FMA, across, evens, exp2, floor, fma, larger, maximum, minimum, root, where_less
from imconv.loops.vector import (
    broadcast,
    four,
    lanes,
    level,
    load,
    prefetch,
    short_zeros,
    sixteen,
    spread,
    store,
    store_some,
    zeros,
)

ROOT = Path(__file__).parents[2]
FLOATS = (np.float32, np.float64)
WHOLE = (np.uint16, np.uint32)
SAMPLES = (np.uint8, np.uint16, np.float32, np.float64)
CANARY = 77
ROWS, MARGIN = 3, 21  # an odd pitch: no row begins where a register would like it to
RNG = np.random.default_rng(7)


@njit
def count_lanes(like):
    return lanes(zeros(like))


@njit
def copy(source, row, column, like, out, to_row, to_column):
    store(out, to_row, to_column, load(zeros(like), source, row, column))


@njit
def fill(value, out, row, column):
    store(out, row, column, broadcast(value))
    store(out, row + 1, column, zeros(value))


@njit
def copy_four(source, row, column, like, out, to_row, to_column):
    store(out, to_row, to_column, load(four(like), source, row, column))


@njit
def copy_evens(source, row, column, like, out, to_row, to_column):
    a = load(short_zeros(like), source, row, column)
    b = load(short_zeros(like), source, row, column + lanes(a))
    store(out, to_row, to_column, evens(a, b))


@njit
def count_short_lanes(like):
    return lanes(short_zeros(like))


@njit
def fill_from(source, row, column, value, out):
    """One sample everywhere, a value everywhere; in a vector and in a short one."""
    zero, short = zeros(value), short_zeros(value)
    store(out, 0, 2, spread(zero, source, row, column))
    store(out, 1, 2, level(zero, value))
    store(out, 2, 2, spread(short, source, row, column) + level(short, value))


@njit
def copy_some(source, like, out, row, column, count, short):
    if short:
        store_some(out, row, column, load(short_zeros(like), source, 1, 3), count)
    else:
        store_some(out, row, column, load(zeros(like), source, 1, 3), count)


@njit
def add_and_subtract(source, like, out):
    a, b = load(zeros(like), source, 0, 0), load(zeros(like), source, 1, 0)
    store(out, 0, 0, a + b)
    store(out, 1, 0, a - b)


@njit
def multiply(source, like, out):
    a, b = load(zeros(like), source, 0, 0), load(zeros(like), source, 1, 0)
    store(out, 0, 0, a * b)


@njit
def power(values, out):
    store(out, 0, 0, exp2(load(zeros(values[0, 0]), values, 0, 0)))


@njit
def fetch(source, like):
    for row in range(source.shape[0]):
        prefetch(zeros(like), source, row, 0)


@njit
def combine(values, out):
    """One row of `out` for each operation on the first rows of `values`."""
    zero = zeros(values[0, 0])
    a, b, c, d = load(zero, values, 0, 0), load(zero, values, 1, 0), load(zero, values, 2, 0), load(zero, values, 3, 0)
    store(out, 0, 0, a + b)
    store(out, 1, 0, a - b)
    store(out, 2, 0, a * b)
    store(out, 3, 0, a / b)
    store(out, 4, 0, minimum(a, b))
    store(out, 5, 0, maximum(a, b))
    store(out, 6, 0, where_less(a, b, c, d))
    store(out, 7, 0, fma(a, b, c))
    store(out, 8, 0, larger(a, b))
    store(out, 9, 0, root(a))


@njit
def round_down(values, out):
    store(out, 0, 0, floor(load(zeros(values[0, 0]), values, 0, 0)))


@njit
def running_sum(values, out, stop):
    """A vector kept in a variable through a loop and a branch, as the loops do."""
    total = zeros(values[0, 0])
    for row in range(stop):
        if row % 2:
            total = total - load(total, values, row, 0)
        else:
            total = total + load(total, values, row, 0)
    store(out, 0, 0, total)


def room(dtype) -> np.ndarray:
    """Rows with a margin, full of canaries, wide enough for a vector of any type."""
    return np.full((ROWS, vector.FLOAT32_LANES + MARGIN), CANARY, dtype)


def assert_written(out: np.ndarray, row: int, column: int, expected: np.ndarray) -> None:
    """`expected` stands there, and canaries everywhere else."""
    whole = np.full(out.shape, CANARY, out.dtype)
    whole[row, column : column + expected.size] = expected
    np.testing.assert_array_equal(out, whole)


def samples(dtype) -> np.ndarray:
    """Any samples, the smallest and the largest of an integer type among them."""
    shape = room(dtype).shape
    if np.dtype(dtype).kind == "f":
        return (RNG.standard_normal(shape) * 1e3).astype(dtype)
    top = np.iinfo(dtype).max
    values = RNG.integers(0, top, shape, dtype, endpoint=True)
    values[:, ::3], values[:, 1::5] = top, 0
    return values


@pytest.mark.parametrize("like", FLOATS)
def test_lanes(like):
    expected = vector.FLOAT32_LANES if like is np.float32 else vector.FLOAT32_LANES // 2
    assert count_lanes(like(0)) == expected
    assert expected & (expected - 1) == 0  # box sums by doubling count on nothing else, but registers do


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("dtype", [*SAMPLES, np.uint32])
def test_load_widens_from_any_place(dtype, like):
    source, count = samples(dtype), count_lanes(like(0))
    for row in range(ROWS):
        for column in range(source.shape[1] - count + 1):
            out = room(like)
            copy(source, row, column, like(0), out, 1, 2)
            assert_written(out, 1, 2, source[row, column : column + count].astype(like))


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("dtype", SAMPLES)
def test_a_pixel_and_every_second_sample(dtype, like):
    source, count = samples(dtype), count_short_lanes(like(0))
    for column in (0, 1, 5):
        out = room(like)
        copy_four(source, 1, column, like(0), out, 1, 3)
        assert_written(out, 1, 3, source[1, column : column + 4].astype(like))
        out = room(like)
        copy_evens(source, 1, column, like(0), out, 1, 3)
        assert_written(out, 1, 3, source[1, column : column + 2 * count : 2].astype(like))


@pytest.mark.parametrize("like", FLOATS)
def test_every_byte_and_every_word_is_widened(like):
    """Unsigned, and none of the 65,536 words is rounded."""
    count = count_lanes(like(0))
    for dtype in (np.uint8, np.uint16):
        source = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[None]
        out = np.zeros(source.shape, like)
        for x in range(0, source.size, count):
            copy(source, 0, x, like(0), out, 0, x)
        np.testing.assert_array_equal(out, source)


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("dtype", SAMPLES)
def test_store_narrows_and_stays_within_its_lanes(dtype, like):
    count = count_lanes(like(0))
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1e6
    source = (RNG.random(room(like).shape) * top).astype(like)  # saturating is the caller's work
    source[:, :4] = np.array([0, 0.999, top, top - 0.001 if like is np.float64 else top], like)
    expected = np.trunc(source).astype(dtype) if np.dtype(dtype).kind == "u" else source.astype(dtype)
    for row in range(ROWS):
        for column in range(MARGIN + 1):
            out = room(dtype)
            copy(source, 0, 0, like(0), out, row, column)
            assert_written(out, row, column, expected[0, :count])


@pytest.mark.parametrize("like", FLOATS)
def test_the_same_value_in_every_lane(like):
    count, value = count_lanes(like(0)), like(-1) / like(3)
    out = room(like)
    fill(value, out, 0, 5)
    expected = np.full((ROWS, out.shape[1]), CANARY, like)
    expected[0, 5 : 5 + count], expected[1, 5 : 5 + count] = value, 0
    np.testing.assert_array_equal(out, expected)
    assert not np.signbit(out[1, 5 : 5 + count]).any()


@pytest.mark.parametrize("like", FLOATS)
def test_one_sample_in_every_lane(like):
    source, value = samples(like), like(1) / like(3)
    count, short = count_lanes(like(0)), count_short_lanes(like(0))
    assert short == min(count, 16 if like is np.float32 else 8)
    for row, column in ((0, 0), (1, 7), (ROWS - 1, source.shape[1] - 1)):
        out = room(like)
        fill_from(source, row, column, value, out)
        expected = np.full(out.shape, CANARY, like)
        expected[0, 2 : 2 + count], expected[1, 2 : 2 + count] = source[row, column], value
        expected[2, 2 : 2 + short] = source[row, column] + value
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("short", [False, True])
def test_only_some_lanes_are_stored(like, short):
    source = samples(like)
    width = count_short_lanes(like(0)) if short else count_lanes(like(0))
    for count in (-1, 0, 1, 2, width - 1, width, width + 1, 2**40):
        out = room(like)
        copy_some(source, like(0), out, 1, 4, count, short)
        assert_written(out, 1, 4, source[1, 3 : 3 + min(max(count, 0), width)])


@pytest.mark.parametrize(
    ("dtype", "like"), [(s, w) for w in WHOLE for s in (np.uint8, np.uint16, np.uint32) if s(0).nbytes <= w(0).nbytes]
)
def test_whole_numbers_are_widened_added_and_subtracted_without_rounding(dtype, like):
    source = samples(dtype)
    source_a, source_b = source[:1].astype(like), source[1:2].astype(like)
    count = count_lanes(like(0))
    assert count == vector.FLOAT32_LANES
    for column in (0, 3, MARGIN):
        out = room(like)
        copy(source, 1, column, like(0), out, 2, 1)
        assert_written(out, 2, 1, source[1, column : column + count].astype(like))
    out = room(like)
    add_and_subtract(source, like(0), out)
    with np.errstate(over="ignore"):  # modulo 2^16 or 2^32: what comes and goes may leave the range in between
        np.testing.assert_array_equal(out[0, :count], (source_a + source_b)[0, :count])
        np.testing.assert_array_equal(out[1, :count], (source_a - source_b)[0, :count])
    copy(out, 0, 0, like(0), out, 2, 0)
    narrow = room(np.uint16)
    copy(out, 0, 0, like(0), narrow, 0, 0)
    np.testing.assert_array_equal(narrow[0, :count], out[0, :count].astype(np.uint16))


@pytest.mark.parametrize("like", WHOLE)
def test_whole_numbers_are_multiplied(like):
    source = RNG.integers(0, 256, room(like).shape).astype(like)
    out = room(like)
    multiply(source, like(0), out)
    count = count_lanes(like(0))
    np.testing.assert_array_equal(out[0, :count], (source[0] * source[1])[:count])


EXP2_ERROR = {np.float32: 1e-6, np.float64: 1e-15}  # the polynomials', and the roundings of its steps


@pytest.mark.parametrize("like", FLOATS)
def test_powers_of_2(like):
    count, worst = count_lanes(like(0)), 0.0
    low = -126 if like is np.float32 else -1022
    for values in [RNG.random((1, count)) * reach for reach in (low, -1, 3, 126) for _ in range(40)]:
        values = values.astype(like)
        out = np.empty_like(values)
        power(values, out)
        exact = np.exp2(values[0].astype(np.longdouble))
        worst = max(worst, float(np.abs(out[0] / exact - 1).max()))
    values[0, :4] = 0, -1, low, np.nan
    power(values, out)
    assert out[0, :3].tolist() == [1, 0.5, 2.0**low]
    assert np.isnan(out[0, 3])
    assert EXP2_ERROR[like] / 10 < worst < EXP2_ERROR[like]


@njit
def sum_of_sixteen(values):
    return across(load(sixteen(values[0, 0]), values, 0, 0))


@pytest.mark.parametrize("like", FLOATS)
def test_lanes_are_added_by_halves(like):
    values = (RNG.random((1, 16)) * 10.0 ** np.arange(16)[None]).astype(like)
    expected = values[0].copy()
    while len(expected) > 1:
        expected = expected[: len(expected) // 2] + expected[len(expected) // 2 :]
    assert sum_of_sixteen(values) == expected[0]


def test_fetching_ahead_changes_nothing():
    source = samples(np.uint8)
    before = source.copy()
    for like in FLOATS:
        fetch(source, like(0))
    np.testing.assert_array_equal(source, before)


def test_what_is_no_float_makes_no_vector():
    for value in (1, np.uint8(1)):
        with pytest.raises(TypingError):
            fill(value, room(np.float32), 0, 0)


def test_vectors_of_two_types_do_not_mix():
    @njit
    def mixed(one, other):
        return lanes(zeros(one) + zeros(other))

    with pytest.raises(TypingError):
        mixed(np.float32(1), np.float64(1))


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("special", [False, True])
def test_arithmetic_and_choices(like, special):
    """As numpy's, infinities, signed zeros and NaN included; a comparison with NaN is false."""
    count = count_lanes(like(0))
    values = (RNG.standard_normal((4, count)) * 100).astype(like)
    if special:
        odd = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, np.finfo(like).max, np.finfo(like).smallest_subnormal])
        values = RNG.choice(odd.astype(like), (4, count))
        values[:2, :4] = np.array([[np.nan, 1, 0.0, -0.0], [1, np.nan, -0.0, 0.0]])
    out = np.empty((10, count), like)
    combine(values, out)
    a, b, c, d = values
    with np.errstate(all="ignore"):
        expected = [a + b, a - b, a * b, a / b, np.where(a < b, a, b), np.where(a > b, a, b), np.where(a < b, c, d)]
        expected += [None, np.maximum(a, b), np.sqrt(a)]
    np.testing.assert_array_equal(out[8], expected.pop(8))  # of 0 and -0 either
    for found, wanted in zip(np.delete(out, 8, 0), expected, strict=True):
        if wanted is None:
            continue  # fma
        np.testing.assert_array_equal(found, wanted)
        known = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found[known]), np.signbit(wanted[known]))


def nearest(exact: Fraction, dtype) -> float:
    """The number of this type nearest to an exact one, an even one from halfway."""
    guess = dtype(float(exact))
    near = [np.nextafter(guess, dtype(-np.inf)), guess, np.nextafter(guess, dtype(np.inf))]
    bits = f"u{np.dtype(dtype).itemsize}"
    return min(near, key=lambda value: (abs(Fraction(float(value)) - exact), int(value.view(bits)) & 1))


@pytest.mark.parametrize("like", FLOATS)
def test_fma_rounds_once(like):
    count, epsilon = count_lanes(like(0)), np.finfo(like).eps
    differs = 0
    for trial in range(20):
        values = RNG.standard_normal((4, count)).astype(like)
        if trial % 2:  # the product nearly cancels, and its rounding is all that is left
            values[2] = -(values[0] * values[1])
        if trial == 1:
            values[:3, 0] = 1 + epsilon, 1 - epsilon, -1
        out = np.empty((10, count), like)
        combine(values, out)
        a, b, c, _ = values
        twice = a * b + c
        exact = [
            nearest(Fraction(float(p)) * Fraction(float(q)) + Fraction(float(r)), like)
            for p, q, r in zip(a, b, c, strict=True)
        ]
        np.testing.assert_array_equal(out[7], exact)
        differs += np.count_nonzero(out[7] != twice)
    assert differs > 0


@pytest.mark.parametrize("like", FLOATS)
def test_floor(like):
    count = count_lanes(like(0))
    below = np.nextafter(like(2**31), like(0))
    ends = np.array([0, 0.5, 1 - np.finfo(like).epsneg, 1, 2.5, 2**23 - 0.5, 2**24 - 1, below], like)
    values = np.concatenate([ends, (RNG.random(count) * 2**31).astype(like)])[None, :count]
    out = np.empty_like(values)
    round_down(values, out)
    np.testing.assert_array_equal(out, np.floor(values))


@pytest.mark.parametrize("like", FLOATS)
@pytest.mark.parametrize("stop", [0, 1, 6])
def test_a_vector_lives_in_a_variable(like, stop):
    values = RNG.integers(0, 100, (6, count_lanes(like(0)))).astype(like)
    out = np.empty_like(values[:1])
    running_sum(values, out, stop)
    np.testing.assert_array_equal(out[0], values[:stop:2].sum(axis=0) - values[1:stop:2].sum(axis=0))


# --- whole filters, and other processors ---
def filtered() -> dict[str, np.ndarray]:
    """What every algorithm makes of a small picture; a name says whether its kernel is exact."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (41, 150), np.uint8)
    real = image / np.float32(255)
    wide = {"dtype": np.float32}
    return {
        "exact dense": imconv.correlate(image, np.array([[1, 7, 2], [5, 3, 11], [4, 13, 6]])),
        "exact box": imconv.box_blur(image, 7),
        "exact magnitude": imconv.edges(image),
        "dense": imconv.correlate(image, rng.random((5, 4)), **wide),
        "separable": imconv.gaussian_blur(image, 1.5, **wide),
        "decimated": imconv.gaussian_blur(image, 11, fast=True, **wide),
        "box": imconv.box_blur(real, 11),
    }


def main(folder: str) -> None:
    """What runs in the other process: the filters' results and the target's properties go to `folder`."""
    np.savez(Path(folder, "filtered.npz"), **filtered())
    Path(folder, "target.json").write_text(json.dumps({"fma": HAS_FMA, "lanes": vector.FLOAT32_LANES}))


TARGETS = {  # instruction sets the host needs to run them; whether they have an fma; their lanes
    "x86-64-v3": ({"avx2", "fma"}, True, 16),
    "x86-64": (set(), False, 8),
}


def run_for(target: str, folder: Path, *command: str) -> None:
    """Run Python in a process that compiles for another processor.

    Its loops are kept beside the user's, for later runs: which processor they are for is part of the store's key.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTEST_"))}
    environment |= {"NUMBA_CPU_NAME": target, "NUMBA_CPU_FEATURES": ""}
    environment |= {"NUMBA_CACHE_DIR": str(folder / "numba")}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(params=TARGETS)
def target(request) -> str:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("these are x86-64 processors")
    host = {name for name, present in llvm.get_host_cpu_features().items() if present}
    if not TARGETS[request.param][0] <= host:
        pytest.skip(f"this machine is older than {request.param}")
    return request.param


def test_vectors_of_another_processor(target, tmp_path):
    files = [str(Path(__file__).with_name(name)) for name in ("test_vector.py", "test_integer_vectors.py")]
    run_for(target, tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-k", "not another_processor", *files)


def test_filters_of_another_processor(target, tmp_path):
    script = "import sys; from tests.loops.test_vector import main; main(sys.argv[1])"
    run_for(target, tmp_path, "-c", script, str(tmp_path))
    found = json.loads((tmp_path / "target.json").read_text())
    _, has_fma, count = TARGETS[target]
    assert found == {"fma": has_fma, "lanes": count}
    results = np.load(tmp_path / "filtered.npz")
    for name, expected in filtered().items():
        assert results[name].tobytes() == expected.tobytes(), name
