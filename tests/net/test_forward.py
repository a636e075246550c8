"""The forward pass, held against the definitions on tiny networks, and against torch on those of the library."""

import numpy as np
import pytest

from imconv.errors import NetworkError, OptionError
from imconv.net import activations, convolution, load, matrix, operations
from imconv.net.assembly import assemble
from imconv.net.description import Description
from imconv.net.forward import Forward
from imconv.net.layer_kinds import KINDS
from imconv.net.loaded_weights import Weights
from tests.net.by_hand import forward, random_arrays
from tests.net.test_networks import PUBLISHED
from tests.refused import refused

CLOSE = 1e-5  # of a layer's largest output: float32 sums in another order, in a few layers
LIKE_TORCH = 1e-4  # through up to hundreds of layers
SMALL = sorted(name for name, (parameters, _, _, _) in PUBLISHED.items() if parameters < 13e6)
BIG = sorted(set(PUBLISHED) - set(SMALL))

TINY = {
    "windows": """
input = [9, 11, 3]
layers = [
  { conv = 4, size = [2, 3], stride = [2, 1], pad = [1, 0, 2, 1], dilation = [1, 2] },
  { conv = 6, size = 3, groups = 2, pad = "half", bias = false }, "batchnorm", "relu",
  { conv = 6, size = 1, activation = "relu6" }, "relu",
  { depthwise = 3, pad = "same", stride = 2 }, "batchnorm", "relu6", "dropout",
  { conv = 3, size = 2, pad = 1, activation = "gelu", table = [[0, 1], [2, 4, 5], [0, 1, 2, 3, 4, 5]] }, "batchnorm",
]
""",
    "pools": """
input = [19, 18, 3]
layers = [
  { conv = 4, size = 3, pad = "same", stride = 1, activation = "hard-swish" },
  { concat = [
      [{ max = 3, stride = 2, pad = 1, ceil = true }],
      [{ average = 3, stride = 2, pad = 1, ceil = true }],
      [{ average = 3, stride = 2, pad = 1, ceil = true, count_pad = false }],
  ] },
  { concat = [
      [{ blur = 3, stride = 2 }],
      [{ conv = 2, size = 3, stride = 2, pad = 1 }, "sigmoid"],
  ] },
  { max = 2, stride = 1, dilation = 2 }, { blur = 4 }, { subsample = 2, stride = 1, activation = "scaled-tanh" },
]
""",
    "one side": """
input = [10, 11, 3]
layers = [
  { concat = [
      [{ average = 3, stride = 2, pad = [1, 0, 0, 2] }],
      [{ average = 3, stride = 2, pad = [0, 1, 2, 0] }],
      [{ average = 3, stride = 2, pad = [1, 0, 0, 2], count_pad = false }],
  ] },
]
""",
    "own eps": """
input = [5, 4, 3]
layers = [
  { layer = "batchnorm", eps = 0.5 }, { layer = "layernorm", eps = 0.25 },
  { conv = 4, size = 1 }, { layer = "batchnorm", eps = 0.75 },
]
""",
    "graph": """
input = [6, 7, 4]
layers = [
  { residual = [{ conv = 4, size = 3, pad = 1, bias = false }, "batchnorm"] }, "relu",
  { residual = [{ conv = 8, size = 1 }, "relu", { gate = ["global-average", { conv = 8, size = 1 }, "hard-sigmoid"] }], projection = [
      { conv = 8, size = 1 },
  ] },
  { residual = [] },
  { residual = ["dropout", "relu"] },
  { lrn = 4 }, { lrn = 5, alpha = 0.3, beta = 0.5, k = 1 },
  { leaky = 0.2 }, "prelu", "tanh",
  { residual = ["layernorm", { pointwise = 16 }, "gelu", { pointwise = 8, bias = false }, "layer-scale"] },
  "flatten", { residual = ["dropout", "relu"] }, { fc = 10, activation = "tanh" }, "dropout", { fc = 5 }, "softmax",
]
""",
    "keras": """
input = [8, 8, 3]
layers = [
  { conv = 4, size = 3, activation = "relu" }, { depthwise = 2, pad = "same" }, "batchnorm", { pointwise = 3 },
  "flatten", { fc = 6, activation = "sigmoid" }, { rbf = 4 },
]
weights = { layout = "keras" }
""",
    "decoder": """
input = [9, 7, 4]
layers = [
  { conv = 8, size = 3, pad = 1, activation = "silu" }, { groupnorm = 4 }, "mish",
  { max = 2 }, { conv = 8, size = 3, pad = 1, name = "twice" }, "relu",
  { conv = 8, size = 3, pad = 1, share = "twice" }, { layer = "groupnorm", groups = 2, eps = 0.1 }, "silu",
  { transposed = 6, size = 3, stride = 2, pad = 1, output_pad = 1, groups = 2, activation = "mish" },
  { transposed = 4, size = [2, 4], stride = [3, 2], dilation = [2, 3], pad = [1, 2], bias = false },
  { upsample = 2 }, { layer = "upsample", size = [31, 23], mode = "bilinear" },
  { upsample = [1, 2], mode = "bilinear", corners = true },
  { adaptive-max = [20, 18] }, { pixel-unshuffle = 2 }, { adaptive-average = [7, 9] }, { pixel-shuffle = 4 },
  { transposed = 3, size = 1, stride = 2 }, { adaptive-average = [11, 36] },
]
""",
    "any factor": """
input = [5, 7, 4]
layers = [
  { conv = 4, size = 1, name = "a" }, { layer = "batchnorm", affine = false },
  { upsample = 1.5 }, { layer = "layernorm", affine = false },
  { upsample = [1.25, 1.5], mode = "bilinear" }, { groupnorm = 2, affine = false },
  { conv = 4, size = 1, share = "a" }, { upsample = [1, 1.75], mode = "bilinear", corners = true },
  { layer = "batchnorm", affine = false }, { upsample = [1.05, 1.01] }, { upsample = 1.04, mode = "bilinear" },
]
""",
    "single": """
input = [7, 8, 1]
layers = [{ conv = 1, size = [2, 3] }, "relu", { depthwise = 2 }, { conv = 1, size = 2, bias = false }]
""",
    "mlx": """
input = [8, 6, 3]
layers = [{ conv = 4, size = [2, 3] }, "relu", { depthwise = 2 }, "flatten", { fc = 3, bias = false }]
weights = { layout = "mlx" }
""",
}


