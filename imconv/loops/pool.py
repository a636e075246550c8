"""Pooling: the largest sample of each window, the least, the sum, the mean. Rows of a window first, then its columns."""

from numba.extending import register_jitable


def _reducing(combined):
    """What reduces windows to one sample each, by `combined`, a function of two samples and of what else it is given."""

    @register_jitable
    def reduce(src, top, count, down, step, places, taps, given, line, result):
        """Combine `count` rows of `src` from row `top` on, then the taps of each window with what its sample of `result` is."""
        above = src[top]
        for x in range(line.size):
            line[x] = above[x]
        for k in range(1, count):
            other = src[top + k * down]
            for x in range(line.size):
                line[x] = combined(line[x], other[x], given)
        for tap in range(taps.shape[0]):
            shift, first, last = taps[tap, 0], taps[tap, 1], taps[tap, 2]
            into, where = result[first:last], places[first:last]
            if step == 1:
                near = line[places[0] + first + shift :]
                for x in range(into.size):
                    into[x] = combined(into[x], near[x], given)
            else:
                for x in range(into.size):
                    into[x] = combined(into[x], line[where[x] + shift], given)

    return reduce


@_reducing
@register_jitable
def _take_extreme(best, sample, largest):
    better = sample > best if largest else sample < best
    return sample if better or sample != sample else best  # a NaN comes before everything


@_reducing
@register_jitable
def _add_up(total, sample, _):
    return total + sample


def extreme(src, rows, down, start, largest, step, places, taps, out, line):
    """Fill `out` (rows, samples) with the largest sample of each window, or with the least.

    src : (rows, samples)    the picture's
    rows : (n, 2)            each output row's first row in `src`, and how many it reads, `down` apart
    start : (1,)             what windows without samples give
    places : (samples,)      of each output sample, where in a row its window's first tap is
    taps : (taps, 3)         what a tap adds to that, and for which output samples, from .. to, it is on the picture
    step                     1 where neighbouring places are neighbours: then only the first of them is read
    line : (samples,)        scratch, a row of `src`
    """
    for y in range(out.shape[0]):
        count = rows[y, 1]
        result = out[y]
        for x in range(result.size):
            result[x] = start[0]
        if count > 0:
            _take_extreme(src, rows[y, 0], count, down, step, places, taps, largest, line, result)


def total(src, rows, down, step, places, taps, tall, wide, top, out, line, sums):
    """Fill `out` with each window's sum over `tall[y] * wide[x]`: rounded half up and at most `top`, or, where that is
    negative, as it is. All but the following as in `extreme`.

    tall, wide : (rows,), (samples,)   float64
    line, sums : (samples,)            scratch: a row of `src`, a row of `out`
    """
    for y in range(out.shape[0]):
        count = rows[y, 1]
        for x in range(sums.size):
            sums[x] = 0
        if count > 0:
            _add_up(src, rows[y, 0], count, down, step, places, taps, 0, line, sums)
        result, height = out[y], tall[y]
        if top < 0:
            for x in range(sums.size):
                result[x] = sums[x] / (height * wide[x])
        else:
            for x in range(sums.size):
                divisor = height * wide[x]
                result[x] = min((sums[x] + (0.5 * divisor)) / divisor, top)
