"""Metrics and protocols of plug-ins in runs: what runs for them, what becomes of their numbers, what is refused."""

import csv
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.engine.protocol import Environment
from orchestrator.execute.command import RunRequest, content_of_run, planned, report_of_run
from orchestrator.execute.experiment_run import run_experiment
from orchestrator.execute.run import RunResult
from orchestrator.execute.stopper import Stopper
from orchestrator.report.content import NotMeasured, Scores
from orchestrator.report.lookup import scores
from orchestrator.report.machine.table_text import write_table
from orchestrator.report.views.header import alerts
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document
from orchestrator.store.store import Store
from stagekit import StageContext
from stagekit.measuring import MeasuredPicture, measuring
from stagekit.results.scores import NotMeasured as Unmeasured
from tests.engine.fake import FakeEngine, Faults, Handler
from tests.execute.small_run import KINDS, left_by
from tests.plugin_folder import write_metric, write_plugin

pytestmark = pytest.mark.slow

SPEC = """\
name: first
plugins: [mine]
models: [{model: errnet2019, recipe: {epochs: 5}}]
train: {synthetic: skimage-train}
test: [skimage-test]
features: random
metrics: [psnr]
"""
MEASURED = SPEC.replace("[psnr]", "[psnr, farthest]")
LABELS = ("input", "truth", "errnet2019")


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture, np.int64)


def farthest(picture: MeasuredPicture) -> float:
    return float(np.abs(pixels(picture.prediction) - pixels(picture.truth)).max())


class Comparison:
    """An experiment with a plug-in beside it; every stage is run by an engine that leaves results of the right form."""

    def __init__(self, folder: Path) -> None:
        self.plugin = write_metric(folder / "mine")
        self.request = RunRequest(folder / "first.yaml", folder / "store")
        self.store = Store(self.request.store)
        self.handlers: dict[str, Handler] = {**dict.fromkeys(KINDS, left_by), "measure": measuring(farthest)}

    def run(self, text: str) -> RunResult:
        self.request.spec.write_text(text, encoding="utf-8")
        comparison = planned(self.request)
        engine = FakeEngine(self.handlers, Faults())
        environments = {name: Environment("local", name, "0" * 64, "python") for name in comparison.images}
        return run_experiment(comparison, self.store, engine, environments, lambda _event: None, Stopper())

    def scores(self, label: str, protocol: str = "standard") -> Scores:
        found = scores(content_of_run("first", self.store.root), label, "skimage-test", protocol)
        assert isinstance(found, Scores)
        return found

    @property
    def report(self) -> Path:
        return report_of_run("first", self.store.root).parent


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    return Comparison(tmp_path)


def test_a_metric_that_is_added_to_a_finished_comparison_is_all_that_runs(comparison: Comparison) -> None:
    before = comparison.run(SPEC)
    assert len(before.made) > 8
    assert not before.failures
    after = comparison.run(MEASURED)
    assert set(after.made) == {f"measure/{label}/skimage-test/farthest" for label in LABELS}
    assert set(after.stored) == set(before.made)


def test_an_entrant_that_is_added_to_a_finished_comparison_is_all_that_runs(comparison: Comparison) -> None:
    before = comparison.run(MEASURED)
    more = MEASURED.replace("models: [", "models: [{program: yang2019}, ")
    after = comparison.run(more)
    own = {"predict/yang2019/skimage-test", "evaluate/yang2019/skimage-test/standard"}
    assert set(after.made) == {*own, "measure/yang2019/skimage-test/farthest"}
    assert set(after.stored) == set(before.made)


def test_its_entry_in_tables_is_in_no_key_but_what_its_values_may_be_is(comparison: Comparison) -> None:
    comparison.run(MEASURED)
    path = comparison.plugin / "metric_specs" / "farthest.yaml"
    path.write_text(path.read_text().replace("title: Farthest", "title: Largest difference"))
    assert comparison.run(MEASURED).made == ()
    assert "Largest difference" in (comparison.report / "index.html").read_text()
    path.write_text(path.read_text().replace("most: 255", "most: 256"))
    assert len(comparison.run(MEASURED).made) == len(LABELS)


