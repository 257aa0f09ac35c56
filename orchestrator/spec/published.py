"""What is known of a dataset that others publish: where it is, under which terms, and in which forms it goes about."""

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.spec.base import StrictModel
from orchestrator.spec.numbers import Amount, Count, FileSize, Pixels, Truth

LayoutName = Literal["folders", "tagged", "sir2", "frames", "voc"]
"""The families of raw layouts, each a module of orchestrator.datasets.raw.

'folders': a folder of pictures for each layer, same stems; 'tagged': all layers in one folder, told apart by the end of
the stem; 'sir2': folders within folders, told apart by a tag that may stand anywhere in the stem; 'frames': a folder
for the frames of each video, and one truth for all of them in a folder beside it; 'voc': a folder of photographs and a
list of those that are used.
"""

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$")]
"""A hexadecimal checksum, or how it begins or ends."""


class RemoteFile(StrictModel):
    """A file with a direct address."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """What it is called on disk."""
    address: str = Field(pattern=r"^https?://")
    """Where it is."""
    size: FileSize | None = None
    """Bytes; None where nobody states it."""
    md5: Hex | None = None
    """MD5, where that is what is published; it tells a damaged file, not a forged one."""
    sha256: Hex | None = None
    """SHA-256."""
    unpack: Truth = True
    """Whether it is an archive to be unpacked."""


class ByHand(StrictModel):
    """What a person must download, because its authors use a drive, a form or a repository."""

    what: str
    """What to get, and from where."""
    put: str
    """Where to put it; '{folder}' stands for the set's folder of raw files."""


class NamesList(StrictModel):
    """A published list of the pictures that are used."""

    name: str
    """Its file's name as published."""
    origin: str
    """Which repository publishes it."""
    sha256_begins: Hex
    """How its SHA-256 begins."""
    sha256_ends: Hex
    """How its SHA-256 ends."""
    count: Count
    """Different names in it."""
    years: dict[str, Amount] = Field(default_factory=dict)
    """First four characters of a name to how many names begin with them."""


class Selection(StrictModel):
    """Which of the scenes found belong to the set: published numbers instead of whatever lies in a folder."""

    only: tuple[str, ...] = ()
    """Stems of the scenes that belong to it; empty: all."""
    without: tuple[str, ...] = ()
    """Stems of the scenes that do not."""
    folders: tuple[str, ...] = ()
    """Names of folders that hold exactly this set already."""


class Layout(StrictModel):
    """One raw form in which the set goes about."""

    kind: LayoutName
    """The family."""
    blended: tuple[str, ...] = ()
    """Names of the blended pictures' folder or tag."""
    transmission: tuple[str, ...] = ()
    """Names of the transmissions' folder or tag."""
    reflection: tuple[str, ...] = ()
    """Names of the reflections' folder or tag; may be missing on disk where `reflection_needed` is false."""
    reflection_needed: Truth = False
    """Whether a scene without its reflection is refused."""
    inside: tuple[str, ...] = ()
    """Names of folders that hold this layout, to tell it from others in the same pack."""
    size: Pixels | None = None
    """Side of the centre crop in pixels ('voc' only)."""


class Variant(StrictModel):
    """One form that goes about, told by the number of its scenes."""

    scenes: Count
    """How many scenes it has."""
    short_edge: Pixels | None = None
    """Pixels of every picture's short side, where all are made so."""
    long_edge: Pixels | None = None
    """The same of the long side."""
    digest: Hex | None = None
    """SHA-256 of the lines 'sha256  name' of its raw files in the order of their names."""
    name: str
    """What it is called here."""
    origin: str
    """Who uses it, and where that is said."""


class Published(StrictModel):
    """Everything that is known of a published set; what is not known reads 'unknown'."""

    authors: str
    """Who made it, and the paper."""
    address: str
    """Where its authors publish it."""
    terms: str
    """Licence or terms as far as known."""
    scenes: Count | None = None
    """How many scenes its authors state; None where that could not be learnt."""
    use: Literal["train", "test"]
    """What it is for. Pixels of a test set are never changed."""
    files: tuple[RemoteFile, ...] = ()
    """What can be fetched."""
    by_hand: tuple[ByHand, ...] = ()
    """What cannot."""
    names_list: tuple[NamesList, ...] = ()
    """Published lists, one of which says what is used."""
    layouts: tuple[Layout, ...] = ()
    """The raw forms, in the order in which they are looked for; none where no form could be learnt."""
    matching: str
    """How files are matched, in words."""
    selection: Selection = Selection()
    """Which scenes belong to it."""
    variants: tuple[Variant, ...] = ()
    """The forms that are known."""
    facts: tuple[str, ...] = ()
    """What else is published about it, with its source."""
