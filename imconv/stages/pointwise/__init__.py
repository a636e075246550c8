"""Passes without a window: each result is computed from the pixel at its place, or is a pixel of the picture elsewhere."""
