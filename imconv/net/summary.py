"""`Summary`: a network's layers at one input size, as a table like Keras' with more columns, as Markdown or JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from math import prod

from ..units import human_bytes
from .graph import BYTES, Graph, Placed
from .layer_rules import Shape, by

HEADS = ("Layer (type)", "Output Shape", "Param #", "MACs", "RF", "Jump", "Start", "Memory")
BOUND = "<="  # before a receptive field that may be smaller
_LEFT = 2  # columns of words; the rest are numbers


@dataclass(frozen=True)
class Summary:
    """Every layer of a network for an input of `shape`; `str` returns the table.

    `parameters` are trained; `fixed` ones are not (running means and variances). `macs` are the multiply-adds of convolutions
    and fully connected layers, without biases, normalisation, activation and pooling. Memory is that of float32.
    """

    network: Graph
    shape: Shape
    layers: tuple[Placed, ...]

    @property
    def parameters(self) -> int:
        return self.network.parameters

    @property
    def fixed(self) -> int:
        return sum(placed.layer.fixed for placed in self.layers)

    @property
    def macs(self) -> int:
        return sum(placed.macs for placed in self.layers)

    @property
    def connections(self) -> int:
        return sum(placed.connections for placed in self.layers)

    @property
    def last_map(self) -> Placed | None:
        """The last layer whose receptive field is not the whole input by design; adaptive pooling is passed over."""
        return next((one for one in reversed(self.layers) if one.fields and not one.layer.rules.adaptive), None)

    @property
    def activation_bytes(self) -> int:
        """Bytes of all layers' outputs together."""
        return sum(placed.bytes for placed in self.layers)

    @property
    def largest_bytes(self) -> int:
        """The most bytes that one layer reads and writes, without weights."""
        return max(placed.bytes + BYTES * sum(map(prod, placed.inputs)) for placed in self.layers)

    def as_dict(self) -> dict:
        """The figures for JSON.

        Receptive fields, jumps and starts are numbers, or [rows, columns] if they differ, or None for the whole input. Jumps
        are smaller than 1 where maps are enlarged. `upper_bound` says that fields may be smaller than stated.
        """
        last = self.last_map
        return {
            "name": self.network.name,
            "about": self.network.about,
            "input": list(self.shape),
            "expects": asdict(self.network.expects) if self.network.expects else None,
            "parameters": self.parameters,
            "fixed": self.fixed,
            "macs": self.macs,
            "connections": self.connections,
            "receptive_field": _seen(last, "size") if last else None,
            "weight_bytes": BYTES * (self.parameters + self.fixed),
            "activation_bytes": self.activation_bytes,
            "largest_bytes": self.largest_bytes,
            "layers": [_facts(placed) for placed in self.layers],
        }

    def __str__(self) -> str:
        rows = self._rows(lambda shape: str((None, *shape)))
        widths = [max(len(row[i]) for row in (HEADS, *rows)) for i in range(len(HEADS))]
        line = [_aligned(row, widths) for row in (HEADS, *rows)]
        rule = "=" * max(map(len, line))
        return "\n".join([line[0], rule, *line[1:], rule, *self._totals()])

    def markdown(self) -> str:
        """The table and the totals in Markdown."""
        rows = [HEADS, ("---",) * _LEFT + ("---:",) * (len(HEADS) - _LEFT), *self._rows(by)]
        table = "\n".join("| " + " | ".join(cell.replace("*", "\\*") for cell in row) + " |" for row in rows)
        totals = "\n".join("- " + line.replace("*", "\\*") for line in self._totals())
        return f"{table}\n\n{totals}"

    def _rows(self, shown) -> list[tuple[str, ...]]:
        return [
            (
                f"{placed.layer.name} ({placed.layer.rules.title})",
                shown(placed.shape),
                str(placed.layer.parameters),
                f"{placed.macs:,}" if placed.macs else "",
                BOUND * _bound(placed) + _text(placed, "size") + "*" * placed.gated if placed.fields else "all",
                _text(placed, "jump"),
                _text(placed, "start"),
                human_bytes(placed.bytes),
            )
            for placed in self.layers
        ]

    def _totals(self) -> list[str]:
        last = self.last_map
        lines = [
            f"Total params: {self.parameters:,}",
            f"Trainable params: {self.parameters:,}",
            "Non-trainable params: 0",
        ]
        if self.fixed:
            lines.append(f"Fixed (not trained): {self.fixed:,}")
        lines += [
            f"MACs: {self.macs:,} multiply-adds for an input of {by(self.shape)}",
            f"Connections: {self.connections:,} (multiply-adds and biases, as LeCun counted)",
        ]
        if last:
            size = "at most " * _bound(last) + " x ".join(str(one.size) for one in last.fields)
            jump = _text(last, "jump")
            wider = any(f.size > n for f, n in zip(last.fields, self.shape, strict=False))
            more = ", wider than the input" if wider else ""
            lines.append(f"Receptive field: {size} pixels, every {jump} pixels ({last.layer.name}){more}")
        lines.append(
            f"Memory: weights {human_bytes(BYTES * (self.parameters + self.fixed))}, all outputs {human_bytes(self.activation_bytes)}, "
            f"at most {human_bytes(self.largest_bytes)} read and written by one layer"
        )
        if any(placed.gated for placed in self.layers):
            lines.append("* without squeeze and excitation or group norm, whose factors depend on the whole input")
        if any(_bound(placed) for placed in self.layers):
            lines.append(f"{BOUND} an upper bound: no output sees more, but all may see less")
        if self.network.expects:
            lines.append(f"Expected picture: {self.network.expects.picture}")
        lines += [f"{placed.layer.name}: {placed.note}" for placed in self.layers if placed.note]
        return lines


def _facts(placed: Placed) -> dict:
    return {
        "name": placed.layer.name,
        "type": placed.layer.kind,
        "inputs": list(placed.layer.inputs),
        "output_shape": list(placed.shape),
        "parameters": placed.layer.parameters,
        "fixed": placed.layer.fixed,
        "macs": placed.macs,
        "connections": placed.connections,
        "receptive_field": _seen(placed, "size"),
        "jump": _seen(placed, "jump"),
        "start": _seen(placed, "start"),
        "gated": placed.gated,
        "upper_bound": _bound(placed),
        "bytes": placed.bytes,
        **({"note": placed.note} if placed.note else {}),
    }


def _figures(placed: Placed, what: str) -> list:
    """A figure of the receptive field: for rows and columns, one if they are the same, none for the whole input."""
    found = [getattr(one, what) for one in placed.fields]
    return found[:1] if found and found[0] == found[1] else found


def _seen(placed: Placed, what: str):
    """The figure for JSON: a number, a list of two if rows and columns differ, None for the whole input."""
    found = [float(n) if isinstance(n, Fraction) else n for n in _figures(placed, what)]
    return found if len(found) > 1 else found[0] if found else None


def _bound(placed: Placed) -> bool:
    """Whether the receptive field is an upper bound."""
    return any(one.bound for one in placed.fields)


def _text(placed: Placed, what: str) -> str:
    return "x".join(
        str(n) if isinstance(n, Fraction) and n.denominator < 100 else f"{float(n):.4g}" for n in _figures(placed, what)
    )


def _aligned(row, widths) -> str:
    cells = [cell.ljust(w) if i < _LEFT else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
    return "  ".join(cells).rstrip()
