"""The key of a stage: the hash of everything that decides its result, and of nothing else."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.plan.stage import Stage

KEY_SCHEMA = 2
"""Grows where the meaning of the document changes, so that old results are not taken for new ones."""


@dataclass(frozen=True)
class Program:
    """What runs the stages of an image, as far as it decides results.

    Attributes:
        behaviours: Stage kind to the version of its behaviour, which is raised where results change.
        code: Hash of the code; in the key of those kinds only that declare no version.
        environment: `lock`, the hash of the installed packages, and `python`, the interpreter; None in the
            orchestrator.
        pinned_threads: The kinds whose bits depend on the number of threads.
        pinned_memory: On the memory that they may use.
    """

    code: str
    behaviours: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    pinned_threads: frozenset[str] = frozenset()
    pinned_memory: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ResultDigests:
    """What names the content of a result.

    Attributes:
        content: SHA-256 over the names and hashes of the output's files: what later stages read.
        record: SHA-256 of all that the store tells of it, times and environment too: what a report shows.
    """

    content: str
    record: str


@dataclass(frozen=True)
class Identity:
    """A stage's key and what it is made of."""

    stage: str
    key: str
    """64 hexadecimal digits."""
    document: Mapping[str, Any]
    """Plain JSON: schema, kind, image, behaviour, settings, device, seed, threads where they decide bits, environment,
    inputs (name to content digest), sources (name to digest)."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input name to the name of its stage: for words only, never in the key."""

    @property
    def image(self) -> str | None:
        """The image whose program makes the result; None in the orchestrator."""
        name = self.document.get("image")
        return None if name is None else str(name)


def canonical_json(value: Any) -> str:
    """Return the one text of a plain value: fields sorted, no spaces, the shortest digits that give a float back.

    Raises:
        ValueError: For NaN and infinity.
        TypeError: For what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def document_key(document: Mapping[str, Any]) -> str:
    """Return the key of a document: SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(document).encode("ascii")).hexdigest()


def key_document(stage: Stage, program: Program, results: Mapping[str, ResultDigests]) -> dict[str, Any]:
    """Return what a stage's key is made of; an input whose content is not known is None in it.

    Args:
        results: Of the stages that it reads, by their names.
    """
    version = program.behaviours.get(stage.kind)
    digests = {name: results.get(needed) for name, needed in stage.inputs.items()}
    return {
        "schema": KEY_SCHEMA,
        "kind": stage.kind,
        "image": stage.image,
        "behaviour": {"code": program.code} if version is None else version,
        "settings": json.loads(canonical_json(stage.settings)),
        "device": stage.device,
        "seed": stage.seed,
        **({"threads": stage.threads} if stage.kind in program.pinned_threads else {}),
        **(_memory(stage) if stage.kind in program.pinned_memory else {}),
        "environment": None if program.environment is None else dict(program.environment),
        "inputs": {name: None if found is None else found.content for name, found in digests.items()},
        "sources": {name: source.digest for name, source in stage.sources.items()},
    }


def _memory(stage: Stage) -> dict[str, Any]:
    """Return the budgets of a stage; that of a GPU only where it computes on one."""
    device = {"device_memory_bytes": stage.device_memory_bytes} if stage.device == "cuda" else {}
    return {"memory_bytes": stage.memory_bytes, **device}


def stage_identity(stage: Stage, program: Program, results: Mapping[str, ResultDigests]) -> Identity:
    """Return the identity of a stage whose inputs are all there.

    Raises:
        KeyError: Where one is not.
    """
    for needed in stage.inputs.values():
        results[needed]
    document = key_document(stage, program, results)
    return Identity(stage.name, document_key(document), document, dict(stage.inputs))


def identities(
    stages: Iterable[Stage], programs: Mapping[str, Program], result: Callable[[Identity], ResultDigests | None]
) -> dict[str, Identity]:
    """Return the identities of stages, each after those it reads, by name, as far as they can be known.

    Args:
        programs: By image, and "orchestrator" for stages without one.
        result: Asked for what is there of an identity; what reads a stage of which nothing is there is left out.

    Raises:
        KeyError: Where an image has no program.
    """
    known: dict[str, Identity] = {}
    results: dict[str, ResultDigests] = {}
    for stage in stages:
        if any(needed not in results for needed in stage.inputs.values()):
            continue
        identity = stage_identity(stage, programs[stage.image], results)
        known[stage.name] = identity
        found = result(identity)
        if found is not None:
            results[stage.name] = found
    return known
