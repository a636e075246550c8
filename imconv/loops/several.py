"""Several vectors at a time: tuples whose items a loop holds in registers, one for each output row, pixel or plane.

Numba has loops over tuples, but keeps what they change in memory. These decorators write one call for each item instead.
"""

from inspect import Parameter, signature

from numba.core import types
from numba.extending import intrinsic, register_jitable

from .vector import load, store


def each(function):
    """Make a function of single items one of tuples: called for the first items, for the second ones, and so on.

    Arguments that are no tuples are the same in each call. Returns a tuple of what the calls return, or nothing if they
    return nothing.
    """
    return _repeated(function, through=False)


def through(function):
    """As `each`, but the first argument of a call is what the call before returned; returns what the last one does."""
    return _repeated(function, through=True)


def _repeated(function, through):
    register_jitable(function)

    def declare(typing, *given):
        taken = [isinstance(kind, types.BaseTuple) for kind in given]
        counts = {len(kind) for kind, own in zip(given, taken, strict=True) if own}
        if len(counts) != 1:
            return None
        (count,) = counts
        called = typing.resolve_value_type(function)
        one = tuple(kind[0] if own else kind for kind, own in zip(given, taken, strict=True)) if count else ()
        call = called.get_call_type(typing, one, {}) if count else given[0](*given)
        result = call.return_type
        if not through and result != types.none:
            result = types.UniTuple(result, count)

        def generate(context, builder, sig, args):
            results = [args[0]]
            for k in range(count):
                items = [builder.extract_value(arg, k) if own else arg for arg, own in zip(args, taken, strict=True)]
                if through:
                    items[0] = results[-1]
                results.append(context.get_function(called, call)(builder, items))
            if through:
                return results[-1]
            return (
                context.get_dummy_value() if result == types.none else context.make_tuple(builder, result, results[1:])
            )

        return result(*given), generate

    own = signature(function)
    first = Parameter("typing", Parameter.POSITIONAL_OR_KEYWORD)
    vars(declare)["__signature__"] = own.replace(parameters=[first, *own.parameters.values()])
    declare.__name__, declare.__doc__ = function.__name__, function.__doc__
    return intrinsic(declare)


@each
def load_each(like, array, row, number, x):
    """The vectors at x of rows `row`, `row + 1`, ...: `number` is a tuple that counts them."""
    return load(like, array, row + number, x)


@each
def store_each(vector, array, row, number, x):
    """Write vectors to rows `row`, `row + 1`, ..."""
    store(array, row + number, x, vector)
