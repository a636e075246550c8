"""Files of tensors: read as others write them; damaged in every way, an error that names the file."""

import io
import json
import zipfile

import numpy as np
import pytest

from imconv.errors import FileError, ImconvError, LimitError
from imconv.net.tensors import open_tensors
from tests.refused import refused

RNG = np.random.default_rng(3)


def safetensors(tensors, metadata=..., change=None, tail=b"") -> bytes:
    """A file with these tensors, {name: (type, array)}; `change` may damage the header."""
    header, data = {} if metadata is ... else {"__metadata__": metadata}, b""
    for name, (kind, array) in tensors.items():
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": place}
        data += array.tobytes()
    if change:
        change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data + tail


ALL = {
    "conv.weight": ("F32", RNG.standard_normal((4, 3, 2, 2)).astype("<f4")),
    "conv.bias": ("F32", RNG.standard_normal(4).astype("<f4")),
    "double": ("F64", RNG.standard_normal((2, 3))),
    "half": ("F16", RNG.standard_normal(5).astype("<f2")),
    "steps": ("I64", np.array(7)),
    "none": ("F32", np.zeros((0, 3), "<f4")),
    "flags": ("BOOL", np.array([1, 0, 1], "u1")),
    "bytes": ("U8", np.arange(6, dtype="u1").reshape(2, 3)),
}


@pytest.fixture
def file(tmp_path):
    def write(data: bytes, name: str = "w.safetensors"):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("metadata", [..., None, {"format": "pt"}])
def test_safetensors(file, metadata):
    tensors = open_tensors(file(safetensors(ALL, metadata)))
    assert list(tensors) == list(ALL)
    for name, (_, array) in ALL.items():
        assert tensors.entries[name].shape == array.shape
        np.testing.assert_array_equal(tensors[name], array)
    assert (tensors["flags"].dtype, tensors.entries["steps"].type) == (bool, "int64")
    assert tensors["conv.weight"].flags.writeable


def test_bfloat16_becomes_float32(file):
    values = np.array([1, -2.5, 0, 3.140625, np.inf], "<f4")
    upper = (values.view("<u4") >> 16).astype("<u2")
    tensors = open_tensors(file(safetensors({"x": ("BF16", upper)})))
    assert (tensors.entries["x"].type, tensors["x"].dtype) == ("bfloat16", np.float32)
    np.testing.assert_array_equal(tensors["x"], values)


def test_as_safetensors_writes_them(file, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    arrays = {name: array for name, (_, array) in ALL.items()}
    library.save_file(arrays, tmp_path / "theirs.safetensors", metadata={"a": "b"})
    tensors = open_tensors(tmp_path / "theirs.safetensors")
    assert set(tensors) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(tensors[name], array)


def changed(name, **fields):
    return lambda header: header[name].update(fields)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed("double", data_offsets=[0, 48]), "needs 48 bytes|overlap"),
        (changed("double", data_offsets=[208, 255]), "needs 48 bytes"),
        (changed("double", data_offsets=[256, 208]), "no type, shape and place"),
        (changed("double", data_offsets=[-48, 0]), "no type, shape and place"),
        (changed("double", shape=[2, 2]), "needs 32 bytes"),
        (changed("double", shape=[2, -3]), "no type, shape and place"),
        (changed("double", shape=[1 << 61, 1 << 61]), "needs"),
        (changed("double", shape=[True, 6]), "no type, shape and place"),
        (changed("double", shape="ab"), "no type, shape and place"),
        (changed("double", dtype="F8_E4M3"), "type 'F8_E4M3'"),
        (changed("double", dtype=8), "no type, shape and place"),
        (changed("double", more=1), "no type, shape and place"),
        (lambda header: header.update(double=[]), "no type, shape and place"),
        (lambda header: header.pop("double"), "leave room between"),
        (lambda header: header.pop("bytes"), "behind the last"),
        (lambda header: header.update(__metadata__={"a": 1}), "__metadata__"),
        (lambda header: header.update(__metadata__=[]), "__metadata__"),
    ],
)
def test_headers_that_lie(file, change, told):
    path = file(safetensors(ALL, change=change))
    said = refused(FileError, told, open_tensors, path)
    assert path in said


def test_shapes_of_the_same_size_that_lie_about_nothing_are_taken(file):
    tensors = open_tensors(file(safetensors(ALL, change=changed("double", shape=[3, 2]))))
    assert tensors["double"].shape == (3, 2)


def test_every_beginning_of_a_file_is_an_error(file):
    data = safetensors(ALL)
    for end in range(len(data)):
        with pytest.raises(FileError):
            open_tensors(file(data[:end]))
    refused(FileError, "behind the last tensor", open_tensors, file(data + b"\0"))


