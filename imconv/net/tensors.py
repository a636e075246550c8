"""Reads files of named tensors: safetensors, .npz and .npy.

The header is checked against the file before memory is allocated; nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mmap import mmap

import numpy as np

from ..errors import FileError, LimitError, nearest
from ..files.plain.npy import array_header
from ..files.plain.npz import opened

EXTENSIONS = (".npy", ".npz", ".safetensors")
MAX_HEADER = 4 << 20  # bytes, for some 40,000 tensors; the format allows 100 MB, which would take gigabytes of memory
MAX_DIMENSIONS = 32
MAPPED = 1 << 18  # bytes; memory of larger tensors is mapped, so that it returns to the system when they are dropped
MAX_INFLATION = 1032  # deflate's largest ratio
# names of types (https://huggingface.co/docs/safetensors); bfloat16 is the upper half of a float32
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
}  # fmt: skip
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin")


@dataclass(frozen=True)
class Entry:
    """A tensor that is not read yet; `type` is NumPy's name, or "bfloat16"."""

    shape: tuple[int, ...]
    type: str
    read: Callable[[], np.ndarray]

    @property
    def bytes(self) -> int:
        """Bytes of its values as they are stored."""
        return math.prod(self.shape) * (2 if self.type == "bfloat16" else np.dtype(self.type).itemsize)


class Tensors(Mapping):
    """The tensors of a file by name, as a mapping; each is read on access, bfloat16 as float32.

    `entries` has their shapes and types, without reading them.

    >>> import numpy, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.npy")
    >>> numpy.save(path, numpy.ones((2, 1, 3, 3)))
    >>> tensors = open_tensors(path)
    >>> list(tensors), tensors.entries[""].shape
    ([''], (2, 1, 3, 3))
    """

    def __init__(self, path: str, entries: dict[str, Entry]):
        self.path, self.entries = path, entries

    def __getitem__(self, name: str) -> np.ndarray:
        return self.entries[name].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def tensor(self, name: str) -> np.ndarray:
        """Read the tensor of that name; FileError, which proposes the nearest name, if there is none."""
        if name not in self.entries:
            raise FileError(f"{self.path}: holds no tensor {name!r}{nearest(name, self.entries)}")
        return self.entries[name].read()


def open_tensors(path) -> Tensors:
    """Open a .safetensors, .npz or .npy file; see `imconv.net.open_tensors`."""
    path = os.fsdecode(path)
    if path.lower().endswith(PICKLED):
        raise FileError(
            f"{path}: pickled weights can run any program, and are not read; convert them where you trust them: "
            "safetensors.torch.save_file(torch.load(path, weights_only=True), 'weights.safetensors')"
        )
    read = {".npy": _open_npy, ".npz": _open_npz, ".safetensors": _open_safetensors}.get(
        os.path.splitext(path)[1].lower()
    )
    if read is None:
        raise FileError(f"{path}: not a file of tensors; give .safetensors, .npz or .npy")
    try:
        return Tensors(path, read(path))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        if isinstance(error, (FileError, LimitError)):
            raise
        if isinstance(error, FileNotFoundError):
            raise FileError(f"{path}: no such file; check the name") from None
        raise FileError(f"{path}: {getattr(error, 'strerror', None) or error or 'damaged'}") from None


def _open_safetensors(path: str) -> dict[str, Entry]:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= size - 8:
            raise ValueError("damaged, or no safetensors file: it ends before its header does")
        if length > MAX_HEADER:
            raise LimitError(f"{path}: a header of {length} bytes, more than the {MAX_HEADER} that imconv reads")
        text = file.read(length)
    header = _parse_header(text)
    entries, spans = {}, []
    for name, fields in header.items():
        if name == "__metadata__":
            if fields is not None and not (
                isinstance(fields, dict) and all(isinstance(v, str) for v in fields.values())
            ):
                raise ValueError("damaged: __metadata__ is no object of texts")
            continue
        type_name, shape, begin, end = _checked(name, fields)
        if type_name not in _TYPES:
            raise FileError(f"{path}: tensor {name!r} has type {type_name!r:.40}; imconv reads {', '.join(_TYPES)}")
        needed = math.prod(shape) * np.dtype(_TYPES[type_name]).itemsize
        if end - begin != needed or end > size - 8 - length:
            raise ValueError(
                f"damaged: tensor {name!r} of shape {shape} needs {needed} bytes, its place is {begin} to {end}"
            )
        spans.append((begin, end))
        entries[name] = _safetensor(path, type_name, shape, 8 + length + begin, needed)
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise ValueError("damaged: its tensors overlap, or leave room between them")
        at = end
    if at != size - 8 - length:
        raise ValueError(f"damaged: {size - 8 - length - at} bytes behind the last tensor")
    return entries