def made(text: str):
    return assemble(Description.parse(text.encode(), "tiny.toml"))


def drawn(network, seed: int = 1, shape=None) -> np.ndarray:
    """Samples for a network."""
    return np.random.default_rng(seed).standard_normal(shape or network.input_shape).astype(np.float32)


def assert_close(outputs: dict, expected: dict) -> None:
    for key, result in outputs.items():
        atol = CLOSE * np.abs(expected[key]).max()
        np.testing.assert_allclose(result, expected[key], rtol=0, atol=atol, err_msg=f"{key} of {list(outputs)}")


def test_every_kind_of_layer_is_in_a_tiny_network():
    """If a kind is new, its operation needs a test."""
    kinds = {layer.kind for text in TINY.values() for layer in made(text).layers}
    activations = {layer.attributes.get("activation") for text in TINY.values() for layer in made(text).layers}
    assert kinds | activations >= set(KINDS)


@pytest.mark.parametrize("name", TINY)
def test_every_layer_by_the_definitions(name):
    network = made(TINY[name])
    arrays, samples = random_arrays(network), drawn(network)
    kept = samples.copy()
    expected = forward(network, arrays, samples)
    outputs = network.run(samples, arrays, layers=[layer.name for layer in network.layers], preprocess=False)
    assert list(outputs) == [layer.name for layer in network.layers]
    assert {result.dtype for result in outputs.values()} == {np.dtype(np.float32)}
    assert_close(outputs, expected)
    assert (samples == kept).all()
    (last, output), *others = network.run(samples, arrays, preprocess=False).items()  # folded, and overwritten
    assert (last, others) == (network.layers[-1].name, [])
    assert_close({last: output}, expected)


