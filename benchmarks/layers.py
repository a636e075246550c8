"""Networks beside torch: whole forward passes, their convolutions one by one, and GELU; verified, then timed in turns."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from imconv.net import load
from imconv.net.activations import Activation
from imconv.net.convolution import Convolution
from imconv.net.forward import CONVOLUTIONS, Forward, convolution_options
from imconv.net.loaded_weights import Weights

from . import machine
from .report import aligned, machine_lines, number
from .session import FORMAT
from .timing import median_ms
from .verification import largest_error

ROUNDS = 15
NETWORKS = ("vgg16", "resnet50", "mobilenet-v2", "convnext-tiny")
SIZE = 224
CLOSE = 1e-4  # of the largest output
PAUSE = 0.005  # seconds: a library's threads wait busily for a while, and must not disturb whoever comes next
OURS = "imconv"


def run(
    rounds: int, threads: int | None = None, networks=NETWORKS, size: int = SIZE, tell: Callable[[str], None] = print
) -> dict:
    """The record: seconds of every round. Each result is a sum of parts, so many times each.

    Parameters
    ----------
    size : int
        Rows and columns of the networks' input.
    """
    try:
        import torch

        from .rivals.torch_network import LAYOUTS
    except ImportError:
        raise ValueError("torch is not installed; there is nothing to compare with") from None
    threads = threads or machine.usable_cpus()
    torch.set_num_threads(threads)
    results = []
    for name in networks:
        network = load(name)
        tell(f"{network.name}, forward")
        results.append({"title": f"{network.name}, forward", "parts": [_forward(network, size, rounds, threads)]})
        shapes = Counter(_convolutions(network, size))
        parts = []
        for shape, count in shapes.items():
            tell(f"{network.name}, {shape}")
            parts.append({"count": count, **_convolution(shape, rounds, threads)})
        results.append({"title": f"{network.name}, its {shapes.total()} convolutions", "parts": parts})
    tell("GELU")
    results.append({"title": "GELU of 56 x 56 x 384", "parts": [_gelu((56, 56, 384), rounds, threads)]})
    return {
        "format": FORMAT,
        "kind": "layers",
        "machine": machine.describe(),
        "threads": threads,
        "rounds": rounds,
        "size": size,
        "rivals": dict.fromkeys(LAYOUTS, torch.__version__),
        "results": results,
    }


def steps(networks, size: int) -> int:
    """How many things are measured."""
    return 1 + sum(1 + len(set(_convolutions(load(name), size))) for name in networks)


def _forward(network, size: int, rounds: int, threads: int) -> dict:
    import torch

    from .rivals.torch_network import LAYOUTS, TorchNetwork

    arrays = _random_arrays(network)
    samples = np.random.default_rng(1).standard_normal((size, size, network.input_shape[2])).astype(np.float32)
    forward = Forward(network, Weights(network, arrays), threads=threads)
    runs = {OURS: lambda: list(forward.run(samples).values())[-1]}
    picture = torch.from_numpy(samples).permute(2, 0, 1)[None]
    for name, layout in LAYOUTS.items():
        theirs = TorchNetwork(network, arrays, (size, size), layout)
        given = picture.contiguous(memory_format=layout)
        runs[name] = lambda theirs=theirs, given=given: theirs.run(given)
    return {"title": network.name, "count": 1, **_measured(runs, rounds)}


def _convolutions(network, size: int) -> Iterator[tuple]:
    """Every convolution: its input's shape, its weights' shape, and its options, all hashable."""
    for placed in network.resolve((size, size)):
        if placed.layer.kind not in CONVOLUTIONS:
            continue
        options = convolution_options(placed.layer, placed.shape[-1])
        groups = options.get("groups", 1)
        window = [axis.taps for axis in placed.axes or ()] or [1, 1]
        pads = [(axis.before, axis.after) for axis in placed.axes or ()] or [(0, 0)] * 2
        options = {"stride": (1, 1), "dilation": (1, 1), **options, "padding": (*pads[0], *pads[1]), "groups": groups}
        yield placed.inputs[0], (placed.shape[-1], placed.inputs[0][-1] // groups, *window), tuple(options.items())


def _convolution(shape: tuple, rounds: int, threads: int) -> dict:
    from .rivals.torch_network import LAYOUTS, convolution

    given, wanted, options = shape[0], shape[1], dict(shape[2])
    random = np.random.default_rng(1)
    samples, weights, bias = (random.standard_normal(one).astype(np.float32) for one in (given, wanted, wanted[:1]))
    ours = Convolution(weights, bias, **options)
    runs = {OURS: lambda: ours.apply(samples, threads=threads)}
    for name, layout in LAYOUTS.items():
        runs[name] = convolution(samples, weights, bias, options, layout)
    title = f"{' x '.join(map(str, given))} to {wanted[0]}, {wanted[2]} x {wanted[3]}"
    return {"title": title, **_measured(runs, rounds)}


def _gelu(shape, rounds: int, threads: int) -> dict:
    import torch

    values = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    copy, given = values.copy(), torch.from_numpy(values)

    def ours() -> np.ndarray:
        np.copyto(copy, values)  # it is replaced
        Activation("gelu").apply(copy, threads)
        return copy

    def theirs() -> np.ndarray:
        with torch.inference_mode():
            return torch.nn.functional.gelu(given).numpy()

    return {"title": "GELU", "count": 1, **_measured({OURS: ours, "torch": theirs}, rounds)}


def _measured(runs: dict[str, Callable], rounds: int) -> dict:
    """Errors of the others, and everybody's seconds in turns; each runs twice, and the second time counts."""
    expected = np.array(runs[OURS]())
    errors = {name: largest_error(np.atleast_3d(run()), np.atleast_3d(expected)) for name, run in runs.items()}
    wrong = [name for name, error in errors.items() if not error <= CLOSE]
    samples: dict[str, list[float]] = {name: [] for name in runs if name not in wrong}
    for _ in range(rounds):
        for name in samples:
            time.sleep(PAUSE)
            runs[name]()
            start = time.perf_counter()
            runs[name]()
            samples[name].append(time.perf_counter() - start)
    return {"errors": errors, "samples": samples}


