"""Reads a kernel from a file of any supported format, recognised by its first bytes and extension, within limits."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from ..errors import FileError, ImconvError, KernelError, LimitError
from ..geometry.sizes import MAX_SIDE
from ..units import human_bytes
from .rotations import only
from .text import note_on, parse_all
from .tokens import place
from .weights import MAX_TAPS, KernelWeights

LARGEST_FILE = 128 << 20  # bytes: MAX_TAPS weights of 32 characters each
LARGEST_EXACT_PICTURE = 1 << 16  # pixels; weights of larger pictures are float64 instead of exact fractions of the sum

TEXTS = (".txt", ".csv", ".kernel")
MATRICES = (".mat", ".con")
JSON = (".json",)
ARRAYS = (".npy",)
PICTURES = (".png", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".pbm", ".pam", ".bmp", ".gif", ".jpg", ".jpeg", ".webp", ".pfm",
            ".avif", ".jp2", ".j2k", ".jxl", ".heic", ".heif", ".exr")  # fmt: skip
EXTENSIONS = (*TEXTS, *MATRICES, *JSON, *ARRAYS, *PICTURES)

_NPY = b"\x93NUMPY"
_LOOKED_AT = 512  # bytes of a file that say what it is


def load(path) -> KernelWeights:
    """Read a kernel from a file; formats and errors are those of `Kernel.load`."""
    return only(load_all(path), place(os.fsdecode(path)))


def load_all(path, tell: Callable[[str], None] | None = None) -> list[KernelWeights]:
    """Read a kernel, or several that are its rotations, from a file; `tell` takes the remark of `text.note_on`, if there is one."""
    path = os.fsdecode(path)
    where, extension = place(path), os.path.splitext(path)[1].lower()
    start = b""
    try:
        with open(path, "rb") as file:
            start = file.peek(_LOOKED_AT)[:_LOOKED_AT]
            if start.startswith(_NPY) or extension in ARRAYS:
                return [read_array(file)]
            if extension in PICTURES or (extension not in EXTENSIONS and _is_picture(start)):
                return [_read_picture(file, where)]
            text = _text(start if b"\0" in start else file.read(LARGEST_FILE + 1))
    except FileNotFoundError:
        raise FileError(f"{where}: no such file") from None
    except IsADirectoryError:
        raise FileError(f"{where}: a folder, not a kernel file") from None
    except KernelError as error:
        raise _foreign(start, where) or KernelError(f"{where}: {error}") from None
    except ImconvError:
        raise
    except (OSError, ValueError) as error:
        raise FileError(f"{where}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        if extension in JSON:
            from .json_form import read

            return [read(text, filename=path)]
        kernels = parse_all(text, filename=path, matrix=extension in MATRICES)
    except KernelError as error:
        raise _foreign(start, where) or error from None
    if (
        tell is not None
        and extension not in (*MATRICES, ".csv")
        and (note := note_on(kernels[0], text, anywhere=False))
    ):
        tell(f"{where}: {note}")
    return kernels


def _is_picture(start: bytes) -> bool:
    from ..files.formats import sniff

    return sniff(start[:32]) is not None


def _foreign(start: bytes, where: str) -> FileError | None:
    """The error for a file that is known to be something else, by its first bytes."""
    from ..files.foreign import recognized

    found = recognized(start)
    return None if found is None else FileError(f"{where}: {found}")


def _text(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise KernelError(f"larger than the {human_bytes(LARGEST_FILE)} a kernel file may have")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise KernelError("UTF-16 text; save it as UTF-8")
    if b"\0" in data:
        raise KernelError("not a text file (it holds NUL bytes); expected a kernel as text, .npy or a picture")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        begin = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[begin : error.start].decode("utf-8")) + 1
        byte = f"byte 0x{data[error.start]:02x}"
        raise KernelError(f"line {line}, column {column}: read {byte}, expected UTF-8 text") from None


def read_array(file) -> KernelWeights:
    """Read the weights of a .npy file: a 2-D array of real numbers. Its header is checked before memory is allocated."""
    form = np.lib.format
    readers = {
        (1, 0): form.read_array_header_1_0,
        (2, 0): form.read_array_header_2_0,
    }  # 3.0 only adds names beyond Latin-1
    try:
        version = form.read_magic(file)
        shape, by_columns, dtype = readers[version](file) if version in readers else ((), False, np.dtype(bool))
    except Exception:
        raise KernelError("not a .npy file, or its header is damaged") from None
    if version not in readers:
        raise KernelError("expected a .npy file of version 1.0 or 2.0")
    if dtype.hasobject or dtype.kind not in "biuf":
        raise KernelError(f"holds {'Python objects' if dtype.hasobject else dtype}, expected real numbers")
    if len(shape) != 2:
        raise KernelError(f"an array of shape {shape}, expected rows and columns")
    if not (0 < max(shape) <= MAX_SIDE and 0 < shape[0] * shape[1] <= MAX_TAPS and min(shape) > 0):
        limits = f"1 to {MAX_SIDE} on a side and at most {MAX_TAPS} weights"
        raise KernelError(f"an array of {shape[0]} x {shape[1]}, expected {limits}")
    needed = shape[0] * shape[1] * dtype.itemsize
    data = file.read(needed)
    if len(data) < needed:
        raise KernelError(f"ends before all {shape[0]} x {shape[1]} weights")
    return KernelWeights(np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C"))


def _read_picture(file, where: str) -> KernelWeights:
    """Read a picture's grey levels as weights, scaled so that they sum to 1."""
    from ..files import read

    try:
        pixels = read(file, max_pixels=MAX_TAPS, auto_orient=True, name=where).in_full_range().pixels
    except LimitError:
        raise KernelError(f"too large a picture for a kernel, which has at most {MAX_TAPS} weights") from None
    if pixels.ndim == 3:
        pixels = _grey(pixels)
    if max(pixels.shape) > MAX_SIDE:
        raise KernelError(f"{pixels.shape[1]} x {pixels.shape[0]} pixels, expected at most {MAX_SIDE} on a side")
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8)
    if pixels.dtype.kind in "iu" and pixels.size > LARGEST_EXACT_PICTURE and pixels.any():
        return KernelWeights(pixels / pixels.sum(dtype=np.float64))
    return KernelWeights(pixels).normalized()


def _grey(pixels: np.ndarray) -> np.ndarray:
    """The grey levels of a picture with several channels; KernelError if colours differ or a pixel is transparent."""
    channels = pixels.shape[2]
    if channels in (2, 4):
        opaque = {"b": True, "f": 1.0}.get(pixels.dtype.kind) or np.iinfo(pixels.dtype).max
        if np.any(pixels[:, :, -1] != opaque):
            raise KernelError("partly transparent; a kernel's weights are the grey levels of an opaque picture")
        pixels = pixels[:, :, :-1]
    if np.any(pixels != pixels[:, :, :1]):
        raise KernelError("a coloured picture; a kernel has one weight for each pixel: convert it to grey first")
    return pixels[:, :, 0]
