"""A plug-in folder outside the checkout: its network, program, metric and dataset stand in a finished report."""

import json
import shutil

import pytest

from tests.end_to_end.conftest import fresh_local_program
from tests.plugin_folder import write_metric, write_network, write_plugin

pytestmark = [pytest.mark.slow]

SPEC = """\
name: guests
plugins: [mine]
models: [{program: dim2026}]
test: [small-scenes]
metrics: [psnr]
"""
MORE = """\
name: guests
plugins: [mine]
models:
  - {program: dim2026}
  - {model: shade2026, recipe: {shade: 0.75}}
train: skimage-train
accept_overlap: nothing is learnt from any picture here
features: random
test: [small-scenes]
metrics: [psnr, farthest]
"""
LABELS = {"input", "truth", "dim2026", "shade2026"}


@pytest.mark.environment
def test_what_a_plugin_brings_stands_in_the_report(tmp_path_factory, tmp_path):
    stands_in_the_report(fresh_local_program(tmp_path_factory), "local", tmp_path)


@pytest.mark.docker
def test_what_a_plugin_brings_stands_in_the_report_with_docker(docker_program, tmp_path):
    stands_in_the_report(docker_program, "docker", tmp_path)


def stands_in_the_report(sirr, engine, folder):
    plugin, spec = write_network(write_metric(write_plugin(folder / "mine"))), folder / "guests.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    sirr("run", spec, "--build", "--engine", engine)
    spec.write_text(MORE, encoding="utf-8")
    waiting = {stage for stage, row in sirr.plan(spec).items() if row["state"] != "stored"}
    own = {f"{kind}/shade2026" for kind in ("train", "export")} | {"infer/shade2026/small-scenes"}
    measured = {f"measure/{label}/small-scenes/farthest" for label in LABELS}
    added = {"prepare/skimage-train", "overlap", "evaluate/shade2026/small-scenes/standard"}
    assert waiting == own | measured | added
    sirr("run", spec, "--build", "--engine", engine)
    for gone in (False, True):
        if gone:
            shutil.rmtree(plugin)
        sirr("report", "guests")
        report = sirr.store / "runs" / "guests" / "report"
        means = {
            entry["label"]: {name: mean["value"] for name, mean in entry["scores"][0]["means"].items()}
            for entry in json.loads((report / "report.json").read_text())["results"]
        }
        assert means.keys() == LABELS
        assert len({scores["psnr"] for scores in means.values()}) == len(means)
        assert means["truth"]["farthest"] == 0
        assert all(0 < means[name]["farthest"] <= 255 for name in LABELS - {"truth"})
        assert "Farthest" in (report / "index.html").read_text(encoding="utf-8")
        assert "Nobody 2026, table 1" in (report / "published.html").read_text(encoding="utf-8")
    packed = folder / "guests.tar"
    sirr("store", "pack", "guests", packed)
    assert packed.stat().st_size > 0
