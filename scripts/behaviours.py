"""Makes images/behaviours.json true again after code has changed: `make behaviours`.

Where a kind's version was raised, the new fingerprints are recorded. Where it was not, the kind's stages of
scripts/behaviours.yaml are run twice, side by side, in the same locked environments and on the same inputs: with the
code of the commit that last changed the record, and with the code that lies here. Only where all results have the same
bytes, the record is renewed; else the files that differ are named, and nothing is written for that kind.

What these stages do not do is not shown: GPUs, unusual settings. Raise the version where in doubt.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from orchestrator.environments.behaviours import (
    DOCKERFILE,
    BehaviourChange,
    behaviour_changes,
    behaviour_entry,
    record_path,
    recorded_behaviours,
    save_behaviours,
)
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.program import image_program
from orchestrator.errors import SirrError
from orchestrator.execute.build import build_images, chosen_engine
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.stage_execution import execute_stage
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.answers import finish_stage
from orchestrator.plan.keys import stage_identity
from orchestrator.plan.plan import experiment_plan, infer_stage
from orchestrator.plan.single import explain_stage, release_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.experiment import Inference
from orchestrator.spec.library import load_image
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import Resolved, resolve
from orchestrator.store.store import Artifact, Store

ROOT = Path(__file__).resolve().parents[1]
SPEC = Path(__file__).with_suffix(".yaml")


def main() -> int:
    """Bring the record up to date; return 1 where a kind's results changed and its version did not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder, removed at the end")
    parser.add_argument("--commit", help="whose code is the old one; default: that which last changed the record")
    parser.add_argument("--leave", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kinds", nargs="*", default=(), help=argparse.SUPPRESS)
    parser.add_argument("--environments", type=Path, default=ROOT / ".sirr" / "environments", help="where they lie")
    arguments = parser.parse_args()
    if arguments.leave is not None:
        # This program of an earlier commit, started by the present one.
        kinds = asked(arguments.kinds)
        stages = golden_stages(arguments.leave / "data", kinds)
        run_stages(with_inputs(stages, kinds), arguments.leave, arguments.environments)
        return 0
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="behaviours-"))
    try:
        return bring_up_to_date(folder, arguments.environments, arguments.commit)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder)


def bring_up_to_date(folder: Path, environments: Path, commit: str | None) -> int:
    """Record what was raised, prove what was not, and say what is refused."""
    record = {image: dict(kinds) for image, kinds in recorded_behaviours().items()}
    refused, unproven = [], []
    for change in behaviour_changes(record):
        if change.recorded is not None and change.declared < change.recorded:
            refused.append(change.sentence)
        elif change.recorded is None or change.declared > change.recorded:
            print(f"{change.image}/{change.kind}: version {change.declared} is recorded")
            accept(change, record)
        elif DOCKERFILE in change.files:
            refused.append(
                f"{change.image}/{change.kind}: its Dockerfile changed, which no run here can show: raise it"
            )
        else:
            unproven.append(change)
    if unproven:
        differing = compared(unproven, folder, environments, commit or last_commit())
        for change in unproven:
            files = differing[change.image, change.kind]
            if files:
                refused.append(f"{change.image}/{change.kind}: results differ: {', '.join(files)}")
            else:
                print(f"{change.image}/{change.kind}: the same bytes; its record is renewed")
                accept(change, record)
    forget_what_is_gone(record)
    save_behaviours(record)
    for sentence in refused:
        print(f"refused: {sentence}", file=sys.stderr)
    if refused:
        print("raise their versions in images/*/image.yaml, or undo what changed results", file=sys.stderr)
    return 1 if refused else 0


def accept(change: BehaviourChange, record: dict[str, dict[str, Mapping[str, Any]]]) -> None:
    """Record a kind as it is now."""
    record.setdefault(change.image, {})[change.kind] = behaviour_entry(load_image(change.image), change.kind)


def forget_what_is_gone(record: dict[str, dict[str, Mapping[str, Any]]]) -> None:
    """Remove what no image declares any more."""
    for image in list(record):
        declared = load_image(image).behaviours if (ROOT / "images" / image).is_dir() else {}
        for kind in set(record[image]) - set(declared):
            del record[image][kind]
        if not record[image]:
            del record[image]


def last_commit() -> str:
    """Return the commit that last changed the record."""
    argv = ["git", "log", "-1", "--format=%H", "--", str(record_path().relative_to(ROOT))]
    commit = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    if not commit:
        raise SystemExit("no commit has images/behaviours.json yet: commit it first")
    return commit


