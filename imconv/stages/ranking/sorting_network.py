"""Makes sorting networks that neighbouring windows share: a list of steps, each of which combines two lines of samples.

A line is a row of the picture, or the minimum or maximum, sample by sample, of two other lines, which may be shifted. Shifts
let neighbouring windows of a row share work: sorted columns are merged to sorted pairs of columns, pairs to fours, and so on.
Windows below each other share rows. The rows that 2, 4 or 8 windows have in common are sorted once, samples that can no longer
be the result are dropped, and then each half of the windows adds the rows that only it has (A. Adams, Fast median filters using
separable sorting networks, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np

from .footprint import Footprint

LOAD, EXCHANGE, LESSER, LARGER, STORE = range(5)  # the operations of steps, as in `loops/network.py`

Shifted = tuple[int, int]  # a node, and by how many pixels to the right its line is read


@dataclass(frozen=True)
class Network:
    """The network for one rank of one window.

    tall               how many rows of the result it computes together
    lines              how many lines are held at a time
    steps : (n, 7)     the operation (LOAD, ...), two lines to write, then two lines to read, each with its shift in pixels.
                       LOAD reads a row under the windows into the first line, STORE writes the first line to a row of the
                       result; the number of that row is in the fourth place.
    """

    tall: int
    lines: int
    steps: np.ndarray

    def placed(self, pitch: int, channels: int) -> np.ndarray:
        """The steps as (n, 5), with lines and shifts as places in a buffer whose lines are `pitch` samples apart."""
        operation, low, high, a, right, b, further = self.steps.T
        combining = (operation != LOAD) & (operation != STORE)
        low = low * pitch + np.where(operation == STORE, right * channels, 0)
        a = np.where(combining, a * pitch + right * channels, a)
        return np.stack([operation, low, high * pitch, a, b * pitch + further * channels], axis=1)


@lru_cache(maxsize=16)
def make_network(footprint: Footprint, rank: int) -> Network:
    """The network that finds the sample of this rank in a window of three or more samples.

    >>> make_network(Footprint((3, 3), (1, 1)), 4).tall
    2
    """
    graph = _Graph()
    if footprint.mask is None:
        height = footprint.shape[0]
        tall = 8 if height > 20 else 4 if height > 6 else 2 if height > 2 else 1
        return _scheduled(graph, _Rectangles(graph, *footprint.shape, rank).results(tall))
    return _scheduled(graph, [_of_shape(graph, footprint.cells, rank)])


class _Graph:
    """The lines of a network as nodes: (LOAD, row), (LESSER, a, shift, b, shift) or (LARGER, a, shift, b, shift).

    a and b are older nodes. A node is made only once, also if it is used at several shifts.
    """

    def __init__(self):
        self.nodes: list[tuple] = []
        self.known: dict[tuple, int] = {}

    def row(self, row: int) -> Shifted:
        return self._node((LOAD, row)), 0

    def lesser(self, a: Shifted, b: Shifted) -> Shifted:
        return self._combined(LESSER, a, b)

    def larger(self, a: Shifted, b: Shifted) -> Shifted:
        return self._combined(LARGER, a, b)

    def merged(self, a: list[Shifted], b: list[Shifted]) -> list[Shifted]:
        """Merge two sorted lists into one (Batcher's odd-even merge, for any lengths)."""
        if not a or not b:
            return a or b
        if len(a) == len(b) == 1:
            return [self.lesser(a[0], b[0]), self.larger(a[0], b[0])]
        even, odd = self.merged(a[::2], b[::2]), self.merged(a[1::2], b[1::2])
        found = even[:1]
        for low, high in zip(odd, even[1:], strict=False):
            found += [self.lesser(low, high), self.larger(low, high)]
        return found + odd[len(even) - 1 :] + even[len(odd) + 1 :]

    def picked(self, a: list[Shifted], b: list[Shifted], rank: int) -> Shifted:
        """The sample of this rank in two sorted lists together.

        For every way to take the first i samples of one list and the first rank + 1 - i of the other, the largest sample
        taken is at least the result; the smallest of these is the result.
        """
        taken = range(max(0, rank + 1 - len(b)), min(len(a), rank + 1) + 1)
        lasts = (
            a[i - 1] if i == rank + 1 else b[rank - i] if i == 0 else self.larger(a[i - 1], b[rank - i]) for i in taken
        )
        return reduce(self.lesser, lasts)

    def _combined(self, operation: int, a: Shifted, b: Shifted) -> Shifted:
        a, b = sorted((a, b))
        first = min(a[1], b[1])
        return self._node((operation, a[0], a[1] - first, b[0], b[1] - first)), first

    def _node(self, node: tuple) -> int:
        if node not in self.known:
            self.known[node] = len(self.nodes)
            self.nodes.append(node)
        return self.known[node]


class _Rectangles:
    """Builds results for windows of height x width pixels, one below the other."""

    def __init__(self, graph: _Graph, height: int, width: int, rank: int):
        self.graph, self.height, self.width, self.rank = graph, height, width, rank
        self.made: dict[tuple, list[Shifted]] = {}

    def results(self, tall: int) -> list[Shifted]:
        """The results of `tall` windows; `tall` is a power of two and at most their height."""
        if tall == 1:
            left, right = self._halves(0, self.height, self.width)
            return [self.graph.picked(left, right, self.rank)]
        common = self._rows(tall - 1, self.height, self.width)
        return self._windows(0, tall, common, (self.height - tall + 1) * self.width, 0)

    def _windows(self, first: int, stop: int, common: list[Shifted], known: int, dropped: int) -> list[Shifted]:
        """The results of windows first .. stop - 1.

        `common` are the `known` samples that all these windows have, sorted, without the `dropped` smallest and some of the
        largest, which can't be the result.
        """
        missing = self.height * self.width - known
        least = max(0, self.rank - missing - dropped)
        common, dropped = common[least : self.rank - dropped + 1], dropped + least
        middle = (first + stop) // 2
        found = []
        for a, b, top, bottom in (
            (first, middle, middle - 1, stop - 1),
            (middle, stop, first + self.height, middle + self.height),
        ):
            more = self._rows(top, bottom, self.width)
            if b - a == 1:
                found.append(self.graph.picked(common, more, self.rank - dropped))
            else:
                found += self._windows(a, b, self.graph.merged(common, more), known + len(more), dropped)
        return found

    def _rows(self, top: int, bottom: int, width: int) -> list[Shifted]:
        """The samples of rows top .. bottom - 1, `width` pixels of each, sorted."""
        key = top, bottom, width
        if key not in self.made:
            one = bottom - top == width == 1
            self.made[key] = [self.graph.row(top)] if one else self.graph.merged(*self._halves(*key))
        return self.made[key]

    def _halves(self, top: int, bottom: int, width: int) -> tuple[list[Shifted], list[Shifted]]:
        """The samples of `_rows` as two sorted lists: a power of two columns, which other windows share, and the rest."""
        if width == 1:
            middle = (top + bottom + 1) // 2
            return self._rows(top, middle, 1), self._rows(middle, bottom, 1)
        left = 1 << (width - 1).bit_length() - 1
        return self._rows(top, bottom, left), _moved(self._rows(top, bottom, width - left), left)


def _of_shape(graph: _Graph, cells: np.ndarray, rank: int) -> Shifted:
    """The sample of this rank under the cells of a footprint."""
    down_columns = [(graph.row(row)[0], column) for column, row in np.argwhere(cells.T).tolist()]

    def in_order(some: list[Shifted]) -> list[Shifted]:
        middle = len(some) // 2
        return graph.merged(in_order(some[:middle]), in_order(some[middle:])) if middle else some

    middle = len(down_columns) // 2
    return graph.picked(in_order(down_columns[:middle]), in_order(down_columns[middle:]), rank)


def _moved(some: list[Shifted], pixels: int) -> list[Shifted]:
    return [(node, shift + pixels) for node, shift in some]


def _scheduled(graph: _Graph, results: list[Shifted]) -> Network:
    """The network of the steps that the results need; a line is used again as soon as its samples are read no more."""
    nodes, wanted = graph.nodes, _needed(graph.nodes, results)
    stored: dict[int, list[tuple[int, int]]] = {}
    for row, (node, shift) in enumerate(results):
        stored.setdefault(node, []).append((row, shift))
    last = {}  # the node that reads a node last; LESSER and LARGER of one pair are made at once and count as the older
    order = []
    for node in sorted(wanted):
        operation, *sources = nodes[node]
        twin = graph.known.get((LESSER + LARGER - operation, *sources))
        if operation != LOAD and twin in wanted and twin < node:
            continue
        order.append((node, twin if operation != LOAD and twin in wanted else None))
        if operation != LOAD:
            last[sources[0]] = last[sources[2]] = node
    lines: dict[int, int] = {}
    free, count, steps = [], 0, []
    for node, twin in order:
        operation, *sources = nodes[node]
        if operation == LOAD:
            step = [0, sources[0], 0, 0, 0]
        else:
            a, right, b, further = sources
            step = [0, lines[a], right, lines[b], further]
            free += [lines[source] for source in {a, b} if last[source] == node]
        made = [node] if twin is None else [node, twin] if operation == LESSER else [twin, node]
        for one in made:
            if not free:
                free.append(count)
                count += 1
            lines[one] = free.pop()
        if twin is not None:
            operation, step[0] = EXCHANGE, lines[made[1]]
        steps.append([operation, lines[made[0]], *step])
        for one in made:
            steps += [[STORE, lines[one], 0, row, shift, 0, 0] for row, shift in stored.get(one, ())]
            if one not in last:
                free.append(lines[one])
    return Network(len(results), count, np.array(steps, np.int64))


def _needed(nodes: list[tuple], results: list[Shifted]) -> set[int]:
    """The results' nodes and all nodes that they are made from."""
    wanted = {node for node, _ in results}
    for node in range(len(nodes) - 1, -1, -1):
        if node in wanted and nodes[node][0] != LOAD:
            wanted.update((nodes[node][1], nodes[node][3]))
    return wanted
