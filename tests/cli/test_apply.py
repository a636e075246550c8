"""`imconv apply`: kernels in every form, against scipy and whole-number sums."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from imconv import convolve, read

LOPSIDED = np.array([[1, 2, 0], [-3, 4, 7]])  # neither symmetric nor square
LOPSIDED_TEXT = "1 2 0; -3 4 7"


def exact(pixels, kernel, divisor=1, offset=0, function=ndimage.convolve, **options):
    """`function` in whole numbers for every channel, divided, offset added, rounded half up, saturated."""
    planes = pixels.reshape(*pixels.shape[:2], -1).astype(np.int64)
    sums = [function(planes[..., c], np.asarray(kernel), **options) for c in range(planes.shape[2])]
    sums = np.stack(sums, axis=2).reshape(*sums[0].shape, *pixels.shape[2:]) + offset * divisor
    return np.clip((2 * sums + divisor) // (2 * divisor), 0, np.iinfo(pixels.dtype).max)


def test_the_lectures_example_to_the_digit(succeeds, folder, load):
    image = """45 60 98 127 132 133 137 133 / 46 65 98 123 126 128 131 133 / 47 65 96 115 119 123 135 137
        / 47 63 91 107 113 122 138 134 / 50 59 80 97 110 123 133 134 / 49 53 68 83 97 113 128 133
        / 50 50 58 70 84 102 116 126 / 50 50 52 58 69 86 101 120"""
    expected = """69 95 116 125 129 132 / 68 92 110 120 126 132 / 66 86 104 114 124 132 / 62 78 94 108 120 129
        / 57 69 83 98 112 124 / 53 60 71 85 100 114"""
    Image.fromarray(np.array([row.split() for row in image.split("/")], np.uint8)).save("lecture.png")
    (folder / "k.txt").write_text("0.1 0.1 0.1\n0.1 0.2 0.1\n0.1 0.1 0.1\n")
    succeeds("apply", "lecture.png", "out.png", "--kernel", "k.txt", "--pad", "valid")
    assert load("out.png").tolist() == [[int(n) for n in row.split()] for row in expected.split("/")]


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png"])
def test_convolves_unless_told_to_correlate(succeeds, folder, load, name):
    succeeds("apply", name, "out.png", "-k", LOPSIDED_TEXT, "--scale", "1/11")
    np.testing.assert_array_equal(load("out.png"), exact(load(name), LOPSIDED, 11))
    succeeds("apply", name, "out.png", "-k", LOPSIDED_TEXT, "--scale", "1/11", "--correlate")
    np.testing.assert_array_equal(load("out.png"), exact(load(name), LOPSIDED, 11, function=ndimage.correlate))


def write_npy(path):
    np.save(path, LOPSIDED)


FILES = {
    "plain.txt": "1 2 0\n-3 4 7\n",
    "commented.txt": "# a kernel\nname: lopsided\n\n1\t2 0   # first row\n-3, 4; 7\n",
    "table.csv": "1,2,0\n-3,4,7\n",
    "no_extension": "1 2 0\r\n-3 4 7",
    "magick.txt": "3x2+1+1: 1,2,0 -3,4,7\n",
    "vips.mat": "3 2\n1 2 0\n-3 4 7\n",
    "headers.txt": "divisor: 2\nscale: 2\n1 2 0\n-3 4 7\n",
    "array.npy": write_npy,
}


@pytest.mark.parametrize("name", FILES)
def test_kernel_files(succeeds, folder, load, name):
    content = FILES[name]
    content(name) if callable(content) else (folder / name).write_text(content, newline="")
    succeeds("apply", "grey.png", "out.png", "--kernel", name, "--scale", "1/11")
    np.testing.assert_array_equal(load("out.png"), exact(load("grey.png"), LOPSIDED, 11))


def test_a_picture_as_a_kernel(succeeds, folder, load):
    Image.fromarray(LOPSIDED.clip(0).astype(np.uint8)).save("kernel.png")
    succeeds("apply", "grey.png", "out.png", "-k", "kernel.png")
    np.testing.assert_array_equal(load("out.png"), exact(load("grey.png"), LOPSIDED.clip(0), 14))


def test_a_files_offset_and_anchor(succeeds, folder, load):
    (folder / "k.txt").write_text("offset: 50\nanchor: 0 2\ndivisor: 11\n1 2 0\n-3 4 7\n")
    succeeds("apply", "grey.png", "out.png", "-k", "k.txt", "--correlate")
    options = {"function": ndimage.correlate, "origin": (0 - 1, 2 - 1)}
    np.testing.assert_array_equal(load("out.png"), exact(load("grey.png"), LOPSIDED, 11, 50, **options))
    succeeds("apply", "grey.png", "out.png", "-k", "k.txt", "--correlate", "--offset=-3", "--anchor", "1,0")
    options["origin"] = (1 - 1, 0 - 1)
    np.testing.assert_array_equal(load("out.png"), exact(load("grey.png"), LOPSIDED, 11, -3, **options))


@pytest.mark.parametrize(
    "inline", ["3x2+1+1: 1,2,0 -3,4,7", "1,2,0\n-3,4,7", "1, 2, 0; -3, 4, 7;", "1 4/2 0; 2-5 4 7.0"]
)
def test_numbers_as_they_are_typed(succeeds, folder, load, inline):
    succeeds("apply", "grey.png", "out.png", "-k", inline, "--normalize")
    np.testing.assert_array_equal(load("out.png"), exact(load("grey.png"), LOPSIDED, 11))


def test_a_name_in_any_case(succeeds, folder, load):
    for name in ("sobel-x", "Sobel_X", "SOBEL X"):
        succeeds("apply", "grey.png", "out.png", "-k", name, "--range", "abs")
        expected = np.abs(ndimage.convolve(load("grey.png").astype(int), [[1, 0, -1], [2, 0, -2], [1, 0, -1]]))
        np.testing.assert_array_equal(load("out.png"), np.clip(expected, 0, 255))


def test_range_policies(succeeds, folder, load):
    sums = ndimage.convolve(load("grey.png").astype(int), [[1, 0, -1]])
    expected = {"clip": np.clip(sums, 0, 255), "abs": np.abs(sums), "offset": np.clip(sums + 128, 0, 255)}
    for policy, values in expected.items():
        succeeds("apply", "grey.png", "out.png", "-k", "1,0,-1", "--range", policy)
        np.testing.assert_array_equal(load("out.png"), values)
    succeeds("apply", "grey.png", "out.png", "-k", "1 0 -1", "--range", "stretch")
    stretched = (sums - sums.min()) * 255 / (sums.max() - sums.min())
    assert np.abs(load("out.png") - stretched).max() <= 0.501


def test_zero_sum_kernels_keep_alpha(succeeds, folder, load):
    succeeds("apply", "rgba.png", "out.png", "-k", "sobel-y", "--range", "abs")
    before, after = load("rgba.png"), load("out.png")
    np.testing.assert_array_equal(after[..., 3], before[..., 3])
    sums = ndimage.convolve(before[..., 0].astype(int), [[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    np.testing.assert_array_equal(after[..., 0], np.clip(np.abs(sums), 0, 255))


X, Y = np.array([[1, 0, -1]]), np.array([[1], [2], [-3]])


@pytest.mark.parametrize("name", ["rgb.png", "grey.png"])
@pytest.mark.parametrize(
    ("combine", "together"),
    [("sum", lambda x, y: x + y), ("max", np.maximum),
     ("magnitude", lambda x, y: np.floor(np.sqrt(x * x + y * y) + 0.5).astype(int))],
)  # fmt: skip
def test_several_kernels(succeeds, folder, load, name, combine, together):
    succeeds("apply", name, "out.png", "-k", "1 0 -1;", "-k", "1; 2; -3", "--combine", combine)
    before = load(name).astype(int)
    planes = before.reshape(24, 30, -1)
    both = [np.stack([ndimage.convolve(p, k) for p in planes.transpose(2, 0, 1)], axis=2) for k in (X, Y)]
    np.testing.assert_array_equal(load("out.png"), np.clip(together(*both), 0, 255).reshape(before.shape))


def test_several_kernels_are_summed_unless_told(succeeds, folder, load):
    succeeds("apply", "grey.png", "out.png", "-k", "identity", "-k", "1 0 -1;", "-k", "1; 2; -3")
    before = load("grey.png").astype(int)
    expected = np.clip(before + ndimage.convolve(before, X) + ndimage.convolve(before, Y), 0, 255)
    np.testing.assert_array_equal(load("out.png"), expected)


def test_combine_each_writes_a_file_for_each(succeeds, folder, load):
    before = {path.name for path in folder.iterdir()}
    succeeds("apply", "grey.png", "out.png", "-k", "sobel-x", "-k", "1; 2; 1", "--combine", "each", "--range", "abs")
    assert {path.name for path in folder.iterdir()} - before == {"out-sobel-x.png", "out-2.png"}
    np.testing.assert_array_equal(
        load("out-sobel-x.png"), convolve(load("grey.png"), "sobel-x", range="abs"), strict=True
    )
    np.testing.assert_array_equal(load("out-2.png"), exact(load("grey.png"), [[1], [2], [1]]))


def test_combine_each_with_the_same_kernel_twice(succeeds, folder):
    succeeds("apply", "grey.png", "out.png", "-k", "box-3", "-k", "box-3", "--combine", "each")
    assert {path.name for path in folder.glob("out*")} == {"out-box-3-1.png", "out-box-3-2.png"}


def test_combine_each_reads_standard_input_once(succeeds, folder, load):
    picture = (folder / "grey.png").read_bytes()
    succeeds("apply", "-", "out.png", "-k", "box-3", "-k", "identity", "--combine", "each", stdin=picture)
    np.testing.assert_array_equal(load("out-box-3.png"), exact(load("grey.png"), np.ones((3, 3), int), 9))
    np.testing.assert_array_equal(load("out-identity.png"), load("grey.png"))


def test_combine_each_stays_beside_the_output(imconv, folder):
    """A kernel file's `name:` may hold anything; it must not lead to another folder."""
    (folder / "k.txt").write_text("name: ../../../evil\n1 2 1\n")
    (folder / "out-..").mkdir()
    result = imconv("apply", "grey.png", "out.png", "-k", "k.txt", "-k", "box-3", "--combine", "each")
    assert not (folder.parent / "evil.png").exists()
    assert result.code in (0, 1, 2)
    if result.code == 0:
        assert len(list(folder.glob("out*.png"))) == 2


