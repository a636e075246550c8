"""`imconv net`: lists of networks and of kinds of layers, and summaries."""

from __future__ import annotations

import click

from ..listing import tell_list
from ..options import command, flag, setting
from ..saying import report
from ..usage import CommandGroup
from .net_pictures import maps, run, trace


@click.group(cls=CommandGroup, commands=[maps, run, trace])
def net():
    """List, summarise and run convolutional networks."""


@command("list", "imconv net list", "imconv net list resnet", "imconv net list --json", of=net)
@click.argument("words", nargs=-1)
@flag("--json json_", "As JSON.")
def list_(words, json_):
    """List the networks that have names.

    With WORDS only those whose name or description contains all of them.
    """
    from ...net import listed

    def shown(entry: dict) -> str:
        return entry["about"] + (f" ({', '.join(entry['aliases'])})" if entry["aliases"] else "")

    entries = [{"name": name, "about": about, "aliases": list(others)} for name, (about, others) in listed().items()]
    tell_list(entries, shown, words, json_, "network")


@command("kinds", "imconv net kinds", "imconv net kinds conv", "imconv net kinds --json", of=net)
@click.argument("name", required=False)
@flag("--json json_", "As JSON.")
def kinds(name, json_):
    """List all kinds of layers, or describe one.

    These are the layers that a network's .toml file can have, with their fields. A field with a default is shown as FIELD = DEFAULT, an optional one
    without default in brackets; the others are required. Every layer may also have a name, and with share = "LAYER" the
    weights of another layer.
    """
    from ...net.kinds import details, kind_of, line
    from ...net.layer_kinds import KINDS

    if json_:
        report(kind_of(name) if name is not None else [kind_of(each) for each in KINDS])
    elif name is not None:
        click.echo(details(name))
    else:
        width = max(map(len, KINDS))
        for each in KINDS:
            click.echo(f"{each:<{width}}  {line(each)}")


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
@setting("--input shape", "HxWxC", "Rows, columns and channels of the input. [default: the network's own]")
@setting("--want-output", "N[xM]", "Print instead for which input sizes, and with which padding, a layer's output has N x M pixels.")  # fmt: skip
@setting("--layer", "NAME", "The layer for --want-output. [default: the last one with maps]")
@flag("--markdown", "As a table in Markdown.")
@flag("--json json_", "As JSON.")
def summary(network, shape, want_output, layer, markdown, json_):
    """Print shapes, costs and receptive fields of all layers.

    For each layer: output shape, parameters, multiply-adds (MACs), receptive field and memory. NETWORK is a name (imconv net list) or a .toml file, followed by :NAME if it describes several networks. RF: side of
    the receptive field, in input pixels; the largest, if outputs differ. Jump: distance between neighbouring outputs'
    fields; below 1 if maps are enlarged. Start: centre of the first output's field, from the edge of the input. A note
    says where joined branches are misaligned. Memory: of the output, as float32.
    """
    from ...errors import OptionError
    from ...net import load

    if layer is not None and want_output is None:
        raise OptionError("--layer needs --want-output, as in --want-output 112 --layer conv1")
    if json_ and markdown:
        raise OptionError("choose one of --json and --markdown")
    if want_output is not None and markdown:
        raise OptionError("--want-output can't be combined with --markdown: it prints no table")
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
    found = loaded.summary(shape)
    if json_:
        report(found.as_dict())
    else:
        click.echo(found.markdown() if markdown else found)


def _parse_shape(text: str, option: str, form: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
    from ...errors import OptionError

    parts = text.lower().split("x")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 8]
    if len(numbers) != len(parts) or len(parts) not in lengths or 0 in numbers:
        raise OptionError(f"{option} must be {form}, not {text!r}")
    return tuple(numbers)
