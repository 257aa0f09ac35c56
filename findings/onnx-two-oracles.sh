#!/usr/bin/env bash
# ONNX's own reference evaluator (onnx 1.23.2) and ONNX Runtime (1.32.0, CPU) against arithmetic in float64: each is wrong
# where the other is right, so neither alone can say whether a network's tiled result is exact.
#
# Seen on 2026-11-29 with Python 3.11 and numpy 2.4.6, on one picture of 4 x 13 x 17 values between 0 and 1:
# - The reference is wrong, ONNX Runtime right to 5e-7: Softmax, LogSoftmax and Hardmax before operator set 13 (it normalises
#   along one axis, the sets before 13 flatten), LRN (0.07), LpPool with ceil_mode (0.3 to 1.5: cut windows), AveragePool
#   with ceil_mode (0.25: cut windows), Resize with align_corners by scales that give no whole size (0.45 to 0.71: it
#   divides by the size before rounding down).
# - ONNX Runtime is wrong, the reference and shape inference right: MaxPool and AveragePool with auto_pad SAME_* and
#   dilations of 2 give 11 x 15 for 13 x 17, as if nothing were dilated; Conv refuses that combination.
# - The reference forgets dilations of AveragePool with auto_pad VALID (11 x 15, where 9 x 13 windows fit) and gives 6 x 8 for
#   MaxPool with SAME_LOWER and strides of 2, where shape inference and ONNX Runtime say 7 x 9.
# - Both read a nearest Resize by 1.7 with nearest_mode floor as the formula says, in float32 (ONNX Runtime) and in float64
#   (the reference), and take other pixels: 17 / 1.7f is 10 in one and 9.9999997 in the other.
# - InstanceNormalization of values around 3000: ONNX Runtime is 7.6e-4 off, the reference 2.3e-4.
#
# Exits 0 while all of that holds, 1 where one of them has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

generator = np.random.default_rng(0)
picture = generator.random((1, 4, 13, 17), np.float32)
exact = picture.astype(np.float64)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 4


def answers(operator, opset, constants=(), before=(), **attributes):
    """Return what ONNX Runtime and the reference answer; a message where one refuses."""
    inputs = ["image" if not before else "prepared", *(name for name, _ in constants)]
    node = helper.make_node(operator, inputs, ["answer"], **attributes)
    given = [numpy_helper.from_array(value, name) for name, value in constants if name]
    graph = helper.make_graph(
        [*before, node],
        "one",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, picture.shape)],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)],
        given,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    found = []
    for run in (
        lambda: onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"image": picture})[0],
        lambda: ReferenceEvaluator(model).run(None, {"image": picture})[0],
    ):
        try:
            found.append(run())
        except Exception as error:  # the kind of refusal is not what is looked at
            found.append(type(error).__name__)
    return found


def pooled(kernel, stride, pad, height, width, reduce):
    """Return a reduction over windows cut at the picture's border, float64."""
    answer = np.zeros((1, 4, height, width))
    for row in range(height):
        for column in range(width):
            top, left = row * stride - pad, column * stride - pad
            answer[:, :, row, column] = reduce(
                exact[:, :, max(top, 0) : top + kernel, max(left, 0) : left + kernel], (2, 3)
            )
    return answer


def corners(height, width):
    """Return bilinear resampling with aligned corners, float64."""

    def matrix(old, new):
        places = np.arange(new) * (old - 1) / (new - 1)
        first = np.minimum(places.astype(int), old - 2)
        weights = np.zeros((new, old))
        weights[np.arange(new), first] = 1 - (places - first)
        weights[np.arange(new), first + 1] += places - first
        return weights

    return matrix(13, height) @ exact @ matrix(17, width).T


def norm(values, axes):
    return np.sqrt((values**2).sum(axes))


flat = np.exp(exact.reshape(1, -1))
flat_softmax = (flat / flat.sum()).reshape(exact.shape)
one_hot = np.zeros(exact.size)
one_hot[exact.argmax()] = 1
local = np.stack(
    [exact[:, c] / (2 + 0.5 / 3 * (exact[:, max(0, c - 1) : c + 2] ** 2).sum(1)) ** 0.7 for c in range(4)], axis=1
)


def scales(factor):
    return [("", None), ("scales", np.array([1, 1, factor, factor], np.float32))]


