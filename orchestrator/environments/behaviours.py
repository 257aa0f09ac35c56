"""Whether the declared behaviour of every stage kind is still true of the code that the kind can reach.

An image declares in ``image.yaml`` which version the behaviour of each kind has; the version stands in keys, the code
does not. So that this is true, the fingerprint of every file that a kind can reach is recorded in
``images/behaviours.json``, beside the version it was recorded for. Where code changed, either results changed too, and
the version is raised, or a run of the old and of the new code shows that they did not, and the record is renewed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.environments.fingerprint import CodeTree, file_fingerprint
from orchestrator.environments.recipe import code_files, image_folder
from orchestrator.resources import images_folder
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import built_in

Record = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Image to kind to `version` and `files`, the fingerprints by file."""

DOCKERFILE = "Dockerfile"


@dataclass(frozen=True)
class BehaviourChange:
    """A kind whose record does not fit its code or its declaration.

    Attributes:
        declared: The version that the image declares.
        recorded: That of the record, None where there is none.
        files: What differs, each with "changed", "new" or "gone".
    """

    image: str
    kind: str
    declared: int
    recorded: int | None
    files: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """What differs and what to do."""
        what = f"{self.image}/{self.kind}: "
        if self.recorded is None:
            return f"{what}its behaviour is declared (version {self.declared}) and not recorded; run: make behaviours"
        if self.declared < self.recorded:
            return f"{what}version {self.declared} is declared, and {self.recorded} was recorded: versions only grow"
        if self.declared > self.recorded:
            return (
                f"{what}version {self.recorded} -> {self.declared} is declared and not recorded; run: make behaviours"
            )
        named = ", ".join(f"{name} ({how})" for name, how in self.files.items())
        return (
            f"{what}code that it reaches differs from what was recorded for version {self.declared}: {named}. Where "
            f"results change, raise the version in images/{self.image}/image.yaml; in any case run: make behaviours"
        )


def record_path() -> Path:
    """Return the file that holds the record."""
    return images_folder() / "behaviours.json"


def recorded_behaviours(path: Path | None = None) -> Record:
    """Return the record; empty where there is none."""
    path = path or record_path()
    found: Record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def save_behaviours(record: Record) -> None:
    """Write the record, in an order that makes differences easy to read."""
    record_path().write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def reached_files(image: ImageSpec, kind: str) -> dict[str, str]:
    """Return the fingerprints of all that decides what a stage of a kind does in an image, by file."""
    found = CodeTree(code_files(image)).reached(image.module, kind)
    return {**found, DOCKERFILE: file_fingerprint(image_folder(image) / DOCKERFILE)}


def behaviour_entry(image: ImageSpec, kind: str) -> dict[str, Any]:
    """Return what is recorded of a kind as it is now."""
    versions: Mapping[str, int] = {str(name): version for name, version in image.behaviours.items()}
    return {"version": versions[kind], "files": reached_files(image, kind)}


def behaviour_changes(record: Record) -> Iterator[BehaviourChange]:
    """Yield every declared kind whose record does not fit."""
    for image in map(built_in().image, built_in().image_names):
        for kind in image.behaviours:
            entry = behaviour_entry(image, kind)
            before = record.get(image.name, {}).get(kind)
            if before is None:
                yield BehaviourChange(image.name, kind, entry["version"], None, {})
            elif before != entry:
                files = _differences(before["files"], entry["files"])
                yield BehaviourChange(image.name, kind, entry["version"], before["version"], files)


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    words = {
        name: "new" if name not in before else "gone" if name not in now else "changed" for name in {*before, *now}
    }
    return {name: words[name] for name in sorted(words) if before.get(name) != now.get(name)}
