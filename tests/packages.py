"""Building the package, and running it from a bare environment."""

import os
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

buildable = [
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not a checkout: nothing to build"),
    pytest.mark.skipif(find_spec("build") is None, reason="needs `build`; pip install '.[test]'"),
    pytest.mark.skipif(find_spec("hatchling") is None, reason="needs `hatchling`; pip install '.[test]'"),
]


def build(folder: Path, *options: str, ship: str = "") -> None:
    """Build into a folder; with compiled loops whose names match `ship`."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, *options, ROOT]
    environment = {**os.environ, "IMCONV_SHIP": ship}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def install(wheel: Path, home: Path) -> tuple[Path, Path, Path]:
    """A bare environment in `home` with the wheel in it, and the dependencies of this one by way of a .pth file.

    Returns `home`, the environment's Python, and its folder of packages.
    """
    if find_spec("pip") is None:
        pytest.skip("needs pip to install a wheel")
    venv.create(home / "env", with_pip=False, symlinks=os.name != "nt")
    paths = {"base": str(home / "env"), "platbase": str(home / "env")}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    python = Path(sysconfig.get_path("scripts", "venv", vars=paths)) / ("python.exe" if os.name == "nt" else "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(sorted(here)) + "\n", encoding="utf-8")
    return home, python, site


def run_there(installed, *command, cache=None, pythonpath=None, **options):
    """Run a command of the bare environment from another folder, its compiled loops kept apart."""
    home, _, _ = installed
    elsewhere = home / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["XDG_CACHE_HOME"] = str(cache or home / "cache")
    if pythonpath is not None:
        environment["PYTHONPATH"] = str(pythonpath)
    return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, check=False, **options)


def script(installed) -> Path:
    """The command `imconv` of the bare environment."""
    _, python, _ = installed
    return python.with_name("imconv.exe" if os.name == "nt" else "imconv")
