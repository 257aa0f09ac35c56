"""The program of the image: `python -m ibcln2020 stage.json`."""

import sys

from ibcln2020.export import export
from ibcln2020.train import train
from stagekit import run_program

if __name__ == "__main__":
    sys.exit(run_program({"train": train, "export": export}))
