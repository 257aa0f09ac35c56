"""Build-time smoke test: ONNX Runtime imports, lists its providers, and convolves."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from stagekit.smoke import import_package

kernel = helper.make_tensor("w", TensorProto.FLOAT, (2, 3, 3, 3), np.ones(54, np.float32))
graph = helper.make_graph(
    [helper.make_node("Conv", ["image", "w"], ["y"])],
    "smoke",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, "h", "w"))],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [kernel],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
picture = np.arange(75, dtype=np.float32).reshape(1, 3, 5, 5)
answer = session.run(None, {"image": picture})[0]
assert np.isclose(answer[0, 0, 1, 1], picture[0, :, 1:4, 1:4].sum()), answer
print("onnxruntime %s, onnx %s" % (onnxruntime.__version__, onnx.__version__))
print("devices:", onnxruntime.get_available_providers())
for package in ("inference_program", "orchestrator.infer"):
    print("%d modules of %s" % (len(import_package(package)), package))
