"""`Grid`: where the samples of a result lie among those of the picture that it was made of. Exact, without NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Line = tuple[Fraction | int, Fraction | int, Fraction | int]


@dataclass(frozen=True)
class Grid:
    """Sample (i, j) of a result lies at a row and a column of the picture, counted from the middle of its first sample.

    `rows` (a, b, c) says that the row is `a i + b j + c`; `columns` says the same of the column.

    >>> shrunk = Grid.along_axes((2, Fraction(1, 2)), (2, Fraction(1, 2)))  # means of 2 x 2 samples
    >>> cropped = Grid.along_axes((1, 10), (1, 20))
    >>> shrunk.of(cropped).columns == (0, 2, Fraction(41, 2))  # of the picture that was cropped first
    True
    """

    rows: Line
    columns: Line

    @classmethod
    def along_axes(cls, rows: tuple, columns: tuple) -> Grid:
        """The grid for a distance between samples and the place of the first one, of each axis."""
        return cls((rows[0], 0, rows[1]), (0, columns[0], columns[1]))

    @classmethod
    def turned(cls, shape: tuple[int, int], transpose: bool, flip_rows: bool, flip_columns: bool) -> Grid:
        """The grid of a picture that is transposed, and then has its rows and columns in reverse order; `shape` is the
        result's."""
        down = (-1, 0, shape[0] - 1) if flip_rows else (1, 0, 0)
        along = (0, -1, shape[1] - 1) if flip_columns else (0, 1, 0)
        return cls(along, down) if transpose else cls(down, along)

    def of(self, before: Grid) -> Grid:
        """The grid among the samples of the picture before, if this one is that of a result of `before`'s result."""

        def line(outer: Line) -> Line:
            a, b, c = (outer[0] * row + outer[1] * column for row, column in zip(self.rows, self.columns, strict=True))
            return a, b, c + outer[2]

        return Grid(line(before.rows), line(before.columns))

    @property
    def transposes(self) -> bool:
        """Whether rows of the result are columns of the picture."""
        return self.rows[0] == 0

    @property
    def steps(self) -> tuple[Fraction | int, Fraction | int] | None:
        """The distances between rows and between columns; None if the result is turned or mirrored."""
        (down, across, _), (back, along, _) = self.rows, self.columns
        return (down, along) if across == back == 0 and down > 0 and along > 0 else None


SAME = Grid((1, 0, 0), (0, 1, 0))
