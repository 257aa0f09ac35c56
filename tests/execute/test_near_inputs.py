"""A run whose inputs are read from this machine's own disk comes to the same bits."""

import json

import pytest

from orchestrator.engine.local import LocalEngine
from orchestrator.errors import SpecError
from orchestrator.execute.near_inputs import near_inputs
from orchestrator.store import inputs_cache
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine
from tests.execute.killed_run import KilledRun, WallsWithDoor


@pytest.fixture(autouse=True)
def _one_is_many(monkeypatch):
    monkeypatch.setattr(inputs_cache, "_LEAST_FILES", 1)


class Noted(LocalEngine):
    """Local processes, with a note of the folders that the programs are given."""

    def __init__(self, staging_root, walls):
        super().__init__(staging_root, walls)
        self.given = []

    def start(self, job):
        self.given += job.inputs.values()
        return super().start(job)


def contents(result):
    return {name: (artifact.key, artifact.content) for name, artifact in result.results.items()}


@pytest.mark.slow
def test_run_with_inputs_near_is_the_same_and_reads_them_there(tmp_path, monkeypatch):
    plain = KilledRun(tmp_path / "plain")
    plain.tally = tmp_path / "told" / "tally"
    expected = contents(plain.run())
    monkeypatch.setenv("SIRR_INPUTS_CACHE", str(tmp_path / "node"))
    near = KilledRun(tmp_path / "near")
    near.tally = plain.tally
    engine = Noted(near.store.layout.stagings, WallsWithDoor(near.tally.parent))
    result = near.run(engine=engine)
    assert not result.failures
    assert contents(result) == expected
    node = tmp_path / "node"
    assert engine.given == [node / result.results[name].key / "output" for name in ("prepare/a", "train/a")]
    for name, artifact in result.results.items():
        assert str(node) not in json.dumps(artifact.manifest.model_dump(mode="json")), name


@pytest.mark.parametrize("size", ["", "0.5", "100"])
def test_cache_is_named_by_the_environment(tmp_path, size):
    store, engine = Store(tmp_path / "store"), FakeEngine({})
    assert near_inputs(store, engine, {}) is None
    found = near_inputs(store, engine, {"SIRR_INPUTS_CACHE": str(tmp_path), "SIRR_INPUTS_CACHE_GB": size})
    assert found is not None
    assert found.most_bytes == int(float(size or 100) * 1e9)


@pytest.mark.parametrize("size", ["much", "-1", "nan", "inf"])
def test_size_that_is_none_is_refused(tmp_path, size):
    environment = {"SIRR_INPUTS_CACHE": str(tmp_path), "SIRR_INPUTS_CACHE_GB": size}
    with pytest.raises(SpecError, match="and no size"):
        near_inputs(Store(tmp_path / "store"), FakeEngine({}), environment)
