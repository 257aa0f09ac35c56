"""Networks from outside, wrapped: the answers of the file itself, with pictures made ready and turned by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from netkit.malformed import Malformed
from netkit.onnx_trial import tried
from netkit.onnx_wrapping import Channels, ValueRange, Wrapping, wrapped
from tests.netkit.onnx_files import convolution, half, halving, network, small, weights

PLAIN = Wrapping("x", {"transmission": "y"})
BGR, EACH = Channels("bgr"), Channels("each")
UP_TO_255 = ValueRange((255.0,) * 3)
AROUND_0 = ValueRange((2.0,) * 3, (-1.0,) * 3)
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
IMAGENET = ValueRange(tuple(map(float, 1 / STD)), tuple(map(float, -MEAN / STD)))


def run(model: onnx.ModelProto, values: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = np.ascontiguousarray(values.transpose(2, 0, 1)[None])
    answers = session.run(None, {session.get_inputs()[0].name: given})
    return [answer[0].transpose(1, 2, 0) for answer in answers]


def picture(height: int = 21, width: int = 34) -> np.ndarray:
    return np.random.default_rng(height).random((height, width, 3)).astype(np.float32)


def expected_plain(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return run(model, image)[0]


def expected_255(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return run(model, image * 255)[0] / 255


def expected_around_0(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return (run(model, image * 2 - 1)[0] + 1) / 2


def expected_bgr(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return run(model, np.ascontiguousarray(image[..., ::-1]))[0][..., ::-1]


def expected_imagenet(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return run(model, (image - MEAN) / STD)[0]


def expected_residual(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    values = image * 2 - 1
    return (values - run(model, values)[0] + 1) / 2


def expected_added(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return image + run(model, image)[0]


def expected_padded(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    return run(model, np.pad(image, ((0, 3), (0, 6), (0, 0)), mode="edge"))[0][:21, :34]


def expected_all(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    values = np.pad(image, ((0, 3), (0, 6), (0, 0)), mode="edge")[..., ::-1] * np.float32(255)
    return ((values - run(model, values)[0]) / 255)[..., ::-1][:21, :34]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, expected_plain, id="as-it-is"),
        pytest.param({"taken": UP_TO_255, "answered": UP_TO_255}, expected_255, id="0-to-255"),
        pytest.param({"taken": AROUND_0, "answered": AROUND_0}, expected_around_0, id="-1-to-1"),
        pytest.param({"channels": BGR}, expected_bgr, id="bgr"),
        pytest.param({"taken": IMAGENET}, expected_imagenet, id="imagenet"),
        pytest.param(
            {"taken": AROUND_0, "answered": AROUND_0, "residual": "subtract"}, expected_residual, id="residual"
        ),
        pytest.param({"residual": "add"}, expected_added, id="added"),
        pytest.param({"multiple": 8}, expected_padded, id="padded"),
        pytest.param(
            {"taken": UP_TO_255, "answered": UP_TO_255, "channels": BGR, "multiple": 8, "residual": "subtract"},
            expected_all,
            id="all-at-once",
        ),
    ],
)
@pytest.mark.parametrize("opset", [9, 10, 11, 17])
def test_wrapped_network_answers_as_its_file_by_hand(changes: Any, expected: Any, opset: int) -> None:
    model, image = small(opset=opset), picture()
    wrapping = replace(PLAIN, **changes)
    made = wrapped(model, wrapping)
    onnx.checker.check_model(made, full_check=True)
    (answer,) = run(made, image)
    assert np.abs(answer - expected(model, image)).max() < 2e-6
    trial = tried(model, made, wrapping)
    assert trial.checks
    assert max(check.error for check in trial.checks) < 1e-6
    assert model == small(opset=opset), "the file's model is left as it was"


def of_channels(takes: int, answers: int | None = None, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Return one convolution of other numbers of channels, whose kernel two branches of an If share."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    kernel = weights("k", answers or takes, takes, 3, 3, kind=dtype)
    branches = {
        name: helper.make_graph([convolution("x", name)], name, [], [helper.make_tensor_value_info(name, kind, None)])
        for name in ("then", "else")
    }
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.bool_(True))),
        helper.make_node("If", ["c"], ["y"], "", then_branch=branches["then"], else_branch=branches["else"]),
    ]
    return network(nodes, [kernel], takes=("x", kind, (1, takes, "h", "w")))


def alone(model: onnx.ModelProto, values: np.ndarray, *further: float, kept: int = 1) -> np.ndarray:
    """Return what a network answers to groups of channels, with others behind them that hold one number."""
    maps = np.broadcast_to(np.float32(further), (*values.shape[:2], len(further)))
    parts = np.split(values, 3 // kept, axis=2)
    return np.concatenate([run(model, np.concatenate([part, maps], 2))[0][..., :kept] for part in parts], axis=2)


@pytest.mark.parametrize(
    ("takes", "answers", "channels"),
    [
        pytest.param(1, 1, EACH, id="grey"),
        pytest.param(2, 1, Channels("each", (0.25,)), id="grey-and-noise-level"),
        pytest.param(2, 2, Channels("each", (0.25,)), id="grey-and-opacity"),
        pytest.param(4, 3, Channels("rgb", (0.25,)), id="rgb-and-noise-level"),
        pytest.param(4, 4, Channels("rgb", (1.0,)), id="rgba"),
        pytest.param(6, 3, Channels("bgr", (0.25, -3.0, 0.0)), id="bgr-and-more"),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"multiple": 8, "residual": "subtract", "taken": AROUND_0}], ids=["", "all"])
def test_other_numbers_of_channels_go_as_is_said(takes: int, answers: int, channels: Channels, changes: Any) -> None:
    model, image = of_channels(takes, answers), picture()
    wrapping = replace(PLAIN, channels=channels, **{**changes, "answered": changes.get("taken", PLAIN.answered)})
    made = wrapped(model, wrapping)
    onnx.checker.check_model(made, full_check=True)
    values = np.pad(image, ((0, -21 % wrapping.multiple), (0, -34 % wrapping.multiple), (0, 0)), mode="edge")
    values = values[..., ::-1] if channels.order == "bgr" else values
    values = values * np.float32(wrapping.taken.scale) + np.float32(wrapping.taken.shift)
    expected = alone(model, values, *channels.further, kept=channels.of_picture)
    expected = values - expected if wrapping.residual else expected
    expected = (expected - np.float32(wrapping.taken.shift)) / np.float32(wrapping.taken.scale)
    expected = (expected[..., ::-1] if channels.order == "bgr" else expected)[:21, :34]
    assert np.abs(run(made, image)[0] - expected).max() < 2e-6
    assert max(check.error for check in tried(model, made, wrapping).checks) < 1e-6


def test_weights_are_there_once_however_often_they_are_read() -> None:
    made = wrapped(of_channels(1), replace(PLAIN, channels=EACH))
    assert [tensor.name for tensor in made.graph.initializer if list(tensor.dims) == [1, 1, 3, 3]] == ["network/k"]


def test_a_node_may_be_called_as_a_weight_is() -> None:
    model = of_channels(1)
    for node in model.graph.node:
        node.name = model.graph.initializer[0].name
    made = wrapped(model, replace(PLAIN, channels=EACH))
    assert max(check.error for check in tried(model, made, replace(PLAIN, channels=EACH)).checks) < 1e-6


def test_an_output_that_is_a_weight_has_no_part_of_a_picture() -> None:
    model = of_channels(1)
    model.graph.output[0].name = model.graph.initializer[0].name
    with pytest.raises(Malformed, match="depends on no picture"):
        wrapped(model, replace(PLAIN, channels=EACH, outputs={"transmission": model.graph.initializer[0].name}))


def test_half_floats_go_alone_too() -> None:
    model, wrapping = of_channels(2, 2, TensorProto.FLOAT16), replace(PLAIN, channels=Channels("each", (0.5,)))
    assert tried(model, wrapped(model, wrapping), wrapping).checks


@pytest.mark.parametrize(
    ("takes", "answers", "channels", "words"),
    [
        (3, 3, EACH, "pictures of 3 channels; 1 x 1 x H x W is needed"),
        (4, 4, Channels("rgb", (0.0, 0.0)), "pictures of 4 channels; 1 x 5 x H x W is needed"),
        (1, 3, EACH, r"output 'y' has shape \(1, 3, 64, 96\) for a picture of \(1, 1, 64, 96\)"),
        (3, 1, Channels(), r"output 'y' has shape \(1, 1, 64, 96\) for a picture of \(1, 3, 64, 96\)"),
        (4, 7, Channels("rgb", (0.0,)), r"output 'y' has shape \(1, 7, 64, 96\)"),
    ],
)
def test_other_channels_than_are_said_are_refused(takes: int, answers: int, channels: Channels, words: str) -> None:
    model, wrapping = of_channels(takes, answers), replace(PLAIN, channels=channels)
    with pytest.raises(Malformed, match=words):
        tried(model, wrapped(model, wrapping), wrapping)


def test_half_floats_go_in_and_come_out_as_floats() -> None:
    model, image = half(), picture()
    made = wrapped(model, PLAIN)
    assert made.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    (answer,) = run(made, image)
    assert answer.dtype == np.float32
    assert np.abs(answer - run(model, image.astype(np.float16))[0]).max() < 2e-3
    assert tried(model, made, PLAIN).tolerance == 5e-3


def test_outputs_are_called_as_here_and_others_left_out() -> None:
    nodes = [convolution(), convolution("x", "r", "k2"), helper.make_node("Unknown", ["x"], ["left"], domain="theirs")]
    model = network(nodes, [weights("k", 3, 3, 3, 3), weights("k2", 3, 3, 3, 3, seed=1)], answers=("y", "r", "left"))
    made = wrapped(model, replace(PLAIN, outputs={"transmission": "r", "reflection": "y"}))
    assert [value.name for value in made.graph.output] == ["transmission", "reflection"]
    assert {node.op_type for node in made.graph.node} == {"Conv", "Identity"}
    transmission, reflection = run(made, picture())
    plain = run(network(nodes[:1], [weights("k", 3, 3, 3, 3)]), picture())[0]
    assert np.array_equal(reflection, plain)
    assert not np.array_equal(transmission, plain)


def test_residual_is_of_the_transmission_alone() -> None:
    model = network([convolution(), convolution("x", "r")], [weights("k", 3, 3, 3, 3)], answers=("y", "r"))
    wrapping = Wrapping("x", {"transmission": "y", "reflection": "r"}, residual="subtract")
    transmission, reflection = run(wrapped(model, wrapping), picture())
    assert np.array_equal(transmission, picture() - reflection)


def test_names_that_are_used_around_it_too_do_not_meet() -> None:
    names = ("image", "wrap/values", "sizes/image", "transmission", "wrap/taken/scale")
    nodes = [helper.make_node("Identity", [names[place]], [names[place + 1]]) for place in range(3)]
    nodes.append(helper.make_node("Mul", ["transmission", names[4]], ["y"]))
    scale = numpy_helper.from_array(np.float32(3), names[4])
    model = network(nodes, [scale], takes=("image", TensorProto.FLOAT, (1, 3, "h", "w")))
    wrapping = Wrapping("image", {"transmission": "y"}, UP_TO_255, UP_TO_255, multiple=4)
    assert np.allclose(run(wrapped(model, wrapping), picture())[0], picture() * 3, atol=1e-6)


def test_branches_read_what_lies_around_them() -> None:
    kept = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["kept"])], "kept", [], [helper.make_tensor_value_info("kept", 1, None)]
    )
    turned = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["turned"])], "turned", [], [helper.make_tensor_value_info("turned", 1, None)]
    )
    node = helper.make_node("If", ["true"], ["y"], then_branch=kept, else_branch=turned)
    constants = [numpy_helper.from_array(np.bool_(True), "true"), numpy_helper.from_array(np.float32(2), "two")]
    made = wrapped(network([node], constants), replace(PLAIN, taken=UP_TO_255, answered=UP_TO_255))
    assert np.allclose(run(made, picture())[0], picture() * 2, atol=1e-6)


def test_old_files_list_constants_among_their_inputs() -> None:
    shape = helper.make_tensor_value_info("k", TensorProto.FLOAT, (3, 3, 3, 3))
    model = small(opset=9, ir_version=3, more=(shape,))
    assert np.array_equal(run(wrapped(model, PLAIN), picture())[0], run(small(), picture())[0])


def test_one_size_is_kept_unless_it_is_freed() -> None:
    model = small(takes=("x", TensorProto.FLOAT, (1, 3, 24, 40)))
    made = wrapped(model, PLAIN)
    assert [(check.height, check.width) for check in tried(model, made, PLAIN).checks] == [(24, 40)]
    with pytest.raises(Exception, match="Got: 21 Expected: 24"):
        run(made, picture())
    free = replace(PLAIN, free_size=True)
    freed = wrapped(model, free)
    assert np.array_equal(run(freed, picture())[0], run(small(), picture())[0])
    assert [(check.height, check.width) for check in tried(model, freed, free).checks] == [(24, 40)]


def test_size_that_the_layers_hold_cannot_be_freed() -> None:
    shape = numpy_helper.from_array(np.int64([1, 3, 24, 40]), "shape")
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["r"]), convolution("r", "y")]
    model = network(nodes, [shape, weights("k", 3, 3, 3, 3)], takes=("x", TensorProto.FLOAT, (1, 3, 24, 40)))
    free = replace(PLAIN, free_size=True)
    with pytest.raises(Malformed, match="with a picture of 64 x 96 pixels it fails: Reshape"):
        tried(model, wrapped(model, free), free)


@pytest.mark.parametrize("times", [1, 3])
def test_sizes_that_a_network_cannot_take_are_told_with_the_multiple(times: int) -> None:
    model = halving(times)
    with pytest.raises(Malformed, match=f"61 x 83 pixels.*; it takes multiples of {2**times}: write 'multiple_of: "):
        tried(model, wrapped(model, PLAIN), PLAIN)
    padded = replace(PLAIN, multiple=2**times)
    assert tried(model, wrapped(model, padded), padded).checks


def test_answers_that_are_drawn_by_chance_are_told_as_such_and_not_blamed_on_the_size() -> None:
    noise = helper.make_node("RandomNormalLike", ["x"], ["n"], scale=0.1)
    model = network(
        [noise, convolution("x", "c"), helper.make_node("Add", ["c", "n"], ["y"])], [weights("k", 3, 3, 3, 3)]
    )
    with pytest.raises(Malformed, match="answers the same picture differently each time") as caught:
        tried(model, wrapped(model, PLAIN), PLAIN)
    assert "multiple_of" not in str(caught.value)


def test_padding_does_not_hide_that_an_answer_is_larger() -> None:
    nodes = [convolution("x", "a"), helper.make_node("DepthToSpace", ["a"], ["y"], blocksize=2)]
    model = network(nodes, [weights("k", 12, 3, 3, 3)])
    padded = replace(PLAIN, multiple=2)
    with pytest.raises(Malformed, match=r"shape \(1, 3, 128, 192\) for a picture of \(1, 3, 64, 96\)"):
        tried(model, wrapped(model, padded), padded)
    fixed = network(nodes, [weights("k", 12, 3, 3, 3)], takes=("x", TensorProto.FLOAT, (1, 3, 64, 96)))
    free = replace(padded, free_size=True)
    with pytest.raises(Malformed, match=r"shape"):
        tried(fixed, wrapped(fixed, free), free)


@pytest.mark.parametrize(
    ("takes", "words"),
    [
        (("x", TensorProto.UINT8, (1, 3, "h", "w")), r"takes uint8, 1 x 3 x \? x \?; float32 or float16 is needed"),
        (("x", TensorProto.FLOAT, (1, "h", "w", 3)), "with the channels last"),
        (("x", TensorProto.FLOAT, (1, 1, "h", "w")), "pictures of 1 channel; 1 x 3 x H x W is needed"),
        (("x", TensorProto.FLOAT, (1, 4, "h", "w")), "pictures of 4 channels; 1 x 3 x H x W is needed"),
        (("x", TensorProto.FLOAT, (2, 3, "h", "w")), "one picture is needed"),
        (("x", TensorProto.FLOAT, (3, "h", "w")), "one picture is needed"),
        (("z", TensorProto.FLOAT, (1, 3, "h", "w")), "it has the inputs 'z', and a picture goes into 'x' alone"),
    ],
)
def test_what_takes_no_picture_is_refused_with_what_was_found(takes: Any, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        wrapped(small(takes=takes), PLAIN)


def test_further_inputs_and_unknown_outputs_are_named() -> None:
    mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, (1, 1, "h", "w"))
    with pytest.raises(Malformed, match="it has the inputs 'x', 'mask'"):
        wrapped(small(more=(mask,)), PLAIN)
    with pytest.raises(Malformed, match="it has no output 'z', but 'y'"):
        wrapped(small(), replace(PLAIN, outputs={"transmission": "z"}))


@pytest.mark.parametrize(
    ("changes", "words"), [({"opset": 99}, "operator set 99"), ({"ir_version": 99}, "IR version 99")]
)
def test_files_of_tomorrow_are_refused(changes: Any, words: str) -> None:
    with pytest.raises(Malformed, match=f"{words}, and those up to"):
        wrapped(small(**changes), PLAIN)


def test_answers_that_are_not_finite_are_refused() -> None:
    nodes = [helper.make_node("Sub", ["x", "two"], ["low"]), helper.make_node("Sqrt", ["low"], ["y"])]
    model = network(nodes, [numpy_helper.from_array(np.float32(2), "two")])
    with pytest.raises(Malformed, match=r"its transmission holds values that are not finite$"):
        tried(model, wrapped(model, PLAIN), PLAIN)


def test_operation_that_is_not_known_is_named() -> None:
    model = network([helper.make_node("Magic", ["x"], ["y"], domain="their.ops")], [])
    model.opset_import.append(helper.make_opsetid("their.ops", 1))
    with pytest.raises(Malformed, match=r"ONNX Runtime cannot load it: .*their.ops:Magic"):
        tried(model, wrapped(model, PLAIN), PLAIN)
