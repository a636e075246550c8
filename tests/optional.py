"""Formats whose pixels need a package that may not be installed."""

import pytest

from imconv.files.formats import FORMATS


def needs(name: str) -> None:
    """Skip the test where the packages of this format are missing."""
    for package in FORMATS[name].needs:
        pytest.importorskip(package)


def written(name: str) -> None:
    """Skip the test where imconv can't write this format, here or at all."""
    if not FORMATS[name].encoder:
        pytest.skip(f"imconv does not write {name}")
    needs(name)
