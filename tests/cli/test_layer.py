"""imconv layer: maps, sheet, report; what is told, and what is refused."""

import json

import numpy as np
import pytest

import imconv as package
from imconv.sheet import contact_sheet

RNG = np.random.default_rng(4)
PIXELS = RNG.integers(0, 256, (12, 15, 3)).astype(np.uint8)
WEIGHTS = RNG.standard_normal((10, 3, 5, 5)).astype(np.float32)
BIAS = RNG.standard_normal(10).astype(np.float32)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    package.write("in.png", PIXELS)
    package.write("alpha.png", np.dstack([PIXELS, PIXELS[..., :1]]))
    package.write("grey.png", PIXELS[..., 0])
    np.savez("w.npz", **{"c.weight": WEIGHTS, "c.bias": BIAS})
    return tmp_path


@pytest.mark.parametrize("scale", ["each", "all"])
def test_maps_and_sheet(place, succeeds, scale):
    succeeds("layer", "in.png", "-w", "w.npz", "--unit", "--maps", "new/maps", "--sheet", "s.png", "--scale", scale)
    values = package.layer(PIXELS / np.float32(255), WEIGHTS, BIAS)
    maps = list(values.transpose(2, 0, 1))
    np.testing.assert_array_equal(package.read("s.png").pixels, contact_sheet(maps, scale=scale))
    written = sorted((place / "new/maps").iterdir())
    assert [path.name for path in written] == [f"map-{n:03d}.png" for n in range(10)]
    stacked = contact_sheet(maps, columns=1, gap=0, scale=scale).reshape(10, 8, 11, 3)
    for path, right in zip(written, stacked, strict=True):
        np.testing.assert_array_equal(package.read(path).pixels, right)


def test_without_negative_values_maps_are_grey(place, succeeds):
    succeeds("layer", "in.png", "-w", "w.npz", "--activation", "relu", "--maps", "m")
    picture = package.read("m/map-003.png")
    assert picture.mode == "grey"
    values = package.layer(PIXELS, WEIGHTS, BIAS, activation="relu")[..., 3]
    assert (picture.pixels.max(), picture.pixels.argmax()) == (255, values.argmax())


def test_parameters_are_told_as_in_the_lecture(place, succeeds):
    result = succeeds("layer", "in.png", "-w", "w.npz", "--maps", "m", "-v", notes=True)
    assert "parameters     (5 x 5 x 3 + 1) x 10 = 760" in result.err
    assert "output         8 x 11 x 10" in result.err
    assert f"multiply-adds  {8 * 11 * 10 * 75}" in result.err
    np.savez("one.npz", **{"c.weight": WEIGHTS[:1], "c.bias": BIAS[:1]})
    result = succeeds("layer", "in.png", "-w", "one.npz", "--maps", "m", "--explain", notes=True)
    assert "5 x 5 x 3 + 1 = 76" in result.err


@pytest.mark.parametrize("options", [(), ("--max-memory", "1M")])
def test_sizes_and_parameters_without_writing_anything(place, succeeds, monkeypatch, options):
    monkeypatch.setattr("imconv.net.layer.PreparedLayer.apply", lambda *_, **__: pytest.fail("computed"))
    before = sorted(path.name for path in place.iterdir())
    result = succeeds("layer", "in.png", "-w", "w.npz", "--stride", "2", "--explain", *options, notes=True)
    assert result.err.splitlines()[1:4] == [
        "output         4 x 6 x 10",
        "parameters     (5 x 5 x 3 + 1) x 10 = 760",
        f"multiply-adds  {4 * 6 * 10 * 75}",
    ]
    assert result.out == b""
    assert sorted(path.name for path in place.iterdir()) == before


def test_a_report_without_writing_anything(place, succeeds):
    told = json.loads(succeeds("layer", "in.png", "-w", "w.npz", "--json").out)
    assert (told["parameters"], len(told["maps"]), "file" in told["maps"][0]) == (760, 10, False)


