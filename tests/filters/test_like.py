"""`like`: each tool's result, held against the tool itself. Where a bound is not 0, it says where the difference comes from."""

import inspect
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFilter
from scipy import ndimage

import imconv
from imconv.engine.drive import stream
from imconv.filters.apply import apply
from imconv.filters.like import _opencv_weights, blur_like, box_like, kernel_like
from imconv.filters.other_tools import TOOLS
from imconv.kernel.kernel import Kernel
from tests.executing import set_stripe_bytes
from tests.refused import refused

# Float sums in another order, or, in OpenCV, torch and libvips, in float32: some roundings of results up to 1.
FLOAT32, FLOAT64 = 2e-6, 1e-12
TIE = 1e-4  # levels: float32 sums of 8-bit samples are off by less, 16-bit ones by 256 times that
SIGMAS = (0.3, 0.6, 1.0, 1.7, 2.2, 4.0)
SIZES = (1, 2, 3, 4, 5, 9, 16, 17, 20, (3, 6), (1, 4))
SHAPES = ((3, 3), (2, 2), (4, 3), (5, 5), (1, 4))
PLACES = ((61, 45), (7, 5), (2, 9), (1, 1))  # smaller than the kernel, too


def sample(dtype, shape=(61, 45), seed=1):
    """Noise with flat parts: there a truncated sum shows the smallest difference."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        image = random.random(shape)
        image[shape[0] // 3 : shape[0] // 2] = 0.3
        return image.astype(dtype)
    top = np.iinfo(dtype).max
    image = random.integers(0, top, shape, endpoint=True)
    image[shape[0] // 3 : shape[0] // 2] = top
    image[: shape[0] // 4, : shape[1] // 2] = 7
    return image.astype(dtype)


def weights(shape, seed=3):
    random = np.random.default_rng(seed)
    drawn = random.integers(-2, 9, shape)
    drawn[0, 0] += 5
    return drawn / drawn.sum()


def pair(size):
    return size if isinstance(size, tuple) else (size, size)


def close(result, expected):
    """Floats within the bound of their type."""
    expected = np.asarray(expected)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=FLOAT32 if result.dtype == np.float32 else FLOAT64)


def near_ties(result, expected, exact):
    """Levels that differ by 1 at most, and only where the exact value is nearly a tie."""
    difference = np.abs(result.astype(int) - expected.astype(int))
    assert difference.max(initial=0) <= 1
    away = np.abs(exact - np.floor(exact) - 0.5)
    assert away[difference > 0].max(initial=0) <= TIE * (256 if result.dtype == np.uint16 else 1)


def held(result, expected, exact=None):
    if result.dtype.kind == "f":
        close(result, expected)
    elif exact is None:
        np.testing.assert_array_equal(result, expected)
    else:
        near_ties(result, expected, exact)


class TestScipy:
    ndimage = property(lambda self: pytest.importorskip("scipy.ndimage"))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
    @pytest.mark.parametrize("shape", PLACES)
    def test_gaussians_bit_for_bit(self, dtype, shape):
        image = sample(dtype, shape)
        for sigma in (*SIGMAS, (0, 2), (1.5, 0.4)):
            result = imconv.gaussian_blur(image, sigma, like="scipy")
            np.testing.assert_array_equal(result, self.ndimage.gaussian_filter(image, sigma))

    @pytest.mark.parametrize("mode", ["mirror", "nearest", "wrap", "constant"])
    def test_what_is_given_wins(self, mode):
        image = sample("uint8")
        result = imconv.gaussian_blur(image, 2, truncate=2.5, border=mode, like="scipy")
        np.testing.assert_array_equal(result, self.ndimage.gaussian_filter(image, 2, truncate=2.5, mode=mode))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    def test_boxes(self, dtype):
        image = sample(dtype)
        for size in SIZES:
            held(imconv.box_blur(image, size, like="scipy"), self.ndimage.uniform_filter(image, size))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_kernels_bit_for_bit(self, dtype, shape):
        """Saturated where scipy wraps around."""
        image, kernel = sample(dtype), weights(shape)
        for name in ("correlate", "convolve"):
            inside = getattr(self.ndimage, name)(image.astype(float), kernel)
            expected = getattr(self.ndimage, name)(image, kernel)
            if image.dtype.kind == "u":
                top = np.iinfo(image.dtype).max
                expected = np.where(inside <= -1, 0, np.where(inside >= top + 1, top, expected))
            np.testing.assert_array_equal(getattr(imconv, name)(image, kernel, like="scipy"), expected)


class TestOpenCV:
    cv2 = property(lambda self: pytest.importorskip("cv2"))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    @pytest.mark.parametrize("shape", [(61, 45), (7, 5), (2, 9)])
    def test_gaussians(self, dtype, shape):
        """8 and 16 bits are fixed point in OpenCV, and equal bit for bit."""
        image = sample(dtype, shape)
        for sigma in SIGMAS:
            held(imconv.gaussian_blur(image, sigma, like="opencv"), self.cv2.GaussianBlur(image, (0, 0), sigma))

    def test_both_sigmas_and_truncate(self):
        image = sample("uint8")
        expected = self.cv2.GaussianBlur(image, (0, 0), sigmaX=2.5, sigmaY=0.8)
        np.testing.assert_array_equal(imconv.gaussian_blur(image, (0.8, 2.5), like="opencv"), expected)
        expected = self.cv2.GaussianBlur(image, (9, 9), 2, borderType=self.cv2.BORDER_REPLICATE)
        result = imconv.gaussian_blur(image, 2, truncate=2, border="nearest", like="opencv")
        np.testing.assert_array_equal(result, expected)

    def test_weights_sum_to_one(self):
        for sigma in np.arange(0.1, 12, 0.1):
            for kind in (np.dtype("uint8"), np.dtype("uint16")):
                assert sum(_opencv_weights(sigma, None, kind, 8 * kind.itemsize)) == 1

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    def test_boxes(self, dtype):
        """Beyond 256 taps, and on 16 bits, it multiplies by a rounded reciprocal, in float32 here and there."""
        image = sample(dtype)
        for size in SIZES:
            rows, columns = pair(size)
            expected = self.cv2.blur(image, (columns, rows))
            result = imconv.box_blur(image, size, like="opencv")
            exact = imconv.box_blur(image.astype(float), size, border="mirror")
            held(result, expected, None if dtype == "uint8" and rows * columns <= 256 else exact)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_kernels(self, dtype, shape):
        """Sums of integers are float32 in OpenCV."""
        image, kernel = sample(dtype), weights(shape)
        result = imconv.correlate(image, kernel, like="opencv")
        held(
            result, self.cv2.filter2D(image, -1, kernel), imconv.correlate(image.astype(float), kernel, border="mirror")
        )

    def test_ties_go_to_even(self):
        image = sample("uint8")
        np.testing.assert_array_equal(
            imconv.correlate(image, np.full((1, 2), 0.5), like="opencv"),
            self.cv2.filter2D(image, -1, np.full((1, 2), 0.5)),
        )


class TestPillow:
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
    @pytest.mark.parametrize("place", PLACES)
    def test_gaussians_bit_for_bit(self, mode, place):
        bands = len(Image.new(mode, (1, 1)).getbands())
        image = np.squeeze(sample("uint8", (*place, bands)), axis=2 if bands == 1 else ())
        for sigma in (*SIGMAS, 20):
            expected = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)))
            np.testing.assert_array_equal(imconv.gaussian_blur(image, sigma, like="pillow"), expected)

    def test_boxes_bit_for_bit(self):
        image = sample("uint8")
        for size in SIZES:
            rows, columns = pair(size)
            expected = Image.fromarray(image).filter(ImageFilter.BoxBlur(((columns - 1) / 2, (rows - 1) / 2)))
            np.testing.assert_array_equal(imconv.box_blur(image, size, like="pillow"), np.asarray(expected))

    @pytest.mark.parametrize("shape", [(3, 3), (5, 5)])
    @pytest.mark.parametrize("place", [(61, 45), (5, 5), (9, 6)])
    def test_kernels(self, shape, place):
        """Whose rows it takes from below; its edges stay as they are; its sums are float32."""
        image, kernel = sample("uint8", place), weights(shape)
        expected = np.asarray(
            Image.fromarray(image).filter(ImageFilter.Kernel(shape, kernel.ravel().tolist(), scale=1))
        )
        result = apply(kernel_like("pillow", Kernel(kernel), imconv.options.Options(), None), image)
        held(result, expected, imconv.correlate(image.astype(float), kernel[::-1]))
        r = shape[0] // 2
        np.testing.assert_array_equal(result[:r], image[:r])
        np.testing.assert_array_equal(result[:, -r:], image[:, -r:])
        np.testing.assert_array_equal(imconv.correlate(image, kernel[::-1], like="pillow"), result)

    def test_a_border_that_is_given_is_filtered(self):
        image, kernel = sample("uint8"), weights((3, 3))
        result = imconv.correlate(image, kernel, like="pillow", border="mirror")
        np.testing.assert_array_equal(result, imconv.correlate(image, kernel, border="mirror"))

    def test_what_it_can_not(self):
        refused(imconv.ImconvError, "8-bit", imconv.gaussian_blur, sample("uint16"), 1, like="pillow")
        with pytest.raises(imconv.ImconvError, match="3x3 and 5x5, not 4x3"):
            imconv.correlate(sample("uint8"), weights((4, 3)), like="pillow")
        refused(imconv.ImconvError, "truncate", imconv.gaussian_blur, sample("uint8"), 1, truncate=3, like="pillow")


def quantum() -> bool:
    if shutil.which("convert") is None:
        return False
    told = subprocess.run(["convert", "-version"], capture_output=True, text=True).stdout
    return "ImageMagick 6" in told and "Q16 " in told


@pytest.mark.skipif(not quantum(), reason="needs ImageMagick 6, Q16 without HDRI")
class TestImageMagick:
    def magick(self, folder, image, *arguments):
        extra = {} if image.ndim == 2 else {"photometric": "rgb", "extrasamples": ["unassalpha"]}
        tifffile.imwrite(folder / "in.tif", image, **extra)
        subprocess.run(["convert", folder / "in.tif", *arguments, folder / "out.tif"], check=True, capture_output=True)
        return tifffile.imread(folder / "out.tif")

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_blurs_bit_for_bit(self, dtype, tmp_path):
        image = sample(dtype)
        for sigma in (0.3, 0.6, 1, 2.2, 4):
            expected = self.magick(tmp_path, image, "-blur", f"0x{sigma}")
            np.testing.assert_array_equal(imconv.gaussian_blur(image, sigma, like="imagemagick"), expected)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_kernels_bit_for_bit(self, dtype, shape, tmp_path):
        image, kernel = sample(dtype), weights(shape)
        text = f"{shape[1]}x{shape[0]}: " + " ".join(",".join(repr(float(v)) for v in row) for row in kernel)
        for method, function in (("Convolve", imconv.convolve), ("Correlate", imconv.correlate)):
            expected = self.magick(tmp_path, image, "-morphology", method, text)
            np.testing.assert_array_equal(function(image, kernel, like="imagemagick"), expected)

    def test_boxes(self, tmp_path):
        image = sample("uint16")
        for rows, columns in ((3, 3), (4, 4), (2, 5)):
            text = f"{columns}x{rows}: " + " ".join([",".join([repr(1 / (rows * columns))] * columns)] * rows)
            expected = self.magick(tmp_path, image, "-morphology", "Convolve", text)
            result = imconv.box_blur(image, (rows, columns), like="imagemagick")
            near_ties(result, expected, imconv.convolve(image.astype(float), np.full((rows, columns), 1 / (rows * columns)),
                      border="nearest", anchor=((rows - 1) // 2, (columns - 1) // 2)))  # fmt: skip

    def test_alpha_weighs(self, tmp_path):
        image = sample("uint8", (31, 40, 4))
        expected = self.magick(tmp_path, image, "-blur", "0x1.5")
        result = imconv.gaussian_blur(image, 1.5, like="imagemagick", has_alpha=True)
        assert np.abs(result.astype(int) - expected).max() <= 1
        assert np.abs(imconv.gaussian_blur(image, 1.5, like="imagemagick").astype(int) - expected).max() > 10


VIPS = """
import json, sys
import numpy as np, pyvips
folder = sys.argv[1]
image = np.load(folder + "/in.npy")
kind = {"uint8": "uchar", "uint16": "ushort", "float32": "float", "float64": "double"}[image.dtype.name]
found = {}
for number, (name, *arguments) in enumerate(json.load(open(folder + "/calls.json"))):
    if name == "conv":
        arguments = [pyvips.Image.new_from_array(arguments[0], scale=arguments[1])]
    result = getattr(pyvips.Image.new_from_array(image), name)(*arguments).cast(kind)  # as a file of this type has it
    found[str(number)] = result.numpy()
