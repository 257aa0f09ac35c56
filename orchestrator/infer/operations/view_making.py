"""Brings views into the form that an operation needs, by adding nodes that move channels and blocks of pixels."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.infer.graphs.node import Map, Node
from orchestrator.infer.graphs.region import AXES
from orchestrator.infer.graphs.view import (
    Atom,
    Side,
    View,
    blocked_axes,
    blocked_map,
    canonical,
    length_of,
    opened_axes,
    opened_map,
    strides,
)
from orchestrator.infer.graphs.view_nodes import Form, Operand, Rearranged, Windows
from orchestrator.infer.loading.model_loader import Loader, NotTileableError

LARGEST_WINDOW = 32
"""Pixels along a side up to which all of a picture may be one window; more of them meeting is no window."""


def add_view(loader: Loader, output: str, view: View) -> None:
    """Note what a tensor of the file is; one with the axes of a map is made into one, which nobody need read."""
    sides = canonical(view)
    if sides is None:
        loader.views[output] = view
        return
    channels, rows, columns = sides
    if rows or columns or any(atom.side != Side.CHANNELS for atom in channels):
        view = _moved(loader, view)
    sides = canonical(view)
    assert sides is not None
    made = in_order(loader, view, sides[0]).source
    loader.seen_as.setdefault(made, loader.view(view.source) if made == view.source else view)
    loader.alias(output, made)


def _moved(loader: Loader, view: View) -> View:
    """Return a view with the axes of a map that has blocks of channels among its pixels, or pixels in its channels."""
    sides = canonical(view)
    assert sides is not None
    view = blocked(loader, view, inner_reach(view, [atom for axis in sides for atom in axis]))
    sides = canonical(view)
    assert sides is not None
    channels, rows, columns = sides
    view = in_order(loader, view, (*channels, *rows, *columns))
    return opened(loader, view, (length_of(rows), length_of(columns)))


def inner_reach(view: View, atoms: Sequence[Atom]) -> tuple[int, int]:
    """Return the rows and columns of the blocks that hold these of a view's atoms.

    Raises:
        NotTileableError: Where that would be all of a larger picture.
    """
    found = []
    for side in (Side.ROWS, Side.COLUMNS):
        reach = max((atom.reach for atom in atoms if atom.side == side), default=1)
        if reach == view.map.size.along(AXES[side - 1]) > LARGEST_WINDOW:
            raise NotTileableError("pixels from all over the picture meet in it")
        found.append(reach)
    return found[0], found[1]


def blocked(loader: Loader, view: View, block: tuple[int, int]) -> View:
    """Return a view with blocks of pixels moved into the channels."""
    if block == (1, 1):
        return view
    axes, made = blocked_axes(view, block), blocked_map(view.map, block)
    name = f"{view.source}|blocks {block[0]} x {block[1]}"
    if name not in loader.nodes:
        loader.add(Windows(name, (view.source,), (), made, view.map.size, block, opened=False))
    return View(name, made, axes)


def opened(loader: Loader, view: View, block: tuple[int, int]) -> View:
    """Return a view with its innermost channels moved to rows and columns."""
    if block == (1, 1):
        return view
    made = opened_map(view.map, block)
    name = f"{view.source}|opened {block[0]} x {block[1]}"
    if name not in loader.nodes:
        loader.add(Windows(name, (view.source,), (), made, view.map.size, block, opened=True))
    return View(name, made, opened_axes(view.axes, block))


def in_order(loader: Loader, view: View, order: Sequence[Atom]) -> View:
    """Return a view whose map has its channels in the order of some atoms, which are all of them."""
    stored = sorted(order, key=lambda atom: -atom.stride)
    if list(order) == stored:
        return view
    places = tuple(stored.index(atom) for atom in order)
    factors, count = tuple(atom.length for atom in stored), len(stored)
    name = f"{view.source}|{','.join(map(str, factors))}|{','.join(map(str, places))}"
    if name not in loader.nodes:
        taken = Form(factors, ((), places, (count,), (count + 1,)))
        plain = Form((view.map.channels,), ((), (0,), (1,), (2,)))
        operands = (Operand(view.source, taken),)
        loader.add(Rearranged(name, (view.source,), (), view.map, view.map.size, "Identity", operands, plain))
    new = dict(zip(order, strides([atom.length for atom in order]), strict=True))
    axes = [[new.get(atom, atom) for atom in axis] for axis in _split_like(view.axes, order)]
    return replace(view, source=name).with_axes(axes)


def _split_like(axes: Sequence[Sequence[Atom]], atoms: Sequence[Atom]) -> list[list[Atom]]:
    """Return axes whose channels are split into these atoms."""
    known = set(atoms)
    found = []
    for axis in axes:
        parts: list[Atom] = []
        for atom in axis:
            if atom.side != Side.CHANNELS or atom in known:
                parts.append(atom)
                continue
            inside = [one for one in atoms if atom.stride <= one.stride and one.reach <= atom.reach]
            parts.extend(sorted(inside, key=lambda one: -one.stride))
        found.append(parts)
    return found


def folded(loader: Loader, view: View) -> View:
    """Return a view with channels made pixels wherever they follow the rows, or the columns, on the same axis."""
    rows, columns = _following(view, Side.ROWS), _following(view, Side.COLUMNS)
    if not rows and not columns:
        return view
    rest = [atom for atom in view.atoms(Side.CHANNELS) if atom not in rows and atom not in columns]
    view = in_order(loader, view, (*rest, *rows, *columns))
    return opened(loader, view, (length_of(rows), length_of(columns)))


def _following(view: View, side: Side) -> list[Atom]:
    found = next((atom for atom in view.atoms(side) if atom.stride == 1), None)
    if found is None:
        return []
    one, place = view.place(found)
    following: list[Atom] = []
    for atom in view.axes[one][place + 1 :]:
        if atom.side != Side.CHANNELS:
            break
        following.append(atom)
    return following


def form_of(stored: Sequence[Atom], axes: Sequence[Sequence[Atom | int]]) -> Form:
    """Return the form whose axes hold atoms of channels, and `Side.ROWS` or `Side.COLUMNS` for all rows or columns.

    Args:
        stored: The channels' atoms in the order of the map.
    """
    count = len(stored)
    places = [
        tuple(count + atom - Side.ROWS if isinstance(atom, int) else stored.index(atom) for atom in axis)
        for axis in axes
    ]
    return Form(tuple(atom.length for atom in stored), tuple(places))


def add_rearranged(
    loader: Loader,
    output: str,
    kind: str,
    operands: Sequence[Operand],
    made: Map,
    result: Form,
    cost: float = 0.0,
    **more: object,
) -> None:
    """Add an operation on maps of one size in other forms."""
    maps = tuple(dict.fromkeys(one.name for one in operands if one.form is not None))
    values = tuple(dict.fromkeys(one.name for one in operands if one.form is None and one.name))
    node: Node = Rearranged(
        output, maps, values, made, made.size, kind, tuple(operands), result, cost, tuple(sorted(more.items()))
    )
    loader.add(node)
