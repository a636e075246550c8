"""Files of users: what can be written, and that every mistake is told with file, line and the nearest right word."""

import random
from pathlib import Path

import pytest

from imconv.errors import FileError, ImconvError, LimitError, NetworkError, OptionError
from imconv.kernel.library import folder
from imconv.net import load
from imconv.net.assembly import assemble
from imconv.net.description import Description
from tests.effort import at_most
from tests.refused import refused

FILES = sorted(Path(folder("networks")).glob("*.toml"))


def made(text: str, member: str | None = None):
    return assemble(Description.parse(text.encode(), "my.toml"), member)


def layers(*lines: str, rest: str = "", shape: str = "[32, 32, 3]") -> str:
    """A file with a list of layers, one in a line from line 3 on."""
    return f"input = {shape}\nlayers = [\n" + ",\n".join(lines) + f",\n]\n{rest}"


def names(network) -> list[str]:
    return [layer.name for layer in network.layers]


# --- what can be written ---
def test_names_are_counted_by_kind():
    network = made(layers("{ conv = 8, size = 3 }", '"relu"', "{ conv = 8, size = 3 }", '"relu"', "{ max = 2 }"))
    assert names(network) == ["conv1", "relu1", "conv2", "relu2", "max1"]
    assert (network.layer("conv2").inputs, network.layer("conv1").inputs) == (("relu1",), ("input",))
    assert list(network.tensors)[:2] == ["conv1.weight", "conv1.bias"]


def test_sections_number_their_layers():
    item = (
        '{ name = "features", numbered = true, section = [{ conv = 8, size = 3 }, "relu", { fc = 1, name = "own" }] }'
    )
    network = made(layers(item.replace("{ fc = 1", "{ max = 2")))
    assert names(network) == ["features.0", "features.1", "features.own"]
    assert names(made(layers('{ section = ["relu"] }', '{ section = ["relu"] }'))) == [
        "section1.relu1",
        "section2.relu1",
    ]


BLOCK = """
[blocks.unit]
defaults = { size = 3 }
layers = [{ conv = "$out", size = "$size", pad = "half" }, "relu"]
"""


def test_blocks_repeat_and_name_their_layers():
    network = made(layers('{ block = "unit", out = 8, times = 2, first = { size = 5 } }', rest=BLOCK))
    assert names(network) == ["unit1.conv1", "unit1.relu1", "unit2.conv1", "unit2.relu1"]
    assert [layer.attributes["size"] for layer in network.layers[::2]] == [(5, 5), (3, 3)]
    network = made(
        layers(
            '{ block = "unit", name = "a", out = 8, times = 1 }', '{ block = "unit", name = "b", out = 8 }', rest=BLOCK
        )
    )
    assert names(network) == ["a.0.conv1", "a.0.relu1", "b.conv1", "b.relu1"]
    network = made(layers('{ block = "unit", name = "", out = 8, times = 2 }', '"relu"', rest=BLOCK))
    assert names(network) == ["conv1", "relu1", "conv2", "relu2", "relu3"]
    assert names(made(layers('{ block = "unit", out = 8, times = 0 }', '"relu"', rest=BLOCK))) == ["relu1"]


def test_parameters_products_and_lists():
    text = layers(
        '{ conv = "2 * $in * $width", size = "$sizes.2" }',
        '{ layer = "$act" }',
        rest='[parameters]\nwidth = 0.5\nsizes = [3, 5]\nact = "gelu"\n[networks]\nsmall = {}\nlarge = { width = 3 }',
    )
    assert [made(text, name).layers[0].attributes["out"] for name in ("small", "large")] == [3, 18]
    assert made(text, "small").layers[0].attributes["size"] == (5, 5)
    assert made(text, "small").layers[1].kind == "gelu"
    refused(OptionError, r"describes 2 networks \(small, large\).*my.toml:small", made, text)
    refused(OptionError, "did you mean 'large'", made, text, "larg")


