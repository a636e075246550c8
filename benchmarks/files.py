"""Whole processes on files of 12 megapixels, in turns: read, blur with sigma 2, write. Time, memory, the files' sizes."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import imconv
from imconv import files

from . import machine
from .cases import Frame
from .photograph import photograph
from .report import aligned, machine_lines, number
from .session import FORMAT
from .startup import has

ROUNDS = 7
HUGE_ROUNDS = 3
QUALITY = 90
CLOSE = 2.0  # levels of 8 bits that rivals may be off on average: Pillow's Gaussian is three boxes, vips' has rounded weights
LARGE, HUGE = 20_000, 30_000  # pixels a side
STRIP = 1000  # rows of a huge picture, that are repeated
OURS = "imconv"

# a process of its own, since what starts a program counts as memory of that program: prints seconds and bytes
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start
if status:
    sys.exit(1)
print(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""

OPENCV = """
import sys, cv2
picture = cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED)
cv2.imwrite(sys.argv[2], cv2.GaussianBlur(picture, (17, 17), 2), [cv2.IMWRITE_JPEG_QUALITY, int(sys.argv[3])])
"""
PYVIPS = """
import sys, pyvips
options = {"Q": int(sys.argv[3])} if sys.argv[2].endswith(".jpg") else {}
picture = pyvips.Image.new_from_file(sys.argv[1], access="sequential")
picture.gaussblur(2).write_to_file(sys.argv[2], **options)
"""
PILLOW = """
import sys
from PIL import Image, ImageFilter
options = {"quality": int(sys.argv[3])} if sys.argv[2].endswith(".jpg") else {}
Image.open(sys.argv[1]).filter(ImageFilter.GaussianBlur(2)).save(sys.argv[2], **options)
"""
SCRIPTS = {"OpenCV script": ("cv2", OPENCV), "pyvips script": ("pyvips", PYVIPS), "Pillow script": ("PIL", PILLOW)}


@dataclass(frozen=True)
class Task:
    """One kind of file: how it is made, and who takes part beside imconv and vips."""

    title: str
    extension: str
    make: Callable[[Path], None]
    scripts: tuple[str, ...] = ()
    rounds: int | None = None


def run(rounds: int = ROUNDS, huge: bool = False, tell: Callable[[str], None] = lambda line: None) -> dict:
    """The record of `python -m benchmarks files`: seconds, peak memory and output size of every process."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for task in HUGE_TASKS if huge else TASKS:
            tell(task.title)
            results.append(_measure(task, Path(folder), min(rounds, task.rounds or rounds)))
    return {"format": FORMAT, "kind": "files", "machine": machine.describe(), "rounds": rounds, "results": results}


def _measure(task: Task, folder: Path, rounds: int) -> dict:
    source = folder / f"in{task.extension}"
    task.make(source)
    commands = _commands(task, source, folder)
    entries: dict[str, dict] = {}
    for name, (command, target) in commands.items():  # this warms caches of files and of bytecode, too
        _launch(command)
        entries[name] = {"bytes": target.stat().st_size, "samples": [], "memory": []}
        if name != OURS:
            entries[name]["difference"] = _difference(commands[OURS][1], target)
    for _ in range(rounds):
        for name, (command, _) in commands.items():
            seconds, memory = _launch(command)
            entries[name]["samples"].append(seconds)
            entries[name]["memory"].append(memory)
    size = source.stat().st_size
    for path in (source, *(target for _, target in commands.values())):
        path.unlink()
    return {"title": task.title, "bytes": size, "entries": entries}


def _commands(task: Task, source: Path, folder: Path) -> dict[str, tuple[list[str], Path]]:
    """What is run, by name, and where each writes. Only what is installed."""
    names = [OURS, *(name for name in task.scripts if has(SCRIPTS[name][0]))]
    if shutil.which("vips"):
        names.append("vips command")
    found = {}
    for count, name in enumerate(names):
        target = folder / f"out{count}{task.extension}"
        if name == OURS:
            command = [sys.executable, "-P", "-c", "from imconv.cli import main; main()", "blur", "--sigma", "2", "-q"]
            command += ["--quality", str(QUALITY)] if task.extension == ".jpg" else []
            command += [str(source), str(target)]
        elif name in SCRIPTS:
            script = folder / f"script{count}.py"
            script.write_text(SCRIPTS[name][1])
            command = [sys.executable, str(script), str(source), str(target), str(QUALITY)]
        else:
            options = f"[Q={QUALITY}]" if task.extension == ".jpg" else ""
            command = [shutil.which("vips") or "vips", "gaussblur", str(source), f"{target}{options}", "2"]
        found[name] = command, target
    return found


