"""Who may import whom: the contracts of pyproject.toml, and what import-linter can't say, read from the sources."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

import imconv

PACKAGE = Path(imconv.__file__).parent
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
GRAPH = grimp.build_graph("imconv", include_external_packages=True, cache_dir=None)
OWN = sorted(name for name in GRAPH.modules if name.split(".")[0] == "imconv")
FORWARDING = ["__init__.py"]  # names are found when first used, so that `import imconv` costs nothing
# what else than imconv and the standard library the ground may know
GROUND = {
    "errors": set(),
    "lazy": set(),
    "loops": {"numpy", "numba", "llvmlite"},
    "pixels": {"numpy"},
    "geometry": {"numpy"},
}


def nodes(kind, folder: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node of a kind in the modules of a folder, with the module's path."""
    for path, tree in TREES.items():
        if path.startswith(folder):
            yield from ((path, node) for node in ast.walk(tree) if isinstance(node, kind))


def places(found) -> list[str]:
    return [f"{path}:{node.lineno}" for path, node in found]


def imported(module: str) -> set[str]:
    return GRAPH.find_modules_directly_imported_by(module)


def test_the_contracts_hold():
    """`lint-imports` prints each broken contract with the lines that break it."""
    assert lint_imports(str(PACKAGE.parent / "pyproject.toml"), no_cache=True, no_logo=True) == 0


def test_no_module_imports_itself_by_way_of_others():
    """The contract looks at siblings; this sees a package's own `__init__` as well. A circle is printed by CycleError."""
    TopologicalSorter({module: imported(module) - {"imconv"} for module in OWN if module != "imconv"}).prepare()


@pytest.mark.parametrize("package", GROUND)
def test_the_ground_needs_little(package):
    outside = {
        name.split(".")[0]
        for module in OWN
        if module == f"imconv.{package}" or module.startswith(f"imconv.{package}.")
        for name in imported(module)
    }
    assert outside - sys.stdlib_module_names - {"imconv"} <= GROUND[package]


def test_filters_know_pictures_but_no_files():
    found = {name for module in OWN if module.startswith("imconv.filters.") for name in imported(module)}
    assert {name for name in found if name.startswith("imconv.files")} <= {"imconv.files.picture"}


def test_imports_by_name_stay_in_their_folder():
    """import-linter can't see them: a folder loads its own formats and commands so, jit its loops, files Pillow's plugins."""
    beyond = {"jit": "imconv.loops.", "files": "PIL."}
    for path, call in nodes(ast.Call):
        if ast.unparse(call.func).endswith(("import_module", "__import__")):
            name = call.args[0].values[0] if isinstance(call.args[0], ast.JoinedStr) else call.args[0]
            assert isinstance(name, ast.Constant), f"{path}:{call.lineno}: the name's beginning has to stand there"
            folder = path.rpartition("/")[0]
            assert folder or path in FORWARDING, f"{path}:{call.lineno}"
            own = ".".join(("imconv", *folder.split("/"))).rstrip(".") + "."
            inside = name.value.startswith(".") and not name.value.startswith("..")
            assert inside or name.value.startswith((own, beyond.get(folder, own))), f"{path}:{call.lineno}"


def test_no_private_name_is_taken_from_another_module():
    """Neither by `from module import _name` nor as `module._name`."""
    found = []
    for path, tree in TREES.items():
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "imconv"):
                found += [(path, node) for alias in node.names if alias.name.startswith("_") and alias.name[1] != "_"]
                modules |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                found += [(path, node)] if node.attr.startswith("_") and node.attr[1] != "_" else []
    assert not places(found)


def test_algorithms_are_asked_not_compared():
    """`plan.how` answers; no code decides by an algorithm's name."""
    compared = [
        (path, node)
        for path, node in nodes(ast.Compare)
        if any(isinstance(side, ast.Attribute) and side.attr == "algorithm" for side in (node.left, *node.comparators))
    ]
    matched = [(path, node) for path, node in nodes(ast.Match) if ast.unparse(node.subject).endswith(".algorithm")]
    assert not places(compared + matched)


def test_the_engine_runs_plans_and_nothing_else_does():
    found = [
        (path, node)
        for path, node in nodes(ast.FunctionDef)
        if node.name in ("run", "in_bands")
        and any(argument.arg == "plan" for argument in node.args.posonlyargs + node.args.args + node.args.kwonlyargs)
    ]
    assert [path for path, _ in found] == ["engine/drive.py"]


def test_attributes_are_named_not_forwarded():
    found = [path for path, node in nodes(ast.FunctionDef) if node.name in ("__getattr__", "__getattribute__")]
    assert found == FORWARDING


def test_modules_stay_short():
    lines = {path: len((PACKAGE / path).read_text().splitlines()) for path in TREES}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def test_few_modules_lie_directly_in_the_package():
    assert len([path for path in TREES if "/" not in path]) <= 10
