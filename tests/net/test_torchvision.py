"""Torchvision's own networks: every tensor is called as theirs and has its shape, so that their weights load as they are."""

import pytest

from imconv.net import load
from imconv.net.graph import LAYOUTS

torchvision = pytest.importorskip("torchvision")

NAMES = {
    "alexnet-tv": "alexnet",
    "googlenet-tv": "googlenet",
    **{f"vgg{n}{bn}": f"vgg{n}{bn.replace('-', '_')}" for n in (11, 13, 16, 19) for bn in ("", "-bn")},
    **{f"resnet{n}": f"resnet{n}" for n in (18, 34, 50, 101, 152)},
    "mobilenet-v2": "mobilenet_v2",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "mobilenet-v3-small": "mobilenet_v3_small",
    **{f"convnext-{size}": f"convnext_{size}" for size in ("tiny", "small", "base", "large")},
}
OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False}}


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor(name):
    import torch

    with torch.device("meta"):
        model = torchvision.models.get_model(NAMES[name], weights=None, **OPTIONS.get(NAMES[name], {}))
    network = load(name)
    theirs = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    theirs = {key: shape for key, shape in theirs.items() if not key.endswith(LAYOUTS["torch"].ignored)}
    assert {key: tensor.shape for key, tensor in network.tensors.items()} == theirs
    learned = {key for key, _ in model.named_parameters()}
    assert {key for key, tensor in network.tensors.items() if tensor.trainable} == learned
    assert list(network.tensors) == list(theirs) or name.startswith(("mobilenet", "convnext", "googlenet"))
    assert network.parameters == sum(value.numel() for value in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_every_epsilon_and_rate(name):
    """In the order of the network, the numbers that a tensor's name doesn't tell."""
    import torch
    from torch import nn

    with torch.device("meta"):
        model = torchvision.models.get_model(NAMES[name], weights=None, **OPTIONS.get(NAMES[name], {}))
    layers = load(name).layers
    for kind, module in (("batchnorm", nn.BatchNorm2d), ("layernorm", nn.LayerNorm)):
        theirs = {key: one.eps for key, one in model.named_modules() if isinstance(one, module)}
        assert {layer.name: layer.attributes["eps"] for layer in layers if layer.kind == kind} == theirs
    theirs = [one.p for one in model.modules() if isinstance(one, nn.Dropout)]
    assert [layer.attributes["rate"] for layer in layers if layer.kind == "dropout"] == theirs
    convolutions = {key: one for key, one in model.named_modules() if isinstance(one, nn.Conv2d)}
    ours = {layer.name: layer for layer in layers if layer.kind in ("conv", "depthwise")}
    assert ours.keys() == convolutions.keys()
    for key, one in convolutions.items():
        attributes = ours[key].attributes
        assert (attributes["size"], attributes["stride"]) == (one.kernel_size, one.stride)
        assert attributes["dilation"] == one.dilation
        pads = attributes["pad"]
        taps = zip(attributes["size"], attributes["dilation"], strict=True)
        pads = tuple(d * (k - 1) // 2 for k, d in taps) if pads == "half" else (pads[0], pads[2])
        assert pads == one.padding


@pytest.mark.parametrize("name", NAMES)
def test_shapes_of_convolutions_and_pools_at_odd_sizes(name):
    """What hooks see when a picture of 257 x 231 runs through torchvision's features."""
    import torch
    from torch import nn

    with torch.device("meta"):
        model = torchvision.models.get_model(NAMES[name], weights=None, **OPTIONS.get(NAMES[name], {})).eval()
        seen = []
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.MaxPool2d)):
                module.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape)))
        model(torch.zeros(1, 3, 257, 231))
    network = load(name)
    flat = next(layer for layer in network.layers if layer.kind == "flatten")
    placed = network.resolve((257, 231), until=flat.inputs[0])
    ours = [(1, one.shape[2], *one.shape[:2]) for one in placed if one.layer.kind in ("conv", "depthwise", "max")]
    assert sorted(ours) == sorted(seen)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_to_a_picture(name):
    """As torchvision's default weights want it."""
    theirs = torchvision.models.get_model_weights(NAMES[name]).DEFAULT.transforms()
    ours = load(name).preprocess
    assert (list(ours.resize[:1]), list(ours.crop[:1])) == (theirs.resize_size, theirs.crop_size)
    assert (list(ours.mean), list(ours.std), ours.filter) == (theirs.mean, theirs.std, theirs.interpolation.value)
    assert (ours.channels, ours.divide, ours.pad) == ("rgb", 255, 0)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "convnext-tiny"])
@pytest.mark.parametrize("size", [(512, 512), (500, 333), (301, 450), (255, 400)])
def test_pictures_go_in_as_torchvision_prepares_them(name, size):
    """Bit for bit: rounding to 8 bits after resizing, of the longer side, and of where the crop begins."""
    import numpy as np
    from PIL import Image

    from imconv.net.preprocessing import prepare

    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    theirs = torchvision.models.get_model_weights(NAMES[name]).DEFAULT.transforms()(Image.fromarray(pixels))
    assert (prepare(load(name), pixels).samples == theirs.permute(1, 2, 0).numpy()).all()
