"""Every public function over every kind of sample: byte orders, odd types, infinities, integers beyond float64."""

import warnings

import numpy as np
import pytest

import imconv
from imconv.files.picture import Metadata, Picture
from tests.refused import refused

pytestmark = pytest.mark.filterwarnings("error")  # numpy's would tell users of lines of imconv's own sources
SHAPE = (12, 70)
RANDOM = np.random.default_rng(15)
WIDE = RANDOM.random((85, 85))  # taken by the fast Fourier transform
HALF = np.full(SHAPE, 0.5)
DELTA = np.pad([[1]], 1)

CALLS = {  # each public function by every way in which samples are read, name and variant
    "correlate": lambda a, **o: imconv.correlate(a, [[1, 2], [3, 1]], **o),
    "correlate fourier": lambda a, **o: imconv.correlate(a, WIDE, **o),
    "correlate scipy": lambda a, **o: imconv.correlate(a, [[1, 2], [-3, 1]], like="scipy", **o),
    "convolve": lambda a, **o: imconv.convolve(a, [[0.1, 0.2], [0.3, 0.123]], **o),
    "convolve stretch": lambda a, **o: imconv.convolve(a, DELTA, range="stretch", **o),
    "gaussian_blur": lambda a, **o: imconv.gaussian_blur(a, 1.3, **o),
    "gaussian_blur grid": lambda a, **o: imconv.gaussian_blur(a, 9, **o),
    "gaussian_blur nan": lambda a, **o: imconv.gaussian_blur(a, 1.3, nan="ignore", border="normalized", **o),
    "gaussian_blur normalized": lambda a, **o: imconv.gaussian_blur(a, 1.3, border="normalized", **o),
    "box_blur": lambda a, **o: imconv.box_blur(a, 3, **o),
    "box_blur mask": lambda a, **o: imconv.box_blur(a, 3, mask=HALF, **o),
    "box_blur region": lambda a, **o: imconv.box_blur(a, 3, region="9x4+2+3", **o),
    "sharpen": lambda a, **o: imconv.sharpen(a, **o),
    "sharpen constant": lambda a, **o: imconv.sharpen(a, border="constant:2", **o),
    "unsharp_mask": lambda a, **o: imconv.unsharp_mask(a, 1.2, 1, "1%", **o),
    "median": lambda a, **o: imconv.median(a, 3, **o),
    "median disk": lambda a, **o: imconv.median(a, 7, shape="disk", **o),
    "median mask": lambda a, **o: imconv.median(a, 3, mask=HALF, **o),
    "rank": lambda a, **o: imconv.rank(a, 25, 5, **o),
    "minimum": lambda a, **o: imconv.minimum(a, 3, **o),
    "maximum": lambda a, **o: imconv.maximum(a, 3, **o),
    "opening": lambda a, **o: imconv.opening(a, 3, **o),
    "closing": lambda a, **o: imconv.closing(a, 3, **o),
    "gradient": lambda a, **o: imconv.gradient(a, 3, **o),
    "tophat": lambda a, **o: imconv.tophat(a, 3, **o),
    "blackhat": lambda a, **o: imconv.blackhat(a, 3, **o),
    "bilateral": lambda a, **o: imconv.bilateral(a, 2, "5%", **o),
    "guided": lambda a, **o: imconv.guided(a, 2, "10%", **o),
    "guided guide": lambda a: imconv.guided(np.arange(a.size).reshape(a.shape) / a.size, 2, "10%", a),
    "edges": lambda a, **o: imconv.edges(a, "sobel", **o),
    "edges kirsch": lambda a, **o: imconv.edges(a, "kirsch", **o),
    "emboss": lambda a, **o: imconv.emboss(a, **o),
    "motion_blur": lambda a, **o: imconv.motion_blur(a, 5, **o),
    "disk_blur": lambda a, **o: imconv.disk_blur(a, 3, **o),
    "gabor": lambda a, **o: imconv.gabor(a, 4, **o),
    "local_contrast": lambda a, **o: imconv.local_contrast(a, 2, **o),
    "local_deviation": lambda a, **o: imconv.local_deviation(a, 3, **o),
    "grey": lambda a, **o: imconv.grey(a, **o),
    "invert": lambda a, **o: imconv.invert(a, **o),
    "flatten": lambda a, **o: imconv.flatten(a, **o),
    "crop": lambda a, **o: imconv.crop(a, "9x4+2+3", **o),
    "rotate": lambda a, **o: imconv.rotate(a, 90, **o),
    "flip": lambda a, **o: imconv.flip(a, **o),
    "pool": lambda a: imconv.pool(a, "max", 2),
    "pool avg": lambda a: imconv.pool(a, "avg", 2),
    "pool median": lambda a: imconv.pool(a, "median", 2),
    "pool stdev": lambda a: imconv.pool(a, "stdev", 2),
    "layer": lambda a: imconv.layer(a, np.ones((1, 1, 2, 2), np.float32)),
    "compare": lambda a: np.array(list(imconv.compare(a, a[::-1]).as_dict().values())[:-1], float),
    "contact_sheet": lambda a: imconv.contact_sheet([a, a[::-1]]),
    "contact_sheet scale": lambda a: imconv.contact_sheet([a, a[::-1]], scale="all"),
    "plan": lambda a: imconv.plan(a.shape, a.dtype, "box-3").execute(a),
}
NO_FILTERS = {
    "ImconvError",
    "ImconvWarning",
    "Kernel",
    "Options",
    "Picture",
    "Plan",
    "read",
    "read_pages",
    "write",
    "write_pages",
}
FLOATS = ("float16", "float32", "float64")


