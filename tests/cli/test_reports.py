"""`--json`: every command's report, of success and of failure, is as the schema says that comes with imconv."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import imconv as library
from imconv.cli import FAMILIES
from imconv.cli.options import FilterCommand
from tests.schema import faults
from tests.test_help import ALL, LEAVES

SCHEMA = json.loads((Path(library.__file__).parent / "cli" / "report.schema.json").read_text(encoding="utf-8"))
REPORTING = [name for name in LEAVES if any("--json" in each.opts for each in ALL[name].params)]
PLACES = ("rgb.png", "out.png")
# command: what it needs besides --json, and the kind of its report
OTHERS = {
    "cache info": ((), "loops"),
    "compare": (("rgb.png", "rgb.png"), "compare"),
    "info": (("rgb.png",), "picture"),
    "kernels inspect": (("sobel-x",), "kernel"),
    "kernels list": (("sobel",), "kernels"),
    "layer": (("rgb.png", "-w", "sobel-x", "--maps", "m"), "layer"),
    "net kinds": ((), "kinds"),
    "net list": (("lenet",), "networks"),
    "net maps": (("lenet5", "rgb.png", "--layers", "C1", "--output-dir", "m", "--occlusion", "top"), "maps"),
    "net run": (("lenet5", "rgb.png"), "classes"),
    "net summary": (("lenet5",), "network"),
    "net trace": (("lenet5", "rgb.png", "--layer", "C1", "--at", "1,1,0"), "sample"),
    "trace": (("rgb.png", "-k", "sobel-x", "--pixel", "4,4"), "trace"),
}


def arguments_of(name: str) -> list[str]:
    """What a command needs to succeed: for a filter, the options of its first example."""
    if name in OTHERS:
        return list(OTHERS[name][0])
    if name == "chain":
        return ["blur --sigma 1 | edges", *PLACES]
    import shlex

    words = shlex.split(ALL[name].examples[0], comments=True)[1:]
    return [
        *PLACES,
        *(word for word in words[1:] if word not in ("in.png", "out.png", "in.jpg", "out.jpg", "k.txt")),
    ] + (["sobel-x"] if name == "apply" else [])


def report_of(result, kind: str) -> dict | list:
    """The report in what a command printed, which has to be one of this kind."""
    (line,) = [line for line in result.out.decode().splitlines() if line]
    found = json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert faults(found, SCHEMA["$defs"][kind], SCHEMA) == []
    assert faults(found, SCHEMA, SCHEMA) == []
    return found


@pytest.mark.parametrize("name", REPORTING)
def test_a_success(imconv, folder, name):
    result = imconv(*name.split(), *arguments_of(name), "--json")
    assert result.code == 0, result.err
    report_of(result, OTHERS[name][1] if name in OTHERS else "filter")


@pytest.mark.parametrize("name", [name for name in REPORTING if "rgb.png" in arguments_of(name)])
def test_a_file_that_is_not_there(imconv, folder, name):
    words = ["nope.png" if word == "rgb.png" else word for word in arguments_of(name)]
    result = imconv(*name.split(), *words, "--json")
    found = report_of(result, "failure")
    assert (result.code, found["error"]["status"], found["input"]) == (1, 1, "nope.png")
    assert result.err == f"imconv: {found['error']['message']}\n"
    assert "nope.png: no such file" in found["error"]["message"]


@pytest.mark.parametrize("name", REPORTING)
def test_a_mistaken_option(imconv, folder, name):
    result = imconv(*name.split(), *arguments_of(name), "--jsom", "--json")
    found = report_of(result, "failure")
    assert (result.code, found["error"]["status"]) == (2, 2)
    assert found["error"]["message"] == f"{name} has no option --jsom; did you mean '--json'?"
    assert result.err == f"imconv: {found['error']['message']}\nTry 'imconv {name} --help'\n"
    assert found["output"] == (
        "out.png" if isinstance(ALL[name], FilterCommand) and name != "trace" else found["output"]
    )


def test_pages_and_lists_have_the_same_failures(imconv, folder):
    pages = [library.read("grey.png").pixels, library.read("grey16.png").pixels]
    library.write_pages("pages.tif", pages)
    found = report_of(imconv("box", "pages.tif", "out.tif", "--size", 3, "--json"), "filter_of_pages")
    assert [page["width"] for page in found["pages"]] == [30, 30]
    found = report_of(imconv("info", "rgb.png", "nope.png", "pages.tif", "--json"), "pictures")
    assert [each.get("error", {}).get("status") for each in found] == [None, 1, None]
    found = report_of(
        imconv("box", "pages.tif", "out.tif", "--size", 3, "--range", "error", "--page", 7, "--json"), "failure"
    )
    assert (found["input"], found["output"]) == ("pages.tif", "out.tif")
    report_of(imconv("pool", "rgb.png", "--op", "max", "--size", 2, "--report", "--json"), "pool_report")
    report_of(imconv("net", "summary", "lenet5", "--want-output", 28, "--layer", "C1", "--json"), "fitting")
    report_of(imconv("net", "kinds", "conv", "--json"), "kind_of_layer")
    report_of(imconv("blur", "rgb.png", "out.png", "--sigma", 1, "--dry-run", "--json"), "filter")


def test_notes_are_in_the_report_also_where_nobody_reads_them(imconv, folder):
    shutil.copy("palette.gif", "in.gif")
    said = imconv("box", "in.gif", "out.png", "--size", 3, "--json", "-v")
    assert report_of(said, "filter")["notes"] == ["in.gif: palette expanded to RGB"]  # what -v asks for is no note
    assert said.err.count("\n") > 2
    for quiet in ((), ("-q",)):
        result = imconv("box", "in.gif", "out.png", "--size", 3, "--json", *quiet)
        found = report_of(result, "filter")
        assert found["notes"] == ["in.gif: palette expanded to RGB"]
        assert result.err == ("" if quiet else f"imconv: {found['notes'][0]}\n")
    found = report_of(imconv("box", "in.gif", "out.jxx", "--size", 3, "--json"), "failure")
    assert "out.jxx: unknown format" in found["error"]["message"]
    assert found["notes"] == ["in.gif: palette expanded to RGB"]


def test_a_report_stays_out_of_the_picture(imconv, folder):
    """Where the picture would go to standard output, so that the report of a failure does not end in its file."""
    for words in (("--sigma", "x"), ("--sgma", "1"), ()):
        result = imconv("blur", "rgb.png", "-", "--json", *words)
        line = json.loads(result.err.splitlines()[-1])
        assert (result.code, result.out, line["error"]["status"], line["output"]) == (2, b"", 2, "-")
        assert faults(line, SCHEMA["$defs"]["failure"], SCHEMA) == []


def test_what_json_has_no_number_for_is_null(imconv, folder):
    np.save("nan.npy", np.full((9, 9), np.nan, np.float32))
    found = report_of(imconv("layer", "nan.npy", "-w", "sobel-x", "--maps", "m", "--json"), "layer")
    assert found["maps"][0]["mean"] is None


def test_every_filter_has_a_report():
    """A new command is in these tests by itself."""
    assert {*FAMILIES["Smoothing"], "chain", "info"} <= {*REPORTING}
