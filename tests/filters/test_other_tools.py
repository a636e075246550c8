"""The table of tools: every fact is one that imconv can do."""

import click.testing
import pytest

import imconv
from imconv.cli.options import like_option
from imconv.filters.other_tools import TOOLS, adopted, find
from imconv.geometry.border import parse_border
from imconv.options import Options
from imconv.pixels.rounding import HALF_UP, ROUNDINGS


@pytest.mark.parametrize("name", TOOLS)
def test_facts(name):
    tool = find(f" {name.upper()} ")
    assert tool.name == name
    assert parse_border(tool.border).mode == tool.border
    assert tool.rounding in (HALF_UP, *ROUNDINGS)
    assert tool.direction in ("convolution", "correlation", "either", "bottom up")
    assert set(tool.calls) == {"blur", "box", "apply", "median"}


@pytest.mark.parametrize("name", TOOLS)
def test_what_is_adopted_and_what_wins(name):
    tool = TOOLS[name]
    found = adopted(tool, Options(), None)
    assert (found.border, found.alpha or "weight") == (tool.border, tool.alpha)
    found = adopted(tool, Options(border="wrap", alpha="keep"), "wrap")
    assert (found.border, found.alpha) == ("wrap", "keep")


def test_the_option_names_them_all():
    help_text = click.testing.CliRunner().invoke(click.command("x")(like_option(lambda like: None)), ["--help"]).output
    assert all(name in help_text for name in TOOLS)


def test_unknown():
    with pytest.raises(imconv.ImconvError, match=r"one of scipy, opencv.*did you mean 'vips'"):
        find("vip")
