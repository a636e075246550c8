"""`imconv net run`, `maps` and `trace`: reports, files, and what is said about mistakes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imconv as library
from imconv.engine import threads
from imconv.net import activations, convolution, load, matrix, operations
from imconv.net.loaded_weights import Weights

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
MINE = """
input = [20, 24, 3]
layers = [{ conv = 5, size = 3, pad = 1 }, "relu", { max = 2 }, { conv = 4, size = 3 }, "flatten", { fc = 6 }]
[preprocess]
resize = [20, 24]
mean = [0.5]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A network, its weights, labels and pictures, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(MINE)
    generator = np.random.default_rng(1)
    arrays = {
        key: (generator.standard_normal(one.shape) / 4).astype(np.float32)
        for key, one in load("mine.toml").tensors.items()
    }
    np.savez("w.npz", **arrays)
    pixels = generator.integers(0, 256, (60, 72, 3), np.uint8)
    Image.fromarray(pixels).save("in.png")
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\ndog\nelk\nfox\n")
    (tmp_path / "few.txt").write_text("ant\nbee\n")
    return tmp_path


def expected(folder) -> np.ndarray:
    network = load("mine.toml")
    (output,) = network.run(library.read("in.png"), "w.npz").values()
    shares = np.exp(output.astype(float) - output.max())
    return shares / shares.sum()


@pytest.mark.parametrize(
    "command",
    [("run", "--json"), ("trace", "--layer", "conv2", "--at", "1,2,3", "--json"),
     ("maps", "--layers", "conv2", "--occlusion", "top", "--output-dir", "seen", "--json")],
    ids=lambda command: command[0],
)  # fmt: skip
def test_threads_change_nothing(refuses, succeeds, folder, monkeypatch, command):
    used = []
    kept = threads.run_bands

    def run_bands(work, origin, out, height, workers, told=None):
        used.append(workers)
        kept(work, origin, out, height, workers, told)

    for module in (convolution, matrix, operations, activations):
        monkeypatch.setattr(module, "run_bands", run_bands)
    name, *options = command
    told = [
        succeeds("net", name, "mine.toml", "in.png", "-w", "w.npz", "--threads", count, *options).out
        for count in (1, 3)
    ]
    assert told[0] == told[1]
    assert max(used) > 1
    for wrong in ("0", "two", "-1"):
        command = (
            "net",
            name,
            "mine.toml",
            "in.png",
            "-w",
            "w.npz",
            "--threads",
            wrong,
            *(each for each in options if each != "--json"),
        )
        refuses("--threads must be a number of threads", *command)


def test_run_tells_the_most_probable_classes(succeeds, folder):
    shares = expected(folder)
    best = np.argsort(-shares)
    lines = succeeds("net", "run", "mine.toml", "in.png", "--weights", "w.npz", "--labels", "labels.txt", "--top", 2)
    labels = ["ant", "bee", "cat", "dog", "elk", "fox"]
    wanted = [f"{100 * shares[n]:8.4f} %  {n:>5}  {labels[n]}" for n in best[:2]]
    assert lines.out.decode().splitlines() == wanted
    report = json.loads(succeeds("net", "run", "mine.toml", "in.png", "-w", "w.npz", "--json").out)
    assert (report["network"], report["input"], len(report["top"])) == ("mine", [20, 24, 3], 5)
    assert [score["class"] for score in report["top"]] == best[:5].tolist()
    assert [score["probability"] for score in report["top"]] == pytest.approx(shares[best[:5]].tolist(), rel=1e-5)


def test_run_tells_what_goes_in(succeeds, folder):
    result = succeeds("net", "run", "mine.toml", "in.png", "-w", "w.npz", "-v", notes=True)
    assert result.err.splitlines() == [
        "imconv: resized to 20 x 24, bilinear (Pillow's, antialiased)",
        "imconv: samples divided by 255, minus 0.5",
        "imconv: network input: 20 x 24 x 3",
    ]


def test_run_reads_standard_input_and_turns_pictures_upright(succeeds, folder):
    with open("in.png", "rb") as file:
        piped = succeeds("net", "run", "mine.toml", "-", "-w", "w.npz", stdin=file.read())
    upright = succeeds("net", "run", "mine.toml", "in.png", "-w", "w.npz")
    assert piped.out == upright.out
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn
    Image.open("in.png").transpose(Image.Transpose.ROTATE_90).save("turned.png", exif=exif)
    assert succeeds("net", "run", "mine.toml", "turned.png", "-w", "w.npz").out == upright.out


