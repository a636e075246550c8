"""The help tells everything, and what it tells is true: options, one-line texts, and every example, which is run."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from imconv.cli import COMMANDS, FAMILIES, cli, run

README = Path(__file__).parents[1] / "README.md"


def contexts() -> dict[str, click.Context]:
    """The context of every command by its full name, those of groups too: "", "blur", "kernels list"."""
    found = {"": click.Context(cli, info_name="imconv", **cli.context_settings)}

    def collect(parent, path):
        for name in parent.command.list_commands(parent):
            context = click.Context(parent.command.get_command(parent, name), parent, info_name=name)
            found[" ".join([*path, name])] = context
            if isinstance(context.command, click.Group):
                collect(context, [*path, name])

    collect(found[""], [])
    return found


CONTEXTS = contexts()
ALL = {name: context.command for name, context in CONTEXTS.items() if name}
LEAVES = sorted(name for name, command in ALL.items() if not isinstance(command, click.Group))


def help_of(capsys, *names) -> str:
    assert run([*names, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def examples_in(text: str) -> list[str]:
    """The lines under `Examples:`."""
    _, _, tail = text.partition("\nExamples:\n")
    return [line.strip() for line in tail.splitlines() if line.startswith("  ")]


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_in_the_help_with_a_text(capsys, name):
    text = help_of(capsys, *name.split())
    flat = " ".join(text.split())
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Argument):
            assert (parameter.metavar or parameter.name.upper()).strip("[]_").split()[0] in flat
            continue
        assert parameter.help, f"{parameter.opts} has no help text"
        for option in (*parameter.opts, *parameter.secondary_opts):
            assert re.search(rf"(?m)^ +(?:-\w, )?.*{re.escape(option)}\b", text), option
        words = " ".join(parameter.help.split())
        assert words.replace(" ", "") in flat.replace(" ", ""), f"{parameter.opts}: {words}"
        assert words[0].isupper() or words[0].isdigit() or words.startswith(("same", "K ", "keep: ", "weight: ")), words


@pytest.mark.parametrize("name", ALL)
def test_short_help_works_too(capsys, name):
    assert run([*name.split(), "-h"]) == 0
    assert capsys.readouterr().out == help_of(capsys, *name.split())


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_examples_of_itself(capsys, name):
    examples = examples_in(help_of(capsys, *name.split()))
    assert examples
    for line in examples:
        assert line.startswith(f"imconv {name}"), line


def test_the_list_of_commands(capsys):
    text = help_of(capsys)
    assert set(COMMANDS) == {name for name in ALL if " " not in name}
    for name, (_, one_line) in COMMANDS.items():
        assert re.search(rf"(?m)^  {name} +{re.escape(one_line)}$", text), name
    assert examples_in(text)


def sections_of(text: str) -> dict[str, list[str]]:
    """The first words of the lines under each heading."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z][^.]*:", line):
            found[line[:-1]] = []
        elif found and re.match(r"  \S", line):
            list(found.values())[-1].append(line.split()[0])
    return found


def test_commands_stand_in_families(capsys):
    sections = sections_of(help_of(capsys))
    families = [
        "Everyday",
        "Smoothing",
        "Sharpening",
        "Edges",
        "Order and morphology",
        "Kernels and chains",
        "Networks",
        "Looking",
    ]
    assert list(sections) == ["Options", *families, "Housekeeping", "Examples"]
    for family, commands in FAMILIES.items():
        assert sections[family] == list(commands)
    assert sum(map(len, FAMILIES.values())) == len(COMMANDS)


