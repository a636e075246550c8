"""LeNet-5 works as it comes: its weights ship with imconv."""

import json
from pathlib import Path

import pytest

DIGITS = Path(__file__).parent.parent.parent / "examples" / "digits"


@pytest.mark.parametrize("digit", ["2", "3", "5", "8"])
def test_lenet5_reads_digits_it_was_not_trained_on(succeeds, digit):
    told = json.loads(succeeds("net", "run", "lenet5", DIGITS / f"{digit}.png", "--json").out)
    assert str(told["top"][0]["class"]) == digit


def test_other_networks_need_weights(refuses):
    words = "resnet18 needs trained weights, which imconv doesn't bring for it: --weights FILE"
    refuses(words, "net", "run", "resnet18", DIGITS / "5.png", lines=1)
