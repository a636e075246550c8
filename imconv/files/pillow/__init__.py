"""Formats that Pillow decodes and encodes."""
