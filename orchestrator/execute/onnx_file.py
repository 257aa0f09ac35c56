"""An ONNX file that a command names: as it is where it keeps this project's contract, else wrapped first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import SpecError
from orchestrator.execute.run_stages import ExecutionRequest, executed_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.plan.wrapping import wrap_stage
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_header import NotOnnx, onnx_header
from orchestrator.spec.onnx_network import keeps_contract, onnx_mistakes, resolved_onnx
from orchestrator.spec.validation import validation_problems
from orchestrator.store.store import Store

_NAME = "network"


def declared_network(file: Path, values: Mapping[str, Any]) -> OnnxChoice | None:
    """Return what a command says of a network's file; None where it says nothing.

    Args:
        values: By the fields of an entrant in an experiment; those of None are not said.

    Raises:
        SpecError: Where one of them cannot be.
    """
    said = {name: value for name, value in values.items() if value is not None}
    if not said:
        return None
    try:
        return OnnxChoice.model_validate({"onnx": file.absolute(), "name": _NAME, **said})
    except ValidationError as error:
        words = "; ".join(problem.message for problem in validation_problems(error, OnnxChoice, None))
        raise SpecError(words, hint="see: sirr-orch infer --help") from error


def usable_network(
    file: Path, declared: OnnxChoice | None, request: ExecutionRequest, memory_bytes: int | None = None
) -> Path:
    """Return a network that inference takes: the file itself, or the folder in which it lies wrapped.

    What is no ONNX file is returned as it is: inference says what it is. Also raises what the stage raises.

    Args:
        memory_bytes: Of the stage that wraps it.

    Raises:
        SpecError: Where the file takes no pictures, or is not as it was declared.
        ImageNotBuilt: Where the image is not built.
    """
    try:
        header = onnx_header(file)
    except (NotOnnx, OSError):
        return file
    if declared is None and keeps_contract(header):
        return file
    choice = declared or OnnxChoice(onnx=file, name=_NAME)
    for _field, words, hint in onnx_mistakes(choice, file):
        raise SpecError(f"{file.name}: {words}", hint=hint)
    store = Store(request.store)
    stage = wrap_stage(resolved_onnx(choice, file), source_digest(store), memory_bytes=memory_bytes)
    planned = planned_stages([stage], store, "wrap", store.layout.logs("wrap"), "cpu")
    return executed_stages(planned, store, request)[stage.name].output
