"""What is computed with vectors, lane by lane or across their lanes, beyond + - * / and the bitwise operators."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .vector import FEATURES, llvm_type

# Bits of the mantissa, bias of the exponent, and a polynomial for 2^x, x from -1/2 to 1/2, whose largest relative error is
# least (Remez) among those that are 1 at 0: 4.3e-7 for float32, 3e-16 for float64.
_EXP2 = {
    types.float32: (23, 127, (1.0, 0.69314283061103, 0.24022350650173077, 0.05557400468639521, 0.00966628254749323,
                              0.001112550926354402)),
    types.float64: (52, 1023, (1.0, 0.6931471805599516, 0.24022650695910472, 0.05550410866434658, 0.009618129107380715,
                               0.001333355824648072, 0.00015403530800818256, 1.525264774769592e-05,
                               1.321523563477604e-06, 1.0210506458816145e-07, 7.111758687557852e-09)),
}  # fmt: skip
HAS_FMA = bool(FEATURES & {"fma", "neon"})


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
def fma(typing, a, b, c):
    """`a * b + c`, rounded once."""

    def generate(context, builder, sig, args):
        return _fma(builder, sig.return_type, *args)

    return a(a, a, a), generate


def _fma(builder, vector, a, b, c):
    if not HAS_FMA:  # LLVM would call a C function for every lane
        return (_fma_of_float32 if vector.scalar == types.float32 else _fma_of_float64)(builder, vector, a, b, c)
    kind = llvm_type(vector.scalar, vector.lanes)
    name = f"llvm.fma.v{vector.lanes}f{vector.scalar.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    return builder.call(function, [a, b, c])


def _fma_of_float32(builder, vector, a, b, c):
    """As the instruction: float64 holds the product exactly, and the sum rounded to odd is then rounded correctly."""
    wide = llvm_type(types.float64, vector.lanes)
    a, b, c = (builder.fpext(value, wide) for value in (a, b, c))
    total = _rounded_to_odd(builder, vector.lanes, *_sum_and_error(builder, builder.fmul(a, b), c))
    return builder.fptrunc(total, llvm_type(types.float32, vector.lanes))


def _fma_of_float64(builder, vector, a, b, c):
    """As the instruction for factors up to 2^996 and products from 2^-960 on (Boldo and Melquiond, "Emulation of a FMA", 2008)."""
    product, error = _product_and_error(builder, vector.lanes, a, b)
    upper, rest = _sum_and_error(builder, c, error)
    high, low = _sum_and_error(builder, product, upper)
    total = builder.fadd(high, _rounded_to_odd(builder, vector.lanes, *_sum_and_error(builder, rest, low)))
    infinity = ir.Constant(total.type, [float("inf")] * vector.lanes)
    finite = builder.fcmp_ordered("<", _absolute(builder, vector, total), infinity)
    return builder.select(finite, total, builder.fadd(builder.fmul(a, b), c))


def _sum_and_error(builder, a, b):
    """`a + b` and its rounding error, which is exact (Knuth)."""
    total = builder.fadd(a, b)
    of_b = builder.fsub(total, a)
    return total, builder.fadd(builder.fsub(a, builder.fsub(total, of_b)), builder.fsub(b, of_b))


def _product_and_error(builder, lanes, a, b):
    """`a * b` for float64 and its rounding error, which is exact (Dekker), by halves of 26 bits."""
    splitter = ir.Constant(a.type, [2.0**27 + 1] * lanes)
    halves = []
    for value in (a, b):
        large = builder.fmul(splitter, value)
        high = builder.fsub(large, builder.fsub(large, value))
        halves.append((high, builder.fsub(value, high)))
    product, ((a_high, a_low), (b_high, b_low)) = builder.fmul(a, b), halves
    error = builder.fsub(builder.fmul(a_high, b_high), product)
    for one, other in ((a_high, b_low), (a_low, b_high), (a_low, b_low)):
        error = builder.fadd(error, builder.fmul(one, other))
    return product, error


def _rounded_to_odd(builder, lanes, total, error):
    """`total + error` as the neighbour whose last bit is 1, unless `total` is exact: rounded once more, it is rounded correctly."""
    bits = ir.VectorType(ir.IntType(64), lanes)
    one, sign = (ir.Constant(bits, [number] * lanes) for number in (1, 63))
    whole, other = builder.bitcast(total, bits), builder.bitcast(error, bits)
    step = builder.or_(
        builder.ashr(builder.xor(whole, other), sign), one
    )  # -1 where the error has the other sign, else 1
    inexact = builder.fcmp_ordered("!=", error, ir.Constant(total.type, [0.0] * lanes))
    even = builder.icmp_unsigned("==", builder.and_(whole, one), ir.Constant(bits, [0] * lanes))
    moved = builder.select(builder.and_(inexact, even), builder.add(whole, step), whole)
    return builder.bitcast(moved, total.type)


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


def network(names, steps, results):
    """Make a function that takes a tuple of vectors, named so, through a sorting network, and returns some of them.

    A step `a:b` puts the lesser of each pair of lanes into a, the larger into b; `a<b` only the lesser into a, as b is not
    needed any more; `a>b` only the larger into b.
    """

    @intrinsic
    def ordered(typing, values):
        vector = values.dtype

        def generate(context, builder, sig, args):
            held = dict(zip(names, cgutils.unpack_tuple(builder, args[0]), strict=True))
            for step in steps.split():
                kind = next(kind for kind in ":<>" if kind in step)
                low, high = step.split(kind)
                a, b = held[low], held[high]
                if kind != ">":
                    held[low] = builder.select(_compared(builder, "<", vector, a, b), a, b)
                if kind != "<":
                    held[high] = builder.select(_compared(builder, ">", vector, a, b), a, b)
            return context.make_tuple(builder, sig.return_type, [held[name] for name in results])

        return types.UniTuple(vector, len(results))(values), generate

    return ordered


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
        kind = llvm_type(vector.scalar, vector.lanes)
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
        return builder.sitofp(whole, llvm_type(vector.scalar, vector.lanes))

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
def holds_floats(typing, array):
    """Whether an array holds floats: known when a loop is compiled, so that what depends on it costs others nothing."""

    def generate(context, builder, sig, args):
        return ir.IntType(1)(isinstance(array.dtype, types.Float))

    return types.boolean(array), generate


@intrinsic
def any_near(typing, a, b, distance, limit):
    """Whether a and b differ in any lane, and their distance is less than the limit there; what is not finite is never near."""

    def generate(context, builder, sig, args):
        near = _near(builder, sig.args[0], *args)
        bits = builder.bitcast(near, ir.IntType(sig.args[0].lanes))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(a, a, a, a), generate


@intrinsic
def where_near(typing, a, b, distance, limit, yes):
    """For each lane `yes` where a and b are near (see `any_near`), else a."""

    def generate(context, builder, sig, args):
        return builder.select(_near(builder, sig.args[0], *args[:4]), args[4], args[0])

    return a(a, a, a, a, a), generate


def _near(builder, vector, a, b, distance, limit):
    differs = builder.fcmp_ordered("!=", a, b)
    return builder.and_(differs, builder.fcmp_ordered("<", _absolute(builder, vector, distance), limit))


@intrinsic
def absolute(typing, a):
    """Absolute values."""

    def generate(context, builder, sig, args):
        return _absolute(builder, sig.return_type, *args)

    return a(a), generate


def _absolute(builder, vector, a):
    kind = llvm_type(vector.scalar, vector.lanes)
    name = f"llvm.fabs.v{vector.lanes}f{vector.scalar.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
    return builder.call(function, [a])


@intrinsic
def exp2(typing, a):
    """2 to the power of each value from -126 to 127; relative error below 1e-6 (float32) or 1e-15 (float64). NaN stays.

    Added to a number whose last place counts ones, a value is rounded to a whole one, whose bits then lie where, shifted,
    they are an exponent. A polynomial gives the rest.
    """

    def generate(context, builder, sig, args):
        vector, value = sig.return_type, args[0]
        kind = llvm_type(vector.scalar, vector.lanes)
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
