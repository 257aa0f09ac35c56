"""Programs of an experiment with their numbers, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from orchestrator.spec.document import Document, place_of
from orchestrator.spec.entrants import ProgramChoice
from orchestrator.spec.library import Library
from orchestrator.spec.problems import Problem, closest, listed, suggestion
from orchestrator.spec.program import ProgramSpec


@dataclass(frozen=True)
class ResolvedProgram:
    """A program of the comparison.

    Attributes:
        parameters: All that it takes, those of the experiment among them.
    """

    choice: ProgramChoice
    spec: ProgramSpec
    parameters: Mapping[str, float]

    @property
    def label(self) -> str:
        """The name under which the comparison shows it."""
        return self.choice.label

    @property
    def overrides(self) -> dict[str, tuple[float, float]]:
        """Parameter to the paper's value and this comparison's, where they differ."""
        papers = {name: parameter.default for name, parameter in self.spec.parameters.items()}
        return {name: (papers[name], own) for name, own in self.parameters.items() if own != papers[name]}


def resolved_program(choice: ProgramChoice, library: Library) -> ResolvedProgram:
    """Return a program with all its numbers.

    Raises:
        SpecError: Where there is none of this name.
    """
    spec = library.program(choice.program)
    papers = {name: parameter.default for name, parameter in spec.parameters.items()}
    return ResolvedProgram(choice, spec, {**papers, **choice.parameters})


def known_instead(name: str, kind: Literal["model", "program"], library: Library) -> str:
    """Return which model or program a name was meant for, else which there are; what is of the other kind as written.

    Args:
        kind: As which it was named.
    """
    known = {"model": library.model_names, "program": library.program_names}
    other = "program" if kind == "model" else "model"
    close = closest(name, [*known[kind], *known[other]])
    if close in known[kind]:
        return f"; did you mean {close!r}?"
    if close:
        return f"; did you mean {{{other}: {close}}}?"
    return f"; there are {listed(known[kind])}, and the {other}s, written {{{other}: NAME}}, {listed(known[other])}"


def program_problems(
    number: int, choice: ProgramChoice, library: Library, document: Document | None
) -> Iterator[Problem]:
    """Yield an unknown program, and parameters that it does not take or not with this value.

    Args:
        number: Of the entrant in the experiment.
    """
    if choice.program not in library.program_names:
        close = known_instead(choice.program, "program", library)
        if choice.program in library.model_names:
            close = f": that is a model; write {{model: {choice.program}}}"
        yield Problem(
            f"there is no program {choice.program!r}{close}", place_of(document, ("models", number, "program"))
        )
        return
    known = library.program(choice.program).parameters
    for name, value in choice.parameters.items():
        location = ("models", number, "parameters", name)
        if name not in known:
            close = suggestion(name, known) or f"; there are {', '.join(known) or 'none'}"
            words = f"program {choice.program!r} takes no parameter {name!r}{close}"
            yield Problem(words, place_of(document, location, name=True))
        elif not known[name].least <= value <= known[name].most:
            limits = f"from {known[name].least:g} to {known[name].most:g}"
            yield Problem(f"{name} must be {limits}, not {value:g}", place_of(document, location))
