"""Results have the recorded bits: those of every other processor (tests/bits.py)."""

import json

from .bits import RECORD, hashes


def test_results_have_the_recorded_bits():
    known, found = json.loads(RECORD.read_text()), hashes()
    assert found.keys() == known.keys()
    assert [name for name in known if found[name] != known[name]] == []