def compared(
    changes: Sequence[BehaviourChange], folder: Path, environments: Path, commit: str
) -> dict[tuple[str, str], list[str]]:
    """Run the stages of changed kinds with both codes; return by image and kind the files that differ."""
    kinds = [f"{change.image}/{change.kind}" for change in changes]
    print(f"comparing {', '.join(kinds)} with the code of {commit[:12]}", flush=True)
    old = folder / "old"
    old.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(old)], input=archive.stdout, check=True)
    before, after = folder / "before", folder / "after"
    for side in (before, after):
        write_pictures(side / "data")
    argv = [sys.executable, str(old / "scripts" / "behaviours.py"), f"--environments={environments}"]
    argv += [f"--leave={before}", "--kinds", *kinds]
    subprocess.run(argv, cwd=old, env={**os.environ, "PYTHONPATH": str(old)}, check=True)
    stored = {artifact.manifest.stage: artifact for artifact in artifacts(Store(before / "store"))}
    stages = golden_stages(after / "data", asked(kinds))
    chosen = {name: stage for name, stage in stages.items() if (stage.image, stage.kind) in asked(kinds)}
    made = run_stages(chosen, after, environments, stored)
    differing: dict[tuple[str, str], list[str]] = {}
    for kind in sorted(asked(kinds)):
        names = [name for name, stage in stages.items() if (stage.image, stage.kind) == kind]
        differing[kind] = [] if names else ["no stage of scripts/behaviours.yaml is of this kind"]
        for name in names:
            differing[kind] += differences(name, stored.get(name), made.get(name))
    return differing


def differences(name: str, before: Artifact | None, after: Artifact | None) -> list[str]:
    """Return the result files that are not the same in both artifacts of a stage."""
    if before is None or after is None:
        return [f"{name} (it did not run with {'the old' if before is None else 'this'} code)"]
    old, new = before.manifest.files, after.manifest.files
    return [f"{name}: {file}" for file in sorted({*old, *new}) if old.get(file) != new.get(file)]


def asked(kinds: Sequence[str]) -> set[tuple[str, str]]:
    """Return image and kind of each "image/kind"."""
    return {(image, kind) for image, _, kind in (text.partition("/") for text in kinds)}


def golden_stages(data: Path, kinds: set[tuple[str, str]]) -> dict[str, Stage]:
    """Return the stages to run, each after those it reads: of the networks that are asked for, one at the least."""
    spec = data / SPEC.name
    shutil.copyfile(SPEC, spec)
    resolved = resolve(load_experiment(spec), spec)
    wanted = {image for image, _ in kinds}
    models = [model for model in resolved.models if model.spec.image in wanted] or list(resolved.models[1:2])
    resolved = replace(resolved, entrants=(*models, *resolved.programs, *resolved.predictions, *resolved.onnx_files))
    plan = experiment_plan(resolved, lambda path, _described=None: path.name.encode().hex())
    stages = {stage.name: stage for stage in plan.stages}
    for stage in further_stages(resolved):
        stages[stage.name] = stage
    return stages


def with_inputs(stages: Mapping[str, Stage], kinds: set[tuple[str, str]]) -> dict[str, Stage]:
    """Return the stages of some kinds and all that they read, directly or not."""
    needed: set[str] = set()
    for name, stage in reversed(list(stages.items())):
        if name in needed or (stage.image, stage.kind) in kinds:
            needed |= {name, *stage.inputs.values()}
    return {name: stage for name, stage in stages.items() if name in needed}


def further_stages(resolved: Resolved) -> Iterator[Stage]:
    """Yield stages of the kinds that no comparison has: release, adopt, explain, and other ways of inference."""
    for model in resolved.models:
        label = model.label
        weights = {"weights": f"train/{label}"}
        recipe = dict(model.recipe.values)
        release = release_stage(label, model.spec.name, model.spec.image, recipe, Source(SPEC, ""))
        yield replace(release, sources={}, inputs=weights)
        yield replace(
            release, name=f"adopt/{label}", kind="adopt", sources={}, inputs={"checkpoint": f"release/{label}"}
        )
    label = resolved.models[0].label
    tiled = infer_stage(label, "scenes", Inference(mode="tiles", tile=64, overlap=16))
    yield replace(tiled, name=f"{tiled.name}/tiles")
    yield replace(infer_stage(label, "scenes", Inference(mode="whole"), arrays=True), name=f"{tiled.name}/whole")
    photos = infer_stage(label, "photos", Inference(), as_photos=True)
    yield replace(photos, name=f"{photos.name}/as-photos")
    for program in resolved.programs:
        yield finish_stage(program, "photos")
    explain = explain_stage(label, {"sizes": [[413, 587]]}, memory_bytes=2**30)
    yield replace(explain, inputs={"network": f"export/{label}"})


