"""What a forward pass takes: the weights once, and no more than twice what the largest layer reads and writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imconv.net import load
from tests.net.peak import write_zeros

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
SPARE = 4 << 20  # bytes: threads, their scratch memory, tables, Python's own objects
MAPS = """
input = [400, 500, 3]
layers = [
  { conv = 32, size = 3, pad = 1, bias = false }, "batchnorm", "relu",
  { residual = [{ conv = 32, size = 3, pad = 1 }, "batchnorm", "relu", { depthwise = 3, pad = 1 }] }, "relu",
  { max = 3, stride = 2, pad = 1 }, { conv = 64, size = 1, activation = "gelu" }, "layernorm", { average = 2 }, "sigmoid",
]
"""
NUMBERS = """
input = [1, 1, 1000]
layers = [{ conv = 2000, size = 1 }, "relu", { conv = 4000, size = 1 }, "flatten", { fc = 3000 }, { fc = 2000 }]
"""

pytestmark = pytest.mark.skipif(
    not RESET.exists() or "VmHWM" not in STATUS.read_text(), reason="needs Linux's peak resident memory"
)


def measured(name: str, tmp_path, rows: int | None = None, columns: int | None = None) -> dict:
    network = load(name)
    write_zeros(network, tmp_path / "w.safetensors")
    size = rows or network.input_shape[0], columns or network.input_shape[1]
    command = [sys.executable, "-m", "tests.net.peak", name, *map(str, size), str(tmp_path / "w.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("text", [MAPS, NUMBERS], ids=["large maps", "many weights"])
def test_a_small_network(text, tmp_path):
    (tmp_path / "own.toml").write_text(text)
    found = measured(str(tmp_path / "own.toml"), tmp_path)
    assert found["peak"] >= max(found["weights"], found["pair"]) - SPARE  # or the measure sees nothing
    assert found["peak"] <= found["weights"] + 2 * found["pair"] + SPARE


@pytest.mark.big
@pytest.mark.parametrize(
    "name", ["vgg16", "resnet50", "mobilenet-v2", "mobilenet-v3-large", "googlenet", "convnext-tiny"]
)
def test_large_networks(name, tmp_path):
    found = measured(name, tmp_path)
    assert found["weights"] < found["peak"] <= found["weights"] + 2 * found["pair"]
