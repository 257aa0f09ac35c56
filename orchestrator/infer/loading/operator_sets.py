"""Where operations have their arguments: inputs in later operator sets, attributes in earlier ones."""

from collections.abc import Sequence

import onnx

from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes

ALONG_ONE_AXIS = 13
"""Operator set from which a softmax goes along one axis; before, along all from that one on."""

_AXES_AS_INPUT = {"ReduceSum": 13, "Squeeze": 13, "Unsqueeze": 13}
_AXES_AS_INPUT_ELSE = 18


def takes_axes(kind: str, opset: int) -> bool:
    """Whether an operation has its axes as an input, not as an attribute."""
    return opset >= _AXES_AS_INPUT.get(kind, _AXES_AS_INPUT_ELSE)


def numbers(loader: Loader, node: onnx.NodeProto, place: int, attribute: str = "") -> list[int] | None:
    """Return whole numbers that a node has as an input, or else as an attribute; None where they are left to it.

    Raises:
        NotTileableError: Where they depend on the picture's pixels.
    """
    if len(node.input) > place and node.input[place]:
        found: list[int] = loader.constant(node.input[place]).tolist()
        return found
    return attributes(node).get(attribute) if attribute else None


def slice_ranges(loader: Loader, node: onnx.NodeProto, shape: Sequence[int]) -> dict[int, range]:
    """Return which places a Slice takes along each of its axes."""
    starts, ends = (numbers(loader, node, place) or [] for place in (1, 2))
    axes = numbers(loader, node, 3)
    steps = numbers(loader, node, 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    return {
        axis % len(shape): range(shape[axis % len(shape)])[slice(start, end, step)]
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }


def split_ranges(loader: Loader, node: onnx.NodeProto, length: int, what: str = "") -> list[range]:
    """Return which places along its axis each output of a Split takes.

    Args:
        length: Of the axis.
        what: Stands there, for messages.

    Raises:
        NotTileableError: Where the parts are not all of them.
    """
    count = len(node.output)
    each = -(-length // count)
    lengths = numbers(loader, node, 1, "split") or [min(each, length - place * each) for place in range(count)]
    if min(lengths) < 0 or sum(lengths) != length:
        raise NotTileableError(f"it splits {length} {what}into {', '.join(map(str, lengths[:9]))}")
    ends = [sum(lengths[: place + 1]) for place in range(len(lengths))]
    return [range(end - part, end) for part, end in zip(lengths, ends, strict=True)]
