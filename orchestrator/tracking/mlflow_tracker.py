"""MLflow: the comparison is a run of an experiment of its name, and its entrants are runs below it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from orchestrator.errors import SirrError, SpecError, TrackingFailed
from orchestrator.tracking.record import Point, TrackedEntrant, TrackedRun
from orchestrator.tracking.tracker import Files, Told, reason

_SETTINGS = {
    # A server that is away is not waited for: a run has ended, and can be told later.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""The client's own, where the user has set no others."""

_ID, _SENT, _REPORT = "sirr-orch.id", "sirr-orch.sent", "sirr-orch.report"
_PARENT = "mlflow.parentRunId"
_MOST_METRICS, _MOST_PARAMETERS, _MOST_TAGS = 1000, 100, 100
"""What the server takes at once. Source: MLflow 3.17, log-batch."""
_LONGEST_PARAMETER, _LONGEST_TAG = 6000, 5000

Outcome = Literal["made", "changed", "kept"]


@dataclass(frozen=True)
class _Found:
    """A run of the server, and whether it is a new one."""

    id: str
    data: Any
    is_new: bool


class MlflowTracker:
    """A tracking server of MLflow.

    Args:
        address: Of the server.

    Raises:
        SpecError: Where the client is not installed.
    """

    name = "MLflow"

    def __init__(self, address: str) -> None:
        for variable, value in _SETTINGS.items():
            os.environ.setdefault(variable, value)
        self._address = address
        self._mlflow = _imported("mlflow")
        self._entities = _imported("mlflow.entities")

    def tell(self, run: TrackedRun, files: Files) -> Told:
        """Tell it a run, as `Tracker` says."""
        try:
            return self._told(run, files)
        except SirrError:
            raise
        except Exception as error:
            raise TrackingFailed(
                f"MLflow at {self._address} did not take the run {run.name!r}: {reason(error)}",
                hint=f"check the server, then: sirr-orch track {run.name} --mlflow {self._address}",
            ) from error

    def _told(self, run: TrackedRun, files: Files) -> Told:
        client = self._mlflow.MlflowClient(self._address)
        experiment = self._experiment(client, f"sirr-orch/{run.name}")
        told = _Telling(client, self._entities, experiment)
        whole, outcome = told.entrant(run.whole, {})
        if told.tags(whole.id).get(_REPORT) != run.report_key:
            for path in files():
                client.log_artifact(whole.id, str(path), "report")
            client.set_tag(whole.id, _REPORT, run.report_key)
        outcomes = [outcome, *(told.entrant(one, {_PARENT: whole.id})[1] for one in run.entrants)]
        place = f"{self._address.rstrip('/')}/#/experiments/{experiment}/runs/{whole.id}"
        if not self._address.startswith("http"):
            place = f"{self._address}, experiment sirr-orch/{run.name}"
        return Told(self.name, place, *(outcomes.count(kind) for kind in ("made", "changed", "kept")))

    def _experiment(self, client: Any, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is None:
            return str(client.create_experiment(name))
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


class _Telling:
    """One run on its way to one experiment of the server."""

    def __init__(self, client: Any, entities: Any, experiment: str) -> None:
        self._client, self._entities, self._experiment = client, entities, experiment

    def tags(self, run: str) -> dict[str, str]:
        """Return the tags of a run as the server has them."""
        return dict(self._client.get_run(run).data.tags)

    def entrant(self, entrant: TrackedEntrant, tags: dict[str, str]) -> tuple[_Found, Outcome]:
        """Bring a run of the server to what is known of an entrant; a new one where there is none that can be."""
        found = self._found(entrant.id)
        if found is not None and found.data.tags.get(_SENT) == entrant.digest:
            return found, "kept"
        if found is not None and self._contradicts(found, entrant):
            self._client.delete_run(found.id)  # MLflow keeps it among the deleted
            found = None
        found = found or self._created(entrant, tags)
        self._send(found, entrant, tags)
        return found, "made" if found.is_new else "changed"

    def _found(self, identifier: str) -> _Found | None:
        runs = self._client.search_runs([self._experiment], f"tags.`{_ID}` = '{identifier}'", max_results=1)
        return next((_Found(run.info.run_id, run.data, is_new=False) for run in runs), None)

    def _contradicts(self, found: _Found, entrant: TrackedEntrant) -> bool:
        """Whether a run has parameters or curves that are others now: the server lets neither be taken back."""
        parameters = {name: _shown(value) for name, value in entrant.parameters.items()}
        if any(parameters.get(name, value) != value for name, value in found.data.params.items()):
            return True
        return any(
            not {(point.step, point.value) for point in there} <= {(point.step, point.value) for point in points}
            for name, points in entrant.curves.items()
            if (there := self._history(found, name))
        )

    def _history(self, found: _Found, name: str) -> list[Any]:
        return list(self._client.get_metric_history(found.id, name)) if name in found.data.metrics else []

    def _created(self, entrant: TrackedEntrant, tags: dict[str, str]) -> _Found:
        started = None if entrant.started_s is None else int(entrant.started_s * 1000)
        run = self._client.create_run(
            self._experiment, start_time=started, tags={_ID: entrant.id, **tags}, run_name=entrant.name
        )
        return _Found(run.info.run_id, run.data, is_new=True)

    def _send(self, found: _Found, entrant: TrackedEntrant, tags: dict[str, str]) -> None:
        kinds = self._entities
        parameters = [
            kinds.Param(name, _shown(value))
            for name, value in entrant.parameters.items()
            if name not in found.data.params
        ]
        metrics = [
            kinds.Metric(name, point.value, int(point.time_s * 1000), point.step)
            for name, points in entrant.points.items()
            for point in self._unknown(found, name, points)
        ]
        facts = {f"sirr-orch.{name}": value[:_LONGEST_TAG] for name, value in entrant.facts.items()}
        for some in _batched(parameters, _MOST_PARAMETERS):
            self._client.log_batch(found.id, params=some)
        for some in _batched(metrics, _MOST_METRICS):
            self._client.log_batch(found.id, metrics=some)
        # What was sent is noted last: a telling that was cut off is taken up again.
        described = [kinds.RunTag(name, value) for name, value in {**facts, **tags, _SENT: entrant.digest}.items()]
        for some in _batched(described, _MOST_TAGS):
            self._client.log_batch(found.id, tags=some)
        ended = None if entrant.ended_s is None else int(entrant.ended_s * 1000)
        self._client.set_terminated(found.id, "FINISHED" if entrant.complete else "FAILED", ended)

    def _unknown(self, found: _Found, name: str, points: Sequence[Point]) -> Iterator[Point]:
        """Return the points that the server does not have."""
        there = {(point.step, point.value) for point in self._history(found, name)}
        return (point for point in points if (point.step, point.value) not in there)


def _batched(values: Sequence[Any], count: int) -> Iterator[Sequence[Any]]:
    return (values[first : first + count] for first in range(0, len(values), count))


def _shown(value: str) -> str:
    return value if len(value) <= _LONGEST_PARAMETER else f"{value[: _LONGEST_PARAMETER - 1]}…"


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise SpecError(
            f"MLflow's client cannot be imported: {reason(error)}", hint="install it: pip install 'sirr-orch[mlflow]'"
        ) from error
