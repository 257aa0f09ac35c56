"""Writes the store of this version that later versions must be able to read, and what its report must say.

usage: python -m tests.stores.make_store NAME --environments FOLDER

writes tests/stores/NAME.tar.xz and tests/stores/NAME.json. FOLDER holds local environments; the images `metrics` and
`inference` are built there where they are missing.

Pictures are prepared, compared, taken through networks and scored by the images' own programs in their own
environments. Trainings, adoptions and exports are played: their networks multiply a picture by a number, so that a few
kilobytes of any framework are not needed. One network's training fails on purpose.

A file that was written once is never written again: it stands for the stores that people have.
"""

import argparse
import io
import json
import platform
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Capabilities, Claim, Environment, Job, Running, RunningJob, anybody
from orchestrator.engine.select import Selection
from orchestrator.environments.builder import BuildSettings
from orchestrator.execute.build import build_images, built_environments
from orchestrator.execute.command import RunRequest, planned, recorded_overrides
from orchestrator.execute.experiment_run import run_experiment
from orchestrator.execute.run import RunOptions
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.stopper import Stopper
from orchestrator.spec.load import load_image
from orchestrator.store.reference import run_reference
from orchestrator.store.store import Store
from stagekit import StageContext, StageError
from stagekit.results.adopt import AdoptFile
from stagekit.results.apart import save_apart
from stagekit.results.curves import CurvePoint, CurvesFile
from stagekit.results.export import ExportCheck, ExportFile
from stagekit.results.train import TrainFile
from tests.engine.fake import FakeEngine, Faults

HERE = Path(__file__).parent
REAL = ("metrics", "inference")
SIZE = (26, 38)
SPEC = """\
name: kept
note: a small comparison that later versions must show as it was
models:
  - {{model: errnet2019, seeds: [1, 2], recipe: {{epochs: {epochs}, limit: 8}}}}
  - {{model: ibcln2020, name: taken, weights: {{checkpoint: released.pth}}}}
  - {{model: zhang2018, name: broken}}
features: random
metrics: [psnr, ssim]
protocols: [standard, errnet2019]
test: [street]
train: {{synthetic: clean, validation: {{dataset: street, every: 2}}}}
datasets:
  street: {{kind: pairs, folder: street, title: Street, source: made for the tests}}
  clean: {{kind: layers, folder: clean}}
memory: 4GiB
"""


def picture(seed: int) -> np.ndarray:
    """Return a picture, uint8, (H, W, 3): smooth, with other values in every corner and channel."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    waves = [np.sin(rows * a + b) + np.cos(columns * c + d) for a, b, c, d in rng.uniform(0.05, 0.4, (3, 4))]
    return (60 + 45 * (np.stack(waves, axis=2) + 2)).clip(0, 255).astype(np.uint8)


def write_pictures(folder: Path) -> None:
    """Write the test pairs, the pictures to train on, the photographs and the checkpoint."""
    for number in range(3):
        scene, reflection = picture(number), picture(10 + number)
        for part, values in (("blended", scene * 0.75 + reflection * 0.25), ("transmission", scene)):
            target = folder / "street" / part / f"{number + 1}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(target)
    for name, seeds in (("clean", (20, 21)), ("holiday", (30,))):
        (folder / name).mkdir()
        for seed in seeds:
            Image.fromarray(picture(seed)).save(folder / name / f"{seed}.png")
    (folder / "released.pth").write_bytes(b"released weights")


def train(context: StageContext) -> None:
    """Play a training: the gain of the network depends on seed and epochs. Zhang's fails."""
    if context.setting("model") == "zhang2018":
        raise StageError("the discriminator's loss is not finite after step 3", "lower the learning rate")
    epochs = context.setting("recipe")["epochs"]
    seed = context.request.seed
    points = [CurvePoint(step, 0, {"pixel": 1 / step, "vgg": 0.5 / step}, 1e-4, step / 4) for step in (1, 2, 3)]
    output, facts = context.output(), context.facts()
    Path(output, "weights.json").write_text(json.dumps({"gain": 0.9 + 0.01 * seed + 0.02 * epochs}), encoding="utf-8")
    save_apart(CurvesFile(tuple(points)), output, facts)
    save_apart(TrainFile(3, epochs, 24, "random", 5, (), 0.75, 0.1), output, facts)


def adopt(context: StageContext) -> None:
    """Play an adoption."""
    Path(context.output("weights.json")).write_text(json.dumps({"gain": 0.955}), encoding="utf-8")
    save_apart(AdoptFile("released", 2, 7, ("left out: optimizer",)), context.output(), context.facts())


