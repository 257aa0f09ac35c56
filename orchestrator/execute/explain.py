"""Says how pictures would go through a network, and whether a network can be computed in parts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.execute.events import Listener
from orchestrator.execute.photo_methods import Common, found_network, hinting_at_options, prepared_network
from orchestrator.execute.photographs import copy_photographs, settled
from orchestrator.execute.removal import Removal
from orchestrator.execute.remove import check_photos, describe_arrays
from orchestrator.execute.run_stages import executed_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.plan.plan import prepare_stage
from orchestrator.plan.single import explain_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.results import read_result
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.store.store import Store
from stagekit.results.plan import PlanFile

CHECKED_SIZES = ((413, 587), (1935, 2942))
"""Height and width of the pictures that a network is checked with: multiples of nothing, one of them large."""


def plan_of_photos(removal: Removal, listener: Listener, say: Callable[[str], None]) -> PlanFile:
    """Return for each size among some pictures how it would go through a network.

    Also raises what the stages raise.

    Raises:
        SpecError: For missing pictures or an unknown model.
        ImageNotBuilt: Where an image is not built.
    """
    check_photos(removal.photos)
    store = Store(removal.store, make=False)
    network, _run, common = found_network(removal, store)
    store.make()
    network = prepared_network(network, removal, listener, say)
    with store.scratch("photos") as folder:
        for _photograph, error in copy_photographs(settled(removal.photos), folder, store.root):
            raise error
        explain = _explain(network, {}, common, store)
        if removal.of_arrays:
            describe_arrays(folder)
            arrays = Source(folder, store.digest(folder))
            explain = replace(explain, sources={**explain.sources, "dataset": arrays})
            return _planned({explain.name: explain}, removal, common, listener, say)
        photos = PhotosDataset(kind="photos", folder=folder, pictures="*")
        prepare = prepare_stage("photos", photos, source_digest(store), memory_bytes=common.memory)
        explain = replace(explain, inputs={"dataset": prepare.name})
        return _planned({prepare.name: prepare, explain.name: explain}, removal, common, listener, say)


def check_network(network: Path, removal: Removal, listener: Listener, say: Callable[[str], None]) -> PlanFile:
    """Return how pictures of `CHECKED_SIZES` would go through the network of an ONNX file.

    Also raises what the stage raises.

    Raises:
        SpecError: For a missing file.
        ImageNotBuilt: Where an image is not built.
    """
    store = Store(removal.store, make=False)
    removal = replace(removal, onnx=network)
    path, _run, common = found_network(removal, store)
    store.make()
    path = prepared_network(path, removal, listener, say)
    explain = _explain(path, {"sizes": [list(size) for size in CHECKED_SIZES]}, common, store)
    return _planned({explain.name: explain}, removal, common, listener, say)


def _explain(network: Path, settings: dict[str, Any], common: Common, store: Store) -> Stage:
    stage = explain_stage("network", settings, memory_bytes=common.memory)
    return replace(stage, sources={"network": Source(network, store.digest(network))})


def _planned(
    stages: dict[str, Stage], removal: Removal, common: Common, listener: Listener, say: Callable[[str], None]
) -> PlanFile:
    store = Store(removal.store)
    planned = planned_stages(stages.values(), store, "explain", store.layout.logs("explain"), common.device)
    with hinting_at_options(removal, listener, say):
        artifacts = executed_stages(planned, store, removal.execution(listener, say))
    return read_result(PlanFile, artifacts["explain/network"].output)
