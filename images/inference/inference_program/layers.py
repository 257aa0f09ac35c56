"""Pictures of a prepared dataset in, layers out, in strips: PNG and TIFF files, or arrays of floats."""

import math
import os
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inference_program.items import Item
from orchestrator.infer.graphs.region import Size, Span
from orchestrator.infer.onnx_network import REFLECTION, TRANSMISSION, Picture, cascade_steps
from orchestrator.infer.rows import PictureSource, Rows, Whole, row_strips
from orchestrator.photos import vips
from orchestrator.photos.picture_writer import PictureForm, write_picture
from stagekit import BadInput, StageContext, write_atomically
from stagekit.inside import open_plain

_TYPES: Mapping[str, np.dtype[Any]] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_SUFFIXES = {"png": "png", "tiff": "tif"}
_AGAIN = "prepare the dataset again"
_ARRAY = "give an array (height, width, 3), RGB, 0 to 1"
_BROKEN_ARRAY = (EOFError, OverflowError, RecursionError, SyntaxError, TypeError, ValueError, tokenize.TokenError)
"""What NumPy raises for broken and unusual files."""


@dataclass(frozen=True)
class Prepared:
    """A picture of a prepared dataset.

    Attributes:
        beside: What its results get too.
        dtype: Of a value in files.
    """

    source: PictureSource
    beside: vips.Metadata
    dtype: np.dtype[Any]


def read_picture(path: Path, size: Size) -> Prepared:
    """Return a prepared picture, whose strips are float32, (rows, W, 3), RGB, 0 to 1.

    Args:
        size: That it has by its dataset's list.

    Raises:
        BadInput: Where it cannot be read, has another size, or is neither an RGB picture of 8 or 16 bits nor an array
            of floats of that shape; so do its strips.
    """
    try:
        os.close(open_plain(os.path.realpath(path)))
        image = _mapped_array(path) if path.suffix == ".npy" else vips.open_image(path, "png")
    except (vips.PictureError, OSError) as error:
        raise _unreadable(path, error) from error
    if isinstance(image, np.ndarray):
        _refuse_other_size(path, Size(*image.shape[:2]), size)
        return Prepared(Whole(_finite(path, image)), vips.Metadata(), np.dtype(np.uint8))
    _refuse_other_size(path, Size(image.height, image.width), size)
    if image.bands != 3 or image.format not in _TYPES:
        raise BadInput(
            f"{path.name} is no RGB picture of 8 or 16 bits, but has {image.bands} bands of {image.format}", _AGAIN
        )
    return Prepared(_Stored(path, size), vips.metadata(image), _TYPES[image.format])


@dataclass(frozen=True)
class _Stored:
    """A picture in a PNG file."""

    path: Path
    size: Size

    def strips(self) -> Iterator[Picture]:
        """Yield its rows."""
        try:
            for strip in vips.image_strips(vips.open_image(self.path, "png")):
                yield strip.astype(np.float32) / np.float32(np.iinfo(strip.dtype).max)
        except vips.PictureError as error:
            raise _unreadable(self.path, error) from error


def _unreadable(path: Path, error: Exception) -> BadInput:
    reason = vips.reason(error) if isinstance(error, vips.PictureError) else getattr(error, "strerror", None) or error
    return BadInput(f"{path.name} cannot be read as a picture: {reason}", _AGAIN)


def _refuse_other_size(path: Path, found: Size, listed: Size) -> None:
    """Raise BadInput where a picture has another size than that which its place in memory was planned for."""
    if found != listed:
        raise BadInput(f"{path.name} has {found} pixels, and its dataset says {listed}", _AGAIN)


def _mapped_array(path: Path) -> np.ndarray:
    """Return an array of floats that lies in its file: what the file says of its size takes no memory."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except _BROKEN_ARRAY as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"{path.name} cannot be read as an array: {reason}", "save it with numpy.save") from error
    floats = isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.floating)
    if not floats or values.ndim != 3 or values.shape[2] != 3:
        raise BadInput(f"{path.name} is no picture of floats", _ARRAY)
    return np.asarray(values)


def _finite(path: Path, values: np.ndarray) -> Picture:
    """Return an array in memory.

    Raises:
        BadInput: Where it holds what is no finite number.
    """
    if not np.isfinite(values).all():
        raise BadInput(f"{path.name} is no picture of finite floats", _ARRAY)
    return np.ascontiguousarray(values, np.float32)


class NotFinite(Exception):
    """An output holds values that are not finite; its name is the argument."""


@dataclass
class Range:
    """The smallest and the largest value of a layer, gathered while it is written."""

    least: float = math.inf
    most: float = -math.inf

    def seen(self, values: Picture, output: str) -> None:
        """Take some values of an output into account.

        Raises:
            NotFinite: Where a value is none.
        """
        least, most = float(values.min()), float(values.max())
        if not math.isfinite(least) or not math.isfinite(most):
            raise NotFinite(output)
        self.least, self.most = min(self.least, least), max(self.most, most)


@dataclass
class Layers:
    """Writes what a network answered to one picture.

    Attributes:
        as_photo: Write the layers as files of the photograph's kind, with its transparency.
        ranges: Of the layers that were written.
    """

    context: StageContext
    item: Item
    prepared: Prepared
    as_photo: bool = False
    ranges: dict[str, Range] = field(default_factory=dict)

    def written(self, outputs: Mapping[str, Rows]) -> dict[str, Any]:
        """Write transmission, reflection and cascade steps, and return their paths as ``predictions.json`` has them.

        Raises:
            NotFinite: Where a value is none.
        """
        paths: dict[str, Any] = {
            name: self._save(name, self.item.id, name, outputs[name], finished=self.as_photo)
            for name in (TRANSMISSION, REFLECTION)
            if name in outputs
        }
        steps = [
            self._save("steps", f"{self.item.id}-{number}", name, outputs[name], finished=False)
            for number, name in enumerate(cascade_steps(outputs), 1)
        ]
        return {**paths, "steps": steps} if steps else paths

    def keep_arrays(self, outputs: Mapping[str, Rows]) -> None:
        """Write every output as it came, float32, (H, W, channels), not clipped: ``arrays/ID.OUTPUT.npy``."""
        for name, rows in outputs.items():
            shape = (rows.size.height, rows.size.width, rows.rows(Span(0, 1)).shape[2])
            with write_atomically(self.context.output("arrays", f"{self.item.id}.{name}.npy")) as stream:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                for strip in row_strips(rows):
                    stream.write(np.ascontiguousarray(strip, "<f4").data)

    def _save(self, folder: str, stem: str, name: str, rows: Rows, *, finished: bool) -> str:
        """Write one layer, clipped to [0, 1] and rounded to its depth, and return its path in the output."""
        kind = self.item.kind if finished else "png"
        relative = f"{folder}/{stem}.{_SUFFIXES[kind]}"
        form = PictureForm((rows.size.height, rows.size.width), self.prepared.dtype, kind=kind)
        alpha = None
        if finished and self.item.alpha is not None:
            alpha = Path(self.context.input("dataset", self.item.alpha))
        path = self.context.output(relative)
        write_picture(path, self._quantised(name, rows), form, self.prepared.beside, alpha)
        return relative

    def _quantised(self, name: str, rows: Rows) -> Iterator[np.ndarray]:
        most = np.float32(np.iinfo(self.prepared.dtype).max)
        seen = self.ranges.setdefault(name, Range())
        for strip in row_strips(rows):
            seen.seen(strip, name)
            yield np.rint(np.clip(strip, 0, 1) * most).astype(self.prepared.dtype)