@pytest.mark.parametrize("name", TINY)
def test_any_layers_beside_the_output(name):
    """Whatever is asked for, nothing that is wanted is folded away or overwritten."""
    network = made(TINY[name])
    arrays, samples = random_arrays(network, 3), drawn(network, 2)
    expected = forward(network, arrays, samples)
    for layer in network.layers:
        outputs = network.run(samples, arrays, layers=[layer.name], preprocess=False)
        assert list(outputs) == list(dict.fromkeys([layer.name, network.layers[-1].name]))
        assert_close(outputs, expected)


@pytest.mark.parametrize(("name", "layers"), [(name, False) for name in SMALL]
    + [(name, True) for name in ("lenet5", "keras-vanilla", "mobilenet-v3-small", "googlenet-tv")]
    + [pytest.param(name, False, marks=pytest.mark.big) for name in BIG])  # fmt: skip
def test_as_torch(name, layers):
    """The output, or that of every layer."""
    torch = pytest.importorskip("torch")
    from tests.net.by_torch import forward as by_torch
    from tests.net.by_torch import random_tensors

    network = load(name)
    tensors = random_tensors(network)
    rows, columns, channels = network.input_shape
    picture = torch.rand(1, channels, rows, columns, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = by_torch(network, tensors, picture)
    samples = picture[0].permute(1, 2, 0).numpy()
    names = [layer.name for layer in network.layers] if layers else None
    outputs = network.run(samples, {key: one.numpy() for key, one in tensors.items()}, layers=names, preprocess=False)
    for key, result in outputs.items():
        other = expected[key][0]
        other = (other.permute(1, 2, 0) if other.ndim == 3 else other).numpy()
        np.testing.assert_allclose(result, other, rtol=0, atol=LIKE_TORCH * np.abs(other).max(), err_msg=key)


@pytest.mark.parametrize("name", ["decoder", "graph", "own eps", "any factor"])
def test_tiny_networks_as_torch(name):
    torch = pytest.importorskip("torch")
    from tests.net.by_torch import forward as by_torch
    from tests.net.by_torch import random_tensors

    network = made(TINY[name])
    tensors, samples = random_tensors(network), drawn(network)
    with torch.no_grad():
        expected = by_torch(network, tensors, torch.from_numpy(samples).permute(2, 0, 1)[None])
    names = [layer.name for layer in network.layers]
    outputs = network.run(samples, {key: one.numpy() for key, one in tensors.items()}, layers=names, preprocess=False)
    for key, result in outputs.items():
        other = expected[key][0]
        other = (other.permute(1, 2, 0) if other.ndim == 3 else other).numpy()
        np.testing.assert_allclose(result, other, rtol=0, atol=LIKE_TORCH * np.abs(other).max(), err_msg=key)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("{ adaptive-average = 0 }", "a whole number from 1"),
        ('"adaptive-max"', "size"),
        ("{ transposed = 4, size = 3, groups = 3 }", "3 groups divide neither"),
        ("{ transposed = 4, size = 2, pad = 9 }", "leaves nothing"),
        ("{ transposed = 4, size = 2, output_pad = 1 }", "output_pad of 1 must be smaller"),
        ('{ transposed = 4, size = 2, pad = "same" }', "numbers"),
        ("{ upsample = 2, size = 4 }", "one of the two"),
        ('{ layer = "upsample" }', "one of the two"),
        ("{ upsample = 2, corners = true }", "corners go with"),
        ("{ pixel-shuffle = 3 }", "no multiple of 9"),
        ("{ pixel-unshuffle = 4 }", "no multiple of 4"),
        ("{ groupnorm = 3 }", "3 groups do not divide"),
        ('{ conv = 4, size = 3, share = "conv9" }', "share names a layer before"),
        ('{ fc = 8, share = "first" }', "flat vector"),
        ('"relu", { layer = "batchnorm", share = "relu1" }', "has no weights for it"),
        ('{ conv = 8, size = 3, share = "first" }', "are of other sizes"),
        ('{ transposed = 4, size = 3, share = "first" }', "has no weights for it"),
    ],
)
def test_wrong_fields_of_layers(layer, words):
    with pytest.raises(NetworkError, match=words) as error:
        made(f'input = [5, 6, 4]\nlayers = [{{ conv = 4, size = 3, pad = 1, name = "first" }}, {layer}]')
    assert "tiny.toml" in str(error.value)


