"""Why a stage must run again: the fields in which its document differs from the one before."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.plan.keys import Identity


def reasons(identity: Identity, previous: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return, field by field, why a stage's key is not the one of the `previous` document."""
    if previous is None:
        return ("it has not run yet",)
    was, now = _flat(previous), _flat(identity.document)
    return tuple(
        _difference(name, was, now)
        for name in dict.fromkeys([*was, *now])
        if was.get(name, _NONE) != now.get(name, _NONE)
    )


_NONE = object()


def _difference(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    group = name.partition(".")[0]
    if group == "recipe":
        return "the recipe of its image changed"
    if group == "inputs":
        return f"input {name.partition('.')[2]} changed"
    if group == "sources":
        return f"the files of {name.partition('.')[2]} changed"
    if name not in was:
        return f"{name}: added, {_text(now[name])}"
    if name not in now:
        return f"{name}: removed, was {_text(was[name])}"
    return f"{name}: {_text(was[name])} -> {_text(now[name])}"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_leaves("", document))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path: settings.recipe.rate[0].rate. An empty list or mapping is a leaf."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _leaves(f"{path}[{place}]", inner)
    else:
        yield path, value
