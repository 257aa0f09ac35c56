"""Models outside a comparison: a checkpoint is adopted, a model of a run is exported or released."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.delivery import Delivery
from orchestrator.errors import SpecError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import fan_out, recorder
from orchestrator.execute.plugins import library_of_runs
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.run_results import RunResults, recorded_entrant, recorded_results
from orchestrator.execute.run_stages import ExecutionRequest, executed_stages, planned_stages
from orchestrator.plan.single import release_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.results import read_result
from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.checkpoint import checkpoint_problem
from orchestrator.spec.entrants import AdoptedWeights
from orchestrator.spec.library import Library
from orchestrator.spec.names import Device
from orchestrator.spec.stage_names import stage_name
from orchestrator.spec.weights import FEATURES_VARIABLE, weights_folder
from orchestrator.store.opened import opened_store
from orchestrator.store.reference import model_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import ONNX, EntrantEntry, Overrides, StageEntry
from orchestrator.store.runs import run_folder, run_in_progress, start_run
from orchestrator.store.store import Artifact, Store
from stagekit.measures import HOUSE, PROTOCOLS
from stagekit.results.export import ExportFile
from stagekit.results.release import ReleaseFile
from stagekit.results.wrap import WrapFile

_SPEC = "spec.yaml"
_SCORED_ON = "skimage-test"


def adopt_model(model: str, weights: AdoptedWeights, name: str, features: str, request: ExecutionRequest) -> Path:
    """Adopt a checkpoint and export its network; return the spec of the run that holds it.

    Also raises what the stages raise.

    Args:
        model: Name of a model spec.
        weights: The checkpoint, and which of several sets in it.
        name: Of the run and of the model in it.
        features: "pretrained" or "random".

    Raises:
        SpecError: For an unknown model, a missing checkpoint, or a name that cannot be used, each before anything is
            written.
        ImageNotBuilt: Where an image is not built.
    """
    store = Store(request.store)
    weights = weights.model_copy(update={"checkpoint": weights.checkpoint.expanduser().absolute()})
    _check_adoption(model, weights.checkpoint, name, store, request.library)
    content = {
        "name": name,
        "models": [{"model": model, "name": name, "weights": weights.model_dump(mode="json", exclude_none=True)}],
        "test": [_SCORED_ON],
        "metrics": [metric.name for metric in PROTOCOLS[HOUSE].metrics if not metric.features],
        "features": features,
        **_plugin_of(model, request.library),
    }
    with store.scratch("adopt") as folder:
        draft = folder / _SPEC
        # JSON is YAML too.
        draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
        comparison = _planned_outside_a_file(RunRequest(draft, store.root, library=request.library))
        spec = store.run(name).folder / _SPEC
        shutil.copyfile(draft, spec)
    comparison = replace(comparison, resolved=replace(comparison.resolved, path=spec))
    request = replace(request, library=comparison.resolved.library)
    stages = {stage: comparison.plan.stage(stage) for stage in (stage_name("adopt", name), stage_name("export", name))}
    with run_in_progress(store, name):
        writer = DocumentWriter(store, start_run(store, planned_document(comparison, Overrides(engine=request.engine))))
        notify = fan_out(recorder(store.run(name)), writer.listen, request.listener)
        try:
            _execute_all(stages, name, comparison.variant, replace(request, listener=notify), store)
        finally:
            writer.save()
    return spec


def _plugin_of(model: str, library: Library) -> dict[str, list[str]]:
    """Return what a spec says of the plug-in that a model comes from; nothing for a model of this project."""
    plugin = library.plugin_of("model", model)
    return {} if plugin is None else {"plugins": [str(plugin.folder)]}


def _check_adoption(model: str, checkpoint: Path, name: str, store: Store, library: Library) -> None:
    library.model(model)
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            f"{name!r} is not a name: lower case letters, digits, '.', '_' and '-', at most 63, beginning with a "
            "letter or digit",
            hint="choose another --name",
        )
    if name in store.run_names() and not (store.run(name).folder / _SPEC).is_file():
        raise SpecError(f"the store has a run {name!r} already", hint="choose another --name")
    wrong = checkpoint_problem(checkpoint)
    if wrong is not None:
        raise SpecError(wrong, hint="correct the path")


def _planned_outside_a_file(request: RunRequest) -> Comparison:
    """Plan a request whose file nobody wrote and nobody will find: what is wrong is told without a place in it."""
    try:
        return planned(request)
    except SpecError as error:
        several = error.message.startswith(str(request.spec))
        if several:
            raise
        raise SpecError(error.message, hint=error.hint) from error


def export_model(model: str, out: Path, request: ExecutionRequest, *, overwrite: bool = False) -> list[Path]:
    """Write the ONNX network of RUN/MODEL and its parity report into a folder; return their paths.

    Of an ONNX file from outside it is the network as it was wrapped. The run's own is taken where the store has it;
    only where it has not is anything run.

    Also raises what the stage raises.

    Args:
        overwrite: Replace files that are there and differ.

    Raises:
        SpecError: For a model that is not there or not trained yet, or a folder that cannot be written to.
        ResultExists: Where a file is there that differs.
        ImageNotBuilt: Where an image is not built.
    """
    store = opened_store(request.store)
    results, entrant = _found(model, store)
    delivery = _prepared_delivery(out, store, overwrite=overwrite)
    artifact = _kept_export(results, entrant, request, store) or _exported(results, entrant, request, store)
    form = WrapFile if entrant.kind == ONNX else ExportFile
    with store.scratch("export") as folder:
        read_result(form, artifact.output, artifact.facts).save(folder)
        sources = (artifact.output / "network.onnx", folder / form.FILE_NAME)
        return [delivery.copy(source, source.name) for source in sources]


def release_model(model: str, out: Path, request: ExecutionRequest, *, overwrite: bool = False) -> list[Path]:
    """Write the weights of RUN/MODEL into a folder as the authors' program reads them; return their paths.

    Raises what `export_model` raises.
    """
    store = opened_store(request.store)
    results, entrant = _found(model, store)
    if entrant.kind == ONNX:
        raise SpecError(
            f"{model!r} is an ONNX file from outside: it has no weights that an author's program reads",
            hint=f"pass on {entrant.files!r} itself; or the network as it was wrapped: sirr-orch export {model}",
        )
    weights = _weights(results, entrant)
    delivery = _prepared_delivery(out, store, overwrite=overwrite)
    stage = release_stage(entrant.label, entrant.spec, entrant.image, _shape(results, entrant), _source(weights, store))
    artifact = _execute(stage, results.document, request, store)
    released = read_result(ReleaseFile, artifact.output)
    for note in released.notes:
        request.say(f"note: {note}")
    return [delivery.copy(artifact.output / name, name) for name in released.files]


def _shape(results: RunResults, entrant: EntrantEntry) -> dict[str, Any]:
    """Return the values that shape a network: those of its recipe that its export was told."""
    told = results.document.stage(stage_name("export", entrant.label)).settings
    return {name: told[name] for name in sorted(entrant.recipe) if name in told}


def _prepared_delivery(out: Path, store: Store, *, overwrite: bool) -> Delivery:
    delivery = Delivery(out, overwrite=overwrite, closed=store.layout.kept)
    delivery.prepare()
    return delivery


def _found(model: str, store: Store) -> tuple[RunResults, EntrantEntry]:
    reference = model_reference(model)
    results = recorded_results(reference.run, store)
    return results, recorded_entrant(results.document, reference)


def _weights(results: RunResults, entrant: EntrantEntry) -> Artifact:
    """Return the weights that the run recorded."""
    artifact = results.artifacts.get(entrant.weights_stage)
    if artifact is None:
        run = results.document.name
        raise SpecError(
            f"the model '{run}/{entrant.label}' has no weights yet", hint=f"run the experiment {run!r} to its end first"
        )
    return artifact


def _source(artifact: Artifact, store: Store) -> Source:
    return Source(artifact.output, store.digest(artifact.output))


def _kept_export(
    results: RunResults, entrant: EntrantEntry, request: ExecutionRequest, store: Store
) -> Artifact | None:
    """Return the export that the run recorded, None where it has none or a damaged one."""
    artifact = results.artifacts.get(entrant.network_stage)
    return artifact and store.sound_artifact(artifact.key, request.say, read=True)


def _exported(results: RunResults, entrant: EntrantEntry, request: ExecutionRequest, store: Store) -> Artifact:
    """Export the weights that the run recorded, with the run's own settings."""
    if entrant.kind == ONNX:
        raise SpecError(
            f"the store has no network of '{results.document.name}/{entrant.label}', which is made of an ONNX file",
            hint=f"run the experiment {results.document.name!r} again",
        )
    weights = _weights(results, entrant)
    document = results.document
    request.say(
        f"the store has no export of {document.name}/{entrant.label}: it is made now, in image {entrant.image!r}"
    )
    entry = document.stage(stage_name("export", entrant.label))
    stage = Stage(
        name=entry.name,
        kind="export",
        image=entry.image,
        settings=entry.settings,
        sources={**_features(entry, store), "weights": _source(weights, store)},
        memory_bytes=entry.memory_bytes,
        timeout_s=entry.timeout_s,
    )
    return _execute(stage, document, request, store)


