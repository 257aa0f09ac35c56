"""The stages `adopt` and `release`: the authors' TensorFlow checkpoint in and out."""

import glob
import os
from typing import Dict, List, Tuple

import numpy as np
import tensorflow as tf

from netkit.facts import of_another_network, write_adopted, write_released
from stagekit import BadInput, StageContext, write_atomically
from zhang2018.arrays import WEIGHTS, load_arrays, save_arrays, stored_weights
from zhang2018.parameters import CHANNELS, DILATIONS, discriminator_shapes, generator_shapes, problems_of

PREFIX = "model.ckpt"
"""How the authors' program names its checkpoint."""

_UNUSED = ("/BatchNorm/moving_mean", "/BatchNorm/moving_variance")
_OPTIMISER = ("/Adam", "/Adam_1", "beta1_power", "beta2_power", "beta1_power_1", "beta2_power_1", "global_step")


def adopt(context: StageContext) -> None:
    """Write ``weights.npz`` from the input `checkpoint`, and ``adopt.json``.

    The folder of a TensorFlow checkpoint is read, and the file that a training of this project leaves. A graph beside
    the checkpoint (``.meta``) is never looked at.

    Raises:
        BadInput: Where it cannot be read, or where a tensor is missing, superfluous, misshapen or not finite: all are
            named, except where nothing fits.
    """
    path = context.input("checkpoint")
    own = stored_weights(path)
    form, arrays = ("own", load_arrays(own)) if os.path.isfile(own) else ("released", read_released(path))
    shapes = {**generator_shapes(), **discriminator_shapes()}
    extra = [name for name in arrays if name not in shapes]
    non_finite = [name for name, value in arrays.items() if not _finite(value)]
    problems = of_another_network(shapes, arrays)
    if not problems:
        problems = problems_of(arrays, shapes) + ["%s: %s" % kind for kind in _named(extra, non_finite)]
    if problems:
        raise BadInput(
            "the checkpoint does not fit Zhang's network: %s" % "; ".join(problems), "give a checkpoint of this network"
        )
    save_arrays(context.output(WEIGHTS), {name: np.asarray(arrays[name], np.float32) for name in shapes})
    notes = ["moving averages and the optimiser's state were left out: the network does not use them"]
    write_adopted(context, form, list(shapes.values()), notes if form == "released" else ())


def release(context: StageContext) -> None:
    """Write generator and discriminator as a checkpoint of the authors' program, and ``release.json``.

    The moving averages, which nothing reads, are written as a new network has them, so that the program finds all that
    it restores.

    Raises:
        BadInput: Where the weights cannot be used.
    """
    values = dict(load_arrays(stored_weights(context.input("weights"))))
    for layer in ("g_conv0", *DILATIONS):
        for ending, value in zip(_UNUSED, (0.0, 1.0)):
            values[layer + ending] = np.full(CHANNELS, value, np.float32)
    names = sorted(values)
    tensors = [tf.constant(values[name]) for name in names]
    tf.raw_ops.SaveV2(
        prefix=context.output(PREFIX), tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
    )
    with write_atomically(context.output("checkpoint"), "w") as stream:
        stream.write('model_checkpoint_path: "%s"\nall_model_checkpoint_paths: "%s"\n' % (PREFIX, PREFIX))
    written = [os.path.basename(path) for path in sorted(glob.glob(context.output(PREFIX) + ".*"))]
    write_released(context, ["checkpoint", *written], ["the moving averages, which nothing reads, are a new network's"])


def read_released(folder: str) -> Dict[str, np.ndarray]:
    """Return the tensors of a checkpoint folder, without the optimiser's and the unused ones.

    Raises:
        BadInput: Where it holds no single checkpoint, or one that cannot be read.
    """
    found = sorted(glob.glob(os.path.join(folder, "*.index"))) if os.path.isdir(folder) else []
    if len(found) != 1:
        raise BadInput(
            "the checkpoint holds %d files *.index and should hold one" % len(found),
            "give the folder with model.ckpt.index and model.ckpt.data-00000-of-00001",
        )
    try:
        reader = tf.train.load_checkpoint(found[0][: -len(".index")])
        names = [name for name in reader.get_variable_to_shape_map() if not name.endswith((*_UNUSED, *_OPTIMISER))]
        return {name: np.asarray(reader.get_tensor(name)) for name in sorted(names)}
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            "%s is not a readable TensorFlow checkpoint: %s" % (os.path.basename(found[0][: -len(".index")]), reason),
            "fetch the checkpoint again",
        ) from error


def _finite(value: np.ndarray) -> bool:
    return np.issubdtype(value.dtype, np.floating) and bool(np.isfinite(value).all())


def _named(extra: List[str], non_finite: List[str]) -> List[Tuple[str, str]]:
    kinds = (("not part of it", extra), ("not finite", non_finite))
    return [(kind, ", ".join(names)) for kind, names in kinds if names]
