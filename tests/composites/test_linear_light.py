"""Filtering in linear light, against the same in float64: decoded by formula, filtered by scipy, encoded by formula."""

import struct
import warnings

import numpy as np
import pytest

import imconv
from imconv.composites.linear_light import STRAIGHT_NOTE, conversion_of
from imconv.errors import FileError, ImconvError, OptionError
from imconv.files.picture import Metadata, Picture
from imconv.files.png import encode
from imconv.filters.apply import apply
from imconv.filters.sharpen import unsharp_filter
from imconv.options import Options
from imconv.pixels.curves import BT709, CHARACTERISTICS, SRGB, HybridLogGamma, Parametric, PerceptualQuantizer
from imconv.pixels.rounding import Tally
from imconv.stages.convolution.filter import LinearFilter
from tests import profiles
from tests.refused import refused

RANDOM = np.random.default_rng(11)
NEAR_TIE = 0.1  # of a 16-bit level: what float32 sums of light may differ by, encoded; of an 8-bit level a 257th of it
IDENTITY = imconv.Kernel([[1]])


def scene(kind: str, shape=(40, 60)) -> np.ndarray:
    """Dark and bright areas, with noise in all of them."""
    levels = np.add.outer(np.linspace(0, 0.7, shape[0]) ** 2, np.linspace(0, 0.3, shape[1]))
    levels = levels.reshape(*levels.shape, *(1 for _ in shape[2:])) + RANDOM.random(shape) * 0.1
    return np.round(np.clip(levels, 0, 1) * np.iinfo(kind).max).astype(kind)


def blurred(image: np.ndarray, sigma, curve=SRGB, border="reflect", value=0.0) -> np.ndarray:
    """What should come out, before it is rounded, in levels."""
    ndimage = pytest.importorskip("scipy.ndimage")
    top = np.iinfo(image.dtype).max
    light = curve.linear(image / top)
    sigmas = (sigma, sigma, 0)[: image.ndim]
    light = ndimage.gaussian_filter(light, sigmas, mode=border, cval=float(curve.linear(np.array(value / top))))
    return curve.encoded(light) * top


def assert_rounded(result: np.ndarray, exact: np.ndarray) -> None:
    """Rounded half up, but for near ties."""
    top = np.iinfo(result.dtype).max
    expected = np.clip(np.floor(exact + 0.5), 0, top)
    different = result != expected
    assert np.abs(result - expected).max() <= 1
    assert (np.abs(exact - np.floor(exact) - 0.5)[different] <= NEAR_TIE * top / 65535).all()


def test_a_checkerboard_becomes_as_bright_as_it_looks():
    """Half the light is level 188 in sRGB, not 128."""
    board = (np.indices((40, 40)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert (imconv.box_blur(board, 2) == 128)[1:, 1:].all()
    assert (imconv.box_blur(board, 2, linear=True) == 188)[1:, 1:].all()
    assert imconv.gaussian_blur(board, 5, linear=True)[20, 20] == 188


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 1)])
def test_blurs(kind, shape):
    image = scene(kind, shape)
    kept = image.copy()
    assert_rounded(imconv.gaussian_blur(image, 1.5, linear=True, truncate=4), blurred(image, 1.5))
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize("kind", ["bool", "uint8", "uint16"])
@pytest.mark.parametrize("alpha", ["weight", "separate", "keep", "unweighted"])
def test_what_changes_nothing_changes_nothing(kind, alpha):
    """Every level, opaque and half transparent, through an identity kernel and an unsharp mask of amount 0."""
    top = 1 if kind == "bool" else np.iinfo(kind).max
    levels = np.arange(top + 1).astype(kind).reshape(2, -1)
    picture = np.dstack([levels, levels[::-1], levels[:, ::-1], np.maximum(levels, levels.dtype.type(1))])
    for image, options in ((levels, {}), (picture[..., :3], {}), (picture, {"alpha": alpha, "has_alpha": True})):
        np.testing.assert_array_equal(imconv.correlate(image, IDENTITY, linear=True, **options), image)
        np.testing.assert_array_equal(imconv.unsharp_mask(image, 1, 0, linear=True, **options), image)


