"""The library: every network's parameters, multiply-adds, receptive field and last map as published, to the last digit."""

import functools
import re
from pathlib import Path

import pytest

import imconv
from imconv.net import listed, load
from imconv.net.assembly import assemble
from imconv.net.description import Description
from tests.refused import refused

# torchvision's own counts where it has the network, else arithmetic from the papers' tables
PUBLISHED = {  # parameters, MACs, receptive field, last map
    "keras-vanilla": (24_147, 7_531_776, 22, (6, 6, 48)),
    "lenet5": (60_000, 326_520, 32, (1, 1, 120)),
    "lenet5-dense": (61_706, 416_520, 32, (1, 1, 120)),
    "alexnet": (60_965_224, 724_406_816, 195, (6, 6, 256)),
    "alexnet-tv": (61_100_840, 714_188_480, 195, (6, 6, 256)),
    "vgg11": (132_863_336, 7_609_090_048, 150, (7, 7, 512)),
    "vgg11-lrn": (132_863_336, 7_609_090_048, 150, (7, 7, 512)),
    "vgg13": (133_047_848, 11_308_466_176, 156, (7, 7, 512)),
    "vgg16-c": (133_638_952, 11_770_888_192, 156, (7, 7, 512)),
    "vgg16": (138_357_544, 15_470_264_320, 212, (7, 7, 512)),
    "vgg19": (143_667_240, 19_632_062_464, 268, (7, 7, 512)),
    "vgg11-bn": (132_868_840, 7_609_090_048, 150, (7, 7, 512)),
    "vgg13-bn": (133_053_736, 11_308_466_176, 156, (7, 7, 512)),
    "vgg16-c-bn": (133_647_400, 11_770_888_192, 156, (7, 7, 512)),
    "vgg16-bn": (138_365_992, 15_470_264_320, 212, (7, 7, 512)),
    "vgg19-bn": (143_678_248, 19_632_062_464, 268, (7, 7, 512)),
    "googlenet": (6_998_552, 1_582_671_872, 715, (7, 7, 1024)),
    "googlenet-tv": (6_624_904, 1_498_376_192, 379, (7, 7, 1024)),
    "resnet18": (11_689_512, 1_814_073_344, 435, (7, 7, 512)),
    "resnet34": (21_797_672, 3_663_761_408, 899, (7, 7, 512)),
    "resnet50": (25_557_032, 4_089_184_256, 427, (7, 7, 2048)),
    "resnet101": (44_549_160, 7_801_405_440, 971, (7, 7, 2048)),
    "resnet152": (60_192_808, 11_513_626_624, 1451, (7, 7, 2048)),
    "resnet50-v1": (25_557_032, 3_857_973_248, 483, (7, 7, 2048)),
    "resnet101-v1": (44_549_160, 7_570_194_432, 1027, (7, 7, 2048)),
    "resnet152-v1": (60_192_808, 11_282_415_616, 1507, (7, 7, 2048)),
    # blurs have no parameters; convolutions that lost their stride cost four times as much
    "resnet18-blur": (11_689_512, 2_334_298_112, 525, (7, 7, 512)),
    "resnet34-blur": (21_797_672, 4_183_986_176, 989, (7, 7, 512)),
    "resnet50-blur": (25_557_032, 5_129_633_792, 517, (7, 7, 2048)),
    "resnet101-blur": (44_549_160, 8_841_854_976, 1061, (7, 7, 2048)),
    "resnet152-blur": (60_192_808, 12_554_076_160, 1541, (7, 7, 2048)),
    "mobilenet-v1": (4_231_976, 568_740_352, 315, (7, 7, 1024)),
    "mobilenet-v1-0.75": (2_585_560, 325_400_448, 315, (7, 7, 768)),
    "mobilenet-v1-0.5": (1_331_592, 149_497_088, 315, (7, 7, 512)),
    "mobilenet-v1-0.25": (470_072, 41_030_272, 315, (7, 7, 256)),
    "mobilenet-v2": (3_504_872, 300_774_272, 491, (7, 7, 1280)),
    "mobilenet-v3-large": (5_483_032, 216_589_760, 595, (7, 7, 960)),
    "mobilenet-v3-small": (2_542_856, 56_510_400, 639, (7, 7, 576)),
    "convnext-tiny": (28_589_128, 4_455_531_264, 1688, (7, 7, 768)),
    "convnext-small": (50_223_688, 8_683_712_256, 3416, (7, 7, 768)),
    "convnext-base": (88_591_464, 15_354_729_472, 3416, (7, 7, 1024)),
    "convnext-large": (197_767_336, 34_361_433_600, 3416, (7, 7, 1536)),
    "fcn-vgg16": (134_346_581, 15_466_254_336, 404, (1, 1, 21)),
}
ALIASES = {
    "resnet18-v1": "resnet18",
    "resnet34-v1": "resnet34",
    **{
        f"vgg-{letter}{bn}": f"vgg{n}{bn}"
        for letter, n in zip("abde", (11, 13, 16, 19), strict=True)
        for bn in ("", "-bn")
    },
    "vgg-c": "vgg16-c",
    "vgg-c-bn": "vgg16-c-bn",
    "vgg-a-lrn": "vgg11-lrn",
}

