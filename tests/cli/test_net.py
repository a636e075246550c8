"""`imconv net`: the lecture's table, reports, the inverse question, and what is said about mistakes."""

import json

import pytest

# as it stands on the slide
SLIDE = """
Layer (type)	Output Shape	Param #
conv2d_20 (Conv2D)	(None, 62, 62, 16)	448
pool0 (MaxPooling2D)	(None, 31, 31, 16)	0
conv2d_21 (Conv2D)	(None, 29, 29, 32)	4640
pool1 (MaxPooling2D)	(None, 14, 14, 32)	0
conv2d_22 (Conv2D)	(None, 12, 12, 48)	13872
pool2 (MaxPooling2D)	(None, 6, 6, 48)	0
flatten_6 (Flatten)	(None, 1728)	0
dense_6 (Dense)	(None, 3)	5187
Total params: 24,147
Trainable params: 24,147
Non-trainable params: 0
"""

MINE = """
input = [16, 16, 1]
layers = [
  { conv = 4, size = 3 },
  "relu",
  { conv = 2, size = 3, stirde = 2 },
]
"""


def test_the_vanilla_table_reads_as_on_the_slide(succeeds):
    lines = succeeds("net", "summary", "keras-vanilla").out.decode().splitlines()
    lines = [line for line in lines if not line.startswith("=")]
    for line, told in zip(SLIDE.strip().splitlines(), lines, strict=False):
        words = line.split()
        assert told.split()[: len(words)] == words


def test_the_columns(succeeds):
    out = succeeds("net", "summary", "keras-vanilla").out.decode()
    (row,) = [line for line in out.splitlines() if line.startswith("conv2d_22")]
    assert row.split()[7:] == ["1,990,656", "18", "4", "9", "27", "KiB"]
    assert "MACs: 7,531,776 multiply-adds for an input of 64 x 64 x 3" in out
    assert "Receptive field: 22 x 22 pixels, every 8 pixels (pool2)" in out


def test_lenets_connections(succeeds):
    assert "Connections: 340,908" in succeeds("net", "summary", "lenet5").out.decode()


def test_json(succeeds):
    facts = json.loads(succeeds("net", "summary", "resnet18", "--input", "256x320x3", "--json").out)
    assert (facts["input"], facts["parameters"]) == ([256, 320, 3], 11_689_512)
    rows = {row["name"]: row for row in facts["layers"]}
    fields = ("name", "type", "output_shape", "parameters", "macs", "receptive_field", "jump", "start")
    assert set(fields) <= rows["conv1"].keys()
    assert [rows["conv1"][field] for field in fields] == [
        "conv1", "conv", [128, 160, 64], 9408, 128 * 160 * 9408, 7, 2, 0.5,
    ]  # fmt: skip
    assert rows["layer4.1.add1"]["inputs"] == ["layer4.1.bn2", "layer4.0.relu2"]
    assert rows["fc"]["receptive_field"] is None
    assert rows["bn1"]["fixed"] == 128


def test_gated_fields_are_marked(succeeds):
    out = succeeds("net", "summary", "mobilenet-v3-small").out.decode()
    assert "639*" in out
    assert "* without squeeze and excitation" in out
    assert "*" not in succeeds("net", "summary", "mobilenet-v2").out.decode()


def test_markdown(succeeds):
    lines = succeeds("net", "summary", "mobilenet-v3-small", "--markdown").out.decode().splitlines()
    assert lines[0].startswith("| Layer (type) | Output Shape |")
    assert lines[2].startswith("| features.0.0 (Conv2D) | 112 x 112 x 16 | 432 | 5,419,008 | 3 | 2 |")
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {9}
    assert "- Total params: 2,542,856" in lines
    assert any("\\* without" in line for line in lines)


def test_the_inverse_question(succeeds):
    out = succeeds("net", "summary", "resnet50", "--want-output", "112", "--layer", "conv1").out.decode()
    assert out == (
        "an output of 112 x 112 at conv1\n  needs an input of 223 to 224 rows and columns\n"
        "  or, for an input of 224 x 224, padding 3 on both sides\n"
    )
    found = json.loads(succeeds("net", "summary", "vgg16", "--want-output", "14x7", "--json").out)
    assert found == {
        "layer": "features.30",
        "wanted": [14, 7],
        "inputs": [[448, 479], [224, 255]],
        "paddings": None,
        "notes": [],
    }
    out = succeeds("net", "summary", "lenet5", "--want-output", "28", "--layer", "C1", "--input", "28x27").out.decode()
    assert "or, for an input of 28 x 27, padding 2 on both sides (rows), 2 before and 3 behind (columns)" in out


