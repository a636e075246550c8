"""Correlation with a kernel: its plan, one module for each algorithm, and its work on bands of rows."""
