"""Elementwise operations of views, with constants and values that are broadcast to them."""

import math
from collections.abc import Sequence

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array, Pointwise
from orchestrator.infer.graphs.region import AXES
from orchestrator.infer.graphs.view import Atom, Side, View
from orchestrator.infer.graphs.view_nodes import ConstantMap, Operand
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.view_alignment import Aligned, Slot, aligned, refined_to
from orchestrator.infer.operations.view_making import add_rearranged, add_view, form_of, in_order


def elementwise(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation of views, maps, constants and values of the picture, value by value."""
    names = [name for name in dict.fromkeys(node.input) if name and loader.is_picture(name)]
    others = [name for name in dict.fromkeys(node.input) if name and name not in names]
    rank = max(len(loader.shape(name)) for name in (*names, *others))
    found = aligned(loader, [loader.view(name).with_rank(rank) for name in names])
    channels = found.channels
    output = f"{node.output[0]}|map"
    operands = {name: _lying(loader, found, place, channels) for place, name in enumerate(names)}
    whole = all(one.form is None for one in operands.values())
    for number, name in enumerate(others):
        operands[name] = _broadcast(loader, found, channels, f"{output}|{number}", name, whole=whole)
    result = found.result(output, channels)
    if whole:
        template = onnx.NodeProto()
        template.CopyFrom(node)
        template.input[:] = [operands[name].name if name else "" for name in node.input]
        template.output[:] = [output]
        maps = tuple(dict.fromkeys(name for name in template.input if name and loader.is_map(name)))
        values = tuple(dict.fromkeys(name for name in template.input if name and name not in maps))
        loader.add(Pointwise(output, maps, values, result.map, result.map.size, template))
    else:
        stored = result_atoms(result, channels)
        form = form_of(stored, [*([atom] for atom in stored), [Side.ROWS], [Side.COLUMNS]])
        given = [_as_operand(loader, operands[name], stored) if name else Operand("") for name in node.input]
        add_rearranged(loader, output, node.op_type, given, result.map, form, **attributes(node))
    add_view(loader, node.output[0], result)


def result_atoms(result: View, channels: Sequence[Slot]) -> list[Atom]:
    """Return the atoms of a result's channels, split as the parts of what it was made of."""
    found, stride = [], result.map.channels
    for slot in channels:
        stride //= slot.length
        found.append(Atom(Side.CHANNELS, stride, slot.length))
    return found


def _as_operand(loader: Loader, operand: Operand, stored: Sequence[Atom]) -> Operand:
    """Return an operand for an operation over (part, part, …, rows, columns); maps without a form have all parts."""
    if operand.form is None and loader.is_map(operand.name):
        return Operand(operand.name, form_of(stored, [*([atom] for atom in stored), [Side.ROWS], [Side.COLUMNS]]))
    return operand


def _lying(loader: Loader, found: Aligned, place: int, channels: Sequence[Slot]) -> Operand:
    """Return a view as it goes into the operation: a map where it has all channels, or none."""
    view, atoms = found.views[place], [slot.atoms[place] for slot in channels]
    present = [atom for atom in atoms if atom is not None]
    view = in_order(loader, view, present)
    if len(present) in {0, len(channels)}:
        return Operand(view.source)
    lengths = [1 if atom is None else atom.length for atom in atoms]
    stored = result_atoms(view, [Slot(0, length, ()) for length in lengths])
    return Operand(view.source, form_of(stored, [*([atom] for atom in stored), [Side.ROWS], [Side.COLUMNS]]))


def _broadcast(
    loader: Loader, found: Aligned, channels: Sequence[Slot], output: str, name: str, *, whole: bool
) -> Operand:
    """Return a constant or value in the channels' order: (1, C, 1, 1), or a part each where not all is `whole`."""
    shape = loader.shape(name)
    if math.prod(shape) == 1:
        return Operand(name if len(shape) <= 1 else _reshaped(loader, name, output, [1]))
    rank = len(found.views[0].axes)
    padded = [1] * (rank - len(shape)) + list(shape)
    parts = [part for axis in range(rank) for part in refined_to(found.slots, axis, padded[axis])]
    order = [found.slots.index(slot) for slot in channels]
    pixels = [place for place, slot in enumerate(found.slots) if slot.of_pixels]
    lengths = [slot.length for slot in channels]
    if any(parts[place] > 1 for place in pixels):
        value = np.asarray(loader.constant(name)).reshape(parts)
        return Operand(_constant_map(loader, found, value, order, output, lengths))
    few = [parts[place] for place in order]
    spread = few != lengths and any(side > 1 for side in few) and whole
    target = [1, math.prod(lengths if spread else few), 1, 1] if whole else [*few, 1, 1]
    if name in loader.constants:
        value = loader.constants[name].reshape(parts).transpose([*order, *pixels]).reshape(few)
        value = np.broadcast_to(value, lengths) if spread else value
        loader.constants[output] = np.ascontiguousarray(value).reshape(target)
        return Operand(output)
    name = _reshaped(loader, name, f"{output}|parts", parts)
    loader.take(onnx.helper.make_node("Transpose", [name], [f"{output}|order"], perm=[*order, *pixels]))
    name = _reshaped(loader, f"{output}|order", f"{output}|few", few)
    if spread:
        loader.constants[f"{output}|lengths"] = np.array(lengths, np.int64)
        loader.take(onnx.helper.make_node("Expand", [name, f"{output}|lengths"], [f"{output}|spread"]))
        name = f"{output}|spread"
    return Operand(_reshaped(loader, name, output, target))


def _reshaped(loader: Loader, name: str, output: str, shape: Sequence[int]) -> str:
    if name in loader.constants:
        loader.constants[output] = loader.constants[name].reshape(list(shape))
        return output
    loader.constants[f"{output}|shape"] = np.array(shape, np.int64)
    loader.take(onnx.helper.make_node("Reshape", [name, f"{output}|shape"], [output]))
    return output


def _constant_map(
    loader: Loader, found: Aligned, value: Array, order: Sequence[int], output: str, lengths: Sequence[int]
) -> str:
    """Add a constant that has pixels of its own.

    Args:
        value: Its axes are the parts of the views.
        order: Of the parts that are channels.
    """
    if value.dtype != np.float32:
        raise NotTileableError("it meets a constant of pixels of its own that are no float32")
    sides = [
        sorted(
            (place for place, slot in enumerate(found.slots) if _atom(slot).side == side),
            key=lambda place: -_atom(found.slots[place]).stride,
        )
        for side in (Side.ROWS, Side.COLUMNS)
    ]
    few = [value.shape[place] for place in order]
    size = found.views[0].map.size
    full = list(value.shape)
    for place in (*sides[0], *sides[1]):
        full[place] = found.slots[place].length
    value = np.broadcast_to(value, full).transpose([*sides[0], *sides[1], *order])
    value = value.reshape(size.height, size.width, math.prod(few))
    places = []
    for axis in AXES:
        value, found_places = _different(value, axis)
        places.append(found_places)
    repeats = (tuple(few), tuple(lengths))
    for node in loader.nodes.values():  # ONNX Runtime makes all of them first: those of all blocks would lie there
        if not isinstance(node, ConstantMap) or (node.rows, node.columns, node.repeats) != (*places, repeats):
            continue
        if np.array_equal(loader.constants[node.values[0]], value):
            return node.output
    loader.constants[f"{output}|values"] = np.ascontiguousarray(value)
    made = found.result(output, found.channels).map
    loader.add(ConstantMap(output, (), (f"{output}|values",), made, size, places[0], places[1], repeats))
    return output


def _atom(slot: Slot) -> Atom:
    return next(atom for atom in slot.atoms if atom is not None)


def _different(value: Array, axis: int) -> tuple[Array, tuple[int, ...]]:
    """Return the different rows, or columns, of an array, and which of them each is."""
    known: dict[bytes, int] = {}
    first, places = [], []
    for place in range(value.shape[axis]):
        key = np.ascontiguousarray(value.take(place, axis)).tobytes()
        if key not in known:
            known[key] = len(known)
            first.append(place)
        places.append(known[key])
    return value.take(first, axis), tuple(places)