np.savez(folder + "/out.npz", **found)
"""


class TestVips:
    def vips(self, folder, image, calls):
        """libvips' results, without its vector code, which rounds the weights once more and is off by levels."""
        pytest.importorskip("pyvips")
        np.save(folder / "in.npy", image)
        (folder / "calls.json").write_text(json.dumps(calls))
        environment = {**os.environ, "VIPS_NOVECTOR": "1"}
        subprocess.run([sys.executable, "-c", VIPS, str(folder)], check=True, env=environment)
        with np.load(folder / "out.npz") as found:
            return [found[str(number)] for number in range(len(calls))]

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
    def test_gaussians(self, dtype, tmp_path):
        image, sigmas = sample(dtype), (0.1, *SIGMAS, 9)
        expected = self.vips(tmp_path, image, [("gaussblur", sigma) for sigma in sigmas])
        for sigma, its in zip(sigmas, expected, strict=True):
            held(imconv.gaussian_blur(image, sigma, like="vips"), its)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    def test_kernels_and_boxes(self, dtype, tmp_path):
        """`conv` gives float32, which are truncated when they are written."""
        image, sizes = sample(dtype), [pair(size) for size in SIZES]
        calls = [("conv", weights(shape).tolist(), 1) for shape in SHAPES]
        calls += [("conv", np.ones(size).tolist(), size[0] * size[1]) for size in sizes]
        expected = iter(self.vips(tmp_path, image, calls))
        for shape in SHAPES:
            held(imconv.correlate(image, weights(shape), like="vips"), next(expected))
        for size in sizes:
            held(imconv.box_blur(image, size, like="vips"), next(expected))


