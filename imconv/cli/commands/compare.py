"""`imconv compare`: how far two pictures lie apart, in numbers and as a sheet."""

from __future__ import annotations

import sys

import click

from ..checked import checked_limits, checked_page, whole
from ..compiling import watch
from ..options import command, flag, max_memory_option, no_clobber_option, page_option, reading_options, setting
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
FIGURES = {"max": "max_abs", "mean": "mean_abs", "rmse": "rmse", "psnr": "psnr", "ssim": "ssim"}  # as bounds call them
ERRORS, LIKENESS = ("max", "mean", "rmse"), ("psnr", "ssim")


@command(
    "compare",
    "imconv compare in.png photo.png",
    "imconv compare in.png photo.png --json",
    "imconv compare in.png photo.png -o sheet.png --amplify 8",
    "imconv compare in.png photo.png --fail-above max=255,rmse=200",
)
@click.argument("a", type=click.Path(allow_dash=True))
@click.argument("b", type=click.Path(allow_dash=True))
@setting("-o --output", "FILE", "Write before, after and their difference, amplified, side by side.")
@setting("--amplify", "N", "Factor of the difference. [default: the largest becomes white]")
@setting("--range range_", "LOW,HIGH", "Range of the samples, for PSNR and SSIM. [default: the type's; 0,1 for floats]")
@setting("--fail-above", "max=V,mean=V,rmse=V", "Exit with status 1 where an error is above its bound, or no number.")
@setting("--fail-below", "psnr=V,ssim=V", "Exit with status 1 where a likeness is below its bound, or undefined.")
@page_option
@reading_options
@max_memory_option
@no_clobber_option
@flag("-q --quiet", "No notes.")
@flag("--json json_", "As JSON; null for what is infinite (PSNR of equal pictures) or undefined.")
def compare(
    a,
    b,
    output,
    amplify,
    range_,
    fail_above,
    fail_below,
    page,
    max_pixels,
    max_memory,
    truncated,
    no_clobber,
    quiet,
    json_,
):
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
    above, below = _bounds(fail_above, "--fail-above", ERRORS), _bounds(fail_below, "--fail-below", LIKENESS)
    limits = {**checked_limits(max_pixels, max_memory, truncated), "page": checked_page(page)}
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
    passed = [
        *(
            f"{name} {_shown(value)} is above {bound:g}"
            for name, bound in above.items()
            if not (value := _figure(found, name)) <= bound
        ),
        *(
            f"{name} {_shown(value)} is below {bound:g}"
            for name, bound in below.items()
            if not (value := _figure(found, name)) >= bound
        ),
    ]
    if json_:
        report({**found.as_dict(), **({"bounds_passed": passed} if above or below else {})}, output)
    else:
        click.echo(_text(found), err=on_stdout(output))
    if passed:
        click.echo(f"imconv: {label(a, STDIN)}, {label(b, STDIN)}: {', '.join(passed)}", err=True)
        click.get_current_context().exit(1)


def _figure(found, name: str) -> float:
    """A figure of the comparison; NaN, which keeps to no bound, where it is undefined."""
    value = getattr(found, FIGURES[name])
    return float("nan") if value is None else value


def _shown(value: float) -> str:
    return "(undefined)" if value != value else f"{value:g}"


def _bounds(text: str | None, option: str, names: tuple[str, ...]) -> dict[str, float]:
    """The bounds that an option's text sets."""
    from ...errors import OptionError

    found = {}
    for part in [] if text is None else text.split(","):
        name, _, value = part.partition("=")
        try:
            bound = float(value)
        except ValueError:
            bound = float("nan")
        if name.strip() not in names or bound != bound:
            raise OptionError(
                f"{option} takes {', '.join(f'{each}=V' for each in names)}, separated by commas, not {part!r}"
            )
        found[name.strip()] = bound
    return found


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
