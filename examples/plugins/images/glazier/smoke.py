"""Build-time smoke test: PyTorch imports, lists its devices, and convolves; every module can be imported."""

import onnxruntime
import torch

from stagekit.smoke import import_package

picture = torch.arange(75, dtype=torch.float32).reshape(1, 3, 5, 5)
answer = torch.nn.functional.conv2d(picture, torch.ones(2, 3, 3, 3))
assert answer.shape == (1, 2, 3, 3), answer.shape
assert torch.isclose(answer[0, 0, 1, 1], picture[0, :, 1:4, 1:4].sum()), answer
print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}")
print("devices:", ["cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())])
print(f"{len(import_package('glazier'))} modules of the program")
