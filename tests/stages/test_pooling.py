"""Pooling against the definitions, torch, and the formula of anti-aliased pooling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv.composites.chain import ChainFilter
from imconv.composites.linear_light import conversion_of
from imconv.engine.drive import stream
from imconv.errors import ImconvError, OptionError
from imconv.filters.apply import apply
from imconv.filters.pool import blur_filter, pool_filter, shift_report
from imconv.filters.shift_consistency import measure
from imconv.options import Options
from imconv.stages.pooling.condition import parse_condition
from imconv.stages.pooling.plan import OPERATIONS
from tests import naive
from tests.bounds import FLOAT32, FLOAT64
from tests.cases import FLOATS, LAYOUTS, WHOLE, laid_out, picture, seeds
from tests.executing import set_stripe_bytes
from tests.refused import refused

TORCH = {"float32": FLOAT32, "float64": FLOAT64}
ROOTS = 1e-12  # of float64 results of several operations, times the largest sample
OTHERS = [op for op in OPERATIONS if op not in ("stdev", "l2")]


@st.composite
def geometries(draw):
    """(rows, columns), size, stride, padding, dilation."""
    pair = lambda most, least=1: draw(st.tuples(st.integers(least, most), st.integers(least, most)))  # noqa: E731
    size, dilation = pair(4), draw(st.sampled_from([(1, 1)] * 3 + [(2, 2), (1, 3), (2, 1)]))
    padding = tuple(draw(st.integers(0, (d * (k - 1) + 1) // 2)) for k, d in zip(size, dilation, strict=True))
    return pair(9), size, pair(4), padding, dilation


def pooled_both(image, op, size, stride, padding, dilation, alpha="none", **how):
    """imconv's result and the definition's, None where no output is left."""
    given = {name: value for name, value in how.items() if name in ("ceil", "dtype")}
    try:
        expected = naive.pool(image, op, size, stride, padding, dilation, alpha=alpha, **how)
    except naive.NoOutput:
        expected = None
    given["range"] = how.get("policy", "clip")
    if alpha != "none":
        given |= {"alpha": alpha, "has_alpha": True}
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    include = how.get("include_pad", True)
    if expected is None:
        with pytest.raises(OptionError, match="no output is left"):
            imconv.pool(image, op, size, **geometry, count_include_pad=include, **given)
        return None, None
    return imconv.pool(image, op, size, **geometry, count_include_pad=include, **given), expected


# --- the definitions ---
@given(st.data(), st.sampled_from(OPERATIONS), st.sampled_from(WHOLE), geometries(), seeds)
def test_whole_numbers_are_exact(data, op, dtype, geometry, seed):
    shape, *geometry = geometry
    channels = data.draw(st.sampled_from([(), (1,), (2,), (3,), (4,)]))
    alpha = (
        data.draw(st.sampled_from(["none", "weight", "separate", "keep", "unweighted"]))
        if channels in [(2,), (4,)]
        else "none"
    )
    image = picture(dtype, (*shape, *channels), seed, zeros=True)
    how = {"ceil": data.draw(st.booleans()), "include_pad": data.draw(st.booleans())}
    policy = data.draw(st.sampled_from(["clip"] * 3 + ["abs", "offset"]))
    result, expected = pooled_both(image, op, *geometry, alpha, policy=policy, **how)
    if result is None:
        return
    assert result.dtype == expected.dtype.newbyteorder("=")
    if op in OTHERS:
        np.testing.assert_array_equal(result, expected)
    else:  # roots of whole numbers beyond float64 may fall on the other side of a tie
        large = np.dtype(dtype).itemsize > 2
        assert np.abs(result.astype(object) - expected.astype(object)).max() <= large


@given(st.data(), st.sampled_from(OPERATIONS), st.sampled_from(FLOATS), geometries(), seeds)
def test_floats(data, op, dtype, geometry, seed):
    shape, *geometry = geometry
    channels = data.draw(st.sampled_from([(), (1,), (2,), (3,), (4,)]))
    image = picture(dtype, (*shape, *channels), seed, zeros=True)
    alpha = "none"
    if channels in [(2,), (4,)]:
        alpha = data.draw(st.sampled_from(["none", "weight", "separate", "keep", "unweighted"]))
        image[..., -1] = np.abs(image[..., -1]) / (1 + np.abs(image[..., -1]))
    how = {"ceil": data.draw(st.booleans()), "include_pad": data.draw(st.booleans())}
    result, expected = pooled_both(image, op, *geometry, alpha, dtype="float64", **how)
    if result is not None:
        scale = np.abs(image.astype(float)).max() * geometry[0][0] * geometry[0][1]
        if alpha in ("weight", "keep") and op in ("avg", "sum"):
            scale *= 1e4  # divided by coverage, which may be small
        np.testing.assert_allclose(result, expected, rtol=ROOTS, atol=ROOTS * scale)


@given(st.sampled_from(OPERATIONS), geometries(), seeds, st.booleans())
def test_nan_and_infinity_stay_in_their_windows(op, geometry, seed, ceil):
    shape, *geometry = geometry
    image = picture("float64", shape, seed)
    rng = np.random.default_rng(seed)
    image[rng.random(shape) < 0.1] = np.nan
    if op in ("max", "min", "avg", "sum", "count", "median"):
        image[rng.random(shape) < 0.05] = np.inf
    result, expected = pooled_both(image, op, *geometry, ceil=ceil)
    if result is not None:
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-11 * 1000)


def test_ties_are_rounded_half_up_once():
    image = np.array([[1, 2, 0, 0, 3, 3], [1, 2, 0, 1, 3, 4]], np.uint8)
    assert imconv.pool(image, "avg", 2).tolist() == [[2, 0, 3]]  # 1.5, 0.25, 3.25
    assert imconv.pool(image, "median", 2).tolist() == [[2, 0, 3]]  # the mean of the two in the middle
    assert imconv.pool(image, "median", 2, dtype="float32").tolist() == [[1.5, 0, 3]]
    assert imconv.pool(image, "stdev", 2).tolist() == [[1, 0, 0]]  # 0.5, 0.43, 0.43
    assert imconv.pool(-image.astype(np.int16), "avg", 2).tolist() == [[-1, 0, -3]]
    assert imconv.pool(image, "sum", 2, dtype="int32").tolist() == [[6, 1, 13]]


def test_a_standard_deviation_on_a_tie():
    """Of 0 and 2 m + 1 it is m + 1/2."""
    for largest in (1, 5, 255, 65535):
        image = np.array([[0, largest]], np.uint16)
        assert imconv.pool(image, "stdev", (1, 2)).item() == (largest + 1) // 2


def test_windows_of_padding_alone():
    for op, whole, real in (("max", 0, -np.inf), ("min", 255, np.inf), *((op, 0, 0.0) for op in OPERATIONS[2:])):
        for image, value in ((np.array([[7]], np.uint8), whole), (np.array([[7.0]]), real)):
            found = imconv.pool(image, op, (1, 2), stride=1, padding=(0, 1), dilation=(1, 2))
            assert found.tolist() == [[value]], op


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_sums_of_very_many(dtype):
    """Windows whose sums do not fit into 32 bits."""
    largest = 65535 if dtype == "uint16" else 255
    image = np.full((300, 400), largest, dtype)
    assert imconv.pool(image, "avg", (300, 400)).item() == largest
    assert imconv.pool(image, "sum", (300, 400), dtype="float64").item() == largest * 120_000


# --- torch ---
@pytest.fixture
def functional():
    """torch's, on one thread: starting others costs more than such pictures."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch.nn.functional


