"""What each ONNX operation is in space, and from a model to the graph of one size of picture."""

from collections.abc import Mapping

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import OnnxModel
from orchestrator.infer.loading.model_loader import Loader, Operation
from orchestrator.infer.loading.network_contract import CHANNELS, image_form, refuse_other_sizes
from orchestrator.infer.operations.op_channels import extreme_place, largest, neighbouring_channels, running_sum
from orchestrator.infer.operations.op_joining import concat
from orchestrator.infer.operations.op_kinds import COMPARISONS, TESTS, cast, comparison, quantised, where
from orchestrator.infer.operations.op_padding import pad
from orchestrator.infer.operations.op_pointwise import (
    ELEMENTWISE,
    along_channels,
    batch_normalisation,
    elementwise,
    softmax,
    unchanged,
)
from orchestrator.infer.operations.op_reductions import POOLINGS, mean_variance_norm, pooling, reduction
from orchestrator.infer.operations.op_resampling import blocks, gather, slice_, split
from orchestrator.infer.operations.op_resize import resize
from orchestrator.infer.operations.op_scattering import scatter
from orchestrator.infer.operations.op_spreading import expand, tile, tile_of_view
from orchestrator.infer.operations.op_view_elementwise import elementwise as elementwise_view
from orchestrator.infer.operations.op_view_normalisations import (
    group_normalisation,
    instance_normalisation,
)
from orchestrator.infer.operations.op_view_parts import concat as concat_view
from orchestrator.infer.operations.op_view_parts import gather as gather_view
from orchestrator.infer.operations.op_view_parts import pad as pad_view
from orchestrator.infer.operations.op_view_parts import slice_ as slice_view
from orchestrator.infer.operations.op_view_parts import split as split_view
from orchestrator.infer.operations.op_view_products import einsum, gemm, matmul
from orchestrator.infer.operations.op_view_reductions import REDUCING, layer_normalisation, lp_normalisation, reduced
from orchestrator.infer.operations.op_view_reductions import softmax as softmax_view
from orchestrator.infer.operations.op_views import cast as cast_view
from orchestrator.infer.operations.op_views import expand as expand_view
from orchestrator.infer.operations.op_views import flatten, reshape, squeeze, transpose, unsqueeze
from orchestrator.infer.operations.op_views import unchanged as unchanged_view
from orchestrator.infer.operations.op_windows import conv, pool, transposed
from orchestrator.infer.operations.size_multiples import cropped, padded_size, take_padding

_SHAPES: Mapping[str, Operation] = {
    "Reshape": reshape,
    "Transpose": transpose,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
}
_PRODUCTS: Mapping[str, Operation] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
_NORMALISATIONS: Mapping[str, Operation] = {
    "LayerNormalization": layer_normalisation,
    "GroupNormalization": group_normalisation,
}

OPERATIONS: Mapping[str, Operation] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(("Identity", "Dropout"), unchanged),
    **dict.fromkeys(("Cast", "CastLike"), cast),
    **dict.fromkeys((*COMPARISONS, *TESTS), comparison),
    "Where": where,
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), quantised),
    "BatchNormalization": batch_normalisation,
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), softmax),
    "LpNormalization": along_channels,
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), pool),
    "Resize": resize,
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), blocks),
    **dict.fromkeys((*REDUCING, "ReduceProd"), reduction),
    **dict.fromkeys(POOLINGS, pooling),
    "MeanVarianceNormalization": mean_variance_norm,
    **dict.fromkeys(("ArgMax", "ArgMin"), extreme_place),
    "CumSum": running_sum,
    "LRN": neighbouring_channels,
    "TopK": largest,
    "Expand": expand,
    "Tile": tile,
    "Concat": concat,
    "Split": split,
    "ScatterND": scatter,
    "Gather": gather,
    "Slice": slice_,
    "Pad": pad,
    "Conv": conv,
    "ConvTranspose": transposed,
    "InstanceNormalization": instance_normalisation,
    **_SHAPES,
    **_PRODUCTS,
    **_NORMALISATIONS,
}
"""By the ONNX name of each operation that can be computed in parts."""

ON_VIEWS: Mapping[str, Operation] = {
    **_SHAPES,
    **_PRODUCTS,
    **dict.fromkeys(ELEMENTWISE, elementwise_view),
    **_NORMALISATIONS,
    **dict.fromkeys(REDUCING, reduced),
    **dict.fromkeys(("Softmax", "LogSoftmax"), softmax_view),
    "LpNormalization": lp_normalisation,
    "InstanceNormalization": instance_normalisation,
    "Identity": unchanged_view,
    "Expand": expand_view,
    "Cast": cast_view,
    "Gather": gather_view,
    "Slice": slice_view,
    "Split": split_view,
    "Concat": concat_view,
    "Pad": pad_view,
    "Tile": tile_of_view,
    "ScatterND": scatter,
}
"""By the ONNX name of each operation that can be computed in parts where a picture has another shape."""


def graph_of(model: OnnxModel, size: Size, multiple: int = 1) -> Graph:
    """Return a model's graph for pictures of one size. Operations that are not tileable are named in it.

    Args:
        multiple: Up to which the picture's edges are repeated before it goes in, and the answers cropped.

    Raises:
        NetworkError: Where the input cannot be such a picture.
    """
    _kind, sides = image_form(model.image)
    refuse_other_sizes(sides, padded_size(size, multiple))
    loader = Loader(model, size, sides[1] or CHANNELS, OPERATIONS, ON_VIEWS)
    if multiple > 1:
        take_padding(loader, model.image.name, size, multiple)
    for node in model.nodes:
        loader.take(node)
    graph = loader.graph()
    return graph if multiple == 1 else cropped(graph, multiple)
