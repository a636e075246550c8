"""A vector type for Numba: floats side by side, the piece of an output row that a loop holds in registers.

Numba's own vectoriser must prove that arrays don't overlap, and gives up on loops that keep many sums. A value of this
type simply *is* a few machine registers. To Numba it is an opaque value; to LLVM it is `<64 x float>`, say, which LLVM
splits into the registers the CPU has: 64 floats are four AVX-512 registers. Loops read like scalar code:

    total = zeros(weights[0])                     # float32 or float64 lanes, as the scalar
    for k in range(weights.size):
        total = fma(broadcast(weights[k]), load(total, image, row + k, x), total)
    store(out, y, x, total)

Sums of whole numbers can be held in uint16 or uint32 instead: these are loaded, stored, added, subtracted, multiplied,
compared, and combined bit by bit.
Where many vectors are held at a time, `register` begins with one of a single register; that is there for uint8 to uint64.

Arrays are 2-D and C-contiguous: unsigned integers, float32 or float64. Nothing is checked: the caller sees to it that the
samples x .. x + lanes(total) - 1 are there.
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
    if config.CPU_FEATURES is None:  # Numba adds the host's to whatever CPU is named
        return {name for name, present in llvm.get_host_cpu_features().items() if present}
    levels = {"x86-64-v4": {"avx512f", "avx512bw", "avx2", "fma"}, "x86-64-v3": {"avx2", "fma"}}
    flags = config.CPU_FEATURES.split(",")
    named = levels.get(config.CPU_NAME, set()) | {flag[1:] for flag in flags if flag.startswith("+")}
    return named - {flag[1:] for flag in flags if flag.startswith("-")}


FEATURES = _target_features()
# Four rows of sums, one source vector and four weights must fit the registers: 32 of 16 floats with AVX-512, 16 of 8
# with AVX2, 16 of 4 with SSE, 32 of 4 with NEON. More lanes spill (AVX2 with 32: 1.5 times the time), fewer wait for
# loads (AVX-512 with 32: 1.15 times).
FLOAT32_LANES = 64 if "avx512f" in FEATURES else 16 if FEATURES & {"avx2", "neon"} else 8
LANES = {
    types.float32: FLOAT32_LANES,
    types.float64: FLOAT32_LANES // 2,
    types.uint32: FLOAT32_LANES,
    types.uint16: FLOAT32_LANES,
}
REGISTER_BYTES = 64 if "avx512bw" in FEATURES else 32 if "avx2" in FEATURES else 16
WHOLE = (types.uint8, types.uint16, types.uint32, types.uint64)
# A short vector is for what is left where rows end: one register, the widest of them.
SHORT_LANES = {types.float32: min(FLOAT32_LANES, 16), types.float64: min(FLOAT32_LANES, 16) // 2}
CACHE_LINE = 64  # bytes
# Bits of the mantissa, bias of the exponent, and a polynomial for 2^x, x from -1/2 to 1/2, whose largest relative error is
# least (Remez) among those that are 1 at 0: 4.3e-7 for float32, 3e-16 for float64.
_EXP2 = {
    types.float32: (23, 127, (1.0, 0.69314283061103, 0.24022350650173077, 0.05557400468639521, 0.00966628254749323,
                              0.001112550926354402)),
    types.float64: (52, 1023, (1.0, 0.6931471805599516, 0.24022650695910472, 0.05550410866434658, 0.009618129107380715,
                               0.001333355824648072, 0.00015403530800818256, 1.525264774769592e-05,
                               1.321523563477604e-06, 1.0210506458816145e-07, 7.111758687557852e-09)),
}  # fmt: skip
# Without the instruction LLVM would call a C function for every lane.
HAS_FMA = bool(FEATURES & {"fma", "neon"})


class Vector(types.Type):
    """The Numba type of so many samples side by side."""

    def __init__(self, scalar, lanes):
        self.scalar, self.lanes = scalar, lanes
        super().__init__(f"vector of {lanes} {scalar}")


_VECTORS = {scalar: Vector(scalar, lanes) for scalar, lanes in LANES.items()}
_SHORT = {scalar: Vector(scalar, lanes) for scalar, lanes in SHORT_LANES.items()}
_REGISTERS = {scalar: Vector(scalar, REGISTER_BYTES * 8 // scalar.bitwidth) for scalar in WHOLE}


def _llvm_type(scalar, lanes: int) -> ir.VectorType:
    """How LLVM names so many samples of a Numba scalar type."""
    if isinstance(scalar, types.Integer):
        return ir.VectorType(ir.IntType(scalar.bitwidth), lanes)
    return ir.VectorType(ir.FloatType() if scalar == types.float32 else ir.DoubleType(), lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm_type(vector.scalar, vector.lanes))


def _address(context, builder, array_type, array, row, column, lanes):
    """Where the samples array[row, column : column + lanes] lie, as a pointer to one LLVM vector."""
    fields = context.make_array(array_type)(context, builder, array)
    pitch = builder.extract_value(fields.shape, 1)
    place = builder.gep(fields.data, [builder.add(builder.mul(row, pitch), column)])
    return builder.bitcast(place, _llvm_type(array_type.dtype, lanes).as_pointer())


def _converted(builder, value, given, wanted, lanes):
    """A vector of one sample type as another, floats never as integers; integers are unsigned."""
    if given == wanted:
        return value
    if isinstance(wanted, types.Integer):
        widens = wanted.bitwidth > given.bitwidth
        return (builder.zext if widens else builder.trunc)(value, _llvm_type(wanted, lanes))
    if isinstance(given, types.Integer):
        return builder.uitofp(value, _llvm_type(wanted, lanes))
    widens = wanted == types.float64
    return (builder.fpext if widens else builder.fptrunc)(value, _llvm_type(wanted, lanes))


@intrinsic
def load(typing, like, array, row, column):
    """`array[row, column : column + lanes(like)]` as floats of the type of the vector `like`."""

    def generate(context, builder, sig, args):
        sample, vector = sig.args[1].dtype, sig.return_type
        value = builder.load(_address(context, builder, sig.args[1], *args[1:], vector.lanes))
        value.align = sample.bitwidth // 8  # samples are aligned, vectors need not be
        return _converted(builder, value, sample, vector.scalar, vector.lanes)

    return like(like, array, types.intp, types.intp), generate


@intrinsic
def store(typing, array, row, column, value):
    """Write a vector to `array[row, column : column + lanes(value)]`; into integers, truncated."""

    def generate(context, builder, sig, args):
        sample, vector = sig.args[0].dtype, sig.args[3]
        value = args[3]
        if isinstance(sample, types.Integer) and not isinstance(vector.scalar, types.Integer):
            whole = builder.fptosi(value, ir.VectorType(ir.IntType(32), vector.lanes))
            value = builder.trunc(whole, _llvm_type(sample, vector.lanes))
        else:
            value = _converted(builder, value, vector.scalar, sample, vector.lanes)
        written = builder.store(value, _address(context, builder, sig.args[0], *args[:3], vector.lanes))
        written.align = sample.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value), generate


@intrinsic
def store_some(typing, array, row, column, value, count):
    """Write the first `count` samples of a vector, which are of the array's type, or all where there are fewer."""
    if array.dtype != value.scalar:
        return None

    def generate(context, builder, sig, args):
        vector, number = sig.args[3], ir.IntType(64)
        order = ir.Constant(ir.VectorType(number, vector.lanes), list(range(vector.lanes)))
        limit = _everywhere(builder, Vector(types.uint64, vector.lanes), args[4])
        wanted = builder.icmp_signed("<", order, limit)
        place = _address(context, builder, sig.args[0], *args[:3], vector.lanes)
        align = ir.IntType(32)(vector.scalar.bitwidth // 8)
        kind = ir.FunctionType(ir.VoidType(), [args[3].type, place.type, align.type, wanted.type])
        name = f"llvm.masked.store.v{vector.lanes}f{vector.scalar.bitwidth}.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.call(function, [args[3], place, align, wanted])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value, types.intp), generate


@intrinsic
def prefetch(typing, like, array, row, column):
    """Ask for the cache lines of `array[row, column : column + lanes(like)]`, which will be read before long."""

    def generate(context, builder, sig, args):
        sample, vector = sig.args[1].dtype, sig.args[0]
        start = _address(context, builder, sig.args[1], *args[1:], vector.lanes)
        start = builder.bitcast(start, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [start.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_read, into_all_caches, data = number(0), number(3), number(1)
        for offset in range(0, vector.lanes * sample.bitwidth // 8, CACHE_LINE):
            place = builder.gep(start, [ir.Constant(ir.IntType(64), offset)])
            builder.call(function, [place, to_read, into_all_caches, data])
        return context.get_dummy_value()

    return types.void(like, array, types.intp, types.intp), generate


@intrinsic
def broadcast(typing, scalar):
    """A vector with `scalar`, a float32 or float64, in every lane."""
    if scalar not in _VECTORS:
        return None

    def generate(context, builder, sig, args):
        return _everywhere(builder, sig.return_type, args[0])

    return _VECTORS[scalar](scalar), generate


def _everywhere(builder, vector, scalar):
    """A vector of this type with an LLVM scalar in every lane."""
    kind = _llvm_type(vector.scalar, vector.lanes)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), everywhere)


@intrinsic
def filled(typing, like, number):
    """A vector of the type of the integers `like` with a whole number, cut to their size, in every lane."""
    if not isinstance(number, types.Integer):
        return None

    def generate(context, builder, sig, args):
        vector, given = sig.return_type, sig.args[1].bitwidth
        kind = ir.IntType(vector.scalar.bitwidth)
        wider = vector.scalar.bitwidth - given
        value = args[1] if wider == 0 else (builder.zext if wider > 0 else builder.trunc)(args[1], kind)
        return _everywhere(builder, vector, value)

    return like(like, number), generate


@intrinsic
def register(typing, scalar):
    """A vector of zeros that is one register: 64 uint8 or 8 uint64 with AVX-512; for the type of `scalar`, unsigned."""
    if scalar not in _REGISTERS:
        return None

    def generate(context, builder, sig, args):
        lanes = sig.return_type.lanes
        return ir.Constant(_llvm_type(sig.args[0], lanes), [0] * lanes)

    return _REGISTERS[scalar](scalar), generate


@intrinsic
def level(typing, like, scalar):
    """`scalar` in every lane of a vector of the type of `like`."""
    if scalar != like.scalar:
        return None

    def generate(context, builder, sig, args):
        return _everywhere(builder, sig.return_type, args[1])

    return like(like, scalar), generate


@intrinsic
def spread(typing, like, array, row, column):
    """The sample `array[row, column]` in every lane of a vector of the type of `like`, which is the array's too."""
    if array.dtype != like.scalar:
        return None

    def generate(context, builder, sig, args):
        place = _address(context, builder, sig.args[1], *args[1:], 1)
        scalar = _llvm_type(sig.args[1].dtype, 1).element
        value = builder.load(builder.bitcast(place, scalar.as_pointer()))
        value.align = sig.args[1].dtype.bitwidth // 8
        return _everywhere(builder, sig.return_type, value)

    return like(like, array, types.intp, types.intp), generate


@intrinsic
def zeros(typing, scalar):
    """A vector of zeros for sums of the type of `scalar`: float32, float64, uint32 or uint16."""
    return _zeros(_VECTORS, scalar)


@intrinsic
def short_zeros(typing, scalar):
    """The same as a short vector: of float32 or float64, at most one register."""
    return _zeros(_SHORT, scalar)


def _zeros(vectors, scalar):
    if scalar not in vectors:
        return None

    def generate(context, builder, sig, args):
        lanes = sig.return_type.lanes
        return ir.Constant(
            _llvm_type(sig.args[0], lanes), [0 if isinstance(sig.args[0], types.Integer) else 0.0] * lanes
        )

    return vectors[scalar](scalar), generate


@intrinsic
def sixteen(typing, scalar):
    """A vector of 16 zeros of the type of `scalar`, unsigned or floats, on every processor."""
    if scalar not in _REGISTERS and scalar not in _SHORT:
        return None

    def generate(context, builder, sig, args):
        nothing = 0.0 if scalar in _SHORT else 0
        return ir.Constant(_llvm_type(sig.args[0], 16), [nothing] * 16)

    return Vector(scalar, 16)(scalar), generate


@intrinsic
def four(typing, scalar):
    """A vector of 4 zeros of the type of `scalar`, unsigned or floats: what holds a pixel of up to 4 channels."""
    return _zeros({kind: Vector(kind, 4) for kind in (*_REGISTERS, *_SHORT)}, scalar)


@intrinsic
def evens(typing, a, b):
    """Every second lane of two vectors, one behind the other, from the first on."""

    def generate(context, builder, sig, args):
        lanes = sig.return_type.lanes
        order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(0, 2 * lanes, 2)))
        return builder.shuffle_vector(*args, order)

    return a(a, a), generate


