"""What stages took: those of a store, by their manifests and results, and those that the project brings with it."""

import contextlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field

from orchestrator.errors import SirrError
from orchestrator.plan.estimates import Measurement
from orchestrator.plan.keys import canonical_json
from orchestrator.plan.tasks import network_of, surplus, task_of
from orchestrator.plan.work import DatasetSize, Work, size_of_prepared, work_of_steps
from orchestrator.resources import data_folder
from orchestrator.results import read_result
from orchestrator.spec.base import StrictModel
from orchestrator.store.examine import read_manifest
from orchestrator.store.manifest import Manifest
from orchestrator.store.store import Artifact, Store
from stagekit.results.dataset import DatasetFile
from stagekit.results.predictions import PredictionsFile
from stagekit.results.train import TrainFile

RATES = "measured/rates.json"
"""The project's own measurements, in its folder of data."""

_MOST_RESULTS = 1000
"""The newest results of a store that are looked at: a plan must not wait for a store of many thousands."""
_MOST_OF_A_TASK = 8
_LONGEST_S = 366 * 86400.0
_ONE_PIECE = ("adopt", "export", "wrap")
"""Kinds that read no pictures."""


class MeasuredMachine(StrictModel):
    """The machine that the project's measurements were made on."""

    processor: str
    """As the kernel names it."""
    processors: int = Field(ge=1)
    """How many a stage could use."""
    memory_bytes: int = Field(ge=1)
    """Of the machine."""
    measured: str
    """Month."""


class MeasuredStage(StrictModel):
    """One measurement."""

    task: dict[str, Any]
    """As `task_of` has it."""
    units: int = Field(ge=1)
    """Steps, pictures, or 1."""
    pixels: float = Field(ge=0)
    """Over all units."""
    seconds: float = Field(gt=0)
    """From start to end."""
    units_s: float | None = Field(ge=0)
    """Of these, at the units."""
    size_bytes: int = Field(ge=0)
    """Of the result."""


class MeasuredRates(StrictModel):
    """The file `RATES`, written by benchmarks/rates.py."""

    machine: MeasuredMachine
    """What they were made on."""
    stages: tuple[MeasuredStage, ...]
    """One after the other."""

    @cached_property
    def measurements(self) -> tuple[Measurement, ...]:
        """What the stages took."""
        return tuple(
            Measurement(canonical_json(one.task), Work(one.units, one.pixels), one.seconds, one.units_s, one.size_bytes)
            for one in self.stages
        )


def brought_rates() -> MeasuredRates:
    """Return the measurements that the project brings."""
    return MeasuredRates.model_validate_json((data_folder() / RATES).read_bytes())


def store_measurements(
    store: Store, shapes: Mapping[str, Sequence[str]], tasks: Collection[str] | None = None
) -> tuple[Measurement, ...]:
    """Return what the newest results of a store took; what is damaged, or told times that cannot be, is passed over.

    Args:
        shapes: Fields of recipes that shape a network, by model.
        tasks: Those that are asked for, with those that do the same and more; None for all that there are.
    """
    return tuple(_Harvest(_newest(store), shapes).measurements(tasks))


def dataset_size(artifact: Artifact) -> DatasetSize | None:
    """Return what a prepared dataset holds; None where its document cannot be read."""
    try:
        return size_of_prepared(read_result(DatasetFile, artifact.output))
    except SirrError:
        return None


def _newest(store: Store) -> list[Artifact]:
    """Return the newest results, the newest first."""
    layout, dated = store.layout, []
    for key in layout.artifact_keys():
        with contextlib.suppress(OSError):
            dated.append((layout.artifact(key).stat().st_mtime, key))
    found = []
    for _moment, key in sorted(dated, reverse=True)[:_MOST_RESULTS]:
        manifest = read_manifest(layout.artifact(key), key)
        if isinstance(manifest, Manifest):
            found.append(Artifact(layout.artifact(key), manifest))
    return found


@dataclass(frozen=True)
class _Harvest:
    """Reads measurements out of results."""

    artifacts: Sequence[Artifact]
    shapes: Mapping[str, Sequence[str]]

    def measurements(self, tasks: Collection[str] | None) -> Iterator[Measurement]:
        """Yield those of tasks, the newest first."""
        found: Counter[str] = Counter()
        for artifact in self.artifacts:
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, SirrError):
                task = self._task(artifact.manifest.document)
                if found[task] < _MOST_OF_A_TASK and self._asked(task, tasks):
                    measurement = self._measurement(task, artifact)
                    if measurement is not None:
                        found[task] += 1
                        yield measurement

    @staticmethod
    def _asked(task: str, tasks: Collection[str] | None) -> bool:
        return tasks is None or task in tasks or any(surplus(task, one) for one in tasks)

    def _task(self, document: Mapping[str, Any]) -> str:
        network = self._networks[document["inputs"]["network"]] if document["kind"] == "infer" else None
        return task_of(document, network, self.shapes)

    @cached_property
    def _networks(self) -> dict[str, dict[str, Any]]:
        """What networks are, by the digest of their content."""
        found = {}
        for artifact in self.artifacts:
            if artifact.manifest.kind in {"export", "wrap"}:
                with contextlib.suppress(KeyError, TypeError):
                    found[artifact.content] = network_of(artifact.manifest.document)
        return found

    @cached_property
    def _datasets(self) -> dict[str, DatasetSize]:
        """How large datasets are, by the digest of their content."""
        prepared = (artifact for artifact in self.artifacts if artifact.manifest.kind == "prepare")
        sizes = {artifact.content: dataset_size(artifact) for artifact in prepared}
        return {content: size for content, size in sizes.items() if size is not None}

    def _measurement(self, task: str, artifact: Artifact) -> Measurement | None:
        """Return what a result took; None where it tells no time that can be.

        A stage that went on from where it was interrupted recorded the time of its last part alone.
        """
        manifest = artifact.manifest
        work, units_s = self._work(artifact)
        seconds = None if manifest.facts.get("resumed") else _plausible(manifest.facts.get("seconds"))
        if seconds is not None and units_s is not None and units_s > seconds:
            seconds = None
        if work.units < 1 or (seconds is None and units_s is None):
            return None
        size = sum(record.size for record in (*manifest.files.values(), *manifest.fact_files.values()))
        return Measurement(task, work, seconds, units_s, size, manifest.key)

    def _work(self, artifact: Artifact) -> tuple[Work, float | None]:
        """Return how much a stage did, and the seconds that its program counted at its units."""
        document = artifact.manifest.document
        match document["kind"]:
            case "train":
                training = read_result(TrainFile, artifact.output, artifact.facts)
                return work_of_steps(document["settings"]["recipe"], training.steps), _plausible(training.seconds)
            case "infer" | "predict":
                items = read_result(PredictionsFile, artifact.output, artifact.facts).items
                pixels = sum(item.height * item.width for item in items)
                times = [item.seconds for item in items if item.seconds is not None]
                return Work(len(items), pixels), _plausible(math.fsum(times)) if len(times) == len(items) else None
            case "prepare":
                return Work(1, self._datasets[artifact.content].pixels), None
            case kind if kind in _ONE_PIECE:
                return Work(1, 0), None
            case "overlap":
                return Work(1, sum(self._datasets[digest].pixels for digest in document["inputs"].values())), None
            case _:
                return Work(1, self._datasets[document["inputs"]["dataset"]].pixels), None


def _plausible(seconds: Any) -> float | None:
    """Return a time that a stage can have taken; clocks that were set leave others."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if math.isfinite(seconds) and 0 < seconds < _LONGEST_S else None
