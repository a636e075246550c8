"""Receptive fields against the slow, obvious way: follow every tap of every window back to the input."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imconv.errors import OptionError
from imconv.geometry.axis import balanced_padding, effective_size, make_axis
from imconv.net import load
from imconv.net.receptive_field import Field
from tests.net.test_networks import PUBLISHED

SMALL = st.integers(1, 6)


def seen(placed, name: str, axis: int, index: int) -> tuple[int, int]:
    """The first and the last sample of the input that an output depends on, padding included."""
    layers = {one.layer.name: one for one in placed}

    @functools.cache
    def back(name: str, index: int) -> tuple[int, int]:
        if name == "input":
            return index, index
        one = layers[name]
        if not one.axes:
            inputs = one.layer.inputs[:1] if one.layer.kind == "multiply" else one.layer.inputs
            ends = [back(source, index) for source in inputs]
        else:
            window = one.axes[axis]
            begin = index * window.stride - window.before
            taps = range(begin, begin + window.dilation * window.taps, window.dilation)
            ends = [back(one.layer.inputs[0], tap) for tap in taps]
        return min(first for first, _ in ends), max(last for _, last in ends)

    return back(name, index)


@pytest.mark.parametrize(
    "name",
    ["keras-vanilla", "lenet5", "alexnet", "vgg11", "googlenet", "resnet18-blur", "mobilenet-v1", "mobilenet-v3-small"],
)
def test_every_layer_sees_what_its_windows_see(name):
    network = load(name)
    for shape in (None, (237, 230)):
        last = next(layer for layer in network.layers if layer.kind == "flatten").inputs[0]
        placed = network.resolve(shape, until=last)
        local = [one for one in placed if one.fields]
        assert len(local) >= 5
        for one in local[:: max(1, len(local) // 12)] + local[-1:]:
            for axis in (0, 1):
                for index in (0, 2):
                    first, end = seen(placed, one.layer.name, axis, index)
                    field = one.fields[axis]
                    assert (field.first + index * field.jump, field.last + index * field.jump) == (first, end)


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_behind_global_ones_see_everything(name):
    everything = set()
    for one in load(name).resolve():
        whole = one.layer.rules.whole or bool(everything & set(one.layer.inputs))
        if one.layer.kind == "multiply":
            whole = one.layer.inputs[0] in everything
            assert one.gated
        assert (not one.fields) == whole
        if whole:
            everything.add(one.layer.name)
        assert not one.note  # paths of the library's networks lie over one another


def test_known_fields():
    rows, columns = load("keras-vanilla").receptive_field("pool2")
    assert rows == columns
    assert (rows.size, rows.jump, rows.start) == (22, 8, 11)
    assert load("resnet50").receptive_field("fc") is None
    assert load("mobilenet-v1").receptive_field("conv1")[0].start == 1.5  # TensorFlow's same pads behind
    assert load("mobilenet-v1").receptive_field("conv1", (225, 224))[0].start == 0.5
    assert load("vgg16").receptive_field("features.0")[0].clipped(0, 224) == (0, 2)
    assert load("vgg16").receptive_field("features.0")[0].clipped(100, 224) == (99, 102)


@given(st.lists(st.tuples(SMALL, SMALL, SMALL, st.integers(0, 5)), max_size=6))
def test_the_formulas(windows):
    """`r += (k - 1) d j; start += ((k - 1) d / 2 - p) j; j *= s`, in this order."""
    field, size, jump, start = Field(), 1, 1, 0.5
    for taps, stride, dilation, before in windows:
        field = field.through(taps=taps, before=before, stride=stride, dilation=dilation)
        size += (taps - 1) * dilation * jump
        start += ((taps - 1) * dilation / 2 - before) * jump
        jump *= stride
    assert (field.size, field.jump, field.start) == (size, jump, start)


def test_fields_of_different_steps_can_not_be_joined():
    assert Field(-1, 1, 2).joined(Field(0, 3, 2)) == Field(-1, 3, 2)
    with pytest.raises(OptionError):
        Field(0, 1, 2).joined(Field(0, 1, 1))


@given(st.integers(1, 40), SMALL, SMALL, st.integers(1, 3))
def test_tensorflows_same(size, taps, stride, dilation):
    before, after = balanced_padding(size, taps, stride, dilation)
    assert 0 <= after - before <= 1
    axis = make_axis(size, taps, 0, (before, after), stride, dilation, "rows")
    assert axis.out == -(-size // stride)
    if before + after:  # one less would not be enough
        assert (size + before + after - 1 - effective_size(taps, dilation)) // stride + 1 < axis.out


@given(st.integers(1, 40), SMALL, SMALL, st.integers(1, 3), st.integers(0, 3))
def test_ceil(size, taps, stride, dilation, pad):
    """Torch's formula for pooling with ceil mode."""
    window = effective_size(taps, dilation)
    out = (size + 2 * pad - window + stride - 1) // stride + 1
    if (out - 1) * stride >= size + pad:
        out -= 1
    if out < 1:
        with pytest.raises(OptionError, match="no output is left"):
            make_axis(size, taps, 0, (pad, pad), stride, dilation, "rows", ceil=True)
        return
    assert make_axis(size, taps, 0, (pad, pad), stride, dilation, "rows", ceil=True).out == out
