"""Runs plans: rows from a source through stages to a sink, on threads. It knows no particular filter."""
