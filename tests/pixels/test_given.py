"""What is given as an image, a mask or a guide: masked arrays, PIL images, and objects of other libraries."""

import warnings

import numpy as np
import pytest
from PIL import Image

import imconv
from tests.refused import refused

from .test_arrays import CALLS, SHAPE

RANDOM = np.random.default_rng(8)
IMAGE = RANDOM.integers(0, 200, SHAPE).astype(np.uint8)
MASKED = np.ma.array(IMAGE, mask=RANDOM.random(IMAGE.shape) < 0.2)
MASKED[3:9, 5:11] = np.ma.masked  # windows of nothing else
LEAVING_OUT = {
    "box": lambda a, **o: imconv.box_blur(a, 3, **o),
    "box stride": lambda a, **o: imconv.box_blur(a, (3, 2), stride=2, pad="valid", border="wrap", **o),
    "blur": lambda a, **o: imconv.gaussian_blur(a, 0.9, border="constant:7", **o),
    "correlate": lambda a, **o: imconv.correlate(a, [[1, 0, 2], [0, 3, 1]], offset=3, **o),
    "motion": lambda a, **o: imconv.motion_blur(a, 4, 30, border="normalized", **o),
    "disk": lambda a, **o: imconv.disk_blur(a, 2, **o),
    "median": lambda a, **o: imconv.median(a, 3, **o),
    "rank": lambda a, **o: imconv.rank(a, 30, 5, shape="disk", **o),
    "min": lambda a, **o: imconv.minimum(a, 3, stride=2, **o),
    "max": lambda a, **o: imconv.maximum(a, 3, **o),
    "deviation": lambda a, **o: imconv.local_deviation(a, (3, 4), border="constant:7", **o),
    "pool": lambda a, **o: imconv.pool(a, "avg", 2, **o),
    "pool median": lambda a, **o: imconv.pool(a, "median", 3, **o),
}


def of_type(dtype, channels=0) -> np.ma.MaskedArray:
    masked = MASKED.astype(dtype)
    if channels:
        planes = [np.roll(masked, shift, axis=1) for shift in range(channels)]
        masked = np.ma.stack(planes, axis=2)
    return masked


@pytest.mark.parametrize("channels", [0, 1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("name", LEAVING_OUT)
def test_masked_samples_are_left_out_as_no_data_are(name, dtype, channels):
    """Values under the mask are found elsewhere, too, so that only the mask can say which samples count."""
    work, masked = LEAVING_OUT[name], of_type(dtype, channels)
    masked.data[masked.mask] = RANDOM.integers(0, 200, masked.mask.sum())
    before = masked.copy()
    result = work(masked)
    marked = masked.filled(255)  # a value that no other sample has
    expected = work(marked, nodata=255)
    assert type(result) is np.ma.MaskedArray
    void = work(np.where(masked.mask, np.nan, np.float32(0)), nodata=np.nan)
    np.testing.assert_array_equal(result.mask, np.isnan(void))
    np.testing.assert_array_equal(result.data[~result.mask], expected[~result.mask])
    if result.shape == masked.shape and not name.startswith("pool"):
        assert (result.mask >= masked.mask).all()
        np.testing.assert_array_equal(result.data[masked.mask], masked.data[masked.mask])
    np.testing.assert_array_equal(before.data, masked.data)
    np.testing.assert_array_equal(before.mask, masked.mask)


def test_nan_beside_a_mask_is_a_sample():
    masked = of_type("float32")
    masked[0, 0] = np.nan
    result = imconv.box_blur(masked, 3)
    assert np.isnan(result.data[1, 1])
    assert not result.mask[0, 0]
    assert np.isfinite(result.data[6:][~result.mask[6:]]).all()


def test_planes_first_alpha_and_fill_values():
    masked = of_type("uint8", 3)
    first = np.ma.array(np.moveaxis(masked.data, 2, 0), mask=np.moveaxis(masked.mask, 2, 0), fill_value=77)
    result = imconv.box_blur(first, 3, channel_axis=0)
    expected = imconv.box_blur(masked, 3)
    np.testing.assert_array_equal(result.mask, np.moveaxis(expected.mask, 2, 0))
    np.testing.assert_array_equal(result.filled(0), np.moveaxis(expected.filled(0), 2, 0))
    assert result.fill_value == 77
    cover = np.ma.array(np.full((*SHAPE, 1), 200, np.uint8), mask=False)
    with_alpha = np.ma.concatenate([masked, cover], axis=2)
    found = imconv.box_blur(with_alpha, 3, has_alpha=True)
    np.testing.assert_array_equal(found.mask[..., :3], expected.mask)
    assert not found.mask[..., 3].any()
    assert (found.data[..., 3] == 200).all()
    with_alpha[2, 2, 3] = np.ma.masked
    refused(imconv.ImconvError, "alpha is masked", imconv.box_blur, with_alpha, 3, has_alpha=True)


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"plan", "guided guide", "contact_sheet", "contact_sheet scale"}))
def test_no_mask_is_lost_in_silence(call):
    """A mask of nothing is fine; else the result is masked, or the array refused with what to do."""
    if call in ("compare", "layer"):
        CALLS[call](np.ma.array(IMAGE))
    else:
        result = CALLS[call](np.ma.array(IMAGE))
        assert type(result) is np.ma.MaskedArray
        assert not result.mask.any()
        np.testing.assert_array_equal(result.data, CALLS[call](IMAGE))
    try:
        assert type(CALLS[call](MASKED)) is np.ma.MaskedArray
    except imconv.ImconvError as error:
        assert "filled(value)" in str(error) or "weights that are not negative" in str(error)  # noqa: PT017


