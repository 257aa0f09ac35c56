import contextlib
import gc
import json
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from orchestrator.engine.connection import addresses, connected
from orchestrator.errors import EngineUnavailable, SirrError

PODMAN = {"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}
DOCKER = {"Version": "20.10.24", "ApiVersion": "1.41", "Components": [{"Name": "Engine"}]}


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def engine(path, version):
    """An engine that says what it is, and nothing else."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = json.dumps(version if self.path.endswith("/version") else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    path.parent.mkdir(parents=True, exist_ok=True)
    server = _Server(str(path), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"unix://{path}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No engine is named, and the user's folders are empty."""
    for name in ("SIRR_DOCKER_HOST", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


def test_own_variable_comes_before_docker_s(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///two.sock")
    assert [one.url for one in addresses("docker")] == ["unix:///two.sock"]
    monkeypatch.setenv("SIRR_DOCKER_HOST", "ssh://user@gpu")
    assert [(one.url, one.named_by) for one in addresses("docker")] == [("ssh://user@gpu", "SIRR_DOCKER_HOST")]


def test_docker_is_looked_for_before_the_user_s_podman_and_that_before_root_s(tmp_path):
    own = f"unix://{tmp_path}/run/podman/podman.sock"
    expected = ["unix:///var/run/docker.sock", own, "unix:///run/podman/podman.sock"]
    assert [one.url for one in addresses("auto")] == expected
    assert [one.url for one in addresses("docker")] == expected[:1]


def test_address_that_is_named_is_the_only_one_for_docker(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://build:2376")
    assert [one.url for one in addresses("auto")] == ["tcp://build:2376"]


def test_podman_is_found_at_the_user_s_socket(tmp_path):
    with engine(tmp_path / "run" / "podman" / "podman.sock", PODMAN) as address:
        found = connected("podman")
        found.client.close()
    assert (found.caps.name, found.caps.address) == ("podman", address)
    assert found.sentence == f"Podman 4.3.1 at {address} (podman.socket)"


def test_what_answers_for_docker_may_be_podman(monkeypatch, tmp_path):
    with engine(tmp_path / "p.sock", PODMAN) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        for name in ("auto", "docker", "podman"):
            found = connected(name)
            found.client.close()
            assert found.caps.name == "podman"


def test_docker_is_not_taken_for_podman(monkeypatch, tmp_path):
    with engine(tmp_path / "d.sock", DOCKER) as address:
        monkeypatch.setenv("SIRR_DOCKER_HOST", address)
        with pytest.raises(EngineUnavailable, match="no Podman engine answers") as caught:
            connected("podman")
    assert f"{address}: Docker 20.10.24 answers" in caught.value.where
    assert "podman.socket" in caught.value.hint


def test_podman_that_does_not_run_is_told_with_all_places(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable, match="no Podman engine answers") as caught:
        connected("podman")
    assert f"unix://{tmp_path}/run/podman/podman.sock" in caught.value.where
    assert "unix:///run/podman/podman.sock" in caught.value.where


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_machine_that_does_not_answer_by_ssh_is_an_error_of_ours(monkeypatch):
    monkeypatch.setenv("SIRR_DOCKER_HOST", "ssh://nobody@127.0.0.1:1")
    with pytest.raises(SirrError) as caught:
        connected("docker", timeout_s=5)
    assert "paramiko" not in str(caught.value)
    del caught
    gc.collect()  # what the SDK leaves open of ssh is told here, and not in another test


@pytest.mark.parametrize("name", ["docker", "podman"])
@pytest.mark.parametrize("address", ["tcp://[::1", "http://x:99999999", "unix://", "unix:///", "bogus", "tcp://"])
def test_address_that_is_none_is_told_with_what_one_looks_like(monkeypatch, address, name):
    monkeypatch.setenv("SIRR_DOCKER_HOST", address)
    with pytest.raises(EngineUnavailable) as caught:
        connected(name, timeout_s=5)
    assert caught.value.hint
    assert "SIRR_DOCKER_HOST" in f"{caught.value.message} {caught.value.where}"
    assert "unix:///run/podman/podman.sock" in caught.value.hint
