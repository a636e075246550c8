"""What the help shows of a filter's effect is what the filter does."""

import shlex

import numpy as np
import pytest

from imconv import read, write
from imconv.cli import COMMANDS
from imconv.cli.effects import EDGE, EFFECTS, SPOT, shown

CASES = [(name, options, after) for name, found in EFFECTS.items() for options, after in found.items()]
NOT_FILTERS = {"cache", "compare", "info", "kernels", "layer", "net", "show", "trace"}


@pytest.mark.parametrize(("name", "options", "after"), CASES)
def test_effects_are_true(succeeds, folder, name, options, after):
    for before, expected in zip((EDGE, SPOT), after, strict=True):
        write("row.png", np.array([before.split()], np.uint8))
        words = shlex.split(options)
        succeeds(name, *words[: name == "chain"], "row.png", "out.png", *words[name == "chain" :])
        assert " ".join(map(str, read("out.png").pixels[0])) == expected


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NOT_FILTERS))
def test_every_filters_help_shows_its_effect(succeeds, name):
    said = succeeds(name, "--help").out.decode()
    for line in shown(name):
        assert line in said
    assert shown(name)
