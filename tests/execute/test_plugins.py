"""Plug-ins as commands find them, what keys know of them, and runs whose plug-in is gone."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import LocalBuilder
from orchestrator.environments.recipe import lock_hash, recipe_hash
from orchestrator.errors import BuildError, SpecError
from orchestrator.execute.command import RunRequest, content_of_run, planned
from orchestrator.execute.doctor import plugin_findings
from orchestrator.execute.packing import Wanted, pack
from orchestrator.execute.plugins import known_library, library_of_runs
from orchestrator.spec.library import built_in
from orchestrator.store.reference import run_reference
from orchestrator.store.runs import run_document
from orchestrator.store.store import Store
from tests.execute.small_run import keep
from tests.plugin_folder import write_plugin

SPEC = "name: first\nplugins: [mine]\nmodels: [{program: dim2026}]\ntest: [small-scenes]\nmetrics: [psnr]\n"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return write_plugin(tmp_path / "mine")


@pytest.fixture
def request_of(tmp_path: Path) -> RunRequest:
    path = tmp_path / "first.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return RunRequest(path, tmp_path / "store")


def found_by(environment: dict[str, str], *named: Path) -> list[tuple[Path, str]]:
    home = {"XDG_CONFIG_HOME": "/nonexistent", **environment}
    return [(one.folder, one.named_by) for one in known_library(named, home).plugins]


def test_plugins_are_found_where_they_are_named(tmp_path: Path, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "other" / "data"
    empty.mkdir(parents=True)
    listed = {"SIRR_PLUGINS": f"{plugin}{os.pathsep}{empty.parent}{os.pathsep}"}
    assert found_by(listed) == [(plugin, "SIRR_PLUGINS"), (empty.parent, "SIRR_PLUGINS")]
    assert found_by(listed, empty.parent)[0] == (empty.parent, "--plugins")
    monkeypatch.chdir(tmp_path)
    assert found_by({}, Path("mine")) == [(plugin, "--plugins")]


def test_plugins_of_the_users_configuration_are_found_by_their_folders(tmp_path: Path) -> None:
    home = tmp_path / "config" / "sirr-orch" / "plugins"
    write_plugin(home / "mine")
    (home / ".git").mkdir()
    assert found_by({"XDG_CONFIG_HOME": str(tmp_path / "config")}) == [(home / "mine", str(home))]
    shutil.rmtree(home)
    write_plugin(home)
    assert found_by({"XDG_CONFIG_HOME": str(tmp_path / "config")}) == [(home, str(home))]


def distribution(site: Path, value: str) -> None:
    folder = site / "my_sirr-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: my-sirr\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[sirr_orch.plugins]\nmine = {value}\n")


def test_plugins_of_installed_distributions_are_found_and_none_of_their_code_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    distribution(site, "my_sirr_plugin")
    write_plugin(site / "my_sirr_plugin")
    (site / "my_sirr_plugin" / "__init__.py").write_text("raise SystemExit('nobody asked for this code')\n")
    monkeypatch.syspath_prepend(site)
    assert found_by({}) == [(site / "my_sirr_plugin", "entry point 'mine' of my-sirr")]


def test_an_entry_point_without_a_package_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path / "site", "gone_plugin")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(SpecError) as caught:
        found_by({})
    assert "'gone_plugin' is no package" in caught.value.message
    assert caught.value.where == "entry point 'mine' of my-sirr"


def test_a_variable_that_names_no_plugin_is_blamed_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        found_by({"SIRR_PLUGINS": str(tmp_path / "nowhere")})
    assert caught.value.where == "SIRR_PLUGINS"


def predict_key(request: RunRequest) -> str:
    (stage,) = (one for one in planned(request).plan.stages if one.kind == "predict")
    comparison = planned(request)
    return json.dumps(
        [stage.settings, comparison.programs["dimmer"].behaviours, comparison.programs["dimmer"].environment]
    )


def test_keys_do_not_know_where_a_plugin_lies(request_of: RunRequest, plugin: Path) -> None:
    before = predict_key(request_of)
    moved = plugin.rename(plugin.with_name("moved"))
    request_of.spec.write_text(SPEC.replace("[mine]", "[moved]"))
    assert predict_key(request_of) == before
    lock = moved / "images" / "dimmer" / "requirements.cpu.txt"
    lock.write_text("six==1.17.0 --hash=sha256:" + "0" * 64)
    assert predict_key(request_of) != before


def test_what_plugins_bring_outlives_them_in_the_run(request_of: RunRequest, plugin: Path, tmp_path: Path) -> None:
    store = Store(request_of.store)
    image = keep(request_of, store).images["dimmer"]
    recipe, lock = recipe_hash(image, "cpu"), lock_hash(image, "cpu")
    shutil.rmtree(plugin)
    content = content_of_run("first", store.root)
    assert [model.title for model in content.models] == ["Dimming"]
    assert "nobody2026" in [table.name for table in content.published]
    document = run_document(store, run_reference("first"))
    assert document.experiment["plugins"] == ["mine"]
    assert str(tmp_path) not in document.model_dump_json(exclude={"host"})
    kept = library_of_runs([document], built_in()).image("dimmer")
    assert (recipe_hash(kept, "cpu"), lock_hash(kept, "cpu"), kept.module) == (recipe, lock, "dimmer")
    index = pack(store.root, ["first"], tmp_path / "first.tar", Wanted(), lambda *_: None)
    assert [str(run).partition("@")[0] for run in index.runs] == ["first"]
    with pytest.raises(BuildError) as caught:
        LocalBuilder(tmp_path / "environments").build(kept, "cpu", BuildSettings(), lambda _line: None)
    assert "comes from a plug-in that is not here" in caught.value.message
    assert "--plugins" in (caught.value.hint or "")


def test_doctor_names_what_a_plugin_brings_and_what_is_wrong_in_it(tmp_path: Path, plugin: Path) -> None:
    (sound,) = plugin_findings(known_library([plugin], {"XDG_CONFIG_HOME": "/nonexistent"}))
    assert (sound.subject, sound.severity) == ("plug-in mine", "ok")
    assert "program dim2026, image dimmer, dataset small-scenes, published table nobody2026" in sound.message
    (plugin / "images" / "dimmer" / "smoke.py").unlink()
    (plugin / "program_specs" / "dim2026.yaml").write_text("name: dim2026\n")
    wrong = list(plugin_findings(known_library([plugin], {"XDG_CONFIG_HOME": "/nonexistent"})))
    assert [finding.severity for finding in wrong] == ["warning", "warning"]
    assert "dim2026.yaml has" in wrong[0].message
    assert "it has no file smoke.py" in wrong[1].message
