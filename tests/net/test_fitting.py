"""The inverse question, against trying every size and every padding."""

import pytest

from imconv.errors import OptionError
from imconv.net import load
from imconv.net.assembly import assemble
from imconv.net.description import Description
from imconv.net.fitting import fit


def window(pad: tuple[int, int], *, size: int = 5, stride: int = 3, dilation: int = 2):
    text = f"""
    input = [40, 40, 1]
    layers = [{{ conv = 1, size = {size}, stride = {stride}, dilation = {dilation}, pad = [{pad[0]}, {pad[1]}, 0, 0] }}, {{ max = 2 }}]
    """
    return assemble(Description.parse(text.encode()))


@pytest.mark.parametrize("wanted", [1, 2, 7, 12, 14, 20])
def test_paddings_are_all_that_there_are(wanted):
    right = set()
    for before in range(40):
        for after in (before, before + 1):
            if window((before, after)).resolve(until="conv1")[-1].shape[0] == wanted:
                right.add(before + after)
    found = fit(window((0, 0)), (wanted, 1), layer="conv1").paddings[0]
    assert set(range(found[0], found[1] + 1) if found else ()) == right


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("keras-vanilla", 1), ("keras-vanilla", 6), ("mobilenet-v1", 6), ("googlenet", 3), ("resnet18", 1)],
)
def test_inputs_are_all_that_there_are(name, wanted):
    network = load(name)
    layer = network.summary().last_map.layer.name

    def out(size: int) -> int:
        try:
            return network.resolve((size, 224), until=layer)[-1].shape[0]
        except OptionError:
            return 0

    right = [size for size in range(1, 260) if out(size) == wanted]
    found = fit(network, (wanted, 1)).inputs[0]
    assert list(range(found[0], found[1] + 1)) == right


def test_what_can_not_be():
    assert fit(load("lenet5"), (28, 1 << 17), layer="C1").inputs == ((32, 32), None)
    assert "no number of columns" in str(fit(load("lenet5"), (28, 1 << 17), layer="C1"))
    assert fit(window((0, 0), size=1, stride=1), (41, 41), layer="conv1").paddings == ((1, 1), (1, 1))
    assert "none possible" in str(fit(window((0, 0), size=1, stride=1), (39, 39), layer="conv1"))
    with pytest.raises(OptionError, match="sees the whole input"):
        fit(load("lenet5"), (1, 1), layer="F6")
