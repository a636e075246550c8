"""The kinds of computation: one pass over rows each, with its plan and its work."""
