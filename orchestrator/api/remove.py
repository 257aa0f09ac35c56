"""Takes the reflection out of a picture that is an array."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.api.arguments import as_bool, as_callable, as_engine, as_mapping, as_path_or_none, as_whole_or_none
from orchestrator.spec.names import EngineName
from orchestrator.spec.numbers import LEAST_BYTES, MOST_BYTES, MOST_THREADS


def remove(
    picture: np.ndarray,
    model: str | Path | None = None,
    *,
    store: str | Path | None = None,
    engine: EngineName = "auto",
    build: bool = False,
    memory_bytes: int | None = None,
    threads: int | None = None,
    onnx: Mapping[str, Any] | None = None,
    say: Callable[[str], None] | None = None,
) -> np.ndarray:
    """Return a picture without its reflection: what `sirr-orch remove` gives for it, by the same code.

    Args:
        picture: (H, W, 3), RGB, sRGB: uint8, uint16, or floats from 0 to 1.
        model: RUN/MODEL such as 'quickstart/errnet2019', a program's name, or the file of an ONNX network (a Path, or
            text that ends with '.onnx'). None: yang2019, in closed form, which needs no training; networks that saw
            enough pictures do better.
        store: Folder of results and environments; None: SIRR_STORE, else the nearest `.sirr`, here or above.
        engine: 'docker', 'local', or 'auto': Docker where an engine answers.
        build: Build the images that are missing first.
        memory_bytes: To keep to, at least 64 MiB; None: the run's, or 8 GiB.
        threads: None: all that there are.
        onnx: What is said of an ONNX file that is none of this program, by the fields of an experiment's entrant, such
            as {'range': [0, 255], 'channels': 'bgr'}.
        say: Hears in words what is done, such as `print`.

    Returns:
        (H, W, 3), RGB, of the type of the picture; of floats float32. A network's floats are not clipped and not
        rounded; a program is given floats at 16 bits, and answers so.

    Raises:
        SpecError: For an array that is no picture, an argument of another type or out of its range, each before
            anything is done, or a model that is not there.
        ImageNotBuilt: Where an image is not built.
        EngineUnavailable: Where no engine answers.
        SirrError: What else a stage ends with.
    """
    # Imported here: who looks at runs must not wait for what runs stages.
    from orchestrator.api.removal import ArrayRemoval  # noqa: PLC0415

    asked = ArrayRemoval(
        model=as_path_or_none(model, "model"),
        store=as_path_or_none(store, "store"),
        engine=as_engine(engine, "engine"),
        build=as_bool(build, "build"),
        memory_bytes=as_whole_or_none(memory_bytes, "memory_bytes", LEAST_BYTES, MOST_BYTES),
        threads=as_whole_or_none(threads, "threads", 1, MOST_THREADS),
        declared=as_mapping(onnx, "onnx"),
        say=as_callable(say, "say"),
    )
    return asked.of(picture)
