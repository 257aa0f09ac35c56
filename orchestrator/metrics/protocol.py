"""The named ways of scoring: which functions each protocol is made of."""

from collections.abc import Mapping, Sequence

from orchestrator.metrics import course2024, errnet2019, standard
from orchestrator.metrics.score import Metric
from stagekit import BadInput

PERCEPTUAL = "lpips"
"""The metric that needs a network."""

PERCEPTUAL_PROTOCOLS = ("standard", "course2024")
"""The protocols that have it."""

VERSIONS: Mapping[str, int] = {"standard": 1, "errnet2019": 1, "course2024": 1}
"""The version of each protocol that the functions compute; it grows whenever a number would change."""

FLOATS = ("errnet2019",)
"""Protocols that score a network's answer before it is rounded to 8 bits."""

FAULTS: Mapping[str, str] = {"course2024": "squares wrap around in 8 bits; never to be ranked"}
"""What is wrong with a protocol that is kept to explain numbers; it stands in every file of its scores."""

PROTOCOLS: Mapping[str, Mapping[str, Metric]] = {
    "standard": {"psnr": standard.psnr, "ssim": standard.ssim},
    "errnet2019": {
        "psnr": errnet2019.psnr,
        "ssim": errnet2019.ssim,
        "lmse": errnet2019.lmse,
        "ncc": errnet2019.ncc,
    },
    "course2024": {
        "psnr": course2024.psnr,
        "psnr_grey": course2024.psnr_without_wraparound,
        "wrapped": course2024.wrapped,
        "ssim": course2024.ssim,
        "ssim_grey": course2024.ssim_with_usual_constants,
    },
}
"""Every protocol's metrics by name; LPIPS besides, where a network is given."""


def checked_metrics(protocol: str, version: int, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the metrics that a protocol shall give, without LPIPS.

    Raises: BadInput where there is no such protocol, in another version only, or it has no such metric.
    """
    if protocol not in PROTOCOLS:
        raise BadInput(f"there is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    if version != VERSIONS[protocol]:
        raise BadInput(
            f"protocol {protocol!r} is asked for in version {version}; here it is in version {VERSIONS[protocol]}",
            "build the image again",
        )
    known = [*PROTOCOLS[protocol], *([PERCEPTUAL] if protocol in PERCEPTUAL_PROTOCOLS else [])]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"protocol {protocol!r} has no metric {', '.join(unknown)}; it has {', '.join(known)}")
    return tuple(name for name in names if name != PERCEPTUAL)
