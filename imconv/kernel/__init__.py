"""Convolution kernels: their weights, the files and names they come from, other tools' formats."""
