"""The pictures of README's chapter on what a network sees are what the script makes."""

import importlib.util
import re
from pathlib import Path

import numpy as np

import imconv

ROOT = Path(__file__).parents[2]


def test_pictures_are_the_scripts(tmp_path):
    spec = importlib.util.spec_from_file_location("networks", ROOT / "examples" / "networks.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in script.FOLDER.iterdir()}
    for path in tmp_path.iterdir():
        kept, made = imconv.read(script.FOLDER / path.name).pixels, imconv.read(path).pixels
        assert np.abs(kept.astype(int) - made).max() <= 1  # float sums of another processor


def test_readme_shows_them():
    shown = re.findall(r"examples/networks/(\w+)\.png", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(path.stem for path in (ROOT / "examples" / "networks").glob("*.png"))
