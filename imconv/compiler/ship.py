"""Compiles the loops that a wheel carries: `python -m imconv.compiler.ship FOLDER [PATTERN]`, run by `hatch_build.py`."""

from __future__ import annotations

import os
import re
import sys

from ..jit import builders, machine, store
from ..jit.signature import full_name
from .prebuilt import prebuilt


def main(arguments: list[str]) -> int:
    """Compile the common loops whose full names match PATTERN, for every level, into FOLDER; 1 if one can't be built."""
    folder, pattern = arguments[0], (arguments[1:] or [""])[0]
    wanted = [item for item in prebuilt() if re.search(pattern, full_name(*item))]
    for level in machine.LEVELS:
        os.makedirs(os.path.join(folder, level), exist_ok=True)
        for item, data in builders.build(wanted, NUMBA_CPU_NAME=level, NUMBA_CPU_FEATURES=""):
            if isinstance(data, str):
                sys.stderr.write(f"{full_name(*item)} could not be built for {level}: {data}\n")
                return 1
            with open(os.path.join(folder, level, full_name(*item) + store.suffix()), "wb") as file:
                file.write(data)
    with open(os.path.join(folder, "sources"), "w") as file:
        file.write(machine.sources())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
