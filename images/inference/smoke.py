"""Build-time smoke test: ONNX Runtime convolves, libvips reads what it writes, and HEVC can be decoded."""

import numpy as np
import onnx
import onnxruntime
import pi_heif
import pyvips
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
wide = np.arange(60, dtype=np.uint16).reshape(4, 5, 3) * 1000
stored = pyvips.Image.new_from_array(wide, interpretation="rgb16").pngsave_buffer()
assert np.array_equal(pyvips.Image.new_from_buffer(stored, "").numpy(), wide)
print("libvips %d.%d.%d" % tuple(map(pyvips.version, range(3))))
decoders = pi_heif.libheif_info()["decoders"]
assert any("hevc" in name.lower() or "265" in name.lower() for name in decoders.values()), decoders
print("libheif %s: %s" % (pi_heif.libheif_version(), ", ".join(decoders.values())))
print("devices:", onnxruntime.get_available_providers())
for package in ("inference_program", "orchestrator.infer", "orchestrator.datasets", "orchestrator.photos"):
    print("%d modules of %s" % (len(import_package(package)), package))
