"""What trackers are told of a run, and what becomes of a run that they do not take."""

import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError, TrackingFailed
from orchestrator.execute import tracking
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.report_content import measured_content
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.tracking import track_finished, track_run, tracked_run
from orchestrator.report.content import PictureScores, Scores, Validation, ValidationPoint
from orchestrator.spec.load import load_experiment
from orchestrator.spec.tracking import Tracking
from orchestrator.store.reference import run_reference
from orchestrator.store.run_entries import FailureEntry
from orchestrator.store.store import Store
from orchestrator.tracking.record import Point, TrackedEntrant, metric_name
from orchestrator.tracking.tracker import Told
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def results(store, name="first"):
    return recorded_results(run_reference(name), store)


def test_an_entrant_is_told_with_its_recipe_curves_scores_and_keys(store, tmp_path):
    keep_run(store, tmp_path)
    told = tracked_run(results(store), "shown")
    network, taken = told.entrants
    assert (network.name, taken.name) == ("errnet2019", "taken")
    assert network.parameters["recipe.weight_vgg"] == "0.2"
    assert taken.parameters["checkpoint"] == "released.pth"
    assert network.curves["train/pixel"] == (Point(0.5, 1, 1_760_000_000.5),)
    assert network.curves["train/learning_rate"][0].value == 1e-4
    assert taken.curves == {}
    assert network.scores["skimage-test/standard/psnr"].value == 23.0
    assert network.facts["key.train_errnet2019"] == results(store).document.keys["train/errnet2019"]
    assert set(told.whole.scores) == {"input/skimage-test/standard/psnr"}
    assert told.whole.parameters["test"] == "skimage-test"
    assert told.whole.complete


def test_the_same_experiment_has_the_same_id_wherever_it_ran(tmp_path):
    ids = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        store = Store(tmp_path / place / "store")
        keep_run(store, tmp_path / place)
        told = tracked_run(results(store), "shown")
        ids.append([told.whole.id, *(one.id for one in told.entrants)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


def test_what_is_not_measured_is_told_as_not_complete_with_why(store, tmp_path):
    keep_run(store, tmp_path, unmeasured="taken", leave="infer/errnet2019")
    told = tracked_run(results(store), "shown")
    assert [one.complete for one in told.entrants] == [False, True]
    assert told.entrants[1].scores == {}


def test_validated_weights_are_told_as_a_curve_of_their_means(store, tmp_path, monkeypatch):
    keep_run(store, tmp_path)
    content = measured_content(results(store))
    items = tuple(PictureScores(f"p{place}", {"psnr": value}) for place, value in enumerate((20.0, 23.0)))
    points = tuple(ValidationPoint(epoch, Scores("standard", 1, ("psnr",), items)) for epoch in (0, 1))
    network = replace(content.models[0], validation=Validation("skimage-test", points))
    validated = replace(content, models=(network, *content.models[1:]))
    monkeypatch.setattr(tracking, "measured_content", lambda _results: validated)
    told = tracked_run(results(store), "shown").entrants[0]
    # No step of the training comes before the weights of no epoch.
    assert told.curves["validation/skimage-test/standard/psnr"] == (Point(21.5, 1, 1_760_000_000.5),)


def test_a_stage_that_failed_is_told_with_why(store, tmp_path):
    keep_run(store, tmp_path, leave="export/taken")
    found = results(store)
    failure = FailureEntry(code="stage-failed", message="it came to no end")
    stages = tuple(
        stage.model_copy(update={"failure": failure}) if stage.name == "export/taken" else stage
        for stage in found.document.stages
    )
    told = tracked_run(replace(found, document=found.document.model_copy(update={"stages": stages})), "shown")
    assert told.entrants[1].facts["failed.export_taken"] == "it came to no end"
    assert not any(name.startswith("failed.") for name in told.entrants[0].facts)


def test_names_have_only_what_every_tracker_takes():
    assert metric_name("a/b", "Süd (1)", "psnr") == "a_b/Süd _1_/psnr"


def test_times_are_no_part_of_what_tells_a_change():
    one = TrackedEntrant("id", "name", curves={"loss": (Point(1.0, 1, 5.0),)}, started_s=1.0)
    later = replace(one, curves={"loss": (Point(1.0, 1, 9.0),)}, started_s=2.0)
    other = replace(one, curves={"loss": (Point(2.0, 1, 5.0),)})
    assert one.digest == later.digest != other.digest


def test_naming_trackers_changes_no_key(store, tmp_path):
    keep_run(store, tmp_path)
    spec = tmp_path / "first.yaml"
    spec.write_text(spec.read_text() + "track: {mlflow: 'http://127.0.0.1:9', wandb: team/project}\n")
    comparison = planned(RunRequest(spec, store.root), make=True)
    assert comparison.resolved.experiment.track == Tracking(mlflow="http://127.0.0.1:9", wandb="team/project")
    assert {name: identity.key for name, identity in comparison.identities.items()}.items() <= results(
        store
    ).document.keys.items()
    assert not comparison.missing


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param("{}", "nothing is named", id="neither"),
        pytest.param("{mlflow: 'http://me:secret@there'}", "holds a password", id="password"),
        pytest.param("{mlflow: 'https://secret@there'}", "holds a password or token", id="token"),
        pytest.param("{mlflow: 'https://there/?api_key=secret'}", "holds a password or token", id="query"),
        pytest.param("{mlflow: 'http://me:secret@[there'}", "no address", id="address"),
        pytest.param("{wandb: 'a b'}", "wandb", id="project"),
        pytest.param("{aim: here}", "aim", id="unknown"),
    ],
)
def test_a_spec_that_names_no_tracker_is_refused(tmp_path, store, written, words):
    keep_run(store, tmp_path)
    spec = tmp_path / "first.yaml"
    spec.write_text(spec.read_text() + f"track: {written}\n")
    with pytest.raises(SirrError, match=words) as caught:
        load_experiment(spec)
    assert "secret" not in caught.value.message


