"""The program of the image: `python -m metrics_program stage.json`."""

import sys

from metrics_program.evaluate import evaluate
from metrics_program.overlap import overlap
from metrics_program.prepare import prepare
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"prepare": prepare, "overlap": overlap, "evaluate": evaluate}))
