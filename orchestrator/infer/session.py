"""ONNX Runtime as the engine uses it: sessions with one arena for all, kept to a limit, and what its errors mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import onnxruntime

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.loading.model_file import NetworkError, PictureRefused

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_CUDA_OPTIONS = {
    "arena_extend_strategy": "kSameAsRequested",
    "cudnn_conv_algo_search": "HEURISTIC",  # searching anew at every size of picture costs seconds
    "cudnn_conv_use_max_workspace": "0",
    "use_tf32": "0",
}
_NO_LIMIT, _IN_LARGE_BLOCKS = 0, 0

BLOCK_BYTES = 2**31 - 1
"""The largest block that an arena takes of the system at once."""

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


_FAILED_NODE = r"^Non-zero status code returned while running (\w+) node\. Name:'.*?' Status Message: (\S+:\d+ \w+ )?"
"""Before the reason why a node fails, of which its operation is worth telling."""


class DeviceMissing(NetworkError):
    """The device that was asked for is not there."""


class MemoryShort(NetworkError):
    """Memory did not suffice for a picture."""


@dataclass(frozen=True)
class Resources:
    """What a network may use.

    Attributes:
        threads: Of the processor, None for all of them.
        memory_bytes: Of the whole process, None for no limit. On the CPU ONNX Runtime keeps to the limit and says so
            when it does not suffice; else the kernel would end the process, and nobody would learn why.
        device_memory_bytes: Of a GPU, None for all that it has.
        shared: Whether sessions take their memory from the process's one arena, once `share_memory` has made it.
    """

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    memory_bytes: int | None = None
    device_memory_bytes: int | None = None
    shared: bool = False


class Session:
    """One ONNX graph, ready to run."""

    def __init__(
        self, content: bytes, resources: Resources, name: str, weights: Mapping[str, Array] | None = None
    ) -> None:
        """Load a graph.

        Args:
            name: For messages.
            weights: Initializers that the graph keeps elsewhere, shared, not copied.

        Raises:
            NetworkError: Where ONNX Runtime refuses it.
            DeviceMissing: Where the device is not there: a CPU never stands in for it.
            MemoryShort: Where even its weights do not fit.
        """
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = resources.threads or 0
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        options.enable_mem_pattern = False  # for every size met again it would hold a second block
        self._shared = resources.shared
        if self._shared:
            options.add_session_config_entry("session.use_env_allocators", "1")
        # Kept as long as the session: it reads them where they are.
        self._weights = {
            initializer: onnxruntime.OrtValue.ortvalue_from_numpy(value)
            for initializer, value in (weights or {}).items()
        }
        if self._weights:
            options.add_external_initializers(list(self._weights), list(self._weights.values()))
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=_providers(resources))
        except DeviceMissing:
            raise
        except Exception as error:  # ONNX Runtime has no common class for its exceptions
            raise network_error(error, f"{name} cannot be loaded: ") from error
        if resources.device == "cuda" and self.provider != _CUDA:
            version = onnxruntime.__version__
            raise DeviceMissing(f"ONNX Runtime {version} cannot use CUDA: its libraries or the GPU fail")

    @property
    def provider(self) -> str:
        """What runs it."""
        return str(self._session.get_providers()[0])

    @property
    def inputs(self) -> list[str]:
        """Names of its inputs."""
        return [str(one.name) for one in self._session.get_inputs()]

    def form(self, name: str) -> tuple[str, tuple[int | None, ...]]:
        """Return the type of an input's values, such as "float32", and its sides, None where they are free."""
        found = next(one for one in self._session.get_inputs() if one.name == name)
        kind = str(found.type).removeprefix("tensor(").removesuffix(")")
        sides = tuple(side if isinstance(side, int) else None for side in found.shape)
        return {"float": "float32", "double": "float64"}.get(kind, kind), sides

    @property
    def outputs(self) -> list[str]:
        """Names of its outputs."""
        return [str(one.name) for one in self._session.get_outputs()]

    def run(self, wanted: Sequence[str], given: Mapping[str, Array], *, shrink: bool = False) -> list[Array]:
        """Return some outputs.

        Args:
            shrink: Give back to the system what the arena holds and nobody uses.

        Raises:
            MemoryShort: Where memory does not suffice.
            PictureRefused: Where the graph refuses its inputs.
        """
        options = onnxruntime.RunOptions()
        if shrink and self._shared:
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        try:
            if self.provider == _CUDA:
                return run_bound(self._session, wanted, given, options, "cuda")
            answers: list[Array] = self._session.run(list(wanted), dict(given), options)
        except Exception as error:  # as above
            told = network_error(error)
            raise (told if isinstance(told, MemoryShort) else PictureRefused(str(told))) from error
        return answers


def run_bound(
    session: onnxruntime.InferenceSession,
    wanted: Sequence[str],
    given: Mapping[str, Array],
    options: onnxruntime.RunOptions,
    device: str,
) -> list[Array]:
    """Return some outputs of a session whose inputs lie on a device while it runs; the outputs come to the host.

    Without it each input would go over as its first reader runs, and everything on the way would wait for it.
    """
    binding = session.io_binding()
    for name, value in given.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value, device, 0))
    for name in wanted:
        binding.bind_output(name, "cpu")
    session.run_with_iobinding(binding, options)
    answers: list[Array] = binding.copy_outputs_to_cpu()
    return answers


def share_memory(limit_bytes: int | None) -> None:
    """Make one arena for the sessions of this process that share it; any other clears memory of its own.

    Args:
        limit_bytes: The most that it may hold, None for no limit.
    """
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    first = BLOCK_BYTES if limit_bytes is None else min(limit_bytes, BLOCK_BYTES)
    arena = onnxruntime.OrtArenaCfg(limit_bytes or _NO_LIMIT, _IN_LARGE_BLOCKS, first, -1)
    onnxruntime.create_and_register_allocator(place, arena)


def network_error(error: Exception, before: str = "") -> NetworkError:
    """Return what an exception of ONNX Runtime means, with its first line after `before`."""
    short = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _MEMORY_SIGNS)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    reason = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", re.sub(r"/\S*/onnxruntime/", "onnxruntime/", reason))
    reason = re.sub(_FAILED_NODE, r"\1 fails: ", reason)
    unknown = re.search(r"([\w.]+:\w+)\(-?\d+\) is not a registered function/op", reason)
    if unknown is not None:
        reason = f"it needs the operation {unknown[1]}, which ONNX Runtime {onnxruntime.__version__} does not have"
    return (MemoryShort if short else NetworkError)(before + reason)


def _providers(resources: Resources) -> list[Any]:
    """Return the providers of a device, best first; with CUDA, the sizes in a graph are still computed on the host."""
    if resources.device != "cuda":
        return [_CPU]
    if _CUDA not in onnxruntime.get_available_providers():
        raise DeviceMissing(f"ONNX Runtime {onnxruntime.__version__} is here without CUDA")
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    limit = {} if resources.device_memory_bytes is None else {"gpu_mem_limit": str(resources.device_memory_bytes)}
    return [(_CUDA, {**_CUDA_OPTIONS, **limit}), _CPU]
