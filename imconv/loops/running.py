"""Sums of so many pixels along a row, at a cost that does not depend on how many: differences of running sums.

Whole numbers that wrap around have exact differences, however long the row. A vector's running sums take one addition of
itself, moved up, for every doubling; those of all vectors before it are carried over.
"""

from llvmlite import ir
from numba.extending import intrinsic, register_jitable

from .vector import lanes, load, register, store


def _picked(builder, first, second, places):
    """Lanes of two LLVM vectors side by side."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places))


def _running_sums(channels):
    """A row's sums for pixels of so many channels, a function of its own: shuffles know their lanes when compiled."""

    @intrinsic
    def running(typing, a):
        """In each lane the sum of all lanes up to it that hold the same channel."""

        def generate(context, builder, sig, args):
            count, value, step = sig.return_type.lanes, args[0], channels
            zero = ir.Constant(value.type, [0] * count)
            while step < count:
                value = builder.add(
                    value, _picked(builder, zero, value, [max(count - step + i, i) for i in range(count)])
                )
                step *= 2
            return value

        return a(a), generate

    @intrinsic
    def carried(typing, a):
        """The last pixel's channels, each in the lanes where it goes on in the next vector."""

        def generate(context, builder, sig, args):
            count = sig.return_type.lanes
            places = [count - channels + (count + i - (count - channels)) % channels for i in range(count)]
            return _picked(builder, args[0], args[0], places)

        return a(a), generate

    @register_jitable
    def sum_row(line, width, samples):
        zero = register(line[0, 0])
        before = zero
        for x in range(0, samples, lanes(zero)):
            sums = running(load(zero, line, 0, x)) + before
            store(line, 1, x, sums)
            before = carried(sums)
        for x in range(0, samples - (width - 1) * channels, lanes(zero)):
            last, first = load(zero, line, 1, x + (width - 1) * channels), load(zero, line, 1, x)
            store(line, 1, x, last - first + load(zero, line, 0, x))

    return sum_row


_of_1, _of_2, _of_3, _of_4 = (_running_sums(channels) for channels in (1, 2, 3, 4))


@register_jitable
def sum_by_running(line, width, channels, samples):
    """line[1] = sums of `width` pixels of line[0], 1 to 4 unsigned integers each; both have room for a vector more."""
    if channels == 1:
        _of_1(line, width, samples)
    elif channels == 2:
        _of_2(line, width, samples)
    elif channels == 3:
        _of_3(line, width, samples)
    else:
        _of_4(line, width, samples)
