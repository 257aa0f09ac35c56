"""The program of the image: `python -m glazier stage.json`."""

import sys

# Processes that prepare samples import this module too, and must not load the framework: nothing else is at its top.
if __name__ == "__main__":
    from glazier.adopt import adopt
    from glazier.export import export
    from glazier.release import release
    from glazier.train import train
    from stagekit import run_program

    sys.exit(run_program({"train": train, "adopt": adopt, "export": export, "release": release}))
