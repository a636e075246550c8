"""What importing costs: nothing heavy before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import imconv

HEAVY = ("numba", "llvmlite", "PIL", "click", "numpy", "scipy", "tifffile", "isal", "dask")


def loaded_after(code: str, *arguments: str) -> set[str]:
    """The top-level modules a fresh interpreter has loaded in the end."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stderr.split()}


def test_importing_imconv_costs_nothing():
    loaded = loaded_after("import imconv")
    assert "imconv" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["blur", "--help"], ["apply", "--help"]], ids=" ".join
)
def test_help_loads_neither_numba_nor_pillow(arguments):
    run = subprocess.run([sys.executable, "-m", "imconv", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "imconv" in run.stdout
    assert run.stderr == ""
    code = f"import imconv.cli; imconv.cli.run({arguments!r})"  # `main` would end the interpreter
    loaded = loaded_after(code)
    assert "click" in loaded
    assert not loaded & {"numba", "llvmlite", "PIL", "scipy", "tifffile"}


def test_kernels_and_plans_need_no_numba():
    loaded = loaded_after("import imconv; str(imconv.plan((9, 9), 'uint8', imconv.Kernel([[1, 2, 1]])))")
    assert not loaded & {"numba", "PIL", "click", "scipy"}


def test_networks_need_neither_numba_nor_scipy():
    loaded = loaded_after("import imconv; str(imconv.net.load('lenet5').summary())")
    assert not loaded & {"numba", "llvmlite", "PIL", "click", "scipy", "tifffile", "isal"}


def test_every_public_name_is_there_and_nothing_else():
    for name in imconv.__all__:
        assert getattr(imconv, name) is not None
    assert set(imconv.__all__) <= set(dir(imconv))
    with pytest.raises(AttributeError, match="no attribute 'gausian_blur'"):
        imconv.gausian_blur  # noqa: B018


def test_no_module_has_the_name_of_a_public_function():
    """Importing `imconv.x` sets the attribute `x` of the package: the function of that name would be gone."""
    folder = Path(imconv.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert not modules & set(imconv.__all__)


def test_the_typed_marker_is_there():
    assert Path(imconv.__file__).with_name("py.typed").is_file()


def test_type_checkers_are_told_the_same_names():
    """Names are resolved late, so a stub tells them; `from . import net` is a room with names of its own."""
    stub = (Path(imconv.__file__).parent / "__init__.pyi").read_text()
    stub = stub.replace("from . import net as net\n", "")
    told = {line.split(" as ")[1]: line.split()[1] for line in stub.splitlines() if line.startswith("from ")}
    assert told == {name: f".{home}" for name, home in imconv._HOMES.items()}
