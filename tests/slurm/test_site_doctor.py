"""What `doctor --site` says of a cluster: of one that works, and of each thing that can be wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.execute.site_doctor import examine_site

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture
def examined(rig, shared, tmp_path, monkeypatch):
    """A function from a site's text to the findings, by subject."""

    def examined(text: str, patience_s: float = 60.0):
        path = tmp_path / "site.yaml"
        path.write_text(text)
        monkeypatch.setenv("SIRR_SITE", str(path))
        return {finding.subject: finding for finding in examine_site(shared / "store", patience_s)}

    return examined


def test_a_site_that_works_is_found_well(examined):
    found = examined("where: slurm\n")
    assert {one.severity for one in found.values()} <= {"ok", "warning"}, found
    assert "ran on" in found["slurm"].message
    assert found["locks"].severity == "ok"
    assert found["shared store"].severity == "ok"


def test_a_partition_that_is_not_there_is_named(examined):
    found = examined("where: slurm\npartition: gpus\n")
    assert found["site"].severity == "error"
    assert "no such partition" in found["site"].message
    assert "sinfo" in found["site"].remedy


def test_a_job_that_never_begins_is_given_up_with_the_queue_s_reason(examined, rig):
    found = examined("where: slurm\noptions: [--begin=now+1hour]\n", patience_s=4)
    assert "BeginTime" in found["slurm"].message
    assert rig.run("squeue", "--me", "-h") == ""


def test_the_command_ends_with_4_where_there_is_no_slurm(rig, tmp_path, monkeypatch):
    path = tmp_path / "site.yaml"
    path.write_text("where: slurm\n")
    monkeypatch.setenv("SIRR_SITE", str(path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor", "--site", str(path), "--json", "--store", str(Path("store"))])
    assert result.exit_code == 4
    found = [one for one in json.loads(result.stdout) if one["subject"] == "site"]
    assert "no sbatch" in found[-1]["message"]
