"""Order statistics: against the slow reference, against scipy.ndimage bit for bit, every algorithm, bands, threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv import ImconvError, Kernel
from imconv.composites.chain import ChainFilter
from imconv.engine.drive import run, stream
from imconv.errors import OptionError
from imconv.filters.apply import apply
from imconv.options import Options
from imconv.stages.ranking.algorithms import BY_NAME as ALGORITHMS
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import SHAPES, make_footprint, rank_of
from imconv.stages.ranking.sortable import samples_of, sortable
from tests import cases, naive
from tests.executing import execute, set_stripe_bytes
from tests.refused import refused

TYPES = ("bool", "uint8", "uint16", "int8", "int16", "int32", "uint32", "int64", "uint64", "float32", "float64")
BORDERS = ("reflect", "mirror", "nearest", "constant", "wrap", "normalized")
SCIPY = {"reflect": "reflect", "mirror": "mirror", "nearest": "nearest", "constant": "constant", "wrap": "wrap"}
RANDOM = np.random.default_rng(17)


def noise(dtype, shape=(61, 97), seed=1) -> np.ndarray:
    """Few levels among many, so that there are ties; the ends of the type too."""
    return cases.picture(dtype, shape, seed, zeros=True)


# --- the slow reference ---
@st.composite
def ranks(draw):
    """A picture, cells, a percentile and a geometry."""
    dtype = draw(st.sampled_from((*cases.WHOLE, *cases.FLOATS)))
    channels = draw(st.sampled_from([None, 1, 2, 3, 4]))
    wide = draw(st.sampled_from([1, 2, 5, 7, 40, 67]))
    shape = (
        draw(cases.sides) if wide < 10 else draw(st.integers(1, 3)),
        wide,
        *([] if channels is None else [channels]),
    )
    image = cases.picture(dtype, shape, draw(cases.seeds), draw(st.booleans()))
    if image.dtype.kind == "f" and draw(st.booleans()):
        image[np.random.default_rng(draw(cases.seeds)).random(shape) < 0.2] = np.nan
    image = cases.laid_out(image, draw(st.sampled_from(cases.LAYOUTS)))
    size = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    cells = np.ones(size, bool)
    if draw(st.booleans()):
        cells = np.random.default_rng(draw(cases.seeds)).random(size) < 0.6
        cells[draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))] = True
    percentile = draw(st.sampled_from([0, 50, 100]) | st.floats(0, 100))
    return image, cells, percentile, draw(cases.geometries(cells, BORDERS, channels or 1, image.dtype.kind in "biu"))


@given(ranks())
def test_the_definition(case):
    image, cells, percentile, geometry = case
    options = geometry.options()
    try:
        expected = naive.ranked(image, cells.tolist(), percentile, **geometry.naive())
    except (naive.NoOutput, naive.NoWeight):
        with pytest.raises(OptionError):
            imconv.rank(image, percentile, shape=cells, **options)
        return
    result = imconv.rank(image, percentile, shape=cells, **options)
    assert result.dtype == image.dtype.newbyteorder("=")
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("border", BORDERS)
def test_windows_larger_than_the_picture(dtype, border):
    image = noise(dtype, (5, 4))
    for cells in (np.ones((13, 15), bool), make_footprint(12, "disk").cells, np.ones((1, 23), bool)):
        expected = naive.ranked(image, cells.tolist(), 30, border=border)
        np.testing.assert_array_equal(imconv.rank(image, 30, shape=cells, border=border), expected)


# --- scipy.ndimage, bit for bit ---
SIZES = (1, 2, 3, 4, 5, 6, 7, (3, 8), (2, 1), 9, 12, 21)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_squares_as_in_scipy(dtype, size):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = noise(dtype, (40, 83))
    np.testing.assert_array_equal(imconv.median(image, size), ndimage.median_filter(image, size))
    np.testing.assert_array_equal(imconv.minimum(image, size), ndimage.minimum_filter(image, size))
    np.testing.assert_array_equal(imconv.maximum(image, size), ndimage.maximum_filter(image, size))
    np.testing.assert_array_equal(imconv.rank(image, 23, size), ndimage.percentile_filter(image, 23, size))


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_borders_and_anchors_as_in_scipy(border, dtype, shape):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = noise(dtype, (27, 70))
    for size in (3, 6, 9):
        cells = make_footprint(size, shape).cells
        for origin in (0, 1, -1):
            anchor = (size // 2 + origin, size // 2)
            given = {"shape": shape, "anchor": anchor, "border": "constant:17" if border == "constant" else border}
            known = {"footprint": cells, "mode": border, "cval": 17, "origin": (origin, 0)}
            np.testing.assert_array_equal(imconv.median(image, size, **given), ndimage.median_filter(image, **known))
            np.testing.assert_array_equal(imconv.maximum(image, size, **given), ndimage.maximum_filter(image, **known))


def test_scikit_image_has_the_same_disks_and_diamonds():
    morphology = pytest.importorskip("skimage.morphology")
    for radius in range(8):
        np.testing.assert_array_equal(make_footprint(2 * radius + 1, "disk").cells, morphology.disk(radius))
        np.testing.assert_array_equal(make_footprint(2 * radius + 1, "diamond").cells, morphology.diamond(radius))


def test_opencv():
    cv2 = pytest.importorskip("cv2")
    image = noise("uint8", (60, 80, 3))
    for size in (3, 5, 7, 11, 31):
        np.testing.assert_array_equal(imconv.median(image, size, border="nearest"), cv2.medianBlur(image, size))
    kernel = np.ones((5, 9), np.uint8)
    np.testing.assert_array_equal(imconv.minimum(image, (5, 9), border="nearest"), cv2.erode(image, kernel, borderType=cv2.BORDER_REPLICATE))  # fmt: skip


# --- every algorithm ---
WINDOWS = [make_footprint(3), make_footprint(5), make_footprint((4, 7)), make_footprint(9, "disk"), make_footprint(19)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_algorithm_gives_the_same(algorithm, dtype, channels):
    image = noise(dtype, (50, 1100 // channels, channels) if algorithm == "histogram" else (50, 75, channels))
    done = 0
    for footprint in WINDOWS:
        for percentile in (0.0, 50.0, 81.0, 100.0):
            work = RankFilter(footprint, percentile, algorithm=algorithm)
            try:
                result = apply(work, image)
            except OptionError:
                continue
            expected = np.sort(windows(image, footprint), axis=0)[work.plan(image.shape, image.dtype, False).rank]
            np.testing.assert_array_equal(result, expected)
            done += 1
    assert done or (algorithm, dtype) not in ORDINARY


ORDINARY = {(name, "uint8") for name in ALGORITHMS if name != "ordinals"} | {("ordinals", "float32")}


def windows(image, footprint) -> np.ndarray:
    """All samples of every window (cells, rows, columns, channels), border reflect."""
    (top, left), (height, width) = footprint.anchor, footprint.shape
    margins = ((top, height - 1 - top), (left, width - 1 - left), (0, 0))
    padded = np.pad(image, margins, mode="symmetric")
    rows, columns = image.shape[:2]
    return np.stack([padded[k : k + rows, m : m + columns] for k, m in np.argwhere(footprint.cells)])


@pytest.mark.parametrize(("size", "percentile"), [((260, 3), 20), ((300, 250), 50)], ids=str)
def test_windows_that_bytes_and_16_bits_do_not_count(size, percentile):
    image = noise("uint8", (310, 40))
    result = imconv.rank(image, percentile, size)
    (top, left), (height, width) = (size[0] // 2, size[1] // 2), size
    padded = np.pad(image, ((top, height - 1 - top), (left, width - 1 - left)), mode="symmetric")
    for y, x in ((0, 0), (130, 39), (309, 20)):
        window = np.sort(padded[y : y + height, x : x + width].ravel())
        assert result[y, x] == window[int(window.size * percentile / 100)]


def test_tall_windows_of_floats_are_cut_into_tiles():
    image = noise("float64", (330, 5))
    result = imconv.median(image, (401, 7))
    padded = np.pad(image, ((200, 200), (3, 3)), mode="symmetric")
    for y, x in ((0, 0), (150, 2), (329, 4)):
        assert result[y, x] == np.sort(padded[y : y + 401, x : x + 7].ravel())[401 * 7 // 2]


# --- numbers ---
@pytest.mark.parametrize("dtype", TYPES)
def test_sortable_integers_have_the_samples_order(dtype):
    image = noise(dtype, (50,))
    if image.dtype.kind == "f":
        image = np.concatenate([image, np.array([np.inf, -np.inf, -0.0, 5e-324, -5e-324], dtype)])
    keys = sortable(image)
    assert keys.dtype.kind == "u"
    np.testing.assert_array_equal(samples_of(keys, image.dtype), image)
    np.testing.assert_array_equal(image[np.argsort(keys, kind="stable")], np.sort(image))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", [3, 5, (3, 4), 9])
def test_nan_counts_as_larger_than_every_number(dtype, size):
    image = RANDOM.random((30, 40)).astype(dtype)
    image[3:5, 6:9] = image[20:, 30:] = np.nan
    image[10, 10], image[11, 10] = np.inf, -np.inf
    for percentile in (0, 50, 70, 100):
        found = imconv.rank(image, percentile, size)
        footprint = make_footprint(size)
        ordered = np.sort(windows(image[..., None], footprint), axis=0)  # numpy too puts NaN last
        rank = RankFilter(footprint, percentile).plan(image.shape, image.dtype, False).rank
        np.testing.assert_array_equal(found, ordered[rank][..., 0])
    assert found.dtype == image.dtype


def test_negative_nan_is_no_other():
    image = np.array([[1, 2, -np.nan, 3]], np.float32)
    np.testing.assert_array_equal(imconv.maximum(image, (1, 3)), [[2, np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(imconv.minimum(image, (1, 3)), [[1, 1, 2, 3]])


def test_depth_and_other_types_are_rounded_once():
    image = noise("uint16", (20, 30))
    median = imconv.median(image, 3).astype(int)
    np.testing.assert_array_equal(imconv.median(image, 3, depth=8), np.floor(median / 257 + 0.5))
    np.testing.assert_array_equal(imconv.median(image, 3, dtype="uint8"), np.minimum(median, 255))
    np.testing.assert_array_equal(imconv.median(image, 3, offset=-300), np.maximum(median - 300, 0))
    np.testing.assert_array_equal(imconv.median(image, 3, depth="float"), (median / 65535).astype(np.float32))
    stretched = imconv.median(image, 3, range="stretch")
    assert (stretched.min(), stretched.max()) == (0, 65535)
    lost = np.array([[1.0, np.nan, np.nan]], np.float32)
    with pytest.warns(RuntimeWarning, match="NaN"):
        assert imconv.maximum(lost, (1, 2), dtype="uint8").tolist() == [[1, 0, 0]]


def test_a_border_value_between_two_levels_is_rounded_as_a_result_would_be():
    image = np.full((1, 3), 7, np.uint8)
    assert imconv.maximum(image, (1, 3), border="constant:200.5").tolist() == [[201, 7, 201]]
    assert imconv.maximum(image, (1, 3), border="constant:1e9").tolist() == [[255, 7, 255]]
    refused(OptionError, "float picture", imconv.maximum, image, 3, border="constant:nan")


@pytest.mark.parametrize(("value", "samples"), [("-5", (0, 0, 0)), ("300", (255, 300, 1)), ("2.5", (3, 3, 1))])
@pytest.mark.parametrize("size", [3, 5, 9])
def test_border_values_outside_the_range_are_saturated(value, samples, size):
    """As a result would be: rounded half up, then clipped to the type's range."""
    for kind, sample in zip(("uint8", "uint16", "bool"), samples, strict=True):
        image = noise(kind, (20, 70))
        reach = size // 2
        padded = np.pad(image, reach, constant_values=sample)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size)).reshape(*image.shape, -1)
        for function, place in ((imconv.minimum, 0), (imconv.median, size * size // 2), (imconv.maximum, -1)):
            result = function(image, size, border=f"constant:{value}")
            np.testing.assert_array_equal(result, np.sort(windows, axis=-1)[..., place], f"{kind} {function.__name__}")


def test_linear_light_has_the_same_ranks():
    image = noise("uint8", (20, 30, 3))
    np.testing.assert_array_equal(imconv.median(image, 5, linear=True), imconv.median(image, 5))
    np.testing.assert_array_equal(imconv.opening(image, 5, linear=True), imconv.opening(image, 5))
    assert (imconv.gradient(image, 5, linear=True) != imconv.gradient(image, 5)).any()


def test_alpha_is_filtered_like_a_colour_or_kept():
    image = noise("uint8", (20, 80, 4))
    each = np.dstack([imconv.median(image[..., c], 3) for c in range(4)])
    np.testing.assert_array_equal(imconv.median(image, 3, has_alpha=True), each)
    np.testing.assert_array_equal(imconv.median(image, 3, has_alpha=True, alpha="separate"), each)
    kept = imconv.median(image, 3, has_alpha=True, alpha="unweighted")
    np.testing.assert_array_equal(kept, np.dstack([each[..., :3], image[..., 3]]))
    strided = imconv.median(image, 3, has_alpha=True, alpha="unweighted", stride=2, range="offset")
    np.testing.assert_array_equal(strided[..., 3], image[::2, ::2, 3])
    for alpha in ("weight", "keep"):
        refused(
            OptionError,
            f"alpha {alpha} has no meaning; take unweighted",
            imconv.median,
            image,
            3,
            has_alpha=True,
            alpha=alpha,
        )


def test_parts_of_a_picture_and_chains():
    image = noise("uint8", (40, 90, 3))
    median, region = imconv.median(image, 5), np.s_[10:30, 7:60]
    expected = image.copy()
    expected[region] = median[region]
    np.testing.assert_array_equal(imconv.median(image, 5, region="53x20+7+10"), expected)
    np.testing.assert_array_equal(imconv.median(image, 5, region="53x20+7+10", crop=True), median[region])
    mask = noise("uint8", (40, 90))
    amount = mask[..., None] / 255
    blend = np.floor(amount * median + (1 - amount) * image + 0.5)
    assert abs(imconv.median(image, 5, mask=mask) - blend).max() <= 1
    green = np.dstack([image[..., 0], median[..., 1], image[..., 2]])
    np.testing.assert_array_equal(imconv.median(image, 5, channels="g"), green)
    steps = (RankFilter(make_footprint(3), 50.0), RankFilter(make_footprint(5), 100.0))
    chain = ChainFilter(steps, Options())
    np.testing.assert_array_equal(apply(chain, image), imconv.maximum(imconv.median(image, 3), 5))


# --- bands and threads ---
GEOMETRIES = {
    "plain": {},
    "constant": {"border": "constant:9"},
    "wrap": {"border": "wrap"},
    "normalized": {"border": "normalized"},
    "valid": {"pad": "valid"},
    "stride": {"stride": (3, 2)},
    "dilation": {"dilation": (2, 3)},
    "both": {"stride": (2, 1), "dilation": (3, 2), "pad": 4},
    "depth": {"depth": "float"},
}
FILTERS = [(3, 50.0), (5, 50.0), ((4, 3), 50.0), (7, 0.0), ((9, 4), 100.0), (15, 50.0), (9, 30.0)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_same_bits_for_any_threads_and_bands(geometry, dtype, monkeypatch):
    set_stripe_bytes(monkeypatch, 1)
    image = noise(dtype, (103, 70, 1 if dtype == "uint16" else 3))
    for size, percentile in FILTERS:
        work = RankFilter(make_footprint(size), percentile, Options(**GEOMETRIES[geometry]))
        plan = work.plan(image.shape, image.dtype, False)
        expected = run(plan, image, threads=1)
        for threads in (2, 3, 7):
            np.testing.assert_array_equal(run(plan, image, threads=threads), expected)
        np.testing.assert_array_equal(np.concatenate(list(stream(plan, pieces(image), threads=2))), expected)
        for height in (1, 4, 13):
            np.testing.assert_array_equal(execute(plan, image, band_rows=height, threads=1), expected)


def pieces(image, sizes=(1, 7, 30, 2)):
    start = 0
    while start < len(image):
        size = sizes[start % len(sizes)]
        yield image[start : start + size].copy()
        start += size


def test_out_may_be_the_picture_itself():
    image = noise("uint8", (40, 90))
    expected = imconv.median(image, 5)
    assert imconv.median(image, 5, out=image) is image
    np.testing.assert_array_equal(image, expected)
    wide = np.zeros((40, 180), np.uint8)
    assert imconv.median(expected, 3, out=wide[:, ::2]).base is wide
    np.testing.assert_array_equal(wide[:, ::2], imconv.median(expected, 3))


def test_planes_first_and_pictures():
    planes = noise("uint8", (5, 30, 40))
    expected = np.stack([imconv.median(plane, 3) for plane in planes])
    np.testing.assert_array_equal(imconv.median(planes, 3, channel_axis=0), expected)
    picture = imconv.Picture(planes[0], "grey")
    np.testing.assert_array_equal(imconv.median(picture, 3).pixels, expected[0])


# --- shapes, plans, refusals ---
def test_shapes_of_ones_own():
    image = noise("uint8", (20, 30))
    cells = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    plus = imconv.median(image, 3, shape="plus")
    kernel = Kernel([[0, 1, 0], [1, 2, 1], [0, -1, 0]])
    parted = Kernel([[0, 5, 0], [1, 1, 1], [0, 1, 0]], included=np.array(cells, bool))
    for shape in (cells, np.array(cells, bool), kernel, parted, [[np.nan, 1, np.nan], [1, 1, 1], [np.nan, 1, np.nan]]):
        np.testing.assert_array_equal(imconv.median(image, shape=shape), plus)
    off = Kernel([[1, 1, 1]], anchor=(0, 0))
    np.testing.assert_array_equal(imconv.minimum(image, shape=off), imconv.minimum(image, (1, 3), anchor=(0, 0)))


def test_the_plan_tells():
    plan = RankFilter(make_footprint(31), 50.0).plan((3000, 4000), np.uint8, False)
    assert plan.algorithm == "histogram"
    for words in ("31 x 31", "480 of 0 to 960", "does not depend on the size", " MiB result"):
        assert words in str(plan)
    assert plan.as_dict()["rank"] == 480
    assert plan == RankFilter(make_footprint(31), 50.0).plan((3000, 4000), np.uint8, False)
    assert RankFilter(make_footprint(41), 50.0).plan((3000, 4000), np.float32, False).algorithm == "ordinals"
    assert RankFilter(make_footprint(61), 50.0).plan((3000, 4000), np.float32, False).algorithm == "sliding"
    assert RankFilter(make_footprint(3), 50.0).plan((9, 9), np.float64, False).algorithm == "columns"
    assert RankFilter(make_footprint(301), 100.0).plan((9, 9), np.float64, False).algorithm == "extremes"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: imconv.median(a), "a square needs size="),
        (lambda a: imconv.median(a, 0), "size must be"),
        (lambda a: imconv.median(a, 3, shape="disc"), "did you mean 'disk'"),
        (lambda a: imconv.median(a, 3, shape=[[1]]), "leave out size="),
        (lambda a: imconv.median(a, shape=[[0]]), "a cell that is not 0"),
        (lambda a: imconv.median(a, shape=object()), "shape must be"),
        (lambda a: imconv.median(a, (2, 3), shape="cross"), "has no cell"),
        (lambda a: imconv.median(a, 3, anchor=(3, 0)), r"anchor 3,0 .row,column. is outside the shape of 3 rows"),
        (lambda a: imconv.rank(a, 101, 3), "percentile must be a number from 0 to 100"),
        (lambda a: imconv.rank(a, "x", 3), "percentile"),
        (lambda a: imconv.rank(a, float("nan"), 3), "percentile"),
        (lambda a: imconv.median(a, 3, border="normalized", pad=9), "leaves no sample"),
        (lambda a: imconv.opening(a, 3, stride=2), "keeps the picture's size"),
        (lambda a: imconv.closing(a, 3, pad="valid"), "keeps the picture's size"),
        (lambda a: imconv.median(a, 9, pad="valid"), "no output is left"),
        (lambda a: imconv.opening(a, 3, nan="ignore"), "nan='ignore' goes with means and ranks"),
    ],
)
def test_what_is_refused(call, words):
    refused(ImconvError, words, call, np.zeros((5, 6), np.uint8))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("border", ["reflect", "constant:7", "normalized", "wrap"])
