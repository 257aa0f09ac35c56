"""The program of the image: prepares photographs, and takes datasets through exported networks."""

import sys

from inference_program.explain_network import explain_network
from inference_program.infer_dataset import infer_dataset
from inference_program.prepare_photos import prepare
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"infer": infer_dataset, "explain": explain_network, "prepare": prepare}))
