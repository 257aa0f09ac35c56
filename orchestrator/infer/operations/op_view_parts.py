"""Parts of pictures in other shapes, taken and put together along one axis, and padding."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array, Map
from orchestrator.infer.graphs.region import AXES, Size
from orchestrator.infer.graphs.resampling import Take
from orchestrator.infer.graphs.view import Atom, Side, View, axis_of_length, length_of, strides
from orchestrator.infer.graphs.view_nodes import Operand
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.loading.operator_sets import slice_ranges, split_ranges
from orchestrator.infer.operations.op_pointwise import add_pointwise
from orchestrator.infer.operations.view_alignment import Slot, aligned
from orchestrator.infer.operations.view_making import add_rearranged, add_view, folded, form_of

_PIXELS = (Side.ROWS, Side.COLUMNS)


def gather(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a choice along an axis, or one place of it."""
    view, index = loader.view(node.input[0]), loader.constant(node.input[1])
    axis = attributes(node).get("axis", 0) % len(view.axes)
    if index.ndim == 2:
        add_view(loader, node.output[0], _table(loader, view, axis, index, node.output[0]))
        return
    if index.ndim > 2:
        raise NotTileableError("it takes more than a table of places")
    found = _places_of(loader, view, axis, np.atleast_1d(index).tolist(), node.output[0])
    axes = found.axes if index.ndim else (*found.axes[:axis], *found.axes[axis + 1 :])
    add_view(loader, node.output[0], replace(found, axes=axes))


def _table(loader: Loader, view: View, axis: int, index: Array, output: str) -> View:
    """Return rows or columns taken by a table, as of windows that overlap: those of one window follow each other."""
    view = folded(loader, view)
    side = _whole_side(view, axis)
    if side is None:
        raise NotTileableError("it takes a table of places of other than rows or columns")
    steps = [int(np.diff(index, axis=one).max(initial=0)) for one in (0, 1)]
    turned = (steps[0], index.shape[0]) < (steps[1], index.shape[1])
    found = _places_of(loader, view, axis, (index.T if turned else index).ravel().tolist(), output)
    outer, inner = index.shape[::-1] if turned else index.shape
    (atom,) = found.axes[axis]
    parts = [(one,) if one.length > 1 else () for one in Atom(side, 1, outer * inner).split(inner)]
    if atom.length != outer * inner:
        raise NotTileableError("it takes a table of places that is all of them")
    return replace(found, axes=(*found.axes[:axis], *(parts[::-1] if turned else parts), *found.axes[axis + 1 :]))


