"""What the store knows of each stage, as the report tells it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.errors import Cancelled, NotStarted
from orchestrator.execute.sbom import SBOM
from orchestrator.execute.stage_execution import REQUIRED_OUTPUTS
from orchestrator.report.stage_content import (
    EnvironmentRecord,
    MachineRecord,
    MemoryOverTime,
    SoftwareList,
    StageFile,
    StageRecord,
    StageState,
)
from orchestrator.store.run_entries import FailureEntry, StageEntry
from orchestrator.store.store import Artifact

_FILES: Mapping[str, tuple[str, ...]] = {str(kind): names for kind, names in REQUIRED_OUTPUTS.items()}


def stage_record(stage: StageEntry, artifact: Artifact | None, failure: FailureEntry | None) -> StageRecord:
    """Return one stage of a run.

    Args:
        failure: Why it left nothing; None where it did, or has not run.
    """
    failure = failure if artifact is None else None
    took: Mapping[str, Any] = failure.took if failure is not None else {}
    facts: Mapping[str, Any] = artifact.manifest.facts if artifact is not None else took
    return StageRecord(
        name=stage.name,
        kind=stage.kind,
        state=_state(artifact, failure),
        key=stage.key or "",
        image=stage.image,
        recipe=facts.get("recipe"),
        engine=facts.get("engine"),
        walls=facts.get("walls"),
        device=stage.device,
        started=facts.get("started"),
        seconds=facts.get("seconds"),
        resumed_from="an interrupted run's staging folder" if facts.get("resumed") else None,
        warnings=tuple(facts.get("warnings", ())),
        message=failure.message if failure else None,
        hint=failure.hint if failure else None,
        memory=_memory(facts.get("memory")),
        attempts=facts.get("attempts", 1),
        machine=_machine(facts.get("machine")),
        earlier_machines=_earlier(facts.get("machines", ())),
        inputs=dict(stage.inputs),
        sources={name: source.digest for name, source in stage.sources.items()},
        files={} if artifact is None else _files(artifact, _FILES.get(stage.kind, ())),
        digest="" if artifact is None else artifact.content,
        load=facts.get("load"),
        log=facts.get("log", ""),
    )


def environment_record(artifact: Artifact, image: str, variant: str) -> EnvironmentRecord:
    """Return the environment that an artifact was made in."""
    facts = artifact.manifest.facts
    return EnvironmentRecord(
        image=image,
        variant=variant,
        engine=facts["engine"],
        recipe=facts["recipe"],
        reference=facts["environment"].get("reference", ""),
        details={name: text for name, text in facts["environment"].items() if name != "reference"},
        packages=dict(facts.get("packages", {})),
        sbom=_sbom(artifact, f"{image}-{facts['engine']}-{facts['recipe'][:12]}"),
    )


def _sbom(artifact: Artifact, name: str) -> SoftwareList | None:
    """Return the list of what an artifact was made in; None where it was not kept, or is not what was kept."""
    kept = artifact.manifest.fact_files.get(SBOM)
    if kept is None:
        return None
    try:
        content = (artifact.facts / SBOM).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != kept.sha256:
        return None
    return SoftwareList(name, content.decode("ascii", "replace"))


def _machine(facts: Mapping[str, Any] | None) -> MachineRecord | None:
    """Return the machine of a manifest; None for one from before machines were recorded."""
    if not facts:
        return None
    return MachineRecord(
        processor=facts["processor"],
        architecture=facts["architecture"],
        instructions=tuple(facts["instructions"]),
        processors=facts.get("processors"),
        memory_bytes=facts.get("memory_bytes"),
        system=facts["system"],
        container=facts.get("container"),
        threads=facts.get("threads"),
        gpu=facts.get("gpu"),
        driver=facts.get("driver"),
        cuda=facts.get("cuda"),
    )


def _earlier(machines: Sequence[Mapping[str, Any]]) -> tuple[MachineRecord, ...]:
    """Return the machines of other kinds that a stage had run on before the one that it ended on."""
    records = [record for record in map(_machine, machines) if record is not None]
    return tuple(dict.fromkeys(record for record in records[:-1] if record.kind != records[-1].kind))


def _state(artifact: Artifact | None, failure: FailureEntry | None) -> StageState:
    if artifact is not None:
        return "done"
    if failure is None:
        return "waiting"
    states: Mapping[str, StageState] = {
        "skipped": "skipped",
        NotStarted.code: "skipped",
        Cancelled.code: "cancelled",
    }
    return states.get(failure.code, "failed")


def _memory(facts: Mapping[str, Any] | None) -> MemoryOverTime | None:
    if not facts:
        return None
    return MemoryOverTime(facts["every_s"], tuple(facts["bytes"]), facts["budget_bytes"])


def _files(artifact: Artifact, names: tuple[str, ...]) -> dict[str, StageFile]:
    kept = artifact.manifest.files
    return {name: StageFile(kept[name].sha256, kept[name].size) for name in names if name in kept}
