"""One picture through a network's own program in float64: the yardstick of benchmarks/inference_truth.py.

usage: python native.py NETWORK WEIGHTS PICTURE.npy FOLDER
It runs in the network's environment, with images/ and images/NETWORK on PYTHONPATH. WEIGHTS is a released checkpoint or
a training's weights; features are the seeded stand-ins. FOLDER gets each output as NAME.npy, float64, (H, W, 3).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Write what the network answers."""
    network, weights, picture, folder = sys.argv[1:]
    for name, values in NETWORKS[network](weights, np.load(picture)).items():
        np.save(Path(folder, name + ".npy"), values)


def errnet2019(weights: str, picture: np.ndarray) -> Mapping[str, np.ndarray]:
    """Run ERRNet in PyTorch."""
    from errnet2019.network import FEATURE_LAYERS, SIZES, Errnet, Generator
    from errnet2019.weights import adopted

    from netkit.torch_vgg19 import Vgg19

    generator = Generator()
    generator.load_state_dict(adopted(weights)[1])
    network = Errnet(generator, Vgg19(FEATURE_LAYERS[-1]).fill_random()).eval()
    return in_torch(network, picture, SIZES, ("transmission",))


def ibcln2020(weights: str, picture: np.ndarray) -> Mapping[str, np.ndarray]:
    """Run IBCLN in PyTorch, with the three steps of its paper."""
    from ibcln2020.network import SIZES, Ibcln, output_names
    from ibcln2020.weights import read_cascade

    steps = 3
    return in_torch(Ibcln(read_cascade(weights, steps)).eval(), picture, SIZES, output_names(steps))


def in_torch(network: Any, picture: np.ndarray, sizes: Any, names: Any) -> Mapping[str, np.ndarray]:
    """Run a module."""
    import torch

    from netkit.onnx_sizes import edge_padded

    height, width = picture.shape[:2]
    padded = np.asarray(edge_padded(picture, sizes), np.float64)
    with torch.no_grad():
        answers = network.double()(torch.from_numpy(padded.transpose(2, 0, 1)[None].copy()))
    answers = answers if isinstance(answers, tuple) else (answers,)
    pictures = [answer.numpy()[0].transpose(1, 2, 0)[:height, :width] for answer in answers]
    return dict(zip(names, pictures))  # noqa: B905 (Python 3.8)


def zhang2018(weights: str, picture: np.ndarray) -> Mapping[str, np.ndarray]:
    """Run Zhang's network in TensorFlow.

    TensorFlow resizes into float32 alone, so that the resizing, bilinear with corners at the same place, is written
    out here.
    """
    import tensorflow as tf
    from zhang2018.export import native_answers
    from zhang2018.features import random_features
    from zhang2018.parameters import generator_shapes
    from zhang2018.released import read_released

    def doubled(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.asarray(value, np.float64) for name, value in values.items()}

    def along(value: Any, axis: int, length: Any) -> Any:
        before = value.shape[axis]
        place = tf.range(length, dtype=tf.float64) * (before / tf.cast(length, tf.float64))
        low = tf.cast(tf.floor(place), tf.int32)
        weight = tf.reshape(place - tf.floor(place), [-1 if side == axis else 1 for side in range(4)])
        high = tf.minimum(low + 1, before - 1)
        return tf.gather(value, low, axis=axis) * (1 - weight) + tf.gather(value, high, axis=axis) * weight

    tf.compat.v1.image.resize_bilinear = lambda value, size: along(along(value, 1, size[0]), 2, size[1])
    tensors = read_released(weights)
    parameters = doubled({name: tensors[name] for name in generator_shapes()})
    features = {
        name: (np.asarray(kernel, np.float64), np.asarray(bias, np.float64))
        for name, (kernel, bias) in random_features().items()
    }
    return native_answers(np.asarray(picture, np.float64), parameters, features)


NETWORKS = {"errnet2019": errnet2019, "ibcln2020": ibcln2020, "zhang2018": zhang2018}

if __name__ == "__main__":
    main()
