"""What is measured and how: the one table of protocols with their metrics, and of controls.

Planner, evaluation, report and docs read it, and nothing else names a metric, a protocol or a control. A new metric is
one entry here and the function that it names. What trains, exports and infers does not import this module, so that an
entry more repeats none of it.
"""

import math
from dataclasses import dataclass
from typing import Dict, Iterator, Literal, Tuple

Direction = Literal["higher", "lower"]
"""Which of two values is better."""

ALEXNET = "alexnet-owt-7be5be79.pth"
"""torchvision's file of AlexNet's weights, whose features LPIPS compares."""


@dataclass(frozen=True)
class Scale:
    """How the values of a metric are shown and compared.

    Attributes:
        title: What tables call it.
        unit: Empty where it has none.
        decimals: Digits after the point where that is enough to tell the values of a column apart.
        better: Which of two values is better.
        identical: The value of identical pictures.
    """

    title: str
    unit: str
    decimals: int
    better: Direction
    identical: float


@dataclass(frozen=True)
class Metric:
    """One metric of a protocol.

    Attributes:
        name: What files and specs call it; in every protocol that has it, it is shown on the same scale, but for the
            value of identical pictures.
        function: Where it is computed, as 'package.module:name'. It takes a prediction and its truth, or, where
            `features` names a network, it is a class that is made of the features and a device; see
            `orchestrator.metrics.perceptual`.
        scale: How its values are shown.
        definition: How it is computed, for somebody who knows the field.
        features: File of the network whose features it compares; empty where it needs none. With random weights it is
            another metric, and never ranked.
        exchanged: Whether red and blue are exchanged before it is computed.
        meant: The metric beside it that says what this one meant; for metrics that are faulty.
        tells_fault: Whether it tells how often its protocol's fault strikes.
        printed: Whether published tables print it.
        image: Image of a plug-in whose stage `measure` computes it; empty for those that the image of metrics computes.
    """

    name: str
    function: str
    scale: Scale
    definition: str
    features: str = ""
    exchanged: bool = False
    meant: str = ""
    tells_fault: bool = False
    printed: bool = False
    image: str = ""


@dataclass(frozen=True)
class Protocol:
    """A named, versioned way of scoring.

    Attributes:
        name: What specs call it.
        version: Grows whenever a number that it gives would change; it is in the key of every evaluation.
        title: What the report calls it.
        scored: What the scores are taken of.
        metrics: In the order in which they are shown; the first is the one to judge by.
        source: Who defined it.
        floats: Whether it takes a network's answer before it is rounded to 8 bits.
        border: Pixels along each side of the pictures that are left out.
        fault: Why its scores must not be believed nor ranked; empty where they may.
    """

    name: str
    version: int
    title: str
    scored: str
    metrics: Tuple[Metric, ...]
    source: str
    floats: bool = False
    border: int = 0
    fault: str = ""

    @property
    def ranked(self) -> bool:
        """Whether its scores may be compared and the best of them marked."""
        return not self.fault

    def metric(self, name: str) -> Metric:
        """Return one of its metrics.

        Raises:
            KeyError: where it has none of that name.
        """
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)


@dataclass(frozen=True)
class Control:
    """A built-in 'network' that every comparison contains.

    Attributes:
        name: Its label.
        layer: The picture of a dataset that it gives as its answer.
        title: What it answers, in words.
    """

    name: str
    layer: str
    title: str


_PSNR = Scale("PSNR", "dB", 2, "higher", math.inf)  # Papers print hundredths of a decibel.
_SSIM = Scale("SSIM", "", 4, "higher", 1.0)  # One digit more than the usual three: like networks differ in the fourth.
_LPIPS = Scale("LPIPS", "", 4, "lower", 0.0)

_ALEXNET_DISTANCE = Metric(
    "lpips",
    "orchestrator.metrics.perceptual:PerceptualDistance",
    _LPIPS,
    "LPIPS 0.1 with AlexNet, on RGB scaled to -1 to 1; needs AlexNet's weights",
    features=ALEXNET,
)
_EQUAL_WEIGHTS_SSIM = Metric(
    "ssim",
    "orchestrator.metrics.errnet2019:ssim",
    _SSIM,
    "mean over the channels of SSIM with equal weights in 7 x 7 and sample covariances",
)

HOUSE = "standard"
"""The protocol of this project: the one that specs have by default, among whose metrics they choose."""

