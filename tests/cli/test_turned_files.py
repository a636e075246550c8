"""Pictures with an EXIF orientation: every command sees them as a viewer shows them, and files keep their layout and tag.

What is expected is the result for the upright file; Pillow turns the results upright.
"""

import json
import shlex

import click
import numpy as np
import pytest
from PIL import Image, ImageOps

import imconv as library
from imconv.cli import cli
from imconv.cli.options import FilterCommand
from imconv.files import incoming
from imconv.files.picture import Metadata, Picture

ORIENTATION = 0x0112
TURN = Image.Transpose
# what undoes the turn of `ImageOps.exif_transpose`
STORED = {
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_90,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_270,
}
LAST_BIT = 2e-6  # relative; a float32 sum in the order of the other axis
NEXT_LEVEL = 1  # of uint16, where weights are no fractions: sums of some samples lie so near to a half

# options with which results don't depend on how the picture is turned: bands may stream, and nothing is turned in memory
SYMMETRIC = [
    "blur --sigma 1.5",
    "blur --sigma 1.5 --border normalized --nan ignore",
    "blur --sigma 2 --linear",
    "blur --sigma 2 --border constant:9,8,7",
    "blur --sigma 3 --pad full --dilation 2",
    "box --size 5",
    "box --size 3 --channels luma",
    "disk --radius 3.5",
    "median --size 5",
    "median --size 5 --shape disk",
    "rank --size 3 --percentile 20",
    "min --size 3",
    "max --size 5 --shape ring",
    "open --size 3",
    "close --size 3",
    "gradient --size 3",
    "tophat --size 5",
    "sharpen --amount 0.5",
    "unsharp --sigma 1.5 --amount 0.7",
    "unsharp --sigma 1.5 --threshold 4",
    "edges",
    "edges --operator scharr --gain 3",
    "edges --operator farid",
    "edges --operator gaussian --sigma 2 --gain 2.5",
    "edges --operator kirsch",
    "edges --operator robinson",
    "edges --show max",
    "edges --operator laplacian",
    "edges --operator log --sigma 2",
    "edges --operator dog --sigma 1.5",
    "bilateral --sigma 2 --sigma-range 30",
    "guided --radius 3 --threshold 10%",
    "deviation --size 5",
    "contrast --sigma 2",
    "convert --depth 16",
    "grey",
    "invert",
    "flatten",
    "apply -k laplacian-8 --offset 128",
    "apply -k sobel-x -k sobel-y --combine magnitude",
]
# options that name places, directions, rows and columns, or a side
DIRECTED = [
    "chain 'blur --sigma 1 | median --size 3 | unsharp --sigma 1'",  # its floats are rounded once, at the end
    "blur --sigma 1.5 --region 9x7+2+11",
    "blur --sigma 1.5 --region 9x7+2+11 --crop",
    "blur --sigma 1.5 --mask mask.png",
    "blur --sigma 1.5 --mask turned-mask.png",
    "blur --sigma 1.5 --mask small.png --region 9x7+2+11",
    "blur --sigma 1,3",
    "crop --size 9x7+2+11",
    "rotate --angle 90",
    "flip",
    "flip --direction vertical",
    "blur --sigma 5%",
    "blur --sigma 2 --stride 2",
    "blur --sigma 2 --stride 1,3 --pad valid",
    "blur --sigma 2 --pad 1,2,3,4",
    "blur --sigma 2 --dilation 1,2",
    "blur --sigma 2 --like scipy",
    "box --size 4",
    "box --size 3x7",
    "box --size 3 --dilation 2,1",
    "motion --length 9 --angle 30",
    "emboss",
    "emboss --relief",
    "median --size 3x5",
    "median --size 4 --shape disk",
    "median --size 3 --stride 2",
    "rank --percentile 70 --shape '1 1 0; 0 1 0; 0 0 0'",
    "min --size 2",
    "max --size 1x7",
    "open --size 5x1",
    "close --size 2x4",
    "gradient --size 2",
    "tophat --size 4 --black",
    "sharpen --region 5x5+0+0",
    "unsharp --sigma 1,2",
    "edges --show x",
    "edges --show y --range abs",
    "edges --show direction",
    "edges --operator kirsch --show direction",
    "edges --angle 30",
    "edges --operator roberts",
    "gabor --wavelength 5 --orientation 20",
    "gabor --wavelength 5 --energy",
    "gabor --wavelength 4 --bank 4 --scales 2",
    "bilateral --sigma 2 --sigma-range 30 --region 9x7+2+11",
    "guided --radius 3 --threshold 10% --guide mask.png",
    "guided --radius 3 --threshold 10% --guide turned-mask.png",
    "deviation --size 3x5",
    "contrast --sigma 1,2",
    "pool --op max --size 2",
    "pool --op avg --size 3x2 --stride 2,3 --padding 1,0",
    "pool --op max --size 2 --antialias",
    "apply -k '1 2 3; 4 5 6; 7 8 9' --normalize",
    "apply -k '1 2 3; 4 5 6; 7 8 9' --normalize --correlate --anchor 0,2",
    "apply -k kernel.png",
    "apply -k sobel-x --range abs",
    "apply -k sobel-x -k laplacian-4 --combine max",
    "chain 'blur --sigma 1 | edges --show x --range abs'",
    "chain 'blur --sigma 1 --region 9x7+2+11 | median --size 3'",
    "chain 'blur --sigma 1 | median --size 3' --region 9x7+2+11",
    "chain 'blur --sigma 4% | median --size 3'",
]