def _launch(command: list[str]) -> tuple[float, int]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if "imconv.cli" in " ".join(command):
        environment["PYTHONPATH"] = str(Path(imconv.__file__).parents[1])
    launcher = [sys.executable, "-S", "-E", "-c", LAUNCHER, *command]
    done = subprocess.run(launcher, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-300:]}")
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), int(memory)


def _difference(ours: Path, theirs: Path) -> float:
    """Mean difference in levels of 8 bits, inside the border, of which others have other ideas; ValueError if it is no
    rounding. Of huge pictures the first band is compared."""
    one, two = (_pixels(path) for path in (ours, theirs))
    if one.shape != two.shape or one.dtype != two.dtype:
        raise ValueError(f"{theirs.name} holds {two.shape} of {two.dtype}, imconv's {one.shape} of {one.dtype}")
    inside = slice(16, -16)
    levels = np.iinfo(one.dtype).max / 255
    mean = float(np.abs(one[inside, inside].astype(np.int32) - two[inside, inside]).mean() / levels)
    if mean > CLOSE:
        raise ValueError(f"{theirs.name} differs from imconv's by {mean:.2f} levels on average; that is another filter")
    return mean


def _pixels(path: Path) -> np.ndarray:
    header = files.inspect(path)
    if header.height < LARGE:
        return files.read(path).pixels
    from imconv.files.streams import reader

    with open(path, "rb") as file:
        bands = reader(header)(file, header, path.name)
        found = next(bands)
        bands.close()
    return found


def _photograph(channels: int, dtype: str = "uint8") -> np.ndarray:
    return photograph(Frame(3000, 4000, channels, dtype))


def _make_png(path: Path) -> None:
    files.write(path, _photograph(3))


def _make_jpeg(path: Path) -> None:
    files.write(path, _photograph(3), quality=QUALITY)


def _make_tiff(path: Path) -> None:
    files.write(path, _photograph(3, "uint16"), compression="none")


def _make_huge(side: int) -> Callable[[Path], None]:
    """A grey PNG, written in strips: the whole would need more memory than what is measured."""

    def make(path: Path) -> None:
        from imconv.files.picture import EncoderOptions, Page
        from imconv.files.streams import writer

        strip = photograph(Frame(STRIP, side))
        with open(path, "wb") as file:
            whole = Page(np.broadcast_to(strip[:1], (side, side)), "grey", files.Metadata())
            target = writer("PNG")(file, whole, EncoderOptions(), [])
            for _ in range(side // STRIP):
                target.write(strip)
            target.finish()

    return make


TASKS = [
    Task("12-megapixel RGB photograph, PNG to PNG", ".png", _make_png, tuple(SCRIPTS)),
    Task(f"12-megapixel RGB photograph, JPEG to JPEG of quality {QUALITY}", ".jpg", _make_jpeg, tuple(SCRIPTS)),
    Task("12-megapixel RGB photograph, 16-bit TIFF to TIFF", ".tif", _make_tiff),
]
HUGE_TASKS = [
    Task(f"grey photograph of {side} x {side}, PNG to PNG", ".png", _make_huge(side), rounds=HUGE_ROUNDS)
    for side in (LARGE, HUGE)
]


def text_report(record: dict) -> str:
    """The record as lines of text."""
    parts = ["\n".join(machine_lines(record["machine"]))]
    for result in record["results"]:
        table = [_HEAD, *_rows(result)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        parts.append("\n".join([result["title"], *(aligned(row, widths) for row in table)]))
    return "\n\n".join(parts)


def markdown_report(record: dict) -> str:
    """The same as one Markdown table."""
    own, where = machine_lines(record["machine"])
    rounds = len(record["results"][0]["entries"][OURS]["samples"])
    rows = [["files", *_HEAD], ["---", "---", *["---:"] * (len(_HEAD) - 1)]]
    for result in record["results"]:
        rows += [[result["title"], *row] for row in _rows(result)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return (
        f"{own}  \n{where}; medians of whole processes, {rounds} round{'s' * (rounds != 1)} in turns\n\n{table}\n\n"
        "- Each tool's own compression, but JPEG of the same quality; levels are the mean difference to imconv's picture."
    )


_HEAD = ["blur, sigma 2", "ms", "of imconv's", "peak memory, MB", "output, MB", "levels off"]


def _rows(result: dict) -> list[list[str]]:
    ours = statistics.median(result["entries"][OURS]["samples"])
    rows = []
    for name, entry in result["entries"].items():
        seconds, off = statistics.median(entry["samples"]), entry.get("difference")
        rows.append(
            [
                name,
                f"{1000 * seconds:.0f}",
                f"{number(seconds / ours)}x",
                number(max(entry["memory"]) / 1e6),
                number(entry["bytes"] / 1e6),
                "-" if off is None else f"{off:.2f}",
            ]
        )
    return rows
