from pathlib import Path

import pytest

from orchestrator.plan.keys import identities
from orchestrator.plan.plan import experiment_plan
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.load import image_names
from orchestrator.spec.resolve import resolve
from orchestrator.spec.weights import released_files

RECIPES = {image: f"{number:064x}" for number, image in enumerate((*image_names(), "orchestrator"))}
FEATURE_FILES = tuple(file.name for file in released_files() if file.kind == "features")


def name_digest(path: Path) -> str:
    """A digest for plans: the name stands for the content."""
    return path.name.encode().hex().ljust(64, "0")[:64]


@pytest.fixture
def planned(tmp_path):
    """Plan an experiment with two networks, scored and shown test sets, and pretrained features."""
    for folder in ("holiday", "mine", "features"):
        (tmp_path / folder).mkdir()
    for name in FEATURE_FILES:
        (tmp_path / "features" / name).write_text(name)

    def plan(digest=name_digest, recipes=RECIPES, **changes):
        fields = {
            "name": "first",
            "models": ["errnet2019", {"model": "ibcln2020", "name": "short", "recipe": {"crop": 64}}],
            "train": {"synthetic": "skimage-train", "real": "skimage-real"},
            "test": ["skimage-test", "holiday"],
            "datasets": {
                "holiday": {"kind": "photos", "folder": str(tmp_path / "holiday")},
                "mine": {"kind": "layers", "folder": str(tmp_path / "mine")},
            },
            "features_folder": str(tmp_path / "features"),
            **changes,
        }
        made = experiment_plan(resolve(Experiment.model_validate(fields), tmp_path / "first.yaml"), digest)
        return made, identities(made, recipes)

    return plan
