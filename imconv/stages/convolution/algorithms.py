"""The list of correlation algorithms. To add one, write a module with a subclass of `Algorithm` and list it here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .box import Box
from .decimated import Decimated
from .dense import Dense
from .fft import FourierTransform
from .in_order import InOrder, InPairs
from .separable import Separable
from .task import Algorithm, Candidate, Prepared, Task, factors_of

_ALL = (Dense(), Separable(), Box(), Decimated(), FourierTransform(), InOrder(), InPairs())
BY_NAME: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in _ALL}
ALGORITHMS = tuple(algorithm.name for algorithm in _ALL if not algorithm.only_asked_for)
ORDERS = tuple(algorithm.name for algorithm in _ALL if algorithm.only_asked_for)


def candidates(task: Task) -> dict[str, Candidate]:
    """The algorithms that can do a task, by name, with their costs."""
    factors = factors_of(task)
    able = ((name, BY_NAME[name].candidate(task, factors)) for name in ALGORITHMS)
    return {name: candidate for name, candidate in able if candidate is not None}


@lru_cache(maxsize=32)
def prepare(plan, fill: tuple[float, ...]) -> Prepared:
    """The loop, tables and buffers of a plan, cached; `fill` holds the border's value for each channel."""
    return plan.how.prepare(plan, np.array(fill, plan.accumulator))