def test_alpha_weighs_light():
    """Beside what is transparent, colours stay what they are; alpha itself is filtered straight."""
    image = np.zeros((9, 9, 4), np.uint8)
    image[:, 5:] = (200, 100, 50, 255)
    image[:, :5, 0] = 255  # red that nobody sees
    result = imconv.box_blur(image, (1, 3), linear=True, has_alpha=True)
    assert (result[4, 4].tolist(), result[4, 5].tolist()) == ([200, 100, 50, 85], [200, 100, 50, 170])
    half = np.array([[[255, 0], [255, 255], [0, 255]]], np.uint8)
    mean = imconv.box_blur(half, (1, 3), linear=True, has_alpha=True, border="wrap")
    assert mean[0, 1].tolist() == [188, 170]


def test_borders_have_levels_of_the_image():
    image = np.full((5, 5, 3), 90, np.uint8)
    assert (imconv.box_blur(image, 3, linear=True, border="constant:90") == 90).all()
    result = imconv.box_blur(image, 3, linear=True, border="constant:200,90,0")
    light = SRGB.linear(np.array([200, 90, 0]) / 255) * 3 / 9 + SRGB.linear(np.array(90 / 255)) * 6 / 9
    np.testing.assert_array_equal(result[0, 2], np.floor(SRGB.encoded(light) * 255 + 0.5))
    assert_rounded(
        imconv.gaussian_blur(image[..., 0], 1, linear=True, border="constant:255", truncate=4),
        blurred(image[..., 0], 1, border="constant", value=255),
    )
    faded = np.dstack([image, np.full((5, 5), 255, np.uint8)])
    assert (imconv.box_blur(faded, 3, linear=True, has_alpha=True, border="constant:90,90,90")[..., 3] == 255).all()


def test_offsets_and_thresholds_are_shares_of_white():
    image = scene("uint8")
    light = SRGB.linear(image / 255)
    assert_rounded(imconv.correlate(image, IDENTITY, linear=True, offset=51), SRGB.encoded(light + 0.2) * 255)
    own = imconv.correlate(image, imconv.Kernel([[-1]], offset=255), linear=True)
    assert_rounded(own, SRGB.encoded(1 - light) * 255)
    filters = {t: imconv.unsharp_mask(image, 2, 1.5, t, linear=True).astype(int) for t in (0, 10, 255)}
    np.testing.assert_array_equal(filters[255], image)
    ndimage = pytest.importorskip("scipy.ndimage")
    detail = light - ndimage.gaussian_filter(light, 2)
    moved = np.abs(detail) > 10 / 255
    assert 0.02 < moved.mean() < 0.98
    np.testing.assert_array_equal(filters[10][~moved], image[~moved])
    np.testing.assert_array_equal(filters[10][moved], filters[0][moved])


@pytest.mark.parametrize(("depth", "white"), [(8, 255), (16, 65535), ("float", 1)])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_the_result_may_have_another_depth(kind, depth, white):
    image = scene(kind)
    exact = blurred(image, 1) / np.iinfo(kind).max * white
    result = imconv.gaussian_blur(image, 1, linear=True, depth=depth, truncate=4)
    if depth == "float":
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, exact, rtol=0, atol=2e-6)
    else:
        assert_rounded(result, exact)


def picture(metadata: Metadata, kind="uint8", mode="rgb") -> Picture:
    shape = (30, 40) if mode == "grey" else (30, 40, 3)
    return Picture(scene(kind, shape), mode, "PNG", metadata)


def chunks(*pairs) -> Metadata:
    return Metadata(chunks=pairs)


SRGB_CHUNK, CICP = (b"sRGB", b"\0"), b"cICP"
PROFILE = profiles.rgb(profiles.curv(round(1.8 * 256)))
GREY_PROFILE = profiles.grey(profiles.curv(round(1.5 * 256)))
GAMMA_18, GAMMA_15 = Parametric(round(1.8 * 256) / 256), Parametric(1.5)


