"""The frozen VGG-19 that Zhang's network sees with: MatConvNet's file, or seeded stand-in weights."""

import os
from typing import Any, Dict, Iterator, Mapping, Tuple

import numpy as np

from netkit.file_kind import refuse_irregular
from netkit.malformed import Malformed
from netkit.matlab_file import read_variable
from netkit.seeded import VGG19_LAYERS, seeded_vgg19
from stagekit import BadInput, StageContext

FILE_NAME = "imagenet-vgg-verydeep-19.mat"
"""MatConvNet's name for the file with the ImageNet weights."""

LAST = "conv5_2"
"""The last layer that network and losses use."""

Features = Mapping[str, Tuple[np.ndarray, np.ndarray]]
"""Kernels (h, w, in, out) and biases (out,), float32, by layer name, conv1_1 to conv5_2."""


def stage_features(context: StageContext) -> Features:
    """Return the features that the setting `features` names: "random", or "pretrained" from the input `features`.

    Raises:
        BadInput: For another setting, or where the file is missing or does not fit.
    """
    wanted = context.setting("features")
    if wanted == "random":
        return random_features()
    if wanted != "pretrained":
        raise BadInput("features are %r" % wanted, "choose 'pretrained' or 'random'")
    path = context.input("features")
    return load_features(os.path.join(path, FILE_NAME) if os.path.isdir(path) else path)


def random_features(salt: str = "") -> Features:
    """Return seeded stand-in weights: the same in every program, for every framework."""
    seeded = seeded_vgg19(LAST, salt).items()
    return {name: (np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias) for name, (kernel, bias) in seeded}


def load_features(path: str) -> Features:
    """Return the weights of MatConvNet's file; only arrays are read from it, nothing in it is run.

    Both of its generations are read: fields are found by name, in any order, with kernel and bias in a cell named
    `weights`, or apart as `filters` and `biases`. Layers without a name are passed over: they hold no weights.

    Raises:
        BadInput: Where the file is missing, is no file or not a MATLAB 5 file, or lacks a layer of the right shape.
    """
    refuse_irregular(path)
    try:
        layers = {record["name"]: record for record in _records(read_variable(path, "layers"))}
    except (Malformed, OSError) as error:
        raise BadInput(
            "%s is not MatConvNet's VGG-19 (%s)" % (path, error), "fetch %s again from MatConvNet" % FILE_NAME
        ) from error
    features: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}
    for name, before, after, _index in VGG19_LAYERS:
        if name not in layers:
            raise BadInput("%s has no layer %s" % (path, name), "give MatConvNet's %s" % FILE_NAME)
        features[name] = _weights(layers[name], name, (3, 3, before, after), path)
        if name == LAST:
            break
    return features


def _records(layers: Any) -> Iterator[Dict[str, Any]]:
    """Yield the structures with a name: layers are cells of one structure each, or an array of structures."""
    for one in layers if isinstance(layers, list) else [layers]:
        layer = one
        while isinstance(layer, list) and len(layer) == 1:
            layer = layer[0]
        if isinstance(layer, dict) and isinstance(layer.get("name"), str):
            yield layer


def _weights(layer: Mapping[str, Any], name: str, shape: Tuple[int, ...], path: str) -> Tuple[np.ndarray, np.ndarray]:
    parts = layer["weights"] if isinstance(layer.get("weights"), list) else [layer.get("filters"), layer.get("biases")]
    found = [np.shape(part) if isinstance(part, np.ndarray) else None for part in parts]
    if len(found) != 2 or found[0] != shape or found[1] is None or parts[1].size != shape[3]:
        raise BadInput(
            "layer %s of %s holds arrays of %s, not a kernel of %s and its bias" % (name, path, found, shape),
            "give MatConvNet's %s" % FILE_NAME,
        )
    if not all(np.isfinite(part).all() for part in parts):
        raise BadInput("layer %s of %s holds values that are not finite" % (name, path), "fetch the file again")
    return np.asarray(parts[0], np.float32), np.ravel(parts[1]).astype(np.float32)
