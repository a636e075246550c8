"""A runner for the command line in this process, and small pictures of every kind in a folder that is the current one."""

import io
import os
import re
import shutil
import struct
import sys
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from imconv.cli import run


@dataclass(frozen=True)
class Result:
    """What a command gave: exit status, the bytes of standard output, the text of standard error."""

    code: int
    out: bytes
    err: str


@pytest.fixture
def imconv(monkeypatch):
    """`imconv("blur", "in.png", "out.png", "--sigma", 2)` runs the command line and returns a Result."""

    def call(*args, stdin=b"") -> Result:
        streams = {"stdin": io.BytesIO(stdin), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
        with monkeypatch.context() as patch:
            for name, buffer in streams.items():
                patch.setattr(sys, name, io.TextIOWrapper(buffer, encoding="utf-8", write_through=True))
            code = run([str(arg) for arg in args])
            for name in ("stdout", "stderr"):
                getattr(sys, name).flush()
                getattr(sys, name).detach()
        # whichever test comes first sees loops compiled: tests/jit/test_compiling.py looks at what is said then
        err = re.sub(r"(?m)^imconv: compiling .* for later runs\n", "", streams["stderr"].getvalue().decode())
        return Result(code, streams["stdout"].getvalue(), err)

    return call


@pytest.fixture
def succeeds(imconv):
    """As `imconv`, for commands that have to end with status 0 and, unless `notes`, say nothing."""

    def call(*args, stdin=b"", notes=False) -> Result:
        result = imconv(*args, stdin=stdin)
        assert result.code == 0, result.err
        assert notes or result.err == ""
        return result

    return call


@pytest.fixture
def refuses(imconv):
    """`refuses(words, *command)`: it ends with status 2 (or `code`), writes no file, and says these words on standard error.

    There, `lines` lines are written, if it is given.
    """

    def call(words: str, *args, code=2, lines=None, stdin=b"") -> None:
        before = sorted(os.listdir())
        result = imconv(*args, stdin=stdin)
        assert (result.code, result.out) == (code, b""), result.err
        assert words in result.err
        assert lines in (None, result.err.count("\n"))
        assert sorted(os.listdir()) == before

    return call


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of small pictures: 30 columns, 24 rows, smooth areas and hard edges."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(20)
    rows, columns = np.mgrid[:24, :30]
    scene = np.stack([rows * 9, columns * 8, (rows + columns) * 4], axis=2) + random.integers(0, 40, (24, 30, 3))
    scene[8:16, 10:20] = random.integers(0, 2, (8, 10, 3)) * 255
    scene = np.clip(scene, 0, 255).astype(np.uint8)
    alpha = np.clip(columns * 12 - 40, 0, 255).astype(np.uint8)
    alpha[14:20, 20:28] = 0
    Image.fromarray(scene).save(folder / "rgb.png")
    Image.fromarray(scene[..., 0]).save(folder / "grey.png")
    Image.fromarray(np.dstack([scene, alpha])).save(folder / "rgba.png")
    Image.fromarray(scene[..., 1].astype(np.uint16) * 257 + rows.astype(np.uint16)).save(folder / "grey16.png")
    Image.fromarray(scene).quantize(16).save(folder / "palette.gif")
    Image.frombytes("CMYK", (30, 24), np.dstack([scene, alpha]).tobytes()).save(folder / "cmyk.jpg", quality=95)
    Image.fromarray((scene[..., 2] / 255).astype(np.float32)).save(folder / "float.tif")
    Image.fromarray(scene).save(folder / "rgb.jpg", quality=90)
    (folder / "rgb16.png").write_bytes(png_16_bit_rgb(scene))
    return folder


def png_16_bit_rgb(scene) -> bytes:
    """A PNG that Pillow would reduce to 8 bits, made by hand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = scene.shape
    lines = b"".join(b"\0" + (row.astype(">u2") * 257 + 1).astype(">u2").tobytes() for row in scene)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.fixture
def folder(pictures, tmp_path, monkeypatch):
    """A folder of this test's own, with a copy of every picture; it is the current folder."""
    here = tmp_path / "here"
    shutil.copytree(pictures, here)
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def load():
    """The pixels of a picture, by Pillow: from a path or from bytes."""

    def pixels(source):
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return np.array(image)

    return pixels
