"""`imconv kernels`: the library of kernels."""

from __future__ import annotations

import click

from .options import ExampleCommand


@click.group()
def kernels():
    """List and show the kernels of the library."""


@kernels.command(
    "list",
    cls=ExampleCommand,
    examples=("imconv kernels list", "imconv kernels list sobel", "imconv kernels list --json"),
)
@click.argument("words", nargs=-1)
@click.option("--json", "json_", is_flag=True, help="As JSON.")
def list_(words, json_):
    """List the kernels, or those whose name or description has all WORDS."""
    from ..kernel_library import describe, formulas, named, names

    rows = [(name, *describe(name)) for name in names()]
    rows += [(form, "{} x {}".format(*named(form.partition(":")[0]).shape), text) for form, text in formulas().items()]
    rows = [row for row in rows if all(word.lower() in " ".join(row).lower() for word in words)]
    if json_:
        import json

        click.echo(json.dumps([{"name": name, "size": size, "description": text} for name, size, text in rows]))
        return
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, size, text in rows:
        click.echo(f"{name:<{width}}  {size:>7}  {text}")
    if not rows:
        click.echo("imconv: no kernel has " + " and ".join(words), err=True)
        click.get_current_context().exit(1)


@kernels.command(
    "show", cls=ExampleCommand, examples=("imconv kernels show sobel-x", "imconv kernels show lecture > k.txt")
)
@click.argument("kernel")
def show(kernel):
    """Show KERNEL as a kernel file: a name of the library, a file, or rows of numbers."""
    from ..kernel_library import resolve

    click.echo(resolve(kernel).to_text(), nl=False)
