"""Filters of every kind over pictures of some types: prints a checksum for each, and where their loops came from.

python -m tests.jit.many_filters uint8 float32
"""

import hashlib
import io
import json
import os
import sys

import numpy as np
from PIL import Image

import imconv
from imconv import jit
from imconv.files.png import effort
from imconv.filters.apply import apply
from imconv.net import matrix
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import make_footprint

ROWS, COLUMNS = 60, 300
DENSE = imconv.Kernel([[1, 2, 4], [2, 1, 8], [1, 0, 3]]).normalized()  # no two rows alike
LAYER = np.random.default_rng(5).standard_normal((70, 4, 3, 3))  # panels of both widths
WIDE = {"u": 31, "f": 101}  # boxes that are summed as boxes
FILES = 4
FILTERS = {  # with the types worth compiling loops for: every loop, and every type of samples
    "dense": (lambda grey, rgba: imconv.correlate(grey, DENSE), "uint8 float32"),
    "dense, weighted by alpha": (lambda grey, rgba: imconv.correlate(rgba, DENSE, has_alpha=True), "uint8 float64"),
    "separable": (lambda grey, rgba: imconv.gaussian_blur(grey, 1.5), "uint16 float64"),
    "decimated": (lambda grey, rgba: imconv.gaussian_blur(grey, 30), "uint8 float32"),
    "box": (lambda grey, rgba: imconv.box_blur(grey, 3), "uint8"),
    "wide box": (lambda grey, rgba: imconv.box_blur(grey, WIDE[grey.dtype.kind]), "uint8 float32"),
    "magnitude": (lambda grey, rgba: imconv.edges(grey), "uint8 float64"),
    "layer": (lambda grey, rgba: imconv.layer(rgba, LAYER, padding=1), "float64"),
    "layer with GELU": (lambda grey, rgba: imconv.layer(rgba, LAYER, activation="gelu"), "float32"),
    "fully connected": (lambda grey, rgba: matrix.multiply(grey, grey[0], None, 1), "float32"),
    "layer, each channel alone": (lambda grey, rgba: imconv.layer(rgba, LAYER[:4, :1], groups=4), "float32"),
    "median 3": (lambda grey, rgba: imconv.median(grey, 3), "uint8 float32"),
    "median 5": (lambda grey, rgba: imconv.median(grey, 5), "uint8"),
    "median 31": (lambda grey, rgba: imconv.median(grey, 31), "uint8 uint16"),
    "median 7": (lambda grey, rgba: apply(RankFilter(make_footprint(7), 50.0, algorithm="network"), grey), "uint8"),
    "median, plus": (lambda grey, rgba: imconv.median(grey, 3, shape="plus"), "uint8"),
    "minimum 3": (lambda grey, rgba: imconv.minimum(grey, 3), "uint8"),
    "maximum 15": (lambda grey, rgba: imconv.maximum(grey, 15), "uint8"),
    "maximum, disk": (lambda grey, rgba: imconv.maximum(grey, 9, shape="disk"), "uint8"),
    "largest": (lambda grey, rgba: imconv.pool(grey, "max", 3), "uint8"),
    "means": (lambda grey, rgba: imconv.pool(grey, "avg", 3), "uint8 float32"),
    "bilateral": (lambda grey, rgba: imconv.bilateral(grey, 1, 0.2 if grey.dtype.kind == "f" else 50), "uint8 float64"),
    "deviation": (lambda grey, rgba: imconv.local_deviation(grey, 5), "uint8 float32"),
    "detail": (lambda grey, rgba: imconv.unsharp_mask(grey, 1.5, 1.5, threshold=0.05), "uint8 float64"),
    "detail, weighted by alpha": (
        lambda grey, rgba: imconv.unsharp_mask(rgba, 1.5, 1.5, threshold=0.05, has_alpha=True), "float32",
    ),
}  # fmt: skip


def filters_of(kind: str) -> dict:
    """The filters for pictures of a type."""
    return {name: apply for name, (apply, kinds) in FILTERS.items() if kind in kinds.split()}


def picture(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Noise over a type's whole range; where there are channels, alpha is 0 in a part."""
    random, dtype = np.random.default_rng(17), np.dtype(kind)
    if dtype.kind == "u":
        array = random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    else:
        array = random.random(shape).astype(dtype)
    if len(shape) == 3:
        array[20:50, 20:60, -1] = 0
    return array


def files() -> dict[str, bytes]:
    """PNG files read and written, and a JPEG file read whose codes are followed: the loops that need no filter."""
    grey = picture("uint8", (ROWS, COLUMNS))
    colours = Image.fromarray(picture("uint8", (ROWS, COLUMNS, 3))[..., :3])
    kinds = {"grey": (Image.fromarray(grey), {}), "palette": (colours.quantize(16), {})}
    kinds["transparent colour"] = (colours, {"transparency": (1, 2, 3)})
    results = {}
    effort.SMALL = 0  # else only large pictures are packed by a loop
    for name, (image, options) in kinds.items():
        stream = io.BytesIO()
        image.save(stream, "PNG", **options)
        stream.seek(0)
        read = imconv.read(stream)
        written = io.BytesIO()
        imconv.write(written, read, format="PNG")
        results[name] = read.pixels.tobytes() + written.getvalue()
    stream = io.BytesIO()
    colours.convert("CMYK").save(stream, "JPEG")
    stream.seek(0)
    results["JPEG"] = imconv.read(stream).pixels.tobytes()
    return results


def main(kinds: list[str]) -> None:
    if "NUMBA_CACHE_DIR" in os.environ and jit.in_process_only():
        from imconv.jit import numba_loops

        numba_loops.OPTIONS["cache"] = True  # Numba keeps what it has compiled, as it compiled it
    found = files() if "uint8" in kinds else {}
    checksums = {f"uint8, {name} file": hashlib.sha256(data).hexdigest() for name, data in found.items()}
    for kind in kinds:
        grey, rgba = picture(kind, (ROWS, COLUMNS)), picture(kind, (ROWS, COLUMNS // 3, 4))
        for name, filtered in filters_of(kind).items():
            result = filtered(grey, rgba)
            assert result.dtype == grey.dtype
            assert np.ptp(result) > 0
            checksums[f"{kind}, {name}"] = hashlib.sha256(result.tobytes()).hexdigest()
    print(json.dumps({"checksums": checksums, "origins": jit.origins}))


if __name__ == "__main__":
    main(sys.argv[1:])
