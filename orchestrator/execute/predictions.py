"""Shows which files of predictions are taken for which pictures, before anything is scored."""

from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import InputInvalid, SpecError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.run_stages import ExecutionRequest, StagesResult, attempted_stages, planned_stages
from orchestrator.results import read_result
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.store import Store
from stagekit.results.predictions import PredictionsFile


@dataclass(frozen=True)
class MatchedSet:
    """What was found of an entrant's predictions of one dataset.

    Attributes:
        found: What a stage of the run will take over; the error where it will fail.
        pictures: How many pictures want an answer; None where that is not known.
    """

    entrant: str
    dataset: str
    found: PredictionsFile | InputInvalid
    pictures: int | None

    @property
    def complete(self) -> bool:
        """Whether every picture has an answer of its own."""
        return isinstance(self.found, PredictionsFile) and not self.found.failed and not self.found.copies

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        head: dict[str, Any] = {"entrant": self.entrant, "dataset": self.dataset}
        if isinstance(self.found, InputInvalid):
            return {**head, "error": self.found.message, "hint": self.found.hint}
        return {
            **head,
            "pictures": self.pictures,
            "answers": [item.id for item in self.found.items],
            "failed": {left_out.name: left_out.reason for left_out in self.found.failed or ()},
            "copies": {control: list(ids) for control, ids in (self.found.copies or {}).items()},
            "notes": list(self.found.warnings),
        }


def matched_predictions(request: RunRequest, execution: ExecutionRequest) -> list[MatchedSet]:
    """Return what is found of all predictions of an experiment; nothing is scored, and no run is recorded.

    It runs on the engine of the request, else on the experiment's.

    Raises:
        SpecError: With every mistake of the file, and where no entrant of it is predictions.
        ImageNotBuilt: Where an image is not built.
        EngineUnavailable: Where no engine answers.
        Cancelled: Where the user stopped.
    """
    comparison = planned(request, say=execution.say)
    execution = replace(execution, engine=request.engine or comparison.resolved.experiment.engine)
    asked = [(given.label, dataset) for given in comparison.resolved.predictions for dataset in given.places]
    if not asked:
        raise SpecError(
            f"no entrant of {request.spec} is predictions that another program has written",
            hint="write one under 'models:', such as {predictions: FOLDER, name: NAME}",
        )
    names = {stage_name("prepare", dataset) for _label, dataset in asked}
    names |= {stage_name("collect", label, dataset) for label, dataset in asked}
    stages = [stage for stage in comparison.plan.stages if stage.name in names]
    store = Store(execution.store)
    chosen = planned_stages(
        stages, store, "match", store.layout.logs("match"), comparison.variant, comparison.resolved.library
    )
    result = attempted_stages(chosen, store, execution)
    return [_matched(label, dataset, result) for label, dataset in asked]


def _matched(label: str, dataset: str, result: StagesResult) -> MatchedSet:
    """Return what a stage found.

    Raises:
        SirrError: Where a stage failed for another reason than the files.
    """
    prepare, collect = stage_name("prepare", dataset), stage_name("collect", label, dataset)
    error = result.failures.get(prepare) or result.failures.get(collect)
    if isinstance(error, InputInvalid):
        return MatchedSet(label, dataset, error, None)
    if error is not None:
        raise error
    found = read_result(PredictionsFile, result.results[collect].output)
    return MatchedSet(label, dataset, found, len(found.items) + len(found.failed or ()))
