"""Sizes that loops share with the tables and buffers made for them."""

DENSE_ROWS, SEPARABLE_ROWS = 6, 4  # output rows that the loops work on together
BOX_SEGMENT = (
    2048  # a float box makes its window sums for so many results of a row at a time, in buffers that stay in cache
)
