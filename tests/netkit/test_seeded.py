"""The stand-in weights and pictures equal those that the reference numbers were computed with."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from netkit.seeded import VGG19_LAYERS, seeded_image, seeded_tensor, seeded_vgg19

PARITY = Path(__file__).resolve().parents[1] / "parity"


@pytest.fixture(scope="module")
def original() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seeded_weights", PARITY / "seeded_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "shape", "fan_in", "salt"),
    [
        pytest.param("g_conv0/weights", (1, 1, 1475, 64), 1475, "", id="kernel"),
        pytest.param("conv1.conv2d.bias", (64,), None, "", id="vector"),
        pytest.param("vgg19.conv1_1.weight", (64, 3, 3, 3), 27, "other", id="salted"),
        pytest.param("scalar", (), None, "", id="scalar"),
    ],
)
def test_seeded_tensor_equals_the_reference_one(
    original: ModuleType, name: str, shape: tuple[int, ...], fan_in: int | None, salt: str
) -> None:
    found = seeded_tensor(name, shape, fan_in, salt)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, original.seeded_tensor(name, shape, fan_in, salt))


@pytest.mark.parametrize(("height", "width", "channels"), [(33, 20, 3), (5, 64, 1)])
def test_seeded_image_equals_the_reference_one(original: ModuleType, height: int, width: int, channels: int) -> None:
    found = seeded_image("tag/input", height, width, channels)
    np.testing.assert_array_equal(found, original.seeded_image("tag/input", height, width, channels))
    assert (found.min(), found.max()) == (0, 1)


def test_seeded_vgg19_ends_at_the_layer_asked_for() -> None:
    layers = seeded_vgg19("conv2_1")
    assert list(layers) == ["conv1_1", "conv1_2", "conv2_1"]
    kernel, bias = layers["conv2_1"]
    assert kernel.shape == (128, 64, 3, 3)
    assert bias.shape == (128,)


def test_vgg19_layers_follow_each_other() -> None:
    for (_, _, after, index), (_, before, _, next_index) in itertools.pairwise(VGG19_LAYERS):
        assert after == before
        assert next_index - index in {2, 3}
