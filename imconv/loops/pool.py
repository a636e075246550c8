"""Pooling: the largest sample of each window, the least, the sum, the mean. Rows of a window first, then its columns."""

from numba.extending import register_jitable


@register_jitable
def _better(sample, best, largest):
    """Whether a sample comes before the best so far; a NaN comes before everything."""
    return (sample > best if largest else sample < best) or sample != sample


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
        if count == 0:
            continue
        above = src[rows[y, 0]]
        for x in range(line.size):
            line[x] = above[x]
        for k in range(1, count):
            other = src[rows[y, 0] + k * down]
            for x in range(line.size):
                sample, best = other[x], line[x]
                line[x] = sample if _better(sample, best, largest) else best
        for tap in range(taps.shape[0]):
            shift, first, last = taps[tap, 0], taps[tap, 1], taps[tap, 2]
            if step == 1:
                into, given = result[first:last], line[places[0] + first + shift :]
                for x in range(into.size):
                    sample, best = given[x], into[x]
                    into[x] = sample if _better(sample, best, largest) else best
            else:
                into, where = result[first:last], places[first:last]
                for x in range(into.size):
                    sample, best = line[where[x] + shift], into[x]
                    into[x] = sample if _better(sample, best, largest) else best


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
            above = src[rows[y, 0]]
            for x in range(line.size):
                line[x] = above[x]
            for k in range(1, count):
                other = src[rows[y, 0] + k * down]
                for x in range(line.size):
                    line[x] += other[x]
            for tap in range(taps.shape[0]):
                shift, first, last = taps[tap, 0], taps[tap, 1], taps[tap, 2]
                if step == 1:
                    into, given = sums[first:last], line[places[0] + first + shift :]
                    for x in range(into.size):
                        into[x] += given[x]
                else:
                    into, where = sums[first:last], places[first:last]
                    for x in range(into.size):
                        into[x] += line[where[x] + shift]
        result, height = out[y], tall[y]
        if top < 0:
            for x in range(sums.size):
                result[x] = sums[x] / (height * wide[x])
        else:
            for x in range(sums.size):
                divisor = height * wide[x]
                result[x] = min((sums[x] + (0.5 * divisor)) / divisor, top)