right, wrong = "right", "wrong"
cases = [
    ("Softmax 11", answers("Softmax", 11, axis=1), flat_softmax, right, wrong),
    ("LogSoftmax 11", answers("LogSoftmax", 11, axis=1), np.log(flat_softmax), right, wrong),
    ("Hardmax 11", answers("Hardmax", 11, axis=1), one_hot.reshape(exact.shape), right, wrong),
    ("LRN", answers("LRN", 13, size=3, alpha=0.5, beta=0.7, bias=2.0), local, right, wrong),
    (
        "LpPool, ceil",
        answers("LpPool", 18, kernel_shape=[4, 4], strides=[3, 3], ceil_mode=1),
        pooled(4, 3, 0, 4, 6, norm),
        right,
        wrong,
    ),
    (
        "AveragePool, ceil",
        answers("AveragePool", 19, kernel_shape=[4, 4], strides=[3, 3], ceil_mode=1),
        pooled(4, 3, 0, 4, 6, np.mean),
        right,
        wrong,
    ),
]
for factor, size in ((0.37, (4, 6)), (1.7, (22, 28))):
    found = answers("Resize", 13, scales(factor), mode="linear", coordinate_transformation_mode="align_corners")
    cases.append((f"Resize by {factor}, align_corners", found, corners(*size), right, wrong))

changed = 0


def told(name, text, expected):
    global changed
    same = text == expected
    changed += not same
    print(f"{name:34} {text}{'' if same else f'   CHANGED, was: {expected}'}")


for name, found, truth, *expected in cases:
    verdicts = [right if value.shape == truth.shape and np.abs(value - truth).max() < 1e-6 else wrong for value in found]
    told(name, f"ONNX Runtime {verdicts[0]}, reference {verdicts[1]}", "ONNX Runtime {}, reference {}".format(*expected))

shapes = [
    ("MaxPool SAME_UPPER, dilated", 17, "MaxPool", "SAME_UPPER", 1, 2, "11 x 15, 13 x 17"),
    ("MaxPool SAME_LOWER, dilated", 17, "MaxPool", "SAME_LOWER", 1, 2, "11 x 15, 13 x 17"),
    ("AveragePool SAME_UPPER, dilated", 22, "AveragePool", "SAME_UPPER", 1, 2, "11 x 15, 13 x 17"),
    ("AveragePool VALID, dilated", 22, "AveragePool", "VALID", 1, 2, "9 x 13, 11 x 15"),
    ("MaxPool SAME_LOWER, stride 2", 17, "MaxPool", "SAME_LOWER", 2, 1, "7 x 9, 6 x 8"),
]
for name, opset, operator, padding, stride, dilation, expected in shapes:
    found = answers(
        operator, opset, kernel_shape=[3, 3], auto_pad=padding, strides=[stride] * 2, dilations=[dilation] * 2
    )
    told(name, ", ".join("{} x {}".format(*value.shape[2:]) for value in found), expected)

weights = np.ones((4, 4, 3, 3), np.float32)
found = answers("Conv", 17, [("weights", weights)], auto_pad="SAME_UPPER", dilations=[2, 2])
told("Conv SAME_UPPER, dilated", "refused" if isinstance(found[0], str) else "taken", "refused")

nearest = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
found = answers("Resize", 13, scales(1.7), **nearest)
for kind, value in ((np.float32, found[0]), (np.float64, found[1])):
    rows, columns = (
        np.floor(np.arange(new).astype(kind) / kind(np.float32(1.7))).astype(int).clip(0, old - 1)
        for old, new in ((13, 22), (17, 28))
    )
    same = np.array_equal(value, picture[:, :, rows][:, :, :, columns])
    told(f"nearest by 1.7 as {kind.__name__} has it", str(same), "True")

shift = helper.make_node("Add", ["image", "mean"], ["prepared"])
scale, bias = np.linspace(-0.5, 0.5, 4, dtype=np.float32), np.zeros(4, np.float32)
graph_constants = [("scale", scale), ("bias", bias)]
lift = helper.make_node("Constant", [], ["mean"], value=numpy_helper.from_array(np.float32(3000)))
found = answers("InstanceNormalization", 17, graph_constants, [lift, shift])
values = (picture + np.float32(3000)).astype(np.float64)
spread = np.sqrt(values.var((2, 3), keepdims=True) + 1e-5)
truth = (values - values.mean((2, 3), keepdims=True)) / spread * scale.astype(float).reshape(1, 4, 1, 1)
errors = [np.abs(value - truth).max() for value in found]
told("InstanceNormalization around 3000", f"farther: {'ONNX Runtime' if errors[0] > 1.5 * errors[1] else 'neither'}", "farther: ONNX Runtime")
print(f"{'':34} errors {errors[0]:.1e} and {errors[1]:.1e}")
sys.exit(1 if changed else 0)
PYTHON
