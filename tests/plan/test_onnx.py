"""ONNX files in a plan: wrapped first, then as every other network, and only their own stages follow them."""

import pytest
from onnx import TensorProto

from tests.netkit.onnx_files import save, small

MODELS = ["errnet2019"]


@pytest.fixture
def entrant(tmp_path):
    path = save(small(), tmp_path / "net.onnx", "net.data")
    return {"onnx": str(path), "name": "mine"}


def test_a_file_is_wrapped_then_goes_on_as_every_network(planned, entrant):
    plan, _ = planned(models=[{**entrant, "range": [0, 255], "channels": "bgr", "multiple_of": 8, "residual": True}])
    assert plan.stages[0].name == "wrap/mine"
    wrap = plan.stage("wrap/mine")
    assert (wrap.kind, wrap.image, wrap.inputs, wrap.after) == ("wrap", "inference", {}, ())
    assert wrap.settings == {
        "input": "x",
        "outputs": {"transmission": "y"},
        "data": {"net.data": "data-0"},
        "taken": {"scale": [255, 255, 255], "shift": [0, 0, 0]},
        "answered": {"scale": [255, 255, 255], "shift": [0, 0, 0]},
        "channels": "bgr",
        "multiple_of": 8,
        "residual": "subtract",
        "free_size": False,
    }
    assert {name: source.path.name for name, source in wrap.sources.items()} == {
        "network": "net.onnx",
        "data-0": "net.data",
    }
    for dataset in ("skimage-test", "holiday"):
        infer = plan.stage(f"infer/mine/{dataset}")
        assert infer.inputs == {"network": "wrap/mine", "dataset": f"prepare/{dataset}"}
    scored = plan.stage("evaluate/mine/skimage-test/standard")
    assert scored.inputs["predictions"] == "infer/mine/skimage-test"
    assert not [stage.name for stage in plan.stages if stage.kind in {"train", "adopt", "export", "overlap"}]


def test_adding_a_file_runs_only_its_stages(planned, entrant):
    _, before = planned(models=MODELS)
    _, after = planned(models=[*MODELS, entrant])
    assert {name: one.key for name, one in before.items()}.items() <= {n: one.key for n, one in after.items()}.items()
    assert {name.split("/")[1] for name in after.keys() - before.keys()} == {"mine"}


@pytest.mark.parametrize(
    "changes",
    [
        {"range": [0, 255]},
        {"output_range": [0, 255]},
        {"channels": "bgr"},
        {"multiple_of": 4},
        {"residual": True},
        {"residual": "add"},
    ],
)
def test_what_is_declared_is_in_the_key(planned, entrant, changes):
    def key(**more):
        return planned(models=[{**entrant, **more}])[1]["wrap/mine"].key

    assert key(**changes) != key()


def test_what_further_channels_hold_is_in_the_key(planned, tmp_path):
    takes = ("x", TensorProto.FLOAT, (1, 2, "h", "w"))
    entrant = {"onnx": str(save(small(takes=takes), tmp_path / "net.onnx")), "name": "mine", "channels": "each"}
    plans = [planned(models=[{**entrant, "further_channels": [number]}])[1]["wrap/mine"] for number in (0.1, 0.2)]
    assert plans[0].key != plans[1].key


def test_names_are_not_in_keys_and_contents_are(planned, entrant):
    def keys(digest=None, **more):
        options = {} if digest is None else {"digest": digest}
        _, found = planned(models=[{**entrant, **more}], **options)
        label = more.get("name", "mine")
        return [found[f"{kind}/{label}{rest}"].key for kind, rest in (("wrap", ""), ("infer", "/skimage-test"))]

    def other(path, dataset=None):
        return ("a" if path.name == "net.data" else "b") * 64

    assert keys() == keys(name="other", title="Another", source="somewhere")
    assert keys(other) != keys(lambda path, dataset=None: "b" * 64)