def picture(kind) -> np.ndarray:
    """Samples that every type but bool holds."""
    return RANDOM.integers(0, 100, SHAPE).astype(kind)


def test_no_public_function_is_left_out():
    assert {name.split()[0] for name in CALLS} == set(imconv.__all__) - NO_FILTERS


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "u2", "i2", "u4", "i4", "u8", "i8"])
@pytest.mark.parametrize("call", CALLS)
def test_no_result_depends_on_the_byte_order(call, kind):
    image = picture("=" + kind)
    swapped = image.astype(image.dtype.newbyteorder("S"))
    expected, result = CALLS[call](image), CALLS[call](swapped)
    assert result.dtype == expected.dtype
    assert result.dtype.isnative
    np.testing.assert_array_equal(result, expected)
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["bool", "int8", "longlong", "ulonglong"])
@pytest.mark.parametrize("call", CALLS)
def test_every_type_of_numbers_is_taken(call, kind):
    CALLS[call](picture(kind))


@pytest.mark.parametrize(
    "kind",
    [np.longdouble, object, "complex64", "datetime64[s]", "timedelta64[s]", "S2", "U2", "V4", "u1,u1", ">u2,>f4"],
)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_number_of_64_bits_is_refused(call, kind):
    if np.dtype(kind) == np.float64:
        pytest.skip("no longer than a double here")
    image = np.zeros(SHAPE, kind)
    refused(imconv.ImconvError, r"^(pixels|dtype) .* not ", CALLS[call], image)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8", "u2", "i8"])
def test_weights_guides_masks_and_results_of_any_byte_order(order, kind):
    image, given = picture("u2"), picture(order + kind)
    plain = given.astype("=" + kind)
    weights = given[:3, :3] % 7
    assert imconv.Kernel(weights) == imconv.Kernel(weights.astype("=" + kind))
    np.testing.assert_array_equal(imconv.median(image, shape=given[:3, :3]), imconv.median(image, shape=plain[:3, :3]))
    if kind in ("u2", "i8"):
        np.testing.assert_array_equal(imconv.box_blur(image, 3, mask=given), imconv.box_blur(image, 3, mask=plain))
    out = np.empty(SHAPE, order + kind)
    assert imconv.box_blur(plain, 3, out=out) is out
    np.testing.assert_array_equal(out, imconv.box_blur(plain, 3))
    assert imconv.box_blur(image, 3, dtype=order + kind).dtype == np.dtype("=" + kind)


def test_complex_cells_are_refused():
    refused(imconv.ImconvError, "shape must be", imconv.median, picture("u1"), shape=np.ones((3, 3), complex))


# --- infinities and overflow ---
def extremes(kind: str) -> dict[str, np.ndarray]:
    """Pictures whose sums and differences leave the type."""
    largest = float(np.finfo(kind).max)
    base = RANDOM.random(SHAPE)
    infinite, both, specks = (base.astype(kind) for _ in range(3))
    infinite[4, 9] = np.inf
    both[3, 9], both[5, 11], both[8, 50] = np.inf, -np.inf, np.nan
    specks[4, 9], specks[6, 10] = largest, -largest
    return {
        "infinite": infinite,
        "both": both,
        "specks": specks,
        "largest": np.full(SHAPE, largest, kind),
        "mixed": ((base - 0.5) * 1.999 * largest).astype(kind),
        "smallest": (base * float(np.finfo(kind).tiny)).astype(kind),
        "nothing else": np.full(SHAPE, np.inf, kind),
    }


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("call", CALLS)
def test_infinities_and_overflow_are_no_news(call, kind):
    """They are results by IEEE arithmetic."""
    for image in extremes(kind).values():
        CALLS[call](image)


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("call", ["correlate fourier", "gaussian_blur", "guided", "bilateral", "correlate scipy"])
@pytest.mark.parametrize(
    "more", [{"has_alpha": True}, {"has_alpha": True, "range": "abs", "offset": 3}, {"dtype": "uint8"}]
)
def test_nor_are_they_beside_alpha_or_in_integers(call, more, kind):
    for image in extremes(kind).values():
        image = np.dstack([image] * 4)
        if call == "correlate fourier":
            image = np.ascontiguousarray(image[:3, :20])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* results were NaN and became 0")
            CALLS[call](image, **more)


