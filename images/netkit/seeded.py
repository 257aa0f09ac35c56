"""Stand-in weights and pictures that depend on their name and shape alone.

Programs that agree on a network's parameter names fill it with the same numbers, in any framework and on any
machine: the stream of NumPy's legacy generator never changes.
"""

import hashlib
from typing import Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

VGG19_LAYERS: Sequence[Tuple[str, int, int, int]] = (
    ("conv1_1", 3, 64, 0),
    ("conv1_2", 64, 64, 2),
    ("conv2_1", 64, 128, 5),
    ("conv2_2", 128, 128, 7),
    ("conv3_1", 128, 256, 10),
    ("conv3_2", 256, 256, 12),
    ("conv3_3", 256, 256, 14),
    ("conv3_4", 256, 256, 16),
    ("conv4_1", 256, 512, 19),
    ("conv4_2", 512, 512, 21),
    ("conv4_3", 512, 512, 23),
    ("conv4_4", 512, 512, 25),
    ("conv5_1", 512, 512, 28),
    ("conv5_2", 512, 512, 30),
    ("conv5_3", 512, 512, 32),
    ("conv5_4", 512, 512, 34),
)
"""The convolutions of VGG-19: name, input channels, output channels, index in torchvision's `features`.

Source: Simonyan and Zisserman 2015, configuration E.
"""


def seeded_tensor(name: str, shape: Sequence[int], fan_in: Optional[int] = None, salt: str = "") -> np.ndarray:
    """Return a parameter's stand-in value, float32, of the given shape.

    Args:
        fan_in: How many inputs one output sums, which gives N(0, 2 / fan_in); None, for vectors, gives N(0, 0.01 ** 2).
        salt: Another string gives other numbers.
    """
    normal = _stream("%s|%s" % (salt, name)).standard_normal(int(np.prod(shape, dtype=np.int64)))
    deviation = 0.01 if fan_in is None else np.sqrt(2.0 / fan_in)
    return np.asarray(normal.reshape(tuple(shape)) * deviation, np.float32)


def seeded_image(name: str, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return a smooth picture, float32, (H, W, C), whose smallest value is 0 and whose largest is 1.

    Every channel is a sum of six plane waves with drawn frequency, amplitude and phase.
    """
    rng = _stream("image|" + name)
    rows, columns = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)[None, :]
    picture = np.zeros((height, width, channels))
    for channel in range(channels):
        for _wave in range(6):
            down, across = rng.uniform(-0.25, 0.25, 2)
            amplitude = rng.uniform(0.2, 1.0)
            phase = rng.uniform(0, 2 * np.pi)
            picture[..., channel] += amplitude * np.sin(down * rows + across * columns + phase)
    picture -= picture.min()
    return np.asarray(picture / picture.max(), np.float32)


def seeded_vgg19(last: str = "conv5_4", salt: str = "") -> Mapping[str, Tuple[np.ndarray, np.ndarray]]:
    """Return VGG-19's stand-in kernels, (out, in, 3, 3), and biases, (out,), by layer name, up to a layer."""
    layers: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}
    for name, before, after, _index in VGG19_LAYERS:
        layers[name] = (
            seeded_tensor("vgg19.%s.weight" % name, (after, before, 3, 3), 9 * before, salt),
            seeded_tensor("vgg19.%s.bias" % name, (after,), None, salt),
        )
        if name == last:
            break
    return layers


def _stream(text: str) -> np.random.RandomState:
    return np.random.RandomState(int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little"))
