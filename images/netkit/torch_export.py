"""From a PyTorch network to the project's ONNX contract: input `image`, named outputs, height and width free."""

import contextlib
import os
import sys
import tempfile
import warnings
from typing import Any, Dict, Iterator, Sequence, Tuple

import onnx
import torch
from torch import nn

from netkit.onnx_rewrite import constants_as_initializers, drop_empty_pads, exact_nearest, fold_constants
from netkit.onnx_sizes import ANY_SIZE, SizeRule, accept_any_size
from stagekit import write_atomically

OPSET = 16
"""Newest operator set that PyTorch 1.12 can write."""

_REMARK = b"The shape inference of prim::Constant type is missing"


def export_network(
    network: nn.Module,
    path: str,
    outputs: Sequence[str],
    *,
    sizes: SizeRule = ANY_SIZE,
    example: Tuple[int, int] = (64, 96),
    opset: int = OPSET,
) -> None:
    """Write a network as ONNX; the name appears when the file is whole.

    Raises:
        onnx.checker.ValidationError: Where the exporter wrote a graph that is not valid.

    Args:
        network: Takes float32 RGB in [0, 1], (1, 3, H, W), and returns a tensor, or a tuple of them as `outputs` names
            them; it is exported in evaluation mode.
        sizes: What the network can take; other pictures are padded at the edge inside the graph and cropped again.
        example: (height, width) that the network can take, used for tracing; it leaves no trace in the graph.
    """
    network.eval()
    image = torch.rand(1, 3, *example)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        raw = os.path.join(folder, "raw.onnx")
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                network,
                (image,),
                raw,
                input_names=["image"],
                output_names=list(outputs),
                opset_version=opset,
                do_constant_folding=True,
                dynamic_axes={name: {2: "height", 3: "width"} for name in ("image", *outputs)},
                **_exporter(),
            )
        model = onnx.load(raw)
    constants_as_initializers(model)
    fold_constants(model)
    drop_empty_pads(model)
    exact_nearest(model)
    accept_any_size(model, sizes)
    _name_sizes(model)
    onnx.checker.check_model(model, full_check=True)
    with write_atomically(path) as stream:
        stream.write(model.SerializeToString(deterministic=True))


def _exporter() -> Dict[str, Any]:
    """Choose the tracing exporter where PyTorch has two: its graphs are the same in old and new versions."""
    return {} if torch.__version__.startswith("1.") else {"dynamo": False}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks on shapes that are free on purpose, and on its own age.

    PyTorch 1.12 prints one of them dozens of times, past Python; all else that it prints comes through.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(printed.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            printed.seek(0)
            lines = [line for line in printed.read().splitlines(keepends=True) if _REMARK not in line]
            os.write(2, b"".join(lines))


def _name_sizes(model: onnx.ModelProto) -> None:
    """Let input and outputs say (1, 3, height, width), and drop what the exporter guessed of the inner shapes."""
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        dimensions[0].dim_value = 1
        dimensions[1].dim_value = 3
        dimensions[2].dim_param = "height"
        dimensions[3].dim_param = "width"