def test_lenet_reads_digits_out_of_the_box(succeeds):
    digits = sorted(DIGITS.glob("*.png"))
    assert digits
    for path in digits:
        found = json.loads(succeeds("net", "run", "lenet5", path, "--json").out)["top"]
        assert found[0]["class"] == int(path.stem)
        assert found[0]["probability"] > 0.5


def test_black_digits_on_white_paper(succeeds, folder):
    """They are misread, with a note; --invert reads them as the digits that they are."""
    digit = library.read(DIGITS / "5.png").pixels
    library.write("paper.png", 255 - digit)
    result = succeeds("net", "run", "lenet5", "paper.png", notes=True)
    assert result.err == (
        "imconv: paper.png: the picture's rim is bright, but lenet5 expects one handwritten digit, white on black; try --invert\n"
    )
    assert succeeds("net", "run", "lenet5", "paper.png", "--quiet").out == result.out
    inverted = succeeds("net", "run", "lenet5", "paper.png", "--invert").out
    assert inverted == succeeds("net", "run", "lenet5", DIGITS / "5.png").out
    assert inverted.split()[2] == b"5"
    for command in (("maps", "--layers", "C1", "--output-dir"), ("trace", "--layer", "C1", "--at", "10,10,0")):
        name, *options = command
        outs = [
            succeeds("net", name, "lenet5", *picture, *options, *([place] if name == "maps" else [])).out
            for place, picture in (("a", ["paper.png", "--invert"]), ("b", [DIGITS / "5.png"]))
        ]
        assert outs[0] == outs[1]


def test_a_photograph_is_no_digit(succeeds):
    """What is left of it is said without -v, and how far it is from the nearest digit."""
    path = DIGITS.parent / "astronaut.png"
    result = succeeds("net", "run", "lenet5", path, "--top", 1, notes=True)
    lost, rim = result.err.splitlines()
    assert lost == f"imconv: {path}: its colours are dropped; it is shrunk from 512 x 512 to 28 x 28 pixels"
    assert "the picture's rim is neither dark nor bright, but lenet5 expects one handwritten digit" in rim
    assert "distance 20.7" in result.out.decode()
    report = json.loads(succeeds("net", "run", "lenet5", path, "--json", notes=True).out)
    assert report["notes"] == [line.removeprefix("imconv: ") for line in (lost, rim)]
    assert report["top"][0]["distance"] == report["top"][0]["output"] == pytest.approx(20.7, abs=0.1)


def test_maps(succeeds, folder):
    args = ("net", "maps", "mine.toml", "in.png", "-w", "w.npz", "--layers", "max1,conv1", "--output-dir", "seen")
    lines = succeeds(*args).out.decode().splitlines()
    assert [line.split(":")[0] for line in lines] == ["conv1", "max1"]
    names = sorted(path.relative_to("seen").as_posix() for path in (folder / "seen").rglob("*.png") for path in [path.relative_to(folder)])  # fmt: skip
    files = [*(f"map-{n:03}.png" for n in range(5)), "sheet.png", "strongest.png"]
    assert names == [f"{layer}/{name}" for layer in ("conv1", "max1") for name in files]
    report = json.loads(succeeds(*args, "--json").out)
    first = report["layers"][0]
    assert (first["name"], first["output_shape"], first["maps"]) == ("conv1", [20, 24, 5], 5)
    outputs = load("mine.toml").run(library.read("in.png"), "w.npz", layers=["conv1"])
    row, column, channel = first["strongest"]["at"]
    assert first["strongest"]["value"] == outputs["conv1"].max() == outputs["conv1"][row, column, channel]
    (top, bottom), (left, right) = first["strongest"]["sees"]
    patch = library.read("in.png").pixels[3 * top : 3 * bottom, 3 * left : 3 * right]  # the input is a third as large
    assert (library.read("seen/conv1/strongest.png").pixels == patch).all()
    shown = library.read("seen/conv1/map-000.png").pixels
    assert shown.shape[:2] == (80, 96)  # 4 times as large
    sheet = library.read("seen/conv1/sheet.png").pixels
    first = shown[::4, ::4].repeat(17, 0).repeat(17, 1)  # two maps of 24 columns on at least 800 pixels
    assert sheet.shape[1] == 2 * 24 * 17 + 4 == 820
    assert (sheet[: first.shape[0], : first.shape[1]] == first).all()


