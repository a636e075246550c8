"""Compiled code as a function to call: a shared object through the C library, an object file through LLVM.

Every function takes one block of memory (`signature.py`) and is called without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import os

from . import machine

ENTRY = "imconv_loop"


def from_file(path: str, code: bytes):
    """The loop in a file whose code was read and checked; OSError where the system will not load it."""
    return _entry(ctypes.CDLL(path)) if machine.links() else _by_llvm(code)


def from_memory(code: bytes):
    """The same where there is no file."""
    if not machine.links():
        return _by_llvm(code)
    descriptor = os.memfd_create("imconv", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(code)
    # it stays open: by the name of an earlier one the C library would give that again
    return _entry(ctypes.CDLL(f"/proc/self/fd/{descriptor}"))


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
    function = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(address)
    function.engine = engine  # owns the code
    return function
