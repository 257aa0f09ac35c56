"""What is wrong with the metrics and protocols that an experiment names."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from orchestrator.errors import SpecError
from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.library import Library
from orchestrator.spec.problems import Place, Problem, listed, suggestion
from stagekit.measures import HOUSE, PROTOCOLS


def score_problems(
    metrics: Sequence[str | None], protocols: Sequence[str | None], library: Library, document: Document | None
) -> Iterator[Problem]:
    """Yield names that are unknown, and files of plug-ins that are wrong by themselves.

    Args:
        metrics: None stands for what is wrong by itself, here and in `protocols`.
        document: The file that the names were read from, for positions; None where there is none.
    """
    for number, name in enumerate(protocols):
        if name is None:
            continue
        if name not in library.protocol_names:
            words = _unknown(f"protocols[{number}]", name, library.protocol_names)
            yield Problem(words, place_of(document, ("protocols", number)))
        else:
            yield from _wrong(f"protocol {name!r}", library.protocol, name, document, ("protocols", number))
    own = tuple(metric.name for metric in PROTOCOLS[HOUSE].metrics)
    known = (*own, *library.metric_names)
    for number, name in enumerate(metrics):
        location = ("metrics", number)
        if name is None:
            continue
        if name not in known:
            yield Problem(_unknown(f"metrics[{number}]", name, known), place_of(document, location))
        elif name in metrics[:number]:
            words = f"metric {name!r} is listed twice"
            yield Problem(words, place_of(document, location), "remove one of the two")
        elif name not in own:
            yield from _wrong(f"metric {name!r}", library.metric, name, document, location)
            yield from _unmeasured(name, protocols, library, place_of(document, location))


def _unmeasured(name: str, protocols: Sequence[str | None], library: Library, place: Place | None) -> Iterator[Problem]:
    """Yield a metric of a plug-in that none of the protocols has."""
    if HOUSE in protocols or not set(protocols) <= set(library.protocol_names):
        return
    with contextlib.suppress(SpecError):
        if not any(metric.name == name for one in protocols if one for metric in library.protocol(one).metrics):
            words = f"metric {name!r} is measured in protocol {HOUSE!r}, which is not among 'protocols'"
            yield Problem(words, place, f"add {HOUSE!r} to 'protocols', or a protocol that has the metric")


def _wrong(
    what: str, read: Callable[[str], object], name: str, document: Document | None, location: Location
) -> Iterator[Problem]:
    """Yield what is wrong in a plug-in's own file."""
    try:
        read(name)
    except SpecError as error:
        yield Problem(f"{what}: {error.message} ({error.where})", place_of(document, location), error.hint)


def _unknown(field: str, name: str, known: Sequence[str]) -> str:
    return f"{field} must be {listed(known)}, not {name!r}{suggestion(name, known)}"
