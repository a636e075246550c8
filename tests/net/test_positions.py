"""Lines of keys and values, against what the text itself says."""

import tomllib
from pathlib import Path

import pytest

from imconv.kernel.library import folder
from imconv.net.positions import line_numbers

FILES = sorted(Path(folder("networks")).glob("*.toml"))

AWKWARD = '''\
# a comment with [brackets] = "and quotes
title = "a # that is no comment" # one that is
"quoted key" . inner = 'literal # too'

text = """
several lines
layers = [1]
"""
after = 1
list = [
  1, 2,   # two here

  { a = 1, "b.c" = [ 10,
      20 ], d.e = 2 }, 'x',
  """in
a list""", 1.5, -inf, 1979-05-27 07:32:00,
]
[table] # a table
x.y = { z = [[], [{}]] }
[table.deeper]
q = 0x1F
[[many]]
name = 1
[[many]]
name = 2
[many.sub]
v = 3
'''


def paths_of(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from paths_of(part, (*path, key))


def test_every_place_in_an_awkward_document():
    lines = line_numbers(AWKWARD)
    assert set(lines) == set(paths_of(tomllib.loads(AWKWARD)))
    expected = {
        ("title",): 2, ("quoted key", "inner"): 3, ("text",): 5, ("after",): 9, ("list", 0): 11, ("list", 1): 11,
        ("list", 2): 13, ("list", 2, "b.c", 1): 14, ("list", 2, "d", "e"): 14, ("list", 3): 14, ("list", 4): 15,
        ("list", 5): 16, ("list", 7): 16, ("table",): 18, ("table", "x", "y", "z", 1, 0): 19,
        ("table", "deeper", "q"): 21, ("many", 0, "name"): 23, ("many", 1): 24, ("many", 1, "name"): 25,
        ("many", 1, "sub", "v"): 27,
    }  # fmt: skip
    assert {path: lines[path] for path in expected} == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_place_in_the_librarys_files(path):
    text = path.read_text()
    lines, written = line_numbers(text), text.split("\n")
    data = tomllib.loads(text)
    assert set(lines) == set(paths_of(data))
    for place, line in lines.items():
        if isinstance(place[-1], str):
            assert place[-1] in written[line - 1]


def test_an_empty_document():
    assert line_numbers("") == {}
    assert line_numbers("\n# nothing\n\n") == {}
    assert line_numbers("a = 1") == {("a",): 1}
