"""What a report is told of validation and of adopted weights: read from a real store, with what is missing."""

import json

import pytest

from orchestrator.execute.comparison import plan_comparison
from orchestrator.execute.events import StateChanged
from orchestrator.execute.report_content import report_content
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.run_results import results_of
from orchestrator.plan.keys import Identity, document_key
from orchestrator.report.content import NotMeasured, Scores
from orchestrator.report.training_content import Adoption
from orchestrator.spec.load import load_experiment
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import start_run
from orchestrator.store.store import Store

SPEC = """\
name: validated
models:
  - {model: errnet2019, recipe: {epochs: 5}}
  - {model: ibcln2020, name: taken, weights: {checkpoint: released.pth}}
features: random
metrics: [psnr]
test: [skimage-test]
train: {synthetic: skimage-train, validation: {dataset: skimage-test, every: 2}}
"""


def scores(value):
    content = {"model": "m", "dataset": "d", "protocol": "standard", "version": 1, "metrics": ["psnr"], "notes": []}
    return {"scores.json": {**content, "items": [{"id": "a", "psnr": value}]}}


@pytest.fixture
def gathered(tmp_path):
    """Return a function that keeps results in a store and gathers what the report is told."""
    (tmp_path / "released.pth").write_bytes(b"weights")
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    store = Store(tmp_path / "store")

    def gather(results, skipped):
        comparison = plan_comparison(load_experiment(path), path, store)
        writer = DocumentWriter(store, start_run(store, planned_document(comparison, Overrides())))
        for stage, files in results.items():
            sources = {name: source.digest for name, source in comparison.plan.stage(stage).sources.items()}
            document = {"stage": stage, "sources": sources}
            identity = Identity(stage, document_key(document), document)
            output = store.staging(identity.key) / "output"
            for name, content in files.items():
                (output / name).write_text(json.dumps(content), encoding="utf-8")
            facts = {"engine": "local", "recipe": "0" * 64, "environment": {"reference": "python"}}
            store.commit(identity, facts, list(files))
            writer.listen(StateChanged(stage, "done", {"key": identity.key}))
        for stage, because in skipped.items():
            writer.listen(StateChanged(stage, "skipped", {"because": because}))
        return comparison, report_content(results_of(writer.document, store))

    return gather


def test_every_epoch_is_told_with_its_scores_or_why_there_are_none(gathered):
    results = {
        "evaluate/errnet2019@2/skimage-test/standard": scores(20.5),
        "evaluate/errnet2019/skimage-test/standard": scores(23.0),
    }
    _, content = gathered(results, {"evaluate/errnet2019@4/skimage-test/standard": "export/errnet2019@4"})
    trained, taken = content.models
    assert trained.validation.dataset == "skimage-test"
    assert [point.epoch for point in trained.validation.points] == [2, 4, 5]
    first, second, last = (point.scores for point in trained.validation.points)
    assert isinstance(first, Scores)
    assert (first.items[0].values, last.items[0].values) == ({"psnr": 20.5}, {"psnr": 23.0})
    assert second == NotMeasured("export/errnet2019@4 failed")
    assert taken.validation is None


def test_weights_of_an_epoch_are_no_model_of_the_comparison(gathered):
    _, content = gathered({"evaluate/errnet2019@2/skimage-test/standard": scores(20.5)}, {})
    assert [model.label for model in content.models] == ["errnet2019", "taken"]
    assert {result.label for result in content.results} == {"input", "truth", "errnet2019", "taken"}
    assert "evaluate/errnet2019@2/skimage-test/standard" in {stage.name for stage in content.stages}


def test_adopted_weights_are_told_with_the_checkpoints_digest(gathered):
    facts = {"format": "released", "tensors": 2, "parameters": 7, "notes": ["left out: opt_g"]}
    comparison, content = gathered({"adopt/taken": {"adopt.json": facts}}, {})
    digest = comparison.plan.stage("adopt/taken").sources["checkpoint"].digest
    assert content.models[1].training == Adoption("released", 2, 7, "released.pth", digest, ("left out: opt_g",))
