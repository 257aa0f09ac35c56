"""The way of docs/how-to/without-a-registry.md, walked: pack here, unpack elsewhere without a network, run on."""

import json
import re
import signal
import subprocess

import pytest

from orchestrator.store.check import check_store
from orchestrator.store.layout import Layout, log_name
from tests.end_to_end.conftest import ROOT, Program, fresh_local_program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

SPEC = """\
name: away
models:
  - {model: ibcln2020, recipe: {epochs: 6, limit: 4, crop: 64}}
train: {synthetic: skimage-train, real: skimage-real}
test: [skimage-test]
metrics: [psnr]
features: random
"""


class Offline(Program):
    """The command in a network namespace of its own, which has no network."""

    def argv(self, *arguments):
        return ["unshare", "-n", *super().argv(*arguments)]


@pytest.fixture
def stopped(tmp_path_factory, tmp_path):
    """Return the command with a store in which a training was stopped half-way."""
    here = fresh_local_program(tmp_path_factory)
    spec = tmp_path / "away.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    said, asked = [], False
    with here.start("run", spec, "--build", "--engine", "local", "--grace", "300") as process:
        for line in process.stdout:
            said.append(line)
            if not asked and re.search(r"train/ibcln2020: \d+ of 12 steps", line):
                process.send_signal(signal.SIGINT)
                asked = True
    assert process.returncode == 12, "".join(said)
    return here


def test_packed_training_goes_on_elsewhere_without_a_network(stopped, tmp_path):
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("optional: no right to make a network namespace")
    alone = subprocess.run(["unshare", "-n", "cat", "/proc/net/dev"], capture_output=True, text=True, check=True)
    assert [line.split(":")[0].strip() for line in alone.stdout.splitlines()[2:]] == ["lo"]
    pack = tmp_path / "away.tar"
    said = stopped("store", "pack", "away", pack, "--with-environments")
    assert "1 stopped stage," in said
    listed = subprocess.run(["tar", "tf", pack], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^staging/[0-9a-f]{64}/work/checkpoint\.", listed, re.MULTILINE)
    there = Offline(tmp_path / "elsewhere" / "store", "local")
    there("store", "unpack", pack)
    pack.unlink()
    document = json.loads(
        subprocess.run(
            there.argv("runs", "show", "away", "--json"), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )
    spec = tmp_path / "elsewhere" / "away.yaml"
    spec.write_text(document["spec"]["text"], encoding="utf-8")
    said = there("run", spec, "--engine", "local")
    assert "report: " in said
    layout = Layout(there.store)
    assert check_store(layout).sound
    training = there.output("away", "train/ibcln2020").parent
    assert json.loads((training / "manifest.json").read_text())["facts"]["resumed"] is True
    log = (layout.logs("away") / log_name("train/ibcln2020")).read_text()
    assert int(re.search(r'"done": (\d+)', log)[1]) > 1, "no step is taken twice"
    assert (there.store / "runs" / "away" / "report" / "index.html").is_file()
