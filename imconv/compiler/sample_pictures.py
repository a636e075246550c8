"""The small picture that loops are checked on."""

from __future__ import annotations

import numpy as np

from ..jit import signature

DTYPES = {code: np.dtype(text) for text, code in signature.CODES.items()}
ROWS, COLUMNS = 13, 150  # more than a pass, and more than two vectors with a rest


def picture(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    return np.add.outer(5 * np.arange(rows) ** 2, 3 * np.arange(columns)) % 7
