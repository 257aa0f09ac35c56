"""The program of the image: `python -m metrics_program stage.json`."""

import os
import sys

# Before NumPy is loaded: sums of several threads end in other last digits, and pictures are scored side by side anyway.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from metrics_program.collect_predictions import collect
from metrics_program.dataset_overlap import overlap
from metrics_program.evaluate import evaluate
from metrics_program.prepare_dataset import prepare
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"prepare": prepare, "overlap": overlap, "evaluate": evaluate, "collect": collect}))
