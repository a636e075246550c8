"""Who may import whom, read from the sources: imports inside functions count as well."""

import ast
import sys
from pathlib import Path

import pytest

import imconv

PACKAGE = Path(imconv.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
RIVALS = {"scipy", "cv2", "torch", "skimage", "tensorflow", "pyvips", "numexpr"}
HEAVY = {"numba", "llvmlite", "PIL", "click"}
# rooms from the ground up; those on one floor don't know each other
FLOORS = (
    ("errors", "lazy"),
    ("loops", "pixels", "geometry"),
    ("jit",),
    ("files",),
    ("kernel",),
    ("options",),
    ("engine",),
    ("filter",),
    ("stages",),
    ("composites",),
    ("filters",),
    ("comparison", "sheet", "file_to_file", "show", "tracing"),
    ("net",),
    ("compiler",),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def name_of(path: Path) -> str:
    """`imconv/files/png.py` is `files.png`, `imconv/files/__init__.py` is `files`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Whole dotted names a source imports; those of imconv's own without `imconv.`: `filter`, `files.picture`."""
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
OWN = {
    module: {name for name in names if name in IMPORTS and name != module} - {""} for module, names in IMPORTS.items()
}


def roots(module: str) -> set[str]:
    return {name.split(".")[0] for name in IMPORTS[module]}


def within(*rooms: str) -> list[str]:
    return [name for name in IMPORTS if name.split(".")[0] in rooms]


def test_the_reader_sees_what_there_is():
    """If it no longer understood the sources, every test here would pass."""
    assert "numba" in roots("compiler.build")
    assert "geometry.selection" in IMPORTS["options"]  # inside a function
    assert "engine.drive.run" in IMPORTS["filters.apply"]
    assert "loops" in roots("compiler.build")  # by import_module
    assert "errors.OptionError" in IMPORTS["filters.edges"]  # two dots up
    assert within("loops")
    assert within("filters")
    assert {name.split(".")[0] for name in IMPORTS} == {*FLOOR, "", "__main__"}


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in ("", "__main__")])
def test_imports_go_down(module):
    """To a lower floor, or within the room."""
    room = module.split(".")[0]
    others = {name.split(".")[0] for name in OWN[module]} - {room}
    assert [other for other in sorted(others) if FLOOR[other] >= FLOOR[room]] == []


def test_no_circles():
    """Modules left when those that import nothing that is left are taken away, again and again; a package's own `__init__`
    is not meant where one of its modules is named."""
    left = {
        module: {name for name in names if not any(other.startswith(f"{name}.") for other in names)}
        for module, names in OWN.items()
    }
    while free := [module for module, names in left.items() if not names & left.keys()]:
        for module in free:
            del left[module]
    assert not left


@pytest.mark.parametrize("module", [name for name in within("stages") if name.count(".") == 2])
def test_kinds_of_stages_do_not_meet(module):
    """But combined stages are made of convolutions."""
    _, own, _ = module.split(".")
    met = {name.split(".")[1] for name in OWN[module] if name.startswith("stages.")}
    assert met <= {own} | ({"convolution"} if own == "combined" else set())


@pytest.mark.parametrize("path", sorted((PACKAGE / "engine").glob("*.py")), ids=name_of)
def test_the_engine_knows_no_algorithm(path):
    assert "algorithm" not in path.read_text()


@pytest.mark.parametrize("module", within("loops"))
def test_loops_import_numpy_and_numba_only(module):
    allowed = {"numpy", "numba", "loops", *sys.stdlib_module_names}
    if module in ("loops.vector", "loops.lanewise", "loops.running"):
        allowed |= {"llvmlite", "operator"}
    assert roots(module) <= allowed


NUMBAS = (
    *within("loops", "compiler"),
    "jit.numba_loops",
    "jit.load",
)  # jit.load: object files, where there are no shared ones


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in NUMBAS])
def test_only_loops_and_builds_know_numba(module):
    assert not roots(module) & {"numba", "llvmlite"}


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("loops", "compiler", "jit")])
def test_loops_are_found_by_jit(module):
    """Others know their sizes only."""
    assert {name for name in OWN[module] if name.split(".")[0] == "loops"} <= {"loops", "loops.sizes"}


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("cli")])
def test_only_the_command_line_knows_click(module):
    assert "click" not in roots(module)


@pytest.mark.parametrize("module", within("errors", "pixels", "geometry", "kernel", "options"))
def test_light_modules_stay_light(module):
    assert not roots(module) & (HEAVY | {"jit", "engine"})


PLANS = [
    name
    for name in within("stages")
    if name.split(".")[-1] not in ("work", "in_order", "fft", "coarse_grid", "blocks", "bilateral", "moments")
]


@pytest.mark.parametrize("module", PLANS)
def test_plans_are_pure(module):
    assert not roots(module) & {"files", "filters", "os", "threading", "pathlib", "time", "random"}


def test_errors_import_nothing_but_the_standard_library():
    assert roots("errors") <= sys.stdlib_module_names


# pictures come with these
COMPUTING = ("activations", "convolution", "forward", "gelu", "layer", "weights_of_layer", "maps", "matrix", "network", "occlusion", "operations", "preprocessing", "scores", "tensors", "tracing", "loaded_weights")  # fmt: skip
DESCRIBING = [name for name in within("net") if name.removeprefix("net.") not in COMPUTING]


@pytest.mark.parametrize("module", DESCRIBING)
def test_networks_are_described_without_pictures(module):
    """What a network is, and what it costs, needs sizes and errors only."""
    allowed = {*sys.stdlib_module_names, "errors", "geometry", "kernel", "lazy", "net"}
    assert roots(module) <= allowed
    assert {name for name in OWN[module] if name.split(".")[0] == "kernel"} <= {"kernel", "kernel.number"}


@pytest.mark.parametrize("module", within("net"))
def test_networks_know_no_filters(module):
    assert not roots(module) & {"stages", "composites", "filters"}


@pytest.mark.parametrize("module", within("filters"))
def test_filters_are_data_and_a_call(module):
    assert not roots(module) & (HEAVY | {"jit"})
    assert {name for name in OWN[module] if name.split(".")[0] == "files"} <= {"files", "files.picture"}


CALLERS = ("engine.bordered_rows", "files.deflate", "net.convolution", "net.gelu", "net.matrix")


@pytest.mark.parametrize("module", [name for name in IMPORTS if name not in within("jit", "cli", "compiler", "stages")])
def test_loops_are_called_by_work_and_files_only(module):
    assert "jit" not in roots(module) or module in CALLERS or module.startswith("files.png.")


@pytest.mark.parametrize("module", list(IMPORTS))
def test_rivals_and_oracles_are_never_imported(module):
    assert not roots(module) & RIVALS


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_stay_short(path):
    assert len(path.read_text().splitlines()) < 500  # 400 asks for a split, 500 needs it
