"""The key of a stage: the hash of everything that decides its result, and of nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.plan.plan import Plan
from orchestrator.plan.stage import Stage

KEY_SCHEMA = 1
"""Grows where the meaning of the document changes, so that old results are not taken for new ones."""

ORCHESTRATOR = "orchestrator"
"""Name of the recipe hash of stages without an image."""


@dataclass(frozen=True)
class Identity:
    """A stage's key and what it is made of."""

    stage: str
    key: str
    """64 hexadecimal digits."""
    document: Mapping[str, Any]
    """schema, kind, settings, device, seed, recipe, inputs (name to key), sources (name to digest); plain JSON."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input name to the name of its stage: for words only, never in the key."""
    image: str | None = None
    """The image whose recipe hash is in the document: for words only."""


def canonical_json(value: Any) -> str:
    """Return the one text of a plain value: fields sorted, no spaces, the shortest digits that give a float back.

    Raises: ValueError for NaN and infinity, TypeError for what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def document_key(document: Mapping[str, Any]) -> str:
    """Return the key of a document: SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(document).encode("ascii")).hexdigest()


def identities(plan: Plan, recipes: Mapping[str, str]) -> dict[str, Identity]:
    """Return the identity of every stage, by its name, in the plan's order.

    recipes: image name to recipe hash, and "orchestrator" to the hash that the report's code has

    Raises: KeyError where an image has no recipe hash or an input is not in the plan before its user.
    """
    known: dict[str, Identity] = {}
    for stage in plan.stages:
        document = _document(stage, recipes[stage.image or ORCHESTRATOR], known)
        known[stage.name] = Identity(stage.name, document_key(document), document, dict(stage.inputs), stage.image)
    return known


def _document(stage: Stage, recipe: str, known: Mapping[str, Identity]) -> dict[str, Any]:
    return {
        "schema": KEY_SCHEMA,
        "kind": stage.kind,
        "settings": json.loads(canonical_json(stage.settings)),
        "device": stage.device,
        "seed": stage.seed,
        "recipe": recipe,
        "inputs": {name: known[of].key for name, of in stage.inputs.items()},
        "sources": {name: source.digest for name, source in stage.sources.items()},
    }
