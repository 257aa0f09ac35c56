"""The page of operations, made of what is proven: docs/reference/operations.md."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import defs

from orchestrator.infer.loading.model_file import OLDEST_OPSET
from tests.infer.proof import PROOFS
from tests.infer.proof.case import Proof, Refusal

_HEAD = """\
# ONNX operations that are computed in parts

Made from the proofs in `tests/infer/proof`: do not edit. A network whose operations all stand here goes through the
inference in tiles, in the memory there is, with the result of the whole picture. One that holds another operation, or
settings that are refused, runs whole, and is labelled `approximate` where it has to be blended; `sirr-orch infer
--check` names the node and the reason before anything runs.

Each row is tested in every operator set from {oldest} to {newest} in which the operation changed, with every attribute
that ONNX defines for it, on pictures and tiles of drawn sizes: against ONNX Runtime over the whole picture, and, where
the operation computes and ONNX's own evaluator is right, against double precision. An operation without such a row
cannot be registered. Files of operator sets 7 to 10 are converted first, by ONNX's own converter, which is right but
for resizing; that is set right here (`tests/netkit/test_older_sets.py`).

- **bit for bit**: in tiles as untiled, to the last bit.
- **within rounding**: up to 2e-6, relative and of the largest value. ONNX Runtime rounds by the size that it is given.
- **within 1e-5**: the weights of linear resizing come from exact positions, ONNX Runtime's from single precision.
- **as double precision has it**: within 2e-5 of the range, or no further off than ONNX Runtime itself, whose rounding
  is larger here.

| Operation | Operator sets | In parts | Agreement |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the whole page."""
    head = _HEAD.format(oldest=OLDEST_OPSET, newest=defs.onnx_opset_version())
    return head + "".join(f"{row}\n" for row in _rows()) + _refused()


def _rows() -> Iterator[str]:
    for proof in PROOFS:
        names = ", ".join(f"`{one}`" for one in proof.operations)
        yield f"| {names} | {_sets(*proof.sets)} | {proof.settings} | {proof.agreement} |"


def _sets(first: int, last: int) -> str:
    if last >= defs.onnx_opset_version():
        return "all" if first <= OLDEST_OPSET else f"from {first}"
    return f"{first} to {last}" if first < last else str(first)


def _refused() -> str:
    lines = [
        "\n## What is refused, and the words that say why\n",
        "| Operation | Settings | Operator sets | Words |",
        "| --- | --- | --- | --- |",
        *(_refusal(proof, refusal) for proof in PROOFS for refusal in proof.refused),
    ]
    return "\n".join(lines) + "\n"


def _refusal(proof: Proof, refusal: Refusal) -> str:
    names = ", ".join(f"`{one}`" for one in (refusal.operations or proof.operations))
    return f"| {names} | {refusal.what} | {_sets(*refusal.sets)} | … {refusal.why} … |"
