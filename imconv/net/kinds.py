"""Describes the kinds of layers in words, from the table `KINDS`."""

from __future__ import annotations

from ..errors import OptionError, nearest
from .attributes import REQUIRED
from .layer_kinds import JOINS, KINDS


def kind_of(name: str) -> dict:
    """A kind of layer as a dict for JSON: its name, title, meaning, and fields. Raises OptionError.

    >>> kind_of("leaky")["fields"]
    [{'name': 'slope', 'meaning': 'factor of negative samples', 'value': 'a number from 0 to 1000', 'default': '0.01'}]
    """
    if name not in KINDS:
        raise OptionError(f"there is no kind of layer {name!r}{nearest(name, KINDS)}; imconv net kinds lists all")
    kind = KINDS[name]
    fields = [
        {
            "name": field,
            "meaning": attribute.about,
            "value": attribute.expected,
            **({} if attribute.default in (REQUIRED, None) else {"default": _written(attribute.default)}),
            **({"required": True} if attribute.default is REQUIRED else {}),
        }
        for field, attribute in kind.attributes.items()
    ]
    return {"name": name, "title": kind.title, "about": kind.about, "fields": fields}


def line(name: str) -> str:
    """A kind of layer on one line, behind its name: what it computes, and its fields with their defaults."""
    found = kind_of(name)
    fields = f". Fields: {', '.join(map(_short, found['fields']))}" if found["fields"] else ""
    return found["about"] + fields


def details(name: str) -> str:
    """A kind of layer with all of its fields, one a line."""
    found, kind = kind_of(name), KINDS[name]
    lines = [f"{name} ({found['title']}): {found['about']}"]
    if name not in JOINS:
        lines += ["", f"  {_example(name)}", ""]
    width = max((len(field["name"]) for field in found["fields"]), default=0)
    for field in found["fields"]:
        needed = (
            "required" if field.get("required") else f"default {field['default']}" if "default" in field else "optional"
        )
        lines += [f"{field['name']:<{width}}  {field['meaning']}", f"{'':<{width}}  {field['value']} ({needed})"]
    if kind.argument:
        lines += ["", f'{kind.argument} is written behind the kind, as above, or as a field of {{ layer = "{name}" }}']
    return "\n".join(lines)


def _short(field: dict) -> str:
    if field.get("required"):
        return field["name"]
    return f"{field['name']} = {field['default']}" if "default" in field else f"[{field['name']}]"


def _example(name: str) -> str:
    """The shortest way to write such a layer."""
    kind = KINDS[name]
    needed = [field for field, one in kind.attributes.items() if one.default is REQUIRED and field != kind.argument]
    if kind.argument is None or (kind.attributes[kind.argument].default not in (REQUIRED, None) and not needed):
        return f'"{name}"'
    default = kind.attributes[kind.argument].default
    first = "2" if default in (REQUIRED, None) else _written(default)
    return "{ " + ", ".join([f"{name} = {first}", *(f"{field} = 3" for field in needed)]) + " }"


def _written(value) -> str:
    """A default as it would be written in a file."""
    if isinstance(value, tuple):
        return _written(value[0]) if len(set(value)) == 1 else str(list(value))
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
