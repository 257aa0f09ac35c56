"""Pictures as NumPy arrays (height, width, channel) and as PyTorch tensors (sample, channel, height, width)."""

from typing import Sequence

import numpy as np
import torch


def tensor_of(pictures: Sequence[np.ndarray], device: str = "cpu") -> torch.Tensor:
    """Return the pictures as one batch.

    Args:
        pictures: Each float32 (H, W, C), all of one size. The result is float32 (N, C, H, W), in memory of its own.
    """
    stacked = np.stack([np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) for picture in pictures])
    return torch.from_numpy(np.ascontiguousarray(stacked)).to(device)


def picture_of(tensor: torch.Tensor) -> np.ndarray:
    """Return one sample, float32 (1, C, H, W) or (C, H, W), as a float32 array (H, W, C) on the host.

    Raises:
        ValueError: Where the tensor holds more than one sample.
    """
    sample = tensor.detach()
    if sample.dim() == 4:
        if sample.shape[0] != 1:
            raise ValueError("expected one picture and got %d" % sample.shape[0])
        sample = sample[0]
    return np.ascontiguousarray(sample.float().cpu().numpy().transpose(1, 2, 0))
