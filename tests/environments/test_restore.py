"""An environment whose packages came from elsewhere works where they are put."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.local import LocalBuilder
from orchestrator.errors import BuildError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PROGRAM = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' '''
import words
print(words.SAID)
"""


@pytest.fixture
def packed(tmp_path):
    """Return the plain files of an environment with one package and one program, as a pack holds them."""
    folder = tmp_path / "packed" / "network-cpu-1"
    package = folder / "lib" / f"python{PYTHON}" / "site-packages" / "words"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("SAID = 'hello'\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "say").write_text(PROGRAM)
    (folder / "bin" / "say").chmod(0o755)
    return folder


def test_restored_environment_imports_its_packages_and_runs_its_programs(tmp_path, packed):
    builder = LocalBuilder(tmp_path / "environments")
    assert builder.restore("network-cpu-1", PYTHON, packed)
    venv = tmp_path / "environments" / "venvs" / "network-cpu-1"
    said = subprocess.run([venv / "bin" / "say"], capture_output=True, text=True, check=True)
    assert said.stdout == "hello\n"
    # It can be moved again, as a store can.
    moved = tmp_path / "moved"
    venv.rename(moved)
    said = subprocess.run([moved / "bin" / "say"], capture_output=True, text=True, check=True)
    assert said.stdout == "hello\n"


def test_environment_that_is_there_stays(tmp_path, packed):
    (tmp_path / "environments" / "venvs" / "network-cpu-1").mkdir(parents=True)
    assert not LocalBuilder(tmp_path / "environments").restore("network-cpu-1", PYTHON, packed)
    assert packed.is_dir()


def test_interpreter_that_is_not_there_is_named_and_nothing_is_fetched(tmp_path, packed):
    with pytest.raises(BuildError, match=r"needs Python 3\.99, which is not on this machine") as caught:
        LocalBuilder(tmp_path / "environments").restore("network-cpu-1", "3.99", packed)
    assert "uv python install" in caught.value.hint
    assert not (tmp_path / "environments" / "venvs").exists()


@pytest.mark.docker
def test_image_is_saved_and_loaded_with_its_tag(docker_client, tmp_path):
    tag = "sirr-orch/words:test-restore"
    # Some engines save no image without a layer.
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY said /said\nLABEL words=hello\n")
    (tmp_path / "said").write_text("hello\n")
    made, _ = docker_client.images.build(path=str(tmp_path), tag=tag, rm=True)
    builder = DockerBuilder(docker_client)
    saved = b"".join(builder.saved(tag))
    docker_client.images.remove(tag)
    try:
        builder.load(io.BytesIO(saved))
        assert docker_client.images.get(tag).labels == {"words": "hello"}
        assert docker_client.images.get(tag).id == made.id
    finally:
        docker_client.images.remove(tag)


def test_code_is_put_in_its_place_once(tmp_path):
    builder, root = LocalBuilder(tmp_path / "environments"), tmp_path / "packed"
    for words in ("first", "second"):
        shutil.rmtree(root, ignore_errors=True)
        (root / "abc" / "code").mkdir(parents=True)
        (root / "abc" / "code" / "words.py").write_text(words)
        builder.restore_code(Path(root / "abc"))
    assert (tmp_path / "environments" / "code" / "abc" / "code" / "words.py").read_text() == "first"
