"""Assembles a network from its description: blocks, repeats, branches and residuals become one list of layers.

An item of a list of layers is the name of a kind ("relu"), or a table whose form follows from one of its keys:

    { conv = 64, size = 3, pad = 1 }     a layer: its kind and main attribute; `imconv net kinds` lists all
    { layer = "batchnorm", eps = 1e-3 }  a layer of a kind without main attribute
    { section = [...], numbered = true } layers whose names begin with that of the section
    { block = "unit", width = 64 }       the layers of [blocks.unit]; other keys are its parameters
          times = 3, first = { stride = 2 }    repeated; parameters of the first time only
    { concat = [[...], [...]] }          branches whose maps are concatenated; [] is the input itself
    { residual = [...] }                 the layers' result plus the input
          projection = [...]                   applied to the input if the layers change its shape
          optional = true                      in that case the input is not added
    { gate = [...] }                     the input times the layers' result: squeeze and excitation

A layer's name, which is also the key of its weights, consists of the names of the sections and blocks around it and its own,
joined by dots. An item without a `name` is named by its index (from 0) in a numbered list, elsewhere by its kind's short name
and a count from 1: conv1, bn1, conv2. A block with the name "" adds nothing to the names of its layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import NoReturn

from ..errors import LimitError, NetworkError, nearest
from ..kernel.number import NumberError, parse_number
from .attributes import REQUIRED, Attribute, flag, whole
from .description import EXPECTS, PREPROCESS, RESERVED, WEIGHTS, Description, references, shown
from .graph import INPUT, LAYOUTS, Expects, Layer, Placed, Preprocess, Tensor, place
from .layer_kinds import JOINS, KINDS
from .network import Network
from .positions import Path

MAX_LAYERS = 10_000
MAX_STEPS = 100_000  # lists and items visited; a repeated block may have no layers that count
MAX_DEPTH = 32  # nested blocks and lists
MAX_TIMES = 1000
STRUCTURES = {
    "section": ("name", "numbered"),
    "concat": (),
    "residual": ("projection", "optional"),
    "gate": (),
    "block": ("name", "times", "first"),
}
_REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)(?:\.([0-9]{1,3}))?")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}")


def assemble(description: Description, member: str | None = None) -> Network:
    """The network that a description holds; `member` is its name or alias in a family.

    Raises NetworkError, LimitError, OptionError.
    """
    name = description.member(member)
    own = {key: value for key, value in description.members[name].items() if key not in RESERVED}
    parameters = {**description.data.get("parameters", {}), **own}
    return _Assembler(description, name, parameters).network()


@dataclass
class _Names:
    """Makes the names of the items of one list: the prefix, and how often each short name was used."""

    prefix: str = ""
    numbered: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def next(self, short: str, own: str | None = None) -> str:
        if own is not None:
            return self.prefix + own
        short = "" if self.numbered else short
        count = self.counts[short] = self.counts.get(short, -1 if self.numbered else 0) + 1
        return f"{self.prefix}{short}{count}"


@dataclass(frozen=True)
class _Spot:
    """The assembler's place: the position in the file, the parameters there, and their block, for messages."""

    path: Path
    parameters: Mapping
    block: str = ""
    depth: int = 0

    def at(self, *steps: str | int) -> _Spot:
        return replace(self, path=(*self.path, *steps))