@pytest.mark.parametrize(
    ("op", "dtype"), [("max", "float32"), ("max", "float64"), ("max", "uint8"), ("avg", "float32"), ("avg", "float64")]
)
def test_torch(op, dtype, functional):
    import torch

    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(1000):
        shape = rng.integers(1, 13, 2)
        size, stride, dilation = (tuple(rng.integers(1, most, 2).tolist()) for most in (6, 5, 4))
        dilation = dilation if op == "max" else (1, 1)
        padding = tuple(int(rng.integers(0, n // 2 + 1)) for n in size)  # torch's max takes half a window undilated
        ceil, include = (bool(b) for b in rng.integers(0, 2, 2))
        image = (rng.standard_normal(shape) * 50).astype(dtype)
        given = torch.from_numpy(image)[None]
        try:
            if op == "max":
                expected = functional.max_pool2d(given, size, stride, padding, dilation, ceil)[0].numpy()
            else:
                expected = functional.avg_pool2d(given, size, stride, padding, ceil, include)[0].numpy()
        except RuntimeError:
            expected = None
        how = {"stride": stride, "padding": padding, "dilation": dilation, "ceil": ceil, "count_include_pad": include}
        if expected is None:
            refused += 1
            refused(OptionError, "no output is left", imconv.pool, image, op, size, **how)
            continue
        result = imconv.pool(image, op, size, **how)
        assert result.shape == expected.shape
        if op == "max":
            np.testing.assert_array_equal(result, expected)
        else:
            np.testing.assert_allclose(result, expected, rtol=0, atol=TORCH[dtype] * np.abs(image).max())
    assert refused < 400


def test_l2_is_torchs(functional):
    import torch

    image = np.random.default_rng(1).random((11, 14))
    expected = functional.lp_pool2d(torch.from_numpy(image)[None], 2, (3, 2), 2)[0].numpy()
    np.testing.assert_allclose(imconv.pool(image, "l2", (3, 2), stride=2), expected, rtol=1e-12)


@pytest.mark.parametrize("blur", range(1, 8))
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_antialiased_pooling_is_zhangs(blur, stride, functional):
    """Dense pooling, reflection, the binomial filter as a grouped convolution at the stride."""
    import torch

    image = np.random.default_rng(blur).random((13, 17, 3))
    row = np.array([math.comb(blur - 1, i) for i in range(blur)], float)
    weights = torch.from_numpy(np.outer(row, row) / row.sum() ** 2).repeat(3, 1, 1, 1)
    before, after = (blur - 1) // 2, math.ceil((blur - 1) / 2)

    def blurred(planes):
        padded = functional.pad(planes, (before, after, before, after), mode="reflect")
        return functional.conv2d(padded, weights, stride=stride, groups=3)[0].permute(1, 2, 0).numpy()

    planes = torch.from_numpy(image).permute(2, 0, 1)[None]
    result = imconv.pool(image, "max", 2, stride=stride, antialias=blur)
    np.testing.assert_allclose(result, blurred(functional.max_pool2d(planes, 2, 1)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(imconv.pool(image, "blur", blur, stride=stride), blurred(planes), rtol=0, atol=1e-12)


# --- anti-aliasing, without torch ---
@given(st.sampled_from(OPERATIONS), st.integers(1, 7), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), seeds)
def test_antialiasing_by_the_definitions(op, blur, stride, rows, columns, seed):
    """A row at a time: whole-sample reflection, 1 4 6 4 1 and the like, every stride-th."""
    image = picture("float64", (rows, columns), seed)
    size = min(2, rows), min(2, columns)
    dense = naive.pool(image, op, size, (1, 1)).astype(float)
    row = np.array([math.comb(blur - 1, i) for i in range(blur)]) / 2.0 ** (blur - 1)
    pad = ((blur - 1) // 2, blur // 2)
    weights = np.outer(row, row).tolist()
    expected = naive.correlate(
        dense, weights, border="mirror", pad=(*pad, *pad), stride=(stride, stride), dilation=(1, 1)
    )
    result = imconv.pool(image, op, size, stride=stride, antialias=blur)
    np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-11 * np.abs(image).max())


def test_the_usual_blur_has_size_4():
    image = picture("uint8", (20, 23, 3), 5)
    np.testing.assert_array_equal(
        imconv.pool(image, "max", 2, antialias=True), imconv.pool(image, "max", 2, antialias=4)
    )
    np.testing.assert_array_equal(
        imconv.pool(image, "max", 2, stride=1, antialias=1), imconv.pool(image, "max", 2, stride=1)
    )


def test_blurs_of_whole_numbers_are_exact():
    """Of every size: the largest has weights over 4^20."""
    image = picture("uint8", (23, 25), 9)
    for size in (2, 3, 4, 5, 13, 21):
        row = [math.comb(size - 1, i) for i in range(size)]
        pad = [(size - 1) // 2, size // 2]
        padded = np.pad(image, [pad, pad], mode="reflect").astype(object)
        lines = sum(w * padded[k : k + 23] for k, w in enumerate(row))
        sums = sum(w * lines[:, k : k + 25] for k, w in enumerate(row))
        half = 4 ** (size - 1) // 2
        np.testing.assert_array_equal(imconv.pool(image, "blur", size, stride=1), (sums + half) // (2 * half))


# --- what filters have in common ---
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("alpha", ["weight", "separate"])
def test_averages_are_the_box_filters(dtype, alpha):
    """Padding is what a border of zeros is."""
    image = np.abs(picture(dtype, (14, 17, 4), 3))
    how = {"alpha": alpha, "has_alpha": True}
    pooled = imconv.pool(image, "avg", 3, stride=2, **how)
    filtered = imconv.correlate(image, np.full((3, 3), 1 / 9), pad="valid", stride=2, **how)
    np.testing.assert_allclose(pooled.astype(float), filtered, rtol=1e-5)
    if dtype == "uint8":
        np.testing.assert_array_equal(pooled, filtered)
    image[..., 3] = 255 if dtype == "uint8" else 1
    plain = imconv.pool(image[..., :3], "avg", 3, padding=1)
    opaque = imconv.pool(image, "avg", 3, padding=1, **how)
    np.testing.assert_allclose(opaque[..., :3].astype(float), plain, rtol=1e-6)
    if alpha == "weight":
        assert (opaque[..., 3] == image[0, 0, 3]).all()


def cases():
    for op in (*OPERATIONS, "blur"):
        yield pytest.param(op, {}, id=op)
    for op in ("max", "avg", "count"):
        yield pytest.param(op, {"antialias": 3}, id=f"{op}-antialias")


@pytest.mark.parametrize(("op", "more"), list(cases()))
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("channels", [1, 4])
def test_threads_bands_and_layouts_change_nothing(op, more, dtype, channels, monkeypatch):
    image = picture(dtype, (61, 23, channels), 11)
    geometry = {} if op == "blur" else {"padding": 1, "dilation": 2}
    options = Options(has_alpha=channels == 4)
    filter = pool_filter(op, 3, options, stride=2, **geometry, **more)
    expected = apply(filter, image, threads=1)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(apply(filter, image, threads=threads), expected)
    for layout in LAYOUTS:
        np.testing.assert_array_equal(apply(filter, laid_out(image, layout)), expected)
    monkeypatch.setattr("imconv.stages.pooling.plan.WINDOW_BYTES", 1)  # bands of one row
    np.testing.assert_array_equal(apply(filter, image), expected)
    set_stripe_bytes(monkeypatch, 400)
    plan = filter.plan(image.shape, image.dtype, channels == 4)
    for height in (1, 2, 5, 61):
        bands = (image[row : row + height] for row in range(0, 61, height))
        found = np.concatenate(list(stream(plan, bands, threads=2)))
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    bands = (image[row : row + 4] for row in range(0, 61, 4))
    part = np.concatenate(list(stream(plan, bands, rows=(5, 9))))
    np.testing.assert_array_equal(part.reshape(4, *expected.shape[1:]), expected[5:9])


def test_rows_between_windows_are_not_needed():
    image = picture("uint8", (50, 8), 2)
    filter = pool_filter("max", 2, Options(), stride=7)
    plan = filter.plan(image.shape, image.dtype, False)
    found = np.concatenate(list(stream(plan, (image[r : r + 3] for r in range(0, 50, 3)))))
    np.testing.assert_array_equal(found, naive.pool(image, "max", (2, 2), (7, 7)))


def test_depth_and_type():
    image = picture("uint8", (9, 9), 1)
    assert imconv.pool(image, "max", 3, depth=16).dtype == np.uint16
    np.testing.assert_array_equal(imconv.pool(image, "max", 3, depth=16), imconv.pool(image, "max", 3) * np.uint16(257))
    np.testing.assert_allclose(
        imconv.pool(image, "avg", 3, depth="float"), imconv.pool(image / 255, "avg", 3), rtol=1e-6
    )
    # a count is a number, not a level
    assert imconv.pool(image, "count", 3, depth=16, where="v>=0").tolist() == [[9] * 3] * 3
    exact = naive.pooled_values(image.astype(np.uint16) * 257, "avg", (2, 2), (2, 2))
    np.testing.assert_array_equal(
        imconv.pool(image.astype(np.uint16) * 257, "avg", 2, depth=8), naive.finished(exact / 257, "uint8")[..., 0]
    )
    assert imconv.pool(image, "max", 3, antialias=3, dtype="float32").dtype == np.float32


def test_offset_and_stretch():
    image = picture("uint8", (8, 10), 4)
    values = naive.pooled_values(image, "range", (2, 2), (2, 2))
    expected = naive.finished(values, "uint8", "stretch")[..., 0]
    np.testing.assert_array_equal(imconv.pool(image, "range", 2, range="stretch"), expected)
    np.testing.assert_array_equal(imconv.pool(image, "min", 2, offset=-5), naive.finished(naive.pooled_values(
        image, "min", (2, 2), (2, 2)) - 5, "uint8")[..., 0])  # fmt: skip


def test_linear_light():
    """Extremes and counts are the same in any light; averages are not."""
    image = picture("uint8", (12, 12, 3), 8)
    for op in ("max", "min", "count"):
        np.testing.assert_array_equal(imconv.pool(image, op, 2, linear=True), imconv.pool(image, op, 2))
    two = np.array([[0, 255]], np.uint8)
    assert imconv.pool(two, "avg", (1, 2), linear=True).item() == 188
    assert imconv.pool(two, "avg", (1, 2)).item() == 128


@pytest.mark.parametrize("alpha", ["weight", "separate"])
def test_what_a_step_in_linear_light_counts_is_decoded(alpha):
    image = picture("uint8", (12, 12, 4), 8)
    count = pool_filter("count", 2, Options(alpha=alpha), where="v>128")
    chain = ChainFilter(
        (count, blur_filter((1, 1), (1, 1), Options(alpha=alpha))), Options(linear=True, has_alpha=True)
    )
    work = chain.in_light(conversion_of(chain, "rgba", image.dtype)).steps[0]
    light = conversion_of(chain, "rgba", image.dtype).decode(image)
    whole = imconv.pool(image, "count", 2, where="v>128", alpha="separate", has_alpha=True)
    found = apply(work.with_options(has_alpha=True), light)
    np.testing.assert_array_equal(found[..., :3], whole[..., :3])
    if alpha == "separate":
        np.testing.assert_array_equal(found[..., 3], whole[..., 3])


def test_channels_mask_and_region():
    image = picture("uint8", (9, 12, 3), 8)
    dense = imconv.pool(image, "max", 3, stride=1, padding=1)
    one = imconv.pool(image, "max", 3, stride=1, padding=1, channels="g")
    np.testing.assert_array_equal(one[..., 1], dense[..., 1])
    np.testing.assert_array_equal(one[..., ::2], image[..., ::2])
    part = imconv.pool(image, "max", 3, stride=1, padding=1, region="4x3+2+1", crop=True)
    np.testing.assert_array_equal(part, dense[1:4, 2:6])
    refused(OptionError, "region= can't be combined with this filter", imconv.pool, image, "max", 2, region="4x3+2+1")


def test_planes_first():
    image = picture("float32", (7, 12, 10), 8)
    result = imconv.pool(image, "max", 2, channel_axis=0)
    assert result.shape == (7, 6, 5)
    np.testing.assert_array_equal(result[3], imconv.pool(image[3], "max", 2))


# --- options ---
def test_counting():
    image = np.array([[0, 100, 128, 129, 255, 0]], np.uint8)
    assert imconv.pool(image, "count", (1, 6)).item() == 4
    for where, count in (("v>128", 2), ("v >= 128", 3), ("v<100", 2), ("v<=100", 3), ("v==0", 2), ("v != 255", 5)):
        assert imconv.pool(image, "count", (1, 6), where=where).item() == count
    for text in ("v>", "x>1", "v>nan", "v=1", "v>1.2.3", "", "v>1; import os"):
        refused(OptionError, "where must be", parse_condition, text)


@pytest.mark.parametrize(
    ("op", "size", "options", "message"),
    [
        ("mean", 2, {}, "unknown op 'mean'.* avg"),
        ("maxx", 2, {}, "did you mean 'max'"),
        ("max", 0, {}, "size must be"),
        ("max", 2, {"stride": 0}, "stride must be"),
        ("max", 2, {"padding": 2}, "padding 2 is more than half of the 2 rows a window spans"),
        ("max", 2, {"padding": -1}, "padding must be"),
        ("max", 2, {"dilation": 1.5}, "dilation must be"),
        ("max", 9, {}, "no output is left: 5 rows are fewer than the 9 a window spans"),
        ("max", 2, {"where": "v>1"}, "where goes with count"),
        ("max", 2, {"antialias": 0}, "antialias must be"),
        ("max", 2, {"antialias": 22}, "from 1 to 21"),
        ("max", 2, {"antialias": 3, "ceil": True}, "antialias= has no ceil="),
        ("blur", 2, {"padding": 1}, "a blur pads by itself"),
        ("blur", 30, {}, "a blur's size"),
        ("max", 2, {"border": "wrap"}, "pool has no border"),
        ("max", 2, {"nan": "ignore", "antialias": 4}, "nan='ignore' does not go with antialias"),
        ("max", 2, {"range": "error", "offset": 300}, "results leave 0..255"),
    ],
)
def test_what_can_not_be(op, size, options, message):
    refused(ImconvError, message, imconv.pool, np.full((5, 6), 9, np.uint8), op, size, **options)


def test_plans_are_told():
    filter = pool_filter("avg", 3, Options(), stride=2, padding=1, include_pad=False)
    plan = filter.plan((100, 90, 4), "uint8", True)
    text = str(plan)
    for part in ("sums", "padding not counted", "100 x 90 x 4 -> 50 x 45 x 4", "weighted by it", "exact"):
        assert part in text
    assert plan.as_dict()["output"] == [50, 45, 4]
    assert pool_filter("stdev", 3, Options()).plan((9, 9), "float32", False).algorithm == "deviations"
    assert pool_filter("stdev", 3, Options()).plan((9, 9), "uint16", False).algorithm == "sums"


# --- shift consistency ---
def moved(image, dy, dx):
    return image[dy:, dx:]


def test_the_report_is_what_moving_the_picture_gives():
    """By moving it, pooling it, and comparing what lies on the picture alone."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (31, 37, 3)).astype(np.uint8)
    stride = 3, 2
    found = shift_report(imconv.Picture(image, "rgb"), "max", 2, Options(), stride=stride, antialias=3)
    for name, blur in (("plain", None), ("antialiased", 3)):
        pool = lambda part: imconv.pool(part, "max", 2, stride=stride, antialias=blur, dtype="float64")  # noqa: B023, E731
        # the first and the last results with a blur may have read what lies outside
        original = pool(image)[:, :, :]
        theirs, ours = [], []
        for dy in range(3):
            for dx in range(2):
                if (dy, dx) == (0, 0):
                    continue
                part = pool(moved(image, dy, dx))
                rows, columns = 10, 18
                y, x = dy / 3, dx / 2
                grid = original[: rows + 1, : columns + 1]
                across = grid[:, :-1] * (1 - x) + grid[:, 1:] * x
                between = across[:-1] * (1 - y) + across[1:] * y
                theirs.append(part[1 : rows - 1, 1 : columns - 1])
                ours.append(between[1 : rows - 1, 1 : columns - 1])
        theirs, ours = (np.concatenate([each.ravel() for each in several]) for several in (theirs, ours))
        assert found[name].shifts == 5
        assert found[name].correlation == pytest.approx(np.corrcoef(theirs, ours)[0, 1], abs=0.03)
        assert found[name].rms == pytest.approx(np.sqrt(((theirs - ours) ** 2).mean()), rel=0.03)
    assert found["antialiased"].correlation > found["plain"].correlation
    assert found["antialiased"].psnr > found["plain"].psnr


def test_a_ramp_moves_with_the_picture():
    ramp = imconv.Picture(np.add.outer(np.arange(40), 2 * np.arange(50)).astype(np.uint8), "grey")
    found = measure(ramp, blur_filter((1, 1), (1, 1), Options(dtype="float32")), (4, 4), ((0, 40), (0, 50)))
    assert (found.correlation, found.rms) == (pytest.approx(1, abs=1e-12), pytest.approx(0, abs=1e-6))
    assert found.shifts == 15


@pytest.mark.parametrize("op", ["max", "median", "blur"])
def test_antialiasing_helps_on_noise(op):
    noise = imconv.Picture(np.random.default_rng(0).integers(0, 256, (40, 40, 2)).astype(np.uint8), "grey+alpha")
    found = shift_report(noise, op, 2 if op != "blur" else 5, Options(), stride=4)
    assert found["antialiased"].rms < found["plain"].rms
    refused(OptionError, "no shifts in between", shift_report, noise, op, 1, Options())
    refused(OptionError, "too small", shift_report, noise, op, 2, Options(), stride=30)
