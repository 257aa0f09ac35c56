"""The method itself: what stands here is a placeholder that removes a smooth veil. Put yours in its place."""

import cv2
import numpy as np

SMOOTHNESS_PX = 8.0
"""Standard deviation of the blur that the veil is found by."""


def without_reflection(picture: np.ndarray, share: float) -> np.ndarray:
    """Return a picture without a share of its smooth veil.

    Where every channel is bright in a wide surrounding, some of that light is taken for a reflection's that is out of
    focus: Y = T (1 - v) + v is solved for T, where v is a share of the blurred darkest channel.

    Args:
        picture: float32, (H, W, 3), RGB, 0 to 1; any height and width.
        share: 0 to below 1; 0 changes nothing.

    Returns:
        float32, (H, W, 3); values may lie outside of 0 to 1 and are clipped when they are written.
    """
    darkest = np.ascontiguousarray(picture.min(axis=2))
    veil = share * cv2.GaussianBlur(darkest, (0, 0), SMOOTHNESS_PX, borderType=cv2.BORDER_REPLICATE)[..., None]
    return ((picture - veil) / (1 - veil)).astype(np.float32)
