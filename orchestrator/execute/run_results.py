"""A recorded run and what the store has of it: all that is asked after a run has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SpecError, StoreError
from orchestrator.store.document_files import revision_folder
from orchestrator.store.reference import ModelReference, RunReference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import AUTHORS, PREDICTIONS, PROGRAM, EntrantEntry
from orchestrator.store.runs import run_document, run_folder
from orchestrator.store.store import Artifact, Store


@dataclass(frozen=True)
class RunResults:
    """One revision of a run with its results.

    Attributes:
        artifacts: By stage, those of the recorded keys that the store has and that belong to each other.
        outdated: Stages whose result was made of another result than the run has now, and of which stage's.
        folder: Where what belongs to this revision alone is kept, its report among it.
    """

    document: RunDocument
    artifacts: Mapping[str, Artifact]
    outdated: Mapping[str, str]
    folder: Path

    @property
    def complete(self) -> bool:
        """Whether every stage has its result."""
        return all(stage.name in self.artifacts for stage in self.document.stages)


def recorded_results(reference: RunReference, store: Store) -> RunResults:
    """Return what a run recorded, with the results that the store has.

    Raises:
        SpecError: Where the store knows no such run or revision.
        StoreError: Where its document cannot be read.
    """
    return results_of(run_document(store, reference), store)


def results_of(document: RunDocument, store: Store) -> RunResults:
    """Return a document with the results that the store has of its stages, each as it was committed.

    Raises:
        StoreError: Where results are damaged; they are set aside, and missing from then on.
    """
    damaged: list[str] = []
    found = {name: store.sound_artifact(key, damaged.append) for name, key in document.keys.items()}
    for stage in document.stages:
        artifact = found.get(stage.name)
        if artifact is not None and artifact.manifest.kind not in {"", stage.kind}:
            raise StoreError(
                f"the document of the run {document.name!r} names for {stage.name} the result of another stage, "
                f"{artifact.manifest.stage}",
                where=str(run_folder(store, document.name)),
                hint=f"its 'key' was changed: run the experiment of {document.name!r} again, or bring run.json back",
            )
    if damaged:
        more = f"; and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise StoreError(
            f"{damaged[0]}{more}",
            hint=f"run the experiment of {document.name!r} again, which makes it again; until then its report reads "
            "'not measured' there",
        )
    artifacts, outdated = _belonging({name: one for name, one in found.items() if one is not None}, document)
    return RunResults(document, artifacts, outdated, revision_folder(run_folder(store, document.name), document))


def _belonging(artifacts: Mapping[str, Artifact], document: RunDocument) -> tuple[dict[str, Artifact], dict[str, str]]:
    """Return the results that belong to each other, and for each of the others the stage whose result is another.

    A run that was stopped in the middle can have a result that was made anew beside one that was made of its
    predecessor. Each result records the content of what it was made of.
    """
    kept: dict[str, Artifact] = {}
    outdated: dict[str, str] = {}
    for stage in document.stages:
        artifact = artifacts.get(stage.name)
        if artifact is None:
            continue
        read = artifact.manifest.document.get("inputs", {})
        changed = [
            needed
            for name, needed in stage.inputs.items()
            if needed in outdated or (needed in artifacts and name in read and read[name] != artifacts[needed].content)
        ]
        if changed:
            outdated[stage.name] = changed[0]
        else:
            kept[stage.name] = artifact
    return kept, outdated


def file_digests(results: RunResults) -> dict[Path, str]:
    """Return the SHA-256 of every file of the results, as their manifests have it."""
    return {
        artifact.output / name: record.sha256
        for artifact in results.artifacts.values()
        for name, record in artifact.manifest.files.items()
    }


_NO_NETWORK = {
    AUTHORS: "is an authors' program: there is no network of it",
    PROGRAM: "is a program without a network",
    PREDICTIONS: "are pictures that were computed elsewhere: there is no network of them",
}


def refuse_without_network(document: RunDocument, reference: ModelReference) -> None:
    """Raise SpecError where a reference names an entrant of a run that is no network."""
    networks = [entrant.label for entrant in document.entrants if entrant.kind not in _NO_NETWORK]
    for entrant in document.entrants:
        if entrant.label == reference.model and entrant.kind in _NO_NETWORK:
            raise SpecError(
                f"{str(reference)!r} {_NO_NETWORK[entrant.kind]}",
                hint=f"choose one of: {', '.join(networks)}" if networks else "choose a run that has networks",
            )


def recorded_entrant(document: RunDocument, reference: ModelReference) -> EntrantEntry:
    """Return the network of a run that a reference names.

    Raises:
        SpecError: Where the run has no such network.
    """
    refuse_without_network(document, reference)
    known = {entrant.label: entrant for entrant in document.entrants if entrant.kind not in _NO_NETWORK}
    if reference.model not in known:
        raise SpecError(
            f"run {str(reference.run)!r} has no model {reference.model!r}; it has: {', '.join(known)}",
            hint="choose one of them",
        )
    return known[reference.model]
