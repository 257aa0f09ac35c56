"""How deep and how large the values of a YAML file may be: told from its events, before anything is built of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ruamel.yaml.error import StreamMark
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, ScalarEvent

DEEPEST = 40
"""Values inside values; a spec needs about six."""

MOST_VALUES = 50_000
"""Values of a file, each alias counted as all that it stands for; a spec has a few dozen."""


@dataclass(frozen=True)
class Excess:
    """What is beyond a limit.

    Attributes:
        mark: Where.
    """

    words: str
    hint: str
    mark: StreamMark


@dataclass
class _Extent:
    """What a value holds, itself included, with aliases written out."""

    values: int = 1
    height: int = 1

    def take(self, inner: "_Extent") -> None:
        self.values += inner.values
        self.height = max(self.height, inner.height + 1)


@dataclass
class _Open:
    """A list or group that has begun."""

    anchor: str | None
    extent: _Extent = field(default_factory=_Extent)


def excess(events: Iterable[Event]) -> Excess | None:
    """Return the first thing in a file that is beyond a limit, None where all is within.

    No more events are taken than it needs, and aliases are never followed: a file of a hundred bytes can stand for
    more values than any memory holds.

    Args:
        events: Of the parser, which needs no stack of its own for deep nesting.
    """
    known: dict[str, _Extent] = {}
    above = [_Open(None)]
    for event in events:
        if isinstance(event, CollectionStartEvent):
            above.append(_Open(event.anchor))
            ended = None
        elif isinstance(event, CollectionEndEvent):
            ended = above.pop()
        elif isinstance(event, ScalarEvent):
            ended = _Open(event.anchor)
        elif isinstance(event, AliasEvent):
            ended = _Open(None, known.get(event.anchor, _Extent()))
        else:
            continue
        if ended is not None:
            above[-1].extent.take(ended.extent)
            if ended.anchor is not None:
                known[ended.anchor] = ended.extent
        if len(above) - 1 + (ended.extent.height if ended is not None else 0) > DEEPEST:
            return Excess(
                f"values are nested more than {DEEPEST} deep", "check brackets and indentation", event.start_mark
            )
        if sum(one.extent.values for one in above) > MOST_VALUES:
            words = f"the file holds more than {MOST_VALUES} values, with its aliases written out"
            return Excess(words, "write fewer values and aliases", event.start_mark)
    return None
