"""Smoothing that leaves NaN out, against two filters of scipy.ndimage: of what is there, and of whether it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.filters.correlate import linear_filter
from imconv.options import Options
from tests.bounds import assert_levels
from tests.cases import LAYOUTS, laid_out
from tests.executing import threads_and_bands_change_nothing

FLOAT64 = 1e-12
FLOAT32 = 2.0**-23  # rounded once
IGNORE = {"border": "normalized", "nan": "ignore"}

rng = np.random.default_rng(8)


def with_holes(shape, dtype="float64", share=0.3, seed=1):
    random = np.random.default_rng(seed)
    image = (random.random(shape) * 200 - 50).astype(dtype)
    image[random.random(shape) < share] = np.nan
    return image


def reference(image, smooth):
    """`smooth` of what is there over `smooth` of whether it is; outside is nothing."""
    there = ~np.isnan(image)
    with np.errstate(invalid="ignore"):
        return smooth(np.where(there, image, 0)) / smooth(there.astype(float))


def channelled(image, smooth):
    deep = image if image.ndim == 3 else image[..., None]
    planes = [reference(deep[..., c].astype(float), smooth) for c in range(deep.shape[2])]
    return np.stack(planes, axis=2).reshape(image.shape)


@pytest.mark.parametrize("sigma", [0.7, 2, 9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussians(sigma, dtype):
    image = with_holes((60, 75), dtype)
    expected = channelled(image, lambda f: ndimage.gaussian_filter(f, sigma, mode="constant"))
    result = imconv.gaussian_blur(image, sigma, **IGNORE)
    assert result.dtype == image.dtype
    rtol = FLOAT32 if dtype == "float32" else 0
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=FLOAT64 * 200)


@given(
    st.sampled_from(["float16", "float32", "float64", ">f4"]),
    st.tuples(st.integers(1, 9), st.integers(1, 12)),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.floats(0, 1),
    st.sampled_from(LAYOUTS),
    st.integers(0, 99),
)
def test_boxes(dtype, shape, channels, size, share, layout, seed):
    shape = shape if channels is None else (*shape, channels)
    image = laid_out(with_holes(shape, dtype, share, seed), layout)
    expected = channelled(image, lambda f: ndimage.correlate(f, np.ones(size), mode="constant"))
    result = imconv.box_blur(image, size, **IGNORE)
    assert result.dtype == image.dtype.newbyteorder("=")
    error = {2: 2.0**-10, 4: FLOAT32, 8: 0}[image.dtype.itemsize]
    np.testing.assert_allclose(result, expected, rtol=error, atol=FLOAT64 * 200)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))


KERNELS = {
    "asymmetric": [[1, 2, 4], [8, 16, 32]],
    "of rank 2": [[0, 1, 0], [1, 4, 1], [0, 1, 0]],
    "of rank 2, large": (np.add.outer(np.arange(9) ** 2, np.arange(9)) + 0.1).tolist(),
    "so large that it is transformed": np.add.outer(np.arange(81.0) ** 2, np.sin(np.arange(81)) + 2).tolist(),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("turned", [False, True])
def test_kernels(name, turned):
    weights = np.array(KERNELS[name], float)
    image = with_holes((90, 95), share=0.97 if weights.size < 100 else 0.5)
    if weights.size > 100:
        image[:, 50:] = np.nan
    operation, oracle = (imconv.convolve, ndimage.convolve) if turned else (imconv.correlate, ndimage.correlate)
    expected = weights.sum() * reference(image, lambda f: oracle(f, weights, mode="constant"))
    result = operation(image, KERNELS[name], **IGNORE)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    assert np.isnan(expected).any()
    np.testing.assert_allclose(result, expected, rtol=1e-11)


def test_without_nan_it_is_the_normalized_border():
    image = rng.random((20, 30, 3))
    for smooth in (
        lambda **o: imconv.gaussian_blur(image, 1.5, truncate=4, **o),
        lambda **o: imconv.box_blur(image, 4, **o),
    ):
        np.testing.assert_allclose(smooth(**IGNORE), smooth(border="normalized"), atol=1e-13)


def test_whole_numbers_have_none():
    image = (rng.random((20, 30, 3)) * 255).astype(np.uint8)
    np.testing.assert_array_equal(imconv.box_blur(image, 5, **IGNORE), imconv.box_blur(image, 5, border="normalized"))


def test_infinity_follows_ieee():
    image = with_holes((15, 15), share=0)
    image[7, 7] = np.inf
    result = imconv.box_blur(image, 3, **IGNORE)
    assert (result[6:9, 6:9] == np.inf).all()
    assert np.isfinite(result).sum() == 15 * 15 - 9
    image[7, 8] = -np.inf
    assert np.isnan(imconv.box_blur(image, 3, **IGNORE)[7, 7])


def test_kept_nan():
    image = with_holes((15, 15), share=0)
    image[7, 7] = np.nan
    for options in ({}, {"nan": "keep"}, {"nan": None}):
        assert np.isnan(imconv.box_blur(image, 3, **options)).sum() == 9


def test_alpha_offset_and_whole_results():
    image = with_holes((12, 15, 4), "float32")
    result = imconv.box_blur(image, 3, has_alpha=True, **IGNORE)
    np.testing.assert_array_equal(result[..., :3], imconv.box_blur(image[..., :3], 3, **IGNORE))
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    separate = imconv.box_blur(image, 3, has_alpha=True, alpha="separate", **IGNORE)
    np.testing.assert_array_equal(separate, imconv.box_blur(image, 3, **IGNORE))
    grey = with_holes((12, 15), share=0.2)
    kernel = imconv.Kernel([[1, 2, 1]] * 3, offset=3)
    found = imconv.correlate(grey, kernel, offset=4, **IGNORE)
    np.testing.assert_allclose(found, imconv.correlate(grey, [[1, 2, 1]] * 3, **IGNORE) + 7)
    assert not np.isnan(found).any()
    assert_levels(imconv.correlate(grey, kernel, offset=4, dtype="uint8", **IGNORE), found, 1e-9)
    with pytest.warns(RuntimeWarning, match="180 results were NaN"):
        imconv.box_blur(np.full((12, 15), np.nan), 3, dtype="uint8", **IGNORE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_threads_and_bands(dtype):
    image = with_holes((157, 130, 3), dtype)
    for kernel in (gaussian_kernel(3), box_kernel((9, 4)), imconv.Kernel([[1, 2, 4], [8, 16, 32]])):
        work = linear_filter(kernel, Options(**IGNORE))
        assert "sums of what is there" in str(work.plan(image.shape, image.dtype, False))
        threads_and_bands_change_nothing(work, image)


# --- ranks, pools and deviations ---
def percentile(percent):
    def of(window):
        there = np.sort(window[~np.isnan(window)])
        return there[min(int(len(there) * percent / 100), len(there) - 1)] if len(there) else np.nan

    return of


def population(window):
    return window[~np.isnan(window)].std() if not np.isnan(window).all() else np.nan


WINDOWS = {
    "median": (lambda f, **o: imconv.median(f, (3, 5), **o), percentile(50)),
    "min": (lambda f, **o: imconv.minimum(f, (3, 5), **o), percentile(0)),
    "max": (lambda f, **o: imconv.maximum(f, (3, 5), **o), percentile(100)),
    "rank": (lambda f, **o: imconv.rank(f, 30, (3, 5), **o), percentile(30)),
    "deviation": (lambda f, **o: imconv.local_deviation(f, (3, 5), **o), population),
}
SCIPY = {"reflect": "reflect", "nearest": "nearest", "wrap": "wrap", "constant:7": "constant"}


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows_of_what_is_there(name, dtype, border):
    """ignore fills holes; nodata nan leaves them as they are; keep lets NaN spread, or ranks it last."""
    call, of = WINDOWS[name]
    image = with_holes((30, 26), dtype)
    image[9:16, 8:17] = np.nan
    how = {"size": (3, 5), "mode": SCIPY[border], "cval": 7}
    expected = ndimage.generic_filter(image.astype(float), of, **how)
    tolerance = 1e-4 if name == "deviation" else 0  # of numbers up to 200, one of float32's last places
    result = call(image, border=border, nan="ignore")
    assert result.dtype == image.dtype
    assert np.isnan(expected).any()
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)
    holes = np.where(np.isnan(image), np.nan, expected)
    np.testing.assert_allclose(call(image, border=border, nodata=np.nan), holes, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_beside_alpha_in_bands_and_in_other_types(name):
    call, _ = WINDOWS[name]
    image = with_holes((50, 26, 4), "float32")
    image[..., 3] = 0.5
    result = call(image, has_alpha=True, alpha="unweighted", border="constant:7", nan="ignore")
    plain = call(image[..., :3].copy(), border="constant:7", nan="ignore")
    np.testing.assert_array_equal(result[..., :3], plain)
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    unit = np.abs(plain[..., 0]) / 300
    unit[4:9, 4:11] = np.nan
    with pytest.warns(RuntimeWarning, match="results were NaN and became 0"):
        levels = call(unit, depth=8, nan="ignore")
    floats = call(unit, nan="ignore")
    assert_levels(levels, np.nan_to_num(floats.astype(np.float64)) * 255, 1e-4)
    whole = np.arange(90, dtype=np.uint8).reshape(9, 10)
    np.testing.assert_array_equal(call(whole, nan="ignore"), call(whole))
    region = call(image[..., 0].copy(), nan="ignore", region="10x20+3+5")
    np.testing.assert_array_equal(region[5:25, 3:13], call(image[..., 0].copy(), nan="ignore")[5:25, 3:13])


def test_bands_and_threads_of_windows(monkeypatch):
    from imconv.composites.nodata import leaving_out
    from imconv.filters.local import DeviationFilter
    from imconv.filters.pool import pool_filter
    from imconv.stages.ranking.filter import RankFilter
    from imconv.stages.ranking.footprint import make_footprint
    from tests.executing import set_stripe_bytes

    set_stripe_bytes(monkeypatch, 1)
    options = Options(nan="ignore")
    for work in (RankFilter(make_footprint((5, 3)), 50.0, options), DeviationFilter(options, (3, 5)), pool_filter("avg", 3, options)):  # fmt: skip
        threads_and_bands_change_nothing(leaving_out(work), with_holes((61, 33), "float32"))


def test_pools_of_what_is_there():
    image = with_holes((8, 10))
    image[2:4, 4:6] = np.nan
    windows = image.reshape(4, 2, 5, 2).swapaxes(1, 2).reshape(4, 5, 4)
    for op, of in (("avg", np.nanmean), ("max", np.nanmax), ("median", np.nanmedian), ("stdev", np.nanstd)):
        found = imconv.pool(image, op, 2, nan="ignore")
        assert np.isnan(found[1, 2])
        there = ~np.isnan(windows).all(axis=2)
        np.testing.assert_allclose(found[there], of(windows[there], axis=1), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda f: imconv.box_blur(f, 3, nan="ignore"), "nan='ignore' needs border='normalized', not 'reflect'"),
        (lambda f: imconv.box_blur(f, 3, nan="drop", border="normalized"), "nan must be keep or ignore, not 'drop'"),
        (lambda f: imconv.correlate(f, "laplacian-4", **IGNORE), "weights that are not negative"),
        (lambda f: imconv.sharpen(f, **IGNORE), "nan='ignore' goes with means and ranks"),
        (lambda f: imconv.edges(f, **IGNORE), "nan='ignore' goes with means and ranks.* need every sample"),
        (lambda f: imconv.edges(f, show="x", **IGNORE), "nan='ignore' goes with means and ranks"),
        (lambda f: imconv.unsharp_mask(f, 2, **IGNORE), "nan='ignore' goes with means and ranks"),
        (lambda f: imconv.opening(f, 3, **IGNORE), "nan='ignore' goes with means and ranks"),
        (lambda f: imconv.pool(f, "max", 2, antialias=True, nan="ignore"), "does not go with antialias"),
        (lambda f: imconv.pool(f, "blur", 2, nan="ignore"), "nan='ignore' goes with means and ranks"),
        (lambda f: imconv.median(f, 3, nan="ignore", nodata=0), "nan='ignore' and nodata="),
        (lambda f: imconv.edges(f, nan="drop"), "nan must be keep or ignore"),
        (lambda f: imconv.box_blur(f, 3, stride=2, **IGNORE), "nan='ignore' has no stride"),
        (lambda f: imconv.box_blur(f, 3, pad="valid", **IGNORE), "leave out pad"),
        (
            lambda f: imconv.box_blur(f, 3, has_alpha=True, alpha="weight", **IGNORE),
            "needs alpha='unweighted' or alpha='separate', not 'weight'",
        ),
    ],
)
def test_errors(call, match):
    with pytest.raises(imconv.ImconvError, match=match):
        call(np.zeros((9, 9, 4)))