@intrinsic
def across(typing, a):
    """The sum of all lanes of a vector of floats: the upper half is added to the lower, until there is one lane."""

    def generate(context, builder, sig, args):
        total = args[0]
        while total.type.count > 1:
            half = total.type.count // 2
            nothing = ir.Constant(total.type, ir.Undefined)
            parts = [
                builder.shuffle_vector(total, nothing, ir.Constant(ir.VectorType(ir.IntType(32), half), list(lanes)))
                for lanes in (range(half), range(half, 2 * half))
            ]
            total = builder.fadd(*parts)
        return builder.extract_element(total, ir.IntType(32)(0))

    return a.scalar(a), generate


@intrinsic
def count_less(typing, a, b):
    """In how many lanes a < b."""

    def generate(context, builder, sig, args):
        lanes = sig.args[0].lanes
        bits = builder.bitcast(_compared(builder, "<", sig.args[0], *args), ir.IntType(lanes))
        return builder.zext(builder.ctpop(bits), ir.IntType(64)) if lanes < 64 else builder.ctpop(bits)

    return types.intp(a, a), generate


@intrinsic
def lanes(typing, vector):
    """How many samples a vector has: 64 float32 or 32 float64 with AVX-512."""

    def generate(context, builder, sig, args):
        return context.get_constant(types.intp, sig.args[0].lanes)

    return types.intp(vector), generate


