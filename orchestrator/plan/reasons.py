"""Why a stage must run: what differs from its last result, field by field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.plan.stage import Stage

_LONGEST_VALUE = 80
_SNAPSHOTS = "snapshots"
_NAMED = 3
_OLDER = (
    "its earlier result was made by a version that recorded neither the number of threads nor what it read by content: "
    "it cannot be shown to be the same, and is made again"
)
_ENVIRONMENT = {"lock": "the locked packages", "python": "the Python version"}


def reasons(stage: Stage, document: Mapping[str, Any], previous: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what differs from the document of the stage's last result, most telling first.

    Settings are named by their dotted field with old and new value: "settings.recipe.crop: 224 -> 64". Empty where
    nothing differs.

    Args:
        document: Of the stage as it is now; inputs whose content is not known yet are None and differ from nothing.
        previous: Of its last result; None where the stage has none yet.
    """
    if previous is None:
        return ("first run",)
    if previous.get("schema") != document["schema"]:
        return (_OLDER,)
    return (
        *_settings_reasons(previous.get("settings", {}), document["settings"]),
        *_differences("seed", previous.get("seed"), document["seed"]),
        *_differences("device", previous.get("device"), document["device"]),
        *_differences("threads", previous.get("threads"), document.get("threads")),
        *_behaviour_reasons(stage, document["behaviour"], previous.get("behaviour")),
        *_environment_reasons(stage, document["environment"], previous.get("environment")),
        *_input_reasons(stage, document["inputs"], previous.get("inputs", {})),
        *_source_reasons(previous.get("sources", {}), document["sources"]),
        *_differences("kind", previous.get("kind"), document["kind"]),
        *_differences("image", previous.get("image"), document["image"]),
    )


def waiting_reason(stage: Stage, document: Mapping[str, Any]) -> str:
    """Return which stages must have ended before it is known whether this one runs; empty where none."""
    waits = [needed for name, needed in stage.inputs.items() if document["inputs"][name] is None]
    named = ", ".join(waits[:_NAMED]) + (f" and {len(waits) - _NAMED} more" if len(waits) > _NAMED else "")
    return f"waits for the content of {named}" if waits else ""


def _settings_reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs in the settings; the epochs of a validation in one sentence, for they cost a training."""
    kept = before.get(_SNAPSHOTS, []), now.get(_SNAPSHOTS, [])
    others = ({name: value for name, value in settings.items() if name != _SNAPSHOTS} for settings in (before, now))
    yield from _differences("settings", *others)
    if kept[0] != kept[1]:
        words = "validation scores other epochs, whose weights only the training itself can keep: it runs again"
        yield f"settings.{_SNAPSHOTS}: {_text(kept[0])} -> {_text(kept[1])} ({words})"


def _behaviour_reasons(stage: Stage, now: Any, before: Any) -> Iterator[str]:
    if now == before:
        return
    if isinstance(now, int) and isinstance(before, int):
        yield f"the behaviour of {stage.kind} in image {stage.image} changed: version {before} -> {now}"
    else:
        yield f"the code of image {stage.image} changed"


def _environment_reasons(
    stage: Stage, now: Mapping[str, str] | None, before: Mapping[str, str] | None
) -> Iterator[str]:
    for name, words in _ENVIRONMENT.items():
        if (now or {}).get(name) != (before or {}).get(name):
            yield f"{words} of image {stage.image} changed"


def _input_reasons(stage: Stage, now: Mapping[str, str | None], before: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        needed = stage.inputs.get(name)
        words = f"input {name}" if needed in {None, name} else f"input {name} ({needed})"
        if name not in before:
            yield f"{words} is new"
        elif name not in now:
            yield f"{words} is no longer used"
        elif now[name] is not None and before[name] != now[name]:
            yield f"input {name} changed" + (f" ({needed})" if needed not in {None, name} else "")


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
