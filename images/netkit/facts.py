"""What the stages around a training agree on: which weights are exported, what `adopt` and `release` say."""

import math
import os
from typing import Collection, List, Sequence, Tuple

from stagekit import BadInput, StageContext
from stagekit.results.adopt import AdoptFile, AdoptFormat
from stagekit.results.release import ReleaseFile


def write_adopted(
    context: StageContext, form: AdoptFormat, shapes: Sequence[Tuple[int, ...]], notes: Sequence[str]
) -> None:
    """Write ``adopt.json``, and say its notes.

    Args:
        form: "released" for a checkpoint of the authors' program, "own" for one of this project.
        shapes: Of its tensors.
    """
    for note in notes:
        context.note(note)
    parameters = sum(math.prod(shape) for shape in shapes)
    AdoptFile(form, len(shapes), parameters, tuple(notes)).save(context.output())


def write_released(context: StageContext, files: Sequence[str], notes: Sequence[str]) -> None:
    """Write ``release.json``.

    Args:
        files: Names of what the authors' program reads, beside it.
    """
    ReleaseFile(tuple(files), tuple(notes)).save(context.output())


def of_another_network(expected: Collection[str], found: Collection[str]) -> List[str]:
    """Return the sentence about tensors none of which has an expected name; empty where one has.

    Hundreds of names would hide what is the matter.
    """
    if set(expected) & set(found) or not found:
        return []
    return ["none of its %d tensors is there, but for example %s" % (len(expected), min(found))]


def exported_weights(context: StageContext, file: str) -> str:
    """Return the path of the weights to export: the input `weights`, or the file in it of the weights after an epoch.

    The setting `snapshot` names the epoch, counted from 1.

    Args:
        file: Name of the final weights.

    Raises:
        BadInput: Where there are no weights of that epoch.
    """
    epoch = context.request.settings.get("snapshot")
    if epoch is None:
        return context.input("weights")
    path = context.input("weights", "snapshots", "epoch_%04d%s" % (epoch, os.path.splitext(file)[1]))
    if not os.path.isfile(path):
        raise BadInput("the training kept no weights of epoch %s" % epoch, "name it in the training's snapshots")
    return path