def test_zoom(succeeds, refuses, folder):
    args = ("net", "maps", "mine.toml", "in.png", "-w", "w.npz", "--layers", "conv1", "--occlusion", "top")
    succeeds(*args, "--output-dir", "seen", "--zoom", "1")
    succeeds(*args, "--output-dir", "larger", "--zoom", "3")
    for file in ("map-004", "sheet"):
        small, large = (library.read(f"{place}/conv1/{file}.png").pixels for place in ("seen", "larger"))
        if file == "sheet":
            small, large = small[:20, 28:52], large[:60, 76:148]  # the second map, behind gaps of 4
        assert small.shape[:2] == (20, 24)
        assert (large == small.repeat(3, 0).repeat(3, 1)).all()
    assert library.read("larger/occlusion.png").pixels.shape == (60, 3 * 72 + 8, 3)
    refuses("--zoom must be a whole number from 1", *args, "--output-dir", "o", "--zoom", "0")
    refuses("need 41.5 MiB of memory", *args, "--output-dir", "o", "--zoom", "55", "--max-memory", "40M", code=1)


def test_occlusion(succeeds, folder):
    args = ("net", "maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "seen", "--labels", "labels.txt")
    assert succeeds(*args, "--occlusion", "cat", "--square", 6).out.decode().startswith("class 2 (cat): ")
    assert library.read("seen/occlusion.png").pixels.shape == (220, 3 * 264 + 8, 3)
    found = json.loads(succeeds(*args, "--occlusion", "top", "--square", 6, "--json").out)["occlusion"]
    shares = expected(folder)
    assert (found["class"], found["square"], found["places"]) == (int(shares.argmax()), 6, [6, 7])
    assert found["probability"] == pytest.approx(shares.max(), rel=1e-5)


def test_trace(succeeds, folder):
    args = ("net", "trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--at", "3,4,2")
    found = json.loads(succeeds(*args, "--json").out)
    result = load("mine.toml").run(library.read("in.png"), "w.npz", layers=["relu1"])["relu1"][3, 4, 2]
    assert found["result"] == pytest.approx(float(result), rel=1e-5)
    assert (found["layer"], found["at"], found["rows"], found["columns"]) == ("conv1", [3, 4, 2], [2, 3, 4], [3, 4, 5])
    text = succeeds(*args).out.decode()
    assert text.startswith("conv1 (conv) at row 3, column 4, channel 2\nrows     2 3 4\ncolumns  3 4 5\n")
    assert "relu1 (ReLU)" in text
    assert succeeds(*args[:-2], "--pixel", "4,3,2").out.decode() == text  # column first


def test_a_pixel_of_a_single_map(succeeds):
    args = ("net", "trace", "lenet5", DIGITS / "5.png", "--layer")
    with_channel = succeeds(*args, "C1", "--pixel", "7,9,0").out
    assert with_channel == succeeds(*args, "C1", "--at", "9,7,0").out
    assert with_channel.startswith(b"C1 (conv) at row 9, column 7, channel 0\n")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("run", "mine.toml", "in.png"), 2, "mine needs trained weights"),
        (("run", "vgg16", "in.png"), 2, "or .npz file with its 32 tensors, such as 'features.0.weight'"),
        (("run", "mine.toml", "in.png", "-w", "w.pt"), 1, "convert them"),
        (("run", "mine.toml", "in.png", "-w", "none.npz"), 1, "none.npz: no such file; check the name"),
        (("run", "mine.toml", "none.png", "-w", "w.npz"), 1, "none.png: no such file"),
        (("run", "lenet5", "in.png", "-w", "w.npz"), 1, "13 missing: C1.weight 6x1x5x5"),
        (("run", "mine.toml", "in.png", "-w", "w.npz", "--top", "0"), 2, "--top must be a whole number from 1"),
        (("run", "mine.toml", "in.png", "-w", "w.npz", "--labels", "few.txt"), 2, "2 labels and 6 classes"),
        (("run", "mine.toml", "in.png", "-w", "w.npz", "--max-memory", "9K"), 1, "raise the limit with --max-memory"),
        (("run", "mine.toml", "in.png", "-w", "w.npz", "--max-pixels", "9"), 1, "raise the limit with --max-pixels"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "o"), 2, "nothing to show"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "o", "--layers", "cov1"), 2, "did you mean 'conv1'"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "o", "--layers", "fc1"), 2, "fc1 has no maps: its output is 6 numbers"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "o", "--occlusion", "cow"), 2, "a number from 0 to 5"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "o", "--layers", "conv1", "--square", "3"), 2, "--square needs --occlusion"),
        (("maps", "mine.toml", "in.png", "-w", "w.npz", "--output-dir", "in.png", "--layers", "conv1"), 1, "in.png"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--at", "1,2"), 2, "conv1 has no sample 1,2: its output is 20 x 24 x 5; write row,column,channel"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--at", "1,b,2"), 2, "--at must be"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1"), 2, "give the position by --at"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--at", "1,2,3", "--pixel", "1,2"), 2, "give the position by --at"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--pixel", "1,2"), 2, "conv1 has 5 channels; write X,Y,CHANNEL"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "conv1", "--pixel", "24,2,1"), 2, "conv1 has x from 0 to 23, y from 0 to 19"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "fc1", "--pixel", "0,0"), 2, "no maps but 6 numbers; give one by --at N"),
        (("trace", "mine.toml", "in.png", "-w", "w.npz", "--layer", "cov1", "--pixel", "0,0"), 2, "did you mean 'conv1'"),
    ],
)  # fmt: skip
def test_what_is_refused(imconv, folder, args, code, told):
    result = imconv("net", *args)
    assert (result.code, len(result.err.splitlines())) == (code, 1)
    assert told in result.err
    assert result.out == b""


