"""Takes the reflection out of the user's own pictures with a model of a finished run."""

import glob
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.errors import OutputInvalid, SpecError
from orchestrator.execute.events import Listener
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.run_stages import ExecutionRequest, RunOptions, executed_stages, planned_stages
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

    def execution(self, listener: Listener, say: Callable[[str], None]) -> ExecutionRequest:
        """Return how its stages are run."""
        return ExecutionRequest(self.store, self.engine, listener, say, options=RunOptions(threads=self.threads))

    @property
    def of_arrays(self) -> bool:
        """Whether the pictures are arrays."""
        return self.photos[0].suffix == ".npy"


def remove_reflections(removal: Removal, listener: Listener, say: Callable[[str], None]) -> list[Path]:
    """Write a result for each photo, of its size and named after it, and return their paths in the photos' order.

    Results of TIFF photos are TIFF files, all others PNG; depth, colour profile and transparency are the photo's.

    Also raises what the stages raise.

    Raises:
        SpecError: For a photo or a model that is not there.
        ImageNotBuilt: Where an image is not built.
    """
    _check_photos(removal.photos)
    store = Store(removal.store)
    network, run, common = found_network(removal, store)
    with store.scratch("photos") as folder:
        names = gathered(removal.photos, folder)
        stages = _stages(removal, network, folder, common, store)
        logs = store.layout.logs(run) / "remove"
        planned = planned_stages(stages.values(), store, "remove", logs, common.device)
        artifacts = executed_stages(planned, store, removal.execution(listener, say))
        return _deliver(artifacts, names, removal)


def _check_photos(photos: tuple[Path, ...]) -> None:
    missing = [str(photo) for photo in photos if not photo.is_file()]
    if len({photo.suffix == ".npy" for photo in photos}) > 1:
        raise SpecError("there are pictures and arrays among them", hint="give one kind at a time")
    if missing:
        raise SpecError(f"no such picture: {', '.join(missing)}", hint="check the paths")


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


def gathered(photos: tuple[Path, ...], folder: Path) -> list[str]:
    """Copy the photos side by side under names that do not clash, and return the names."""
    names: list[str] = []
    for number, photo in enumerate(photos):
        clash = any(photo.stem == Path(name).stem for name in names)
        name = f"{photo.stem}-{number}{photo.suffix}" if clash else photo.name
        try:
            os.link(photo.resolve(), folder / name)
        except OSError:
            shutil.copy2(photo, folder / name)
        names.append(name)
    return names


def _stages(removal: Removal, network: Path, folder: Path, common: Common, store: Store) -> dict[str, Stage]:
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
        describe_arrays(folder)
        sources["dataset"] = Source(folder, store.digest(folder))
        return {infer.name: replace(infer, inputs={}, sources=sources)}
    photos = PhotosDataset(kind="photos", folder=folder)
    prepare = prepare_stage(_DATASET, photos, store.digest, memory_bytes=common.memory)
    inputs = {name: source for name, source in infer.inputs.items() if name != "network"}
    return {prepare.name: prepare, infer.name: replace(infer, inputs=inputs, sources=sources)}


def _inference(removal: Removal, common: Common) -> Inference:
    if removal.tile:
        return Inference(mode="tiles", tile=removal.tile)
    return Inference(mode="whole") if removal.whole else common.inference


def describe_arrays(folder: Path) -> None:
    """Make a prepared dataset of arrays."""
    items = []
    for name, identifier in array_ids(path.name for path in folder.iterdir()).items():
        try:
            height, width = np.load(folder / name, allow_pickle=False).shape[:2]
        except (OSError, ValueError, EOFError) as error:
            raise SpecError(f"{name} is no array of a picture: {error}", hint="save it with numpy.save") from error
        items.append(DatasetItem(identifier, height, width, name, blended=name))
    DatasetFile(_DATASET, "photos", tuple(items), _DATASET).save(folder)


def array_ids(names: Iterable[str]) -> dict[str, str]:
    """Return the id of each array in a folder by its file's name."""
    ordered = sorted(names)
    return dict(zip(ordered, safe_identifiers(Path(name).stem for name in ordered), strict=True))


def _deliver(artifacts: Mapping[str, Artifact], names: list[str], removal: Removal) -> list[Path]:
    """Copy the predictions out of the store, named after the photos."""
    infer = next(artifact for name, artifact in artifacts.items() if stage_kind(name) == "infer")
    ids = array_ids(names)
    for stage, dataset in artifacts.items():
        if stage_kind(stage) == "prepare":
            ids = {Path(item.origin).name: item.id for item in read_result(DatasetFile, dataset.output).items}
    by_id = {item.id: item for item in read_result(PredictionsFile, infer.output).items}
    removal.out.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        item = by_id.get(ids.get(name, ""))
        if item is None:
            raise OutputInvalid(f"no result came for {name}", hint="look into the log of the infer stage")
        for layer, words in [(item.transmission, ""), (item.reflection, "-reflection")][: 1 + removal.reflection]:
            if layer is not None:
                source = infer.output / layer
                written.append(_copy(source, removal.out / f"{Path(name).stem}{words}{source.suffix}"))
        if removal.arrays:
            found = sorted((infer.output / "arrays").glob(f"{glob.escape(item.id)}.*.npy"))
            for path in found:
                target = removal.out / f"{Path(name).stem}{path.name.removeprefix(item.id)}"
                written.append(_copy(path, target))
    return written


def _copy(source: Path, target: Path) -> Path:
    """Copy without the store's read-only mode; a result replaces an earlier one of the same photo."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    return target
