"""Lines of a conformance run, as people read them."""

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from orchestrator.conformance.check_line import Check

_STYLES = {"passed": "green", "failed": "bold red", "not checked": "yellow"}


def check_text(check: Check) -> Text:
    """Return a check as one line, with its remedy below where it failed."""
    text = Text.assemble((f"{check.outcome:<11}", _STYLES[check.outcome]), f"  {check.subject}: {check.title}")
    if check.words:
        text.append(f" - {check.words}", style="bold" if check.outcome == "failed" else "dim")
    if check.remedy:
        text.append(f"\n{'':11}  hint: {check.remedy}", style="cyan")
    return text


def check_sum(found: Sequence[Check]) -> str:
    """Return how many checks passed, failed, and were not made."""
    counted = Counter(check.outcome for check in found)
    return f"{counted['passed']} passed, {counted['failed']} failed, {counted['not checked']} not checked"
