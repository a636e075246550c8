"""Samples of any type as unsigned integers in the same order (`stages/ranking/sortable.py`), with the border, and back again.

`rule` (6,) tells how, in bits: those from SIGN on are turned by TURN, others by FLIP; those that, under MASK, are more than
LAST, are LOST first.
"""

from numba.extending import register_jitable

from .lanewise import where_less
from .line import pad_line
from .vector import lanes, level, load, register, store

SIGN, MASK, LAST, LOST, FLIP, TURN = range(6)


def to_keys(src, rows, columns, lead, channels, samples, fill, rule, out):
    """Fill padded rows `out` (rows, n), with room for two vectors behind them.

    src : (rows, samples)    the samples' bits, a vector wide or wider
    rows : (n,)              the row of `src` behind each padded row, -1 for none
    columns : (m,)           the column behind each padded column, -1 for none
    lead                     the padded column where those of `src` begin, `samples` samples in each row
    fill : (channels,)       what stands where there is none
    """
    zero = register(src[0, 0])
    mask, last, lost = level(zero, rule[MASK]), level(zero, rule[LAST]), level(zero, rule[LOST])
    sign, flip, turn = level(zero, rule[SIGN]), level(zero, rule[FLIP]), level(zero, rule[TURN])
    for y in range(out.shape[0]):
        if rows[y] < 0:
            for x in range(columns.size * channels):
                out[y, x] = fill[x % channels]
            continue
        for begin in range(0, samples, lanes(zero)):
            x = max(0, min(begin, samples - lanes(zero)))
            bits = load(zero, src, rows[y], x)
            bits = where_less(last, bits & mask, lost, bits)
            store(out, y, lead * channels + x, bits ^ where_less(bits, sign, flip, turn))
        pad_line(out, y, columns, lead, channels, samples, fill)


def to_samples(rule, out):
    """The other way round, in place; `out` (rows, n) is a vector wide or wider."""
    zero = register(out[0, 0])
    sign, flip, turn = level(zero, rule[SIGN]), level(zero, rule[FLIP]), level(zero, rule[TURN])
    end = out.shape[1] - lanes(zero)
    for y in range(out.shape[0]):
        behind = _turned_back(load(zero, out, y, end), sign, flip, turn)
        for x in range(0, end, lanes(zero)):
            store(out, y, x, _turned_back(load(zero, out, y, x), sign, flip, turn))
        store(out, y, end, behind)


@register_jitable
def _turned_back(keys, sign, flip, turn):
    return keys ^ where_less(keys, sign, turn, flip)
