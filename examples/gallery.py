"""Makes the README's gallery: `python examples/gallery.py` filters a part of the photograph with every command below.

`python examples/gallery.py --markdown` prints the README's table.
"""

import shlex
import sys
import tempfile
from pathlib import Path

import imconv
from imconv.cli import run

HERE = Path(__file__).parent
FOLDER = HERE / "gallery"
PART = "192x192+130+10"
COLUMNS = 4

# name of the picture: command, without its files
PICTURES = {
    "original": "apply -k identity",
    "blur": "blur --sigma 3",
    "box": "box --size 9",
    "motion": "motion --length 21 --angle 30 --linear",
    "disk": "disk --radius 5 --linear",
    "sharpen": "sharpen --amount 3",
    "unsharp": "unsharp --sigma 2 --amount 2",
    "emboss": "emboss --relief --channels luma",
    "edges": "edges --gain 3",
    "direction": "edges --show direction --gain 4",
    "kirsch": "edges --operator kirsch --show max --gain 5",
    "log": "edges --operator log --sigma 2 --gain 8",
    "dog": "edges --operator dog --sigma 1.5 --gain 4",
    "gabor": "gabor --wavelength 8 --orientation 45 --gain 2",
    "energy": "gabor --wavelength 8 --orientation 0 --energy --gain 6",
    "kernel": 'apply -k "1 0 -1; 2 0 -2; 1 0 -1" --range abs',
    "region": "blur --sigma 8 --region 80x60+50+60",
    "luma": "unsharp --sigma 4 --amount 3 --channels luma",
    "median": "median --size 7",
    "max": "max --size 7 --shape disk",
    "open": "open --size 9",
    "gradient": "gradient --size 3",
    "tophat": "tophat --size 9 --channels luma",
    "bilateral": "bilateral --sigma 4 --sigma-range 16%",
    "guided": "guided --radius 8 --threshold 14%",
    "deviation": "deviation --size 5",
    "contrast": "contrast --sigma 6",
    "chain": 'chain "blur --sigma 2 | sharpen --amount 4 | edges --gain 5"',
}


def make(folder: Path) -> None:
    """Write every picture into the folder."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        part = str(Path(place) / "part.png")
        _run("apply", str(HERE / "astronaut.png"), part, "-k", "identity", "--region", PART, "--crop")
        for name, command in PICTURES.items():
            words = shlex.split(command)
            steps = words[1:2] if words[0] == "chain" else []
            _run(words[0], *steps, part, str(folder / f"{name}.jpg"), *words[1 + len(steps) :], "--quality", "88")


def _run(*words: str) -> None:
    if run(list(words)) != 0:
        sys.exit(f"imconv {shlex.join(words)} failed")


def markdown() -> str:
    """The README's table: pictures above their commands."""
    names = list(PICTURES)
    lines = ["|" + " |" * COLUMNS, "|" + "---|" * COLUMNS]
    for start in range(0, len(names), COLUMNS):
        cells = [_cell(name) for name in names[start : start + COLUMNS]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str) -> str:
    command = PICTURES[name].replace("|", "\\|")
    text = "original" if name == "original" else f"`{command}`"
    return f"![{name}](examples/gallery/{name}.jpg)<br>{text}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--markdown"]:
        print(markdown())
    else:
        print(f"imconv {imconv.__version__}: {len(PICTURES)} pictures into {FOLDER}")
        make(FOLDER)
