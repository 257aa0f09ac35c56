"""Choices that the spec and the command line share; imports nothing, so that --help is quick."""

from typing import Literal

BuiltInEngine = Literal["auto", "docker", "podman", "local"]
"""What runs the stages: Docker, Podman, local environments, or the first of these that there is."""

EngineName = str
"""One of these, or the name of an engine that an installed package brings; commands take all of them, experiments the
former alone, for they are to run elsewhere too."""

WallsName = Literal["auto", "bubblewrap", "landlock", "none"]
"""What local programs are kept in: the best of these that works on this machine, or the one that is named."""

WALLS_VARIABLE = "SIRR_WALLS"
"""Names them for this machine."""

SITE_VARIABLE = "SIRR_SITE"
"""Names the file of the site; without it that of the user's configuration counts, where there is one."""

Device = Literal["cpu", "cuda"]
"""What a stage computes on; part of the key, and never replaced by another."""

StageKind = Literal[
    "prepare",
    "train",
    "adopt",
    "release",
    "export",
    "wrap",
    "infer",
    "predict",
    "finish",
    "collect",
    "command",
    "explain",
    "overlap",
    "evaluate",
    "measure",
]
"""The kinds of work that images' programs do."""

DEFAULT_THREADS = 2
"""Processor threads of stages whose bits depend on them: the same on every machine."""
