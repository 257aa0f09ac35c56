"""`plugin new` and what `plugin check` tells from files alone: each broken copy fails at its own line."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.conformance.check import plugin_checks
from orchestrator.conformance.check_line import Check, CheckRequest
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.plugin_image import check_image
from orchestrator.errors import ResultExists, SirrError, SpecError
from orchestrator.execute.plugin_new import new_plugin
from orchestrator.spec.library import Plugin, built_in
from orchestrator.spec.load import load_experiment
from tests.plugin_folder import write_metric, write_model, write_plugin


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return new_plugin("my-method", "program", tmp_path / "mine", built_in())


def checked(folder: Path, tmp_path: Path) -> list[Check]:
    request = CheckRequest(tmp_path / "store", "local", BuildSettings(), lambda _words: None, static=True)
    return list(plugin_checks(folder, built_in(), request))


def failures(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.outcome == "failed"]


NO_TEXT_UNQUOTED = ("null", "123", "2e5", "true", "1.5", "0x1f", "2026-11-30", "1_000", "y")
"""Names that YAML of some version reads as something else than text."""


@pytest.mark.parametrize("name", ["my-method", "numpy", "2026.next", "template-method", *NO_TEXT_UNQUOTED])
def test_a_new_plugin_names_everything_by_its_name_and_is_valid(tmp_path, name):
    folder = new_plugin(name, "program", tmp_path / "folder", built_in())
    library = built_in().extended([Plugin(folder, "a test")])
    spec, image = library.program(name), library.image(name)
    check_image(image)
    assert (spec.image, image.kinds) == (name, ("predict",))
    assert (folder / "images" / name / image.module / "__main__.py").is_file()
    assert image.module.startswith("program_")
    if name != "template-method":
        texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
        assert not [text for text in texts if re.search(r"template-method|program_template", text)]
    assert {check.outcome for check in checked(folder, tmp_path)} == {"passed", "not checked"}


@pytest.mark.parametrize("name", ["my-net", *NO_TEXT_UNQUOTED])
def test_a_new_network_names_everything_by_its_name_and_is_valid(tmp_path, name):
    folder = new_plugin(name, "network", tmp_path / "folder", built_in())
    library = built_in().extended([Plugin(folder, "a test")])
    spec, image = library.model(name), library.image(name)
    check_image(image)
    assert (spec.image, image.kinds, image.module) == (
        name,
        ("train", "adopt", "export", "release"),
        f"network_{re.sub('[.-]', '_', name)}",
    )
    assert spec.trial_recipe.values["channels"] < spec.paper_recipe.values["channels"]
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if re.search(r"template-network|network_template", text)]
    assert {check.outcome for check in checked(folder, tmp_path)} == {"passed", "not checked"}


@pytest.mark.parametrize("kind", ["program", "network"])
@pytest.mark.parametrize("name", ["my-method", *NO_TEXT_UNQUOTED])
def test_the_entrants_that_a_new_readme_shows_are_those_of_the_plugin(tmp_path, kind, name):
    folder = new_plugin(name, kind, tmp_path / "folder", built_in())
    shown = re.search("^models:.*$", (folder / "README.md").read_text(), re.MULTILINE)
    spec = tmp_path / "shown.yaml"
    spec.write_text(f"name: shown\n{shown[0]}\ntest: [skimage-test]\nmetrics: [psnr]\n{TRAIN[kind]}")
    library = built_in().extended([Plugin(folder, "a test")])
    assert load_experiment(spec, library=library).models[0].label == name


TRAIN = {"program": "", "network": "train: {synthetic: skimage-train}\n"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("input", "is one of the controls"),
        ("truth", "is one of the controls"),
        ("a..b", "no Docker image can be called 'a..b'"),
        ("a-", "no Docker image can be called 'a-'"),
        ("a._b", "no Docker image"),
    ],
)
def test_a_name_that_its_own_check_or_a_comparison_would_refuse_is_refused_at_once(tmp_path, name, words):
    with pytest.raises(SpecError) as refused:
        new_plugin(name, "program", tmp_path / "folder", built_in())
    assert words in refused.value.message
    assert refused.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*built_in().model_names, *built_in().program_names])
def test_what_this_project_brings_is_checked_by_its_name(tmp_path, name):
    first, rest = checked(Path(name), tmp_path)
    assert (first.subject.partition(" ")[2], first.outcome, rest.outcome) == (name, "passed", "not checked")


def test_a_name_that_nothing_has_is_a_folder_that_is_not_there(tmp_path):
    first, _rest = checked(Path("errnet2918"), tmp_path)
    assert (first.outcome, "there is no plug-in folder" in first.words) == ("failed", True)


def test_what_is_not_checked_is_said(written, tmp_path):
    (last,) = [check for check in checked(written, tmp_path) if check.outcome == "not checked"]
    assert last.title == "building and running what it brings"
    assert "files alone" in last.words


@pytest.mark.parametrize("taken", ["folder", "file", "link"])
def test_nothing_is_written_over_what_is_there(tmp_path, taken):
    folder = tmp_path / "mine"
    if taken == "folder":
        new_plugin("my-method", "program", folder, built_in())
    elif taken == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ResultExists, match="is there already"):
        new_plugin("my-method", "program", folder, built_in())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("file/mine", "file/mine' cannot be made: (File exists|Not a directory)"),
        ("file/deep/mine", "file/deep/mine' cannot be made: Not a directory"),
        ("x" * 300, "x' cannot be made: File name too long"),
        ("/proc/mine", "'/proc/mine' cannot be made: No such file"),
    ],
)
def test_a_folder_that_cannot_be_made_is_refused_with_what_to_do(tmp_path, out, words):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SpecError, match=words) as caught:
        new_plugin("my-method", "program", tmp_path / out, built_in())
    assert "--out" in str(caught.value.hint)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("yang2019", "there is program 'yang2019' already"),
        ("errnet2019-unaligned", "there is network"),
        ("metrics", "there is image"),
        ("My Method", "is no name"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tmp_path, name, words):
    with pytest.raises(SpecError, match=words):
        new_plugin(name, "program", tmp_path / "mine", built_in())
    assert list(tmp_path.iterdir()) == []


def _replace(path, old, new):
    def change(folder):
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return change


def _remove(path):
    return lambda folder: (folder / path).unlink()


def _shadow(folder):
    (folder / "program_specs" / "my-method.yaml").rename(folder / "program_specs" / "yang2019.yaml")


def _lead_out(folder):
    spec = folder / "program_specs" / "my-method.yaml"
    spec.rename(folder.parent / "outside.yaml")
    spec.symlink_to(folder.parent / "outside.yaml")


def _code_leads_out(folder):
    code = folder / "images" / "my-method" / "program_my_method" / "method.py"
    code.rename(folder.parent / "method.py")
    code.symlink_to(folder.parent / "method.py")


IMAGE, SPEC = "images/my-method/", "program_specs/my-method.yaml"
IMAGE_FILES = ("image my-method", "its files, and locks with hashes")


@pytest.mark.parametrize(
    ("broken", "line", "words"),
    [
        pytest.param(
            lambda folder: (folder / IMAGE / "requirements.cpu.txt").write_text("numpy==2.4.6\n"),
            IMAGE_FILES,
            "is not locked",
            id="a lock without hashes",
        ),
        pytest.param(
            _remove(f"{IMAGE}smoke.py"),
            IMAGE_FILES,
            "no file smoke.py",
            id="no smoke test",
        ),
        pytest.param(
            _code_leads_out,
            IMAGE_FILES,
            "method.py",
            id="code that leads out",
        ),
        pytest.param(
            _replace(f"{IMAGE}image.yaml", "module: program_my_method", "module: elsewhere"),
            IMAGE_FILES,
            "'module:' names 'elsewhere'",
            id="a module that is not there",
        ),
        pytest.param(
            _replace(f"{IMAGE}image.yaml", "kinds: [predict]", "kinds: [predicts]"),
            ("image my-method", "its description image.yaml"),
            "kinds",
            id="a kind that is none",
        ),
        pytest.param(
            _replace(f"{IMAGE}image.yaml", "kinds: [predict]", "kinds: [train]"),
            ("program my-method", "its spec, and the image that runs it"),
            "runs no stage of kind predict",
            id="the kind that is needed is missing",
        ),
        pytest.param(
            _replace(SPEC, 'image: "my-method"', 'image: "my-methd"'),
            ("program my-method", "its spec, and the image that runs it"),
            "did you mean 'my-method'",
            id="an image that is not there",
        ),
        pytest.param(
            _replace(SPEC, "least: 0", "least: 0.5"),
            ("program my-method", "its spec, and the image that runs it"),
            "does not lie",
            id="a default outside its limits",
        ),
        pytest.param(_shadow, ("plug-in", "folders, names and links"), "two folders bring", id="a name that is taken"),
        pytest.param(_lead_out, ("plug-in", "folders, names and links"), "cannot be taken", id="a spec that leads out"),
    ],
)
def test_a_broken_copy_fails_at_its_line_with_a_remedy(written, tmp_path, broken, line, words):
    broken(written)
    (found,) = failures(checked(written, tmp_path))
    assert (found.subject, found.title) == line
    assert words in found.words
    assert found.remedy


def test_everything_else_a_plugin_brings_is_looked_at(tmp_path):
    folder = write_model(write_plugin(tmp_path / "mine"))
    checks = {(check.subject, check.outcome) for check in checked(folder, tmp_path)}
    assert {
        ("dataset small-scenes", "passed"),
        ("published table nobody2026", "passed"),
        ("network small2026", "passed"),
    } < checks
    schema = folder / "model_specs" / "small2026.schema.json"
    schema.write_text(schema.read_text().replace('"required": ["epochs",', '"required": ['))
    (found,) = failures(checked(folder, tmp_path))
    assert found.subject == "network small2026"
    assert "epochs" in found.words


def test_a_folder_that_is_no_plugin_fails_and_the_rest_is_not_passed_off(tmp_path):
    (tmp_path / "empty").mkdir()
    first, rest = checked(tmp_path / "empty", tmp_path)
    assert (first.outcome, rest.outcome) == ("failed", "not checked")
    assert "is no plug-in" in first.words


def test_the_command_ends_with_13_where_a_check_fails(written, tmp_path):
    arguments = ["plugin", "check", str(written), "--static", "--json", "--store", str(tmp_path / "store")]
    good = CliRunner().invoke(app, arguments)
    assert good.exit_code == 0
    assert {line["outcome"] for line in json.loads(good.stdout)} == {"passed", "not checked"}
    (written / IMAGE / "Dockerfile").unlink()
    bad = CliRunner().invoke(app, arguments)
    assert bad.exit_code == 13
    (line,) = [line for line in json.loads(bad.stdout) if line["outcome"] == "failed"]
    assert "Dockerfile" in line["words"]


def test_the_command_writes_a_folder_and_says_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plugin", "new", "my-method"])
    assert done.exit_code == 0
    assert "sirr-orch plugin check my-method" in done.stdout.replace("\n", " ")
    assert (tmp_path / "my-method" / "README.md").is_file()
    again = CliRunner().invoke(app, ["plugin", "new", "my-method"])
    assert isinstance(again.exception, SirrError)


def test_metrics_and_protocols_are_looked_at(tmp_path):
    folder = write_metric(tmp_path / "mine")
    outcomes = [(one.outcome, one.title) for one in checked(folder, tmp_path) if one.subject == "metric farthest"]
    assert outcomes == [("passed", "its spec, and the image that runs it"), ("not checked", "running it")]
    assert "protocol mine2026" in [one.subject for one in checked(folder, tmp_path) if one.outcome == "passed"]
    image = folder / "images" / "meter" / "image.yaml"
    image.write_text(image.read_text().replace("measure", "predict"))
    (folder / "protocol_specs" / "mine2026.yaml").write_text("name: mine2026\n")
    metric, protocol = failures(checked(folder, tmp_path))
    assert "runs no stage of kind measure; it runs predict" in metric.words
    assert "mistakes" in protocol.words
