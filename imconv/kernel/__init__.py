"""Convolution kernels: weights, the files and names they are read from, and other tools' file formats."""
