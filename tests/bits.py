"""Some hundred results and their hashes, which are the same on every processor.

    python -m tests.bits            compare with the record, tests/bits.json
    python -m tests.bits PART ...   only results whose names contain one of these
    python -m tests.bits --write    make the record anew: only where results were changed on purpose

For other processors than the one at hand, let Numba compile for another one (NUMBA_CPU_NAME=x86-64 NUMBA_CPU_FEATURES=), or run
this under an emulator.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

import imconv
from imconv.filters.blur_kernels import gaussian_kernel
from imconv.pixels import elementary
from imconv.pixels.curves import CHARACTERISTICS, SRGB

RECORD = Path(__file__).with_name("bits.json")
SHAPE = (61, 83)
TYPES = ("uint8", "uint16", "float32", "float64")


def picture(name: str, channels: int = 0, shape=SHAPE) -> np.ndarray:
    """Samples from whole-number arithmetic alone, from dark on the left to bright on the right."""
    full = (*shape, channels) if channels else shape
    number = np.arange(np.prod(full), dtype=np.int64).reshape(full)
    grain = (number * 2654435761 >> 7) % 65521
    ramp = np.arange(shape[1], dtype=np.int64) * 40000 // shape[1]
    samples = (ramp[:, None] if channels else ramp) + grain * 25000 // 65521
    if name == "uint8":
        return (samples // 257).astype(np.uint8)
    return samples.astype(np.uint16) if name == "uint16" else (samples / 65535).astype(name)


def weights(rows: int, columns: int) -> np.ndarray:
    """Weights of both signs that are no fractions with a small denominator."""
    number = np.arange(rows * columns, dtype=np.int64).reshape(rows, columns)
    return ((number * 40503 >> 3) % 4093 - 1500) / (4093 * rows)


FILTERS: dict[str, Callable] = {
    **{f"gaussian {s}": lambda x, s=s: imconv.gaussian_blur(x, s) for s in (0.5, 1, 1.7, 2, 5, 11, 20)},
    "coarse gaussian": lambda x: imconv.gaussian_blur(x, 20, fast=True),
    "gaussian of two sigmas": lambda x: imconv.gaussian_blur(x, (3, 0.8), border="nearest", truncate=3),
    "box 3": lambda x: imconv.box_blur(x, 3),
    "box 4x9": lambda x: imconv.box_blur(x, (4, 9), border="wrap"),
    "box 31": lambda x: imconv.box_blur(x, 31),
    "sharpen": lambda x: imconv.sharpen(x, 1.3),
    "unsharp": lambda x: imconv.unsharp_mask(x, 1.5, 0.7),
    **{f"correlate {n}": lambda x, n=n: imconv.correlate(x, weights(n, n)) for n in (3, 5, 7, 15)},
    "low rank": lambda x: imconv.correlate(x, np.outer(weights(1, 21), weights(1, 19)) + np.eye(21, 19) / 21),
    "strided": lambda x: imconv.correlate(x, weights(5, 4), stride=(2, 3), border="mirror"),
    "dilated": lambda x: imconv.convolve(x, weights(3, 5), dilation=3, border="constant:0.25", dtype="float32"),
    "normalized": lambda x: imconv.gaussian_blur(x, 2.5, border="normalized"),
    "motion": lambda x: imconv.motion_blur(x, 9.5, 30),
    "disk": lambda x: imconv.disk_blur(x, 4.3),
    "emboss": lambda x: imconv.emboss(x, relief=True),
    "median": lambda x: imconv.median(x, 5),
    "rank": lambda x: imconv.rank(x, 30, 7),
    "bilateral": lambda x: imconv.bilateral(x, 2, 0.1 if x.dtype.kind == "f" else 20),
    "guided": lambda x: imconv.guided(x, 4, "10%"),
    "local deviation": lambda x: imconv.local_deviation(x, 5),
    "local contrast": lambda x: imconv.local_contrast(x, 3),
    "tophat": lambda x: imconv.tophat(x, 7),
    "edges sobel": lambda x: imconv.edges(x),
    "edges scharr direction": lambda x: imconv.edges(x, "scharr", "direction"),
    "edges gaussian direction": lambda x: imconv.edges(x, "gaussian", "direction", sigma=1.5),
    "edges farid x": lambda x: imconv.edges(x, "farid", "x"),
    "edges kirsch max": lambda x: imconv.edges(x, "kirsch", "max"),
    "log": lambda x: imconv.edges(x, "log", sigma=1.4),
    "dog": lambda x: imconv.edges(x, "dog", sigma=1.4),
    "steered": lambda x: imconv.edges(x, "gaussian", angle=25, sigma=1.5),
    "gabor": lambda x: imconv.gabor(x, 6, 30),
    "gabor energy": lambda x: imconv.gabor(x, 7.5, 110, energy=True),
    **{f"pool {op}": lambda x, op=op: imconv.pool(x, op, 3) for op in ("avg", "stdev", "l2", "median", "max")},
    "blur pool": lambda x: imconv.pool(x, "max", 2, antialias=3),
    "linear light": lambda x: imconv.gaussian_blur(imconv.Picture(x), 2, linear=True).pixels,
    "named": lambda x: imconv.correlate(x, imconv.Kernel.named("log:0x1.2")),
    "comet": lambda x: imconv.correlate(x, imconv.Kernel.named("comet:0x3")),
}  # fmt: skip


def cases() -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """The name of each result, and a function that computes it."""
    for kind in TYPES:
        for name, filter in FILTERS.items():
            yield f"{name}, {kind}", partial(filter, picture(kind))
        for name in ("gaussian 2", "box 31", "correlate 5", "median", "bilateral", "edges sobel", "guided"):
            yield f"{name}, {kind}, colour", partial(FILTERS[name], picture(kind, 3))
        for name in ("gaussian 2", "box 4x9", "correlate 7"):
            yield f"{name}, {kind}, alpha", partial(_with_alpha, FILTERS[name], picture(kind, 4))
    steps = np.arange(-4000, 4000)
    yield "exp", lambda: elementary.exp(steps / 37)
    yield "cosine and sine", lambda: np.array(elementary.cosine_and_sine(steps / 7))
    yield "power", lambda: elementary.power(np.abs(steps) / 997, 2.4)
    yield "degrees", lambda: elementary.degrees(steps / 7, steps[::-1] % 977 - 300)
    for code, (_, curve) in {**CHARACTERISTICS, -1: ("", SRGB)}.items():
        yield f"curve {code}", lambda curve=curve: np.array([curve.linear(steps / 4000), curve.encoded(steps / 4000)])
    for sigma in (0.3, 1, 2, 3.3, 20, 500):
        yield f"weights of sigma {sigma}", lambda sigma=sigma: gaussian_kernel((sigma, sigma)).factors()[0][0]
    kernels = weights(5 * 9, 3).reshape(5, 3, 3, 3)
    yield "layer", lambda: imconv.layer(picture("float32", 3), kernels, np.arange(5) / 7, activation="relu")


def _with_alpha(filter: Callable, samples: np.ndarray) -> np.ndarray:
    return filter(imconv.Picture(samples)).pixels


def hashes(parts: list[str] | None = None) -> dict[str, str]:
    """Name: hash of each result's type, shape and bits."""
    found = {}
    for name, compute in cases():
        if not parts or any(part in name for part in parts):
            x = compute()
            found[name] = hashlib.sha256(
                f"{x.dtype}{x.shape}".encode() + np.ascontiguousarray(x).tobytes()
            ).hexdigest()[:12]
    return found


def main() -> None:
    found = hashes([part for part in sys.argv[1:] if part != "--write"])
    if "--write" in sys.argv:
        RECORD.write_text(json.dumps(found, indent=0) + "\n")
    known = json.loads(RECORD.read_text())
    other = [name for name in found if found[name] != known.get(name)]
    print(f"{len(found) - len(other)} of {len(found)} results have the recorded bits", *other, sep="\n  ")
    sys.exit(bool(other))


if __name__ == "__main__":
    main()
