"""Whether an exported network and its answers are what the contract asks for; each rule yields what is wrong."""

from collections.abc import Iterator

import numpy as np

from orchestrator.conformance.answers import Wrong, picture_problems
from orchestrator.conformance.check_line import Outcome
from orchestrator.conformance.network_trial import EXPLAINED_BYTES, network_file
from orchestrator.spec.onnx_header import NotOnnx, TensorForm, onnx_header
from orchestrator.spec.plain_words import count
from orchestrator.store.store import Artifact
from stagekit import BadInput
from stagekit.results.apart import load_whole
from stagekit.results.dataset import DatasetFile
from stagekit.results.export import ExportFile
from stagekit.results.plan import SizePlan
from stagekit.results.predictions import PredictionsFile

TILED_SHARE_OF_RANGE = 2e-5
"""How far an answer in tiles may be from the whole picture's, in shares of its range: other shapes are summed in
another order."""

_TILED_MEMORY = 0.6
"""Of the memory that the largest picture wants for its maps, how much it gets, so that it goes in tiles."""


def parity_problems(exported: Artifact, tolerance: float) -> Iterator[Wrong]:
    """Yield what is wrong with how an export says that it compared the ONNX network with the native one."""
    try:
        found = load_whole(ExportFile, exported.output, exported.facts)
    except BadInput as error:
        yield error.message, "write it with netkit.onnx_checks.write_export_report"
        return
    remedy = "compare by netkit.onnx_checks.export_checks, and write what it returns"
    lacking = sorted(set(found.outputs) - {check.output for check in found.checks})
    if lacking:
        yield f"export.json says of no picture how far {', '.join(lacking)} is from the native network's", remedy
    beyond = [check for check in found.checks if not check.error <= tolerance]
    for check in beyond:
        words = f"{check.output} at {check.height} x {check.width} differs by {check.error:.2g}, above {tolerance:.2g}"
        yield words, "correct the export; or raise export_tolerance in the model spec, where that is all it can be"


def shape_problems(exported: Artifact) -> Iterator[Wrong]:
    """Yield what is wrong with the names and sides of the ONNX network's inputs and outputs."""
    try:
        header = onnx_header(network_file(exported))
    except (NotOnnx, OSError) as error:
        yield f"network.onnx {error}", "write it whole, by netkit.torch_export.export_network for PyTorch"
        return
    names = [form.name for form in header.inputs]
    if names != ["image"]:
        yield f"its inputs are {', '.join(names) or 'none'}", "name the one input 'image'"
    if "transmission" not in [form.name for form in header.outputs]:
        yield "it has no output 'transmission'", "name the picture without the reflection so"
    for form in header.inputs:
        yield from _sides(form)


def _sides(form: TensorForm) -> Iterator[Wrong]:
    shown = ["?" if side is None else str(side) for side in form.sides]
    if form.kind != "float32" or form.sides[:2] not in ((1, 3), (None, 3)) or len(shown) != 4:
        yield f"its input is {form.kind} of {' x '.join(shown)}", "take float32 of 1 x 3 x height x width, RGB, 0 to 1"
    elif form.sides[2:] != (None, None):
        words = f"its input is fixed to {' x '.join(shown[2:])} pixels"
        yield words, "leave height and width free: dynamic_axes of torch.onnx.export, as netkit.torch_export has them"


def tiled_memory(plan: SizePlan) -> int | None:
    """Return with how much memory the largest picture goes in tiles; None where it cannot be said."""
    if plan.budget_bytes is None or plan.peak_bytes is None:
        return None
    return EXPLAINED_BYTES - plan.budget_bytes + int(_TILED_MEMORY * plan.peak_bytes)


def place_problems(answered: Artifact, dataset: DatasetFile) -> Iterator[Wrong]:
    """Yield pictures that a network did not answer, or not at their own size."""
    found = PredictionsFile.load(answered.output)
    sizes = {item.id: f"{item.height} x {item.width}" for item in dataset.items}
    for one in found.failed or ():
        words = f"a picture of {sizes.get(one.name, one.name)} {one.reason}"
        yield words, "pad inside the graph and crop again: netkit.onnx_sizes.SizeRule says which sizes it takes"
    yield from picture_problems(answered, dataset)


def tiles_compared(tiled: Artifact, whole: Artifact, plan: SizePlan) -> tuple[Outcome, str, str | None]:
    """Return whether tiles gave what the whole pictures gave, in words, and a remedy."""
    furthest, same = 0.0, True
    names = sorted(name for name in whole.manifest.files if name.startswith("arrays/") and name in tiled.manifest.files)
    if not names:
        return "not checked", "it answers no picture both ways", None
    for name in names:
        one, other = np.load(tiled.output / name), np.load(whole.output / name)
        same = same and np.array_equal(one, other)
        spread = float(other.max() - other.min()) or 1.0
        furthest = max(furthest, float(np.abs(one - other).max()) / spread)
    how = _how(tiled, plan)
    if same:
        return "passed", f"the same bits; {how}", None
    words = f"up to {furthest:.1e} of an answer's range apart; {how}"
    if furthest <= TILED_SHARE_OF_RANGE:
        return "passed", words, None
    remedy = "look which operations go in tiles: sirr-orch infer --check network.onnx; and report it as a defect"
    return "failed", words, remedy


def _how(tiled: Artifact, plan: SizePlan) -> str:
    """Return how the largest picture went through."""
    if plan.not_tileable:
        op = plan.not_tileable[0].op
        return f"{op} cannot be computed in parts: whole here, and 'approximate: {op}' where memory does not suffice"
    found = load_whole(PredictionsFile, tiled.output, tiled.facts)
    last = found.items[-1].plan
    return "whole" if last is None else f"the largest in {count(last.segments, 'segment')}, {count(last.tiles, 'tile')}"
