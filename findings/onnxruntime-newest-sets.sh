#!/usr/bin/env bash
# Which operations of the newest operator sets that onnx 1.23.2 defines (up to 28) ONNX Runtime 1.32.0 cannot run on the CPU,
# though it loads files of these sets, runs nearly all other operations in them, and ran the same operation in an older set.
#
# Seen on 2026-11-30 with Python 3.11 and numpy 2.4.6, one node a file, each valid by onnx's strict shape inference:
# - GlobalLpPool runs in sets up to 21, and in none from 22 on: set 22 only added bfloat16.
# - Swish runs in set 24, which began it, and not in files of 25 or later, though its definition is still that of 24.
# - QuantizeLinear and DequantizeLinear run in every set to 27 and not in 28; Quantize began anew in 25, which runs.
# - RandomUniformLike and RandomNormalLike run in 21 and not from 22 on, and with them Bernoulli, which is made of the first.
# - LpPool, AveragePool, InstanceNormalization, GroupNormalization and RMSNormalization began anew in 22, 23 or later too, and run in 28.
# The error is "NOT_IMPLEMENTED: Could not find an implementation for" the operation, at loading.
#
# Exits 0 while all of that holds, 1 where one of them has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import onnx
import onnxruntime
from onnx import TensorProto, defs, helper

onnxruntime.set_default_logger_severity(4)
NEWEST = defs.onnx_opset_version()


def number(name, value, kind=TensorProto.FLOAT):
    return helper.make_tensor(name, kind, [len(value)] if isinstance(value, list) else [], value if isinstance(value, list) else [value])


STEPS = (number("scale", 0.1), number("zero", 0, TensorProto.UINT8))
EACH = (number("scale", [1.0] * 4), number("bias", [0.0] * 4))
SAID = {
    "GlobalLpPool": ((), {}, {21}, {22, 28}),
    "Swish": ((), {}, {24}, {25, 28}),
    "QuantizeLinear": (STEPS, {}, {21, 25, 27}, {28}),
    "DequantizeLinear": (STEPS, {}, {21, 25, 27}, {28}),
    "RandomUniformLike": ((), {}, {21}, {22, 28}),
    "RandomNormalLike": ((), {}, {21}, {22, 28}),
    "Bernoulli": ((), {}, {21}, {22, 28}),
    "LpPool": ((), {"kernel_shape": [2, 2]}, {21, 28}, set()),
    "AveragePool": ((), {"kernel_shape": [2, 2]}, {21, 28}, set()),
    "InstanceNormalization": (EACH, {}, {21, 28}, set()),
    "GroupNormalization": (EACH, {"num_groups": 2}, {21, 28}, set()),
    "RMSNormalization": ((number("scale", [1.0] * 8),), {}, {23, 28}, set()),
}


def runs(operation, opset, constants, attributes):
    kind = TensorProto.UINT8 if operation == "DequantizeLinear" else TensorProto.FLOAT
    picture = helper.make_tensor_value_info("image", kind, [1, 4, 8, 8])
    node = helper.make_node(operation, ["image", *(one.name for one in constants)], ["answer"], **attributes)
    graph = helper.make_graph([node], "one", [picture], [onnx.ValueInfoProto(name="answer")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    onnx.shape_inference.infer_shapes(model, strict_mode=True)
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return False
    return True


changed = [f"onnx {onnx.__version__} goes to operator set {NEWEST}"] if NEWEST != 28 else []
for operation, (constants, attributes, running, missing) in SAID.items():
    for opset in sorted(running | missing):
        found = runs(operation, opset, constants, attributes)
        print(f"{operation} in set {opset}: {'runs' if found else 'not implemented'}")
        if found != (opset in running):
            changed.append(f"{operation} in set {opset}")
if changed:
    sys.exit("changed: " + ", ".join(changed))
PYTHON
