"""Oriented cells against scikit-image, OpenCV, waves and the definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.apply import apply
from imconv.filters.gabor import gabor_filter, gabor_kernel, gabor_parts, sigma_of
from imconv.geometry.arrangement import GAP
from imconv.options import Options
from imconv.pixels.elementary import unit_vector
from imconv.pixels.rounding import Tally
from tests.bounds import assert_within
from tests.cases import FLOATS, WHOLE, picture
from tests.executing import threads_and_bands_change_nothing

ROUNDINGS = 1e-12
FLOAT32_SUMS = 1e-6  # of shares of white
PHASE_LEAK = (
    0.03  # how far energies may differ over a wave: the even cell's sum is 0, its envelope hence not quite the odd's
)

angles = st.floats(-400, 400)


def field(wavelength, orientation, phase=0.0, octaves=1.0, aspect=1.0):
    """The cell as the docstring says, neither without sum nor scaled."""
    along = sigma_of(octaves) * wavelength
    envelope, even, odd = gabor_parts(wavelength, orientation, along, along * aspect)
    c, s = unit_vector(phase)
    return envelope * (c * even - s * odd)


def wave(wavelength, orientation, phase=0.0, shape=(61, 71)):
    """A wave of amplitude 1 whose crest, for phase 0, goes through the middle."""
    y, x = (np.ogrid[tuple(slice(n) for n in shape)][i] - shape[i] // 2 for i in (0, 1))
    t = math.radians(orientation)
    return np.cos(2 * np.pi * (x * math.cos(t) + y * math.sin(t)) / wavelength + math.radians(phase))


# --- oracles ---
@pytest.mark.parametrize("orientation", [0, 22.5, 45, 90, 120, 180, -30])
@pytest.mark.parametrize(("octaves", "aspect"), [(1, 1), (0.6, 1), (1.5, 2), (2, 0.5)])
def test_parts_are_scikit_images(orientation, octaves, aspect):
    filters = pytest.importorskip("skimage.filters")
    for wavelength in (3, 5.5, 10):
        across = sigma_of(octaves) * wavelength * aspect
        theirs = filters.gabor_kernel(1 / wavelength, math.radians(orientation), octaves, sigma_y=across, n_stds=3)
        envelope, even, odd = gabor_parts(wavelength, orientation, sigma_of(octaves) * wavelength, across)
        np.testing.assert_allclose(envelope * even, theirs.real, rtol=0, atol=ROUNDINGS)
        np.testing.assert_allclose(envelope * odd, theirs.imag, rtol=0, atol=ROUNDINGS)


def test_the_phase_is_scikit_images_offset():
    filters = pytest.importorskip("skimage.filters")
    for phase in (0, 30, 90, 200):
        theirs = filters.gabor_kernel(1 / 7, math.radians(20), offset=math.radians(phase))
        np.testing.assert_allclose(field(7, 20, phase), theirs.real, rtol=0, atol=ROUNDINGS)


def test_answers_are_scikit_images_but_for_sum_and_gain():
    """Its answers, by convolution, are those of the phases 0 and 90; of odd cells the sum is 0 already."""
    filters = pytest.importorskip("skimage.filters")
    image = picture("float64", (30, 33), 3)
    even, odd = filters.gabor(image, 1 / 6, math.radians(25))
    gain = gabor_kernel(6, 25, 90).weights[3, 4] / field(6, 25, 90)[3, 4]
    np.testing.assert_allclose(imconv.gabor(image, 6, 25, phase=90), gain * odd, atol=1e-11)
    weights, parts = gabor_kernel(6, 25).weights, field(6, 25)
    scale = 1 / (parts * wave(6, 25, shape=parts.shape)).sum()
    lost = imconv.gabor(image, 6, 25) - scale * even
    assert np.abs(lost).max() < 0.02 * np.abs(image).max() * np.abs(weights).sum()


def test_opencv_has_the_same_cell():
    cv2 = pytest.importorskip("cv2")
    parts = field(9, 30, 40, aspect=1.25)
    rows, columns = parts.shape
    theirs = cv2.getGaborKernel(
        (columns, rows), sigma_of(1) * 9, math.radians(30), 9, 1 / 1.25, math.radians(40), cv2.CV_64F
    )
    theirs = theirs[::-1, ::-1]  # it is for convolution, its phase too
    np.testing.assert_allclose(
        parts / parts[rows // 2, columns // 2], theirs / theirs[rows // 2, columns // 2], atol=1e-9
    )


# --- what cells answer ---
@given(st.floats(2.5, 40), angles, angles, st.floats(0.4, 2), st.floats(0.5, 2))
def test_even_areas_are_answered_by_0_and_the_own_wave_by_its_amplitude(
    wavelength, orientation, phase, octaves, aspect
):
    weights = gabor_kernel(wavelength, orientation, phase, bandwidth=octaves, aspect=aspect).weights
    assert all(n % 2 for n in weights.shape)
    assert abs(weights.sum()) <= ROUNDINGS * np.abs(weights).sum()
    own = wave(wavelength, orientation, phase, weights.shape)
    assert (weights * own).sum() == pytest.approx(1, abs=1e-9)


def test_flat_pictures():
    flat = np.full((20, 20), 255, np.uint8)
    for phase in (0, 90, 33):
        assert (imconv.gabor(flat, 5, 20, phase=phase) == 128).all()
        assert np.abs(imconv.gabor(flat.astype(float), 5, 20, phase=phase)).max() < ROUNDINGS * 255
    assert (imconv.gabor(flat, 5, 20, energy=True) == 0).all()


@pytest.mark.parametrize("orientation", [0, 30, 45, 90, 150])
def test_energy_does_not_depend_on_the_phase(orientation):
    for phase in (0, 45, 90, 200):
        answer = imconv.gabor(wave(8, orientation, phase), 8, orientation, energy=True)[20:-20, 20:-20]
        assert np.abs(answer - 1).max() < ROUNDINGS
        across = imconv.gabor(wave(8, orientation, phase), 8, orientation + 90, energy=True)[20:-20, 20:-20]
        assert across.max() < 0.03
        shorter = imconv.gabor(wave(8, orientation, phase), 4, orientation, energy=True)[20:-20, 20:-20]
        assert shorter.max() < 0.25  # two bandwidths away


def test_energy_is_the_magnitude_of_both():
    image = picture("float64", (25, 31), 1)
    even, odd = (imconv.gabor(image, 6, 35, phase=p, aspect=1.5) for p in (0, 90))
    np.testing.assert_allclose(imconv.gabor(image, 6, 35, energy=True, aspect=1.5), np.hypot(even, odd), rtol=1e-12)


def test_directions():
    """The wave of 45 degrees goes to the right and down; -90 is positive where it gets brighter that way."""
    y, x = np.mgrid[:41, :41]
    for orientation, step in ((0, x > 20), (90, y > 20), (45, x + y > 40), (180, x < 20)):
        assert imconv.gabor(step * 1.0, 8, orientation, phase=-90)[20, 20] > 0.2
        assert imconv.gabor(step * 1.0, 8, orientation, phase=90)[20, 20] < -0.2
    assert gabor_kernel(8, 360 + 90, -270) == gabor_kernel(8, 90, 90)
    np.testing.assert_allclose(gabor_kernel(8, 20).weights, gabor_kernel(8, 200).weights, atol=1e-15)


def test_kernels_are_symmetric_to_the_last_bit():
    for orientation in (0, 17, 90):
        even, odd = (gabor_kernel(7, orientation, phase).weights for phase in (0, 90))
        np.testing.assert_array_equal(even, even[::-1, ::-1])
        np.testing.assert_array_equal(odd, -odd[::-1, ::-1])


def test_sigma_instead_of_the_bandwidth():
    assert gabor_kernel(8, 10, sigma=sigma_of(1) * 8) == gabor_kernel(8, 10)
    assert gabor_kernel(8, 0, sigma=2).shape == (13, 13)
    assert gabor_kernel(8, 0, sigma=2, aspect=2).shape == (25, 13)
    assert sigma_of(1) == pytest.approx(0.56, abs=0.003)


# --- types, signs, options ---
@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS])
def test_every_type(dtype):
    image = picture(dtype, (22, 25), 4)
    wide = image.astype(np.float64)
    kernels = [gabor_kernel(5, 30, phase) for phase in (0, -90)]
    answers = [ndimage.correlate(wide, k.weights) for k in kernels]
    native = image.dtype.newbyteorder("=")
    scale = max(k.absolute_sum() for k in kernels) * np.abs(wide).max()
    shift = (np.iinfo(native).max + 1) // 2 if native.kind == "u" else 0
    assert_within(imconv.gabor(image, 5, 30), answers[0] + shift, native, scale=scale)
    assert_within(imconv.gabor(image, 5, 30, energy=True), np.hypot(*answers), native, scale=2 * scale)


def test_ranges_channels_and_alpha():
    image = picture("uint8", (21, 30, 4), 5)
    answer = imconv.gabor(image, 6, 60, gain="2.5", dtype="float64")
    np.testing.assert_array_equal(
        imconv.gabor(image, 6, 60, gain=2.5, range="abs"), np.clip(np.floor(abs(answer) + 0.5), 0, 255)
    )
    with_alpha = imconv.gabor(image, 6, 60, gain=2.5, has_alpha=True)
    np.testing.assert_array_equal(with_alpha[..., 3], image[..., 3])
    for c in range(3):
        np.testing.assert_array_equal(with_alpha[..., c], imconv.gabor(image[..., c], 6, 60, gain=2.5))
    energy = imconv.gabor(image, 6, 60, energy=True, has_alpha=True)
    np.testing.assert_array_equal(energy[..., 3], image[..., 3])


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_the_same_bits_for_any_threads_and_bands(energy, dtype):
    image = picture(dtype, (150, 90, 3), 7)
    threads_and_bands_change_nothing(gabor_filter(7, 30, Options(), energy=energy), image)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_borders_strides_and_dilation(border):
    image = picture("float64", (11, 13), 2)
    kernel = gabor_kernel(4, 20)  # hardly smaller than the picture
    mode = {"wrap": "grid-wrap"}.get(border, border)
    dense = imconv.gabor(image, 4, 20, border=border)
    np.testing.assert_allclose(dense, ndimage.correlate(image, kernel.weights, mode=mode), rtol=0, atol=1e-10)
    strided = imconv.gabor(image, 4, 20, border=border, stride=(2, 3))
    np.testing.assert_allclose(strided, dense[::2, ::3], rtol=0, atol=1e-10)
    dilated = ndimage.correlate(image, np.kron(kernel.weights, [[1, 0], [0, 0]])[:-1, :-1], mode=mode)
    np.testing.assert_allclose(imconv.gabor(image, 4, 20, border=border, dilation=2), dilated, rtol=0, atol=1e-10)
    assert imconv.gabor(image[:1, :1], 4, 20, border=border).shape == (1, 1)


# --- banks ---
@pytest.mark.parametrize("options", [{}, {"energy": True}, {"phase": 90}, {"gain": "3", "range": "abs"}])
@pytest.mark.parametrize("kind", [("uint8", (20, 31, 3)), ("float32", (20, 31)), ("uint16", (20, 31, 2))])
def test_a_bank_is_its_cells_side_by_side(kind, options):
    image, alpha = picture(*kind, 3), len(kind[1]) == 3 and kind[1][2] == 2
    sheet = imconv.gabor(image, 4, 10, bank=3, scales=2, has_alpha=alpha, **options)
    assert sheet.shape == (2 * 20 + GAP, 3 * 31 + 2 * GAP, *kind[1][2:])
    covered = np.zeros(sheet.shape, bool)
    for row in range(2):
        for column in range(3):
            place = np.s_[row * (20 + GAP) : row * (20 + GAP) + 20, column * (31 + GAP) : column * (31 + GAP) + 31]
            cell = imconv.gabor(image, 4 * 2**row, 10 + 60 * column, has_alpha=alpha, **options)
            np.testing.assert_array_equal(sheet[place], cell)
            covered[place] = True
    assert (sheet[~covered] == (1 if kind[0] == "float32" else np.iinfo(kind[0]).max)).all()


def test_a_bank_of_one_scale_is_nearly_square():
    image = np.zeros((10, 12))
    for count, (rows, columns) in {1: (1, 1), 2: (1, 2), 4: (2, 2), 6: (2, 3), 8: (2, 4), 12: (3, 4)}.items():
        shape = rows * (10 + GAP) - GAP, columns * (12 + GAP) - GAP
        assert imconv.gabor(image, 4, bank=count).shape == shape


def test_a_bank_goes_with_everything():
    image = picture("uint8", (20, 31), 1)
    work = gabor_filter(4, 0, Options(), bank=4, energy=True)
    plan = work.plan(image.shape, image.dtype, False)
    assert "bank           4 filters" in str(plan)
    assert (plan.as_dict()["bank"], plan.as_dict()["result_bytes"]) == (4, apply(work, image).nbytes)
    told, tally = [], Tally()
    np.testing.assert_array_equal(
        apply(work, image, tally=tally, progress=lambda *n: told.append(n)), apply(work, image)
    )
    assert told[-1] == (80, 80)
    assert tally.samples == 4 * image.size
    out = np.empty(plan.shape, np.uint8)
    assert apply(work, image, out=out) is out
    np.testing.assert_array_equal(out, apply(work, image))
    with pytest.raises(imconv.ImconvError, match="out"):
        apply(work, image, out=np.empty((3, 3), np.uint8))
    lit = imconv.gabor(image, 4, bank=4, linear=True)
    np.testing.assert_array_equal(lit[:20, :31], imconv.gabor(image, 4, linear=True))
    assert (lit[20 : 20 + GAP] == 255).all()
    stretched = imconv.gabor(image, 4, bank=4, range="stretch")
    np.testing.assert_array_equal(stretched[:20, :31], imconv.gabor(image, 4, range="stretch"))
    assert imconv.gabor(np.stack([image] * 5), 4, bank=2, channel_axis=0).shape == (5, 20, 62 + GAP)
    assert imconv.gabor(image, 4, bank=2, stride=2).shape == (10, 32 + GAP)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((2,), {}, "wavelength must be"),
        ((8, "up"), {}, "orientation must be"),
        ((8, 0), {"phase": math.inf}, "phase must be"),
        ((8, 0), {"energy": True, "phase": 90}, "energy= is of all phases"),
        ((8, 0), {"bandwidth": 9}, "bandwidth must be"),
        ((8, 0), {"bandwidth": 2, "sigma": 3}, "one of the two"),
        ((8, 0), {"sigma": 0.1}, "sigma must be a number from 0.5"),
        ((500, 0), {"aspect": 10}, "too large"),
        ((8, 0), {"bank": 2.5}, "bank must be a whole number"),
        ((8, 0), {"bank": 0}, "bank must be"),
        ((8, 0), {"scales": 2}, "give the bank"),
        ((300, 0), {"bank": 2, "scales": 2}, "longest wave"),
        ((8, 0), {"bank": 2, "scales": 2, "sigma": 3}, "give bandwidth"),
        ((8, 0), {"bank": 3, "pad": "valid"}, "pad='same'"),
    ],
)
def test_cells_that_are_none(arguments, options, message):
    with pytest.raises(imconv.ImconvError, match=message) as problem:
        imconv.gabor(np.zeros((40, 40)), *arguments, **options)
    assert "\n" not in str(problem.value)


def test_a_bank_of_a_part():
    """What is selected is selected in each cell."""
    image = picture("uint8", (20, 31, 3), 1)
    mask = picture("uint8", (20, 31), 2)
    for options in ({"region": "9x7+3+2"}, {"region": "9x7+3+2", "crop": True}, {"mask": mask}, {"channels": "r,b"}):
        cell = imconv.gabor(image, 4, 45, energy=True, **options)
        height, width = cell.shape[:2]
        sheet = imconv.gabor(image, 4, bank=4, energy=True, **options)
        assert sheet.shape == (2 * height + GAP, 2 * width + GAP, 3)
        np.testing.assert_array_equal(sheet[:height, width + GAP :], cell)


def test_signed_answers_on_a_part_keep_their_depth():
    image, mask = picture("uint8", (20, 31), 1), np.full((20, 31), 255, np.uint8)
    for options in ({"depth": 16}, {"depth": "float"}, {}):
        whole = imconv.gabor(image, 4, 30, **options)
        np.testing.assert_allclose(imconv.gabor(image, 4, 30, mask=mask, **options), whole, rtol=0, atol=FLOAT32_SUMS)
