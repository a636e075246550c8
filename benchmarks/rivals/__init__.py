"""The contenders: imconv itself and one small adapter for each other library."""

from __future__ import annotations

from .base import Rival
from .libvips import Libvips, LibvipsInteger
from .opencv import OpenCV
from .ours import Imconv
from .pillow import Pillow
from .scipy_ndimage import ScipyNdimage
from .skimage_filters import ScikitImage

__all__ = ["RIVALS", "Imconv", "Rival", "installed"]

RIVALS: tuple[type[Rival], ...] = (ScipyNdimage, OpenCV, Pillow, Libvips, LibvipsInteger, ScikitImage)


def installed(threads: int) -> tuple[list[Rival], list[str]]:
    """The rivals that can be imported here, and the names of those that can't."""
    found, missing = [], []
    for kind in RIVALS:
        try:
            found.append(kind(threads))
        except (ImportError, OSError):  # OSError: the Python part is there, its shared library is not
            missing.append(kind.name)
    return found, missing
