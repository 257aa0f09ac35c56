"""The RO-Crate: what its profiles demand, checked here, and by the profiles' own validator where time allows."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.render import render_report

ROOT = Path(__file__).parents[2]
VALIDATOR = "roc-validator==0.13.0"
"""Kept out of the developers' environment: it demands a Rich older than import-linter's."""


def graph(index: Path) -> dict[str, dict[str, Any]]:
    """Return the crate's entities by their ids."""
    crate = json.loads((index.parent / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])
    return entities


def references(value: Any) -> list[str]:
    """Return every id that a value refers to."""
    if isinstance(value, dict):
        return (
            [value["@id"]]
            if set(value) == {"@id"}
            else [reference for part in value.values() for reference in references(part)]
        )
    return [reference for part in value for reference in references(part)] if isinstance(value, list) else []


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.slow
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_crate_names_its_profiles_and_its_main_workflow(report: str, request: pytest.FixtureRequest) -> None:
    index: Path = request.getfixturevalue(report)
    entities = graph(index)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["about"] == {"@id": "./"}
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    profiles = set(references(root["conformsTo"]))
    assert {f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow")} < profiles
    for name in ("name", "description", "datePublished", "license"):
        assert root[name], name
    workflow = entities[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    language = entities[workflow["programmingLanguage"]["@id"]]
    assert "ComputerLanguage" in language["@type"]
    spec = index.parent / unquote(workflow["@id"])
    assert workflow["sha256"] == hashlib.sha256(spec.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_every_reference_leads_to_an_entity_and_every_file_is_there(
    report: str, request: pytest.FixtureRequest
) -> None:
    index: Path = request.getfixturevalue(report)
    entities = graph(index)
    for entity in entities.values():
        for name, value in entity.items():
            outside = [
                reference
                for reference in references(value)
                if reference not in entities and not reference.startswith("https://w3id.org/ro/crate")
            ]
            assert outside == [], (entity["@id"], name)
    parts = {entity["@id"] for entity in listed(entities["./"]["hasPart"])}
    there = {path.name for path in index.parent.iterdir()} - {"ro-crate-metadata.json"}
    assert {unquote(name).split("/")[0] for name in parts} == there
    for part in parts:
        path = index.parent / unquote(part)
        assert path.exists(), part
        if path.is_file():
            assert entities[part]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_stage_that_ran_is_an_action_with_times_software_and_result(plausible_report: Path) -> None:
    entities = graph(plausible_report)
    actions = {entity["name"]: entity for entity in entities.values() if entity["@type"] == "CreateAction"}
    assert set(references(entities["./"]["mentions"])) == {entity["@id"] for entity in actions.values()}
    assert "train/errnet2019" in actions
    for action in actions.values():
        assert datetime.fromisoformat(action["startTime"]) <= datetime.fromisoformat(action["endTime"])
        assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    run = actions["run quickstart"]
    assert run["instrument"] == entities["./"]["mainEntity"]
    assert {"index.html", "report.json"} == set(references(run["result"]))
    trained = actions["train/errnet2019"]
    tool = entities[trained["instrument"]["@id"]]
    assert tool["@type"] == "SoftwareApplication"
    pinned = [entities[name] for name in references(tool["softwareRequirements"])]
    assert {(package["name"], package["softwareVersion"]) for package in pinned} >= {("torch", "1.12.1")}
    assert len(entities[trained["result"]["@id"]]["sha256"]) == 64


def test_a_run_that_failed_or_was_stopped_says_which_stages(plausible: ReportContent, tmp_path: Path) -> None:
    ended = iter(["failed", "cancelled"])
    stages = tuple(replace(stage, state=next(ended, stage.state)) for stage in plausible.stages)
    action = next(
        entity
        for entity in graph(render_report(replace(plausible, stages=stages), tmp_path)).values()
        if entity.get("name") == f"run {plausible.name}"
    )
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == f"failed: {stages[0].name}; stopped: {stages[1].name}"


def test_nobody_and_no_licence_is_invented(plausible_report: Path) -> None:
    entities = graph(plausible_report)
    kinds = {kind for entity in entities.values() for kind in listed(entity["@type"])}
    assert not kinds & {"Person", "Organization"}
    assert entities[entities["./"]["license"]["@id"]]["name"] == "No licence stated"


def validated(folder: Path) -> "subprocess.CompletedProcess[str]":
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "run", "--quiet", "--no-project", "--isolated", "--with", VALIDATOR, "--with", "rocrate"]
    script = ROOT / "tests" / "report" / "validate_crate.py"
    return subprocess.run(
        [*command, "python", str(script), str(folder)], capture_output=True, text=True, check=False, cwd="/"
    )


@pytest.mark.slow
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_every_software_and_its_list_name_each_other(report: str, request: pytest.FixtureRequest) -> None:
    index: Path = request.getfixturevalue(report)
    entities = graph(index)
    lists = {name: entity for name, entity in entities.items() if name.startswith("sbom/")}
    assert {unquote(name) for name in lists} == {f"sbom/{path.name}" for path in (index.parent / "sbom").iterdir()}
    for name, entity in lists.items():
        content = (index.parent / unquote(name)).read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[entity["about"]["@id"]]["subjectOf"] == {"@id": name}


@pytest.mark.slow
@pytest.mark.environment
@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_validator_of_the_profiles_finds_nothing_wrong(
    report: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # The validator cannot read a folder whose name needs encoding.
    done = validated(shutil.copytree(request.getfixturevalue(report).parent, tmp_path / "crate"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "checks passed" in done.stdout


@pytest.mark.slow
@pytest.mark.environment
def test_validator_of_the_profiles_finds_what_is_wrong(plausible_report: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(plausible_report.parent, tmp_path / "broken")
    metadata = broken / "ro-crate-metadata.json"
    text = metadata.read_text(encoding="utf-8")
    metadata.write_text(text.replace('"ComputationalWorkflow"', '"Thing"', 1), encoding="utf-8")
    done = validated(broken)
    assert done.returncode == 1
    assert "REQUIRED workflow-ro-crate" in done.stdout
