"""Released weights: what is known of them, and whether they are there and whole."""

import hashlib
import json
import os

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SpecError
from orchestrator.spec.library import load_model_spec, model_spec_names
from orchestrator.spec.weights import ReleasedFile, presence, released_file, released_files


def released(content: bytes = b"weights", **changes: object) -> ReleasedFile:
    fields = {"name": "a.pth", "kind": "features", "title": "A", "models": (), "address": "https://example.org/a.pth"}
    return ReleasedFile.model_validate({**fields, "sha256": hashlib.sha256(content).hexdigest()[:8], **changes})


def test_every_feature_file_of_a_model_is_known():
    for name in model_spec_names():
        for feature in load_model_spec(name).features:
            found = released_file(feature)
            assert found is not None
            assert name in found.models


def test_every_network_has_a_released_checkpoint():
    networks = {model for file in released_files() if file.kind == "checkpoint" for model in file.models}
    assert networks == {"zhang2018", "errnet2019", "ibcln2020"}


@pytest.mark.parametrize(
    ("content", "verify", "state"),
    [
        (None, True, "missing"),
        (b"weights", True, "whole"),
        (b"weights", False, "present"),
        (b"weighty", True, "damaged"),
        (b"cut", True, "damaged"),
    ],
)
def test_a_file_is_told_to_be_there_and_whole(tmp_path, content, verify, state):
    if content is not None:
        (tmp_path / "a.pth").write_bytes(content)
    (found,) = presence([released(size=7)], tmp_path, verify=verify)
    assert found.state == state
    assert ("https://example.org/a.pth" in found.remedy) == (state in ("missing", "damaged"))


def test_a_pipe_under_a_files_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.pth")
    assert presence([released()], tmp_path, verify=True)[0].state == "damaged"


def test_doctor_names_another_file_under_the_name_of_feature_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path))
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"not the published file")
    done = CliRunner().invoke(app, ["doctor", "--json", "--store", str(tmp_path / "store")])
    said = [finding for finding in json.loads(done.stdout) if "vgg19-dcbb9e9d.pth" in finding["message"]]
    assert [finding["severity"] for finding in said] == ["warning"]
    assert "fetch it again" in said[0]["remedy"]


def test_without_a_checksum_a_file_is_only_present(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"anything")
    assert presence([released(sha256=None)], tmp_path, verify=True)[0].state == "present"


def test_check_ends_with_1_where_a_file_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path))
    runner = CliRunner()
    assert runner.invoke(app, ["weights", "check"]).exit_code == 0
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"not the published file")
    done = runner.invoke(app, ["weights", "check", "--json"])
    assert done.exit_code == 1
    states = {row["name"]: row["state"] for row in json.loads(done.stdout)}
    assert states["vgg19-dcbb9e9d.pth"] == "damaged"
    assert runner.invoke(app, ["weights", "list"]).exit_code == 0


def test_path_says_where_to_put_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path))
    runner = CliRunner()
    assert runner.invoke(app, ["weights", "path"]).stdout.strip() == str(tmp_path)
    assert runner.invoke(app, ["weights", "path", "pre-trained"]).stdout.strip() == str(tmp_path / "pre-trained")
    unknown = runner.invoke(app, ["weights", "path", "nothing"])
    assert isinstance(unknown.exception, SpecError)
    monkeypatch.delenv("SIRR_FEATURES")
    assert isinstance(runner.invoke(app, ["weights", "path"]).exception, SpecError)
