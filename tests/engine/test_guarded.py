"""Loops check nothing: that they stay within their arrays is seen by what happens beyond."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forbids pages by Linux's mprotect")
CASES = 400


@pytest.mark.parametrize("seed", [1, 2])
def test_no_loop_leaves_its_arrays(seed):
    program = Path(__file__).parents[1] / "guarded.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, program, str(seed), str(CASES)], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, f"{result.stdout.splitlines()[-1:]} {result.stderr[-2000:]}"