network = functools.cache(load)


def test_the_list_is_complete():
    assert set(listed()) == set(PUBLISHED)
    assert {alias: name for name, (_, others) in listed().items() for alias in others} == ALIASES
    for name, (about, _) in listed().items():
        assert about
        assert network(name).name == name


@pytest.mark.parametrize("name", PUBLISHED)
def test_totals_are_the_published_ones(name):
    parameters, macs, field, shape = PUBLISHED[name]
    summary = network(name).summary()
    assert (summary.parameters, summary.macs) == (parameters, macs)
    last = summary.last_map
    assert last.shape == shape
    assert [one.size for one in last.fields] == [field, field]
    facts = summary.as_dict()
    assert (facts["parameters"], facts["macs"], facts["receptive_field"]) == (parameters, macs, field)
    assert parameters == sum(row["parameters"] for row in facts["layers"])
    assert macs == sum(row["macs"] for row in facts["layers"])
    assert parameters == sum(tensor.count for tensor in network(name).tensors.values() if tensor.trainable)


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases(alias):
    assert load(alias).name == ALIASES[alias]
    assert load(f" {alias.upper()} ").name == ALIASES[alias]


def test_lenets_layers():
    """Table by table as in the paper: trainable parameters and connections of each layer."""
    rows = network("lenet5").summary().as_dict()
    found = [(row["name"], row["parameters"], row["connections"]) for row in rows["layers"] if row["type"] != "flatten"]
    assert found == [
        ("C1", 156, 122_304), ("S2", 12, 5_880), ("C3", 1_516, 151_600), ("S4", 32, 2_000), ("C5", 48_120, 48_120),
        ("F6", 10_164, 10_164), ("output", 0, 840),
    ]  # fmt: skip
    assert (rows["connections"], rows["fixed"]) == (340_908, 840)
    table = network("lenet5").layer("C3").attributes["table"]
    assert list(map(len, table)) == [3] * 6 + [4] * 9 + [6]
    for i in range(6):
        assert set(table[i]) == {(i + k) % 6 for k in range(3)}
        assert set(table[6 + i]) == {(i + k) % 6 for k in range(4)}
    assert table[12:15] == ((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5))
    (weight, bias) = network("lenet5").layer("C3").tensors
    assert (weight.shape, weight.count, bias.shape) == ((16, 6, 5, 5), 1500, (16,))


def test_kerass_names_and_layouts():
    shapes = {key: (tensor.axes, tensor.shape) for key, tensor in network("keras-vanilla").tensors.items()}
    assert (shapes["conv2d_21.kernel"], shapes["conv2d_21.bias"]) == (("HWIO", (3, 3, 16, 32)), ("O", (32,)))
    assert shapes["dense_6.kernel"] == ("IO", (1728, 3))
    assert network("keras-vanilla").layer("flatten_6").attributes["order"] == "HWC"
    assert network("vgg16").layer("flatten1").attributes["order"] == "CHW"


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_a_forward_pass_needs_is_there(name):
    """Inputs come before their layer, every attribute of the kind is given, every output but the last is used."""
    known, used = {"input"}, set()
    for layer in network(name).layers:
        assert set(layer.inputs) <= known
        assert set(layer.attributes) - {"order"} == set(layer.rules.attributes)
        assert all(tensor.key.startswith(layer.name) for tensor in layer.tensors)
        known.add(layer.name)
        used.update(layer.inputs)
    assert known - used == {network(name).layers[-1].name}
    keys = [tensor.key for layer in network(name).layers for tensor in layer.tensors]
    assert len(keys) == len(set(keys))


def test_layers_do_not_change():
    layer = network("lenet5").layer("C1")
    with pytest.raises(AttributeError):
        layer.name = "C2"
    with pytest.raises(TypeError):
        layer.attributes["stride"] = (2, 2)


CONVOLUTIONAL = [name for name in PUBLISHED if name != "alexnet" and not name.startswith(("keras", "lenet5"))]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutional_networks_take_any_size(name):
    made = network(name).summary()
    for shape in ((224, 300), (331, 257)) if name == "fcn-vgg16" else ((64, 64), (231, 129), (97, 350, 3)):
        if name == "fcn-vgg16":
            shape = (shape[0], shape[1] + 32)
        summary = network(name).summary(shape)
        assert summary.parameters == made.parameters
        rows, columns, _ = summary.last_map.shape
        # floor or ceil in each of five halvings
        assert shape[0] // 32 - 7 <= rows <= -(-shape[0] // 32)
        assert shape[1] // 32 - 7 <= columns <= -(-shape[1] // 32)
        assert [f.jump for f in summary.last_map.fields] == [32, 32]


