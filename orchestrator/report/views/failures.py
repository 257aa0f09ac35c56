"""What failed, why, what to do, and what could not be run because of it."""

from dataclasses import dataclass

from orchestrator.report.content import ReportContent


@dataclass(frozen=True)
class FailedStage:
    """A stage that failed or was stopped.

    Attributes:
        hint: Empty where the reader can do nothing.
    """

    name: str
    state: str
    message: str
    hint: str


@dataclass(frozen=True)
class WaitingStage:
    """A stage that was not run.

    Attributes:
        why: Which stage it needed.
    """

    name: str
    why: str


@dataclass(frozen=True)
class FailuresView:
    """All stages without a result."""

    failed: tuple[FailedStage, ...]
    waiting: tuple[WaitingStage, ...]


def failures_view(content: ReportContent) -> FailuresView:
    """Return the stages that left no result, in plan order."""
    return FailuresView(
        failed=tuple(
            FailedStage(
                stage.name,
                "failed" if stage.state == "failed" else "stopped",
                stage.message or "no message was recorded",
                stage.hint or "",
            )
            for stage in content.stages
            if stage.state in {"failed", "cancelled"}
        ),
        waiting=tuple(
            WaitingStage(stage.name, stage.message or "it was not reached")
            for stage in content.stages
            if stage.state in {"skipped", "waiting"} and stage.kind != "report"
        ),
    )
