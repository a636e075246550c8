"""Files that state their white: Netpbm's maxval, TIFFs of 9 to 15 bits; read, filtered and written with it, or scaled with a note."""

import contextlib
import io
import json

import numpy as np
import pytest
import tifffile

import imconv
from imconv.errors import FileError
from imconv.files import encode, inspect, read
from imconv.files.picture import Metadata, Picture
from tests.files.test_arrays import as_read

MAXIMA = (1, 2, 100, 254, 256, 1000, 1023, 4095, 65534)
KINDS = {"PGM": 1, "PPM": 3, "PAM": 4}


def samples(maximum: int, channels: int, shape=(30, 20)) -> np.ndarray:
    values = np.random.default_rng(maximum).integers(0, maximum + 1, (*shape, channels))
    values[0, 0] = maximum
    values = values.astype(np.uint16 if maximum > 255 else np.uint8)
    return values[..., 0] if channels == 1 else values


def netpbm(kind: str, maximum: int) -> tuple[bytes, np.ndarray]:
    """A file made by hand, and its samples."""
    pixels = samples(maximum, KINDS[kind])
    head = f"P{5 if kind == 'PGM' else 6}\n20 30\n{maximum}\n"
    if kind == "PAM":
        head = f"P7\nWIDTH 20\nHEIGHT 30\nDEPTH 4\nMAXVAL {maximum}\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    return head.encode() + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes(), pixels


@pytest.mark.parametrize("maximum", MAXIMA)
@pytest.mark.parametrize("kind", KINDS)
def test_netpbm_comes_back_byte_for_byte(kind, maximum):
    data, pixels = netpbm(kind, maximum)
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert (picture.maximum, picture.notes, inspect(io.BytesIO(data)).maximum) == (maximum, (), maximum)
    assert encode(picture, kind) == data


@pytest.mark.parametrize("maximum", MAXIMA)
@pytest.mark.parametrize("kind", KINDS)
def test_commands_keep_it(kind, maximum, tmp_path, monkeypatch):
    from imconv import file_to_file
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    data, pixels = netpbm(kind, maximum)
    (tmp_path / "in").write_bytes(data)
    command = ["apply", "in", "out", "-k", "-1 0 2", "--format", kind]
    assert run(command) == 0
    result = read("out")
    assert result.maximum == maximum
    assert result.pixels.max() == maximum
    whole = (tmp_path / "out").read_bytes()
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    assert run(command) == 0
    assert (tmp_path / "out").read_bytes() == whole
    if kind != "PAM":  # no alpha: as an array, clipped
        expected = imconv.convolve(pixels, [[-1, 0, 2]]).clip(max=maximum)
        np.testing.assert_array_equal(result.pixels, expected)


@pytest.mark.parametrize("banded", [False, True])
@pytest.mark.parametrize(("kind", "scaled"), [("PNG", True), ("TIFF", True), ("NPY", False), ("NPZ", False)])
@pytest.mark.parametrize("maximum", [100, 1023])
def test_other_formats(maximum, kind, scaled, banded, tmp_path, monkeypatch, capfd):
    from imconv import file_to_file
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0 if banded else 1 << 30)
    data, pixels = netpbm("PPM", maximum)
    (tmp_path / "in.ppm").write_bytes(data)
    assert run(["median", "in.ppm", "out", "--size", "1", "--format", kind]) == 0
    told = capfd.readouterr().err
    top = np.iinfo(pixels.dtype).max
    expected = (pixels.astype(np.int64) * 2 * top + maximum) // (2 * maximum) if scaled else pixels
    result = read("out")
    np.testing.assert_array_equal(result.pixels, expected)
    assert result.maximum is None
    assert told.count("\n") == 1
    assert (f"samples scaled from 0..{maximum} to 0..{top}" if scaled else "stay as they are") in told
    found = (tmp_path / "out").read_bytes()
    assert (b"sBIT" in found) == (kind == "PNG" and maximum == 1023)
    if kind == "PNG" and maximum == 1023:
        assert found[found.index(b"sBIT") + 4 :][:3] == b"\n\n\n"
        assert found.index(b"sBIT") < found.index(b"IDAT")


