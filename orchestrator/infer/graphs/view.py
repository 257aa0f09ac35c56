"""Views: tensors of a file that hold a map's values in another order and shape, and cost nothing until they are used.

Channels, rows and columns of a map are each split into atoms; an axis of a view is a list of atoms. Reshape splits and
joins atoms, Transpose moves axes, and neither touches a value.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import AXES, Size


class Side(IntEnum):
    """The sides of a map that atoms are parts of; rows and columns are one more than their axes of a region."""

    CHANNELS = 0
    ROWS = 1
    COLUMNS = 2


class Mixed(ValueError):
    """A view cannot be had in that form; the message says why."""


class Atom(NamedTuple):
    """A factor of one side of a map: place p along the side is the sum of index * stride over its atoms.

    Attributes:
        side: Of the map.
    """

    side: Side
    stride: int
    length: int

    @property
    def reach(self) -> int:
        """How far along the side it goes, its strides counted."""
        return self.stride * self.length

    def split(self, inner: int) -> tuple["Atom", "Atom"]:
        """Return an outer and an inner atom.

        Args:
            inner: Length of the inner one, which divides its own.
        """
        return Atom(self.side, self.stride * inner, self.length // inner), Atom(self.side, self.stride, inner)


Axis = tuple[Atom, ...]


@dataclass(frozen=True)
class View:
    """A map's values in another order and shape.

    Attributes:
        source: Name of the map.
        map: Its channels and size.
        axes: Atoms of each axis, outer ones first; none where the axis has length 1.
    """

    source: str
    map: Map
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(length_of(axis) for axis in self.axes)

    def atoms(self, side: Side) -> tuple[Atom, ...]:
        """Return the atoms of one side in the order of the map, outer ones first."""
        found = [atom for axis in self.axes for atom in axis if atom.side == side]
        return tuple(sorted(found, key=lambda atom: -atom.stride))

    def place(self, atom: Atom) -> tuple[int, int]:
        """Return the axis that an atom stands in, and the place there."""
        return next((one, axis.index(atom)) for one, axis in enumerate(self.axes) if atom in axis)

    def with_axes(self, axes: Sequence[Sequence[Atom]]) -> "View":
        """Return the view with other axes of the same atoms, joined where they follow each other."""
        return replace(self, axes=tuple(joined(axis) for axis in axes))

    def with_rank(self, rank: int) -> "View":
        """Return the view with axes of length 1 before the others."""
        return replace(self, axes=((),) * (rank - len(self.axes)) + self.axes)

    def transposed(self, order: Sequence[int]) -> "View":
        """Return the view with its axes in another order."""
        return replace(self, axes=tuple(self.axes[place] for place in order))

    def reshaped(self, shape: Sequence[int]) -> "View":
        """Return the view in another shape, whose lengths are all given.

        Raises:
            Mixed: Where an axis would begin or end within a part of the picture.
        """
        if math.prod(shape) != math.prod(self.shape):
            raise Mixed(f"it reshapes {_shown(self.shape)} into {_shown(shape)}, which has not as many values")
        left = [atom for axis in reversed(self.axes) for atom in reversed(axis)]
        axes: list[list[Atom]] = []
        for side in shape:
            axes.append([])
            length = side
            while length > 1:
                atom = left.pop()
                if length % atom.length:
                    if atom.length % length:
                        raise Mixed(f"it reshapes {_shown(self.shape)} into {_shown(shape)}, across {_side(atom)}")
                    atom, inner = atom.split(atom.length // length)
                    left.append(inner)
                axes[-1].append(atom)
                length //= atom.length
        return self.with_axes(axes)


def whole(name: str, made: Map) -> View:
    """Return the view that is a map as it lies: (1, channels, height, width)."""
    sides = ((Side.CHANNELS, made.channels), (Side.ROWS, made.size.height), (Side.COLUMNS, made.size.width))
    return View(name, made, ((), *(axis_of_length(side, length) for side, length in sides)))


def axis_of_length(side: Side, length: int) -> Axis:
    """Return the axis that is a whole side."""
    return (Atom(side, 1, length),) if length > 1 else ()


def length_of(atoms: Sequence[Atom]) -> int:
    """Return the product of the atoms' lengths."""
    return math.prod(atom.length for atom in atoms)


def joined(axis: Sequence[Atom]) -> Axis:
    """Return an axis with atoms put together that follow each other on one side."""
    found: list[Atom] = []
    for atom in axis:
        if found and found[-1].side == atom.side and found[-1].stride == atom.reach:
            found[-1] = Atom(atom.side, atom.stride, found[-1].length * atom.length)
        else:
            found.append(atom)
    return tuple(found)