def test_its_values_stand_wherever_those_of_built_in_metrics_do(comparison: Comparison) -> None:
    comparison.run(MEASURED)
    found = comparison.scores("errnet2019")
    assert found.metrics == ("psnr", "farthest")
    values = [item.values["farthest"] for item in found.items]
    assert all(isinstance(value, float) and 0 < value <= 255 for value in values)
    content = content_of_run("first", comparison.store.root)
    ranking = next(one for one in content.rankings if one.metric == "farthest")
    assert ranking.means["truth"].value == 0
    assert ranking.beside["errnet2019"].n == 3
    table = write_table(content, "markdown", [])
    assert "Farthest" in table
    rows = list(csv.DictReader(io.StringIO((comparison.report / "scores.csv").read_text())))
    written = [float(row["score"]) for row in rows if (row["network"], row["metric"]) == ("errnet2019", "farthest")]
    assert written == values
    record = json.loads((comparison.report / "report.json").read_text())
    means = {one["label"]: one["scores"][0]["means"]["farthest"]["value"] for one in record["results"]}
    assert means["errnet2019"] == pytest.approx(np.mean(values))
    page = (comparison.report / "index.html").read_text()
    assert "Farthest" in page
    assert "levels" in page
    datasets = "".join(path.read_text() for path in comparison.report.glob("dataset*.html"))
    assert '"key":"farthest"' in datasets.replace(" ", "")
    assert "the largest difference of two values" in datasets
    crate = (comparison.report / "ro-crate-metadata.json").read_text()
    assert "measure/errnet2019/skimage-test/farthest" in crate
    assert "measure.json" in crate


def test_what_a_run_measured_outlives_its_plugin(comparison: Comparison) -> None:
    comparison.run(MEASURED)
    before = comparison.scores("errnet2019")
    shutil.rmtree(comparison.plugin)
    content = content_of_run("first", comparison.store.root)
    (metric,) = (one for one in content.protocols[0].metrics if one.image)
    assert metric.scale is not None
    assert (metric.scale.title, metric.scale.better, metric.plugin) == ("Farthest", "lower", "mine")
    assert comparison.scores("errnet2019") == before


def test_the_report_says_what_comes_from_which_plugin_and_what_named_it(comparison: Comparison) -> None:
    write_plugin(comparison.plugin)
    more = MEASURED.replace("models: [", "models: [{program: dim2026}, ").replace("[skimage-test]", "[small-scenes]")
    assert not comparison.run(more + "protocols: [standard, mine2026]\n").failures
    record = json.loads((comparison.report / "report.json").read_text())
    brings = ["program dim2026", "image dimmer", "image meter", "dataset small-scenes", "metric farthest"]
    origin = "'plugins:' of the experiment"
    assert record["plugins"] == [{"name": "mine", "origin": origin, "brings": [*brings, "protocol mine2026"]}]
    assert {model["label"]: model["plugin"] for model in record["models"]} == {"dim2026": "mine", "errnet2019": ""}
    assert {one["name"]: one["plugin"] for one in record["datasets"]} == {"small-scenes": "mine", "skimage-train": ""}
    assert "of the plug-in mine" in (comparison.report / "index.html").read_text()
    provenance = (comparison.report / "provenance.html").read_text()
    assert "plug-in mine" in provenance
    assert "of the plug-in mine" in provenance
    datasets = "".join(path.read_text() for path in comparison.report.glob("dataset*.html"))
    assert "in levels of 8 bits (a test; of the plug-in mine)" in datasets
    assert str(comparison.plugin) not in run_document(comparison.store, run_reference("first")).model_dump_json()


PROTOCOLS = MEASURED + "protocols: [mine2026, standard]\n"


def test_a_protocol_of_a_plugin_is_judged_by_where_it_stands_first(comparison: Comparison) -> None:
    comparison.run(MEASURED)
    result = comparison.run(PROTOCOLS)
    assert set(result.made) == {f"evaluate/{label}/skimage-test/mine2026" for label in LABELS}
    found = comparison.scores("errnet2019", "mine2026")
    assert (found.version, found.metrics) == (1, ("ssim", "farthest"))
    page = (comparison.report / "index.html").read_text()
    assert "mine2026 v1" in page
    assert "What nobody prints" not in page, "the first protocol's table is called Scores"
    record = json.loads((comparison.report / "report.json").read_text())
    assert {one["protocol"] for result in record["results"] for one in result["scores"]} == {"mine2026", "standard"}


def test_a_protocol_with_metrics_of_plugins_alone_needs_no_evaluation(comparison: Comparison) -> None:
    path = comparison.plugin / "protocol_specs" / "mine2026.yaml"
    path.write_text(path.read_text().replace("errnet2019.ssim, ", ""))
    result = comparison.run(SPEC + "protocols: [mine2026]\n")
    assert not [stage for stage in result.made if stage.startswith("evaluate")]
    assert comparison.scores("truth", "mine2026").metrics == ("farthest",)
    assert "Farthest" in (comparison.report / "index.html").read_text()


def test_trainings_are_validated_by_it_too(comparison: Comparison) -> None:
    train = "train: {synthetic: skimage-train, validation: {dataset: skimage-test, every: 2}}"
    result = comparison.run(MEASURED.replace("train: {synthetic: skimage-train}", train))
    assert "measure/errnet2019@2/skimage-test/farthest" in result.made
    (model,) = content_of_run("first", comparison.store.root).models
    assert model.validation is not None
    points = {point.epoch: point.scores for point in model.validation.points}
    assert all(isinstance(found, Scores) and "farthest" in found.metrics for found in points.values())