class TestTorch:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.filterwarnings("ignore:Using padding='same'")
    def test_kernels_and_boxes(self, shape):
        torch = pytest.importorskip("torch")
        image = sample("float32")

        def conv2d(kernel):
            tensors = (torch.from_numpy(a.astype(np.float32))[None, None] for a in (image, kernel))
            return torch.nn.functional.conv2d(*tensors, padding="same").numpy()[0, 0]

        close(imconv.correlate(image, weights(shape), like="torch"), conv2d(weights(shape)))
        close(imconv.box_blur(image, shape, like="torch"), conv2d(np.full(shape, 1 / np.prod(shape))))

    def test_its_definition(self):
        """Zeros around, correlation, the anchor of even sizes left of the middle."""
        np.testing.assert_array_equal(
            imconv.correlate(np.array([[1.0, 2.0, 4.0]]), [[1, 10]], like="torch"), [[21.0, 42.0, 4.0]]
        )
        assert imconv.gaussian_blur(np.ones((1, 9)), 1, like="torch")[0, 0] < 0.7


FILTERS = {
    "blur": lambda tool, options: blur_like(tool, 1.3, None, 30, options, None),
    "box": lambda tool, options: box_like(tool, (4, 3), options, None),
    "apply": lambda tool, options: kernel_like(tool, Kernel(weights((3, 3))), options, None),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", FILTERS)
class TestFilters:
    """What every filter owes: the same bits whole, in bands, on threads; every layout; alpha; depth and stride."""

    @pytest.fixture
    def filter(self, tool, name):
        return lambda **options: FILTERS[name](tool, imconv.options.Options(**options))

    @pytest.mark.parametrize(("channels", "has_alpha"), [(1, False), (2, True), (3, False), (4, True)])
    def test_bands_and_threads(self, filter, channels, has_alpha, monkeypatch):
        image = sample("uint8", (75, 40, channels))
        work = filter(has_alpha=has_alpha)
        expected = apply(work, image, threads=1)
        np.testing.assert_array_equal(apply(work, image, threads=3), expected)
        set_stripe_bytes(monkeypatch, 1)
        plan = work.plan(image.shape, image.dtype, has_alpha)
        for height in (1, 7, 75):
            bands = (image[top : top + height] for top in range(0, 75, height))
            np.testing.assert_array_equal(np.concatenate(list(stream(plan, bands, threads=2))), expected)

    def test_layouts_and_out(self, filter):
        image = sample("uint8", (20, 33, 3))
        expected = apply(filter(), image)
        np.testing.assert_array_equal(apply(filter(), image[::-1, ::-1].copy()[::-1, ::-1]), expected)
        np.testing.assert_array_equal(apply(filter(), np.asfortranarray(image)), expected)
        given = image.copy()
        assert apply(filter(), given, out=given) is given
        np.testing.assert_array_equal(given, expected)
        planes = apply(filter(channel_axis=0), np.moveaxis(image, 2, 0).copy())
        np.testing.assert_array_equal(np.moveaxis(planes, 0, 2), expected)

    def test_stride_samples(self, filter):
        image = sample("uint8", (20, 33))
        np.testing.assert_array_equal(apply(filter(stride=(3, 2)), image), apply(filter(), image)[::3, ::2])

    def test_depth_and_dtype(self, filter):
        image = sample("uint8", (20, 33))
        assert apply(filter(depth=16), image).dtype == np.uint16
        assert filter(dtype="int32").result_type(image.dtype) == np.int32
        assert filter(depth="float").plan(image.shape, image.dtype, False).target == "float32"
        wide = apply(filter(depth=16), image) / 257
        assert np.abs(wide - apply(filter(), image)).max() <= 1.01

    def test_parts_of_a_picture(self, filter):
        """Regions, channels and white masks have the tool's own result; masks blend it."""
        image = sample("uint8", (40, 33, 3))
        whole = apply(filter(), image)
        mask = np.random.default_rng(6).integers(0, 256, (40, 33), np.uint8)
        mask[10:20] = 255
        expected = image.copy()
        expected[4:34, 5:25, 1] = whole[4:34, 5:25, 1]
        np.testing.assert_array_equal(apply(filter(region="20x30+5+4", channels="g"), image), expected)
        amount = mask[..., None] / 255
        blend = amount * whole + (1 - amount) * image
        for work in (filter(mask=mask), filter(mask=mask, depth="float")):
            found = apply(work, image)
            unit = 255 if found.dtype == np.float32 else 1
            assert np.abs(found * float(unit) - blend).max() <= (0.5001 if unit == 1 else 1e-3)
        np.testing.assert_array_equal(apply(filter(mask=mask), image)[10:20], whole[10:20])
        np.testing.assert_array_equal(apply(filter(region="20x30+5+4", crop=True), image), whole[4:34, 5:25])

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
    def test_small(self, filter, shape):
        assert apply(filter(), sample("uint8", shape)).shape == shape

    def test_it_says_so(self, filter, tool):
        told = str(filter().plan((20, 33), np.dtype("uint8"), False))
        assert told.startswith(f"like           {tool}")
        assert f"border {TOOLS[tool].border}" in told
        assert filter().plan((20, 33), np.dtype("uint8"), False).as_dict()["like"] == tool

    def test_no_light(self, filter):
        refused(imconv.ImconvError, "leave out like= or linear=", apply, filter(linear=True), sample("uint8"))


def test_offsets_are_in_the_results_units():
    image = sample("uint8")
    kernel = weights((3, 3)) - np.eye(3) / 3
    plain = imconv.convolve(image, kernel, border="nearest", offset=100)
    for tool in ("opencv", "imagemagick"):
        found = imconv.convolve(image, kernel, border="nearest", offset=100, like=tool)
        assert np.abs(found.astype(int) - plain).max() <= 1


def test_constant_borders_are_in_the_pictures_units():
    image = np.full((5, 5), 200, np.uint8)
    found = imconv.box_blur(image, 3, like="imagemagick", border="constant:20")
    assert [found[0, 0], found[0, 2], found[2, 2]] == [100, 140, 200]


def test_the_default_border_is_told_from_the_same_one_given():
    image, kernel = sample("float64"), weights((3, 3))
    reflected = imconv.correlate(image, kernel)
    np.testing.assert_array_equal(imconv.correlate(image, kernel, border="reflect", like="opencv"), reflected)
    assert (imconv.correlate(image, kernel, like="opencv") != reflected).any()
    blurred = imconv.gaussian_blur(image, 1, truncate=4)
    np.testing.assert_allclose(imconv.gaussian_blur(image, 1, border="reflect", like="opencv"), blurred, atol=1e-12)


def test_anchors_that_are_given_win():
    image, kernel = sample("float64"), weights((4, 2))
    given = imconv.correlate(image, kernel, anchor=(2, 1), border="constant")
    np.testing.assert_array_equal(imconv.correlate(image, kernel, anchor=(2, 1), like="torch"), given)
    low = imconv.correlate(image, kernel, anchor=(1, 0), border="constant")
    np.testing.assert_array_equal(imconv.correlate(image, kernel, like="torch"), low)


def test_errors():
    refused(imconv.ImconvError, "did you mean 'opencv'", imconv.gaussian_blur, sample("uint8"), 1, like="opencw")
    refused(imconv.ImconvError, "leave out pad", imconv.gaussian_blur, sample("uint8"), 1, like="scipy", pad="valid")
    assert imconv.gaussian_blur(sample("uint8"), 1, like="opencv", pad="valid").shape == (55, 39)


def test_nan_is_told_of():
    image = np.full((5, 5), np.nan, np.float32)
    with pytest.warns(RuntimeWarning, match="25 results were NaN"):
        assert not imconv.gaussian_blur(image, 1, like="scipy", dtype="uint8").any()


def test_functions_document_it():
    for function in (imconv.gaussian_blur, imconv.box_blur, imconv.correlate, imconv.convolve):
        assert "like : " in inspect.getdoc(function)


# --- median: every tool's own ---
@pytest.mark.parametrize("size", [3, 5, 7])
def test_median_of_opencv(size):
    cv2 = pytest.importorskip("cv2")
    for shape in ((37, 41), (37, 41, 3)):
        image = np.random.default_rng(size).integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(imconv.median(image, size, like="opencv"), cv2.medianBlur(image, size))


@pytest.mark.parametrize("size", [3, 5])
def test_median_of_pillow(size):
    image = np.random.default_rng(size).integers(0, 256, (37, 41, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(image).filter(ImageFilter.MedianFilter(size)))
    np.testing.assert_array_equal(imconv.median(image, size, like="pillow"), expected)


@pytest.mark.parametrize("size", [3, 5])
def test_median_of_vips(size):
    pyvips = pytest.importorskip("pyvips")
    image = np.random.default_rng(size).integers(0, 256, (37, 41, 3)).astype(np.uint8)
    expected = pyvips.Image.new_from_array(image).median(size).numpy()
    np.testing.assert_array_equal(imconv.median(image, size, like="vips"), expected)


@pytest.mark.parametrize("size", [3, 5])
def test_median_of_imagemagick(size, tmp_path):
    program = shutil.which("magick") or shutil.which("convert")
    if (
        program is None
        or "ImageMagick" not in subprocess.run([program, "-version"], capture_output=True, text=True).stdout
    ):
        pytest.skip("ImageMagick is not installed")
    image = np.random.default_rng(size).integers(0, 256, (37, 41)).astype(np.uint8)
    imconv.write(tmp_path / "in.pgm", image)
    words = [program, "in.pgm", "-statistic", "Median", f"{size}x{size}", "-depth", "8", "out.pgm"]
    subprocess.run(words, cwd=tmp_path, check=True)
    np.testing.assert_array_equal(
        imconv.median(image, size, like="imagemagick"), imconv.read(tmp_path / "out.pgm").pixels
    )


@pytest.mark.parametrize("size", [3, 4, (2, 5)])
def test_median_of_scipy(size):
    image = np.random.default_rng(7).random((37, 41))
    np.testing.assert_array_equal(imconv.median(image, size, like="scipy"), ndimage.median_filter(image, size))


def test_medians_that_a_tool_has_not():
    image = np.zeros((9, 9), np.uint8)
    for how, message in (
        ({"like": "torch"}, "torch has no median"),
        ({"like": "opencv", "shape": "disk"}, "takes a square of an odd side"),
        ({"like": "opnecv"}, "did you mean 'opencv'"),
    ):
        refused(imconv.ImconvError, message, imconv.median, image, 3, **how)
    refused(imconv.ImconvError, "takes a square of an odd side", imconv.median, image, 4, like="vips")
    wrapped = imconv.median(np.arange(81, dtype=np.uint8).reshape(9, 9), 3, like="opencv", border="wrap")
    np.testing.assert_array_equal(wrapped, imconv.median(np.arange(81, dtype=np.uint8).reshape(9, 9), 3, border="wrap"))
