"""Run documents, results and names that lead elsewhere or never end."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.store.layout import MANIFEST
from tests.hostile.guarded import Place
from tests.hostile.row import USAGE, Arguments, Row

_STORE = ("store-damaged",)
_OUTPUT = ("output-invalid",)
_COMMANDS = {
    "export": "export",
    "show": "runs show",
    "remove": "runs remove",
    "rename": "runs rename",
    "pack": "store pack",
}
_OUTSIDE = {
    "parent": "../../../decoys",
    "absolute": "/etc",
    "escape": "a\x1b[2J",
    "line-end": "a\nb",
    "long": "a" * 300,
    "markup": "<script>x</script>",
}


def recorded(change: Callable[[Any], None], place: Place) -> Arguments:
    """Spoil the document of a run, and report it."""
    path = place.copy("store") / "runs" / "first" / "run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    document.pop("checksum", None)
    path.chmod(0o644)
    path.write_text(json.dumps(document), encoding="utf-8")
    return ["report", "first", "--store", place.made / "store"]


def replaced(make: Callable[[Path], object], place: Place) -> Arguments:
    """Put something else in the place of a run's document, and show it."""
    path = place.copy("store") / "runs" / "first" / "run.json"
    path.unlink()
    make(path)
    return ["runs", "show", "first", "--store", place.made / "store"]


def left(stage: str, file: str, change: Callable[[Any], object], place: Place) -> Arguments:
    """Let a stage have left another document, with a manifest that fits, and report its run."""
    for manifest in (place.copy("store") / "artifacts").glob(f"*/*/{MANIFEST}"):
        told = json.loads(manifest.read_text())
        if told["stage"].startswith(stage):
            path = manifest.parent / "output" / file
            document = json.loads(path.read_text())
            changed = change(document)
            content = changed if isinstance(changed, bytes) else json.dumps(document).encode()
            path.chmod(0o644)
            path.write_bytes(content)
            told["files"][file] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            del told["sha256"]
            manifest.chmod(0o644)
            manifest.write_text(json.dumps(told))
    return ["report", "first", "--store", place.made / "store"]


def asked(words: tuple[str, ...], place: Place) -> Arguments:
    """Ask a command by an odd name."""
    place.copy("store")
    return [*words, "--store", place.made / "store"]


def rows() -> Iterator[Row]:
    """Yield what records and names may be."""
    yield from _documents()
    yield from _results()
    yield from _names()


def _stage(field: str, value: object, document: Any) -> None:
    document["stages"][0][field] = value


def _source(value: object, document: Any) -> None:
    stage = next(stage for stage in document["stages"] if stage["sources"])
    next(iter(stage["sources"].values()))["file"] = value


def _first(group: str, field: str, value: object, document: Any) -> None:
    document[group][0][field] = value


_SETTERS: dict[str, Callable[[object, Any], None]] = {
    "key": partial(_stage, "key"),
    "stage": partial(_stage, "name"),
    "source": _source,
    "label": partial(_first, "entrants", "label"),
    "dataset": partial(_first, "datasets", "name"),
}


def _documents() -> Iterator[Row]:
    for field, setter in _SETTERS.items():
        for word, value in _OUTSIDE.items():
            if field == "stage" and word == "markup":
                continue  # words of a plain path, shown as words
            make = partial(recorded, partial(setter, value))
            yield Row(
                f"record-{field}-{word}",
                f"name a {field} in a way that leads elsewhere ({word})",
                "report",
                make,
                "record of run 'first'",
                _STORE,
            )
    contents = {"empty": b"", "zeros": bytes(500), "deep": b"[" * 100_000, "list": b"[]", "no-text": b"\xff" * 9}
    for word, content in contents.items():
        make = partial(replaced, lambda path, content=content: path.write_bytes(content))
        yield Row(f"record-{word}", f"be {word} in place of a run's document", "runs show", make, "first", _STORE)
    things: dict[str, Callable[[Path], object]] = {
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/zero"),
        "folder": Path.mkdir,
        "secret": lambda path: path.symlink_to("../../../../../../decoys/decoy.txt"),
    }
    for word, thing in things.items():
        make = partial(replaced, thing)
        yield Row(f"record-is-{word}", f"be a {word} in place of a run's document", "runs show", make, "first", _STORE)


