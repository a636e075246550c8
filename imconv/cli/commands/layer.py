"""`imconv layer`: a convolution layer's feature maps as pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ...units import human_bytes
from ..checked import checked_limits, checked_threads, whole
from ..compiling import watch
from ..options import RUNNING, command, flag, limit_options, no_clobber_option, setting
from ..places import input_place, read_picture, teller, write_picture
from ..saying import report, say

if TYPE_CHECKING:
    import numpy as np

    from ...files.picture import Picture

SCALES = ("each", "all")

MOST_COLUMNS = 1 << 20  # of a sheet


@command(
    "layer",
    "imconv layer in.png -w sobel-x -w sobel-y --activation relu --sheet s.png",
    "imconv layer in.png -w laplacian --padding same --maps maps --json",
)
@click.argument("input", required=False, type=click.Path(allow_dash=True))
@setting("-w --weights", "W", "A .safetensors, .npz or .npy file; append :NAME to choose one of several tensors. Or kernels, one for each map: repeat the option with files, names or rows of numbers.", required=True, multiple=True)  # fmt: skip
@setting("--bias", "B", "A file of the same kind, or a tensor's name. [default: NAME.bias for weights NAME.weight, if it exists]")  # fmt: skip
@setting("--layout", "OIHW|HWIO", "Order of the weights' axes: OIHW in torch, HWIO in Keras.", default="OIHW")
@setting("--stride", "N[,N]", "Step between results; rows, columns.", default="1")
@setting("--padding", "P", "Zeros around: N, ROWS,COLUMNS, TOP,BOTTOM,LEFT,RIGHT, same or valid.", default="0")
@setting("--dilation", "N[,N]", "Distance between taps; rows, columns.", default="1")
@setting(
    "--groups",
    "N",
    "Split channels and maps into N groups; each group of maps reads one group of channels.",
    default="1",
)
@setting("--activation", "NAME", "One of relu, relu6, leaky[:SLOPE], prelu[:SLOPE,...], sigmoid, tanh, scaled-tanh, hard-sigmoid, hard-swish, gelu, silu, mish, softmax.")  # fmt: skip
@flag("--unit", "Scale samples to 0..1, as most networks expect, instead of 0..255 or 0..65535.")
@setting("--maps", "DIR", "Write each map as DIR/map-000.png, ...; the folder is created.")
@setting("--sheet", "FILE", "Write all maps side by side as one picture; - for PNG on standard output.")
@setting("--scale", "|".join(SCALES), "Stretch the contrast of each map by itself, or of all maps together. If there are negative values: white is 0, red positive, blue negative.", default="each")  # fmt: skip
@setting("--columns", "N", "Maps in a row of the sheet. [default: a nearly square sheet]")
@limit_options
@flag(
    "--explain",
    "Print sizes, parameters, multiply-adds and memory to standard error. Without --maps, --sheet and --json nothing else is done.",
    RUNNING,
)
@no_clobber_option
@flag("-q --quiet", "No notes.", RUNNING)
@flag("-v --verbose", "Print parameters, sizes and time.", RUNNING)
@flag("--json json_", "Print a report as JSON.", RUNNING)
def layer(
    input,
    weights,
    bias,
    maps,
    sheet,
    unit,
    scale,
    columns,
    threads,
    max_pixels,
    max_memory,
    truncated,
    no_clobber,
    quiet,
    **how,
):
    """Compute a convolution layer's feature maps as pictures.

    Weight files are correlated, as in networks. Kernels (-w sobel-x) are convolved, and their channels averaged. Alpha is
    dropped unless the weights have a channel for it.
    """
    from ... import files
    from ...errors import OptionError
    from ...files.limits import check, memory_limit
    from ...net.layer import counted, prepare
    from ...net.weights_of_layer import read_weights
    from ...sheet import contact_sheet

    started = time.perf_counter()
    tell = teller(quiet)
    nothing = maps is None and sheet is None
    if nothing and not (how["explain"] or how["json_"]):
        raise OptionError("nothing to write: give --maps DIR or --sheet FILE; --explain and --json only report")
    if scale not in SCALES:
        raise OptionError(f"--scale must be one of {', '.join(SCALES)}, not {scale!r}")
    columns = None if columns is None else whole(columns, "--columns", 1, MOST_COLUMNS)
    limits, threads = checked_limits(max_pixels, max_memory, truncated), checked_threads(threads)
    place, name = input_place(input)
    watch(quiet)
    picture = read_picture(place, name, quiet, auto_orient=True, **limits)
    limit = memory_limit(limits["max_memory"])
    found = read_weights(list(weights), bias, picture.channels - picture.has_alpha, limit, tell)
    pixels = _samples(picture, unit)
    settings = {name: how[name] for name in ("stride", "padding", "dilation", "groups", "activation", "layout")}
    prepared = prepare(found.values, found.bias, dtype=pixels.dtype, **settings)
    convolution = prepared.convolution
    pixels = _fitting(pixels, convolution.channels, picture, tell, name)
    shape = convolution.shape(*pixels.shape[:2])
    size = shape[0] * shape[1] * shape[2]
    needed = pixels.nbytes + size * (pixels.itemsize + 3 * 8)  # in colours, out of float64
    needed += found.values.nbytes + found.values.size * pixels.itemsize
    check(name, picture.width, picture.height, needed, max_memory=limit)
    parameters = counted((convolution.count, convolution.depth, *convolution.taps), found.bias is not None)
    multiply_adds = convolution.multiply_adds(*pixels.shape[:2])
    if how["explain"] or how["verbose"]:
        for line in (
            f"input          {pixels.shape[0]} x {pixels.shape[1]} x {pixels.shape[2]} {pixels.dtype}",
            f"output         {shape[0]} x {shape[1]} x {shape[2]}",
            f"parameters     {parameters}",
            f"multiply-adds  {multiply_adds}",
            *([f"memory         {human_bytes(needed)}"] if how["explain"] else []),
        ):
            click.echo(line, err=True)
    if nothing and not how["json_"]:
        return
    values = prepared.apply(pixels, threads=threads)
    stacked = contact_sheet(list(values.transpose(2, 0, 1)), columns=1, gap=0, scale=scale)
    shown = stacked.reshape(shape[2], shape[0], *stacked.shape[1:])
    written = _write_maps(maps, shown, no_clobber, quiet) if maps is not None else []
    if sheet is not None:
        # the format where no extension names another
        laid = files.Picture(contact_sheet(list(shown), columns=columns), format="PNG")
        write_picture(sheet, laid, no_clobber, quiet)
    if how["verbose"]:
        say(f"{shape[2]} maps; {1000 * (time.perf_counter() - started):.0f} ms", quiet)
    if how["json_"]:
        facts = {
            "input": input or "-",
            "output_shape": shape,
            "parameters": found.values.size + (0 if found.bias is None else found.bias.size),
            "macs": multiply_adds,
            "maps": [
                {
                    **({"name": found.names[i]} if found.names else {}),
                    **({"file": written[i]} if written else {}),
                    "min": float(values[..., i].min()),
                    "max": float(values[..., i].max()),
                    "mean": float(values[..., i].mean(dtype="float64")),
                }
                for i in range(shape[2])
            ],
        }
        report(facts, sheet)


def _samples(picture: Picture, unit: bool) -> np.ndarray:
    """The picture's samples as floats (H, W, D), scaled to 0..1 if `unit`."""
    import numpy as np

    from ...pixels.depth import white

    pixels = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[..., None]
    kind = np.dtype(np.float64 if pixels.dtype == np.float64 else np.float32)
    top = picture.maximum or white(pixels.dtype)
    return pixels.astype(kind) / top if unit and top != 1 else pixels.astype(kind)


def _fitting(pixels: np.ndarray, channels: int, picture: Picture, tell: Callable[[str], None], name: str) -> np.ndarray:
    """The channels that the weights are for: without alpha, if they have none."""
    from ...errors import FileError

    if pixels.shape[2] == channels:
        return pixels
    if picture.has_alpha and pixels.shape[2] - 1 == channels:
        tell(f"{name}: alpha is dropped")
        return pixels[..., :-1]
    raise FileError(
        f"{name}: has {pixels.shape[2]} channels ({picture.mode}), the weights are for {channels}; "
        "give a picture with as many channels, or other weights or groups"
    )


def map_names(count: int) -> list[str]:
    """The file names of `count` maps."""
    digits = max(3, len(str(count - 1)))
    return [f"map-{number:0{digits}d}.png" for number in range(count)]


def _write_maps(folder: str, shown: np.ndarray, no_clobber: bool, quiet: bool) -> list[str]:
    """Write each map as a PNG file; return the names."""
    from ...errors import FileError

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: {error.strerror or error}; give a folder that can be created") from None
    names = [os.path.join(folder, name) for name in map_names(len(shown))]
    for name, each in zip(names, shown, strict=True):
        write_picture(name, each, no_clobber, quiet)
    return names
