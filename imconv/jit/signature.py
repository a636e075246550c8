"""What a loop takes, as its declaration in `imconv/loops/__init__.py` says; and Python values as one block of memory.

A declaration names the arguments in order: `src: S[:,:], samples: i8, out: &O[:,:], bias: A`. A type is u1, u2, u4, u8, i8, f4
or f8, or a capital that stands for one of them, the same one throughout; brackets tell an array's dimensions, & that it
is written to. A specialisation is the types its capitals stand for, in the order they appear.

Compiled code gets one block of 8-byte words: an array is its address and its dimensions, floats are float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import addressof, c_char
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, error

CODES = {
    "|u1": "u1",
    "<u2": "u2",
    "<u4": "u4",
    "<u8": "u8",
    "<i8": "i8",
    "<f4": "f4",
    "<f8": "f8",
}  # by numpy's dtype.str
CODE_OF = {
    "bool": "u1",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "int64": "i8",
    "float32": "f4",
    "float64": "f8",
}
TYPES = tuple(CODES.values())


@dataclass(frozen=True)
class Argument:
    """One argument of a loop."""

    name: str
    type: str  # one of TYPES, or a capital
    dims: int  # 0 for a scalar
    written: bool

    def __str__(self) -> str:
        return f"{self.name}: {'&' * self.written}{self.type}" + (f"[{','.join(':' * self.dims)}]" if self.dims else "")


@lru_cache(maxsize=64)
def parse(declaration: str) -> tuple[Argument, ...]:
    """The arguments of a declaration."""
    return tuple(_argument(part) for part in declaration.replace("\n", " ").split(", "))


def _argument(text: str) -> Argument:
    name, _, kind = (part.strip() for part in text.partition(":"))
    kind, _, brackets = kind.lstrip("&").partition("[")
    if not name.isidentifier() or not (kind in TYPES or (len(kind) == 1 and kind.isupper())):
        raise ValueError(f"bad argument {text!r} in the declaration of a loop")
    return Argument(name, kind, brackets.count(":"), "&" in text)


def variables(arguments: tuple[Argument, ...]) -> list[str]:
    """The capitals of a declaration in the order they appear."""
    return list(dict.fromkeys(argument.type for argument in arguments if argument.type.isupper()))


def specialisation(arguments: tuple[Argument, ...], codes: Iterable[str]) -> tuple[str, ...]:
    """What the capitals stand for where the arrays among the arguments have these types; TypeError if they can't."""
    meaning: dict[str, str] = {}
    arrays = [argument for argument in arguments if argument.dims]
    for argument, code in zip(arrays, codes, strict=True):
        wanted = meaning.setdefault(argument.type, code) if argument.type.isupper() else argument.type
        if code != wanted:
            raise TypeError(f"{argument} expected with {wanted}, got {code}")
    return tuple(meaning[name] for name in variables(arguments))


def full_name(loop: str, types: tuple[str, ...]) -> str:
    """A specialisation's name: `dense.correlate_dense-u1-f4-u1`."""
    return "-".join((loop, *types))


def types(arguments: tuple[Argument, ...], specialised: tuple[str, ...]) -> list[str]:
    """Each argument's type in a specialisation."""
    meaning = dict(zip(variables(arguments), specialised, strict=True))
    return [meaning.get(argument.type, argument.type) for argument in arguments]


def block(arguments: tuple[Argument, ...]) -> Struct:
    """How the arguments lie in memory."""
    # capitals of scalars stand for floats
    return Struct("".join("q" * (1 + a.dims) if a.dims else "q" if a.type == "i8" else "d" for a in arguments))


def packer(arguments: tuple[Argument, ...]):
    """What makes the block of its words; TypeError for a scalar that is no number, or not the right one."""
    pack = block(arguments).pack

    def packed(*words) -> bytes:
        try:
            return pack(*words)
        except error as problem:
            raise TypeError(f"{', '.join(map(str, arguments))}: {problem}") from None

    return packed


def flatten(arguments: tuple[Argument, ...], values: tuple) -> tuple[list, list[str]]:
    """The words of a block, and the types of the arrays; TypeError for a value that the loop can't take."""
    words: list = []
    codes: list[str] = []
    if len(arguments) != len(values):
        raise TypeError(f"{len(arguments)} arguments expected, {len(values)} given")
    for argument, value in zip(arguments, values, strict=True):
        if not argument.dims:
            words.append(value)
            continue
        try:
            code, flags = CODES.get(value.dtype.str), value.flags
        except AttributeError:
            raise TypeError(f"{argument} expected, got {type(value).__name__}") from None
        readable = value.ndim == argument.dims and flags.c_contiguous
        if code is None or not readable or (argument.written and not flags.writeable):
            kind = f"{value.dtype} {value.shape}, contiguous={flags.c_contiguous}, writeable={flags.writeable}"
            raise TypeError(f"{argument} expected, got {kind}")
        codes.append(code)
        words += (_address(value, flags.writeable), *value.shape)
    return words, codes


def _address(array, writeable: bool) -> int:
    """Where a contiguous array lies; of those that can be written to ctypes tells it four times as fast as numpy."""
    if writeable and array.size:
        return addressof(c_char.from_buffer(array))
    return array.__array_interface__["data"][0]
