"""Documentation that can drift is run: docstring examples of every module, Python blocks of the README."""

import dataclasses
import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import imconv
from imconv.filters.other_tools import TOOLS

PACKAGE = Path(imconv.__file__).parent
README = PACKAGE.parent / "README.md"
MODULES = sorted(
    ".".join(("imconv", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if "loops" not in path.parts and path.name != "__main__.py"
)
FLAGS = doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=FLAGS).failed == 0


def readme_blocks() -> list[str]:
    return re.findall(r"^```(?:python|pycon)\n(.*?)^```", README.read_text(), re.S | re.M) if README.is_file() else []


@pytest.mark.parametrize("block", readme_blocks(), ids=lambda block: block.splitlines()[0][:40])
def test_python_in_the_readme(block, tmp_path, monkeypatch):
    monkeypatch.chdir(README.parent)
    if ">>>" in block:
        parsed = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
        assert doctest.DocTestRunner(optionflags=FLAGS).run(parsed).failed == 0
    else:
        exec(compile(block, "README.md", "exec"), {})


FUNCTIONS = [name for name in imconv.__all__ if inspect.isfunction(getattr(imconv, name))]


def sections(text: str) -> dict[str, str]:
    """A docstring's sections in numpydoc's form, in their order; what comes before them is called ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.M)
    assert all(len(rule) == len(name) for name, rule in re.findall(r"^(\w[\w ]*)\n(-{3,})$", text, re.M))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_documented(name):
    """Each parameter has its entry, in the order of the signature's own ones, with the text below it."""
    function = getattr(imconv, name)
    text = inspect.getdoc(function)
    assert text
    assert "{" not in re.sub(r"\{.*?:.*?\}", "", text.split("Examples")[0])  # no template left unfilled
    found = sections(text)
    order = ["", "Parameters", "Returns", "Raises", "Notes", "Examples"]
    assert list(found) == [each for each in order if each in found]
    entries = re.findall(r"^(\S[^:\n]*) : ", found["Parameters"], re.M)
    names = [each for entry in entries for each in entry.split(", ")]
    assert len(names) == len(set(names))
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            assert parameter.name in names, parameter.name


def test_shared_options_are_explained_in_one_place():
    entries = dict(re.findall(r"^(\w+) : .*\n((?:    .*\n|\n)+)", inspect.getdoc(imconv.Options) + "\n", re.M))
    fields = {field.name for field in dataclasses.fields(imconv.Options)} - {"white"}  # which no user gives
    assert entries.keys() == fields | {"out", "threads", "anchor"}
    brief = sections(inspect.getdoc(imconv.median))["Parameters"]
    for name in fields - {"border"}:
        assert inspect.cleandoc(entries[name]).replace("\n", " ").partition(". ")[0].rstrip(".") in brief


@pytest.mark.parametrize(
    "name",
    ["correlate", "convolve", "gaussian_blur", "box_blur", "sharpen", "unsharp_mask", "edges", "gabor",
     "motion_blur", "median"],
)  # fmt: skip
def test_borders_are_drawn_where_they_are_named(name):
    assert "d c b a | a b c d | d c b a" in inspect.getdoc(getattr(imconv, name))


def test_the_table_of_tools_is_the_code_s():
    head = ["`--like`", "`blur`", "`box`", "`apply`", "border", "anchor", "`apply` is", "whole numbers", "how near"]
    rows = [head, ["---"] * len(head)]
    for tool in TOOLS.values():
        calls = [f"`{tool.calls[c]}`" if tool.calls[c] != "-" else "-" for c in ("blur", "box", "apply")]
        facts = [tool.border, f"`{tool.anchor}`", tool.direction, tool.rounding, tool.equal]
        rows.append([f"`{tool.name}`", *calls, *facts])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    assert f"<!-- tools -->\n{table}\n<!-- end of tools -->" in README.read_text()
