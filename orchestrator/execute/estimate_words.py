"""What a run will take, in lines that fit a terminal of 80 columns, and what to change where that is long."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from orchestrator.execute.estimates import RunEstimate
from orchestrator.plan.estimates import Estimate
from orchestrator.plan.stage import Stage
from orchestrator.spec.plain_words import count

LONG_S = 3600.0
"""What takes longer than this on a processor is said before it starts."""

_TRIAL_S = 600.0
"""How long a training may take that is to be tried out."""
_OF_TEST_PICTURES = ("predict", "command", "measure", "evaluate", "collect")
_COLUMNS, _NAME_COLUMNS = 79, 42
_MOST_ROWS, _MOST_NAMED = 12, 3
_TIMES = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def rough_time(seconds: float) -> str:
    """Return a time in two digits: '8 s', '1.5 min', '42 days'; what takes any time at all never reads as 0."""
    size, unit = next(((size, unit) for size, unit in _TIMES if seconds >= size), _TIMES[-1])
    amount = _two_digits(seconds / size) if seconds >= 1 else "<1"
    return f"{amount} {'day' if (amount, unit) == ('1', 'days') else unit}"


def rough_size(size_bytes: float) -> str:
    """Return a size in two digits: '6 MB', '1.4 GB', '<1 MB'."""
    size, unit = next(((size, unit) for size, unit in _SIZES if size_bytes >= size), _SIZES[-1])
    return f"{_two_digits(size_bytes / size) if size_bytes >= size else '<1'} {unit}"


def _two_digits(amount: float) -> str:
    return f"{amount:.1f}".removesuffix(".0") if amount < 9.95 else f"{amount:,.0f}"


def estimate_lines(found: RunEstimate, *, each: bool) -> Iterator[str]:
    """Yield a table of the stages that are missing, with what it is made of; nothing where none is.

    Args:
        each: A line for each stage; else stages of a kind share one where there are many, but for trainings.
    """
    if not found.stages:
        return
    yield _row("stage", "steps", "time", "disk")
    for name, members in _rows(found.stages, each=each or len(found.stages) <= _MOST_ROWS):
        steps, times, sizes = _parts(members)
        yield _row(
            name,
            "" if not steps else _amount(steps, "{:,}".format, ">"),
            _amount(times, rough_time, ">", most="<=" if any(one.at_most for one in members) else ""),
            _amount(sizes, rough_size, ">"),
        )
    yield from _wrapped(_in_all(found))
    yield from _wrapped(_origins(found))
    yield from _wrapped(_at_most(found))
    yield from _wrapped(_unknown(found))


def _row(name: str, steps: str, time: str, disk: str) -> str:
    head = f"{name:<{_NAME_COLUMNS}}" if len(name) <= _NAME_COLUMNS else f"{name}\n{'':<{_NAME_COLUMNS}}"
    return f"{head} {steps:>11} {time:>11} {disk:>11}"


def _rows(stages: Sequence[Estimate], *, each: bool) -> Iterator[tuple[str, Sequence[Estimate]]]:
    if each:
        yield from ((one.stage, (one,)) for one in stages)
        return
    groups: dict[str, list[Estimate]] = {}
    for one in stages:
        groups.setdefault(one.stage if one.kind == "train" else one.kind, []).append(one)
    for name, members in groups.items():
        yield (members[0].stage if len(members) == 1 else f"{name}: {count(len(members), 'stage')}"), members


def _parts(
    stages: Sequence[Estimate],
) -> tuple[list[int | None], list[float | None], list[int | None]]:
    """Return steps of the trainings, times and sizes of all."""
    return (
        [one.steps for one in stages if one.kind == "train"],
        [one.seconds for one in stages],
        [one.size_bytes for one in stages],
    )


def _amount(parts: Sequence[float | None], words: Callable[[float], str], least: str, most: str = "") -> str:
    """Return a sum in words; where parts of it are unknown it is a least one, and neither where it is a most one too.

    Args:
        most: What says that parts of it are at most what they are; empty where none is.
    """
    known = [part for part in parts if part is not None]
    if not known:
        return "unknown"
    unsure = least if len(known) < len(parts) else most
    return f"{'' if unsure == least and most else unsure}{words(sum(known))}"


def _in_all(found: RunEstimate) -> str:
    steps, times, sizes = _parts(found.stages)
    most = "at most " if any(one.at_most for one in found.stages) else ""
    parts = [f"in all {_amount(times, rough_time, 'at least ', most)}"]
    if steps:
        parts.append(f"{_amount(steps, '{:,}'.format, 'at least ')} training steps")
    parts.append(f"{_amount(sizes, rough_size, 'at least ')} of disk")
    stored = f"; {count(found.stored, 'stage')} more in the store already, which take nothing" if found.stored else ""
    return f"{', '.join(parts)}, one stage after the other{stored}"


def _origins(found: RunEstimate) -> str:
    """Return whose measurements the times are made of."""
    mine, theirs = (sum(one.origin == origin for one in found.stages) for origin in ("store", "project"))
    machine = found.machine
    measured = f"this project's measurements on {machine.processor} with {count(machine.processors, 'processor')}"
    parts = [f"{mine} by earlier stages of this store"] * bool(mine) + [f"{theirs} by {measured}"] * bool(theirs)
    return f"times: {', '.join(parts)}; without building images" if parts else ""


def _at_most(found: RunEstimate) -> str:
    """Return which times are bounds, of stages that were measured with more to do."""
    number = sum(one.at_most for one in found.stages)
    return f"at most (<=): {count(number, 'stage')}, by stages that measured more metrics" if number else ""


def _unknown(found: RunEstimate) -> str:
    names = [one.stage for one in found.stages if one.seconds is None]
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"unknown before it has run once: {', '.join(names[:_MOST_NAMED])}{more}"


def long_run_lines(found: RunEstimate, stages: Mapping[str, Stage], spec: str) -> Iterator[str]:
    """Yield that a run will take long on processors, and what to change; nothing for one within an hour.

    Args:
        stages: Those that are missing, by name.
        spec: What the experiment's file is called.
    """
    timed = [one for one in found.stages if one.seconds is not None and stages[one.stage].device == "cpu"]
    total = sum(one.seconds or 0.0 for one in timed)
    if total <= LONG_S:
        return
    yield f"this run takes about {rough_time(total)} on this machine's processors, most of it:"
    longest = sorted(timed, key=lambda one: one.seconds or 0.0, reverse=True)[:_MOST_NAMED]
    if longest[0].seconds and longest[0].seconds >= total / 10:
        yield from (_longest(one) for one in longest if (one.seconds or 0.0) >= total / 10)
    else:
        yield from _kinds(timed)
    # A kind of many short stages is as long as one that is.
    trials = [one for one in longest if one.kind != "train" or (one.seconds or 0.0) > _TRIAL_S]
    remedies = [remedy for remedy in dict.fromkeys(_remedy(one, stages[one.stage]) for one in trials) if remedy]
    if remedies:
        yield from _wrapped(f"to try it out first, write in {spec}:")
    for remedy in remedies:
        yield from _wrapped(remedy, indent="  ")


def _longest(one: Estimate) -> str:
    steps = "" if one.steps is None else f", {one.steps:,} steps of {rough_time(one.per_step_s or 0.0)}"
    return f"  {one.stage}: {rough_time(one.seconds or 0.0)}{steps}"


def _kinds(timed: Sequence[Estimate]) -> Iterator[str]:
    """Yield the longest kinds of stages, of which no single one is long."""
    sums: dict[str, list[float]] = {}
    for one in timed:
        sums.setdefault(one.kind, []).append(one.seconds or 0.0)
    for kind, seconds in sorted(sums.items(), key=lambda item: -sum(item[1]))[:_MOST_NAMED]:
        yield f"  {count(len(seconds), f'stage {kind!r}', f'stages {kind!r}')}: {rough_time(sum(seconds))}"


def _remedy(one: Estimate, stage: Stage) -> str:
    """Return what to write into the experiment so that a stage ends in minutes; empty where nothing would do."""
    if one.kind == "infer":
        return "fewer pictures in `test`, or smaller ones: `inference: {resize: {short_edge: 256}}`, which is labelled"
    if one.kind != "train":
        return "fewer pictures in `test`" if one.kind in _OF_TEST_PICTURES else ""
    recipe, model = stage.settings["recipe"], stage.settings["model"]
    if "steps" in recipe and not stage.settings.get("snapshots"):
        fewer = f"`recipe: {{steps: {max(1, int(_TRIAL_S / (one.per_step_s or _TRIAL_S)))}}}`"
        return f"{fewer} for {model} in `models`: a training of {rough_time(_TRIAL_S)}"
    named = " and ".join(f"`{name}`" for name in ("epochs", "limit") if name in recipe)
    return f"a smaller {named} in the `recipe` of {model} in `models`"


def _wrapped(text: str, indent: str = "") -> Iterable[str]:
    return textwrap.wrap(text, _COLUMNS, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False)
