"""No image-sized temporaries: what a blur of a 12-megapixel picture takes beyond the picture and the result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 8e6  # bytes; a float32 copy of the grey picture would be 48e6

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

pytestmark = pytest.mark.skipif(
    not RESET.exists() or "VmHWM" not in STATUS.read_text(), reason="needs Linux's peak resident memory"
)

# One process measures everything: a small picture first, so that compiling and the threads' own memory don't count.
SCRIPT = """
import json, sys
import numpy as np
import imconv

WEIGHTS = np.random.default_rng(0).random((15, 15)) / 225
FILTERS = {
    "sigma 2": lambda image: imconv.gaussian_blur(image, 2, threads=2),
    "sigma 10": lambda image: imconv.gaussian_blur(image, 10, threads=2),
    "box 101": lambda image: imconv.box_blur(image, 101, threads=2),
    "dense 15x15": lambda image: imconv.correlate(image, WEIGHTS, threads=2),
    "edges": lambda image: imconv.edges(image, threads=2),
    "a temporary": lambda image: image.astype(np.float32).astype(np.uint8),  # shows that one would be seen
}

def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

def picture(rows, columns, channels):
    shape = (rows, columns) if channels == 1 else (rows, columns, channels)
    image = np.empty(shape, np.uint8)
    image.reshape(-1)[:] = np.arange(image.size, dtype=np.uint8)
    return image

extra = {}
for channels in (1, 3):
    small, image = picture(300, 400, channels), picture(3000, 4000, channels)
    for name, blur in FILTERS.items():
        blur(small)
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")
        before = resident("VmRSS:")
        result = blur(image)
        extra[f"{'RGB' if channels == 3 else 'grey'}, {name}"] = resident("VmHWM:") - before - result.nbytes
        del result
json.dump(extra, sys.stdout)
"""


@pytest.fixture(scope="module")
def extra() -> dict[str, int]:
    """Bytes beyond picture and result, for each picture and filter."""
    # arrays come from the system and go back there, so that none is hidden in what was freed before
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if "clear_refs" in done.stderr:
        pytest.skip("this system does not reset peak memory")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("channels", ["grey", "RGB"])
@pytest.mark.parametrize("work", ["sigma 2", "sigma 10", "box 101", "dense 15x15", "edges"])
def test_a_blur_makes_no_temporary_picture(extra, channels, work):
    assert extra[f"{channels}, {work}"] < LIMIT


def test_a_temporary_picture_would_be_seen(extra):
    assert extra["grey, a temporary"] > 0.9 * 4 * 12e6
    assert extra["RGB, a temporary"] > 0.9 * 4 * 36e6
