"""What every stage sets up in TensorFlow: device, threads, determinism."""

import tensorflow as tf

from stagekit import BadInput, StageContext


def set_up(context: StageContext) -> None:
    """Choose the device that the stage's request names; results are the same in every run on one machine.

    Raises: BadInput where a GPU is asked for and TensorFlow sees none.
    """
    if context.request.threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(context.request.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
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
