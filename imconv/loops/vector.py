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


class Vector(types.Type):
    """The Numba type of so many samples side by side."""

    def __init__(self, scalar, lanes):
        self.scalar, self.lanes = scalar, lanes
        super().__init__(f"vector of {lanes} {scalar}")


_VECTORS = {scalar: Vector(scalar, lanes) for scalar, lanes in LANES.items()}
_SHORT = {scalar: Vector(scalar, lanes) for scalar, lanes in SHORT_LANES.items()}
_REGISTERS = {scalar: Vector(scalar, REGISTER_BYTES * 8 // scalar.bitwidth) for scalar in WHOLE}

_OF_4, _OF_16 = ({scalar: Vector(scalar, lanes) for scalar in (*WHOLE, *_SHORT)} for lanes in (4, 16))


def llvm_type(scalar, lanes: int) -> ir.VectorType:
    """How LLVM names so many samples of a Numba scalar type."""
    if isinstance(scalar, types.Integer):
        return ir.VectorType(ir.IntType(scalar.bitwidth), lanes)
    return ir.VectorType(ir.FloatType() if scalar == types.float32 else ir.DoubleType(), lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, llvm_type(vector.scalar, vector.lanes))


def _address(context, builder, lanes, array_type, array, row, column):
    """Where the samples array[row, column : column + lanes] lie, as a pointer to one LLVM vector."""
    fields = context.make_array(array_type)(context, builder, array)
    pitch = builder.extract_value(fields.shape, 1)
    place = builder.gep(fields.data, [builder.add(builder.mul(row, pitch), column)])
    return builder.bitcast(place, llvm_type(array_type.dtype, lanes).as_pointer())


def _converted(builder, value, given, wanted, lanes):
    """A vector of one sample type as another, floats never as integers; integers are unsigned."""
    if given == wanted:
        return value
    if isinstance(wanted, types.Integer):
        widens = wanted.bitwidth > given.bitwidth
        return (builder.zext if widens else builder.trunc)(value, llvm_type(wanted, lanes))
    if isinstance(given, types.Integer):
        return builder.uitofp(value, llvm_type(wanted, lanes))
    widens = wanted == types.float64
    return (builder.fpext if widens else builder.fptrunc)(value, llvm_type(wanted, lanes))


@intrinsic
def load(typing, like, array, row, column):
    """`array[row, column : column + lanes(like)]` as floats of the type of the vector `like`."""

    def generate(context, builder, sig, args):
        sample, vector = sig.args[1].dtype, sig.return_type
        value = builder.load(_address(context, builder, vector.lanes, sig.args[1], *args[1:]))
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
            value = builder.trunc(whole, llvm_type(sample, vector.lanes))
        else:
            value = _converted(builder, value, vector.scalar, sample, vector.lanes)
        written = builder.store(value, _address(context, builder, vector.lanes, sig.args[0], *args[:3]))
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
        place = _address(context, builder, vector.lanes, sig.args[0], *args[:3])
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
        start = _address(context, builder, vector.lanes, sig.args[1], *args[1:])
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
    kind = llvm_type(vector.scalar, vector.lanes)
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
    return _zeros(_REGISTERS, scalar)


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
        place = _address(context, builder, 1, sig.args[1], *args[1:])
        scalar = llvm_type(sig.args[1].dtype, 1).element
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
        nothing, lanes = 0 if isinstance(scalar, types.Integer) else 0.0, sig.return_type.lanes
        return ir.Constant(llvm_type(scalar, lanes), [nothing] * lanes)

    return vectors[scalar](scalar), generate


@intrinsic
def sixteen(typing, scalar):
    """A vector of 16 zeros of the type of `scalar`, unsigned or floats, on every processor."""
    return _zeros(_OF_16, scalar)


@intrinsic
def four(typing, scalar):
    """A vector of 4 zeros of the type of `scalar`, unsigned or floats: what holds a pixel of up to 4 channels."""
    return _zeros(_OF_4, scalar)


@intrinsic
def lanes(typing, vector):
    """How many samples a vector has: 64 float32 or 32 float64 with AVX-512."""

    def generate(context, builder, sig, args):
        return context.get_constant(types.intp, sig.args[0].lanes)

    return types.intp(vector), generate


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
