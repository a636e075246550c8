"""The texts of a PNG, and comments: each as the other, for formats that hold one of them."""

from __future__ import annotations

import zlib

KINDS = (b"tEXt", b"zTXt", b"iTXt")
LONGEST = 1 << 20  # bytes of a text once it is decompressed
_COMMENT = "Comment"
_NO_TEXTS = ("XML:com.adobe.xmp", "Raw profile type")  # metadata of other kinds in a text's clothes

Chunks = tuple[tuple[bytes, bytes], ...]


def as_comment(chunks: Chunks) -> tuple[bytes | None, Chunks]:
    """All texts as one comment in UTF-8, and the chunks that are in it; None where there is none.

    A comment alone is the text; else each is a line, or several, that begins with its keyword, such as `Author: ...`.
    """
    read = {chunk: _read(*chunk) for chunk in chunks if chunk[0] in KINDS}
    used = tuple(chunk for chunk, text in read.items() if text is not None)
    comment = _joined(list(dict.fromkeys(text for text in read.values() if text is not None)))
    return comment, used


def _joined(found: list[tuple[str, str]]) -> bytes | None:
    if not found:
        return None
    if len(found) == 1 and found[0][0] == _COMMENT:
        return found[0][1].encode()
    return "\n".join(f"{keyword}: {text}" for keyword, text in found).encode()


def as_chunk(comment: bytes) -> tuple[bytes, bytes]:
    """A comment as a PNG's text; Latin-1 where it is no UTF-8."""
    comment = comment.replace(b"\0", b"")
    try:
        comment.decode("utf-8")
    except UnicodeDecodeError:
        return b"tEXt", b"Comment\0" + comment
    return (b"tEXt", b"Comment\0" + comment) if comment.isascii() else (b"iTXt", b"Comment\0\0\0\0\0" + comment)


def _read(kind: bytes, data: bytes) -> tuple[str, str] | None:
    """Keyword and text of a chunk (PNG specification, 11.3.3); None for what is damaged, empty or no text."""
    keyword, _, rest = data.partition(b"\0")
    name = keyword.decode("latin-1")
    if name.startswith(_NO_TEXTS):
        return None
    try:
        if kind == b"tEXt":
            text = rest.decode("latin-1")
        elif kind == b"zTXt":
            text = _inflated(rest[1:]).decode("latin-1")
        else:
            packed, rest = rest[0], rest[2:]
            _, _, rest = rest.partition(b"\0")  # the language
            _, _, rest = rest.partition(b"\0")  # the keyword in it
            text = (_inflated(rest) if packed else rest).decode("utf-8")
    except (ValueError, IndexError, zlib.error):
        return None
    text = text.replace("\0", "").strip()
    return (name, text) if text else None


def _inflated(data: bytes) -> bytes:
    found = zlib.decompressobj().decompress(data, LONGEST + 1)
    if len(found) > LONGEST:
        raise ValueError("the text is too long")
    return found
