"""Runs a network in a process of its own and tells its peak memory: python -m tests.net.peak NETWORK ROWS COLUMNS WEIGHTS.

Two passes. Printed are the bytes that the process took beyond what it had before the network's weights were read, and those that the
weights and the largest pair of maps, a layer's inputs and its output, have.
"""

import json
import sys
from math import prod
from pathlib import Path

import numpy as np

from imconv import jit
from imconv.net import load
from imconv.net.forward import Forward
from imconv.net.loaded_weights import Weights

LOOPS = [("channels.sum_channels", ("f4",)), ("channels.sum_taps", ("f4",)), ("matrix.multiply", ("f4",))]


def write_zeros(network, path: Path) -> None:
    """A .safetensors file of zeros, which takes no room on the disk."""
    header, end = {}, 0
    for key, tensor in network.tensors.items():
        begin, end = end, end + 4 * prod(tensor.shape)
        header[key] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def memory(what: str) -> int:
    """A figure of /proc/self/status in bytes: VmRSS, or VmHWM, the largest it was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(what)).split()[1])


def main(name: str, rows: str, columns: str, weights: str) -> None:
    network = load(name)
    samples = np.zeros((int(rows), int(columns), network.input_shape[2]), np.float32)
    placed = network.resolve(samples.shape)
    jit.ready(LOOPS)
    forward = Forward(network, Weights(network, weights))
    Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
    before = memory("VmRSS")
    for _ in range(2):  # weights are read in the first pass; in the second one all are there
        forward.run(samples)
    print(json.dumps({
        "peak": memory("VmHWM") - before,
        "weights": 4 * sum(prod(tensor.shape) for tensor in network.tensors.values()),
        "pair": max(4 * (sum(map(prod, one.inputs)) + prod(one.shape)) for one in placed),
    }))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