@pytest.mark.parametrize("combine", ["sum", "max", "magnitude"])
@pytest.mark.parametrize("pad", ["valid", "full", "0,1"])
def test_kernels_of_different_sizes_are_laid_on_their_anchors(imconv, folder, load, combine, pad):
    """The smaller kernel is the larger one with zeros around it, so the results have the same size; or it is refused."""
    larger = np.pad(np.full((1, 3), 3), ((2, 2), (1, 1)))
    padded = "; ".join(" ".join(map(str, row)) for row in larger.tolist())
    five = "; ".join(["1 1 1 1 1"] * 5)
    options = ("--combine", combine, "--pad", pad, "--scale", "1/25")
    first = imconv("apply", "grey.png", "one.png", "-k", "3 3 3;", "-k", five, *options)
    assert "internal error" not in first.err
    if first.code == 0:
        assert imconv("apply", "grey.png", "two.png", "-k", padded, "-k", five, *options).code == 0
        np.testing.assert_array_equal(load("one.png"), load("two.png"))


def test_equals_the_python_function(succeeds, folder):
    options = ("--stride", "2", "--dilation", "2,1", "--border", "mirror", "--pad", "3", "--alpha", "separate")
    succeeds("apply", "rgba.png", "out.png", "-k", "kirsch-n", *options, "--range", "offset")
    expected = convolve(
        read("rgba.png"), "kirsch-n", stride=2, dilation=(2, 1), border="mirror", pad=3, alpha="separate",
        range="offset",
    )  # fmt: skip
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)
