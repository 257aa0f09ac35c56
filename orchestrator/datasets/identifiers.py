"""Names of items that are safe as names of files, and tell all items of a dataset apart."""

from collections.abc import Iterable
from itertools import groupby

from stagekit.inside import INVISIBLE, UNICODE, is_plain_character

LENGTH = 80
"""Characters of an identifier, at most."""

LENGTH_BYTES = 160
"""Its bytes, at most; file systems allow 255 with the suffix."""


def safe_identifiers(names: Iterable[str]) -> list[str]:
    """Return an identifier for each name, in order: letters and digits of any script, '.', '_' and '-'.

    Letters are composed, and in their plain form (NFKC). No two are the same, not even where capital and small letters
    are: the second gets '-2' at its end.
    """
    taken: set[str] = set()
    identifiers = []
    for name in names:
        identifier = base = _safe(name)
        number = 1
        while _folded(identifier) in taken:
            number += 1
            identifier = f"{base}-{number}"
        taken.add(_folded(identifier))
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
    visible = (character for character in name if character not in INVISIBLE and UNICODE.category(character) != "Cf")
    composed = UNICODE.normalize("NFKC", "".join(visible))
    plain = "".join("".join(run) if fits else "-" for fits, run in groupby(composed, is_plain_character))
    short = plain[:LENGTH].encode("utf-8")[:LENGTH_BYTES].decode("utf-8", "ignore").strip("-.")
    while short and not (short[0] == "_" or short[0].isalnum()):
        short = short[1:]
    return short or "picture"


def _folded(identifier: str) -> str:
    """Return what two identifiers have in common that are one on some disk."""
    return UNICODE.normalize("NFC", identifier.casefold())
