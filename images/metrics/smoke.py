"""Build-time smoke test: PyTorch, LPIPS and scikit-image import, PyTorch lists its devices and convolves."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lpips
import pyarrow.parquet
import skimage
import torch

from stagekit.smoke import import_package

picture = torch.arange(75, dtype=torch.float32).reshape(1, 3, 5, 5)
answer = torch.nn.functional.conv2d(picture, torch.ones(2, 3, 3, 3))
assert torch.isclose(answer[0, 0, 1, 1], picture[0, :, 1:4, 1:4].sum()), answer
print("torch %s, scikit-image %s, lpips from %s" % (torch.__version__, skimage.__version__, lpips.__name__))
print("parquet by pyarrow from %s" % pyarrow.parquet.__name__)
print("devices:", ["cpu"] + ["cuda:%d" % index for index in range(torch.cuda.device_count())])
for package in ("metrics_program", "orchestrator.datasets", "orchestrator.metrics"):
    print("%d modules of %s" % (len(import_package(package)), package))
