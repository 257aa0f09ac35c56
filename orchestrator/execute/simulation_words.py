"""A simulated run in lines, and as plain values for scripts."""

import textwrap
from collections.abc import Iterator
from typing import Any

from orchestrator.execute.estimate_words import rough_time
from orchestrator.execute.simulation import SiteSimulation
from orchestrator.spec.plain_words import count

_COLUMNS, _MOST_NAMED = 79, 3


def simulation_lines(found: SiteSimulation) -> Iterator[str]:
    """Yield how long a run takes at a site, what it cannot be quicker than, and what of that is assumed."""
    result, site = found.result, found.site
    if not result.starts:
        yield "everything is in the store: nothing takes time"
        return
    least = "at least " if found.unknown else ""
    work = sum(result.work_s.values())
    yield from _wrapped(
        f"{least}{rough_time(result.makespan_s)} with {count(site.slots, 'slot')} for trainings, inferences and "
        f"methods, and {count(site.beside, 'other stage')} at once beside them: "
        f"{count(len(result.starts), 'stage')}, {rough_time(work)} one after the other"
    )
    yield from _wrapped(f"no quicker than {rough_time(result.longest_path_s)} with any number, by the longest path:")
    for name in result.longest_path:
        seconds = found.seconds.get(name)
        yield f"  {name}: {'unknown' if seconds is None else rough_time(seconds)}"
    if found.fewer:
        shown = ", ".join(f"{rough_time(seconds)} with {number}" for number, seconds in found.fewer.items())
        yield from _wrapped(f"with fewer slots: {shown}")
    yield from _wrapped(_assumption(found))
    if found.unknown:
        more = len(found.unknown) - _MOST_NAMED
        names = ", ".join(found.unknown[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield from _wrapped(f"unknown before it has run once, and counted as nothing: {names}")


def _assumption(found: SiteSimulation) -> str:
    speed = found.site.speed
    if not found.assumed:
        return "times: as measured on such a device"
    stages = count(found.assumed, "stage")
    if speed == 1:
        return f"times of {stages} are those of processors that were measured; a GPU's: add speed=100, if it is that"
    return f"assumed, not measured: of {stages}, that a slot is {speed:g} times as fast as the processors measured"


def simulation_values(found: SiteSimulation) -> dict[str, Any]:
    """Return a simulated run as plain values; seconds."""
    result = found.result
    return {
        "site": found.site.model_dump(),
        "makespan_s": round(result.makespan_s, 1),
        "bound_s": round(result.bound_s, 1),
        "work_s": {place: round(seconds, 1) for place, seconds in result.work_s.items()},
        "longest_path_s": round(result.longest_path_s, 1),
        "longest_path": [
            {"stage": name, "seconds": None if name not in found.seconds else round(found.seconds[name], 1)}
            for name in result.longest_path
        ],
        "fewer": {str(number): round(seconds, 1) for number, seconds in found.fewer.items()},
        "assumed_stages": found.assumed,
        "unknown": list(found.unknown),
        "stages": [
            {
                "stage": name,
                "start_s": round(start, 1),
                "seconds": None if name not in found.seconds else round(found.seconds[name], 1),
            }
            for name, start in sorted(result.starts.items(), key=lambda item: item[1])
        ],
    }


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, subsequent_indent="  ", break_long_words=False)
