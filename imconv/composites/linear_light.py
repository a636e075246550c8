"""Linear light: finds a picture's transfer function, decodes samples before a filter, and encodes results after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import FileError, ImconvError, OptionError
from ..files.header import Unsupported
from ..files.picture import MODES, PLANES, Metadata
from ..geometry.border import Border, fill_values, parse_border
from ..options import Options
from ..pixels.arrays import AUTO
from ..pixels.curves import CHARACTERISTICS, SRGB, Curve, Parametric
from ..pixels.depth import white
from ..pixels.exact import as_fraction
from ..pixels.levels import Transfer
from ..pixels.rounding import Tally, warn_of_nans
from .white_level import white_kept

BAND = 1 << 19  # samples that a thread converts at a time
STRAIGHT_NOTE = "float pixels are taken as linear light already"


@dataclass(frozen=True)
class Conversion:
    """Decodes a picture to linear light and encodes a filter's result. Both take rows in bands of any height.

    filter       the filter, converted for linear light: it is planned for and applied to decoded samples
    name         the name of the transfer function
    image_type   the type of the picture
    source       the type that `decode` returns
    target       the type that `encode` returns
    note         a remark for the user, or None
    white        the picture's white, where it is not its type's
    """

    transfer: Transfer | None  # None if samples are linear already and stay unchanged
    name: str
    channels: int
    has_alpha: bool
    image_type: np.dtype
    target: np.dtype
    range: str = "clip"
    filter: Any = None
    keeps_white: bool = True  # whether results have the picture's white, not their type's
    note: str | None = None
    white: int | None = None  # the picture's white, where it is not the type's

    @property
    def source(self) -> np.dtype:
        if self.transfer is None:
            return self.image_type
        return np.dtype(np.float64 if self.image_type == np.float64 else np.float32)

    @property
    def image_white(self) -> int:
        """The value of white in the picture's samples: thresholds are divided by it."""
        return 1 if self.transfer is None else self.white or white(self.image_type)

    @property
    def result_white(self) -> int:
        """The value of white in the result's samples: offsets are divided by it."""
        if self.transfer is None:
            return 1
        return self.white if self.white and self.keeps_white else white(self.target)

    @property
    def _top(self) -> int | None:
        """The largest integer result, where it is not the type's."""
        return self.white if self.keeps_white else None

    def options(self, options: Options) -> Options:
        """A filter's options converted for linear light: border values decoded, the offset divided by white, the result float."""
        if self.transfer is None:
            return replace(options, linear=False)
        return replace(
            options,
            linear=False,
            depth=None,
            dtype=None,
            offset=as_fraction(options.offset) / self.result_white,
            border=self._border(options.border),
            channel_axis=AUTO if self.channels <= 4 else 2,
            white=None,
            range="clip" if options.range == "error" else options.range,  # `encode` raises the error
        )

    def _border(self, border) -> Border:
        border = parse_border(border)
        if border.mode != "constant" or self.transfer is None:
            return border
        values = fill_values(border, self.channels, self.image_white if self.has_alpha else None) / self.image_white
        curves = self.transfer.curves
        colours = [float(curve.linear(v)) for curve, v in zip(curves, values, strict=False)]
        return Border("constant", (*colours, *values[len(colours) :].tolist()))

    def around(self, filter) -> Conversion:
        """This conversion with a filter, which is converted for linear light."""
        return replace(self, filter=filter.in_light(self))

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Decode rows (n, width) or (n, width, channels) of the picture to linear light."""
        return rows if self.transfer is None else self.transfer.decode(rows, self.white)

    def encode(self, rows: np.ndarray, tally: Tally | None = None) -> np.ndarray:
        """Encode rows of the filter's result; `tally` counts clipped samples and NaN."""
        if self.transfer is None:
            return rows
        if self.target.kind != "f" and (tally is not None or self.range == "error"):
            clipped = self.transfer.clipped(rows, self.target, self._top)
            if tally is not None:
                tally.add(samples=rows.size, clipped=clipped, nans=int(np.count_nonzero(np.isnan(rows))))
            if self.range == "error" and clipped:
                raise ImconvError(f"results leave 0..{self.result_white}; use range= (clip, abs, offset or stretch)")
        return self.transfer.encode(rows, self.target, self._top)

    def encode_bands(self, bands: Iterable[np.ndarray], tally: Tally | None = None) -> Iterator[np.ndarray]:
        """Encode bands of the filter's result; at the end, warn if any samples were NaN."""
        count = self.counting(tally)
        for rows in bands:
            yield self.encode(rows, count)
        self.warn(count)

    def counting(self, tally: Tally | None) -> Tally | None:
        """The tally that `encode` needs: the caller's, or a new one for float pictures, whose results may be NaN."""
        return Tally() if tally is None and self.transfer is not None and self.image_type.kind == "f" else tally

    def warn(self, count: Tally | None) -> None:
        """Warn if samples were NaN and became 0."""
        if self.transfer is not None and self.image_type.kind == "f":
            warn_of_nans(count, 7)


