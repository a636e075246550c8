"""Compiled code as a function to call: a shared object through the C library, an object file through LLVM.

Every function takes one block of memory (`signature.py`) and is called without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import os
from itertools import count

from . import machine

ENTRY = "imconv_loop"
_spellings = count()
_engines: list = []  # LLVM's, which own the code of object files


def from_file(descriptor: int, code: bytes):
    """The loop in an open file whose code was read and checked; OSError where the system will not load it."""
    return _by_descriptor(descriptor) if machine.links() else _by_llvm(code)


def from_memory(code: bytes):
    """The same where there is no file."""
    if not machine.links():
        return _by_llvm(code)
    descriptor = os.memfd_create("imconv", os.MFD_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(code)
        file.flush()
        return _by_descriptor(descriptor)


def _by_descriptor(descriptor: int):
    # each time another spelling: by a name that it knows the C library gives the library which had that name before
    return _entry(ctypes.CDLL(f"/proc/self/fd/{'/' * next(_spellings)}{descriptor}"))


def _entry(library):
    try:
        function = library[ENTRY]
    except AttributeError as missing:
        raise OSError(str(missing)) from None
    return _callable(function)


def _callable(function):
    function.argtypes, function.restype = (ctypes.c_char_p,), None
    return function


def _by_llvm(code: bytes):
    """Through llvmlite's own loader: without Numba, but 40 ms more at the start."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), host)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(ENTRY)
    if not address:
        raise OSError(f"{ENTRY} not found")
    _engines.append(engine)
    return ctypes.CFUNCTYPE(None, ctypes.c_char_p)(address)
