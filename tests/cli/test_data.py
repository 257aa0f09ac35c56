"""sirr-orch data through the program's own entry point: what is printed, where, and the exit codes."""

import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.spec.library import load_catalogue
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from tests.datasets.raw import trees


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Run a command of `sirr-orch data` with a data folder of its own and return what came of it."""
    monkeypatch.setenv("SIRR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments):
        return CliRunner().invoke(app, ["data", *map(str, arguments)])

    return run


def test_list_shows_every_published_set_with_the_next_command(data):
    done = data("list")
    assert done.exit_code == 0
    for name, entry in load_catalogue().items():
        assert name in done.stdout
        if entry.published is not None:
            assert entry.published.address in done.stdout
            assert f"sirr-orch data fetch {name}" in done.stdout


def test_list_for_scripts_has_all_that_the_catalogue_knows(data):
    rows = {row["name"]: row for row in json.loads(data("list", "--json").stdout)}
    assert rows["voc2012"]["state"] == "missing"
    assert rows["voc2012"]["published"]["files"][0]["size"] == 1999639040
    assert rows["skimage-test"]["state"] == "built in"


def test_prepare_names_the_variant_and_shows_the_checks(data, tmp_path):
    done = data("prepare", "ceilnet-table2", "--from", trees.ceilnet(tmp_path / "raw", 3))
    assert done.exit_code == 0, done.output
    assert "ceilnet-table2: 3 scenes, 32 x 32: a form that the catalogue does not know" in done.stdout
    assert "every file as it was prepared" in done.stdout
    assert json.loads(data("list", "--json").stdout)[2]["state"] == "prepared"


def test_check_for_scripts_lists_every_check_and_fails_where_files_changed(data, tmp_path):
    data("prepare", "ceilnet-table2", "--from", trees.ceilnet(tmp_path / "raw", 2))
    rows = json.loads(data("check", "ceilnet-table2", "--json").stdout)
    assert {row["check"] for row in rows} >= {
        "files",
        "sizes",
        "modes",
        "aligned",
        "layers",
        "reflections",
        "duplicates",
    }
    (tmp_path / "data/prepared/ceilnet-table2/blended/2009_000001.png").unlink()
    done = data("check", "ceilnet-table2", "--json")
    assert done.exit_code == 10
    assert json.loads(done.stdout)[0]["scenes"] == ["2009_000001"]


def test_fetch_says_what_to_do_by_hand_and_where_to_put_it(data, tmp_path):
    done = data("fetch", "nature-test")
    assert done.exit_code == 0
    assert "1YWkm80jWsjX6XwLTHOsa8zK3pSRalyCg" in done.stdout
    assert str(tmp_path / "data" / "raw" / "nature-test") in done.stdout
    assert "then: sirr-orch data prepare nature-test" in done.stdout


def test_added_pairs_can_be_named_in_an_experiment(data, tmp_path):
    assert data("add", trees.folders(tmp_path / "Office", "123", trees.PACK)).exit_code == 0
    assert data("add", tmp_path / "Office" / "blended", "--layers", "--name", "street").exit_code == 0
    spec = tmp_path / "first.yaml"
    spec.write_text("name: first\nmodels: [ibcln2020]\ntrain: street\ntest: [office]\nfeatures: random\n")
    resolved = resolve(load_experiment(spec), spec)
    assert resolved.datasets["office"].folder == tmp_path / "data" / "prepared" / "office"


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        pytest.param(["prepare", "sir2-wald"], "no published dataset 'sir2-wald'", "did you mean", id="unknown"),
        pytest.param(["fetch", "skimage-test"], "no published dataset 'skimage-test'", "choose", id="built-in"),
        pytest.param(["prepare", "sir2-wild"], "no raw files of sir2-wild", "sirr-orch data fetch", id="not-fetched"),
        pytest.param(["check", "sir2-wild"], "is not prepared", "sirr-orch data prepare sir2-wild", id="not-prepared"),
        pytest.param(["add", "nowhere", "--name", "voc2012"], "of the catalogue", "--name", id="taken"),
        pytest.param(["add", "nowhere"], "there is no folder", "name the folder", id="no-folder"),
    ],
)
def test_bad_request_gets_one_clear_error_with_a_hint(data, arguments, said, hint):
    done = data(*arguments)
    assert isinstance(done.exception, SirrError)
    assert said in done.exception.message
    assert hint in f"{done.exception.message} {done.exception.hint}"


def test_name_that_is_no_safe_folder_is_refused(data, tmp_path):
    done = data("add", tmp_path, "--name", "../evil")
    assert done.exit_code == 2
    assert not isinstance(done.exception, SirrError)


@pytest.mark.parametrize("command", ["list", "fetch", "prepare", "check", "add"])
def test_help_shows_an_example(data, command):
    done = data(command, "--help")
    assert done.exit_code == 0
    assert f"sirr-orch data {command}" in done.output


def test_data_folder_of_the_option_counts_before_the_variable(data, tmp_path):
    other = tmp_path / "other"
    data("prepare", "ceilnet-table2", "--from", trees.ceilnet(tmp_path / "raw", 1), "--data", other)
    assert (other / "prepared" / "ceilnet-table2" / "index.json").is_file()
    assert not (tmp_path / "data").exists()
