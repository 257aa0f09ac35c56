"""Entrants without a network: commands that need one say so, and name those that have one."""

from io import StringIO

import pytest
from rich.console import Console

from orchestrator.cli.run_table import print_run
from orchestrator.errors import SpecError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.compare_runs import spec_fields
from orchestrator.execute.models import export_model, release_model
from orchestrator.execute.photo_methods import chosen_method, found_network
from orchestrator.execute.removal import Removal
from orchestrator.execute.run_list import described_run
from orchestrator.execute.run_record import planned_document
from orchestrator.execute.run_stages import ExecutionRequest
from orchestrator.store.reference import run_reference
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import run_document, start_run
from orchestrator.store.store import Store

SPEC = """\
name: mixed
models: [{program: yang2019}, {predictions: given, name: other}MORE]
test: [skimage-test]
features: random
"""


@pytest.fixture
def store(tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "released.pth").write_bytes(b"weights")

    def recorded(more=""):
        spec = tmp_path / "mixed.yaml"
        spec.write_text(SPEC.replace("MORE", more))
        store = Store(tmp_path / "store")
        start_run(store, planned_document(planned(RunRequest(spec, store.root)), Overrides()))
        return store

    return recorded


@pytest.mark.parametrize(
    ("model", "words"), [("yang2019", "is a program without a network"), ("other", "computed elsewhere")]
)
def test_commands_that_need_a_network_say_that_there_is_none(store, tmp_path, model, words):
    there = store()
    request = ExecutionRequest(there.root, "local", lambda _event: None, lambda _words: None)
    removal = Removal((tmp_path / "photo.png",), f"mixed/{model}", tmp_path / "out", there.root)
    for command in (
        lambda: export_model(f"mixed/{model}", tmp_path / "out", request),
        lambda: release_model(f"mixed/{model}", tmp_path / "out", request),
        lambda: found_network(removal, there),
    ):
        with pytest.raises(SpecError, match=words) as caught:
            command()
        assert caught.value.hint == "choose a run that has networks"


def test_photographs_go_through_a_runs_program_with_that_runs_numbers(store, tmp_path):
    there = store(", {program: yang2019, name: strong, parameters: {threshold: 0.1}}")
    removal = Removal((tmp_path / "photo.png",), "mixed/strong", tmp_path / "out", there.root)
    method = chosen_method(removal, there, lambda _words: None)
    kinds = [stage.kind for stage in method.chain(tmp_path, "photos", lambda _path, _described=None: "")]
    predict = method.chain(tmp_path, "photos", lambda _path, _described=None: "")[1]
    assert kinds == ["prepare", "predict", "finish"]
    assert predict.settings == {"model": "yang2019", "parameters": {"threshold": 0.1}}


def test_runs_with_them_are_set_beside_others_and_shown(store):
    there = store()
    document = run_document(there, run_reference("mixed"))
    fields = spec_fields(document)
    assert fields["models.yang2019.parameters.threshold"] == "0.033"
    assert fields["models.other.predictions"] == "given"
    assert len(fields["models.other.skimage-test.pictures taken"]) == 64
    shown = StringIO()
    print_run(described_run(run_reference("mixed"), there), Console(file=shown, width=200))
    assert "Yang et al. 2019; a program, threshold 0.033" in shown.getvalue()
    assert "other; computed elsewhere, from given" in shown.getvalue()


def test_they_name_the_networks_that_there_are(store, tmp_path):
    there = store(", {model: ibcln2020, name: taken, weights: {checkpoint: released.pth}}")
    request = ExecutionRequest(there.root, "local", lambda _event: None, lambda _words: None)
    with pytest.raises(SpecError) as caught:
        export_model("mixed/other", tmp_path / "out", request)
    assert caught.value.hint == "choose one of: taken"
