"""Compiles a loop. Run as a program, so that whoever needs the loop need not.

    python -m imconv.compiler.build LOOP TYPE ...       writes the sealed code to standard output

Numba compiles the loop as usual. What is kept of it is one entry that unpacks a block of memory (`signature.py`) and
calls the loop: with everything else internal, LLVM drops Numba's references to the interpreter, since loops raise
nothing and allocate nothing. The code is checked against a known result before anybody sees it.
"""

from __future__ import annotations

import sys

import llvmlite.binding as llvm
from numba import cfunc, njit, types
from numba.core import config
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from ..jit import load, machine, signature, store
from ..jit.numba_loops import OPTIONS, python_function
from ..loops import LOOPS
from . import elf, known_answers

_NUMBA_TYPES = {"u1": types.uint8, "u2": types.uint16, "u4": types.uint32, "u8": types.uint64, "i8": types.int64, "f4": types.float32, "f8": types.float64}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Build one loop and write it to standard output."""
    name, *codes = arguments
    data = sealed_loop(name, tuple(codes))
    sys.stdout.buffer.write(data)
    return 0


def sealed_loop(name: str, specialised: tuple[str, ...]) -> bytes:
    """A loop, compiled, linked, checked and sealed."""
    code = object_file(name, specialised)
    if machine.links():
        code = elf.link(code, load.ENTRY)
    if machine.runs(config.CPU_NAME):
        known_answers.check(name, specialised, load.from_memory(code))
    return store.sealed(code)


def object_file(name: str, specialised: tuple[str, ...]) -> bytes:
    """A relocatable object that defines `load.ENTRY` and nothing else to the outside."""
    arguments = signature.parse(LOOPS[name])
    kinds = []
    for argument, code in zip(arguments, signature.types(arguments, specialised), strict=True):
        kind = _NUMBA_TYPES[code]
        kinds.append(types.Array(kind, argument.dims, "C") if argument.dims else kind)
    loop, unpack = njit(**OPTIONS)(python_function(name)), _unpacker(kinds)

    def entry(block):
        loop(*unpack(block))

    compiled = cfunc(types.void(types.CPointer(types.int64)), **OPTIONS)(entry)
    module = llvm.parse_assembly(compiled.inspect_llvm())
    module.get_function(compiled.native_name).name = load.ENTRY
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration:
            value.linkage = "external" if value.name == load.ENTRY else "internal"
    target = _target(module.triple)
    passes = llvm.create_new_module_pass_manager()
    passes.add_ipsccp_pass()
    passes.add_dead_arg_elimination_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2)))
    return target.emit_object(module)


def _target(triple: str) -> llvm.TargetMachine:
    cpu, features = config.CPU_NAME or llvm.get_host_cpu_name(), config.CPU_FEATURES
    if features is None:
        features = "" if config.CPU_NAME else llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="default"
    )


def _unpacker(kinds: list):
    """An intrinsic that takes a block and gives a tuple of values of these types."""
    values = types.Tuple(kinds)

    @intrinsic
    def unpack(typing, block):
        def generate(context, builder, sig, args):
            place = 0

            def word():
                nonlocal place
                place += 1
                return builder.load(builder.gep(args[0], [context.get_constant(types.intp, place - 1)]))

            return context.make_tuple(builder, values, [_value(context, builder, kind, word) for kind in kinds])

        return values(block), generate

    return unpack


def _value(context, builder, kind, word):
    """One argument of type `kind`, made of the next words of the block."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder)
        data = builder.inttoptr(word(), array.data.type)
        shape = [word() for _ in range(kind.ndim)]
        itemsize = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
        strides = [itemsize]
        for size in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        populate_array(array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
        return array._getvalue()
    if isinstance(kind, types.Float):
        value = builder.bitcast(word(), context.get_value_type(types.float64))
        return value if kind == types.float64 else builder.fptrunc(value, context.get_value_type(kind))
    return word()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