def test_every_filter_command_is_tried():
    context = click.Context(cli)
    filters = {name for name in cli.list_commands(context) if isinstance(cli.get_command(context, name), FilterCommand)}
    tried = [{each.split()[0] for each in invocations} for invocations in (SYMMETRIC, DIRECTED)]
    assert filters == {"trace", "strip", *tried[0], *tried[1]}  # strip turns pictures upright: see test_everyday.py
    assert filters - tried[0] == {
        "trace",
        "strip",
        "motion",
        "emboss",
        "gabor",
        "pool",
        "chain",
        "crop",
        "rotate",
        "flip",
    }


def store(name: str, image: Image.Image, orientation: int) -> None:
    """Write a picture that a viewer shows as `image`."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = image if orientation == 1 else image.transpose(STORED[orientation])
    stored.save(name, exif=exif)
    with Image.open(name) as again:
        np.testing.assert_array_equal(np.array(ImageOps.exif_transpose(again)), np.array(image))


@pytest.fixture
def scene(folder):
    """`upright.png`, which turning and mirroring change everywhere, and what the invocations name."""
    random = np.random.default_rng(5)
    mask = Image.fromarray(random.integers(0, 256, (24, 30), dtype=np.uint8))
    mask.save("mask.png")
    store("turned-mask.png", mask, 8)
    Image.fromarray(random.integers(0, 256, (7, 9), dtype=np.uint8)).save("small.png")
    store("kernel.png", Image.fromarray(np.array([[1, 2], [4, 8], [16, 32]], np.uint8)), 6)
    with Image.open("rgb.png") as image:
        image.load()
    return image


def shown(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.array(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("invocation", [*SYMMETRIC, *DIRECTED])
def test_the_result_is_that_of_the_upright_file(imconv, scene, invocation):
    store("upright.png", scene, 1)
    name, *options = shlex.split(invocation)
    first, rest = (options[:1], options[1:]) if name == "chain" else ([], options)
    result = imconv(name, *first, "upright.png", "expected.png", *rest)
    assert result.code == 0, result.err
    expected = shown("expected.png")
    for orientation in STORED:
        store("stored.png", scene, orientation)
        result = imconv(name, *first, "stored.png", "out.png", *rest)
        assert result.code == 0, result.err
        np.testing.assert_array_equal(shown("out.png"), expected, str(orientation))
        with Image.open("out.png") as out:
            assert out.getexif()[ORIENTATION] == orientation
            assert (out.size == expected.shape[1::-1]) or orientation > 4


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("invocation", [*SYMMETRIC, "blur --sigma 2 --region 9x7+2+11", "box --size 3x7", "gabor --wavelength 5"])  # fmt: skip
def test_other_types(imconv, folder, dtype, invocation):
    random = np.random.default_rng(3)
    pixels = random.random((24, 30)).astype(np.float32) if dtype == "float32" else random.integers(0, 65536, (24, 30), np.uint16)  # fmt: skip
    name, *options = shlex.split(invocation.replace("constant:9,8,7", "constant:9"))
    if "luma" in options:
        pytest.skip("grey has no luma")
    first, rest = (options[:1], options[1:]) if name == "chain" else ([], options)
    library.write("upright.tif", Picture(pixels))
    assert imconv(name, *first, "upright.tif", "expected.tif", *rest).code == 0
    expected = library.read("expected.tif").pixels
    for orientation in (3, 6):
        stored = np.rot90(pixels, 2 if orientation == 3 else 1)
        library.write("stored.tif", Picture(np.ascontiguousarray(stored), metadata=Metadata(orientation=orientation)))
        result = imconv(name, *first, "stored.tif", "out.tif", *rest)
        assert result.code == 0, result.err
        out = library.read("out.tif")
        assert out.metadata.orientation == orientation
        upright = np.rot90(out.pixels, -2 if orientation == 3 else -1)
        if dtype == "float32":
            np.testing.assert_allclose(upright, expected, rtol=LAST_BIT, atol=LAST_BIT * np.abs(expected).max())
        else:
            assert np.abs(upright.astype(np.int64) - expected).max() <= NEXT_LEVEL


@pytest.mark.parametrize(
    ("invocation", "symmetric"), [(each, True) for each in SYMMETRIC] + [(each, False) for each in DIRECTED]
)
def test_what_treats_all_directions_alike_is_not_turned(imconv, scene, invocation, symmetric):
    """Such results have the bits that they had in the stored layout; `--explain` tells of all others."""
    store("stored.png", scene, 6)
    name, *options = shlex.split(invocation)
    first, rest = (options[:1], options[1:]) if name == "chain" else ([], options)
    result = imconv(name, *first, "stored.png", "out.png", *rest, "--explain", "--dry-run")
    assert result.code == 0, result.err
    alike = symmetric or invocation == "blur --sigma 5%"  # a percentage alone changes the filter, not its symmetry
    assert ("turned upright before, and back after: its orientation is 6" in result.err) is not alike


def test_reports_have_the_size_of_the_file(imconv, scene):
    store("stored.png", scene, 6)
    facts = json.loads(imconv("box", "stored.png", "out.png", "--size", "3x5", "--json").out)
    assert (facts["width"], facts["height"]) == (24, 30)
    assert (facts["plan"]["output"][:2], facts["plan"]["orientation"]) == ([24, 30], 6)
    told = imconv("box", "stored.png", "out.png", "--size", "3x5", "--dry-run").err
    assert "24 x 30 pixels" in told
    facts = json.loads(imconv("box", "stored.png", "out.png", "--size", "3", "--json").out)
    assert (facts["width"], "orientation" in facts["plan"]) == (24, False)


@pytest.mark.parametrize("extension", ["png", "tif", "jpg", "webp", "avif"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_region_in_every_format_with_an_orientation(imconv, folder, orientation, extension):
    """A bright pixel grows within the region only, where a viewer shows both."""
    pixels = np.zeros((40, 64, 3), np.uint8)
    pixels[8:12, 24:28] = 255
    stored = Image.fromarray(pixels).transpose(STORED[orientation])
    library.write(f"in.{extension}", Picture(np.array(stored), metadata=Metadata(orientation=orientation)))
    assert imconv("max", f"in.{extension}", f"out.{extension}", "--size", 9, "--region", "16x12+20+4").code == 0
    out = library.read(f"out.{extension}")
    assert (out.metadata.orientation, out.pixels.shape[:2]) == (orientation, np.array(stored).shape[:2])
    expected = np.zeros((40, 64), bool)
    expected[4:16, 20:32] = True
    found = library.read(f"out.{extension}", auto_orient=True).pixels[..., 1] > 128
    np.testing.assert_array_equal(found, expected)


def test_a_kernel_that_is_a_picture(imconv, scene):
    store("upright.png", scene, 1)
    weights = Image.fromarray(np.array([[1, 2], [4, 8], [16, 32]], np.uint8))
    store("kernel-upright.png", weights, 1)
    for name in ("kernel", "kernel-upright"):
        assert imconv("apply", "upright.png", f"{name}-out.png", "-k", f"{name}.png").code == 0
    np.testing.assert_array_equal(shown("kernel-out.png"), shown("kernel-upright-out.png"))


def test_several_results(imconv, scene):
    store("stored.png", scene, 7)
    store("upright.png", scene, 1)
    for name in ("stored", "upright"):
        options = ("-k", "sobel-x", "-k", "laplacian-4", "--combine", "each", "--range", "abs")
        assert imconv("apply", f"{name}.png", f"{name}-out.png", *options).code == 0
    for kernel in ("sobel-x", "laplacian-4"):
        np.testing.assert_array_equal(shown(f"stored-out-{kernel}.png"), shown(f"upright-out-{kernel}.png"))


def test_pages_of_different_orientations(imconv, scene):
    upright = np.array(scene)
    pages = [Picture(upright)]
    for orientation, turns in ((3, 2), (6, 1), (8, 3)):
        pages.append(
            Picture(np.ascontiguousarray(np.rot90(upright, turns)), metadata=Metadata(orientation=orientation))
        )
    library.write_pages("pages.tif", pages)
    assert imconv("blur", "pages.tif", "out.tif", "--sigma", 2, "--region", "9x7+2+11").code == 0
    first, *others = library.read_pages("out.tif", auto_orient=True)
    for other in others:
        np.testing.assert_array_equal(other.pixels, first.pixels)


@pytest.mark.parametrize("orientation", STORED)
def test_trace_layer_pool_report_and_compare(imconv, scene, orientation):
    store("upright.png", scene, 1)
    store("stored.png", scene, orientation)
    for command in (
        ("trace", "{}", "--pixel", "21,4", "-k", "1 2 3; 4 5 6; 7 8 9"),
        ("trace", "{}", "--pixel", "21,4", "--filter", "edges --show x"),
        ("trace", "{}", "--pixel", "21,4", "--filter", "blur --sigma 8%"),
        ("layer", "{}", "-w", "sobel-x", "--maps", "maps", "--json", "--stride", "2,1"),
        ("pool", "{}", "--op", "max", "--size", "3x2", "--report", "--json"),
        ("show", "{}", "--width", "20"),
    ):
        upright, stored = (imconv(*(word.format(f"{name}.png") for word in command)) for name in ("upright", "stored"))
        assert (upright.code, stored.code, stored.err) == (0, 0, upright.err)
        assert stored.out == upright.out.replace(b"upright.png", b"stored.png"), command
    reports = [
        json.loads(imconv("pool", f"{name}.png", "out.png", "--op", "max", "--size", "3x2", "--report", "--json").out)
        for name in ("upright", "stored")
    ]
    assert reports[0]["shift_consistency"] == reports[1]["shift_consistency"]
    assert json.loads(imconv("compare", "upright.png", "stored.png", "--json").out)["max_abs"] == 0


def test_bands_where_nothing_is_turned(imconv, scene, monkeypatch):
    """Large pictures are streamed where the filter treats all directions alike, else read whole."""
    from imconv import file_to_file

    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    taken = []
    iterate = incoming.Incoming.__iter__
    monkeypatch.setattr(incoming.Incoming, "__iter__", lambda self: taken.append(1) or iterate(self))
    store("upright.png", scene, 1)
    store("stored.png", scene, 6)
    for options, streamed in ((("--sigma", "5%"), 1), (("--sigma", 2, "--region", "9x7+2+11"), 0)):
        assert imconv("blur", "upright.png", "expected.png", *options).code == 0
        taken.clear()
        assert imconv("blur", "stored.png", "out.png", *options).code == 0
        assert len(taken) == streamed
        np.testing.assert_array_equal(shown("out.png"), shown("expected.png"))


def test_memory_of_turning_counts(imconv, folder):
    """Beside its turned copy lies the picture as it is read, and later the result."""
    pixels = np.zeros((3000, 3000), np.uint8)
    library.write("stored.tif", Picture(pixels, metadata=Metadata(orientation=6)), compression="none")
    options = ("--size", "3x5", "--depth", "float", "--threads", 1, "--max-memory")
    result = 4 * pixels.nbytes
    refused = imconv("box", "stored.tif", "out.tif", *options, 2 * result)
    assert (refused.code, "--max-memory" in refused.err) == (1, True)
    assert imconv("box", "stored.tif", "out.tif", *options, 2 * result + 2 * pixels.nbytes).code == 0
    with pytest.raises(library.ImconvError, match="memory"):
        library.read("stored.tif", max_memory=5 * pixels.nbytes // 2, auto_orient=True)
    library.read("stored.tif", max_memory=5 * pixels.nbytes // 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--region", "24x30+0+0"), "region 24x30+0+0 reaches beyond the picture, which is 30 wide and 24 high"),
        (
            ("--mask", "stored-mask.png"),
            "the mask is 24 wide and 30 high; it must be as the picture, 30 wide and 24 high",
        ),
    ],
)
def test_places_beyond_the_shown_picture(imconv, scene, options, words):
    store("stored.png", scene, 6)
    Image.fromarray(np.zeros((30, 24), np.uint8)).save("stored-mask.png")
    result = imconv("blur", "stored.png", "out.png", "--sigma", 2, *options)
    assert result.code in (1, 2)
    assert words in result.err
    assert result.err.count("\n") == 1


def test_pixel_beyond_the_shown_picture(imconv, scene):
    store("stored.png", scene, 6)
    assert imconv("trace", "stored.png", "--pixel", "29,23", "-k", "1 2 1").code == 0
    assert imconv("trace", "stored.png", "--pixel", "23,29", "-k", "1 2 1").code != 0


def test_functions_take_pictures_as_they_are_stored(scene):
    """In the library arrays are what they are; `read(..., auto_orient=True)` turns them."""
    store("stored.png", scene, 6)
    picture = library.read("stored.png")
    assert picture.pixels.shape == (30, 24, 3)
    plain = library.gaussian_blur(picture.pixels, 2, region="9x7+2+11")
    np.testing.assert_array_equal(library.gaussian_blur(picture, 2, region="9x7+2+11").pixels, plain)
