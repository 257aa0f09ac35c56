"""How --help shows commands: prose fills the lines, each example has a line of its own, flags have no type."""

import inspect
from typing import Any

from typer.core import TyperCommand, TyperGroup

_EXAMPLES = ("Example:", "Examples:")


def filled(text: str) -> str:
    """Return a docstring whose paragraphs are a line each, which a terminal breaks where it ends; examples are not.

    Examples lose their indentation: it is kept in some places and lost in others.
    """
    return "\n\n".join(map(_filled, inspect.cleandoc(text).split("\n\n")))


def _filled(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.splitlines()]
    return ("\n" if lines[0] in _EXAMPLES else " ").join(lines)


def _without_types_of_flags(parameters: list[Any]) -> list[Any]:
    for one in parameters:
        if getattr(one, "is_flag", False):
            one.metavar = ""
    return parameters


class HelpedCommand(TyperCommand):
    """A command."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.help = filled(self.help or "")

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its arguments and options."""
        return _without_types_of_flags(super().get_params(ctx))


class HelpedGroup(TyperGroup):
    """Commands below a common word."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its options."""
        return _without_types_of_flags(super().get_params(ctx))
