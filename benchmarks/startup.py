"""Whole processes, in turns: how long a person waits for a small picture, and for help."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

import imconv
from imconv import jit

from . import machine
from .report import machine_lines
from .session import FORMAT

ROUNDS = 20
COLD_ROUNDS = 3  # each compiles
PICTURE = Path(__file__).parents[1] / "examples" / "astronaut.png"  # 512 x 512, RGB
LOOPS = r"^(separable\.correlate_separable-u1-f4-u1|scanline\.(un)?filter_rows|deflate\.pack_runs)$"  # what `blur --sigma 2` of it needs
CALLS = 2000

SCRIPTS = {
    "Pillow script": """
import sys
from PIL import Image, ImageFilter
picture = Image.open(sys.argv[1])
picture.filter(ImageFilter.GaussianBlur(2)).save(sys.argv[2])
""",
    "OpenCV script": """
import sys, cv2
picture = cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED)
cv2.imwrite(sys.argv[2], cv2.GaussianBlur(picture, (17, 17), 2))
""",
}
PROGRAMS = {  # only what is installed is run
    "ImageMagick": ["convert", "{in}", "-gaussian-blur", "0x2", "{out}"],
    "GraphicsMagick": ["gm", "convert", "{in}", "-gaussian", "0x2", "{out}"],
    "vips": ["vips", "gaussblur", "{in}", "{out}", "2"],
}


def run(rounds: int = ROUNDS) -> dict:
    """The record of `python -m benchmarks startup`: seconds of every process, and of a loop's call."""
    with tempfile.TemporaryDirectory() as folder:
        runs = _runs(Path(folder))
        for command, environment in runs.values():
            _seconds(command, environment)  # caches of files and of bytecode
        samples: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, (command, environment) in runs.items():
                samples[name].append(_seconds(command, environment))
        samples |= _first_runs(Path(folder))
    return {
        "format": FORMAT,
        "kind": "startup",
        "machine": machine.describe(),
        "samples": samples,
        "call": measure_call(),
    }


def _runs(folder: Path) -> dict[str, tuple[list[str], dict]]:
    """Names, commands and environments of what is run in turns."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ours = [sys.executable, "-P", "-c", "from imconv.cli import main; main()"]
    output = str(folder / "out.png")
    package = Path(imconv.__file__).parents[1]
    kept = {**environment, "PYTHONPATH": str(package), "XDG_CACHE_HOME": str(folder / "kept")}
    blur = [*ours, "blur", str(PICTURE), output, "--sigma", "2"]
    runs = {
        "python -c pass": ([sys.executable, "-c", "pass"], environment),
        "imconv --help": ([*ours, "--help"], kept),
        "imconv --version": ([*ours, "--version"], kept),
        "imconv blur, loops kept": (blur, kept),
    }
    for name, script in SCRIPTS.items():
        path = folder / f"{name}.py"
        path.write_text(script)
        runs[name] = ([sys.executable, str(path), str(PICTURE), output], environment)
    for name, words in PROGRAMS.items():
        if shutil.which(words[0]):
            runs[name] = ([word.replace("{in}", str(PICTURE)).replace("{out}", output) for word in words], environment)
    return {name: what for name, what in runs.items() if name != "OpenCV script" or has("cv2")}


def _first_runs(folder: Path) -> dict[str, list[float]]:
    """Seconds of first runs: of a copy that carries the loop, and of one that compiles it."""
    package = folder / "package"
    shutil.copytree(
        Path(imconv.__file__).parent, package / "imconv", ignore=shutil.ignore_patterns("__pycache__", "shipped")
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(package)
    blur = [
        sys.executable,
        "-P",
        "-c",
        "from imconv.cli import main; main()",
        "blur",
        str(PICTURE),
        str(folder / "out.png"),
    ]
    samples: dict[str, list[float]] = {}
    for name, count in (
        ("imconv blur, first run from source", COLD_ROUNDS),
        ("imconv blur, first run from a wheel", ROUNDS),
    ):
        if "wheel" in name:
            ship = [
                sys.executable,
                "-P",
                "-m",
                "imconv.compiler.ship",
                str(package / "imconv" / "jit" / "shipped"),
                LOOPS,
            ]
            subprocess.run(ship, env=environment, check=True)
        for number in range(count + 1):
            empty = {**environment, "XDG_CACHE_HOME": str(folder / f"{name} {number}")}
            samples.setdefault(name, []).append(_seconds([*blur, "--sigma", "2", "--quiet"], empty))
        del samples[name][0]  # made the bytecode
    return samples


def measure_call() -> dict:
    """Seconds of a loop's call with arrays of one vector: through `jit`, and of the bare function on a ready block."""
    line = np.zeros((1, 64), np.float32)
    pixels = np.zeros((1, 64), np.uint8)
    values = (line, 1.0, pixels, 0, 1.0, 0.0, 255.0, pixels.copy())
    call = jit.loop("unsharp.add_detail").bound(*values[1:])
    words, codes = jit.signature.flatten(call._loop.arguments, values)
    function, block = call._loop.function(tuple(codes)), jit.signature.block(call._loop.arguments).pack(*words)
    return {"jit": _each(lambda: call(line)), "bare": _each(lambda: function(block))}


def _each(call) -> float:
    """Seconds of one call, the fastest of several batches."""
    best = float("inf")
    for _ in range(10):
        start = perf_counter()
        for _ in range(CALLS // 10):
            call()
        best = min(best, (perf_counter() - start) / (CALLS // 10))
    return best


def text_report(record: dict) -> str:
    """The record as lines of text."""
    lines = [*machine_lines(record["machine"]), "", "whole processes, 512 x 512 RGB PNG, sigma 2; median milliseconds"]
    medians = {name: 1000 * statistics.median(samples) for name, samples in record["samples"].items()}
    pillow = medians["Pillow script"]
    for name, milliseconds in medians.items():
        lines.append(f"{name:<40}{milliseconds:8.0f}   {milliseconds / pillow:5.2f} of the Pillow script")
    call = record["call"]
    lines.append("")
    lines.append(f"a loop's call: {1e6 * call['jit']:.1f} microseconds, of the bare function {1e6 * call['bare']:.1f}")
    return "\n".join(lines)


def _seconds(command: list[str], environment: dict) -> float:
    start = perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-300:]}")
    return seconds


def has(module: str) -> bool:
    """Whether a module is installed."""
    from importlib.util import find_spec

    return find_spec(module) is not None
