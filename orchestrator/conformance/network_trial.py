"""The stages by which a network of a plug-in is tried, as the planner makes them for an experiment."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from orchestrator.conformance.trial import Trials
from orchestrator.conformance.trial_pictures import (
    DATASET,
    LAYERS,
    SIZES_OF_NETWORKS,
    write_trial_layers,
    write_trial_pictures,
)
from orchestrator.plan.plan import Plan, adopt_stage, experiment_plan, infer_stage
from orchestrator.plan.single import explain_stage, network_shape, release_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.experiment import Inference
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.store import Artifact
from stagekit.results.dataset import DatasetFile

INFERENCE = "inference"
"""The image that takes pictures through exported networks."""

EXPLAINED_BYTES = 8 * 2**30
"""Memory with which a network is explained: what it leaves for maps tells what the process takes for itself."""


class NetworkTrial:
    """A network of a plug-in with generated pictures; its stages read nothing that another command could find."""

    def __init__(self, name: str, trials: Trials) -> None:
        """Write the pictures, and plan.

        Raises:
            SpecError: Where no experiment can be planned with the network.
        """
        self.spec = trials.library.model(name)
        self._trials = trials
        self._layers, self._pictures = trials.folder / LAYERS, trials.folder / DATASET
        self._layers.mkdir()
        self._pictures.mkdir()
        write_trial_layers(self._layers)
        self.dataset: DatasetFile = write_trial_pictures(self._pictures, SIZES_OF_NETWORKS)

    def train(self, epochs: int | None = None) -> Stage:
        """Return the stage that trains by the spec's trial, which the store knows by its recipe.

        Args:
            epochs: Other than those of the trial.
        """
        stage = self._plan(epochs).stage(stage_name("train", self.spec.name))
        return replace(stage, inputs={}, sources={"synthetic": self._trials.source(self._layers)}, after=())

    def export(self, weights: Artifact, label: str) -> Stage:
        """Return the stage that exports weights."""
        stage = self._plan().stage(stage_name("export", self.spec.name))
        source = self._trials.source(weights.output)
        return replace(stage, name=stage_name("export", label), inputs={}, sources={"weights": source}, after=())

    def release(self, weights: Artifact) -> Stage:
        """Return the stage that writes weights as the authors' program reads them."""
        shape = network_shape(self.spec, self.spec.trial_recipe)
        source = self._trials.source(weights.output)
        return release_stage(self.spec.name, self.spec.name, self.spec.image, shape, source)

    def adopt(self, checkpoint: Path, label: str) -> Stage:
        """Return the stage that takes over a checkpoint, a folder."""
        return adopt_stage(label, self.spec, self.spec.trial_recipe, checkpoint, self._digest)

    def infer(self, network: Artifact, mode: Literal["exact", "whole"], memory_bytes: int | None = None) -> Stage:
        """Return the stage that takes the pictures through an exported network, each for itself."""
        stage = infer_stage(
            f"{self.spec.name}-{mode}",
            DATASET,
            Inference(mode=mode),
            model=self.spec.name,
            memory_bytes=memory_bytes,
            arrays=True,
            each_alone=True,
        )
        sources = {"network": self._network(network), "dataset": self._trials.source(self._pictures)}
        return replace(stage, inputs={}, sources=sources)

    def explain(self, network: Artifact) -> Stage:
        """Return the stage that says how the largest picture would go through an exported network."""
        sizes = [list(max(SIZES_OF_NETWORKS.values()))]
        stage = explain_stage(self.spec.name, {"sizes": sizes}, memory_bytes=EXPLAINED_BYTES)
        return replace(stage, sources={"network": self._network(network)})

    def copy_released(self, released: Artifact, files: tuple[str, ...], folder: Path) -> Path:
        """Copy what the authors' program reads of a release into a folder of its own, and return that."""
        folder.mkdir()
        for name in files:
            shutil.copyfile(released.output / name, folder / name)
        return folder

    def _network(self, exported: Artifact) -> Source:
        return self._trials.source(network_file(exported))

    def _digest(self, path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        del dataset  # folders are hashed whole
        return self._trials.source(path).digest

    def _plan(self, epochs: int | None = None) -> Plan:
        recipe = dict(self.spec.trial)
        content = {
            "name": "plugin-check",
            "models": [{"model": self.spec.name, "recipe": recipe if epochs is None else {**recipe, "epochs": epochs}}],
            "train": {"synthetic": LAYERS},
            "test": [DATASET],
            "datasets": {
                LAYERS: {"kind": "layers", "folder": str(self._layers)},
                DATASET: {"kind": "photos", "folder": str(self._pictures)},
            },
            "features": "random",
        }
        path = self._trials.folder / "experiment.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML too
        experiment = load_experiment(path, None, self._trials.library)
        return experiment_plan(resolve(experiment, path, None, self._trials.library), self._digest)


def network_file(exported: Artifact) -> Path:
    """Return the network that an export has left."""
    return exported.output / "network.onnx"
