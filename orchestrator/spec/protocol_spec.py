"""What a protocol of a plug-in is: metrics of this project and of plug-ins under one name and version, as data."""

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.document import Document
from orchestrator.spec.metric import MetricSpec
from orchestrator.spec.numbers import WHOLE, Count, Truth
from orchestrator.spec.problems import Problem, spec_error, suggestion
from stagekit.measures import PROTOCOLS, Metric, Protocol

_Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Entry = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9]*\.)?[a-z][a-z0-9_]{0,39}$")]


def _each_named_once(entries: tuple[str, ...]) -> tuple[str, ...]:
    names = [entry.rpartition(".")[2] for entry in entries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"it has two metrics called {twice!r}")
    return entries


class ProtocolSpec(StrictModel):
    """One file of protocol_specs/."""

    name: Name
    """How experiments name the protocol; equals the file's name."""
    version: Count
    """Raise it whenever a number that the protocol gives would change; it is in the keys of its evaluations."""
    title: _Words
    """What the report calls it."""
    metrics: Annotated[tuple[_Entry, ...], Field(min_length=1), AfterValidator(_each_named_once)]
    """Its metrics, the one to judge by first: 'PROTOCOL.METRIC' for one that a protocol of this project has, such as
    'errnet2019.ssim', and the name alone for one of a plug-in."""
    source: _Words
    """Who defined it, and where."""
    scored: str = ""
    """What the scores are taken of, where there is more to say than the fields below do."""
    border: Annotated[int, Field(ge=0, le=1024), WHOLE] = 0
    """Pixels along each side of the pictures that are left out; not with metrics of plug-ins, whose programs get whole
    pictures."""
    floats: Truth = False
    """Whether it takes a network's answer before it is rounded to 8 bits; not with metrics of plug-ins, either."""


def composed(spec: ProtocolSpec, document: Document, metrics: Mapping[str, Callable[[str], MetricSpec]]) -> Protocol:
    """Return a protocol of a plug-in in the form of this project's.

    Args:
        document: The file that it was read from, for positions.
        metrics: What reads the metrics of plug-ins, by their names.

    Raises:
        SpecError: Where it names a metric that is not there or cannot have its border or floats, or one whose own file
            is wrong.
    """
    found, problems = [], []
    for number, entry in enumerate(spec.metrics):
        wrong = _problem(spec, entry, metrics)
        if wrong is None:
            found.append(_metric(entry, metrics))
        else:
            problems.append(Problem(f"metrics[{number}]: {wrong[0]}", document.place(("metrics", number)), wrong[1]))
    if problems:
        raise spec_error(problems, document.path)
    scored = " ".join(filter(None, (_scored(spec), spec.scored)))
    return Protocol(
        name=spec.name,
        version=spec.version,
        title=spec.title,
        scored=scored,
        metrics=tuple(found),
        source=spec.source,
        floats=spec.floats,
        border=spec.border,
    )


def _metric(entry: str, metrics: Mapping[str, Callable[[str], MetricSpec]]) -> Metric:
    protocol, _, name = entry.rpartition(".")
    return PROTOCOLS[protocol].metric(name) if protocol else metrics[name](name).entry


def _problem(
    spec: ProtocolSpec, entry: str, metrics: Mapping[str, Callable[[str], MetricSpec]]
) -> tuple[str, str] | None:
    """Return what is wrong with an entry, and what to do; None where nothing is."""
    protocol, _, name = entry.rpartition(".")
    own = _entries()
    if not protocol and name not in metrics:
        known = [one for one in own if one.endswith(f".{name}")]
        hint = f"write {' or '.join(known)}" if known else "add metric_specs/NAME.yaml, or correct the name"
        return f"no plug-in has a metric {name!r}{suggestion(name, metrics)}", hint
    if not protocol and (spec.border or spec.floats):
        words = f"{name!r} is of a plug-in, whose program gets whole pictures of 8 bits"
        return words, "leave it out, or 'border' and 'floats'"
    if protocol and entry not in own:
        return f"this project has no metric {entry!r}{suggestion(entry, own)}", "docs/reference/protocols.md has all"
    if protocol and PROTOCOLS[protocol].fault:
        return f"{entry!r} is of a protocol that is faulty, and ranks nothing", "choose another protocol's metric"
    return None


def _entries() -> list[str]:
    return [f"{protocol.name}.{metric.name}" for protocol in PROTOCOLS.values() for metric in protocol.metrics]


def _scored(spec: ProtocolSpec) -> str:
    """Return in a sentence what the scores are taken of."""
    values = "as floats, clipped to the range of a picture and not rounded"
    answer = values if spec.floats else "as a picture of 8 bits: clipped, rounded"
    left_out = f"{spec.border} pixels left out along each side" if spec.border else "nothing cropped"
    return f"The network's answer {answer}. RGB, nothing resized, {left_out}."
