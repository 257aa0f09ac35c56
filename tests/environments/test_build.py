import re
import shutil
from pathlib import Path

import pytest

from orchestrator import resources
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.local import LocalBuilder, find_interpreter, needs_torch_index
from orchestrator.errors import BuildError, SpecError
from orchestrator.spec.load import load_image

INFERENCE = load_image("inference")


@pytest.fixture
def settings():
    return BuildSettings.from_environment()


@pytest.fixture
def own_images(tmp_path, monkeypatch):
    """A copy of the images that a test may change."""
    shutil.copytree(resources.images_folder(), tmp_path / "images", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("orchestrator.environments.recipe.images_folder", lambda: tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def broken(own_images):
    """The inference image with a smoke test that fails and, for speed, with a single package."""
    lock = own_images / "inference" / "requirements.cpu.txt"
    entry = next(part for part in lock.read_text().split("\n") if part.startswith("packaging=="))
    text = lock.read_text()
    start = text.index(entry)
    lock.write_text("\n".join(line for line in text[start:].splitlines()[:3]).rstrip("\\ ") + "\n")
    (own_images / "inference" / "smoke.py").write_text("raise SystemExit('no convolution today')\n")
    return INFERENCE


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        pytest.param("", {}, id="none"),
        pytest.param("3.8=a/b:c", {"3.8": "a/b:c"}, id="one"),
        pytest.param(" 3.8=a , 3.10=b@sha256:0 ", {"3.8": "a", "3.10": "b@sha256:0"}, id="two-with-spaces"),
    ],
)
def test_bases_are_read_from_the_environment(monkeypatch, text, bases):
    monkeypatch.setenv("SIRR_BASES", text)
    assert BuildSettings.from_environment().bases == bases


def test_bases_of_another_form_are_refused(monkeypatch):
    monkeypatch.setenv("SIRR_BASES", "python:3.8")
    with pytest.raises(SpecError, match="PYTHON=IMAGE"):
        BuildSettings.from_environment()


def test_torchs_own_index_is_needed_only_for_a_cpu_build_that_no_folder_has(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("torch==2.13.0+cpu \\\n    --hash=sha256:0\n")
    assert needs_torch_index(lock, ())
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    assert not needs_torch_index(lock, (tmp_path,))
    lock.write_text("torch==1.12.1 \\\n    --hash=sha256:0\n")
    assert not needs_torch_index(lock, ())


def test_interpreter_that_nobody_has_is_none():
    assert find_interpreter("3.99", fetch=False) is None


def test_interpreter_that_cannot_be_fetched_is_named():
    with pytest.raises(BuildError, match=r"no Python 3\.99") as caught:
        find_interpreter("3.99")
    assert "Docker" in caught.value.hint


@pytest.mark.environment
def test_local_environment_is_built_once(tmp_path, settings):
    builder = LocalBuilder(tmp_path)
    assert builder.find(INFERENCE, "cpu", settings) is None
    said = []
    built = builder.build(INFERENCE, "cpu", settings, said.append)
    assert any("devices:" in line for line in said)
    assert Path(built.reference).exists()
    assert (built.code / "orchestrator" / "infer").is_dir()
    again = []
    assert builder.build(INFERENCE, "cpu", settings, again.append) == built == builder.find(INFERENCE, "cpu", settings)
    assert again == []
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.environment
def test_local_build_that_fails_names_its_step_and_leaves_nothing_that_passes_for_whole(tmp_path, settings, broken):
    builder = LocalBuilder(tmp_path / "environments")
    with pytest.raises(BuildError, match="run the smoke test") as caught:
        builder.build(broken, "cpu", settings, lambda _line: None)
    assert "no convolution today" in caught.value.where
    assert builder.find(broken, "cpu", settings) is None


def other_hash(lock):
    lock.write_text(re.sub(r"(?m)^(setuptools==.*(?:\n    --hash=.*)*)", _other_digits, lock.read_text()))


def _other_digits(entry):
    return re.sub("sha256:.", lambda found: "sha256:" + ("1" if found[0].endswith("0") else "0"), entry[1])


def not_locked(lock):
    lock.write_text(re.sub(r"(?m)^setuptools==.*(?:\n    --hash=.*)*\n?", "", lock.read_text()))


@pytest.mark.environment
@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        pytest.param(other_hash, "install what builds packages", "Hash mismatch", id="another-hash"),
        pytest.param(not_locked, "install the locked packages", "No module named 'setuptools'", id="not-locked"),
    ],
)
def test_nothing_builds_a_package_but_what_is_locked(tmp_path, settings, own_images, change, step, said):
    change(own_images / "inference" / "requirements.build.txt")
    with pytest.raises(BuildError, match=step) as caught:
        LocalBuilder(tmp_path / "environments").build(INFERENCE, "cpu", settings, lambda _line: None)
    assert said in caught.value.where
    assert not list((tmp_path / "environments" / "venvs").glob("*[0-9a-f]"))