@pytest.mark.parametrize(
    ("metadata", "mode", "curve"),
    [
        (Metadata(), "rgb", SRGB),
        (chunks(SRGB_CHUNK), "grey", SRGB),
        (Metadata(gamma=1 / 1.6), "rgb", Parametric(1.6)),
        (Metadata(gamma=1 / 1.6, chunks=(SRGB_CHUNK,)), "rgb", SRGB),
        (Metadata(icc=PROFILE), "rgb", GAMMA_18),
        (Metadata(icc=GREY_PROFILE), "grey", GAMMA_15),
        (Metadata(icc=PROFILE, gamma=1.0, chunks=(SRGB_CHUNK,)), "rgb", GAMMA_18),
        (Metadata(icc=PROFILE), "grey", SRGB),  # of another colour space: it is not this picture's
        (Metadata(icc=PROFILE, chunks=((CICP, bytes([1, 1, 0, 1])), SRGB_CHUNK)), "rgb", BT709),
        (Metadata(icc=PROFILE, chunks=((CICP, bytes([1, 2, 0, 1])),)), "rgb", GAMMA_18),
        (chunks((CICP, bytes([9, 16, 0, 1]))), "rgb", PerceptualQuantizer()),
        (chunks((CICP, bytes([9, 18, 0, 1]))), "rgb", HybridLogGamma()),
        (chunks((CICP, bytes([1, 8, 0, 1]))), "rgb", Parametric(1.0)),
        (chunks((CICP, bytes([9, 16, 0, 1]))), "grey", SRGB),  # for colours only
    ],
)
def test_the_file_says_how_it_is_encoded(metadata, mode, curve):
    given = picture(metadata, "uint16", mode)
    result = imconv.gaussian_blur(given, 1.5, linear=True, truncate=4)
    assert result.metadata is metadata
    assert_rounded(result.pixels, blurred(given.pixels, 1.5, curve))


def test_each_channel_has_its_own_curve():
    three = profiles.rgb(profiles.curv(512), profiles.SRGB, profiles.curv())
    given = picture(Metadata(icc=three))
    result = imconv.gaussian_blur(given, 2, linear=True, truncate=4).pixels
    for channel, curve in enumerate((Parametric(2.0), SRGB, Parametric(1.0))):
        assert np.abs(result[..., channel] - blurred(given.pixels[..., channel], 2, curve)).max() < 0.51


@pytest.mark.parametrize(
    ("metadata", "words"),
    [(chunks((CICP, bytes([1, 12, 0, 1]))), "states transfer characteristics 12, which can't be decoded"),
     (chunks((CICP, bytes([1, 13, 0, 0]))), "a narrow range of levels"),
     (Metadata(gamma=1e-5), "gAMA chunk states 1e-05"),
     (Metadata(icc=profiles.profile({b"A2B0": b"mft2"})), r"by a table \(A2B\) and has no tone curves; convert"),
     (Metadata(icc=profiles.profile({}, b"CMYK")), "for CMYK, has no tone curves"),
     (Metadata(icc=b"nonsense" * 20), "ICC profile")],
)  # fmt: skip
def test_what_is_not_known_is_refused(metadata, words):
    said = refused(FileError, words, imconv.box_blur, picture(metadata), 3, linear=True)
    assert "leave out linear" in said


def test_cmyk_is_filtered_as_it_is_or_refused():
    cmyk = Picture(scene("uint8", (9, 9, 4)), "cmyk")
    np.testing.assert_array_equal(imconv.box_blur(cmyk, 3).pixels, imconv.box_blur(cmyk.pixels, 3))
    with pytest.raises(FileError, match="CMYK has no linear light; convert the picture to RGB, or leave out linear"):
        imconv.box_blur(cmyk, 3, linear=True)


