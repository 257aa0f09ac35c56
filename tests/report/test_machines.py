"""Which machines made the results: each once in the provenance, a warning where trainings had different kinds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.render import render_report
from orchestrator.report.stage_content import MachineRecord
from orchestrator.report.views.header import alerts
from orchestrator.report.views.machines import machine_rows
from tests.report.report_sample import MACHINE, comparison

WIDER = dataclasses.replace(MACHINE, processor="Intel Xeon", instructions=(*MACHINE.instructions, "avx512f"))
ON_A_GPU = dataclasses.replace(MACHINE, gpu="NVIDIA H200", driver="550.54.15", cuda="12.4")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return comparison(tmp_path_factory.mktemp("pictures"))


def elsewhere(
    content: ReportContent, stage: str, machine: MachineRecord | None, earlier: tuple[MachineRecord, ...] = ()
) -> ReportContent:
    """Return the content with one stage made on another machine."""
    stages = tuple(
        dataclasses.replace(one, machine=machine, earlier_machines=earlier) if one.name == stage else one
        for one in content.stages
    )
    assert stages != content.stages
    return dataclasses.replace(content, stages=stages)


def said(content: ReportContent) -> str:
    return " ".join(alert.text for alert in alerts(content))


@pytest.mark.slow
def test_one_machine_is_listed_once_and_gives_no_warning(content: ReportContent) -> None:
    (row,) = machine_rows(content)
    assert row.words == "AMD EPYC 7763 64-Core Processor (x86_64, AVX2), 2 threads"
    facts = {fact.name: fact.value for fact in row.facts}
    assert facts["instruction sets"] == "sse4_2, avx, avx2, fma"
    assert (facts["memory"], facts["container"], facts["threads"]) == ("64.0 GiB", "docker", "2")
    assert "machine" not in said(content)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        pytest.param(WIDER, "Intel Xeon (x86_64, AVX-512), 2 threads", id="processor"),
        pytest.param(dataclasses.replace(MACHINE, threads=8), "(x86_64, AVX2), 8 threads", id="threads"),
        pytest.param(ON_A_GPU, "NVIDIA H200, driver 550.54.15, 2 threads", id="gpu"),
        pytest.param(dataclasses.replace(MACHINE, instructions=("avx2",)), "2 threads [avx2]", id="same-words"),
    ],
)
def test_trainings_on_different_kinds_of_machine_are_said_on_top(
    content: ReportContent, machine: MachineRecord, words: str
) -> None:
    changed = elsewhere(content, f"train/{content.models[0].label}", machine)
    assert f"{content.models[0].title} on " in said(changed)
    assert words in said(changed)
    assert "trained on 2 kinds of machine" in said(changed)
    assert len(machine_rows(changed)) == 2


@pytest.mark.parametrize(
    "machine",
    [
        dataclasses.replace(MACHINE, memory_bytes=2**30, processors=2, system="Linux 5.4", container=None),
        dataclasses.replace(MACHINE, threads=None),
        None,
    ],
    ids=["same-kind", "any-threads", "not-recorded"],
)
def test_what_decides_no_bits_and_what_is_not_known_give_no_warning(
    content: ReportContent, machine: MachineRecord | None
) -> None:
    assert "machine" not in said(elsewhere(content, f"train/{content.models[0].label}", machine))


def test_other_stages_on_other_machines_give_no_warning(content: ReportContent) -> None:
    name = next(stage.name for stage in content.stages if stage.kind == "evaluate")
    assert "machine" not in said(elsewhere(content, name, WIDER))


def test_training_that_went_on_elsewhere_is_said(content: ReportContent) -> None:
    changed = elsewhere(content, f"train/{content.models[0].label}", MACHINE, (WIDER,))
    assert f"{content.models[0].title} was begun on another kind of machine: Intel Xeon" in said(changed)


def test_pages_and_report_json_tell_the_machines(content: ReportContent, tmp_path: Path) -> None:
    changed = elsewhere(content, f"train/{content.models[0].label}", WIDER)
    render_report(changed, tmp_path)
    page = (tmp_path / "provenance.html").read_text(encoding="utf-8")
    assert "machine 2 <small>Intel Xeon (x86_64, AVX-512), 2 threads</small>" in page
    assert "trained on 2 kinds of machine" in (tmp_path / "index.html").read_text(encoding="utf-8")
    stages = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["stages"]
    machines = {stage["name"]: stage["machine"] for stage in stages}
    assert machines[f"train/{content.models[0].label}"]["processor"] == "Intel Xeon"
    assert "host" not in machines[f"train/{content.models[0].label}"]
