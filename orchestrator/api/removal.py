"""How an array goes through `sirr-orch remove`: as a file beside which the result is written."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.api.pixels import as_deep_integers, as_floats, pixels_of
from orchestrator.errors import SpecError
from orchestrator.execute.onnx_file import declared_network
from orchestrator.execute.photo_methods import ProgramMethod, chosen_method
from orchestrator.execute.plugins import known_library
from orchestrator.execute.removal import Removal
from orchestrator.execute.remove import remove_reflections
from orchestrator.png import write_png
from orchestrator.spec.names import EngineName
from orchestrator.store.layout import store_folder
from orchestrator.store.store import Store

_STEM = "array"
_INTEGERS = ("uint8", "uint16")
_NOT_SAID = {"onnx", "name"}
"""Fields of an experiment's entrant that are not about what its network takes."""


@dataclass(frozen=True)
class ArrayRemoval:
    """What `api.remove` was asked for, besides the picture."""

    model: str | Path | None
    store: str | Path | None
    engine: EngineName
    build: bool
    memory_bytes: int | None
    threads: int | None
    declared: Mapping[str, Any]
    say: Callable[[str], None]

    def of(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture without its reflection; see `api.remove`."""
        _check(picture)
        with tempfile.TemporaryDirectory(prefix="sirr-orch-") as folder:
            removal = self._removal(Path(folder) / "results")
            if picture.dtype.name in _INTEGERS:
                return self._through_picture(picture, removal)
            method = chosen_method(removal, Store(removal.store, make=False), lambda _words: None)
            if isinstance(method, ProgramMethod):
                return as_floats(self._through_picture(as_deep_integers(picture), removal))
            return self._through_array(picture, removal)

    def _removal(self, out: Path) -> Removal:
        file = self._file
        if file is None and self.declared:
            raise SpecError("what is said of an ONNX file needs one", hint="name it as the model, or leave onnx= out")
        if not _NOT_SAID.isdisjoint(self.declared):
            named = ", ".join(sorted(_NOT_SAID & self.declared.keys()))
            raise SpecError(f"onnx says what the model's file takes, not {named}", hint="name the file as the model")
        return Removal(
            (out.with_name(f"{_STEM}.png"),),
            None if file is not None or self.model is None else str(self.model),
            out,
            store_folder(self.store),
            self.engine,
            onnx=file,
            declared=None if file is None else declared_network(file, self.declared),
            memory_bytes=self.memory_bytes,
            threads=self.threads,
            build=self.build,
            library=known_library(()),
        )

    @property
    def _file(self) -> Path | None:
        """The ONNX file that the model is, None where it is none."""
        if self.model is None or not (isinstance(self.model, Path) or self.model.endswith(".onnx")):
            return None
        return Path(self.model).expanduser()

    def _through_picture(self, picture: np.ndarray, removal: Removal) -> np.ndarray:
        removal.photos[0].write_bytes(write_png(picture))
        self._remove(removal)
        return pixels_of(removal.out / f"{_STEM}.png")

    def _through_array(self, picture: np.ndarray, removal: Removal) -> np.ndarray:
        given = removal.photos[0].with_suffix(".npy")
        np.save(given, picture.astype(np.float32), allow_pickle=False)
        self._remove(replace(removal, photos=(given,), arrays=True))
        return np.asarray(np.load(removal.out / f"{_STEM}.transmission.npy", allow_pickle=False))

    def _remove(self, removal: Removal) -> None:
        remove_reflections(removal, lambda _event: None, self.say)


def _check(picture: np.ndarray) -> None:
    """Refuse what is no picture.

    Raises:
        SpecError: For such.
    """
    hint = "give RGB of shape (height, width, 3): uint8, uint16, or floats from 0 to 1"
    if not isinstance(picture, np.ndarray):
        raise SpecError(f"{type(picture).__name__} is no array", hint="give numpy.asarray(picture)")
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise SpecError(f"an array of shape {picture.shape} is no picture of RGB", hint=hint)
    if picture.dtype.name in _INTEGERS:
        return
    if picture.dtype.kind != "f":
        raise SpecError(f"an array of {picture.dtype} is no picture", hint=hint)
    least, most = float(picture.min()), float(picture.max())
    if not (least >= 0 and most <= 1):
        raise SpecError(f"the picture holds values from {least:.4g} to {most:.4g}, and 0 to 1 is meant", hint=hint)
