"""What was compared: one line per network, with how far its training is from the paper's."""

from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.address import PROVENANCE, TRAINING, href
from orchestrator.report.content import Export, Model, NotMeasured, ReportContent
from orchestrator.report.training_content import Adoption, Authors, Elsewhere, Training, Untrained, Wrapped
from orchestrator.report.views.wrapping import wrapping_steps


@dataclass(frozen=True)
class NetworkRow:
    """One network of the comparison.

    Attributes:
        whole: It was trained and exported.
        plugin: The plug-in that it comes from; empty where it comes from none.
    """

    title: str
    label: str
    venue: str
    parameters: str
    trained: str
    took: str
    parity: str
    whole: bool
    overrides: str
    plugin: str


@dataclass(frozen=True)
class NetworksView:
    """The networks, and where to read more."""

    rows: tuple[NetworkRow, ...]
    training_href: str
    provenance_href: str


def networks_view(content: ReportContent) -> NetworksView:
    """Return one line per network."""
    return NetworksView(tuple(_row(model) for model in content.models), href(TRAINING), href(PROVENANCE))


def _row(model: Model) -> NetworkRow:
    training = model.training
    trained = parameters = took = "—"
    if isinstance(training, Training):
        trained = f"{numbers.count(training.steps, 'step')}, {numbers.count(training.samples, 'sample')}"
        parameters = f"{training.parameters:,}"
        took = numbers.duration(training.seconds)
    elif isinstance(training, Adoption):
        trained = "adopted: authors' format" if training.format == "released" else "adopted: own checkpoint"
        parameters = f"{training.parameters:,}"
    elif isinstance(training, Wrapped):
        digest = training.digests.get(training.file, "")[:12]
        trained = f"an ONNX file, {training.file} ({digest}): {'; '.join(wrapping_steps(training))}"
        parameters = f"{training.parameters:,}"
    elif isinstance(training, Elsewhere):
        trained = "computed elsewhere"
    elif isinstance(training, Authors):
        trained = f"the authors' program {training.files}, as it is, in image {training.image}"
    elif isinstance(training, Untrained):
        trained = "not trained: nothing is learnt"
    elif isinstance(training, NotMeasured):
        trained = f"not trained: {training.why}"
    return NetworkRow(
        title=model.title,
        label=model.label,
        venue=model.paper.venue or "—",
        parameters=parameters,
        trained=trained,
        took=took,
        parity=_parity(model.export),
        whole=isinstance(training, Elsewhere | Authors | Untrained)
        or (isinstance(training, Training | Adoption | Wrapped) and isinstance(model.export, Export)),
        overrides=_overrides(model),
        plugin=model.plugin,
    )


def _overrides(model: Model) -> str:
    differing = len(model.overrides)
    if isinstance(model.training, Adoption | Wrapped | Elsewhere | Authors) and not differing:
        return "—"
    if not differing:
        return "as in the paper"
    return numbers.count(differing, "value") + (" differs" if differing == 1 else " differ")


def _parity(export: Export | NotMeasured | None) -> str:
    if export is None:
        return "—"
    if isinstance(export, NotMeasured):
        return f"not exported: {export.why}"
    return "not recorded" if export.error is None else numbers.significant(export.error)
