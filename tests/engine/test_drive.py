"""What the driver does for every filter alike: where results go, their shape, which rows are computed, what is counted."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import imconv
from imconv.composites.bank import FilterBank
from imconv.composites.chain import ChainFilter
from imconv.composites.ignoring_nan import IgnoringFilter
from imconv.composites.nodata import NoDataFilter
from imconv.composites.partial import selected
from imconv.engine import sources, threads
from imconv.engine.drive import run, stream
from imconv.filters.apply import apply
from imconv.filters.bilateral import bilateral_filter
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.filters.edges import edge_filter
from imconv.filters.guided import guided_filter
from imconv.filters.like import blur_like
from imconv.filters.local import DeviationFilter, contrast_filter
from imconv.filters.morphology import MorphologyFilter
from imconv.filters.pool import pool_filter
from imconv.filters.sharpen import unsharp_filter
from imconv.options import Options
from imconv.pixels.rounding import Tally
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import make_footprint

from ..cases import picture
from ..executing import set_stripe_bytes


def chain(o: Options) -> ChainFilter:
    steps = Options(alpha=o.alpha)
    return ChainFilter((RankFilter(make_footprint(3), 50.0, steps), LinearFilter(box_kernel(5), steps)), o)


FILTERS = {
    "blur": lambda o: LinearFilter(gaussian_kernel(2), o),
    "wide blur": lambda o: LinearFilter(gaussian_kernel(12), o),
    "large kernel": lambda o: LinearFilter(imconv.Kernel(np.random.default_rng(1).random((41, 43))), o),
    "unsharp": lambda o: unsharp_filter(1, 2, 3, None, None, o),
    "edges": lambda o: edge_filter("sobel", "magnitude", o),
    "median": lambda o: RankFilter(make_footprint(5), 50.0, o),
    "pool": lambda o: pool_filter("max", 3, o, stride=1, padding=1),
    "opening": lambda o: MorphologyFilter("opening", make_footprint(5), o),
    "gradient": lambda o: MorphologyFilter("gradient", make_footprint(5), o),
    "bilateral": lambda o: bilateral_filter(1, 20, None, o),
    "guided": lambda o: guided_filter(2, "10%", None, o),
    "deviation": lambda o: DeviationFilter(o, (5, 5)),
    "contrast": lambda o: contrast_filter(2, None, None, None if o.range == "clip" else o.range, None, o),
    "nan ignored": lambda o: IgnoringFilter(gaussian_kernel(2), replace(o, border="normalized", nan="ignore")),
    "no-data": lambda o: NoDataFilter((LinearFilter(gaussian_kernel(2), o),), 7),
    "chain": chain,
    "passes": lambda o: blur_like("scipy", 2.5, None, None, o, None),
    "bank": lambda o: FilterBank([LinearFilter(gaussian_kernel(sigma), o) for sigma in (1, 2, 3)], 1),
}


def part(o: Options):
    """A blur of rows 250 .. 649, and everything around them."""
    return selected(LinearFilter(gaussian_kernel(2), replace(o, region="60x400+10+250")))


EVERY = {**FILTERS, "part": part}


def in_bands(image, height: int = 13):
    return (image[first : first + height] for first in range(0, len(image), height))


def peak_of(work) -> int:
    """Bytes that are taken at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [*EVERY, "linear light"])
def test_out_takes_the_place_of_a_result(name):
    """Whoever gives `out` has no second array of the result in memory."""
    image = picture("uint8", (900, 700), 1)
    work = LinearFilter(gaussian_kernel(2), Options(linear=True)) if name == "linear light" else EVERY[name](Options())
    expected = apply(work, image, threads=1)
    out = np.empty_like(expected)
    without = peak_of(lambda: apply(work, image, threads=1))
    assert peak_of(lambda: apply(work, image, out=out, threads=1)) < without - 0.95 * out.nbytes
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("name", EVERY)
def test_rows_that_are_not_wanted_are_not_computed(name, monkeypatch):
    set_stripe_bytes(monkeypatch, 1)
    monkeypatch.setattr(sources, "BAND_BYTES", 500)
    computed = []
    kept = threads.Crew.run

    def counted(crew, work, first, out, height):
        computed.append(len(out))
        kept(crew, work, first, out, height)

    monkeypatch.setattr(threads.Crew, "run", counted)
    image = picture("float32" if name == "nan ignored" else "uint8", (900, 80), 2)
    plan = EVERY[name](Options()).plan(image.shape, image.dtype, False)
    whole = run(plan, image)
    computed.clear()
    np.testing.assert_array_equal(np.concatenate(list(stream(plan, in_bands(image)))), whole)
    all_rows = sum(computed)
    computed.clear()
    found = np.concatenate(list(stream(plan, in_bands(image), rows=(300, 310))))
    np.testing.assert_array_equal(found, whole[300:310])
    assert 0 < sum(computed) < 0.4 * all_rows


@pytest.mark.parametrize("name", EVERY)
def test_grey_results_are_as_their_picture(name):
    """(H, W) for (H, W), and (H, W, 1) for (H, W, 1), whole or in bands."""
    for shape in ((700, 71), (700, 71, 1)):
        image = picture("uint8", shape, 3)
        work = EVERY[name](Options())
        plan = work.plan(image.shape, image.dtype, False)
        expected = (*plan.shape, *shape[2:])
        found = run(plan, image)
        assert found.shape == apply(work, image).shape == expected
        out = np.empty(expected, found.dtype)
        assert run(plan, image, out=out) is out
        assert np.concatenate(list(stream(plan, in_bands(image)))).shape == expected


def test_colours_made_of_a_grey_picture_have_channels():
    image = picture("uint8", (60, 71), 4)
    hues = edge_filter("sobel", "direction", Options(), hue=True)
    for work in (hues, ChainFilter((LinearFilter(gaussian_kernel(1)), hues), Options())):
        plan = work.plan(image.shape, image.dtype, False)
        assert apply(work, image).shape == (60, 71, 3)
        assert np.concatenate(list(stream(plan, in_bands(image)))).shape == (60, 71, 3)


@pytest.mark.parametrize("name", sorted({*FILTERS} - {"passes", "nan ignored", "no-data"}))
def test_a_range_stretch_counts_alpha(name):
    """Colours are stretched and can't be clipped; alpha beside them is rounded as ever, and counted."""
    image = picture("uint8", (300, 40, 4), 5)
    plan = FILTERS[name](Options(range="stretch", alpha="unweighted")).plan(image.shape, image.dtype, True)
    whole, bands = Tally(), Tally()
    result = run(plan, image, tally=whole)
    np.testing.assert_array_equal(np.concatenate(list(stream(plan, in_bands(image), tally=bands))), result)
    pictures = 3 if name == "bank" else 1
    assert whole.samples == bands.samples == pictures * 300 * 40


def test_nan_lost_between_passes_count():
    """The first pass rounds to whole numbers already, and makes 0 of every NaN; the second one sees none."""
    image = picture("float32", (80, 40), 6)
    image[40, 20] = np.nan
    plan = blur_like("scipy", 2.5, None, None, Options(dtype="uint8"), None).plan(image.shape, image.dtype, False)
    assert [each.target for each in plan.plans] == ["uint8", "uint8"]
    whole, bands = Tally(), Tally()
    with pytest.warns(RuntimeWarning, match="21 results were NaN"):
        run(plan, image, tally=whole)
    with pytest.warns(RuntimeWarning, match="21 results were NaN"):
        list(stream(plan, in_bands(image), tally=bands))
    assert whole.nans == bands.nans == plan.plans[0].rows.taps == 21
