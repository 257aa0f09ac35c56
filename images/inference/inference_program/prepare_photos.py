"""The stage `prepare` of a user's own photographs: at their own depth, in strips, where networks take them from."""

from pathlib import Path

from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.preparation import Preparation
from orchestrator.photos.photo import ReadingLimits
from orchestrator.photos.photo_preparation import prepare_photos
from stagekit import StageContext
from stagekit.results.sources import SourcesFile

_PROCESS_BYTES = 250 * 2**20
"""Of the memory, what code, libraries and strips take."""


def prepare(context: StageContext) -> None:
    """Write the photographs that the stage's settings describe as a prepared dataset.

    Raises:
        BadInput: Where the settings describe no photographs, or files cannot be used.
        Interrupted: On request.
    """

    def step(done: int, total: int) -> None:
        context.progress(done, total, "pictures")
        if context.stop_requested:
            context.interrupt()

    preparation = Preparation(
        name=context.setting("name"),
        title=context.setting("title"),
        description=dataset_description(context.setting("dataset")),
        source=Path(context.input("source")),
        output=Path(context.request.output),
        work=Path(context.work()),
    )
    memory = context.request.memory_bytes
    room = ReadingLimits(Path(context.work()), None if memory is None else max(0, memory - _PROCESS_BYTES))
    done = prepare_photos(preparation, room, step, each_alone=bool(context.request.settings.get("each_alone")))
    for words in done.passed_over:
        context.warn(words)
    SourcesFile.of_files({"source": done.read}).save(context.facts(SourcesFile.FILE_NAME))
