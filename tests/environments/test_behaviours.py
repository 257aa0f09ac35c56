"""Declared behaviours are true of the code, and what a change of code asks for is said."""

import json

import pytest

from orchestrator.environments.behaviours import (
    BehaviourChange,
    behaviour_changes,
    behaviour_entry,
    recorded_behaviours,
)
from orchestrator.spec.library import image_names, load_image


def test_every_declared_behaviour_is_true_of_the_code_that_it_reaches():
    assert [change.sentence for change in behaviour_changes(recorded_behaviours())] == []


def test_nothing_is_recorded_that_no_image_declares():
    recorded = {(image, kind) for image, kinds in recorded_behaviours().items() for kind in kinds}
    assert recorded == {(name, kind) for name in image_names() for kind in load_image(name).behaviours}


@pytest.fixture(scope="module")
def record():
    """What is true of the code as it is."""
    return {
        name: {kind: behaviour_entry(load_image(name), kind) for kind in load_image(name).behaviours}
        for name in image_names()
    }


def changes(record, change):
    changed = json.loads(json.dumps(record))
    change(changed)
    return [found.sentence for found in behaviour_changes(changed)]


def test_changed_code_is_named_with_the_kinds_that_reach_it(record):
    def change(changed):
        for kinds in changed.values():
            for entry in kinds.values():
                if "netkit/synthesis.py" in entry["files"]:
                    entry["files"]["netkit/synthesis.py"] = "0" * 16

    found = changes(record, change)
    assert {sentence.split(":")[0] for sentence in found} >= {"zhang2018/train", "errnet2019/train", "ibcln2020/train"}
    assert not any(sentence.startswith(("inference/", "errnet2019/export")) for sentence in found)
    assert all("netkit/synthesis.py (changed)" in sentence and "make behaviours" in sentence for sentence in found)


def test_a_version_that_is_not_the_recorded_one_is_said(record):
    declared = load_image("metrics").behaviours["overlap"]
    for recorded, words in [
        (declared - 1, f"version {declared - 1} -> {declared} is declared and not recorded"),
        (declared + 1, "versions only grow"),
    ]:
        (sentence,) = changes(
            record, lambda changed, as_was=recorded: changed["metrics"]["overlap"].update(version=as_was)
        )
        assert sentence.startswith("metrics/overlap: ")
        assert words in sentence


def test_a_kind_without_a_record_is_said(record):
    (sentence,) = changes(record, lambda changed: changed["errnet2019"].pop("train"))
    declared = load_image("errnet2019").behaviours["train"]
    assert sentence.startswith(f"errnet2019/train: its behaviour is declared (version {declared}) and not recorded")


def test_files_that_are_new_or_gone_are_told_apart():
    change = BehaviourChange("metrics", "overlap", 1, 1, {"a.py": "new", "b.py": "gone"})
    assert "a.py (new), b.py (gone)" in change.sentence


KEPT_APART = {
    "metrics": ("stagekit/measures", "orchestrator/metrics/standard.py", "orchestrator/metrics/course2024.py"),
    "views": ("orchestrator/report/",),
}


def test_no_training_export_or_inference_reaches_metrics_protocols_or_views(record):
    for name, kinds in record.items():
        for kind in set(kinds) & {"train", "adopt", "export", "release", "infer"}:
            reached = [file for file in kinds[kind]["files"] for part in KEPT_APART.values() if file.startswith(part)]
            assert reached == [], f"{name}/{kind}"
