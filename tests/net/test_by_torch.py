"""Layers say all that a forward pass needs: one by torch runs through every small network, and gives torchvision's own."""

import pytest

from imconv.net import load
from tests.net.test_networks import PUBLISHED

torch = pytest.importorskip("torch")

SMALL = sorted(name for name, (parameters, _, _, _) in PUBLISHED.items() if parameters < 30e6)
OWN = {
    "googlenet-tv": "googlenet",
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "mobilenet-v2": "mobilenet_v2",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "mobilenet-v3-small": "mobilenet_v3_small",
    "convnext-tiny": "convnext_tiny",
}
CLOSE = 1e-5  # of the largest output: float32 sums in another order, through tens of layers


@pytest.mark.parametrize("name", SMALL)
def test_every_small_network_runs(name):
    from tests.net.by_torch import forward, random_tensors

    network = load(name)
    rows, columns, channels = network.input_shape
    picture = torch.rand(1, channels, rows, columns, generator=torch.Generator().manual_seed(1))
    outputs = forward(network, random_tensors(network), picture)
    last = outputs[network.layers[-1].name]
    assert last.isfinite().all()
    assert last.std() > 0


@pytest.mark.parametrize("name", OWN)
def test_torchvisions_own_forward_pass(name):
    torchvision = pytest.importorskip("torchvision")
    from tests.net.by_torch import forward, random_tensors

    options = {"aux_logits": False, "init_weights": False} if "google" in name else {}
    model = torchvision.models.get_model(OWN[name], weights=None, **options).eval()
    network = load(name)
    tensors = random_tensors(network)
    model.load_state_dict({**model.state_dict(), **tensors})
    picture = torch.randn(1, 3, 201, 170, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(picture)
        result = forward(network, tensors, picture)[network.layers[-1].name]
    assert (result - expected).abs().max() <= CLOSE * expected.abs().max()
