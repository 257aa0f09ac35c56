"""Running the image's program as the orchestrator does: stage.json in, JSON lines and files out."""

import dataclasses
import json
import os

from stagekit import decode
from tests.networks import stages


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, its messages, everything that it printed, and its output folder."""

    code: int
    messages: list
    log: str
    output: str

    def document(self, name):
        """Return a JSON file of the output."""
        with open(os.path.join(self.output, name), encoding="utf-8") as stream:
            return json.load(stream)


def started_stage(folder, kind, settings, inputs):
    """Start a stage whose output and work folders lie in `folder`."""
    return stages.started_stage("metrics_program", folder, kind, settings, inputs)


def run_stage(folder, kind, settings, inputs):
    """Run a stage to its end."""
    process = started_stage(folder, kind, settings, inputs)
    log, _ = process.communicate()
    messages = [message for message in map(decode, log.splitlines()) if message is not None]
    return Result(process.returncode, messages, log, os.path.join(folder, "output"))


def scene(picture, **changes):
    """Return a small rectangle of one of scikit-image's photographs."""
    return {"picture": picture, "top": 40, "left": 60, "height": 48, "width": 64, **changes}


def scenes(**changes):
    """Return the settings of a small dataset of blended scenes."""
    dataset = {
        "kind": "scenes",
        "transmissions": [scene("astronaut.png"), scene("coffee.png", top=0)],
        "reflections": [scene("chelsea.png"), scene("rocket.jpg")],
        "blend": "zhang",
        "seed": 7,
        **changes,
    }
    return {"name": "small", "title": "Small scenes", "dataset": dataset}
