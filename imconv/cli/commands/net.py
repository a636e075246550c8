"""`imconv net`: networks as data, and what can be said about them."""

from __future__ import annotations

import click

from ..listing import tell_list
from ..options import command, flag, setting
from ..saying import report
from ..usage import CommandGroup
from .net_pictures import maps, run, trace


@click.group(cls=CommandGroup, commands=[maps, run, trace])
def net():
    """List convolutional networks, summarise and run them."""


@command("list", "imconv net list", "imconv net list resnet", "imconv net list --json", of=net)
@click.argument("words", nargs=-1)
@flag("--json json_", "As JSON.")
def list_(words, json_):
    """List the networks, or those whose name or description has all WORDS."""
    from ...net import listed

    def shown(entry: dict) -> str:
        return entry["about"] + (f" ({', '.join(entry['aliases'])})" if entry["aliases"] else "")

    entries = [{"name": name, "about": about, "aliases": list(others)} for name, (about, others) in listed().items()]
    tell_list(entries, shown, words, json_, "network")


@command(
    "summary",
    "imconv net summary keras-vanilla",
    "imconv net summary resnet50 --input 448x448x3 --json",
    "imconv net summary vgg16 --want-output 14",
    "imconv net summary alexnet-tv --want-output 55 --layer features.0",
    "imconv net summary my.toml --markdown",
    of=net,
)
@click.argument("network")
@setting("--input shape", "HxWxC", "Rows, columns and channels of the input. [default: as the network is made for]")
@setting("--want-output", "N[xM]", "Tell which inputs, and which padding, give a layer an output of N x M instead.")
@setting("--layer", "NAME", "The layer that --want-output is about. [default: the last that gives maps]")
@flag("--markdown", "As a table in Markdown.")
@flag("--json json_", "As JSON.")
def summary(network, shape, want_output, layer, markdown, json_):
    """Tell every layer's output shape, parameters, multiply-adds, receptive field and memory.

    NETWORK is a name (imconv net list), or a file of your own that ends in .toml, followed by :NAME where it describes
    several. RF is the side of what an output sees of the input, Jump how far the next one sees from there, Start the
    middle of what the first one sees, in pixels from the edge. Memory is that of the output as float32.
    """
    from ...errors import OptionError
    from ...net import load

    if layer is not None and want_output is None:
        raise OptionError("--layer goes with --want-output, as in --want-output 112 --layer conv1")
    if json_ and markdown:
        raise OptionError("choose one of --json and --markdown")
    if want_output is not None and markdown:
        raise OptionError("--want-output has no table for --markdown")
    loaded = load(network)
    shape = None if shape is None else _parse_shape(shape, "--input", "HxWxC, such as 224x224x3", (2, 3))
    if want_output is not None:
        from ...net.fitting import fit

        wanted = _parse_shape(want_output, "--want-output", "N or NxM, such as 112", (1, 2))
        fitted = fit(loaded, (wanted[0], wanted[-1]), layer=layer, shape=shape)
        if json_:
            report(fitted.as_dict())
        else:
            click.echo(fitted)
        return
    told = loaded.summary(shape)
    if json_:
        report(told.as_dict())
    else:
        click.echo(told.markdown() if markdown else told)


def _parse_shape(text: str, option: str, form: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
    from ...errors import OptionError

    parts = text.lower().split("x")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 8]
    if len(numbers) != len(parts) or len(parts) not in lengths or 0 in numbers:
        raise OptionError(f"{option} must be {form}, not {text!r}")
    return tuple(numbers)
