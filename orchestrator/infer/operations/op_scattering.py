"""Channels written over others, as exporters write `x[:, :k] = …`."""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes

_FORM = "it writes something else than whole channels of the picture"


def scatter(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels of which some are replaced: a choice among the old ones and the new."""
    data, indices, updates = node.input
    if attributes(node).get("reduction", "none") != "none":
        raise NotTileableError("it adds what it writes to what is there")
    shape, index, output = loader.shape(data), loader.constant(indices), node.output[0]
    axis = _axis(shape, index)
    if loader.shape(updates) != (*shape[:axis], index.size // index.shape[-1], *shape[axis + 1 :]):
        raise NotTileableError(_FORM)
    chosen = list(range(shape[axis]))
    for number, place in enumerate(index[..., -1].ravel().tolist()):
        chosen[place] = shape[axis] + number
    loader.constants[f"{output}|chosen"] = np.array(chosen, np.int64)
    loader.take(onnx.helper.make_node("Concat", [data, updates], [f"{output}|both"], axis=axis))
    loader.take(onnx.helper.make_node("Gather", [f"{output}|both", f"{output}|chosen"], [output], axis=axis))


def _axis(shape: tuple[int, ...], index: Array) -> int:
    """Return along which axis places are counted: the first, or that behind a batch of one."""
    if index.ndim == 2 and index.shape[-1] == 1:
        return 0
    if index.ndim == 3 and index.shape[0] == 1 and index.shape[-1] == 2 and shape[0] == 1 and not index[..., 0].any():
        return 1
    raise NotTileableError(_FORM)
