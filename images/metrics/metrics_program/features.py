"""AlexNet's features for LPIPS: from the published file, or drawn from names and shapes."""

from typing import Any, Dict

import torch

from netkit.network_weights import differences
from netkit.published import check_published
from netkit.seeded import seeded_tensor
from netkit.torch_files import load_tensors
from orchestrator.metrics.perceptual import feature_shapes
from stagekit import BadInput

PUBLISHED = "7be5be79"
"""First digits of the SHA-256 of torchvision's `alexnet-owt-7be5be79.pth`, the weights of the published LPIPS."""


def random_features() -> Dict[str, Any]:
    """Return stand-in features, the same in every run and on every machine."""
    tensors = {}
    for name, shape in feature_shapes().items():
        fan_in = shape[1] * shape[2] * shape[3] if len(shape) > 1 else None
        tensors[name] = torch.from_numpy(seeded_tensor("alexnet." + name, shape, fan_in))
    return tensors


def published_features(path: str) -> Dict[str, Any]:
    """Return the features of torchvision's file of AlexNet; nothing in it is run.

    Raises:
        BadInput: Where the file is missing, is another one, or does not fit AlexNet.
    """
    check_published(path, PUBLISHED, "alexnet-owt-7be5be79.pth")
    return features_of(load_tensors(path), path)


def features_of(tensors: Dict[str, Any], origin: str) -> Dict[str, Any]:
    """Return the features among AlexNet's tensors; its classifier is left out.

    Args:
        origin: For the message.

    Raises:
        BadInput: Where one is missing or misshapen.
    """
    shapes = feature_shapes()
    features = {name: value.float() for name, value in tensors.items() if name in shapes}
    problems = differences(shapes, features)
    if problems:
        raise BadInput("%s does not fit AlexNet: %s" % (origin, "; ".join(problems)), "give torchvision's file")
    return features