def conversion_of(filter, mode: str, image_type, metadata: Metadata | None = None) -> Conversion | None:
    """The conversion for a filter with the option linear and a Picture's mode, type and metadata; None for other filters.

    Raises FileError for CMYK and for profiles and chunks with an unknown transfer function; OptionError for pixel types and
    options that can't be combined with linear light.
    """
    if not filter.options.linear or not (filter.light_matters or filter.options.selects):
        return None
    if mode == "cmyk":
        raise FileError("CMYK has no linear light; convert the picture to RGB, or leave out linear=")
    if mode == PLANES:
        raise FileError("planes that are no colours have no linear light; leave out linear=")
    return conversion_for(
        filter, MODES[mode], mode in ("grey+alpha", "rgba"), np.dtype(image_type), metadata or Metadata()
    )


def conversion_for(filter, channels: int, has_alpha: bool, image_type: np.dtype, metadata: Metadata) -> Conversion:
    """As `conversion_of`, for an array or the pixels of a Picture; the filter has the option linear."""
    options = filter.options
    if image_type.kind != "f" and image_type.name not in ("bool", "uint8", "uint16"):
        raise OptionError(
            f"linear=True takes 1, 8 and 16 bits and floats, not {image_type.name}; leave out linear=, or change the depth before"
        )
    target = filter.result_type(image_type)
    colours = channels - has_alpha
    found = _stated(metadata, colours)
    if found is None and image_type.kind == "f":
        return Conversion(None, "linear", channels, has_alpha, image_type, target, note=STRAIGHT_NOTE).around(filter)
    if options.dtype is not None and target != image_type:
        raise OptionError("linear=True goes with depth=, not with dtype=: levels of light need their range")
    name, curves = found or ("sRGB", (SRGB,))
    if len(curves) == 1:
        curves *= colours
    transfer = Transfer(curves)
    return Conversion(transfer, name, channels, has_alpha, image_type, target, options.range, white=options.white,
                      keeps_white=white_kept(filter, image_type) is not None).around(filter)  # fmt: skip


def _stated(metadata: Metadata, colours: int) -> tuple[str, tuple[Curve, ...]] | None:
    """Name and curves of the transfer function that a file states, or None.

    Its cICP chunk counts first, then its ICC profile, sRGB and gAMA (PNG, third edition).
    """
    chunks = dict(reversed(metadata.chunks))  # of several chunks of one name the first counts
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[1] != 2 and colours == 3:  # 2: unspecified
        if cicp[1] not in CHARACTERISTICS or cicp[3] != 1:
            what = f"transfer characteristics {cicp[1]}" if cicp[3] == 1 else "a narrow range of levels"
            raise FileError(f"its cICP chunk states {what}, which can't be decoded; leave out linear=")
        name, curve = CHARACTERISTICS[cicp[1]]
        return name, (curve,)
    if metadata.icc is not None:
        from ..files import icc

        if icc.space(metadata.icc) not in (b"GRAY", b"RGB ") or (icc.space(metadata.icc) == b"RGB ") == (colours == 3):
            try:
                return "ICC profile", icc.tone_curves(metadata.icc)
            except Unsupported as error:
                raise FileError(error) from error
    if b"sRGB" in chunks:
        return "sRGB", (SRGB,)
    if metadata.gamma:
        if not 0.01 <= metadata.gamma <= 100:
            raise FileError(f"its gAMA chunk states {metadata.gamma:g}, which no picture has; leave out linear=")
        return f"gamma {1 / metadata.gamma:.4g}", (Parametric(1 / metadata.gamma),)
    return None
