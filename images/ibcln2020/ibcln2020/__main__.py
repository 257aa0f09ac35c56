"""The program of the image: `python -m ibcln2020 stage.json`."""

import sys

# Processes that prepare samples import this module too, and must not load the framework: nothing else is at its top.
if __name__ == "__main__":
    from ibcln2020.adopt import adopt
    from ibcln2020.export import export
    from ibcln2020.release import release
    from ibcln2020.train import train
    from stagekit import run_program

    sys.exit(run_program({"train": train, "adopt": adopt, "export": export, "release": release}))
