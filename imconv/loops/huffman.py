"""The Huffman codes of a JPEG file's pixels, followed from the first to the last without making pixels of them.

ITU-T T.81 is the format (annexes F, G and H); a code or a number of bits is read in the way libjpeg does, so that what is
refused here is what libjpeg warns of. A table gives for the next 16 bits the code's length in its upper byte and the
code's symbol in its lower one; 0 where no code begins with these bits.
"""

import numpy as np
from numba.extending import register_jitable

BLOCKS, FIRST, MORE_DC, FIRST_AC, MORE_AC = range(5)  # what a scan holds; FIRST: DC alone, or lossless differences
WHOLE, CUT_OFF, BAD_CODE, SUPERFLUOUS, NO_RESTART = range(5)  # what is found
_END = 0xD9  # the end marker's second byte
_READ_AHEAD = (
    7  # bytes before it that no code needs; libjpeg may have read as many ahead, and some cameras fill up with them
)


def follow_scan(data, place, scan, tables, units, known, out):
    """Follow the codes of one scan.

    place           of the first byte behind the scan's header
    scan : (5,)     kind; how many MCUs; how many between two restart markers, or 0; the first and the last coefficient
    tables          (n, 65536)
    units : (m, 2)  for each block of an MCU the tables of its first and of its other coefficients
    known : (k,)    for each block, where one component is scanned for AC, which coefficients are not zero: one bit each
    out : (3,)      what is found, the place of the marker behind the scan, and at which MCU
    """
    kind, count, interval, first, last = scan[0], scan[1], scan[2], scan[3], scan[4]
    at, held, bits = place, np.uint64(0), 0
    problem, waiting, restarts, mcu = WHOLE, 0, 0, 0
    while mcu < count and problem == WHOLE:
        if interval > 0 and mcu > 0 and mcu % interval == 0:
            at, problem = _find_marker(data, at, bits)
            if problem == WHOLE and data[at + 1] != 0xD0 + restarts % 8:
                problem = NO_RESTART
            at, held, bits, waiting, restarts = at + 2, np.uint64(0), 0, 0, restarts + 1
        unit = 0
        while unit < units.shape[0] and problem == WHOLE:
            one, two = tables[units[unit, 0]], tables[units[unit, 1]]
            if kind == MORE_DC:
                at, held, bits = _skip(data, at, held, bits, 1)
            elif kind == FIRST_AC:
                at, held, bits, waiting, problem = _first_ac(
                    data, at, held, bits, two, first, last, waiting, known, mcu
                )
            elif kind == MORE_AC:
                at, held, bits, waiting, problem = _more_ac(data, at, held, bits, two, first, last, waiting, known, mcu)
            else:
                at, held, bits, symbol, problem = _symbol(data, at, held, bits, one)
                bits -= symbol & 15  # of 16, a difference of 32768 in a lossless file, nothing follows
                if kind == BLOCKS and problem == WHOLE:
                    at, held, bits, problem = _ac(data, at, held, bits, two)
            if problem == WHOLE and bits < 0:
                problem = CUT_OFF
            unit += 1
        mcu += 1
    if problem == WHOLE:
        at, problem = _find_marker(data, at, bits)
    out[0], out[1], out[2] = problem, at, mcu


@register_jitable
def _fill(data, at, held, bits):
    """Hold more than 48 bits, or all there are before the next marker."""
    while bits <= 48 and at < data.size:
        byte, after = data[at], at + 1
        if byte == 255:
            while after < data.size and data[after] == 255:
                after += 1
            if after == data.size or data[after] != 0:
                break
            after += 1
        held, bits, at = held << np.uint64(8) | np.uint64(byte), bits + 8, after
    return at, held, bits


@register_jitable
def _skip(data, at, held, bits, count):
    """Pass over up to 64 bits; fewer than 0 are held then where there are not so many."""
    while count > 0:
        if bits < 32:
            at, held, bits = _fill(data, at, held, bits)
        step = min(count, 32)
        bits, count = bits - step, count - step
    return at, held, bits


