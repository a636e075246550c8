"""The command line: a command is parse, read, filter, write. Commands are loaded when called, so that help is instant."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

import click

from .. import __version__
from . import interrupt, saying, synonyms, usage
from .usage import CommandGroup

# family, as the help calls it: command: (module in commands/, one line for the list of commands)
FAMILIES = {
    "Everyday": {
        "convert": ("everyday", "Write a picture in another format or depth, without filtering it."),
        "grey": ("everyday", "Make a picture grey, with one channel."),
        "invert": ("everyday", "Invert a picture, as a negative."),
        "flatten": ("everyday", "Lay a picture with transparency over a background."),
        "crop": ("everyday", "Cut a rectangle out of a picture."),
        "rotate": ("everyday", "Turn a picture clockwise by right angles."),
        "flip": ("everyday", "Mirror a picture."),
        "strip": ("everyday", "Remove a picture's metadata; its pixels stay as they are."),
    },
    "Smoothing": {
        "blur": ("smooth", "Blur with a Gaussian."),
        "box": ("smooth", "Blur with the mean over a box."),
        "disk": ("oriented", "Blur with a disk, as a lens out of focus does."),
        "motion": ("oriented", "Blur along a line, as a moving camera does."),
        "bilateral": ("local", "Smooth and keep edges: a mean of near and similar pixels."),
        "guided": ("local", "Smooth and keep a guide's edges, at any radius in the same time."),
    },
    "Sharpening": {
        "sharpen": ("sharpen", "Sharpen: add the difference to the 3 x 3 mean."),
        "unsharp": ("sharpen", "Sharpen: add the difference to a blurred copy (unsharp mask)."),
        "contrast": ("local", "Normalise local contrast: divide differences by the deviation."),
    },
    "Edges": {
        "edges": ("edges", "Find edges by first and second derivatives."),
        "gabor": ("gabor", "Show how oriented cells of the visual cortex respond."),
        "emboss": ("oriented", "Emboss: add the slope, as if light came from the upper left."),
        "deviation": ("local", "Show the standard deviation over a box around each pixel."),
    },
    "Order and morphology": {
        "median": ("order", "Remove specks: take the median of the pixels around."),
        "min": ("order", "Erode: take the darkest of the pixels around."),
        "max": ("order", "Take the brightest of the pixels around."),
        "rank": ("order", "Take a percentile of the pixels around."),
        "open": ("order", "Open: remove bright spots that are smaller than a shape."),
        "close": ("order", "Close: remove dark spots that are smaller than a shape."),
        "gradient": ("order", "Outline: the largest minus the smallest of the pixels around."),
        "tophat": ("order", "Keep only what is smaller than a shape, and brighter or darker."),
    },
    "Kernels and chains": {
        "apply": ("apply", "Convolve with a kernel of your own, or one from the library."),
        "chain": ("chain", "Filter with several filters in one go."),
        "kernels": ("kernels", "List, show, inspect, convert and plot kernels."),
    },
    "Networks": {
        "pool": ("pool", "Pool: reduce windows to single pixels, as networks do."),
        "layer": ("layer", "Compute a convolution layer's feature maps as pictures."),
        "net": ("net", "List, summarise and run convolutional networks."),
    },
    "Looking": {
        "show": ("show", "Show pictures in the terminal, as half blocks or as pixels."),
        "info": ("info", "Print size, depth, channels and metadata from the header alone."),
        "compare": ("compare", "Compare two pictures: largest and mean error, RMSE, PSNR, SSIM."),
        "trace": ("trace", "Show how one pixel is computed: window, weights, products, sum."),
    },
    "Housekeeping": {
        "cache": ("cache", "Show, fill or empty the store of compiled loops."),
    },
}

COMMANDS = dict(sorted(item for family in FAMILIES.values() for item in family.items()))

BUILTINS = ("max", "min", "open")  # commands whose functions are called otherwise


class LazyGroup(CommandGroup):
    """A group whose commands' modules are imported only when one of them runs or shows its help."""

    def make_context(self, info_name, args, parent=None, **extra):
        arguments = list(args)
        ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta["imconv.arguments"] = arguments  # the processes of a batch run them too
        return ctx

    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, name):
        if name not in COMMANDS:
            return None
        from importlib import import_module

        module = import_module(f"imconv.cli.commands.{COMMANDS[name][0]}")
        return getattr(module, name if name not in BUILTINS else f"{name}_")

    def format_commands(self, ctx, formatter):
        width = max(map(len, COMMANDS))  # the texts of all families begin in one column
        for family, commands in FAMILIES.items():
            with formatter.section(family):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in commands.items()])

    def format_epilog(self, ctx, formatter):
        with formatter.section("Examples"):
            for line in (
                "imconv blur photo.jpg soft.jpg --sigma 2",
                "imconv sharpen photo.png crisp.png --amount 0.5",
                "imconv apply photo.png edges.png --kernel sobel-x --range abs",
                "imconv blur --sigma 3% < in.png > out.png",
                "imconv COMMAND --help",
            ):
                formatter.write(" " * formatter.current_indent + line + "\n")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="imconv %(version)s")