def test_joins():
    network = made(
        layers(
            "{ concat = [[{ conv = 4, size = 1 }], [{ conv = 5, size = 3, pad = 1 }, 'relu'], []] }",
            "{ residual = [{ conv = 12, size = 3, pad = 1 }] }",
            "{ residual = [{ conv = 6, size = 1, stride = 2 }], projection = [{ conv = 6, size = 1, stride = 2 }] }",
            "{ residual = [{ max = 2 }], optional = true }",
            "{ gate = ['global-average', { conv = 6, size = 1 }, 'sigmoid'] }",
        )
    )
    assert network.layer("concat1").inputs == ("conv1", "relu1", "input")
    assert network.layer("add1").inputs == ("conv3", "concat1")
    assert network.layer("add2").inputs == ("conv4", "conv5")
    assert network.layer("multiply1").inputs == ("max1", "sigmoid1")
    assert "add3" not in names(network)
    assert [placed.shape for placed in network.resolve() if placed.layer.kind in ("concat", "add", "multiply")] == [
        (32, 32, 12), (32, 32, 12), (16, 16, 6), (8, 8, 6),
    ]  # fmt: skip


def test_residuals_of_enlarging_layers():
    """What counts is whether the shape changes, not whether a layer in between strides or enlarges."""
    network = made(
        layers(
            "{ residual = [{ pixel-unshuffle = 2 }, { pixel-shuffle = 2 }], optional = true }",
            "{ residual = [{ max = 2 }, { upsample = 2 }], projection = ['relu'] }",
            "{ residual = [{ upsample = 2 }], projection = [{ upsample = 2, mode = 'bilinear' }] }",
        )
    )
    assert network.layer("add1").inputs == ("shuffle1", "input")
    assert network.layer("add2").inputs == ("upsample1", "add1")
    assert network.layer("add3").inputs == ("upsample2", "upsample3")


def test_two_heads_and_prelu():
    """MTCNN's P-Net: 6,632 parameters, each output sees 12 pixels, every second one."""
    heads = '{ concat = [[{ conv = 2, size = 1, name = "conv4_1" }, "softmax"], [{ conv = 4, size = 1, name = "conv4_2" }]] }'
    network = made(
        layers(
            "{ conv = 10, size = 3 }", '"prelu"', "{ max = 2, ceil = true }", "{ conv = 16, size = 3 }", '"prelu"',
            "{ conv = 32, size = 3 }", '"prelu"', heads, shape="[12, 12, 3]",
        )
    )  # fmt: skip
    assert network.parameters == 6632
    last = network.resolve()[-1]
    assert last.shape == (1, 1, 6)
    assert (last.fields[0].size, last.fields[0].jump) == (12, 2)
    assert network.tensors["prelu2.weight"].shape == (16,)


def test_shifted_paths_are_told():
    network = made(layers("{ concat = [[{ max = 2, stride = 2 }], [{ max = 3, stride = 2, pad = [1, 0, 1, 0] }]] }"))
    summary = network.summary()
    assert summary.layers[-1].note == "joined branches are misaligned by 0.5 pixels"
    assert "concat1: joined branches are misaligned" in str(summary)
    assert summary.as_dict()["layers"][-1]["note"]


def test_windows_that_are_not_square():
    network = made(layers("{ conv = 4, size = [1, 7], pad = [0, 3], dilation = [1, 2], stride = [2, 1] }"))
    (placed,) = network.resolve()
    assert placed.shape == (16, 26, 4)
    row = network.summary().as_dict()["layers"][0]
    assert (row["receptive_field"], row["jump"], row["start"]) == ([1, 13], [2, 1], [0.5, 3.5])
    assert "1x13" in str(network.summary())
    assert network.parameters == (7 * 3 + 1) * 4


def test_lrn_blur_and_grouped_convolutions():
    network = made(
        layers("{ conv = 6, size = 3, groups = 3 }", "{ lrn = 5, alpha = 5e-4, k = 1 }", "{ blur = 4, stride = 2 }")
    )
    assert (network.parameters, network.layer("lrn1").attributes["alpha"]) == ((3 * 3 * 1 + 1) * 6, 5e-4)
    assert network.resolve()[-1].shape == (15, 15, 6)  # 1 before, 2 behind
    assert network.resolve()[-1].axes[0].before == 1


