"""The stages `adopt` and `release`: the authors' TensorFlow checkpoint in and out."""

import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np
import tensorflow as tf

from netkit.checkpoint_files import given_parts, matching_files, pattern_of
from netkit.facts import of_another_network, write_adopted, write_released
from netkit.file_kind import refuse_foreign, refuse_irregular
from netkit.tensor_bundle import TensorBundle
from stagekit import BadInput, StageContext, write_atomically
from stagekit.results.adopt import AdoptFormat
from zhang2018.arrays import WEIGHTS, is_archive_of_arrays, load_arrays, save_arrays, stored_weights
from zhang2018.parameters import CHANNELS, DILATIONS, discriminator_shapes, generator_shapes, problems_of

PREFIX = "model.ckpt"
"""How the authors' program names its checkpoint."""

_PARTS = pattern_of(r"(?P<set>.+)\.(?P<part>index|data-\d{5}-of-\d{5})")
_FOLDER = "give the folder with model.ckpt.index and model.ckpt.data-00000-of-00001, or one of these files"
_UNUSED = ("/BatchNorm/moving_mean", "/BatchNorm/moving_variance")
_OPTIMISER = ("/Adam", "/Adam_1", "beta1_power", "beta2_power", "beta1_power_1", "beta2_power_1", "global_step")

_Found = Tuple[Mapping[str, Any], Callable[[str], np.ndarray], List[str]]
"""What has a shape by its name, what gives the numbers of a name, and notes."""


def adopt(context: StageContext) -> None:
    """Write ``weights.npz`` from the input `checkpoint`, and ``adopt.json``.

    The folder of a TensorFlow checkpoint is read, its files one by one (inputs such as `checkpoint.index`), and the
    file that a training of this project leaves. The setting `entry` chooses one of several checkpoints in a folder. A
    graph beside the checkpoint (``.meta``) is never looked at.

    Raises:
        BadInput: Where it cannot be read, or where a tensor is missing, superfluous, misshapen or not finite: all are
            named, except where nothing fits.
    """
    own = _own_weights(context.request.inputs)
    form: AdoptFormat = "released" if own is None else "own"
    tensors, numbers, notes = _released(context) if own is None else _stored(own)
    shapes = {**generator_shapes(), **discriminator_shapes()}
    fitting = [name for name, shape in shapes.items() if name in tensors and tensors[name].shape == tuple(shape)]
    values = {name: numbers(name) for name in fitting}
    extra = [name for name in tensors if name not in shapes]
    non_finite = [name for name, value in values.items() if not _finite(value)]
    problems = of_another_network(shapes, tensors)
    if not problems:
        problems = problems_of(tensors, shapes) + ["%s: %s" % kind for kind in _named(extra, non_finite)]
    if problems:
        raise BadInput(
            "the checkpoint does not fit Zhang's network: %s" % "; ".join(problems), "give a checkpoint of this network"
        )
    save_arrays(context.output(WEIGHTS), {name: np.asarray(values[name], np.float32) for name in shapes})
    if form == "released":
        notes.append("moving averages and the optimiser's state were left out: the network does not use them")
    write_adopted(context, form, list(shapes.values()), notes)


def _own_weights(inputs: Mapping[str, str]) -> Optional[str]:
    """Return the path of this project's own weights, None where what is given is of the authors' program."""
    if given_parts(inputs):
        return None
    own = stored_weights(inputs["checkpoint"])
    if own != inputs["checkpoint"]:
        return own if os.path.isfile(own) else None
    refuse_irregular(own)
    return own if is_archive_of_arrays(own) else None


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
    written = sorted(name for name in os.listdir(context.output()) if name.startswith(PREFIX + "."))
    write_released(context, ["checkpoint", *written], ["the moving averages, which nothing reads, are a new network's"])


def _released(context: StageContext) -> _Found:
    """Return the tensors of the input `checkpoint`, without the optimiser's and the unused ones.

    Raises:
        BadInput: Where there is no checkpoint or there are several, or where it cannot be read.
    """
    name, parts, notes = _files(context.request.inputs, context.request.settings.get("entry"))
    _check_shards(name, parts)
    bundle = TensorBundle(name, parts)
    tensors = {one: value for one, value in bundle.tensors.items() if not one.endswith((*_UNUSED, *_OPTIMISER))}
    return tensors, bundle.numbers, notes


def _stored(path: str) -> _Found:
    arrays = load_arrays(path)
    return arrays, arrays.__getitem__, []


def _files(inputs: Mapping[str, str], entry: Optional[str]) -> Tuple[str, Dict[str, str], List[str]]:
    """Return the name of the checkpoint, its files by their endings, and notes."""
    given = given_parts(inputs)
    if given:
        return PREFIX, given, []
    path = inputs["checkpoint"]
    if not os.path.isdir(path):
        refuse_irregular(path)
        refuse_foreign(path)
        raise BadInput("%s is no checkpoint of TensorFlow" % path, _FOLDER)
    sets = matching_files(path, _PARTS)
    if not sets and any(name.endswith(".meta") for name in os.listdir(path)):
        raise BadInput(
            "the folder holds a graph (.meta) and no file *.index: its checkpoint is incomplete, or in TensorFlow's "
            "first format",
            "put all its files there, or save it again with a Saver of TensorFlow's second format",
        )
    if not sets:
        raise BadInput("the folder holds no checkpoint: it has no files *.index", _FOLDER)
    chosen = entry if entry is not None else next(iter(sets)) if len(sets) == 1 else _recorded(sets)
    if chosen not in sets:
        raise BadInput(
            "the folder holds several checkpoints: %s" % ", ".join(sorted(sets)[:20]),
            "choose one: --entry %s on the command line, or 'entry: %s' beside 'checkpoint:' in the spec"
            % ((sorted(sets)[0],) * 2),
        )
    notes = ["the weights are those of the files '%s.*', one of several checkpoints there" % chosen]
    return chosen, sets[chosen], notes if len(sets) > 1 else []


def _recorded(sets: Mapping[str, Mapping[str, str]]) -> Optional[str]:
    """Return the checkpoint that TensorFlow's text file beside several names as the newest, None without one."""
    beside = os.path.join(os.path.dirname(next(iter(next(iter(sets.values())).values()))), "checkpoint")
    if not os.path.isfile(beside):
        return None
    with open(beside, "rb") as stream:
        text = stream.read(1 << 20).decode("utf-8", "replace")
    match = re.search(r'^model_checkpoint_path:\s*"(?:.*[/\\])?([^"/\\]+)"', text, re.MULTILINE)
    return match.group(1) if match else None


def _check_shards(name: str, parts: Mapping[str, str]) -> None:
    """Refuse a checkpoint of which a file is not there, and name it."""
    counts = [int(part[-5:]) for part in parts if part.startswith("data-")]
    wanted = ["data-%05d-of-%05d" % (number, counts[0]) for number in range(counts[0])] if counts else []
    missing = [part for part in ("index", *(wanted or ["data-00000-of-00001"])) if part not in parts]
    if missing:
        raise BadInput(
            "of the checkpoint %s there is no file %s"
            % (name, ", ".join("%s.%s" % (name, part) for part in missing[:5])),
            "put all its files into one folder: %s.index and every %s.data-*" % (name, name),
        )


def _finite(value: np.ndarray) -> bool:
    return np.issubdtype(value.dtype, np.floating) and bool(np.isfinite(value).all())


def _named(extra: List[str], non_finite: List[str]) -> List[Tuple[str, str]]:
    kinds = (("not part of it", extra), ("not finite", non_finite))
    return [(kind, ", ".join(names)) for kind, names in kinds if names]
