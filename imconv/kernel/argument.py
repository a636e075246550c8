"""Resolves the text of `--kernel`: the path of a file, numbers, or a name of the kernel library."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable

from ..errors import FileError, ImconvWarning, OptionError, nearest
from .file import EXTENSIONS, load_all
from .formulas import FORMULAS
from .kernel import Kernel
from .library import canonical_name, named_all, names
from .number import NumberError, parse_number
from .rotations import SIGNS, only
from .text import note_on, parse_all
from .tokens import GEOMETRY, HEADER, HEADERS, place, shown
from .weights import KernelWeights

_SEPARATORS = re.compile(r"[\s,;]+")


def resolve(text: str, tell: Callable[[str], None] | None = None) -> Kernel:
    """The kernel for a text, as `resolve_all` finds it; KernelError where the text stands for several."""
    return only(resolve_all(text, tell), f"kernel {shown(text)}")


def resolve_all(text: str, tell: Callable[[str], None] | None = None) -> list[Kernel]:
    """The kernel for a text: the file of that path, else the numbers in it, else the library's kernel of that name.

    Several kernels for `KERNEL@`, `KERNEL>` and `KERNEL<`: rotations. `tell` takes remarks: on numbers that are a square in
    ImageMagick; by default it warns.

    Text counts as numbers if it has several lines or a semicolon, or begins with a number, a header or an ImageMagick
    geometry, or a bracket: `0 -1 0; -1 5 -1; 0 -1 0`, `3x3: 0,-1,0 ...`, `1 2 1`, `[[0, 1], [1, 0]]`. A formula's name with a
    colon, as in `blur:0x1,90`, is a name.

    Raises
    ------
    KernelError
        The file or the numbers can't be read.
    FileError
        The text looks like a path, and there is no such file.
    OptionError
        The text is none of the three.
    """
    tell = tell or _warn
    if "\n" not in text and os.path.exists(text) and not os.path.isdir(text):
        return _public(load_all(text, tell))
    base = canonical_name(text).rstrip("".join(SIGNS)).partition(":")[0].strip()
    formula = ":" in text and base in {*FORMULAS, "laplacian"}
    if not formula and _is_inline(text):
        kernels = parse_all(text)
        if note := note_on(kernels[0], text):
            tell(f"kernel: {note}")
        return _public(kernels)
    try:
        return _public(named_all(text))
    except OptionError as error:
        if base in {*names(), *FORMULAS, "laplacian"}:
            raise  # the name is right, its arguments are not
        path = os.sep in text or "/" in text or os.path.splitext(text)[1].lower() in EXTENSIONS
        if path:
            from ..files.source import similar

            what = "a folder, not a kernel file" if os.path.isdir(text) else f"no such file{similar(text)}"
            raise FileError(f"{place(text)}: {what}") from None
        near = nearest(base, [*names(), *FORMULAS])
        raise OptionError(
            f"kernel {shown(text)} is neither a file, nor numbers such as '0 -1 0; -1 5 -1; 0 -1 0', nor a name of the "
            f"library (`imconv kernels list`){near}"
        ) from error


def _public(kernels: list[KernelWeights]) -> list[Kernel]:
    return [Kernel.of(kernel) for kernel in kernels]


def _warn(note: str) -> None:
    warnings.warn(note, ImconvWarning, stacklevel=4)


def _is_inline(text: str) -> bool:
    if "\n" in text or ";" in text or text.lstrip().startswith("[") or GEOMETRY.match(text):
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
