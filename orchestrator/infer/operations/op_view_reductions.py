"""Reductions, softmax and normalisations along any axes: of each pixel's channels, of windows, or of the picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.graphs.node import GlobalReduction, Map
from orchestrator.infer.graphs.view import Atom, Side, View, length_of, strides
from orchestrator.infer.graphs.view_nodes import Form, Operand
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.loading.operator_sets import ALONG_ONE_AXIS, numbers, takes_axes
from orchestrator.infer.operations.view_making import add_rearranged, add_view, blocked, form_of, inner_reach

REDUCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceSumSquare": "squares",
    "ReduceMax": "max",
    "ReduceMin": "min",
}
_MADE_OF = ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
OF_ONE_VALUE = frozenset({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"})
"""Reductions that leave a single value as it is."""
REDUCING = (*REDUCTIONS, *_MADE_OF)
_PIXELS = (Side.ROWS, Side.COLUMNS)


def reduced(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a reduction along channels, within windows, or over all pixels."""
    view, options = loader.view(node.input[0]), attributes(node)
    axes = axes_of(loader, node, len(view.axes))
    if not axes and node.op_type not in OF_ONE_VALUE:
        raise NotTileableError("it reduces no axis, which changes values all the same")
    if not axes:
        add_view(loader, node.output[0], view)
        return
    keep = options.get("keepdims", 1)
    if over_all_pixels(view, axes):
        over_picture(loader, node.op_type, node.input[0], view, axes, node.output[0], keepdims=bool(keep))
        return
    view = _without_pixels(loader, view, axes)
    reduced_atoms, rest = _parts(view, axes)
    stored = list(view.atoms(Side.CHANNELS))
    taken, kept = _form(stored, reduced_atoms, rest)
    packed = strides([atom.length for atom in rest])
    made = Map(length_of(rest), view.map.size)
    before = len([atom for atom in rest if atom in kept])
    result = form_of(
        packed,
        [[], [], [Side.ROWS], [Side.COLUMNS]] if not rest else [packed[:before], [], [*packed[before:], *_PIXELS]],
    )
    output = f"{node.output[0]}|map"
    operands = [Operand(view.source, taken)]
    if takes_axes(node.op_type, loader.opset):
        loader.constants[f"{output}|axes"] = np.array([1], np.int64)
        operands.append(Operand(f"{output}|axes"))
        add_rearranged(loader, output, node.op_type, operands, made, result, keepdims=1)
    else:
        add_rearranged(loader, output, node.op_type, operands, made, result, keepdims=1, axes=[1])
    new = dict(zip(rest, packed, strict=True))
    atoms = [[new.get(atom, atom) for atom in axis if atom not in reduced_atoms] for axis in view.axes]
    left = [axis for place, axis in enumerate(atoms) if keep or place not in axes]
    add_view(loader, node.output[0], View(output, made, ()).with_axes(left))


