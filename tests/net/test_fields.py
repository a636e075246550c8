"""Receptive fields against the slow, obvious way: follow every tap of every window back to the input."""

import functools
import math
from fractions import Fraction

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from imconv.errors import NetworkError, OptionError
from imconv.geometry.axis import balanced_padding, effective_size, make_axis
from imconv.net import load
from imconv.net.receptive_field import MOST_ENDS, Field
from tests.net.test_forward import made
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


# --- layers that enlarge maps, or divide them ---
def read_by(placed, axis: int, output: int) -> tuple[set[int], bool]:
    """The samples of its input that an output of a layer depends on, by definition, and whether the edge cuts them."""
    attributes, old, new = placed.layer.attributes, placed.inputs[0][axis], placed.shape[axis]
    match placed.layer.kind:
        case "conv" | "max":
            taps, dilation, pad = (attributes[n][axis] for n in ("size", "dilation", "pad"))
            stride = attributes["stride"][axis] if attributes["stride"] else taps
            found = {output * stride - pad + k * dilation for k in range(taps)}
        case "transposed":
            taps, stride, dilation, pad = (attributes[n][axis] for n in ("size", "stride", "dilation", "pad"))
            reach = {(output + pad - k * dilation, stride) for k in range(taps)}
            found = {n // stride for n, stride in reach if n % stride == 0}
        case "adaptive-average":
            found = set(range(output * old // new, math.ceil((output + 1) * old / new)))
        case "pixel-shuffle":
            found = {output // attributes["factor"]}
        case "upsample":
            step = Fraction(old, new)
            if attributes["factor"] and old != new:
                step = 1 / Fraction(str(attributes["factor"][axis]))
            if attributes["mode"] == "nearest":
                found = {min(math.floor(output * step), old - 1)}
            elif attributes["corners"]:
                place = Fraction(output * (old - 1), new - 1) if new > 1 else 0
                found = {math.floor(place), math.ceil(place)}
            else:
                place = (output + Fraction(1, 2)) * step - Fraction(1, 2)
                found = {math.floor(place), math.ceil(place)}
        case _:
            found = {output}
    inside = {n for n in found if 0 <= n < old}
    return inside, inside != found


def depends_on(placed, axis: int, output: int, layer: int) -> tuple[set[int], bool]:
    """The samples of the network's input, and whether an edge cut some on the way."""
    if layer < 0:
        return {output}, False
    samples, cut = read_by(placed[layer], axis, output)
    found: set[int] = set()
    for sample in samples:
        further, other = depends_on(placed, axis, sample, layer - 1)
        found, cut = found | further, cut or other
    return found, cut


LAYERS = st.sampled_from([
    "{ conv = 64, size = 3 }", "{ conv = 64, size = 3, pad = 1, stride = 2 }", "{ max = 2 }", "{ max = 2, stride = 1, dilation = 2 }",
    "{ transposed = 64, size = 2, stride = 2 }", "{ transposed = 64, size = 4, stride = 3, pad = 1, dilation = 2 }",
    "{ transposed = 64, size = 3, stride = 2, dilation = 3 }", "{ transposed = 64, size = 1, stride = 2 }",
    "{ upsample = 2 }", "{ upsample = 1.5 }", "{ upsample = 3, mode = 'bilinear' }", "{ upsample = 1.25, mode = 'bilinear' }",
    "{ layer = 'upsample', size = 11 }", "{ layer = 'upsample', size = 9, mode = 'bilinear', corners = true }",
    "{ adaptive-average = 5 }", "{ adaptive-average = 7 }", "{ pixel-shuffle = 2 }",
])  # fmt: skip


@given(st.lists(LAYERS, min_size=1, max_size=3), st.integers(9, 13))
def test_every_output_sees_what_its_layers_read(layers, size):
    try:
        placed = made(f"input = [{size}, {size}, 64]\nlayers = [{', '.join(layers)}]").resolve()
    except NetworkError:
        reject()  # nothing is left of the map
    field = placed[-1].fields[0]
    whole = []
    for output in range(placed[-1].shape[0]):
        samples, cut = depends_on(placed, 0, output, len(placed) - 1)
        low, high = field.clipped(output, size)
        if samples:
            assert low <= min(samples) <= max(samples) < high
        if samples and not cut and not field.bound:
            assert (low, high) == (min(samples), max(samples) + 1)
            whole.append(high - low)
    assert field.size >= max(whole, default=0)


@pytest.mark.parametrize(
    ("layers", "size", "jump", "start"),
    [
        ("{ transposed = 1, size = 2, stride = 2 }", 1, Fraction(1, 2), 0.5),
        ("{ transposed = 1, size = 3, stride = 2, pad = 1 }", 2, Fraction(1, 2), 0.5),
        ("{ transposed = 1, size = 5, stride = 2, dilation = 2 }", 5, Fraction(1, 2), -1.5),
        ("{ transposed = 1, size = 1, stride = 2 }", 1, Fraction(1, 2), 0.5),
        ("{ upsample = 2 }, { conv = 1, size = 3 }", 2, Fraction(1, 2), 1),
        ("{ upsample = 2, mode = 'bilinear' }", 2, Fraction(1, 2), 0),
        ("{ upsample = 1.5 }", 1, Fraction(2, 3), 0.5),
        ("{ upsample = 1.3333333 }", 1, Fraction(10000000, 13333333), 0.5),
        ("{ upsample = 1.3333333 }, { conv = 1, size = 2 }", 2, Fraction(10000000, 13333333), 0.5),
        ("{ pixel-shuffle = 2 }", 1, Fraction(1, 2), 0.5),
        ("{ max = 2 }, { upsample = 2 }", 2, 1, 1),
        ("{ upsample = 2 }, { max = 2 }", 1, 1, 0.5),
        ("{ adaptive-average = 5 }", 4, Fraction(12, 5), 1.5),
        ("{ adaptive-average = 3 }", 4, 4, 2),
        ("{ upsample = 2 }, { conv = 1, size = 3, pad = 1, stride = 4 }", 2, 2, 0),
    ],
)  # fmt: skip
def test_known_fields_of_layers_that_enlarge(layers, size, jump, start):
    field = made(f"input = [12, 12, 4]\nlayers = [{layers}]").resolve()[-1].fields[0]
    assert (field.size, field.jump, field.start, field.bound) == (size, jump, start, False)


def test_too_many_different_fields_become_a_bound():
    size = MOST_ENDS + 907  # a prime number: no two outputs have the same field
    layers = f"{{ layer = 'upsample', size = [{size}, 59], mode = 'bilinear' }}, {{ conv = 1, size = [2, 1] }}"
    placed = made(f"input = [59, 59, 1]\nlayers = [{{ conv = 1, size = [2, 1] }}, {layers}]").resolve()
    last, across = placed[-1].fields
    assert (placed[0].fields[0].bound, last.bound, across.bound) == (False, True, False)
    assert (last.jump, last.others) == (Fraction(58, size), ())
    for output in range(0, placed[-1].shape[0], 17):
        samples, _ = depends_on(placed, 0, output, len(placed) - 1)
        low, high = last.clipped(output, 59)
        assert low <= min(samples) <= max(samples) < high <= low + last.size
    assert 3 <= last.size <= 7


def test_paths_with_different_steps_are_joined_output_by_output():
    """An odd map, pooled and enlarged again, lies a little closer than the shortcut."""
    text = "input = [9, 9, 2]\nlayers = [{ residual = [{ max = 2 }, { layer = 'upsample', size = 9 }] }]"
    joined = made(text).resolve()[-1]
    assert [one.size for one in joined.fields] == [3, 3]
    assert [joined.fields[0].at(n) for n in (0, 4, 5, 8)] == [(0, 1), (2, 4), (4, 5), (6, 8)]
    assert joined.note == "the fields of joined branches lie 8/9 and 1 pixels apart"


def test_a_decoder_lies_over_its_encoder():
    text = "input = [16, 16, 2]\nlayers = [{ residual = [{ max = 2 }, { conv = 2, size = 3, pad = 1 }, { upsample = 2 }] }]"
    joined = made(text).resolve()[-1]
    assert (joined.fields[0].size, joined.fields[0].jump, joined.note) == (6, 1, "")
