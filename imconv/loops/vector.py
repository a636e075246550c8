"""A vector type for Numba: LANES floats side by side, the piece of an output row that a loop holds in registers.

Numba's own vectoriser must prove that arrays don't overlap, and gives up on loops that keep many sums. A value of this
type simply *is* a few machine registers. To Numba it is an opaque value; to LLVM it is `<LANES x float>`, which LLVM
splits into the registers the CPU has: 64 floats are four AVX-512 registers. Loops read like scalar code:

    total = zeros(weights[0])                     # float32 or float64 lanes, as the scalar
    for k in range(weights.size):
        total = fma(broadcast(weights[k]), load(total, image, row + k, x), total)
    store(out, y, x, total)

Arrays are 2-D and C-contiguous: uint8, uint16, float32 or float64. Nothing is checked: the caller sees to it that the
samples x .. x + LANES - 1 are there.
"""

import operator

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model


def _target_features() -> set[str]:
    """The instruction sets that Numba compiles for."""
    if config.CPU_FEATURES is not None:
        return {flag[1:] for flag in config.CPU_FEATURES.split(",") if flag.startswith("+")}
    if config.CPU_NAME is None:
        return {name for name, present in llvm.get_host_cpu_features().items() if present}
    levels = {"x86-64-v4": {"avx512f", "avx2", "fma"}, "x86-64-v3": {"avx2", "fma"}}
    return levels.get(config.CPU_NAME, set())


FEATURES = _target_features()
# Four rows of sums, one source vector and four weights must fit the registers: 32 of 16 floats with AVX-512, 16 of 8
# with AVX2, 16 of 4 with SSE, 32 of 4 with NEON. More lanes spill (AVX2 with 32: 1.5 times the time), fewer wait for
# loads (AVX-512 with 32: 1.15 times).
LANES = 64 if "avx512f" in FEATURES else 16 if FEATURES & {"avx2", "neon"} else 8
# Without the instruction LLVM would call a C function for every lane.
HAS_FMA = bool(FEATURES & {"fma", "neon"})


class Vector(types.Type):
    """The Numba type of LANES float32 or float64 values."""

    def __init__(self, scalar):
        self.scalar = scalar
        super().__init__(f"vector of {LANES} {scalar}")


_VECTORS = {scalar: Vector(scalar) for scalar in (types.float32, types.float64)}


def _llvm_type(scalar) -> ir.VectorType:
    """How LLVM names LANES samples of a Numba scalar type."""
    if isinstance(scalar, types.Integer):
        return ir.VectorType(ir.IntType(scalar.bitwidth), LANES)
    return ir.VectorType(ir.FloatType() if scalar == types.float32 else ir.DoubleType(), LANES)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm_type(vector.scalar))


def _address(context, builder, array_type, array, row, column):
    """Where the samples array[row, column : column + LANES] lie, as a pointer to one LLVM vector."""
    fields = context.make_array(array_type)(context, builder, array)
    pitch = builder.extract_value(fields.shape, 1)
    place = builder.gep(fields.data, [builder.add(builder.mul(row, pitch), column)])
    return builder.bitcast(place, _llvm_type(array_type.dtype).as_pointer())


def _converted(builder, value, given, wanted):
    """A vector of one sample type as floats of another; integers are unsigned."""
    if given == wanted:
        return value
    if isinstance(given, types.Integer):
        return builder.uitofp(value, _llvm_type(wanted))
    widens = wanted == types.float64
    return (builder.fpext if widens else builder.fptrunc)(value, _llvm_type(wanted))


@intrinsic
def load(typing, like, array, row, column):
    """`array[row, column : column + LANES]` as floats of the type of the vector `like`."""

    def generate(context, builder, sig, args):
        sample = sig.args[1].dtype
        value = builder.load(_address(context, builder, sig.args[1], *args[1:]))
        value.align = sample.bitwidth // 8  # samples are aligned, vectors need not be
        return _converted(builder, value, sample, sig.return_type.scalar)

    return like(like, array, types.intp, types.intp), generate


@intrinsic
def store(typing, array, row, column, value):
    """Write a vector to `array[row, column : column + LANES]`; into integers, truncated: see `rounded`."""

    def generate(context, builder, sig, args):
        sample, scalar = sig.args[0].dtype, sig.args[3].scalar
        value = args[3]
        if isinstance(sample, types.Integer):
            whole = builder.fptosi(value, ir.VectorType(ir.IntType(32), LANES))
            value = builder.trunc(whole, _llvm_type(sample))
        else:
            value = _converted(builder, value, scalar, sample)
        written = builder.store(value, _address(context, builder, sig.args[0], *args[:3]))
        written.align = sample.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value), generate


@intrinsic
def broadcast(typing, scalar):
    """A vector with `scalar`, a float32 or float64, in every lane."""
    if scalar not in _VECTORS:
        return None

    def generate(context, builder, sig, args):
        kind = _llvm_type(sig.args[0])
        first = builder.insert_element(ir.Constant(kind, ir.Undefined), args[0], ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), everywhere)

    return _VECTORS[scalar](scalar), generate


@intrinsic
def zeros(typing, scalar):
    """A vector of zeros for sums of the type of `scalar`."""
    if scalar not in _VECTORS:
        return None

    def generate(context, builder, sig, args):
        return ir.Constant(_llvm_type(sig.args[0]), [0.0] * LANES)

    return _VECTORS[scalar](scalar), generate


@intrinsic
def fma(typing, a, b, c):
    """`a * b + c`, rounded once where the CPU can."""

    def generate(context, builder, sig, args):
        if not HAS_FMA:
            return builder.fadd(builder.fmul(args[0], args[1]), args[2])
        kind = _llvm_type(sig.return_type.scalar)
        name = f"llvm.fma.v{LANES}f{sig.return_type.scalar.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return builder.call(function, args)

    return a(a, a, a), generate


def _choosing(comparison):
    def declare(typing, a, b):
        def generate(context, builder, sig, args):
            return builder.select(builder.fcmp_ordered(comparison, args[0], args[1]), args[0], args[1])

        return a(a, a), generate

    return declare


minimum = intrinsic(_choosing("<"))  # the lesser of each pair; the second where one is NaN
maximum = intrinsic(_choosing(">"))


class _Arithmetic(AbstractTemplate):
    """Two vectors of one type give a third."""

    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
            return signature(args[0], args[0], args[0])
        return None


def _register(operation, instruction):
    infer_global(operation)(type(f"_{instruction}", (_Arithmetic,), {}))

    @lower_builtin(operation, Vector, Vector)
    def lower(context, builder, sig, args):
        return getattr(builder, instruction)(*args)


for _operation, _instruction in {
    operator.add: "fadd",
    operator.sub: "fsub",
    operator.mul: "fmul",
    operator.truediv: "fdiv",
}.items():
    _register(_operation, _instruction)
