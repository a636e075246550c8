"""Kernels with ImageMagick's names and signs have its numbers: as ImageMagick 6.9.11 printed them, and as it prints them where
it is installed. Real radii are drawn from ImageMagick 7.1.2, since 6.9.11 lays such kernels out in rows that are too long."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from imconv import Kernel
from imconv.errors import ImconvError, KernelError
from imconv.kernel.argument import resolve_all
from imconv.kernel.library import named, named_all
from imconv.kernel.rotations import turned
from imconv.kernel.text import parse_all
from tests.refused import refused

DIGITS = 5e-6  # ImageMagick prints six digits


def rows(text: str) -> np.ndarray:
    return np.array([[float("nan" if cell == "-" else cell) for cell in row.split()] for row in text.split(";")])


def numbers(kernel) -> np.ndarray:
    """The weights, NaN for cells that are left out."""
    return np.where(kernel.mask, kernel.weights, np.nan)


S = 0.707107
TABLE = {
    "octagon": "- 1 1 1 -; 1 1 1 1 1; 1 1 1 1 1; 1 1 1 1 1; - 1 1 1 -",
    "octagon:1": "- 1 -; 1 1 1; - 1 -",
    "octagon:2,3": "- 3 3 3 -; 3 3 3 3 3; 3 3 3 3 3; 3 3 3 3 3; - 3 3 3 -",
    "rectangle": "1 1 1; 1 1 1; 1 1 1",
    "rectangle:4x3": "1 1 1 1; 1 1 1 1; 1 1 1 1",
    "rectangle:2": "1 1; 1 1",
    "rectangle:0x2": "1 1 1; 1 1 1",
    "unity": "1",
    "unity:3": "3",
    "chebyshev": "100 100 100; 100 0 100; 100 100 100",
    "chebyshev:2,10": "20 20 20 20 20; 20 10 10 10 20; 20 10 0 10 20; 20 10 10 10 20; 20 20 20 20 20",
    "manhattan": "200 100 200; 100 0 100; 200 100 200",
    "manhattan:2,2": "8 6 4 6 8; 6 4 2 4 6; 4 2 0 2 4; 6 4 2 4 6; 8 6 4 6 8",
    "euclidean": "141.421 100 141.421; 100 0 100; 141.421 100 141.421",
    "euclidean:1,2.5": "3.53553 2.5 3.53553; 2.5 0 2.5; 3.53553 2.5 3.53553",
    "octagonal": "300 200 200 200 300; 200 200 100 200 200; 200 100 0 100 200; 200 200 100 200 200; 300 200 200 200 300",
    "octagonal:3,1": "4 4 3 3 3 4 4; 4 3 2 2 2 3 4; 3 2 2 1 2 2 3; 3 2 1 0 1 2 3; 3 2 2 1 2 2 3; 4 3 2 2 2 3 4; 4 4 3 3 3 4 4",
    "disk:2.5": "- 1 1 1 -; 1 1 1 1 1; 1 1 1 1 1; 1 1 1 1 1; - 1 1 1 -",  # 7.1.2
    "disk:2.9": "1 1 1 1 1; 1 1 1 1 1; 1 1 1 1 1; 1 1 1 1 1; 1 1 1 1 1",  # 7.1.1
    "disk:0.5": "1",  # 7.1.2
    "diamond:2.5": "- - 1 - -; - 1 1 1 -; 1 1 1 1 1; - 1 1 1 -; - - 1 - -",  # 7.1.1
    "ring:1.5,2.5": "- 1 1 1 -; 1 - - - 1; 1 - - - 1; 1 - - - 1; - 1 1 1 -",  # 7.1.1
    "ring:1": "- 1 -; 1 - 1; - 1 -",
    "ring:0,2,4": "- - 4 - -; - 4 4 4 -; 4 4 - 4 4; - 4 4 4 -; - - 4 - -",
    "diamond:1,3": "- 3 -; 3 3 3; - 3 -",
    "square:1,1/2": "0.5 0.5 0.5; 0.5 0.5 0.5; 0.5 0.5 0.5",
    "plus:2,3": "- - 3 - -; - - 3 - -; 3 3 3 3 3; - - 3 - -; - - 3 - -",
    "cross:1,3": "3 - 3; - 3 -; 3 - 3",
    "dog:2,1,2": "-0.0952036 -0.0668654 -0.0210656 -0.0668654 -0.0952036; -0.0668654 0.0579904 0.129224 0.0579904 -0.0668654; "
    "-0.0210656 0.129224 0.251143 0.129224 -0.0210656; -0.0668654 0.0579904 0.129224 0.0579904 -0.0668654; "
    "-0.0952036 -0.0668654 -0.0210656 -0.0668654 -0.0952036",
    "dog:1x0,1": "-0.0943852 -0.155615 -0.0943852; -0.155615 1 -0.155615; -0.0943852 -0.155615 -0.0943852",
    "freichen": "1 0 -1; 1.41421 0 -1.41421; 1 0 -1",
    "freichen:45": "1.41421 1 0; 1 0 -1; 0 -1 -1.41421",
    "freichen:1": f"{S} 0 -{S}; 1 0 -1; {S} 0 -{S}",
    "freichen:1,90": f"{S} 1 {S}; 0 0 0; -{S} -1 -{S}",
    "freichen:2": f"{S} 1 0; 1 0 -1; 0 -1 -{S}",
    "freichen:2,45": f"1 {S} 1; 0 0 0; -1 -{S} -1",
    "freichen:12,45": f"0 {S} 1; {S} 0 {S}; 1 {S} 0",
    "sobel:45": "2 1 0; 1 0 -1; 0 -1 -2",
    "roberts:45": "1 0 0; 0 -1 0; 0 0 0",
    "compass:90": "1 1 1; 1 -2 1; -1 -1 -1",
    "kirsch:45": "5 5 -3; 5 0 -3; -3 -3 -3",
    "prewitt:45": "1 1 0; 1 0 -1; 0 -1 -1",
}
BASIS = [
    f"{S} 0 -{S}; 1 0 -1; {S} 0 -{S}", f"{S} 1 {S}; 0 0 0; {S} 1 {S}", f"1 -{S} 0; -{S} 0 {S}; 0 {S} -1",
    f"0 {S} -1; -{S} 0 {S}; 1 -{S} 0", "0 -0.5 0; 0.5 0 0.5; 0 -0.5 0", "0.5 0 -0.5; 0 0 0; -0.5 0 0.5",
    "0.166667 -0.333333 0.166667; -0.333333 0.666667 -0.333333; -0.166667 -0.333333 0.166667",
    "-0.333333 0.166667 -0.333333; 0.166667 0.666667 0.166667; -0.333333 0.166667 -0.333333",
    "0.333333 0.333333 0.333333; 0.333333 0.333333 0.333333; 0.333333 0.333333 0.333333",
]  # fmt: skip
LISTS = {
    "3x3>: 1,2,3 4,5,6 7,8,9": ["1 2 3; 4 5 6; 7 8 9", "7 4 1; 8 5 2; 9 6 3", "9 8 7; 6 5 4; 3 2 1", "3 6 9; 2 5 8; 1 4 7"],
    "3x3<: 1,2,3 4,5,6 7,8,9": ["1 2 3; 4 5 6; 7 8 9", "9 8 7; 6 5 4; 3 2 1", "3 6 9; 2 5 8; 1 4 7", "7 4 1; 8 5 2; 9 6 3"],
    "3x3@: 1,2,3 4,5,6 7,8,9": [
        "1 2 3; 4 5 6; 7 8 9", "4 1 2; 7 5 3; 8 9 6", "7 4 1; 8 5 2; 9 6 3", "8 7 4; 9 5 1; 6 3 2",
        "9 8 7; 6 5 4; 3 2 1", "6 9 8; 3 5 7; 2 1 4", "3 6 9; 2 5 8; 1 4 7", "2 3 6; 1 5 9; 4 7 8",
    ],
    "3x1>: 1,2,3": ["1 2 3", "1; 2; 3", "3 2 1", "3; 2; 1"],
    "3x1>: 1,2,1": ["1 2 1", "1; 2; 1"],
    "3x1<: 1,2,1": ["1 2 1", "1 2 1", "1; 2; 1", "1; 2; 1"],
    "3x3>: 1,2,1 0,0,0 1,2,1": ["1 2 1; 0 0 0; 1 2 1", "1 0 1; 2 0 2; 1 0 1"],
    "3x3@: 1,1,1 1,0,1 1,1,1": ["1 1 1; 1 0 1; 1 1 1"],
    "3x3>: nan,1,1 nan,1,0 -,0,0": ["- 1 1; - 1 0; - 0 0", "- - -; 0 1 1; 0 0 1", "0 0 -; 0 1 -; 1 1 -", "1 0 0; 1 1 0; - - -"],
    "freichen:10": BASIS,
    "sobel:>": ["1 0 -1; 2 0 -2; 1 0 -1", "1 2 1; 0 0 0; -1 -2 -1", "-1 0 1; -2 0 2; -1 0 1", "-1 -2 -1; 0 0 0; 1 2 1"],
    "sobel:45>": ["2 1 0; 1 0 -1; 0 -1 -2", "0 1 2; -1 0 1; -2 -1 0", "-2 -1 0; -1 0 1; 0 1 2", "0 -1 -2; 1 0 -1; 2 1 0"],
    "sobel-x<": ["1 0 -1; 2 0 -2; 1 0 -1", "-1 0 1; -2 0 2; -1 0 1", "-1 -2 -1; 0 0 0; 1 2 1", "1 2 1; 0 0 0; -1 -2 -1"],
    "freichen:12>": [f"{S} 1 {S}; 0 0 0; {S} 1 {S}", f"{S} 0 {S}; 1 0 1; {S} 0 {S}"],
    "disk:2@": ["- - 1 - -; - 1 1 1 -; 1 1 1 1 1; - 1 1 1 -; - - 1 - -"],
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_kernels(name):
    found, expected = numbers(named(name)), rows(TABLE[name])
    np.testing.assert_allclose(found, expected, rtol=DIGITS, atol=DIGITS)


@pytest.mark.parametrize("number", range(11, 20))
def test_frei_and_chens_basis(number):
    np.testing.assert_allclose(named(f"freichen:{number}").weights, rows(BASIS[number - 11]), atol=DIGITS)


@pytest.mark.parametrize("text", [text for text in LISTS if text != "disk:2@"])
def test_lists(text):
    found = resolve_all(text)
    assert len(found) == len(LISTS[text])
    for kernel, expected in zip(found, LISTS[text], strict=True):
        np.testing.assert_allclose(numbers(kernel), rows(expected), atol=DIGITS)


def test_anchors_turn_with_the_kernel():
    found = parse_all("2x2>: 1,2,3,4")
    assert [kernel.anchor for kernel in found] == [(0, 0), (0, 1), (1, 1), (1, 0)]
    assert [kernel.anchor for kernel in parse_all("4x1<: 1 2 3 4")] == [(0, 1), (0, 2), (2, 0), (1, 0)]
    assert named("rectangle:4x3").anchor == (1, 1)
    assert named("rectangle:3x3+2+0").anchor == (0, 2)


def test_rotations_keep_what_a_kernel_has():
    kernel = parse_all("name: k\noffset: 3\n3x3@: 1/3,2,4 - 1/7 5 6,7,8")[0]
    for degrees in range(0, 360, 45):
        rotated = turned(kernel, degrees)
        assert (rotated.offset, rotated.denominator, rotated.included.sum()) == (3, 21, 8)
        assert rotated.name == ("k" if degrees == 0 else f"k@{degrees}")
        assert turned(rotated, 360 - degrees) == kernel
    long = Kernel.from_factors([1, 2, 4, 8, 16], [1, 3, 5], anchor=(1, 2), sigma=(1, 2))
    quarter = turned(long, 90)
    np.testing.assert_array_equal(quarter.weights, np.rot90(long.weights, -1))
    np.testing.assert_array_equal(quarter.numerators, np.rot90(long.numerators, -1))
    assert (quarter.anchor, quarter.sigma) == ((2, 3), (2, 1))
    assert turned(long, 180) == long.flipped()
    assert turned(turned(long, 90), 270) == long
    assert turned(long, -90) == turned(long, 270)


def test_large_symmetric_kernels_are_one():
    for name in ("binomial:1000>", "gaussian:0x200>", "disk:200>"):
        assert len(named_all(name)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5x1@: 1 2 3 4 5", "only 3 x 3 kernels with the anchor in the middle can be turned by 45 degrees"),
        ("3x3+0+0@: 1 2 3 4 5 6 7 8 9", "only 3 x 3"),
        ("disk:3@", "kernel 'disk:3': only 3 x 3"),
        ("gaussian-5@", "kernel 'gaussian-5@': only 3 x 3"),
        ("3x3@>: 1 2 3 4 5 6 7 8 9", "read '@>', expected one of @, > and <"),
        ("3x3^: 1 2 3 4 5 6 7 8 9", "^ turns nothing"),
        ("freichen:10>", "these are 9 kernels"),
        ("freichen:10,45", "which can't be turned together"),
        ("freichen:20", "there is no type 20"),
        ("freichen:1.5", "there is no type 3/2"),
        ("chebyshev:2,100%", "give a number"),
        ("manhattan:2,3!", "give a number"),
        ("rectangle:3x3+3+0", "the anchor must lie inside, from +0+0 to +2+2"),
        ("rectangle:2.5", "expected whole numbers"),
        ("rectangle:9999x9999", "more than"),
        ("ring:3,3", "has no cell at all"),
        ("octagon:-1", "out of range"),
        ("unity:1,2", "2 arguments, expected at most 1"),
        ("@", "neither a file"),
        ("sobl:@", "did you mean 'sobel'?"),
    ],
)
def test_what_is_refused(text, words):
    with pytest.raises(ImconvError, match=re.escape(words)):
        resolve_all(text)


def test_one_kernel_where_one_is_needed(tmp_path):
    (tmp_path / "k.txt").write_text("3x3>: 1,2,3 4,5,6 7,8,9")
    several = "4 kernels, and one is needed here; name one of them, or combine them"
    refused(KernelError, several, Kernel.named, "sobel:>")
    refused(KernelError, several, Kernel.from_text, "3x3>: 1,2,3 4,5,6 7,8,9")
    refused(KernelError, several, Kernel.load, tmp_path / "k.txt")
    assert len(resolve_all(str(tmp_path / "k.txt"))) == 4


def test_a_square_in_one_row_warns(tmp_path, recwarn):
    square = "0,-1,0,-1,5,-1,0,-1,0"
    for count in (9, 25, 49, 81):
        with pytest.warns(RuntimeWarning, match=f"{count} numbers in one row"):
            assert Kernel.from_text(",".join(["1"] * count)).shape == (1, count)
    (tmp_path / "k.txt").write_text(square + "\n")
    with pytest.warns(
        RuntimeWarning, match=r"k\.txt: 9 numbers in one row .* '3x3: 0,-1,0,\.\.\.' .* '9x1: 0,-1,0,\.\.\.'"
    ):
        Kernel.load(tmp_path / "k.txt")
    recwarn.clear()
    (tmp_path / "k.csv").write_text(square + "\n")
    Kernel.load(tmp_path / "k.csv")
    for text in ("9x1: " + square, "3x3: " + square, "1,2,1", "1,1,1,1", ";".join("1" * 9), "1 " * 9, "name: n\n" + square, "[" + square + "]"):  # fmt: skip
        Kernel.from_text(text)
    row = Kernel([[1] * 9])
    assert Kernel.from_text(row.to_text()) == row
    assert not recwarn.list


LIVE = [
    *(name for name in TABLE if not re.search(r"\.\d.*,|disk:[\d.]+$|2\.5$", name)),
    *(text for text in LISTS if text != "sobel-x<"),
]


@pytest.mark.skipif(shutil.which("convert") is None, reason="needs ImageMagick")
@pytest.mark.parametrize("text", LIVE)
def test_imagemagick_prints_the_same(text):
    asked = re.sub(r"^(\w+:\d+)x", r"\1,", text.replace("1/2", "0.5")) if not text.startswith("rectangle") else text
    made = subprocess.run(
        ["convert", "-define", "morphology:showkernel=1", "xc:black", "-morphology", "Convolve", asked, "null:"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    printed = made.stdout + made.stderr
    if "showkernel" in printed or ('Kernel "' not in printed and "Kernel #" not in printed):
        pytest.skip(f"no kernel is printed: {printed.strip()[:80]}")
    theirs: list[list[list[float]]] = []
    for line in printed.splitlines():
        if line.startswith("Kernel"):
            theirs.append([])
        elif found := re.match(r"\s*\d+:(.*)", line):
            theirs[-1].append([float(cell) for cell in found[1].split()])
    ours = resolve_all(text) if text != "disk:2@" else [named("disk:2")]
    assert len(ours) == len(theirs)
    for kernel, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(numbers(kernel), np.array(expected), rtol=5e-6, atol=DIGITS)