def test_files_are_loaded_by_path(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(layers("{ conv = 8, size = 3 }", rest="[networks]\none = {}\nother = { aliases = ['second'] }"))
    assert load(f"{path}:second").name == "other"
    refused(OptionError, "2 networks", load, path)
    path.write_bytes(b"\xef\xbb\xbf" + layers("{ conv = 8, size = 3 }").replace("\n", "\r\n").encode())
    assert load(str(path)).name == "my"
    refused(FileError, r"none\.toml", load, str(tmp_path / "none.toml"))
    with pytest.raises(FileError):
        load(f"{tmp_path}/")


# --- mistakes ---
MISTAKES = [
    # text, line, what the message says
    ("input = [3, 3, 1]\nlayers = [\n", 3, "TOML"),
    ("input = [3, 3, 1]\nlayers = ]\n", 2, "TOML"),
    (layers("{ conv = 8,\n size = 3 }"), 3, "broken inside its lists only"),
    ("layers = []", 1, "'input' is missing"),
    ("input = [3, 3, 1]", 1, "'layers' is missing"),
    ("input = [3, 3]\nlayers = ['relu']", 1, "rows, columns, channels"),
    ("\ninput = [3, 3, 0]\nlayers = ['relu']", 2, "whole number from 1"),
    ("input = ['$in', 3, 3]\nlayers = ['relu']", 1, "no parameter 'in'"),
    ("input = [3, 3, 1]\nlayers = []", 2, "no layers"),
    ("input = [3, 3, 1]\nlayers = 'relu'", 2, "must be a list"),
    ("imput = [3, 3, 1]\nlayers = []", 1, "did you mean 'input'"),
    (layers("'relu'", "'reul'"), 4, "'reul' is no kind of layer; did you mean 'relu'?"),
    (layers("'relu'", "", "3").replace("\n,\n", "\n"), 4, "a layer is a word"),
    (layers("'add'"), 3, "no kind of layer"),
    (layers("'conv'"), 3, "'conv' needs 'out'"),
    (layers("{ conv = 8 }"), 3, "'conv' needs 'size'"),
    (layers("{ convv = 8, size = 3 }"), 3, "did you mean 'conv'?"),
    (layers("{ conv = 8,\n size = 3, strid = 2 }").replace("8,\n", "8,"), 3, "did you mean 'stride'?"),
    (layers("{ conv = 8, size = [3,\n 'x'] }"), 3, "size must be a whole number"),
    (layers("{ conv = 8, max = 2 }"), 3, "both 'conv' and 'max'"),
    (layers("{ relu = 1 }"), 3, "'relu' takes no number; write \"relu\""),
    (layers("{ name = 'x' }"), 3, "nothing here says which layer"),
    (layers("{ }"), 3, "nothing here says which layer"),
    (layers("{ conv = 8, size = 3, activation = 'rleu' }"), 3, "did you mean 'relu'?"),
    (layers("{ conv = 0, size = 3 }"), 3, "whole number from 1"),
    (layers("{ conv = 8.5, size = 3 }"), 3, "not 8.5"),
    (layers("{ conv = true, size = 3 }"), 3, "not true"),
    (layers("{ conv = 8, size = 3, pad = 'smae' }"), 3, '"half", "same"'),
    (layers("{ conv = 8, size = 3, pad = [1, 2, 3] }"), 3, "[top, bottom, left, right]"),
    (layers("{ conv = 8, size = 3, bias = 1 }"), 3, "true or false"),
    (layers("{ conv = 8, size = 3, groups = 3 }"), 3, "3 groups divide neither"),
    (layers("{ conv = 2, size = 3, table = [[0, 1]] }"), 3, "a list for each of 2 maps"),
    (layers("{ conv = 1, size = 3, table = [[0, 3]] }"), 3, "maps 0 to 2"),
    (layers("{ conv = 1, size = 3, table = [[1, 0]] }"), 3, "ascending"),
    (layers("{ conv = 1, size = 3, table = [] }"), 3, "a list with a list of input maps"),
    (layers("{ conv = 8, size = 33 }"), 3, "no output is left"),
    (layers("'relu'", "{ fc = 3 }"), 4, 'put "flatten" before it'),
    (layers("'flatten'", "{ conv = 8, size = 3 }"), 4, "put it before the flatten"),
    (layers("{ dropout = 2 }"), 3, "a number from 0 to 1"),
    (layers("{ dropout = nan }"), 3, "a number from 0 to 1"),
    (layers("{ layer = 'relu', name = 'a b' }"), 3, "can't be a name"),
    (layers("{ layer = 'relu', name = '' }"), 3, "can't be a name"),
    (layers("{ layer = 'relu', name = 'x' }", "{ layer = 'relu', name = 'x' }"), 4, "(the other is in line 3)"),
    (layers("{ layer = 'relu', name = 'input' }"), 3, "the other is the input"),
    (layers("{ section = 'relu' }"), 3, "a list of layers"),
    (layers("{ section = ['relu'], numberd = true }"), 3, "did you mean 'numbered'"),
    (layers("{ section = ['relu'], numbered = 1 }"), 3, "true or false"),
    (layers("{ concat = ['relu'] }"), 3, "a list of paths"),
    (layers("{ concat = [[], [{ max = 2 }]] }"), 3, "only maps of one size"),
    (layers("{ concat = [[{ max = 3, pad = 1, stride = 1 }], [{ conv = 2, size = 63, stride = 1, pad = 31 }]] }"), 0,
     ""),
    (layers("{ residual = [{ max = 2 }] }"), 3, "only equal shapes can be added"),
    (layers("{ residual = [], projection = [], optional = true }"), 3, "not both"),
    (layers("{ residual = [], optional = 0 }"), 3, "true or false"),
    (layers("{ gate = [{ conv = 5, size = 1 }] }"), 3, "doesn't fit"),
    (layers("{ concat = [[], [{ max = 32, pad = 16, stride = 1 }]] }", shape="[1, 1, 3]"), 3, "only maps of one size"),
    (layers("{ concat = [[], [{ max = 1, stride = 2 }]] }", shape="[1, 1, 3]"), 3,
     "2 and 1 samples apart|1 and 2 samples apart"),
    (layers("{ block = 'unti', out = 8 }", rest=BLOCK), 3, "did you mean 'unit'?"),
    (layers("{ block = 3 }", rest=BLOCK), 3, "there is no block 3"),
    (layers("'relu'", "{ block = 'unit', oot = 8 }", rest=BLOCK), 4, "no parameter 'oot'; did you mean 'out'?"),
    (layers("'relu'", "{ block = 'unit' }", rest=BLOCK), 9,
     "no parameter 'out' of the block 'unit', or the call lacks it"),
    (layers("{ block = 'unit', out = 8, times = -1 }", rest=BLOCK), 3, "times must be"),
    (layers("{ block = 'unit', out = 8, times = 2000 }", rest=BLOCK), 3, "times must be"),
    (layers("{ block = 'unit', out = 8, first = 3 }", rest=BLOCK), 3, "first must be a table"),
    (layers("{ block = 'unit', out = 8, first = { siez = 3 } }", rest=BLOCK), 3, "did you mean 'size'"),
    (layers("{ conv = '$width', size = 3 }"), 3, "no parameter 'width'"),
    (layers("{ conv = '2 * $', size = 3 }"), 3, "no parameter such as $width"),
    (layers("{ conv = '$in + 1', size = 3 }"), 3, "no parameter such as $width"),
    (layers("{ conv = '0.5 * $in', size = 3 }"), 3, "is 1.5, and should be a whole number"),
    (layers("{ conv = '__import__(\"os\") * $in', size = 3 }"), 3, "no parameter such as $width"),
    (layers("{ conv = '1e999999999 * $in', size = 3 }"), 3, "no parameter such as"),
    (layers("{ conv = '$a', size = 3 }", rest="[parameters]\na = [1]"), 3, "write $a.1"),
    (layers("{ conv = '$a.2', size = 3 }", rest="[parameters]\na = [1]"), 3, "elements 1 to 1"),
    (layers("{ conv = '$a.1', size = 3 }", rest="[parameters]\na = 1"), 3, "no list"),
    (layers("{ conv = '2 * $a', size = 3 }", rest="[parameters]\na = 'x'"), 3, "nothing to multiply with"),
    (layers("{ conv = '2 * $a', size = 3 }", rest="[parameters]\na = inf"), 3, "nothing to multiply with"),
    (layers("'relu'", rest="[parameters]\nwdith = 1"), 6, "nothing uses the parameter 'wdith'"),
    (layers("{ layer = '$act' }", rest="[networks]\na = { atc = 1 }"), 6, "did you mean 'act'"),
    (layers("'relu'", rest="[parameters]\nA = 1"), 6, "can't be a parameter"),
    (layers("'relu'", rest="[parameters]\nin = 1"), 6, "can't be a parameter"),
    (layers("'relu'", rest="[parameters]\na = { b = 1 }"), 6, "must be a number, a word"),
    (layers("'relu'", rest="[networks]\nA = {}"), 6, "can't be a name"),
    (layers("'relu'", rest="[networks]\na = {}\nb = { aliases = ['a'] }"), 7, "taken by 'a'"),
    (layers("'relu'", rest="[networks]\na = 3"), 6, "must be a table"),
    (layers("'relu'", rest="[networks]\na = { aliases = 'b' }"), 6, "a list of names"),
    (layers("'relu'", rest="[blocks.'a b']\nlayers = []"), 5, "can't be the name of a block"),
    (layers("'relu'", rest="[blocks.x]\nlayer = []"), 6, "did you mean 'layers'"),
    (layers("'relu'", rest="[blocks.x]\nnumbered = true"), 5, "has no layers"),
    (layers("'relu'", rest="[blocks]\nx = 3"), 6, "must be a table"),
    (layers("'relu'", rest="[blocks.x]\nlayers = []\ndefaults = { a = 1 }"), 7, "nothing uses the parameter 'a'"),
    (layers("'relu'", rest="[defaults.conv]\nbais = false"), 6, "did you mean 'bias'"),
    (layers("'relu'", rest="[defaults]\ncnov.bias = false"), 6, "did you mean 'conv'"),
    (layers("'relu'", rest="[defaults.conv]\nbias = 3"), 6, "true or false"),
    (layers("'relu'", rest="[preprocess]\nresise = 256"), 6, "did you mean 'resize'"),
    (layers("'relu'", rest="[preprocess]\nmean = 3"), 6, "a list of 1 to 4 numbers"),
    (layers("'relu'", rest="[preprocess]\nstd = [0]"), 6, "std must be"),
    (layers("'relu'", rest="[preprocess]\nchannels = 'rbg'"), 6, "did you mean 'rgb'"),
    (layers("'relu'", rest="[weights]\nlayout = 'tesnor'"), 6, "one of torch, keras, mlx"),
    (layers("'relu'", rest="[weights]\nignore = 'aux'"), 6, "ignore must be a list"),
    (layers("'relu'", rest="weights = 3"), 5, "must be a table"),
    ("about = 3\n" + layers("'relu'"), 1, "about must be text"),
    ('source = "a\\nb"\n' + layers("'relu'"), 1, "of one line"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(text, line, message):
    if not line:  # a correct one among them
        made(text)
        return
    told = refused(NetworkError, "", made, text)
    assert told.startswith(f"my.toml: line {line}"), told
    assert "\n" not in told
    assert any(part in told for part in message.split("|")), told


def test_bytes_that_are_no_text():
    refused(NetworkError, "line 2: not a text file in UTF-8", Description.parse, b"a = 1\n\xff", "my.toml")


def test_a_name_that_hides_something(tmp_path):
    path = tmp_path / "a\nb\x1b[0m.toml"
    path.write_text("x = 1")
    assert refused(ImconvError, "", load, str(path)).isprintable()


# --- bombs ---
TENFOLD = "\n".join(
    f"[blocks.b{i}]\nlayers = [{{ block = 'b{i + 1}', times = 1000 }}, {{ block = 'b{i + 1}', times = 1000 }}]"
    for i in range(9)
)
BOMBS = {
    "repeats": layers("{ block = 'b0' }", rest=TENFOLD + "\n[blocks.b9]\nlayers = ['relu']"),
    "repeats of nothing": layers("{ block = 'b0' }", rest=TENFOLD + "\n[blocks.b9]\nlayers = []"),
    "a block of itself": layers("{ block = 'a' }", rest="[blocks.a]\nlayers = [{ block = 'a' }]"),
    "two blocks of one another": layers(
        "{ block = 'a' }",
        rest="[blocks.a]\nlayers = [{ block = 'b', times = 9 }]\n[blocks.b]\nlayers = [{ block = 'a', times = 9 }]",
    ),
    "deep lists": layers("{ section = [" * 60 + "] }" * 60),
    "very deep lists": layers("[" * 3000 + "]" * 3000),
    "very deep tables": layers("{ section = [" * 3000 + "] }" * 3000),
    "a huge integer": layers("{ conv = 1" + "0" * 9000 + ", size = 3 }"),
    "a huge hexadecimal": layers("{ conv = 0x1" + "0" * 9000 + ", size = '$in' }"),
    "a huge parameter": layers("{ conv = '2 * $a', size = 3 }", rest="[parameters]\na = 0x1" + "0" * 9000),
    "a long file": layers("'relu'") + "#" * (1 << 20),
    "huge maps": layers(*["{ conv = 1048576, size = 1024, pad = 1024 }"] * 40, shape="[1048576, 1048576, 1048576]"),
    "many digits": layers("{ conv = '" + "9" * 5000 + " * $in', size = 3 }"),
    "a long product": layers("{ conv = '" + "9 * " * 5000 + "$in', size = 3 }"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name, tmp_path):
    path = tmp_path / "bomb.toml"
    path.write_text(BOMBS[name])
    with at_most(seconds=5):
        if name == "huge maps":  # only numbers, if large ones
            assert load(path).summary().macs > 1e30
        else:
            said = refused((LimitError, NetworkError), "", load, path)
            assert len(said) < 400


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_damaged_files_are_networks_or_errors(path):
    """Bytes changed, removed, doubled: a network or one line, never anything else."""
    raw, chance = path.read_bytes(), random.Random(7)
    for _ in range(25):
        damaged = bytearray(raw)
        for _ in range(chance.randint(1, 3)):
            at, kind = chance.randrange(len(damaged)), chance.randrange(4)
            if kind == 0:
                damaged[at] = chance.choice(b'0123456789abcxyz[]{}",.=$*#\n -')
            elif kind == 1:
                del damaged[at : at + chance.randint(1, 20)]
            elif kind == 2:
                damaged[at:at] = damaged[at : at + chance.randint(1, 40)]
            else:
                damaged[at : at + 1] = str(chance.choice([0, -1, 1.5, 10**6, 10**30])).encode()
        message = outcome(bytes(damaged))
        assert message is None or "my.toml" in message
        assert "\n" not in (message or "")


def outcome(raw: bytes) -> str | None:
    """The message of the error that a file gives, None where there is none."""
    try:
        description = Description.parse(raw, "my.toml")
        for name in list(description.members)[:2]:
            str(assemble(description, name).summary())
    except ImconvError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "line",
    [".".join("a" * 20_000) + " = 1", "[" + " . ".join("a" * 200) + "]", "a = " + "[" * 5000 + "]" * 5000,
     "a = " + "{ b.c = " * 60 + "1" + " }" * 60],
    ids=["key", "table", "lists", "tables in lines"],
)  # fmt: skip
def test_deep_keys_are_refused_before_they_are_parsed(monkeypatch, line):
    """Of 20,000 parts the library takes all pairs, for seconds to minutes."""
    monkeypatch.setattr("tomllib.loads", lambda text: pytest.fail("parsed"))
    with pytest.raises(LimitError, match=r"^my.toml: line 2: keys or brackets inside one another, too deep"):
        made(f"input = [1, 1, 1]\n{line}\n")


def test_a_mistake_hides_nothing_and_takes_no_time():
    refused(NetworkError, "line 1", made, '"\\' * 200_000)
