"""Resolves the text of `--kernel`: the path of a file, numbers, or a name of the kernel library."""

from __future__ import annotations

import os
import re

from ..errors import FileError, OptionError, nearest
from .file import EXTENSIONS
from .formulas import FORMULAS
from .kernel import Kernel
from .library import canonical_name, names
from .number import NumberError, parse_number
from .tokens import GEOMETRY, HEADER, HEADERS, place, shown

_SEPARATORS = re.compile(r"[\s,;]+")


def resolve(text: str) -> Kernel:
    """The kernel for a text: the file of that path, else the numbers in it, else the library's kernel of that name.

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
    if "\n" not in text and os.path.exists(text) and not os.path.isdir(text):
        return Kernel.load(text)
    formula = ":" in text and canonical_name(text).partition(":")[0] in {*FORMULAS, "laplacian"}
    if not formula and _is_inline(text):
        return Kernel.from_text(text)
    try:
        return Kernel.named(text)
    except OptionError as error:
        if canonical_name(text).partition(":")[0] in {*names(), *FORMULAS, "laplacian"}:
            raise  # the name is right, its arguments are not
        path = os.sep in text or "/" in text or os.path.splitext(text)[1].lower() in EXTENSIONS
        if path:
            from ..files.source import similar

            what = "a folder, not a kernel file" if os.path.isdir(text) else f"no such file{similar(text)}"
            raise FileError(f"{place(text)}: {what}") from None
        near = nearest(canonical_name(text).partition(":")[0], [*names(), *FORMULAS])
        raise OptionError(
            f"kernel {shown(text)} is neither a file, nor numbers such as '0 -1 0; -1 5 -1; 0 -1 0', nor a name of the "
            f"library (`imconv kernels list`){near}"
        ) from error


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
