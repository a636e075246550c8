"""`Origin`: the picture in a file that another picture was made of, and where the other one's pixels lie in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..geometry.grid import SAME, Grid


@dataclass(frozen=True)
class Origin:
    """What a picture's description and its georeferencing refer to.

    shape     rows, columns and channels of the picture as its file holds it
    pages     number of pages in the file
    planes    whether the file holds its channels one after another, each as a whole
    size      rows and columns of the picture of which `grid` is true
    grid      where that picture's pixels lie among those of the file; None if nowhere in particular
    rescaled  whether samples have been converted to another depth
    """

    shape: tuple[int, int, int]
    pages: int = 1
    planes: bool = False
    size: tuple[int, int] = (0, 0)
    grid: Grid | None = SAME
    rescaled: bool = False

    def filtered(self, grid: Grid | None, size: tuple[int, int], rescaled: bool) -> Origin:
        """The origin of a filter's result."""
        grid = grid and self.grid and grid.of(self.grid)
        return replace(self, grid=grid, size=size, rescaled=self.rescaled or rescaled)

    def turned(self, transpose: bool, flip_rows: bool, flip_columns: bool) -> Origin:
        """The origin of the picture transposed, and then with its rows and columns in reverse order."""
        size = self.size[::-1] if transpose else self.size
        return self.filtered(Grid.turned(size, transpose, flip_rows, flip_columns), size, False)

    def grid_of(self, size: tuple[int, int]) -> Grid | None:
        """Where the pixels of a picture of this size lie among those of the file; None if that is not known."""
        return self.grid if size == self.size else None

    def unmoved(self, size: tuple[int, int]) -> bool:
        """Whether the pixels of a picture of this size are those of the file, one by one."""
        return self.grid_of(size) == SAME and size == self.shape[:2]