def test_windows_of_more_samples_than_16_bits_count(dtype, border):
    """261 x 263 samples around every pixel of a small picture, in all their order."""
    image, (height, width) = noise(dtype, (23, 29)), (261, 263)
    if image.dtype.kind == "f":
        image[3, 4], image[5, 6] = np.nan, -np.inf
    mode = {"reflect": "symmetric", "wrap": "wrap"}.get(border, "constant")
    padded = np.pad(image.astype(np.float64), ((130, 130), (131, 131)), mode=mode)
    if mode == "constant":
        inside = np.pad(np.ones(image.shape, bool), ((130, 130), (131, 131)))
        padded[~inside] = 7
    for percentile in (50.0, 12.0):
        result = imconv.rank(image, percentile, (height, width), border=border)
        for y, x in ((0, 0), (11, 14), (22, 28), (5, 6)):
            samples = padded[y : y + height, x : x + width]
            if border == "normalized":
                samples = samples[inside[y : y + height, x : x + width]]
            expected = np.sort(samples.ravel())[rank_of(percentile, samples.size)]
            np.testing.assert_array_equal(result[y, x], expected)


def test_large_windows_of_any_shape_in_parts():
    image = noise("uint16", (60, 50, 3))
    disk = imconv.median(image, 301, shape="disk")
    cells = make_footprint(301, "disk").cells
    padded = np.pad(image, ((150, 150), (150, 150), (0, 0)), mode="symmetric")
    for y, x, channel in ((0, 0, 0), (31, 20, 2), (59, 49, 1)):
        samples = np.sort(padded[y : y + 301, x : x + 301, channel][cells])
        assert disk[y, x, channel] == samples[rank_of(50.0, samples.size)]
    np.testing.assert_array_equal(imconv.median(image, 301, shape="disk", stride=(7, 3)), disk[::7, ::3])
    np.testing.assert_array_equal(
        imconv.median(image, 301, shape="disk", region="10x9+4+20")[20:29, 4:14], disk[20:29, 4:14]
    )
    for threads in (1, 2):
        np.testing.assert_array_equal(imconv.median(image, 301, shape="disk", threads=threads), disk)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 1, 4), (2, 70, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_smallest_pictures(shape, dtype):
    image = noise(dtype, shape)
    for size in (1, 3, 5, 8, 16):
        np.testing.assert_array_equal(
            imconv.median(image, size), naive.ranked(image, np.ones((size, size)).tolist(), 50)
        )
        np.testing.assert_array_equal(
            imconv.minimum(image, size), naive.ranked(image, np.ones((size, size)).tolist(), 0)
        )


@pytest.mark.parametrize("dilation", [(1, 2), (2, 1), (3, 2)])
@pytest.mark.parametrize("size", [(1, 5), (5, 1), (3, 3), (7, 20)])
def test_normalized_windows_with_gaps(size, dilation):
    """Every window's own rank, by hand."""
    image = np.random.default_rng(4).integers(0, 256, (19, 23)).astype(np.uint8)
    rows, columns = (np.arange(n) for n in image.shape)
    result = imconv.median(image, size, border="normalized", dilation=dilation)
    for y in rows:
        for x in columns:
            down = y + (np.arange(size[0]) - size[0] // 2) * dilation[0]
            along = x + (np.arange(size[1]) - size[1] // 2) * dilation[1]
            down, along = down[(down >= 0) & (down < len(rows))], along[(along >= 0) & (along < len(columns))]
            window = np.sort(image[np.ix_(down, along)], axis=None)
            assert result[y, x] == window[len(window) // 2]


def test_very_many_planes():
    planes = np.random.default_rng(4).integers(0, 256, (1030, 3, 40)).astype(np.uint8)
    result = imconv.median(planes, 31, channel_axis=0)
    for number in (0, 515, 1029):
        np.testing.assert_array_equal(result[number], imconv.median(planes[number], 31))
