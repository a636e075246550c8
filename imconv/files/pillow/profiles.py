"""Pictures converted from the color space of their ICC profile to sRGB, by littleCMS, which Pillow brings along."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from ...errors import ImconvError, OptionError
from ..picture import Picture

_MODES = {"rgb": "RGB", "rgba": "RGB", "cmyk": "CMYK"}


def to_srgb(picture: Picture, name: str) -> Picture:
    """An RGB picture in sRGB, with alpha as it was; relative colorimetric, with black point compensation.

    Parameters
    ----------
    picture : Picture
        RGB, RGBA or CMYK in 8 bits, with an ICC profile; RGB without a profile is taken as sRGB and stays as it is.
    name : str
        What errors call it.

    Raises
    ------
    OptionError
        The picture is of another kind, or CMYK without a profile.
    ImconvError
        The profile can't be used.
    """
    from PIL import Image, ImageCms

    mode, icc = _MODES.get(picture.mode), picture.metadata.icc
    if mode == "RGB" and icc is None:
        return picture
    if mode is None or picture.pixels.dtype != np.uint8:
        raise OptionError(f"{name}: to_srgb takes RGB and CMYK of 8 bits, not {picture.depth} {picture.mode}")
    if icc is None:
        raise OptionError(
            f"{name}: is CMYK without an ICC profile, so its colors are not known; embed one, with Photoshop or exiftool"
        )
    colours = np.ascontiguousarray(picture.pixels[..., : len(mode)])
    try:
        converted = ImageCms.profileToProfile(
            Image.fromarray(colours, mode),
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise ImconvError(
            f"{name}: its ICC profile can't be used: {error}; leave out to_srgb, or replace the profile"
        ) from None
    assert converted is not None  # it is where nothing is converted in place
    pixels = np.asarray(converted)
    if picture.mode == "rgba":
        pixels = np.dstack([pixels, picture.pixels[..., 3]])
    metadata = replace(
        picture.metadata, icc=None, gamma=None, quantisation=None, subsampling=None, chunks=_uncoloured(picture)
    )
    return picture.replace(pixels=pixels, mode="rgba" if picture.mode == "rgba" else "rgb", metadata=metadata)


def _uncoloured(picture: Picture) -> tuple[tuple[bytes, bytes], ...]:
    """A PNG's descriptive chunks without those that say which colors it has, and one that says sRGB."""
    spaces = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI")
    return ((b"sRGB", b"\1"), *(each for each in picture.metadata.chunks if each[0] not in spaces))
