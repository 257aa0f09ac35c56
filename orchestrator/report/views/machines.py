"""Which machines made the results, and whether trainings that are compared had the same kind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import ReportContent
from orchestrator.report.stage_content import MachineRecord, StageRecord

_LEVELS: Mapping[str, str] = {
    "sve2": "SVE2",
    "sve": "SVE",
    "asimd": "NEON",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sse4_2": "SSE4.2",
}
"""Instruction sets by the kernel's name for them, the widest first."""


@dataclass(frozen=True)
class MachineFact:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True)
class MachineRow:
    """A machine that stages ran on.

    Attributes:
        title: 'machine 1'.
        stages: How many, in words, and their names.
    """

    title: str
    words: str
    facts: tuple[MachineFact, ...]
    count: str
    stages: str


def machine_rows(content: ReportContent) -> tuple[MachineRow, ...]:
    """Return each machine once, in the order of the stages."""
    stages: dict[MachineRecord, list[str]] = {}
    for stage in content.stages:
        for machine in (*stage.earlier_machines, *([stage.machine] if stage.machine else [])):
            stages.setdefault(machine, []).append(stage.name)
    return tuple(
        MachineRow(
            f"machine {number}",
            machine_words(machine),
            tuple(_facts(machine)),
            numbers.count(len(names), "stage"),
            ", ".join(names),
        )
        for number, (machine, names) in enumerate(stages.items(), 1)
    )


def machine_alerts(content: ReportContent) -> tuple[str, ...]:
    """Return what a reader must know of the machines that the networks were trained on, in sentences."""
    titles = {f"train/{model.label}": model.title for model in content.models}
    trained = [stage for stage in content.stages if stage.kind == "train" and stage.machine is not None]
    return (*_mixed(trained, titles), *_compared(trained, titles))


def machine_words(machine: MachineRecord) -> str:
    """Return a kind of machine in a few words."""
    level = next((said for name, said in _LEVELS.items() if name in machine.instructions), "")
    parts = [f"{machine.processor} ({', '.join(filter(None, (machine.architecture, level)))})"]
    parts += [] if machine.gpu is None else [machine.gpu]
    parts += [] if machine.driver is None else [f"driver {machine.driver}"]
    parts += [] if machine.threads is None else [numbers.count(machine.threads, "thread")]
    return ", ".join(parts)


def _compared(trained: Sequence[StageRecord], titles: Mapping[str, str]) -> Iterator[str]:
    kinds: dict[tuple[str, ...], list[StageRecord]] = {}
    free: list[tuple[StageRecord, MachineRecord]] = []
    for stage in trained:
        assert stage.machine is not None
        if stage.machine.threads is None:
            free.append((stage, stage.machine))
        else:
            kinds.setdefault(stage.machine.kind, []).append(stage)
    for stage, machine in free:  # whose result depends on no number of threads, and so agrees with any
        alike = [kind for kind in kinds if kind[:-1] == machine.kind[:-1]]
        kinds.setdefault(alike[0] if alike else machine.kind, []).append(stage)
    if len(kinds) < 2:
        return
    said = [_kind_words(kind, [stage.machine for [stage, *_] in kinds.values()]) for kind in kinds]
    groups = [", ".join(titles.get(stage.name, stage.name) for stage in stages) for stages in kinds.values()]
    where = "; ".join(f"{names} on {words}" for names, words in zip(groups, said, strict=True))
    yield f"The networks were trained on {len(kinds)} kinds of machine: {where}"


def _kind_words(kind: tuple[str, ...], machines: Sequence[MachineRecord | None]) -> str:
    """Return a kind's words; where another's are the same, with what tells them apart."""
    known = [machine for machine in machines if machine is not None]
    own = next(machine for machine in known if machine.kind == kind)
    words = machine_words(own)
    alike = [machine for machine in known if machine_words(machine) == words]
    return words if len(alike) == 1 else f"{words} [{' '.join(own.instructions)}]"


def _mixed(trained: Sequence[StageRecord], titles: Mapping[str, str]) -> Iterator[str]:
    for stage in trained:
        if stage.earlier_machines:
            before = " and ".join(dict.fromkeys(map(machine_words, stage.earlier_machines)))
            yield f"{titles.get(stage.name, stage.name)} was begun on another kind of machine: {before}"


def _facts(machine: MachineRecord) -> Iterator[MachineFact]:
    yield MachineFact("processor", machine.processor)
    yield MachineFact("architecture", machine.architecture)
    if machine.instructions:
        yield MachineFact("instruction sets", ", ".join(machine.instructions))
    if machine.processors is not None:
        yield MachineFact("processors", f"{numbers.count(machine.processors, 'logical processor')} to run on")
    if machine.threads is not None:
        yield MachineFact("threads", str(machine.threads))
    if machine.memory_bytes is not None:
        yield MachineFact("memory", numbers.memory(machine.memory_bytes))
    for name, value in (("GPU", machine.gpu), ("driver", machine.driver), ("CUDA of the driver", machine.cuda)):
        if value is not None:
            yield MachineFact(name, value)
    yield MachineFact("system", machine.system)
    yield MachineFact("container", machine.container or "none")
