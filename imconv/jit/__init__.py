"""Finding compiled loops, keeping them, and loading them again; no other package does.

`loop("dense.correlate_dense")` is called like the function of that name in `imconv/loops/`. What runs is looked for at
the first call with these types: among the loops shipped with imconv, among those kept for this computer, else Numba
compiles it in a process of its own and it is kept; where none of that works (`IMCONV_JIT=numba` asks for it), Numba
compiles it in this process. Loops run with the interpreter's lock released. Nothing but a build imports Numba.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Protocol

from ..errors import ImconvError
from ..loops import LOOPS
from . import load, machine, signature, store

SHIPPED = os.path.join(machine.HERE, "shipped")
_lock = threading.RLock()
_functions: dict[tuple[str, tuple[str, ...]], object] = {}  # loop, specialisation -> function of a block, or IN_PROCESS
IN_PROCESS = "numba"
origins: dict[str, str] = {}  # what was used, for those who ask: loop with types -> shipped, kept, built or numba
failures: dict[str, str] = {}  # why a loop could not be built, for those who ask
watch: Watch | None = None  # told about builds


class Watch(Protocol):
    """What is told about builds."""

    def begin(self, count: int, refusal: str | None) -> None: ...
    def progress(self, done: int, count: int) -> None: ...
    def end(self) -> None: ...
    def failed(self, reason: str) -> None: ...


def _new_lock() -> None:
    """In a forked process nobody would release a lock that another thread held."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def in_process_only() -> bool:
    """Whether the user wants Numba in this process, which helps where /proc/cpuinfo lies (valgrind, qemu)."""
    return os.environ.get("IMCONV_JIT", "").lower() == "numba"


@cache
def loop(name: str) -> Loop:
    """The compiled form of a loop, by module and function: `"box.sum_box"`."""
    return Loop(name)


class Loop:
    """A loop that can be called; `bound` keeps last arguments that are the same for many calls."""

    def __init__(self, name: str):
        self.name = name
        self.arguments = signature.parse(LOOPS[name])
        self._by_types: dict[tuple[str, ...], object] = {}
        self._cuts: dict[int, tuple] = {}

    def __call__(self, *values) -> None:
        """Run it. Raises TypeError for an argument of another type, or number of dimensions, or not contiguous."""
        Bound(self, values)()

    def bound(self, *last) -> Bound:
        """A callable that takes the arguments before these."""
        return Bound(self, last)

    def specialised(self, kinds: dict) -> tuple[str, tuple[str, ...]]:
        """What `ready` wants: this loop, for the types (numpy's, or their names) its declaration's capitals stand for."""
        return self.name, tuple(signature.CODE_OF[str(kinds[name])] for name in signature.variables(self.arguments))

    def cut(self, count: int) -> tuple:
        """The first arguments and the last `count`, each with what packs them."""
        found = self._cuts.get(count)
        if found is None:
            place = len(self.arguments) - count
            if place < 0:
                raise TypeError(f"{self.name} takes {len(self.arguments)} arguments, {count} given")
            first, last = self.arguments[:place], self.arguments[place:]
            found = self._cuts[count] = first, signature.packer(first), last, signature.packer(last)
        return found

    def function(self, codes: tuple[str, ...]):
        """What runs for arrays of these types."""
        found = self._by_types.get(codes)
        if found is None:
            types = signature.specialisation(self.arguments, codes)
            ready([(self.name, types)])
            found = self._by_types[codes] = _functions[self.name, types]
        return found


class Bound:
    """A loop with its last arguments, checked and packed once."""

    def __init__(self, loop: Loop, last: tuple):
        self._loop, self._last = loop, last
        self._first, self._pack, arguments, pack = loop.cut(len(last))
        words, codes = signature.flatten(arguments, last)
        self._codes = tuple(codes)
        self._rest = pack(*words)

    def __call__(self, *first) -> None:
        words, codes = signature.flatten(self._first, first)
        function = self._loop.function((*codes, *self._codes))
        if function is IN_PROCESS:
            _numba_function(self._loop.name)(*first, *self._last)
        else:
            function(self._pack(*words) + self._rest)


def ready(wanted: list[tuple[str, tuple[str, ...]]]) -> None:
    """Have loops with these specialisations at hand; what must be compiled is compiled side by side."""
    if all(item in _functions for item in wanted):
        return
    with _lock:
        missing = [item for item in dict.fromkeys(wanted) if item not in _functions and not _found(*item)]
        if missing:
            _build(missing)


def _found(name: str, types: tuple[str, ...]) -> bool:
    """Use a shipped or kept loop, if there is one that is sound."""
    full = signature.full_name(name, types)
    if in_process_only():
        _functions[name, types], origins[full] = IN_PROCESS, "numba"
        return True
    for origin, folder in (("shipped", shipped_folder()), ("kept", store.folder())):
        if folder is None:
            continue
        function = _loaded(os.path.join(folder, full + store.suffix()), private=origin == "kept")
        if function is not None:
            _functions[name, types], origins[full] = function, origin
            return True
    return False


def _loaded(path: str, *, private: bool = True):
    """The loop in a file as a function, None where there is none that is sound, or the system will not load it."""
    with store.checked(path, private=private) as found:
        if found is None:
            return None
        descriptor, code = found
        try:
            return load.from_file(descriptor, code)
        except OSError:  # a folder nothing may be executed in
            return _from_memory(code)


def _from_memory(code: bytes):
    try:
        return load.from_memory(code)
    except OSError:
        return None


@cache
def shipped_folder() -> str | None:
    """Where shipped loops for this processor lie, None where there are none, or the sources have changed since."""
    level = machine.level()
    if level is None:
        return None
    try:
        with open(os.path.join(SHIPPED, "sources")) as file:
            return os.path.join(SHIPPED, level) if file.read() == machine.sources() else None
    except OSError:
        return None


def shipped_loops() -> list[str]:
    """Full names of the loops that this copy of imconv carries for this processor."""
    folder = shipped_folder()
    found = os.listdir(folder) if folder else []
    return sorted(name.removesuffix(store.suffix()) for name in found if name.endswith(store.suffix()))


def _build(missing: list[tuple[str, tuple[str, ...]]]) -> None:
    """Have loops compiled and use them; those that another process compiles at the time are taken from it."""
    from .builders import build

    for (name, types), result in build(missing, watch, _found):
        full, function = signature.full_name(name, types), None
        if isinstance(result, str):
            failures[full] = result
        else:
            path, code = store.path_of(full), store.opened(result)
            if path is not None and store.write(path, result):
                function = _loaded(path)
            if function is None and code is not None:
                function = _from_memory(code)
            if function is None:
                failures[full] = "the system loads it neither from a file nor from memory"
        origins[full] = "numba" if function is None else "built"
        _functions[name, types] = IN_PROCESS if function is None else function


@cache
def _numba_function(name: str):
    try:
        from . import numba_loops
    except ImportError as problem:
        raise ImconvError(
            f"no compiled loop for this processor, and Numba can't make one ({problem}); pip install numba"
        ) from None
    if failures and watch is not None:
        watch.failed(next(iter(failures.values())))
    return numba_loops.in_process(name)
