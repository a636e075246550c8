"""`Description`: reads and checks a file that describes a network or a family of them; errors name the line.

The format is TOML (imconv/net/assembly.py describes the lists of layers):

    about, source    text
    input            [rows, columns, channels] that the network is made for
    layers           the layers, in order
    [blocks.NAME]    layers that are used more than once: `layers`, `defaults` of its parameters, `numbered`
    [networks]       the members of a family: NAME = { about, aliases, and parameters }
    [parameters]     parameters that are the same in most members
    [defaults.KIND]  attributes of every layer of a kind, such as `bias = false`
    [preprocess]     how a picture is resized, cropped and scaled
    [expects]        what the picture should show: `picture` in words, the `ground` around the figure, its `side`, `centred`
    [weights]        the `layout` of weights in files, and keys to `ignore`

No code is evaluated: `$name` stands for a parameter, `4 * $name` is a product, and nothing else is possible.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from ..errors import FileError, LimitError, NetworkError, OptionError, nearest
from ..lazy import cached_property
from .attributes import Attribute, beginnings, flag, number, numbers, pair, sides, text, whole, word
from .positions import Path, line_numbers, too_deep

MAX_BYTES = 1 << 20
TOP = (
    "about", "source", "input", "layers", "blocks", "networks", "parameters", "defaults", "preprocess", "expects", "weights",
)  # fmt: skip
BLOCK = ("layers", "defaults", "numbered")
RESERVED = ("about", "aliases")  # keys of a member that are not parameters
PREPROCESS = {  # defaults: `Preprocess`
    "resize": Attribute(sides(1 << 16)),  # one number: the shorter side
    "crop": Attribute(pair(1 << 16)),  # from the middle
    "pad": Attribute(whole(0, 1 << 10)),  # with black, on every side
    "filter": Attribute(word("bilinear", "nearest", "bicubic", "box")),
    "channels": Attribute(word("rgb", "bgr", "grey")),
    "divide": Attribute(number(1e-6)),
    "mean": Attribute(numbers()),  # after the division
    "std": Attribute(numbers(1e-6)),
}
EXPECTS = {  # `Expects`
    "picture": Attribute(text),
    "ground": Attribute(word("black", "white")),
    "side": Attribute(whole(1, 1 << 16)),
    "centred": Attribute(flag),
}
WEIGHTS = {"layout": Attribute(word("torch", "keras", "mlx")), "ignore": Attribute(beginnings)}
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.S)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)")  # to a parameter
_BLOCK = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class Description:
    """The tables of a file. Their outer form is checked; `fail` raises an error with the line of a place in them."""

    path: str
    data: Mapping
    text: str

    @classmethod
    def read(cls, path: str) -> Description:
        """Read a file. Raises FileError if it can't be read, NetworkError with the line if it is wrong."""
        try:
            with open(path, "rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"{_shown(path)}: {reason}") from None
        if len(raw) > MAX_BYTES:
            raise LimitError(f"{_shown(path)}: more than {MAX_BYTES} bytes; no network's description is as long")
        return cls.parse(raw, path)

    @classmethod
    def parse(cls, raw: bytes, path: str = "network") -> Description:
        """As `read`, from bytes; messages call the file `path`."""
        name = _shown(path)
        try:
            # line ends as tomllib reads them, so that line numbers agree
            decoded = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
            if line := too_deep(decoded):
                raise LimitError(f"{name}: line {line}: keys or brackets inside one another, too deep to be a network")
            data = tomllib.loads(decoded)
        except LimitError:
            raise
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise NetworkError(f"{name}: line {line}: not a text file in UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise NetworkError(f"{name}: {_syntax(str(error), decoded)}") from None
        except ValueError as error:  # an integer of thousands of digits
            raise NetworkError(f"{name}: {error}") from None
        description = cls(name, data, decoded)
        description._check()
        return description

    @cached_property
    def lines(self) -> dict[Path, int]:
        return line_numbers(self.text)

    def line(self, path: Path) -> int:
        """The line of a place in the tables, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fail(self, path: Path, message: str, error: type = NetworkError) -> NoReturn:
        """Raise NetworkError, or `error`, with file and line."""
        raise error(f"{self.path}: line {self.line(path)}: {message}")

    def check_keys(self, table, known: Iterable[str], path: Path, what: str) -> None:
        """Fail unless `table` is a table with no other than the known keys."""
        if not isinstance(table, dict):
            self.fail(path, f"{what} must be a table of keys and values")
        known = list(known)
        for key in table:
            if key not in known:
                self.fail(
                    (*path, key), f"{what} has no {shown(key)}{nearest(key, known)}; it can have {', '.join(known)}"
                )

    def checked(self, attribute: Attribute, value, path: Path, name: str):
        """Check a value, and return it as its check does."""
        try:
            return attribute.check(value)
        except ValueError as error:
            self.fail(path, f"{name} must be {error}, not {shown(value)}")

    def text_of(self, table: Mapping, key: str, path: Path = ()) -> str:
        return self.checked(Attribute(text), table.get(key, ""), (*path, key), key)

    # --- members of a family ---

    @property
    def stem(self) -> str:
        return os.path.basename(self.path).removesuffix(".toml")

    @cached_property
    def members(self) -> dict[str, dict]:
        """The networks in the file by name; a file without [networks] describes one, with the name of the file."""
        return self.data.get("networks") or {self.stem: {}}

    @cached_property
    def aliases(self) -> dict[str, str]:
        """The name of the network for each alias."""
        return {alias: name for name, member in self.members.items() for alias in member.get("aliases", ())}

    def about(self, name: str) -> str:
        """The line that describes a member: the family's text, then its own."""
        own = self.members[name].get("about", "")
        return ", ".join(part for part in (self.text_of(self.data, "about"), own) if part)

    def member(self, name: str | None) -> str:
        """The name of a member from its name or alias; for None, the name of the only one. Raises OptionError."""
        known = [*self.members, *self.aliases]
        if name is None:
            if len(self.members) > 1:
                first = next(iter(self.members))
                raise OptionError(
                    f"{self.path} describes {len(self.members)} networks ({', '.join(self.members)}); name one of them, "
                    f"as in {self.path}:{first}"
                )
            return next(iter(self.members))
        if name not in known:
            raise OptionError(f"{self.path} describes no network {shown(name)}{nearest(name, known)}")
        return self.aliases.get(name, name)

    # --- checks of the outer form ---

    def _check(self) -> None:
        data = self.data
        self.check_keys(data, TOP, (), "a network's file")
        for key in ("about", "source"):
            self.text_of(data, key)
        for key in ("input", "layers"):
            if key not in data:
                example = "input = [224, 224, 3]" if key == "input" else 'layers = [{ conv = 16, size = 3 }, "relu"]'
                self.fail((), f"{key!r} is missing; write {example}")
        for key in ("blocks", "networks", "parameters", "defaults"):
            if not isinstance(data.get(key, {}), dict):
                self.fail((key,), f"{key} must be a table")
        self._check_list(data["layers"], ("layers",))
        for name, block in data.get("blocks", {}).items():
            path = ("blocks", name)
            if not _BLOCK.fullmatch(name):
                self.fail(path, f"{shown(name)} can't be the name of a block: small letters, digits, _ and -")
            self.check_keys(block, BLOCK, path, f"the block {name!r}")
            if "layers" not in block:
                self.fail(path, f"the block {name!r} has no layers; write layers = [...]")
            self._check_list(block["layers"], (*path, "layers"))
            self.checked(Attribute(flag), block.get("numbered", False), (*path, "numbered"), "numbered")
            self._check_parameters(block.get("defaults", {}), (*path, "defaults"), references(block["layers"]))
        used = references([data[key] for key in data if key != "networks"])
        self._check_parameters(data.get("parameters", {}), ("parameters",), used)
        self._check_members(used)

    def _check_list(self, value, path: Path) -> None:
        if not isinstance(value, list):
            self.fail(path, "layers must be a list, [...]")

    def _check_parameters(self, table, path: Path, used: set[str]) -> None:
        """Fail unless parameters have plain names, and their values are numbers, words, booleans or lists of these.

        A parameter that is never used is probably mistyped.
        """
        if not isinstance(table, dict):
            self.fail(path, f"{path[-1]} must be a table of parameters and their values")
        for key, value in table.items():
            if not _PARAMETER.fullmatch(key) or key == "in":
                self.fail((*path, key), f"{shown(key)} can't be a parameter: small letters, digits and _, and not 'in'")
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, (int, float, str)):
                    self.fail((*path, key), f"{key} must be a number, a word, true or false, or a list of these")
            if key not in used:
                self.fail((*path, key), f"nothing uses the parameter {shown(key)}{nearest(key, used)}")

    def _check_members(self, used: set[str]) -> None:
        seen: dict[str, str] = {}
        for name, member in self.data.get("networks", {}).items():
            path = ("networks", name)
            if not isinstance(member, dict):
                self.fail(path, f"the network {shown(name)} must be a table of its parameters")
            aliases = member.get("aliases", [])
            if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
                self.fail((*path, "aliases"), "aliases must be a list of names")
            for one in (name, *aliases):
                if not _NAME.fullmatch(one):
                    self.fail(path, f"{shown(one)} can't be a name: small letters, digits, . _ and -")
                if one in seen:
                    self.fail(path, f"the name {one!r} is taken by {seen[one]!r}")
                seen[one] = name
            self.text_of(member, "about", path)
            self._check_parameters({key: value for key, value in member.items() if key not in RESERVED}, path, used)


def _syntax(message: str, document: str) -> str:
    """tomllib's message with the place first, and a hint for a common mistake."""
    match, written = _SYNTAX.fullmatch(message), document.split("\n")
    what, line, column = match.groups() if match else (message, None, None)
    place = f"line {line}, column {column}" if line else f"line {len(written)}"
    hint = ""
    if line and column and "key part" in what and int(column) > len(written[int(line) - 1]):
        hint = "; a table in braces may be broken inside its lists only, not between its keys"
    return f"{place}: {what[:1].lower()}{what[1:]}{hint} (TOML)"


def references(value) -> set[str]:
    """The parameters that a part of a document refers to."""
    if isinstance(value, str):
        return set(_REFERENCE.findall(value))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(references, parts))


def shown(value) -> str:
    """A value as it would be written in the file, shortened if long."""
    words = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    try:
        written = words or repr(value)
    except ValueError:  # an integer of thousands of digits
        written = "a huge number"
    return written if len(written) <= 60 else written[:57] + "..."


def _shown(path) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(path))
