"""`sirr-orch report` through the program's own entry point, on runs that a store holds."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from orchestrator.store.store import Store
from tests.execute.small_run import keep_run


@pytest.fixture
def store(tmp_path):
    kept = Store(tmp_path / "store")
    keep_run(kept, tmp_path)
    return kept


def started(store, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "report", *arguments, "--store", str(store.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def finished(store, *arguments):
    process = started(store, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_served_report_answers_and_ends_with_ctrl_c(store):
    process = started(store, "first", "--serve", "--port", "0")
    try:
        assert process.stdout.readline().startswith("report: ")
        address = process.stdout.readline().removeprefix("address: ").strip()
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert b"<title>first: Summary</title>" in answer.read()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_taken_port_is_one_clear_error(store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = finished(store, "first", "--serve", "--port", port)
    assert code == 1
    assert f"error[address-unavailable]: port {port} of 127.0.0.1 is taken" in err
    assert "hint: name another with --port" in err
