"""`Condition`: which samples the pooling operation `count` counts, such as `v>128`."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

import numpy as np

from ...errors import OptionError

COMPARISONS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_CONDITION = re.compile(r"v\s*(>=|<=|==|!=|>|<)\s*([-+.\w]{1,40})(\s*%)?")


@dataclass(frozen=True)
class Condition:
    """Counts samples v for which `v symbol value` is true; `values` has one value, or one for each channel."""

    symbol: str
    values: tuple[float, ...]
    share: bool = False  # whether they are per cents of white, and not in sample units

    def of(self, white: int) -> Condition:
        """The same in sample units, for pictures with this white."""
        return Condition(self.symbol, tuple(value * white / 100 for value in self.values)) if self.share else self

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Whether the condition is true, for each sample."""
        values = np.array(self.values[: samples.shape[-1]])  # samples may lack alpha
        if samples.dtype.kind == "f":
            values = values.astype(samples.dtype)
        return COMPARISONS[self.symbol](samples, values)

    def __str__(self) -> str:
        unit = "%" if self.share else ""
        return f"v {self.symbol} {', '.join(f'{value:g}{unit}' for value in self.values)}"


def parse_condition(text) -> Condition:
    """Parse a condition such as `"v>128"`, or `"v>50%"` of white; None stands for `v != 0`.

    >>> str(parse_condition("v >= 0.5")), str(parse_condition(None))
    ('v >= 0.5', 'v != 0')
    """
    if text is None:
        return Condition("!=", (0.0,))
    found = _CONDITION.fullmatch(str(text).strip().lower())
    try:
        value = float(found[2]) if found else float("nan")
    except ValueError:
        value = float("nan")
    if found is None or value != value:
        raise OptionError(
            f"where must be v, one of {' '.join(COMPARISONS)}, and a number, such as v>128 or v>50%, not {text!r}"
        )
    return Condition(found[1], (value,), bool(found[3]))
