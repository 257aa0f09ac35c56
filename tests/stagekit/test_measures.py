"""The table of metrics, protocols and controls: nothing else names them, and nothing else must change."""

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.metrics.protocol import function_of
from stagekit import measures

ROOT = Path(__file__).parents[2]
NAMES = {
    *measures.PROTOCOLS,
    *measures.CONTROLS,
    *(metric.name for metric in measures.metrics()),
}
OTHER_MEANINGS = {
    ("orchestrator/datasets/raw/layout_folders.py", "input"): "what a published set calls its folder",
    ("orchestrator/datasets/prediction_matching.py", "input"): "how programs call the files that they write",
    ("orchestrator/datasets/prediction_matching.py", "truth"): "how programs call the files that they write",
    ("orchestrator/execute/data.py", "input"): "what published sets call their folders",
    ("orchestrator/execute/data.py", "truth"): "what published sets call their folders",
    ("orchestrator/report/machine/crate.py", "input"): "a property of RO-Crate",
    ("orchestrator/spec/validation.py", "input"): "a field of pydantic's errors",
    ("orchestrator/environments/local.py", "lpips"): "the package",
    ("orchestrator/spec/onnx_network.py", "input"): "a network's input",
    ("orchestrator/plan/wrapping.py", "input"): "a network's input",
    ("orchestrator/cli/infer.py", "input"): "a network's input",
    ("images/inference/inference_program/wrap_network.py", "input"): "a network's input",
    ("orchestrator/spec/authors_choice.py", "input"): "what a command is given",
    ("stagekit/command.py", "input"): "what a command is given",
}
"""Texts that are the same by chance, and what they mean."""


def texts(path: Path) -> list[str]:
    """Return the texts of a module, or of a script, that are no comments or docstrings."""
    if path.suffix == ".js":
        source = re.sub(r"//.*|(?:addEventListener|createElement)\(\"input\"", "", path.read_text(encoding="utf-8"))
        return [text for _quote, text in re.findall(r"(['\"])(\w+)\1", source)]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def sources() -> list[Path]:
    folders = [ROOT / "orchestrator", ROOT / "stagekit", *(ROOT / "images").glob("*/*_program"), ROOT / "docs"]
    found = [path for folder in folders for ending in ("*.py", "*.js") for path in folder.rglob(ending)]
    return [path for path in found if "vendor" not in path.parts and path != ROOT / "stagekit" / "measures.py"]


def test_nothing_but_the_table_names_a_metric_a_protocol_or_a_control() -> None:
    stray = {(str(path.relative_to(ROOT)), text) for path in sources() for text in texts(path) if text in NAMES}
    assert stray - set(OTHER_MEANINGS) == set()
    assert set(OTHER_MEANINGS) - stray == set(), "no longer there: take it out of this list"


def test_what_trains_exports_and_infers_does_not_import_the_table() -> None:
    images = [path for path in (ROOT / "images").iterdir() if path.is_dir() and path.name != "metrics"]
    others = [path for folder in (*images, ROOT / "orchestrator" / "infer") for path in folder.rglob("*.py")]
    assert len(others) > 50
    importing = [path for path in others if "stagekit.measures" in path.read_text(encoding="utf-8")]
    assert importing == []
    assert "measures" not in (ROOT / "stagekit" / "__init__.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", [metric for protocol in measures.PROTOCOLS.values() for metric in protocol.metrics])
def test_metric_has_its_function_and_the_scale_of_its_name(metric: measures.Metric) -> None:
    assert callable(function_of(metric))
    scale = measures.metric_named(metric.name).scale
    assert replace(metric.scale, identical=scale.identical) == scale


@pytest.mark.parametrize("protocol", measures.PROTOCOLS.values(), ids=list(measures.PROTOCOLS))
def test_what_a_faulty_metric_meant_stands_beside_it(protocol: measures.Protocol) -> None:
    names = [metric.name for metric in protocol.metrics]
    assert len(set(names)) == len(names)
    assert {metric.meant for metric in protocol.metrics if metric.meant} <= set(names)
    assert not any(metric.meant or metric.tells_fault for metric in protocol.metrics) or protocol.fault


@pytest.mark.slow
def test_entry_and_function_are_all_that_a_new_protocol_and_metric_need(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "images")])
    script = "import sys, pathlib; from tests.stagekit.own_protocol import main; main(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
