"""The linker makes what the C library loads, or refuses: it never guesses."""

import ctypes
import shutil
import struct
import subprocess

import numpy as np
import pytest

from imconv.compiler import elf
from imconv.jit import load
from tests.jit.running import linked
from tests.refused import refused

pytestmark = [linked, pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to make objects")]

ENTRY = load.ENTRY
GOOD = f"""
typedef unsigned long size_t;
void *memset(void *, int, size_t);
void *memcpy(void *, const void *, size_t);
static const long table[4] = {{2, 3, 5, 7}};
__attribute__((noinline)) static long helper(long n) {{ return table[n & 3]; }}
void {ENTRY}(long *block) {{
    long *out = (long *) block[0];
    memset(out, 0, block[1]);
    memcpy(out, table, block[2]);
    out[7] = helper(block[3]);
}}
"""
REFUSED = {  # source, what is said of it
    "an import": (f"long labs2(long); void {ENTRY}(long *b) {{ b[0] = labs2(b[0]); }}", "calls labs2"),
    "two imports": (f"void puts(long); void abort(long); void {ENTRY}(long *b) {{ puts(1); abort(2); b[0]++; }}",
        "calls abort, puts"),
    "a variable of another file": (f"extern long there; void {ENTRY}(long *b) {{ b[0] = there; }}", "calls .*there"),
    "a variable": (f"static long count; void {ENTRY}(long *b) {{ b[0] = count++; }}", "section .bss is no constant"),
    "a variable with a value": (f"static long count = 3; void {ENTRY}(long *b) {{ b[0] = count++; }}",
        "section .data is no constant"),
    "a table of addresses": (
        f'static const char *const names[] = {{"a", "bc"}}; void {ENTRY}(long *b) {{ b[0] = (long) names[b[0]]; }}',
        "no constant|relocation",
    ),
    "a variable of each thread": (f"static __thread long count; void {ENTRY}(long *b) {{ b[0] = count++; }}",
        "calls|no constant"),
    "work at loading": (
        f'__attribute__((constructor)) static void at_first(void) {{ __asm__ volatile ("nop"); }} void {ENTRY}(long *b) {{ b[0] = 1; }}',
        "section .init_array",
    ),
    "no entry": ("void other(long *b) { b[0] = 1; }", f"{ENTRY} is not defined"),
    "an entry that is data": (f"long {ENTRY} = 3;", "no constant|not defined"),
    "a large alignment": (
        f"static const char t[8] __attribute__((aligned(65536))) = {{1, 2}}; void {ENTRY}(long *b) {{ b[0] = t[b[0]]; }}",
        "aligned to 65536",
    ),
}  # fmt: skip


def compiled(folder, source: str, *options: str) -> bytes:
    """An object of some C."""
    (folder / "loop.c").write_text(source)
    command = [
        "gcc", "-c", "-O2", "-fPIC", "-ffreestanding", "-fno-stack-protector", *options, "loop.c", "-o", "loop.o",
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "loop.o").read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    """An object with constants, a call within and two calls outside."""
    return compiled(tmp_path_factory.mktemp("good"), GOOD)


def ran(function) -> list[int]:
    """What the function of GOOD leaves behind."""
    out = np.full(8, 9, np.int64)
    function(struct.pack("<4q", out.ctypes.data, 56, 24, 3))
    return out.tolist()


RIGHT = [2, 3, 5, 0, 0, 0, 0, 7]


@pytest.mark.parametrize("options", [(), ("-O0",), ("-mcmodel=small", "-ffunction-sections", "-fdata-sections")], ids=" ".join)  # fmt: skip
def test_a_linked_object_runs(tmp_path, options):
    code = elf.link(compiled(tmp_path, GOOD, *options), ENTRY)
    assert ran(load.from_memory(code)) == RIGHT
    (tmp_path / "loop.so").write_bytes(code + b"a trailer where no loader looks")
    with open(tmp_path / "loop.so", "rb") as file:
        assert ran(load.from_file(file.fileno(), code)) == RIGHT


def test_calls_by_way_of_a_table_of_addresses():
    """As LLVM makes them of functions that are not bound lazily."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(reloc="pic", codemodel="default")
    source = f"""
        declare ptr @memset(ptr, i32, i64) nonlazybind
        define void @{ENTRY}(ptr %block) {{
            %out = load ptr, ptr %block
            %whatever = call ptr @memset(ptr %out, i32 1, i64 64)
            ret void
        }}"""
    try:
        module = llvm.parse_assembly(source)
    except RuntimeError as problem:
        pytest.skip(f"this LLVM wants pointers of types: {problem}")
    code = elf.link(target.emit_object(module), ENTRY)
    assert ran(load.from_memory(code)) == [0x0101010101010101] * 8


def test_two_objects_in_memory_are_two(tmp_path):
    """The C library knows libraries by name: it must not give the first one again."""
    source = f"void {ENTRY}(long *b) {{ b[0] = %d; }}"
    functions = [load.from_memory(elf.link(compiled(tmp_path, source % n), ENTRY)) for n in (3, 4)]
    for function, number in zip(functions, (3, 4), strict=True):
        block = ctypes.create_string_buffer(8)
        function(block)
        assert block.raw == struct.pack("<q", number)


def test_only_the_entry_is_exported(good, tmp_path):
    (tmp_path / "loop.so").write_bytes(elf.link(good, ENTRY))
    library = ctypes.CDLL(str(tmp_path / "loop.so"))
    assert library[ENTRY]
    for name in ("helper", "table", "other"):
        with pytest.raises(AttributeError):
            library[name]
    if shutil.which("readelf"):
        told = subprocess.run(["readelf", "-W", "-D", "-s", "-l", "-d", "loop.so"], cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
        assert told.stderr == ""
        named = {line.split()[-1]: line.split()[6] for line in told.stdout.splitlines() if " FUNC " in line}
        assert named.pop(ENTRY) != "UND"
        assert named == {"memcpy": "UND", "memset": "UND"}
        flags = [line.split()[6:-1] for line in told.stdout.splitlines() if line.split()[:1] == ["LOAD"]]
        assert flags == [["R", "E"], ["RW"]]  # nothing that can be written can be executed
        (stack,) = [line.split() for line in told.stdout.splitlines() if "GNU_STACK" in line]
        assert "E" not in "".join(stack[6:-1])
        assert "NEEDED" not in told.stdout


def test_linking_gives_the_same_each_time(good):
    assert elf.link(good, ENTRY) == elf.link(good, ENTRY)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_understood_is_refused(tmp_path, case):
    source, said = REFUSED[case]
    refused(elf.LinkError, said, elf.link, compiled(tmp_path, source), ENTRY)


def test_absolute_addresses_are_refused(tmp_path):
    source = GOOD.replace("table[n & 3]", "table[n & 3] + (long) table")
    refused(elf.LinkError, "relocation", elf.link, compiled(tmp_path, source, "-fno-pic", "-mcmodel=large"), ENTRY)


def test_a_32_bit_relocation_to_nowhere_is_refused(good):
    """Every kind of relocation but those of position-independent code."""
    at, number = relocation_of(good)
    for kind in set(range(50)) - {elf.R_PC32, elf.R_PLT32}:
        changed = bytearray(good)
        struct.pack_into("<Q", changed, at + 8, number << 32 | kind)
        refused(elf.LinkError, f"relocation {kind} ", elf.link, bytes(changed), ENTRY)


@pytest.mark.parametrize("offset", [1 << 63, 1 << 20, 100_000])
def test_a_relocation_outside_its_section_is_refused(good, offset):
    at, _ = relocation_of(good)
    changed = bytearray(good)
    struct.pack_into("<Q", changed, at, offset)
    refused(elf.LinkError, "outside its section", elf.link, bytes(changed), ENTRY)


def test_a_distance_of_more_than_31_bits_is_refused(good):
    at, _ = relocation_of(good)
    changed = bytearray(good)
    struct.pack_into("<q", changed, at + 16, 1 << 32)
    refused(elf.LinkError, "31 bits", elf.link, bytes(changed), ENTRY)


def relocation_of(good: bytes) -> tuple[int, int]:
    """Where the first relocation of the code against one of its own sections stands, and its symbol."""
    sections, symbols = elf._read(good)
    for table in sections:
        if table.kind == elf.RELOCATIONS and sections[table.info].flags & elf.EXECUTABLE:
            for at in range(table.start, table.start + table.size, elf.RELOCATION):
                number, kind = struct.unpack_from("<Q", good, at + 8)[0] >> 32, struct.unpack_from("<I", good, at + 8)[0]  # fmt: skip
                if kind in (elf.R_PC32, elf.R_PLT32) and symbols[number].section:
                    return at, number
    raise AssertionError("no relocation")


JUNK = {
    "nothing": b"",
    "a few bytes": b"\x7fELF",
    "text": b"int main(void) { return 0; }\n" * 20,
    "zeros": bytes(4096),
    "noise": np.random.default_rng(5).bytes(4096),
    "noise after the right beginning": b"\x7fELF\x02\x01\x01"
    + bytes(9)
    + struct.pack("<HH", 1, 62)
    + np.random.default_rng(6).bytes(4096),
    "32 bits": b"\x7fELF\x01\x01" + bytes(4096),
}


@pytest.mark.parametrize("case", JUNK)
def test_junk_is_refused(case):
    with pytest.raises(elf.LinkError):
        elf.link(JUNK[case], ENTRY)


def test_what_is_linked_already_is_refused(good):
    refused(elf.LinkError, "no x86-64 object", elf.link, elf.link(good, ENTRY), ENTRY)


def test_another_processors_object_is_refused(good):
    aarch64 = 183
    refused(elf.LinkError, "no x86-64 object", elf.link, good[:18] + struct.pack("<H", aarch64) + good[20:], ENTRY)


def test_an_object_cut_short_is_refused(good):
    for length in range(0, len(good), 7):
        with pytest.raises(elf.LinkError):
            elf.link(good[:length], ENTRY)


def test_an_object_with_a_byte_changed_is_linked_or_refused(good):
    """No other error, no endless work, no memory without end: what comes out is never run here."""
    random = np.random.default_rng(9)
    refused = 0
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= int(random.integers(1, 256))
        try:
            elf.link(bytes(changed), ENTRY)
        except elf.LinkError:
            refused += 1
    assert refused > 100