def writing(document: Callable[[list[str]], Mapping[str, Any]]) -> Handler:
    """Return a program that makes its result without the contract's help."""

    def measure(context: StageContext) -> None:
        dataset = json.loads(Path(context.input("dataset", "dataset.json")).read_bytes())
        made = document([item["id"] for item in dataset["items"]])
        text = json.dumps({"metric": "farthest", "dataset": dataset["name"], **made})
        Path(context.output("measure.json")).write_text(text)

    return measure


def garbage(context: StageContext) -> None:
    context._stream.write("{\x00 not a message\n")
    Path(context.output("measure.json")).write_text("42 levels")


def twice(context: StageContext) -> None:
    whole = writing(lambda ids: items(dict.fromkeys(ids, 1.0)))
    whole(context)
    path = Path(context.output("measure.json"))
    path.write_text(path.read_text().replace('"metric":', '"metric": "nearest", "metric":'))


def items(values: Mapping[str, object]) -> dict[str, object]:
    return {"items": [{"id": name, "value": value} for name, value in values.items()]}


def broken() -> Iterator[Any]:
    whole = writing
    cases: dict[str, tuple[Handler, str]] = {
        "nothing": (lambda _context: None, "ended well but left no measure.json"),
        "garbage": (garbage, "it is no JSON"),
        "no-number": (measuring(lambda _picture: "much"), "of type str for picture one"),  # type: ignore[arg-type,return-value]
        "text": (measuring(lambda _picture: "5"), "of type str for picture one"),  # type: ignore[arg-type,return-value]
        "truth-value": (measuring(lambda _picture: True), "of type bool for picture one"),
        "truth-value-of-numpy": (measuring(lambda _picture: np.bool_(1)), "no number"),  # type: ignore[arg-type,return-value]
        "no-reason": (measuring(lambda _picture: Unmeasured(" ")), "gave NotMeasured without a reason for picture one"),
        "huge": (measuring(lambda _picture: -1e16), "gave -1e+16, which is larger than 1e+15"),
        "huge-whole": (measuring(lambda _picture: 10**400), "which is larger than 1e+15"),
        "nan": (measuring(lambda _picture: math.nan), "gave nan, which is no finite number, for picture one"),
        "infinite": (measuring(lambda _picture: math.inf), "gave inf, which is no finite number, for picture one"),
        "out-of-range": (measuring(lambda _picture: 300.0), "gave 300.0, which is more than 255.0"),
        "raises": (measuring(lambda picture: 1 / (picture.height - picture.height)), "ZeroDivisionError"),
        "written-nan": (whole(lambda ids: items(dict.fromkeys(ids, math.nan))), "is not a finite number"),
        "written-infinite": (whole(lambda ids: items(dict.fromkeys(ids, "inf"))), "left inf, which is no finite"),
        "written-negative": (whole(lambda ids: items(dict.fromkeys(ids, -1.0))), "left -1.0, which is less than 0.0"),
        "written-huge": (
            whole(lambda ids: items(dict.fromkeys(ids, 1e300))),
            "left 1e+300, which is larger than 1e+15",
        ),
        "written-without-a-reason": (
            whole(lambda ids: items({one: {"not_measured": ""} for one in ids})),
            "left no number and no reason why, for picture one",
        ),
        "another-dataset": (
            whole(lambda ids: {**items(dict.fromkeys(ids, 1.0)), "dataset": "other"}),
            "left numbers of a dataset 'other' where 'skimage-test' was asked for",
        ),
        "another-order": (
            whole(lambda ids: items(dict.fromkeys(ids[::-1], 1.0))),
            "left its numbers in another order than the dataset has its pictures",
        ),
        "unknown-field": (
            whole(lambda ids: {"items": [{"id": one, "value": 1.0, "vaule": 2} for one in ids]}),
            "left fields that measure.json does not have: 'vaule'",
        ),
        "twice-a-field": (twice, "left 'metric' twice in one object"),
        "one-too-few": (
            whole(lambda ids: items(dict.fromkeys(ids[1:], 1.0))),
            "left no number for picture one: 2 numbers",
        ),
        "one-too-many": (
            whole(lambda ids: items(dict.fromkeys([*ids, "four"], 1.0))),
            "left a number for picture four, which the dataset does not have",
        ),
        "twice": (
            whole(lambda ids: {"items": [{"id": one, "value": 1} for one in [*ids, ids[0]]]}),
            "it names item 'one' twice",
        ),
        "other-metric": (
            whole(lambda ids: {**items(dict.fromkeys(ids, 1.0)), "metric": "nearest"}),
            "a metric 'nearest'",
        ),
    }
    for name, (handler, words) in cases.items():
        quick = name in {"nothing", "nan", "one-too-many"}
        yield pytest.param(handler, words, id=name, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("program", "words"), tuple(broken()))
