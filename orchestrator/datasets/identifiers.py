"""Names of items that are safe as names of files, and tell all items of a dataset apart."""

import re
import unicodedata
from collections.abc import Iterable

LENGTH = 80
"""Characters of an identifier, at most; file systems allow 255 bytes with the suffix."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_identifiers(names: Iterable[str]) -> list[str]:
    """Return an identifier for each name, in order: letters, digits, '.', '_' and '-' of ASCII.

    No two are the same, not even where capital and small letters are: the second gets '-2' at its end.
    """
    taken: set[str] = set()
    identifiers = []
    for name in names:
        identifier = base = _safe(name)
        number = 1
        while identifier.lower() in taken:
            number += 1
            identifier = f"{base}-{number}"
        taken.add(identifier.lower())
        identifiers.append(identifier)
    return identifiers


def shown_name(name: str) -> str:
    """Return a file's name as text: bytes that are no UTF-8 become U+FFFD, which JSON can hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """Return what to sort names by so that 9 comes before 10."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for character in [*name, ""]:
        if character.isdecimal() and character.isascii():
            digits += character
            continue
        if digits:
            parts.append((int(digits), digits))
            digits = ""
        parts.append((-1, character))
    return tuple(parts)


def _safe(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "replace").decode("ascii")
    return _UNSAFE.sub("-", ascii_name)[:LENGTH].strip("-.") or "picture"
