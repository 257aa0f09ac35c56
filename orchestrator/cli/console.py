"""What people see: results on standard output, all else on standard error; NO_COLOR and FORCE_COLOR are respected."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from orchestrator.errors import SirrError
from orchestrator.report.visible import visible


class PlainConsole(Console):
    """A console on which words are words: paths, names and messages are no markup, and nothing speaks to the terminal.

    What is printed may come from anywhere. Colours are given by styles alone.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is to be written, without control characters but those that the console itself sends."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


out = PlainConsole()
err = PlainConsole(stderr=True)


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
