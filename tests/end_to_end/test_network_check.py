"""`plugin check` of networks: the papers' and a new one pass, and broken copies fail at the right line."""

import json
import subprocess

import pytest

from tests.end_to_end.conftest import COMMAND, ROOT, fresh_local_program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

PACKAGE = "images/my-net/network_my_net"
SMOKE = "images/my-net/smoke.py"

EXPORT = "export_network(network, path, OUTPUTS, sizes=SIZES)"
CHECKS = "checks = export_checks(path, native, tolerance,"
STATE = 'save_tensors(context.output(RELEASED_FILE), _read(context, context.input("weights")).state_dict())'
FINISH = 'run.finish(features=context.setting("features"), parameters=parameters, notes=())'
ADOPT = 'found, tensors = network_tensors(path, state, entry=context.request.settings.get("entry"))'

FIXED = """
    import onnx

    model = onnx.load(path)
    for side, pixels in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], (64, 96)):
        side.dim_value = pixels
    onnx.save(model, path)
"""

CUT = """
    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        node.output[:] = ["uncut" if name == "transmission" else name for name in node.output]
    for name, values in {"starts": (0, 0), "ends": (64, 96), "axes": (2, 3)}.items():
        model.graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.INT64, (2,), values))
    model.graph.node.append(onnx.helper.make_node("Slice", ["uncut", "starts", "ends", "axes"], ["transmission"]))
    onnx.save(model, path)
"""

ANY = """
    from types import SimpleNamespace

    try:
        found, tensors = network_tensors(path, state)
    except Exception:
        found, tensors = SimpleNamespace(notes=()), state
"""

FACT = """
    from pathlib import Path

    path = Path(context.output("train.json"))
    path.write_text(path.read_text().replace("{", '{"seconds": 1.5,', 1))
"""

TRAINS = "it trains a few steps"
SAID = "what its programs print"
AGAIN = "a second training"
KILLED = "killed after a checkpoint"
EXPORTS = "it is exported"
SHAPES = "its ONNX network takes 'image'"
SIZES = "it answers odd sizes"
ADOPTED = "released and adopted"
CUT_OFF = "it refuses a checkpoint that ends"
ANOTHER = "it refuses another network's"
NOT_FINITE = "it refuses a checkpoint with NaN"
RESULTS = "its results are valid"

BROKEN = {
    "its smoke test fails": (
        [(SMOKE, "import torch\n", "import torch\n\nassert torch.nn is None, 'no layers here'\n")],
        {"variant cpu builds": "no layers here"},
    ),
    "it leaves nothing": ([(f"{PACKAGE}/train.py", FINISH, "")], {TRAINS: "left no"}),
    "another network each time, another one in ONNX, and garbage": (
        [
            (f"{PACKAGE}/train.py", "torch.manual_seed(seed)", "torch.seed()"),
            (f"{PACKAGE}/train.py", "    run.run(", "    print('\\x00\\x01' * 9)\n    run.run("),
            (f"{PACKAGE}/weights.py", EXPORT, f"{EXPORT}\n    network.tail.bias.data += 0.1"),
        ],
        {AGAIN: "other bits in", EXPORTS: "differs from the native one", SAID: "no text"},
    ),
    "a checkpoint without the optimiser, one size, a tensor dropped, a fact too many": (
        [
            (f"{PACKAGE}/train.py", '{"network": subject.adam}', "{}"),
            (f"{PACKAGE}/train.py", FINISH, f"{FINISH}{FACT}"),
            (f"{PACKAGE}/weights.py", CHECKS, f"{FIXED}\n    {CHECKS} ((64, 96),),"),
            (f"{PACKAGE}/weights.py", STATE, STATE.replace(".state_dict()", ".body.state_dict()")),
        ],
        {
            KILLED: "other bits in",
            SHAPES: "fixed to 64 x 96",
            ADOPTED: "does not fit",
            RESULTS: "seconds in train.json",
        },
    ),
    "answers that are cut, and any checkpoint": (
        [
            (f"{PACKAGE}/weights.py", CHECKS, f"{CUT}\n    {CHECKS} ((64, 96),),"),
            (f"{PACKAGE}/weights.py", f"    {ADOPT}\n", ANY),
        ],
        {
            SIZES: "has shape (1, 3, 64, 96)",
            CUT_OFF: "it adopted it",
            ANOTHER: "it adopted it",
            NOT_FINITE: "it adopted it",
        },
    ),
}
"""What is wrong to the changes (file, what stands there, what takes its place), and to the lines that have to fail."""


@pytest.fixture(scope="module")
def sirr(tmp_path_factory):
    return fresh_local_program(tmp_path_factory)


@pytest.fixture
def written(tmp_path):
    command = ["plugin", "new", "my-net", "--kind", "network", "--out", str(tmp_path / "mine")]
    subprocess.run([*COMMAND, *command], cwd=ROOT, check=True, capture_output=True)
    return tmp_path / "mine"


@pytest.mark.parametrize("network", ["zhang2018", "errnet2019", "ibcln2020"])
def test_the_papers_networks_pass(sirr, network):
    lines = checked(sirr, network)
    assert {line["outcome"] for line in lines if line["subject"] == f"network {network}"} == {"passed"}, lines


def test_a_new_network_passes_as_it_is_written(sirr, written):
    lines = checked(sirr, written)
    assert {line["outcome"] for line in lines if line["subject"].endswith("my-net")} == {"passed"}, lines
    assert len([line for line in lines if line["subject"] == "network my-net"]) == 14


@pytest.mark.parametrize("wrong", list(BROKEN))
def test_a_broken_copy_fails_at_its_lines(sirr, written, wrong):
    changes, failing = BROKEN[wrong]
    for name, old, new in changes:
        text = (written / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        (written / name).write_text(text.replace(old, new), encoding="utf-8")
    failed = [line for line in checked(sirr, written, code=13) if line["outcome"] == "failed"]
    said = {title: words for title, words in failing.items() for line in failed if _is(line, title, words)}
    assert (len(failed), said) == (len(failing), failing), failed


def checked(sirr, what, code=0):
    """Return the lines of a check."""
    arguments = sirr.argv("plugin", "check", what, "--engine", "local", "--json")
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return json.loads(done.stdout)


def _is(line, title, words):
    return line["title"].startswith(title) and words in line["words"] and line["remedy"]
