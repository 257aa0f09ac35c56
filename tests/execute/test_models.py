"""Models outside a comparison: what their run recorded is what is handed out."""

import os

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import Selection
from orchestrator.errors import SpecError
from orchestrator.execute import build
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.events import StateChanged
from orchestrator.execute.models import adopt_model, export_model
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.run_stages import ExecutionRequest
from orchestrator.plan.keys import Identity, document_key
from orchestrator.spec.entrants import AdoptedWeights
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import start_run
from orchestrator.store.store import Store
from stagekit.results.apart import save_apart
from stagekit.results.export import ExportCheck, ExportFile
from tests.engine.fake import FakeEngine, Faults

EXPORT = ExportFile(("image",), ("transmission",), 16, 1e-4, (ExportCheck(8, 9, "transmission", 2e-6),), "torch 1.12.1")

SPEC = """\
name: first
models: [ibcln2020]
train: skimage-train
test: [skimage-test]
features: random
"""


class Run:
    """A run of one trained model, of which the store has what a test gives it."""

    def __init__(self, folder):
        self.spec = folder / "first.yaml"
        self.spec.write_text(SPEC, encoding="utf-8")
        self.store = Store(folder / "store")
        request = RunRequest(self.spec, self.store.root)
        self.comparison = planned(request)
        self.writer = DocumentWriter(self.store, start_run(self.store, planned_document(self.comparison, Overrides())))
        self.request = ExecutionRequest(self.store.root, "local", lambda event: None, lambda text: None)

    def keep(self, stage, files):
        document = {"stage": stage}
        identity = Identity(stage, document_key(document), document)
        self.writer.listen(StateChanged(stage, "done", {"key": identity.key}))
        for name, text in files.items():
            (self.store.staging(identity.key) / "output" / name).write_text(text, encoding="utf-8")
        facts = {"engine": "local", "recipe": "0" * 64, "environment": {"reference": "python"}}
        return self.store.commit(identity, facts, list(files))


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_a_trained_models_network_is_the_one_that_its_run_exported(run, tmp_path):
    run.keep("train/ibcln2020", {"weights.pt": "weights"})
    run.keep("export/ibcln2020", {"network.onnx": "network", "export.json": EXPORT.text()})
    network, parity = export_model("first/ibcln2020", tmp_path / "out", run.request)
    assert (network.read_text(), parity.read_text()) == ("network", EXPORT.text())


def test_a_trained_model_that_was_not_exported_is_exported_from_its_weights(run, tmp_path, monkeypatch):
    def export(context):
        with open(context.input("weights", "weights.pt"), encoding="utf-8") as weights:
            text = weights.read()
        with open(context.output("network.onnx"), "w", encoding="utf-8") as stream:
            stream.write(f"network.onnx of {text}")
        save_apart(EXPORT, context.output(), context.facts())

    environment = Environment("local", "ibcln2020", "0" * 64, "python")
    engine = FakeEngine({"export": export}, Faults())
    monkeypatch.setattr(build, "chosen_engine", lambda name, store: Selection(engine, "engine: fake"))
    monkeypatch.setattr(build, "built_environments", lambda *parts: {"ibcln2020": environment})
    run.keep("train/ibcln2020", {"weights.pt": "weights"})
    network, parity = export_model("first/ibcln2020", tmp_path / "out", run.request)
    assert (network.read_text(), parity.read_text()) == ("network.onnx of weights", EXPORT.text())


def test_a_model_without_weights_is_not_exported(run, tmp_path):
    with pytest.raises(SpecError, match="has no weights yet"):
        export_model("first/ibcln2020", tmp_path / "out", run.request)


@pytest.mark.parametrize(
    ("model", "checkpoint", "name", "said"),
    [
        pytest.param("errnet", "there.pt", "taken", "did you mean 'errnet2019'", id="model"),
        pytest.param("errnet2019", "absent.pt", "taken", "there is no checkpoint '.*absent.pt'", id="checkpoint"),
        pytest.param("errnet2019", "pipe.pt", "taken", "a pipe or a device", id="pipe"),
        pytest.param("errnet2019", "there.pt", "../taken", "'../taken' is not a name", id="name"),
        pytest.param("errnet2019", "there.pt", "first", "has a run 'first' already", id="another-run"),
    ],
)
def test_adopting_what_cannot_be_used_leaves_no_run(run, tmp_path, model, checkpoint, name, said):
    (tmp_path / "there.pt").write_bytes(b"weights")
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(SpecError, match=said):
        adopt_model(model, AdoptedWeights(checkpoint=tmp_path / checkpoint), name, "random", run.request)
    assert run.store.run_names() == ["first"]
    assert not (run.store.root / "taken").exists()


def test_adopting_without_feature_weights_leaves_no_run(run, tmp_path, monkeypatch):
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    (tmp_path / "there.pt").write_bytes(b"weights")
    with pytest.raises(SpecError, match="SIRR_FEATURES is not set") as caught:
        adopt_model("errnet2019", AdoptedWeights(checkpoint=tmp_path / "there.pt"), "taken", "pretrained", run.request)
    assert caught.value.where is None
    assert run.store.run_names() == ["first"]
