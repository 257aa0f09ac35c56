"""Datasets that were made uniform before: their files are taken as they are, each checked against the index."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, dataset_item
from orchestrator.datasets.description import UniformDescription
from orchestrator.datasets.progress_callback import ProgressCallback
from stagekit import BadInput
from stagekit.inside import inside

INDEX = "index.json"
SCHEMA = 1
LAYERS = ("blended", "transmission", "reflection")


def read_index(folder: Path) -> dict[str, Any]:
    """Return a prepared dataset's index.

    Raises:
        BadInput: Where there is none, or one of another version.
    """
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        schema = index["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder} holds no prepared dataset: {error}", "prepare it with: sirr-orch data") from error
    if schema != SCHEMA:
        raise BadInput(f"{folder / INDEX} is of version {schema}; this program reads {SCHEMA}", "prepare it again")
    return index


def prepared_uniform(
    uniform: UniformDescription, folder: Path, output: PictureFolder, progress: ProgressCallback
) -> PreparedDataset:
    """Return a uniform dataset; its files are copied byte for byte.

    Raises:
        BadInput: Where a file is not there or is not the one that was prepared: all of them are named.
    """
    index = read_index(folder)
    if index["role"] != uniform.role:
        raise BadInput(f"the dataset holds {index['role']}, not {uniform.role}", "correct the dataset's role")
    items, wrong = [], []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        copied = pool.map(lambda entry: list(_copied(folder, entry["layers"], output)), index["items"])
        for done, (entry, problems) in enumerate(zip(index["items"], copied, strict=True), 1):
            wrong += problems
            paths = {layer: picture["file"] for layer, picture in entry["layers"].items()}
            notes = tuple(entry["notes"])
            items.append(dataset_item(entry["id"], (entry["height"], entry["width"]), entry["origin"], notes, paths))
            progress(done, len(index["items"]))
    if wrong:
        named = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise BadInput(f"the prepared dataset was changed: {named}", "prepare it again with: sirr-orch data prepare")
    return PreparedDataset(index["role"], tuple(items), tuple(index["warnings"]), index["variant"]["text"])


def _copied(folder: Path, layers: Mapping[str, Mapping[str, str]], output: PictureFolder) -> Iterator[str]:
    """Copy an item's files; yield what is wrong with them."""
    for name, digest in {picture["file"]: picture["sha256"] for picture in layers.values()}.items():
        try:
            content = Path(inside(folder, name)).read_bytes()
        except BadInput as error:
            yield error.message
            continue
        except OSError as error:
            yield f"{name}: {error.strerror}"
            continue
        if hashlib.sha256(content).hexdigest() != digest:
            yield f"{name} has another content"
        else:
            output.take(name, content)
