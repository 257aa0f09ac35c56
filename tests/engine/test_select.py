import gc
import socket
import threading

import pytest

from orchestrator.engine.caps import caps_from
from orchestrator.engine.select import available_engine
from orchestrator.engine.walls import find_walls
from orchestrator.errors import EngineUnavailable


@pytest.fixture
def no_engine(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def test_auto_falls_back_to_local_environments_and_says_why(no_engine, tmp_path):
    chosen = available_engine("auto", tmp_path)
    gc.collect()  # a socket that was left open would be heard of now
    assert chosen.engine.name == "local"
    assert "because no Docker engine runs on this machine" in chosen.sentence
    assert find_walls().sentence in chosen.sentence


def test_docker_by_name_is_an_error_where_none_answers(no_engine, tmp_path):
    with pytest.raises(EngineUnavailable, match="no Docker engine runs") as caught:
        available_engine("docker", tmp_path)
    assert "install and start Docker" in caught.value.hint


def test_socket_that_nobody_serves_is_told_from_none(monkeypatch, tmp_path):
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(EngineUnavailable, match="does not answer"):
        available_engine("docker", tmp_path)


def test_local_by_name_asks_no_docker(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", "nonsense://")
    assert available_engine("local", tmp_path).engine.name == "local"


@pytest.mark.docker
def test_auto_is_docker_where_one_answers(docker_client, tmp_path):
    chosen = available_engine("auto", tmp_path)
    product = caps_from("", docker_client.version(), {}).product
    assert chosen.engine.name == product.lower()
    assert chosen.sentence.startswith(f"engine: {product} ")
    assert threading.active_count() < 50


@pytest.mark.docker
def test_engine_on_another_machine_is_refused_without_a_shared_folder(docker_client, monkeypatch, tmp_path):
    monkeypatch.setattr(docker_client.api, "base_url", "http://elsewhere:2375")
    from orchestrator.engine.docker import DockerEngine

    class Client:
        api = docker_client.api

        def version(self):
            return {"Version": "29.0.0"}

        def info(self):
            return {}

    with pytest.raises(EngineUnavailable, match="on another machine") as caught:
        DockerEngine(tmp_path, Client())
    assert "SIRR_SHARED_ROOT" in caught.value.hint
    assert DockerEngine(tmp_path, Client(), shared_root=tmp_path).caps.remote


def test_local_environments_refuse_a_store_that_path_would_part(tmp_path):
    """Variables such as PYTHONPATH list folders with colons in between: no folder in them can hold one."""
    for name in ("local", "auto"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
            with pytest.raises(EngineUnavailable, match="path holds ':'") as caught:
                available_engine(name, tmp_path / "a:b" / "staging")
        assert "--store" in caught.value.hint


@pytest.mark.docker
def test_what_a_found_engine_is_said_to_be_depends_on_whether_it_was_chosen(tmp_path):
    for name, why in (("docker", "as asked for"), ("auto", "because one answers")):
        found = available_engine(name, tmp_path)
        assert f", {why};" in found.sentence
        assert "asked for" not in found.finding
