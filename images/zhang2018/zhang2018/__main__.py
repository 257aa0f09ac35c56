"""The program of the image: trains and exports."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zhang2018.cuda_libraries import preload_cuda_libraries

preload_cuda_libraries()

import tensorflow as tf

from stagekit import run_program
from zhang2018.export_stage import export
from zhang2018.train_stage import train

sys.exit(run_program({"train": train, "export": export}, out_of_memory=(tf.errors.ResourceExhaustedError,)))
