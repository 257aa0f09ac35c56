"""Export the zoo: `python -m zoo_networks.export FOLDER [NAME ...]`.

For each architecture, with random, seeded weights, the folder gets `NAME-EXPORTER.onnx` for both exporters of PyTorch,
and `NAME.npz`: pictures, and what the network answers in double precision, by `HEIGHTxWIDTH` and then the output. One
line of JSON is printed for each file: name, exporter, seconds, and what the exporter says where it refuses. Several
such programs share the work: one writes `NAME.taken`, and the others pass the network over.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from zoo_networks.architectures import ARCHITECTURES, Architecture

EXPORTERS = {"torchscript": 17, "dynamo": 18}
"""To the operator set that each writes."""
OUTPUTS = ("transmission", "reflection")


class Contract(nn.Module):
    """A network under the ONNX contract: answers of the picture's size, two at the most."""

    def __init__(self, network: nn.Module, scale: int) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, image: torch.Tensor) -> Any:
        given = image if self.scale == 1 else functional.avg_pool2d(image, self.scale)
        answer = self.network(given)
        if isinstance(answer, torch.Tensor):
            return answer
        pictures = [one for one in answer if one.ndim == 4 and one.shape[1] == 3][: len(OUTPUTS)]
        return pictures[0] if len(pictures) == 1 else tuple(pictures)


def made(name: str) -> nn.Module:
    """Return a network with random weights, none of which is zero or one all over."""
    torch.manual_seed(sum(map(ord, name)))
    architecture = ARCHITECTURES[name]
    network = Contract(architecture.make(), architecture.scale).eval().requires_grad_(False)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point() and tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all()):
            tensor.add_(0.3 * (torch.rand_like(tensor) - 0.4))
    return network


def picture(height: int, width: int) -> torch.Tensor:
    """Return a picture that is smooth here and noisy there: float32, (1, 3, H, W), 0 to 1."""
    torch.manual_seed(height * width)
    rows, columns = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    waves = torch.stack([torch.sin(9 * rows + 4 * columns), torch.cos(7 * columns), rows * columns])[None]
    return (0.5 + 0.3 * waves + 0.4 * columns * (torch.rand(1, 3, height, width) - 0.5)).clamp(0, 1)


def named(answer: Any) -> dict[str, torch.Tensor]:
    answers = (answer,) if isinstance(answer, torch.Tensor) else answer
    return dict(zip(OUTPUTS, answers, strict=False))


def export(network: nn.Module, architecture: Architecture, exporter: str, path: Path) -> None:
    """Write a network's file."""
    image = picture(*architecture.example)
    names = list(named(network(image)))
    common: dict[str, Any] = {"opset_version": EXPORTERS[exporter], "input_names": ["image"], "output_names": names}
    if exporter == "torchscript":
        free = {} if architecture.square else {"image": {2: "height", 3: "width"}}
        torch.onnx.export(network, (image,), path, dynamo=False, dynamic_axes=free, **common)
    else:
        side = torch.export.Dim.DYNAMIC
        shapes = None if architecture.square else ({2: side, 3: side},)
        torch.onnx.export(
            network, (image,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **common
        )


def write_answers(network: nn.Module, architecture: Architecture, path: Path) -> None:
    """Write what a network answers in double precision."""
    arrays = {}
    double = network.double()
    for module in double.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):  # some networks make tables in single precision as they run
            module.register_forward_pre_hook(lambda _module, given: tuple(one.double() for one in given))
    for height, width in architecture.sizes:
        image = picture(height, width)
        arrays[f"{height}x{width}/image"] = image[0].numpy().transpose(1, 2, 0)
        for name, answer in named(double(image.double())).items():
            arrays[f"{height}x{width}/{name}"] = answer[0].numpy().transpose(1, 2, 0)
    np.savez(path, **arrays)


def in_a_process(act: Callable[[], None]) -> str:
    """Do something in a process of its own, which an exporter may bring down; return what went wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            act()
            error = ""
        except Exception as problem:  # whatever an exporter raises is what it says of the network
            error = f"{type(problem).__name__}: {problem}"
        os.write(writer, error.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        error = stream.read().decode(errors="replace")
    _child, status = os.waitpid(child, 0)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else error


def warm() -> None:
    """Export a convolution, so that what the exporters import is there once, before the processes part."""
    architecture = Architecture(lambda: nn.Conv2d(3, 3, 1))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for exporter in EXPORTERS:
            export(Contract(architecture.make(), 1).eval(), architecture, exporter, Path(folder) / "network.onnx")


def written(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Write the files of an architecture, and yield what is to be said of each."""
    architecture = ARCHITECTURES[name]
    acts: dict[str, tuple[Path, Callable[[Path], None]]] = {
        "double": (folder / f"{name}.npz", lambda path: write_answers(made(name), architecture, path))
    }
    for exporter, why in architecture.not_exported.items():
        yield {"name": name, "what": exporter, "seconds": 0.0, "error": why}
    for exporter in [one for one in EXPORTERS if one not in architecture.not_exported]:
        path = folder / f"{name}-{exporter}.onnx"
        acts[exporter] = path, partial(export, made(name), architecture, exporter)
    for what, (path, act) in acts.items():
        begin, unfinished = time.perf_counter(), path.with_name(f"unfinished-{path.name}")
        error = in_a_process(partial(act, unfinished))
        if not error:
            unfinished.replace(path)
        yield {"name": name, "what": what, "seconds": round(time.perf_counter() - begin, 2), "error": error}


def main(folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    warm()
    for name in names or sorted(ARCHITECTURES):
        try:
            (folder / f"{name}.taken").touch(exist_ok=False)
        except FileExistsError:
            continue
        for line in written(name, folder):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
