"""A format is one entry and its modules: they have what the entry promises, know no other folder, and are loaded late."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import imconv.files
from imconv.errors import FileError
from imconv.files import check_target, inspect, read, write
from imconv.files.formats import FORMATS
from imconv.files.picture import Picture
from tests.refused import refused

FILES = Path(imconv.files.__file__).parent
FOLDERS = {path.name for path in FILES.iterdir() if (path / "__init__.py").exists()}


def imported(path: Path) -> set[str]:
    """The modules of files/ that a source imports, within functions too: `png.chunks`, `header`."""
    found, inside = set(), path.relative_to(FILES.parents[1]).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return {name.removeprefix("imconv.files.") for name in found if name.startswith("imconv.files.")}


@pytest.mark.parametrize("path", sorted(FILES.rglob("*.py")), ids=lambda path: str(path.relative_to(FILES)))
def test_folders_of_formats_do_not_know_each_other(path):
    """Nor does what they share, at the root, know any of them: only entries name their modules."""
    own = {path.parent.name} - {FILES.name}
    assert {name.split(".")[0] for name in imported(path)} & FOLDERS <= own


def test_the_reader_of_imports_sees_what_there_is():
    assert {"by_pillow", "header.Header"} <= imported(FILES / "pillow" / "gif.py")
    assert "picture.Metadata" in imported(FILES / "png" / "encode.py")
    assert "chunks.SIGNATURE" not in imported(FILES / "png" / "encode.py")
    assert "png.chunks.SIGNATURE" in imported(FILES / "png" / "encode.py")


@pytest.mark.parametrize("name", FORMATS)
def test_modules_have_what_their_entry_promises(name):
    found = FORMATS[name]
    header, decoder = found.module("header"), found.module("decoder")
    encoder = found.module("encoder") if found.encoder else None
    assert hasattr(header, "read")
    assert hasattr(decoder, "bytes_needed")
    assert hasattr(decoder, "decode") or hasattr(decoder, "rows")
    assert hasattr(decoder, "rows") or not hasattr(decoder, "bytes_held")
    assert encoder is None or hasattr(encoder, "encode") or hasattr(encoder, "Writer")
    assert found.several == hasattr(encoder, "encode_pages")
    assert bool(found.holds) == (encoder is not None)
    assert bool(found.needs) == (found.extra is not None)
    assert {found.header, found.decoder, found.encoder} - {""} <= {
        ".".join(path.relative_to(FILES).with_suffix("").parts) for path in FILES.rglob("*/*.py")
    }


def test_no_other_module_asks_for_a_format_by_name():
    """The modules of a format may name it; what they share, at the root, asks its entry."""
    for path in FILES.glob("*.py"):
        if path.name == "formats.py":
            continue
        tree = ast.parse(path.read_text())
        compared = {
            constant.value
            for node in ast.walk(tree)
            for asked in (
                node.comparators if isinstance(node, ast.Compare) else node.keys if isinstance(node, ast.Dict) else []
            )
            for constant in ast.walk(asked or ast.Constant(None))
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
        }
        assert not compared & set(FORMATS), path.name


@pytest.mark.parametrize("name", [found.name for found in FORMATS.values() if found.needs])
def test_a_missing_package_is_one_line(monkeypatch, tmp_path, name):
    found = FORMATS[name]
    pixels = np.zeros((4, 5, 3), np.uint8 if ("rgb", "uint8") in found.holds else np.float32)
    path = tmp_path / f"a{found.extensions[0]}"
    words = (
        rf"a{found.extensions[0]}: {name} needs a package that is not installed; pip install 'imconv\[{found.extra}\]'$"
    )
    if found.encoder and not found.missing:
        write(path, pixels)
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    if path.exists():
        refused(FileError, words, read, path)
        assert inspect(path).width == 5
        path.unlink()
    if found.encoder:
        refused(FileError, words, write, path, pixels)
        refused(FileError, words, check_target, path, Picture(pixels))
        assert list(tmp_path.iterdir()) == []


def test_modules_are_loaded_when_they_are_wanted(astronaut):
    """The table alone loads no format; the header of a PNG file loads what reads it."""
    code = (
        "import sys, imconv.files.formats\n"
        f"folders = {sorted(FOLDERS)!r}\n"
        "def loaded():\n"
        "    names = [name.removeprefix('imconv.files.') for name in sys.modules if name.startswith('imconv.files.')]\n"
        "    return {name for name in names if name.split('.')[0] in (*folders, 'by_pillow')}\n"
        "assert not loaded(), loaded()\n"
        f"imconv.files.inspect({str(astronaut)!r})\n"
        "assert loaded() == {'png', 'png.chunks'}, loaded()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
