"""Shows a run while it goes on: bars on a terminal, lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from textwrap import wrap

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from orchestrator.execute.events import (
    Event,
    Listener,
    Logged,
    Noted,
    Planned,
    Progressed,
    StateChanged,
    Stopping,
    Warned,
)
from stagekit import Progress as StageProgress

_LINE_EVERY_S = 10.0
_ENDED = ("done", "failed", "cancelled")
"""What is told at once; what was skipped is told with its reason when the run ends."""
_STYLES = {"done": "green", "failed": "bold red", "cancelled": "yellow", "stored": "dim"}


@contextlib.contextmanager
def live_listener(console: Console, *, verbose: bool) -> Iterator[Listener]:
    """Yield a listener that shows the run on `console` while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, verbose=verbose)
        return
    bars = _FittingProgress(
        console,
        redirect_stdout=sys.stdout.isatty(),  # else results that are printed meanwhile would not reach a pipe
    )
    with bars:
        yield _Bars(bars, console, verbose=verbose)


_WIDE, _MIDDLE = 100, 72
"""Columns of a terminal that has room for everything, and for a bar of middle length."""
_BARS = (24, 10, 6)
_BESIDE = 36
"""Columns of what always stands beside a stage's name: count, unit and remaining time."""
_ELAPSED = 8
_PACE_S = 600.0
"""Of the last so many seconds a stage's pace is taken: a step of a training may take half a minute."""


class _Remaining(TimeRemainingColumn):
    """How long a stage has still to go, by its own pace; of the run nothing, whose stages take unlike times."""

    def render(self, task: Task) -> Text:
        return Text() if task.fields["is_run"] else super().render(task)


class _FittingProgress(Progress):
    """Bars that fit the terminal as wide as it is now; what a stage measures stands in a line of its own."""

    def __init__(self, console: Console, *, redirect_stdout: bool) -> None:
        # Asked for what to show before it is made to the end.
        self._screen, self._fitted = console, 0
        super().__init__(
            console=console, transient=True, redirect_stdout=redirect_stdout, speed_estimate_period=_PACE_S
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bars, and below them a line for each stage that measures something."""
        width = self._screen.width
        if width != self._fitted:
            self.columns, self._fitted = _columns(width), width
        yield self.make_tasks_table(self.tasks)
        measured = [task for task in self.tasks if task.fields["metrics"]]
        for task in measured:
            named = f"{task.description}: " if len(measured) > 1 else ""
            # This console breaks no lines itself.
            for line in wrap(f"{named}{task.fields['metrics']}", max(20, width - 2)):
                yield Text(f"  {line}", style="dim")


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Return what a terminal of so many columns has room for: bar, count and remaining time always."""
    wide = width >= _WIDE
    bar = _BARS[0] if wide else _BARS[1] if width >= _MIDDLE else _BARS[2]
    room = max(8, width - bar - _BESIDE - (_ELAPSED if wide else 0))
    name = Column(no_wrap=True, overflow="ellipsis", max_width=room)
    return (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=bar),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        *((TimeElapsedColumn(),) if wide else ()),
        _Remaining(),
    )


def metrics_text(progress: StageProgress) -> str:
    """Return a stage's scalars as they are shown below its bar."""
    return "  ".join(f"{name} {value:.4g}" for name, value in progress.metrics.items())


class _Bars:
    """One bar for the run, one for each stage at work."""

    def __init__(self, bars: Progress, console: Console, *, verbose: bool) -> None:
        self._bars = bars
        self._console = console
        self._verbose = verbose
        self._all: TaskID | None = None
        self._planned: frozenset[str] = frozenset()
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Planned(stages):
                self._planned = frozenset(stages)
                if self._all is not None:
                    self._bars.remove_task(self._all)
                self._all = self._bars.add_task("run", total=len(stages), unit="stages", metrics="", is_run=True)
            case StateChanged(stage, "queued" | "running" | "adopted" as state, _):
                self._begun(stage, state)
            case StateChanged(stage, state, facts):
                self._ended(stage, state, facts.get("seconds"))
            case Progressed(stage, progress) if stage in self._tasks:
                self._bars.update(
                    self._tasks[stage],
                    completed=progress.done,
                    total=progress.total,
                    unit=progress.unit,
                    metrics=metrics_text(progress),
                )
            case Stopping(stage, grace_s):
                self._console.print(_stopping_line(stage, grace_s))
            case Noted(stage, message):
                self._console.print(Text(f"     note  {stage}: {message}"))
            case Warned(stage, message):
                self._console.print(Text(f"  warning  {stage}: {message}", style="yellow"))
            case Logged(stage, line) if self._verbose:
                self._console.print(Text(f"           {stage}: {line}", style="dim"))

    def _begun(self, stage: str, state: str) -> None:
        self._console.print(Text(f"{state:>9}  {stage}"))
        if state != "queued":
            self._tasks[stage] = self._bars.add_task(stage, total=None, unit="", metrics="", is_run=False)

    def _ended(self, stage: str, state: str, seconds: float | None) -> None:
        if stage in self._tasks:
            self._bars.remove_task(self._tasks.pop(stage))
        if self._all is not None and stage in self._planned:
            self._bars.advance(self._all)
        if state in _ENDED:
            self._console.print(_end_line(stage, state, seconds))


class _Lines:
    """The same as lines, for logs: every change of state, and now and then how far a stage is."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._spoken: dict[str, float] = {}
        self._planned: frozenset[str] = frozenset()
        self._ended = 0

    def __call__(self, event: Event) -> None:
        match event:
            case Planned(stages):
                self._planned, self._ended = frozenset(stages), 0
            case StateChanged(stage, "queued" | "running" | "adopted" as state, _):
                self._console.print(Text(f"{state:>9}  {stage}{self._place(stage)}"))
            case StateChanged(stage, state, facts):
                self._ended += stage in self._planned
                if state in _ENDED:
                    self._console.print(_end_line(stage, state, facts.get("seconds")))
            case Progressed(stage, progress) if time.monotonic() - self._spoken.get(stage, 0) > _LINE_EVERY_S:
                self._spoken[stage] = time.monotonic()
                how_far = f"{progress.done:g} of {progress.total:g} {progress.unit}"
                self._console.print(Text(f"           {stage}: {how_far}  {metrics_text(progress)}"))
            case Stopping(stage, grace_s):
                self._console.print(_stopping_line(stage, grace_s))
            case Noted(stage, message):
                self._console.print(Text(f"     note  {stage}: {message}"))
            case Warned(stage, message):
                self._console.print(Text(f"  warning  {stage}: {message}", style="yellow"))
            case Logged(stage, line) if self._verbose:
                self._console.print(Text(f"           {stage}: {line}", style="dim"))

    def _place(self, stage: str) -> str:
        """Return which of the planned stages begins; the report, which follows them, is none."""
        return f"  ({self._ended + 1} of {len(self._planned)})" if stage in self._planned else ""


def _stopping_line(stage: str, grace_s: float) -> Text:
    words = f"it has {grace_s:g} s to save where it is; Ctrl-C again ends it now" if grace_s > 0 else "it is ended now"
    return Text(f" stopping  {stage}: {words}", style="yellow")


def _end_line(stage: str, state: str, seconds: float | None) -> Text:
    took = f"  {seconds:.1f} s" if seconds is not None else ""
    return Text.assemble((f"{state:>9}", _STYLES.get(state, "")), f"  {stage}{took}")
