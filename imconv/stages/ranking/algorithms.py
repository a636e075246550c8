"""The algorithms of ranking. To add one: a class that is a RankAlgorithm, and its place in this list."""

from __future__ import annotations

from .bisection import Bisection, Ordinals
from .columns import Columns, ExtremesOfRows
from .extremes import Extremes, Taps
from .histogram import Histogram
from .network import Network
from .task import RankAlgorithm

_ALL = (Extremes(), ExtremesOfRows(), Taps(), Columns(), Network(), Histogram(), Bisection(), Ordinals())
BY_NAME: dict[str, RankAlgorithm] = {algorithm.name: algorithm for algorithm in _ALL}
