"""An ONNX file that a command names: as it is where it keeps this project's contract, else wrapped first."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import InputInvalid, SirrError, SpecError
from orchestrator.execute.events import Event, Failed, Listener, StateChanged
from orchestrator.execute.run_stages import ExecutionRequest, executed_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.plan.wrapping import wrap_stage
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_header import NotOnnx, OnnxHeader, onnx_header
from orchestrator.spec.onnx_network import (
    channel_mistakes,
    keeps_contract,
    onnx_mistakes,
    resolved_onnx,
    taken_in_words,
)
from orchestrator.spec.validation import validation_problems
from orchestrator.store.store import Store

_NAME = "network"

_ALONE = "range|output_range|channels|further_channels|multiple_of|residual|free_size"
_WITH_VALUE = f"input|output|{_ALONE}"
_SAID_IN_A_FILE = re.compile(rf"^'({_WITH_VALUE})'|'(?:({_WITH_VALUE}):(?: ([^']*))?|({_ALONE}))'")
"""A field of an entrant with its value or without; 'input' and 'output' alone may be names inside of the network."""

_FIELD_FIRST = re.compile(rf"^({_WITH_VALUE})(?:\[\d+\])?(?=[ :])")
"""A field that a problem begins with, and which of its numbers it is about."""

_SIZES = re.compile(r"it takes multiples of (\d+): .*")


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
        problems = [problem.message for problem in validation_problems(error, OnnxChoice, None)]
        words = "; ".join(_as_options(_FIELD_FIRST.sub(r"'\1'", words, count=1)) for words in problems)
        raise SpecError(words, hint="see: sirr-orch infer --help") from error


def usable_network(
    file: Path, declared: OnnxChoice | None, request: ExecutionRequest, memory_bytes: int | None = None
) -> Path:
    """Return a network that inference takes: the file itself, or the folder in which it lies wrapped.

    Where the trial shows that it takes multiples of some number of pixels alone, and nothing was declared of that, they
    are declared for it, and that is said. Also raises what the stage raises.

    Args:
        memory_bytes: Of the stage that wraps it.

    Raises:
        SpecError: Where the file takes no pictures, or is not as it was declared.
        InputInvalid: Where it is no ONNX file.
        ImageNotBuilt: Where the image is not built.
    """
    try:
        header = onnx_header(file)
    except NotOnnx as error:
        raise InputInvalid(f"{file.name} {error}", where=str(file), hint="name the file of an ONNX network") from error
    except OSError:
        return file
    if declared is None and keeps_contract(header):
        _refuse_other_channels(file, header)
        return file
    choice = declared or OnnxChoice(onnx=file, name=_NAME)
    for _field, words, hint in onnx_mistakes(choice, file):
        raise SpecError(f"{file.name}: {words}", hint=hint and _as_options(hint))
    if taken := taken_in_words(resolved_onnx(choice, file)):
        request.say(taken)
    try:
        return _fitted(file, choice, request, memory_bytes)
    except InputInvalid as error:
        hint = "change the file, or what is said of it by the options of: sirr-orch infer --help"
        raise InputInvalid(_as_options(error.message), where=error.where, hint=hint) from error


def _refuse_other_channels(file: Path, header: OnnxHeader) -> None:
    """Refuse a file that can be taken as it is, but for its input's channels, before pictures are prepared for it.

    Raises:
        SpecError: Where it takes others than red, green and blue, with the options that help.
    """
    for words, hint in channel_mistakes(OnnxChoice(onnx=file, name=_NAME), header.inputs[0]):
        raise SpecError(f"{file.name}: {words}", hint=hint and _as_options(hint))


def _fitted(file: Path, choice: OnnxChoice, request: ExecutionRequest, memory_bytes: int | None) -> Path:
    """Return what `_wrapped` does; where nothing was declared of multiples, with those that its trial finds."""
    if "multiple_of" in choice.model_fields_set:
        return _wrapped(file, choice, request, memory_bytes)
    trial = _Trial(request.listener)
    try:
        return _wrapped(file, choice, replace(request, listener=trial), memory_bytes)
    except SirrError as error:
        found = _SIZES.search(error.message) if isinstance(error, InputInvalid) else None
        trial.settle(again=found is not None)
        if found is None:
            raise
    request.say(
        f"{file.name} takes multiples of {found[1]} pixels alone, so it is taken with "
        f"--multiple-of {found[1]}: last row and column are repeated, and answers cropped"
    )
    return _wrapped(file, choice.model_copy(update={"multiple_of": int(found[1])}), request, memory_bytes)


class _Trial:
    """Passes on what becomes of a stage but for its failure: only then is it known whether that is the end."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._failure: list[Event] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Failed() | StateChanged(state="failed"):
                self._failure.append(event)
            case _:
                self._listener(event)

    def settle(self, *, again: bool) -> None:
        """Tell what was held back, or that the stage is tried again."""
        for event in self._failure:
            if not again:
                self._listener(event)
            elif isinstance(event, StateChanged):
                self._listener(StateChanged(event.stage, "waiting"))


def _wrapped(file: Path, choice: OnnxChoice, request: ExecutionRequest, memory_bytes: int | None) -> Path:
    """Return the folder of a file's network with what is said of it put around it."""
    store = Store(request.store)
    stage = wrap_stage(resolved_onnx(choice, file), source_digest(store), memory_bytes=memory_bytes)
    planned = planned_stages([stage], store, "wrap", store.layout.logs("wrap"), "cpu")
    return executed_stages(planned, store, request)[stage.name].output


def helpful_options(file: Path, request: ExecutionRequest, memory_bytes: int | None = None) -> str | None:
    """Return which options make a file usable that inference took as it is and refused, as a hint; None for none.

    Its header tells, or else how it answers the pictures that other files are tried with.

    Args:
        memory_bytes: Of the stage that tries it.
    """
    try:
        if not keeps_contract(onnx_header(file)):
            return None
    except (NotOnnx, OSError):
        return None
    choice = OnnxChoice(onnx=file, name=_NAME)
    for _field, _words, hint in onnx_mistakes(choice, file):
        return hint and _as_options(hint)
    unheard = replace(request, listener=lambda _event: None, say=lambda _words: None)
    try:
        _wrapped(file, choice, unheard, memory_bytes)
    except InputInvalid as error:
        found = _SIZES.search(_as_options(error.message))
        return found[0] if found else None
    return None


def _as_options(words: str) -> str:
    """Return what is said of an experiment's fields as the options of a command."""

    def option(found: re.Match[str]) -> str:
        name = f"--{(found[1] or found[2] or found[4]).replace('_', '-')}"
        value = (found[3] or "").strip("[]").replace(", ", ",")
        return name if value in {"", "true"} else f"{name} {value}"

    return _SAID_IN_A_FILE.sub(option, words)
