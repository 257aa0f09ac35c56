"""The provenance page: where every number comes from, and how to make the report again."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestrator.report import numbers
from orchestrator.report.address import CRATE, RECORD, href, spec_path
from orchestrator.report.content import Dataset, Export, Model, NotMeasured, PluginUse, ReportContent
from orchestrator.report.lookup import features_seen
from orchestrator.report.overlap_content import OverlapPair
from orchestrator.report.stage_content import SoftwareList, StageRecord
from orchestrator.report.training_content import Adoption, Authors, Elsewhere, Origin, Training, Untrained, Wrapped
from orchestrator.report.views.machines import MachineRow, machine_rows
from orchestrator.report.views.overlap import overlap_pairs, overlap_words
from orchestrator.report.views.resources import most_bytes
from orchestrator.report.views.training import memory_sentence
from orchestrator.report.views.wrapping import file_digests, wrapping_steps


@dataclass(frozen=True)
class Fact:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True)
class OverrideRow:
    """One value that differs from the paper's recipe."""

    field: str
    paper: str
    value: str


@dataclass(frozen=True)
class ModelProvenance:
    """A model: its paper, and what differs from it.

    Attributes:
        own_recipe: Whether a recipe was followed here; not where weights were adopted, or pictures taken over.
    """

    title: str
    label: str
    paper: str
    authors: str
    venue: str
    program: str
    facts: tuple[Fact, ...]
    overrides: tuple[OverrideRow, ...]
    own_recipe: bool


@dataclass(frozen=True)
class StageRow:
    """One stage."""

    name: str
    state: str
    key: str
    short_key: str
    ran: str
    started: str
    took: str
    memory: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class SbomLink:
    """A list of software in the report's folder."""

    href: str
    sha256: str


@dataclass(frozen=True)
class EnvironmentRow:
    """One software environment."""

    image: str
    variant: str
    engine: str
    recipe: str
    reference: str
    facts: tuple[Fact, ...]
    packages: tuple[Fact, ...]
    sbom: SbomLink | None


@dataclass(frozen=True)
class DatasetRow:
    """One dataset, tested or trained on."""

    title: str
    name: str
    role: str
    pictures: str
    source: str
    variant: str
    digest: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ProvenanceView:
    """The provenance page."""

    commands: str
    spec_href: str
    record_href: str
    crate_href: str
    sbom: SbomLink | None
    facts: tuple[Fact, ...]
    models: tuple[ModelProvenance, ...]
    datasets: tuple[DatasetRow, ...]
    overlap: str
    overlaps: tuple[OverlapPair, ...]
    stages: tuple[StageRow, ...]
    machines: tuple[MachineRow, ...]
    environments: tuple[EnvironmentRow, ...]
    spec_name: str
    spec: str


def provenance_view(content: ReportContent) -> ProvenanceView:
    """Return where everything in the report comes from."""
    return ProvenanceView(
        commands="\n".join(content.commands),
        spec_href=href(spec_path(content.spec_name)),
        record_href=href(RECORD),
        crate_href=href(CRATE),
        sbom=_sbom(content.sbom),
        facts=(
            Fact("made by", content.program),
            Fact("engine", content.engine),
            Fact("device", content.device),
            Fact("seed", str(content.seed)),
            Fact("feature weights", content.features if features_seen(content) else "none needed"),
            *(Fact(file.name, f"SHA-256 {file.sha256}") for file in content.feature_files),
            *(_plugin(one) for one in content.plugins),
        ),
        models=tuple(_model(model) for model in content.models),
        datasets=tuple(
            DatasetRow(
                dataset.title,
                dataset.name,
                f"{dataset.role}, {_use(dataset.name, content)}",
                numbers.count(len(dataset.items), "picture"),
                _source(dataset),
                dataset.variant,
                dataset.digest,
                dataset.warnings,
            )
            for dataset in content.datasets
        ),
        overlap=overlap_words(content.overlap),
        overlaps=overlap_pairs(content.overlap),
        stages=tuple(_stage(stage) for stage in content.stages),
        machines=machine_rows(content),
        environments=tuple(
            EnvironmentRow(
                environment.image,
                environment.variant,
                environment.engine,
                environment.recipe,
                environment.reference,
                tuple(Fact(name, value) for name, value in environment.details.items()),
                tuple(Fact(name, version) for name, version in environment.packages.items()),
                _sbom(environment.sbom),
            )
            for environment in content.environments
        ),
        spec_name=content.spec_name,
        spec=content.spec,
    )


def _sbom(sbom: SoftwareList | None) -> SbomLink | None:
    return None if sbom is None else SbomLink(href(PurePosixPath(sbom.file)), sbom.sha256)


def _plugin(used: PluginUse) -> Fact:
    return Fact(f"plug-in {used.name}", f"{', '.join(used.brings)}; named by {used.origin}")


def _source(dataset: Dataset) -> str:
    return "; ".join(filter(None, (dataset.source, f"of the plug-in {dataset.plugin}" if dataset.plugin else "")))


def _use(dataset: str, content: ReportContent) -> str:
    if dataset in content.test:
        return "tested"
    validated = any(model.validation is not None and model.validation.dataset == dataset for model in content.models)
    return "validated on" if validated else "trained on"


