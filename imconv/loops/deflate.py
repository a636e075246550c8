"""Deflate for rows that have been filtered: Huffman codes of bytes, and runs of equal ones.

What is left of a photograph's rows repeats only by chance: a short match then costs about as much as its bytes, and finding
it costs more than everything here. RFC 1951 is the format; Huffman's codes are built from sorted counts with two queues
(J. van Leeuwen, 1976).

Tokens are bytes, and from 256 on runs: of 3 + token - 256 bytes equal to the one before. An entry of a table of codes
holds a code's bits, the first one lowest, and from bit 32 on how many there are.
"""

import numpy as np
from numba.extending import register_jitable

BLOCK = 1 << 16  # bytes that share one set of codes
TOKENS = 512
AHEAD = 8  # bytes looked over for runs at once
LINES = 13  # of scratch, of 2 TOKENS numbers each
_SYMBOLS = 286  # bytes, the end of a block, lengths of runs
_END = 256
_LONGEST, _LONGEST_TOLD = 15, 7  # bits of a code; of those that the codes' lengths are told in
_LOW = (1 << 32) - 1
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])


def pack_runs(data, last, out, used, tokens, table, scratch):
    """Compress bytes into part of a raw deflate stream.

    last       1 ends the stream; 0 ends on a byte behind which another part can follow
    out        words of 32 bits, the lowest byte first; room for 15 bits a byte, and 600 bytes a block
    used       (1,) how many bytes of `out` it takes
    tokens     (BLOCK,)             }
    table      (TOKENS + 1,)        } scratch
    scratch    (LINES, 2 TOKENS)    }
    """
    at = bits = start = 0
    held = np.uint64(0)
    while start < data.size:
        stop = min(start + BLOCK, data.size)
        count = _tokenise(data, start, stop, tokens, scratch)
        final = 1 if last != 0 and stop == data.size else 0
        at, held, bits = _begin_block(final, table, scratch, out, at, held, bits)
        for k in range(np.uint64(count // 2)):
            one, two = (
                table[np.uint64(tokens[np.uint64(2) * k])],
                table[np.uint64(tokens[np.uint64(2) * k + np.uint64(1)])],
            )
            length = one >> 32
            at, held, bits = _put(out, at, held, bits, one & _LOW | (two & _LOW) << length, length + (two >> 32))
        if count % 2:
            entry = table[np.uint64(tokens[count - 1])]
            at, held, bits = _put(out, at, held, bits, entry & _LOW, entry >> 32)
        at, held, bits = _put(out, at, held, bits, table[TOKENS] & _LOW, table[TOKENS] >> 32)
        start = stop
    if last == 0:  # an empty stored block ends on a byte
        at, held, bits = _put(out, at, held, bits, 0, 3)
        at, held, bits = _put(out, at, held, bits, 0, -bits & 7)
        at, held, bits = _put(out, at, held, bits, 0xFFFF0000, 32)
    out[at] = np.int64(held)
    used[0] = 8 * at + (bits + 7) // 8


@register_jitable
def _put(out, at, held, bits, value, count):
    """Write `count` bits of `value`; fewer than 32 are held back. Without a branch, which would often be guessed wrong."""
    value, room, bits = np.uint64(value), np.uint64(bits), bits + count
    both = np.uint64(held | value << room)
    out[np.uint64(at)] = np.int64(both)
    full = bits >> 6
    beyond = (value >> np.uint64(1)) >> (np.uint64(63) - room)
    return at + full, beyond if full else both, bits & 63


@register_jitable
def _tokenise(data, start, stop, tokens, scratch):
    """The tokens of a block, and how many of each: on lines by turns, as one counter twice running makes a CPU wait."""
    for line in range(4):
        for counted in range(TOKENS):
            scratch[line, counted] = 0
    one, two, ahead = np.uint64(1), np.uint64(2), np.uint64(AHEAD)
    place, end, count = np.uint64(start), np.uint64(stop), np.uint64(0)
    while place < end:
        if place > 0 and place + ahead + two <= end:
            found = np.uint8(0)
            for k in range(ahead):
                found |= _repeats(data, place + k)
            if not found:
                for k in range(ahead):
                    byte = data[place + k]
                    tokens[count + k] = byte
                    scratch[k & np.uint64(3), np.uint64(byte)] += 1
                place += ahead
                count += ahead
                continue
        # up to the next run
        step = one
        while step == one and place < end:
            token = np.uint64(data[place])
            if place > 0 and place + two < end and _repeats(data, place):
                step = np.uint64(3)
                longest = min(end - place, np.uint64(258))
                while step < longest and data[place + step] == data[place]:
                    step += one
                token = np.uint64(253) + step
            tokens[count] = token
            scratch[count & np.uint64(3), token] += 1
            count += one
            place += step
    return np.int64(count)


@register_jitable
def _repeats(data, place):
    """1 where this byte and the next two are those before them."""
    before = data[place - np.uint64(1)]
    first, second, third = data[place], data[place + np.uint64(1)], data[place + np.uint64(2)]
    return np.uint8(first == before) & np.uint8(second == before) & np.uint8(third == before)


@register_jitable
def _begin_block(final, table, scratch, out, at, held, bits):
    """Write the codes of the tokens that were counted, and make the table of what stands for each and for the end."""
    counts, symbols, lengths, told = scratch[0], scratch[4], scratch[5], scratch[6]
    for symbol in range(_SYMBOLS):
        symbols[symbol] = 0
    symbols[_END] = 1
    for token in range(TOKENS):
        counts[token] += scratch[1, token] + scratch[2, token] + scratch[3, token]
        symbols[_symbol(token)[0]] += counts[token]
    _find_lengths(symbols, _SYMBOLS, _LONGEST, lengths, scratch)
    sent = _SYMBOLS
    while lengths[sent - 1] == 0:
        sent -= 1
    # two distances of one bit each: runs need the first, and strict readers want codes without gaps
    lengths[sent] = lengths[sent + 1] = 1
    telling = _tell_lengths(lengths, sent + 2, told, symbols)
    lengths[sent] = lengths[sent + 1] = 0
    own, codes = scratch[7], scratch[8]
    _find_lengths(symbols, _ORDER.size, _LONGEST_TOLD, own, scratch)
    _find_codes(own, _ORDER.size, codes, scratch)
    orders = _ORDER.size
    while own[_ORDER[orders - 1]] == 0:
        orders -= 1
    at, held, bits = _put(out, at, held, bits, final | 2 << 1, 3)
    at, held, bits = _put(out, at, held, bits, sent - 257 | 1 << 5 | (orders - 4) << 10, 14)
    for k in range(orders):
        at, held, bits = _put(out, at, held, bits, own[_ORDER[k]], 3)
    for k in range(telling):
        symbol = told[k] & 31
        at, held, bits = _put(out, at, held, bits, codes[symbol] & _LOW, codes[symbol] >> 32)
        at, held, bits = _put(out, at, held, bits, told[k] >> 5, _told_bits(symbol))
    _find_codes(lengths, _SYMBOLS, codes, scratch)
    for token in range(TOKENS):
        symbol, more, value = _symbol(token)
        # a run's distance is told by one more bit, 0
        length = codes[symbol] >> 32
        whole = length + more + (1 if token > 255 else 0)
        table[token] = codes[symbol] & _LOW | value << length | whole << 32
    table[TOKENS] = codes[_END]
    return at, held, bits


@register_jitable
def _symbol(token):
    """The symbol of a token; how many bits tell more about a run's length, and which."""
    beyond = token - 256
    if beyond < 0:
        return token, 0, 0
    if beyond < 8:
        return 257 + beyond, 0, 0
    if beyond == 255:
        return 285, 0, 0
    more = 1
    while beyond >> more > 7:
        more += 1
    return 257 + 4 * more + (beyond >> more), more, beyond & (1 << more) - 1


@register_jitable
def _told_bits(symbol):
    """How many bits tell more about a symbol of the lengths: 3 to 6 times the last, 3 to 10 or 11 to 138 zeros."""
    return 2 if symbol == 16 else 3 if symbol == 17 else 7 if symbol == 18 else 0


@register_jitable
def _tell_lengths(lengths, size, told, symbols):
    """Lengths as symbols, each with 32 times what more is told about it; counts the symbols. Returns how many there are."""
    for symbol in range(_ORDER.size):
        symbols[symbol] = 0
    count = place = 0
    while place < size:
        length = lengths[place]
        run = 1
        while place + run < size and lengths[place + run] == length:
            run += 1
        symbol, more = length, 0
        if length == 0 and run >= 11:
            run = min(run, 138)
            symbol, more = 18, run - 11
        elif length == 0 and run >= 3:
            symbol, more = 17, run - 3
        elif run >= 3 and place > 0 and lengths[place - 1] == length:
            run = min(run, 6)
            symbol, more = 16, run - 3
        else:
            run = 1
        told[count] = symbol | more << 5
        symbols[symbol] += 1
        count += 1
        place += run
    return count


@register_jitable
def _find_lengths(counts, size, longest, lengths, scratch):
    """How many bits the code of each symbol has, at most `longest`; 0 where it isn't used. At least two are used."""
    weights, parents, depths, order = scratch[9], scratch[10], scratch[11], scratch[12]
    leaves = 0
    for symbol in range(size):
        lengths[symbol] = 0
        if counts[symbol] > 0:
            order[leaves] = counts[symbol] << 10 | symbol
            leaves += 1
    _sort(order, leaves)
    for k in range(leaves):
        weights[k] = order[k] >> 10
        order[k] &= 1023
    # the two lightest nodes are joined, again and again: leaves come in order, and so do the nodes that are made
    top = 2 * leaves - 2
    leaf, inner = 0, leaves
    for node in range(leaves, top + 1):
        weights[node] = 0
        for _ in range(2):
            if leaf == leaves or (inner < node and weights[inner] < weights[leaf]):
                child = inner
                inner += 1
            else:
                child = leaf
                leaf += 1
            weights[node] += weights[child]
            parents[child] = node
    depths[top] = 0
    for node in range(top - 1, -1, -1):
        depths[node] = depths[parents[node]] + 1
    # how many codes have each length; weights are not needed any more
    many = weights
    for length in range(longest + 1):
        many[length] = 0
    for k in range(leaves):
        many[min(depths[k], longest)] += 1
    room = 1 << longest
    for length in range(1, longest + 1):
        room -= many[length] << longest - length
    while room < 0:  # a longest code goes, and comes back beside a shorter one that is made longer by a bit
        length = longest - 1
        while many[length] == 0:
            length -= 1
        many[longest] -= 1
        many[length] -= 1
        many[length + 1] += 2
        room += 1
    k = 0
    for length in range(longest, 0, -1):
        for _ in range(many[length]):
            lengths[order[k]] = length
            k += 1


@register_jitable
def _sort(values, count):
    """In place, by Shell's method: some hundred numbers."""
    gap = 121
    while gap > 0:
        for k in range(gap, count):
            value = values[k]
            place = k
            while place >= gap and values[place - gap] > value:
                values[place] = values[place - gap]
                place -= gap
            values[place] = value
        gap //= 3


@register_jitable
def _find_codes(lengths, size, codes, scratch):
    """The codes that symbols of these lengths have, their first bit lowest, and the length from bit 32 on."""
    many, following = scratch[9], scratch[10]
    for length in range(_LONGEST + 1):
        many[length] = 0
    for symbol in range(size):
        many[lengths[symbol]] += 1
    many[0] = 0
    following[0] = 0
    for length in range(1, _LONGEST + 1):
        following[length] = following[length - 1] + many[length - 1] << 1
    for symbol in range(size):
        length = lengths[symbol]
        code = following[length]
        following[length] += 1
        turned = 0
        for _ in range(length):
            turned = turned << 1 | code & 1
            code >>= 1
        codes[symbol] = turned | length << 32
