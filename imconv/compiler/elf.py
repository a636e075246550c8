"""Makes a shared object of one compiled loop: a linker that knows just enough, and refuses the rest.

A relocatable x86-64 object (position-independent, small code model) of code and constants, with one entry and calls of
`memset` and the like at most, becomes an ELF file that `dlopen` takes: headers, symbol table, constants and code in one segment that
can be executed, the dynamic section in one that can be written, as the C library does. (System V ABI, AMD64 supplement.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import pack, pack_into, unpack_from

PROGRAM_DATA, SYMBOL_TABLE, RELOCATIONS, NO_DATA, OTHER_RELOCATIONS = 1, 2, 4, 8, 9  # kinds of sections
WRITABLE, LOADED, EXECUTABLE, THREAD_LOCAL = 1, 2, 4, 0x400  # their flags
R_PC32, R_PLT32, R_GLOB_DAT, R_GOTPCREL = 2, 4, 6, (9, 41, 42)  # of relocations
HASH, NAMES, SYMBOLS, RELOCATION_TABLE, RELOCATIONS_SIZE, RELOCATION_SIZE, NAMES_SIZE, SYMBOL_SIZE = range(
    4, 12
)  # dynamic
IMPORTS = {"memcpy", "memmove", "memset"}  # what LLVM makes of loops
PAGE, CACHE_LINE = 4096, 64
HEADER, PROGRAM_HEADER, SECTION_HEADER, SYMBOL, RELOCATION, DYNAMIC, STUB = 64, 56, 64, 24, 24, 16, 8  # bytes


class LinkError(Exception):
    """The object holds something that is not understood."""


@dataclass
class Section:
    """A part of an object file."""

    kind: int
    flags: int
    start: int
    size: int
    link: int
    info: int
    alignment: int
    name: str

    @property
    def kept(self) -> bool:
        return bool(self.flags & LOADED and self.size) and self.name != ".eh_frame"


@dataclass
class Symbol:
    """A name for a place in a section; section 0 is none."""

    name: str
    section: int
    value: int


def link(object_file: bytes, entry: str) -> bytes:
    """A shared object that exports `entry`. Raises LinkError for what is more than code, constants and calls of IMPORTS."""
    try:
        return _linked(object_file, entry)
    except (struct.error, IndexError, ValueError, OverflowError) as problem:  # a number that points nowhere
        raise LinkError(f"damaged object: {problem}") from None


def _linked(object_file: bytes, entry: str) -> bytes:
    sections, symbols = _read(object_file)
    imports = sorted({symbol.name for symbol in symbols if not symbol.section and symbol.name})
    if not IMPORTS.issuperset(imports):
        raise LinkError(f"calls {', '.join(sorted(set(imports) - IMPORTS))}")
    kept = [number for number, section in enumerate(sections) if section.kept]
    for number in kept:
        section = sections[number]
        if section.flags & (WRITABLE | THREAD_LOCAL) or section.kind != PROGRAM_DATA:
            raise LinkError(f"section {section.name} is no constant")
        if section.alignment > PAGE:
            raise LinkError(f"section {section.name} is aligned to {section.alignment} bytes")

    # headers, hash table, symbols, names, relocations for the C library's linker; then constants, code and stubs
    exported = [entry, *imports]
    names = b"\0" + b"".join(name.encode() + b"\0" for name in exported)
    hash_at = HEADER + 4 * PROGRAM_HEADER
    symbols_at = _aligned(hash_at + 4 * (4 + len(exported)), 8)
    relocations_at = symbols_at + SYMBOL * (1 + len(exported))
    names_at = relocations_at + RELOCATION * len(imports)
    at = names_at + len(names)
    places = {}
    for number in sorted(kept, key=lambda n: sections[n].flags & EXECUTABLE):
        at = places[number] = _aligned(at, max(sections[number].alignment, CACHE_LINE))
        at += sections[number].size
    stubs_at = _aligned(at, STUB)
    end_of_code = stubs_at + STUB * len(imports)
    # in a segment of their own, which can be written: the dynamic section, and the addresses of imports
    dynamic_at = _aligned(end_of_code, PAGE)
    dynamic = [
        (HASH, hash_at),
        (NAMES, names_at),
        (SYMBOLS, symbols_at),
        (NAMES_SIZE, len(names)),
        (SYMBOL_SIZE, SYMBOL),
    ]
    if imports:
        sizes = [(RELOCATIONS_SIZE, RELOCATION * len(imports)), (RELOCATION_SIZE, RELOCATION)]
        dynamic += [(RELOCATION_TABLE, relocations_at), *sizes]
    dynamic += [(0, 0)]
    slots_at = dynamic_at + DYNAMIC * len(dynamic)
    image = bytearray(slots_at + 8 * len(imports))
    stubs = {name: stubs_at + STUB * number for number, name in enumerate(imports)}
    slots = {name: slots_at + 8 * number for number, name in enumerate(imports)}

    for number, place in places.items():
        section = sections[number]
        image[place : place + section.size] = object_file[section.start : section.start + section.size]
    for section in sections:
        if section.kind == OTHER_RELOCATIONS and section.info in places:
            raise LinkError("relocations without addends")
        if section.kind == RELOCATIONS and section.info in places:
            size = sections[section.info].size
            _relocate(image, object_file, section, size, symbols, places, stubs, slots)
    found = [s for s in symbols if s.name == entry and s.section in places]
    if len(found) != 1:
        raise LinkError(f"{entry} is not defined")
    entry_at = places[found[0].section] + found[0].value

    _write_headers(image, end_of_code, dynamic_at, len(image) - dynamic_at)
    # one bucket; its chain goes from the last symbol to the first
    pack_into(f"<{4 + len(exported)}I", image, hash_at, 1, 1 + len(exported), len(exported), 0, *range(len(exported)))
    name_at, function, somewhere, undefined = 1, 0x12, 1, 0
    for number, name in enumerate(exported, 1):
        where = (somewhere, entry_at) if number == 1 else (undefined, 0)
        pack_into("<IBBHQQ", image, symbols_at + SYMBOL * number, name_at, function, 0, *where, 0)
        name_at += len(name) + 1
    for number, name in enumerate(imports):
        kind, symbol = R_GLOB_DAT, number + 2
        pack_into("<QQq", image, relocations_at + RELOCATION * number, slots[name], symbol << 32 | kind, 0)
        jump = 0x25FF  # jmp *distance(%rip)
        pack_into("<Hi", image, stubs[name], jump, slots[name] - (stubs[name] + 6))
    image[names_at : names_at + len(names)] = names
    for number, (tag, value) in enumerate(dynamic):
        pack_into("<qQ", image, dynamic_at + DYNAMIC * number, tag, value)
    return bytes(image)


def _read(data: bytes) -> tuple[list[Section], list[Symbol]]:
    """The sections and symbols of a relocatable object."""
    relocatable, x86_64 = 1, 62
    if data[:6] != b"\x7fELF\x02\x01" or unpack_from("<HH", data, 16) != (relocatable, x86_64):
        raise LinkError("no x86-64 object")
    (table,) = unpack_from("<Q", data, 40)
    count, names = unpack_from("<HH", data, 60)
    raw = [unpack_from("<IIQQQQIIQQ", data, table + SECTION_HEADER * number) for number in range(count)]

    def text(strings: int, offset: int) -> str:
        start = raw[strings][4] + offset
        return data[start : data.index(b"\0", start)].decode()

    sections = [Section(kind, flags, start, size, linked, info, alignment, text(names, name))
                for name, kind, flags, _, start, size, linked, info, alignment, _ in raw]  # fmt: skip
    symbols = []
    for section in sections:
        if section.kind != NO_DATA and section.start + section.size > len(data):
            raise LinkError(f"section {section.name} is cut short")
        if section.kind == SYMBOL_TABLE:
            for at in range(section.start, section.start + section.size, SYMBOL):
                name, _, _, place, value, _ = unpack_from("<IBBHQQ", data, at)
                symbols.append(Symbol(text(section.link, name), place, value))
    return sections, symbols


def _relocate(
    image: bytearray, data: bytes, table: Section, size: int, symbols: list[Symbol], places, stubs, slots
) -> None:
    """Put in the distances that the object left open in one section of `size` bytes."""
    for at in range(table.start, table.start + table.size, RELOCATION):
        offset, info, addend = unpack_from("<QQq", data, at)
        symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
        if kind in (R_PC32, R_PLT32) and symbol.section in places:
            target = places[symbol.section] + symbol.value
        elif kind == R_PLT32 and symbol.name in stubs:
            target = stubs[symbol.name]
        elif kind in R_GOTPCREL and symbol.name in slots:
            target = slots[symbol.name]
        else:
            raise LinkError(f"relocation {kind} against {symbol.name!r}")
        if offset + 4 > size:
            raise LinkError("a relocation outside its section")
        where = places[table.info] + offset
        distance = target + addend - where
        if not -(2**31) <= distance < 2**31:
            raise LinkError("a distance of more than 31 bits")
        pack_into("<i", image, where, distance)


def _write_headers(image: bytearray, end_of_code: int, dynamic_at: int, dynamic_size: int) -> None:
    load, dynamic, stack = 1, 2, 0x6474E551
    execute, write, read = 1, 2, 4
    headers = [
        (load, read | execute, 0, end_of_code, PAGE),
        (load, read | write, dynamic_at, dynamic_size, PAGE),
        (dynamic, read | write, dynamic_at, dynamic_size, 8),
        (stack, read | write, 0, 0, 16),  # says that the stack need not be executable
    ]
    shared_object, x86_64, version = 3, 62, 1
    identity = b"\x7fELF\x02\x01\x01"
    pack_into("<16sHHIQQQIHHHHHH", image, 0, identity, shared_object, x86_64, version, 0, HEADER, 0, 0, HEADER,
              PROGRAM_HEADER, len(headers), SECTION_HEADER, 0, 0)  # fmt: skip
    for number, (kind, flags, place, size, alignment) in enumerate(headers):
        header = pack("<IIQQQQQQ", kind, flags, place, place, place, size, size, alignment)
        start = HEADER + PROGRAM_HEADER * number
        image[start : start + len(header)] = header


def _aligned(number: int, to: int) -> int:
    return -(-number // to) * to
