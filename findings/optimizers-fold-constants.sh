#!/usr/bin/env bash
# Programs that simplify ONNX files compute what depends on constants alone beforehand. onnxscript's optimizer, which
# PyTorch's exporter calls too, computes it with ONNX's reference evaluator and so writes its mistakes into the file: the
# simplified network answers something else than the network, on every runtime, and every checker calls it valid.
#
# Seen on 2026-11-29 with Python 3.11, onnx 1.23.2, onnxruntime 1.32.0, each graph an operation on a constant of
# 4 x 13 x 17 values between 0 and 1, then an addition of the input:
#
#   operation                        onnxscript 0.7.2    onnxslim 0.1.98, onnxsim 0.8.1    onnxoptimizer 0.4.2
#   Softmax, operator set 11         folded, off by 0.43            folded, same            left as it was
#   Hardmax, operator set 11         folded, off by 1.0             folded, same            left as it was
#   LRN                              folded, off by 0.069           folded, same            left as it was
#   LpPool with ceil_mode            folded, off by 1.5             folded, same            left as it was
#   AveragePool with ceil_mode       folded, off by 0.25            folded, same            left as it was
#   Resize by 1.7, align_corners     folded, off by 0.45            folded, same            left as it was
#   MaxPool, SAME_UPPER, dilated     13 x 17 for 11 x 15            folded, same            left as it was
#
# (In the last row it is ONNX Runtime that departs from the standard; the simplified network departs from it.)
# Exits 0 while all of that holds, 1 where one of them has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 onnx-ir==1.1.0 \
  onnxruntime==1.32.0 onnxscript==0.7.2 onnxslim==0.1.98 onnxsim==0.8.1 onnxoptimizer==0.4.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io
import sys

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxscript.optimizer
import onnxsim
import onnxslim
from onnx import TensorProto, helper, numpy_helper

constant = np.random.default_rng(0).random((1, 4, 13, 17), np.float32)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 4
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
pooling = {"kernel_shape": [4, 4], "strides": [3, 3], "ceil_mode": 1}
resizing = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
operations = {
    "Softmax, operator set 11": (11, "Softmax", {"axis": 1}, 0.428),
    "Hardmax, operator set 11": (11, "Hardmax", {"axis": 1}, 1.0),
    "LRN": (13, "LRN", {"size": 3, "alpha": 0.5, "beta": 0.7, "bias": 2.0}, 0.069),
    "LpPool with ceil_mode": (18, "LpPool", pooling, 1.456),
    "AveragePool with ceil_mode": (19, "AveragePool", pooling, 0.250),
    "Resize by 1.7, align_corners": (13, "Resize", resizing, 0.453),
    "MaxPool, SAME_UPPER, dilated": (
        17,
        "MaxPool",
        {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "dilations": [2, 2]},
        None,
    ),
}
simplifiers = {
    "onnxscript": onnxscript.optimizer.optimize,
    "onnxslim": onnxslim.slim,
    "onnxsim": lambda model: onnxsim.simplify(model)[0],
    "onnxoptimizer": onnxoptimizer.optimize,
}


def network(opset, operator, attributes):
    scales = numpy_helper.from_array(np.array([1, 1, 1.7, 1.7], np.float32), "scales")
    inputs = ["constant", "", "scales"] if operator == "Resize" else ["constant"]
    graph = helper.make_graph(
        [
            helper.make_node(operator, inputs, ["computed"], **attributes),
            helper.make_node("Add", ["computed", "input"], ["answer"]),
        ],
        "folding",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", "c", "h", "w"])],
        [numpy_helper.from_array(constant, "constant"), *([scales] if operator == "Resize" else [])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def answer(model):
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": np.array([0.5], np.float32)})[0]


changed = 0
for title, (opset, operator, attributes, distance) in operations.items():
    model = network(opset, operator, attributes)
    before = answer(model)
    for name, simplify in simplifiers.items():
        with contextlib.redirect_stdout(io.StringIO()):
            simplified = simplify(onnx.ModelProto.FromString(model.SerializeToString()))
        after = answer(simplified)
        folded = [node.op_type for node in simplified.graph.node] == ["Add"]
        if after.shape != before.shape:
            seen = "{} x {} for {} x {}".format(*after.shape[2:], *before.shape[2:])
        else:
            seen = f"{'folded' if folded else 'left'}, off by {np.abs(after - before).max():.2f}"
        if name != "onnxscript":
            expected = "left, off by 0.00" if name == "onnxoptimizer" else "folded, off by 0.00"
        else:
            expected = "13 x 17 for 11 x 15" if distance is None else f"folded, off by {distance:.2f}"
        changed += seen != expected
        print(f"{title:30} {name:14} {seen}{'' if seen == expected else f'   CHANGED, was: {expected}'}")
sys.exit(1 if changed else 0)
PYTHON
