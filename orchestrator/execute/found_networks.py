"""Networks among files: ONNX files, and released checkpoints, which are known by the names of their files."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from orchestrator.datasets.raw.tree import PACKED
from orchestrator.execute.found import Findings, FoundEntrant, sayable
from orchestrator.spec.checkpoint import WHOLE, checkpoint_files, checkpoint_problem
from orchestrator.spec.library import Library
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_network import onnx_mistakes
from orchestrator.spec.problems import listed

_ONNX = ".onnx"
_WEIGHTS = (".pt", ".pth", ".ckpt", ".index", ".safetensors", ".h5", ".keras", ".tflite")
"""Ends of names of files that are often weights."""


def find_networks(files: Iterable[Path], findings: Findings, library: Library) -> None:
    """Add the networks among files, and say of weights and archives why they are not taken.

    Args:
        files: Absolute.
    """
    seen: set[Path] = set()
    for file in sorted(files):
        name = file.name.lower()
        if file in seen:
            continue
        if not sayable(file):
            if name.endswith((_ONNX, *_WEIGHTS)):
                findings.leave_out(ascii(str(file)), "its name is no UTF-8, and cannot stand in a file: rename it")
        elif name.endswith(_ONNX):
            _find_onnx(file, findings)
        elif model := _model_of(file, library):
            parts = checkpoint_files(file)
            seen |= set(parts.values())
            find_checkpoint(parts[WHOLE], model, findings, library)
        elif name.endswith(_WEIGHTS):
            known = listed(library.model_names)
            why = f"not known by its name: say whose it is with --checkpoint MODEL={file.name}; models are {known}"
            findings.leave_out(file, why)
        elif name.endswith(PACKED):
            why = "archives are not looked into: unpack it, or give a zip file of predictions with --predictions"
            findings.leave_out(file, why)


def _find_onnx(file: Path, findings: Findings) -> None:
    mistakes = list(onnx_mistakes(OnnxChoice(onnx=file, name="network"), file))
    if mistakes:
        _, words, hint = mistakes[0]
        findings.leave_out(file, words + (f": {hint}" if hint else ""))
        return
    name, title = findings.name(file.with_suffix(""), "network")
    findings.entrants.append(FoundEntrant(name, title, "onnx", file, "an ONNX network"))


def find_checkpoint(path: Path, model: str, findings: Findings, library: Library) -> None:
    """Add a checkpoint of a model, unless a part of it is missing.

    Args:
        path: Absolute: a file, one of several, or a folder.
    """
    wrong = checkpoint_problem(path) or _lacking(path, library.model(model).checkpoints)
    if wrong:
        findings.leave_out(path, wrong)
        return
    name, _ = findings.name(path.with_name(f"{model}-adopted"), model)
    findings.entrants.append(FoundEntrant(name, "", "checkpoint", path, f"a checkpoint of {model}", model))


def _model_of(file: Path, library: Library) -> str:
    """Return the model whose released checkpoints have files that are called so; empty where there is none."""
    names = library.model_names
    found = (name for name in names if any(fnmatchcase(file.name, one) for one in library.model(name).checkpoints))
    return next(found, "")


def _lacking(path: Path, patterns: tuple[str, ...]) -> str:
    """Return which files of a checkpoint of several are not there, in words; empty where it is whole."""
    names = [file.name for file in checkpoint_files(path).values()]
    if path.is_dir() or not any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
        return ""
    absent = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]
    return f"a part of it is missing: there is no {listed(absent)} that belongs to it" if absent else ""