def _features(entry: StageEntry, store: Store) -> dict[str, Source]:
    """Return the files of pretrained weights that an export reads, which a run's document names and does not hold.

    Raises:
        SpecError: Where one is not there, or is another file than the run used.
    """
    found = {}
    for name, source in entry.sources.items():
        path = (weights_folder() or Path()) / source.file
        if weights_folder() is None or not path.is_file():
            raise SpecError(
                f"{entry.name} must be made anew and reads the pretrained weights {source.file!r}, which are not there",
                hint=f"set {FEATURES_VARIABLE} to the folder that holds them",
            )
        if store.digest(path) != source.digest:
            raise SpecError(
                f"{entry.name} must be made anew, and {path} is not the file that the run used",
                hint="bring the earlier file back, or run the experiment again",
            )
        found[name] = Source(path, source.digest)
    return found


def _execute(stage: Stage, document: RunDocument, request: ExecutionRequest, store: Store) -> Artifact:
    run = document.name
    stages = {stage.name: stage}
    request = replace(request, library=library_of_runs([document], request.library))
    return _execute_all(stages, run, "cuda" if document.device == "cuda" else "cpu", request, store)[stage.name]


def _execute_all(
    stages: dict[str, Stage], run: str, variant: Device, request: ExecutionRequest, store: Store
) -> dict[str, Artifact]:
    logs = run_folder(store, run) / "logs"
    planned_ones = planned_stages(stages.values(), store, run, logs, variant, request.library)
    return executed_stages(planned_ones, store, request)
