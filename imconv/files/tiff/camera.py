"""RAW files of cameras, which are TIFFs: told from pictures, so that no preview is taken for the photograph."""

from __future__ import annotations

from ...errors import ImconvError
from .. import foreign
from ..header import Unsupported
from ..tags import Tags

_SENSOR = (32803, 34892)  # photometric interpretations: values of a sensor, behind colour filters or not
_COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER, _DNG = 259, 262, 271, 330, 50706
_WANTED = frozenset((_COMPRESSION, _PHOTOMETRIC, _MAKE, _INNER, _DNG))
_CODES = (32767, 34713)  # compressions of Sony and Nikon
_MOST = 16  # directories looked at, and SubIFDs of each
_KINDS = {
    b"NIKON": "Nikon RAW file (NEF)",
    b"SONY": "Sony RAW file (ARW)",
    b"CANON": "Canon RAW file (CR2)",
    b"PENTAX": "Pentax RAW file (PEF)",
    b"RICOH": "Pentax RAW file (PEF)",
    b"SAMSUNG": "Samsung RAW file (SRW)",
    b"HASSELBLAD": "Hasselblad RAW file (3FR)",
    b"PHASE ONE": "Phase One RAW file (IIQ)",
    b"LEICA": "Leica RAW file (RWL)",
    b"EPSON": "Epson RAW file (ERF)",
}


def refuse(tags: Tags, chain: list[int]) -> None:
    """Raise Unsupported for the RAW file of a camera. `chain`: where the file's directories are."""
    tags.file.seek(8)
    raw, dng = tags.file.read(2) == b"CR", False
    make = b"CANON" if raw else b""
    for offset in chain[:_MOST]:
        entries = _entries(tags, offset)
        if _MAKE in entries and not make:
            make = entries[_MAKE].data.upper()
        dng = dng or _DNG in entries
        inner = tags.whole(entries.get(_INNER))[:_MOST] if _INNER in entries else ()
        raw = raw or dng or any(_of_sensor(tags, one) for one in (entries, *(_entries(tags, at) for at in inner)))
    if raw:
        kind = "DNG file" if dng else next((words for name, words in _KINDS.items() if make.startswith(name)), "")
        extension = "dng" if dng else kind[-4:-1].lower()
        what = kind or "camera's RAW file"
        raise Unsupported(f"is a {what}; {foreign.develop(extension or 'raw')}")


def _entries(tags: Tags, offset: int) -> dict:
    try:
        return tags.directory(offset, _WANTED)[0]
    except ImconvError:  # a stream that goes on too long
        raise
    except ValueError:
        return {}  # told where it is read


def _of_sensor(tags: Tags, entries: dict) -> bool:
    return tags.number(entries.get(_PHOTOMETRIC)) in _SENSOR or tags.number(entries.get(_COMPRESSION)) in _CODES
