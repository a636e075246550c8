"""Parses arguments that several filters take: sigmas in various units, and numbers within bounds."""

from __future__ import annotations

import math
import re

import numpy as np

from ..errors import OptionError
from ..files.picture import Picture

MAX_SIGMA = 10_000.0
SIGMAS = "; write 2, or 2,3 (rows,columns), 3% of the width, fwhm:7 or opencv-ksize:9"  # for error messages
FWHM = 2.3548200450309493  # 2 sqrt(2 ln 2): full width at half maximum of a Gaussian with sigma 1


def parse_sigma(sigma, width: int | None = None) -> tuple[float, float]:
    """A sigma in any accepted unit as pixels, for rows and for columns; `width` is the picture's, for percentages."""
    if isinstance(sigma, (str, int, float, np.number)):
        parts = str(sigma).split(",") if isinstance(sigma, str) else [sigma]
    else:
        parts = list(sigma) if isinstance(sigma, (list, tuple, np.ndarray)) else []
    if len(parts) not in (1, 2):
        raise OptionError(f"sigma must be one number, or two (rows,columns), not {sigma!r}")
    values = [_one_sigma(part, width) for part in parts]
    return values[0], values[-1]


def _one_sigma(part, width) -> float:
    text = str(part).strip().lower()
    if text.startswith("fwhm:"):
        return checked_number(text[5:], "fwhm", 0, MAX_SIGMA * FWHM) / FWHM
    if text.startswith("opencv-ksize:"):
        ksize = checked_number(text[13:], "opencv-ksize", 1, 100_000)
        return max(0.0, 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8)
    if text.endswith("%"):
        if width is None:
            raise OptionError(f"sigma={text} needs a picture to measure by; give pixels")
        text = checked_number(text[:-1], "sigma", 0, 1e6, SIGMAS) * width / 100
    return checked_number(text, "sigma", 0, MAX_SIGMA, _meant(text) or SIGMAS)


def _meant(text: object) -> str:
    """The advice for a sigma as ImageMagick (0x8) or a style sheet (2px) writes it; empty for any other text."""
    found = re.fullmatch(r"[\d.]+x([\d.]+)|([\d.]+) ?(?:px|pixels?)", str(text))
    if not found:
        return ""
    return f"; ImageMagick's {text} is {found[1]} here" if found[1] else f"; write {found[2]}, its unit is the pixel"


def checked_number(text, name: str, least: float, most: float, advice: str = "") -> float:
    """A number or its text as a float; OptionError, in which it is called `name`, if it is not from `least` to `most`.

    The error message ends with `advice`.
    """
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not least <= value <= most:
        raise OptionError(f"{name} must be a number from {least:g} to {most:g}, not {text!r}{advice}")
    return value


def checked_whole(text, name: str, least: int, most: int) -> int:
    """As `checked_number`, for a whole number."""
    number = checked_number(text, name, least, most)
    if number != int(number):
        raise OptionError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(number)


def image_width(image, channel_axis) -> int | None:
    """The width of an array or a Picture in pixels, None if its shape is not that of an image."""
    shape = list(image.pixels.shape if isinstance(image, Picture) else np.shape(image))
    if len(shape) == 3:
        del shape[channel_axis if isinstance(channel_axis, int) else -1]
    return shape[-1] if len(shape) == 2 else None
