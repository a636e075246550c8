"""Results have the recorded bits, those of every other processor (tests/bits.py), and nothing else computes them."""

import ast
import json
from pathlib import Path

import imconv

from .bits import RECORD, hashes

# What numpy and the C library round otherwise on other processors, or sum in another order.
VARYING = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "power", "float_power", "cbrt", "hypot", "sin", "cos", "tan"),
    *("arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2", "erf", "gamma"),
    *("dot", "matmul", "inner", "tensordot", "einsum", "convolve", "correlate", "linalg", "fft"),
}  # fmt: skip
FOLDERS = ("composites", "engine", "filters", "geometry", "kernel", "pixels", "stages")
ALLOWED = {
    "filters/like.py": {"exp"},  # scipy's weights are numpy's on the same processor
    "kernel/plot.py": {"fft"},
    "kernel/weights.py": {
        "exp",
        "linalg",
        "fft",
        "@",
    },  # what is reported about a kernel: rank, factors, frequency response
    "stages/convolution/dense.py": {"@"},  # of whole numbers
    "stages/convolution/fft.py": {"log", "log2", "fft"},  # sizes; and sums of very large kernels: README's exception
    "stages/ranking/network.py": {"log2"},  # a cost, of whole numbers
}


def test_results_have_the_recorded_bits():
    known, found = json.loads(RECORD.read_text()), hashes()
    assert found.keys() == known.keys()
    assert [name for name in known if found[name] != known[name]] == []


def test_nothing_computes_with_functions_that_vary():
    root = Path(imconv.__file__).parent
    found: dict[str, set[str]] = {}
    for folder in FOLDERS:
        for path in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                of = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
                if (of in ("np", "math", "cmath") and node.attr in VARYING) or isinstance(
                    getattr(node, "op", None), ast.MatMult
                ):
                    name = node.attr if of else "@"
                    found.setdefault(path.relative_to(root).as_posix(), set()).add(name)
    found.pop("pixels/elementary.py", None)
    assert found == ALLOWED