def test_shared_weights_count_once():
    network = made(TINY["decoder"])
    first, again = network.layer("twice"), network.layer("conv2")
    assert again.share == "twice"
    assert (first.parameters, again.parameters) == (8 * 8 * 9 + 8, 0)
    assert first.tensors == again.tensors
    assert network.parameters == sum(layer.parameters for layer in network.layers)
    placed = {one.layer.name: one for one in network.resolve()}
    assert placed["conv2"].macs == placed["twice"].macs > 0


def test_shared_weights_are_prepared_once(monkeypatch):
    """Also where stride, padding and what is folded in differ; a normalisation that is folded in makes other weights."""
    layer = '{ conv = 4, size = 3, pad = 1, share = "a" }'
    network = made(
        'input = [8, 9, 4]\nlayers = [{ conv = 4, size = 3, name = "a" }, '
        f'{layer}, "relu", {layer.replace("pad = 1", "stride = 2")}, {layer}, "batchnorm", '
        '{ pointwise = 4, name = "b" }, { pointwise = 4, share = "b" }, '
        '"flatten", { fc = 24, name = "c" }, { fc = 24, share = "c" }]'
    )
    arrays, samples = random_arrays(network), drawn(network)
    prepared, read = [], []
    panels, ordered = convolution._panels, Weights._ordered
    monkeypatch.setattr(convolution, "_panels", lambda *args: prepared.append(args) or panels(*args))
    monkeypatch.setattr(Weights, "_ordered", lambda self, tensor: read.append(tensor.key) or ordered(self, tensor))
    expected = forward(network, arrays, samples)
    run = Forward(network, Weights(network, arrays))
    assert_close(run.run(samples), expected)
    assert_close(run.run(samples), expected)
    assert len(prepared) == 3  # a, a with the normalisation behind it, b
    assert read.count("c.weight") == 1


def test_torchs_files_have_shared_weights_under_every_name():
    network = made(
        'input = [5, 6, 4]\nlayers = [{ conv = 4, size = 3, pad = 1, name = "a" }, '
        '{ conv = 4, size = 3, pad = 1, name = "b", share = "a" }, { conv = 4, size = 3, pad = 1, name = "c", share = "b" }]'
    )
    arrays, samples = random_arrays(network), drawn(network)
    assert set(arrays) == {"a.weight", "a.bias"}
    doubled = {**arrays, **{key.replace("a.", f"{name}."): value for key, value in arrays.items() for name in "bc"}}
    once, twice = (network.run(samples, each, preprocess=False)["c"] for each in (arrays, doubled))
    np.testing.assert_array_equal(once, twice)


def test_nearest_samples_are_torchs():
    """Frozen from torch 2.13: from 4 to 82 samples its float32 arithmetic lies beside the exact quotient."""
    network = made('input = [4, 4, 1]\nlayers = [{ layer = "upsample", size = [82, 4] }]')
    samples = np.broadcast_to(np.arange(4, dtype=np.float32)[:, None, None], (4, 4, 1))
    found = network.run(samples, {}, preprocess=False)["upsample1"][:, 0, 0]
    assert [int((found == n).sum()) for n in range(4)] == [21, 21, 20, 20]


def test_unshuffled_pixels_have_a_field():
    fields = made("input = [12, 18, 2]\nlayers = [{ max = 2 }, { pixel-unshuffle = 3 }]").resolve()[-1].fields
    assert [(field.size, field.jump) for field in fields] == [(6, 6), (6, 6)]


def test_fields_of_adaptive_windows():
    network = made("input = [12, 18, 2]\nlayers = [{ max = 2 }, { adaptive-average = 3 }, { adaptive-max = 2 }]")
    regular, irregular = network.resolve()[1:]
    assert [(field.size, field.jump) for field in regular.fields] == [(4, 4), (6, 6)]
    assert [(field.size, field.jump) for field in irregular.fields] == [(8, 6), (12, 9)]
    assert irregular.note == ""


@pytest.mark.parametrize("name", ["alexnet-tv", "vgg11", "vgg16-bn"])
@pytest.mark.parametrize("size", [(224, 224), (256, 300), (100, 65)])
def test_networks_with_adaptive_pooling_take_any_size(name, size):
    placed = load(name).resolve((*size, 3))
    pooled = next(one for one in placed if one.layer.kind == "adaptive-average")
    assert pooled.shape[:2] == pooled.layer.attributes["size"]
    assert placed[-1].shape == (1000,)


