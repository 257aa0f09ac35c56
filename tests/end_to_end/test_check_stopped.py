"""A `plugin check` that is stopped ends its programs, and leaves nothing of its trials."""

import contextlib
import signal
import time

import psutil
import pytest

from orchestrator.engine.local_running import STAGING_VARIABLE
from stagekit import ExitCode
from tests.end_to_end.conftest import fresh_local_program
from tests.plugin_folder import write_plugin

pytestmark = [pytest.mark.environment, pytest.mark.slow]

LONGEST_S = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_stopped_leaves_nothing(tmp_path_factory, tmp_path, number):
    sirr = fresh_local_program(tmp_path_factory)
    program = write_plugin(tmp_path / "mine") / "images" / "dimmer" / "dimmer" / "__main__.py"
    slow = program.read_text().replace("    items = []\n", "    items = []\n    __import__('time').sleep(600)\n")
    program.write_text(slow)
    check = sirr.start("plugin", "check", tmp_path / "mine", "--engine", "local")
    try:
        wait_for(lambda: any("dimmer" in command for command in commands_of(sirr.store)))
        check.send_signal(number)
        said, _ = check.communicate(timeout=LONGEST_S)
    finally:
        check.kill()
        check.wait()
    assert check.returncode == ExitCode.INTERRUPTED, said
    assert "the check was stopped" in said
    wait_for(lambda: not commands_of(sirr.store))
    assert list((sirr.store / "staging").iterdir()) == []
    assert [path.name for path in (sirr.store / "leases").iterdir() if path.name != "gate"] == []


def commands_of(store):
    """Return the commands of the programs of a store's stages, and of their supervisors."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            named = [process.environ().get(STAGING_VARIABLE, ""), *command]
            if any(str(store / "staging") in text for text in named) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(command)
    return found


def wait_for(holds):
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
