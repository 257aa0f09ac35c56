"""What stages are executed with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.execute.cluster import Cluster
from orchestrator.execute.events import Listener
from orchestrator.execute.sbom import SoftwareLists
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.store.inputs_cache import InputsCache
from orchestrator.store.store import Store


@dataclass(frozen=True)
class ExecutionContext:
    """What stages are executed with.

    Attributes:
        environments: Image name to the built environment.
        modules: Image name to the module of its program.
        programs: Image name to what its keys are made of.
        threads: Of stages whose bits do not depend on them; None: all that there are.
        run: The run's name, a label of its jobs.
        logs: The folder for the stages' output.
        software: Lists what stages ran in; None: that is not kept.
        near: Where results of many small files are read from instead; None: where they are.
        cluster: Where the site submits stages to; None: nowhere.
    """

    store: Store
    engine: Engine
    environments: Mapping[str, Environment]
    modules: Mapping[str, str]
    programs: Mapping[str, Program]
    listener: Listener
    stopper: Stopper
    run: str
    logs: Path
    threads: int | None = None
    workers: int | None = None
    grace_s: float = 60.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    software: SoftwareLists | None = None
    near: InputsCache | None = None
    cluster: Cluster | None = None

    def engine_of(self, stage: Stage, inputs: Mapping[str, Path]) -> Engine:
        """Return what starts a stage: the cluster where the site submits it, else the engine of this machine."""
        if self.cluster is not None and self.cluster.takes(stage.kind, inputs):
            return self.cluster.engine
        return self.engine
