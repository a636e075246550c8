"""Kernels in other tools' formats: read back equal, by imconv and where it can be by the tool itself, or refused."""

import contextlib
import io
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imconv import Kernel
from imconv.errors import KernelError, OptionError
from imconv.kernel.formats import FORMATS, convert, format_for
from imconv.kernel.json_form import read as read_json
from imconv.kernel.library import names
from tests.refused import refused

EXTENSIONS = {"text": "txt", "imagemagick": "txt", "libvips": "mat", "csv": "csv", "npy": "npy", "json": "json"}


def read_back(tmp_path, data: bytes, to: str) -> Kernel:
    path = tmp_path / f"k.{EXTENSIONS[to]}"
    path.write_bytes(data)
    return Kernel.load(path)


def assert_same(back: Kernel, kernel: Kernel) -> None:
    assert (back.anchor, back.offset, back.denominator) == (kernel.anchor, kernel.offset, kernel.denominator)
    np.testing.assert_array_equal(back.weights, kernel.weights)
    if kernel.exact:
        np.testing.assert_array_equal(back.numerators, kernel.numerators)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", [*names(), "gaussian:0x1.3", "disk:2.5"])
def test_the_library_in_every_format(tmp_path, name, to):
    kernel = Kernel.named(name)
    whole = to in ("text", "json")
    centred = kernel.anchor == tuple(n // 2 for n in kernel.shape)
    if not whole and (kernel.offset or kernel.included is not None or not centred or (kernel.denominator or 0) > 4096):
        with contextlib.suppress(KernelError):  # which of these each format holds: see below
            assert_same(read_back(tmp_path, convert(kernel, to)[0], to), kernel)
        return
    data, notes = convert(kernel, to)
    assert_same(read_back(tmp_path, data, to), kernel)
    assert bool(notes) == (not whole and kernel.name is not None)


ANY = [
    Kernel([[1, 2, 1]]),
    Kernel([[1], [2], [1]]),
    Kernel([[5]]),
    Kernel([[1, 2], [3, 4]]),
    Kernel([[1, 2, 3, 4], [5, 6, 7, 8]]),
    Kernel([[4, 2, 1, 1]] * 2),  # could be taken for the first line of a matrix
    Kernel([[3, 3, 9], [1, 2, 3], [4, 5, 6]]),
    Kernel([[Fraction(1, 9), Fraction(2, 7)], [Fraction(-1, 3), 1]]),
    Kernel([[0.1, np.pi], [1e-30, -2.5e60]]),
    Kernel(np.random.default_rng(3).random((5, 6))),
]


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("kernel", ANY, ids=lambda k: f"{k.shape[0]}x{k.shape[1]}")
def test_any_numbers(tmp_path, kernel, to):
    assert_same(read_back(tmp_path, convert(kernel, to)[0], to), kernel)


@pytest.mark.parametrize(
    ("kernel", "unable"),
    [(Kernel([[1, 2, 3]], offset=5), {"imagemagick", "csv", "npy"}),
     (Kernel([[1, 2, 3]], offset=Fraction(1, 3)), {"imagemagick", "csv", "npy", "libvips"}),
     (Kernel([[1, 2, 3]], anchor=(0, 0)), {"libvips", "csv", "npy"}),
     (Kernel([[1, 0, 3]], included=[[1, 0, 1]]), {"libvips", "csv", "npy"}),
     (Kernel([[Fraction(1, 35001), 1]]), {"imagemagick", "csv", "npy"}),
     (Kernel([[1e-200, 1.0]]), {"imagemagick", "csv", "libvips"})],
    ids=["offset", "thirds", "anchor", "holes", "fractions", "tiny"],
)  # fmt: skip
def test_what_a_format_can_not_hold_is_refused(tmp_path, kernel, unable):
    for to in FORMATS:
        if to in unable:
            refused(KernelError, "text and json", convert, kernel, to)
        else:
            assert_same(read_back(tmp_path, convert(kernel, to)[0], to), kernel)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_json_holds_everything(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    number = st.one_of(
        st.integers(-(10**6), 10**6),
        st.fractions(-100, 100, max_denominator=5000),
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    )
    weights = [[data.draw(number) for _ in range(shape[1])] for _ in range(shape[0])]
    anchor = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    text = st.text(st.characters(codec="utf-8"), max_size=9)
    offset = data.draw(st.fractions(-100, 100, max_denominator=5000))
    kernel = Kernel(weights, anchor=anchor, offset=offset, name=data.draw(text), source=data.draw(text))
    back = read_json(convert(kernel, "json")[0].decode())
    assert_same(back, kernel)
    assert (back.name, back.source) == (kernel.name, kernel.source)


def test_other_json_readers(tmp_path):
    found = json.loads(convert(Kernel.named("sobel-x"), "json")[0])
    assert (found["weights"], found["anchor"]) == ([[1, 0, -1], [2, 0, -2], [1, 0, -1]], [1, 1])
    assert json.loads(convert(Kernel([[1, 0]], included=[[1, 0]]), "json")[0])["weights"] == [[1, None]]


def test_json_numbers_are_exact():
    assert read_json('{"weights": [[0.1, "1/9"]], "divisor": 2, "offset": "1/3"}') == Kernel(
        [[Fraction(1, 20), Fraction(1, 18)]], offset=Fraction(1, 3)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1"), ('{"weights": [[1, 2]', "line 1, column 20"), ("[[1]]", "expected an object"),
        ("{}", "expected an object"), ('{"weights": []}', "list of rows"), ('{"weights": [[]]}', "list of rows"),
        ('{"weights": [[1, 2], [3]]}', "row 2 has 1 weights"), ('{"weights": [[1, true]]}', "weight 0,1"),
        ('{"weights": [[1, NaN]]}', "weight 0,1"), ('{"weights": [[1e999999999]]}', "weight 0,0"),
        ('{"weights": [["x"]]}', "weight 0,0"), ('{"weights": [[[1]]]}', "weight 0,0"),
        ('{"weights": [[1]], "divisor": 0}', "divisor is 0"), ('{"weights": [[1]], "anchor": [1, 1]}', "anchor"),
        ('{"weights": [[1]], "anchor": [0.5, 0]}', "anchor"), ('{"weights": [[1]], "anchor": 3}', "anchor"),
        ('{"weights": [[1]], "name": 3}', "name"), ('{"weights": [[1]], "ofset": 3}', "'offset'"),
        ('{"weights": [[null]]}', "at least one cell"), ("[" * 2_000, "nested too deeply"),
        ("[" * 100_000, "more rows or weights"),
    ],
)  # fmt: skip
def test_damaged_json(tmp_path, text, words):
    path = tmp_path / "k.json"
    path.write_text(text)
    said = refused(KernelError, "", Kernel.load, path)
    assert str(path) in said
    assert words in said


def test_every_prefix_and_every_flipped_byte_of_json(tmp_path):
    data = convert(Kernel.named("sobel-x"), "json")[0]
    path = tmp_path / "k.json"
    changed = [data[:length] for length in range(len(data) - 1)]
    changed += [data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :] for at in range(len(data))]
    for piece in changed:
        path.write_bytes(piece)
        try:
            Kernel.load(path)
        except KernelError:
            continue


