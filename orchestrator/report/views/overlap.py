"""What the report tells of pictures that are trained on and tested on."""

from orchestrator.report import numbers
from orchestrator.report.content import NotMeasured
from orchestrator.report.overlap_content import Overlap, OverlapPair


def overlap_alerts(overlap: Overlap | NotMeasured | None) -> list[tuple[str, str]]:
    """Return what the head of the report says, a sentence and one more: pictures accepted with why, or left out."""
    if not isinstance(overlap, Overlap) or not overlap.pairs:
        return []
    pictures = numbers.count(len(overlap.pairs), "training picture")
    if overlap.action == "drop":
        return [(f"{pictures} left out of the training", "They are test pictures too.")]
    more = f"What a network saw says nothing of what it did not see. Accepted by the experiment: {overlap.reason}"
    return [(f"{pictures} also tested on", more)]


def overlap_pairs(overlap: Overlap | NotMeasured | None) -> tuple[OverlapPair, ...]:
    """Return the pairs that were found."""
    return overlap.pairs if isinstance(overlap, Overlap) else ()


def overlap_words(overlap: Overlap | NotMeasured | None) -> str:
    """Say what came of comparing training and test pictures."""
    if overlap is None:
        return "Nothing was trained here, so there was nothing to compare."
    if isinstance(overlap, NotMeasured):
        return f"Training and test pictures were not compared: {overlap.why}"
    compared = (
        f"{numbers.count(overlap.trained, 'picture')} trained on and {numbers.count(overlap.tested, 'picture')} "
        "tested on were compared, by their pixels and for what is cropped, scaled, compressed anew, mirrored or turned"
    )
    if not overlap.pairs:
        return f"{compared}: none is the other."
    done = "left out of the training" if overlap.action == "drop" else f"accepted: {overlap.reason}"
    return f"{compared}. {numbers.count(len(overlap.pairs), 'training picture')} also tested on, {done}"
