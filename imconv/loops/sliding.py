"""Any rank of any window, however large: a histogram of the window's samples, which are added and removed as it moves.

T. S. Huang, G. J. Yang and G. Y. Tang, "A fast two-dimensional median filtering algorithm" (IEEE Transactions on Acoustics,
Speech and Signal Processing, 1979). Sums over BLOCK bins let the search pass over many empty ones.
"""

BLOCK = 256  # bins that are also counted together


def select(numbers, runs, ranks, kinds, first, out, fine, coarse):
    """Fill `out` (rows, columns), rows `first`, `first + 1`, ... of the result.

    numbers            padded samples, each the number of its bin
    runs : (n, 3)      the window's cells, row by row: the row, the first column, and the one behind the last
    ranks : (k, m)     how many samples of the window come before the wanted one; m 1, or the result's columns
    kinds : (rows,)    which row of `ranks` holds for a row of the result
    fine, coarse       counts of the bins, and of BLOCK together; 0 before and after
    """
    for y in range(out.shape[0]):
        kind, at, below = kinds[first + y], 0, 0
        for j in range(runs.shape[0]):
            for x in range(runs[j, 1], runs[j, 2]):
                number = numbers[y + runs[j, 0], x]
                fine[number] += 1
                coarse[number // BLOCK] += 1
        for x in range(out.shape[1]):
            if x > 0:
                for j in range(runs.shape[0]):
                    old, new = numbers[y + runs[j, 0], x - 1 + runs[j, 1]], numbers[y + runs[j, 0], x - 1 + runs[j, 2]]
                    fine[old] -= 1
                    coarse[old // BLOCK] -= 1
                    fine[new] += 1
                    coarse[new // BLOCK] += 1
                    below += (new < at) - (old < at)
            wanted = ranks[kind, x if ranks.shape[1] > 1 else 0]
            while below > wanted:
                if at % BLOCK == 0 and below - coarse[at // BLOCK - 1] > wanted:
                    at -= BLOCK
                    below -= coarse[at // BLOCK]
                else:
                    at -= 1
                    below -= fine[at]
            while below + fine[at] <= wanted:
                if at % BLOCK == 0 and below + coarse[at // BLOCK] <= wanted:
                    below += coarse[at // BLOCK]
                    at += BLOCK
                else:
                    below += fine[at]
                    at += 1
            out[y, x] = at
        for j in range(runs.shape[0]):
            for x in range(runs[j, 1] + out.shape[1] - 1, runs[j, 2] + out.shape[1] - 1):
                number = numbers[y + runs[j, 0], x]
                fine[number] -= 1
                coarse[number // BLOCK] -= 1
