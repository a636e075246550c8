"""Code that was linked, kept and loaded gives what Numba gives in process, to the last bit."""

import json
import os

import pytest

from imconv.jit import store
from imconv.loops import LOOPS
from tests.jit import running
from tests.jit.many_filters import FILES, filters_of

KINDS = [("uint8",), ("uint16", "float32", "float64")]  # two processes of about the same time


@pytest.fixture(scope="module")
def told():
    """What many_filters prints: by Numba in process, and by loops as users get them; two processes at a time.

    What Numba compiles in process is kept beside the loops of this state of the sources, and cleared with them.
    """

    def both(mode: dict) -> dict:
        started = [running.start("-m", "tests.jit.many_filters", *kinds, cwd=running.ROOT, **mode) for kinds in KINDS]
        found: dict = {"checksums": {}, "origins": {}}
        for process in started:
            for name, values in json.loads(running.finish(process)[0]).items():
                found[name] |= values
        return found

    kept = {} if store.folder() is None else {"NUMBA_CACHE_DIR": os.path.join(store.folder(), "in-process")}
    return both({"IMCONV_JIT": "numba", **kept}), both({})


def test_every_loop_took_part_both_ways(told):
    in_process, compiled = (one["origins"] for one in told)
    assert set(in_process) == set(compiled)
    assert {name.partition("-")[0] for name in compiled} == set(LOOPS)
    assert set(in_process.values()) == {"numba"}
    assert set(compiled.values()) <= {"shipped", "kept", "built"}


def test_the_same_bits(told):
    in_process, compiled = (one["checksums"] for one in told)
    assert len(in_process) == sum(len(filters_of(kind)) for kinds in KINDS for kind in kinds) + FILES
    assert [name for name, checksum in in_process.items() if compiled[name] != checksum] == []
