"""The program of the image: trains and exports."""

import os
import sys

# Processes that prepare samples import this module too, and must not load the framework: nothing else is at its top.
if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    from zhang2018.cuda_libraries import preload_cuda_libraries

    preload_cuda_libraries()

    import tensorflow as tf

    from stagekit import run_program
    from zhang2018.export_stage import export
    from zhang2018.released import adopt, release
    from zhang2018.train_stage import train

    handlers = {"train": train, "adopt": adopt, "export": export, "release": release}
    sys.exit(run_program(handlers, out_of_memory=(tf.errors.ResourceExhaustedError,)))
