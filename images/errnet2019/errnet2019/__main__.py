"""The program of the image: `python -m errnet2019 stage.json`."""

import sys

from errnet2019.export import export
from errnet2019.train import train
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"train": train, "export": export}))