class _Assembler:
    def __init__(self, description: Description, name: str, parameters: Mapping):
        self.description, self.name = description, name
        self.data, self.blocks = description.data, description.data.get("blocks", {})
        self.layers: list[Layer] = []
        self.placed: dict[str, Placed] = {}
        self.lines: dict[str, int] = {}
        self.steps = 0
        self.top = _Spot((), parameters)
        self.input_shape = self._input_shape()
        self.weights = self._table("weights", WEIGHTS)
        self.layout = LAYOUTS[self.weights.get("layout", "torch")]
        self.defaults = self._defaults()

    def network(self) -> Network:
        spot = self.top.at("layers")
        self.sequence(self.data["layers"], spot, _Names(), INPUT)
        if not self.layers:
            self.fail(spot, "there are no layers")
        return Network(
            name=self.name,
            about=self.description.about(self.name),
            source=self.description.text_of(self.data, "source"),
            input_shape=self.input_shape,
            layers=tuple(self.layers),
            preprocess=Preprocess(**self._table("preprocess", PREPROCESS)) if "preprocess" in self.data else None,
            expects=self._expects(),
            ignored=self.weights.get("ignore", ()),
            ignored_ends=self.layout.ignored,
        )

    # --- items ---

    def sequence(self, items, spot: _Spot, names: _Names, source: str) -> str:
        """Add the layers of a list behind the layer `source`; return the name of the last one."""
        if not isinstance(items, list):
            self.fail(spot, "a list of layers, [...], belongs here")
        if spot.depth > MAX_DEPTH:
            inside = f"; does the block {spot.block!r} contain itself?" if spot.block else ""
            self.fail(spot, f"lists and blocks inside one another, more than {MAX_DEPTH} deep{inside}", LimitError)
        self.steps += 1 + len(items)
        if self.steps > MAX_STEPS:
            self.fail(spot, f"more than {MAX_STEPS} items when all is repeated", LimitError)
        for index, item in enumerate(items):
            source = self.item(item, replace(spot.at(index), depth=spot.depth + 1), names, source)
        return source

    def item(self, item, spot: _Spot, names: _Names, source: str) -> str:
        if isinstance(item, str):
            item = {"layer": item}
        if not isinstance(item, dict):
            self.fail(
                spot,
                f'a layer is a word such as "relu" or a table such as {{ conv = 64, size = 3 }}, not {shown(item)}',
            )
        form = self._form(item, spot)
        if form in STRUCTURES:
            known = (form, *STRUCTURES[form])
            if form != "block":
                self.description.check_keys(item, known, spot.path, f"a {form}")
            return getattr(self, f"_{form}")(item, spot, names, source)
        return self._layer(form, item, spot, names, source)

    def _form(self, item: Mapping, spot: _Spot) -> str:
        """The key that decides the form of an item."""
        forms = {"layer", *STRUCTURES, *(name for name, kind in KINDS.items() if kind.argument)}
        if "block" in item:  # other keys are parameters, with any names
            return "block"
        found = [key for key in item if key in forms]
        if len(found) == 1:
            return found[0]
        if found:
            self.fail(spot, f"this is both {' and '.join(map(repr, found))}; write two items")
        attributes = {"name", "share", *(name for kind in KINDS.values() for name in kind.attributes)}
        odd = next((key for key in item if key not in attributes), None)
        if odd in KINDS:
            self.fail(spot, f'{odd!r} takes no number; write "{odd}" or {{ layer = "{odd}" }}')
        what = f": {shown(odd)} is no kind of layer{nearest(odd, [*forms, *KINDS])}" if odd else ""
        self.fail(spot.at(odd) if odd else spot, f"nothing here says which layer this is{what}")

    def _layer(self, form: str, item: Mapping, spot: _Spot, names: _Names, source: str) -> str:
        given = dict(item)
        own = self._name(given.pop("name", None), spot)
        kind, share = form, given.pop("share", None)
        if form == "layer":
            kind = self.value(given.pop("layer"), spot.at("layer"), source)
            simple = [name for name in KINDS if name not in JOINS]
            if not isinstance(kind, str) or kind not in simple:
                near = nearest(kind, [*simple, *STRUCTURES]) if isinstance(kind, str) else ""
                self.fail(spot, f"{shown(kind)} is no kind of layer{near}")
        elif KINDS[form].argument != form:
            given[KINDS[form].argument] = given.pop(form)
        name = names.next(KINDS[kind].short, own)
        return self.add(kind, given, spot, name, (source,), self.value(share, spot.at("share"), source))

    def add(self, kind: str, given: Mapping, spot: _Spot, name: str, inputs: tuple[str, ...], share=None) -> str:
        """Check a layer's attributes and append it; its tensors are those of the layer `share`, if that is given."""
        rules = KINDS[kind]
        attributes = {key: attribute.default for key, attribute in rules.attributes.items()}
        attributes |= self.defaults.get(kind, {})
        attributes |= self._attributes(given, rules.attributes, spot, f"a layer of the kind {kind!r}", inputs[0])
        for key, value in attributes.items():
            if value is REQUIRED:
                self.fail(spot, f"{kind!r} needs {key!r}, as in {key} = 3")
        if kind == "flatten":
            attributes["order"] = self.layout.flatten
        shapes = tuple(self.shape(one) for one in inputs)
        try:
            rules.shape(attributes, shapes)  # checks shapes; `tensors` needs right ones
            owner = name if share is None else self._owner(share, kind)
            tensors = tuple(Tensor.stored(one, owner, self.layout) for one in rules.tensors(attributes, shapes))
            if share is not None and tensors != next(one.tensors for one in self.layers if one.name == share):
                raise ValueError(f"the weights of {share} are of other sizes")
            layer = Layer(name, kind, MappingProxyType(attributes), inputs, tensors, None if share is None else owner)
            placed = place(layer, self.input_shape, [self.placed.get(one) for one in inputs])
        except ValueError as error:
            self.fail(spot, f"{name} ({kind}): {error}")
        if name in self.lines or name == INPUT:
            other = f"in line {self.lines[name]}" if name in self.lines else "the input"
            self.fail(spot, f"two layers are called {name!r} (the other is {other}); give one a name of its own")
        if len(self.layers) == MAX_LAYERS:
            self.fail(spot, f"more than {MAX_LAYERS} layers", LimitError)
        self.lines[name] = self.description.line(spot.path)
        self.placed[name] = placed
        self.layers.append(layer)
        return name

    def _owner(self, share, kind: str) -> str:
        """The owner of the tensors of the layer `share`, for another layer of this kind."""
        other = next((layer for layer in self.layers if layer.name == share), None)
        if other is None:
            near = nearest(share, [layer.name for layer in self.layers]) if isinstance(share, str) else ""
            raise ValueError(f"share names a layer before this one, and {shown(share)} is none{near}")
        if other.kind != kind or not other.tensors:
            raise ValueError(f"{share} ({other.kind}) has no weights for it: {kind!r} shares with its own kind")
        return other.share or other.name

    def shape(self, source: str) -> tuple[int, ...]:
        """The shape of a layer's output, or of the input."""
        return self.input_shape if source == INPUT else self.placed[source].shape

    # --- structures ---

    def _section(self, item, spot: _Spot, names: _Names, source: str) -> str:
        numbered = self._checked(Attribute(flag), item.get("numbered", False), spot.at("numbered"), "numbered")
        own = self._name(item.get("name"), spot)
        inner = _Names(names.next("section", own) + ".", numbered)
        return self.sequence(item["section"], spot.at("section"), inner, source)

    def _block(self, item, spot: _Spot, names: _Names, source: str) -> str:
        name = self.value(item["block"], spot.at("block"), source)
        if not isinstance(name, str) or name not in self.blocks:
            near = nearest(name, self.blocks) if isinstance(name, str) else ""
            self.fail(spot.at("block"), f"there is no block {shown(name)}{near}")
        block, known = self.blocks[name], STRUCTURES["block"]
        own = self._name(item.get("name"), spot, none=True)
        times = self.value(item.get("times", 1), spot.at("times"), source)
        times = self._checked(Attribute(whole(0, MAX_TIMES)), times, spot.at("times"), "times")
        first = item.get("first", {})
        if not isinstance(first, dict):
            self.fail(spot.at("first"), "first must be a table of parameters, as in first = { stride = 2 }")
        arguments = {key: value for key, value in item.items() if key not in ("block", *known)}
        self._check_arguments(name, {**arguments, **first}, spot)
        defaults = block.get("defaults", {})
        for turn in range(times):
            if own is not None and own and "times" in item:
                full = names.prefix + f"{own}.{turn}"
            else:
                full = names.prefix if own == "" else names.next(name, own)
            mine = {**arguments, **(first if turn == 0 else {})}
            values = {key: self.value(value, spot.at(key), source) for key, value in mine.items()}
            inside = _Spot(("blocks", name, "layers"), {**self.top.parameters, **defaults, **values}, name, spot.depth)
            inner = names if own == "" else _Names(full + ".", block.get("numbered", False))
            source = self.sequence(block["layers"], inside, inner, source)
        return source

    def _concat(self, item, spot: _Spot, names: _Names, source: str) -> str:
        paths = item["concat"]
        if not isinstance(paths, list) or not 1 <= len(paths) <= 64 or not all(isinstance(p, list) for p in paths):
            self.fail(spot, "concat must be a list of paths, each a list of layers: [[...], [...]]")
        spot = spot.at("concat")
        ends = [self.sequence(path, spot.at(i), names, source) for i, path in enumerate(paths)]
        return self.add("concat", {}, spot, names.next("concat"), tuple(ends))

    def _residual(self, item, spot: _Spot, names: _Names, source: str) -> str:
        end = self.sequence(item["residual"], spot.at("residual"), names, source)
        changed = self.shape(end) != self.shape(source)
        optional = self._checked(Attribute(flag), item.get("optional", False), spot.at("optional"), "optional")
        if optional and "projection" in item:
            self.fail(spot, "a residual has a projection or is optional, not both")
        if changed and optional:
            return end
        shortcut = source
        if changed and "projection" in item:
            shortcut = self.sequence(item["projection"], spot.at("projection"), names, source)
        return self.add("add", {}, spot, names.next("add"), (end, shortcut))

    def _gate(self, item, spot: _Spot, names: _Names, source: str) -> str:
        end = self.sequence(item["gate"], spot.at("gate"), names, source)
        return self.add("multiply", {}, spot, names.next("multiply"), (source, end))

    # --- values ---

    def value(self, value, spot: _Spot, source: str):
        """A value with its `$references` and products evaluated."""
        if isinstance(value, list):
            return [self.value(one, spot.at(index), source) for index, one in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        factors = [self._factor(factor.strip(), value, spot, source) for factor in value.split("*")]
        if len(factors) == 1:
            return factors[0]
        product = Fraction(1)
        for factor in factors:
            if not isinstance(factor, (int, float)) or isinstance(factor, bool) or not abs(factor) <= 1e9:
                self.fail(spot, f"in {shown(value)}, {shown(factor)} is nothing to multiply with")
            product *= Fraction(repr(factor))
        if product.denominator != 1:
            self.fail(spot, f"{shown(value)} is {float(product):g}, and should be a whole number")
        return int(product)

    def _factor(self, factor: str, value: str, spot: _Spot, source: str):
        match = _REFERENCE.fullmatch(factor)
        if not match:
            try:
                number = parse_number(factor)
                return int(number) if number.denominator == 1 else float(number)
            except NumberError:
                self.fail(spot, f"{shown(value)} is no parameter such as $width, nor a product such as 4 * $width")
        name, index = match[1], match[2]
        if name == "in" and index is None and source:
            return self.shape(source)[-1]
        if name not in spot.parameters:
            inside = f" of the block {spot.block!r}, or the call lacks it" if spot.block else ""
            self.fail(spot, f"there is no parameter {shown(name)}{inside}{nearest(name, [*spot.parameters, 'in'])}")
        found = spot.parameters[name]
        if isinstance(found, list) == (index is None):
            self.fail(
                spot, f"{name!r} is {'a list; write $' + name + '.1 for its first' if index is None else 'no list'}"
            )
        if index is not None:
            if not 1 <= int(index) <= len(found):
                self.fail(spot, f"{factor}: {name!r} has the elements 1 to {len(found)}")
            found = found[int(index) - 1]
        return found

    def _check_arguments(self, name: str, arguments: Mapping, spot: _Spot) -> None:
        """Fail if a block is called with a parameter that it does not use."""
        block = self.blocks[name]
        known = references(block["layers"]) - {"in"} | set(block.get("defaults", {}))
        for key in arguments:
            if key not in known:
                near = nearest(key, [*known, *STRUCTURES["block"]])
                self.fail(spot.at(key), f"the block {name!r} has no parameter {shown(key)}{near}")

    def _name(self, value, spot: _Spot, none: bool = False) -> str | None:
        """Check the `name` of an item; with `none` it may be empty."""
        if value is None or (none and value == ""):
            return value
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.fail(spot.at("name"), f"{shown(value)} can't be a name: letters, digits, _ and -, with dots between")
        return value

    def _checked(self, attribute: Attribute, value, spot: _Spot, name: str):
        return self.description.checked(attribute, value, spot.path, name)

    def _attributes(self, given, known: Mapping[str, Attribute], spot: _Spot, what: str, source: str = INPUT) -> dict:
        """Evaluate and check the values in a table, which may have no other than the known keys."""
        self.description.check_keys(given, known, spot.path, what)
        values = {key: self.value(value, spot.at(key), source) for key, value in given.items()}
        return {key: self._checked(known[key], value, spot.at(key), key) for key, value in values.items()}

    def fail(self, spot: _Spot, message: str, error: type[Exception] = NetworkError) -> NoReturn:
        self.description.fail(spot.path, message, error)

    # --- tables beside the layers ---

    def _input_shape(self) -> tuple[int, int, int]:
        spot = self.top.at("input")
        given = self.value(self.data["input"], spot, "")
        if not isinstance(given, list) or len(given) != 3:
            self.fail(spot, "input must be [rows, columns, channels], as [224, 224, 3]")
        rows, columns, channels = (self._checked(Attribute(whole()), one, spot, "input") for one in given)
        return rows, columns, channels

    def _expects(self) -> Expects | None:
        given = self._table("expects", EXPECTS)
        if given and "picture" not in given:
            self.fail(self.top.at("expects"), 'expects needs a picture, as in picture = "a digit, white on black"')
        return Expects(**given) if given else None

    def _table(self, name: str, known: Mapping[str, Attribute]) -> dict:
        """The values of a table of the file."""
        return self._attributes(self.data.get(name, {}), known, self.top.at(name), name)

    def _defaults(self) -> dict[str, dict]:
        """The file's default attributes for each kind of layer."""
        found = {}
        for kind, given in self.data.get("defaults", {}).items():
            spot = self.top.at("defaults", kind)
            if kind not in KINDS:
                self.fail(spot, f"{shown(kind)} is no kind of layer{nearest(kind, KINDS)}")
            found[kind] = self._attributes(given, KINDS[kind].attributes, spot, f"a layer of the kind {kind!r}")
        return found