def _parse_header(text: bytes) -> dict:
    def once(pairs: list) -> dict:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("damaged: a name twice in its header")
        return dict(pairs)

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=once)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("damaged, or no safetensors file: its header is no JSON") from None
    if not isinstance(header, dict):
        raise ValueError("damaged: its header is no object of tensors")
    return header


def _checked(name: str, fields) -> tuple[str, tuple[int, ...], int, int]:
    """A tensor's type, shape and place (begin, end) from its fields in the header; ValueError if they are wrong."""

    def wholes(values) -> bool:
        return isinstance(values, list) and all(type(n) is int and 0 <= n < 1 << 62 for n in values)

    if isinstance(fields, dict) and set(fields) == {"dtype", "shape", "data_offsets"}:
        type_name, shape, place = fields["dtype"], fields["shape"], fields["data_offsets"]
        good = (
            wholes(shape)
            and len(shape) <= MAX_DIMENSIONS
            and wholes(place)
            and len(place) == 2
            and place[0] <= place[1]
        )
        if good and isinstance(type_name, str):
            return type_name, tuple(shape), place[0], place[1]
    raise ValueError(f"damaged: what its header says of {name!r:.80} is no type, shape and place")


def _safetensor(path: str, type_name: str, shape: tuple[int, ...], place: int, size: int) -> Entry:
    def read() -> np.ndarray:
        try:
            with open(path, "rb") as file:
                file.seek(place)
                room = mmap(-1, size) if size > MAPPED else bytearray(size)
                read = file.readinto(room)
        except OSError as error:
            raise FileError(f"{path}: {error.strerror or error}") from None
        if read < size:
            raise FileError(f"{path}: has become shorter while it was read")
        values = np.frombuffer(room, _TYPES[type_name]).reshape(shape)
        if type_name == "BF16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values != 0 if type_name == "BOOL" else values.astype(values.dtype.newbyteorder("="), copy=False)

    return Entry(shape, {"BF16": "bfloat16", "BOOL": "bool"}.get(type_name) or np.dtype(_TYPES[type_name]).name, read)


def _open_npy(path: str) -> dict[str, Entry]:
    with open(path, "rb") as file:
        shape, dtype = _npy_header(file, os.fstat(file.fileno()).st_size)
    return {"": Entry(shape, dtype, lambda: _loaded(path, lambda: np.load(path, allow_pickle=False)))}


def _open_npz(path: str) -> dict[str, Entry]:
    size, entries = os.path.getsize(path), {}
    with open(path, "rb") as stream, opened(stream) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            if member.file_size > size * MAX_INFLATION:
                raise ValueError(f"damaged: {member.file_size} bytes cannot be in {size}")
            with archive.open(member) as file:
                shape, dtype = _npy_header(file, member.file_size)
            entries[member.filename.removesuffix(".npy")] = Entry(shape, dtype, _npz_reader(path, member.filename))
    if not entries:
        raise ValueError("a ZIP archive without arrays")
    return entries


def _npz_reader(path: str, member: str) -> Callable[[], np.ndarray]:
    def load() -> np.ndarray:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            values = np.lib.format.read_array(file, allow_pickle=False)
            if file.read(1):  # reading to the end checks the CRC
                raise ValueError("bytes behind the array")
            return values

    return lambda: _loaded(path, load)


def _loaded(path: str, load: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return load()
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, RuntimeError) as error:
        raise FileError(f"{path}: damaged: {error}") from None


def _npy_header(file, size: int) -> tuple[tuple[int, ...], str]:
    try:
        shape, _, dtype, length = array_header(file)
    except ValueError:
        raise ValueError("not a .npy file, or its header is damaged") from None
    if dtype.hasobject or dtype.kind not in "biuf":
        what = "Python objects, which are never unpickled" if dtype.hasobject else str(dtype)
        raise ValueError(f"holds {what}; store an array of numbers")
    if math.prod(shape) * dtype.itemsize > size - length:
        raise ValueError(f"damaged: an array of shape {shape} cannot be in {size} bytes")
    return shape, dtype.newbyteorder("=").name
