"""Models outside a comparison: what their run recorded is what is handed out."""

import pytest

from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import Selection
from orchestrator.errors import SpecError
from orchestrator.execute import few
from orchestrator.execute.command import RunRequest, keep_request, planned
from orchestrator.execute.models import Means, export_model
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine, Faults

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
        keep_request(request, self.store, "first")
        keys = {name: identity.key for name, identity in self.comparison.identities.items()}
        self.store.run("first").append({"event": "planned", "keys": keys})
        self.means = Means(self.store.root, "local", lambda event: None, lambda text: None)

    def keep(self, stage, files):
        identity = self.comparison.identities[stage]
        for name, text in files.items():
            (self.store.staging(identity.key) / "output" / name).write_text(text, encoding="utf-8")
        facts = {"engine": "local", "recipe": "0" * 64, "environment": {"reference": "python"}}
        return self.store.commit(identity, facts, list(files))


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_a_trained_models_network_is_the_one_that_its_run_exported(run, tmp_path):
    run.keep("train/ibcln2020", {"weights.pt": "weights"})
    run.keep("export/ibcln2020", {"network.onnx": "network", "export.json": "{}"})
    network, parity = export_model("first/ibcln2020", tmp_path / "out", run.means)
    assert (network.read_text(), parity.read_text()) == ("network", "{}")


def test_a_trained_model_that_was_not_exported_is_exported_from_its_weights(run, tmp_path, monkeypatch):
    def export(context):
        with open(context.input("weights", "weights.pt"), encoding="utf-8") as weights:
            text = weights.read()
        for name in ("network.onnx", "export.json"):
            with open(context.output(name), "w", encoding="utf-8") as stream:
                stream.write(f"{name} of {text}")

    environment = Environment("local", "ibcln2020", "0" * 64, "python")
    engine = FakeEngine({"export": export}, Faults())
    monkeypatch.setattr(few, "chosen_engine", lambda name, store: Selection(engine, "engine: fake"))
    monkeypatch.setattr(few, "built_environments", lambda *parts: {"ibcln2020": environment})
    run.keep("train/ibcln2020", {"weights.pt": "weights"})
    network, _ = export_model("first/ibcln2020", tmp_path / "out", run.means)
    assert network.read_text() == "network.onnx of weights"


def test_a_model_without_weights_is_not_exported(run, tmp_path):
    with pytest.raises(SpecError, match="has no weights yet"):
        export_model("first/ibcln2020", tmp_path / "out", run.means)
