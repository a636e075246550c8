"""Combines several linear filters of one picture band by band: largest, magnitude, direction."""
