"""The key of a stage: a hash over all that decides its result, and nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plan.plan import Plan
from orchestrator.plan.stage import Stage

SCHEMA = 1
"""Version of the key itself; raised where the same document means another result."""


@dataclass(frozen=True)
class Identity:
    """What names a stage's result. key: 64 hexadecimal digits, the SHA-256 of the canonical document."""

    stage: str
    key: str
    document: Mapping[str, Any]


def canonical(document: Mapping[str, Any]) -> str:
    """Return the one JSON text of a document, whatever the order of its fields.

    Raises: ValueError for a number that is not finite: it has no canonical form.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def identities(plan: Plan, recipes: Mapping[str, str]) -> dict[str, Identity]:
    """Return the identity of every stage, in the plan's order.

    recipes: image name to recipe hash, and "orchestrator" to the hash of the code that makes the report.
    """
    known: dict[str, Identity] = {}
    for stage in plan.stages:
        document = _document(stage, recipes[stage.image or "orchestrator"], known)
        key = hashlib.sha256(canonical(document).encode()).hexdigest()
        known[stage.name] = Identity(stage.name, key, document)
    return known


def _document(stage: Stage, recipe: str, known: Mapping[str, Identity]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": stage.kind,
        "settings": json.loads(canonical(stage.settings)),
        "device": stage.device,
        "seed": stage.seed,
        "image": stage.image,
        "recipe": recipe,
        "inputs": {name: known[of].key for name, of in stage.inputs.items() if of in known},
        "sources": {name: source.digest for name, source in stage.sources.items()},
    }
