"""Runs side by side: what differs is told field by field, and nothing incomparable is compared in silence."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import SpecError
from orchestrator.execute.command import content_of_run
from orchestrator.execute.compare_runs import compare_runs, run_facts
from orchestrator.execute.rankings import between_runs
from orchestrator.execute.run_results import recorded_results
from orchestrator.report.content import NotMeasured, ReportContent, Scores
from orchestrator.report.views.compared_runs import ComparedRunsView, RunFacts, compared_runs_view
from orchestrator.store.reference import run_reference
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path, name="before", epochs=5, seed=3)
    keep_run(store, tmp_path, name="after", epochs=7, seed=3, better=0.5)
    return store


def facts(store: Store, name: str, **changes: Any) -> RunFacts:
    found = run_facts(recorded_results(run_reference(name), store), "", name=name)
    return replace(found, content=replace(found.content, **changes))


def beside(*runs: RunFacts) -> ComparedRunsView:
    return compared_runs_view(runs, between_runs)


def cells_of(view: ComparedRunsView) -> dict[str, list[tuple[str, str, str]]]:
    """Return the first metric's cells by network, of the first protocol."""
    runs, scores = len(view.runs), view.scores[0]
    return {row.title: [(cell.text, cell.difference, cell.kind) for cell in row.cells[:runs]] for row in scores.rows}


def test_exactly_the_fields_that_differ_are_told(store: Store) -> None:
    view = beside(facts(store, "before"), facts(store, "after"))
    assert [(row.field, row.values) for row in view.fields] == [("models.errnet2019.recipe.epochs", ("5", "7"))]
    assert view.software == ()
    assert view.alone == ()


def test_scores_stand_beside_each_other_with_paired_differences(store: Store) -> None:
    view = beside(facts(store, "before"), facts(store, "after"))
    cells = cells_of(view)
    assert view.scores[0].obstacles == ()
    name = next(title for title in cells if title.startswith("ERRNet"))
    assert cells[name] == [
        ("23.00", "", ""),
        ("23.50", "+0.50, better on 3 of 3; too few pictures (needs at least 6)", ""),
    ]
    assert cells["input"] == [("19.00", "", ""), ("19.00", "the same", "")]
    assert "truth" not in cells


def test_models_of_one_title_are_told_apart_wherever_they_are(store: Store) -> None:
    """In one run, and in two runs that call them otherwise."""

    def renamed(content: ReportContent, label: str) -> dict[str, Any]:
        models = tuple(
            replace(model, label=label if model.label == "taken" else model.label) for model in content.models
        )
        results = tuple(replace(one, label=label if one.label == "taken" else one.label) for one in content.results)
        return {"models": models, "results": results}

    content = content_of_run("after", store.root)
    one_title = tuple(replace(model, title="Mine") for model in content.models)
    for view in (
        beside(facts(store, "before", models=one_title), facts(store, "after", models=one_title)),
        beside(facts(store, "before"), facts(store, "after", **renamed(content, "other"))),
    ):
        titles = [row.title for row in view.scores[0].rows]
        assert len(titles) == len(set(titles))
        assert [title for title in titles if "(taken)" in title]


def test_why_nothing_was_measured_is_said(store: Store) -> None:
    content = content_of_run("after", store.root)

    def unscored(found: Any) -> Any:
        values = {"psnr": NotMeasured("the answer is not finite")}
        items = tuple(replace(item, values={**item.values, **values}) for item in found.items)
        return replace(found, items=items)

    results = tuple(
        replace(one, scores={name: unscored(found) for name, found in one.scores.items()})
        if one.label == "taken"
        else one
        for one in content.results
    )
    view = beside(facts(store, "before"), facts(store, "after", results=results))
    row = next(row for row in view.scores[0].rows if row.cells[1].text.startswith("not measured"))
    assert row.cells[1].text == "not measured: the answer is not finite"


