"""The kernel library: every file is complete and points the right way; formulas agree with independent ones; names are safe."""

import math
import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imconv.errors import FileError, ImconvError, KernelError, OptionError
from imconv.kernel.argument import resolve
from imconv.kernel.formulas import FORMULAS
from imconv.kernel.kernel import Kernel
from imconv.kernel.library import describe, folder, formulas, named, names
from imconv.kernel.text import parse, write
from tests.refused import refused

ndimage = pytest.importorskip("scipy.ndimage")

COMPASS = {
    "n": (0, -1), "ne": (1, -1), "e": (1, 0), "se": (1, 1), "s": (0, 1), "sw": (-1, 1), "w": (-1, 0), "nw": (-1, -1),
}  # fmt: skip


def refusal(function, *arguments):
    """The message of the ImconvError a call raises, or nothing; any other error is the test's failure."""
    try:
        function(*arguments)
    except ImconvError as error:
        return str(error)
    return ""


def on_ramp(kernel, dx, dy):
    """What convolution answers on a ramp that grows by dx a column and dy a row."""
    y, x = np.mgrid[:31, :31].astype(float)
    return ndimage.convolve(x * dx + y * dy, kernel.weights)[15, 15]


# --- the files ---
def test_names():
    known = names()
    assert known == sorted(known)
    assert len(known) >= 35
    assert {"identity", "sharpen", "sobel-x", "laplacian-im-19", "kirsch-ne", "lecture", "gaussian-5"} <= set(known)
    assert not set(known) & set(FORMULAS)


@pytest.mark.parametrize("name", names())
def test_every_file_is_complete(name):
    with open(os.path.join(folder(), f"{name}.txt"), encoding="utf-8") as file:
        text = file.read()
    lines = text.splitlines()
    kernel = named(name)
    assert lines[0].startswith("# ")
    assert lines[0].rstrip().endswith((".", ")"))
    assert kernel.name == name
    assert kernel.source
    assert max(map(len, lines)) < 200
    rows = [line for line in lines if line and not line.startswith("#") and ":" not in line]
    assert len({len(row) for row in rows}) == 1, "columns are aligned"
    assert parse(write(kernel)) == kernel
    size, sentence = describe(name)
    assert size == f"{kernel.shape[0]} x {kernel.shape[1]}"
    assert sentence == lines[0].removeprefix("# ")


def test_sums():
    """Smoothing and sharpening keep brightness, everything that differentiates answers 0 to a flat picture."""
    keep = (
        "identity", "box", "gaussian", "binomial", "sharpen", "unsharp", "high-boost", "emboss", "motion", "lecture",
    )  # fmt: skip
    for name in names():
        kernel = named(name)
        assert kernel.sum() == (1 if name.startswith(keep) else 0), name
        assert kernel.denominator is not None or name.startswith("freichen"), name


@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt", "freichen", "gradient"])
def test_gradients_point_right_and_down(operator):
    gain = {"sobel": 8, "scharr": 32, "prewitt": 6, "freichen": 4 + 2 * math.sqrt(2), "gradient": 2}[operator]
    x, y = named(f"{operator}-x"), named(f"{operator}-y")
    assert on_ramp(x, 1, 0) == pytest.approx(gain)
    assert on_ramp(x, 0, 1) == 0
    assert on_ramp(y, 0, 1) == pytest.approx(gain)
    assert on_ramp(y, 1, 0) == 0
    np.testing.assert_array_equal(x.weights, y.weights.T)


def test_roberts_points_to_the_lower_corners():
    assert on_ramp(named("roberts-x"), 1, 1) == 2
    assert on_ramp(named("roberts-x"), -1, 1) == 0
    assert on_ramp(named("roberts-y"), -1, 1) == 2
    assert on_ramp(named("roberts-y"), 1, 1) == 0


@pytest.mark.parametrize("operator", ["kirsch", "robinson"])
@pytest.mark.parametrize("direction", COMPASS)
def test_compass_kernels_point_where_they_say(operator, direction):
    answers = {d: on_ramp(named(f"{operator}-{direction}"), *COMPASS[d]) / math.hypot(*COMPASS[d]) for d in COMPASS}
    assert max(answers, key=answers.get) == direction
    assert answers[direction] > 0


