"""No-data left out of windows, against the definition, and as a picture without no-data where there is none."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv import files
from imconv.composites.nodata import leaving_out
from imconv.engine.drive import run, stream
from imconv.errors import FileError, ImconvError, OptionError
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.filters.pool import pool_filter
from imconv.options import Options
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import make_footprint
from tests import naive
from tests.refused import refused

FLOAT64 = 1e-12
FLOAT32 = 2.0**-22  # rounded once, of a sum of few terms
BORDERS = ["reflect", "mirror", "nearest", "constant:7", "wrap", "normalized"]
TYPES = {"uint8": 0, "uint16": 65535, "int32": -9999, "int64": -(2**60), "float32": -9999.0, "float64": math.nan}

rng = np.random.default_rng(8)


def raster(shape, dtype="uint8", nodata=0, share=0.3, seed=1):
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    image = (
        random.integers(1, 250, shape).astype(dtype)
        if dtype.kind in "iu"
        else random.normal(50, 40, shape).astype(dtype)
    )
    image[random.random(shape) < share] = nodata
    return image


def compare(result, found, image, nodata):
    """A result with the naive values `found`: exact for integers, within a rounding for floats."""
    expected = found if image.ndim == 3 else found[..., 0]
    assert result.shape == expected.shape
    if result.dtype.kind in "iu":
        np.testing.assert_array_equal(
            result, np.vectorize(lambda v: naive.sample(v, result.dtype), otypes=[result.dtype])(expected)
        )
        return
    expected = expected.astype(float)
    tolerance = FLOAT32 if result.dtype == np.float32 else FLOAT64
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance * 100)
    same = np.isnan if math.isnan(nodata) else lambda v: v == nodata
    np.testing.assert_array_equal(same(result), same(expected))


def border_of(border):
    return {"border": border.partition(":")[0], "fill": 7}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("border", BORDERS)
def test_correlations(dtype, border):
    nodata, weights = TYPES[dtype], [[1, 2, 4], [8, 0, 16]]
    for shape in ((7, 9), (1, 1), (2, 5, 3)):
        for how in ({}, {"pad": 2}, {"pad": "valid"}, {"stride": (2, 3)}, {"dilation": 2}, {"anchor": (0, 2)}):
            image = raster(shape, dtype, nodata, share=0.5)
            options = {
                "pad": how.get("pad", "same"),
                "stride": how.get("stride", (1, 1)),
                "dilation": (how.get("dilation", 1),) * 2,
            }
            given = weights if image.dtype.kind == "f" else [[Fraction(w, 31) for w in row] for row in weights]
            kernel = imconv.Kernel(given, anchor=how.get("anchor"))
            mean = naive.mean_of(given, image.dtype.kind != "f")
            try:
                found = naive.without_nodata(
                    image, nodata, (2, 3), mean, anchor=how.get("anchor"), **border_of(border), **options
                )
            except naive.NoOutput:
                continue
            except ZeroDivisionError:
                continue  # a window outside the picture
            more = {name: value for name, value in how.items() if name != "anchor"}
            result = imconv.correlate(image, kernel, border=border, nodata=nodata, **more)
            if dtype == "int64":
                assert (result == nodata).any() == (found == nodata).any()
                continue  # sums of such numbers are rounded to float64
            compare(result, found, image, nodata)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("percentile", [0, 30, 50, 100])
def test_ranks(dtype, border, percentile):
    nodata = TYPES[dtype]
    for cells in (np.ones((3, 4), int), np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])):
        for shape in ((7, 9), (3, 2, 2)):
            for how in ({}, {"pad": "full"}, {"stride": (2, 1)}, {"dilation": 2}):
                image = raster(shape, dtype, nodata, share=0.5)
                options = {
                    "pad": how.get("pad", "same"),
                    "stride": how.get("stride", (1, 1)),
                    "dilation": (how.get("dilation", 1),) * 2,
                }
                reduce = naive.rank_among(cells.tolist(), percentile)
                try:
                    found = naive.without_nodata(image, nodata, cells.shape, reduce, **border_of(border), **options)
                except IndexError:
                    continue  # a window outside the picture
                result = imconv.rank(image, percentile, shape=cells, border=border, nodata=nodata, **how)
                expected = found if image.ndim == 3 else found[..., 0]
                np.testing.assert_array_equal(result, expected.astype(image.dtype))


def pooled(operation, taps, whole, padding):
    """The definition of a pool of what is there."""

    def result(there, channel):
        if there is None:
            return None
        samples = [Fraction(f) if whole else f for _, _, f, _ in there]
        n, total = len(samples), sum(samples)
        if operation == "avg":
            return total / n
        if operation == "median":
            ordered = sorted(samples)
            return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        if operation == "stdev":
            return math.sqrt(sum((f - total / n) ** 2 for f in samples) / n)
        if operation == "l2":
            return math.sqrt(sum(f * f for f in samples))
        if operation == "count":
            return sum(f > 100 for f in samples)
        return {"sum": total, "max": max(samples), "min": min(samples), "range": max(samples) - min(samples)}[operation]

    return result


@pytest.mark.parametrize("operation", ["max", "min", "avg", "sum", "count", "stdev", "median", "range", "l2"])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_pools(operation, dtype):
    nodata = TYPES[dtype]
    for shape, size, stride, ceil in (
        ((8, 9), (2, 2), (2, 2), False),
        ((9, 7, 2), (3, 2), (1, 2), False),
        ((7, 7), (2, 3), (2, 3), True),
    ):
        image = raster(shape, dtype, nodata, share=0.6)
        reduce = pooled(operation, size, image.dtype.kind != "f", 0)
        found = naive.without_nodata(
            image, nodata, size, reduce, border="none", pad="valid", stride=stride, anchor=(0, 0), ceil=ceil
        ) if not ceil else naive.without_nodata(
            image, nodata, size, reduce, border="none", pad=(0, 0), stride=stride, anchor=(0, 0), ceil=True
        )  # fmt: skip
        where = "v>100" if operation == "count" else None
        result = imconv.pool(image, operation, size, stride=stride, ceil=ceil, where=where, nodata=nodata)
        compare(result, found, image, nodata)
        assert np.any(found == nodata) or math.isnan(nodata)


@pytest.mark.parametrize("include", [True, False])
def test_pools_count_padding_as_without_nodata(include):
    image = raster((8, 9), "uint8", 0, share=0.4)
    result = imconv.pool(image, "avg", 3, stride=2, padding=1, count_include_pad=include, nodata=0)
    valid = np.where(image == 0, np.nan, image.astype(float))
    padded = np.pad(valid, 1, constant_values=-1)
    for i, j in np.ndindex(result.shape):
        window = padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].ravel()
        window = window[~np.isnan(window)]
        window = np.where(window < 0, 0, window) if include else window[window >= 0]
        assert result[i, j] == (math.floor(window.mean() + 0.5) if window.size else 0)


CALLS = {
    "gaussian_blur": lambda f, **o: imconv.gaussian_blur(f, 1.7, **o),
    "gaussian_blur, wide": lambda f, **o: imconv.gaussian_blur(f, 12, **o),
    "box_blur": lambda f, **o: imconv.box_blur(f, (5, 4), **o),
    "disk_blur": lambda f, **o: imconv.disk_blur(f, 2.5, **o),
    "motion_blur": lambda f, **o: imconv.motion_blur(f, 7, 30, **o),
    "correlate": lambda f, **o: imconv.correlate(f, [[1, 2], [4, 8]], **o),
    "convolve": lambda f, **o: imconv.convolve(f, [[0.1, 0.2, 0.3]], offset=3, **o),
    "median": lambda f, **o: imconv.median(f, 5, **o),
    "rank": lambda f, **o: imconv.rank(f, 20, 3, shape="disk", **o),
    "minimum": lambda f, **o: imconv.minimum(f, 3, **o),
    "maximum": lambda f, **o: imconv.maximum(f, 3, **o),
    "pool": lambda f, **o: imconv.pool(f, "avg", 3, **o),
    "pool, max": lambda f, **o: imconv.pool(f, "max", 2, **o),
    "pool, blur": lambda f, **o: imconv.pool(f, "blur", 3, stride=2, **o),
    "pool, antialias": lambda f, **o: imconv.pool(f, "max", 2, antialias=3, **o),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", TYPES)
def test_without_nodata_samples_nothing_changes(name, dtype):
    call, nodata = CALLS[name], TYPES[dtype]
    for shape in ((40, 37), (17, 20, 3)):
        image = raster(shape, dtype, nodata, share=0)
        np.testing.assert_array_equal(call(image, nodata=nodata), call(image))
    picture = raster((30, 31, 4), dtype, nodata, share=0)
    np.testing.assert_array_equal(call(picture, nodata=nodata, has_alpha=True), call(picture, has_alpha=True))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_far_from_nodata_nothing_changes(name, dtype):
    image = raster((160, 140), dtype, TYPES[dtype], share=0)
    whole = CALLS[name](image)
    image[100:, 90:] = TYPES[dtype]
    result = CALLS[name](image, nodata=TYPES[dtype])
    rows, columns = (50 * n // 160 for n in whole.shape)
    if dtype == "uint8":
        np.testing.assert_array_equal(result[:rows, :columns], whole[:rows, :columns])
    else:
        np.testing.assert_allclose(result[:rows, :columns], whole[:rows, :columns], rtol=1e-5)
    assert (result == TYPES[dtype]).any()
    assert (image == TYPES[dtype]).sum() == 60 * 50


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_gaussians_are_those_of_two_filters(dtype):
    nodata = TYPES[dtype]
    image = raster((60, 75), dtype, nodata)
    there = ~np.isnan(image) if math.isnan(nodata) else image != nodata
    for sigma in (0.7, 3):

        def smooth(f, sigma=sigma):
            return ndimage.gaussian_filter(f, sigma)

        expected = smooth(np.where(there, image, 0).astype(float)) / smooth(there.astype(float))
        expected[~there] = nodata
        result = imconv.gaussian_blur(image, sigma, nodata=nodata)
        np.testing.assert_allclose(result, expected, atol=0.5001 if dtype == "uint16" else 1e-9)


@given(st.integers(0, 999), st.sampled_from(["uint8", "float32"]), st.sampled_from(BORDERS), st.floats(0, 1))
def test_boxes_of_any_share(seed, dtype, border, share):
    random = np.random.default_rng(seed)
    shape, size = tuple(random.integers(1, 12, 2)), tuple(int(n) for n in random.integers(1, 6, 2))
    nodata = TYPES[dtype]
    image = raster(shape, dtype, nodata, share, seed)
    weights = [[Fraction(1, size[0] * size[1])] * size[1]] * size[0]
    found = naive.without_nodata(image, nodata, size, naive.mean_of(weights, dtype == "uint8"), **border_of(border))
    compare(imconv.box_blur(image, size, border=border, nodata=nodata), found, image, nodata)


def test_alpha_is_never_nodata():
    image = raster((9, 11, 4), "uint8", 0, share=0.3)
    image[..., 3] = np.where(image[..., 3] == 0, 0, 200)
    for alpha in ("keep", "unweighted", "separate", "weight"):
        result = imconv.box_blur(image, 3, nodata=0, has_alpha=True, alpha=alpha)
        np.testing.assert_array_equal(result[..., 3], imconv.box_blur(image, 3, has_alpha=True, alpha=alpha)[..., 3])
        np.testing.assert_array_equal(result[..., :3] == 0, image[..., :3] == 0)
        if alpha in ("unweighted", "separate"):
            np.testing.assert_array_equal(result[..., :3], imconv.box_blur(image[..., :3].copy(), 3, nodata=0))
    result = imconv.box_blur(image, 3, nodata=0, has_alpha=True)
    cover, colours = (
        np.pad(image[..., n].astype(int), ((1, 1), (1, 1), (0, 0)), "symmetric") for n in ([3], [0, 1, 2])
    )
    for i, j, c in np.ndindex(9, 11, 3):
        a, f = cover[i : i + 3, j : j + 3, 0].ravel(), colours[i : i + 3, j : j + 3, c].ravel()
        there = f != 0
        if image[i, j, c] == 0:
            continue
        mean = (a * f)[there].sum() / a[there].sum() if a[there].any() else f[there].mean()
        assert result[i, j, c] == math.floor(mean + 0.5), (i, j, c)
    pooled = imconv.pool(image, "avg", 2, nodata=0, has_alpha=True)
    for i, j, c in np.ndindex(pooled[..., :3].shape):
        part = np.s_[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        a, f = image[part][..., 3].ravel().astype(int), image[part][..., c].ravel().astype(int)
        there = f != 0
        mean = (a * f)[there].sum() / a[there].sum() if a[there].any() else f[there].mean() if there.any() else 0
        assert pooled[i, j, c] == math.floor(mean + 0.5)
    np.testing.assert_array_equal(pooled[..., 3], imconv.pool(image, "avg", 2, has_alpha=True)[..., 3])


FILTERS = {
    "gaussian": lambda o: LinearFilter(gaussian_kernel((3, 3)), o),
    "box": lambda o: LinearFilter(box_kernel((9, 4)), o),
    "odd kernel": lambda o: LinearFilter(imconv.Kernel([[1, 2, 4], [8, 16, 33]]), o),
    "median": lambda o: RankFilter(make_footprint(5, "disk"), 50.0, o),
    "pool": lambda o: pool_filter("median", (3, 2), o, stride=(2, 1)),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("border", ["reflect", "wrap", "normalized"])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_same_bits_for_any_threads_bands_and_rows(name, border, dtype, monkeypatch):
    from imconv.composites import nodata as module

    nodata = -1.5 if dtype == "float64" else 0
    image = raster((157, 130, 3), dtype, nodata, share=0.1)
    image[60:90] = nodata
    work = leaving_out(FILTERS[name](Options(border=border, nodata=nodata)))
    plan = work.plan(image.shape, image.dtype, False)
    assert "left out of every window" in str(plan)
    whole = run(plan, image, threads=1)
    for threads in (2, 3):
        np.testing.assert_array_equal(run(plan, image, threads=threads), whole)
    monkeypatch.setattr(module, "BLOCK", 5000)
    for cuts in ((1, 51), (), range(7, len(image), 7)):
        np.testing.assert_array_equal(np.concatenate(list(stream(plan, iter(np.split(image, cuts)), threads=2))), whole)
    rows = (20, 70)
    some = np.concatenate(list(stream(plan, iter(np.array_split(image, 10)), rows)))
    np.testing.assert_array_equal(some, whole[slice(*rows)])


def test_region_channels_and_mask():
    image = raster((20, 24, 3), "uint8", 0)
    whole = imconv.box_blur(image, 3, nodata=0)
    region = imconv.box_blur(image, 3, nodata=0, region="10x8+5+6")
    expected = image.copy()
    expected[6:14, 5:15] = whole[6:14, 5:15]
    np.testing.assert_array_equal(region, expected)
    np.testing.assert_array_equal(imconv.box_blur(image, 3, nodata=0, region="10x8+5+6", crop=True), whole[6:14, 5:15])
    expected = image.copy()
    expected[..., 1] = whole[..., 1]
    np.testing.assert_array_equal(imconv.box_blur(image, 3, nodata=0, channels="g"), expected)
    for dtype, nodata in (("uint8", 0), ("float32", -3.4028234663852886e38), ("float64", math.nan)):
        image = raster((20, 24, 3), dtype, nodata)
        hidden = np.isnan(image) if math.isnan(nodata) else image == image.dtype.type(nodata)
        mask = np.full((20, 24), 85, np.uint8)
        mask[:, :8], mask[:, 16:] = 0, 255
        for call in (imconv.box_blur, imconv.median):
            whole, result = call(image, 3, nodata=nodata), call(image, 3, nodata=nodata, mask=mask)
            np.testing.assert_array_equal(result[:, :8], image[:, :8])
            np.testing.assert_allclose(result[:, 16:], whole[:, 16:], rtol=0 if dtype == "uint8" else FLOAT32)
            np.testing.assert_array_equal(result[hidden], image[hidden])
            middle = (whole * (1 / 3) + image * (2 / 3))[:, 8:16][~hidden[:, 8:16]]
            np.testing.assert_allclose(
                result[:, 8:16][~hidden[:, 8:16]], middle, atol=1.01 if dtype == "uint8" else 1e-4
            )


def test_chains():
    for dtype, nodata in (("uint8", 0), ("float32", -9999)):
        image = raster((20, 24), dtype, nodata)
        once = imconv.box_blur(image.astype(np.float64), 3, nodata=nodata)
        twice = imconv.median(once, 3, nodata=nodata)
        from imconv.composites.chain import ChainFilter
        from imconv.filters.apply import apply

        steps = (FILTERS["box"](Options()), RankFilter(make_footprint(3), 50.0, Options()))
        steps = (LinearFilter(box_kernel((3, 3)), Options()), steps[1])
        result = apply(ChainFilter(steps, Options(nodata=nodata)), image)
        np.testing.assert_array_equal(result == nodata, image == nodata)
        np.testing.assert_allclose(result, twice, atol=0.501 if dtype == "uint8" else 1e-3)


def test_results_of_other_types_offsets_and_ranges():
    image = raster((12, 15), "int32", -9999)
    result = imconv.box_blur(image, 3, dtype="float64", offset=2, nodata=-9999)
    assert result.dtype == np.float64
    valid = np.where(image == -9999, np.nan, image)
    padded = np.pad(valid, 1, "symmetric")
    for i, j in np.ndindex(image.shape):
        if image[i, j] == -9999:
            assert result[i, j] == -9999
        else:
            assert result[i, j] == pytest.approx(np.nanmean(padded[i : i + 3, j : j + 3]) + 2)
    negative = raster((12, 15), "float32", 7.0) * np.float32(-1)
    np.testing.assert_array_equal(
        imconv.box_blur(negative, 3, range="abs", nodata=-7), np.where(negative == -7, -7, abs(imconv.box_blur(negative, 3, nodata=-7)))
    )  # fmt: skip
    big = np.full((9, 9), 250, np.uint8)
    big[2, 2] = 0
    with pytest.raises(ImconvError, match="results leave"):
        imconv.correlate(big, [[1, 1]], range="error", nodata=0)
    ranks = imconv.median(raster((9, 9), "uint8", 0), 3, nodata=0, dtype="uint16", offset=1)
    assert ranks.dtype == np.uint16


def test_nan_that_is_no_nodata_follows_ieee():
    image = np.ones((11, 11))
    image[5, 5], image[1, 1] = np.nan, -1
    result = imconv.box_blur(image, 3, nodata=-1)
    assert np.isnan(result).sum() == 9
    assert (result == -1).sum() == 1
    image[5, 6] = -1
    assert np.isnan(imconv.box_blur(image, 3, nodata=-1)).sum() == 8
    assert (imconv.box_blur(image, 3, nodata=math.nan) != 1).sum() == 18


def test_all_nodata():
    for dtype, nodata in TYPES.items():
        image = np.full((6, 7), nodata, dtype)
        for call in CALLS.values():
            result = call(image, nodata=nodata)
            np.testing.assert_array_equal(result, np.full(result.shape, nodata, result.dtype))


def test_a_picture_states_its_value():
    pixels = raster((9, 9), "float32", -9999)
    metadata = files.Metadata(nodata="-9999")
    result = imconv.box_blur(files.Picture(pixels, metadata=metadata), 3, nodata="auto")
    np.testing.assert_array_equal(result.pixels, imconv.box_blur(pixels, 3, nodata=-9999))
    assert result.metadata.nodata == "-9999"
    # a value that no sample can have: nothing is no-data
    bytes_ = files.Picture(raster((9, 9), "uint8", 0), metadata=metadata)
    np.testing.assert_array_equal(imconv.box_blur(bytes_, 3, nodata="auto").pixels, imconv.box_blur(bytes_.pixels, 3))
    refused(FileError, "states no no-data value", imconv.box_blur, files.Picture(pixels), 3, nodata="auto")
    refused(OptionError, "give the value", imconv.box_blur, pixels, 3, nodata="auto")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, o: imconv.box_blur(f, 3, nodata="none"), "nodata must be a number, nan or auto, not 'none'"),
        (lambda f, o: imconv.box_blur(f, 3, nodata=300), "nodata=300 is no sample of a picture of uint8"),
        (lambda f, o: imconv.box_blur(f, 3, nodata=0.5), "nodata=0.5 is no sample"),
        (lambda f, o: imconv.box_blur(f, 3, nodata=math.nan), "nodata=nan is no sample"),
        (lambda f, o: imconv.box_blur(f.astype(np.int32), 3, nodata=-1, dtype="uint8"), "no sample of a result of uint8"),
        (lambda f, o: imconv.correlate(f, "laplacian-4", **o), "nodata= needs weights that are not negative"),
        (lambda f, o: imconv.sharpen(f, **o), "nodata= needs weights that are not negative"),
        (lambda f, o: imconv.edges(f, **o), "nodata= goes with blur"),
        (lambda f, o: imconv.unsharp_mask(f, 2, **o), "nodata= goes with blur"),
        (lambda f, o: imconv.bilateral(f, 2, 30, **o), "nodata= goes with blur"),
        (lambda f, o: imconv.opening(f, 3, **o), "nodata= goes with blur"),
        (lambda f, o: imconv.local_contrast(f, 3, **o), "nodata= goes with blur"),
        (lambda f, o: imconv.edges(f, show="x", **o), "nodata= goes with blur"),
        (lambda f, o: imconv.box_blur(f, 3, like="pillow", **o), "nodata= goes with blur"),
        (lambda f, o: imconv.box_blur(f, 3, nan="ignore", border="normalized", **o), "give one of them"),
        (lambda f, o: imconv.box_blur(f, 3, linear=True, **o), "linear=True decodes"),
        (lambda f, o: imconv.box_blur(f, 3, depth=16, **o), "depth= would rescale"),
        (lambda f, o: imconv.box_blur(f, 3, range="stretch", **o), "range='stretch' maps"),
        (lambda f, o: imconv.box_blur(np.dstack([f] * 3), 3, channels="luma", **o), "luma mixes channels"),
        (lambda f, o: imconv.plan((9, 9), "uint8", [[1]], **o), "leave out nodata"),
    ],
)  # fmt: skip
def test_errors(call, words):
    refused(OptionError, words, call, raster((9, 9), "uint8", 0), {"nodata": 0})
