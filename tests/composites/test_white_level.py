"""Pictures whose white is not the largest value of their type: 16-bit samples with the white of 8 bits have the results of 8 bits."""

import numpy as np
import pytest

import imconv
from imconv.composites.chain import ChainFilter
from imconv.engine.drive import stream
from imconv.errors import ImconvError
from imconv.files.picture import Metadata
from imconv.filters.apply import apply, plan_picture
from imconv.filters.local import contrast_filter
from imconv.kernel.kernel import Kernel
from imconv.options import Options
from imconv.pixels.rounding import Tally
from imconv.stages.convolution.filter import LinearFilter

RNG = np.random.default_rng(3)
GUIDE = RNG.random((40, 33))
HALF = np.where(GUIDE < 0.3, 0, np.where(GUIDE < 0.7, 0.5, 1))

FILTERS = {
    "correlate": lambda p, **o: imconv.correlate(p, [[1, 2], [3, -4]], **o),
    "convolve": lambda p, **o: imconv.convolve(p, [[1, 2, 3], [4, 3, -11]], **o),
    "gaussian_blur": lambda p, **o: imconv.gaussian_blur(p, 1.3, **o),
    "box_blur": lambda p, **o: imconv.box_blur(p, 3, **o),
    "sharpen": lambda p, **o: imconv.sharpen(p, **o),
    "unsharp_mask": lambda p, **o: imconv.unsharp_mask(p, 1.2, 3, 4, **o),
    "median": lambda p, **o: imconv.median(p, 3, **o),
    "rank": lambda p, **o: imconv.rank(p, 25, 5, **o),
    "minimum": lambda p, **o: imconv.minimum(p, 3, **o),
    "maximum": lambda p, **o: imconv.maximum(p, 3, **o),
    "opening": lambda p, **o: imconv.opening(p, 3, **o),
    "closing": lambda p, **o: imconv.closing(p, 3, **o),
    "gradient": lambda p, **o: imconv.gradient(p, 3, **o),
    "tophat": lambda p, **o: imconv.tophat(p, 3, **o),
    "blackhat": lambda p, **o: imconv.blackhat(p, 3, **o),
    "bilateral": lambda p, **o: imconv.bilateral(p, 2, 50, **o),
    "guided": lambda p, **o: imconv.guided(p, 2, "10%", **o),
    "guided guide": lambda p, **o: imconv.guided(p, 2, "10%", GUIDE, **o),
    "edges": lambda p, **o: imconv.edges(p, "sobel", **o),
    "edges kirsch": lambda p, **o: imconv.edges(p, "kirsch", **o),
    "emboss": lambda p, **o: imconv.emboss(p, **o),
    "motion_blur": lambda p, **o: imconv.motion_blur(p, 5, **o),
    "disk_blur": lambda p, **o: imconv.disk_blur(p, 3, **o),
    "gabor": lambda p, **o: imconv.gabor(p, 4, **o),
    "local_contrast": lambda p, **o: imconv.local_contrast(p, 2, **o),
    "local_deviation": lambda p, **o: imconv.local_deviation(p, 3, **o),
    "pool max": lambda p, **o: imconv.pool(p, "max", 2, **o),
    "pool avg": lambda p, **o: imconv.pool(p, "avg", 3, padding=1, **o),
}
# sums of floats: weights that are no fractions, and lines through means of products
ROUNDED = ("disk_blur", "gabor", "gaussian_blur", "unsharp_mask", "bilateral", "guided", "guided guide")
OPTIONS = {
    "plain": {},
    "abs": {"range": "abs"},
    "offset": {"range": "offset"},
    "stretch": {"range": "stretch"},
    "8 bits": {"depth": 8},
    "16 bits": {"depth": 16},
    "float": {"depth": "float"},
    "linear": {"linear": True},
    "linear and float": {"linear": True, "depth": "float"},
    "border": {"border": "constant:200"},
    "mask": {"mask": HALF},
    "mask and offset": {"mask": HALF, "range": "offset"},
    "region": {"region": "20x10+3+4"},
    "region and stretch": {"region": "20x10+3+4", "range": "stretch"},
    "dtype": {"dtype": "float64"},
    "added": {"offset": 30},
}


def pictures(channels: int) -> tuple[imconv.Picture, imconv.Picture]:
    """The same numbers as 8 bits, and as 16 bits with the white of 8."""
    pixels = np.random.default_rng(channels).integers(0, 256, (40, 33, channels)).astype(np.uint8)
    pixels[5:20, 5:20] = pixels[5:20, 5:20] // 128 * 255
    narrow = imconv.Picture(pixels if channels > 1 else pixels[..., 0])
    return narrow, imconv.Picture(narrow.pixels.astype(np.uint16), metadata=Metadata(maximum=255))