def test_no_clobber(refuses, succeeds, folder):
    args = ("net", "maps", "mine.toml", "in.png", "-w", "w.npz", "--layers", "conv1", "--output-dir", "seen", "--no-clobber")  # fmt: skip
    succeeds(*args)
    refuses("exists already", *args, code=1)


def test_a_picture_too_small(imconv, folder):
    (folder / "crop.toml").write_text('input = [99, 99, 3]\nlayers = ["prelu"]\npreprocess = { crop = 99 }')
    np.savez("one.npz", **{"prelu1.weight": np.zeros(3)})
    result = imconv("net", "run", "crop.toml", "in.png", "-w", "one.npz")
    assert (result.code, result.err) == (1, "imconv: in.png: 99 x 99 can't be cropped from 60 x 72 pixels; give a larger one\n")  # fmt: skip


def test_maps_of_a_picture_of_floats(succeeds, folder):
    """The part that excited a layer most is written as bytes."""
    library.write(folder / "float.tif", np.random.default_rng(1).random((40, 32)).astype(np.float32))
    succeeds("net", "maps", "lenet5", "float.tif", "--layers", "C1", "--output-dir", "seen", "--quiet", notes=True)
    assert library.read(folder / "seen/C1/strongest.png").pixels.dtype == np.uint8


def test_weights_that_must_be_converted_count(folder):
    """float64 tensors lie beside what they become, one at a time."""
    arrays = np.load("w.npz")
    np.savez("w64.npz", **{key: arrays[key].astype(np.float64) for key in arrays})
    network = load("mine.toml")
    largest = max(np.prod(one.shape) for one in network.tensors.values())
    assert Weights(network, "w.npz").bytes_beside == 0
    assert Weights(network, "w64.npz").bytes_beside == 8 * largest


DECODER = """
about = "an encoder and a decoder"
input = [32, 32, 3]
layers = [
  { conv = 4, size = 3, pad = 1, activation = "silu" }, { groupnorm = 2 }, { max = 2 },
  { conv = 4, size = 3, pad = 1, name = "twice" }, "mish", { conv = 4, size = 3, pad = 1, share = "twice" },
  { transposed = 8, size = 2, stride = 2 }, { upsample = 2, mode = "bilinear" }, { pixel-shuffle = 2 }, { adaptive-max = [9, 7] },
]
"""


def test_an_encoder_and_decoder_from_end_to_end(succeeds, imconv, folder):
    from imconv.net import load

    (folder / "decoder.toml").write_text(DECODER)
    network = load("decoder.toml")
    rng = np.random.default_rng(1)
    np.savez("w.npz", **{key: rng.standard_normal(t.shape).astype(np.float32) for key, t in network.tensors.items()})
    out = succeeds("net", "summary", "decoder.toml").out.decode()
    assert "(None, 9, 7, 2)" in out
    assert "Total params: 404" in out
    assert succeeds("net", "run", "decoder.toml", "in.png", "-w", "w.npz").out
    result = imconv(
        "net", "maps", "decoder.toml", "in.png", "-w", "w.npz", "--layers", "transposed1,pool1", "--output-dir", "maps"
    )
    assert result.code == 0, result.err
    assert len(list((folder / "maps" / "transposed1").glob("map-*.png"))) == 8
    for layer, at in (("pool1", "8,6,1"), ("transposed1", "3,4,5"), ("twice", "2,2,1"), ("gn1", "4,4,3")):
        assert (
            b"result"
            in succeeds("net", "trace", "decoder.toml", "in.png", "-w", "w.npz", "--layer", layer, "--at", at).out
        )
