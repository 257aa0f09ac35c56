import io
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import uuid

import pytest

from orchestrator.environments import bases
from orchestrator.environments.pins import UNPINNED, name_and_digest, pinned, pinned_digests, save_pinned_digests
from orchestrator.errors import BuildError, SpecError
from tests.conftest import ROOT

DIGEST = f"sha256:{'5' * 64}"


@pytest.mark.parametrize("base", ["python:3.8-slim-bookworm", "mirror.example:5000/python:3.8"])
def test_pins_are_read_as_they_are_written(tmp_path, base):
    path = tmp_path / "bases.txt"
    path.write_text(f"# words on top\n{base} {UNPINNED}\n")
    assert pinned_digests(path) == {base: UNPINNED}
    save_pinned_digests({base: DIGEST}, path)
    assert path.read_text() == f"# words on top\n{base} {DIGEST}\n"
    assert pinned_digests(path) == {base: DIGEST}


@pytest.mark.parametrize("line", ["python:3.8", "python:3.8 sha256:5", f"python:3.8 {DIGEST}0", f" {DIGEST}"])
def test_pin_of_another_form_is_refused_with_its_place(tmp_path, line):
    path = tmp_path / "bases.txt"
    path.write_text(f"# words\n{line}\n")
    with pytest.raises(SpecError, match="NAME sha256:DIGEST") as caught:
        pinned_digests(path)
    assert caught.value.where == f"{path}:2"


def test_official_bases_are_asked_for_by_the_digest_that_they_are_pinned_to(monkeypatch):
    monkeypatch.setattr("orchestrator.environments.pins.pinned_digests", lambda: {"a:1": DIGEST, "b:1": UNPINNED})
    assert [pinned(name) for name in ("a:1", "b:1", "c:1")] == [f"a:1@{DIGEST}", "b:1", "c:1"]
    assert name_and_digest(pinned("a:1")) == ("a:1", DIGEST)


@pytest.fixture(scope="module")
def registry(tmp_path_factory, docker_client):
    """The address of a real registry on this machine's loopback, empty."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        pytest.skip("there is no registry's program: install docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("registry")
    settings = folder / "config.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with subprocess.Popen([program, "serve", str(settings)], stderr=subprocess.DEVNULL) as process:
        wait_for(address)
        yield address
        process.terminate()


def wait_for(address):
    host, _, port = address.partition(":")
    for _ in range(100):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the registry does not answer at {address}")


@pytest.fixture
def published(docker_client, registry):
    """A function that publishes new content under a name and forgets it here; returns the digest of the registry."""
    made = []

    def publish(name, content):
        reference = f"{registry}/{name}"
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo("content")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        repository, _, tag = reference.rpartition(":")
        docker_client.api.import_image_from_data(packed.getvalue(), repository=repository, tag=tag)
        made.append(reference)
        docker_client.images.push(reference)
        digest = docker_client.images.get(reference).attrs["RepoDigests"][0].rpartition("@")[2]
        docker_client.images.remove(reference)
        return reference, digest

    yield publish
    for image in docker_client.images.list():
        references = [*image.attrs["RepoTags"], *image.attrs["RepoDigests"]]
        if any(reference.startswith(f"{registry}/") for reference in references):
            docker_client.images.remove(image.id, force=True)


def layers(client, base):
    return tuple(client.images.get(base.content).attrs["RootFS"]["Layers"])


def ignore(_line):
    pass


@pytest.mark.docker
def test_base_asked_for_by_digest_stays_the_same_when_its_name_is_moved(docker_client, published):
    name = f"base-{uuid.uuid4().hex[:8]}:1"
    reference, first = published(name, b"one")
    assert bases.registry_digest(docker_client, reference) == first
    _, second = published(name, b"two")
    assert bases.registry_digest(docker_client, reference) == second != first
    said = []
    pinned_base = bases.provide_base(docker_client, f"{reference}@{first}", "3.8", said.append)
    assert said == [f"pulling the base {reference}@{first}"]
    assert (pinned_base.digest, pinned_base.sentence) == (first, "")
    moved = bases.provide_base(docker_client, reference, "3.8", ignore)
    assert moved.digest == second
    assert moved.content != pinned_base.content
    assert "not pinned" in moved.sentence
    assert second in moved.sentence
    again = bases.provide_base(docker_client, f"{reference}@{first}", "3.8", pytest.fail)
    assert again == pinned_base


@pytest.mark.docker
def test_base_that_is_not_the_one_of_the_digest_is_named(docker_client, published):
    reference, digest = published(f"base-{uuid.uuid4().hex[:8]}:1", b"one")
    bases.provide_base(docker_client, reference, "3.8", ignore)
    with pytest.raises(BuildError, match=DIGEST) as caught:
        bases.provide_base(docker_client, f"{reference}@{DIGEST}", "3.8", ignore)
    assert f"what is here as {reference} is another image" in caught.value.where
    assert digest in caught.value.where
    assert "--base 3.8=" in caught.value.hint


@pytest.mark.docker
def test_base_of_no_registry_is_known_by_its_id(docker_client):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("content"))
    name = f"sirr-orch-test-base:{uuid.uuid4().hex[:8]}"
    repository, _, tag = name.partition(":")
    docker_client.api.import_image_from_data(packed.getvalue(), repository=repository, tag=tag)
    content = docker_client.images.get(name).id
    try:
        base = bases.provide_base(docker_client, f"{name}@{content}", "3.8", pytest.fail)
        assert (base.reference, base.content, base.digest, base.sentence) == (name, content, "", "")
        unpinned = bases.provide_base(docker_client, name, "3.8", pytest.fail)
        assert f"{name}@{content}" in unpinned.sentence
        with pytest.raises(BuildError, match="cannot be pulled") as caught:
            bases.provide_base(docker_client, f"{name}@{DIGEST}", "3.8", ignore)
        assert content in caught.value.where
    finally:
        docker_client.images.remove(name)


@pytest.mark.docker
def test_image_on_another_base_than_was_asked_for_is_refused(docker_client, published):
    reference, _ = published(f"base-{uuid.uuid4().hex[:8]}:1", b"one")
    other, _ = published(f"base-{uuid.uuid4().hex[:8]}:1", b"two")
    base = bases.provide_base(docker_client, reference, "3.8", ignore)
    bases.provide_base(docker_client, other, "3.8", ignore)
    bases.verify_base(base, docker_client.images.get(reference).attrs, "metrics")
    with pytest.raises(BuildError, match="does not stand on the base"):
        bases.verify_base(base, docker_client.images.get(other).attrs, "metrics")


@pytest.mark.docker
def test_pin_bases_writes_what_the_registry_says_or_nothing(tmp_path, registry, published):
    path = tmp_path / "bases.txt"
    path.write_text(f"# words\npython:3.8-slim-bookworm {UNPINNED}\n")
    digests = {}
    for python in ("3.8", "3.10", "3.11"):
        missing = pin(path, registry)
        assert missing.returncode == 1
        assert "nothing is pinned" in missing.stderr
        assert UNPINNED in path.read_text()
        _, digest = published(f"python:{python}-slim-bookworm", python.encode())
        digests[f"python:{python}-slim-bookworm"] = digest
    done = pin(path, registry)
    assert done.returncode == 0, done.stderr
    assert f"python:3.8-slim-bookworm: {digests['python:3.8-slim-bookworm']} in place of -" in done.stdout
    assert pinned_digests(path) == digests


def pin(path, registry):
    return subprocess.run(
        [sys.executable, "scripts/pin_bases.py", "--mirror", registry, "--file", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
