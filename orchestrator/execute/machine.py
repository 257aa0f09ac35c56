"""Which machine made a result: as its program says, which may run elsewhere, else as the orchestrator sees its own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from stagekit import BadInput
from stagekit.machine import machine
from stagekit.results.machine import Machine, MachineFile


def machine_facts(staging: Path, *, threads: int | None, device: str, same_machine: bool) -> dict[str, Any]:
    """Return what a manifest records of the machine that a stage ran on, as plain values.

    Args:
        staging: the stage's staging folder, in whose facts its program has written ``machine.json``; what it says there
            is preferred, for the program may have run on another machine than this one.
        threads: processor threads that the program was asked to use.
        device: that the stage computed on.
        same_machine: whether its engine runs programs on this machine, so that the host's name is this one's.

    Returns:
        `machine` the one that it ended on; `machines` all that it was started on, where that were several.
    """
    own = machine(threads, device)
    try:
        starts = MachineFile.load(staging / "facts").starts
    except BadInput:
        starts = ()
    found = [_named(start, own, same_machine) for start in starts] or [own]
    facts: dict[str, Any] = {"machine": _plain(found[-1])}
    if len(set(map(_kind, found))) > 1:
        facts["machines"] = [_plain(one) for one in found]
    return facts


def _named(start: Machine, own: Machine, same_machine: bool) -> Machine:
    """Return a machine with the name of its host, which a program in a container does not know."""
    return start if start.host is not None or not same_machine else replace(start, host=own.host)


def _kind(found: Machine) -> tuple[object, ...]:
    return (found.processor, found.architecture, found.instructions, found.gpu, found.driver, found.threads)


def _plain(found: Machine) -> dict[str, Any]:
    document = MachineFile((found,)).document()
    plain: dict[str, Any] = document["starts"][0]
    return plain