def test_what_a_masked_array_does_not_go_with(tmp_path):
    for options, message in (
        ({"linear": True}, "linear light"), ({"depth": 16}, "depth"), ({"range": "stretch"}, "stretch"),
        ({"region": "4x4+0+0"}, "region"), ({"mask": IMAGE}, "mask"), ({"nodata": 3}, "nodata"),
        ({"out": np.zeros_like(IMAGE)}, "out takes no mask"),
    ):  # fmt: skip
        refused(imconv.ImconvError, message, imconv.box_blur, MASKED, 3, **options)
    refused(imconv.ImconvError, "MaskedArray", imconv.box_blur, IMAGE, 3, out=MASKED.copy())
    refused(imconv.ImconvError, r"filled\(value\)", imconv.write, tmp_path / "a.png", MASKED)
    assert not list(tmp_path.iterdir())
    refused(imconv.ImconvError, r"filled\(value\)", imconv.Picture, MASKED)
    refused(imconv.ImconvError, r"filled\(value\)", imconv.contact_sheet, [MASKED])
    refused(imconv.ImconvError, r"filled\(value\)", imconv.guided, IMAGE, 2, 0.01, MASKED)
    refused(imconv.ImconvError, r"filled\(value\)", imconv.plan(IMAGE.shape, "uint8", "box-3").execute, MASKED)
    refused(imconv.ImconvError, "masked", imconv.box_blur, IMAGE, 3, mask=MASKED)
    refused(imconv.ImconvError, "masked", imconv.Kernel, np.ma.array([[1, 2, 3]], mask=[[0, 1, 0]]))


# --- PIL ---
def of_mode(mode: str) -> Image.Image:
    colours = Image.fromarray(RANDOM.integers(0, 256, (*SHAPE, 4)).astype(np.uint8), "RGBA")
    if mode == "I;16":
        return Image.fromarray(RANDOM.integers(0, 65536, SHAPE).astype(np.uint16))
    return colours.convert("P").convert("PA") if mode == "PA" else colours.convert(mode)


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I", "I;16", "F"])
def test_pil_images_are_what_they_say(mode, tmp_path):
    image = of_mode(mode)
    array, has_alpha = np.asarray(image), mode.endswith("A")
    for call in ("gaussian_blur", "median", "edges", "bilateral", "guided"):
        result = CALLS[call](image)
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, CALLS[call](array, has_alpha=has_alpha or None))
    imconv.write(tmp_path / "a.tif", image)
    read = imconv.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.pixels, array * np.uint8(255) if mode == "1" else array)
    assert read.has_alpha == has_alpha
    np.testing.assert_array_equal(imconv.pool(image, "avg", 2), imconv.pool(array, "avg", 2, has_alpha=has_alpha))
    assert imconv.compare(image, array).max_abs == 0


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
@pytest.mark.parametrize(("mode", "better"), [("P", "RGB"), ("CMYK", "RGB"), ("PA", "RGBA"), ("YCbCr", "RGB")])
def test_other_modes_are_refused_with_the_conversion(mode, better, tmp_path):
    image = of_mode(mode)
    message = rf"mode {mode} .*convert\('{better}'\)"
    refused(imconv.ImconvError, message, imconv.box_blur, image, 3)
    refused(imconv.ImconvError, message, imconv.write, tmp_path / "a.png", image)
    refused(imconv.ImconvError, message, imconv.box_blur, IMAGE, 3, mask=image)
    imconv.box_blur(image.convert(better), 3)


