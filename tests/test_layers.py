"""Who may import whom (DESIGN.md), read from the sources: imports inside functions count as well."""

import ast
import sys
from pathlib import Path

import pytest

import imconv

PACKAGE = Path(imconv.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
RIVALS = {"scipy", "cv2", "torch", "skimage", "tensorflow", "pyvips", "numexpr"}
# errors, borders, sizes and kernels are wanted by a command line that only shows its help: no heavy library there
LIGHT = (
    "errors",
    "lazy",
    "border",
    "geometry",
    "kernel",
    "kernel_number",
    "kernel_text",
    "planner",
    "color",
    "rounding",
)
RANKS = ("ranking", "rank_bands")  # what executor and bands are for correlations
HEAVY = {"numba", "llvmlite", "PIL", "click"}


def name_of(path: Path) -> str:
    """`imconv/files/png.py` is `files.png`, `imconv/files/__init__.py` is `files`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Whole dotted names a source imports; those of imconv's own without `imconv.`: `planner`, `files.picture`."""
    found = set()
    inside = ["imconv", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: len(inside) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "import_module",
            "importlib.import_module",
            "__import__",
        ):
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                found.add(argument.value)
            elif isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
                found.add(argument.values[0].value.rstrip("."))
    return {name.removeprefix("imconv.") if name.startswith("imconv.") else name for name in found}


IMPORTS = {name_of(path): imports_of(path) for path in SOURCES}


def roots(module: str) -> set[str]:
    return {name.split(".")[0] for name in IMPORTS[module]}


def within(*rooms: str) -> list[str]:
    return [name for name in IMPORTS if name.split(".")[0] in rooms]


def test_the_reader_sees_what_there_is():
    """If it no longer understood the sources, every test here would pass."""
    assert "numba" in roots("jit.build")
    assert "executor" in roots("correlation")  # inside a function
    assert "planner.Plan" in IMPORTS["executor"]
    assert "loops" in roots("jit.build")  # by import_module
    assert "errors.OptionError" in IMPORTS["filters.smooth"]  # two dots up
    assert within("loops")
    assert within("filters")


@pytest.mark.parametrize("module", within("loops"))
def test_loops_import_numpy_and_numba_only(module):
    allowed = {"numpy", "numba", "loops", *sys.stdlib_module_names}
    if module in ("loops.vector", "loops.lanewise", "loops.running"):
        allowed |= {"llvmlite", "operator"}
    assert roots(module) <= allowed


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("loops", "jit")])
def test_only_loops_and_jit_know_numba(module):
    assert not roots(module) & {"numba", "llvmlite", "loops"}


@pytest.mark.parametrize("module", [name for name in within("jit") if name != "jit.build"])
def test_only_builds_import_numba(module):
    assert (
        not roots(module) & {"numba", "llvmlite"} or module == "jit.load"
    )  # object files, where there are no shared ones


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("cli")])
def test_only_the_command_line_knows_click(module):
    assert "click" not in roots(module)


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("cli", "__main__", "")])
def test_nothing_below_imports_the_command_line(module):
    assert "cli" not in roots(module)


@pytest.mark.parametrize("module", [name for name in LIGHT if name in IMPORTS])
def test_light_modules_stay_light(module):
    assert not roots(module) & HEAVY
    assert not {"jit", "executor", "files", "bands"} & roots(module) or module in ("planner", "kernel_text")


def test_the_planner_is_pure():
    """It runs a plan for the user by a late import of the executor; nothing else of what acts is known to it."""
    assert not roots("planner") & {
        "jit",
        "files",
        "filters",
        "correlation",
        "os",
        "threading",
        "pathlib",
        "time",
        "random",
    }
    assert {name for name in IMPORTS["planner"] if name.startswith("executor")} <= {"executor", "executor.execute"}
    tree = ast.parse((PACKAGE / "planner.py").read_text())
    top = {ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert not any("executor" in line for line in top)


def test_errors_import_nothing_but_the_standard_library():
    assert roots("errors") <= sys.stdlib_module_names


@pytest.mark.parametrize("module", within("files"))
def test_files_know_nothing_of_filtering(module):
    assert not roots(module) & {"planner", "executor", "filters", "correlation"}


# pictures come with these
COMPUTING = ("activations", "convolution", "forward", "gelu", "layer", "layer_weights", "maps", "matrix", "occlusion", "operations", "preprocessing", "scores", "tensors", "tracing", "weights")  # fmt: skip
DESCRIBING = [name for name in within("net") if name.removeprefix("net.") not in COMPUTING]


@pytest.mark.parametrize("module", DESCRIBING)
def test_networks_are_described_without_pictures(module):
    """What a network is, and what it costs, needs sizes and errors only."""
    assert roots(module) <= {*sys.stdlib_module_names, "errors", "geometry", "kernel_number", "lazy", "net"}


@pytest.mark.parametrize("module", within("filters"))
def test_filters_are_data_and_a_call(module):
    assert not roots(module) & (HEAVY | {"jit", "cli", "files", "bands"})


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("files", "executor")])
def test_loops_are_called_by_the_executor_and_files_only(module):
    assert "jit" not in roots(module) or module in (
        *within("jit", "cli"),
        "executor",
        "bands",
        "net.convolution",
        "net.gelu",
        "net.matrix",
        "combined_bands",
        "neighborhoods",
        *RANKS,
        "source",
        "pooling",
        "pool_bands",
    )


@pytest.mark.parametrize("module", list(IMPORTS))
def test_rivals_and_oracles_are_never_imported(module):
    assert not roots(module) & RIVALS


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_stay_short(path):
    assert len(path.read_text().splitlines()) < 500  # DESIGN.md: 400 asks for a split, 500 needs it
