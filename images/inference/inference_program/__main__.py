"""The program of the image: prepares photographs, and takes datasets through exported networks."""

import sys

from inference_program.explain import explain_network
from inference_program.prepare import prepare
from inference_program.stage import infer_dataset
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"infer": infer_dataset, "explain": explain_network, "prepare": prepare}))
