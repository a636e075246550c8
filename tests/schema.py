"""A validator for the JSON Schema of reports: the keywords that it uses, and no others."""

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
SAID = {"$schema", "$defs", "title", "description"}


def faults(value, schema: dict, root: dict, where: str = "") -> list[str]:
    """What is wrong with a value, a line for each fault with its place; empty if the value is as the schema says.

    >>> schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    >>> faults({"a": 1}, schema, schema), faults({}, schema, schema), faults({"a": "1"}, schema, schema)
    ([], [': lacks a'], ['/a: is no integer'])
    """
    found = []
    for keyword, rule in schema.items():
        if keyword in SAID:
            continue
        if keyword == "$ref":
            found += faults(value, root["$defs"][rule.removeprefix("#/$defs/")], root, where)
        elif keyword == "type":
            kinds = rule if isinstance(rule, list) else [rule]
            found += [] if any(is_a(value, kind) for kind in kinds) else [f"{where}: is no {' or '.join(kinds)}"]
        elif keyword == "enum":
            found += [] if value in rule else [f"{where}: {value!r} is none of {rule}"]
        elif keyword == "anyOf":
            found += [] if any(not faults(value, one, root) for one in rule) else [f"{where}: is none of these"]
        elif keyword == "not":
            found += [] if faults(value, rule, root) else [f"{where}: is {rule}"]
        elif keyword == "required":
            found += [f"{where}: lacks {name}" for name in rule if isinstance(value, dict) and name not in value]
        elif keyword == "properties":
            for name, each in rule.items():
                found += (
                    faults(value[name], each, root, f"{where}/{name}")
                    if is_a(value, "object") and name in value
                    else []
                )
        elif keyword == "items":
            for number, item in enumerate(value if is_a(value, "array") else ()):
                found += faults(item, rule, root, f"{where}/{number}")
        elif keyword == "minItems":
            found += [f"{where}: has {len(value)} items"] if is_a(value, "array") and len(value) < rule else []
        else:
            raise AssertionError(f"the validator does not know {keyword}")
    return found


def is_a(value, kind: str) -> bool:
    """Whether a value has a type of JSON Schema; 1.0 is an integer there, too."""
    if kind in ("number", "integer"):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and (kind == "number" or value == int(value))
    return isinstance(value, KINDS[kind])