def export(context: StageContext) -> None:
    """Write a network that multiplies the picture by its weight; after an epoch, by a little less."""
    gain = json.loads(Path(context.input("weights", "weights.json")).read_text(encoding="utf-8"))["gain"]
    snapshot = context.request.settings.get("snapshot")
    gain -= 0.03 if snapshot is not None else 0
    shape = [1, 3, "height", "width"]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["image", "gain"], ["transmission"])],
        "gain",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("transmission", TensorProto.FLOAT, shape)],
        [helper.make_tensor("gain", TensorProto.FLOAT, [], [gain])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.save(model, context.output("network.onnx"))
    checks = (ExportCheck(8, 9, "transmission", 0.0),)
    found = ExportFile(("image",), ("transmission",), 16, 1e-4, checks, "numpy 1.26")
    save_apart(found, context.output(), context.facts())


class MixedEngine:
    """Stages of `metrics` and `inference` run as they always do, those of networks are played."""

    name = "local"

    @property
    def capabilities(self) -> Capabilities:
        return self._real.capabilities

    def __init__(self, real: LocalEngine) -> None:
        self._real = real
        self._played = FakeEngine({"train": train, "adopt": adopt, "export": export}, Faults())

    def start(self, job: Job) -> Running:
        return (self._real if job.environment.image in REAL else self._played).start(job)

    def sweep(self, claim: Claim = anybody) -> Sequence[str]:
        return self._real.sweep(claim)

    def jobs(self) -> Sequence[RunningJob]:
        return self._real.jobs()

    def paths_in_use(self) -> set[Path]:
        return self._real.paths_in_use()


def environments_of(store: Store, engine: LocalEngine) -> dict[str, Environment]:
    """Return real environments of the images that are used, and names for the others."""
    selection, settings = Selection(engine, "engine: local"), BuildSettings.from_environment()
    for built in build_images(map(load_image, REAL), "cpu", selection, store.root, settings, lambda _line: None):
        sys.stderr.write(f"{built.sentence}\n")
    real = built_environments(map(load_image, REAL), "cpu", selection, store.root, settings)
    played = ("errnet2019", "ibcln2020", "zhang2018")
    return {**real, **{name: Environment("local", name, "0" * 64, "not built: played") for name in played}}


def make(folder: Path, environments: Path) -> Store:
    """Make the store: two revisions of one run, and a run of its own that was stopped before anything ran."""
    write_pictures(folder)
    (folder / "store").mkdir()
    (folder / "store" / "environments").symlink_to(environments.resolve())
    store = Store(folder / "store")
    real = LocalEngine(store.layout.stagings)
    made = environments_of(store, real)
    for epochs in (2, 3):
        spec = folder / "kept.yaml"
        spec.write_text(SPEC.format(epochs=epochs), encoding="utf-8")
        request = RunRequest(spec, store.root, photos=(folder / "holiday",))
        comparison = planned(request)
        overrides = recorded_overrides(request, RunOptions())
        result = run_experiment(
            comparison, store, MixedEngine(real), made, lambda _event: None, Stopper(), RunOptions(), overrides
        )
        assert set(result.failures) == {"train/broken"}, result.failures
    return store


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Return what protocol 'standard' means, written anew."""
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(10 * np.log10(255.0**2 / error))


def expected(store: Store) -> dict[str, Any]:
    """Return what reports of the store must say: computed here from the pictures, not read from its scores."""
    found: dict[str, Any] = {}
    for number in (1, 2):
        results = recorded_results(run_reference(f"kept@{number}"), store)
        truth = pixels_of(results.artifacts["prepare/street"].output, "transmission")
        scores = {"input": mean_psnr(pixels_of(results.artifacts["prepare/street"].output, "blended"), truth)}
        for label in ("errnet2019-seed1", "errnet2019-seed2", "taken"):
            answers = pixels_of(results.artifacts[f"infer/{label}/street"].output, "transmission")
            scores[label] = mean_psnr(answers, truth)
        found[str(number)] = {
            "psnr": scores,
            "networks": {
                entrant.label: results.artifacts[f"export/{entrant.label}"].manifest.files["network.onnx"].sha256
                for entrant in results.document.entrants
                if entrant.label != "broken"
            },
        }
    return found


def pixels_of(output: Path, layer: str) -> list[np.ndarray]:
    """Return the pictures of a layer in the order of their names."""
    return [np.array(Image.open(path)) for path in sorted((output / layer).glob("*.png"))]


def mean_psnr(answers: list[np.ndarray], truth: list[np.ndarray]) -> float:
    """Return the mean over pictures."""
    return float(np.mean([psnr(*pair) for pair in zip(answers, truth, strict=True)]))


def packed(store: Store, folder: Path) -> bytes:
    """Return the store as a file: what lasts of it, with neither times nor owners, and no folder of this machine."""
    stream = io.BytesIO()
    wanted = [store.layout.version, *sorted(store.layout.artifacts.rglob("*")), *sorted(store.layout.runs.rglob("*"))]
    with tarfile.open(fileobj=stream, mode="w:xz", preset=9) as archive:
        for path in wanted:
            name = path.relative_to(store.root)
            if not path.is_file() or "report" in name.parts or "logs" in name.parts or name.name == "report-key.json":
                continue
            content = path.read_bytes()
            if path.is_relative_to(store.layout.runs):
                content = content.replace(str(folder).encode(), b"/example")
            assert str(folder).encode() not in content, path
            entry = tarfile.TarInfo(name.as_posix())
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def main() -> None:
    """Make the store and write it with what its reports must say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--environments", type=Path, required=True)
    options = parser.parse_args()
    target = HERE / f"{options.name}.tar.xz"
    if target.exists():
        parser.error(f"{target} is there: a store that was written once is never written again")
    platform.node = lambda: "example"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        store = make(folder, options.environments)
        content, said = packed(store, folder), expected(store)
    target.write_bytes(content)
    target.with_suffix("").with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}: {len(content) / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main()
