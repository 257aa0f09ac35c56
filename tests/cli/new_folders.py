"""Folders to write a spec from, and the command that writes it."""

import json
import os
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from PIL import Image
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from orchestrator.cli.app import app
from tests.datasets.raw import trees


def picture(path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 32), (9, 8, 7)).save(path)


def pairs(folder: str, names: Any = range(1, 7), blended: str = "blended/{}.png", truth: str = "gt/{}.jpg") -> None:
    for name in names:
        picture(f"{folder}/{blended.format(name)}")
        picture(f"{folder}/{truth.format(name)}")


def files(folder: str, *names: str) -> None:
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked into")


def network(path: str, height: int | str = "h") -> None:
    kind = helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, height, "w"])
    answer = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, height, "w"])
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "g", [kind], [answer])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def prepared(folder: str, **changes: Any) -> None:
    """Prepare a dataset of three pairs, lay it there, and change its index."""
    done = CliRunner().invoke(app, ["data", "add", str(trees.ceilnet(Path(f"raw-{folder}"), 3)), "--name", folder])
    assert done.exit_code == 0, done.output
    os.rename(Path("..", "data", "prepared", folder), folder)
    index = Path(folder, "index.json")
    index.write_text(json.dumps(json.loads(index.read_text()) | changes))


def new(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["new", *arguments], input=typed)


def planned(*arguments: str) -> tuple[dict[str, Any], Result]:
    """Write a spec, plan it by its own file, and return its content and what was said."""
    done = new(*arguments)
    assert done.exit_code == 0, done.exception
    plan = CliRunner().invoke(app, ["plan", "spec.yaml", "--store", "store"])
    assert plan.exit_code == 0, (plan.exception, Path("spec.yaml").read_text())
    assert not Path("store").exists()
    return YAML(typ="safe").load(Path("spec.yaml").read_text(encoding="utf-8")), done
