"""Build-time smoke test: TensorFlow imports, lists its devices, and convolves."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zhang2018.cuda_libraries import preload_cuda_libraries

preload_cuda_libraries()

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

from stagekit.smoke import import_package

picture = tf.constant(np.arange(75, dtype=np.float32).reshape(1, 5, 5, 3))
kernel = tf.ones((3, 3, 3, 2))
answer = tf.nn.conv2d(picture, kernel, 1, "SAME", dilations=2).numpy()
assert answer.shape == (1, 5, 5, 2), answer.shape
assert np.isclose(answer[0, 2, 2, 0], picture.numpy()[0, ::2, ::2].sum()), answer
versions = tf.__version__, tf2onnx.__version__, onnxruntime.__version__
print("tensorflow %s, tf2onnx %s, onnxruntime %s" % versions)
print("devices:", [device.name for device in tf.config.list_physical_devices()])
print("%d modules of the program" % len(import_package("zhang2018")))
