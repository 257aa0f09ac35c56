"""Does a wrapped network answer as its file does, with all that is put around it done by hand?"""

import dataclasses
import functools
import re
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import onnx
import onnxruntime

from netkit.malformed import Malformed
from netkit.onnx_sizes import SizeRule, edge_padded
from netkit.onnx_wrapping import TRANSMISSION, Wrapping, form_of, input_of, wrapped
from netkit.seeded import seeded_image
from stagekit.results.export import ExportCheck

TRIAL_SIZES = ((64, 96), (61, 83))
"""(height, width) of the pictures that are tried: multiples of 32, and odd ones."""

TOLERANCES = {"float32": 1e-5, "float16": 5e-3}
"""Largest relative error by what the network takes: that of sums in another order, and of rounding to half floats."""

_MULTIPLES = (2, 4, 8, 16, 32, 64, 128)

_DRAWS = (
    "it answers the same picture differently each time: its results could not be had again; export it without the "
    "layers that draw random numbers"
)

_NOT_FINITE = "its %s holds values that are not finite"

_CODES = (
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Non-zero status code returned while running )?|"
    r"(node\. Name:'[^']*' )?Status Message: (\S+:\d+ \w+ )?|\S*/onnxruntime/\S+ "
)

Picture = np.ndarray
"""float32, (H, W, 3), RGB, 0 to 1 for those that go in."""


class _Unlike(Malformed):
    """Two answers to one picture differ."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a trial showed.

    Attributes:
        tolerance: Largest relative error that was allowed.
        least: Smallest value of the transmissions, where 0 to 1 is meant.
        most: Largest.
    """

    checks: Tuple[ExportCheck, ...]
    tolerance: float
    least: float
    most: float


def tried(model: onnx.ModelProto, made: onnx.ModelProto, wrapping: Wrapping, threads: Optional[int] = None) -> Trial:
    """Return how a wrapped network and its file answer fixed pictures.

    Args:
        model: The file's, with its data.
        made: What `wrapped` made of it.

    Raises:
        Malformed: Where one of them refuses a picture, answers at another size or with numbers that are not finite,
            where they differ, and where the file's answers to one picture do.
    """
    kind, sides = form_of(input_of(model, wrapping))
    file, own, fixed = _session(model, threads), _session(made, threads), _fixed(sides)
    # Cropped answers would hide that they are larger.
    unpadded = (
        own if wrapping.multiple == 1 else _session(wrapped(model, dataclasses.replace(wrapping, multiple=1)), threads)
    )
    tolerance, checks, answers = TOLERANCES[kind], [], []
    others = TRIAL_SIZES if fixed is None or wrapping.free_size else ()
    for height, width in [*([fixed] if fixed else []), *others]:
        picture = seeded_image("export/%dx%d" % (height, width), height, width)
        try:
            if not fixed or (height, width) == fixed:
                by_file = functools.partial(by_hand, file, picture, wrapping, kind)
                expected = by_file()
                found = _answers(own, picture)
                checks += _checked(found, expected, by_file, tolerance)
            else:
                found = _answers(own, picture)
                _answers(unpadded, edge_padded(picture, SizeRule(wrapping.multiple)))
        except Malformed as error:
            words = "with a picture of %d x %d pixels it fails: %s" % (height, width, error)
            raise Malformed(words + ("" if isinstance(error, _Unlike) else _remedy(file, wrapping, kind))) from error
        answers += [answer for name, answer in found.items() if name.startswith(TRANSMISSION)]
    return Trial(
        tuple(checks),
        tolerance,
        min(float(answer.min()) for answer in answers),
        max(float(answer.max()) for answer in answers),
    )


def by_hand(
    session: onnxruntime.InferenceSession, picture: Picture, wrapping: Wrapping, kind: str
) -> Dict[str, Picture]:
    """Return a file's answers with all that is put around it done outside of it.

    Args:
        session: Of the file as it is.
        kind: Of its input, such as "float16".

    Raises:
        Malformed: Where it refuses the picture.
    """
    height, width = picture.shape[:2]
    values = edge_padded(picture, SizeRule(wrapping.multiple))
    backwards = wrapping.channels.order == "bgr"
    values = values[..., ::-1] if backwards else values
    values = values * _row(wrapping.taken.scale) + _row(wrapping.taken.shift)
    found = {}
    for name, source in wrapping.outputs.items():
        answer = _answer(session, values, wrapping, source, kind)
        if not np.isfinite(answer).all():
            raise Malformed(_NOT_FINITE % name)
        if wrapping.residual and name.startswith(TRANSMISSION):
            answer = values - answer if wrapping.residual == "subtract" else values + answer
        answer = (answer - _row(wrapping.answered.shift)) / _row(wrapping.answered.scale)
        found[name] = (answer[..., ::-1] if backwards else answer)[:height, :width]
    return found


