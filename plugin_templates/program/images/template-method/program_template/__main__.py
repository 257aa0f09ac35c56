"""The program of the image: `python -m program_template stage.json`."""

import sys

from program_template.predict import predict
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"predict": predict}))