def test_fields_behind_layers_that_enlarge(succeeds, tmp_path):
    path = tmp_path / "decoder.toml"
    path.write_text(
        "input = [16, 16, 2]\nlayers = [{ max = 2 }, { transposed = 2, size = 3, stride = 2, pad = 1 }, { upsample = 2 }, "
        "{ layer = 'upsample', size = [5003, 16], mode = 'bilinear' }, { conv = 1, size = 3, name = 'last' }]"
    )
    out = succeeds("net", "summary", path).out.decode()
    (row,) = [line for line in out.splitlines() if line.startswith("transposed1")]
    assert row.split()[-5:-2] == ["4", "1", "1"]
    (row,) = [line for line in out.splitlines() if line.startswith("upsample1")]
    assert row.split()[-5:-2] == ["4", "1/2", "1"]
    assert "<= an upper bound: no output sees more" in out
    assert "Receptive field: at most " in out
    facts = {one["name"]: one for one in json.loads(succeeds("net", "summary", path, "--json").out)["layers"]}
    assert (facts["upsample1"]["jump"], facts["upsample1"]["upper_bound"]) == (0.5, False)
    assert facts["last"]["upper_bound"]


def test_kinds_are_listed_from_their_table(succeeds, refuses):
    from imconv.net.layer_kinds import KINDS

    lines = succeeds("net", "kinds").out.decode().splitlines()
    assert [line.split()[0] for line in lines] == list(KINDS)
    found = {one["name"]: one for one in json.loads(succeeds("net", "kinds", "--json").out)}
    for line, (name, kind) in zip(lines, KINDS.items(), strict=True):
        assert [field["name"] for field in found[name]["fields"]] == list(kind.attributes)
        fields = line.partition(". Fields: ")[2]
        assert [field.split(" = ")[0].strip("[]") for field in fields.split(", ") if field] == list(kind.attributes)
        text = succeeds("net", "kinds", name).out.decode()
        assert text.startswith(f"{name} ({kind.title}): {kind.about}\n")
        assert all(f"\n{field} " in text for field in kind.attributes)
    conv = succeeds("net", "kinds", "conv").out.decode()
    assert "{ conv = 2, size = 3 }" in conv
    assert "a whole number from 1 to 1024, or [rows, columns] (default 1)" in conv
    refuses("no kind of layer 'cnov'; did you mean 'conv'", "net", "kinds", "cnov", lines=1)


def test_the_shortest_way_to_write_each_kind_is_right(succeeds):
    from imconv.net.layer_kinds import JOINS, KINDS
    from tests.net.test_forward import made

    for name in sorted(KINDS.keys() - set(JOINS)):
        example = succeeds("net", "kinds", name).out.decode().splitlines()[2].strip()
        before = '"flatten", ' if name in ("fc", "rbf") else ""
        assert made(f"input = [8, 8, 4]\nlayers = [{before}{example}]").layers[-1].kind == name


def test_a_file_of_ones_own(imconv, succeeds, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    result = imconv("net", "summary", path)
    assert result.code == 1
    assert result.err.strip().endswith(
        "did you mean 'stride'?; it can have out, size, stride, pad, dilation, groups, bias, table, activation"
    )
    assert f"{path}: line 6: " in result.err
    path.write_text(MINE.replace("stirde", "stride"))
    assert b"conv2 (Conv2D)" in succeeds("net", "summary", path).out


def test_the_list(imconv, succeeds):
    rows = json.loads(succeeds("net", "list", "--json").out)
    assert {"resnet50", "convnext-tiny", "fcn-vgg16"} <= {row["name"] for row in rows}
    assert succeeds("net", "list", "ResNet", "v1.5").out.decode().count("\n") == 3
    assert b"vgg-d" in succeeds("net", "list", "vgg16").out
    assert imconv("net", "list", "nothing", "such").code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["alexnet", "--input", "320x320x3"], 2, "(fc): it is fully connected to "),
        (["vgg16", "--input", "8x8x3"], 2, "no output is left"),
        (["resnet50", "--input", "224x224x1"], 2, "takes 3 channels, not 1"),
        (["resnet50", "--input", "224"], 2, "--input must be HxWxC"),
        (["resnet50", "--input", "0x5x3"], 2, "--input must be HxWxC"),
        (["resnet50", "--input", "9999999x5"], 2, "each from 1 to"),
        (["resnet50", "--input", "224x224x3x1"], 2, "--input must be HxWxC"),
        (["resnet5"], 2, "did you mean 'resnet50'"),
        (["nope.toml"], 1, "nope.toml"),
        (["resnet50", "--layer", "conv1"], 2, "--layer needs --want-output"),
        (["resnet50", "--json", "--markdown"], 2, "choose one"),
        (["resnet50", "--want-output", "7", "--markdown"], 2, "can't be combined with --markdown"),
        (["resnet50", "--want-output", "x"], 2, "--want-output must be N or NxM"),
        (["resnet50", "--want-output", "7", "--layer", "fc"], 2, "fc sees the whole input"),
        (["resnet50", "--want-output", "7", "--layer", "cnov1"], 2, "did you mean 'conv1'"),
    ],
)  # fmt: skip
def test_mistakes(imconv, arguments, code, message):
    result = imconv("net", "summary", *arguments)
    assert result.code == code
    assert message in result.err
    assert result.err.count("\n") == 1
    assert (result.out == b"") == ("--json" not in arguments)