def _model(model: Model) -> ModelProvenance:
    paper = model.paper
    return ModelProvenance(
        title=model.title,
        label=model.label,
        paper=paper.title,
        authors=paper.authors,
        venue=paper.venue,
        program=paper.program,
        facts=((Fact("plug-in", model.plugin),) if model.plugin else ()) + _facts(model),
        overrides=tuple(OverrideRow(row.field, row.paper, row.value) for row in model.overrides),
        own_recipe=isinstance(model.training, Training | Untrained | NotMeasured),
    )


def _facts(model: Model) -> tuple[Fact, ...]:
    if isinstance(model.training, Elsewhere):
        return (_training(model.training),)
    if isinstance(model.training, Authors):
        return (
            _training(model.training),
            Fact("image", model.training.image),
            Fact("command", model.training.command),
            *(Fact("file", f"{name}, SHA-256 {digest}") for name, digest in model.training.digests.items()),
        )
    if isinstance(model.training, Untrained):
        numbers_taken = (Fact(name, f"{value:g}") for name, value in model.training.parameters.items())
        return (_training(model.training), *numbers_taken)
    if isinstance(model.training, Wrapped):
        return (*_wrapped(model.training), _export(model.export))
    if isinstance(model.training, Adoption):
        said = (
            Fact("parameters", f"{model.training.parameters:,}"),
            *(Fact("note", text) for text in model.training.notes),
        )
        return (_training(model.training), *said, _export(model.export))
    return (Fact("seed", str(model.seed)), _training(model.training), *_memory(model.training), _export(model.export))


def _wrapped(wrapped: Wrapped) -> tuple[Fact, ...]:
    return (
        _training(wrapped),
        Fact("parameters", f"{wrapped.parameters:,}"),
        *(Fact("file", text) for text in file_digests(wrapped)),
        Fact("input and outputs", ", ".join((wrapped.input, *wrapped.outputs.values()))),
        *(Fact("around it", text) for text in wrapping_steps(wrapped)),
    )


def _memory(training: Training | NotMeasured) -> tuple[Fact, ...]:
    if isinstance(training, NotMeasured) or training.memory is None:
        return ()
    return (Fact("memory", memory_sentence(training.memory)),)


def _training(training: Origin | NotMeasured) -> Fact:
    if isinstance(training, Untrained):
        return Fact("training", "none: nothing is learnt")
    if isinstance(training, Wrapped):
        return Fact("weights", f"of the ONNX file {training.file}")
    if isinstance(training, Authors | Elsewhere):
        by_authors = isinstance(training, Authors)
        how = (
            "written by the authors' program {}, as it is"
            if by_authors
            else "computed elsewhere, taken from {} as they were"
        )
        return Fact("pictures", how.format(training.files))
    if isinstance(training, Adoption):
        form = "in the authors' format" if training.format == "released" else "of this program"
        counted = f"{numbers.count(training.tensors, 'tensor')}, SHA-256 {training.digest}"
        return Fact("weights", f"adopted from the checkpoint {training.checkpoint} {form} ({counted})")
    if isinstance(training, NotMeasured):
        return Fact("training", f"none: {training.why}")
    said = [numbers.count(training.steps, "step"), numbers.count(training.samples, "sample")]
    return Fact("training", ", ".join([*said, numbers.duration(training.seconds)]))


def _export(export: Export | NotMeasured | None) -> Fact:
    if export is None:
        return Fact("export", "none")
    if isinstance(export, NotMeasured):
        return Fact("export", f"none: {export.why}")
    tolerance, checks = numbers.significant(export.tolerance), numbers.count(export.checks, "check")
    said = "not recorded" if export.error is None else numbers.significant(export.error)
    return Fact(
        "export",
        f"ONNX opset {export.opset}; largest error beside {export.native} is {said}, allowed {tolerance} ({checks})",
    )


_STATES = {
    "done": "done",
    "stored": "from the store",
    "adopted": "done (adopted)",
    "failed": "failed",
    "skipped": "not run",
    "cancelled": "stopped",
    "waiting": "waiting",
}


def _stage(stage: StageRecord) -> StageRow:
    ran = [part for part in (stage.image, stage.engine, stage.device if stage.image else None) if part]
    if stage.walls not in (None, stage.engine):
        ran.append("without walls" if stage.walls == "none" else f"inside {stage.walls}")
    remarks = [f"resumed from {stage.resumed_from}"] if stage.resumed_from else []
    remarks += [f"started {stage.attempts} times: what was lost on the way was not its own fault"] * (
        stage.attempts > 1
    )
    remarks += [stage.message] if stage.message else []
    remarks += [f"hint: {stage.hint}"] if stage.hint else []
    remarks += [f"warning: {text}" for text in stage.warnings]
    remarks += [f"ran because {text}" for text in stage.reasons]
    return StageRow(
        name=stage.name,
        state=_STATES[stage.state],
        key=stage.key,
        short_key=stage.key[:12] or "not known",
        ran=", ".join(ran) or "orchestrator",
        started="" if stage.started is None else numbers.moment(stage.started),
        took="" if stage.seconds is None else numbers.duration(stage.seconds),
        memory="" if stage.memory is None else numbers.memory(most_bytes(stage.memory)),
        remarks=tuple(remarks),
    )
