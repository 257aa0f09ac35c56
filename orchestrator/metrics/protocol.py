"""The named ways of scoring."""

from collections.abc import Mapping, Sequence

from stagekit import BadInput

from orchestrator.metrics import course2024, errnet2019, standard
from orchestrator.metrics.score import Metric

PERCEPTUAL = "lpips"
"""The metric of `standard` that needs a network."""

PROTOCOLS: Mapping[str, Mapping[str, Metric]] = {
    "standard": {"psnr": standard.psnr, "ssim": standard.ssim},
    "errnet2019": {
        "psnr": errnet2019.psnr,
        "ssim": errnet2019.ssim,
        "lmse": errnet2019.lmse,
        "ncc": errnet2019.ncc,
    },
    "course2024": {"psnr": course2024.psnr, "ssim": course2024.ssim},
}
"""Every protocol's metrics by name; `standard` has LPIPS as well, where a network is given."""


def chosen_metrics(protocol: str, names: Sequence[str], perceptual: Metric | None = None) -> dict[str, Metric]:
    """Return the metrics of these names in a protocol, in this order. perceptual: LPIPS, where it is wanted.

    Raises: BadInput where there is no such protocol, or it has no such metric.
    """
    if protocol not in PROTOCOLS:
        raise BadInput(f"there is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    known = dict(PROTOCOLS[protocol])
    if protocol == "standard" and perceptual is not None:
        known[PERCEPTUAL] = perceptual
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"protocol {protocol!r} has no metric {', '.join(unknown)}; it has {', '.join(known)}")
    return {name: known[name] for name in names}