def test_samples_above_it():
    picture = Picture(np.array([[7, 12]], np.uint8), metadata=Metadata(maximum=9))
    report = imconv.write(io.BytesIO(), picture, format="PGM")
    assert report.notes == ("1 samples above the maximum of 9 clipped to it",)
    assert encode(picture, "PGM") == b"P5\n2 1\n9\n\7\t"
    wide = Picture(np.array([[7, 12]], np.uint16), metadata=Metadata(maximum=9))
    assert encode(wide, "PGM") == b"P5\n2 1\n9\n\7\t"
    for data in (b"P5 1 1 9 \n", b"P2 1 1 9 10", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\nENDHDR\n\n"):
        with pytest.raises(FileError, match="above the maximum of 9"):
            as_read(data)


@pytest.mark.parametrize("maximum", [None, 0, -3, 255, 256, 70000])
def test_what_is_no_other_white(maximum):
    assert Picture(np.zeros((2, 2), np.uint8), metadata=Metadata(maximum=maximum)).maximum is None
    assert Picture(np.zeros((2, 2), np.float32), metadata=Metadata(maximum=9)).maximum is None


def packed(values: np.ndarray, bits: int) -> bytes:
    """Rows of samples without gaps between them, each row from a byte on."""
    rows = values.reshape(len(values), -1)
    shifts = np.arange(bits - 1, -1, -1)
    return np.packbits((rows[..., None] >> shifts & 1).reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def tiff(values: np.ndarray, bits: int, order: str = "<", **tags) -> bytes:
    """A TIFF of one strip with packed samples."""
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    data = packed(values, bits)
    entries = {256: [width], 257: [height], 258: [bits] * channels, 259: [1], 262: [2 if channels > 1 else 1],
               273: [8], 277: [channels], 278: [height], 279: [len(data)]}  # fmt: skip
    entries |= {int(tag[1:]): value for tag, value in tags.items()}
    data += bytes(len(data) % 2)
    more, directory = b"", b""
    start = 8 + len(data)
    after = start + 2 + 12 * len(entries) + 4
    for tag, value in sorted(entries.items()):
        content = np.array(value, f"{order}u4").tobytes()
        if len(content) > 4:
            content, more = np.array(after + len(more), f"{order}u4").tobytes(), more + content
        directory += np.array([tag, 4], f"{order}u2").tobytes() + np.array(len(value), f"{order}u4").tobytes() + content
    head = (b"II*\0" if order == "<" else b"MM\0*") + np.array(start, f"{order}u4").tobytes()
    return head + data + np.array(len(entries), f"{order}u2").tobytes() + directory + bytes(4) + more


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", range(9, 16))
def test_tiffs_of_odd_depths(bits, channels, order, tmp_path, monkeypatch, capfd):
    from imconv import file_to_file
    from imconv.cli import run

    values, top = samples((1 << bits) - 1, channels, (9, 7)), (1 << bits) - 1
    data = tiff(values, bits, order)
    with contextlib.suppress(ValueError, NotImplementedError):  # a second opinion, with imagecodecs
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), values)
    picture = as_read(data)
    np.testing.assert_array_equal(picture.pixels, values)
    assert (picture.maximum, inspect(io.BytesIO(data)).depth) == (top, bits)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.tif").write_bytes(data)
    for worth in (0, 1 << 30):
        monkeypatch.setattr(file_to_file, "WORTH_BANDS", worth)
        assert run(["median", "in.tif", "out.ppm", "--size", "1"]) == 0
        assert read("out.ppm").maximum == top
        np.testing.assert_array_equal(read("out.ppm").pixels, values)
    assert run(["info", "in.tif"]) == 0
    assert f"{bits} bits, unsigned, white is {top}" in capfd.readouterr().out


def test_white_is_zero_and_ranges_that_a_tiff_states(tmp_path, capfd):
    from imconv.cli import run

    values = samples(4095, 1, (4, 5))
    turned = as_read(tiff(values, 12, t262=[0]))
    np.testing.assert_array_equal(turned.pixels, 4095 - values)
    path = tmp_path / "in.tif"
    path.write_bytes(tiff(values, 12, t340=[3], t341=[4000]))
    assert run(["info", str(path), "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert (facts["maximum"], facts["stated_range"]) == (4095, [3, 4000])
    path.write_bytes(tiff(values, 16, t280=[3], t281=[4000]))
    assert run(["info", str(path)]) == 0
    assert "3 to 4000, as the file states" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [({"t339": [2]}, "12-bit signed grey TIFF"), ({"t317": [2], "t259": [8]}, "predictor 2")],
)
def test_what_is_refused(change, words):
    with pytest.raises(FileError, match=words):
        as_read(tiff(samples(4095, 1, (4, 5)), 12, **change))


def test_info_of_netpbm(tmp_path, capfd):
    from imconv.cli import run

    path = tmp_path / "in.pgm"
    path.write_bytes(netpbm("PGM", 1023)[0])
    assert run(["info", str(path)]) == 0
    assert "16 bits, unsigned, white is 1023" in capfd.readouterr().out
