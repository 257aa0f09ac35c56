"""The form of a pack: an ordinary tar file whose first member lists all others with their SHA-256."""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator import __version__
from orchestrator.errors import PackInvalid
from orchestrator.spec.base import Name
from orchestrator.spec.plain_words import plain_words
from orchestrator.store.layout import is_key
from stagekit.inside import unsafe_name

FORMAT = 1
"""Grows where an earlier program could not read a pack."""

INDEX = "sirr-pack.json"
REPORTS = ("report", "report.partial", "report-key.json")
"""Of a run's folder: never packed, as what is shown is made of results that were checked."""

FROM_WHERE = "make the pack again with: sirr-orch store pack; do not use one that others may have changed"
BLOCK = tarfile.BLOCKSIZE

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Shelf = Literal["runs", "artifacts", "staging", "environments", "images", "data"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Member(_Part):
    """One file of a pack."""

    name: str
    """Its path: a shelf's name, then the path below it."""
    size: int = Field(ge=0)
    """Bytes."""
    sha256: Sha256
    """Hash of its content."""
    executable: bool = False
    """Whether it is a program."""


class PackedEnvironment(_Part):
    """A local environment: the packages of its lock, without the interpreter."""

    folder: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    """Name of its folder."""
    image: Name
    """Whose environment it is."""
    python: str = Field(pattern=r"^3\.\d+$")
    """Minor version of the interpreter that it needs."""
    system: str
    """Operating system and processor that it was made on, such as 'Linux x86_64'."""


class PackIndex(_Part):
    """What a pack holds."""

    format: int
    """Version of this form."""
    program: str
    """Version of sirr-orch that made it."""
    runs: tuple[Name, ...]
    """Names of the runs."""
    artifacts: tuple[Sha256, ...] = ()
    """Keys of the results."""
    staging: tuple[Sha256, ...] = ()
    """Keys of the stages that were stopped half-way, with what they go on from."""
    environments: tuple[PackedEnvironment, ...] = ()
    """Local environments."""
    images: tuple[str, ...] = ()
    """Docker images, by their tags."""
    data: tuple[Name, ...] = ()
    """Prepared datasets."""
    members: tuple[Member, ...]
    """Every file but this, in the order in which they follow."""

    def text(self) -> bytes:
        """Return the index as it stands in the pack."""
        return self.model_dump_json(indent=1).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Place:
    """Where a member belongs.

    Attributes:
        shelf: What it is part of.
        name: Run, key, shelf of environments, image's number or dataset.
        inner: Its path below.
    """

    shelf: Shelf
    name: str
    inner: str


_SHELVES: tuple[Shelf, ...] = ("runs", "artifacts", "staging", "environments", "images", "data")


def member_name(place: Place) -> str:
    """Return the path of a member in the pack."""
    return f"{place.shelf}/{place.name}/{place.inner}"


def member_place(name: str) -> Place:
    """Return where a member belongs; whether that is inside a folder is decided where it is written.

    Raises:
        PackInvalid: Where the name is not one that a pack can have.
    """
    parts = name.split("/")
    shelf = next((shelf for shelf in _SHELVES if parts and parts[0] == shelf), None)
    if shelf is None or len(parts) < 3 or unsafe_name(name):
        raise PackInvalid(f"the pack holds the path {name!r}, which has no place in a store", hint=FROM_WHERE)
    if shelf == "runs" and any(part in REPORTS for part in parts[2:]):
        raise PackInvalid(f"the pack holds {name!r}: reports are made where they are shown", hint=FROM_WHERE)
    if shelf in {"artifacts", "staging"} and not is_key(parts[1]):
        raise PackInvalid(f"the pack holds {name!r}, and {parts[1]!r} is no key", hint=FROM_WHERE)
    return Place(shelf, parts[1], "/".join(parts[2:]))


def parsed_index(content: bytes) -> PackIndex:
    """Return an index from its text.

    Raises:
        PackInvalid: Where it is none, is damaged, contradicts itself, or a newer program made it.
    """
    try:
        found: Any = json.loads(content)
        version = found["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackInvalid("the pack's index is damaged", hint="copy or make the pack again") from error
    if not isinstance(version, int) or version > FORMAT:
        raise PackInvalid(
            f"the pack has format {version}, made by sirr-orch {found.get('program', 'of a newer version')}; this is "
            f"sirr-orch {__version__}, which knows formats up to {FORMAT}",
            hint="unpack it with that version",
        )
    try:
        index = PackIndex.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PackInvalid(
            f"the pack's index is damaged: {where}: {plain_words(first['msg'])}", hint=FROM_WHERE
        ) from error
    _check_index(index)
    return index


def _check_index(index: PackIndex) -> None:
    shelves = {
        "runs": set(index.runs),
        "artifacts": set(index.artifacts),
        "staging": set(index.staging),
        "environments": {"venvs", "code"},
        "images": {str(number) for number in range(len(index.images))},
        "data": set(index.data),
    }
    seen: set[str] = set()
    for member in index.members:
        place = member_place(member.name)
        if member.name in seen:
            raise PackInvalid(f"the pack's index names {member.name!r} twice", hint=FROM_WHERE)
        if place.name not in shelves[place.shelf]:
            raise PackInvalid(f"the pack holds {member.name!r}, of which its index does not tell", hint=FROM_WHERE)
        seen.add(member.name)


def tar_header(name: str, size: int, *, executable: bool = False, mtime: int = 0) -> bytes:
    """Return the blocks that begin a member; sizes beyond 8 GiB and long names as GNU tar writes them."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o755 if executable else 0o644, mtime
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """Return what fills up the last block of a member."""
    return b"\0" * (-size % BLOCK)


def index_room(index: PackIndex) -> int:
    """Return the bytes to keep for an index whose hashes and sizes are not known yet."""
    return len(index.text()) + 24 * len(index.members) + BLOCK


def padded_index(index: PackIndex, room: int) -> bytes:
    """Return the index filled up with spaces, which JSON does not mind."""
    text = index.text()
    if len(text) > room:
        raise AssertionError(f"the index takes {len(text)} bytes of {room}")
    return text + b" " * (room - len(text) - 1) + b"\n"


def unknown(names: Sequence[tuple[str, bool]]) -> tuple[Member, ...]:
    """Return members that are not read yet: names, and whether they are programs."""
    return tuple(Member(name=name, size=0, sha256="0" * 64, executable=program) for name, program in names)