def test_flipped_bits_end_in_an_error_or_in_tensors(file):
    data = bytearray(safetensors(ALL))
    length = 8 + int.from_bytes(data[:8], "little")
    for place in range(length):
        for bit in (0, 3, 7):
            data[place] ^= 1 << bit
            try:
                for array in open_tensors(file(bytes(data))).values():
                    assert isinstance(array, np.ndarray)
            except ImconvError:
                pass
            data[place] ^= 1 << bit


def test_a_header_of_gigabytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "w.safetensors"
    with open(path, "wb") as out:
        out.write((1 << 31).to_bytes(8, "little"))
        out.truncate(1 << 32)  # sparse
    refused(LimitError, "a header of 2147483648 bytes", open_tensors, path)


@pytest.mark.parametrize(
    "text", [b"[]", b"{", b"\xff\xff", b'{"a": 1, "a": 1}', b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}']
)
def test_headers_that_are_none(file, text):
    with pytest.raises(FileError):
        open_tensors(file(len(text).to_bytes(8, "little") + text))


def npy(array, **how) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **how)
    return out.getvalue()


def test_arrays_of_numpy(file, tmp_path):
    array = np.asfortranarray(RNG.standard_normal((3, 2, 5, 5)))
    np.testing.assert_array_equal(open_tensors(file(npy(array), "w.npy"))[""], array)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "w.npz", a=array, b=array[0].astype(">f4"))
        tensors = open_tensors(tmp_path / "w.npz")
        assert (list(tensors), tensors.entries["b"].type) == (["a", "b"], "float32")
        np.testing.assert_array_equal(tensors["a"], array)
        np.testing.assert_array_equal(tensors["b"], array[0].astype(np.float32))


def test_nothing_is_unpickled(file, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    objects = np.array([Trap()], object)
    for path in (file(npy(objects), "w.npy"), tmp_path / "w.npz"):
        np.savez(tmp_path / "w.npz", a=objects)
        refused(FileError, "Python objects, which are never unpickled", open_tensors, path)
    for name in ("w.pt", "w.PTH", "w.pkl"):
        refused(FileError, r"pickled weights .*safetensors\.torch\.save_file", open_tensors, file(b"\x80\x02.", name))
    assert not (tmp_path / "sprung").exists()


def test_arrays_that_lie(file, tmp_path):
    header = npy(np.zeros(3))[:128].replace(b"(3,), ", b"(9999999999,), ").replace(b" " * 11 + b"\n", b" \n")
    with pytest.raises(FileError):
        open_tensors(file(header, "w.npy"))
    whole = npy(RNG.standard_normal((2, 3)))
    for end in range(len(whole)):
        with pytest.raises(FileError):
            open_tensors(file(whole[:end], "w.npy"))
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays")
    refused(FileError, "without arrays", open_tensors, tmp_path / "w.npz")
    np.savez_compressed(tmp_path / "w.npz", a=np.zeros((40, 40)))
    data = (tmp_path / "w.npz").read_bytes()
    for end in range(0, len(data), 7):
        with pytest.raises(FileError):
            open_tensors(file(data[:end], "w.npz"))


def test_other_files(file, tmp_path):
    refused(FileError, "no such file; check the name", open_tensors, tmp_path / "none.npz")
    refused(FileError, "not a file of tensors", open_tensors, file(b"", "w.h5"))
    refused(FileError, r"did you mean 'conv\.bias'", open_tensors(file(safetensors(ALL))).tensor, "conv.bia")


def test_a_long_header_is_not_parsed(tmp_path):
    """The format allows 100 MB of it, which take gigabytes and many seconds."""
    path = tmp_path / "w.safetensors"
    with open(path, "wb") as file:
        file.write((5 << 20).to_bytes(8, "little") + b"no JSON")
        file.truncate(6 << 20)
    refused(LimitError, "a header of 5242880 bytes, more than the 4194304 that imconv reads", open_tensors, path)


def test_an_archive_with_too_long_a_directory_is_not_read(tmp_path):
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70):
            archive.writestr(f"{number}{'n' * 60_000}", b"")
    refused(FileError, r"a directory of 4[0-9]+ bytes, more than 4194304", open_tensors, path)


def test_a_long_header_of_an_array_is_not_inflated(tmp_path, monkeypatch):
    """In an archive 16 MB of blanks are 16 KB; the version 2 of the header may have 4 GB of them."""
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        length = 16 << 20
        archive.writestr("w.npy", b"\x93NUMPY\x02\0" + length.to_bytes(4, "little") + b" " * length)
    read, most = zipfile.ZipExtFile.read, []
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, n=-1: most.append(n) or read(self, n))
    refused(FileError, "header is damaged", open_tensors, path)
    assert most
    assert 0 <= max(most) < 1 << 16


def test_bytes_of_an_entry(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors({"a": ("BF16", np.zeros((3, 5), "<u2")), "b": ("F64", np.zeros(7))}))
    assert {name: entry.bytes for name, entry in open_tensors(path).entries.items()} == {"a": 30, "b": 56}
