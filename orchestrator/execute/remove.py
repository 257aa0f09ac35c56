"""Takes the reflection out of the user's own pictures with a model of a finished run."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.delivery import Delivery
from orchestrator.errors import SirrError, SpecError
from orchestrator.execute.comparison import stage_images, stage_programs
from orchestrator.execute.events import Listener, fan_out
from orchestrator.execute.onnx_file import usable_network
from orchestrator.execute.past_results import PastResults
from orchestrator.execute.photo_delivery import PhotoDelivery
from orchestrator.execute.photographs import ARRAY_SUFFIX, Photograph, array_size, copy_photographs, settled
from orchestrator.execute.run_results import recorded_results, refuse_without_network
from orchestrator.execute.run_stages import ExecutionRequest, RunOptions, executed_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.plan.plan import infer_stage, prepare_stage
from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.experiment import Inference
from orchestrator.spec.names import Device, EngineName
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.store.reference import model_reference
from orchestrator.store.store import Store
from stagekit.results.dataset import DatasetFile, DatasetItem

_DATASET = "photos"
_MEMORY_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Removal:
    """What `sirr-orch remove` was asked for.

    Attributes:
        photos: Pictures, or arrays of floats (``.npy``, (H, W, 3), RGB, 0 to 1), not both.
        model: RUN/MODEL, or None where `onnx` names a network's file.
        declared: What is said of that file; None: nothing.
        tile: Side of overlapping, blended tiles, None for the exact way.
        whole: The picture at once, as a reference.
        memory_bytes: None for what the run says.
        threads: None for all that there are.
        reflection: Write the reflections too.
        arrays: Write every output as floats too.
        overwrite: Replace results that are there and differ.
    """

    photos: tuple[Path, ...]
    model: str | None
    out: Path
    store: Path
    engine: EngineName = "auto"
    tile: int | None = None
    reflection: bool = False
    onnx: Path | None = None
    declared: OnnxChoice | None = None
    arrays: bool = False
    whole: bool = False
    memory_bytes: int | None = None
    threads: int | None = None
    overwrite: bool = False

    def execution(self, listener: Listener, say: Callable[[str], None]) -> ExecutionRequest:
        """Return how its stages are run."""
        return ExecutionRequest(self.store, self.engine, listener, say, options=RunOptions(threads=self.threads))

    @property
    def of_arrays(self) -> bool:
        """Whether the pictures are arrays."""
        return self.photos[0].suffix == ARRAY_SUFFIX

    @property
    def layers(self) -> tuple[str, ...]:
        """What is appended to a photograph's name for each of its pictures."""
        return ("", "-reflection")[: 1 + self.reflection]


def remove_reflections(
    removal: Removal,
    listener: Listener,
    say: Callable[[str], None],
    hand: Callable[[Path], None] = lambda _path: None,
) -> list[Path]:
    """Write a result for each photo, of its size and named after it, and return their paths as they came.

    Results of TIFF photos are TIFF files, all others PNG; depth, colour profile and transparency are the photo's. What
    each is called is settled before anything runs, and nothing that the user gave is ever replaced.

    Each is written when it is done; what is killed keeps those that are, and the same call does the rest.

    Also raises what the stages raise.

    Args:
        hand: Called with each path as soon as it is written.

    Raises:
        SomeFailed: Where photos have no result, and others have; it names them with the reasons.
        InputInvalid: Where all are unusable.
        SpecError: For a photo or a model that is not there, or a folder that results cannot be written to.
        ResultExists: Where a result would fall on what was given, or on another file that differs.
        NoSpace: Where the disk for results is full.
        ImageNotBuilt: Where an image is not built.
    """
    check_photos(removal.photos)
    store = Store(removal.store)
    network, run, common = found_network(removal, store)
    photographs = settled(removal.photos, removal.layers)
    delivery = _prepared_delivery(removal, photographs, store, say)
    batch = PhotoDelivery(store, photographs, delivery, removal.layers, removal.arrays, say, hand)
    network = prepared_network(network, removal, listener, say)
    with store.scratch("photos") as folder:
        for photograph, error in copy_photographs(photographs, folder, store.root):
            batch.fail(photograph, error)
        past = _past_results(removal, network, folder, common, store)
        batch.hand_over_past(past, folder)
        if not batch.pending:
            past.tidy(())
            return batch.finish(None)
        if removal.of_arrays:
            describe_arrays(folder)
        stages = _stages(removal, network, folder, common, source_digest(store))
        logs = store.layout.logs(run) / "remove"
        planned = planned_stages(stages, store, "remove", logs, common.device)
        try:
            found = executed_stages(planned, store, removal.execution(fan_out(listener, batch.listen), say))
        except SirrError as error:
            return batch.finish(error)
        past.tidy([artifact.key for artifact in found.values() if artifact.manifest.kind == "prepare"])
        return batch.finish(None)


def check_photos(photos: tuple[Path, ...]) -> None:
    """Refuse names of nothing, and pictures among arrays.

    Raises:
        SpecError: For those.
    """
    missing = [str(photo) for photo in photos if not os.path.lexists(photo)]
    if len({photo.suffix == ARRAY_SUFFIX for photo in photos}) > 1:
        raise SpecError("there are pictures and arrays among them", hint="give one kind at a time")
    if missing:
        raise SpecError(f"no such picture: {', '.join(missing)}", hint="check the paths")


