"""sirr-orch data through the program's own entry point: what is printed, where, and the exit codes."""

import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.datasets.patterns import matches
from orchestrator.errors import EngineUnavailable, ImageNotBuilt, SirrError
from orchestrator.spec.library import load_catalogue
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from tests.datasets.conftest import gradient, save
from tests.datasets.raw import trees

SPEC = "name: first\nmodels: [ibcln2020]\ntrain: skimage-train\ntest: [{name}]\nfeatures: random\n{more}"


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
    rows = {row["name"]: row for row in json.loads(data("list", "--json").stdout)}
    assert rows["ceilnet-table2"]["state"] == "prepared"


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


def test_no_other_pictures_take_a_name_of_the_catalogue(data, tmp_path):
    raw = trees.berkeley(tmp_path / "raw", trees.TEST_NUMBERS)
    for taken in ("sir2-wild", "skimage-test"):
        done = data("prepare", "berkeley-real-test", "--from", raw, "--as", taken)
        assert isinstance(done.exception, SirrError)
        assert f"{taken!r} is a dataset of the catalogue" in done.exception.message
        assert "--as" in done.exception.hint
    assert not (tmp_path / "data" / "prepared").exists()
    assert data("prepare", "berkeley-real-test", "--from", raw, "--as", "berkeley-real-test").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["add", "office", "--name", "mine"], id="add"),
        pytest.param(["add", "office/blended", "--name", "mine", "--layers"], id="add-layers"),
        pytest.param(["prepare", "ceilnet-table2", "--from", "ceilnet", "--as", "mine"], id="prepare-as"),
        pytest.param(["prepare", "ceilnet-table2", "--from", "ceilnet"], id="prepare"),
    ],
)
def test_prepared_dataset_is_replaced_only_when_asked(data, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    trees.folders(tmp_path / "office", "123", trees.PACK)
    trees.ceilnet(tmp_path / "ceilnet", 2)
    name = "ceilnet-table2" if "mine" not in command else "mine"
    made = data("add", "office", "--name", "mine")
    if name != "mine":
        made = data(*command)
    assert made.exit_code == 0
    index = tmp_path / "data" / "prepared" / name / "index.json"
    before = index.read_bytes()
    done = data(*command)
    assert isinstance(done.exception, SirrError)
    assert (
        f"there is a prepared dataset {name!r} already: {json.loads(before)['variant']['text']}"
        == done.exception.message
    )
    assert "--replace" in done.exception.hint
    assert index.read_bytes() == before
    assert data(*command, "--replace").exit_code == 0
    assert [path.name for path in index.parent.parent.iterdir() if path.name.startswith(".")] == []


def test_folder_that_is_no_prepared_dataset_is_never_replaced(data, tmp_path):
    kept = tmp_path / "data" / "prepared" / "mine" / "thesis.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("years of work", encoding="utf-8")
    done = data("add", trees.folders(tmp_path / "office", "123", trees.PACK), "--name", "mine", "--replace")
    assert isinstance(done.exception, SirrError)
    assert "is no prepared dataset" in done.exception.message
    assert kept.read_text(encoding="utf-8") == "years of work"


def test_other_pictures_that_an_earlier_version_prepared_under_a_name_of_the_catalogue_are_refused(data, tmp_path):
    data(
        "prepare", "berkeley-real-test", "--from", trees.berkeley(tmp_path / "raw", trees.TEST_NUMBERS), "--as", "other"
    )
    prepared = tmp_path / "data" / "prepared"
    (prepared / "other").rename(prepared / "sir2-wild")
    spec = tmp_path / "first.yaml"
    spec.write_text(SPEC.format(name="sir2-wild", more=""), encoding="utf-8")
    with pytest.raises(SirrError, match="was prepared from 'berkeley-real-test'") as caught:
        resolve(load_experiment(spec), spec)
    assert caught.value.where.startswith(f"{spec}:4:8")


def test_dataset_of_a_spec_may_have_a_name_of_the_catalogue_only_where_it_is_that_dataset(data, tmp_path):
    data("prepare", "ceilnet-table2", "--from", trees.ceilnet(tmp_path / "raw", 2), "--data", tmp_path / "other")
    spec = tmp_path / "first.yaml"
    elsewhere = "datasets: {ceilnet-table2: {kind: prepared, role: pairs, folder: other/prepared/ceilnet-table2}}\n"
    spec.write_text(SPEC.format(name="ceilnet-table2", more=elsewhere), encoding="utf-8")
    assert (
        resolve(load_experiment(spec), spec).datasets["ceilnet-table2"].folder
        == tmp_path / elsewhere.rsplit(maxsplit=1)[-1][:-2]
    )
    other = "datasets: {ceilnet-table2: {kind: pairs, folder: raw}}\n"
    spec.write_text(SPEC.format(name="ceilnet-table2", more=other), encoding="utf-8")
    with pytest.raises(SirrError, match="'ceilnet-table2' is a dataset of the catalogue") as caught:
        resolve(load_experiment(spec), spec)
    assert caught.value.where.startswith(f"{spec}:6:12")


def test_name_that_is_no_safe_folder_is_refused(data, tmp_path):
    done = data("add", tmp_path, "--name", "../evil")
    assert done.exit_code == 2
    assert not isinstance(done.exception, SirrError)


@pytest.mark.parametrize("command", ["list", "fetch", "prepare", "check", "add"])
def test_help_shows_an_example(data, command):
    done = data(command, "--help")
    assert done.exit_code == 0
    assert f"sirr-orch data {command}" in done.output


def test_predictions_are_matched_by_the_engine_of_the_experiment_unless_another_is_asked_for(
    data, tmp_path, monkeypatch
):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "given").mkdir()
    spec = tmp_path / "others.yaml"
    models = "models: [{predictions: given, name: others}]"
    spec.write_text(f"name: first\n{models}\ntest: [skimage-test]\nfeatures: random\nengine: docker\n")
    match = ("match", spec, "--store", tmp_path / "store")
    assert isinstance(data(*match).exception, EngineUnavailable)
    assert isinstance(data(*match, "--engine", "local").exception, ImageNotBuilt)


def test_data_folder_of_the_option_counts_before_the_variable(data, tmp_path):
    other = tmp_path / "other"
    data("prepare", "ceilnet-table2", "--from", trees.ceilnet(tmp_path / "raw", 1), "--data", other)
    assert (other / "prepared" / "ceilnet-table2" / "index.json").is_file()
    assert not (tmp_path / "data").exists()


def test_a_folder_has_one_order_by_whichever_way_it_is_named(data, tmp_path):
    numbers = [1, 2, 8, 16, 100]
    for number in numbers:
        for folder in ("blended", "transmission"):
            save(tmp_path / "raw" / folder / f"planar-{number}.png", gradient(shift=number))
    done = data("add", tmp_path / "raw", "--name", "planar")
    assert done.exit_code == 0, done.output
    index = json.loads((tmp_path / "data" / "prepared" / "planar" / "index.json").read_text())
    named = [match.id for match in matches(tmp_path / "raw", "blended/{id}.png")]
    assert [item["id"] for item in index["items"]] == named == [f"planar-{number}" for number in numbers]
