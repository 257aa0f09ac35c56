"""A network of a stage, ready for pictures in the mode that its settings name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.infer.execution.plan_executor import ProgressCallback
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.modes import EXACT, Answer, Settings, infer, infer_not_tileable, resized
from orchestrator.infer.onnx_network import DeviceMissing, MemoryShort, NetworkError, OnnxNetwork, Picture, Resources
from orchestrator.infer.rows import PictureSource, Rows, Whole
from stagekit import BadInput, OutOfMemory, StageContext, StageError

EXPORT_AGAIN = "export the network again, or name another file"
"""What helps where a network takes no picture."""

_FORM = "1 x channels x rows x columns"


@dataclass(frozen=True)
class Answered:
    """What a network answered.

    Attributes:
        outputs: By name.
        label: 'exact', or why not.
        left_out: Names of the outputs that are not among them.
        kept: What is, in words.
    """

    outputs: Mapping[str, Rows]
    label: str
    left_out: Sequence[str]
    kept: str


@dataclass(frozen=True)
class Opened:
    """A network, ready for pictures: with an engine for exact inference, or as its file has it."""

    engine: InferenceEngine | None
    network: OnnxNetwork | None

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it."""
        return (self.engine or self._whole()).runtime

    def size_multiple(self, size: Size) -> int:
        """Return up to which multiple of pixels a picture's edges are repeated; 1 where nothing is done to it."""
        if self.engine is None:
            return 1
        try:
            return self.engine.size_multiple(size)
        except NetworkError:  # told where the picture's turn comes
            return 1

    def plan_facts(self, size: Size) -> Mapping[str, int | float] | None:
        """Return how a picture goes through, where it goes in segments."""
        if self.engine is None or self.engine.not_tileable(size):
            return None
        return self.engine.facts(size)

    def answer(
        self, source: PictureSource, settings: Settings, progress: ProgressCallback, checkpoints: Path
    ) -> Answered:
        """Return the answer to a picture in the mode of the settings.

        An exact answer is had in strips; every other mode has the picture and its answers in memory.

        Also raises what `source` and `progress` raise.

        Args:
            checkpoints: Where an exact one saves resume points, for a stage that takes over.

        Raises:
            NetworkError: Where the network refuses the picture.
        """
        if self.engine is not None and settings.short_edge is None and not self.engine.not_tileable(source.size):
            outputs = self.engine.streamed(source, progress, checkpoints)
            return self._answered(outputs, EXACT, f"maps, {_FORM}, and no values of the whole picture")
        picture = np.concatenate(list(source.strips()))
        if settings.short_edge is None:
            answer = self._answer(picture, settings, progress, checkpoints)
        else:
            answer = resized(
                lambda small: self._answer(small, settings, progress, checkpoints), picture, settings.short_edge
            )
        outputs = {name: Whole(values) for name, values in answer.outputs.items()}
        kept = f"outputs of {_FORM}" if answer.label == EXACT else "maps of the picture's own size"
        return self._answered(outputs, answer.label, kept)

    def _answered(self, outputs: Mapping[str, Rows], label: str, kept: str) -> Answered:
        names = self._whole().outputs if self.engine is None else self.engine.outputs
        return Answered(outputs, label, [name for name in names if name not in outputs], kept)

    def _answer(self, picture: Picture, settings: Settings, progress: ProgressCallback, checkpoints: Path) -> Answer:
        def tile_progress(done: int, count: int) -> None:
            progress(done / count)

        if self.engine is None:
            return infer(self._whole(), picture, settings, tile_progress)
        not_tileable = self.engine.not_tileable(Size(*picture.shape[:2]))
        if not_tileable:
            return infer_not_tileable(self.engine.whole(), picture, settings, not_tileable[0].op, tile_progress)
        return Answer(self.engine(picture, progress, checkpoints), EXACT)

    def _whole(self) -> OnnxNetwork:
        assert self.network is not None
        return self.network


def opened(context: StageContext, settings: Settings, sizes: list[Size]) -> Opened:
    """Return the network of a stage.

    Args:
        sizes: Of the pictures that will come.

    Raises:
        BadInput: Where it cannot be used.
        OutOfMemory: Where the memory cannot suffice.
        StageError: Where the device is missing.
    """
    path = network_file(context)
    request = context.request
    resources = Resources(
        "cuda" if request.device == "cuda" else "cpu",
        request.threads,
        request.memory_bytes,
        request.device_memory_bytes,
    )
    try:
        if settings.mode != "exact":
            return Opened(None, OnnxNetwork(path, resources))
        engine = InferenceEngine(path, resources, Path(context.work()))
        engine.prepare(sizes if settings.short_edge is None else ())
        return Opened(engine, None)
    except DeviceMissing as error:
        raise StageError(
            str(error), "build the image's cuda variant and give the stage a GPU, or run with device: cpu"
        ) from error
    except MemoryShort as error:
        raise OutOfMemory(str(error), "raise the experiment's memory") from error
    except NetworkError as error:
        raise BadInput(str(error), EXPORT_AGAIN) from error


def network_file(context: StageContext) -> Path:
    """Return the path of a stage's network: the input, or the file in it."""
    path = Path(context.input("network"))
    return path / "network.onnx" if path.is_dir() else path
