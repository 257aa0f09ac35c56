"""Scalars and pictures of a training as TensorBoard event files."""

import collections
import io
from typing import Dict, List, Mapping

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter
from tensorboardX.proto.summary_pb2 import Summary

from netkit.pictures import as_bytes

POINTS = 10_000
"""About how many points a scalar gets over a whole training; beyond that, neighbours are averaged."""


class Events:
    """The event files of one training; a resumed training hides what was written past its checkpoint.

    Args:
        folder: Of the event files.
        step: Optimiser steps done before.
        total: Steps of the whole training.
    """

    def __init__(self, folder: str, step: int, total: int) -> None:
        self._writer = SummaryWriter(
            folder, purge_step=step + 1 if step else None, filename_suffix=".%09d" % step, flush_secs=10
        )
        self._stride = max(1, total // POINTS)
        self._open: Dict[str, List[float]] = collections.defaultdict(list)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Record scalars by name, such as "loss/pixel".

        Args:
            step: Counted from 1.
        """
        for name, value in values.items():
            self._open[name].append(value)
        if step % self._stride == 0:
            for name, found in self._open.items():
                self._writer.add_scalar(name, float(np.mean(found)), step)
            self._open.clear()

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Record pictures by name, float32 RGB in [0, 1], (H, W, 3); values beyond are clipped."""
        for name, picture in pictures.items():
            # Encoded here: the library's own way needs a Pillow older than 10 where it must do with an old protobuf.
            values = as_bytes(picture)
            stream = io.BytesIO()
            Image.fromarray(values).save(stream, "PNG")
            height, width = values.shape[:2]
            image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=stream.getvalue())
            self._writer.file_writer.add_summary(
                Summary(value=[Summary.Value(tag="sample/" + name, image=image)]), step
            )

    def close(self) -> None:
        """Write what is not on disk yet."""
        self._writer.close()
