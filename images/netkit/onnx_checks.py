"""Does an exported network answer as the native one?"""

from typing import Callable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import onnx
import onnxruntime

from netkit.seeded import seeded_image
from stagekit import StageContext, StageError
from stagekit.results.apart import save_apart
from stagekit.results.export import ExportCheck, ExportFile

CHECK_SIZES = ((64, 96), (90, 76), (77, 51), (23, 40))
"""(height, width) of the pictures that every export is checked with: even, not multiples of 4, odd, small."""

Native = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""A picture, float32 (H, W, 3) RGB in [0, 1], to the network's outputs by name, each of the picture's size."""


def export_checks(
    path: str,
    native: Native,
    tolerance: float,
    sizes: Sequence[Tuple[int, int]] = CHECK_SIZES,
    threads: Optional[int] = None,
) -> Tuple[ExportCheck, ...]:
    """Return how the outputs for fixed pictures compare.

    Args:
        path: An ONNX file after the project's contract, run on the host with ONNX Runtime.
        threads: That this takes.

    Raises:
        StageError: Where an error is above the tolerance or is not a number, or where an output has another size.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    checks: List[ExportCheck] = []
    for height, width in sizes:
        image = seeded_image("export/%dx%d" % (height, width), height, width)
        answers = session.run(names, {"image": np.ascontiguousarray(image.transpose(2, 0, 1)[None])})
        expected = native(image)
        for name, answer in zip(names, answers):
            found = answer[0].transpose(1, 2, 0)
            error = _relative_error(found, expected[name], name)
            if not error <= tolerance:
                raise StageError(
                    "the exported network differs from the native one: %s at %d x %d has a relative error of %.2g, "
                    "above %.2g" % (name, height, width, error, tolerance),
                    "check the weights: very large or infinite ones do this; else report it as a defect",
                )
            checks.append(ExportCheck(height, width, name, error))
    return tuple(checks)


def write_export_report(
    context: StageContext, path: str, checks: Tuple[ExportCheck, ...], tolerance: float, native: str
) -> None:
    """Write ``export.json``, what was measured beside it.

    Args:
        path: Of the network.
        native: Name and version of the framework that was compared with.
    """
    model = onnx.load(path)
    report = ExportFile(
        inputs=tuple(value.name for value in model.graph.input),
        outputs=tuple(value.name for value in model.graph.output),
        opset=max(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}),
        tolerance=tolerance,
        checks=checks,
        native=native,
    )
    save_apart(report, context.output(), context.facts())


def _relative_error(found: np.ndarray, expected: np.ndarray, name: str) -> float:
    if found.shape != expected.shape:
        raise StageError("output %s is %s and should be %s" % (name, found.shape, expected.shape))
    difference = np.linalg.norm(found.astype(np.float64) - expected)
    size = np.linalg.norm(expected.astype(np.float64))
    if difference == 0:
        return 0.0
    return float(difference / size) if size else float("inf")
