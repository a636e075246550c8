"""Bands and threads: the result depends on none of it, bit for bit; fused and finished paths agree."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from imconv.engine import threads as crews
from imconv.engine.threads import default_threads
from imconv.options import Options
from imconv.pixels.exact import as_fraction
from imconv.pixels.rounding import Tally
from imconv.stages.convolution.filter import LinearFilter
from tests.cases import laid_out, picture
from tests.executing import execute
from tests.refused import refused

THREADS = (1, 2, 3, 7)
BANDS = (1, 2, 5, 64)
RNG = np.random.default_rng(1)
KERNELS = {
    "dense exact": Kernel([[1, 2, 4], [8, 16, 32], [64, 128, 255]]),
    "dense": Kernel(RNG.random((5, 4)) / 10),
    "outer exact": Kernel(np.full((3, 4), 1 / 12)),
    "outer": Kernel(np.outer(RNG.random(5), RNG.random(3)) / 5),
}
OPTIONS = [
    {},
    {"stride": (2, 3), "dilation": (3, 1), "pad": "full"},
    {"border": "normalized"},
    {"border": "wrap", "range": "abs", "offset": -100},
    {"range": "stretch"},
    {"has_alpha": True},
    {"has_alpha": True, "alpha": "keep", "border": "constant:9"},
    {"has_alpha": True, "alpha": "unweighted", "border": "constant:9"},
]


def same_bits(one, other):
    assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("name", KERNELS)
def test_threads_and_bands_change_nothing(name, dtype, options):
    image = picture(dtype, (67, 9, 4), 2)
    if image.dtype.kind == "f":
        image = np.abs(image)
    plan = imconv.plan(image.shape, image.dtype, KERNELS[name], **options)
    expected = execute(plan, image, threads=1, band_rows=1000)
    for threads in THREADS:
        for band_rows in (*BANDS, None):
            same_bits(execute(plan, image, threads=threads, band_rows=band_rows), expected)
    same_bits(execute(plan, laid_out(image, "flipped"), threads=2, band_rows=5), expected)


@pytest.mark.parametrize("function", ["gaussian_blur", "unsharp_mask", "box_blur", "sharpen"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_threads_change_no_filter(function, dtype):
    image = picture(dtype, (300, 301), 3)  # more than one band by itself
    results = [getattr(imconv, function)(image, 2, threads=threads) for threads in THREADS]
    for result in results[1:]:
        same_bits(result, results[0])


@given(
    st.sampled_from(list(KERNELS)),
    st.sampled_from(["bool", "uint8", "uint16", "float32", "float64"]),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 99),
    st.sampled_from([0, 7, 0.1, -3.75]),
    st.booleans(),
)
def test_the_loops_own_rounding_is_the_same_as_rounding_afterwards(name, dtype, shape, seed, offset, widen):
    image = picture(dtype, shape, seed)
    kernel = KERNELS[name].replace(offset=as_fraction(offset))
    target = {"bool": "float32", "uint8": "float32", "uint16": "float32"}.get(dtype, dtype) if widen else dtype
    plan = LinearFilter(kernel, Options(dtype=target)).plan(image.shape, image.dtype, False)
    if plan.source == plan.target:
        assert plan.fused
    same_bits(execute(plan, image), execute(plan, image, tally=Tally()))


def test_every_byte_is_saturated_alike_by_both_paths():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for weight, offset in ((3, -300), (-1, 255), (0.3333, 0.5), (1.5, 0)):
        plan = imconv.plan(image.shape, image.dtype, [[weight]], offset=offset)
        tally = Tally()
        same_bits(execute(plan, image), execute(plan, image, tally=tally))
        assert tally.samples == 256
        raw = np.floor(image * float(weight) + offset + 0.5)
        assert tally.clipped == np.count_nonzero((raw < 0) | (raw > 255))


@pytest.mark.parametrize("band_rows", [1, 4, 100])
def test_progress_ends_with_everything_done(band_rows):
    plan = imconv.plan((10, 5), "uint8", [[1]])
    told = []
    execute(plan, np.zeros((10, 5), np.uint8), threads=3, band_rows=band_rows, progress=lambda *pair: told.append(pair))
    assert (told[-1], sorted(told)) == ((10, 10), told)


def test_a_point_function_gets_filtered_and_original_values():
    image = picture("uint8", (9, 7, 3), 4)
    plan = imconv.plan(image.shape, image.dtype, KERNELS["outer exact"], stride=(2, 1))
    blurred = imconv.convolve(image.astype(float), KERNELS["outer exact"], stride=(2, 1))

    def keep_original(filtered, original):
        assert filtered.dtype == original.dtype == np.float64
        assert filtered.shape == original.shape
        return original

    def keep_filtered(filtered, original):
        return filtered

    same_bits(execute(plan, image, point=keep_original, band_rows=2), image[::2])
    np.testing.assert_allclose(execute(plan, image, point=keep_filtered), blurred, atol=0.5 + 1e-9)  # it was rounded
    same_bits(execute(plan, image, point=keep_filtered), execute(plan, image))


def test_a_failure_in_a_band_comes_out_once_and_stops_the_others():
    plan = imconv.plan((64, 4), "uint8", [[1]])
    calls = []

    def fail(filtered, original):
        calls.append(1)
        raise RuntimeError("point failed")

    with pytest.raises(RuntimeError, match="point failed"):
        execute(plan, np.zeros((64, 4), np.uint8), point=fail, threads=2, band_rows=1)
    assert len(calls) <= 2


def test_small_pictures_pay_for_no_threads(monkeypatch):
    monkeypatch.undo()  # of what conftest.py does for all other tests
    helpers = []

    def share(work, count):
        helpers.append(count)
        work()

    monkeypatch.setattr(crews, "share", share)
    for side in (64, 2048):
        imconv.box_blur(np.zeros((side, side, 3), np.uint8), 5, threads=2)
    assert helpers == [0, 1]


def test_several_threads_may_filter_at_once():
    image = picture("uint8", (200, 200, 3), 5)
    expected = imconv.box_blur(image, 5)
    results = {}

    def work(number):
        results[number] = imconv.box_blur(image, 5, threads=2)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for number in range(6):
        same_bits(results[number], expected)


@pytest.mark.parametrize(
    "threads", [0, -1, "many", 2.7, float("inf"), 1025, np.zeros((2, 2))], ids=lambda t: str(t)[:6]
)
def test_threads_that_are_no_number_are_refused(threads):
    refused(imconv.ImconvError, "threads", imconv.correlate, np.zeros((2, 2)), [[1]], threads=threads)


def test_the_environment_sets_the_threads(monkeypatch):
    monkeypatch.setenv("IMCONV_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("IMCONV_THREADS", "all")
    refused(imconv.ImconvError, "IMCONV_THREADS", default_threads)
    monkeypatch.delenv("IMCONV_THREADS")
    assert default_threads() >= 1
