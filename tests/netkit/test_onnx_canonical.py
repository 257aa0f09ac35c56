"""The canonical form of an exported network: one file whatever the converter called things, and the same numbers."""

from __future__ import annotations

import random

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from netkit.onnx_canonical import canonical


def network(seed: int) -> onnx.ModelProto:
    """Return two convolutions and sizes computed from the picture; names, order and copies of constants are drawn."""
    draw = random.Random(seed)
    marks: dict[str, str] = {}

    def called(name: str) -> str:
        return marks.setdefault(name, f"{name}__{draw.randrange(10**6)}")

    def constant(name: str, values: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(values, called(name)))
        return called(name)

    tensors: list[onnx.TensorProto] = []
    rng = np.random.default_rng(0)
    kernels = rng.normal(0, 0.2, (4, 3, 3, 3)).astype(np.float32), rng.normal(0, 0.2, (3, 4, 3, 3)).astype(np.float32)
    two = constant("two", np.array([2], np.int64))
    other = constant("other two", np.array([2], np.int64)) if draw.random() < 0.5 else two
    nodes = [
        helper.make_node("Conv", ["image", constant("w", kernels[0])], [called("wide")], called("n"), pads=[1] * 4),
        helper.make_node("Relu", [called("wide")], [called("rest")], called("n2")),
        helper.make_node("Conv", [called("rest"), constant("v", kernels[1])], ["reflection"], pads=[1] * 4),
        helper.make_node("Shape", [called("wide")], [called("shape")]),
        helper.make_node("Gather", [called("shape"), two], [called("rows")]),
        helper.make_node("Mul", [called("rows"), other], [called("double")]),
        helper.make_node("Cast", [called("double")], [called("scale")], to=TensorProto.FLOAT),
        helper.make_node("Add", ["image", called("scale")], ["transmission"]),
        helper.make_node("Relu", [called("wide")], [called("nobody reads this")]),
    ]
    ranks = [(draw.random(), node) for node in nodes]
    ordered: list[onnx.NodeProto] = []
    known = {"image", *(tensor.name for tensor in tensors)}
    while ranks:
        ready = [pair for pair in ranks if set(pair[1].input) <= known]
        pair = min(ready, key=lambda one: one[0])
        ranks.remove(pair)
        ordered.append(pair[1])
        known.update(pair[1].output)
    draw.shuffle(tensors)
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, "height", "width"))
        for name in ("image", "transmission", "reflection")
    }
    outputs = [values["transmission"], values["reflection"]]
    inner = [helper.make_tensor_value_info(called("wide"), TensorProto.FLOAT, None)]
    graph = helper.make_graph(ordered, f"made {seed}", [values["image"]], outputs, tensors, value_info=inner)
    domains = [helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("", 16)]
    draw.shuffle(domains)
    return helper.make_model(graph, opset_imports=domains, ir_version=8, producer_name="converter")


def answers(model: onnx.ModelProto) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).random((1, 3, 9, 7), np.float32)
    found: list[np.ndarray] = session.run(["transmission", "reflection"], {"image": image})
    return found


def test_names_order_and_copies_of_constants_change_no_byte_and_no_number() -> None:
    models = [network(seed) for seed in range(12)]
    assert len({model.SerializeToString() for model in models}) == len(models)
    forms = [canonical(model) for model in models]
    assert len({form.SerializeToString(deterministic=True) for form in forms}) == 1
    onnx.checker.check_model(forms[0], full_check=True)
    for model in models[:3]:
        for expected, found in zip(answers(model), answers(forms[0]), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_canonical_form_has_what_the_outputs_need_and_nothing_else() -> None:
    form = canonical(network(3))
    assert sorted(node.op_type for node in form.graph.node) == sorted(
        ["Conv", "Relu", "Conv", "Shape", "Gather", "Mul", "Cast", "Add"]
    )
    assert len(form.graph.initializer) == 3
    assert [value.name for value in form.graph.output] == ["transmission", "reflection"]
    assert not form.graph.value_info
    assert canonical(form).SerializeToString(deterministic=True) == form.SerializeToString(deterministic=True)


def test_other_weights_are_another_file() -> None:
    model, other = network(0), network(0)
    values = numpy_helper.to_array(other.graph.initializer[0]).copy()
    values.flat[0] += 1
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, other.graph.initializer[0].name))
    assert canonical(model).SerializeToString() != canonical(other).SerializeToString()


def test_operation_that_holds_a_graph_is_refused() -> None:
    branch = helper.make_graph([], "branch", [], [])
    model = network(0)
    model.graph.node[-1].attribute.append(helper.make_attribute("body", branch))
    with pytest.raises(ValueError, match="holds a graph"):
        canonical(model)
