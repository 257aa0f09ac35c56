"""What people see: results on standard output, all else on standard error; NO_COLOR and FORCE_COLOR are respected."""

from rich.console import Console
from rich.text import Text

from orchestrator.errors import SirrError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def error_text(error: SirrError) -> Text:
    """Return an error as it is shown: code and message, where, and what to do."""
    text = Text.assemble((f"error[{error.code}]", "bold red"), ": ", (error.message, "bold"))
    if error.where:
        text.append(f"\n  {error.where}", style="dim")
    if error.hint:
        text.append("\nhint: ", style="bold cyan")
        text.append(error.hint)
    return text


def show_error(error: SirrError) -> None:
    """Print an error on standard error."""
    err.print(error_text(error))
