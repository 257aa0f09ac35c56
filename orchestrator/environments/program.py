"""What an image brings to the keys of its stages."""

import contextlib
import json
import os
from pathlib import Path

from orchestrator.environments.fingerprint import CodeTree, combined
from orchestrator.environments.recipe import lock_hash, orchestrator_files, orchestrator_hash, recipe_hash
from orchestrator.plan.keys import Program
from orchestrator.spec.image import ImageSpec, Variant
from stagekit import command


def image_program(image: ImageSpec, variant: Variant) -> Program:
    """Return an image's program: its declared behaviours, its locked packages and interpreter, and its code's hash."""
    return Program(
        code=recipe_hash(image, variant),
        behaviours={**{str(kind): version for kind, version in image.behaviours.items()}, "command": command.VERSION},
        environment={"lock": lock_hash(image, variant), "python": image.python},
        pinned_threads=frozenset(image.pinned_threads),
        pinned_memory=frozenset(image.pinned_memory),
    )


def reached_code(module: str, memory: Path) -> str:
    """Return the hash of what a module of the orchestrator can reach; comments and docstrings are not in it.

    Args:
        module: Where its code begins.
        memory: File that remembers the fingerprint of the present code; losing it costs a second.
    """
    written = orchestrator_hash()
    known: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(memory.read_text(encoding="utf-8"))
    code = known.get(written) if isinstance(known, dict) else None
    if code is None:
        code = combined(CodeTree(orchestrator_files()).reached(module))
        with contextlib.suppress(OSError):
            memory.parent.mkdir(parents=True, exist_ok=True)
            partial = memory.with_name(f"{memory.name}.{os.getpid()}")
            partial.write_text(json.dumps({written: code}), encoding="utf-8")
            partial.replace(memory)
    return code