def slice_(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a cut along some axes."""
    view = loader.view(node.input[0])
    for axis, places in slice_ranges(loader, node, view.shape).items():
        view = _places_of(loader, view, axis, places, f"{node.output[0]}|{axis}")
    add_view(loader, node.output[0], view)


def split(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an axis split into several parts."""
    view = loader.view(node.input[0])
    axis = attributes(node).get("axis", 0) % len(view.axes)
    for output, places in zip(node.output, split_ranges(loader, node, view.shape[axis]), strict=True):
        if output:
            add_view(loader, output, _places_of(loader, view, axis, places, output))


def _places_of(loader: Loader, view: View, axis: int, places: Sequence[int], output: str) -> View:
    """Return some places along an axis of a view."""
    length = view.shape[axis]
    index = [place + length * (place < 0) for place in places]
    if not index or min(index) < 0 or max(index) >= length:
        raise NotTileableError("it reads beyond the picture, or nothing at all")
    if index == list(range(length)):
        return view
    if all(atom.side == Side.CHANNELS for atom in view.axes[axis]):
        return _channels_of(loader, view, axis, index, f"{output}|map")
    view = folded(loader, view)
    side = _whole_side(view, axis)
    if side is None:
        raise NotTileableError("it takes some of the pixels of windows")
    size, along = view.map.size, AXES[side - 1]
    new = Size(len(index), size.width) if side == Side.ROWS else Size(size.height, len(index))
    made = Map(view.map.channels, new)
    loader.add(Take(f"{output}|map", (view.source,), (), made, size, along, tuple(index)))
    axes = [axis_of_length(side, len(index)) if one == axis else atoms for one, atoms in enumerate(view.axes)]
    return View(f"{output}|map", made, tuple(axes))


def _whole_side(view: View, axis: int) -> Side | None:
    """Return whether an axis is all rows, or all columns, and nothing else."""
    for side in _PIXELS:
        length = view.map.size.along(AXES[side - 1])
        if view.axes[axis] == axis_of_length(side, length) != ():
            return side
    return None


def _channels_of(loader: Loader, view: View, axis: int, index: Sequence[int], output: str) -> View:
    taken, stored = view.axes[axis], view.atoms(Side.CHANNELS)
    rest = [atom for atom in stored if atom not in taken]
    before = len([atom for atom in rest if taken and atom.stride > taken[0].stride])
    order = [stored.index(atom) for atom in (*rest[:before], *taken, *rest[before:])]
    places = np.arange(view.map.channels).reshape([atom.length for atom in stored]).transpose(order)
    lengths = [atom.length for atom in rest]
    shape = [*lengths[:before], length_of(taken), *lengths[before:]]
    kept = places.reshape(shape).take(index, axis=before)
    loader.constants[f"{output}|channels"] = kept.ravel().astype(np.int64)
    template = onnx.helper.make_node("Gather", [view.source, f"{output}|channels"], [output], axis=1)
    add_pointwise(loader, template, (view.source,), kept.size, view.map.size)
    packed = strides(kept.shape)
    new = dict(zip(rest, (*packed[:before], *packed[before + 1 :]), strict=True))
    axes: list[list[Atom]] = [[new.get(atom, atom) for atom in atoms if atom not in taken] for atoms in view.axes]
    if len(index) > 1:
        axes[axis] = [packed[before]]
    return View(output, Map(kept.size, view.map.size), ()).with_axes(axes)


def concat(loader: Loader, node: onnx.NodeProto) -> None:
    """Take pictures put together along an axis of channels, or shifted rows or columns put back in another order."""
    if not all(map(loader.is_picture, node.input)):
        raise NotTileableError("it puts pictures together with something else")
    views = [loader.view(name) for name in node.input]
    if len(views) == 1:
        add_view(loader, node.output[0], views[0])
        return
    axis = attributes(node)["axis"] % len(views[0].axes)
    if any(atom.side != Side.CHANNELS for view in views for atom in view.axes[axis]):
        add_view(loader, node.output[0], _shifted(loader, views, axis, f"{node.output[0]}|map"))
        return
    found = aligned(loader, views, apart=axis)
    output, slots = f"{node.output[0]}|map", found.channels
    total = sum(length_of(view.axes[axis]) for view in found.views)
    forms, before = [], len(slots)
    for place, view in enumerate(found.views):
        own = [atom for slot in slots if (atom := slot.atoms[place]) is not None]
        if len(own) < len(slots):
            raise NotTileableError("it puts pictures of different shapes together")
        outer = max((atom.stride for atom in view.axes[axis]), default=0)
        before = len([atom for atom in own if atom.stride > outer]) if place == 0 else before
        stored = sorted([*own, *view.axes[axis]], key=lambda atom: -atom.stride)
        form = form_of(stored, [own[:before], view.axes[axis], [*own[before:], *_PIXELS]])
        forms.append(Operand(view.source, form))
    lengths = [slot.length for slot in slots]
    packed = strides([*lengths[:before], total, *lengths[before:]])
    made = Map(length_of(packed), found.views[0].map.size)
    result = form_of(packed, [packed[:before], [packed[before]], [*packed[before + 1 :], *_PIXELS]])
    add_rearranged(loader, output, "Concat", forms, made, result, axis=1)
    whole = _with_slot(found.views[0], axis, packed, before, found.slots, slots)
    add_view(loader, node.output[0], View(output, made, ()).with_axes(whole))


def _with_slot(
    view: View, axis: int, packed: Sequence[Atom], before: int, slots: Sequence[Slot], channels: Sequence[Slot]
) -> list[list[Atom]]:
    """Return the axes of pictures that were put together along one of them."""
    new = dict(zip(channels, (*packed[:before], *packed[before + 1 :]), strict=True))
    axes: list[list[Atom]] = [[] for _ in view.axes]
    axes[axis] = [packed[before]]
    for slot in slots:
        atom = new[slot] if slot in new else next(one for one in slot.atoms if one is not None)
        axes[slot.axis].append(atom)
    return axes


def _shifted(loader: Loader, views: Sequence[View], axis: int, output: str) -> View:
    """Return rows or columns of one map in another order, as of shifted windows."""
    nodes = [loader.nodes.get(view.source) for view in views]
    takes = [node for node in nodes if isinstance(node, Take)]
    sides = {_whole_side(view, axis) for view in views if view.axes[axis]}
    if len(takes) < len(views) or len({(one.inputs, one.axis) for one in takes}) > 1 or len(sides) > 1:
        raise NotTileableError("it puts parts of different pictures together")
    (side,) = sides
    first = takes[0]
    if side is None or AXES[side - 1] != first.axis:
        raise NotTileableError("it puts parts of different pictures together")
    longest = max(views, key=lambda view: view.shape[axis])
    if any(one != axis and atoms != view.axes[one] for view in views for one, atoms in enumerate(longest.axes)):
        raise NotTileableError("it puts parts together of which one is turned")
    index = tuple(place for one in takes for place in one.index)
    size = first.before
    new = Size(len(index), size.width) if side == Side.ROWS else Size(size.height, len(index))
    made = Map(first.map.channels, new)
    loader.add(Take(output, first.inputs, (), made, size, first.axis, index))
    axes = [axis_of_length(side, len(index)) if one == axis else atoms for one, atoms in enumerate(longest.axes)]
    return View(output, made, tuple(axes))


def pad(loader: Loader, node: onnx.NodeProto) -> None:
    """Take padding of rows and columns, wherever they stand."""
    view = folded(loader, loader.view(node.input[0]))
    rank = len(view.axes)
    pads = [int(one) for one in loader.constant(node.input[1])]
    listed = (
        [int(one) % rank for one in loader.constant(node.input[3])] if len(node.input) > 3 and node.input[3] else None
    )
    axes = list(range(rank)) if listed is None else listed
    wanted: dict[Side, tuple[int, int]] = {}
    for place, axis in enumerate(axes):
        amounts = pads[place], pads[len(axes) + place]
        side = _whole_side(view, axis)
        if any(amounts) and side is None:
            raise NotTileableError("it adds channels or pictures")
        if side is not None:
            wanted[side] = amounts
    output = node.output[0]
    _pad_map(loader, node, view.source, wanted, f"{output}|padded")
    made = loader.view(loader.resolved(f"{output}|padded"))
    new = {side: axis_of_length(side, made.map.size.along(AXES[side - 1])) for side in wanted}
    sides = [_whole_side(view, axis) for axis in range(rank)]
    atoms = [new.get(side, view.axes[axis]) if side else view.axes[axis] for axis, side in enumerate(sides)]
    add_view(loader, output, View(made.source, made.map, tuple(atoms)))


def _pad_map(
    loader: Loader, node: onnx.NodeProto, source: str, wanted: Mapping[Side, tuple[int, int]], output: str
) -> None:
    rows, columns = (wanted.get(side, (0, 0)) for side in _PIXELS)
    loader.constants[f"{output}|pads"] = np.array([0, 0, rows[0], columns[0], 0, 0, rows[1], columns[1]], np.int64)
    template = onnx.NodeProto()
    template.CopyFrom(node)
    template.input[:] = [source, f"{output}|pads", *node.input[2:3]]
    template.output[:] = [output]
    loader.take(template)
