"""--region, --crop, --mask and --channels: what the functions give, whole and in bands."""

import numpy as np
import pytest

from imconv import box_blur, edges, file_to_file, gaussian_blur, read, unsharp_mask, write

COMMANDS = {
    "blur": (("blur", "--sigma", 1.5), lambda p, **o: gaussian_blur(p, 1.5, **o)),
    "box": (("box", "--size", 5), lambda p, **o: box_blur(p, 5, **o)),
    "unsharp": (("unsharp", "--sigma", 2, "--threshold", 3), lambda p, **o: unsharp_mask(p, 2, threshold=3, **o)),
    "edges": (("edges", "--show", "x"), lambda p, **o: edges(p, show="x", **o)),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("source", ["rgba.png", "grey16.png", "rgb.png"])
@pytest.mark.parametrize("banded", [False, True])
def test_equals_the_python_function(succeeds, folder, monkeypatch, name, source, banded):
    if banded:
        monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    command, function = COMMANDS[name]
    picture = read(source)
    mask = np.random.default_rng(0).integers(0, 256, (picture.height, picture.width)).astype(np.uint8)
    write("mask.png", mask)
    choices = [(("--region", "12x9+3+5"), {"region": "12x9+3+5"}), (("--mask", "mask.png"), {"mask": mask})]
    if picture.channels > 1:
        choices += [(("--channels", "g"), {"channels": "g"}), (("--channels", "luma"), {"channels": "luma"})]
    for options, keywords in choices:
        for more, also in ((), {}), (("--linear",), {"linear": True}):
            succeeds(command[0], source, "out.png", *command[1:], *options, *more, notes=True)
            np.testing.assert_array_equal(read("out.png").pixels, function(picture, **keywords, **also).pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_mask_of_0_and_1_counts_as_black_and_white(imconv, succeeds, folder, dtype):
    mask = np.zeros((24, 30), dtype)
    mask[4:20, 5:17] = 1
    write("mask.png", mask)
    result = imconv("box", "rgb.png", "out.png", "--size", 5, "--mask", "mask.png")
    assert result.code == 0
    white = np.iinfo(dtype).max
    assert result.err == (
        f"imconv: mask.png: the mask's largest sample is 1, not {white}: it counts as a mask of 0 and 1\n"
    )
    expected = box_blur(read("rgb.png"), 5, mask=mask.astype(bool)).pixels
    np.testing.assert_array_equal(read("out.png").pixels, expected)
    assert (expected != read("rgb.png").pixels).any()
    succeeds("box", "rgb.png", "out.png", "--size", 5, "--mask", "mask.png", "-q")
    result = imconv("chain", "box --size 5 --mask mask.png | box --size 3", "rgb.png", "out.png")
    assert result.err.count("counts as a mask of 0 and 1") == 1


def test_crop_writes_the_region_alone(succeeds, folder):
    succeeds("blur", "rgb.png", "out.png", "--sigma", 3, "--region", "10x6+4+7", "--crop")
    np.testing.assert_array_equal(read("out.png").pixels, gaussian_blur(read("rgb.png"), 3).pixels[7:13, 4:14])


def test_explain_tells_what_is_selected(succeeds, folder):
    told = succeeds("blur", "rgb.png", "out.png", "--sigma", 3, "--region", "10x6+4+7", "--explain", notes=True).err
    assert told.startswith("selection      region 10x6+4+7; the plan is for 3 channels\nalgorithm ")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--region", "10x6"), 2, "region must be WxH"),
        (("--region", "100x6+0+0"), 2, "reaches beyond the picture"),
        (("--crop",), 2, "--crop needs --region"),
        (("--mask", "missing.png"), 1, "missing.png: no such file"),
        (("--mask", "rgba.png"), 2, "a mask is grey or RGB, without alpha"),
        (("--channels", "x"), 2, "channels must be names"),
        (("--channels", "luma", "--stride", "2"), 2, "can't be combined with"),
    ],
)
def test_wrong_selections(imconv, folder, options, code, message):
    before = sorted(folder.iterdir())
    result = imconv("blur", "rgb.png", "out.png", "--sigma", 3, *options)
    assert result.code == code
    assert message in result.err
    assert result.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before
