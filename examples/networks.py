"""Makes the pictures of the README's chapter "What does a network see?": `python examples/networks.py`."""

import sys
import tempfile
from pathlib import Path

import numpy as np

import imconv
from imconv.cli import run

HERE = Path(__file__).parent
FOLDER = HERE / "networks"
DIGIT = HERE / "digits" / "5.png"
LAYERS = ("C1", "S2", "C3")
ENLARGED = {"C1": 2, "S2": 2, "C3": 2, "digit": 6, "occlusion": 2}  # so many pixels for each, along both sides


def make(folder: Path) -> None:
    """Write the digit, its maps layer by layer, and the parts that its class needs."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        maps = Path(place) / "maps"
        words = ["net", "maps", "lenet5", str(DIGIT), "--layers", ",".join(LAYERS), "--output-dir", str(maps)]
        if run([*words, "--occlusion", "top", "--scale", "all", "-q"]) != 0:
            sys.exit("imconv net maps failed")
        sources = {layer: maps / layer / "sheet.png" for layer in LAYERS}
        for name, source in {**sources, "digit": DIGIT, "occlusion": maps / "occlusion.png"}.items():
            pixels = imconv.read(source).pixels
            larger = pixels.repeat(ENLARGED[name], axis=0).repeat(ENLARGED[name], axis=1)
            imconv.write(folder / f"{name}.png", np.ascontiguousarray(larger), compression=9)


if __name__ == "__main__":
    make(FOLDER)
    print(f"imconv {imconv.__version__}: {len(ENLARGED)} pictures into {FOLDER}")
