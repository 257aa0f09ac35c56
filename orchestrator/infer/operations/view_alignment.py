"""Brings several views to one map of pixels each, so that what meets in an operation lies at the same pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.infer.graphs.view import Atom, Mixed, Side, View, refined, strides
from orchestrator.infer.loading.model_loader import Loader, NotTileableError
from orchestrator.infer.operations.view_making import blocked, folded, inner_reach


@dataclass(frozen=True)
class Slot:
    """A part of one axis at which all views that have it agree.

    Attributes:
        axis: Of the tensor that the views are broadcast to.
        length: See `Atom`.
        atoms: Of each view, None where its axis has length 1.
    """

    axis: int
    length: int
    atoms: tuple[Atom | None, ...]

    @property
    def of_pixels(self) -> bool:
        """Whether it is a part of rows or columns."""
        return any(atom is not None and atom.side != Side.CHANNELS for atom in self.atoms)

    @property
    def meets_channels(self) -> bool:
        """Whether pixels meet channels in it."""
        return self.of_pixels and any(atom is None or atom.side == Side.CHANNELS for atom in self.atoms)

    @property
    def is_mixed(self) -> bool:
        """Whether pixels meet channels in it, or other pixels."""
        if not self.of_pixels:
            return False
        return None in self.atoms or len(set(self.atoms)) > 1


@dataclass(frozen=True)
class Aligned:
    """Views of maps of one size, that are broadcast to each other.

    Attributes:
        views: With axes of one number.
        slots: All parts, axis by axis, outer ones first.
    """

    views: tuple[View, ...]
    slots: tuple[Slot, ...]

    @property
    def channels(self) -> tuple[Slot, ...]:
        """The parts of channels, in the order in which they lie in the first map that has all of them."""
        found = [slot for slot in self.slots if not slot.of_pixels]
        for place in range(len(self.views)):
            members = [(slot.atoms[place], slot) for slot in found]
            atoms = [(atom, slot) for atom, slot in members if atom is not None]
            if len(atoms) == len(found):
                return tuple(slot for _atom, slot in sorted(atoms, key=lambda one: -one[0].stride))
        return tuple(found)

    def result(self, source: str, channels: Sequence[Slot]) -> View:
        """Return the view of what comes out, on a map whose channels lie as these parts."""
        made = dict(zip(channels, strides([slot.length for slot in channels]), strict=True))
        axes: list[list[Atom]] = [[] for _ in self.views[0].axes]
        for slot in self.slots:
            atom = made[slot] if slot in made else next(one for one in slot.atoms if one is not None)
            axes[slot.axis].append(atom)
        total = 1
        for slot in channels:
            total *= slot.length
        first = self.views[0]
        return replace(first, source=source, map=replace(first.map, channels=total)).with_axes(axes)


def aligned(loader: Loader, views: Sequence[View], apart: int | None = None) -> Aligned:
    """Return views of one rank on maps of one size.

    Args:
        apart: An axis along which they do not meet, which has no parts.

    Raises:
        NotTileableError: Where values of different pixels meet.
    """
    found = _met(views, apart)
    if not found.slots or _fits(found):
        return found
    found = _met([folded(loader, view) for view in views], apart)
    if _fits(found):
        return found
    mixed = [slot for slot in found.slots if slot.meets_channels]
    views = []
    for place, view in enumerate(found.views):
        atoms = [atom for slot in mixed if (atom := slot.atoms[place]) is not None]
        views.append(blocked(loader, view, inner_reach(view, atoms)))
    found = _met(views, apart)
    if not _fits(found):
        raise NotTileableError("values of different pixels meet in it")
    return found


def _fits(found: Aligned) -> bool:
    return len({view.map.size for view in found.views}) == 1 and not any(slot.is_mixed for slot in found.slots)


def _met(views: Sequence[View], apart: int | None) -> Aligned:
    slots: list[Slot] = []
    for axis in range(len(views[0].axes)):
        full = [place for place, view in enumerate(views) if view.axes[axis]]
        if not full or axis == apart:
            continue
        parts = dict(zip(full, refined([views[place].axes[axis] for place in full]), strict=True))
        for number in range(len(parts[full[0]])):
            atoms = tuple(parts[place][number] if place in parts else None for place in range(len(views)))
            length = next(atom.length for atom in atoms if atom is not None)
            slots.append(Slot(axis, length, atoms))
    return Aligned(tuple(views), tuple(slots))


def refined_to(slots: Sequence[Slot], axis: int, length: int) -> list[int]:
    """Return the lengths of a constant's axis in the parts of the views: 1 for all where it has length 1.

    Raises:
        Mixed: Where it has another length.
    """
    parts = [slot.length for slot in slots if slot.axis == axis]
    total = 1
    for part in parts:
        total *= part
    if length == total:
        return parts
    if length != 1:
        raise Mixed(f"axes of {length} and {total} meet")
    return [1] * len(parts)
