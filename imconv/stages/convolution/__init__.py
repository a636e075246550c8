"""Linear filters: a plan, one module for each algorithm, and their work on bands of rows."""
