"""Openings, closings, gradients and top hats: scipy.ndimage's, bit for bit; in bands; and on the command line."""

import json

import numpy as np
import pytest
from PIL import Image

import imconv
from imconv.cli import run
from imconv.errors import OptionError
from imconv.filters.morphology import OPERATIONS, MorphologyFilter
from imconv.options import Options
from imconv.stages.ranking.footprint import make_footprint
from tests import cases
from tests.executing import set_stripe_bytes, threads_and_bands_change_nothing

SCIPY = {"opening": "grey_opening", "closing": "grey_closing", "gradient": "morphological_gradient",
         "tophat": "white_tophat", "blackhat": "black_tophat"}  # fmt: skip
TYPES = ("bool", "uint8", "uint16", "int16", "float32", "float64")


def noise(dtype, shape=(31, 70)) -> np.ndarray:
    return cases.picture(dtype, shape, 3, zeros=True)


def saturated(values: np.ndarray, dtype) -> np.ndarray:
    """What scipy gives for wider integers: in the picture's own it would wrap."""
    info = np.iinfo(dtype)
    return np.clip(values, info.min, info.max).astype(dtype)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", TYPES)
def test_scipy(operation, dtype):
    ndimage = pytest.importorskip("scipy.ndimage")
    theirs, ours = getattr(ndimage, SCIPY[operation]), getattr(imconv, operation)
    image = noise(dtype)
    for border in ("reflect", "mirror"):
        for size, shape in ((3, "square"), (4, "square"), ((2, 5), "square"), (7, "disk"), (6, "diamond")):
            known = {"footprint": make_footprint(size, shape).cells, "mode": border}
            if image.dtype.kind in "ui":
                expected = saturated(theirs(image.astype(np.int64), **known), dtype)
            elif dtype == "bool" and operation == "gradient":
                expected = theirs(image.astype(np.int8), **known).astype(bool)
            else:
                expected = theirs(image, **known)
            np.testing.assert_array_equal(ours(image, size, shape=shape, border=border), expected)


def test_a_shape_with_a_side_is_turned_for_dilation():
    ndimage = pytest.importorskip("scipy.ndimage")
    image, cells = noise("uint8"), np.array([[1, 1, 0], [0, 1, 0]], bool)
    np.testing.assert_array_equal(imconv.opening(image, shape=cells), ndimage.grey_opening(image, footprint=cells))
    np.testing.assert_array_equal(imconv.closing(image, shape=cells), ndimage.grey_closing(image, footprint=cells))
    assert (imconv.opening(image, shape=cells) <= image)[3:-3, 3:-3].all()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("alpha", [None, "unweighted", "separate"])
def test_the_same_bits_for_any_threads_and_bands(operation, dtype, alpha, monkeypatch):
    set_stripe_bytes(monkeypatch, 1)
    image = noise(dtype, (103, 37, 4))
    options = Options(alpha=alpha, border="mirror", dilation=(1, 2), has_alpha=alpha is not None)
    work = MorphologyFilter(operation, make_footprint((5, 4)), options)
    expected = threads_and_bands_change_nothing(work, image)
    if alpha == "unweighted":
        np.testing.assert_array_equal(expected[..., 3], image[..., 3])


def test_gradients_of_any_geometry():
    image = noise("uint8", (30, 40, 3))
    for given in ({"pad": "valid"}, {"stride": (2, 3)}, {"dilation": 2}, {"border": "constant:9", "pad": "full"}):
        expected = imconv.maximum(image, 3, **given) - imconv.minimum(image, 3, **given)
        np.testing.assert_array_equal(imconv.gradient(image, 3, **given), expected)