@intrinsic
def fma(typing, a, b, c):
    """`a * b + c`, rounded once where the CPU can."""

    def generate(context, builder, sig, args):
        return _fma(builder, sig.return_type, *args)

    return a(a, a, a), generate


def _fma(builder, vector, a, b, c):
    if not HAS_FMA:
        return builder.fadd(builder.fmul(a, b), c)
    kind = _llvm_type(vector.scalar, vector.lanes)
    name = f"llvm.fma.v{vector.lanes}f{vector.scalar.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    return builder.call(function, [a, b, c])


def _compared(builder, comparison, vector, a, b):
    compare = builder.icmp_unsigned if isinstance(vector.scalar, types.Integer) else builder.fcmp_ordered
    return compare(comparison, a, b)


def _choosing(comparison):
    def declare(typing, a, b):
        def generate(context, builder, sig, args):
            return builder.select(_compared(builder, comparison, sig.args[0], *args), args[0], args[1])

        return a(a, a), generate

    return declare


minimum = intrinsic(_choosing("<"))  # the lesser of each pair; the second where one is NaN
maximum = intrinsic(_choosing(">"))


@intrinsic
def larger(typing, a, b):
    """The larger of each pair, NaN where one is."""

    def generate(context, builder, sig, args):
        one, other = args
        chosen = builder.select(builder.fcmp_unordered(">", one, other), one, other)
        return builder.select(builder.fcmp_unordered("uno", other, other), other, chosen)

    return a(a, a), generate