@pytest.mark.docker
def test_docker_image_is_built_once_with_its_labels_and_without_root(docker_client, settings):
    builder = DockerBuilder(docker_client)
    built = builder.build(INFERENCE, "cpu", settings, lambda _line: None)
    found = docker_client.images.get(built.reference)
    labels = found.attrs["Config"]["Labels"]
    assert labels["org.sirr-orch.recipe"] == built.recipe
    assert {"org.sirr-orch.revision", "org.sirr-orch.base", "org.sirr-orch.image"} <= set(labels)
    assert docker_client.images.get(labels["org.sirr-orch.base"]).id == labels["org.sirr-orch.base-content"]
    assert built.details["base content"] == labels["org.sirr-orch.base-content"]
    assert found.attrs["Config"]["User"] == "65534:65534"
    assert found.attrs["Config"]["Entrypoint"] == ["python3", "-m", "inference_program"]
    assert builder.find(INFERENCE, "cpu", settings) == built


class FailingEngine:
    """An engine that builds nothing: its answer has an error in the middle."""

    def __init__(self):
        self.api = self.images = self
        self.context = None
        self.read_to_its_end = False

        self.attrs = {"Id": "sha256:0", "RepoDigests": [], "RootFS": {"Layers": []}}

    base_url = "http+docker://localhost"

    def version(self):
        return {}

    def info(self):
        return {}

    def get(self, _base):
        return self

    def build(self, *, fileobj, **_options):
        self.context = fileobj
        assert not fileobj.closed
        return self._answer()

    def _answer(self):
        yield {"stream": "Step 1/2 : RUN false"}
        yield {"error": "the command returned a non-zero code"}
        yield {"stream": "Removing intermediate container"}
        self.read_to_its_end = True


def test_a_failed_build_leaves_nothing_open(monkeypatch):
    monkeypatch.setattr("orchestrator.environments.docker._has_buildx", lambda: False)
    engine = FailingEngine()
    with pytest.raises(BuildError, match="RUN false") as caught:
        DockerBuilder(engine).build(INFERENCE, "cpu", BuildSettings(), lambda _line: None)
    assert "non-zero code" in caught.value.where
    assert engine.read_to_its_end
    assert engine.context.closed


@pytest.mark.docker
def test_docker_build_that_fails_names_its_step_and_its_last_lines(docker_client, settings, broken):
    with pytest.raises(BuildError, match=r"RUN python3 /opt/sirr/smoke\.py") as caught:
        DockerBuilder(docker_client).build(broken, "cpu", settings, lambda _line: None)
    assert "no convolution today" in caught.value.where
    assert "Traceback" not in caught.value.where


@pytest.mark.docker
def test_base_that_cannot_be_had_is_named_with_a_remedy(docker_client):
    settings = BuildSettings(bases={"3.11": "localhost:9/nothing:here"})
    with pytest.raises(BuildError, match="localhost:9/nothing:here") as caught:
        DockerBuilder(docker_client).build(INFERENCE, "cpu", settings, lambda _line: None)
    assert "--base 3.11=" in caught.value.hint
