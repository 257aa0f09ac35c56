"""Takes the reflection out of a picture that is an array."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.spec.names import EngineName


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
        store: Folder of results and environments; None: SIRR_STORE, else `.sirr`.
        engine: 'docker', 'local', or 'auto': Docker where an engine answers.
        build: Build the images that are missing first.
        memory_bytes: To keep to; None: the run's, or 8 GiB.
        threads: None: all that there are.
        onnx: What is said of an ONNX file that is none of this program, by the fields of an experiment's entrant, such
            as {'range': [0, 255], 'channels': 'bgr'}.
        say: Hears in words what is done, such as `print`.

    Returns:
        (H, W, 3), RGB, of the type of the picture; of floats float32. A network's floats are not clipped and not
        rounded; a program is given floats at 16 bits, and answers so.

    Raises:
        SpecError: For an array that is no picture, or a model that is not there.
        ImageNotBuilt: Where an image is not built.
        EngineUnavailable: Where no engine answers.
        SirrError: What else a stage ends with.
    """
    # Imported here: who looks at runs must not wait for what runs stages.
    from orchestrator.api.removal import ArrayRemoval  # noqa: PLC0415

    return ArrayRemoval(model, store, engine, build, memory_bytes, threads, onnx or {}, say or _unheard).of(picture)


def _unheard(_words: str) -> None:
    """Hear nothing."""