_PROTOCOLS = (
    Protocol(
        name=HOUSE,
        version=1,
        title="House protocol",
        scored="The network's answer as a picture of 8 bits: clipped, rounded. RGB, nothing resized, nothing cropped.",
        metrics=(
            Metric(
                "psnr",
                "orchestrator.metrics.standard:psnr",
                _PSNR,
                "10 log10(255² / MSE), the mean squared error taken over all values of all channels",
                printed=True,
            ),
            Metric(
                "ssim",
                "orchestrator.metrics.standard:ssim",
                _SSIM,
                "mean over the channels of SSIM with a Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, "
                "averaged where the window lies inside the picture",
                printed=True,
            ),
            _ALEXNET_DISTANCE,
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
            Metric(
                "psnr",
                "orchestrator.metrics.errnet2019:psnr",
                _PSNR,
                "mean of the three channels' PSNR; infinite where one channel is identical",
            ),
            _EQUAL_WEIGHTS_SSIM,
            Metric(
                "lmse",
                "orchestrator.metrics.errnet2019:lmse",
                Scale("LMSE", "", 4, "lower", 0.0),
                "local mean squared error in windows of 20 x 20, each scaled to fit best (Grosse et al. 2009)",
            ),
            Metric(
                "ncc",
                "orchestrator.metrics.errnet2019:ncc",
                Scale("NCC", "", 4, "higher", 1.0),
                "normalised cross-correlation of all values of all channels",
            ),
        ),
        source="Wei et al. 2019, program (util/index.py, errnet_model.py); copied by YTMT, DSRNet, RDNet, XReflection.",
        floats=True,
    ),
    Protocol(
        name="windowseat2025",
        version=1,
        title="WindowSeat's program",
        scored="The network's answer as a picture of 8 bits: clipped, rounded. RGB, nothing resized, nothing cropped.",
        metrics=(
            Metric(
                "psnr",
                "orchestrator.metrics.standard:psnr",
                _PSNR,
                "10 log10(255² / MSE), the mean squared error taken over all values of all channels",
            ),
            _EQUAL_WEIGHTS_SSIM,
            Metric(
                "ms_ssim",
                "orchestrator.metrics.multiscale:ms_ssim",
                Scale("MS-SSIM", "", 4, "higher", 1.0),
                "mean over the channels of MS-SSIM (Wang et al. 2003) with a Gaussian window of 11 x 11 and sigma 1.5, "
                "as piq computes it; not below 161 pixels",
            ),
            _ALEXNET_DISTANCE,
        ),
        source="Zakarin et al. 2025, program (windowseat_reproducibility.py), which calls scikit-image, piq and lpips.",
    ),
    Protocol(
        name="ntire2026",
        version=1,
        title="Program of the NTIRE 2026 challenge",
        scored="The network's answer as a picture of 8 bits: clipped, rounded. RGB, 4 pixels left out along each side. "
        "The challenge scored JPEG files; what they lose is not imitated. Its DISTS and NIQE are not measured.",
        metrics=(
            Metric(
                "psnr",
                "orchestrator.metrics.ntire2026:psnr",
                Scale("PSNR", "dB", 2, "higher", 80.0),
                "-10 log10(MSE + 1e-8) of values from 0 to 1, the mean squared error taken over all values of all "
                "channels; 80 dB for identical pictures",
            ),
            Metric(
                "ssim",
                "orchestrator.metrics.ntire2026:ssim",
                _SSIM,
                "mean over the channels of SSIM with a Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, "
                "averaged where the window lies inside the picture; a window with opposite contrasts counts as 0",
            ),
            _ALEXNET_DISTANCE,
        ),
        source="Cai et al. 2026, program (evaluate.py of caijie0620/OpenRR-5k), which calls pyiqa.",
        border=4,
    ),
    Protocol(
        name="course2024",
        version=1,
        title="A course project's program",
        scored="The network's answer as a picture of 8 bits, turned into grey levels as OpenCV does.",
        metrics=(
            Metric(
                "psnr",
                "orchestrator.metrics.course2024:psnr",
                _PSNR,
                "PSNR of grey levels, squared in 8 bits: 16² counts as 0",
                meant="psnr_grey",
            ),
            Metric(
                "psnr_grey",
                "orchestrator.metrics.course2024:psnr_without_wraparound",
                Scale("PSNR as meant", "dB", 2, "higher", math.inf),
                "what that meant: PSNR of grey levels without the wrap-around",
            ),
            Metric(
                "wrapped",
                "orchestrator.metrics.course2024:wrapped",
                Scale("wrapped", "", 3, "lower", 0.0),
                "share of pixels that differ by more than 15 levels, whose square wraps around",
                tells_fault=True,
            ),
            Metric(
                "ssim",
                "orchestrator.metrics.course2024:ssim",
                _SSIM,
                "SSIM of grey levels with sigma 0.5 and K2 = 0.04 in windows of 11 x 11",
                meant="ssim_grey",
            ),
            Metric(
                "ssim_grey",
                "orchestrator.metrics.course2024:ssim_with_usual_constants",
                Scale("SSIM as meant", "", 4, "higher", 1.0),
                "what that meant: SSIM of grey levels with sigma 1.5 and K2 = 0.03",
            ),
            Metric(
                "lpips",
                "orchestrator.metrics.perceptual:PerceptualDistance",
                _LPIPS,
                "LPIPS with red and blue exchanged, as OpenCV reads them",
                features=ALEXNET,
                exchanged=True,
            ),
        ),
        source="A course project of 2024 that compared the three networks by hand; kept to explain its table.",
        fault="squares wrap around in 8 bits, so that PSNR never falls below 24.17 dB and doing nothing looks best",
    ),
)

PROTOCOLS: Dict[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
"""All protocols, by name."""

INPUT = "input"
"""The control that does nothing, which every network is set against."""

TRUTH = "truth"
"""The control that makes no mistake."""

CONTROLS: Dict[str, Control] = {
    control.name: control
    for control in (
        Control(INPUT, "blended", "the unchanged picture"),
        Control(TRUTH, "transmission", "the transmission itself"),
    )
}
"""All controls, by name, in the order in which tables show them."""


def metrics() -> Iterator[Metric]:
    """Yield each metric once by its name, as the first protocol has it that has it."""
    seen = set()
    for protocol in PROTOCOLS.values():
        for metric in protocol.metrics:
            if metric.name not in seen:
                seen.add(metric.name)
                yield metric


def metric_named(name: str) -> Metric:
    """Return a metric, as the first protocol has it that has it; its scale is that of all.

    Raises:
        KeyError: where no protocol has it.
    """
    for metric in metrics():
        if metric.name == name:
            return metric
    raise KeyError(name)
