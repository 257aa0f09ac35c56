"""The program of the image: `python -m errnet2019 stage.json`."""

import sys

# Processes that prepare samples import this module too, and must not load the framework: nothing else is at its top.
if __name__ == "__main__":
    from errnet2019.adopt import adopt
    from errnet2019.export import export
    from errnet2019.release import release
    from errnet2019.train import train
    from stagekit import run_program

    sys.exit(run_program({"train": train, "adopt": adopt, "export": export, "release": release}))
