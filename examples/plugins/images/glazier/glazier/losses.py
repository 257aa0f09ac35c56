"""What the training lowers."""

import torch
from torch.nn import functional

CLEAN = 1e-5
"""Mean squared errors far below this, 50 dB, count no more: such a picture is as good as clean."""

WINDOW = 7
"""Side of the squares in which structure is compared, in pixels."""

C1, C2 = 0.01**2, 0.03**2


def losses(answer: torch.Tensor, truth: torch.Tensor, structure: float) -> dict[str, torch.Tensor]:
    """Return the losses of a batch, weighted; both tensors are (N, 3, H, W), RGB in [0, 1].

    `picture` is the mean over the pictures of the logarithm of their mean squared error, a tenth of it: PSNR is one
    too, and so a picture that was nearly clean weighs as much as one that was spoilt. It alone would take the scene's
    own contrast away with the reflection; `structure`, one less SSIM, holds it.

    Args:
        structure: Weight of the second.
    """
    errors = (answer - truth).square().mean(dim=(1, 2, 3))
    return {
        "picture": 0.1 * torch.log(errors + CLEAN).mean(),
        "structure": structure * (1 - similarity(answer, truth)),
    }


def similarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean of SSIM over squares of `WINDOW` pixels, channels and pictures.

    Source: Wang et al. 2004, equation 13, with means over squares in place of Gaussian ones.
    """
    mu_x, mu_y = _mean(x), _mean(y)
    sigma_x, sigma_y = _mean(x * x) - mu_x * mu_x, _mean(y * y) - mu_y * mu_y
    sigma_xy = _mean(x * y) - mu_x * mu_y
    likeness = (2 * mu_x * mu_y + C1) * (2 * sigma_xy + C2)
    return (likeness / ((mu_x**2 + mu_y**2 + C1) * (sigma_x + sigma_y + C2))).mean()


def _mean(pictures: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(pictures, WINDOW, stride=1)