def test_differences_in_other_units():
    image = noise("uint8")
    difference = imconv.gradient(image, 3).astype(float)
    np.testing.assert_array_equal(imconv.gradient(image, 3, depth=16), difference * 257)
    np.testing.assert_array_equal(imconv.gradient(image, 3, range="offset"), np.minimum(difference + 128, 255))
    np.testing.assert_array_equal(imconv.gradient(image, 3, dtype="float32", offset=0.5), difference + 0.5)
    stretched = imconv.gradient(image // 2 + 3, 3, range="stretch")
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_infinity_and_nan():
    image = np.array([[1, 2, np.inf, np.inf, np.inf, 3, np.nan, 4]], np.float32)
    np.testing.assert_array_equal(
        imconv.gradient(image, (1, 3)), [[1, np.inf, np.inf, np.nan, np.inf, np.nan, np.nan, np.nan]]
    )


def test_out():
    image = noise("uint16")
    expected = imconv.opening(image, 5)
    assert imconv.opening(image, 5, out=image) is image
    np.testing.assert_array_equal(image, expected)
    with pytest.raises(OptionError, match="out must be"):
        imconv.opening(image, 5, out=np.zeros(3))


def test_the_plan_tells_of_every_stage():
    plan = MorphologyFilter("tophat", make_footprint(9, "disk")).plan((300, 400, 3), np.uint8, False)
    assert str(plan).count("algorithm") == 2
    assert "erosion" in str(plan)
    assert [stage["rank"] for stage in plan.as_dict()["stages"]] == [0, 48]


# --- the command line ---
COMMANDS = {
    ("median", "--size", "5"): lambda a: imconv.median(a, 5),
    ("median", "--shape", "- 1 -; 1 1 1; - 1 -"): lambda a: imconv.median(a, 3, shape="plus"),
    ("median", "--shape", "Disk:2"): lambda a: imconv.median(a, 5, shape="disk"),
    ("min", "--size", "3x5"): lambda a: imconv.minimum(a, (3, 5)),
    ("max", "--size", "7", "--shape", "ring"): lambda a: imconv.maximum(a, 7, shape="ring"),
    ("rank", "--percentile", "25", "--size", "9"): lambda a: imconv.rank(a, 25, 9),
    ("rank", "--percentile", "25", "--size", "3", "--border", "normalized"): lambda a: imconv.rank(a, 25, 3, border="normalized"),
    ("open", "--size", "5"): lambda a: imconv.opening(a, 5),
    ("close", "--size", "5", "--linear"): lambda a: imconv.closing(a, 5),
    ("gradient", "--size", "3"): lambda a: imconv.gradient(a, 3),
    ("tophat", "--size", "9"): lambda a: imconv.tophat(a, 9),
    ("tophat", "--size", "9", "--black"): lambda a: imconv.blackhat(a, 9),
}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("bands", [False, True])
def test_commands(words, bands, tmp_path, monkeypatch, capsys):
    if bands:
        monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
    image = noise("uint8", (60, 90, 3))
    Image.fromarray(image).save(tmp_path / "in.png")
    assert run([words[0], str(tmp_path / "in.png"), str(tmp_path / "out.png"), *words[1:], "--json", "--explain"]) == 0
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out.png")), COMMANDS[words](image))
    told = capsys.readouterr()
    assert "algorithm" in json.dumps(json.loads(told.out)["plan"])
    assert "algorithm" in told.err
    assert ("in bands of rows" in told.err) == bands


@pytest.mark.parametrize(
    ("words", "told"),
    [(("median",), "a square needs --size"), (("median", "--size", "-3"), "size must be"),
     (("median", "--size", "3", "--shape", "disc"), "did you mean 'disk'"),
     (("median", "--shape", "disc"), "neither a file"),
     (("rank", "--size", "3", "--percentile", "150"), "percentile must be"),
     (("open", "--size", "3", "--stride", "2"), "keeps the picture's size")],
    ids=str,
)  # fmt: skip
def test_wrong_words_are_usage_errors(words, told, tmp_path, capsys):
    Image.fromarray(noise("uint8")).save(tmp_path / "in.png")
    assert run([words[0], str(tmp_path / "in.png"), str(tmp_path / "out.png"), *words[1:]]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
