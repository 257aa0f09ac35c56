"""Takes the reflection out of the user's own pictures with a model of a finished run."""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.delivery import Delivery
from orchestrator.errors import OutputInvalid, SpecError
from orchestrator.execute.events import Listener
from orchestrator.execute.photographs import ARRAY_SUFFIX, Photograph, array_size, copy_photographs, settled
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.run_stages import ExecutionRequest, RunOptions, executed_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.plan.plan import infer_stage, prepare_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.results import read_result
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.experiment import Inference
from orchestrator.spec.names import Device, EngineName
from orchestrator.spec.stage_names import stage_kind, stage_name
from orchestrator.store.reference import model_reference
from orchestrator.store.store import Artifact, Store
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.predictions import PredictionsFile

_DATASET = "photos"
_MEMORY_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Removal:
    """What `sirr-orch remove` was asked for.

    Attributes:
        photos: Pictures, or arrays of floats (``.npy``, (H, W, 3), RGB, 0 to 1), not both.
        model: RUN/MODEL, or None where `onnx` names a network's file.
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


def remove_reflections(removal: Removal, listener: Listener, say: Callable[[str], None]) -> list[Path]:
    """Write a result for each photo, of its size and named after it, and return their paths in the photos' order.

    Results of TIFF photos are TIFF files, all others PNG; depth, colour profile and transparency are the photo's. What
    each is called is settled before anything runs, and nothing that the user gave is ever replaced.

    Also raises what the stages raise.

    Raises:
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
    with store.scratch("photos") as folder:
        copy_photographs(photographs, folder, store.root)
        stages = _stages(removal, photographs, network, folder, common, store)
        logs = store.layout.logs(run) / "remove"
        planned = planned_stages(stages.values(), store, "remove", logs, common.device)
        artifacts = executed_stages(planned, store, removal.execution(listener, say))
        return _deliver(artifacts, photographs, removal, delivery)


def check_photos(photos: tuple[Path, ...]) -> None:
    """Refuse what is no file, and pictures among arrays.

    Raises:
        SpecError: For those.
    """
    missing = [str(photo) for photo in photos if not photo.is_file()]
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
    delivery.prepare(sum(photo.stat().st_size for photo in removal.photos) // 2)
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
    labels = [stage.name.removeprefix("export/") for stage in document.stages if stage.kind == "export"]
    if reference.model not in labels:
        raise SpecError(
            f"run {str(reference.run)!r} has no model {reference.model!r}; it has: {', '.join(labels)}",
            hint="choose one of them",
        )
    artifact = results.artifacts.get(stage_name("export", reference.model))
    if artifact is None:
        raise SpecError(
            f"the model {str(reference)!r} is not exported yet",
            hint=f"run the experiment {document.name!r} to its end first; or: sirr-orch export {reference}",
        )
    memory = removal.memory_bytes or document.memory_bytes
    device: Device = "cuda" if document.device == "cuda" else "cpu"
    common = Common(Inference.model_validate(document.inference), memory, device)
    return artifact.output, document.name, common


def _stages(
    removal: Removal, photographs: Sequence[Photograph], network: Path, folder: Path, common: Common, store: Store
) -> dict[str, Stage]:
    inference = _inference(removal, common)
    label = removal.model.partition("/")[2] if removal.model else removal.out.name
    infer = infer_stage(
        label,
        _DATASET,
        inference,
        device=common.device,
        memory_bytes=common.memory,
        arrays=removal.arrays,
        as_photos=not removal.of_arrays,
    )
    sources = {"network": Source(network, store.digest(network))}
    if removal.of_arrays:
        describe_arrays(folder, photographs)
        sources["dataset"] = Source(folder, store.digest(folder))
        return {infer.name: replace(infer, inputs={}, sources=sources)}
    photos = PhotosDataset(kind="photos", folder=folder, pictures="*")
    prepare = prepare_stage(_DATASET, photos, source_digest(store), memory_bytes=common.memory)
    inputs = {name: source for name, source in infer.inputs.items() if name != "network"}
    return {prepare.name: prepare, infer.name: replace(infer, inputs=inputs, sources=sources)}


def _inference(removal: Removal, common: Common) -> Inference:
    if removal.tile:
        return Inference(mode="tiles", tile=removal.tile)
    return Inference(mode="whole") if removal.whole else common.inference


def describe_arrays(folder: Path, photographs: Sequence[Photograph]) -> None:
    """Make a prepared dataset of arrays.

    Raises:
        SpecError: Names every array that is no picture.
    """
    items, problems = [], []
    for photograph in photographs:
        try:
            height, width = array_size(folder / photograph.copy)
        except ValueError as error:
            problems.append(f"'{photograph.path}' {error}")
            continue
        name = photograph.copy
        items.append(DatasetItem(Path(name).stem, height, width, name, blended=name))
    if problems:
        raise SpecError("; ".join(problems), hint="save (height, width, 3), RGB, floats from 0 to 1, with numpy.save")
    DatasetFile(_DATASET, "photos", tuple(items), _DATASET).save(folder)


def _deliver(
    artifacts: Mapping[str, Artifact], photographs: Sequence[Photograph], removal: Removal, delivery: Delivery
) -> list[Path]:
    """Copy the predictions out of the store, named after the photos."""
    infer = next(artifact for name, artifact in artifacts.items() if stage_kind(name) == "infer")
    ids = {photograph.copy: Path(photograph.copy).stem for photograph in photographs}
    for stage, dataset in artifacts.items():
        if stage_kind(stage) == "prepare":
            ids = {Path(item.origin).name: item.id for item in read_result(DatasetFile, dataset.output).items}
    by_id = {item.id: item for item in read_result(PredictionsFile, infer.output).items}
    written = []
    for photograph in photographs:
        item = by_id.get(ids.get(photograph.copy, ""))
        if item is None:
            raise OutputInvalid(f"no result came for {photograph.path}", hint="look into the log of the infer stage")
        for layer, words in [(item.transmission, ""), (item.reflection, "-reflection")][: 1 + removal.reflection]:
            if layer is not None:
                source = infer.output / layer
                written.append(delivery.copy(source, f"{photograph.stem}{words}{source.suffix}"))
        if removal.arrays:
            for source in sorted((infer.output / "arrays").glob(f"{glob.escape(item.id)}.*{ARRAY_SUFFIX}")):
                written.append(delivery.copy(source, f"{photograph.stem}{source.name.removeprefix(item.id)}"))
    return written