def test_options_stand_in_groups(capsys):
    sections = sections_of(help_of(capsys, "box"))
    groups = ["Options", "Borders and geometry", "Where", "Numbers", "Files", "Many pictures", "Running"]
    assert (list(sections)[: len(groups)], sections["Options"]) == (groups, ["--size", "--like"])
    assert sections["Borders and geometry"] == ["--border", "--pad", "--stride", "--stride-phase", "--dilation"]
    assert sections["Where"] == ["--region", "--crop", "--mask", "--channels"]
    assert sections["Running"][-1] == "-h,"
    # what a command declares by itself is its own; few options need no groups
    assert {"--size", "--stride", "--dilation"} <= set(sections_of(help_of(capsys, "pool"))["Options"])
    assert list(sections_of(help_of(capsys, "info"))) == ["Options", "Examples"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_one_line_is_the_first_of_the_commands_docstring(name):
    first = (ALL[name].help or "").strip().splitlines()[0]
    assert COMMANDS[name][1] == first
    assert first.endswith(".")
    assert len(first) < 70


def test_filters_draw_the_borders(capsys):
    for name in LEAVES:
        text = help_of(capsys, *name.split())
        if "--border" in text:
            for mode in ("reflect", "mirror", "nearest", "constant", "wrap", "normalized"):
                assert re.search(rf"(?m)^  {mode} .*\|", text), (name, mode)
            assert "d c b a | a b c d | d c b a" in text


# --- the examples are run ---
@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Files of weights for the networks of the examples."""
    from imconv.net import load
    from tests.net.by_hand import random_arrays
    from tests.net.test_weights import write_safetensors

    folder = tmp_path_factory.mktemp("weights")
    write_safetensors(folder / "w.safetensors", random_arrays(load("mobilenet-v3-small")))
    np.savez(folder / "w.npz", **{"conv1.weight": np.ones((4, 3, 3, 3)), "conv1.bias": np.zeros(4)})
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, weights):
    """A folder with the files the examples read."""
    for path in weights.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "names.txt").write_text("".join(f"class {n}\n" for n in range(1000)))
    random = np.random.default_rng(6)
    picture = Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8))
    for name in ("in.png", "in.jpg", "in.tif", "photo.png", "photo.jpg"):
        picture.save(tmp_path / name)
    (tmp_path / "my.toml").write_text('input = [16, 16, 3]\nlayers = [{ conv = 4, size = 3 }, "relu"]\n')
    (tmp_path / "k.txt").write_text("0 -1 0\n-1 5 -1\n0 -1 0\n")
    (tmp_path / "look.txt").write_text("sigma = 2\nblur --sigma $sigma | edges\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pieces_of(line: str) -> tuple[list[str], str | None, str | None]:
    """An example as the shell reads it: words, where standard input comes from, where standard output goes."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    assert not set(words) & {"(", ")", "&", ";", "|"}, f"the shell takes this otherwise than it is meant: {line}"
    source = target = None
    tokens = shlex.split(line, comments=True)
    for sign in "<>":
        if sign in tokens:
            at = tokens.index(sign)
            source, target = (tokens[at + 1], target) if sign == "<" else (source, tokens[at + 1])
            del tokens[at : at + 2]
    assert tokens[0] == "imconv"
    return tokens[1:], source, target


TELLING = ("compare", "info", "net", "show", "trace")  # they write no picture unless asked for one
EXAMPLES = [line for context in CONTEXTS.values() for line in examples_in(context.get_help())]


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_can_be_copied_and_does_what_it_says(here, monkeypatch, line):
    words, source, target = pieces_of(line.replace("COMMAND", "blur"))
    if words[0] == "cache":  # not the loops that the other tests need, nor minutes of compilation
        monkeypatch.setenv("XDG_CACHE_HOME", str(here.parent / "cache"))
        monkeypatch.setattr("imconv.compiler.prebuilt.prebuilt", lambda everything=False: [])
    if words[:2] == ["kernels", "plot"]:
        pytest.importorskip("matplotlib")
    before = {path.name: path.stat().st_mtime_ns for path in here.iterdir()}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((here / source).read_bytes() if source else b"")))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
    error = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    assert run(words) == 0, error.getvalue()
    named = [word for word in words if word.endswith((".png", ".jpg", ".tif"))]
    if words[0] in TELLING or target:
        assert out.getvalue()
    elif "-o" in words:
        assert out.getvalue() == b""
        assert (here / words[words.index("-o") + 1]).stat().st_size
    elif len(named) > 1:
        assert out.getvalue() == b""
        assert named[1] not in before
        with Image.open(named[1]) as image:
            image.load()
    else:
        assert out.getvalue()
    for name, when in before.items():
        assert (here / name).stat().st_mtime_ns == when, f"{line} changed {name}"


def test_there_are_examples_enough():
    assert len(EXAMPLES) >= 2 * len(LEAVES)


# --- from outside ---
def test_the_help_and_the_version_load_nothing_heavy():
    code = (
        "import sys; from imconv.cli import run; run(sys.argv[1:]); "
        "print([m for m in ('numba', 'PIL', 'scipy') if m in sys.modules], file=sys.stderr)"
    )
    for arguments in (["--help"], ["--version"], ["blur", "--help"], ["kernels", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]", arguments
        assert done.stdout


def test_the_version(capsys):
    import imconv

    for option in ("--version", "-V"):
        assert run([option]) == 0
        assert capsys.readouterr().out == f"imconv {imconv.__version__}\n"


def test_lines_of_the_help_fit_a_terminal(capsys):
    for name in LEAVES:
        text, _, _ = help_of(capsys, *name.split()).partition("\nBorders")
        assert max(map(len, text.splitlines())) <= 80, name


# --- the README ---
@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_mentions_every_command(name):
    assert re.search(rf"imconv {name}\b", README.read_text(encoding="utf-8"))


def test_the_readmes_two_commands():
    """Install and blur; install and test: from a checkout, with files that are there."""
    text = README.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("python3 -m venv")]
    blur = [line for line in lines if "imconv blur" in line]
    test = [line for line in lines if line.endswith("-m pytest -n auto")]
    assert len(blur) == 1
    assert len(test) == 1
    words, _, _ = pieces_of("imconv " + blur[0].rpartition("/imconv ")[2])
    assert (README.parent / words[1]).is_file()
    assert words[0] in COMMANDS
    assert "pip install ." in blur[0]
    assert "'.[test]'" in test[0]
    assert "test = [" in (README.parent / "pyproject.toml").read_text(encoding="utf-8")