def _prepared_delivery(
    removal: Removal, photographs: list[Photograph], store: Store, say: Callable[[str], None]
) -> Delivery:
    """Return where results go, after everything about it that can be known before they are computed was checked."""
    given = [*removal.photos, *([removal.onnx] if removal.onnx else [])]
    delivery = Delivery(removal.out, tuple(given), removal.overwrite, store.layout.kept)
    names = [photograph.result(words) for photograph in photographs for words in removal.layers]
    for name in names:
        delivery.check(name)
    delivery.prepare(sum(photo.stat().st_size for photo in removal.photos if photo.is_file()) // 2)
    for photograph in photographs:
        if photograph.stem != photograph.path.stem:
            say(f"the result of '{photograph.path}' is called '{photograph.result()}', as names must differ")
    there = sum((removal.out / name).is_file() for name in names)
    if there and not removal.overwrite:
        say(f"{there} of the results are there already: those that differ are left as they are (see --overwrite)")
    return delivery


@dataclass(frozen=True)
class Common:
    """What an experiment says of how its pictures go through its networks."""

    inference: Inference = field(default_factory=Inference)
    memory: int | None = None
    device: Device = "cpu"


def found_network(removal: Removal, store: Store) -> tuple[Path, str, Common]:
    """Return the exported network, the run that it belongs to, and how that run's pictures go through it."""
    if removal.onnx is not None:
        if not removal.onnx.is_file():
            raise SpecError(f"no such network: {removal.onnx}", hint="check the path")
        return removal.onnx.absolute(), "onnx", Common(memory=removal.memory_bytes or _MEMORY_BYTES)
    reference = model_reference(removal.model or "")
    results = recorded_results(reference.run, store)
    document = results.document
    refuse_without_network(document, reference)
    stages = {stage.name.partition("/")[2]: stage.name for stage in document.stages if stage.kind in {"export", "wrap"}}
    if reference.model not in stages:
        raise SpecError(
            f"run {str(reference.run)!r} has no model {reference.model!r}; it has: {', '.join(stages)}",
            hint="choose one of them",
        )
    artifact = results.artifacts.get(stages[reference.model])
    if artifact is None:
        raise SpecError(
            f"the model {str(reference)!r} is not exported yet",
            hint=f"run the experiment {document.name!r} to its end first; or: sirr-orch export {reference}",
        )
    memory = removal.memory_bytes or document.memory_bytes
    device: Device = "cuda" if document.device == "cuda" else "cpu"
    common = Common(Inference.model_validate(document.inference), memory, device)
    return artifact.output, document.name, common


def prepared_network(network: Path, removal: Removal, listener: Listener, say: Callable[[str], None]) -> Path:
    """Return a found network as inference takes it: a file from outside may have to be wrapped first.

    Raises what `usable_network` raises.
    """
    if removal.onnx is None:
        return network
    return usable_network(
        network, removal.declared, removal.execution(listener, say), removal.memory_bytes or _MEMORY_BYTES
    )


def _past_results(removal: Removal, network: Path, folder: Path, common: Common, store: Store) -> PastResults:
    """Return what the store has of single photographs taken through the network in this way."""

    def digest(path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        return store.digest(path) if path == network else ""  # the pictures' own comes in its place

    *before, infer = _stages(removal, network, folder, common, digest)
    programs = stage_programs(stage_images([*before, infer]), common.device)
    return PastResults(store, before[0] if before else None, infer, programs)


def _stages(removal: Removal, network: Path, folder: Path, common: Common, digest: Digest) -> list[Stage]:
    inference = _inference(removal, common)
    label = removal.model.partition("/")[2] if removal.model else "network"
    infer = infer_stage(
        label,
        _DATASET,
        inference,
        device=common.device,
        memory_bytes=common.memory,
        arrays=removal.arrays,
        as_photos=not removal.of_arrays,
        each_alone=True,
    )
    sources = {"network": Source(network, digest(network))}
    if removal.of_arrays:
        sources["dataset"] = Source(folder, digest(folder))
        return [replace(infer, inputs={}, sources=sources)]
    photos = PhotosDataset(kind="photos", folder=folder, pictures="*")
    prepare = prepare_stage(_DATASET, photos, digest, memory_bytes=common.memory, each_alone=True)
    inputs = {name: source for name, source in infer.inputs.items() if name != "network"}
    return [prepare, replace(infer, inputs=inputs, sources=sources)]


def _inference(removal: Removal, common: Common) -> Inference:
    if removal.tile:
        return Inference(mode="tiles", tile=removal.tile)
    return Inference(mode="whole") if removal.whole else common.inference


def describe_arrays(folder: Path) -> None:
    """Make a prepared dataset of the arrays in a folder."""
    items = []
    for path in sorted(folder.iterdir()):
        height, width = array_size(path)
        items.append(DatasetItem(path.stem, height, width, path.name, blended=path.name))
    DatasetFile(_DATASET, "photos", tuple(items), _DATASET).save(folder)
