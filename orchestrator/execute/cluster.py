"""The site's cluster: which stages it takes, and the engine that submits them."""

import functools
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.engine.slurm import Demand, SlurmEngine
from orchestrator.engine.slurm_commands import Controller
from orchestrator.errors import EngineUnavailable
from orchestrator.spec.names import StageKind
from orchestrator.spec.site import Site, load_site, site_file
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile


@dataclass(frozen=True)
class Cluster:
    """Where a site submits stages to."""

    site: Site
    engine: Engine

    def takes(self, kind: StageKind, inputs: Mapping[str, Path]) -> bool:
        """Return whether a stage is submitted; short ones are not, for a queue is worth nothing to them."""
        if kind not in self.site.submit:
            return False
        return kind != "infer" or _pictures(inputs) >= self.site.infer_from_pictures


def asked_site() -> Site | None:
    """Return the site that the environment or the user's configuration names; None where there is none.

    Raises:
        SpecError: Where its file is wrong.
    """
    path = site_file()
    return None if path is None else load_site(path)


def site_cluster(stagings: Path) -> Cluster | None:
    """Return where the site submits stages to; None where everything runs here.

    Raises:
        SpecError: Where the site's file is wrong.
        EngineUnavailable: Where this machine has no commands of Slurm.
    """
    site = asked_site()
    if site is None or site.where == "here":
        return None
    refuse_without_commands()
    return Cluster(site, slurm_engine(site, stagings))


def slurm_engine(site: Site, stagings: Path) -> SlurmEngine:
    """Return the engine that submits what a site says."""
    demands: dict[str, Demand] = {kind: _demand(site, kind) for kind in site.submit}
    return SlurmEngine(stagings, demands, site.walls, _controller(site.poll_seconds))


def site_sentence(site: Site, engine: Engine) -> str:
    """Return what to tell the user of a site that submits stages.

    Raises:
        EngineUnavailable: Where this machine has no commands of Slurm, or the engine's environments are none that its
            jobs can use.
    """
    refuse_without_commands()
    if engine.capabilities.environments != "local":
        raise EngineUnavailable(
            f"the site submits stages to Slurm, whose jobs run local environments, and {engine.name} was asked for",
            hint="write engine: local or engine: auto, or name a site with where: here",
        )
    kinds = [
        f"inferences of {site.infer_from_pictures} pictures or more" if kind == "infer" else kind
        for kind in site.submit
    ]
    walls = {"none": "without walls: they can use the network and every file that you can"}
    kept = walls.get(site.walls, f"in walls: {'the best of their node' if site.walls == 'auto' else site.walls}")
    if not kinds:
        return "site: Slurm gets nothing, for submit names no kind of stage; all runs here"
    return f"site: Slurm gets {', '.join(kinds)}; its jobs run {kept}; all else runs here"


def refuse_without_commands() -> None:
    """Refuse a cluster whose commands are not on this machine.

    Raises:
        EngineUnavailable: Where that is so.
    """
    missing = [name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None]
    if missing:
        raise EngineUnavailable(
            f"the site submits stages to Slurm, and this machine has no {', '.join(missing)}",
            where=str(site_file()),
            hint="run this where Slurm's commands are, such as a login node; or name a site with where: here",
        )


@functools.cache
def _controller(poll_s: float) -> Controller:
    """Return the one that all of this process share, so that they ask once for all."""
    return Controller(poll_s)


def _demand(site: Site, kind: StageKind) -> Demand:
    said = site.demand(kind)
    return Demand(
        partition=said.partition,
        account=said.account,
        time=said.time,
        gres=said.gpu or "gpu:1",
        processors=said.processors,
        options=said.options,
        save_s=site.save_seconds,
    )


def _pictures(inputs: Mapping[str, Path]) -> int:
    """Return how many pictures an inference reads; 0 where its dataset does not tell."""
    try:
        return len(DatasetFile.load(inputs["dataset"]).items)
    except (KeyError, BadInput):
        return 0
