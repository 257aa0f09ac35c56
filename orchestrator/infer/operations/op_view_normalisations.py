"""Normalisations by mean and variance of the whole picture, of groups of channels too."""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.graphs.view import Side, View
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_view_reductions import (
    each_reduced,
    over_all_pixels,
    plain_reduction,
    reduced_value,
    taken,
)
from orchestrator.infer.operations.view_making import add_view


def instance_normalisation(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an instance normalisation of a view, (1, groups, …): as exporters write group normalisation."""
    view = loader.view(node.input[0])
    ones = [1, view.shape[1], *([1] * (len(view.axes) - 2))]
    scale, bias = (loader.constant(name).reshape(ones) for name in node.input[1:3])
    epsilon = attributes(node).get("epsilon", 1e-5)
    normalised(loader, node.input[0], set(range(2, len(view.axes))), epsilon, (scale, bias), node.output[0])


def group_normalisation(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a group normalisation."""
    view, options = loader.view(node.input[0]), attributes(node)
    channels, groups, output = view.shape[1], options["num_groups"], node.output[0]
    shape = [1, groups, channels // groups, *view.shape[2:]]
    add_view(loader, f"{output}|groups", view.reshaped(shape))
    ones = [1, groups, -1, *([1] * (len(shape) - 3))]
    pair = tuple(loader.constant(name).reshape(ones) for name in node.input[1:3])
    axes = set(range(2, len(shape)))
    normalised(loader, f"{output}|groups", axes, options.get("epsilon", 1e-5), (pair[0], pair[1]), f"{output}|normal")
    add_view(loader, output, loader.view(f"{output}|normal").reshaped(view.shape))


def normalised(
    loader: Loader,
    name: str,
    axes: set[int],
    epsilon: float,
    pair: tuple[Array, Array],
    output: str,
) -> None:
    """Add (x - mean) / sqrt(variance + epsilon) * scale + bias over axes that hold all pixels.

    Args:
        pair: Scale and bias, that are broadcast.
    """
    view = loader.view(name)
    if view.map.size.pixels > 1 and not over_all_pixels(view, axes):
        raise NotTileableError("it goes over part of the rows and columns")
    plain_reduction(loader, "mean", view, axes, f"{output}|mean", keepdims=True)
    variance(loader, view, axes, f"{output}|variance")
    loader.constants[f"{output}|epsilon"] = np.array(epsilon, np.float32)
    loader.constants[f"{output}|scale"], loader.constants[f"{output}|bias"] = pair
    raised = taken(loader, "Add", [f"{output}|variance", f"{output}|epsilon"], f"{output}|raised")
    deviation = taken(loader, "Sqrt", [raised], f"{output}|deviation")
    factor = taken(loader, "Div", [f"{output}|scale", deviation], f"{output}|factor")
    centred = taken(loader, "Sub", [name, f"{output}|mean"], f"{output}|centred")
    scaled = taken(loader, "Mul", [centred, factor], f"{output}|scaled")
    taken(loader, "Add", [scaled, f"{output}|bias"], output)


def variance(loader: Loader, view: View, axes: set[int], output: str) -> None:
    """Add the variance over axes that hold all pixels: within each channel, and between those that are put together."""
    reduced_atoms = [atom for axis in axes for atom in view.axes[axis] if atom.side == Side.CHANNELS]
    if not reduced_atoms:
        plain_reduction(loader, "variance", view, axes, output, keepdims=True)
        return
    stored = list(view.atoms(Side.CHANNELS))
    lengths = [atom.length for atom in stored]
    places = [stored.index(atom) for atom in reduced_atoms]
    for kind in ("mean", "variance"):
        each_reduced(loader, kind, view.source, f"{output}|{kind}s", lengths)
    middle = reduced_value(loader, "ReduceMean", f"{output}|means", places, f"{output}|middle")
    apart = taken(loader, "Sub", [f"{output}|means", middle], f"{output}|apart")
    square = taken(loader, "Mul", [apart, apart], f"{output}|square")
    both = taken(loader, "Add", [square, f"{output}|variances"], f"{output}|both")
    name = reduced_value(loader, "ReduceMean", both, places, f"{output}|together")
    rest = [atom for axis in view.axes for atom in axis if atom.side == Side.CHANNELS and atom not in reduced_atoms]
    order = [stored.index(atom) for atom in (*rest, *reduced_atoms)]
    taken(loader, "Transpose", [name], f"{output}|order", perm=order)
    shape = [1 if axis in axes else side for axis, side in enumerate(view.shape)]
    loader.constants[f"{output}|shape"] = np.array(shape, np.int64)
    taken(loader, "Reshape", [f"{output}|order", f"{output}|shape"], output)
