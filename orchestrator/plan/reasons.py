"""Why a stage must run: what differs from its last result, field by field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.plan.keys import Identity

_LONGEST_VALUE = 80
_SNAPSHOTS = "snapshots"


def reasons(identity: Identity, previous: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what differs from the document of the stage's last result, most telling first.

    previous: the document of an earlier identity; None where the stage has no result yet

    Settings are named by their dotted field with old and new value: "settings.recipe.crop: 224 -> 64". Empty where
    nothing differs.
    """
    if previous is None:
        return ("first run",)
    document = identity.document
    return (
        *_settings_reasons(previous.get("settings", {}), document["settings"]),
        *_differences("seed", previous.get("seed"), document["seed"]),
        *_differences("device", previous.get("device"), document["device"]),
        *_recipe_reasons(identity, previous),
        *_input_reasons(identity, previous.get("inputs", {})),
        *_source_reasons(previous.get("sources", {}), document["sources"]),
        *_differences("kind", previous.get("kind"), document["kind"]),
        *_differences("key schema", previous.get("schema"), document["schema"]),
    )


def _settings_reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs in the settings; the epochs of a validation in one sentence, for they cost a training."""
    kept = before.get(_SNAPSHOTS, []), now.get(_SNAPSHOTS, [])
    others = ({name: value for name, value in of.items() if name != _SNAPSHOTS} for of in (before, now))
    yield from _differences("settings", *others)
    if kept[0] != kept[1]:
        words = "validation scores other epochs, whose weights only the training itself can keep: it runs again"
        yield f"settings.{_SNAPSHOTS}: {_text(kept[0])} -> {_text(kept[1])} ({words})"


def _recipe_reasons(identity: Identity, previous: Mapping[str, Any]) -> Iterator[str]:
    if previous.get("recipe") != identity.document["recipe"]:
        yield f"image {identity.image} changed" if identity.image else "the orchestrator's own code changed"


def _input_reasons(identity: Identity, before: Mapping[str, str]) -> Iterator[str]:
    now: Mapping[str, str] = identity.document["inputs"]
    for name in sorted({*before, *now}):
        stage = identity.inputs.get(name)
        words = f"input {name}" if stage in {None, name} else f"input {name} ({stage})"
        if name not in before:
            yield f"{words} is new"
        elif name not in now:
            yield f"{words} is no longer used"
        elif before[name] != now[name]:
            yield f"input {name} changed" + (f" ({stage})" if stage not in {None, name} else "")


def _source_reasons(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if name not in before:
            yield f"source {name} is new"
        elif name not in now:
            yield f"source {name} is no longer used"
        elif before[name] != now[name]:
            yield f"the content of source {name} changed"


def _differences(name: str, before: Any, now: Any) -> Iterator[str]:
    """Yield the leaves that differ between two plain values."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for field in dict.fromkeys((*before, *now)):
            yield from _member(f"{name}.{field}", field, before, now)
    elif isinstance(before, list) and isinstance(now, list):
        for index in range(max(len(before), len(now))):
            yield from _member(f"{name}[{index}]", index, dict(enumerate(before)), dict(enumerate(now)))
    elif type(before) is not type(now) or before != now:
        yield f"{name}: {_text(before)} -> {_text(now)}"


def _member(name: str, field: Any, before: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[str]:
    if field not in now:
        yield f"{name}: {_text(before[field])} removed"
    elif field not in before:
        yield f"{name}: {_text(now[field])} added"
    else:
        yield from _differences(name, before[field], now[field])


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