@register_jitable
def _symbol(data, at, held, bits, table):
    """The next code's symbol. At least 16 bits more are held after it, or all there are."""
    if bits < 32:
        at, held, bits = _fill(data, at, held, bits)
    if bits >= 16:
        ahead = held >> np.uint64(bits - 16)
    else:
        ahead = held << np.uint64(16 - max(bits, 0))
    entry = np.int64(table[ahead & np.uint64(0xFFFF)])
    bits -= entry >> 8
    problem = WHOLE if entry else BAD_CODE
    return at, held, bits, entry & 255, CUT_OFF if bits < 0 else problem


@register_jitable
def _ac(data, at, held, bits, table):
    """All coefficients of a block but the first."""
    k, problem = 1, WHOLE
    while k < 64 and problem == WHOLE:
        at, held, bits, symbol, problem = _symbol(data, at, held, bits, table)
        if symbol & 15:
            bits -= symbol & 15
        elif symbol != 0xF0:
            break
        k += (symbol >> 4) + 1
    return at, held, bits, problem


@register_jitable
def _first_ac(data, at, held, bits, table, first, last, waiting, known, block):
    """Coefficients `first` to `last` of a block, without their lower bits; `waiting` blocks have none at all."""
    if waiting > 0:
        return at, held, bits, waiting - 1, WHOLE
    k, problem = first, WHOLE
    while k <= last and problem == WHOLE:
        at, held, bits, symbol, problem = _symbol(data, at, held, bits, table)
        run, size = symbol >> 4, symbol & 15
        if size == 0 and run < 15:
            bits, waiting = _blocks_without(held, bits, run)
            return at, held, bits, waiting - 1, problem
        k += run
        if size:
            bits -= size
            known[block] |= np.uint64(1) << np.uint64(min(k, 63))
        k += 1
    return at, held, bits, 0, problem


@register_jitable
def _more_ac(data, at, held, bits, table, first, last, waiting, known, block):
    """One bit more of the coefficients of a block that are known, and those that are new."""
    k, problem = first, WHOLE
    while waiting == 0 and k <= last and problem == WHOLE:
        at, held, bits, symbol, problem = _symbol(data, at, held, bits, table)
        run, size = symbol >> 4, symbol & 15
        if size == 0 and run < 15:
            bits, waiting = _blocks_without(held, bits, run)
            break
        if size > 1:
            problem = BAD_CODE
        more = min(size, 1)
        while k <= last:
            if known[block] >> np.uint64(k) & np.uint64(1):
                more += 1
            elif run == 0:
                break
            else:
                run -= 1
            k += 1
        at, held, bits = _skip(data, at, held, bits, more)
        if size:
            known[block] |= np.uint64(1) << np.uint64(min(k, 63))
        k += 1
    if waiting > 0:
        more = 0
        while k <= last:
            more += np.int64(known[block] >> np.uint64(k) & np.uint64(1))
            k += 1
        at, held, bits = _skip(data, at, held, bits, more)
        waiting -= 1
    return at, held, bits, waiting, problem


@register_jitable
def _blocks_without(held, bits, run):
    """How many blocks, from this one on, have no further coefficients."""
    bits -= run
    return bits, (1 << run) + np.int64(held >> np.uint64(max(bits, 0)) & np.uint64((1 << run) - 1))


@register_jitable
def _find_marker(data, at, bits):
    """The place of the next marker's last 255, and whether there are bytes before it that no code needed."""
    unused, end = bits // 8, data.size
    while at < end:
        if data[at] != 255:
            unused, at = unused + 1, at + 1
        elif at + 1 < end and data[at + 1] == 0:
            unused, at = unused + 1, at + 2
        elif at + 1 < end and data[at + 1] != 255:
            break
        else:
            at += 1
    if at >= end:
        return at, CUT_OFF
    return at, SUPERFLUOUS if unused > (_READ_AHEAD if data[at + 1] == _END else 0) else WHOLE
