"""Sets runs of one store, or revisions of one run, side by side."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.execute.rankings import between_runs
from orchestrator.execute.report_content import report_content
from orchestrator.execute.report_stage import make_report
from orchestrator.execute.run_results import RunResults, recorded_results
from orchestrator.report.address import file_name, href
from orchestrator.report.compare_runs import render_compared_runs
from orchestrator.report.views.compared_runs import RunFacts
from orchestrator.spec.checkpoint import WHOLE
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.opened import opened_store
from orchestrator.store.reference import run_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import AUTHORS, ONNX, PREDICTIONS, PROGRAM, EntrantEntry

_LABELS = {"name", "note", "models"}
"""Fields of an experiment that name it, or that are told model by model."""


def compare_runs(runs: Sequence[str], store_root: Path) -> Path:
    """Render runs side by side, below the store's `comparisons`, and return the page; each run's report too.

    Args:
        runs: RUN, or RUN@2 for an earlier revision.

    Raises:
        SpecError: Where the store knows no such run, or one is named twice.
    """
    store = opened_store(store_root)
    references = [run_reference(run) for run in runs]
    found = [recorded_results(reference, store) for reference in references]
    if len({(results.document.name, results.document.revision) for results in found}) < len(found):
        raise SpecError("a run cannot stand beside itself", hint="name each run, and each revision, once")
    folder = store.layout.comparisons / file_name("+".join(runs))
    facts = []
    for reference, results in zip(references, found, strict=True):
        index = make_report(results, store, lambda _event: None)
        address = href(PurePosixPath(os.path.relpath(index, folder)))
        facts.append(run_facts(results, address, name=str(reference)))
    return render_compared_runs(facts, folder, between_runs)


def run_facts(results: RunResults, address: str, *, name: str) -> RunFacts:
    """Return one run as it stands beside others.

    Args:
        name: As it was asked for.
        address: Of its report.
    """
    content = replace(report_content(results), name=name)
    return RunFacts(content, spec_fields(results.document), address)


def spec_fields(document: RunDocument) -> dict[str, str]:
    """Return every value that an experiment decides, defaults filled in, as text by its dotted field."""
    fields = dict(_leaves("", {name: value for name, value in document.experiment.items() if name not in _LABELS}))
    for entrant in document.entrants:
        fields |= dict(_leaves(f"models.{entrant.label}", _model(entrant, document)))
    return fields


def _model(entrant: EntrantEntry, document: RunDocument) -> dict[str, Any]:
    if entrant.kind == PROGRAM:
        return {"program": entrant.spec, "parameters": entrant.recipe}
    if entrant.kind == PREDICTIONS:
        return _predictions(entrant, document)
    if entrant.kind == AUTHORS:
        return _authors(entrant, document)
    if entrant.kind == ONNX:
        wrap = document.stage(entrant.network_stage)
        return {"onnx": {name: source.digest for name, source in wrap.sources.items()}, **wrap.settings}
    sources = document.stage(entrant.weights_stage).sources
    weights = {name: source.digest for name, source in sources.items() if name.partition(".")[0] == WHOLE}
    return {
        "model": entrant.spec,
        "seed": entrant.seed,
        "weights": weights or "trained",
        **({"recipe": entrant.recipe} if entrant.checkpoint is None else {}),
    }


def _predictions(entrant: EntrantEntry, document: RunDocument) -> dict[str, Any]:
    """Return what a run took of an entrant's pictures, by dataset: their digest, and how they were called."""
    collected = {entrant.answers_stage(dataset): dataset for dataset in document.test}
    return {
        "predictions": entrant.files,
        **{
            collected[stage.name]: {**stage.settings["naming"], "pictures taken": stage.sources["pictures"].digest}
            for stage in document.stages
            if stage.name in collected
        },
    }


def _authors(entrant: EntrantEntry, document: RunDocument) -> dict[str, Any]:
    """Return what a run ran as an authors' program: its command, and the digests of what it is made of."""
    run = document.stage(stage_name("command", entrant.label, document.test[0]))
    named = document.stage(entrant.answers_stage(document.test[0])).settings["naming"]
    sources = {name: source.digest for name, source in run.sources.items()}
    return {"authors": entrant.image, "command": entrant.command, **sources, **named}


def _leaves(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [leaf for key, below in value.items() for leaf in _leaves(f"{name}.{key}" if name else str(key), below)]
    return [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]
