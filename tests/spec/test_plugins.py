"""Plug-in folders: what they add by name, and every way in which one can be wrong."""

from pathlib import Path

import pytest

from orchestrator.environments.plugin_image import check_image
from orchestrator.errors import SpecError
from orchestrator.resources import model_specs_folder
from orchestrator.spec.library import Library, Plugin, built_in
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from tests.plugin_folder import write_plugin

SPEC = "name: first\nplugins: [../mine]\nmodels: [{program: dim2026}]\ntest: [small-scenes]\nmetrics: [psnr]\n"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return write_plugin(tmp_path / "mine")


def resolved(tmp_path: Path, text: str = SPEC):
    path = tmp_path / "experiments" / "first.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return resolve(load_experiment(path), path)


def library(*folders: Path) -> Library:
    return built_in().extended(Plugin(folder, "a test") for folder in folders)


def said(error: SpecError) -> str:
    return f"{error.message}\n{error.where}\n{error.hint}"


def test_an_experiment_names_what_its_plugin_brings(tmp_path, plugin):
    found = resolved(tmp_path)
    assert [program.spec.title for program in found.programs] == ["Dimming"]
    assert found.datasets["small-scenes"].title == "Two small scenes"
    assert found.library.image("dimmer").folder == plugin / "images" / "dimmer"
    assert [table.name for table in found.library.tables_of_plugins] == ["nobody2026"]


def test_without_its_plugin_nothing_of_it_is_known(tmp_path, plugin):
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, SPEC.replace("plugins: [../mine]\n", ""))
    assert "there is no program 'dim2026'" in said(caught.value)
    assert "there is no dataset 'small-scenes'" in said(caught.value)


def test_plugins_come_after_the_project_and_in_the_order_in_which_they_are_named(tmp_path):
    for name in ("zoo", "ark"):
        folder = tmp_path / name / "program_specs"
        folder.mkdir(parents=True)
        text = (write_plugin(tmp_path / "mine") / "program_specs" / "dim2026.yaml").read_text()
        (folder / f"of-{name}.yaml").write_text(text.replace("dim2026", f"of-{name}"))
    names = library(tmp_path / "zoo", tmp_path / "ark").program_names
    assert names == (*built_in().program_names, "of-zoo", "of-ark")


def test_a_plugin_that_is_named_twice_counts_once(tmp_path, plugin):
    (tmp_path / "link").symlink_to(plugin)
    assert len(library(plugin, tmp_path / "link", plugin).plugins) == 1


@pytest.mark.parametrize(
    ("part", "file", "name"),
    [
        pytest.param("a model", "model_specs/errnet2019.yaml", "errnet2019", id="model"),
        pytest.param("a program", "program_specs/yang2019.yaml", "yang2019", id="program"),
        pytest.param("an image", "images/metrics/image.yaml", "metrics", id="image"),
        pytest.param("a dataset", "data/skimage-test.yaml", "skimage-test", id="dataset"),
    ],
)
def test_a_name_of_the_project_is_not_shadowed(tmp_path, part, file, name):
    path = tmp_path / "other" / file
    path.parent.mkdir(parents=True)
    path.write_text("", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        library(tmp_path / "other")
    own = model_specs_folder().parent / file
    assert caught.value.message == f"two folders bring {part} {name!r}: {own} and {path}"
    assert "named by a test" in caught.value.where
    assert caught.value.hint.startswith("rename it in the plug-in")


def test_a_name_of_another_plugin_is_not_shadowed(tmp_path, plugin):
    other = write_plugin(tmp_path / "other")
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, SPEC.replace("[../mine]", "[../mine, ../other]"))
    assert f"{plugin}/program_specs/dim2026.yaml and {other}/program_specs/dim2026.yaml" in said(caught.value)
    assert "first.yaml:2:10" in said(caught.value)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        pytest.param("nowhere", "there is no plug-in folder", id="missing"),
        pytest.param("empty", "is no plug-in: it has none of the folders model_specs, program_specs", id="no-layout"),
    ],
)
def test_a_folder_that_is_no_plugin_is_refused_with_its_place(tmp_path, folder, words):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, SPEC.replace("../mine", f"../{folder}"))
    assert words in caught.value.message
    assert "first.yaml:2:10" in caught.value.where


@pytest.mark.parametrize("text", [SPEC, SPEC.replace("metrics: [psnr]", "seed: many")], ids=["alone", "beside-others"])
@pytest.mark.parametrize(
    "file", ["program_specs/Dim 2026.yaml", "metric_specs/ncc.yaml"], ids=["an-odd-name", "a-name-of-the-project"]
)
def test_a_file_that_an_experiments_plugin_must_not_have_is_named_beside_the_experiments_line(
    tmp_path, plugin, text, file
):
    (plugin / file).parent.mkdir(exist_ok=True)
    (plugin / file).write_text("")
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, text)
    assert said(caught.value).count(str(plugin / file)) == 1
    assert "first.yaml:2:10" in caught.value.where


def test_a_missing_plugin_is_told_beside_other_mistakes(tmp_path):
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, SPEC.replace("metrics: [psnr]", "seed: many"))
    assert "there is no plug-in folder" in said(caught.value)
    assert "seed must be a whole number" in said(caught.value)


def test_a_wrong_file_names_itself_and_the_field_and_keeps_nothing_else_from_being_used(tmp_path, plugin):
    path = plugin / "program_specs" / "dim2026.yaml"
    path.write_text(path.read_text().replace("factor: {default: 0.9", "factor: {default: 2"))
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path)
    assert "default 2 does not lie from 0 to 1" in caught.value.message
    assert f"{path}:6:" in caught.value.where
    assert resolved(tmp_path, SPEC.replace("{program: dim2026}", "{program: yang2019}")).programs


