"""What every filter is: made of options, planned for a picture, run over it whole or in bands of rows."""

from __future__ import annotations

import numpy as np

from .composites.partial import selected
from .errors import OptionError
from .filters.apply import _apply
from .options import Options
from .pixels.alpha import check_alpha
from .pixels.arrays import as_array
from .pixels.rounding import Tally


class Filter:
    """A filter has `options`, the `Options` it was made with, and these methods; some must be its own:

    plan(shape, image_type, has_alpha)   how an array (H, W) or (H, W, C) of this type would be filtered; printable
    result_type(image_type)              the type of the result
    run(plan, image, out=, threads=, tally=, progress=)
                                         the result for an array, channels last, of the type that is planned for
    in_bands(plan, bands, threads=, tally=, progress=, rows=)
                                         the same, bit for bit, in bands, for a picture whose rows come in bands; of the
                                         result only rows (first, last) where those are given, and bands without rows
                                         for others
    in_light(light)                      this filter for what a `Conversion` decodes
    with_options(**changes)              this filter with some options changed
    retyped(dtype, scale, range)         this filter with results of another type, samples multiplied by a fraction, under
                                         another range policy
    """

    options: Options

    def conversion(self, mode: str, image_type: np.dtype, metadata=None):
        """What a picture goes through around this filter, a `Conversion`, or None where the filter is applied as it is.

        `mode` is the Picture's, `metadata` what its file said.
        """
        if not self.options.linear:
            return None
        from .composites.linear_light import conversion_of

        return conversion_of(self, mode, image_type, metadata)

    def settled(self, image_type, result_type=None) -> Filter:
        """This filter, what it takes from the picture's type settled, and from the result's, its own if not given: for samples
        that come as floats in the same units."""
        return self

    def extra_bytes(self, plan) -> int:
        """Bytes per sample that a run takes beyond the picture and the result."""
        return 8 if plan.range == "stretch" else 0

    def bytes_held(self, plan, threads: int) -> int:
        """Memory that `in_bands` takes."""
        from .engine.streaming import bytes_held

        return bytes_held(plan, threads, self.compares(plan))

    def compares(self, plan) -> bool:
        """Whether what comes in is compared with what goes out, so that it must be kept until then."""
        return False

    def apply(self, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
        """Filter an array or a Picture; the same kind comes back. `tally` and `progress` as in `executor.execute`."""
        how = {"threads": threads, "tally": tally, "progress": progress}
        options = self.options
        if options.linear:
            from .filters.apply import apply_in_light

            return apply_in_light(self, image, out=out, **how)
        if hasattr(image, "pixels"):
            if out is not None:
                raise OptionError("out goes with an array, not with a Picture")
            return image.filtered(_apply(selected(self), image.pixels, image.has_alpha, None, how))
        if options.alpha not in (None, "separate") and options.has_alpha is None:
            check_alpha(options.alpha)
            raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
        return _apply(selected(self), as_array(image), bool(options.has_alpha), out, how)