def test_a_metric_whose_program_is_broken_fails_alone(comparison: Comparison, program: Handler, words: str) -> None:
    comparison.handlers["measure"] = program
    result = comparison.run(MEASURED)
    assert set(result.failures) == {f"measure/{label}/skimage-test/farthest" for label in LABELS}
    error = next(iter(result.failures.values()))
    assert words in error.message
    assert "stage measure/" in str(error.where)
    assert "measure" in f"{error.where}".partition(", log ")[2]
    assert "farthest" in f"{error.message} {error.where}"
    assert error.hint
    found = comparison.scores("errnet2019")
    assert [item.values["psnr"] for item in found.items] == [22.0, 23.0, 24.0]
    missing = {item.values["farthest"] for item in found.items}
    assert all(isinstance(value, NotMeasured) and words in value.why for value in missing)
    page = (comparison.report / "index.html").read_text()
    assert "not measured: measure/errnet2019/skimage-test/farthest failed" in page
    content = content_of_run("first", comparison.store.root)
    assert "3 pictures: measure/errnet2019/skimage-test/farthest failed" in write_table(content, "markdown", [])
    rows = list(csv.DictReader(io.StringIO(write_table(content, "csv", ["farthest"]))))
    assert all(row["not_measured"].startswith("measure/") for row in rows)


def test_a_picture_that_the_metric_cannot_measure_says_why(comparison: Comparison) -> None:
    def measure(picture: MeasuredPicture) -> float | Unmeasured:
        return Unmeasured("it is the second") if picture.id == "two" else farthest(picture)

    comparison.handlers["measure"] = measuring(measure)
    assert not comparison.run(MEASURED).failures
    values = {item.id: item.values["farthest"] for item in comparison.scores("errnet2019").items}
    assert values["two"] == NotMeasured("it is the second")
    assert isinstance(values["one"], float)


def test_predictions_of_another_size_and_absent_ones_are_not_measured(comparison: Comparison) -> None:
    def infer(context: StageContext) -> None:
        left_by(context)
        path = Path(context.output("predictions.json"))
        document = json.loads(path.read_bytes())
        document["items"][1]["height"] += 1
        del document["items"][2]
        path.write_text(json.dumps(document))

    comparison.handlers["infer"] = infer
    comparison.run(MEASURED)
    values = {item.id: item.values["farthest"] for item in comparison.scores("errnet2019").items}
    assert values["two"] == NotMeasured("the prediction has 32 x 47 pixels, the truth 31 x 47")
    assert values["three"] == NotMeasured("there is no prediction")


def test_a_metric_that_may_be_infinite_is(comparison: Comparison) -> None:
    path = comparison.plugin / "metric_specs" / "farthest.yaml"
    text = path.read_text().replace(
        "better: lower\nidentical: 0\nleast: 0\nmost: 255", "better: higher\nidentical: infinite"
    )
    path.write_text(text)
    comparison.handlers["measure"] = measuring(lambda picture: 255 / one if (one := farthest(picture)) else math.inf)
    assert not comparison.run(MEASURED).failures
    assert {item.values["farthest"] for item in comparison.scores("truth").items} == {math.inf}
    assert "∞" in (comparison.report / "index.html").read_text()


@pytest.mark.parametrize(
    ("offset", "words"),
    [(0.0, ""), (1e-9, ""), (9e-7, ""), (7.0, "it says that they have 0.0, and the truth has 7.0 on 3 of 3 pictures")],
    ids=["as-said", "noise", "single-precision", "another"],
)
def test_a_metric_that_the_truth_contradicts_is_told_on_top(comparison: Comparison, offset: float, words: str) -> None:
    comparison.handlers["measure"] = measuring(lambda picture: min(255, farthest(picture) + offset))
    assert not comparison.run(MEASURED).failures
    said = [alert.text for alert in alerts(content_of_run("first", comparison.store.root)) if "Farthest" in alert.text]
    assert bool(said) == bool(words)
    assert all(words in text for text in said)
    page = (comparison.report / "index.html").read_text()
    assert ("correct &#39;identical&#39; in its description" in page) == bool(words)


def test_settings_of_an_evaluation_by_a_plugins_protocol_say_what_it_is_made_of(comparison: Comparison) -> None:
    comparison.request.spec.write_text(PROTOCOLS, encoding="utf-8")
    stages: dict[str, Any] = {stage.name: stage for stage in planned(comparison.request).plan.stages}
    own = SimpleNamespace(**stages["evaluate/input/skimage-test/mine2026"].settings)
    assert (own.metrics, own.entries, own.border, own.floats) == (["ssim"], {"ssim": "errnet2019.ssim"}, 0, False)
    assert "entries" not in stages["evaluate/input/skimage-test/standard"].settings
