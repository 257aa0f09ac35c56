"""`sirr-orch report` through the program's own entry point, on runs that a store holds."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from orchestrator.store.store import Store
from tests.execute.small_run import keep_run

pytestmark = pytest.mark.slow


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
        # Tests that run in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing else runs yet
    )


def finished(store, *arguments):
    process = started(store, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_served_report_answers_and_ends_when_it_is_asked_to(store, number):
    process = started(store, "first", "--serve", "--port", "0")
    try:
        assert process.stdout.readline().startswith("report: ")
        address = process.stdout.readline().removeprefix("address: ").strip()
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert b"<title>first: Summary</title>" in answer.read()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_taken_port_is_one_clear_error(store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = finished(store, "first", "--serve", "--port", port)
    assert code == 1
    assert f"error[address-unavailable]: port {port} of 127.0.0.1 is taken" in err
    assert "hint: name another with --port" in err


def test_table_is_all_of_standard_output(store):
    code, out, err = finished(store, "first", "--table", "csv", "--metric", "psnr")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("dataset,network,control,protocol,metric,mean")
    (row,) = [line for line in lines if line.startswith("skimage-test,errnet2019,")]
    assert row.startswith("skimage-test,errnet2019,no,standard,psnr,23.0,,,3,0,0,,1,")
    assert not (store.root / "runs" / "first" / "report").exists()


def test_unknown_metric_is_one_clear_error(store):
    code, out, err = finished(store, "first", "--table", "latex", "--metric", "pnsr")
    assert (code, out) == (2, "")
    assert "error[spec-invalid]: the run 'first' has no metric 'pnsr'; it has: psnr" in err


def test_single_file_is_written_and_its_size_said(store, tmp_path):
    code, out, err = finished(store, "first", "--single-file", str(tmp_path / "mail.html"))
    assert code == 0, err
    assert "mail.html (" in out
    assert " MB; " in out
    assert (tmp_path / "mail.html").stat().st_size > 10_000


def test_run_names_complete(store):
    done = subprocess.run(
        [Path(sys.executable).with_name("sirr-orch")],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "_SIRR_ORCH_COMPLETE": "complete_bash",
            "COMP_WORDS": f"sirr-orch report --store {store.root} fi",
            "COMP_CWORD": "4",
        },
    )
    assert done.stdout.split() == ["first"]