def test_floats_are_light_already_unless_their_file_says_otherwise():
    image = scene("uint16").astype(np.float32) / 65535
    np.testing.assert_array_equal(imconv.gaussian_blur(image, 2, linear=True), imconv.gaussian_blur(image, 2))
    np.testing.assert_array_equal(
        imconv.gaussian_blur(image, 2, linear=True, depth=8), imconv.gaussian_blur(image, 2, depth=8)
    )
    conversion = conversion_of(LinearFilter(IDENTITY, Options(linear=True)), "grey", image.dtype)
    assert conversion.note == STRAIGHT_NOTE
    assert conversion.decode(image) is image
    tagged = Picture(image, "grey", "TIFF", Metadata(icc=GREY_PROFILE))
    for kind in ("float32", "float64"):
        result = imconv.gaussian_blur(tagged.replace(pixels=image.astype(kind)), 1.5, linear=True, truncate=4).pixels
        assert result.dtype == kind
        ndimage = pytest.importorskip("scipy.ndimage")
        exact = ndimage.gaussian_filter(image.astype(np.float64) ** 1.5, 1.5) ** (1 / 1.5)
        np.testing.assert_allclose(result, exact, rtol=0, atol=2e-6 if kind == "float32" else 1e-12)
    odd = tagged.replace(pixels=np.array([[np.nan, -0.5, 2]], np.float32))
    with pytest.warns(RuntimeWarning, match="1 results were NaN and became 0") as told:
        result = imconv.correlate(odd, IDENTITY, linear=True, depth=8)
    assert told[0].filename == __file__
    assert result.pixels.tolist() == [[0, 0, 255]]
    conversion = conversion_of(
        LinearFilter(IDENTITY, Options(linear=True, depth=8)), "grey", np.dtype("float32"), odd.metadata
    )
    with pytest.warns(RuntimeWarning, match="2 results were NaN and became 0"):
        bands = list(conversion.encode_bands([conversion.decode(odd.pixels)] * 2))
    assert [band.tolist() for band in bands] == [[[0, 0, 255]]] * 2


def test_bands_give_the_same_as_the_whole():
    """What streaming does: decode rows, filter, encode rows, in any bands."""
    given = picture(Metadata(icc=profiles.rgb(profiles.SRGB, profiles.curv(512))))
    for filter in (
        LinearFilter(imconv.Kernel.named("gaussian-5"), Options(linear=True, depth=16, border="constant:9")),
        unsharp_filter(1.5, 2, 3, None, None, Options(linear=True)),
        unsharp_filter(1.5, 2, 0, None, None, Options(linear=True)),
    ):
        conversion = conversion_of(filter, given.mode, given.pixels.dtype, given.metadata)
        assert (conversion.source, conversion.name) == (np.float32, "ICC profile")
        assert conversion.target == filter.result_type(given.pixels.dtype)
        light = np.concatenate([conversion.decode(given.pixels[i : i + 7]) for i in range(0, 30, 7)])
        light = apply(conversion.filter, light)
        result = np.concatenate([conversion.encode(light[i : i + 4]) for i in range(0, 30, 4)])
        np.testing.assert_array_equal(result, apply(filter, given).pixels)
    assert conversion_of(LinearFilter(IDENTITY), "rgb", np.dtype("uint8"), given.metadata) is None


