"""The protocols: what each measures, in which version, after which source; plans, reports and docs read it here."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

ProtocolName = Literal["standard", "errnet2019", "course2024"]
"""A named way of computing scores."""

INFINITE_RULE = (
    "A mean is taken over the pictures whose score is finite. How many those are stands beside it, as in '99 of 100 "
    "finite', and the pictures that are left out are named. Where all are infinite, the mean reads '∞ (identical)'. A "
    "picture without a score, because its prediction is missing or has another size, makes the mean incomplete: it is "
    "marked, the picture is named with the reason, and nothing incomplete is ranked."
)
"""What becomes of scores that are infinite or missing; the same in every protocol and every table."""


@dataclass(frozen=True)
class ProtocolMetric:
    """One metric of a protocol. definition: how it is computed, for somebody who knows the field."""

    name: str
    definition: str


@dataclass(frozen=True)
class Protocol:
    """One way of scoring.

    version: grows whenever a number that it gives would change; it is in the key of every evaluation
    scored: what the scores are taken of; source: who defined it; fault: why it must not be believed, empty where it may
    """

    name: ProtocolName
    version: int
    title: str
    scored: str
    metrics: tuple[ProtocolMetric, ...]
    source: str
    fault: str = ""

    @property
    def ranked(self) -> bool:
        """Whether its scores may be compared and the best of them marked."""
        return not self.fault

    @property
    def label(self) -> str:
        """Name and version, as reports print them; one that is faulty says so."""
        return f"{self.name} v{self.version}" + (", faulty" if self.fault else "")


_PROTOCOLS = (
    Protocol(
        name="standard",
        version=1,
        title="House protocol",
        scored="The network's answer as a picture of 8 bits: clipped, rounded. RGB, nothing resized, nothing cropped.",
        metrics=(
            ProtocolMetric(
                "psnr", "10 log10(255² / MSE), the mean squared error taken over all values of all channels"
            ),
            ProtocolMetric(
                "ssim",
                "mean over the channels of SSIM with a Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, "
                "averaged where the window lies inside the picture",
            ),
            ProtocolMetric("lpips", "LPIPS 0.1 with AlexNet, on RGB scaled to -1 to 1; needs AlexNet's weights"),
        ),
        source="SSIM: Wang et al. 2004. LPIPS: Zhang et al. 2018, package lpips 0.1.4.",
    ),
    Protocol(
        name="errnet2019",
        version=1,
        title="ERRNet's program",
        scored="The network's answer as floats, clipped to the range of a picture and not rounded; RGB, nothing "
        "resized. The controls are pictures of 8 bits.",
        metrics=(
            ProtocolMetric("psnr", "mean of the three channels' PSNR; infinite where one channel is identical"),
            ProtocolMetric("ssim", "mean over the channels of SSIM with equal weights in 7 x 7 and sample covariances"),
            ProtocolMetric(
                "lmse", "local mean squared error in windows of 20 x 20, each scaled to fit best (Grosse et al. 2009)"
            ),
            ProtocolMetric("ncc", "normalised cross-correlation of all values of all channels"),
        ),
        source="Wei et al. 2019, program (util/index.py, errnet_model.py); copied by YTMT, DSRNet, RDNet, XReflection.",
    ),
    Protocol(
        name="course2024",
        version=1,
        title="A course project's program",
        scored="The network's answer as a picture of 8 bits, turned into grey levels as OpenCV does.",
        metrics=(
            ProtocolMetric("psnr", "PSNR of grey levels, squared in 8 bits: 16² counts as 0"),
            ProtocolMetric("psnr_grey", "what that meant: PSNR of grey levels without the wrap-around"),
            ProtocolMetric("wrapped", "share of pixels that differ by more than 15 levels, whose square wraps around"),
            ProtocolMetric("ssim", "SSIM of grey levels with sigma 0.5 and K2 = 0.04 in windows of 11 x 11"),
            ProtocolMetric("ssim_grey", "what that meant: SSIM of grey levels with sigma 1.5 and K2 = 0.03"),
            ProtocolMetric("lpips", "LPIPS with red and blue exchanged, as OpenCV reads them"),
        ),
        source="A course project of 2024 that compared the three networks by hand; kept to explain its table.",
        fault="squares wrap around in 8 bits, so that PSNR never falls below 24.17 dB and doing nothing looks best",
    ),
)

PROTOCOLS: dict[ProtocolName, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
"""All protocols, by name."""

assert set(PROTOCOLS) == set(get_args(ProtocolName))


def chosen_protocol(name: ProtocolName, metrics: tuple[str, ...]) -> Protocol:
    """Return a protocol with the metrics that an experiment measures.

    metrics: the experiment's choice, which decides those of `standard`, and LPIPS everywhere
    """
    protocol = PROTOCOLS[name]
    kept = [
        metric
        for metric in protocol.metrics
        if metric.name in metrics or (name != "standard" and metric.name != "lpips")
    ]
    return replace(protocol, metrics=tuple(kept))