def test_the_fully_convolutional_network_gives_a_map():
    for shape, out in (((224, 224), (1, 1)), ((448, 448), (8, 8)), ((500, 375), (9, 5))):
        assert network("fcn-vgg16").resolve(shape)[-1].shape == (*out, 21)


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - set(CONVOLUTIONAL)))
def test_fully_connected_layers_forbid_other_sizes(name):
    size = network(name).input_shape[0] * 2
    message = refused(imconv.ImconvError, "", network(name).summary, (size, size))
    assert "only networks without such a layer" in message
    assert f"{size} x {size}" in message
    assert next(layer.name for layer in network(name).layers if layer.kind == "fc") in message
    # what needs no such layer can be asked for
    assert network(name).receptive_field(network(name).layers[0].name, (size, size))


@pytest.mark.parametrize(
    "shape", [(0, 5), (5,), (1, 2, 3, 4), "abc", (5.5, 5), (-1, 5), (1 << 21, 5), (64, 64, 1), 7, (5, None)]
)
def test_wrong_inputs(shape):
    refused(imconv.ImconvError, "", network("resnet18").summary, shape)


def test_keys_of_no_use():
    googlenet, vanilla = network("googlenet-tv"), network("keras-vanilla")
    assert googlenet.ignores("aux1.conv.conv.weight")
    assert googlenet.ignores("conv1.bn.num_batches_tracked")
    assert not any(map(googlenet.ignores, googlenet.tensors))
    assert not vanilla.ignores("bn1.num_batches_tracked")


LAYOUTS_OF_A_FILE = {
    "torch": [("conv1.weight", (8, 3, 3, 5)), ("depthwise1.weight", (8, 1, 3, 3)), ("bn1.running_var", (8,)),
        ("fc1.weight", (7, 128))],
    "keras": [("conv1.kernel", (3, 5, 3, 8)), ("depthwise1.depthwise_kernel", (3, 3, 8, 1)), ("bn1.moving_variance", (8,)),
        ("fc1.kernel", (128, 7))],
    "mlx": [("conv1.weight", (8, 3, 5, 3)), ("depthwise1.weight", (8, 3, 3, 1)), ("bn1.running_var", (8,)),
        ("fc1.weight", (7, 128))],
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS_OF_A_FILE)
def test_layouts(layout):
    text = f"""
    input = [8, 10, 3]
    layers = [{{ conv = 8, size = [3, 5] }}, {{ depthwise = 3 }}, "batchnorm", "flatten", {{ fc = 7 }}]
    weights.layout = "{layout}"
    """
    tensors = assemble(Description.parse(text.encode())).tensors
    for key, shape in LAYOUTS_OF_A_FILE[layout]:
        assert tensors[key].shape == shape
    order = assemble(Description.parse(text.encode())).layer("flatten1").attributes["order"]
    assert order == ("CHW" if layout == "torch" else "HWC")


def test_any_layer_with_weights_behind_flatten_forbids_other_sizes():
    text = "input = [8, 8, 3]\nlayers = ['flatten', 'prelu']"
    with pytest.raises(imconv.ImconvError, match="192 numbers and would get 300"):
        assemble(Description.parse(text.encode())).summary((10, 10))


def test_the_library_is_found_through_the_package():
    assert imconv.net.load("lenet5").name == "lenet5"
    assert "net" in dir(imconv)


@pytest.mark.parametrize(
    ("name", "near"), [("resnet-50", "resnet50"), ("vgg-f", "vgg-"), ("mobilenet", "net list"), ("xyz", "net list")]
)
def test_unknown_names(name, near):
    refused(imconv.ImconvError, near, load, name)


def test_unknown_layers():
    refused(imconv.ImconvError, r"did you mean 'conv1'\?", network("resnet50").receptive_field, "conv_1")


README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_network_and_table():
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.S | re.M)
    example = assemble(Description.parse(example.encode()))
    assert (example.parameters, example.layer("wide2.add1").inputs) == (4298, ("wide2.bn1", "wide1.relu1"))
    (table,) = re.findall(r"^\$ imconv net summary keras-vanilla\n(.*?)^\.\.\.", text, re.S | re.M)
    assert str(network("keras-vanilla").summary()).startswith(table)
    (count,) = re.findall(r"(\d+) named ones or your own", text)
    assert int(count) == len(PUBLISHED)
