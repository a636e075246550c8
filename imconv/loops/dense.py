"""Correlation with any 2-D kernel: one multiply-add per tap and sample."""

from numba.extending import register_jitable

from .line import load_line, store_line


def correlate_dense(
    src, channels, rows, columns, lead, fill, weighted, stride_y, stride_x,
    tap_rows, tap_places, tap_weights, first, out, bias, divisor, top, ring, held, sums,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result.

    src : (rows, samples)             source rows, interleaved
    rows, columns : (span,)           the source row or column behind each padded one, -1 for `fill`
    tap_rows, tap_places : (taps,)    padded row of a tap, and its place in a line
    ring, held : (n, line), (n,)      lines kept from one output row to the next, and which padded row each one holds
    sums : (samples of a row of `out`,)
    """
    size = ring.shape[0]
    for i in range(size):
        held[i] = -1
    for y in range(out.shape[0]):
        top_row = (first + y) * stride_y
        for i in range(sums.size):
            sums[i] = 0
        for t in range(tap_rows.size):
            padded = top_row + tap_rows[t]
            slot = padded % size
            if held[slot] != padded:
                held[slot] = padded
                _load(src, rows[padded], ring[slot], columns, lead, channels, stride_x, fill, weighted)
            _accumulate(ring[slot], tap_places[t], tap_weights[t], sums)
        store_line(sums, out[y], bias, divisor, top)


@register_jitable
def _load(src, row, line, columns, lead, channels, stride, fill, weighted):
    if row >= 0:
        load_line(src[row], line, columns, lead, channels, stride, fill, weighted)
    else:
        for j in range(columns.size):
            for c in range(channels):
                line[j * channels + c] = fill[c]


@register_jitable
def _accumulate(line, place, weight, sums):
    for i in range(sums.size):
        sums[i] += weight * line[place + i]