def test_a_file_that_is_called_otherwise_than_what_is_in_it_is_refused(tmp_path, plugin):
    (plugin / "program_specs" / "dim2026.yaml").rename(plugin / "program_specs" / "other.yaml")
    with pytest.raises(SpecError, match="the name 'dim2026' differs from the file's name 'other'"):
        resolved(tmp_path, SPEC.replace("dim2026", "other"))


def test_odd_names_and_links_that_lead_out_are_refused(tmp_path, plugin):
    odd = plugin / "program_specs" / "Dim 2026.yaml"
    odd.write_text("")
    with pytest.raises(SpecError, match="'Dim 2026' is no name") as caught:
        library(plugin)
    assert said(caught.value).count(str(odd)) == 1
    odd.unlink()
    (tmp_path / "secret.yaml").write_text("")
    (plugin / "data" / "secret.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(SpecError, match="leads outside its folder"):
        library(plugin)


@pytest.mark.parametrize("folder", ["/etc", "../../elsewhere"])
def test_a_dataset_with_pictures_outside_its_plugin_is_refused(tmp_path, plugin, folder):
    text = f"name: outside\ndataset: {{kind: pairs, folder: {folder}}}\n"
    (plugin / "data" / "outside.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        library(plugin).dataset("outside")
    assert caught.value.message.startswith("dataset.folder: ")
    assert f"{plugin}/data/outside.yaml:2:" in caught.value.where


def test_a_datasets_folder_starts_at_the_plugins_file(tmp_path, plugin):
    (plugin / "data" / "pairs").mkdir()
    (plugin / "data" / "pairs.yaml").write_text("name: pairs\ndataset: {kind: pairs, folder: pairs}\n")
    found = resolved(tmp_path, SPEC.replace("test: [small-scenes]", "test: [pairs]"))
    assert found.datasets["pairs"].folder == plugin / "data" / "pairs"


def test_an_image_without_the_kind_that_the_plan_needs_is_named_at_planning(tmp_path, plugin):
    path = plugin / "images" / "dimmer" / "image.yaml"
    path.write_text(path.read_text().replace("kinds: [predict]\nbehaviours: {predict: 1}", "kinds: [export]"))
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path)
    assert caught.value.message == "the image 'dimmer' runs no stage of kind predict; it runs export"
    assert "first.yaml:3:" in caught.value.where
    assert caught.value.hint == f"add the kind to its program and to 'kinds:' in {path}"


def test_an_image_that_is_not_there_is_named_with_who_names_it(tmp_path, plugin):
    path = plugin / "program_specs" / "dim2026.yaml"
    path.write_text(path.read_text().replace("image: dimmer", "image: dimer"))
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path)
    assert f"there is no image 'dimer', which {path} names under 'image:'; did you mean 'dimmer'?" in said(caught.value)


LOCKED = "six==1.17.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        pytest.param("Dockerfile", None, "it has no file Dockerfile", id="no-dockerfile"),
        pytest.param("requirements.cpu.txt", None, "it has no file requirements.cpu.txt", id="no-lock"),
        pytest.param("requirements.cpu.txt", "six==1.17.0\n", "'six==1.17.0' is not locked", id="no-hash"),
        pytest.param("requirements.cpu.txt", LOCKED + "--index-url http://x\n", "is not locked", id="option-in-lock"),
        pytest.param("requirements.cpu.txt", LOCKED.replace("==1.17.0", ""), "is not locked", id="no-version"),
        pytest.param("dimmer/__main__.py", None, "which is in none of the packages", id="no-program"),
        pytest.param("stagekit/__init__.py", "", "it has a folder 'stagekit'", id="package-of-the-project"),
    ],
)
def test_an_image_that_cannot_be_built_as_ours_are_is_refused(plugin, file, text, words):
    image = library(plugin).image("dimmer")
    check_image(image)
    path = plugin / "images" / "dimmer" / file
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with pytest.raises(SpecError) as caught:
        check_image(image)
    assert words in caught.value.message
    assert str(plugin) in caught.value.where


@pytest.mark.parametrize("name", ["a-", "a..b", "a._b", "a___b"])
def test_an_image_whose_name_docker_does_not_take_is_refused(plugin, name):
    image = library(plugin).image("dimmer").model_copy(update={"name": name})
    with pytest.raises(SpecError) as caught:
        check_image(image)
    assert f"no Docker image can be called {name!r}" in caught.value.message
    assert caught.value.where == str(plugin / "images" / "dimmer")
    assert "rename it" in caught.value.hint


@pytest.mark.parametrize("name", ["a", "a.b-c", "a--b", "a__b"])
def test_an_image_whose_name_docker_takes_is_taken(plugin, name):
    check_image(library(plugin).image("dimmer").model_copy(update={"name": name}))


def test_a_full_lock_is_taken(plugin):
    (plugin / "images" / "dimmer" / "requirements.cpu.txt").write_text(f"# of six\n{LOCKED}    # via nothing\n")
    check_image(library(plugin).image("dimmer"))


def test_code_that_lies_outside_the_image_is_refused(tmp_path, plugin):
    (tmp_path / "secret.py").write_text("")
    (plugin / "images" / "dimmer" / "dimmer" / "secret.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(SpecError, match="leads outside its folder"):
        check_image(library(plugin).image("dimmer"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("requirements: requirements.cpu.txt", "requirements: ../../../etc/passwd"), ("code: [stagekit", "code: [../..")],
)
def test_names_in_an_image_that_lead_out_are_refused(plugin, field, value):
    path = plugin / "images" / "dimmer" / "image.yaml"
    path.write_text(path.read_text().replace(field, value))
    with pytest.raises(SpecError, match="does not have the form"):
        library(plugin).image("dimmer")