def _random_arrays(network) -> dict[str, np.ndarray]:
    """Values for every tensor, of a size that neither dies out nor explodes on the way."""
    random, found = np.random.default_rng(0), {}
    for one in network.tensors.values():
        inputs = one.count / one.shape[one.axes.index("O")]
        values = random.standard_normal(one.shape, np.float32) / np.float32(max(inputs, 4) ** 0.5)
        found[one.key] = np.abs(values) + np.float32(0.5) if one.role in ("variance", "scale") else values
    return found


def milliseconds(result: dict, name: str) -> float | None:
    """The sum of the parts' medians; None where one of them was wrong or not timed."""
    parts = result["parts"]
    if not all(name in part["samples"] for part in parts):
        return None
    return sum(part["count"] * median_ms(part["samples"][name]) for part in parts)


def failures(record: dict) -> list[str]:
    """Who gave something else, and was not timed."""
    return [
        f"{result['title']}, {part['title']}: {name} is off by {error:.3g}, accepted {CLOSE:g}"
        for result in record["results"]
        for part in result["parts"]
        for name, error in part["errors"].items()
        if name not in part["samples"]
    ]


def _rows(record: dict) -> list[list[str]]:
    rows = [["", f"{OURS}, ms", *(f"{name}, ms" for name in record["rivals"])]]
    for result in record["results"]:
        ours = milliseconds(result, OURS)
        cells = []
        for name in record["rivals"]:
            theirs = milliseconds(result, name)
            cells.append("-" if theirs is None else f"{number(theirs)} ({number(theirs / ours)}x)")
        rows.append([result["title"], number(ours), *cells])
    return rows


def _notes(record: dict) -> list[str]:
    own, where = machine_lines(record["machine"])
    rival = next(iter(record["rivals"].values()))
    return [
        f"{own} beside torch {rival}, eager, inference mode",
        f"{where}; {record['threads']} threads each",
        f"inputs of {record['size']} x {record['size']}; medians of {record['rounds']} rounds in turns, (their time / imconv's)",
    ]


def text_report(record: dict) -> str:
    """An aligned table."""
    rows = _rows(record)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join([*_notes(record), "", *(aligned(row, widths) for row in rows)])


def markdown_report(record: dict) -> str:
    """The README's table."""
    head, *rows = _rows(record)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(
        [*("  \n".join(_notes(record)), ""), *("| " + " | ".join(row) + " |" for row in (head, rule, *rows))]
    )
