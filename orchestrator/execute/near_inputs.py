"""Inputs of stages on this machine's own disk, where a folder for them is named."""

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.errors import SpecError
from orchestrator.execute.leftovers import engines_that_answer
from orchestrator.store.inputs_cache import MOST_BYTES, InputsCache
from orchestrator.store.store import Store

FOLDER_VARIABLE = "SIRR_INPUTS_CACHE"
SIZE_VARIABLE = "SIRR_INPUTS_CACHE_GB"


def near_inputs(store: Store, engine: Engine, environment: Mapping[str, str] = os.environ) -> InputsCache | None:
    """Return the cache that the environment names; None where it names none, or programs run on another machine.

    Raises:
        SpecError: Where the size is none.
    """
    folder = environment.get(FOLDER_VARIABLE, "")
    if not folder or not engine.capabilities.same_machine:
        return None
    size = environment.get(SIZE_VARIABLE, "") or f"{MOST_BYTES / 1e9}"
    try:
        most_bytes = float(size) * 1e9
    except ValueError:
        most_bytes = 0
    if not 0 < most_bytes < 1e18:
        raise SpecError(f"{SIZE_VARIABLE} is {size!r}, and no size", hint="write a number of gigabytes, such as 100")

    def in_use() -> set[Path]:
        return {path for each in engines_that_answer(store.layout.stagings) for path in each.paths_in_use()}

    return InputsCache(store.layout, Path(folder).expanduser().absolute(), int(most_bytes), in_use)
