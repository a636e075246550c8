"""Draws a kept record: time against the size of a dense kernel and against a Gaussian's sigma, one line for each library."""

from __future__ import annotations

import re
from pathlib import Path

from .report import OURS, machine_lines
from .timing import median_ms

PANELS = (("dense", "size", "dense kernel, side in pixels"), ("gaussian", "sigma", "Gaussian, sigma in pixels"))


def draw(record: dict, path: str, picture: str | None = None) -> Path:
    """Write the drawing of one picture's results; the path it went to.

    Parameters
    ----------
    picture : str, optional
        Regular expression for the picture's name, "RGB uint8" for instance; default: the record's first picture.

    Raises
    ------
    ValueError
        matplotlib is missing, there is no such picture, or it has no results of these kinds.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError("plot needs matplotlib: pip install matplotlib") from None
    frame = frame_named(record, picture)
    curves = {panel: series(record, frame, *panel[:2]) for panel in PANELS}
    if not any(curves.values()):
        raise ValueError(f"no dense kernels and no Gaussians of {frame} in this record")
    names = [OURS, *record["rivals"]]
    figure = Figure(figsize=(11, 5), layout="constrained")
    for axes, (panel, lines) in zip(figure.subplots(1, len(PANELS)), curves.items(), strict=True):
        for number, name in enumerate(names):
            if name in lines:
                x, milliseconds, same = zip(*lines[name], strict=True)
                style = "-" if all(same) else "--"
                axes.plot(
                    x, milliseconds, style, marker=".", color=f"C{number}", label=name, lw=2.5 if name == OURS else 1.2
                )
        axes.set(xlabel=panel[2], ylabel="milliseconds (median)", xscale="log", yscale="log")
        ticks = sorted({x for line in lines.values() for x, _, _ in line})
        axes.set_xticks(ticks, labels=[f"{x:g}" for x in ticks], fontsize=8)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        if lines:
            axes.legend()
    own, where = machine_lines(record["machine"])
    figure.suptitle(
        f"{frame}, {record['settings']['threads']} threads; dashed: another filter or imprecise\n{own}; {where}",
        fontsize=9,
    )
    figure.savefig(path, dpi=120)
    return Path(path)


def frame_named(record: dict, picture: str | None) -> str:
    """The first picture of the record whose name matches."""
    names = dict.fromkeys(result["frame_name"] for result in record["results"])
    for name in names:
        if picture is None or re.search(picture, name, re.IGNORECASE):
            return name
    raise ValueError(f"no picture {picture or ''} in this record; it has {', '.join(names) or 'no results'}")


def series(record: dict, frame: str, operation: str, parameter: str) -> dict[str, list[tuple[float, float, bool]]]:
    """For each library: (parameter, milliseconds, whether it is the same filter), by rising parameter."""
    lines: dict[str, list[tuple[float, float, bool]]] = {}
    for result in record["results"]:
        plain = result["stride"] == result["dilation"] == 1
        if (result["frame_name"], result["operation"]) != (frame, operation) or not plain:
            continue
        for name, entry in result["entries"].items():
            if entry.get("samples"):
                point = (result[parameter], median_ms(entry["samples"]), not entry.get("approximate"))
                lines.setdefault(name, []).append(point)
    return {name: sorted(points) for name, points in lines.items()}
