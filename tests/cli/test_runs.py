"""sirr-orch runs: what the store records, listed, shown, renamed and removed."""

import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.execute.command import report_of_run
from orchestrator.execute.events import Failed, StateChanged
from orchestrator.execute.run_record import DocumentWriter
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document, run_documents, run_in_progress
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path):
    kept = Store(tmp_path / "store")
    keep_run(kept, tmp_path, epochs=5)
    keep_run(kept, tmp_path, epochs=7)
    return kept


@pytest.fixture
def sirr(store):
    """Run a command of `sirr-orch runs` on the store and return what came of it."""

    def run(*arguments, text=None):
        return CliRunner().invoke(app, ["runs", *arguments, "--store", str(store.root)], input=text)

    return run


def listed(sirr):
    return {row["name"]: row for row in json.loads(sirr("list", "--json").output)}


def test_list_tells_each_run_at_a_glance(sirr, store, tmp_path):
    keep_run(store, tmp_path, name="half", leave="infer/taken")
    store.run("old").append({"event": "planned", "keys": {}})
    rows = listed(sirr)
    assert {name: (row["revision"], row["state"]) for name, row in rows.items()} == {
        "first": (2, "complete"),
        "half": (1, "partial"),
        "old": (None, "unreadable"),
    }
    assert rows["first"]["networks"] == ["errnet2019", "taken"]
    assert rows["first"]["test"] == ["skimage-test"]
    assert "earlier version" in rows["old"]["problem"]
    text = sirr("list").output
    assert all(word in text for word in ("first", "complete", "half", "partial", "skimage-test"))


def test_list_of_an_empty_store_says_what_to_do(tmp_path):
    Store(tmp_path / "new")
    done = CliRunner().invoke(app, ["runs", "list", "--store", str(tmp_path / "new")])
    assert done.output.strip() == (
        f"the store {tmp_path / 'new'} has no run; run: sirr-orch run SPEC; or name another store with --store"
    )


def test_failed_and_running_are_states(sirr, store):
    writer = DocumentWriter(store, run_document(store, run_reference("first")))
    writer.listen(Failed("infer/taken/skimage-test", SirrError("it fell over")))
    writer.listen(StateChanged("infer/taken/skimage-test", "failed"))
    assert listed(sirr)["first"]["state"] == "failed"
    assert "it fell over" in sirr("show", "first").output
    with run_in_progress(store, "first"):
        assert listed(sirr)["first"]["state"] == "running"


def test_show_tells_the_run_in_words_and_every_stage(sirr, store):
    text = sirr("show", "first").output
    assert "first@2" in text
    assert "first@1" in text
    assert "adopted from released.pth" in text
    document = run_document(store, run_reference("first"))
    for stage in document.stages:
        assert stage.name in text
        assert stage.key[:12] in text


def test_show_as_json_is_the_document(sirr, store):
    found = json.loads(sirr("show", "first@1", "--json").output)
    assert found == run_document(store, run_reference("first@1")).model_dump(mode="json")


@pytest.mark.slow
def test_renamed_run_is_whole_under_its_new_name_alone(sirr, store):
    report_of_run("first", store.root)
    assert sirr("rename", "first", "second").output == "renamed: first -> second\n"
    assert set(listed(sirr)) == {"second"}
    assert [(one.name, one.revision) for one in run_documents(store, "second")] == [("second", 1), ("second", 2)]
    assert "<title>second: Summary</title>" in report_of_run("second", store.root).read_text(encoding="utf-8")
    assert '"name": "second"' in (store.root / "runs" / "second" / "run.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("other", "has a run 'other' already", id="taken"),
        pytest.param("Second", "is no run's name", id="capital"),
        pytest.param("second@2", "names a revision", id="revision"),
        pytest.param("../second", "'../second' is no run's name", id="path"),
        pytest.param("a/b/c", "'a/b/c' is no run's name", id="longer-path"),
        pytest.param("second/errnet2019", "names a model", id="model"),
    ],
)
def test_name_that_cannot_be_given_is_refused(sirr, store, tmp_path, name, said):
    keep_run(store, tmp_path, name="other")
    error = sirr("rename", "first", name).exception
    assert said in str(error)
    assert error.hint
    assert set(listed(sirr)) == {"first", "other"}


@pytest.mark.parametrize("arguments", [("rename", "first", "second"), ("remove", "first", "--yes")])
def test_run_in_progress_is_left_alone(sirr, store, arguments):
    with run_in_progress(store, "first"):
        error = sirr(*arguments).exception
    assert "is in progress" in str(error)
    assert error.code == "in-use"
    assert error.hint
    assert listed(sirr)["first"]["state"] == "complete"


def test_removing_asks_and_keeps_the_results(sirr, store):
    assert sirr("remove", "first", text="n\n").exit_code == 1
    assert set(listed(sirr)) == {"first"}
    keys = run_document(store, run_reference("first")).keys
    assert sirr("remove", "first", text="y\n").exit_code == 0
    assert listed(sirr) == {}
    assert all(store.artifact(key) is not None for key in keys.values())


def test_one_earlier_revision_is_removed_and_the_latest_is_not(sirr, store):
    assert "is the latest revision" in str(sirr("remove", "first@2", "--yes").exception)
    assert sirr("remove", "first@1", "--yes").exit_code == 0
    assert [one.revision for one in run_documents(store, "first")] == [2]


def test_damaged_run_can_be_listed_and_removed(sirr, store):
    (store.root / "runs" / "first" / "run.json").write_text("{", encoding="utf-8")
    assert "damaged" in listed(sirr)["first"]["problem"]
    assert sirr("remove", "first", "--yes").exit_code == 0
    assert listed(sirr) == {}


@pytest.mark.parametrize("arguments", [("show", "nothing"), ("rename", "nothing", "new"), ("remove", "nothing", "-y")])
def test_unknown_run_names_the_known_ones(sirr, arguments):
    assert "it has: first" in str(sirr(*arguments).exception)


def test_logs_of_a_command_that_is_no_run_take_no_name(sirr, store):
    (store.layout.logs("match")).mkdir(parents=True)
    usage = CliRunner().invoke(app, ["store", "usage", "--json", "--store", str(store.root)])
    assert set(json.loads(usage.output)["runs"]) == {"first"}
    assert sirr("rename", "first", "match").exit_code == 0
    assert set(listed(sirr)) == {"match"}