def test_numpy_reads_npy_and_csv():
    kernel = Kernel(np.arange(6.0).reshape(2, 3) / 7)
    np.testing.assert_array_equal(np.load(io.BytesIO(convert(kernel, "npy")[0])), kernel.weights)
    np.testing.assert_array_equal(np.loadtxt(io.BytesIO(convert(kernel, "csv")[0]), delimiter=","), kernel.weights)


def test_libvips_reads_its_matrix(tmp_path):
    pyvips = pytest.importorskip("pyvips")
    for number, kernel in enumerate(
        (Kernel.named("sharpen"), Kernel([[1, 2, 3, 4]], offset=3), Kernel([[0.1, np.pi]]))
    ):
        path = tmp_path / f"{number}.mat"  # libvips remembers what it has loaded, by name
        path.write_bytes(convert(kernel, "libvips")[0])
        matrix = pyvips.Image.matrixload(str(path))
        np.testing.assert_allclose(
            matrix.numpy().reshape(kernel.shape) / matrix.get("scale"), kernel.weights, rtol=1e-15
        )
        assert matrix.get("offset") == kernel.offset


def test_names_of_formats():
    assert convert(Kernel([[1, 2]]), "CSV") == convert(Kernel([[1, 2]]), "csv")
    assert (format_for("a/k.JSON"), format_for("k.png")) == ("json", None)
    refused(OptionError, "imagemagick", convert, Kernel([[1, 2]]), "imagemagik")


@pytest.mark.parametrize("text", ["[" + "[]," * 40_000 + "[]]", '{"weights": [[' + "1," * 5_000_000 + "1]]}"])
def test_json_of_too_much_is_not_parsed(monkeypatch, text):
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("parsed"))
    refused(KernelError, "more rows or weights than a kernel has", read_json, text)
