"""Takes the reflection out of the user's own pictures with a model of a finished run."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.recipe import recipe_hash
from orchestrator.errors import ImageNotBuilt, OutputInvalid, SpecError
from orchestrator.execute.build import built_environments, chosen_engine
from orchestrator.execute.command import kept_request, planned
from orchestrator.execute.events import Listener, Planned
from orchestrator.execute.realise import World
from orchestrator.execute.run import realise_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import identities
from orchestrator.plan.plan import Plan, infer_stage, prepare_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.experiment import Experiment, Inference
from orchestrator.spec.load import load_image
from orchestrator.spec.names import EngineName
from orchestrator.store.store import Artifact, Store

_DATASET = "photos"


@dataclass(frozen=True)
class Removal:
    """What `sirr-orch remove` was asked for.

    model: RUN/MODEL; tile: side of the overlapping tiles, None for the whole picture at once
    """

    photos: tuple[Path, ...]
    model: str
    out: Path
    store: Path
    engine: EngineName = "auto"
    tile: int | None = None
    reflection: bool = False


def remove_reflections(removal: Removal, listener: Listener, say: Callable[[str], None]) -> list[Path]:
    """Write one PNG for each photo, of its size and named after it, and return their paths in the photos' order.

    Raises: SpecError for a photo or a model that is not there, ImageNotBuilt, and what the stages raise.
    """
    _check_photos(removal.photos)
    store = Store(removal.store)
    network, experiment = _network(removal.model, store)
    with tempfile.TemporaryDirectory(dir=store.root / "staging", prefix="photos-") as folder:
        names = _gather(removal.photos, Path(folder))
        stages = _stages(removal, network, Path(folder), experiment, store)
        artifacts = _realise(stages, removal, store, listener, say)
        return _deliver(artifacts, names, removal)


def _check_photos(photos: tuple[Path, ...]) -> None:
    missing = [str(photo) for photo in photos if not photo.is_file()]
    if missing:
        raise SpecError(f"no such picture: {', '.join(missing)}", hint="check the paths")


def _network(model: str, store: Store) -> tuple[Artifact, Experiment]:
    """Return the exported network that RUN/MODEL names, and the experiment it belongs to."""
    run, slash, label = model.partition("/")
    if not slash or not label:
        raise SpecError(f"--model {model!r} is not RUN/MODEL", hint="write for example --model quickstart/errnet2019")
    experiment = planned(kept_request(run, store)).resolved.experiment
    exports = {
        name.removeprefix("export/"): key for name, key in store.run(run).keys().items() if name.startswith("export/")
    }
    if label not in exports:
        raise SpecError(f"run {run!r} has no model {label!r}; it has: {', '.join(exports)}", hint="choose one of them")
    artifact = store.artifact(exports[label])
    if artifact is None:
        raise SpecError(f"the model {model!r} is not exported yet", hint=f"run the experiment {run!r} to its end first")
    return artifact, experiment


def _gather(photos: tuple[Path, ...], folder: Path) -> list[str]:
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


def _stages(
    removal: Removal, network: Artifact, folder: Path, experiment: Experiment, store: Store
) -> dict[str, Stage]:
    inference = Inference(mode="tiles", tile=removal.tile) if removal.tile else experiment.inference
    memory = experiment.memory
    prepare = prepare_stage(_DATASET, PhotosDataset(kind="photos", folder=folder), store.digest, memory_bytes=memory)
    label = removal.model.partition("/")[2]
    infer = infer_stage(label, _DATASET, inference, device=experiment.device, memory_bytes=memory)
    source = Source(network.output, store.digest(network.output))
    inputs = {name: of for name, of in infer.inputs.items() if name != "network"}
    infer = replace(infer, inputs=inputs, sources={"network": source})
    return {prepare.name: prepare, infer.name: infer}


def _realise(
    stages: Mapping[str, Stage], removal: Removal, store: Store, listener: Listener, say: Callable[[str], None]
) -> dict[str, Artifact]:
    variant = next(stage.device for stage in stages.values() if stage.kind == "infer")
    images = {stage.image: load_image(stage.image) for stage in stages.values() if stage.image is not None}
    recipes = {name: recipe_hash(image, variant) for name, image in images.items()}
    known = identities(Plan(tuple(stages.values())), recipes)
    selection = chosen_engine(removal.engine, removal.store)
    say(selection.sentence)
    environments = built_environments(images, variant, selection, removal.store, BuildSettings.from_environment())
    unbuilt = [name for name in images if name not in environments]
    if unbuilt:
        raise ImageNotBuilt(f"images not built: {', '.join(unbuilt)}", hint=f"run: sirr-orch build {' '.join(unbuilt)}")
    stopper = Stopper()
    world = World(
        store=store,
        engine=selection.engine,
        environments=environments,
        modules={name: image.module for name, image in images.items()},
        listener=listener,
        stopper=stopper,
        run="remove",
        logs=store.root / "runs" / removal.model.partition("/")[0] / "logs" / "remove",
    )
    listener(Planned({name: identity.key for name, identity in known.items()}))
    with stopper.listening():
        walked = realise_stages(stages, known, {}, world)
    for error in walked.failures.values():
        raise error
    return walked.results


def _deliver(artifacts: Mapping[str, Artifact], names: list[str], removal: Removal) -> list[Path]:
    """Copy the predictions out of the store, named after the photos."""
    dataset = next(artifact for name, artifact in artifacts.items() if name.startswith("prepare/"))
    infer = next(artifact for name, artifact in artifacts.items() if name.startswith("infer/"))
    items = json.loads((dataset.output / "dataset.json").read_text(encoding="utf-8"))["items"]
    ids = {Path(item["origin"]).name: item["id"] for item in items}
    predictions = json.loads((infer.output / "predictions.json").read_text(encoding="utf-8"))["items"]
    by_id = {item["id"]: item for item in predictions}
    removal.out.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        item = by_id.get(ids.get(name, ""))
        if item is None:
            raise OutputInvalid(f"no result came for {name}", hint="look into the log of the infer stage")
        written.append(_copy(infer.output / item["transmission"], removal.out / f"{Path(name).stem}.png"))
        if removal.reflection and item.get("reflection"):
            written.append(_copy(infer.output / item["reflection"], removal.out / f"{Path(name).stem}-reflection.png"))
    return written


def _copy(source: Path, target: Path) -> Path:
    """Copy without the store's read-only mode; a result replaces an earlier one of the same photo."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    return target
