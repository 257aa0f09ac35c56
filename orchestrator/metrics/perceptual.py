"""LPIPS, the learned perceptual distance, over AlexNet's features."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from orchestrator.metrics.score import smaller_than
from stagekit import OutOfMemory
from stagekit.results.scores import Score

CONVOLUTIONS: tuple[tuple[int, tuple[int, int, int, int]], ...] = (
    (0, (64, 3, 11, 11)),
    (3, (192, 64, 5, 5)),
    (6, (384, 192, 3, 3)),
    (8, (256, 384, 3, 3)),
    (10, (256, 256, 3, 3)),
)
"""AlexNet's convolutions: index in torchvision's `features`, and shape of the kernel (out, in, height, width)."""

SMALLEST = 31
"""Shorter sides leave nothing of the picture after AlexNet's second pooling."""


class PerceptualDistance:
    """LPIPS with AlexNet, version 0.1; the distance's own linear weights come with the package `lpips`.

    Source: Zhang et al. 2018, The Unreasonable Effectiveness of Deep Features as a Perceptual Metric.
    """

    def __init__(self, features: Mapping[str, Any], device: str = "cpu") -> None:
        """Take AlexNet's features; nothing is fetched.

        Args:
            features: Torch tensors by torchvision's names, 'features.0.weight' to 'features.10.bias'.
            device: Of PyTorch.
        """
        import lpips  # noqa: PLC0415 - only the image `metrics` has it, and PyTorch is slow to import

        with warnings.catch_warnings():
            # lpips 0.1.4 calls torchvision and torch.load as older versions wanted it.
            warnings.simplefilter("ignore")
            network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
        network.net.load_state_dict(
            {f"{_slice(index)}.{kind}": features[f"features.{index}.{kind}"] for index, _, kind in _parameters()}
        )
        self._network = network.to(device).eval()
        self._device = device

    def __call__(self, prediction: np.ndarray, truth: np.ndarray) -> Score:
        """Return the distance of two pictures, 0 for identical ones; not measured below 31 pixels.

        Args:
            prediction: uint8, (H, W, 3), RGB.
            truth: uint8, (H, W, 3), RGB.

        Raises:
            OutOfMemory: Where the features do not fit.
        """
        return self.distances([(prediction, truth)])[0]

    def distances(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Score]:
        """Return the distance of each prediction from its truth, all at once; the pictures are of one size.

        Raises:
            OutOfMemory: Where the features do not fit.
        """
        import torch  # noqa: PLC0415 - only the image `metrics` has it

        height, width = pairs[0][1].shape[:2]
        too_small = smaller_than(pairs[0][1], SMALLEST, "LPIPS")
        if too_small is not None:
            return [too_small] * len(pairs)
        try:
            with torch.no_grad():
                predictions, truths = (self._scaled([pair[side] for pair in pairs]) for side in (0, 1))
                found = self._network(predictions, truths)
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            raise OutOfMemory(
                f"memory did not suffice for LPIPS of {len(pairs)} pictures of {height} x {width} pixels",
                "raise the experiment's memory, or leave lpips out of its metrics",
            ) from error
        return [float(distance) for distance in found.flatten()]

    def _scaled(self, pictures: Sequence[np.ndarray]) -> Any:
        """Return pictures as a tensor, float32, (N, 3, H, W), RGB, -1 to 1."""
        import torch  # noqa: PLC0415 - only the image `metrics` has it

        values = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2), np.float32) / 127.5 - 1
        return torch.from_numpy(values).to(self._device)


def feature_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of AlexNet's features by torchvision's names, in the order of the network."""
    return {
        f"features.{index}.{kind}": kernel if kind == "weight" else kernel[:1] for index, kernel, kind in _parameters()
    }


def _parameters() -> list[tuple[int, tuple[int, int, int, int], str]]:
    return [(index, kernel, kind) for index, kernel in CONVOLUTIONS for kind in ("weight", "bias")]


def _slice(index: int) -> str:
    """Return the name that `lpips` gives a convolution: it cuts the network after each ReLU."""
    number = [place for place, _ in CONVOLUTIONS].index(index) + 1
    return f"slice{number}.{index}"
