"""A run that goes on is shown with how far it is."""

import io

from rich.console import Console

from orchestrator.cli.progress import live_listener
from orchestrator.execute.events import Planned, StateChanged


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
