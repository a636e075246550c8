"""Turns a network's output into probabilities and the most probable classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import FileError, OptionError, nearest
from ..files.source import explain
from .graph import Graph, Layer
from .operations import activate

PROBABILITIES = ("softmax", "sigmoid")
MAX_BYTES = 1 << 22  # half a million names


@dataclass(frozen=True)
class Score:
    """A class: its number, label, probability and raw output.

    `at` is the place (row, column) on a map of outputs where it is most probable; `is_distance` says that the output is a
    squared distance, the smallest of which is the most probable.
    """

    number: int
    label: str
    probability: float
    output: float
    at: tuple[int, int] | None = None
    is_distance: bool = False

    def as_dict(self) -> dict:
        """The figures for JSON."""
        place = {} if self.at is None else {"at": list(self.at)}
        return {
            "class": self.number,
            "label": self.label,
            "probability": self.probability,
            "output": self.output,
            **({"distance": self.output} if self.is_distance else {}),
            **place,
        }

    def __str__(self) -> str:
        distance = f"  distance {self.output:.4g}" if self.is_distance else ""
        place = "" if self.at is None else f"  at row {self.at[0]}, column {self.at[1]}"
        return f"{100 * self.probability:8.4f} %  {self.number:>5}  {self.label}{distance}{place}".rstrip()


def probabilities(network: Graph, output: np.ndarray) -> np.ndarray:
    """The softmax of an output along the last axis, unless the network ends with softmax or sigmoid.

    Squared distances (`rbf`) are negative logarithms of probabilities (LeCun 1998, section II.B): the smallest is the most
    probable.
    """
    last = _last(network)
    if last.kind in PROBABILITIES or last.attributes.get("activation") in PROBABILITIES:
        return output
    return activate("softmax", -output / last.attributes["scale"] if last.kind == "rbf" else output)


def _last(network: Graph) -> Layer:
    """The layer that computes the output."""
    last = network.layers[-1]
    while last.kind in ("flatten", "dropout"):
        last = network.layer(last.inputs[0])
    return last


def top(network: Graph, output: np.ndarray, count: int = 5, labels: list[str] | None = None) -> list[Score]:
    """The most probable classes, of equal ones the lower number first. On a map, each at its most probable place.

    Raises OptionError if the number of labels is not that of classes.
    """
    shares = probabilities(network, output)
    classes = shares.shape[-1]
    if labels is not None and len(labels) != classes:
        raise OptionError(f"there are {len(labels)} labels and {classes} classes; give one line for each class")
    flat, raw = shares.reshape(-1, classes), output.reshape(-1, classes)
    places = flat.argmax(0)
    best = flat[places, np.arange(classes)]
    found, distances = [], _last(network).kind == "rbf"
    for number in np.argsort(-best, kind="stable")[:count].tolist():
        place = int(places[number])
        at = divmod(place, shares.shape[1]) if shares.ndim == 3 else None
        label = labels[number] if labels else ""
        found.append(Score(number, label, float(best[number]), float(raw[place, number]), at, distances))
    return found


def read_labels(path: str) -> list[str]:
    """The lines of a text file in UTF-8, one for each class. Raises FileError."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileError(explain(path, error)) from None
    try:
        if len(raw) > MAX_BYTES:
            raise UnicodeDecodeError("utf-8", b"", 0, 0, "too long")
        lines = [line.strip() for line in raw.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise FileError(f"{path}: no text file in UTF-8 with a label in each line") from None
    while lines and not lines[-1]:
        lines.pop()
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines]


def class_number(word: str, classes: int, labels: list[str] | None) -> int:
    """A class from its number or label. Raises OptionError."""
    if word.isascii() and word.isdigit() and len(word) < 8 and int(word) < classes:
        return int(word)
    for number, label in enumerate(labels or ()):
        if label == word:
            return number
    known = f" or a label{nearest(word, labels)}" if labels else ", or a label if labels= is given"
    raise OptionError(f"there is no class {word!r}; write a number from 0 to {classes - 1}{known}")
