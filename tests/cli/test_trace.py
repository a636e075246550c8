"""`imconv trace`: the pixel that `imconv apply` writes, and how it came about."""

import json

import numpy as np
import pytest

from imconv import read

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
    ("-k", "box-3", "--alpha", "unweighted"),
]


@pytest.mark.parametrize("options", APPLY, ids=" ".join)
@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "rgba.png"])
def test_the_result_is_what_apply_writes(succeeds, folder, name, options):
    succeeds("apply", name, "out.tif", *options)
    result = read("out.tif").pixels
    height, width = result.shape[:2]
    for x, y in ((0, 0), (width - 1, height - 1), (width // 2, height // 3)):
        found = json.loads(succeeds("trace", name, "--pixel", f"{x},{y}", *options, "--json").out)
        assert found["pixel"] == [x, y]
        told = [(each["rounded"], each["result"]) for each in found["parts"][0]["channels"]]
        expected = np.atleast_1d(result[y, x]).tolist()
        assert told == [(value, value) for value in expected]


# steps, and by how many levels of 8 bits the last step may miss the result: 0 where whole numbers are rounded exactly
FILTERS = {
    "blur --sigma 1.5": 0.1,
    "blur --sigma 7": 0.1,
    "blur --sigma 2 --like pillow": 1,
    "blur --sigma 2 --like opencv": 1,
    "box --size 5": 0,
    "box --size 3x4 --stride 2 --border wrap": 0,
    "sharpen": 0,
    "unsharp --sigma 1": 0.1,
    "unsharp --sigma 2 --threshold 8% --amount 1.5": 0.1,
    "emboss": 0,
    "motion --length 5 --angle 30": 0.1,
    "disk --radius 2.5": 0.1,
    "apply --kernel lecture": 0,
    "apply --kernel sobel-x --kernel sobel-y --combine max": 0,
    "edges": 1,
    "edges --operator scharr --show x": 0,
    "edges --operator kirsch": 0,
    "edges --operator gaussian --sigma 2": 1,
    "edges --operator freichen --show max": 0.1,
    "edges --operator log": 0.1,
    "edges --show y --range abs": 0,
    "gabor --wavelength 6 --orientation 30": 0.1,
    "gabor --wavelength 6 --energy": 1,
    "median --size 3": 0,
    "median --size 5x4 --shape disk --border normalized": 0,
    "median --size 3 --stride 2 --alpha unweighted": 0,
    "rank --size 5 --percentile 20 --border constant:7": 0,
    "min --size 3": 0,
    "max --size 4 --shape plus --range offset": 0,
    "open --size 3": 0,
    "close --size 3 --alpha unweighted": 0,
    "gradient --size 3 --stride 2": 0,
    "tophat --size 5": 0,
    "tophat --size 5 --shape disk --black": 0,
    "bilateral --sigma 1.5 --sigma-range 12%": 0.1,
    "bilateral --sigma 1.5 --sigma-range 12% --border normalized --alpha keep": 0.1,
    "bilateral --sigma 1.5 --sigma-range 12% --alpha unweighted": 0.1,
    "guided --radius 2 --threshold 10%": 0.1,
    "guided --radius 2 --threshold 10% --border normalized --alpha keep": 0.1,
    "deviation --size 5": 0.1,
    "deviation --size 5x4 --border normalized --alpha separate": 0.1,
    "contrast --sigma 2": 0.1,
    "contrast --sigma 2 --gain 20 --range abs": 0.1,
    "pool --op max --size 2": 0,
    "pool --op avg --size 3 --padding 1": 0,
    "pool --op avg --size 3 --padding 1 --exclude-pad --alpha keep": 0,
    "pool --op sum --size 2 --range clip": 0,
    "pool --op sum --size 2 --alpha unweighted": 0,
    "pool --op count --size 4 --where v>100": 0,
    "pool --op stdev --size 4": 0,
    "pool --op median --size 3 --stride 2": 0,
    "pool --op range --size 3": 0,
    "pool --op l2 --size 2": 0,
    "pool --op blur --size 4 --stride 2": 0,
    "pool --op max --size 2 --antialias 4": 0.1,
    "median --size 3 | unsharp --sigma 2 | edges": 1,
    "blur --sigma 1 --border wrap | box --size 3 --border wrap": 0.1,
    "tophat --size 3 | gradient --size 3 --stride 2 | bilateral --sigma 1 --sigma-range 4%": 0.1,
}


def last_values(channels: list[dict]) -> list:
    """What the last step of each channel gives."""
    return [each["rounded"] if "rounded" in each else each["steps"][-1]["value"] for each in channels]


@pytest.mark.parametrize("name", ["rgb.png", "grey16.png", "rgba.png", "float.tif"])
@pytest.mark.parametrize("steps", FILTERS)
def test_every_filter_ends_at_its_own_pixel(imconv, succeeds, folder, steps, name):
    """The last step, which the trace takes by itself, against what the filter's command or chain writes."""
    step, *more = steps.split(" | ")
    command = ["chain", steps, name, "out.tif"] if more else [*step.split(), name, "out.tif"]
    if "pillow" in steps and name in ("grey16.png", "float.tif"):
        refused = imconv("trace", name, "--pixel", "0,0", "--filter", steps)
        assert (refused.code, refused.err) == (2, imconv(*command).err)
        return
    succeeds(*command, notes=True)
    pixels = read("out.tif").pixels
    height, width = pixels.shape[:2]
    top = {"u": np.iinfo(pixels.dtype).max}.get(pixels.dtype.kind, 1) if pixels.dtype.kind == "u" else 1
    allowed = FILTERS[steps] * top / 255 + (0 if pixels.dtype.kind == "u" else 2e-6 * max(1, np.abs(pixels).max()))
    for x, y in ((0, 0), (width - 1, height - 1), (width // 2, height // 3), (width // 3, 2 * height // 3)):
        found = json.loads(succeeds("trace", name, "--pixel", f"{x},{y}", "--filter", steps, "--json", notes=True).out)
        channels = found["parts"][-1]["channels"]
        expected = np.atleast_1d(pixels[y, x]).tolist()
        assert [each["result"] for each in channels] == expected
        np.testing.assert_allclose(last_values(channels), expected, rtol=0, atol=max(allowed, int(allowed > 0)) if pixels.dtype.kind == "u" else allowed)  # fmt: skip


def test_a_chain_shows_every_step_where_the_next_one_looks(succeeds, folder):
    told = succeeds(
        "trace", "grey.png", "--pixel", "3,4", "-f", "median --size 3 | box --size 3 --stride 2"
    ).out.decode()
    assert told.startswith("-- step 1, median --size 3\nrows     7 8 9\ncolumns  5 6 7\n")
    assert "-- step 2, box --size 3 --stride 2\nrows     7 8 9\ncolumns  5 6 7\n" in told
    (folder / "look.txt").write_text("s = 3\nmedian --size $s\nbox --size 3 --stride 2\n")
    assert succeeds("trace", "grey.png", "--pixel", "3,4", "-f", "look.txt").out.decode() == told
    assert (
        "median --size 5"
        in succeeds("trace", "grey.png", "--pixel", "3,4", "-f", "look.txt", "--set", "s=5").out.decode()
    )


def test_one_filter_in_words(succeeds, folder):
    pixels = read("grey.png").pixels
    told = succeeds("trace", "grey.png", "--pixel", "9,9", "-f", "median --size 3").out.decode().splitlines()
    order = sorted(pixels[8:11, 8:11].ravel().tolist())
    assert (told[3], told[4].split()) == ("channel 1 of 1", ["window", "in", "order"])
    numbers = [int(word.strip("[]")) for line in told[5:8] for word in line.replace("[", " ").replace("]", " ").split()]
    assert sorted(numbers) == sorted(order * 2)
    assert f"[{order[4]}" in told[6] or f"[ {order[4]}" in told[6]
    assert [line.split()[-1] for line in told[8:]] == ["9", "4", str(order[4]), str(order[4])]


def test_missing_samples(succeeds, folder):
    import imconv

    pixels = np.array([[1, 2, 3], [4, np.nan, 6], [7, 8, 9]], np.float32)
    imconv.write("holes.tif", pixels)
    asked = ("--pixel", "1,1", "--border", "normalized", "--nan", "ignore", "--json")
    for what in (("-f", "box --size 3"), ("-k", "box-3")):
        [part] = json.loads(succeeds("trace", "holes.tif", *what, *asked).out)["parts"]
        [channel] = part["channels"]
        assert channel["window"][1] == [4, None, 6]
        assert channel["result"] == channel["steps"][-1]["value"] == 5


def test_text_and_standard_input(succeeds, folder):
    told = succeeds("trace", "grey.png", "--pixel", "3,4", "-k", "sobel-x").out
    assert told == succeeds("trace", "--pixel", "3,4", "-k", "sobel-x", stdin=(folder / "grey.png").read_bytes()).out
    assert told.decode().startswith("rows     3 4 5\ncolumns  2 3 4\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pixel", "30,0", "-k", "sobel-x"), "30,0 (column,row) is outside the result, 30 columns by 24 rows"),
        (("--pixel", "3", "-k", "sobel-x"), "--pixel"),
        (("--pixel", "a,b", "-k", "sobel-x"), "--pixel"),
        (("--pixel", "1,1", "-k", "sobl-x"), "sobel-x"),
        (("--pixel", "1,1", "-k", "sobel-x", "--range", "stretch"), "stretch"),
        (("--pixel", "1,1", "-k", "sobel-x", "--border", "mirorr"), "mirror"),
        (("--pixel", "1,1"), "--filter"),
        (("--pixel", "1,1", "-k", "sobel-x", "-f", "blur --sigma 1"), "one of the two"),
        (("--pixel", "1,1", "-f", "blr --sigma 1"), "did you mean 'blur'"),
        (("--pixel", "1,1", "-f", "blur"), "--sigma"),
        (("--pixel", "1,1", "-f", "blur --sigma 1", "--normalize"), "goes with --kernel"),
        (("--pixel", "1,1", "-f", "blur --sigma 1", "--stride", "2"), "write it into the steps"),
        (("--pixel", "1,1", "-f", "blur --sigma 1 --region 3x3+0+0"), "leave out --region"),
        (("--pixel", "1,1", "-f", "blur --sigma 1 | blur --sigma 1 --channels r"), "leave out --region"),
        (("--pixel", "1,1", "-f", "gabor --wavelength 6 --bank 4"), "several filters"),
        (("--pixel", "20,20", "-f", "box --size 3 --stride 2"), "outside the result, 15 columns by 12 rows"),
    ],
)
def test_mistakes_are_one_line(refuses, folder, arguments, words):
    refuses(words, "trace", "rgb.png", *arguments, lines=1)
