from pathlib import Path
from typing import get_args

import pytest

from orchestrator.plan.keys import Program, ResultDigests, identities
from orchestrator.plan.plan import experiment_plan
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.load import image_names
from orchestrator.spec.names import StageKind
from orchestrator.spec.resolve import resolve
from orchestrator.spec.weights import released_files

IMAGES = image_names()
KINDS = get_args(StageKind)
PROGRAMS = {
    image: Program(
        code=f"{number:064x}",
        behaviours=dict.fromkeys(KINDS, 1),
        environment={"lock": f"{number + 100:064x}", "python": "3.11"},
        pinned_threads=frozenset({"train"}),
        pinned_memory=frozenset({"infer"}),
    )
    for number, image in enumerate(IMAGES)
}
"""Programs of which every kind declares a behaviour."""
FEATURE_FILES = tuple(file.name for file in released_files() if file.kind == "features")


def as_new(identity):
    """Say that every stage's result is another wherever its key is another."""
    return ResultDigests(identity.key, identity.key)


def name_digest(path: Path, dataset=None) -> str:
    """A digest for plans: the name stands for the content."""
    return path.name.encode().hex().ljust(64, "0")[:64]


@pytest.fixture
def planned(tmp_path):
    """Plan an experiment with two networks, scored and shown test sets, and pretrained features."""
    for folder in ("holiday", "mine", "features"):
        (tmp_path / folder).mkdir()
    for name in FEATURE_FILES:
        (tmp_path / "features" / name).write_text(name)

    def plan(digest=name_digest, programs=PROGRAMS, result=as_new, **changes):
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
        return made, identities(made.stages, programs, result)

    return plan
