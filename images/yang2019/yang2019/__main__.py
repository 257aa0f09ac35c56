"""The program of the image: `python -m yang2019 stage.json`."""

import sys

from stagekit import run_program
from yang2019.predict import predict

if __name__ == "__main__":
    sys.exit(run_program({"predict": predict}))
