"""Wheels with compiled loops: `IMCONV_SHIP=all python -m build`. Without the variable a wheel holds none, and needs no Numba.

IMCONV_SHIP may also be a regular expression for the loops' names, "separable.*-u1-" for instance.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIP = os.environ.get("IMCONV_SHIP", "")


class CompiledLoops(BuildHookInterface):
    """Compiles loops for the common processors and puts them into the wheel, where imconv looks for them first."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return ["numpy", "numba"] if SHIP else []

    def initialize(self, version: str, build_data: dict) -> None:
        if not SHIP or version == "editable":
            return
        self.folder = tempfile.mkdtemp()
        pattern = [] if SHIP == "all" else [SHIP]
        environment = {**os.environ, "PYTHONPATH": self.root}
        command = [sys.executable, "-m", "imconv.compiler.ship", self.folder, *pattern]
        subprocess.run(command, env=environment, cwd=self.root, check=True)
        for path in sorted(Path(self.folder).rglob("*")):
            if path.is_file():
                build_data["force_include"][str(path)] = (
                    f"imconv/jit/shipped/{path.relative_to(self.folder).as_posix()}"
                )

    def finalize(self, version: str, build_data: dict, artifact_path: str) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)
