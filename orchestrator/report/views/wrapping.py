"""What was put around a network of an ONNX file, in words, step by step."""

from collections.abc import Iterable

from orchestrator.report import numbers
from orchestrator.report.training_content import Wrapped, WrappedRange

_CHANNELS = {
    "rgb": "channels RGB",
    "bgr": "channels BGR",
    "each": "takes one channel: red, green and blue go through it one after the other",
}


def wrapping_steps(wrapped: Wrapped) -> tuple[str, ...]:
    """Return what becomes of a picture before and after the network, in the order in which it happens."""
    taken, answered = _range(wrapped.taken), _range(wrapped.answered)
    steps = [
        f"height and width are padded to multiples of {wrapped.multiple_of} by repeating the edge, and cropped again"
        if wrapped.multiple_of > 1
        else "takes any size, without padding",
        _CHANNELS[wrapped.channels],
        f"takes {taken}" + (f", as {wrapped.values}" if wrapped.values != "float32" else ""),
    ]
    if wrapped.further_channels:
        steps.append(f"its further channels hold {_row(wrapped.further_channels)} everywhere")
    if wrapped.residual:
        sign = {"subtract": "minus", "add": "plus"}[wrapped.residual]
        steps.append(f"the answer is the picture {sign} what the network answers")
    elif answered != taken:
        steps.append(f"answers {answered}")
    if wrapped.free_size:
        steps.append("the file is fixed to one size; the experiment says that its layers take any")
    return tuple(steps)


def file_digests(wrapped: Wrapped) -> tuple[str, ...]:
    """Return the names of a network's files, each with its hash."""
    return tuple(f"{name}, SHA-256 {digest}" for name, digest in wrapped.digests.items())


def _range(values: WrappedRange) -> str:
    """Return a range as an experiment writes it."""
    if len(set(values.scale)) == len(set(values.shift)) == 1:
        low, scale = values.shift[0], values.scale[0]
        return f"values from {low:g} to {low + scale:g}"
    mean = [-shift / scale for shift, scale in zip(values.shift, values.scale, strict=True)]
    return f"values less a mean of {_row(mean)}, divided by {_row([1 / scale for scale in values.scale])}"


def _row(values: Iterable[float]) -> str:
    return ", ".join(numbers.significant(value) for value in values)
