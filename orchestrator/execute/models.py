"""Models outside a comparison: a checkpoint is adopted, a model of a run is exported or released."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.errors import SpecError
from orchestrator.execute.command import RunRequest, keep_request, kept_request, planned
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Listener, recorder, together
from orchestrator.execute.few import realise_few
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.plan.plan import release_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.library import load_model_spec
from orchestrator.spec.names import EngineName
from orchestrator.spec.resolve import ResolvedModel
from orchestrator.store.run_document import Overrides
from orchestrator.store.runs import run_in_progress, start_run
from orchestrator.store.store import Artifact, Store

_SPEC = "spec.yaml"
_SCORED_ON = "skimage-test"


@dataclass(frozen=True)
class Means:
    """What the stages are realised with. build: build missing images first"""

    store: Path
    engine: EngineName
    listener: Listener
    say: Callable[[str], None]
    build: bool = False


def adopt_model(model: str, checkpoint: Path, name: str, features: str, means: Means) -> Path:
    """Adopt a checkpoint and export its network; return the spec of the run that holds it.

    model: name of a model spec; name: of the run and of the model in it; features: "pretrained" or "random"

    Raises: SpecError for an unknown model, a missing checkpoint, or a name that cannot be used, each before anything
        is written; ImageNotBuilt, and what the stages raise.
    """
    store = Store(means.store)
    _check_adoption(model, checkpoint, name, store)
    content = {
        "name": name,
        "models": [{"model": model, "name": name, "weights": {"checkpoint": str(checkpoint.absolute())}}],
        "test": [_SCORED_ON],
        "metrics": ["psnr", "ssim"],
        "features": features,
    }
    with store.scratch("adopt") as folder:
        draft = folder / _SPEC
        # JSON is YAML too.
        draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
        comparison = planned(RunRequest(draft, store.root))
        spec = store.run(name).folder / _SPEC
        shutil.copyfile(draft, spec)
    request = RunRequest(spec, store.root)
    keep_request(request, store, name)
    stages = {stage: _planned_stage(comparison, stage) for stage in (f"adopt/{name}", f"export/{name}")}
    with run_in_progress(store, name):
        writer = DocumentWriter(store, start_run(store, planned_document(comparison, Overrides(engine=means.engine))))
        heard = together(recorder(store.run(name)), writer.listen, means.listener)
        try:
            _realise(stages, comparison, replace(means, listener=heard), store)
        finally:
            writer.save()
    return spec


def _check_adoption(model: str, checkpoint: Path, name: str, store: Store) -> None:
    load_model_spec(model)
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            f"{name!r} is not a name: lower case letters, digits, '.', '_' and '-', at most 63, beginning with a "
            "letter or digit",
            hint="choose another --name",
        )
    if name in store.run_names() and not (store.run(name).folder / _SPEC).is_file():
        raise SpecError(f"the store has a run {name!r} already", hint="choose another --name")
    if not checkpoint.exists():
        raise SpecError(f"there is no checkpoint '{checkpoint}'", hint="correct the path")


def export_model(model: str, out: Path, means: Means) -> list[Path]:
    """Write the ONNX network of RUN/MODEL and its parity report into a folder; return their paths.

    The run's own export is taken where the store has it, also where images or program have changed since.

    Raises: SpecError for a model that is not there or not trained yet, ImageNotBuilt, and what the stage raises.
    """
    comparison, resolved, store = _found(model, means)
    name = f"export/{resolved.label}"
    artifact = _recorded(name, comparison, store) or _exported(comparison, resolved, means, store)
    return _delivered(artifact, ["network.onnx", "export.json"], out)


def release_model(model: str, out: Path, means: Means) -> list[Path]:
    """Write the weights of RUN/MODEL into a folder as the authors' program reads them; return their paths.

    Raises: as `export_model`.
    """
    comparison, resolved, store = _found(model, means)
    weights = _weights(comparison, resolved, store)
    stage = release_stage(resolved.label, resolved.spec, resolved.recipe, weights.output, store.digest)
    artifact = _realise({stage.name: stage}, comparison, means, store)[stage.name]
    released = json.loads((artifact.output / "release.json").read_text(encoding="utf-8"))
    for note in released["notes"]:
        means.say(f"note: {note}")
    return _delivered(artifact, released["files"], out)


def _found(model: str, means: Means) -> tuple[Comparison, ResolvedModel, Store]:
    run, slash, label = model.partition("/")
    if not slash or not label:
        raise SpecError(f"{model!r} is not RUN/MODEL", hint="write for example quickstart/errnet2019")
    store = Store(means.store)
    comparison = planned(kept_request(run, store))
    known = {of.label: of for of in comparison.resolved.models}
    if label not in known:
        raise SpecError(f"run {run!r} has no model {label!r}; it has: {', '.join(known)}", hint="choose one of them")
    return comparison, known[label], store


def _recorded(stage: str, comparison: Comparison, store: Store) -> Artifact | None:
    """Return what a run recorded of a stage, else what the store has of it as it is planned now."""
    key = store.run(comparison.resolved.experiment.name).keys().get(stage)
    return comparison.artifacts.get(stage) if key is None else store.artifact(key)


def _weights(comparison: Comparison, model: ResolvedModel, store: Store) -> Artifact:
    """Return the weights that the run recorded, also where images or program have changed since."""
    run = comparison.resolved.experiment.name
    artifact = _recorded(model.weights_stage, comparison, store)
    if artifact is None:
        name = f"{run}/{model.label}"
        raise SpecError(f"the model {name!r} has no weights yet", hint=f"run the experiment {run!r} to its end first")
    return artifact


def _exported(comparison: Comparison, model: ResolvedModel, means: Means, store: Store) -> Artifact:
    """Export the weights that the run recorded."""
    weights = _weights(comparison, model, store)
    stage = _planned_stage(comparison, f"export/{model.label}")
    sources = {**stage.sources, "weights": Source(weights.output, store.digest(weights.output))}
    return _realise({stage.name: replace(stage, inputs={}, sources=sources)}, comparison, means, store)[stage.name]


def _planned_stage(comparison: Comparison, name: str) -> Stage:
    return next(stage for stage in comparison.plan.stages if stage.name == name)


def _realise(stages: dict[str, Stage], comparison: Comparison, means: Means, store: Store) -> dict[str, Artifact]:
    record = store.run(comparison.resolved.experiment.name)
    return realise_few(
        stages,
        store,
        run=comparison.resolved.experiment.name,
        logs=record.folder / "logs",
        engine=means.engine,
        variant=comparison.variant,
        listener=means.listener,
        say=means.say,
        build=means.build,
    )


def _delivered(artifact: Artifact, names: list[str], out: Path) -> list[Path]:
    """Copy files out of the store, without its read-only mode."""
    out.mkdir(parents=True, exist_ok=True)
    written = [out / name for name in names]
    for name, path in zip(names, written, strict=True):
        path.unlink(missing_ok=True)
        shutil.copyfile(artifact.output / name, path)
    return written
