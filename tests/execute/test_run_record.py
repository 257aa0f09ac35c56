"""The document of a run: what it holds, that none of it is lost, and that what cannot be read is said."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.errors import SpecError, StoreError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.events import Failed, StateChanged
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.run_results import recorded_results
from orchestrator.store.reference import run_reference
from orchestrator.store.run_document import RunDocument, document_schema
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import is_in_progress, run_at_rest, run_document, run_documents, run_in_progress, start_run
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def found(store: Store, text: str = "first") -> RunDocument:
    return run_document(store, run_reference(text))


def file_of(store: Store) -> Path:
    return store.root / "runs" / "first" / "run.json"


def test_document_holds_the_run(store: Store, tmp_path: Path) -> None:
    comparison = keep_run(store, tmp_path, epochs=5, seed=3)
    document = found(store)
    assert (document.name, document.revision, document.seed, document.test) == ("first", 1, 3, ("skimage-test",))
    assert document.spec.name == "first.yaml"
    assert document.spec.text == (tmp_path / "first.yaml").read_text(encoding="utf-8")
    trained, adopted = document.entrants
    assert (trained.label, trained.checkpoint, trained.seed) == ("errnet2019", None, 3)
    assert {(one.field, one.paper, one.value) for one in trained.overrides} >= {("epochs", 60, 5)}
    assert (adopted.label, adopted.spec, adopted.checkpoint) == ("taken", "ibcln2020", "released.pth")
    assert {dataset.name: dataset.uses for dataset in document.datasets} == {
        "skimage-test": ("test",),
        "skimage-train": ("synthetic",),
    }
    assert document.stage("adopt/taken").sources["checkpoint"].file == "released.pth"
    assert document.experiment["memory"] == 4 * 2**30
    assert document.experiment["inference"]["mode"] == "exact"
    assert [(protocol.name, [metric.name for metric in protocol.metrics]) for protocol in document.protocols] == [
        ("standard", ["psnr"])
    ]
    keys = {name: identity.key for name, identity in comparison.identities.items()}
    assert document.keys == keys
    assert {stage.state for stage in document.stages} == {"done"}


def test_document_is_what_its_schema_says(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    jsonschema.validate(json.loads(file_of(store).read_text(encoding="utf-8")), document_schema())


def test_document_names_no_folder_of_this_machine_besides_the_users_own_text(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    assert str(tmp_path) not in file_of(store).read_text(encoding="utf-8")


def test_changed_experiment_is_the_next_revision_and_earlier_ones_stay(store: Store, tmp_path: Path) -> None:
    for epochs in (5, 7, 9):
        keep_run(store, tmp_path, epochs=epochs)
    assert found(store).revision == 3
    assert [(one.revision, one.entrants[0].recipe["epochs"]) for one in run_documents(store, "first")] == [
        (1, 5),
        (2, 7),
        (3, 9),
    ]
    assert "epochs: 7" in found(store, "first@2").spec.text
    assert found(store, "first@3") == found(store)


def test_same_experiment_again_is_the_same_revision(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    created = found(store).created
    keep_run(store, tmp_path)
    assert (found(store).revision, found(store).created) == (1, created)
    assert found(store).updated > created


@pytest.mark.parametrize(
    ("written", "revision"),
    [
        pytest.param("memory: 4GiB\nnote: other words", 1, id="note"),
        pytest.param("memory: 6GiB\nnote: other words", 2, id="memory-which-answers-of-inference-depend-on"),
    ],
)
def test_what_decides_no_result_makes_no_revision(store: Store, tmp_path: Path, written: str, revision: int) -> None:
    keep_run(store, tmp_path)
    spec = tmp_path / "first.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("memory: 4GiB", written), encoding="utf-8")
    start_run(store, planned_document(planned(RunRequest(spec, store.root)), Overrides()))
    assert (found(store).revision, found(store).note) == (revision, "other words")


def started(store: Store, folder: Path, epochs: int = 5) -> DocumentWriter:
    comparison = keep_run(store, folder, epochs=epochs, leave="evaluate/")
    return DocumentWriter(store, start_run(store, planned_document(comparison, Overrides())))


def test_failure_stands_in_the_document_until_the_stage_runs_again(store: Store, tmp_path: Path) -> None:
    writer = started(store, tmp_path)
    error = SpecError("it cannot be", hint="do otherwise")
    error.took = {"seconds": 2.5}
    stage = "evaluate/input/skimage-test/standard"
    writer.listen(StateChanged(stage, "running", {"key": "a" * 64}))
    writer.listen(Failed(stage, error))
    writer.listen(StateChanged(stage, "failed"))
    failure = found(store).failures[stage]
    assert (failure.code, failure.message, failure.hint) == ("spec-invalid", "it cannot be", "do otherwise")
    assert failure.took == {"seconds": 2.5}
    writer.listen(StateChanged(stage, "running", {"key": "b" * 64}))
    entry = found(store).stage(stage)
    assert (entry.failure, entry.state, entry.key) == (None, "running", "b" * 64)


def test_skipped_stage_says_because_of_what(store: Store, tmp_path: Path) -> None:
    writer = started(store, tmp_path)
    writer.listen(StateChanged("evaluate/taken/skimage-test/standard", "skipped", {"because": "infer/taken"}))
    writer.save()
    assert found(store).failures["evaluate/taken/skimage-test/standard"].message == "infer/taken failed"


def test_two_programs_with_two_experiments_write_over_neither(store: Store, tmp_path: Path) -> None:
    first = started(store, tmp_path, epochs=5)
    second = started(store, tmp_path, epochs=7)
    first.listen(StateChanged("evaluate/input/skimage-test/standard", "done", {"key": "c" * 64}))
    second.listen(StateChanged("evaluate/input/skimage-test/standard", "done", {"key": "d" * 64}))
    keys = [one.keys["evaluate/input/skimage-test/standard"] for one in run_documents(store, "first")]
    assert keys == ["c" * 64, "d" * 64]
    assert found(store).entrants[0].recipe["epochs"] == 7


def test_many_threads_lose_no_state(store: Store, tmp_path: Path) -> None:
    writer = started(store, tmp_path)
    names = [stage.name for stage in writer.document.stages if stage.kind == "evaluate"]
    threads = [
        threading.Thread(target=writer.listen, args=(StateChanged(name, "done", {"key": f"{number:064x}"}),))
        for number, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    document = found(store)
    assert {name: document.keys[name] for name in names} == {
        name: f"{number:064x}" for number, name in enumerate(names)
    }
    assert [path.name for path in file_of(store).parent.glob("run.json*")] == ["run.json"]


def test_fields_of_a_later_version_are_kept(store: Store, tmp_path: Path) -> None:
    writer = started(store, tmp_path)
    path = file_of(store)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["mood"] = "fine"
    content["stages"][0]["colour"] = {"name": "red"}
    del content["checksum"]
    path.write_text(json.dumps(content), encoding="utf-8")
    again = DocumentWriter(store, found(store))
    again.listen(StateChanged("evaluate/input/skimage-test/standard", "done", {"key": "a" * 64}))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["mood"], content["stages"][0]["colour"]) == ("fine", {"name": "red"})
    assert writer.document.revision == found(store).revision


@pytest.mark.parametrize("number", ["1", "2"])
def test_changed_digit_of_a_document_is_found_wherever_it_lies(store: Store, tmp_path: Path, number: str) -> None:
    keep_run(store, tmp_path)
    keep_run(store, tmp_path, epochs=7)
    path = file_of(store) if number == "2" else store.root / "runs" / "first" / "revisions" / "1" / "run.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"epochs": ', '"epochs": 1', 1), encoding="utf-8")
    with pytest.raises(StoreError, match="damaged: it is not what was written: its checksum differs"):
        found(store, f"first@{number}")


def test_document_may_be_laid_out_anew_and_changed_on_purpose(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    path = file_of(store)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    assert found(store).note == ""
    content["note"] = "Mine."
    del content["checksum"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert found(store).note == "Mine."


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda text: text[: len(text) // 2], "damaged: it is cut short", id="cut-short"),
        pytest.param(lambda _: "", "damaged: it is cut short", id="empty"),
        pytest.param(lambda text: "x" + text, "damaged: it is damaged", id="not-json"),
        pytest.param(lambda text: text.replace('"revision": 1', '"revision": "one"'), "damaged: revision", id="type"),
        pytest.param(lambda _: "[1]\n}", "damaged: it is", id="junk"),
        pytest.param(
            lambda text: text.replace('"note": "', '"note": "\\ud800'), "damaged: it is", id="half-a-character"
        ),
        pytest.param(lambda _: "[1]", "damaged: ", id="a-list"),
        pytest.param(
            lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "later version", id="later"
        ),
    ],
)
def test_document_that_cannot_be_read_is_named_and_left_alone(store: Store, tmp_path: Path, damage, said) -> None:
    comparison = keep_run(store, tmp_path)
    path = file_of(store)
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    before = path.read_bytes()
    for look in (lambda: found(store), lambda: start_run(store, planned_document(comparison, Overrides()))):
        with pytest.raises(StoreError, match=said) as caught:
            look()
        assert caught.value.hint
        assert caught.value.where == str(path)
    assert path.read_bytes() == before


def test_unknown_run_names_those_that_there_are(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="it has none at all") as caught:
        found(store)
    assert "sirr-orch run" in str(caught.value.hint)
    keep_run(store, tmp_path, name="other")
    with pytest.raises(SpecError, match="it has: other"):
        found(store)
    with pytest.raises(SpecError, match="no revision 4") as caught:
        found(store, "other@4")
    assert caught.value.hint == "choose one of: other@1"


def test_run_of_an_earlier_version_says_what_to_do(store: Store) -> None:
    store.run("old").append({"event": "planned", "keys": {}})
    with pytest.raises(SpecError, match="stored by an earlier version") as caught:
        found(store, "old")
    assert caught.value.hint == "run it again: sirr-orch run SPEC"


def test_run_in_progress_is_held(store: Store) -> None:
    with run_in_progress(store, "first"), run_in_progress(store, "first"):
        assert is_in_progress(store, "first")
        with pytest.raises(StoreError, match="is in progress"), run_at_rest(store, "first"):
            pass
    assert not is_in_progress(store, "first")
    with run_at_rest(store, "first"), pytest.raises(StoreError, match="being renamed"), run_in_progress(store, "first"):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda run: run["test"].append("street"), "test names 'street'", id="unknown-dataset"),
        pytest.param(lambda run: run["datasets"].clear(), "which is not among the datasets", id="no-datasets"),
        pytest.param(lambda run: run["protocols"][0]["metrics"].clear(), "protocols.0.metrics", id="no-metrics"),
        pytest.param(lambda run: run["stages"][1].update(state="flying"), "stages.1.state", id="state"),
        pytest.param(lambda run: run["stages"].append(run["stages"][0]), "stages has .* twice", id="stage-twice"),
        pytest.param(
            lambda run: run["entrants"].append(run["entrants"][0]), "entrants has .* twice", id="entrant-twice"
        ),
        pytest.param(lambda run: run["stages"][0]["inputs"].update(x="gone"), "reads 'gone'", id="unknown-stage"),
    ],
)
def test_document_that_speaks_of_what_it_has_not_is_damaged(
    store: Store, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    keep_run(store, tmp_path)
    content = json.loads(file_of(store).read_text(encoding="utf-8"))
    del content["checksum"]
    change(content)
    file_of(store).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(StoreError, match=said):
        found(store)


def test_key_of_another_stage_is_named_where_the_document_has_it(store: Store, tmp_path: Path) -> None:
    keep_run(store, tmp_path)
    content = json.loads(file_of(store).read_text(encoding="utf-8"))
    del content["checksum"]
    first = next(stage for stage in content["stages"] if stage["key"])
    other = next(stage for stage in content["stages"] if stage["key"] and stage["kind"] != first["kind"])
    first["key"] = other["key"]
    file_of(store).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(StoreError, match=f"names for {first['name']} the result of another stage, {other['name']}"):
        recorded_results(run_reference("first"), store)
