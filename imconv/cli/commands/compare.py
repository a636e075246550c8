"""`imconv compare`: how far two pictures lie apart, in numbers and as a sheet."""

from __future__ import annotations

import sys

import click

from ..checked import checked_limits, whole
from ..compiling import watch
from ..options import command, flag, max_memory_option, no_clobber_option, reading_options, setting
from ..places import (
    STDIN,
    STDOUT,
    input_place,
    is_terminal,
    label,
    place_of,
    read_picture,
    teller,
    write_picture,
)
from ..saying import on_stdout, report

MOST_TIMES = 65535


@command(
    "compare",
    "imconv compare in.png photo.png",
    "imconv compare in.png photo.png --json",
    "imconv compare in.png photo.png -o sheet.png --amplify 8",
)
@click.argument("a", type=click.Path(allow_dash=True))
@click.argument("b", type=click.Path(allow_dash=True))
@setting("-o --output", "FILE", "Write before, after and their difference, amplified, side by side.")
@setting("--amplify", "N", "Factor of the difference. [default: the largest becomes white]")
@setting("--range range_", "LOW,HIGH", "Range of the samples, for PSNR and SSIM. [default: the type's; 0,1 for floats]")
@reading_options
@max_memory_option
@no_clobber_option
@flag("-q --quiet", "No notes.")
@flag("--json json_", "As JSON; null for what is infinite (PSNR of equal pictures) or undefined.")
def compare(a, b, output, amplify, range_, max_pixels, max_memory, truncated, no_clobber, quiet, json_):
    """Compare two pictures: largest and mean error, RMSE, PSNR, SSIM.

    A and B must have the same size, channels and type; one of them may be -, standard input. Both are turned upright
    first, as their EXIF orientation says. Where the sheet goes to standard output, the numbers go to standard error.
    """
    from ... import comparison
    from ...errors import FileError, OptionError

    if a == b == "-":
        raise OptionError("only one of A and B can be standard input")
    data_range = None if range_ is None else _range(range_)
    times = None if amplify is None else whole(amplify, "--amplify", 1, MOST_TIMES)
    limits = checked_limits(max_pixels, max_memory, truncated)
    watch(quiet)
    before, after = (read_picture(*input_place(x, "a file"), quiet, auto_orient=True, **limits) for x in (a, b))
    if output is not None:
        _check_place(output, before, no_clobber)
    try:
        found = comparison.compare(before, after, data_range=data_range)
    except OptionError as error:
        raise FileError(f"{label(a, STDIN)}, {label(b, STDIN)}: {error}") from error
    if data_range is None:
        _note_range(teller(quiet), found, before, after)
    if output is not None:
        top = comparison.of_one_white(before, after)[2]
        factor = times or comparison.amplification(found.max_abs, before.pixels.dtype, top)
        write_picture(output, comparison.sheet(before, after, factor), no_clobber, quiet)
        teller(quiet)(f"{label(output, STDOUT)}: the difference is shown times {factor}")
    if json_:
        report(found.as_dict(), output)
    else:
        click.echo(_text(found), err=on_stdout(output))


def _range(text: str) -> tuple[float, float]:
    from ... import comparison
    from ...errors import OptionError

    try:
        return comparison.checked_range(text.split(","))
    except OptionError:
        raise OptionError(f"--range is {text!r}; write two numbers, the smaller first, as in --range 0,4095") from None


def _note_range(tell, found, *pictures) -> None:
    """Tell that the samples of float pictures lie outside the range that PSNR and SSIM assume."""
    import numpy as np

    low, high = found.data_range
    floats = [picture.pixels for picture in pictures if picture.pixels.dtype.kind == "f"]
    finite = [pixels[np.isfinite(pixels)] for pixels in floats]
    ends = [end for samples in finite if samples.size for end in (samples.min(), samples.max())]
    if ends and (min(ends) < low or max(ends) > high):
        tell(
            f"samples lie between {min(ends):g} and {max(ends):g}, PSNR and SSIM are for {low:g} to {high:g}; "
            f"give their range with --range LOW,HIGH"
        )


def _check_place(output: str, picture, no_clobber: bool) -> None:
    """What can't be written is an error before any work."""
    import numpy as np

    from ... import files
    from ...errors import FileError

    place, name = place_of(output)
    if output == "-" and (sys.stdout is None or is_terminal(sys.stdout)):
        raise FileError("standard output can't show an image; give a file or redirect")
    shape = (picture.height, 3 * picture.width, *picture.pixels.shape[2:])
    outline = picture.replace(pixels=np.broadcast_to(picture.pixels.dtype.type(0), shape))
    files.check_target(place, outline, no_clobber=no_clobber, name=name)


def _text(found) -> str:
    rows = [
        ("largest error", f"{found.max_abs:g}"),
        ("mean error", f"{found.mean_abs:.6g}"),
        ("RMSE", f"{found.rmse:.6g}"),
        ("PSNR", f"{found.psnr:.2f} dB"),
        ("SSIM", "undefined: the pictures are smaller than 11 x 11" if found.ssim is None else f"{found.ssim:.6f}"),
    ]
    rows.append(("range", "{:g} to {:g}".format(*found.data_range)))
    return "\n".join(f"{name:<15}{value}" for name, value in rows)
