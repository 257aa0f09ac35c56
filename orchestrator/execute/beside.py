"""Sets runs of one store side by side."""

import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.execute.command import content_of_run, recorded_comparison, report_of_run
from orchestrator.execute.comparison import Comparison
from orchestrator.report.address import file_name, href
from orchestrator.report.render_beside import render_beside
from orchestrator.report.views.beside import RunFacts
from orchestrator.spec.resolve import ResolvedModel
from orchestrator.store.store import Store

_LABELS = {"name", "note", "models"}
"""Fields of an experiment that name it, or that are told model by model."""


def beside_of_runs(names: Sequence[str], store_root: Path) -> Path:
    """Render runs side by side, below the store's `comparisons`, and return the page; each run's report too.

    Raises: SpecError where the store knows no such run, or one is named twice.
    """
    if len(set(names)) < len(names):
        raise SpecError("a run cannot stand beside itself", hint="name each run once")
    store = Store(store_root)
    folder = store.root / "comparisons" / file_name("+".join(names))
    facts = []
    for name in names:
        index = report_of_run(name, store_root)
        address = href(PurePosixPath(os.path.relpath(index, folder)))
        comparison = recorded_comparison(name, store)
        facts.append(RunFacts(content_of_run(name, store_root), spec_fields(comparison), address))
    return render_beside(facts, folder)


def spec_fields(comparison: Comparison) -> dict[str, str]:
    """Return every value that an experiment decides, defaults filled in, as text by its dotted field."""
    resolved = comparison.resolved
    fields = dict(_leaves("", resolved.experiment.model_dump(mode="json", exclude=_LABELS)))
    for model in resolved.models:
        fields |= dict(_leaves(f"models.{model.label}", _model(model, comparison)))
    return fields


def _model(model: ResolvedModel, comparison: Comparison) -> dict[str, Any]:
    stage = comparison.plan.stage(model.weights_stage)
    weights = {name: source.digest for name, source in stage.sources.items() if name == "checkpoint"}
    return {
        "model": model.spec.name,
        "seed": model.seed,
        "weights": weights or "trained",
        **({"recipe": model.recipe.model_dump(mode="json")} if model.checkpoint is None else {}),
    }


def _leaves(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [leaf for key, of in value.items() for leaf in _leaves(f"{name}.{key}" if name else str(key), of)]
    return [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]
