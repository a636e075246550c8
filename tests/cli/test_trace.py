"""`imconv trace`: the pixel that `imconv apply` writes, and how it came about."""

import json

import numpy as np
import pytest

APPLY = [
    ("-k", "lecture"),
    ("-k", "1 2 4; 8 16 32; 64 128 256", "--normalize"),
    ("-k", "sobel-x", "--correlate", "--range", "offset"),
    ("-k", "sobel-x", "--range", "abs", "--border", "wrap"),
    ("-k", "1 2; 3 4", "--scale", "1/9", "--offset", "20", "--anchor", "0,1"),
    ("-k", "gaussian:0x1.3", "--stride", "2", "--pad", "valid"),
    ("-k", "box-3", "--dilation", "2,3", "--border", "normalized"),
    ("-k", "lecture", "--depth", "16"),
    ("-k", "sharpen", "--alpha", "keep"),
]


@pytest.mark.parametrize("options", APPLY, ids=" ".join)
@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "rgba.png"])
def test_the_result_is_what_apply_writes(succeeds, folder, name, options):
    from imconv import read

    succeeds("apply", name, "out.tif", *options)
    result = read("out.tif").pixels
    height, width = result.shape[:2]
    for x, y in ((0, 0), (width - 1, height - 1), (width // 2, height // 3)):
        found = json.loads(succeeds("trace", name, "--pixel", f"{x},{y}", *options, "--json").out)
        assert found["pixel"] == [x, y]
        told = [(each["rounded"], each["result"]) for each in found["channels"]]
        expected = np.atleast_1d(result[y, x]).tolist()
        assert told == [(value, value) for value in expected]


def test_text_and_standard_input(succeeds, folder):
    told = succeeds("trace", "grey.png", "--pixel", "3,4", "-k", "sobel-x").out
    assert told == succeeds("trace", "--pixel", "3,4", "-k", "sobel-x", stdin=(folder / "grey.png").read_bytes()).out
    assert told.decode().startswith("rows     3 4 5\ncolumns  2 3 4\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pixel", "30,0", "-k", "sobel-x"), "outside the result of 30 x 24"),
        (("--pixel", "3", "-k", "sobel-x"), "--pixel"),
        (("--pixel", "a,b", "-k", "sobel-x"), "--pixel"),
        (("--pixel", "1,1", "-k", "sobl-x"), "sobel-x"),
        (("--pixel", "1,1", "-k", "sobel-x", "--range", "stretch"), "stretch"),
        (("--pixel", "1,1", "-k", "sobel-x", "--border", "mirorr"), "mirror"),
    ],
)
def test_mistakes_are_one_line(imconv, folder, arguments, words):
    result = imconv("trace", "rgb.png", *arguments)
    assert (result.code, result.out) == (2, b"")
    assert words in result.err
    assert result.err.count("\n") == 1
