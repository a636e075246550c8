"""Weights from files, matched with a network: every difference is listed, nothing is guessed."""

import json
import os
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

import imconv
import imconv.net
from imconv.errors import FileError, OptionError
from imconv.net import load, shipped_weights
from imconv.net.loaded_weights import Weights, advice
from tests.net.by_hand import random_arrays
from tests.refused import refused

NETWORK = load("keras-vanilla")
DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def write_safetensors(path, arrays: dict, types: dict | None = None) -> None:
    """A file as the format says; `types` are names of types and numpy's for the numbers kept."""
    header, data = {"__metadata__": None}, b""
    for key, array in arrays.items():
        name, kept = (types or {}).get(key, ("F32", array.astype("<f4")))
        raw = kept.tobytes()
        header[key] = {"dtype": name, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def picture():
    return np.random.default_rng(1).integers(0, 256, (70, 90, 3), np.uint8)


def test_both_formats_and_arrays_give_the_same(tmp_path):
    arrays = random_arrays(NETWORK)
    (expected,) = NETWORK.run(picture(), arrays).values()
    np.savez(tmp_path / "w.npz", **arrays)
    write_safetensors(tmp_path / "w.safetensors", arrays)
    for name in ("w.npz", "w.safetensors"):
        (result,) = NETWORK.run(picture(), tmp_path / name).values()
        assert (result == expected).all()
        assert result.shape == (3,)


def test_narrow_and_wide_floats(tmp_path):
    arrays = random_arrays(NETWORK)
    half = {key: array.astype(np.float16) for key, array in arrays.items()}
    bits = {key: (array.view(np.uint32) >> 16).astype(np.uint16) for key, array in arrays.items()}
    cut = {key: (one.astype(np.uint32) << 16).view(np.float32) for key, one in bits.items()}
    for types, expected in (
        ({key: ("F16", one) for key, one in half.items()}, half),
        ({key: ("BF16", one) for key, one in bits.items()}, cut),
        ({key: ("F64", one.astype("<f8")) for key, one in arrays.items()}, arrays),
    ):
        write_safetensors(tmp_path / "w.safetensors", arrays, types)
        weights = Weights(NETWORK, tmp_path / "w.safetensors")
        for layer in NETWORK.layers:
            for one in layer.tensors:
                tensor = weights[layer.name][one.role]
                assert tensor.dtype == np.float32
                order = [one.axes.index(axis) for axis in "OIHW" if axis in one.axes]
                assert (tensor == expected[one.key].transpose(order)).all()


def test_every_difference_is_listed():
    arrays = random_arrays(NETWORK)
    arrays["conv2d_20.bais"] = arrays.pop("conv2d_20.bias")
    arrays["more"] = np.zeros(())
    arrays["dense_6.kernel"] = arrays["dense_6.kernel"].T
    del arrays["dense_6.bias"]
    with pytest.raises(FileError) as error:
        Weights(NETWORK, arrays)
    assert str(error.value) == (
        "weights: these tensors are not those of keras-vanilla: 2 missing: conv2d_20.bias 16, dense_6.bias 3; "
        "1 of another shape: dense_6.kernel is 3x1728, not 1728x3; "
        "2 not in the network: conv2d_20.bais 16, more a number"
    )


def test_a_file_of_another_network(tmp_path):
    np.savez(tmp_path / "w.npz", **random_arrays(NETWORK))
    network = load("lenet5-dense")
    with pytest.raises(FileError) as error:
        Weights(network, tmp_path / "w.npz")
    assert str(error.value).startswith(
        f"{tmp_path / 'w.npz'}: these tensors are not those of lenet5-dense: 10 missing: "
    )
    assert all(key in str(error.value) for key in [*network.tensors, *NETWORK.tensors])


def test_torchs_counts_of_batches_are_of_no_use():
    network = load("resnet18")
    arrays = random_arrays(network)
    arrays["bn1.num_batches_tracked"] = np.array(7)
    Weights(network, arrays)


@pytest.mark.parametrize(
    ("name", "told"),
    [("w.pt", "convert them"), ("w.pth", "convert them"), ("w.npy", "named tensors"), ("w.h5", "safetensors")],
)
def test_other_files_are_refused(tmp_path, name, told):
    np.save(tmp_path / "w.npy", np.zeros(3))
    refused(FileError, told, Weights, NETWORK, tmp_path / name)


def test_whole_numbers_are_no_weights():
    arrays = random_arrays(NETWORK)
    arrays["dense_6.bias"] = np.array([1, 2, 3])
    refused(FileError, r"dense_6\.bias is of type int64", NETWORK.run, picture(), arrays)


def test_something_else():
    refused(OptionError, r"a file or arrays by key, not int", Weights, NETWORK, 7)


def test_advice_names_formats_and_a_key():
    text = advice(load("resnet18"))
    assert all(word in text for word in (".safetensors", ".npz", "102 tensors", "conv1.weight"))


def test_the_weights_that_come_along():
    network = load("LeNet5")
    digit = imconv.read(DIGITS / "5.png")
    (own,), (given,) = (network.run(digit, *weights).values() for weights in ((), (shipped_weights("lenet5"),)))
    assert (own == given).all()
    assert own.argmin() == 5
    refused(
        OptionError, r"^resnet18 needs trained weights.*: weights=FILE, a \.safetensors", load("resnet18").run, digit
    )


def test_a_file_of_ones_own_has_no_weights(tmp_path):
    """Also if it has the name and the layers of a network that has some."""
    source = os.path.join(os.path.dirname(os.path.dirname(shipped_weights("lenet5"))), "lenet5.toml")
    shutil.copy(source, tmp_path)
    refused(OptionError, "needs trained weights", load(str(tmp_path / "lenet5.toml")).run, np.zeros((28, 28), np.uint8))


def test_tensors_are_read_in_public(tmp_path):
    tensors = imconv.net.open_tensors(shipped_weights("lenet5"))
    assert set(tensors) == set(load("lenet5").tensors)
    np.save(tmp_path / "one.npy", np.arange(6.0).reshape(2, 3))
    assert imconv.net.open_tensors(tmp_path / "one.npy")[""].tolist() == [[0, 1, 2], [3, 4, 5]]
    refused(FileError, "convert them", imconv.net.open_tensors, tmp_path / "w.pth")


def test_python_is_told_about_unexpected_pictures():
    digit = imconv.read(DIGITS / "5.png").pixels
    with pytest.warns(RuntimeWarning, match="rim is bright, but lenet5 expects"):
        (wrong,) = load("lenet5").run(255 - digit).values()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (right,) = load("lenet5").run(255 - digit, invert=True).values()
        (expected,) = load("lenet5").run(digit).values()
    assert (right == expected).all()
    assert wrong.argmin() != 5
    refused(OptionError, "invert goes with preprocess", load("lenet5").run, digit, preprocess=False, invert=True)
