"""What every stage sets up in TensorFlow: device, threads, determinism."""

import os
from typing import Optional

import tensorflow as tf

from netkit.memory import HostMeter, Meter
from stagekit import BadInput, StageContext

PRIMITIVES_BYTES = 1100 * 2**20
"""What oneDNN keeps of every size of pictures until its 1024 places are full: 1.03 GiB at most was seen."""


def set_up(context: StageContext) -> None:
    """Choose the device that the stage's request names; results are the same in every run on one machine.

    Raises:
        BadInput: Where a GPU is asked for and TensorFlow sees none.
    """
    if context.request.threads is not None:
        processors = len(os.sched_getaffinity(0))
        if context.request.device != "cuda" and processors < context.request.threads:
            # Its kernels cut their work by the processors that there are, whatever the number of threads.
            context.warn(
                "fewer processors than threads (%d of %d): TensorFlow's results are others than where there are enough"
                % (processors, context.request.threads)
            )
        tf.config.threading.set_intra_op_parallelism_threads(context.request.threads)
    if context.request.device != "cuda":
        # Each thread has a cache of primitives of its own, which grows to over a gigabyte: one is as fast as two.
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    # It warns of steps that are traced again and again; each of the four kinds of step is traced once.
    tf.get_logger().setLevel("ERROR")
    devices = tf.config.list_physical_devices("GPU")
    if context.request.device != "cuda":
        tf.config.set_visible_devices([], "GPU")
        return
    if not devices:
        raise BadInput(
            "the stage wants a GPU and TensorFlow %s sees none" % tf.__version__,
            "build the image's cuda variant and give the stage a GPU, or run with device: cpu",
        )
    for device in devices:
        tf.config.experimental.set_memory_growth(device, True)


class DeviceMeter:
    """Memory of the first GPU as TensorFlow's allocator sees it."""

    def reset(self) -> None:
        """Forget the peak so far."""
        tf.config.experimental.reset_memory_stats("GPU:0")

    def peak(self) -> int:
        """Return the peak since the last reset, in bytes."""
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def budget(self, context: StageContext) -> Optional[int]:
        """Return the request's budget of the device; TensorFlow does not tell what is free on it."""
        return context.request.device_memory_bytes


def stage_meter(context: StageContext) -> Meter:
    """Return the meter of the device that a stage computes on."""
    return DeviceMeter() if context.request.device == "cuda" else HostMeter.of(context, PRIMITIVES_BYTES)
