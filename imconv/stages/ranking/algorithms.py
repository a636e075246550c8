"""The list of ranking algorithms. To add one, write a subclass of `RankAlgorithm` and list it here."""

from __future__ import annotations

from .bisection import Bisection, Ordinals
from .columns import Columns, ExtremesOfRows
from .extremes import Extremes, Taps
from .histogram import Histogram
from .network import Network
from .sliding import Sliding
from .task import RankAlgorithm

_ALL = (Extremes(), ExtremesOfRows(), Taps(), Columns(), Network(), Histogram(), Bisection(), Ordinals(), Sliding())
BY_NAME: dict[str, RankAlgorithm] = {algorithm.name: algorithm for algorithm in _ALL}