def cli():
    """Filter pictures with convolution kernels: exact results, any border, depth and alpha kept.

    INPUT and OUTPUT are paths, or - for standard input and output.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a file failed, 2 usage, 130 interrupted, 143 terminated, 129 hung up.

    Without `args` this is the program: it reads them from `sys.argv`, and ends without Python's clearing up.
    """
    if args is not None:
        sys.exit(run(args))
    gc.set_threshold(100_000)  # imports make many objects and no garbage: 4 ms
    # nothing here is worth numpy's threads for linear algebra
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.stderr is None:
        _occupy(2)
    status = run(sys.argv[1:])
    if _debugging() or sys.gettrace() or sys.getprofile():
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            status = status or int(stream is sys.stdout)  # nothing is lost with a message that nobody reads
    os._exit(status)  # taking every module apart would need another 20 ms


def _occupy(descriptor: int) -> None:
    """Let a closed descriptor lead nowhere, so that no picture is opened under its number, into which libraries would write."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def run(args: list[str], service=None) -> int:
    """Run the command line and return its exit status; errors are one line on standard error.

    `service` is that of a batch, where this is one of its processes.
    """
    debugging = _debugging()
    with saying.begun(args, debugging):
        try:
            with interrupt.watched():
                words = synonyms.understood(args, COMMANDS)
                return cli.main(words, prog_name="imconv", standalone_mode=False, obj=service) or 0
        except click.exceptions.Exit as leave:
            return leave.exit_code
        except BrokenPipeError:
            # the reader went away: nobody is there to read a message; keep the interpreter from complaining at exit
            if sys.stdout is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (Exception, interrupt.Ended) as error:
            if debugging and not isinstance(error, (click.ClickException, click.Abort, interrupt.Ended)):
                raise
            return _failed(error)


def _failed(error: BaseException) -> int:
    """Say what is wrong, on standard error and in the report; returns the exit status."""
    status, message, hint = explained(error)
    message = saying.complain(message) if message else ""
    if hint:
        click.echo(hint, err=True)
    if message:
        with contextlib.suppress(BrokenPipeError):
            saying.report_failure(message, status)
    return status


def explained(error: BaseException) -> tuple[int, str, str]:
    """The exit status for an error, what is wrong, and where to look it up."""
    from ..errors import ImconvError, OptionError

    if isinstance(error, (interrupt.Ended, click.Abort)):
        end = error if isinstance(error, interrupt.Ended) else interrupt.Ended()
        return end.status, str(end), ""
    if isinstance(error, click.ClickException):
        return error.exit_code, *usage.explained(error)
    if isinstance(error, ImconvError):
        return 2 if isinstance(error, OptionError) else 1, str(error), ""
    if isinstance(error, MemoryError):
        return 1, "not enough memory; use a smaller picture; with --max-memory SIZE it is refused before any work", ""
    what = str(error).splitlines()[0] if str(error) else ""
    return 1, f"internal error: {type(error).__name__}: {what}; run with IMCONV_DEBUG=1 and report it", ""


def _debugging() -> bool:
    return os.environ.get("IMCONV_DEBUG", "") not in ("", "0")
