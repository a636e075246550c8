"""Kernel files of every kind: text, libvips matrices, .npy and pictures; what holds no kernel is refused in one line."""

import io
import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imconv.errors import FileError, ImconvError, KernelError
from imconv.kernel.kernel import Kernel
from imconv.kernel.text import write


def fractions_of(kernel):
    return [[Fraction(int(n), kernel.denominator) for n in row] for row in kernel.numerators]


def refused(path, error, expected):
    with pytest.raises(error) as caught:
        Kernel.load(path)
    assert "\n" not in str(caught.value)
    assert os.fspath(path) in str(caught.value)
    assert expected in str(caught.value)


def test_text_files(tmp_path):
    path = tmp_path / "k.csv"
    path.write_bytes(b"\xef\xbb\xbf1, 2\r\n3, 4\r\n")
    assert Kernel.load(path) == Kernel([[1, 2], [3, 4]])
    assert Kernel.load(os.fspath(path)) == Kernel([[1, 2], [3, 4]])
    path.write_text("1 2\n3 4\nx 5\n")
    refused(path, KernelError, "k.csv: line 3, column 1: read 'x', expected a number")


def test_files_that_hold_no_kernel(tmp_path):
    path = tmp_path / "k.txt"
    refused(path, FileError, "no such file")
    refused(tmp_path, FileError, "a folder")
    for data, expected in [
        (b"", "read the end"),
        (b"1 2\nab\xff", "line 2, column 3: read byte 0xff, expected UTF-8 text"),
        (b"\xff\xfe1\0", "UTF-16"),
        (b"\x7fELF\0\0\0", "not a text file"),
        (bytes(range(1, 128)) + b"\0", "not a text file"),
    ]:
        path.write_bytes(data)
        with pytest.raises(KernelError) as caught:
            Kernel.load(path)
        assert "\n" not in str(caught.value)
        assert expected in str(caught.value)


def test_file_size_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("imconv.kernel.file.LARGEST_FILE", 1 << 20)
    path = tmp_path / "k.txt"
    path.write_text("1 " * (1 << 20))
    refused(path, KernelError, "larger than the 1 MiB")


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_npy(tmp_path):
    path = tmp_path / "k.npy"
    for array in (
        np.full((3, 5), 1 / 15),
        np.arange(6).reshape(2, 3).T,
        np.ones((2, 2), np.float32),
        np.eye(3, dtype=bool),
    ):
        path.write_bytes(npy(array))
        assert Kernel.load(path) == Kernel(array)


def test_npy_is_looked_at_before_memory_is_taken(tmp_path):
    path = tmp_path / "k.npy"
    head = npy(np.ones((2, 2)))
    huge = head.replace(b"(2, 2), }        ", b"(9999999, 999), }")
    assert huge != head
    for data, expected in [
        (huge, "9999999 x 999"),
        (head[:-8], "ends before all 2 x 2 weights"),
        (head[:20], "header is damaged"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70000, "header is damaged"),
        (b"junk", "not a .npy file"),
        (npy(np.ones(3)), "expected rows and columns"),
        (npy(np.ones((2, 2), complex)), "expected real numbers"),
        (npy(np.array([[{}]], dtype=object)), "Python objects"),
        (npy(np.array([[np.nan]])), "finite"),
        (npy(np.ones((0, 3))), "0 x 3"),
    ]:
        path.write_bytes(data)
        refused(path, KernelError, expected)


def test_mat_files_are_libvips(tmp_path):
    path = tmp_path / "k.mat"
    path.write_text("3 3 9\n1 1 1\n1 1 1\n1 1 1\n")
    assert Kernel.load(path) == Kernel(np.full((3, 3), 1 / 9))
    path.write_text(write(Kernel([[1, 2], [2, 1]], name="mine")))
    assert Kernel.load(path).shape == (2, 2)
    for text, expected in [
        ("3 3 9\n1 1 1\n", "line 2, column 6: read 1 rows of numbers, expected 3"),
        ("3 1 9\n1 1 1\n1 1 1\n", "line 3, column 1: read 2 rows of numbers, expected 1"),
        ("3 1 9\n1 1\n", "line 2, column 4: read a row of 2 numbers, expected 3, the width in line 1"),
        ("3 1 0\n1 1 1\n", "line 1, column 5: read '0', expected a scale other than 0"),
        ("1.5 1\n1\n", "line 1, column 1: read '1.5', expected a whole number"),
        ("1\n", "line 1, column 1: read a row of 1, expected a libvips matrix's first line"),
    ]:
        path.write_text(text)
        with pytest.raises(KernelError) as caught:
            Kernel.load(path)
        assert f"k.mat: {expected}" in str(caught.value)


# --- pictures ------------------------------------------------------------------------------------------------------


def save_png(path, pixels):
    pytest.importorskip("PIL.Image").fromarray(np.asarray(pixels)).save(path)


def test_pictures_as_kernels(tmp_path):
    path = tmp_path / "k.png"
    grey = np.array([[0, 10, 20], [30, 40, 50]], np.uint8)
    save_png(path, grey)
    kernel = Kernel.load(path)
    assert fractions_of(kernel) == [[Fraction(int(g), 150) for g in row] for row in grey]
    save_png(path, np.repeat(grey[:, :, np.newaxis], 3, axis=2))
    assert Kernel.load(path) == kernel
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[0, 0] = 255, 0, 0
    save_png(path, colour)
    refused(path, KernelError, "a coloured picture")
    save_png(path, np.zeros((2, 2), np.uint8))
    refused(path, KernelError, "sum to 0")
    transparent = np.full((2, 2, 4), 200, np.uint8)
    save_png(path, transparent)
    refused(path, KernelError, "transparent")
    transparent[:, :, 3] = 255
    save_png(path, transparent)
    assert Kernel.load(path).weights.tolist() == [[0.25, 0.25], [0.25, 0.25]]
    save_png(tmp_path / "large.png", np.zeros((2049, 2048), np.uint8))
    refused(tmp_path / "large.png", KernelError, "at most 4194304 weights")
    path.rename(tmp_path / "kernel")  # no extension: told by its first bytes
    assert Kernel.load(tmp_path / "kernel").sum() == 1


def test_large_pictures_become_floats(tmp_path):
    path = tmp_path / "k.png"
    pixels = np.random.default_rng(0).integers(0, 256, (300, 301), np.uint8)
    save_png(path, pixels)
    np.testing.assert_array_equal(Kernel.load(path).weights, pixels / pixels.sum(dtype=np.float64))


def test_damaged_pictures(tmp_path):
    path = tmp_path / "k.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n junk")
    with pytest.raises(ImconvError) as caught:
        Kernel.load(path)
    assert "\n" not in str(caught.value)


# --- files nobody should make ---------------------------------------------------------------------------------------


def refusal(function, *arguments, **options):
    """The message of the error a call raises, or nothing; an error of another kind is the test's failure."""
    try:
        function(*arguments, **options)
    except ImconvError as error:
        return str(error)
    return ""


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), extension=st.sampled_from([".txt", ".mat", ".npy", ".csv", ""]))
def test_any_file_is_a_kernel_or_one_line(tmp_path_factory, data, extension):
    path = tmp_path_factory.mktemp("k") / f"k{extension}"
    path.write_bytes(data)
    assert "\n" not in refusal(Kernel.load, path)
