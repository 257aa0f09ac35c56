"""Tags inside file names: 'm', 'g' and 'r' between hyphens, wherever they stand."""

import re
from collections.abc import Mapping, Sequence

_PARTS = re.compile(r"([-_ ]+)")


def tagged(stem: str, tags: Mapping[str, Sequence[str]]) -> tuple[str, str, str] | None:
    """Return what a stem says: its layer, the stem without the tag, and the part before the tag; None without a tag.

    A tag is a whole part between '-', '_' or spaces: 'ab-10-m-3' has the tag 'm', 'bottom-3' has none. Of several the
    last one counts, as scenes may be called by a letter too.

    Args:
        tags: Layer to its tags.
    """
    parts = _PARTS.split(stem)
    names = {tag.casefold(): layer for layer, spellings in tags.items() for tag in spellings}
    places = [number for number in range(0, len(parts), 2) if parts[number].casefold() in names]
    if not places:
        return None
    place = places[-1]
    before, after = parts[:place], parts[place + 1 :]
    without = "".join([*before[:-1], *after]) if before else "".join(after[1:])
    return names[parts[place].casefold()], without, "".join(before[:-1])
