"""The stages that leave the answers of entrants without a network: programs, and what other programs have written."""

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.spec.authors_choice import ResolvedAuthors
from orchestrator.spec.predictions import PredictionsPlace, ResolvedPredictions
from orchestrator.spec.program_choice import ResolvedProgram
from orchestrator.spec.resolve import Entrant
from orchestrator.spec.stage_names import stage_name


def answers_stage(entrant: Entrant, dataset: str) -> str:
    """Return the name of the stage that leaves an entrant's answers to a dataset."""
    kinds = {ResolvedPredictions: "collect", ResolvedAuthors: "collect", ResolvedProgram: "predict"}
    return stage_name(kinds.get(type(entrant), "infer"), entrant.label, dataset)


def predict_stages(program: ResolvedProgram, tested: Sequence[str], *, arrays: bool, **limits: Any) -> Iterator[Stage]:
    """Yield one stage for each test dataset, in which a program answers its pictures.

    Args:
        arrays: Keep its answers as floats too.
        limits: Memory, time and threads of every stage.
    """
    for dataset in tested:
        yield predict_stage(program, dataset, arrays=arrays, **limits)


def predict_stage(program: ResolvedProgram, dataset: str, *, arrays: bool = False, **limits: Any) -> Stage:
    """Return the stage in which a program answers a dataset's pictures."""
    return Stage(
        name=answers_stage(program, dataset),
        kind="predict",
        image=program.spec.image,
        settings={
            "model": program.spec.name,
            "parameters": dict(program.parameters),
            **({"arrays": True} if arrays else {}),
        },
        inputs={"dataset": stage_name("prepare", dataset)},
        **limits,
    )


def finish_stage(program: ResolvedProgram, dataset: str, **limits: Any) -> Stage:
    """Return the stage that makes of a program's answers to photographs what their results are."""
    return Stage(
        name=stage_name("finish", program.label, dataset),
        kind="finish",
        image="inference",
        settings={"model": program.spec.name},
        inputs={"dataset": stage_name("prepare", dataset), "predictions": answers_stage(program, dataset)},
        **limits,
    )


_PICTURES = {"kind": "photos", "pictures": "**/*"}
"""A folder of predictions as a dataset is described: its pictures count, whatever else lies there does not."""


def collect_stages(given: ResolvedPredictions, digest: Digest, **limits: Any) -> Iterator[Stage]:
    """Yield one stage for each test dataset of which there are predictions.

    Args:
        limits: Memory, time and threads of every stage.
    """
    for dataset, place in given.places.items():
        yield Stage(
            name=answers_stage(given, dataset),
            kind="collect",
            image="metrics",
            settings={
                "model": given.label,
                "naming": {"pictures": given.choice.pictures, "layer": given.choice.layer},
                "folder": place.folder,
            },
            inputs={"dataset": stage_name("prepare", dataset)},
            sources={"pictures": _source(place, digest)},
            **limits,
        )


CLONE = {"kind": "clone"}
"""A folder of an authors' program as its digest is asked for: without what version control keeps."""


def authors_stages(given: ResolvedAuthors, tested: Sequence[str], digest: Digest, **limits: Any) -> Iterator[Stage]:
    """Yield two stages for each test dataset: the program is run, and what it wrote is taken over.

    Args:
        limits: Memory, time, threads and device of every stage; what is taken over needs no device.
    """
    program, choice = given.choice.program, given.choice
    sources = {"source": Source(given.source, digest(given.source, CLONE), CLONE)}
    if given.weights is not None:
        sources["weights"] = Source(given.weights, digest(given.weights))
    device = limits.pop("device", "cpu")
    for dataset in tested:
        run = stage_name("command", given.label, dataset)
        prepared = stage_name("prepare", dataset)
        yield Stage(
            name=run,
            kind="command",
            image=program.image,
            settings={"command": program.command},
            inputs={"dataset": prepared},
            sources=sources,
            device=device,
            **limits,
        )
        yield Stage(
            name=answers_stage(given, dataset),
            kind="collect",
            image="metrics",
            settings={
                "model": given.label,
                "naming": {"pictures": choice.pictures, "layer": choice.layer},
                "folder": None,
            },
            inputs={"dataset": prepared, "pictures": run},
            **limits,
        )


def _source(place: PredictionsPlace, digest: Digest) -> Source:
    described = _PICTURES if place.path.is_dir() else None
    return Source(place.path, digest(place.path, described), described)
