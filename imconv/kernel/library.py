"""The kernel library: finds named kernels in the text files of the folder kernels/ and among the formulas."""

from __future__ import annotations

import os
import re

from ..errors import FileError, KernelError, OptionError, nearest
from .file import load
from .formulas import FORMULAS, make
from .rotations import SIGNS, expanded, only
from .tokens import shown
from .weights import KernelWeights

_ENDING = ".txt"
_LAPLACIAN = re.compile(r"laplacian(?::(\d{1,2}))?")


def names() -> list[str]:
    """The names of the library's files, sorted."""
    return sorted(entry.removesuffix(_ENDING) for entry in os.listdir(folder()) if entry.endswith(_ENDING))


def formulas() -> dict[str, str]:
    """The kernels computed by formula: a description for each form, such as `disk:RADIUS`."""
    return {form: what for form, what, *_ in FORMULAS.values()}


def rotations() -> dict[str, str]:
    """How lists of rotations are written, behind the name of a kernel or the size of an ImageMagick string: descriptions."""
    return {f"KERNEL{sign}": f"a kernel {what}" for sign, (_, what) in SIGNS.items()}


def named(name: str) -> KernelWeights:
    """The kernel of that name; `named_all` says which names there are. Raises KernelError where there are several: rotations.

    >>> named("Sobel_X").weights[1]
    array([ 2.,  0., -2.])
    """
    return only(named_all(name), f"kernel {shown(str(name))}")


def named_all(name: str) -> list[KernelWeights]:
    """The kernel of that name, read from a file of the library or computed by formula; or several.

    Upper and lower case are the same, and so are `-`, `_` and blanks. Formulas take arguments behind a colon as
    ImageMagick's built-in kernels do: `gaussian:0x2`, `sobel:90`, `disk:3` (see formulas.py). `laplacian:0` to
    `laplacian:19` are the files `laplacian-im-0` to `laplacian-im-19`. Behind every name `@`, `>` or `<` stands for several
    rotations (`rotations.SIGNS`): `kirsch:@`, `sobel-x>`.

    Raises OptionError for an unknown name; the message proposes the nearest known one.

    >>> len(named_all("kirsch:@"))
    8
    """
    canonical = canonical_name(name)
    sign = canonical[-1:] if canonical[-1:] in SIGNS else ""
    if sign:
        canonical = canonical[:-1].rstrip(" :,")
    base, colon, arguments = canonical.partition(":")
    known = names()
    if (match := _LAPLACIAN.fullmatch(canonical)) and f"laplacian-im-{match[1] or 0}" in known:
        canonical = f"laplacian-im-{match[1] or 0}"
    if canonical in known:
        kernel = load(os.path.join(folder(), canonical + _ENDING))
        try:
            return expanded(kernel, sign) if sign else [kernel]
        except KernelError as error:
            raise KernelError(f"kernel {shown(str(name))}: {error}") from None
    if base in FORMULAS:
        return make(base, arguments, sign)
    if colon and base == "laplacian":
        types = ", ".join(sorted((n.removeprefix("laplacian-im-") for n in known if "-im-" in n), key=int))
        raise OptionError(f"kernel {shown(name)}: there is no such Laplacian; the types are {types}")
    near = nearest(base, [*known, *FORMULAS])
    raise OptionError(f"no kernel is called {shown(name)}{near}; `imconv kernels list` shows the names")


def describe(name: str) -> tuple[str, str]:
    """The size of a named kernel, `3 x 3` (rows x columns), and a sentence that describes it."""
    kernel = named(name)
    size = f"{kernel.shape[0]} x {kernel.shape[1]}"
    path = os.path.join(folder(), f"{kernel.name}{_ENDING}")
    if kernel.name not in names():
        return size, FORMULAS[canonical_name(name).partition(":")[0]][1]
    with open(path, encoding="utf-8") as file:
        return size, next((line.strip("# \n") for line in file if line.startswith("#")), "")


def folder(name: str = "kernels") -> str:
    """A folder that comes with imconv: inside the package if installed, beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = os.path.dirname(package)
    places = [package, checkout] if os.path.isfile(os.path.join(checkout, "pyproject.toml")) else [package]
    for place in places:
        if os.path.isdir(os.path.join(place, name)):
            return os.path.join(place, name)
    raise FileError(f"the folder {name!r} is missing; install imconv again")


def canonical_name(name: str) -> str:
    base, colon, arguments = str(name).strip().lower().partition(":")
    return re.sub(r"[\s_-]+", "-", base.strip()) + colon + arguments.strip()