def test_a_transparent_colour_is_no_alpha():
    image = of_mode("RGB")
    image.info["transparency"] = (0, 0, 0)
    refused(imconv.ImconvError, r"convert\('RGBA'\)", imconv.box_blur, image, 3)
    image = of_mode("P")
    image.info["transparency"] = 3
    refused(imconv.ImconvError, r"convert\('RGBA'\)", imconv.box_blur, image, 3)


# --- other libraries ---
@pytest.mark.parametrize(
    ("module", "advice"),
    [("torch", "numpy.*channel_axis=0"), ("xarray.core.dataarray", "values"), ("pandas.core.frame", "to_numpy"),
     ("dask.array.core", "compute"), ("cupy", "get"), ("jaxlib._jax", "asarray"), ("tensorflow.python", "numpy")],
)  # fmt: skip
@pytest.mark.parametrize("call", sorted(set(CALLS) - {"plan", "compare", "contact_sheet", "contact_sheet scale"}))
def test_objects_of_other_libraries_are_refused_by_name(call, module, advice):
    foreign = type("Array", (np.ndarray,), {"__module__": module})
    refused(
        imconv.ImconvError, f"^an? (image|guide) is a NumPy array, not .*{advice}", CALLS[call], IMAGE.view(foreign)
    )


def test_so_are_those_that_are_no_image(tmp_path):
    foreign = IMAGE.view(type("Tensor", (np.ndarray,), {"__module__": "torch"}))
    for call in (
        lambda: imconv.write(tmp_path / "a.png", foreign),
        lambda: imconv.compare(IMAGE, foreign),
        lambda: imconv.contact_sheet([foreign]),
        lambda: imconv.box_blur(IMAGE, 3, mask=foreign),
        lambda: imconv.plan(IMAGE.shape, "uint8", "box-3").execute(foreign),
        lambda: imconv.net.load("lenet5").run(foreign, {}),
        lambda: imconv.net.load("lenet5").run(foreign, {}, preprocess=False),
    ):
        refused(imconv.ImconvError, r"not a torch tensor; give tensor\.numpy\(\)", call)
    assert not list(tmp_path.iterdir())


# --- masks of 0 and 1 ---
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint64"])
@pytest.mark.parametrize("call", ["box_blur", "median", "opening", "correlate", "edges", "local_contrast"])
def test_a_mask_of_0_and_1_counts_as_one(call, dtype):
    mask = np.zeros(IMAGE.shape, dtype)
    mask[2:7, 3:9] = 1
    expected = CALLS[call](IMAGE, mask=mask.astype(bool))
    with pytest.warns(RuntimeWarning, match="largest sample is 1.* counts as a mask of 0 and 1") as told:
        found = CALLS[call](IMAGE, mask=mask)
    assert len(told) == 1
    assert told[0].filename.endswith(("test_arrays.py", "test_given.py"))
    np.testing.assert_array_equal(found, expected)
    assert (found[2:7, 3:9] != IMAGE[2:7, 3:9]).any()
    with pytest.warns(RuntimeWarning, match="counts as a mask of 0 and 1"):
        as_picture = CALLS[call](IMAGE, mask=imconv.Picture(mask)) if dtype != "int8" else expected
    np.testing.assert_array_equal(as_picture, expected)


def test_other_masks_are_what_they_were():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for mask in (np.zeros_like(IMAGE), np.ones(IMAGE.shape), np.ones(IMAGE.shape, bool)):
            imconv.box_blur(IMAGE, 3, mask=mask)
        two = np.ones_like(IMAGE)
        two[0, 0] = 2
        faint = imconv.box_blur(IMAGE, 3, mask=two)
        top = imconv.Picture(np.ones_like(IMAGE), metadata=imconv.files.Metadata(maximum=1))  # a PGM with maxval 1
        np.testing.assert_array_equal(imconv.box_blur(IMAGE, 3, mask=top), imconv.box_blur(IMAGE, 3))
    assert np.abs(faint.astype(int) - IMAGE).max() <= 1
