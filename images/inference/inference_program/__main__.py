"""The program of the image: prepares and finishes photographs, wraps ONNX files, takes datasets through networks."""

import sys

from inference_program.explain_network import explain_network
from inference_program.finish_photos import finish_photos
from inference_program.infer_dataset import infer_dataset
from inference_program.prepare_photos import prepare
from inference_program.wrap_network import wrap_network
from stagekit import run_program

if __name__ == "__main__":
    kinds = {
        "infer": infer_dataset,
        "explain": explain_network,
        "prepare": prepare,
        "wrap": wrap_network,
        "finish": finish_photos,
    }
    sys.exit(run_program(kinds))
