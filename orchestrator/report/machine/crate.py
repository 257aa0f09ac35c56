"""The report's folder as a Workflow Run RO-Crate: which stage ran when, in what software, from what, to what.

The experiment's file is the workflow, the run its one execution, and every stage that ran an action of its own. What
stages left lies in a store, not in this folder, and is named by its hash. Nobody is named, for nobody is known.

Source: RO-Crate 1.1; Workflow RO-Crate 1.0; Process Run Crate and Workflow Run Crate 0.5.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.model.contextentity import ContextEntity
from rocrate.model.dataset import Dataset
from rocrate.model.entity import Entity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from orchestrator.report.address import CRATE, INDEX, RECORD, SBOMS, spec_path
from orchestrator.report.content import ReportContent
from orchestrator.report.stage_content import EnvironmentRecord, SoftwareList, StageRecord

_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    _WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_TYPES = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
_SBOM_TYPE = "application/vnd.cyclonedx+json"
_LICENCE = (
    "No licence is stated for this report. Its pictures belong to the datasets that they are from, whose sources it "
    "names; networks and their weights belong to their papers."
)


def crate_metadata(content: ReportContent, folder: Path) -> dict[str, Any]:
    """Return the content of ro-crate-metadata.json.

    Args:
        folder: The report's, complete but for that file.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_TERMS)
    crate.name = f"{content.name}: a comparison of reflection removal networks"
    crate.description = content.note or f"The report of the run {content.name}, and where every number in it is from."
    crate.datePublished = _moment(max((_end(stage) for stage in _ran(content)), default=0.0))
    crate.license = crate.add(ContextEntity(crate, "#licence", {"@type": "CreativeWork", "name": "No licence stated"}))
    crate.license["description"] = _LICENCE
    crate.root_dataset["conformsTo"] = [
        _profile(crate, profile, name, version) for profile, (name, version) in _PROFILES.items()
    ]
    crate.metadata["conformsTo"] = [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": _WORKFLOW_CRATE}]
    _add_files(crate, folder)
    workflow = _add_workflow(crate, content, folder)
    results = _Results(crate, content)
    software = {_of(environment): _software(crate, environment) for environment in content.environments}
    for environment in content.environments:
        _add_sbom(crate, environment.sbom, software[_of(environment)], folder)
    _add_sbom(crate, content.sbom, workflow["programmingLanguage"], folder)
    actions = [_action(crate, stage, software, results) for stage in content.stages if stage.image is not None]
    done = [action for action in actions if action is not None]
    crate.root_dataset.append_to("mentions", [_run(crate, content, workflow, results), *done], compact=True)
    return dict(crate.metadata.generate())


def _add_files(crate: ROCrate, folder: Path) -> None:
    """Describe the pages and data files one by one, folders of pictures and scripts as wholes."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in (spec_path("").parent.name, SBOMS.name):
            crate.add(Dataset(crate, dest_path=f"{path.name}/", properties={"name": f"the report's {path.name}"}))
        elif path.is_file() and path.name != CRATE.name:
            crate.add(File(crate, dest_path=path.name, properties=_file_facts(path)))


def _file_facts(path: Path) -> dict[str, Any]:
    ending = path.suffix.lower()
    return {
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **({"encodingFormat": _TYPES[ending]} if ending in _TYPES else {}),
    }


def _add_workflow(crate: ROCrate, content: ReportContent, folder: Path) -> ComputationalWorkflow:
    path = spec_path(content.spec_name)
    language = crate.add(
        ContextEntity(
            crate,
            "#sirr-orch",
            {
                "@type": ["ComputerLanguage", "SoftwareApplication"],
                "name": "sirr-orch experiment",
                "description": "The file that sirr-orch runs: networks, datasets and metrics to compare.",
                "version": content.program,
            },
        )
    )
    facts = {**_file_facts(folder / path), "name": content.spec_name, "encodingFormat": "application/yaml"}
    workflow = crate.add(ComputationalWorkflow(crate, dest_path=str(path), properties=facts))
    workflow["conformsTo"] = _profile(crate, _WORKFLOW, "ComputationalWorkflow", "1.0-RELEASE")
    workflow["version"] = str(facts["sha256"])[:12]
    workflow["programmingLanguage"] = language
    workflow["license"] = crate.license
    workflow["input"] = _parameter(crate, "datasets", "Dataset", "Pictures to train and to test on")
    workflow["output"] = _parameter(crate, "report", "File", "The report, for people and for programs")
    crate.mainEntity = workflow
    return workflow


def _profile(crate: ROCrate, address: str, name: str, version: str) -> ContextEntity:
    facts = {"@type": "CreativeWork", "name": name, "version": version}
    return crate.get(address) or crate.add(ContextEntity(crate, address, facts))


def _parameter(crate: ROCrate, name: str, kind: str, words: str) -> ContextEntity:
    conforms = _profile(crate, _PARAMETER, "FormalParameter", "1.0-RELEASE")
    facts = {"@type": "FormalParameter", "name": name, "additionalType": kind, "description": words}
    return crate.add(ContextEntity(crate, f"#parameter/{name}", {**facts, "conformsTo": {"@id": conforms.id}}))


class _Results:
    """What stages left and read, each named once by its hash."""

    def __init__(self, crate: ROCrate, content: ReportContent) -> None:
        self._crate = crate
        self._stages = {stage.name: stage for stage in content.stages}
        self._known: dict[str, ContextEntity] = {}

    def of_stage(self, name: str) -> ContextEntity | None:
        """Return a stage's result; None where it left nothing."""
        stage = self._stages.get(name)
        if stage is None or not stage.digest:
            return None
        if name not in self._known:
            facts = {
                "@type": "CreativeWork",
                "name": f"result of {name}",
                "identifier": stage.key,
                "sha256": stage.digest,
            }
            self._known[name] = self._crate.add(ContextEntity(self._crate, f"#result/{stage.key}", facts))
            if stage.kind == "prepare":
                self._known[name]["exampleOfWork"] = {"@id": "#parameter/datasets"}
            parts = [self._file(file, record.sha256, record.size) for file, record in stage.files.items()]
            if parts:
                self._known[name]["hasPart"] = parts
        return self._known[name]

    def source(self, name: str, digest: str) -> ContextEntity:
        """Return files from outside."""
        found = self._crate.get(f"#source/{digest}")
        facts = {"@type": "CreativeWork", "name": f"{name}, from outside", "sha256": digest}
        return found or self._crate.add(ContextEntity(self._crate, f"#source/{digest}", facts))

    def _file(self, name: str, digest: str, size: int) -> ContextEntity:
        found = self._crate.get(f"#file/{digest}")
        facts = {"@type": "CreativeWork", "name": name, "sha256": digest, "contentSize": str(size)}
        return found or self._crate.add(ContextEntity(self._crate, f"#file/{digest}", facts))


def _of(environment: EnvironmentRecord) -> tuple[str, str, str]:
    return environment.image, environment.engine, environment.recipe


def _software(crate: ROCrate, environment: EnvironmentRecord) -> ContextEntity:
    """Return an environment with everything that its lock pins."""
    packages = [_package(crate, name, version) for name, version in environment.packages.items()]
    facts = {
        "@type": "SoftwareApplication",
        "name": f"{environment.image} ({environment.variant}, {environment.engine})",
        "softwareVersion": environment.recipe,
        "description": ", ".join(f"{name}: {text}" for name, text in environment.details.items()) or environment.image,
        "identifier": environment.reference,
        **_links("softwareRequirements", packages),
    }
    name = hashlib.sha256("\0".join(_of(environment)).encode("utf-8", "replace")).hexdigest()[:16]
    return crate.add(ContextEntity(crate, f"#environment/{name}", facts))


def _add_sbom(crate: ROCrate, sbom: SoftwareList | None, software: Entity, folder: Path) -> None:
    """Describe the list of a software, each by the other."""
    if sbom is None:
        return
    facts = {**_file_facts(folder / sbom.file), "encodingFormat": _SBOM_TYPE, "about": {"@id": software.id}}
    software["subjectOf"] = crate.add(File(crate, dest_path=sbom.file, properties=facts))


def _package(crate: ROCrate, name: str, version: str) -> ContextEntity:
    identity = f"#package/{hashlib.sha256(f'{name} {version}'.encode('utf-8', 'replace')).hexdigest()[:16]}"
    facts = {"@type": "SoftwareApplication", "name": name, "softwareVersion": version}
    return crate.get(identity) or crate.add(ContextEntity(crate, identity, facts))


def _action(
    crate: ROCrate,
    stage: StageRecord,
    software: Mapping[tuple[str, str, str], ContextEntity],
    results: _Results,
) -> ContextEntity | None:
    """Return a stage that ran; None for one of which no time or no software is known, as one that never started."""
    tool = software.get((stage.image or "", stage.engine or "", stage.recipe or ""))
    if tool is None or stage.started is None:
        return None
    inputs = [results.of_stage(name) for name in stage.inputs.values()]
    used = [entity for entity in inputs if entity is not None]
    used += [results.source(name, digest) for name, digest in stage.sources.items()]
    left = results.of_stage(stage.name)
    facts = {
        "@type": "CreateAction",
        "name": stage.name,
        "description": f"stage {stage.name} on {stage.device}",
        "instrument": {"@id": tool.id},
        "startTime": _moment(stage.started),
        "endTime": _moment(_end(stage)),
        **_status(stage),
        **_links("object", used),
        **_links("result", [left]),
    }
    return crate.add(ContextEntity(crate, f"#action/{stage.key}", facts))


def _run(crate: ROCrate, content: ReportContent, workflow: ComputationalWorkflow, results: _Results) -> ContextEntity:
    """Return the run as a whole: from the datasets to the report."""
    ran = list(_ran(content))
    prepared = [results.of_stage(stage.name) for stage in content.stages if stage.kind == "prepare"]
    unended = {
        words: [stage.name for stage in content.stages if stage.state == state]
        for state, words in (("failed", "failed"), ("cancelled", "stopped"))
    }
    error = "; ".join(f"{words}: {', '.join(names)}" for words, names in unended.items() if names)
    status = "FailedActionStatus" if error else "CompletedActionStatus"
    shown = [crate.get(str(path)) for path in (INDEX, RECORD)]
    for entity in shown:
        if entity is not None:
            entity["exampleOfWork"] = {"@id": "#parameter/report"}
    facts = {
        "@type": "CreateAction",
        "name": f"run {content.name}",
        "description": "; ".join(content.commands) or content.name,
        "instrument": {"@id": workflow.id},
        "actionStatus": f"http://schema.org/{status}",
        **({"error": error} if error else {}),
        **({"startTime": _moment(min(stage.started or 0.0 for stage in ran))} if ran else {}),
        **({"endTime": _moment(max(_end(stage) for stage in ran))} if ran else {}),
        **_links("object", prepared),
        **_links("result", shown),
    }
    return crate.add(ContextEntity(crate, "#run", facts))


def _links(name: str, entities: Sequence[Entity | None]) -> dict[str, Any]:
    """Return a property that refers to entities: none, a single value, or a list, as JSON-LD is to be compacted."""
    found = [{"@id": entity.id} for entity in entities if entity is not None]
    return {name: found[0] if len(found) == 1 else found} if found else {}


def _ran(content: ReportContent) -> Iterator[StageRecord]:
    return (stage for stage in content.stages if stage.image is not None and stage.started is not None)


def _end(stage: StageRecord) -> float:
    return (stage.started or 0.0) + (stage.seconds or 0.0)


def _status(stage: StageRecord) -> dict[str, str]:
    if stage.message is None:
        return {"actionStatus": "http://schema.org/CompletedActionStatus"}
    return {"actionStatus": "http://schema.org/FailedActionStatus", "error": stage.message}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
