"""The program of the image: `python -m network_template stage.json`."""

import sys

# Processes that prepare samples import this module too, and must not load the framework: nothing else is at its top.
if __name__ == "__main__":
    from network_template.train import train
    from network_template.weights import adopt, export, release
    from stagekit import run_program

    sys.exit(run_program({"train": train, "adopt": adopt, "export": export, "release": release}))
