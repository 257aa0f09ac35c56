#!/usr/bin/env bash
# onnx.compose joins two ONNX networks into one; a prefix keeps their names apart. The prefix does not reach weights that
# are read inside a subgraph (a branch of If, the body of Loop or Scan) and lie outside of it: there the old name stays.
# Where the other network has weights of that name, the joined network is valid to every checker, and the branch
# computes with the other network's weights. Exporters name weights alike ("weight", "onnx::Conv_12"), so that happens.
#
# Seen on 2026-11-30 with Python 3.11, onnx 1.23.2, onnxruntime 1.32.0. The first network adds its weight, 100; the second
# multiplies with its weight, 2, in a branch:
#
#   add_prefix on the second alone      an invalid file: the branch reads a name that nothing gives
#   merge_models, prefix2="second/"     a valid file; 3 becomes (3 + 100) x 100 = 10300, not (3 + 100) x 2 = 206
#
# ONNX Runtime says in a warning that it removes the second network's weight, which nothing uses.
# Exits 0 while all of that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(3)


def value(name, kind=TensorProto.FLOAT, shape=(1,)):
    return helper.make_tensor_value_info(name, kind, shape)


def network(node, inputs, answer, weight):
    weights = [numpy_helper.from_array(np.array([weight], np.float32), "weight")]
    graph = helper.make_graph([node], "network", inputs, [value(answer)], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def branch(operation):
    node = helper.make_node(operation, ["picture", "weight"], [operation])
    return helper.make_graph([node], operation, [], [value(operation)])


def answer(made, **given):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, given)[0][0])


def is_valid(made):
    try:
        onnx.checker.check_model(made, full_check=True)
    except onnx.checker.ValidationError:
        return False
    return True


first = network(helper.make_node("Add", ["start", "weight"], ["sum"]), [value("start")], "sum", 100)
chooses = helper.make_node("If", ["chosen"], ["answer"], then_branch=branch("Mul"), else_branch=branch("Add"))
second = network(chooses, [value("picture"), value("chosen", TensorProto.BOOL, ())], "answer", 2)
one_by_one = answer(second, picture=np.array([103], np.float32), chosen=np.array(True))
prefixed = onnx.compose.add_prefix(second, "second/")
joined = onnx.compose.merge_models(first, second, io_map=[("sum", "picture")], prefix2="second/")
at_once = answer(joined, start=np.array([3], np.float32), **{"second/chosen": np.array(True)})
print(f"one by one {one_by_one}, joined {at_once}; valid: prefixed {is_valid(prefixed)}, joined {is_valid(joined)}")
sys.exit((one_by_one, at_once, is_valid(prefixed), is_valid(joined)) != (206, 10300, False, True))
PYTHON
