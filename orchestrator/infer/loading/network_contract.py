"""What a network must be to take pictures: float32, three channels, any size, in and out; told before it runs."""

from collections.abc import Sequence

import onnx

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import NetworkError, is_picture

CHANNELS = 3
_FORM = "1 x 3 x H x W"

Side = int | None
"""Of a tensor; None where the file leaves it free."""


def image_form(image: onnx.ValueInfoProto) -> tuple[str, tuple[Side, ...]]:
    """Return the type of an input's values, such as "float32", and its sides."""
    kind = image.type.tensor_type
    sides = tuple(one.dim_value if one.HasField("dim_value") else None for one in kind.shape.dim)
    return onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name if kind.elem_type else "no tensor", sides


def refuse_other_inputs(kind: str, sides: Sequence[Side]) -> None:
    """Raise NetworkError where an input is no picture, float32, 1 x 3 x H x W; the words name what was found."""
    shown = f"the network takes {kind}, {' x '.join('?' if side is None else str(side) for side in sides)}"
    if kind != "float32":
        raise NetworkError(f"{shown}; it needs float32, {_FORM}: convert it to float32, or put a Cast before it")
    if len(sides) != 4 or sides[0] not in {None, 1}:
        raise NetworkError(f"{shown}; it needs one picture, {_FORM}")
    if sides[1] != CHANNELS and sides[3] == CHANNELS:
        raise NetworkError(f"{shown}, with the channels last; export it with the channels first, {_FORM}")
    if sides[1] not in {None, CHANNELS}:
        words = "channel" if sides[1] == 1 else "channels"
        raise NetworkError(f"{shown}, pictures of {sides[1]} {words}; it needs RGB, {_FORM}")


def refuse_other_sizes(sides: Sequence[Side], size: Size) -> None:
    """Raise NetworkError where an input of fixed height or width is no picture of this size."""
    for side, wanted in zip(sides[2:], (size.height, size.width), strict=True):
        if side not in {None, wanted}:
            shown = " x ".join("?" if one is None else str(one) for one in sides)
            raise NetworkError(
                f"the network takes pictures of {shown} alone, none of {size} pixels: export it with free height and "
                "width"
            )


def refuse_other_outputs(graph: Graph) -> None:
    """Raise NetworkError where an answer that is a picture by its name would have another shape than the picture."""
    wanted = (1, CHANNELS, graph.size.height, graph.size.width)
    for name, source in graph.outputs.items():
        if not is_picture(name):
            continue
        found = graph.map(source)
        shape = (1, found.channels, found.size.height, found.size.width)
        if shape != wanted:
            raise NetworkError(f"output {name} has shape {shape} for a picture of {wanted}")
