"""Which walls a stage's program ran in is kept with its result, and told."""

import json

import pytest

from orchestrator.engine.local import LocalEngine
from orchestrator.engine.walls import find_walls
from orchestrator.execute.stage_records import stage_record
from orchestrator.store.run_entries import StageEntry
from tests.execute.killed_run import KilledRun


@pytest.mark.slow
@pytest.mark.parametrize("name", ["auto", "none"])
def test_manifest_and_record_of_a_stage_say_which_walls_a_stage_ran_in(name, tmp_path):
    course = KilledRun(tmp_path)
    engine = None if name == "auto" else LocalEngine(course.store.layout.stagings, find_walls(name).walls)
    result = course.run(engine=engine)
    artifact = result.results["train/a"]
    assert artifact.manifest.facts["walls"] == find_walls(name).walls.name
    assert "walls" not in json.dumps(artifact.manifest.document)
    entry = StageEntry(name="train/a", kind="train", image="errnet2019", device="cpu", key=artifact.key)
    assert stage_record(entry, artifact, None).walls == find_walls(name).walls.name
