"""A network of a stage, ready for pictures in the mode that its settings name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.infer.engine import Engine
from orchestrator.infer.network import DeviceMissing, MemoryShort, Network, NetworkError, Picture, Resources
from orchestrator.infer.region import Size
from orchestrator.infer.rows import Rows, Source, Whole
from orchestrator.infer.run import EXACT, Answer, Settings, infer, infer_unplaced, resized
from stagekit import BadInput, OutOfMemory, StageContext, StageError


@dataclass(frozen=True)
class Answered:
    """What a network answered: its outputs by name, and 'exact' or why not."""

    outputs: Mapping[str, Rows]
    label: str


@dataclass(frozen=True)
class Opened:
    """A network, ready for pictures: with an engine for exact inference, or as its file has it."""

    engine: Engine | None
    network: Network | None

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it."""
        return (self.engine or self._whole()).runtime

    def plan_facts(self, size: Size) -> Mapping[str, int | float] | None:
        """Return how a picture goes through, where it goes in segments."""
        if self.engine is None or self.engine.unplaced(size):
            return None
        return self.engine.facts(size)

    def answer(self, source: Source, settings: Settings, told: Callable[[float], None], keep: Path) -> Answered:
        """Return the answer to a picture in the mode of the settings.

        An exact answer is had in strips; every other way holds the picture and its answers in memory.
        keep: where an exact one keeps its way, for a stage that takes over

        Raises: NetworkError, and what `source` and `told` raise.
        """
        if self.engine is not None and settings.short_edge is None and not self.engine.unplaced(source.size):
            return Answered(self.engine.streamed(source, told, keep), EXACT)
        picture = np.concatenate(list(source.strips()))
        if settings.short_edge is None:
            answer = self._answer(picture, settings, told, keep)
        else:
            answer = resized(lambda small: self._answer(small, settings, told, keep), picture, settings.short_edge)
        return Answered({name: Whole(values) for name, values in answer.outputs.items()}, answer.label)

    def _answer(self, picture: Picture, settings: Settings, told: Callable[[float], None], keep: Path) -> Answer:
        def tile_told(done: int, count: int) -> None:
            told(done / count)

        if self.engine is None:
            return infer(self._whole(), picture, settings, tile_told)
        unplaced = self.engine.unplaced(Size(*picture.shape[:2]))
        if unplaced:
            return infer_unplaced(self.engine.whole(), picture, settings, unplaced[0].op, tile_told)
        return Answer(self.engine(picture, told, keep), EXACT)

    def _whole(self) -> Network:
        assert self.network is not None
        return self.network


def opened(context: StageContext, settings: Settings, sizes: list[Size]) -> Opened:
    """Return the network of a stage.

    sizes: of the pictures that will come

    Raises: BadInput where it cannot be used, OutOfMemory where the memory cannot suffice, StageError where the device
        is missing.
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
            return Opened(None, Network(path, resources))
        engine = Engine(path, resources, Path(context.work()))
        engine.prepare(sizes if settings.short_edge is None else ())
        return Opened(engine, None)
    except DeviceMissing as error:
        raise StageError(
            str(error), "build the image's cuda variant and give the stage a GPU, or run with device: cpu"
        ) from error
    except MemoryShort as error:
        raise OutOfMemory(str(error), "raise the experiment's memory") from error
    except NetworkError as error:
        raise BadInput(str(error), "export the network again, or name another file") from error


def network_file(context: StageContext) -> Path:
    """Return the path of a stage's network: the input, or the file in it."""
    path = Path(context.input("network"))
    return path / "network.onnx" if path.is_dir() else path
