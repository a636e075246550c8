"""Correlation with an outer product of a column and a row: the column first, on source pixels, then the row."""

from numba.extending import register_jitable

from .line import load_line, store_line


def correlate_separable(
    src, channels, rows, columns, lead, fill, weighted, stride_y, stride_x,
    column_rows, column_weights, row_places, row_weights, first, out, bias, divisor, top, blended, line, edge, sums,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result; arguments as in `correlate_dense`, and

    column_rows, column_weights    padded row and weight of each tap of the column
    row_places, row_weights        place in a line and weight of each tap of the row
    blended : (samples of a source row,)   the source rows blended by the column
    edge : (channels,)                     what `fill` becomes under the column
    """
    for c in range(channels):
        edge[c] = 0
        for t in range(column_weights.size):
            edge[c] += column_weights[t] * fill[c]
    for y in range(out.shape[0]):
        for i in range(blended.size):
            blended[i] = 0
        for t in range(column_rows.size):
            row = rows[(first + y) * stride_y + column_rows[t]]
            if row < 0:
                _accumulate_fill(fill, column_weights[t], blended)
            elif weighted:
                _accumulate_weighted(src[row], channels, column_weights[t], blended)
            else:
                _accumulate_row(src[row], column_weights[t], blended)
        load_line(blended, line, columns, lead, channels, stride_x, edge, False)
        for i in range(sums.size):
            sums[i] = 0
        for t in range(row_places.size):
            _accumulate_line(line, row_places[t], row_weights[t], sums)
        store_line(sums, out[y], bias, divisor, top)


@register_jitable
def _accumulate_row(row, weight, blended):
    for i in range(blended.size):
        blended[i] += weight * blended.dtype.type(row[i])


@register_jitable
def _accumulate_weighted(row, channels, weight, blended):
    for at in range(0, blended.size, channels):
        alpha = blended.dtype.type(row[at + channels - 1])
        for c in range(channels - 1):
            blended[at + c] += weight * (alpha * blended.dtype.type(row[at + c]))
        blended[at + channels - 1] += weight * alpha


@register_jitable
def _accumulate_fill(fill, weight, blended):
    for at in range(0, blended.size, fill.size):
        for c in range(fill.size):
            blended[at + c] += weight * fill[c]


@register_jitable
def _accumulate_line(line, place, weight, sums):
    for i in range(sums.size):
        sums[i] += weight * line[place + i]
