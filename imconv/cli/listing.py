"""Lists of what has a name, such as kernels and networks, as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable

import click

from .saying import complain, report


def tell_list(
    entries: list[dict], shown: Callable[[dict], str], words: tuple[str, ...], as_json: bool, what: str
) -> None:
    """Print the entries that contain all words: their names, and behind them what `shown` returns. Exit 1 if there are none."""
    found = [
        each for each in entries if all(word.lower() in " ".join(map(str, each.values())).lower() for word in words)
    ]
    if as_json:
        report(found)
        return
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        click.echo(f"{each['name']:<{width}}  {shown(each)}")
    if not found:
        complain(f"no {what} has " + " and ".join(words))
        click.get_current_context().exit(1)
