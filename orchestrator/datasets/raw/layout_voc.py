"""PASCAL VOC 2012: a folder of photographs, and a published list of those that are used."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.datasets.raw.reading import RawScene, Reading, by_stem
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout, NamesList
from stagekit import BadInput

_ID = re.compile(r"\d{4}_\d{6}")
_SHOWN = 3


@dataclass(frozen=True)
class Names:
    """A list of pictures that was checked against what is published of it."""

    names: tuple[str, ...]
    origin: str


def read_names(path: Path, published: tuple[NamesList, ...]) -> Names:
    """Return the names in a published list, one a line; folders before and ends after them do not count.

    Raises:
        BadInput: Where the file is none of the published lists: by its SHA-256, its number of different names, or how
            many of them begin with which year.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"the list {str(path)!r} cannot be read: {error.strerror}", "name it with --list") from error
    digests = {hashlib.sha256(text).hexdigest() for text in (content, content.replace(b"\r\n", b"\n"))}
    known = next((entry for entry in published if any(_is(digest, entry) for digest in digests)), None)
    names = tuple(
        PurePosixPath(line.strip()).stem for line in content.decode("utf-8", "replace").split("\n") if line.strip()
    )
    if known is None:
        wanted = "; ".join(
            f"{entry.name} of {entry.origin} ({entry.sha256_begins}…{entry.sha256_ends})" for entry in published
        )
        raise BadInput(
            f"{path.name} is none of the published lists: its SHA-256 is {min(digests)}, it names "
            f"{len(set(names))} different pictures; published are {wanted}",
            "take the list from its authors' repository, unchanged",
        )
    _check(names, known, path)
    return Names(names, f"{known.name} of {known.origin}")


def _is(digest: str, published: NamesList) -> bool:
    return digest.startswith(published.sha256_begins) and digest.endswith(published.sha256_ends)


def _check(names: tuple[str, ...], published: NamesList, path: Path) -> None:
    count = len(set(names))
    if count != len(names) or count != published.count:
        raise BadInput(
            f"{path.name} has {len(names)} lines and {count} different names; published are {published.count}",
            "report this: the catalogue and the list contradict each other",
        )
    years = dict(Counter(name[:4] for name in names))
    if published.years and years != published.years:
        raise BadInput(f"{path.name} has other years than published: {years}", "take the published list")


def read_voc(tree: RawTree, layout: Layout, names: Names) -> Iterator[Reading]:
    """Yield what the layout makes of every folder that holds photographs named as VOC's are."""
    for place in tree.folders():
        found = by_stem(tree.inside(place))
        if not any(_ID.fullmatch(name) for name in found):
            continue
        absent = [name for name in names.names if name not in found]
        twice = [
            f"{' and '.join(map(str, found[name]))} are both {name}"
            for name in names.names
            if len(found.get(name, ())) > 1
        ]
        some = ", ".join(absent[:_SHOWN]) + (f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else "")
        lacking = [f"{len(absent)} of the {len(names.names)} listed pictures: {some}"] if absent else []
        yield Reading(
            layout,
            place,
            tuple(RawScene(name, {"layer": found[name][0]}) for name in names.names if name in found),
            missing=tuple(lacking),
            problems=tuple(twice),
            nearness=len(names.names) - len(absent),
        )