def with_digest(content: ReportContent, digest: str) -> Any:
    return tuple(replace(dataset, digest=digest) for dataset in content.datasets)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("digest", "said"),
    [
        pytest.param("f" * 64, "holds other pictures", id="other-pictures"),
        pytest.param("", "whether the pictures are the same is not recorded", id="unknown"),
    ],
)
def test_scores_on_other_pictures_are_not_compared(store: Store, digest: str, said: str) -> None:
    content = content_of_run("after", store.root)
    view = compared_runs_view(
        [facts(store, "before"), facts(store, "after", datasets=with_digest(content, digest))], between_runs
    )
    assert [text for text in view.scores[0].obstacles if said in text and text.startswith("after: ")]
    assert all(difference == "" for cells in cells_of(view).values() for _, difference, _ in cells)


@pytest.mark.slow
def test_other_feature_weights_and_ways_of_inference_are_told(store: Store) -> None:
    content = content_of_run("after", store.root)
    results = tuple(
        replace(result, predictions=replace(result.predictions, label="approximate: tiles"))
        if result.label == "taken"
        else result
        for result in content.results
    )
    view = compared_runs_view(
        [facts(store, "before"), facts(store, "after", results=results, features="pretrained")], between_runs
    )
    said = view.scores[0].obstacles
    assert [text for text in said if "feature weights" in text] == [
        "feature weights differ (before: random; after: pretrained), and what ERRNet 2019 scored depends on them too"
    ]
    assert any(
        "taken was inferred in other ways: before: exact; after: exact, approximate" in sentence for sentence in said
    )


@pytest.mark.slow
def test_network_of_one_run_alone_is_named_and_not_compared(store: Store) -> None:
    content = content_of_run("after", store.root)
    models = tuple(model for model in content.models if model.label != "taken")
    results = tuple(result for result in content.results if result.label != "taken")
    view = compared_runs_view(
        [facts(store, "before"), facts(store, "after", models=models, results=results)], between_runs
    )
    assert view.alone == ("network taken: only in before",)
    assert ("not compared", "", "") in [cell for cells in cells_of(view).values() for cell in cells]


@pytest.mark.slow
def test_picture_without_score_in_one_run_is_left_out_of_the_difference(store: Store) -> None:
    content = content_of_run("after", store.root)

    def cut(scores: Any) -> Any:
        if isinstance(scores, Mapping):
            return {protocol: cut(found) for protocol, found in scores.items()}
        return replace(scores, items=scores.items[1:]) if isinstance(scores, Scores) else scores

    results = tuple(replace(result, scores=cut(result.scores)) for result in content.results)
    cells = cells_of(beside(facts(store, "before"), facts(store, "after", results=results)))
    name = next(title for title in cells if title.startswith("ERRNet"))
    assert cells[name][1] == ("24.00", "+0.50, better on 2 of 2; too few pictures (needs at least 6)", "")


@pytest.mark.slow
def test_page_lies_in_the_store_and_leads_to_both_reports(store: Store) -> None:
    index = compare_runs(["before", "after"], store.root)
    assert index.parent.parent == store.root / "comparisons"
    text = index.read_text(encoding="utf-8")
    addresses = {address for address in re.findall(r'href="([^"#]*)"', text) if address.endswith("index.html")}
    assert {(index.parent / address).resolve() for address in addresses} == {
        (store.root / "runs" / name / "report" / "index.html").resolve() for name in ("before", "after")
    }
    assert "models.errnet2019.recipe.epochs" in text
    assert "in after: trial run, do not quote " in text


def test_run_beside_itself_is_refused(store: Store) -> None:
    with pytest.raises(SpecError, match="beside itself"):
        compare_runs(["before", "before"], store.root)


@pytest.mark.slow
def test_revisions_of_one_run_stand_side_by_side(tmp_path: Path) -> None:
    store = Store(tmp_path / "other")
    keep_run(store, tmp_path, epochs=5)
    keep_run(store, tmp_path, epochs=7, better=0.5)
    text = compare_runs(["first@1", "first"], store.root).read_text(encoding="utf-8")
    assert "models.errnet2019.recipe.epochs" in text
    assert "+0.50, better on 3 of 3" in text
    assert "../../runs/first/revisions/1/report/index.html" in text
    with pytest.raises(SpecError, match="beside itself"):
        compare_runs(["first@2", "first"], store.root)