def softmax(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a softmax along channels, within windows, or over all pixels."""
    view = loader.view(node.input[0])
    rank, one_axis = len(view.axes), loader.opset >= ALONG_ONE_AXIS
    axis = attributes(node).get("axis", -1 if one_axis else 1) % rank
    axes = {axis} if one_axis else set(range(axis, rank))
    if over_all_pixels(view, axes):
        _softmax_of_picture(loader, node, axes)
        return
    along(loader, node, axes, (), axis=-1)


def lp_normalisation(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a division by a norm along channels or within windows."""
    view, options = loader.view(node.input[0]), attributes(node)
    axes = {options.get("axis", -1) % len(view.axes)}
    if over_all_pixels(view, axes):
        raise NotTileableError("it works along rows or columns")
    along(loader, node, axes, (), axis=-1, p=options.get("p", 2))


def layer_normalisation(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a normalisation of each pixel's channels, or of windows."""
    view, options = loader.view(node.input[0]), attributes(node)
    if any(node.output[1:]):
        raise NotTileableError("it gives statistics, too")
    axes = set(range(options.get("axis", -1) % len(view.axes), len(view.axes)))
    names = []
    shape = [view.shape[axis] for axis in sorted(axes)]
    for place, name in enumerate(filter(None, node.input[1:])):
        names.append(f"{node.output[0]}|{place}")
        loader.constants[names[-1]] = np.broadcast_to(loader.constant(name), shape).reshape(-1).copy()
    along(loader, node, axes, names, axis=-1, epsilon=options.get("epsilon", 1e-5))


def along(loader: Loader, node: onnx.NodeProto, axes: set[int], others: Sequence[str], **more: Any) -> None:
    """Add an operation along the last axis of a form in which that is some axes of a view."""
    view = _without_pixels(loader, loader.view(node.input[0]), axes)
    reduced_atoms, rest = _parts(view, axes)
    form = form_of(view.atoms(Side.CHANNELS), [[*rest, *_PIXELS], reduced_atoms])
    output = f"{node.output[0]}|map"
    operands = [Operand(view.source, form), *map(Operand, others)]
    add_rearranged(loader, output, node.op_type, operands, view.map, form, **more)
    add_view(loader, node.output[0], View(output, view.map, view.axes))


def over_all_pixels(view: View, axes: set[int]) -> bool:
    """Whether some axes of a view hold all pixels."""
    reduced_atoms = [atom for axis in axes for atom in view.axes[axis]]
    if view.map.size.pixels == 1:
        return not reduced_atoms
    return length_of([atom for atom in reduced_atoms if atom.side != Side.CHANNELS]) == view.map.size.pixels


def _without_pixels(loader: Loader, view: View, axes: set[int]) -> View:
    """Return a view whose axes of some numbers hold channels alone."""
    return blocked(loader, view, inner_reach(view, [atom for axis in axes for atom in view.axes[axis]]))


def _parts(view: View, axes: set[int]) -> tuple[list[Atom], list[Atom]]:
    """Return the atoms of channels on some axes in their order there, and the others in that of the map."""
    reduced_atoms = [atom for axis in sorted(axes) for atom in view.axes[axis]]
    return reduced_atoms, [atom for atom in view.atoms(Side.CHANNELS) if atom not in reduced_atoms]


def _form(stored: Sequence[Atom], reduced_atoms: Sequence[Atom], rest: Sequence[Atom]) -> tuple[Form, list[Atom]]:
    """Return a form with some channels on axis 1, and which of the others come before it."""
    if not rest:
        return form_of(stored, [[], reduced_atoms, [Side.ROWS], [Side.COLUMNS]]), []
    first = max((atom.stride for atom in reduced_atoms), default=0)
    before = [atom for atom in rest if atom.stride > first]
    after = [atom for atom in rest if atom.stride < first]
    return form_of(stored, [before, reduced_atoms, [*after, *_PIXELS]]), before


def axes_of(loader: Loader, node: onnx.NodeProto, rank: int) -> set[int]:
    """Return the axes of a reduction; none where it changes nothing."""
    if listed := numbers(loader, node, 1, "axes"):
        return {axis % rank for axis in listed}
    return set() if attributes(node).get("noop_with_empty_axes", 0) else set(range(rank))


def taken(loader: Loader, kind: str, names: Sequence[str], output: str, **more: Any) -> str:
    """Take a node that is made here, and return its output."""
    loader.take(onnx.helper.make_node(kind, list(names), [output], **more))
    return output


def over_picture(
    loader: Loader, kind: str, name: str, view: View, axes: set[int], output: str, *, keepdims: bool = True
) -> None:
    """Add a reduction over all pixels, and perhaps over channels; composed ones of the plain ones.

    Args:
        name: Of a map or a view.
        view: What it is.
    """
    if kind in REDUCTIONS:
        plain_reduction(loader, REDUCTIONS[kind], view, axes, output, keepdims=keepdims)
    elif kind == "ReduceL1":
        absolute = taken(loader, "Abs", [name], f"{output}|abs")
        over_picture(loader, "ReduceSum", absolute, loader.view(absolute), axes, output, keepdims=keepdims)
    elif kind == "ReduceLogSumExp":
        _log_sum_exp(loader, name, view, axes, output, keepdims=keepdims)
    else:
        first, last = {"ReduceL2": ("ReduceSumSquare", "Sqrt"), "ReduceLogSum": ("ReduceSum", "Log")}[kind]
        over_picture(loader, first, name, view, axes, f"{output}|sum", keepdims=keepdims)
        taken(loader, last, [f"{output}|sum"], output)


def _log_sum_exp(loader: Loader, name: str, view: View, axes: set[int], output: str, *, keepdims: bool) -> None:
    total = _sum_of_powers(loader, name, view, axes, output)[1]
    log = taken(loader, "Log", [total], f"{output}|log")
    total = taken(loader, "Add", [log, f"{output}|max"], output if keepdims else f"{output}|total")
    if not keepdims:
        shape = [side for axis, side in enumerate(loader.shape(total)) if axis not in axes]
        loader.constants[f"{output}|shape"] = np.array(shape, np.int64)
        taken(loader, "Reshape", [total, f"{output}|shape"], output)


def _sum_of_powers(loader: Loader, name: str, view: View, axes: set[int], output: str) -> tuple[str, str]:
    """Add exp(x - max) and its sum over all pixels, and return their names."""
    over_picture(loader, "ReduceMax", name, view, axes, f"{output}|max")
    apart = taken(loader, "Sub", [name, f"{output}|max"], f"{output}|apart")
    powers = taken(loader, "Exp", [apart], f"{output}|powers")
    over_picture(loader, "ReduceSum", powers, loader.view(powers), axes, f"{output}|sum")
    return powers, f"{output}|sum"


def plain_reduction(loader: Loader, kind: str, view: View, axes: set[int], output: str, *, keepdims: bool) -> None:
    """Add a global reduction of each channel, and put channels together where they are reduced, too."""
    atoms = [atom for axis in view.axes for atom in axis if atom.side == Side.CHANNELS]
    reduced_atoms = [atom for axis in sorted(axes) for atom in view.axes[axis] if atom.side == Side.CHANNELS]
    shape = [1 if axis in axes else side for axis, side in enumerate(view.shape) if keepdims or axis not in axes]
    stored = list(view.atoms(Side.CHANNELS))
    if not reduced_atoms and atoms == stored:
        each_reduced(loader, kind, view.source, output, shape)
        return
    each_reduced(loader, kind, view.source, f"{output}|each", [atom.length for atom in stored])
    order = [stored.index(atom) for atom in atoms]
    taken(loader, "Transpose", [f"{output}|each"], f"{output}|order", perm=order)
    places = [place for place, atom in enumerate(atoms) if atom in reduced_atoms]
    together = {"mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}.get(kind, "ReduceSum")
    name = f"{output}|order"
    if places:
        name = reduced_value(loader, together, name, places, f"{output}|together")
    loader.constants[f"{output}|shape"] = np.array(shape, np.int64)
    taken(loader, "Reshape", [name, f"{output}|shape"], output)


def each_reduced(loader: Loader, kind: str, name: str, output: str, shape: Sequence[int]) -> None:
    """Add a global reduction of each channel of a map, whose result has a shape."""
    loader.add(GlobalReduction(output, kind, name, tuple(shape)))
    loader.example(output, tuple(shape))


def reduced_value(loader: Loader, kind: str, name: str, axes: Sequence[int], output: str) -> str:
    """Add a reduction of a value of the whole picture."""
    if not takes_axes(kind, loader.opset):
        return taken(loader, kind, [name], output, axes=list(axes), keepdims=1)
    loader.constants[f"{output}|axes"] = np.array(axes, np.int64)
    return taken(loader, kind, [name, f"{output}|axes"], output, keepdims=1)


def _softmax_of_picture(loader: Loader, node: onnx.NodeProto, axes: set[int]) -> None:
    """Take a softmax over all pixels apart, into reductions over the picture and what each pixel makes of them."""
    name, output = node.input[0], node.output[0]
    view = loader.view(name)
    if node.op_type == "LogSoftmax":
        _log_sum_exp(loader, name, view, axes, f"{output}|total", keepdims=True)
        taken(loader, "Sub", [name, f"{output}|total"], output)
    else:
        taken(loader, "Div", _sum_of_powers(loader, name, view, axes, output), output)