@intrinsic
def root(typing, a):
    """Square roots, rounded once."""

    def generate(context, builder, sig, args):
        vector = sig.return_type
        kind = _llvm_type(vector.scalar, vector.lanes)
        name = f"llvm.sqrt.v{vector.lanes}f{vector.scalar.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
        return builder.call(function, args)

    return a(a), generate


@intrinsic
def floor(typing, a):
    """The largest whole numbers that are not larger; for values from 0 up to 2^31."""

    def generate(context, builder, sig, args):
        vector = sig.return_type
        whole = builder.fptosi(args[0], ir.VectorType(ir.IntType(32), vector.lanes))
        return builder.sitofp(whole, _llvm_type(vector.scalar, vector.lanes))

    return a(a), generate


@intrinsic
def where_less(typing, a, b, yes, no):
    """For each lane `yes` where a < b, else `no`."""
    if yes != no:
        return None

    def generate(context, builder, sig, args):
        return builder.select(_compared(builder, "<", sig.args[0], *args[:2]), args[2], args[3])

    return yes(a, a, yes, yes), generate


@intrinsic
def exp2(typing, a):
    """2 to the power of each value from -126 to 127; relative error below 1e-6 (float32) or 1e-15 (float64). NaN stays.

    Added to a number whose last place counts ones, a value is rounded to a whole one, whose bits then lie where, shifted,
    they are an exponent. A polynomial gives the rest.
    """

    def generate(context, builder, sig, args):
        vector, value = sig.return_type, args[0]
        kind = _llvm_type(vector.scalar, vector.lanes)
        bits = ir.VectorType(ir.IntType(vector.scalar.bitwidth), vector.lanes)
        mantissa, exponent_bias, coefficients = _EXP2[vector.scalar]

        def everywhere(number):
            return ir.Constant(kind, [number] * vector.lanes)

        counting = everywhere(1.5 * 2.0**mantissa + exponent_bias)
        shifted = builder.fadd(value, counting)
        places = ir.Constant(bits, [mantissa] * vector.lanes)
        power = builder.bitcast(builder.shl(builder.bitcast(shifted, bits), places), kind)
        rest = builder.fsub(value, builder.fsub(shifted, counting))
        total = everywhere(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = _fma(builder, vector, total, rest, everywhere(coefficient))
        return builder.fmul(total, power)

    return a(a), generate


class _Arithmetic(AbstractTemplate):
    """Two vectors of one type give a third."""

    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
            return signature(args[0], args[0], args[0])
        return None


def _define(operation, on_floats, on_integers=None):
    infer_global(operation)(type(f"_{on_floats or on_integers}", (_Arithmetic,), {}))

    @lower_builtin(operation, Vector, Vector)
    def lower(context, builder, sig, args):
        integers = isinstance(sig.return_type.scalar, types.Integer)
        return getattr(builder, on_integers if integers else on_floats)(*args)


_define(operator.add, "fadd", "add")
_define(operator.sub, "fsub", "sub")
_define(operator.mul, "fmul", "mul")
_define(operator.truediv, "fdiv")
_define(operator.or_, None, "or_")
_define(operator.and_, None, "and_")
_define(operator.xor, None, "xor")
