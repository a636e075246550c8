"""The gallery: its pictures are there, its commands work, and README shows what the script would write."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import imconv

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "gallery.py"


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_has_the_table(gallery):
    assert gallery.markdown() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pictures_are_there(gallery):
    assert {path.stem for path in gallery.FOLDER.glob("*.jpg")} == set(gallery.PICTURES)


def test_every_picture_is_what_its_command_gives(gallery, tmp_path):
    gallery.make(tmp_path)
    for name in gallery.PICTURES:
        kept, made = (imconv.read(folder / f"{name}.jpg").pixels for folder in (gallery.FOLDER, tmp_path))
        assert np.abs(kept.astype(int) - made).max() <= 8  # encoders differ a little