def _results() -> Iterator[Row]:
    def item(field: str, value: object, document: Any) -> None:
        document["items"][1][field] = value

    def field(name: str, value: object, document: Any) -> None:
        document[name] = value

    def raw(content: bytes, _document: Any) -> bytes:
        return content

    cases: dict[str, tuple[str, str, Callable[[Any], object]]] = {
        "prediction-id-parent": ("infer/", "predictions.json", partial(item, "id", "../../decoys/decoy")),
        "prediction-id-escape": ("infer/", "predictions.json", partial(item, "id", "a\x1b[2J")),
        "prediction-parent": (
            "infer/",
            "predictions.json",
            partial(item, "transmission", "../../../../../../../decoys/decoy.png"),
        ),
        "prediction-absolute": ("infer/", "predictions.json", partial(item, "transmission", "/etc/hostname")),
        "prediction-missing": ("infer/", "predictions.json", partial(item, "transmission", "transmission/nothing.png")),
        "prediction-text": ("infer/", "predictions.json", partial(item, "transmission", "predictions.json")),
        "prediction-height": ("infer/", "predictions.json", partial(item, "height", -(2**70))),
        "prediction-seconds": ("infer/", "predictions.json", partial(item, "seconds", "1e999")),
        "prediction-items": ("infer/", "predictions.json", partial(field, "items", {})),
        "dataset-file-parent": (
            "prepare/",
            "dataset.json",
            partial(item, "blended", "../../../../../../../decoys/decoy.png"),
        ),
        "dataset-id-folders": ("prepare/", "dataset.json", partial(item, "id", "a/b")),
        "dataset-role": ("prepare/", "dataset.json", partial(field, "role", "<script>")),
        "scores-text": ("evaluate/", "scores.json", partial(item, "psnr", "20 or so")),
        "scores-nan": ("evaluate/", "scores.json", partial(raw, b'{"model": NaN, "items": [NaN]}')),
        "scores-endless": ("evaluate/", "scores.json", partial(raw, b'{"model": 1e99999}')),
        "scores-digits": ("evaluate/", "scores.json", partial(raw, b'{"items": [' + b"9" * 10**6 + b"]}")),
        "scores-deep": ("evaluate/", "scores.json", partial(raw, b"[" * 200_000)),
        "scores-no-text": ("evaluate/", "scores.json", partial(raw, b"\xff\xfe")),
        "export-outputs": ("export/", "export.json", partial(field, "outputs", "transmission")),
        "export-checks": ("export/", "export.json", partial(field, "checks", [{"height": "many"}])),
        "curves-steps": ("train/", "curves.json", partial(field, "steps", [{"step": "first"}])),
        "train-steps": ("train/", "train.json", partial(field, "steps", -1)),
        "adopt-tensors": ("adopt/", "adopt.json", partial(field, "tensors", [])),
    }
    for word, (stage, file, change) in cases.items():
        make = partial(left, stage, file, change)
        yield Row(f"result-{word}", f"leave a {file} that is wrong ({word})", "report", make, file, _OUTPUT)
    harmless: dict[str, tuple[str, str, Callable[[Any], object]]] = {
        "origin-escape": ("prepare/", "dataset.json", partial(item, "origin", "a\x1b[2J\u202e<script>.png")),
        "warning-escape": ("infer/", "predictions.json", partial(field, "warnings", ["\x1b]0;title\x07<script>"])),
    }
    for word, (stage, file, change) in harmless.items():
        make = partial(left, stage, file, change)
        yield Row(f"result-{word}", f"speak to terminal or page by a {file}", "report", make, "report", ())


def _names() -> Iterator[Row]:
    for word, value in _OUTSIDE.items():
        yield Row(
            f"name-report-{word}",
            f"name a run that leads elsewhere ({word})",
            "report",
            partial(asked, ("report", value)),
            "",
            ("spec-invalid",),
        )
    for word in ("parent", "absolute", "escape"):
        value = _OUTSIDE[word]
        commands = {
            "export": ("export", f"{value}/errnet2019", "--out", "out"),
            "show": ("runs", "show", value),
            "remove": ("runs", "remove", value, "--yes"),
            "rename": ("runs", "rename", "first", value),
            "pack": ("store", "pack", value, "pack.tar"),
        }
        for command, words in commands.items():
            yield Row(
                f"name-{command}-{word}",
                f"name a run that leads elsewhere ({word})",
                _COMMANDS[command],
                partial(asked, words),
                "",
                ("spec-invalid",),
            )
    yield Row(
        "name-dataset",
        "name a dataset that leads elsewhere (parent)",
        "data check",
        lambda _place: ["data", "check", "../decoys"],
        "",
        ("spec-invalid", "input-invalid"),
    )
    yield Row(
        "name-added",
        "name a dataset that leads elsewhere (parent)",
        "data add",
        lambda place: ["data", "add", place.given, "--name", "../decoys"],
        "",
        USAGE,
    )