def test_layouts_threads_and_out(monkeypatch):
    monkeypatch.setattr("imconv.composites.linear_light.BAND", 500)
    image = scene("uint8", (50, 40, 3))
    expected = imconv.gaussian_blur(image, 2, linear=True, threads=1)
    np.testing.assert_array_equal(imconv.gaussian_blur(image, 2, linear=True, threads=4), expected)
    planes = imconv.gaussian_blur(image.transpose(2, 0, 1), 2, linear=True, channel_axis=0)
    np.testing.assert_array_equal(planes, expected.transpose(2, 0, 1))
    assert planes.flags.c_contiguous
    many = np.concatenate([image, image], axis=2)
    result = imconv.gaussian_blur(many.transpose(2, 0, 1), 2, linear=True, channel_axis=0)
    np.testing.assert_array_equal(result[3:], planes)
    out = np.empty_like(expected)
    assert imconv.gaussian_blur(image, 2, linear=True, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(imconv.gaussian_blur(image[::-1], 2, linear=True)[::-1], expected)
    flat = imconv.gaussian_blur(image[..., 0], 2, linear=True, channel_axis=None)
    np.testing.assert_array_equal(flat, expected[..., 0])
    np.testing.assert_array_equal(imconv.gaussian_blur(image, 2, linear=True, stride=2), expected[::2, ::2])
    with pytest.raises(OptionError, match="out must be an array of uint8"):
        imconv.gaussian_blur(image, 2, linear=True, out=np.empty((50, 40, 3), np.float32))
    in_place = image.copy()
    imconv.gaussian_blur(in_place, 2, linear=True, out=in_place)
    np.testing.assert_array_equal(in_place, expected)


def test_what_is_clipped_is_counted_or_an_error():
    image = np.array([[10, 20, 250, 255]], np.uint8)
    tally = Tally()
    apply(LinearFilter(imconv.Kernel([[2]]), Options(linear=True)), image, tally=tally)
    assert (tally.samples, tally.clipped) == (4, 2)
    with pytest.raises(ImconvError, match=r"results leave 0\.\.255; use range= .clip"):
        imconv.correlate(image, [[2]], linear=True, range="error")
    np.testing.assert_array_equal(imconv.correlate(image, [[1]], linear=True, range="error"), image)
    assert imconv.correlate(image, [[-1]], linear=True, range="abs").tolist() == image.tolist()
    assert imconv.correlate(image, [[1]], linear=True, range="stretch").tolist()[0][::3] == [0, 255]


def test_what_linear_does_not_go_with():
    with pytest.raises(OptionError, match="1, 8 and 16 bits and floats, not int32"):
        imconv.box_blur(np.zeros((3, 3), np.int32), 3, linear=True)
    with pytest.raises(OptionError, match="linear=True goes with depth=, not with dtype="):
        imconv.box_blur(np.zeros((3, 3), np.uint8), 3, linear=True, dtype="uint16")
    refused(OptionError, "a plan knows no transfer function", imconv.plan, (3, 3), "uint8", "box-3", linear=True)
    with pytest.raises(OptionError, match="out goes with an array"):
        imconv.box_blur(Picture(np.zeros((3, 3), np.uint8)), 3, linear=True, out=np.zeros((3, 3), np.uint8))
    with pytest.raises(OptionError, match="alpha needs has_alpha=True"):
        imconv.box_blur(np.zeros((3, 3, 4), np.uint8), 3, linear=True, alpha="keep")


def test_png_files_carry_it_all(tmp_path):
    """A gAMA chunk written and read is what decides."""
    pixels = scene("uint8")
    gamma = (b"gAMA", struct.pack(">I", 62500))
    imconv.write(tmp_path / "a.png", Picture(pixels, "grey", "PNG", Metadata(gamma=0.625, chunks=(gamma,))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = imconv.gaussian_blur(imconv.read(tmp_path / "a.png"), 2, linear=True, truncate=4)
    assert_rounded(result.pixels, blurred(pixels, 2, Parametric(1.6)))


@pytest.mark.parametrize(
    ("kind", "first", "second", "name"),
    [(b"cICP", bytes([1, 13, 0, 1]), bytes([9, 16, 0, 1]), CHARACTERISTICS[13][0]),
     (b"cICP", bytes([9, 16, 0, 1]), bytes([1, 13, 0, 1]), CHARACTERISTICS[16][0]),
     (b"gAMA", struct.pack(">I", 62500), struct.pack(">I", 100000), "gamma 1.6"),
     (b"gAMA", struct.pack(">I", 100000), struct.pack(">I", 62500), "gamma 1")],
)  # fmt: skip
def test_the_first_of_two_chunks_counts(tmp_path, kind, first, second, name):
    """Whether both come from a file or from metadata made by hand, and so it is in the file that is written."""
    imconv.write(tmp_path / "a.png", Picture(scene("uint8", (9, 9, 3))))
    data = (tmp_path / "a.png").read_bytes()
    twice = b"".join(encode.chunk(kind, content) for content in (first, second))
    (tmp_path / "a.png").write_bytes(data[:33] + twice + data[33:])
    given = imconv.read(tmp_path / "a.png")
    imconv.write(tmp_path / "b.png", given)
    by_hand = Metadata(gamma=given.metadata.gamma, chunks=((kind, first), (kind, second)))
    for metadata in (given.metadata, imconv.read(tmp_path / "b.png").metadata, by_hand):
        linear = LinearFilter(IDENTITY, Options(linear=True))
        assert conversion_of(linear, "rgb", np.dtype(np.uint8), metadata).name == name
    assert encode.chunk(kind, second) not in (tmp_path / "b.png").read_bytes()
