"""The kernel library: the text files of the folder kernels/, and kernels made by formula under ImageMagick's names."""

from __future__ import annotations

import os
import re

from .errors import FileError, OptionError, nearest
from .kernel import Kernel
from .kernel_load import EXTENSIONS, load
from .kernel_number import NumberError, parse_number
from .kernel_reader import GEOMETRY, HEADER, HEADERS, place, shown
from .kernel_shapes import FORMULAS, make
from .kernel_text import parse

_ENDING = ".txt"
_SEPARATORS = re.compile(r"[\s,;]+")
_LAPLACIAN = re.compile(r"laplacian(?::(\d{1,2}))?")


def names() -> list[str]:
    """The names of the library's files, sorted."""
    return sorted(entry.removesuffix(_ENDING) for entry in os.listdir(folder()) if entry.endswith(_ENDING))


def formulas() -> dict[str, str]:
    """The kernels that are made by formula: how each is written, and what it is."""
    return {form: what for form, what, _ in FORMULAS.values()}


def named(name: str) -> Kernel:
    """The kernel of that name: a file of the library, or one made by formula.

    Upper and lower case are the same, and so are `-`, `_` and blanks. Formulas take arguments behind a colon as
    ImageMagick's built-in kernels do (`gaussian:0x2`, `sobel:90`, `disk:3`; see imconv.kernel_shapes); `laplacian:0` to
    `laplacian:19` are the files `laplacian-im-0` to `laplacian-im-19`.

    Raises OptionError for a name that is not known, with the nearest one that is.

    >>> named("Sobel_X").weights[1]
    array([ 2.,  0., -2.])
    """
    canonical = _canonical(name)
    base, colon, arguments = canonical.partition(":")
    known = names()
    if (match := _LAPLACIAN.fullmatch(canonical)) and f"laplacian-im-{match[1] or 0}" in known:
        canonical = f"laplacian-im-{match[1] or 0}"
    if canonical in known:
        return load(os.path.join(folder(), canonical + _ENDING))
    if base in FORMULAS:
        return make(base, arguments)
    if colon and base == "laplacian":
        types = ", ".join(sorted((n.removeprefix("laplacian-im-") for n in known if "-im-" in n), key=int))
        raise OptionError(f"kernel {shown(name)}: there is no such Laplacian; the types are {types}")
    near = nearest(base, [*known, *FORMULAS])
    raise OptionError(f"no kernel is called {shown(name)}{near}; `imconv kernels list` shows the names")


def describe(name: str) -> tuple[str, str]:
    """The size, `3 x 3` (rows x columns), and one sentence on a kernel of the library or a formula."""
    kernel = named(name)
    size = f"{kernel.shape[0]} x {kernel.shape[1]}"
    path = os.path.join(folder(), f"{kernel.name}{_ENDING}")
    if kernel.name not in names():
        return size, FORMULAS[_canonical(name).partition(":")[0]][1]
    with open(path, encoding="utf-8") as file:
        return size, next((line.strip("# \n") for line in file if line.startswith("#")), "")


def resolve(text: str) -> Kernel:
    """The kernel `--kernel` means: a file's path, numbers themselves or a name of the library, tried in this order.

    Numbers are what has several lines or semicolons, begins as an ImageMagick string or a header does, or begins with a
    number: `0 -1 0; -1 5 -1; 0 -1 0`, `3x3: 0,-1,0 ...`, `1 2 1`.

    Raises
    ------
    KernelError
        The file or the numbers can't be read.
    FileError
        It looks like a path and there is no such file.
    OptionError
        It is none of the three.
    """
    if "\n" not in text and os.path.exists(text) and not os.path.isdir(text):
        return load(text)
    if _is_inline(text):
        return parse(text)
    try:
        return named(text)
    except OptionError as error:
        if _canonical(text).partition(":")[0] in {*names(), *FORMULAS, "laplacian"}:
            raise  # the name is right, its arguments are not
        path = os.sep in text or "/" in text or os.path.splitext(text)[1].lower() in EXTENSIONS
        if path:
            from .files.source import similar

            what = "a folder, not a kernel file" if os.path.isdir(text) else f"no such file{similar(text)}"
            raise FileError(f"{place(text)}: {what}") from None
        near = nearest(_canonical(text).partition(":")[0], [*names(), *FORMULAS])
        raise OptionError(
            f"kernel {shown(text)} is neither a file, nor numbers such as '0 -1 0; -1 5 -1; 0 -1 0', nor a name of the "
            f"library (`imconv kernels list`){near}"
        ) from error


def folder() -> str:
    """The folder of the library's files: inside the package where it is installed, beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "kernels")
    if os.path.isdir(installed):
        return installed
    checkout = os.path.dirname(package)
    beside = os.path.join(checkout, "kernels")
    if os.path.isdir(beside) and os.path.isfile(os.path.join(checkout, "pyproject.toml")):
        return beside
    raise FileError("the kernel library's folder 'kernels' is missing; install imconv again")


def _canonical(name: str) -> str:
    base, colon, arguments = str(name).strip().lower().partition(":")
    return re.sub(r"[\s_-]+", "-", base.strip()) + colon + arguments.strip()


def _is_inline(text: str) -> bool:
    if "\n" in text or ";" in text or GEOMETRY.match(text):
        return True
    if (header := HEADER.match(text)) and header[1].lower() in HEADERS:
        return True
    tokens = _SEPARATORS.split(text.strip())
    return _is_number(tokens[0]) or (len(tokens) > 1 and all(map(_is_number, tokens[1:])))


def _is_number(token: str) -> bool:
    try:
        parse_number(token)
    except NumberError:
        return token == "-" or token.lower() == "nan"
    return True