@pytest.mark.parametrize("threads", [1, 3])
def test_numpys_own_settings_stay(threads):
    before = np.geterr()
    imconv.guided(np.ones((300, 300)), 2, 0.1, threads=threads)
    assert np.geterr() == before


@pytest.mark.parametrize("metadata", [{"gamma": 0.45}, {"chunks": ((b"sRGB", b"\0"),)}])
def test_linear_light_of_infinities(metadata):
    for kind in ("float32", "float64"):
        for image in extremes(kind).values():
            imconv.gaussian_blur(Picture(image, metadata=Metadata(**metadata)), 1.3, linear=True)


def test_a_stretch_of_any_span():
    """Differences beyond float64, or whose reciprocals are, are stretched like all others."""
    image = np.array([[0, 51, 204, 255]])
    for scale in (np.finfo(float).max / 256, 1e-310):
        stretched = imconv.correlate(image * scale, [[1]], range="stretch", dtype="uint8")
        np.testing.assert_array_equal(stretched, image)
        np.testing.assert_array_equal(imconv.contact_sheet([image * scale], scale="each"), image)
    most = np.finfo(float).max
    np.testing.assert_array_equal(imconv.correlate(np.array([[-most, 0, most]]), [[1]], range="stretch"), [[0, 0.5, 1]])


def test_kernels_whose_weights_sum_to_more_than_float64_holds():
    refused(imconv.ImconvError, "too large: their sum is beyond float64", imconv.Kernel, np.full((3, 3), 1.7e308))
    assert imconv.Kernel([[1.7e308]]).sum() == 1.7e308
    assert imconv.Kernel(np.array([[3.4e38]], np.float32)).sum() == np.float32(3.4e38)


# --- integers beyond float64 ---
KEPT = {"median", "median disk", "rank", "minimum", "maximum", "opening", "closing", "gradient", "tophat", "blackhat",
        "contact_sheet", "contact_sheet scale", "grey", "flatten", "crop", "rotate", "flip"}  # fmt: skip


@pytest.mark.parametrize("kind", ["int64", "uint64", ">i8", ">u8"])
@pytest.mark.parametrize("call", CALLS)
def test_who_calculates_with_integers_beyond_float64_says_so(call, kind):
    image = picture(kind)
    CALLS[call](image)
    image[3, 4] = 2**53 + 1
    if call in KEPT:
        CALLS[call](image)
        return
    bits = "24 bits of float32" if call == "layer" else "53 bits of float64"
    with pytest.warns(RuntimeWarning, match=f"^u?int64 samples beyond .* were rounded to the {bits}") as told:
        CALLS[call](image)
    assert told[0].filename == __file__ or call == "median mask"  # which is two calls deeper


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_ranks_and_differences_of_integers_beyond_float64_are_exact(kind):
    image = RANDOM.integers(2**62, 2**62 + 50, SHAPE).astype(kind)
    for call in KEPT - {"contact_sheet", "contact_sheet scale"}:
        result = CALLS[call](image)
        shifted = CALLS[call]((image - np.array(2**62, kind)).astype(kind))
        lost = 0 if call in ("gradient", "tophat", "blackhat") else 2**62
        np.testing.assert_array_equal(result - np.array(lost, kind), shifted)


def test_the_largest_sample_that_float64_holds_is_nothing_to_speak_of():
    image = np.array([[2**53, -(2**53)]])
    np.testing.assert_array_equal(imconv.correlate(image, [[1]]), image)
    imconv.layer(np.array([[2**24]]), np.ones((1, 1, 1, 1)))
    with pytest.warns(RuntimeWarning, match="beyond 2\\^24 were rounded to the 24 bits of float32"):
        imconv.layer(np.array([[2**24 + 1]], np.int32), np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize("linear", [False, True])
def test_what_does_not_fit_is_refused_in_the_users_own_order_of_axes(linear):
    planes, blur = np.zeros((3, 5, 7), np.uint8), {"sigma": 1, "channel_axis": 0, "linear": linear}
    for out in (np.zeros((5, 7, 3), np.uint8), planes[0], [0]):
        refused(imconv.ImconvError, r"uint8 \(3, 5, 7\)", imconv.gaussian_blur, planes, out=out, **blur)
    refused(imconv.ImconvError, r"2 or 4 .*\(3, 5, 7\)", imconv.gaussian_blur, planes, has_alpha=True, **blur)
    grey = {"has_alpha": True, "linear": linear}
    refused(imconv.ImconvError, r"2 or 4 .*\(5, 7\)", imconv.gaussian_blur, planes[0], 1, **grey)
    out = np.empty_like(planes)
    assert imconv.gaussian_blur(planes, out=out, **blur) is out