SUMS_DIFFER = (
    0.005  # the share of samples that may be 1 level off: sums of 8 and 16 bits round differently next to a tie
)


def same(wide, narrow, kept: bool, exact: bool = True) -> None:
    assert wide.maximum == (255 if kept else None)
    if wide.pixels.dtype.kind == "f":
        np.testing.assert_allclose(
            wide.pixels, narrow.pixels, rtol=2e-5, atol=2e-5 * max(1, np.abs(narrow.pixels).max())
        )
    elif exact:
        np.testing.assert_array_equal(wide.pixels, narrow.pixels)
    else:
        apart = np.abs(wide.pixels.astype(int) - narrow.pixels)
        assert apart.max() <= 1
        assert np.count_nonzero(apart) <= SUMS_DIFFER * apart.size


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", FILTERS)
def test_the_results_are_those_of_8_bits(name, options, channels):
    given, (narrow, wide) = OPTIONS[options], pictures(channels)
    try:
        expected = FILTERS[name](narrow, **given)
    except (ImconvError, TypeError) as error:
        with pytest.raises(type(error)):
            FILTERS[name](wide, **given)
        return
    exact = given.get("depth") != 16 and given.get("range") != "stretch" and name not in ROUNDED
    same(FILTERS[name](wide, **given), expected, "depth" not in given and "dtype" not in given, exact)


@pytest.mark.parametrize("policy", ["clip", "abs", "offset", "stretch"])
def test_chains(policy):
    narrow, wide = pictures(4)
    steps = (
        LinearFilter(Kernel(np.ones((3, 3)) / 8), Options()),
        contrast_filter(2, None, None, None, None, Options()),
        LinearFilter(Kernel([[1, 0, 2]]), Options(border="constant:9,8,7")),
    )
    filter = ChainFilter(steps, Options(range=policy))
    same(apply(filter, wide), apply(filter, narrow), kept=True, exact=policy != "stretch")


def test_results_beyond_white_are_clipped_counted_or_refused():
    wide = imconv.Picture(np.array([[0, 4095, 0, 4000]], np.uint16), metadata=Metadata(maximum=4095))
    tally = Tally()
    result = apply(LinearFilter(Kernel([[2]]), Options()), wide, tally=tally)
    assert result.pixels.tolist() == [[0, 4095, 0, 4095]]
    assert (result.maximum, tally.clipped) == (4095, 2)
    with pytest.raises(ImconvError, match=r"leave 0\.\.4095 \(one is 8190\)"):
        imconv.correlate(wide, [[2]], range="error")


@pytest.mark.parametrize("policy", ["clip", "offset"])
def test_bands(policy):
    _, wide = pictures(3)
    planned = plan_picture(LinearFilter(Kernel([[-1, 5, -1]]), Options(range=policy)), wide)
    bands = (wide.pixels[row : row + 7] for row in range(0, 40, 7))
    expected = planned.run(wide).pixels
    np.testing.assert_array_equal(np.concatenate(list(stream(planned.plan, bands))), expected)
    bands = (wide.pixels[row : row + 7] for row in range(0, 40, 7))
    np.testing.assert_array_equal(np.concatenate(list(stream(planned.plan, bands, (11, 30)))), expected[11:30])


def test_masks_guides_and_comparisons_know_white():
    narrow, wide = pictures(1)
    mask = imconv.Picture(narrow.pixels), imconv.Picture(wide.pixels, metadata=Metadata(maximum=255))
    same(imconv.box_blur(wide, 3, mask=mask[1]), imconv.box_blur(narrow, 3, mask=mask[0]), kept=True)
    np.testing.assert_allclose(
        imconv.guided(GUIDE, 2, "10%", mask[1]), imconv.guided(GUIDE, 2, "10%", mask[0]), rtol=1e-9
    )
    other = imconv.box_blur(wide, 3)
    assert imconv.compare(wide, other) == imconv.compare(narrow, imconv.box_blur(narrow, 3))
    assert imconv.compare(wide, wide.in_full_range()).max_abs == 0


def test_no_array_has_another_white():
    with pytest.raises(TypeError, match="unexpected keyword argument 'white'"):
        imconv.box_blur(np.zeros((3, 3), np.uint8), 3, white=9)