def run_stages(
    stages: Mapping[str, Stage], folder: Path, environments: Path, stored: Mapping[str, Artifact] | None = None
) -> dict[str, Artifact]:
    """Run stages in a store of their own and return their artifacts; what cannot run is said and left out.

    stored: results of the other code, which are read in place of one's own
    """
    (folder / "store").mkdir(exist_ok=True)
    environments.mkdir(parents=True, exist_ok=True)
    (folder / "store" / "environments").symlink_to(environments.absolute())
    store = Store(folder / "store")
    context = execution_context(stages, store, folder)
    made: dict[str, Artifact] = {}
    for name, stage in stages.items():
        there = made if stored is None else stored
        if any(needed not in there for needed in stage.inputs.values()):
            print(f"{name}: not run, for what it reads is not there", flush=True)
            continue
        results = {needed: there[needed].digests for needed in stage.inputs.values()}
        inputs = {key: readable(there[needed].output, stage, folder) for key, needed in stage.inputs.items()}
        inputs |= {key: source.path for key, source in stage.sources.items()}
        identity = stage_identity(stage, context.programs[stage.image], results)
        try:
            made[name] = execute_stage(replace(stage, sources={}), identity, inputs, context)
        except SirrError as error:
            print(f"{name}: failed: {error.message}\n{error.where or ''}", flush=True)
        else:
            print(f"{name}: {made[name].content[:12]}", flush=True)
    return made


def execution_context(stages: Mapping[str, Stage], store: Store, folder: Path) -> ExecutionContext:
    """Return what the stages are run with: local environments, which are built where they are not there."""
    images = {name: load_image(name) for name in sorted({stage.image for stage in stages.values()})}
    selection = chosen_engine("local", store.root)
    say: Callable[[str], None] = lambda _line: None  # noqa: E731
    built = build_images(images.values(), "cpu", selection, store.root, BuildSettings.from_environment(), say)
    return ExecutionContext(
        store=store,
        engine=selection.engine,
        environments={one.image: one.environment for one in built},
        modules={name: image.module for name, image in images.items()},
        programs={name: image_program(image, "cpu") for name, image in images.items()},
        listener=lambda _event: None,
        stopper=Stopper(),
        run="behaviours",
        logs=folder / "logs",
    )


def readable(output: Path, stage: Stage, folder: Path) -> Path:
    """Return the folder that a stage reads; a released checkpoint is one without our own file about it."""
    if stage.kind != "adopt":
        return output
    checkpoint = folder / "checkpoints" / stage.name.replace("/", "-")
    shutil.copytree(output, checkpoint)
    (checkpoint / "release.json").unlink()
    return checkpoint


def artifacts(store: Store) -> Iterator[Artifact]:
    """Yield all artifacts of a store."""
    for manifest in sorted((store.root / "artifacts").glob("*/*/manifest.json")):
        artifact = store.artifact(manifest.parent.name)
        if artifact is not None:
            yield artifact


def write_pictures(folder: Path) -> None:
    """Write layers, pairs and photographs: smooth noise of odd sizes, the same every time."""
    sets: list[tuple[str, list[tuple[int, int]]]] = [("layers", [(60, 71), (57, 45), (41, 52)]), ("photos", [(49, 63)])]
    for name, sizes in sets:
        for number, size in enumerate(sizes):
            write_picture(folder / name / f"{number}.png", number, size)
    write_picture(folder / "photos" / "grey.jpg", 9, (45, 50))
    sets = [("pairs", [(50, 41), (43, 64)]), ("held-out", [(47, 39)])]
    for name, sizes in sets:
        for number, size in enumerate(sizes):
            for layer in ("blended", "transmission"):
                write_picture(folder / name / layer / f"{number}.png", len(name) * len(layer) + number, size)
    write_network(folder / "network.onnx")


def write_network(path: Path) -> None:
    """Write a network of one convolution that halves the sides and doubles them again."""
    values = np.random.default_rng(5).normal(0, 0.2, (3, 3, 3, 3)).astype(np.float32)
    weights = onnx.numpy_helper.from_array(values, "weights")
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    nodes = [
        onnx.helper.make_node("Conv", ["picture", "weights"], ["half"], strides=[2, 2], pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Resize", ["half", "", "scales"], ["answer"], mode="nearest"),
    ]
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, f"{name}-h", f"{name}-w"])
        for name in ("picture", "answer")
    ]
    graph = onnx.helper.make_graph(nodes, "network", ends[:1], ends[1:], [weights, scales])
    opsets = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def write_picture(path: Path, seed: int, size: tuple[int, int]) -> None:
    """Write a picture of some size, (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = size
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path)


if __name__ == "__main__":
    sys.exit(main())
