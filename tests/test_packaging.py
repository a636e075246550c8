"""The package as users get it: built as a wheel, from the checkout and from the sdist, and run from a bare environment."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imconv
from tests.packages import ROOT, build, buildable, install, run_there, script

pytestmark = buildable


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    """The wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("direct")
    build(folder, "--wheel")
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def by_sdist(tmp_path_factory):
    """The sdist, and the wheel built from it: what `python -m build` does."""
    folder = tmp_path_factory.mktemp("by_sdist")
    build(folder)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(direct, tmp_path_factory):
    return install(direct, tmp_path_factory.mktemp("bare"))


def kernels_of_the_checkout() -> set[str]:
    return {path.name for path in (ROOT / "kernels").glob("*.txt")}


def networks_of_the_checkout() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "networks").rglob("*.*")}


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_what_the_wheel_holds(direct):
    names = names_in(direct)
    assert len(names) == len(set(names))
    assert "imconv/py.typed" in names
    assert kernels_of_the_checkout() == {Path(name).name for name in names if name.startswith("imconv/kernels/")}
    networks = {name.removeprefix("imconv/") for name in names if name.startswith("imconv/networks/")}
    assert networks_of_the_checkout() == networks >= {"networks/lenet5.toml", "networks/weights/lenet5.safetensors"}
    sources = {str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "imconv").rglob("*.py")}
    assert sources == {name for name in names if name.endswith(".py")}
    assert all(name.startswith(("imconv/", f"imconv-{imconv.__version__}.dist-info/")) for name in names)
    assert not [name for name in names if "test" in name or "__pycache__" in name or name.endswith(".pyc")]
    assert not [name for name in names if "/shipped/" in name or name.endswith((".so", ".o"))]
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


def test_the_wheels_metadata(direct):
    with zipfile.ZipFile(direct) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        metadata = archive.read(name).decode()
        entry_points = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert direct.name == f"imconv-{imconv.__version__}-py3-none-any.whl"
    assert f"\nVersion: {imconv.__version__}\n" in metadata
    needed = re.findall(r"(?m)^Requires-Dist: ([\w-]+)[^;\n]*$", metadata)
    assert sorted(needed) == ["click", "numba", "numpy", "pillow", "tifffile", "tqdm"]
    for name in ("isal", "simplejpeg"):
        (condition,) = re.findall(rf"(?m)^Requires-Dist: {name}[^;\n]*;(.*)$", metadata)
        assert "platform_machine in" in condition
        assert "extra" not in condition
    assert "imconv = imconv.cli:main" in entry_points
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() in metadata


def test_the_wheel_by_way_of_the_sdist_is_the_same(direct, by_sdist):
    sdist, wheel = by_sdist
    assert wheel.name == direct.name
    with zipfile.ZipFile(direct) as one, zipfile.ZipFile(wheel) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        for name in one.namelist():
            assert one.read(name) == other.read(name), name
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/test_packaging.py"} <= names
    assert {f"kernels/{name}" for name in kernels_of_the_checkout()} <= names
    assert networks_of_the_checkout() <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".git/", ".venv", "dist"))]


def test_it_is_the_wheel_that_runs(installed):
    _, python, site = installed
    code = (
        "import imconv, imconv.kernel.library as k; print(imconv.__file__, imconv.__version__, k.folder(), sep='\\n')"
    )
    done = run_there(installed, python, "-c", code, text=True)
    file, version, folder = done.stdout.splitlines()
    assert Path(file).resolve() == (site / "imconv" / "__init__.py").resolve()
    assert version == imconv.__version__
    assert Path(folder).resolve() == (site / "imconv" / "kernels").resolve()


def test_the_console_script(installed):
    done = run_there(installed, script(installed), "--version", text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"imconv {imconv.__version__}\n", "")


def test_kernels_are_found_there(installed):
    done = run_there(installed, script(installed), "kernels", "list", "--json", text=True)
    assert (done.returncode, done.stderr) == (0, "")
    listed = {row["name"] for row in json.loads(done.stdout)}
    assert {name.removesuffix(".txt") for name in kernels_of_the_checkout()} <= listed
    _, python, _ = installed
    done = run_there(installed, python, "-m", "imconv", "kernels", "show", "sobel-x", text=True)
    assert "-1" in done.stdout


def test_networks_are_found_there(installed):
    done = run_there(installed, script(installed), "net", "summary", "resnet50", "--json", text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["parameters"] == 25_557_032


def test_a_picture_is_filtered_there(installed):
    home, _, _ = installed
    pixels = np.random.default_rng(8).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(home / "in.ppm")
    pool = ("pool", home / "in.ppm", "out.ppm", "--op", "max", "--size", "2", "--quiet")  # with a small loop
    done = run_there(installed, script(installed), *pool, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Image.open(home / "elsewhere" / "out.ppm") as image:
        np.testing.assert_array_equal(np.array(image), imconv.pool(pixels, "max", 2))


def test_the_checkout_finds_its_kernels_from_anywhere(tmp_path):
    code = "import imconv.kernel.library as k; print(k.folder(), len(k.names()))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    folder, count = done.stdout.split()
    assert Path(folder) == ROOT / "kernels"
    assert int(count) == len(kernels_of_the_checkout())
