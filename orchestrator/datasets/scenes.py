"""Rectangles of the photographs that lie inside scikit-image's package, blended or left as layers."""

from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, dataset_item
from orchestrator.datasets.description import SceneDescription, ScenesDescription
from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.datasets.picture_reading import SUFFIXES, RgbPicture, UnusablePicture, read_rgb
from orchestrator.datasets.progress_callback import ProgressCallback
from stagekit import BadInput


class Blended(NamedTuple):
    """What a synthesis made: float32, (H, W, 3), RGB, 0 to 1; the layers as they are in the blended picture."""

    blended: np.ndarray
    transmission: np.ndarray
    reflection: np.ndarray


Blender = Callable[[str, np.ndarray, np.ndarray, int, int], Blended]
"""Blends two pictures (float32, (H, W, 3), RGB, 0 to 1): the synthesis' name, transmission, reflection, the
dataset's seed, the pair's index."""


def prepared_scenes(
    scenes: ScenesDescription,
    output: PictureFolder,
    blend: Blender,
    progress: ProgressCallback,
    photographs: Path | None = None,
) -> PreparedDataset:
    """Return the scenes as pairs, where they are to be blended, or else as layers; their pictures are written.

    Args:
        photographs: Folder of the photographs; None for scikit-image's own.

    Raises:
        BadInput: Names every scene outside its photograph, every missing photograph, and every two scenes of different
            sizes that were to be blended.
    """
    cut = _cut([*scenes.transmissions, *scenes.reflections], photographs or packaged_photographs())
    if scenes.blend is None:
        return _layers(scenes, cut, output, progress)
    return _pairs(scenes, scenes.blend, cut, output, blend, progress)


def packaged_photographs() -> Path:
    """Return the folder of the photographs inside scikit-image's package; nothing is fetched."""
    import skimage  # noqa: PLC0415 - slow to import, and needed by scenes only

    return Path(skimage.__file__).parent / "data"


def _cut(scenes: Sequence[SceneDescription], folder: Path) -> dict[SceneDescription, RgbPicture]:
    photographs: dict[str, RgbPicture] = {}
    problems: dict[str, None] = {}
    cut: dict[SceneDescription, RgbPicture] = {}
    for scene in scenes:
        if scene.picture not in photographs:
            try:
                photographs[scene.picture] = _photograph(folder, scene.picture)
            except UnusablePicture as error:
                problems[f"{scene.picture} {error}"] = None
                continue
        whole = photographs[scene.picture]
        height, width = whole.size
        bottom, right = scene.top + scene.height, scene.left + scene.width
        if min(scene.top, scene.left) < 0 or min(scene.height, scene.width) < 1 or bottom > height or right > width:
            problems[f"{_place(scene)} does not lie inside it: it has {height} x {width} pixels"] = None
            continue
        cut[scene] = RgbPicture(whole.pixels[scene.top : bottom, scene.left : right], whole.notes)
    if problems:
        names = ", ".join(sorted(path.name for path in folder.iterdir() if path.suffix in SUFFIXES))
        raise BadInput(
            "scenes cannot be cut: " + "; ".join(problems), f"change these scenes; the photographs are {names}"
        )
    return cut


def _photograph(folder: Path, name: str) -> RgbPicture:
    if PurePosixPath(name).name != name or not (folder / name).is_file():
        raise UnusablePicture("is none of the photographs inside scikit-image's package")
    return read_rgb(folder / name)


def _layers(
    scenes: ScenesDescription,
    cut: dict[SceneDescription, RgbPicture],
    output: PictureFolder,
    progress: ProgressCallback,
) -> PreparedDataset:
    parts = [("transmission", scene) for scene in scenes.transmissions]
    parts += [("reflection", scene) for scene in scenes.reflections]
    names = [f"{part[0]}{number:02}-{_stem(scene)}" for number, (part, scene) in _numbered(parts)]
    items = []
    for done, (identifier, (part, scene)) in enumerate(zip(safe_identifiers(names), parts, strict=True), 1):
        picture = cut[scene]
        path = output.save(part, identifier, picture.pixels)
        paths = {"transmission": path} if part == "transmission" else {"reflection": path}
        items.append(dataset_item(identifier, (scene.height, scene.width), _place(scene), picture.notes, paths))
        progress(done, len(parts))
    return PreparedDataset("layers", tuple(items))


def _pairs(
    scenes: ScenesDescription,
    synthesis: str,
    cut: dict[SceneDescription, RgbPicture],
    output: PictureFolder,
    blend: Blender,
    progress: ProgressCallback,
) -> PreparedDataset:
    couples = list(zip(scenes.transmissions, cycle(scenes.reflections), strict=False))
    _refuse_unequal(couples)
    names = [f"{number:02}-{_stem(behind)}-{_stem(before)}" for number, (behind, before) in enumerate(couples, 1)]
    items = []
    for index, (identifier, (behind, before)) in enumerate(zip(safe_identifiers(names), couples, strict=True)):
        layers = [np.asarray(cut[scene].pixels, np.float32) / 255 for scene in (behind, before)]
        made = blend(synthesis, layers[0], layers[1], scenes.seed, index)
        paths = {part: output.save(part, identifier, _as_bytes(getattr(made, part))) for part in made._fields}
        origin = f"{_place(behind)}, reflected: {_place(before)}"
        notes = tuple(dict.fromkeys((*cut[behind].notes, *cut[before].notes)))
        items.append(dataset_item(identifier, (behind.height, behind.width), origin, notes, paths))
        progress(index + 1, len(couples))
    return PreparedDataset("pairs", tuple(items))


def _refuse_unequal(couples: Sequence[tuple[SceneDescription, SceneDescription]]) -> None:
    unequal = [
        f"{_place(behind)} and {_place(before)}"
        for behind, before in couples
        if (behind.height, behind.width) != (before.height, before.width)
    ]
    if unequal:
        raise BadInput(
            "scenes of different sizes cannot be blended: " + "; ".join(unequal), "give both the same height and width"
        )


def _numbered(parts: Sequence[tuple[str, SceneDescription]]) -> list[tuple[int, tuple[str, SceneDescription]]]:
    counts: dict[str, int] = {}
    numbered = []
    for part in parts:
        counts[part[0]] = counts.get(part[0], 0) + 1
        numbered.append((counts[part[0]], part))
    return numbered


def _place(scene: SceneDescription) -> str:
    return f"{scene.picture} ({scene.height} x {scene.width} at row {scene.top}, column {scene.left})"


def _stem(scene: SceneDescription) -> str:
    return PurePosixPath(scene.picture).stem


def _as_bytes(picture: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)
