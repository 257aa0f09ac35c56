"""A run that goes on is shown with how far it is."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from rich.console import Console

from orchestrator.cli.progress import live_listener
from orchestrator.execute.events import Planned, StateChanged, Stopping


def test_stages_are_counted_and_the_report_that_follows_them_is_not():
    console = Console(file=io.StringIO(), width=200)
    with live_listener(console, verbose=False) as listener:
        listener(Planned(("prepare/a", "evaluate/a"), {}))
        for stage in ("prepare/a", "evaluate/a", "report"):
            listener(StateChanged(stage, "running", {}))
            listener(StateChanged(stage, "done", {"seconds": 1.0}))
    assert console.file.getvalue().split("\n") == [
        "  running  prepare/a  (1 of 2)",
        "     done  prepare/a  1.0 s",
        "  running  evaluate/a  (2 of 2)",
        "     done  evaluate/a  1.0 s",
        "  running  report",
        "     done  report  1.0 s",
        "",
    ]


def test_results_that_are_there_count_as_ended():
    console = Console(file=io.StringIO(), width=200)
    with live_listener(console, verbose=False) as listener:
        listener(Planned(("prepare/a", "evaluate/a"), {}))
        listener(StateChanged("prepare/a", "stored", {}))
        listener(StateChanged("evaluate/a", "running", {}))
    assert console.file.getvalue() == "  running  evaluate/a  (2 of 2)\n"


def test_of_a_second_plan_the_stages_are_counted_anew():
    console = Console(file=io.StringIO(), width=200)
    with live_listener(console, verbose=False) as listener:
        for stage in ("wrap/network", "infer/network"):
            listener(Planned((stage,), {}))
            listener(StateChanged(stage, "running", {}))
            listener(StateChanged(stage, "done", {"seconds": 1.0}))
    assert console.file.getvalue().split("\n")[::2] == [
        "  running  wrap/network  (1 of 1)",
        "  running  infer/network  (1 of 1)",
        "",
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_stop_is_answered_at_once_and_what_was_not_started_is_no_line(terminal):
    console = Console(file=io.StringIO(), width=200, force_terminal=terminal, color_system=None)
    with live_listener(console, verbose=False) as listener:
        listener(Planned(("train/a", "export/a"), {}))
        listener(StateChanged("train/a", "running", {}))
        listener(Stopping("train/a", 60.0))
        listener(Stopping("train/a", 0.0))
        listener(StateChanged("train/a", "cancelled", {}))
        listener(StateChanged("export/a", "skipped", {"because": "train/a"}))
    shown = console.file.getvalue()
    assert shown.count(" stopping  train/a: it has 60 s to save where it is; Ctrl-C again ends it now") == 1
    assert shown.count(" stopping  train/a: it is ended now") == 1
    assert shown.count("cancelled  train/a") == 1
    assert "export/a" not in shown


RUN = """
import time
from orchestrator.cli.console import err
from orchestrator.cli.progress import live_listener
from orchestrator.execute.events import Planned, Progressed, StateChanged
from stagekit import Progress

stage = "train/errnet2019-unaligned"
losses = {"pixel": 0.07252, "vgg": 2.538, "adversarial": 0.6931, "rate": 0.0001, "pictures_per_s": 0.03676}
with live_listener(err, verbose=False) as listener:
    listener(Planned(("prepare/a", stage, "export/errnet2019-unaligned"), {}))
    listener(StateChanged("prepare/a", "stored", {}))
    time.sleep(0.3)
    listener(StateChanged(stage, "running", {}))
    for step in range(1, 9):
        listener(Progressed(stage, Progress(step * 1000, 160000, "steps", losses)))
        time.sleep(0.15)
"""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown_on_a_terminal(columns):
    """Return the lines that a run shows, as they come, on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    running = subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=theirs, stdout=theirs, stderr=theirs, env={**variables, "TERM": "xterm"}
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # what the end of the other side is on Linux
        pass
    finally:
        os.close(ours)
    assert running.wait(60) == 0, said.decode()
    return [ESCAPES.sub("", line) for line in re.split(r"[\r\n]+", said.decode())]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_training_shows_bar_count_remaining_time_and_losses_on_every_terminal(columns):
    lines = shown_on_a_terminal(columns)
    assert max(map(len, lines)) <= columns
    last = [line for line in lines if "8000/160000" in line][-1]
    assert re.search(r"train/errnet.*[━╸╺]{6,}.* 8000/160000 steps .*\d+:\d\d:\d\d", last), last
    assert any("pixel 0.07252  vgg 2.538" in line for line in lines)
    assert any("0.03676" in line for line in lines)


@pytest.mark.slow
def test_the_run_itself_foretells_no_time_of_unlike_stages():
    lines = [line for line in shown_on_a_terminal(80) if " run " in line]
    assert lines
    assert not any(re.search(r"\d+:\d\d:\d\d|-:--:--", line) for line in lines)