def test_other_sizes_than_the_network_is_made_for():
    network = made(TINY["windows"])
    arrays, samples = random_arrays(network), drawn(network, shape=(14, 8, 3))
    assert_close(network.run(samples, arrays, preprocess=False), forward(network, arrays, samples))


@pytest.mark.parametrize(
    "first", ['"batchnorm"', '"relu"', '"layernorm"', "{ residual = [] }", "{ lrn = 3 }", '"dropout"']
)
def test_inputs_of_any_strides(first):
    network = made(f'input = [5, 6, 4]\nlayers = [{first}, "relu", {{ max = 2 }}, "gelu"]')
    arrays = random_arrays(network)
    planes = np.random.default_rng(1).standard_normal((4, 6, 5)).astype(np.float32)
    for samples in (planes.transpose(2, 1, 0), planes[::-1, ::-1].transpose(2, 1, 0)):
        expected = forward(network, arrays, samples)
        outputs = network.run(samples, arrays, layers=[layer.name for layer in network.layers], preprocess=False)
        assert_close(outputs, expected)
        (result,) = network.run(samples, arrays, preprocess=False).values()
        np.testing.assert_allclose(result, outputs[network.layers[-1].name], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("name", TINY)
def test_threads_change_nothing(name, threads, monkeypatch):
    """Not a bit, however small the blocks."""
    monkeypatch.setattr(operations, "BLOCK_BYTES", 256)
    monkeypatch.setattr(activations, "BLOCK_BYTES", 256)
    monkeypatch.setattr(matrix, "WORTH_THREADS", 0)
    for constant in ("WORTH_WAKING", "WORTH_THREADS", "JOB_WORK"):
        monkeypatch.setattr(convolution, constant, 1)
    monkeypatch.setattr(matrix, "BAND_BYTES", 1)
    network = made(TINY[name])
    arrays, samples = random_arrays(network), drawn(network)
    names = [layer.name for layer in network.layers]
    for layers in (None, names):
        one = network.run(samples, arrays, layers=layers, preprocess=False, threads=1)
        several = network.run(samples, arrays, layers=layers, preprocess=False, threads=threads)
        for key, result in one.items():
            np.testing.assert_array_equal(several[key], result, err_msg=key)
    with pytest.raises(OptionError, match="threads must be a number of threads"):
        network.run(samples, arrays, preprocess=False, threads=0)


def test_what_is_refused():
    network = made(TINY["mlx"])
    arrays = random_arrays(network)
    samples = np.zeros(network.input_shape, np.float32)
    with pytest.raises(OptionError, match=r"no layer 'cnv1'; did you mean 'conv1'"):
        network.run(samples, arrays, layers=["cnv1"], preprocess=False)
    refused(OptionError, r"must be a list of names", network.run, samples, arrays, layers="conv1", preprocess=False)
    refused(OptionError, r"takes 3 channels, not 1", network.run, samples[..., 0], arrays, preprocess=False)
    refused(OptionError, r"an input is an array", network.run, samples[None], arrays, preprocess=False)
    with pytest.raises(OptionError, match=r"is made for 8 x 6 x 3, can't take 9 x 9 x 3"):
        network.run(np.zeros((9, 9, 3)), arrays, preprocess=False)


@pytest.mark.parametrize(
    "parts", ['["dropout"], ["relu"]', '["relu"], ["dropout"]', '["dropout"], ["relu"], ["dropout"]']
)
def test_nothing_is_overwritten_under_another_name(parts):
    """A dropout passes its input on as it is: what works in place behind it must not."""
    network = made(f"input = [5, 6, 4]\nlayers = [{{ conv = 4, size = 3, pad = 1 }}, {{ concat = [{parts}] }}]")
    arrays, samples = random_arrays(network), drawn(network)
    expected = forward(network, arrays, samples)
    for layers in (None, [layer.name for layer in network.layers]):
        assert_close(network.run(samples, arrays, layers=layers, preprocess=False), expected)