def test_report(place, succeeds):
    result = succeeds("layer", "in.png", "-w", "sobel-x", "-w", "box-3", "--padding", "same", "--maps", "m", "--json")
    told = json.loads(result.out)
    assert (told["output_shape"], told["macs"]) == ([12, 15, 2], 12 * 15 * 2 * 27)
    assert told["maps"][0]["name"] == "sobel-x"
    assert told["maps"][0]["file"].endswith("map-000.png")
    right = package.convolve(PIXELS.mean(axis=2), "sobel-x", border="constant")
    assert told["maps"][0]["max"] == pytest.approx(right.max(), rel=1e-5)
    assert told["maps"][0]["min"] == pytest.approx(right.min(), rel=1e-5)


def test_sheet_through_a_pipe(place, succeeds):
    data = (place / "in.png").read_bytes()
    assert succeeds("layer", "-", "-w", "w.npz", "--sheet", "s.png", "--columns", "5", stdin=data).out == b""
    assert package.read("s.png").width == 5 * 11 + 4 * 4


def test_alpha_is_left_out_where_there_are_no_weights_for_it(place, succeeds):
    result = succeeds("layer", "alpha.png", "-w", "w.npz", "--maps", "a", notes=True)
    assert "alpha is dropped" in result.err
    succeeds("layer", "in.png", "-w", "w.npz", "--maps", "b")
    np.testing.assert_array_equal(package.read("a/map-000.png").pixels, package.read("b/map-000.png").pixels)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("in.png", "-w", "w.npz"), 2, "nothing to write"),
        (("in.png", "--maps", "m"), 2, "--weights"),
        (("grey.png", "-w", "w.npz", "--maps", "m"), 1, "grey.png: has 1 channels (grey), the weights are for 3"),
        (("in.png", "-w", "w.pt", "--maps", "m"), 1, "pickled"),
        (("in.png", "-w", "w.npz", "--maps", "m", "--scale", "both"), 2, "--scale must be"),
        (("in.png", "-w", "w.npz", "--sheet", "s.png", "--columns", "0"), 2, "--columns must be"),
        (("in.png", "-w", "w.npz", "--maps", "m", "--activation", "gellu"), 2, "did you mean 'gelu'"),
        (("in.png", "-w", "w.npz", "--maps", "in.png"), 1, "in.png: "),
        (("in.png", "-w", "w.npz", "--maps", "m", "--dilation", "4"), 2, "no output is left"),
        (("in.png", "-w", "w.npz", "--maps", "m", "--max-memory", "1K"), 1, "--max-memory"),
        (("in.png", "-w", "w.npz", "--maps", "m", "--threads", "0"), 2, "--threads"),
        (("none.png", "-w", "w.npz", "--maps", "m"), 1, "none.png"),
    ],
)
def test_what_is_refused(place, imconv, arguments, code, told):
    result = imconv("layer", *arguments)
    assert (result.code, told in result.err) == (code, True), result.err
    assert not (place / "m").exists()


def test_existing_maps_are_kept(place, succeeds, refuses):
    succeeds("layer", "in.png", "-w", "w.npz", "--maps", "m")
    refuses("exists", "layer", "in.png", "-w", "w.npz", "--maps", "m", "--no-clobber", code=1)


@pytest.mark.parametrize("kind", ["npz", "npy", "safetensors"])
def test_weights_count_against_the_limit(place, refuses, monkeypatch, kind):
    """A small archive inflates to gigabytes: what its header says is refused before anything is read."""
    values = np.zeros((64, 1, 128, 128), np.uint8)
    if kind == "npz":
        np.savez_compressed("big.npz", w=values)
    elif kind == "npy":
        np.save("big.npy", values)
    else:
        head = json.dumps({"w": {"dtype": "U8", "shape": values.shape, "data_offsets": [0, values.nbytes]}}).encode()
        (place / "big.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + values.tobytes())
    monkeypatch.setattr("imconv.net.tensors.Tensors.tensor", lambda *_: pytest.fail("read"))
    biases = [] if kind == "npy" else [["-w", "sobel-x", "--bias", f"big.{kind}:w"]]
    for options in (["-w", f"big.{kind}"], *biases):
        words = "(64, 1, 128, 128) needs 10 MiB of memory, more than the 8 MiB allowed"
        refuses(words, "layer", "grey.png", *options, "--sheet", "s.png", "--max-memory", "8M", code=1)