def refined(axes: Sequence[Sequence[Atom]]) -> list[list[Atom]]:
    """Return axes of one length cut into atoms of the same lengths.

    Raises:
        Mixed: Where no factor divides both.
    """
    left = [list(reversed(axis)) for axis in axes]
    found: list[list[Atom]] = [[] for _ in axes]
    while any(left):
        length = math.gcd(*(one[-1].length for one in left))
        shortest = min(one[-1].length for one in left)
        if length != shortest:
            raise Mixed(f"axes of {' and '.join(_shown([atom.length for atom in axis]) for axis in axes)} meet")
        for one, atoms in zip(left, found, strict=True):
            atom = one.pop()
            if atom.length > length:
                atom, inner = atom.split(atom.length // length)
                one.append(inner)
            atoms.append(atom)
    return found


def split_at(axis: Sequence[Atom], side: Side, reach: int) -> Iterator[Atom]:
    """Yield the atoms of an axis, those of one side split where their strides cross `reach`.

    Raises:
        Mixed: Where an atom cannot be split there.
    """
    for atom in axis:
        if atom.side != side or atom.reach <= reach or atom.stride >= reach:
            yield atom
        elif reach % atom.stride or atom.reach % reach:
            raise Mixed(f"parts of {reach} do not divide {_side(atom)}")
        else:
            yield from atom.split(reach // atom.stride)


def canonical(view: View) -> tuple[Axis, Axis, Axis] | None:
    """Return of a view that is a map, (1, channels, rows, columns), what its three axes hold besides rows and columns.

    None for any other.
    """
    if len(view.axes) != 4 or view.axes[0]:
        return None
    more: list[Axis] = []
    for side in (Side.ROWS, Side.COLUMNS):
        axis = view.axes[1 + side]
        size = view.map.size.along(AXES[side - 1])
        kept = 0
        while kept < len(axis) and axis[kept].side == side:
            outer = size // length_of(axis[:kept])
            if axis[kept].reach != outer:
                break
            kept += 1
        if size > 1 and not kept:
            return None
        more.append(axis[kept:])
    if view.map.size.pixels == 1 and not view.axes[1] and bool(more[0]) != bool(more[1]):
        return None  # a single pixel, whose channels stand last
    return view.axes[1], more[0], more[1]


def blocked_axes(view: View, block: tuple[int, int]) -> tuple[Axis, ...]:
    """Return a view's axes after blocks of pixels were moved into the channels, to (channel, row, column).

    Raises:
        Mixed: Where an atom lies across blocks.
    """
    rows, columns = block
    inside = {Side.CHANNELS: rows * columns, Side.ROWS: columns, Side.COLUMNS: 1}
    axes = []
    for axis in view.axes:
        atoms: Sequence[Atom] = axis
        for side, reach in ((Side.ROWS, rows), (Side.COLUMNS, columns)):
            atoms = list(split_at(atoms, side, reach))
        axes.append(
            tuple(
                atom._replace(side=Side.CHANNELS, stride=atom.stride * inside[atom.side])
                if atom.side == Side.CHANNELS or atom.stride < block[atom.side - 1]
                else atom._replace(stride=atom.stride // block[atom.side - 1])
                for atom in atoms
            )
        )
    return tuple(axes)


def opened_axes(axes: Sequence[Sequence[Atom]], block: tuple[int, int]) -> tuple[Axis, ...]:
    """Return the axes after blocks of pixels were moved from the channels back to rows and columns."""
    rows, columns = block
    found = []
    for axis in axes:
        atoms: Sequence[Atom] = axis
        for reach in (columns, rows * columns):
            atoms = list(split_at(atoms, Side.CHANNELS, reach))
        found.append(joined([_opened(atom, rows, columns) for atom in atoms]))
    return tuple(found)


def _opened(atom: Atom, rows: int, columns: int) -> Atom:
    if atom.side != Side.CHANNELS:
        return atom._replace(stride=atom.stride * (rows if atom.side == Side.ROWS else columns))
    if atom.stride < columns:
        return atom._replace(side=Side.COLUMNS)
    if atom.stride < rows * columns:
        return atom._replace(side=Side.ROWS, stride=atom.stride // columns)
    return atom._replace(stride=atom.stride // (rows * columns))


def blocked_map(made: Map, block: tuple[int, int]) -> Map:
    """Return what a map is after blocks of pixels were moved into the channels."""
    rows, columns = block
    return Map(made.channels * rows * columns, Size(made.size.height // rows, made.size.width // columns))


def opened_map(made: Map, block: tuple[int, int]) -> Map:
    """Return what a map is after blocks of pixels were moved from the channels back."""
    rows, columns = block
    return Map(made.channels // (rows * columns), Size(made.size.height * rows, made.size.width * columns))


def strides(lengths: Sequence[int]) -> list[Atom]:
    """Return the atoms of channels that lie in the order of these lengths, outer ones first."""
    found, stride = [], 1
    for length in reversed(lengths):
        found.append(Atom(Side.CHANNELS, stride, length))
        stride *= length
    return found[::-1]


def _shown(lengths: Sequence[int]) -> str:
    return " x ".join(map(str, lengths)) or "1"


def _side(atom: Atom) -> str:
    return ("channels", "rows", "columns")[atom.side]