class Tracker:
    name = "a tracker"

    def __init__(self, error=None):
        self.error, self.runs = error, []

    def tell(self, run, files):
        if self.error:
            raise self.error
        self.runs.append((run, [path.name for path in files()], [path.stat().st_size for path in files()]))
        return Told(self.name, "a place", 1, 0, 0)


def test_a_finished_run_is_told_with_its_report(store, tmp_path):
    keep_run(store, tmp_path)
    tracker, said = Tracker(), []
    track_finished(results(store), store, [tracker], said.append)
    ((run, names, sizes),) = tracker.runs
    assert run.name == "first"
    assert names == ["report.html", "report.json", "scores.csv"]
    assert min(sizes) > 100
    assert said == ["a tracker: a place (1 new, 0 changed, 0 as they were)"]


def test_a_tracker_that_does_not_answer_takes_nothing_from_a_run(store, tmp_path):
    keep_run(store, tmp_path)
    said, other = [], Tracker()
    failing = Tracker(TrackingFailed("it is away", hint="later: sirr-orch track first --mlflow x"))
    track_finished(results(store), store, [failing, other], said.append)
    assert said[0] == "warning: not tracked: it is away; later: sirr-orch track first --mlflow x"
    assert other.runs


@pytest.mark.parametrize("client", ["mlflow", "wandb"])
def test_a_client_that_is_not_installed_is_named_with_how_to_install_it(store, tmp_path, monkeypatch, client):
    keep_run(store, tmp_path)
    monkeypatch.setitem(sys.modules, client, None)
    done = CliRunner().invoke(app, ["track", "first", f"--{client}", "http", "--store", str(store.root)])
    assert isinstance(done.exception, SirrError)
    assert done.exception.hint == f"install it: pip install 'sirr-orch[{client}]'"


def test_a_run_whose_spec_names_no_tracker_says_what_to_name(store, tmp_path):
    keep_run(store, tmp_path)
    with pytest.raises(SirrError, match="names no tracker"):
        list(track_run("first", store.root, None))
