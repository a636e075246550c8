"""Loops compiled by Numba in this process, where none is kept and none can be."""

from __future__ import annotations

import os
from importlib import import_module

os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")  # its functions are in a library that would have to be linked

from numba import njit

OPTIONS = {"error_model": "numpy", "boundscheck": False}


def python_function(name: str):
    """The loop's source, to be compiled."""
    module, _, function = name.partition(".")
    return getattr(import_module(f"imconv.loops.{module}"), function)


def in_process(name: str):
    """The loop by Numba alone: called with the arguments themselves."""
    return njit(nogil=True, **OPTIONS)(python_function(name))
