"""A plug-in folder outside the checkout: its program stands in a finished report, and after it is gone."""

import json
import shutil

import pytest

from tests.end_to_end.conftest import fresh_local_program
from tests.plugin_folder import write_plugin

pytestmark = [pytest.mark.slow]

SPEC = """\
name: guests
plugins: [mine]
models: [{program: dim2026}, {program: dim2026, name: darker, parameters: {factor: 0.5}}]
test: [small-scenes]
metrics: [psnr]
"""


@pytest.mark.environment
def test_a_program_of_a_plugin_stands_in_the_report(tmp_path_factory, tmp_path):
    stands_in_the_report(fresh_local_program(tmp_path_factory), "local", tmp_path)


@pytest.mark.docker
def test_a_program_of_a_plugin_stands_in_the_report_with_docker(docker_program, tmp_path):
    stands_in_the_report(docker_program, "docker", tmp_path)


def stands_in_the_report(sirr, engine, folder):
    plugin, spec = write_plugin(folder / "mine"), folder / "guests.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    sirr("run", spec, "--build", "--engine", engine)
    for gone in (False, True):
        if gone:
            shutil.rmtree(plugin)
        sirr("report", "guests")
        report = sirr.store / "runs" / "guests" / "report"
        scores = {
            entry["label"]: entry["scores"][0]["means"]["psnr"]["value"]
            for entry in json.loads((report / "report.json").read_text())["results"]
        }
        assert {"input", "truth"} < scores.keys()
        assert scores["dim2026"] != scores["darker"]
        assert "Nobody 2026, table 1" in (report / "published.html").read_text(encoding="utf-8")
    packed = folder / "guests.tar"
    sirr("store", "pack", "guests", packed)
    assert packed.stat().st_size > 0
