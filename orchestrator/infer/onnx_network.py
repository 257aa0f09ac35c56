"""One exported network in ONNX Runtime, whole: float32 pictures in, float32 pictures out. The reference."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import (
    INPUT,
    NAMES_NEEDED,
    REFLECTION,
    TRANSMISSION,
    NetworkError,
    PictureRefused,
    is_picture,
    network_content,
    parsed_network,
    plain_outputs,
)
from orchestrator.infer.loading.network_contract import refuse_other_inputs, refuse_other_sizes
from orchestrator.infer.session import DeviceMissing, MemoryShort, Resources, Session, share_memory

Picture = npt.NDArray[np.float32]
"""(H, W, 3), RGB, 0 to 1 for inputs; outputs are not clipped."""

RESERVE_BYTES = 512 * 2**20
"""Of the process's memory, what pictures, code and the network's file take beside its tensors."""

__all__ = [
    "INPUT",
    "REFLECTION",
    "TRANSMISSION",
    "DeviceMissing",
    "MemoryShort",
    "OnnxNetwork",
    "NetworkError",
    "Picture",
    "PictureRefused",
    "Resources",
    "cascade_steps",
]


class OnnxNetwork:
    """A network of the ONNX contract: input `image`, outputs `transmission`, perhaps `reflection` and cascade steps."""

    def __init__(self, path: Path, resources: Resources | None = None) -> None:
        """Load the network, and keep ONNX Runtime to the resources' memory where nobody has done so.

        Raises:
            NetworkError: Where the file is no such network.
            DeviceMissing: Where the device is not there: a CPU never stands in for it.
            MemoryShort: Where even its weights do not fit.
        """
        resources = resources or Resources()
        if resources.device == "cpu" and resources.memory_bytes is not None and not resources.shared:
            share_memory(max(resources.memory_bytes - RESERVE_BYTES, resources.memory_bytes // 2))
            resources = replace(resources, shared=True)
        content = network_content(path)
        parsed_network(path.name, content)  # ONNX Runtime would read what lies in other files
        self._session = Session(content, resources, path.name)
        self.outputs = plain_outputs(path.name, self._session.outputs)
        inputs = self._session.inputs
        if inputs != [INPUT] or TRANSMISSION not in self.outputs:
            raise NetworkError(
                f"{path.name} has inputs {', '.join(inputs)} and outputs {', '.join(self.outputs)}; {NAMES_NEEDED}"
            )
        refuse_other_inputs(*self._session.form(INPUT))

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it: version and provider."""
        return {"onnxruntime": str(onnxruntime.__version__), "provider": self._session.provider}

    def __call__(self, picture: Picture) -> Mapping[str, Picture]:
        """Return every output for one picture, (H, W, 3) each; those of other names may have another size.

        Raises:
            MemoryShort: Where memory does not suffice.
            PictureRefused: Where the network refuses the picture.
            NetworkError: Where it answers at another size.
        """
        refuse_other_sizes(self._session.form(INPUT)[1], Size(*picture.shape[:2]))
        batch = as_batch(picture)
        answers = self._session.run(self.outputs, {INPUT: batch}, shrink=True)
        return as_pictures(dict(zip(self.outputs, answers, strict=True)), batch.shape)


def as_batch(picture: Picture) -> npt.NDArray[np.float32]:
    """Return a picture as networks take it: (1, 3, H, W)."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


def as_pictures(answers: Mapping[str, npt.NDArray[np.float32]], shape: tuple[int, ...]) -> dict[str, Picture]:
    """Return a network's answers, (height, width, channels) each; those that are no maps are left out.

    Raises:
        NetworkError: Where one that is a picture by its name has another shape than the input.
    """
    refuse_other_shapes(answers, shape)
    maps = {name: answer for name, answer in answers.items() if answer.ndim == 4 and answer.shape[0] == 1}
    return {name: answer[0].transpose(1, 2, 0).astype(np.float32, copy=False) for name, answer in maps.items()}


def refuse_other_shapes(answers: Mapping[str, npt.NDArray[np.float32]], shape: tuple[int, ...]) -> None:
    """Raise NetworkError where an answer that is a picture by its name has another shape than the input."""
    for name, answer in answers.items():
        if is_picture(name) and answer.shape != shape:
            raise NetworkError(f"output {name} has shape {answer.shape} for a picture of {shape}")


def cascade_steps(outputs: Iterable[str]) -> list[str]:
    """Return the names of a cascade's numbered transmissions, first to last."""
    numbered = [(int(found[1]), name) for name in outputs if (found := re.fullmatch(rf"{TRANSMISSION}_(\d+)", name))]
    return [name for _number, name in sorted(numbered)]
