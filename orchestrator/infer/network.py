"""One exported network in ONNX Runtime: float32 pictures in, float32 pictures out."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

Picture = npt.NDArray[np.float32]
"""(H, W, 3), RGB, 0 to 1 for inputs; outputs are not clipped."""

_INPUT = "image"
_MAIN = "transmission"
_MEMORY_SIGNS = ("allocate memory", "bad_alloc", "out of memory", "BFCArena", "allocation")


class NetworkError(Exception):
    """The network cannot be used, or refuses a picture."""


class DeviceMissing(NetworkError):
    """The device that was asked for is not there."""


class MemoryShort(NetworkError):
    """Memory did not suffice for a picture."""


class Network:
    """A network of the ONNX contract: input `image`, outputs `transmission`, perhaps `reflection` and cascade steps."""

    def __init__(
        self, path: Path, *, device: str = "cpu", threads: int | None = None, memory_bytes: int | None = None
    ) -> None:
        """Load the network.

        device: "cpu" or "cuda"; memory_bytes: of the device's memory, where it has its own

        Raises: NetworkError where the file is no such network, DeviceMissing where the device is not there.
        """
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), _options(threads), providers=_providers(device, memory_bytes)
            )
        except DeviceMissing:
            raise
        except Exception as error:
            raise NetworkError(f"{path.name} cannot be loaded: {error}") from error
        inputs = [one.name for one in self._session.get_inputs()]
        self.outputs = tuple(one.name for one in self._session.get_outputs())
        if inputs != [_INPUT] or _MAIN not in self.outputs:
            raise NetworkError(
                f"{path.name} has inputs {', '.join(inputs)} and outputs {', '.join(self.outputs)}; "
                f"it needs the input {_INPUT} and the output {_MAIN}"
            )

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it: version and provider."""
        return {"onnxruntime": onnxruntime.__version__, "provider": self._session.get_providers()[0]}

    def __call__(self, picture: Picture) -> dict[str, Picture]:
        """Return every output for one picture, (H, W, 3) each.

        Raises: MemoryShort, or NetworkError where the network refuses the picture or answers at another size.
        """
        batch = np.ascontiguousarray(picture.transpose(2, 0, 1))[None]
        try:
            answers = self._session.run(list(self.outputs), {_INPUT: batch})
        except Exception as error:  # ONNX Runtime has one class of exception for everything
            kind = MemoryShort if any(sign in str(error) for sign in _MEMORY_SIGNS) else NetworkError
            raise kind(str(error).splitlines()[0]) from error
        found = {}
        for name, answer in zip(self.outputs, answers, strict=True):
            if answer.shape != batch.shape:
                raise NetworkError(f"output {name} has shape {answer.shape} for a picture of {batch.shape}")
            found[name] = answer[0].transpose(1, 2, 0)
        return found


def cascade_steps(outputs: tuple[str, ...]) -> list[str]:
    """Return the names of a cascade's earlier transmissions, first to last."""
    numbered = [(int(found[1]), name) for name in outputs if (found := re.fullmatch(rf"{_MAIN}_(\d+)", name))]
    return [name for _number, name in sorted(numbered)]


def _options(threads: int | None) -> onnxruntime.SessionOptions:
    """Return options that keep memory near what the graph needs: shapes change, so patterns and arenas only grow."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    if threads is not None:
        options.intra_op_num_threads = threads
    return options


def _providers(device: str, memory_bytes: int | None) -> list[object]:
    if device != "cuda":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise DeviceMissing("ONNX Runtime sees no CUDA device")
    limits = {} if memory_bytes is None else {"gpu_mem_limit": memory_bytes}
    return [("CUDAExecutionProvider", limits)]
