"""Convolutional networks: loaded from the descriptions in the folder networks/ or a user's own, summarised, run, traced.

`load` returns a `Network`; `open_tensors` reads files of weights.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import OptionError, nearest
from ..kernel.library import folder
from .graph import Layer
from .network import Network

if TYPE_CHECKING:
    from .tensors import Tensors

__all__ = ["Layer", "Network", "listed", "load", "open_tensors", "shipped_weights"]

_ENDING = ".toml"


def load(name_or_path: str) -> Network:
    """Load the network of that name (`imconv net list`), or the one that a file describes.

    Parameters
    ----------
    name_or_path : str
        A name or an alias, in lower or upper case; or a path that ends in .toml, followed by `:NAME` if the file
        describes several networks.

    Raises
    ------
    OptionError
        No network has this name; the message proposes the nearest one.
    FileError, NetworkError, LimitError
        The file can't be read, is wrong (the message names the line), or describes too large a network.

    >>> load("vgg-d").name
    'vgg16'
    """
    from .assembly import assemble
    from .description import Description

    text = os.fspath(name_or_path)
    path, colon, member = text.rpartition(":")
    if text.endswith(_ENDING) or not path.endswith(_ENDING):
        path, colon, member = text, "", ""
    if path.endswith(_ENDING) or "/" in path or os.sep in path:
        return assemble(Description.read(path), member if colon else None)
    name, known = text.strip().lower(), []
    for description in _library(name):
        if name in description.members or name in description.aliases:
            network = assemble(description, name)
            return replace(network, shipped=shipped_weights(network.name))
        known += [*description.members, *description.aliases]
    raise OptionError(
        f"no network is called {text!r}{nearest(name, known)}; `imconv net list` shows the names, and a file of your own "
        f"ends in {_ENDING}"
    )


def listed() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The library's networks: for each name a line that describes it, and its other names."""
    found = {}
    for description in _library():
        for name in description.members:
            others = tuple(alias for alias, of in description.aliases.items() if of == name)
            found[name] = description.about(name), others
    return found


def shipped_weights(name: str) -> str | None:
    """The path of the .safetensors file that comes with imconv for a network of the library, None if there is none.

    It is also None for the path of a user's own file.

    >>> from imconv.net import shipped_weights
    >>> shipped_weights("lenet5").endswith("lenet5.safetensors"), shipped_weights("resnet50"), shipped_weights("lenet5.toml")
    (True, None, None)
    """
    stem = name.strip().lower()
    path = os.path.join(folder("networks"), "weights", stem + ".safetensors")
    return path if stem == os.path.basename(stem) and os.path.isfile(path) else None


def open_tensors(path) -> Tensors:
    """Open a .safetensors, .npz or .npy file of tensors, such as a network's weights.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    mapping
        From names to arrays, in the order of the file; an array is read, bfloat16 as float32, when it is asked for. The one
        array of a .npy file has the name "". `entries` of the mapping has shapes and types, without reading arrays.

    Raises
    ------
    FileError
        The file is none of these, is damaged, or holds Python objects, which are never unpickled.
    LimitError
        Its header is larger than that of any network's weights.

    Examples
    --------
    >>> from imconv.net import open_tensors, shipped_weights
    >>> weights = open_tensors(shipped_weights("lenet5"))
    >>> weights["C1.weight"].shape, weights.entries["C1.bias"].type
    ((6, 1, 5, 5), 'float32')
    """
    from .tensors import open_tensors

    return open_tensors(path)


def _library(name: str = ""):
    """Yield the library's descriptions, first those whose file name is the beginning of `name`."""
    from .description import Description

    place = folder("networks")
    stems = sorted(entry.removesuffix(_ENDING) for entry in os.listdir(place) if entry.endswith(_ENDING))
    stems.sort(key=lambda stem: not name.startswith(stem))
    for stem in stems:
        yield Description.read(os.path.join(place, stem + _ENDING))
