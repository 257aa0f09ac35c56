"""Released weights: what is known of them, and whether they are there and whole."""

import hashlib
import json
import os

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SpecError
from orchestrator.spec.library import Plugin, built_in, load_model_spec, model_spec_names
from orchestrator.spec.weights import ReleasedFile, presence, released_file, released_files
from tests.plugin_folder import write_model


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


LISTED = """\
files:
  - name: mine.pth
    kind: features
    title: What a plug-in's network sees with
    models: [small2026]
    address: https://example.org/mine.pth
"""


def listed(folder, text=LISTED, name="mine"):
    path = write_model(folder) / "data" / "weights" / f"{name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return built_in().extended([Plugin(folder, "a test")])


def test_files_that_a_plugin_lists_are_known_after_this_projects(tmp_path):
    files = listed(tmp_path / "mine").released_files
    assert files[:-1] == released_files()
    assert (files[-1].name, files[-1].address) == ("mine.pth", "https://example.org/mine.pth")


def test_commands_show_and_place_the_files_of_a_plugin(tmp_path, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path / "features"))
    listed(tmp_path / "mine")
    shown = CliRunner().invoke(app, ["weights", "list", "--json", "--plugins", str(tmp_path / "mine")])
    assert json.loads(shown.stdout)[-1]["name"] == "mine.pth"
    placed = CliRunner().invoke(app, ["weights", "path", "mine.pth", "--plugins", str(tmp_path / "mine")])
    assert placed.stdout.replace("\n", "") == str(tmp_path / "features" / "mine.pth")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(LISTED.replace("mine.pth", "vgg19-dcbb9e9d.pth"), "is described already", id="of-the-project"),
        pytest.param(LISTED + LISTED.removeprefix("files:\n"), "the file 'mine.pth' is listed twice", id="twice"),
        pytest.param(LISTED.replace("kind: features", "kind: weights"), "kind must be", id="kind"),
    ],
)
def test_a_wrong_list_of_a_plugin_is_refused_with_its_file(tmp_path, text, words):
    library = listed(tmp_path / "mine", text)
    with pytest.raises(SpecError) as caught:
        _ = library.released_files
    assert words in caught.value.message
    assert "mine.yaml" in caught.value.where


def test_a_list_needs_a_name_of_its_own(tmp_path):
    with pytest.raises(SpecError, match="two folders bring a list of weights 'released'"):
        listed(tmp_path / "mine", name="released")
