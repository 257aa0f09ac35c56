"""A run that goes on is shown with how far it is."""

import io

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
