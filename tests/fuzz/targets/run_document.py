"""Documents of runs, which come in packs of others: read, shown, and written again."""

import random
import tempfile
from pathlib import Path

from orchestrator.errors import StoreError
from orchestrator.store.document_files import RUN_FILE, document_bytes, load_document
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run
from tests.fuzz.mutation import changed_bytes, changed_json
from tests.fuzz.target import Scratch

EXECUTIONS = 300

_SCRATCH = Scratch()


def seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        keep_run(store, Path(folder))
        document = load_document(store.layout.run("first"))
    return [document.model_dump_json(exclude={"checksum"}).encode(), document_bytes(document)]


def fuzz_one(data: bytes) -> None:
    _SCRATCH.file(RUN_FILE, data)
    try:
        document = load_document(_SCRATCH.folder)
    except StoreError:
        return
    assert len(document.keys) <= len(document.stages)
    _SCRATCH.file(RUN_FILE, document_bytes(document))
    again = load_document(_SCRATCH.folder)
    assert document_bytes(again) == document_bytes(document)


def mutate(data: bytes, rng: random.Random) -> bytes:
    return changed_json(data, rng) if rng.random() < 0.8 else changed_bytes(data, rng)
