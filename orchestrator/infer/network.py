"""One exported network in ONNX Runtime: float32 pictures in, float32 pictures out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

Picture = npt.NDArray[np.float32]
"""(H, W, 3), RGB, 0 to 1 for inputs; outputs are not clipped."""

INPUT = "image"
TRANSMISSION = "transmission"
REFLECTION = "reflection"

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_CUDA_OPTIONS = {
    "arena_extend_strategy": "kSameAsRequested",
    "cudnn_conv_algo_search": "HEURISTIC",  # searching anew at every size of picture costs seconds
    "cudnn_conv_use_max_workspace": "0",
    "use_tf32": "0",
}
_SAME_AS_REQUESTED = 1
_RESERVE_BYTES = 512 * 2**20
"""Of the process's memory, what pictures, code and the network's file take beside its tensors."""

_MEMORY_SIGNS = (
    "failed to allocate",
    "allocate memory",
    "bad allocation",
    "bad_alloc",
    "bfcarena",
    "out of memory",
    "alloc_failed",
    "memoryallocation",
)
"""How ONNX Runtime, CUDA, cuBLAS and cuDNN say that memory is short, in small letters; there is no class for it."""


class NetworkError(Exception):
    """The network cannot be used, or refuses a picture."""


class DeviceMissing(NetworkError):
    """The device that was asked for is not there."""


class MemoryShort(NetworkError):
    """Memory did not suffice for a picture."""


@dataclass(frozen=True)
class Resources:
    """What a network may use.

    threads: of the processor, None for all of them; memory_bytes: of the whole process, None for no limit. On the
    CPU ONNX Runtime keeps to the limit and says so when it does not suffice; else the kernel would end the process,
    and nobody would learn why.
    """

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    memory_bytes: int | None = None


class Network:
    """A network of the ONNX contract: input `image`, outputs `transmission`, perhaps `reflection` and cascade steps."""

    def __init__(self, path: Path, resources: Resources | None = None) -> None:
        """Load the network.

        Raises: NetworkError where the file is no such network, DeviceMissing where the device is not there: a CPU
            never stands in for it; MemoryShort where even its weights do not fit.
        """
        self._session = _session(path, resources or Resources())
        self._run_options = _run_options(resources or Resources())
        inputs = [one.name for one in self._session.get_inputs()]
        self.outputs = tuple(str(one.name) for one in self._session.get_outputs())
        if inputs != [INPUT] or TRANSMISSION not in self.outputs:
            raise NetworkError(
                f"{path.name} has inputs {', '.join(inputs)} and outputs {', '.join(self.outputs)}; "
                f"it needs the input {INPUT} and the output {TRANSMISSION}"
            )

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it: version and provider."""
        return {"onnxruntime": str(onnxruntime.__version__), "provider": str(self._session.get_providers()[0])}

    def __call__(self, picture: Picture) -> Mapping[str, Picture]:
        """Return every output for one picture, (H, W, 3) each.

        Raises: MemoryShort, or NetworkError where the network refuses the picture or answers at another size.
        """
        batch = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
        try:
            answers = self._session.run(list(self.outputs), {INPUT: batch}, self._run_options)
        except Exception as error:  # ONNX Runtime has no common class for its exceptions
            raise _explained(error) from error
        found = {}
        for name, answer in zip(self.outputs, answers, strict=True):
            if answer.shape != batch.shape:
                raise NetworkError(f"output {name} has shape {answer.shape} for a picture of {batch.shape}")
            found[name] = answer[0].transpose(1, 2, 0)
        return found


def cascade_steps(outputs: Mapping[str, Picture]) -> list[str]:
    """Return the names of a cascade's numbered transmissions, first to last."""
    numbered = [(int(found[1]), name) for name in outputs if (found := re.fullmatch(rf"{TRANSMISSION}_(\d+)", name))]
    return [name for _number, name in sorted(numbered)]


def _session(path: Path, resources: Resources) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = resources.threads or 0
    options.enable_mem_pattern = False  # for every size met again it would hold a second block
    if resources.device == "cpu" and resources.memory_bytes is not None:
        _limit_memory(max(resources.memory_bytes - _RESERVE_BYTES, resources.memory_bytes // 2))
        options.add_session_config_entry("session.use_env_allocators", "1")
    providers = _providers(resources.device)
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=providers)
    except Exception as error:  # as above
        raise _explained(error, f"{path.name} cannot be loaded: ") from error
    if resources.device == "cuda" and session.get_providers()[0] != _CUDA:
        raise DeviceMissing(f"ONNX Runtime {onnxruntime.__version__} cannot use CUDA: its libraries or the GPU fail")
    return session


def _run_options(resources: Resources) -> Any:
    """Return options by which a limited arena gives back what a picture took: blocks of its size fit no other."""
    options = onnxruntime.RunOptions()
    if resources.device == "cpu" and resources.memory_bytes is not None:
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _providers(device: str) -> list[Any]:
    """Return the providers of a device, best first; with CUDA, the sizes in a graph are still computed on the host."""
    if device != "cuda":
        return [_CPU]
    if _CUDA not in onnxruntime.get_available_providers():
        raise DeviceMissing(f"ONNX Runtime {onnxruntime.__version__} is here without CUDA")
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    return [(_CUDA, _CUDA_OPTIONS), _CPU]


def _limit_memory(limit_bytes: int) -> None:
    """Give the sessions that this process opens from now on one arena that grows by what is asked for, to a limit."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg(limit_bytes, _SAME_AS_REQUESTED, -1, -1)
    onnxruntime.create_and_register_allocator(place, arena)


def _explained(error: Exception, before: str = "") -> NetworkError:
    """Return what an exception of ONNX Runtime means, with its first line after `before`."""
    short = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _MEMORY_SIGNS)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return (MemoryShort if short else NetworkError)(before + reason)
