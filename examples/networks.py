"""Makes the pictures of the README's chapter "What does a network see?": `python examples/networks.py`."""

import sys
import tempfile
from pathlib import Path

import imconv
from imconv.cli import run

HERE = Path(__file__).parent
FOLDER = HERE / "networks"
DIGIT = HERE / "digits" / "5.png"
LAYERS = ("C1", "S2", "C3")
DIGIT_ZOOM = 6  # pixels for each of the digit's, along both sides


def make(folder: Path) -> int:
    """Write the digit, its maps layer by layer, and the parts that its class needs; return the number of pictures."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        maps = Path(place) / "maps"
        words = ["net", "maps", "lenet5", str(DIGIT), "--layers", ",".join(LAYERS), "--output-dir", str(maps)]
        if run([*words, "--occlusion", "top", "--scale", "all", "-q"]) != 0:
            sys.exit("imconv net maps failed")
        digit = imconv.read(DIGIT).pixels.repeat(DIGIT_ZOOM, axis=0).repeat(DIGIT_ZOOM, axis=1)
        sheets = {layer: imconv.read(maps / layer / "sheet.png").pixels for layer in LAYERS}
        pictures = {**sheets, "digit": digit, "occlusion": imconv.read(maps / "occlusion.png").pixels}
        for name, pixels in pictures.items():
            imconv.write(folder / f"{name}.png", pixels, compression=9)
        return len(pictures)


if __name__ == "__main__":
    print(f"imconv {imconv.__version__}: {make(FOLDER)} pictures into {FOLDER}")