def test_published_weights():
    assert named("sobel-x").weights.tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert named("kirsch-n").flipped().weights.tolist() == [[5, 5, 5], [-3, 0, -3], [-3, -3, -3]]
    assert named("robinson-n").flipped().weights.tolist() == [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    assert named("laplacian-4").weights.tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert named("sharpen").numerators.tolist() == [[-1, -1, -1], [-1, 17, -1], [-1, -1, -1]]
    assert named("sharpen").denominator == 9
    assert named("lecture").denominator == 10
    assert named("gaussian-5").denominator == 273
    np.testing.assert_array_equal(named("unsharp-5").weights, 2 * np.pad([[1]], 2) - named("binomial-5").weights)
    np.testing.assert_array_equal(named("emboss").flipped().weights, [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


@pytest.mark.parametrize(("name", "sigma"), [("gaussian-3", 0.8), ("gaussian-7", 1.4)])
def test_sampled_gaussians(name, sigma):
    radius = named(name).shape[0] // 2
    x = np.arange(-radius, radius + 1)
    row = np.exp(-(x**2) / (2 * sigma**2))
    row /= row.sum()
    factors = named(name).weights.sum(axis=0)
    assert np.abs(factors - row).max() <= 1 / 256  # rounded to 1/256, the centre made to fit
    np.testing.assert_array_equal(named(name).weights, np.outer(factors, factors))


def test_averaged_gaussian():
    edges = np.array([math.erf((x - 0.5) / math.sqrt(2)) for x in range(-2, 4)])
    row = np.diff(edges) / (edges[-1] - edges[0])
    assert np.abs(named("gaussian-5").weights - np.outer(row, row)).max() < 0.51 / 273  # the published 7 is 6.5


def test_laplacians_of_imagemagick():
    for kind, size in [(0, 3), (1, 3), (2, 3), (3, 3), (5, 5), (7, 7), (15, 5), (19, 9)]:
        kernel = named(f"Laplacian:{kind}")
        assert (kernel, kernel.shape) == (named(f"laplacian-im-{kind}"), (size, size))
        np.testing.assert_array_equal(kernel.weights, np.rot90(kernel.weights))
        np.testing.assert_array_equal(kernel.weights, kernel.weights.T)
        assert kernel.weights[size // 2, size // 2] == kernel.weights.max()
    assert named("laplacian") == named("laplacian-im-0")


# --- names ---
@pytest.mark.parametrize("spelling", ["sobel-x", "Sobel-X", "sobel_x", "SOBEL X", "  sobel - x "])
def test_spellings(spelling):
    assert named(spelling).name == "sobel-x"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sobl-x", "did you mean 'sobel-x'?"),
        ("gausian", "did you mean 'gaussian'?"),
        ("zzzz", "imconv kernels list"),
        ("", "imconv kernels list"),
        ("laplacian:4", "the types are 0, 1, 2, 3, 5, 7, 15, 19"),
        ("sobel:30", "multiple of 45"),
        ("blur:0x1,45", "multiple of 90"),
        ("gaussian:0xa", "gaussian:RADIUSxSIGMA"),
        ("gaussian:1x2,3", "3 arguments"),
        ("gaussian:0x5000", "out of range"),
        ("gaussian:5000x1", "radius 5000 is larger"),
        ("gaussian:1.5x1", "whole number"),
        ("gaussian:0x-1", "out of range"),
        ("gaussian:0x1e99", "out of range"),
        ("disk:100000000", "out of range"),
        ("log:0x0", "sigma"),
        ("log:1x9", "no positive or no negative"),
        ("ring:2,2", "no cell"),
        ("freichen:3,45", "there is no type 3"),
        ("sobel:0\n1", "expected"),
        ("box-3:4", "did you mean 'box-3'?"),
    ],
)
def test_names_that_are_none(name, expected):
    said = refused(OptionError, "", named, name)
    assert expected in said


@pytest.mark.parametrize(
    "name", ["../kernels/box-3", "/etc/passwd", "box-3.txt", "..", ".", "box-3\0", "kernels/box-3", "C:\\box"]
)
def test_names_never_leave_the_folder(name):
    with pytest.raises(OptionError):
        named(name)


def test_as_an_argument():
    assert Kernel.named("box-3") == Kernel(np.full((3, 3), Fraction(1, 9)))


def test_installed_folder_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "imconv"
    package.mkdir()
    monkeypatch.setattr("imconv.kernel.library.__file__", str(package / "kernel" / "library.py"))
    (tmp_path / "kernels").mkdir()
    with pytest.raises(FileError, match="install imconv again"):
        folder()  # somebody else's folder beside site-packages/imconv
    (tmp_path / "pyproject.toml").touch()
    assert folder() == str(tmp_path / "kernels")
    (package / "kernels").mkdir()
    assert folder() == str(package / "kernels")


# --- formulas ---
def test_gaussian_is_scipys():
    impulse = np.zeros((31, 31))
    impulse[15, 15] = 1
    for name, sigma in [("gaussian:0x2", 2.0), ("gaussian:0x0.7", 0.7), ("gaussian", 1.0)]:
        kernel = named(name)
        r = kernel.shape[0] // 2
        expected = ndimage.gaussian_filter(impulse, sigma)[15 - r : 16 + r, 15 - r : 16 + r]
        np.testing.assert_allclose(kernel.weights, expected, atol=1e-15)
    assert named("gaussian:3x1").shape == (7, 7)
    assert named("gaussian:0x0").weights.tolist() == [[1]]


def test_rows():
    blur = named("blur:0x2")
    assert blur.shape == (1, 17)
    np.testing.assert_allclose(blur.weights[0], named("gaussian:0x2").weights.sum(axis=0))
    assert named("blur:0x2,90").shape == (17, 1)
    comet = named("comet:0x2")
    assert (comet.shape, comet.anchor) == ((1, 9), (0, 0))
    assert np.all(np.diff(comet.weights[0]) < 0)
    assert comet.sum() == pytest.approx(1)
    assert named("comet:0x2,180").anchor == (0, 8)
    assert named("comet:0x2,90").anchor == (0, 0)
    assert named("comet:0x2,270").anchor == (8, 0)
    np.testing.assert_array_equal(named("comet:0x2,180").weights, comet.weights[:, ::-1])


def test_bands():
    """Zero-summing as ImageMagick has it: positive weights sum to 1, negative to -1."""
    for name in ("log:0x1", "log:2x1", "dog:0x1,2", "dog:5x1,2", "dog:0x0,1"):
        weights = named(name).weights
        assert (weights[weights > 0].sum(), weights[weights < 0].sum()) == (pytest.approx(1), pytest.approx(-1))
        assert weights.max() == weights[weights.shape[0] // 2, weights.shape[1] // 2]
    # a value of the published example (ImageMagick 6.9.11, LoG:0x1), to the digits it shows
    assert named("log:0x1").weights[4, 4] == pytest.approx(0.451863, abs=5e-7)


def test_binomial():
    assert named("binomial:1") == named("binomial-3")
    assert named("binomial:3") == named("binomial-7")
    assert named("binomial:2").denominator == 256
    assert named("binomial:40").sum() == pytest.approx(1)
    assert named("binomial:1000").shape == (2001, 2001)


def test_rotations_are_clockwise():
    assert named("sobel") == named("sobel-x")
    assert named("sobel:90") == named("sobel-y")
    assert named("sobel:45").weights.tolist() == [[2, 1, 0], [1, 0, -1], [0, -1, -2]]
    assert named("sobel:-90") == named("sobel:270")
    assert named("sobel:360") == named("sobel:0")
    for angle, direction in zip(range(0, 360, 45), ["e", "se", "s", "sw", "w", "nw", "n", "ne"], strict=True):
        assert named(f"kirsch:{angle}") == named(f"kirsch-{direction}")
    assert named("prewitt:0") == named("prewitt-x")
    assert named("freichen:90") == named("freichen-y")
    assert named("freichen:0,90") == named("freichen-y")
    assert on_ramp(named("roberts"), 1, 0) == on_ramp(named("compass"), 1, 0) / 6 == 1


@pytest.mark.parametrize(
    ("name", "rows"),
    [("diamond:1", ["-1-", "111", "-1-"]), ("square:1", ["111", "111", "111"]),
     ("disk:2", ["--1--", "-111-", "11111", "-111-", "--1--"]), ("plus", ["--1--", "--1--", "11111", "--1--", "--1--"]),
     ("cross:1", ["1-1", "-1-", "1-1"]), ("ring:1,2", ["--1--", "-1-1-", "1---1", "-1-1-", "--1--"])],
)  # fmt: skip
def test_shapes(name, rows):
    kernel = named(name)
    expected = np.array([[cell == "1" for cell in row] for row in rows])
    np.testing.assert_array_equal(kernel.weights, expected)
    if expected.all():
        assert kernel.included is None
    else:
        np.testing.assert_array_equal(kernel.included, expected)


def test_default_shapes():
    assert int(named("disk").sum()) == 61  # radius 4.3, ImageMagick's documented default
    assert int(named("ring").sum()) == 16
    assert named("disk:2,3").weights.max() == 3


def test_formulas_are_described():
    assert len(formulas()) == len(FORMULAS)
    for form, what in formulas().items():
        name = form.partition(":")[0]
        size, sentence = describe(name)
        assert sentence == what
        assert size == "{} x {}".format(*named(name).shape)
        assert named(name).source


# --- what --kernel means ---
def test_resolve(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("1 2\n")
    (tmp_path / "k;1 2.txt").write_text("3 4\n")
    (tmp_path / "box-3").mkdir()
    assert resolve("mine") == Kernel([[1, 2]])
    assert resolve("k;1 2.txt") == Kernel([[3, 4]])
    assert resolve(str(tmp_path / "mine")) == Kernel([[1, 2]])
    assert resolve("box-3") == named("box-3")
    assert resolve("Gaussian:0x2") == named("gaussian:0x2")
    assert resolve("Laplacian:7") == named("laplacian-im-7")
    for inline in [
        "0 -1 0; -1 5 -1; 0 -1 0",
        "0 -1 0\n-1 5 -1\n0 -1 0",
        "3x3: 0 -1 0 -1 5 -1 0 -1 0",
        "normalize: no\n0 -1 0;-1 5 -1;0 -1 0",
    ]:
        assert resolve(inline) == named("sharpen-4")
    assert resolve("1/9 1/9 1/9").shape == (1, 3)
    assert resolve("5").sum() == 5
    assert resolve("1,2,1").shape == (1, 3)
    assert resolve("nan 1 nan").included.tolist() == [[False, True, False]]


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("none.txt", FileError, "none.txt: no such file"),
        ("none.png", FileError, "no such file"),
        ("some/where", FileError, "some/where: no such file"),
        (".", OptionError, "neither a file"),
        ("./", FileError, "a folder"),
        ("sobl-x", OptionError,
         "neither a file, nor numbers such as '0 -1 0; -1 5 -1; 0 -1 0', nor a name of the library"),
        ("sobl-x", OptionError, "did you mean 'sobel-x'?"),
        ("sobel:30", OptionError, "multiple of 45"),
        ("laplacian:4", OptionError, "the types are"),
        ("0 -1 0; -1 x -1; 0 -1 0", KernelError, "kernel: line 1, column 12: read 'x', expected a number"),
        ("1 2 three", KernelError, "column 5: read 'three'"),
        ("one 2 3", KernelError, "column 1: read 'one'"),
        ("", OptionError, "neither"),
        ("x" * 10_000, OptionError, "neither"),
        ("a\0b", OptionError, "neither"),
    ],
)  # fmt: skip
def test_resolve_tells_what_it_looked_for(text, error, expected):
    said = refused(error, "", resolve, text)
    assert expected in said
    assert len(said) < 400


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.tuples(st.sampled_from(sorted(FORMULAS)), st.text("0123456789x,.-+e/ ", max_size=8)).map(":".join),
    )
)
def test_any_text_resolves_or_is_one_line(text):
    assert "\n" not in refusal(resolve, text)
