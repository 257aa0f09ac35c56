"""Running the image's program as the orchestrator does: stage.json in, JSON lines and files out."""

import functools

from tests.networks import stages

run_stage = functools.partial(stages.run_stage, "errnet2019")
"""Runs a stage to its end: folder, kind, settings, inputs, and fields of the request."""