def _answer(
    session: onnxruntime.InferenceSession, values: Picture, wrapping: Wrapping, source: str, kind: str
) -> Picture:
    """Return one of a file's answers to a picture in its own values: to each channel alone where it takes one."""
    channels, answers = wrapping.channels, []
    further = np.broadcast_to(np.array(channels.further, np.float32), (*values.shape[:2], len(channels.further)))
    for part in np.split(values, len(channels.parts), axis=2):
        taken = np.concatenate([part, further], axis=2).astype(np.float32)
        given = np.ascontiguousarray(taken.transpose(2, 0, 1)[None]).astype(kind)
        answer = _run(session, [source], {wrapping.input: given})[0].astype(np.float32)
        kept = answer[:, : channels.of_picture] if answer.shape == given.shape else answer
        if kept.shape != (1, channels.of_picture, *given.shape[2:]):
            raise Malformed("output %r has shape %s for a picture of %s" % (source[:80], answer.shape, given.shape))
        answers.append(kept[0].transpose(1, 2, 0))
    return np.concatenate(answers, axis=2)


def _row(numbers: Sequence[float]) -> np.ndarray:
    return np.array(numbers, np.float32)


def _fixed(sides: Sequence[object]) -> Optional[Tuple[int, int]]:
    """Return the one size that a file names, with a side of the trial's where it leaves one free."""
    if all(side == "?" for side in sides[2:]):
        return None
    height, width = (side if isinstance(side, int) else tried for side, tried in zip(sides[2:], TRIAL_SIZES[0]))
    return height, width


def _session(model: onnx.ModelProto, threads: Optional[int]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common class for its exceptions
        raise Malformed("ONNX Runtime cannot load it: %s" % _reason(error)) from error


def _run(session: onnxruntime.InferenceSession, wanted: List[str], given: Mapping[str, np.ndarray]) -> List[np.ndarray]:
    try:
        found: List[np.ndarray] = session.run(wanted, dict(given))
    except Exception as error:  # as above
        raise Malformed(_reason(error)) from error
    return found


def _answers(session: onnxruntime.InferenceSession, picture: Picture) -> Dict[str, Picture]:
    """Return what a wrapped network answers, held against the contract."""
    batch = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
    names = [output.name for output in session.get_outputs()]
    found = {}
    for name, answer in zip(names, _run(session, names, {"image": batch})):
        if answer.shape != batch.shape:
            raise Malformed("output %s has shape %s for a picture of %s" % (name, answer.shape, batch.shape))
        if not np.isfinite(answer).all():
            raise Malformed(_NOT_FINITE % name)
        found[name] = answer[0].transpose(1, 2, 0)
    return found


def _checked(
    found: Mapping[str, Picture],
    expected: Mapping[str, Picture],
    by_file: Callable[[], Mapping[str, Picture]],
    tolerance: float,
) -> List[ExportCheck]:
    """Return how far a wrapped network's answers are from its file's, which is asked again where they differ."""
    try:
        return list(_compared(found, expected, tolerance))
    except _Unlike as error:
        try:
            list(_compared(by_file(), expected, tolerance))
        except _Unlike:
            raise _Unlike(_DRAWS) from error
        raise


def _compared(found: Mapping[str, Picture], expected: Mapping[str, Picture], tolerance: float) -> Iterator[ExportCheck]:
    for name, answer in found.items():
        height, width = answer.shape[:2]
        size = np.linalg.norm(expected[name].astype(np.float64))
        difference = np.linalg.norm(answer.astype(np.float64) - expected[name])
        error = 0.0 if difference == 0 else float(difference / size) if size else float("inf")
        if not error <= tolerance:
            raise _Unlike(
                "once wrapped it differs from its file: %s at %d x %d has a relative error of %.2g, above %.2g"
                % (name, height, width, error, tolerance)
            )
        yield ExportCheck(height, width, name, error)


def _remedy(file: onnxruntime.InferenceSession, wrapping: Wrapping, kind: str) -> str:
    """Return which multiple a file takes that refuses pictures of other sizes, as the end of a sentence."""
    for multiple in _MULTIPLES:
        if multiple % wrapping.multiple or multiple == wrapping.multiple:
            continue
        padded = dataclasses.replace(wrapping, multiple=multiple)
        try:
            for height, width in TRIAL_SIZES:
                by_hand(file, seeded_image("export/%dx%d" % (height, width), height, width), padded, kind)
        except Malformed:
            continue
        return "; it takes multiples of %d: write 'multiple_of: %d'" % (multiple, multiple)
    return ""


def _reason(error: Exception) -> str:
    """Return what an exception of ONNX Runtime says, without its codes and places."""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(_CODES, "", said)[:300]
